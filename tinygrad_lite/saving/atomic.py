"""Files that are replaced as a whole: a crash leaves either the old contents or the new."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A path beside ``path`` to write to, which takes its place when the block ends well.

    The contents are on the disk before the name changes over to them, and have the mode of the old
    file. After an error the temporary file is removed and the old file stands.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(f"{folder}/notes.txt") as temporary:
    ...         _ = temporary.write_text("all of it")
    ...     (Path(folder) / "notes.txt").read_text()
    'all of it'
    """
    target = Path(path).resolve()  # of a link the file that it points to is replaced
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {target.parent} to write {target.name} to")
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
    try:
        if mode is not None:
            temporary.touch(0o600)  # nobody else reads what is on its way to a private file
        yield temporary
        _flush(temporary)
        if mode is not None:
            temporary.chmod(mode)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    _flush(target.parent)


def sweep(path: str | os.PathLike[str]) -> None:
    """Remove what killed processes left half-written beside ``path``."""
    target = Path(path).resolve()
    for leftover in target.parent.glob(f".{escape(target.name)}.????????.partial"):
        leftover.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    """Have the disk write what the system still holds of a file or of a folder's names."""
    if path.is_dir() and os.name == "nt":
        return  # Windows opens no folders
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
