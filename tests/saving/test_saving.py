"""State dicts in files: what comes back, who else reads them, and what damage does."""

from __future__ import annotations

import io
import json
import os
import stat
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn, optim
from tinygrad_lite.saving import atomic

pytest.importorskip("safetensors")
import safetensors.numpy

SUFFIXES = [".safetensors", ".npz"]
suffixes = pytest.mark.parametrize("suffix", SUFFIXES)


def model(rng: int = 0) -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4, rng=rng), nn.Tanh(), nn.Linear(4, 2, rng=rng))


def same(a: object, b: object) -> None:
    """Equal in structure, types, dtypes and every bit."""
    if isinstance(a, np.ndarray):
        assert isinstance(b, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape
        assert a.tobytes() == b.tobytes()
    elif isinstance(a, dict):
        assert isinstance(b, dict) and set(a) == set(b)
        for key in a:
            same(a[key], b[key])
    elif isinstance(a, (list, tuple)):
        assert type(a) is type(b) and len(a) == len(b)
        for left, right in zip(a, b):
            same(left, right)
    else:
        assert type(a) is type(b) and (a == b or (a != a and b != b))


@suffixes
def test_a_model_comes_back(tmp_path: Path, suffix: str) -> None:
    state = model().state_dict()
    tg.save(state, tmp_path / f"m{suffix}")
    same(state, tg.load(tmp_path / f"m{suffix}"))


@suffixes
@pytest.mark.parametrize("rule", [optim.SGD, optim.Adam, optim.RMSprop, optim.Adagrad])
def test_an_optimizer_comes_back(tmp_path: Path, suffix: str, rule: type) -> None:
    net = model()
    optimizer = rule(net.parameters(), lr=0.1)
    (net(np.ones((2, 3))) ** 2).sum().backward()
    optimizer.step()
    tg.save(optimizer.state_dict(), tmp_path / f"o{suffix}")
    loaded = tg.load(tmp_path / f"o{suffix}")
    same(optimizer.state_dict(), loaded)
    optimizer.load_state_dict(loaded)


@suffixes
def test_nested_state_of_every_kind_comes_back(tmp_path: Path, suffix: str) -> None:
    state = {
        "generator": np.random.default_rng(0).bit_generator.state,
        "old generator": np.random.MT19937(1).state,
        "numbers": [0, -(2**200), 0.1, float("inf"), float("-inf"), float("nan"), True, None],
        "names": ("a", ("ä/\n", "")),
        "empty": {"dict": {}, "list": [], "tuple": (), "array": np.zeros((0, 3))},
        7: {"0": np.array(1.5, np.float32), 0: np.arange(3, dtype=np.int8)},
        "a.b": np.zeros(1),
        "a": {"b": np.ones(1)},
        "array": np.ones((2, 3), np.float16)[:, ::-1].T,
    }
    tg.save(state, tmp_path / f"s{suffix}")
    same(state, tg.load(tmp_path / f"s{suffix}"))


@suffixes
@pytest.mark.parametrize("dtype", ["?", "i1", "u2", "i4", "u8", "f2", "f4", "f8", ">f4", ">i2"])
def test_dtypes_and_layouts(tmp_path: Path, suffix: str, dtype: str) -> None:
    array = (np.arange(24).reshape(2, 3, 4) % 7).astype(dtype)
    state = {
        "c": array,
        "f": np.asfortranarray(array),
        "steps": array[::-1, :, ::2],
        "0-d": array[0, 0, 1],
    }
    tg.save(state, tmp_path / f"s{suffix}")
    loaded = tg.load(tmp_path / f"s{suffix}")
    for name, value in state.items():
        np.testing.assert_array_equal(loaded[name], value)
        assert (
            loaded[name].dtype == value.dtype.newbyteorder("=") and loaded[name].flags.c_contiguous
        )
        assert loaded[name].flags.writeable


@suffixes
def test_tensors_are_saved_as_their_values(tmp_path: Path, suffix: str) -> None:
    tg.save({"w": tg.tensor([1.0, 2.0], requires_grad=True)}, tmp_path / f"s{suffix}")
    same({"w": np.array([1.0, 2.0])}, tg.load(tmp_path / f"s{suffix}"))


def test_the_library_reads_what_we_write_and_we_what_it_writes(tmp_path: Path) -> None:
    state = model().state_dict()
    tg.save(state, tmp_path / "ours.safetensors")
    same(state, safetensors.numpy.load_file(tmp_path / "ours.safetensors"))
    safetensors.numpy.save_file(state, tmp_path / "theirs.safetensors", {"format": "np"})
    same(state, tg.load(tmp_path / "theirs.safetensors"))


def test_pytorch_reads_what_we_write_and_we_what_it_writes(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    import safetensors.torch

    ours = model()
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
    x = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)
    tg.save(ours.state_dict(), tmp_path / "ours.safetensors")
    theirs.load_state_dict(safetensors.torch.load_file(tmp_path / "ours.safetensors"))
    np.testing.assert_allclose(ours(x).numpy(), theirs(torch.tensor(x)).detach(), rtol=1e-6)
    torch.manual_seed(0)
    for p in theirs.parameters():
        torch.nn.init.normal_(p)
    safetensors.torch.save_file(theirs.state_dict(), tmp_path / "theirs.safetensors")
    ours.load_state_dict(tg.load(tmp_path / "theirs.safetensors"))
    outputs = theirs(torch.tensor(x)).detach()
    np.testing.assert_allclose(ours(x).numpy(), outputs, rtol=1e-6, atol=1e-6)


def test_numpy_reads_our_npz_and_we_its(tmp_path: Path) -> None:
    state = model().state_dict()
    tg.save(state, tmp_path / "ours.npz")
    with np.load(tmp_path / "ours.npz", allow_pickle=False) as archive:
        same(state, dict(archive))
    np.savez(tmp_path / "a.npz", **state)
    np.savez_compressed(tmp_path / "b.npz", **state)
    same(state, tg.load(tmp_path / "a.npz"))
    same(state, tg.load(tmp_path / "b.npz"))


# What goes wrong


@suffixes
def test_every_truncation_is_an_error(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"m{suffix}"
    tg.save(model().state_dict(), path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 3):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="cannot be loaded"):
            tg.load(path)


@suffixes
def test_a_flipped_bit_is_an_error_or_changes_no_value(
    tmp_path: Path, suffix: str, rng: np.random.Generator
) -> None:
    path = tmp_path / f"m{suffix}"
    state = {"model": model().state_dict(), "epoch": 3}
    tg.save(state, path)
    whole = path.read_bytes()
    seen = 0
    for position in rng.integers(0, len(whole), 400):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            loaded = tg.load(path)
        except ValueError:
            seen += 1
        else:
            same(state, loaded)
    assert seen > 200


@suffixes
def test_noise_is_an_error(tmp_path: Path, suffix: str, rng: np.random.Generator) -> None:
    for length in (0, 1, 7, 8, 9, 100, 5000):
        (tmp_path / f"n{suffix}").write_bytes(rng.bytes(length))
        with pytest.raises(ValueError, match="cannot be loaded"):
            tg.load(tmp_path / f"n{suffix}")


def archive_of(
    path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED
) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def npy(header: str, data: bytes = b"") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


FLOATS = "{'descr': '<f8', 'fortran_order': False, 'shape': (%s)}"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"a.npy": npy(FLOATS.replace("<f8", "|O") % "1,")}, "holds object, not numbers"),
        ({"a.npy": npy(FLOATS % "2**60,")}, "malformed node"),
        ({"a.npy": npy(FLOATS % f"{2**50},")}, r"shape \(1125899906842624,\), but has 0 bytes"),
        ({"a.npy": npy(FLOATS % f"{2**70},")}, "but has 0 bytes"),
        ({"a.npy": npy(FLOATS % "1,", b"123456789")}, "but has 9 bytes"),
        ({"a.npy": npy(FLOATS % "-1, -1", b"12345678")}, r"shape \(-1, -1\), but has 8 bytes"),
        ({"a.npy": npy("__import__('os').system('true')")}, "malformed node"),
        ({"a.npy": b"\x93NUMPY\x09\x00"}, "version"),
        ({"a.npy": b""}, "magic string"),
        ({"a.npy": npy("{'descr': '<f8', 'shape': (1")}, "EOF"),
        ({"a.npy": npy("{}\n  1\n 2")}, "indentation"),
        ({"a.npy": npy(FLOATS % "True, 1.5")}, "shape is not valid"),
        ({"evil.py": b"print('no')"}, "'evil.py', which is no array"),
        ({"structure.json": b'{"array": "w"}'}, r"its structure is wrong \('w'\)"),
        ({"structure.json": b'{"dict": [[[], 1]]}'}, "its structure is wrong.*unhashable"),
        ({"structure.json": b'{"object": 1}'}, "its structure has the unknown entry 'object'"),
        ({"structure.json": b"[" * 100_000}, "recursion"),
        ({"structure.json": b"\xff"}, "decode"),
    ],
)
def test_hostile_archives(tmp_path: Path, members: dict[str, bytes], message: str) -> None:
    path = archive_of(tmp_path / "evil.npz", members)
    with pytest.raises(ValueError, match=f"(?s)cannot be loaded.*{message}"):
        tg.load(path)


def test_a_pickle_is_not_opened(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple:
            return (Path.touch, (tmp_path / "sprung",))

    buffer = io.BytesIO()
    np.save(buffer, np.array([Trap()], dtype=object), allow_pickle=True)
    archive_of(tmp_path / "evil.npz", {"a.npy": buffer.getvalue()})
    with pytest.raises(ValueError, match="not numbers"):
        tg.load(tmp_path / "evil.npz")
    assert not (tmp_path / "sprung").exists()


def test_two_arrays_of_one_name(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "evil.npz", "w") as archive:
        archive.writestr("a.npy", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.npy", b"2")
    with pytest.raises(ValueError, match="twice"):
        tg.load(tmp_path / "evil.npz")


NUMBER = {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"a": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 4]}}, "header"),
        ({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 2**40]}}, "header"),
        ({"a": {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}}, "header"),
        ({"a": {"dtype": "PICKLE", "shape": [1], "data_offsets": [0, 4]}}, "header"),
        ({"a": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}, "the dtype BF16"),
        ({**NUMBER, "__metadata__": {"tinygrad_lite.structure": "{"}}, "property name"),
        ({**NUMBER, "__metadata__": {"tinygrad_lite.crc32": "0"}}, "do not match their checksum"),
        (["a"], "header"),
    ],
)
def test_hostile_safetensors(tmp_path: Path, header: object, message: str) -> None:
    text = json.dumps(header).encode()
    (tmp_path / "evil.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + b"\0\0\0\0")
    with pytest.raises(ValueError, match=f"cannot be loaded.*{message}"):
        tg.load(tmp_path / "evil.safetensors")


def test_a_small_archive_of_very_much(tmp_path: Path) -> None:
    content = npy(FLOATS % "4_000_000,", bytes(32_000_000))
    path = archive_of(tmp_path / "evil.npz", {"a.npy": content}, zipfile.ZIP_BZIP2)
    size = path.stat().st_size
    with pytest.raises(ValueError, match=f"its {size} bytes claim to unpack to {len(content)}"):
        tg.load(path)


def test_arrays_of_equal_numbers_may_be_compressed_much(tmp_path: Path) -> None:
    for shape in (10, 100_000, 3_000_000):
        np.savez_compressed(tmp_path / "zeros.npz", a=np.zeros(shape), b=np.ones(shape, np.int8))
        loaded = tg.load(tmp_path / "zeros.npz")
        np.testing.assert_array_equal(loaded["a"], np.zeros(shape))
        np.testing.assert_array_equal(loaded["b"], np.ones(shape))


@pytest.mark.parametrize("note", ["null", "[]", '"x"', "3", '{"tuple": []}', '{"dict": []}'])
@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_a_note_that_is_of_something_else(tmp_path: Path, suffix: str, note: str) -> None:
    path = tmp_path / f"odd{suffix}"
    if suffix == ".npz":
        archive_of(path, {"w.npy": npy(FLOATS % "1,", bytes(8)), "structure.json": note.encode()})
    else:
        library = pytest.importorskip("safetensors.numpy")
        library.save_file({"w": np.ones(1)}, path, {"tinygrad_lite.structure": note})
    with pytest.raises(ValueError, match=r"(of a .*, not of a dict|leaves out 'w')"):
        tg.load(path)


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn", "float8_e5m2"])
def test_dtypes_that_numpy_lacks_are_no_damage(tmp_path: Path, dtype: str) -> None:
    torch = pytest.importorskip("torch")
    library = pytest.importorskip("safetensors.torch")
    library.save_file({"w": torch.ones(2).to(getattr(torch, dtype))}, tmp_path / "w.safetensors")
    with pytest.raises(ValueError, match=r"'w' has the dtype (BF16|F8_E4M3|F8_E5M2)") as caught:
        tg.load(tmp_path / "w.safetensors")
    assert "damaged" not in str(caught.value)


@pytest.mark.skipif(os.name == "nt", reason="there are no such modes")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o400])
def test_a_file_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "m.npz"
    tg.save({"w": np.zeros(1)}, path)
    path.chmod(mode)
    tg.save({"w": np.ones(1)}, path)
    assert stat.S_IMODE(path.stat().st_mode) == mode and tg.load(path)["w"] == 1


def test_a_lost_member_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    tg.save({"a": np.ones(1), "b": np.ones(2)}, path)
    with zipfile.ZipFile(path) as archive:
        comment, kept = archive.comment, archive.read("a.npy")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", kept)
        archive.comment = comment
    with pytest.raises(ValueError, match="do not match their checksum"):
        tg.load(path)


def test_a_lost_end_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    tg.save({"a": np.ones(1)}, path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="its end is missing"):
        tg.load(path)


def test_nothing_is_half_loaded(tmp_path: Path) -> None:
    net = model()
    before = net.state_dict()
    state = model(rng=1).state_dict()
    state["2.bias"] = np.zeros(5, np.float32)
    tg.save(state, tmp_path / "m.npz")
    with pytest.raises(ValueError, match="nothing was loaded"):
        net.load_state_dict(tg.load(tmp_path / "m.npz"))
    same(before, net.state_dict())


@pytest.mark.parametrize(
    "state", [{"f": print}, {"o": object()}, {"l": [{"deep": {1, 2}}]}, {"s": np.array(["a"])}]
)
@suffixes
def test_what_cannot_be_saved_is_named_and_leaves_the_old_file(
    tmp_path: Path, state: dict, suffix: str
) -> None:
    path = tmp_path / f"s{suffix}"
    tg.save({"w": np.ones(1)}, path)
    with pytest.raises(TypeError, match=f"{next(iter(state))!r}|l.0.deep"):
        tg.save(state, path)
    same({"w": np.ones(1)}, tg.load(path))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("suffix", "key"),
    [(".safetensors", "__metadata__"), (".npz", "a\0b"), (".npz", "x" * 65532)],
)
def test_names_that_would_not_come_back_are_refused(tmp_path: Path, suffix: str, key: str) -> None:
    path = tmp_path / f"s{suffix}"
    tg.save({"w": np.ones(1)}, path)
    with pytest.raises(ValueError, match="the name"):
        tg.save({key: np.ones(1)}, path)
    same({"w": np.ones(1)}, tg.load(path))


def test_a_member_that_is_compressed_wrongly(tmp_path: Path) -> None:
    path = tmp_path / "evil.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.npy", bytes(400))
    data = bytearray(path.read_bytes())
    data[39:44] = b"\xff" * 5
    path.write_bytes(data)
    with pytest.raises(
        ValueError, match=r"evil\.npz cannot be loaded: (Invalid|Corrupt|Compressed)"
    ):
        tg.load(path)


def test_a_model_itself_is_not_a_state_dict(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="state_dict"):
        tg.save(model(), tmp_path / "m.npz")  # type: ignore[arg-type]


def test_a_state_that_contains_itself(tmp_path: Path) -> None:
    state: dict = {}
    state["self"] = state
    with pytest.raises(TypeError, match="contains itself"):
        tg.save(state, tmp_path / "m.npz")


def test_a_state_that_is_nested_too_deep(tmp_path: Path) -> None:
    state: dict = {"leaf": 1.0}
    for _ in range(99):
        state = {"a": state}
    tg.save(state, tmp_path / "m.npz")
    assert tg.load(tmp_path / "m.npz") == state
    for _ in range(5000):
        state = {"a": state}
    with pytest.raises(ValueError, match=r"nested in more than 100 levels, at 'a\.a\."):
        tg.save(state, tmp_path / "m.npz")


def test_keys_that_are_not_names(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="key"):
        tg.save({(1, 2): np.ones(1)}, tmp_path / "m.npz")


def test_safetensors_has_fewer_dtypes(tmp_path: Path) -> None:
    state = {"w": np.ones(2, complex)}
    with pytest.raises(TypeError, match="npz"):
        tg.save(state, tmp_path / "m.safetensors")
    tg.save(state, tmp_path / "m.npz")
    same(state, tg.load(tmp_path / "m.npz"))
    assert [p.name for p in tmp_path.iterdir()] == ["m.npz"]


@pytest.mark.parametrize("name", ["m.pt", "m", "m.pkl", "m.npy"])
def test_other_suffixes(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    for call in (lambda p: tg.save({}, p), tg.load):
        with pytest.raises(ValueError, match=r"\.safetensors or \.npz"):
            call(tmp_path / name)


def test_a_missing_file_or_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no file"):
        tg.load(tmp_path / "none.npz")
    with pytest.raises(FileNotFoundError, match="none"):
        tg.save({}, tmp_path / "none" / "m.npz")


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.npz").symlink_to(tmp_path / "folder" / "real.npz")
    tg.save({"w": np.ones(1)}, tmp_path / "link.npz")
    assert (tmp_path / "link.npz").is_symlink()
    same({"w": np.ones(1)}, tg.load(tmp_path / "folder" / "real.npz"))


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("old")

    def interrupted() -> None:
        with atomic.replacing(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_leftovers_of_killed_processes_are_swept(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    tg.save({}, path)
    (tmp_path / ".m.npz.0123abcd.partial").touch()
    (tmp_path / ".other.npz.0123abcd.partial").touch()
    atomic.sweep(path)
    assert {p.name for p in tmp_path.iterdir()} == {"m.npz", ".other.npz.0123abcd.partial"}
