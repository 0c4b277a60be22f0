"""State as an npz file, NumPy's zip of arrays, without pickle."""

from __future__ import annotations

import math
import os
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from tinygrad_lite.saving.structure import Array, Arrays, Unsupported, checksum

_NOTE = "structure.json"  # the member that holds the structure
_SUM = b"tinygrad_lite crc32 "  # the archive's comment: a member that is lost is noticed by it
_LONGEST = 2**16 - 1  # bytes in a member's name
_EXPANSION = 1032  # deflate makes no more of a byte: two of 258 zeros, each in a bit
_ONE_DATE = (1980, 1, 1, 0, 0, 0)  # the same state gives the same file


def write(path: Path, arrays: Arrays, structure: str | None) -> None:
    """Write the arrays and the note of their structure, uncompressed.

    Raises ValueError for a name that a zip archive would cut off or has no room for.
    """
    for name in arrays:
        if "\0" in name or len(f"{name}.npy".encode()) > _LONGEST:
            raise ValueError(
                f"an array in an npz file cannot have the name {name[:60]!r}, of {len(name)} "
                f"characters: it must be without NUL and have at most {_LONGEST - 4} bytes"
            )
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy", _ONE_DATE)
            with archive.open(entry, "w", force_zip64=True) as member:
                npy.write_array(member, array, allow_pickle=False)
        if structure is not None:
            archive.writestr(zipfile.ZipInfo(_NOTE, _ONE_DATE), structure)
        archive.comment = _SUM + checksum(arrays, structure).encode()


def read(path: Path) -> tuple[Arrays, str | None]:
    """The arrays in the file and the note of their structure; ValueError if it is damaged."""
    arrays: Arrays = {}
    structure = None
    try:
        with zipfile.ZipFile(path) as archive:
            comment = archive.comment
            members = archive.infolist()
            _check(members, path.stat().st_size)
            for member in members:
                with archive.open(member) as file:
                    if member.filename == _NOTE:
                        structure = file.read().decode()
                    else:
                        arrays[member.filename.removesuffix(".npy")] = _array(file, member)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
        raise ValueError(f"{error} (as an npz file)") from error
    if not _ends_with(path, struct.pack("<H", len(comment)) + comment):
        raise ValueError("its end is missing")
    if comment.startswith(_SUM) and comment != _SUM + checksum(arrays, structure).encode():
        raise ValueError("its contents do not match their checksum")
    return arrays, structure


def _ends_with(path: Path, end: bytes) -> bool:
    with path.open("rb") as file:
        file.seek(-len(end), os.SEEK_END)
        return file.read() == end


def _check(members: list[zipfile.ZipInfo], size: int) -> None:
    """Refuse archives that unpack to far more than they are, and names that hide one another."""
    unpacked = sum(member.file_size for member in members)
    if unpacked > _EXPANSION * size:
        raise ValueError(f"its {size} bytes claim to unpack to {unpacked}")
    seen = set()
    for member in members:
        name = member.filename
        if name != _NOTE and not name.endswith(".npy"):
            raise ValueError(f"it holds {name!r}, which is no array")
        if name in seen:
            raise ValueError(f"it holds {name!r} twice")
        seen.add(name)


def _array(file: IO[bytes], member: zipfile.ZipInfo) -> Array:
    """Read one array, after its header was checked against the bytes that there are."""
    version = npy.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"{member.filename} has the unknown npy version {version}")
    read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read_header(file)
    if dtype.kind not in "fiubc":
        raise Unsupported(
            f"{member.filename} holds {dtype}, not numbers of a dtype that NumPy itself has"
        )
    length = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or length != member.file_size - file.tell():
        raise ValueError(
            f"{member.filename} is to hold {dtype} of shape {shape}, but has "
            f"{member.file_size - file.tell()} bytes"
        )
    array = np.frombuffer(bytearray(file.read()), dtype).reshape(
        shape, order="F" if fortran else "C"
    )
    return array.astype(dtype.newbyteorder("="), order="C", copy=False)
