"""Where downloaded data are kept."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """The folder for downloaded data; it need not exist yet.

    `$TINYGRAD_LITE_CACHE` if set, else `tinygrad_lite` in `$XDG_CACHE_HOME`, else in `~/.cache`
    (XDG Base Directory Specification, which also says that a relative path there is ignored).

    >>> import os
    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ, {"TINYGRAD_LITE_CACHE": "somewhere"}):
    ...     cache_folder().name
    'somewhere'
    """
    own = os.environ.get("TINYGRAD_LITE_CACHE")
    if own:
        return Path(own).expanduser()
    shared = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (shared if shared.is_absolute() else Path.home() / ".cache") / "tinygrad_lite"
