"""Photos from a video, by difference or by count; several labels in one sitting, each frame's told by a key."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six scenes of ten equal frames."""
    path = tmp_path_factory.mktemp("video") / "scenes.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (96, 64))
    for scene in range(6):
        small = np.random.default_rng(scene).integers(0, 256, (4, 6, 3), np.uint8)
        for _ in range(10):
            writer.write(cv2.resize(small, (96, 64), interpolation=cv2.INTER_CUBIC))
    writer.release()
    return path


def collect(*words: str, keys: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edgelens", "collect", *words], input=keys, capture_output=True, text=True, timeout=60
    )


def photos(folder: Path) -> dict[str, int]:
    return {each.name: len(list(each.glob("*.jpg"))) for each in sorted(folder.iterdir())}


@pytest.mark.parametrize(
    "words, count",
    [
        ((), 6),
        (("--nth", "7"), 9),
        (("--nth", "7", "--count", "4"), 4),
        (("--every", "2"), 3),  # of the video's own time, however fast it is read
        (("--nth", "7", "--every", "1"), 5),
    ],
)
def test_a_video_gives_what_differs_or_every_nth_frame(video: Path, tmp_path: Path, words: tuple[str, ...], count: int):
    done = collect("--label", "cup", "--source", str(video), "--out", str(tmp_path), *words)
    assert done.returncode == 0, done.stderr
    assert photos(tmp_path) == {"cup": count}
    assert done.stdout == f"{count} photos of cup taken; {tmp_path / 'cup'} has {count}\n"


@pytest.mark.parametrize(
    "words, said",
    [
        (("--nth", "7", "--min-difference", "3"), "--min-difference and --nth: give one of them"),
        (("--source", "demo", "--label", "mug", "--nth", "2"), "--nth: of a camera and several --label the keys say"),
    ],
)
def test_a_rule_that_would_not_hold_is_refused(video: Path, tmp_path: Path, words: tuple[str, ...], said: str):
    done = collect("--label", "cup", "--source", str(video), "--out", str(tmp_path / "out"), *words)
    assert done.returncode == 2 and said in done.stderr
    assert not (tmp_path / "out").exists()


def test_there_is_no_time_between_pictures_of_files(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((8, 8, 3), np.uint8))
    done = collect("--label", "cup", "--source", str(tmp_path), "--out", str(tmp_path / "out"), "--every", "1")
    assert done.returncode == 2 and "--every: there is no time" in done.stderr


def test_what_is_masked_is_in_no_photo(video: Path, tmp_path: Path) -> None:
    """A video's photos, one in ten frames, whose left half nobody is to see."""
    words = ("--label", "cup", "--source", str(video), "--nth", "10")
    for out, mask in ((tmp_path / "open", ()), (tmp_path / "hidden", ("--mask", "0,0,.5,0,.5,1,0,1"))):
        done = collect(*words, "--out", str(out), *mask)
        assert done.returncode == 0, done.stderr
    shown, masked = (
        np.stack([cv2.imread(str(file)).astype(float) for file in sorted((tmp_path / name / "cup").glob("*.jpg"))])
        for name in ("open", "hidden")
    )
    assert len(shown) == len(masked) == 6
    assert np.abs(shown - masked)[:, :, 50:].mean() < 3
    assert np.abs(shown - masked)[:, :, :46].mean() > 10
    refused = collect(*words, "--out", str(tmp_path / "no"), "--mask", "0,0,2,0,2,1")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "fractions of the frame" in refused.stderr
    assert not (tmp_path / "no").exists()


def test_several_labels_in_one_sitting_by_key(video: Path, tmp_path: Path) -> None:
    labels = ("--label", "cup", "--label", "pen")
    done = collect(*labels, "--source", str(video), "--out", str(tmp_path), keys="1 2x1q")
    assert done.returncode == 0, done.stderr
    assert "1 cup   2 pen   space passes on   q ends" in done.stderr
    assert photos(tmp_path) == {"cup": 2, "pen": 1}
    first = cv2.imread(str(min((tmp_path / "pen").glob("*.jpg"))))
    wanted = np.random.default_rng(2).integers(0, 256, (4, 6, 3), np.uint8)
    assert np.abs(first - cv2.resize(wanted, (96, 64), interpolation=cv2.INTER_CUBIC).astype(int)).mean() < 12


def test_a_sitting_ends_with_its_keys_and_with_enough_photos(video: Path, tmp_path: Path) -> None:
    words = ("--label", "cup", "--label", "pen", "--source", str(video))
    done = collect(*words, "--out", str(tmp_path / "a"), keys="12")
    assert (done.returncode, photos(tmp_path / "a")) == (0, {"cup": 1, "pen": 1})
    done = collect(*words, "--out", str(tmp_path / "b"), "--count", "1", keys="121212")
    assert (done.returncode, photos(tmp_path / "b")) == (0, {"cup": 1, "pen": 1})
    done = collect(*words, "--out", str(tmp_path / "c"), keys="q")
    assert done.returncode == 1
    assert "no photo was taken" in done.stderr


def test_the_same_label_twice_is_refused(video: Path, tmp_path: Path) -> None:
    done = collect("--label", "cup", "--label", " cup", "--source", str(video), "--out", str(tmp_path))
    assert done.returncode == 2
    assert "different names" in done.stderr


def test_a_camera_s_frame_of_the_moment_is_kept_and_the_terminal_is_left_as_it_was(tmp_path: Path) -> None:
    """On a terminal, with the demo as the camera."""
    ours, theirs = pty.openpty()
    before = subprocess.run(["stty", "-a"], stdin=theirs, capture_output=True, text=True).stdout
    words = ["--label", "one", "--label", "two", "--source", "demo", "--count", "2", "--duration", "40"]
    command = [sys.executable, "-m", "edgelens", "collect", *words, "--out", str(tmp_path)]
    child = subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stderr is not None
    assert b"1 one   2 two   q ends" in child.stderr.readline()
    for key in b"2112":
        time.sleep(0.2)
        os.write(ours, bytes([key]))
    out, errors = child.communicate(timeout=50)
    assert child.returncode == 0, errors
    assert photos(tmp_path) == {"one": 2, "two": 2}
    assert out.decode().splitlines()[0].startswith("2 photos of one taken")
    assert subprocess.run(["stty", "-a"], stdin=theirs, capture_output=True, text=True).stdout == before
    os.close(ours)
    os.close(theirs)
