"""Reader of IDX, the array format in which MNIST and its siblings are published."""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_GZIP_MAGIC = b"\x1f\x8b"

_DTYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype(np.uint8),
    0x09: np.dtype(np.int8),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}


def read_idx(path: str | os.PathLike[str]) -> npt.NDArray[Any]:
    """The array stored in an IDX file, in the machine's byte order; gzip is recognised by content.

    The format: two zero bytes, one byte for the type, one for the number of dimensions, each
    dimension as a big-endian 32-bit integer, then the values in C order, big-endian
    (Y. LeCun, C. Cortes, C. Burges, *The MNIST database of handwritten digits*).

    Raises FileNotFoundError for a missing file and ValueError, with the file and what was expected,
    for one that is damaged, cut short, too long, or not IDX at all.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "labels.idx")
    ...     _ = file.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
    ...     read_idx(file)
    array([7, 2, 1], dtype=uint8)
    """
    content = _decompressed(Path(path))
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _DTYPES:
        raise ValueError(
            f"{path} is not an IDX file: expected it to begin with 00 00, a known type byte and "
            f"the number of dimensions, found {content[:4].hex(' ') or 'nothing'}"
        )
    dtype, ndim = _DTYPES[content[2]], content[3]
    start = 4 + 4 * ndim
    if len(content) < start:
        raise ValueError(
            f"{path} is truncated: the header of {ndim} dimensions takes {start} bytes, "
            f"found {len(content)}"
        )
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", ndim, offset=4))
    expected, found = math.prod(shape) * dtype.itemsize, len(content) - start
    if found != expected:
        raise ValueError(
            f"{path} is {'truncated' if found < expected else 'too long'}: its header promises "
            f"{expected} bytes for shape {shape} of {dtype.name}, found {found}"
        )
    values = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return values.astype(dtype.newbyteorder("="))


def _decompressed(path: Path) -> bytes:
    content = path.read_bytes()
    if not content.startswith(_GZIP_MAGIC):
        return content
    try:
        return gzip.decompress(content)
    except EOFError as error:
        raise ValueError(
            f"{path} is truncated: its gzip stream of {len(content)} bytes ends early"
        ) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path} is corrupt: its gzip stream cannot be read ({error})") from error
