"""The IDX reader: every type and rank, plain and gzipped, and an answer to every kind of damage."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from tinygrad_lite.data import read_idx

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx(array: np.ndarray) -> bytes:
    code = CODES[array.dtype.str[1:]]
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("shape", [(5,), (2, 3), (2, 3, 4), (0, 3), ()])
@pytest.mark.parametrize("packed", [False, True])
def test_reads_what_was_written(
    tmp_path: Path, rng: np.random.Generator, code: str, shape: tuple[int, ...], packed: bool
) -> None:
    array = rng.integers(0, 100, shape).astype(code)
    file = tmp_path / "array"
    file.write_bytes(gzip.compress(idx(array)) if packed else idx(array))
    read = read_idx(file)
    assert read.dtype == array.dtype and read.dtype.isnative
    np.testing.assert_array_equal(read, array)
    read[...] = 1  # the caller owns it


LABELS = idx(np.arange(100, dtype=np.uint8))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "not an IDX file.*found nothing"),
        (b"\0\0\x08", "not an IDX file.*found 00 00 08"),
        (b"\0\1" + LABELS[2:], "not an IDX file.*found 00 01 08 01"),
        (b"\0\0\x0a" + LABELS[3:], "not an IDX file.*found 00 00 0a 01"),
        (b"<html>not found</html>", "not an IDX file"),
        (LABELS[:6], "truncated: the header of 1 dimensions takes 8 bytes, found 6"),
        (LABELS[:-1], r"truncated: its header promises 100 bytes.*\(100,\) of uint8, found 99"),
        (LABELS + b"\0", "too long: its header promises 100 bytes.*found 101"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "truncated: its header promises"),
        (gzip.compress(LABELS)[:-12], "truncated: its gzip stream"),
        (gzip.compress(LABELS[:-1]), "truncated: its header promises 100 bytes"),
        (b"\x1f\x8b" + b"nonsense" * 4, "corrupt: its gzip stream cannot be read"),
    ],
)
def test_damage_is_an_error_that_names_the_file(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    file = tmp_path / "damaged-file"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=f"damaged-file is {complaint}"):
        read_idx(file)


def test_a_flipped_bit_in_a_gzip_stream_never_gives_wrong_values(tmp_path: Path) -> None:
    array = np.arange(100, dtype=np.uint8)
    packed = gzip.compress(idx(array), mtime=0)
    file = tmp_path / "flipped"
    complaints = []
    for bit in range(8 * len(packed)):
        damaged = bytearray(packed)
        damaged[bit // 8] ^= 1 << bit % 8
        file.write_bytes(damaged)
        try:
            # A time stamp or a padding bit may be flipped without harm.
            np.testing.assert_array_equal(read_idx(file), array)
        except ValueError as error:
            complaints.append(str(error))
    assert len(complaints) > 0.9 * 8 * (len(packed) - 10)
    assert all(str(file) in complaint for complaint in complaints)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_idx(tmp_path / "nowhere")
