"""Named sets: from a folder of any size, from their home with a hash, or one line that says where files go."""

from __future__ import annotations

import dataclasses
import functools
import gzip
import hashlib
import http.server
import io
import struct
import tarfile
import threading

import numpy as np
import pytest

from edgelens.runtime.errors import DataError
from edgelens.train.data import named
from edgelens.train.data.download import Remote, fetch
from edgelens.train.data.named import NAMED, open_data


def idx(array):
    return gzip.compress(
        bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes(), 1
    )


def write_mnist(folder, count=20, side=28, classes=10):
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for part in ("train", "t10k"):
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(idx(rng.integers(0, 256, (count, side, side), np.uint8)))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(idx((np.arange(count) % classes).astype(np.uint8)))


@pytest.fixture
def home(tmp_path):
    """A web server on this machine that plays the sets' home."""
    folder = tmp_path / "home"
    folder.mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    handler.func.log_message = lambda *_: None  # type: ignore[attr-defined]
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("name", ["fashion-mnist", "fashion_mnist", "."])
def test_a_folder_of_any_number_of_items_serves(tmp_path, name):
    write_mnist(tmp_path / "sets" / name if name != "." else tmp_path / "sets")
    images = open_data("fashion-mnist", data_dir=str(tmp_path / "sets"))
    assert len(images) == 40
    assert images.classes[9] == "Ankle boot"
    assert (images.splits == "test").sum() == 20


def test_pictures_of_another_shape_or_too_many_classes_are_refused(tmp_path):
    write_mnist(tmp_path / "a" / "mnist", side=32)
    with pytest.raises(DataError, match="32 × 32; those of mnist are 28 × 28"):
        open_data("mnist", data_dir=str(tmp_path / "a"))
    write_mnist(tmp_path / "b" / "mnist", classes=12)
    with pytest.raises(DataError, match="labels go to 11"):
        open_data("mnist", data_dir=str(tmp_path / "b"))


def test_offline_says_which_files_go_where(tmp_path, monkeypatch):
    nowhere = dataclasses.replace(NAMED["mnist"], files=(Remote("http://127.0.0.1:9/train-images-idx3-ubyte.gz", ""),))
    monkeypatch.setitem(named.NAMED, "mnist", nowhere)
    with pytest.raises(DataError, match=r"put train-images-idx3-ubyte.gz in .*/mnist yourself") as error:
        open_data("mnist", data_dir=str(tmp_path))
    assert "\n" not in str(error.value)


def test_a_folder_of_the_name_goes_before_the_named_set(tmp_path, monkeypatch):
    write_mnist(tmp_path / "mnist", side=16)
    monkeypatch.chdir(tmp_path)
    assert open_data("mnist").stored.shape[1:] == (16, 16)
    with pytest.raises(DataError, match="--data-dir nothing: no such folder"):
        open_data("mnist", data_dir="nothing")


def test_cifar10_comes_from_its_home_checked_and_unpacked(tmp_path, home, monkeypatch):
    folder, address = home
    rows = np.random.default_rng(0).integers(0, 256, (30, 3073), np.uint8)
    rows[:, 0] = np.arange(30) % 10
    with tarfile.open(folder / "cifar-10-binary.tar.gz", "w:gz", compresslevel=1) as tar:
        for name, data in (("data_batch_1.bin", rows[:20]), ("test_batch.bin", rows[20:]), ("../../evil.sh", rows[:1])):
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.size = data.nbytes
            tar.addfile(info, io.BytesIO(data.tobytes()))
    archive = folder / "cifar-10-binary.tar.gz"
    remote = Remote(f"{address}/{archive.name}", hashlib.sha256(archive.read_bytes()).hexdigest())
    monkeypatch.setitem(named.NAMED, "cifar10", dataclasses.replace(NAMED["cifar10"], files=(remote,)))
    target = tmp_path / "target"
    target.mkdir()
    images = open_data("cifar10", data_dir=str(target))
    assert len(images) == 30
    assert images.classes[0] == "airplane"
    np.testing.assert_array_equal(images.stored[0, :, :, 2], rows[0, 1 + 2048 :].reshape(32, 32))
    assert not list(tmp_path.rglob("evil.sh"))
    archive.unlink()
    assert len(open_data("cifar10", data_dir=str(target))) == 30  # the second time from the folder


def test_a_wrong_hash_or_a_missing_file_leaves_nothing(tmp_path, home):
    folder, address = home
    (folder / "set.gz").write_bytes(b"tampered")
    with pytest.raises(DataError, match="not the known one"):
        fetch(Remote(f"{address}/set.gz", "0" * 64), tmp_path / "got" / "set.gz")
    with pytest.raises(DataError, match="could not be downloaded"):
        fetch(Remote(f"{address}/none.gz", "0" * 64), tmp_path / "got" / "none.gz")
    assert not list((tmp_path / "got").iterdir())
