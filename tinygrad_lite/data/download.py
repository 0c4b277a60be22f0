"""Download of one file from the first mirror that delivers it whole, with a progress bar."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def download(name: str, folder: Path, mirrors: Sequence[str], sha256: str) -> Path:
    """The path of `name` in `folder`, fetched from the mirrors in turn, checked before it appears.

    Raises ImportError when the `data` extra is not installed, ConnectionError with the reason of
    every mirror when none of them delivers the file with the expected checksum.
    """
    try:
        import pooch
        import tqdm  # noqa: F401 - pooch draws its progress bar with it
    except ImportError as error:
        raise ImportError(
            f"downloading needs pooch and tqdm ({error.name} is missing): "
            "pip install 'tinygrad_lite[data]'"
        ) from error
    failures = []
    for mirror in mirrors:
        url = f"{mirror.rstrip('/')}/{name}"
        try:
            pooch.retrieve(url, f"sha256:{sha256}", fname=name, path=folder, progressbar=True)
        except (OSError, ValueError) as error:  # unreachable or refused; wrong checksum
            failures.append(f"  {url}: {error}")
        else:
            return folder / name
    raise ConnectionError(
        f"no mirror delivered {name} with SHA-256 {sha256}; when there is a connection, try again, "
        f"or put the file into {folder} by hand:\n" + "\n".join(failures)
    )
