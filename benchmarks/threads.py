"""One thread setting for every library, which has to be made before any of them is imported."""

from __future__ import annotations

import os

VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
    "CPU_COUNT",
)


def available_cores() -> int:
    """The number of cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def default_threads() -> int:
    """Two threads, as most small machines have, or one where there is only one core."""
    return min(2, available_cores())


def limit_threads(count: int) -> None:
    """Let every library use `count` threads at most; a ValueError if there are not so many cores.

    The environment covers BLAS and OpenMP. Libraries with a pool of their own (XLA) size it by
    the cores they may run on, so the process is also held to that many cores where the system
    can do so.
    """
    if not 1 <= count <= available_cores():  # beyond, each library would make of it what it likes
        raise ValueError(f"threads: from 1 to {available_cores()}, the cores here; got {count}")
    os.environ.update(dict.fromkeys(VARIABLES, str(count)))
    os.environ["JAX_PLATFORMS"] = "cpu"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def thread_limit() -> int:
    """The limit that is in force."""
    return int(os.environ.get("OMP_NUM_THREADS") or available_cores())
