"""What the tests share: Hypothesis profiles, seeds, and what a machine may be missing."""

from __future__ import annotations

import importlib.util
import os
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tinygrad_lite as tg

ROOT = Path(__file__).resolve().parent.parent

# Figures go to files: no test opens a window.
os.environ.setdefault("MPLBACKEND", "Agg")


def load_hypothesis_profile() -> None:
    """Load the profile HYPOTHESIS_PROFILE names: by default `ci` where CI is set, else `dev`."""
    if importlib.util.find_spec("hypothesis") is None:
        return
    from hypothesis import HealthCheck, settings

    # No deadline: how long one example takes says more about the machine than about the code.
    settings.register_profile("dev", deadline=None, max_examples=50)
    settings.register_profile(
        "ci", deadline=None, max_examples=50, derandomize=True, database=None, print_blob=True
    )
    settings.register_profile(
        "fuzz",
        deadline=None,
        max_examples=2_000,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile(
        os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev")
    )


load_hypothesis_profile()


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """A number of the test's own, the same in every run until TEST_SEED is set to another one."""
    start = int(os.environ.get("TEST_SEED", "0"))
    return zlib.crc32(request.node.nodeid.encode(), start)


@pytest.fixture
def rng(seed: int) -> np.random.Generator:
    """A NumPy Generator that starts from `seed`."""
    return np.random.default_rng(seed)


@pytest.fixture(autouse=True)
def seeded_library() -> None:
    """The library's default generator starts at the same place in every test."""
    tg.manual_seed(int(os.environ.get("TEST_SEED", "0")))


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """A function from a name (`"mnist"`) to the folder of that data set; skips where there is none.

    Data sets too large for the repository live in `shared/data` beside the checkout, or in the
    folder that SHARED_DATA names.
    """

    def find(name: str) -> Path:
        folder = Path(os.environ.get("SHARED_DATA", ROOT.parent / "shared" / "data")) / name
        if not folder.is_dir():
            pytest.skip(f"the {name} data are not in {folder.parent} (SHARED_DATA names another)")
        return folder

    return find


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium for Playwright to start; skips where either is missing."""
    pytest.importorskip("playwright", reason="Playwright is missing: scripts/test --browser")
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    pytest.skip("no Chromium on this machine: scripts/test --browser installs one")
