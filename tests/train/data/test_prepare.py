"""From a folder to pictures to train on: the same pixels as `evaluate`, a cache by content, and clear refusals."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from edgelens.runtime.datasets.catalog import load_images
from edgelens.runtime.errors import DataError, WorkError
from edgelens.runtime.preprocess import PixelContract, fit_frame
from edgelens.train.data import store
from edgelens.train.data.config import DataConfig
from edgelens.train.data.prepare import prepare
from edgelens.train.data.prune import prune
from edgelens.train.data.splits import SplitConfig


def photo(seed, height=90, width=120):
    """A smooth random picture, unlike every other one."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def write_photos(folder, counts, *, suffix=".jpg", **size):
    for label, count in counts.items():
        (folder / label).mkdir(parents=True)
        for i in range(count):
            seed = sum(map(ord, label)) * 1000 + i
            assert cv2.imwrite(str(folder / label / f"{i:03d}{suffix}"), photo(seed, **size))
    return folder


@pytest.fixture
def config(tmp_path):
    write_photos(tmp_path / "photos", {"cat": 20, "dog": 20})
    return DataConfig(str(tmp_path / "photos"), cache=str(tmp_path / "cache"), splits=SplitConfig(val=0.2))


PIXELS = PixelContract(32, 32)


def rows(part):
    return part.pictures.take(slice(None))


@pytest.mark.parametrize("name", ["lock", "rows.bin", ""])
def test_links_in_a_cache_that_others_write_are_not_followed(config, tmp_path, name):
    folder = store.Store(tmp_path / "cache", PIXELS, exact=True).folder
    precious = tmp_path / "precious"
    if name:
        precious.write_text("mine")
        folder.mkdir(parents=True)
    else:
        precious.mkdir()
        folder.parent.mkdir()
    (folder / name).symlink_to(precious)
    with pytest.raises(WorkError, match="the picture cache cannot be written"):
        prepare(config, PIXELS)
    assert not list(precious.iterdir()) if precious.is_dir() else precious.read_text() == "mine"


def test_the_users_own_cache_is_nobody_elses_to_write(config, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    (tmp_path / "home/edgelens").mkdir(parents=True)
    (tmp_path / "home/edgelens").chmod(0o777)
    with pytest.raises(WorkError, match="chmod go-w"):
        prepare(DataConfig(config.path), PIXELS)


@pytest.mark.parametrize("resize", ["crop", "letterbox", "stretch"])
def test_validation_pictures_are_those_of_evaluate(config, resize):
    pixels = PixelContract(24, 32, "gray" if resize == "stretch" else "rgb", resize)
    data = prepare(config, pixels)
    originals = load_images(config.path)
    place = {name: i for i, name in enumerate(originals.names)}
    assert len(data.val) == 8
    for i, name in enumerate(data.val.images.names):
        expected, _ = fit_frame(originals.image(place[name]), pixels)
        np.testing.assert_array_equal(rows(data.val)[i], expected)


def test_arrays_in_the_networks_size_are_used_as_they_are(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3), np.uint8)
    np.savez(tmp_path / "set.npz", images=pictures, labels=np.arange(40) % 2)
    data = prepare(DataConfig(str(tmp_path / "set.npz"), cache=str(tmp_path / "cache")), PixelContract(8, 8))
    for part in (data.train, data.val):
        for i in range(len(part)):
            np.testing.assert_array_equal(rows(part)[i], fit_frame(part.images.image(i), PixelContract(8, 8))[0])
    gray = prepare(DataConfig(str(tmp_path / "set.npz"), cache=str(tmp_path / "cache")), PixelContract(8, 8, "gray"))
    np.testing.assert_array_equal(
        rows(gray.val)[0], fit_frame(gray.val.images.image(0), PixelContract(8, 8, "gray"))[0]
    )


def test_training_pictures_are_near_the_exact_ones_though_decoded_small(config):
    data = prepare(config, PIXELS)
    for i in range(len(data.train)):
        exact, _ = fit_frame(data.train.images.image(i), PIXELS)
        # a crop's border may fall half a pixel beside the exact one's
        assert np.corrcoef(rows(data.train)[i].ravel(), exact.ravel())[0, 1] > 0.99


def test_the_second_time_nothing_is_decoded_and_a_change_is_seen(config, tmp_path, monkeypatch):
    first = prepare(config, PIXELS)
    decoded = []
    picture = store._picture
    monkeypatch.setattr(
        store, "_picture", lambda images, i, s: decoded.append(images.names[i]) or picture(images, i, s)
    )
    second = prepare(config, PIXELS)
    assert decoded == []
    np.testing.assert_array_equal(rows(first.train), rows(second.train))
    assert second.fingerprint == first.fingerprint
    changed = tmp_path / "photos" / first.train.images.names[3]
    cv2.imwrite(str(changed), 255 - photo(1))
    third = prepare(config, PIXELS)
    assert decoded == [first.train.images.names[3]]
    assert third.fingerprint != first.fingerprint
    os.rename(tmp_path / "photos", tmp_path / "moved")
    decoded.clear()
    prepare(DataConfig(str(tmp_path / "moved"), cache=config.cache, splits=config.splits), PIXELS)
    assert decoded == []  # the same content, wherever it is


def test_a_build_that_was_killed_goes_on_and_a_torn_index_starts_again(config, monkeypatch):
    def dies(images, i, s):
        if images.names[i].endswith("dog/015.jpg"):
            raise KeyboardInterrupt
        return picture(images, i, s)

    picture = store._picture
    monkeypatch.setattr(store, "_CHUNK", 4)
    monkeypatch.setattr(store, "_picture", dies)
    with pytest.raises(KeyboardInterrupt):
        prepare(config, PIXELS)
    decoded = []
    monkeypatch.setattr(store, "_picture", lambda images, i, s: decoded.append(i) or picture(images, i, s))
    data = prepare(config, PIXELS)
    assert 0 < len(decoded) < 40
    exact = [fit_frame(data.val.images.image(i), PIXELS)[0] for i in range(len(data.val))]
    np.testing.assert_array_equal(rows(data.val), exact)
    for index in (store.Path(config.cache)).rglob("index.npz"):
        index.write_bytes(index.read_bytes()[:100])
    np.testing.assert_array_equal(rows(prepare(config, PIXELS).val), exact)


def test_a_full_disk_is_told_and_leaves_the_cache_sound(config, monkeypatch):
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda handle, data, at: pwrite(handle, bytes(data)[:1000], at))
    with pytest.raises(WorkError, match="picture cache cannot be written"):
        prepare(config, PIXELS)
    monkeypatch.undo()
    data = prepare(config, PIXELS)
    np.testing.assert_array_equal(rows(data.val)[0], fit_frame(data.val.images.image(0), PIXELS)[0])


def test_the_longest_unused_store_makes_room(tmp_path):
    stores = [tmp_path / f"pictures-{name}" for name in "abc"]
    for age, folder in enumerate(stores):
        folder.mkdir()
        (folder / "rows.bin").write_bytes(bytes(1000))
        os.utime(folder, (1000 + age, 1000 + age))
    prune(tmp_path, [stores[0]], most_bytes=2500)
    assert [folder.exists() for folder in stores] == [True, False, True]


def test_features_make_room_too_and_what_others_take_away_meanwhile_stops_nothing(tmp_path):
    store, gone = tmp_path / "pictures-a", tmp_path / "pictures-b"
    for folder in (store, gone):
        folder.mkdir()
    (store / "rows.bin").write_bytes(bytes(1000))
    (gone / "rows.bin").symlink_to("taken-away")
    features = [tmp_path / f"features-{name}.npz" for name in "ab"]
    for age, file in enumerate(features):
        file.write_bytes(bytes(1000))
        os.utime(file, (1000 + age, 1000 + age))
    prune(tmp_path, [store], most_bytes=2500)
    assert [path.exists() for path in (store, *features)] == [True, False, True]


def test_inodes_of_64_bits_are_remembered(config, monkeypatch):
    def stat(path):
        found = Path(path).stat()
        names = ("st_size", "st_mtime_ns", "st_ctime_ns")
        inode = 2**63 + found.st_ino  # as mergerfs and network shares make them up
        return SimpleNamespace(st_ino=inode, **{name: getattr(found, name) for name in names})

    monkeypatch.setattr("edgelens.train.data.digests.os", SimpleNamespace(stat=stat))
    first = prepare(config, PIXELS)
    monkeypatch.setattr("edgelens.train.data.digests.read_image_bytes", None)  # nothing is read again
    assert prepare(config, PIXELS).fingerprint == first.fingerprint


def test_two_processes_share_one_cache(config):
    code = (
        "from edgelens.train.data.config import *; from edgelens.train.data.prepare import *;"
        "from edgelens.runtime.preprocess import PixelContract;"
        f"d = prepare(DataConfig({config.path!r}, cache={config.cache!r}), PixelContract(32, 32));"
        "print(d.train.pictures.take(slice(None)).sum())"
    )
    running = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    sums = [process.communicate(timeout=60)[0] for process in running]
    assert sums[0] == sums[1] != ""


def test_damaged_images_are_skipped_and_named_up_to_max_bad(config, tmp_path):
    folder = tmp_path / "photos"
    for i in (0, 3, 4):
        (folder / "cat" / f"{i:03d}.jpg").write_bytes(b"")
    whole = (folder / "dog" / "001.jpg").read_bytes()
    (folder / "dog" / "001.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(
        DataError, match=r"4 of 40 images \(10.0%\) cannot be read, more than --max-bad 1.0%; the first:"
    ):
        prepare(config, PIXELS)
    lenient = DataConfig(config.path, cache=config.cache, max_bad=0.11)
    data = prepare(lenient, PIXELS)
    assert len(data.train) + len(data.val) == 36
    assert len(data.check.unreadable) == 4
    assert "cat/000.jpg: is empty" in " ".join(data.check.unreadable)


def test_of_few_pictures_a_broken_one_stops_nothing_unless_that_is_asked(config, tmp_path):
    (tmp_path / "photos" / "cat" / "000.jpg").write_bytes(b"")
    assert len(prepare(config, PIXELS).check.unreadable) == 1
    with pytest.raises(DataError, match="1 of 40 images"):
        prepare(DataConfig(config.path, cache=config.cache, max_bad=0), PIXELS)


def test_what_is_nearly_the_same_stays_on_one_side_of_every_split(tmp_path):
    """Every picture four times: as it is, halved, brightened, saved again; and once more byte for byte."""
    folder = tmp_path / "photos"
    for label, first in (("cat", 0), ("dog", 100)):
        (folder / label).mkdir(parents=True)
        for i in range(12):
            image = photo(first + i)
            ways = (image, cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), image // 2 + 70)
            for way, each in enumerate(ways):
                cv2.imwrite(str(folder / label / f"{i:02d}-{way}.png"), each)
            cv2.imwrite(str(folder / label / f"{i:02d}-3.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 60])
            (folder / label / f"{i:02d}-4.png").write_bytes((folder / label / f"{i:02d}-0.png").read_bytes())
    config = DataConfig(str(folder), cache=str(tmp_path / "cache"), splits=SplitConfig(val=0.25, test=0.25))
    data = prepare(config, PIXELS)
    side = {}
    for name, split in zip(data.names, data.splits.tolist(), strict=True):
        side.setdefault(name.split("-")[0], set()).add(split)
    assert set(map(len, side.values())) == {1}
    assert not data.check.leaks
    assert [len(part) for part in (data.train, data.val, data.test)] == [70, 20, 30]
    assert data.images.groups is not None
    assert len(set(data.images.groups)) == 24
    folded = DataConfig(str(folder), cache=config.cache, splits=SplitConfig(folds=4))
    assert not prepare(folded, PIXELS).check.leaks


def test_damage_that_only_the_decoder_sees_is_found(config, tmp_path):
    target = tmp_path / "photos" / "cat" / "002.jpg"
    cv2.imwrite(str(target), np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8))
    data = bytearray(target.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = bytes(400)
    target.write_bytes(bytes(data))
    checked = prepare(DataConfig(config.path, cache=config.cache, max_bad=0.1), PIXELS).check
    assert [line for line in checked.unreadable if "cat/002.jpg" in line]


def test_odd_but_sound_data_works(tmp_path):
    folder = write_photos(tmp_path / "odd", {"a": 12, "b": 12})
    for label, image in (("black", np.zeros((40, 40, 3), np.uint8)), ("once", photo(7))):
        (folder / label).mkdir()
        for i in range(5 if label == "black" else 1):
            cv2.imwrite(str(folder / label / f"{i}.png"), image)
    cv2.imwrite(str(folder / "a" / "one.png"), photo(1)[:1, :1])
    cv2.imwrite(str(folder / "a" / "long.png"), photo(2, 4, 900))
    strange = os.fsencode(folder / "b") + b"/caf\xe9\xff.png"
    with open(strange, "wb") as stream:
        stream.write(cv2.imencode(".png", photo(3))[1].tobytes())
    data = prepare(DataConfig(str(folder), cache=str(tmp_path / "cache")), PIXELS)
    assert len(data.train) + len(data.val) == 33
    assert data.check.once == ("once",)
    assert data.check.illegible == (os.fsdecode(b"b/caf\xe9\xff.png"),)
    assert len(data.check.blank) >= 5
    assert "a/one.png" in data.check.tiny
    assert "a/long.png" in data.check.tiny
    assert rows(data.train)[data.train.labels == data.classes.index("black")].max() == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder.mkdir(), "is an empty folder"),
        (lambda folder: folder.write_text("hello"), "is a file and no data set"),
        (lambda folder: (folder / "cat").mkdir(parents=True), "no images in class folders"),
        (lambda folder: (folder.mkdir(), cv2.imwrite(str(folder / "a.png"), photo(0))), "1 images and no folders"),
        (
            lambda folder: (folder.mkdir(), (folder / "train-labels-idx1-ubyte").write_bytes(b"\0\0\x08\1\0\0\0\0")),
            "labels and no images",
        ),
    ],
    ids=["empty", "file", "empty classes", "flat", "labels only"],
)
def test_broken_inputs_get_one_line(tmp_path, make, message):
    make(tmp_path / "data")
    with pytest.raises(DataError, match=message) as error:
        prepare(DataConfig(str(tmp_path / "data"), cache=str(tmp_path / "cache")), PIXELS)
    assert "\n" not in str(error.value)


def test_labels_without_their_images_stop(tmp_path):
    (tmp_path / "labels.csv").write_text("path,label\n" + "".join(f"{i}.jpg,{'ab'[i % 2]}\n" for i in range(10)))
    with pytest.raises(DataError, match=r"10 of 10 images \(100.0%\) cannot be read"):
        prepare(DataConfig(str(tmp_path / "labels.csv"), cache=str(tmp_path / "cache")), PIXELS)


def test_transparent_areas_are_filled_and_told(tmp_path):
    for label in ("a", "b"):
        (tmp_path / "set" / label).mkdir(parents=True)
        for i in range(10):
            opacity = np.full((90, 120, 1), 255, np.uint8)
            opacity[: 30 if label == "a" else 0] = 0
            cv2.imwrite(
                str(tmp_path / "set" / label / f"{i}.png"), np.dstack([photo(i + 50 * (label == "b")), opacity])
            )
    train = prepare(DataConfig(str(tmp_path / "set"), cache=str(tmp_path / "cache")), PixelContract(30, 40)).train
    np.testing.assert_allclose(train.missing, np.where(train.labels == 0, 1 / 3, 0), atol=1e-6)
    assert (rows(train)[train.labels == 0][:, :9] == 128).all()


def test_groups_and_folds_reach_the_splits(config):
    by_tens = DataConfig(config.path, cache=config.cache, group=r"(\d)\d\.jpg", splits=SplitConfig(val=0.5))
    data = prepare(by_tens, PIXELS)
    assert len({name[-6] for name in data.val.images.names} & {name[-6] for name in data.train.images.names}) == 0
    seen = []
    for fold in range(4):
        folded = DataConfig(config.path, cache=config.cache, splits=SplitConfig(folds=4, fold=fold))
        seen += prepare(folded, PIXELS).val.images.names
    assert sorted(seen) == sorted(data.names)


def test_pictures_past_the_ram_limit_are_given_back(tmp_path):
    side, count, limit = 128, 2000, 24 << 20
    np.savez(tmp_path / "set.npz", images=np.zeros((count, side, side, 3), np.uint8), labels=np.arange(count) % 2)
    code = (
        "import numpy as np, sys\n"
        "from edgelens.train.data.config import *\n"
        "from edgelens.train.data.prepare import *\n"
        "from edgelens.runtime.preprocess import PixelContract\n"
        "def resident():\n"
        "    return int(open('/proc/self/statm').read().split()[1]) * 4096\n"
        f"data = prepare(DataConfig({str(tmp_path / 'set.npz')!r}, cache={str(tmp_path / 'cache')!r},"
        f" ram_limit={limit}), PixelContract({side}, {side}))\n"
        "data.train.pictures.take(np.arange(1))\n"
        "before, most = resident(), 0\n"
        "for i in range(0, len(data.train), 64):\n"
        "    data.train.pictures.take(np.arange(i, min(i + 64, len(data.train))))\n"
        "    most = max(most, resident() - before)\n"
        "print(most)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < limit
