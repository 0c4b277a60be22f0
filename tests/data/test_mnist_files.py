"""MNIST and Fashion-MNIST: where files are looked for, how they are checked and fetched."""

from __future__ import annotations

import contextlib
import functools
import gzip
import hashlib
import http.server
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tinygrad_lite.data import cache_folder, fashion_mnist, mnist, mnist_files

NAMES = list(mnist_files.MNIST.files())
IMAGES, LABELS = NAMES[:2]


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def contents(train: int = 12, test: int = 5) -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    arrays = []
    for n in (train, test):
        arrays += [rng.integers(0, 256, (n, 28, 28)), rng.integers(0, 10, n)]
    return {name: idx(array.astype(np.uint8)) for name, array in zip(NAMES, arrays, strict=True)}


def write(folder: Path, packed: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents().items():
        file = folder / (f"{name}.gz" if packed else name)
        file.write_bytes(gzip.compress(content, mtime=0) if packed else content)
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TINYGRAD_LITE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("load", [mnist, fashion_mnist])
def test_reads_four_files(tmp_path: Path, load: Callable, packed: bool) -> None:
    x_train, y_train, x_test, y_test = load(write(tmp_path / "root", packed))
    assert (x_train.shape, y_train.shape) == ((12, 784), (12,))
    assert (x_test.shape, y_test.shape) == ((5, 784), (5,))
    assert {x_train.dtype, x_test.dtype} == {np.dtype(np.float32)}
    assert {y_train.dtype, y_test.dtype} == {np.dtype(np.int64)}
    pixels = np.frombuffer(contents()[IMAGES], np.uint8, offset=16).reshape(12, 784)
    np.testing.assert_array_equal(x_train, pixels.astype(np.float32) / np.float32(255))
    assert x_train.min() == 0 and x_train.max() == 1
    np.testing.assert_array_equal(y_train, list(contents()[LABELS][8:]))


def test_root_comes_before_the_cache(tmp_path: Path, cache: Path) -> None:
    write(cache / "mnist")
    root = tmp_path / "root"
    assert len(mnist(root)[0]) == 12
    root.mkdir()
    for name, content in contents(train=7).items():
        (root / name).write_bytes(content)
    assert len(mnist(root)[0]) == 7
    assert len(mnist()[0]) == 12


def test_each_set_has_its_own_cache(cache: Path) -> None:
    write(cache / "mnist")
    with pytest.raises(FileNotFoundError, match="fashion_mnist"):
        fashion_mnist()


def test_missing_files_are_named_with_the_places_and_the_way_out(
    tmp_path: Path, cache: Path
) -> None:
    root = write(tmp_path / "root")
    (root / f"{LABELS}.gz").unlink()
    with pytest.raises(FileNotFoundError) as caught:
        mnist(root)
    message = str(caught.value)
    assert LABELS in message and IMAGES not in message
    assert str(root) in message and str(cache / "mnist") in message
    assert "mnist(download=True)" in message and mnist_files.MNIST.mirrors[0] in message


def test_a_home_folder_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path / "digits")
    assert len(mnist("~/digits")[0]) == 12


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        (IMAGES, contents()[IMAGES][:-1], "is truncated"),
        (IMAGES, b"junk", "is not an IDX file"),
        (IMAGES, contents()[LABELS], r"holds uint8 of shape \(12,\), expected uint8 images"),
        (IMAGES, idx(np.zeros((12, 8, 8), np.uint8)), r"expected .* of shape \(n, 28, 28\)"),
        (IMAGES, b"\0\0\x09" + contents()[IMAGES][3:], "holds int8"),
        (LABELS, contents()[LABELS][:-1], "is truncated"),
        (
            LABELS,
            idx(np.zeros(11, np.uint8)),
            "12 images and .* 11 labels: one",
        ),
        (LABELS, idx(np.full(12, 10, np.uint8)), r"holds label 10, expected 0 \.\. 9"),
    ],
)
def test_damage_names_the_file_and_the_way_out(
    tmp_path: Path, name: str, content: bytes, complaint: str
) -> None:
    root = write(tmp_path / "root", packed=False)
    (root / name).write_bytes(content)
    with pytest.raises(ValueError, match=complaint) as caught:
        mnist(root)
    assert str(root / name) in str(caught.value)
    assert "Delete the file and call mnist(download=True)" in str(caught.value)


def test_no_images_at_all(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    for name, content in contents(train=0).items():
        (root / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"{LABELS} holds uint8 of shape"):
        mnist(root)


class TestCacheFolder:
    def test_own_variable_first(self, tmp_path: Path) -> None:
        assert cache_folder() == tmp_path / "cache"

    def test_then_xdg(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("TINYGRAD_LITE_CACHE")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        assert cache_folder() == tmp_path / "tinygrad_lite"

    @pytest.mark.parametrize("unusable", [None, "", "relative/path"])
    def test_then_home(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unusable: str | None
    ) -> None:
        monkeypatch.delenv("TINYGRAD_LITE_CACHE")
        monkeypatch.setenv("HOME", str(tmp_path))
        if unusable is None:
            monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        else:
            monkeypatch.setenv("XDG_CACHE_HOME", unusable)
        assert cache_folder() == tmp_path / ".cache" / "tinygrad_lite"


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    handler = functools.partial(QuietHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class TestDownload:
    @pytest.fixture(autouse=True)
    def _needs_the_extra(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        pytest.importorskip("pooch", reason="pooch, of the `data` extra, is missing")
        pytest.importorskip("tqdm", reason="tqdm, of the `data` extra, is missing")

    @pytest.fixture
    def mirror(self, tmp_path: Path) -> Iterator[str]:
        with served(write(tmp_path / "mirror")) as url:
            yield url

    @pytest.fixture
    def publish(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
        """Stand the small set in for the real one, at the given mirrors."""

        def publish(*mirrors: str) -> None:
            digests = [
                hashlib.sha256((tmp_path / "mirror" / f"{name}.gz").read_bytes()).hexdigest()
                for name in NAMES
            ]
            fields = ("train_images", "train_labels", "test_images", "test_labels")
            small = replace(
                mnist_files.MNIST, mirrors=mirrors, **dict(zip(fields, digests, strict=True))
            )
            monkeypatch.setattr(mnist_files, "MNIST", small)

        return publish

    def test_into_the_cache_and_only_once(
        self, cache: Path, mirror: str, publish: Callable[..., None], capfd: pytest.CaptureFixture
    ) -> None:
        publish(mirror)
        assert len(mnist(download=True)[0]) == 12
        assert "100%" in capfd.readouterr().err  # the progress bar
        assert sorted(file.name for file in (cache / "mnist").iterdir()) == sorted(
            f"{name}.gz" for name in NAMES
        )
        publish("http://127.0.0.1:9")  # nothing more is asked of any mirror
        assert len(mnist(download=True)[0]) == 12
        assert len(mnist()[0]) == 12

    def test_into_root(
        self, tmp_path: Path, cache: Path, mirror: str, publish: Callable[..., None]
    ) -> None:
        publish(mirror)
        mnist(tmp_path / "new" / "root", download=True)
        assert len(list((tmp_path / "new" / "root").iterdir())) == 4
        assert not cache.exists()

    def test_only_what_is_missing(
        self, tmp_path: Path, mirror: str, publish: Callable[..., None]
    ) -> None:
        publish(mirror)
        root = write(tmp_path / "root")
        (root / f"{LABELS}.gz").unlink()
        for name in set(NAMES) - {LABELS}:
            (tmp_path / "mirror" / f"{name}.gz").unlink()
        assert len(mnist(root, download=True)[1]) == 12

    def test_the_next_mirror_stands_in(
        self, tmp_path: Path, mirror: str, publish: Callable[..., None]
    ) -> None:
        tampered = write(tmp_path / "tampered")
        (tampered / f"{IMAGES}.gz").write_bytes(b"something else")
        (tampered / f"{LABELS}.gz").unlink()
        with served(tampered) as bad:
            publish(bad, mirror + "/")
            assert len(mnist(download=True)[0]) == 12

    def test_a_wrong_checksum_leaves_nothing_behind(
        self, tmp_path: Path, cache: Path, mirror: str, publish: Callable[..., None]
    ) -> None:
        publish(mirror)
        (tmp_path / "mirror" / f"{IMAGES}.gz").write_bytes(b"something else")
        with pytest.raises(ConnectionError, match=f"(?s)no mirror delivered {IMAGES}.*hash"):
            mnist(download=True)
        assert list((cache / "mnist").iterdir()) == []

    def test_every_mirror_says_why(self, mirror: str, publish: Callable[..., None]) -> None:
        publish("http://127.0.0.1:9", f"{mirror}/nowhere")
        with pytest.raises(ConnectionError, match=r"(?s)try again, or put .*refused.*404"):
            mnist(download=True)

    @pytest.mark.parametrize("absent", ["pooch", "tqdm"])
    def test_a_missing_extra_says_what_to_install(
        self, absent: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, absent, None)
        with pytest.raises(ImportError, match=rf"{absent} is missing.*tinygrad_lite\[data\]"):
            mnist(download=True)


def test_the_real_mnist(shared_data: Callable[[str], Path]) -> None:
    x_train, y_train, x_test, y_test = mnist(shared_data("mnist"))
    assert (x_train.shape, x_test.shape) == ((60_000, 784), (10_000, 784))
    assert y_train[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert y_test[:5].tolist() == [7, 2, 1, 0, 4]
    # The mean and deviation by which MNIST is usually normalised.
    assert x_train.mean(dtype=np.float64) == pytest.approx(0.1307, abs=5e-5)
    assert x_train.std(dtype=np.float64) == pytest.approx(0.3081, abs=5e-5)
