"""The scripts that people and CI run: they start anywhere and explain themselves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BASH = shutil.which("bash")
COMMANDS = sorted(
    path for path in (ROOT / "scripts").iterdir() if path.is_file() and not path.suffix
)
SHELL = [*COMMANDS, ROOT / "scripts" / "lib.sh", ROOT / ".ci" / "run"]

pytestmark = pytest.mark.skipif(BASH is None, reason="the scripts are for bash")


def run(*command: str | Path, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, **options
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of nothing but the scripts, in a folder with a space in its name."""
    root = tmp_path / "a checkout"
    shutil.copytree(ROOT / "scripts", root / "scripts")
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


def test_the_promised_scripts_are_there():
    assert {path.name for path in COMMANDS} >= {"setup", "demo", "test", "check", "fuzz"}


@pytest.mark.parametrize("script", SHELL, ids=lambda path: path.name)
def test_is_valid_bash(script: Path):
    assert run(BASH, "-n", script).stderr == ""


@pytest.mark.parametrize("script", [*COMMANDS, ROOT / ".ci" / "run"], ids=lambda path: path.name)
def test_is_executable_and_stops_at_the_first_error(script: Path):
    lines = script.read_text().splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert "set -euo pipefail" in lines
    assert os.access(script, os.X_OK)


@pytest.mark.parametrize("name", [path.name for path in COMMANDS])
def test_help_is_shown_from_anywhere_and_installs_nothing(
    name: str, checkout: Path, tmp_path: Path
):
    result = run(checkout / "scripts" / name, "--help", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert f"usage: scripts/{name}" in result.stdout
    assert "set -e" not in result.stdout
    assert not (checkout / ".venv").exists()


def test_setup_refuses_an_unknown_part(checkout: Path):
    result = run(checkout / "scripts" / "setup", "everything")
    assert result.returncode == 2
    assert "unknown part: everything" in result.stderr


def test_setup_says_when_python_is_too_old(checkout: Path):
    old = checkout / "python3.9"
    pretend = "import sys; sys.version_info = (3, 9); exec(sys.argv[1])"
    old.write_text(f"#!/usr/bin/env bash\nexec '{sys.executable}' -c '{pretend}' \"$2\"\n")
    old.chmod(0o755)
    result = run(checkout / "scripts" / "setup", env={**os.environ, "PYTHON": str(old)})
    assert result.returncode == 1
    assert "needs Python 3.10 or later" in result.stderr
    assert "PYTHON=" in result.stderr
    assert not (checkout / ".venv").exists()
