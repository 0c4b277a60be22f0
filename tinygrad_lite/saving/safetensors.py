"""State as a safetensors file, by the library of that name."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np

from tinygrad_lite.saving.structure import Arrays, Unsupported, checksum

# Keys in the file's metadata: the structure, and a checksum, which the format itself lacks.
_NOTE, _SUM = "tinygrad_lite.structure", "tinygrad_lite.crc32"

_RESERVED = "__metadata__"


def write(path: Path, arrays: Arrays, structure: str | None) -> None:
    """Write contiguous arrays and the note of their structure.

    Raises TypeError for a dtype that the format does not know, ValueError for the name that it
    keeps for itself, and ImportError without the library.
    """
    library = _library()
    if _RESERVED in arrays:
        raise ValueError(f"safetensors keeps the name {_RESERVED!r} for itself; save it as .npz")
    strange = {name: a.dtype for name, a in arrays.items() if a.dtype.type not in _DTYPES}
    if strange:
        name, dtype = next(iter(strange.items()))
        raise TypeError(f"safetensors has no dtype {dtype}, which {name!r} has; save it as .npz")
    metadata = {_SUM: checksum(arrays, structure)}
    if structure is not None:
        metadata[_NOTE] = structure
    path.write_bytes(library.numpy.save(arrays, metadata))


def read(path: Path) -> tuple[Arrays, str | None]:
    """The arrays in the file and the note of their structure; ValueError if it is damaged."""
    library = _library()
    try:
        with library.safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            for name in file.keys():  # noqa: SIM118 - no dict
                dtype = file.get_slice(name).get_dtype()
                if dtype not in _READ:
                    raise Unsupported(
                        f"{name!r} has the dtype {dtype}, which NumPy does not: convert it to "
                        "float32 where the file was made"
                    )
            arrays = {name: np.array(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118 - no dict
    except (library.SafetensorError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{error} (as a safetensors file)") from error
    structure = metadata.get(_NOTE)
    if metadata.get(_SUM) not in (None, checksum(arrays, structure)):
        raise ValueError("its contents do not match their checksum")
    return arrays, structure


_DTYPES = {
    np.bool_,
    *(np.int8, np.int16, np.int32, np.int64),
    *(np.uint8, np.uint16, np.uint32, np.uint64),
    *(np.float16, np.float32, np.float64),
}

_READ = {
    "BOOL",
    *("I8", "I16", "I32", "I64"),
    *("U8", "U16", "U32", "U64"),
    *("F16", "F32", "F64", "C64"),
}


def _library() -> ModuleType:
    try:
        import safetensors
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            "files that end in .safetensors need the safetensors library: "
            "pip install 'tinygrad_lite[train]', or save as .npz"
        ) from error
    return safetensors
