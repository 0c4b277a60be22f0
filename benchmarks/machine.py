"""A description of the machine, the versions of the libraries, and the date."""

from __future__ import annotations

import os
import platform
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from benchmarks.threads import thread_limit

LIBRARIES = (
    "numpy",
    "tinygrad_lite",
    "torch",
    "jax",
    "jaxlib",
    "autograd",
    "mygrad",
    "micrograd",
    "tinygrad",
)


def describe_machine() -> dict[str, str]:
    """What a reader needs to know to judge the numbers, as names and values."""
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "threads": str(thread_limit()),
        "load at the start": load,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "blas": _blas(),
    }


def library_versions() -> dict[str, str]:
    """The versions of those libraries that are installed."""
    return {library: found for library in LIBRARIES if (found := _version(library))}


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _blas() -> str:
    configuration = np.show_config(mode="dicts")
    assert isinstance(configuration, dict)
    blas = configuration["Build Dependencies"]["blas"]
    return f"{blas.get('name')} {blas.get('version')}"
