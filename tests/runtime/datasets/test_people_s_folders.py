"""Folders and tables as people have them: sessions above classes, videos among photos, columns in any order."""

from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgelens.runtime.datasets.catalog import load_images
from edgelens.runtime.datasets.texts import load_texts
from edgelens.runtime.errors import DataError
from edgelens.runtime.sinks.video.webm import WebmFile
from edgelens.runtime.sources.video import VideoFile


def photo(value: int = 100) -> bytes:
    return cv2.imencode(".png", np.full((6, 8, 3), value, np.uint8))[1].tobytes()


def tree(folder: Path, *files: str) -> Path:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(photo())
    return folder


def film(path: Path, frames: int = 60, *, still: bool = False) -> Path:
    """A bright square that wanders, or rests."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 20, (96, 64))
    for i in range(frames):
        image = np.full((64, 96, 3), 40, np.uint8)
        x = 4 if still else 4 + i
        image[10:50, x : x + 30] = (60, 200, 220)
        writer.write(image)
    writer.release()
    return path


LEVELS = {
    "plain": (("cup/1.png", "pen/1.png"), ("cup", "pen"), ""),
    "extras below": (("cup/1.png", "cup/blue/2.png", "pen/1.png"), ("cup", "pen"), "the first folders"),
    "sessions": (("mon/cup/1.png", "mon/pen/1.png", "tue/cup/1.png"), ("cup", "pen"), "the last folders"),
    "one folder of all": (("photos/cup/1.png", "photos/pen/1.png"), ("cup", "pen"), "the last folders"),
    "kinds of kinds": (("animal/cat/1.png", "plant/rose/1.png"), ("animal", "plant"), "the first folders"),
    "in splits": (("train/mon/cup/1.png", "train/tue/cup/1.png", "val/wed/pen/1.png", "val/wed/cup/1.png"),
                  ("cup", "pen"), "the last folders"),
}  # fmt: skip


@pytest.mark.parametrize("how", LEVELS)
def test_which_level_is_the_class_and_that_it_is_said(tmp_path: Path, how: str) -> None:
    files, classes, said = LEVELS[how]
    images = load_images(tree(tmp_path, *files))
    assert images.classes == classes
    assert len(images) == len(files)
    notes = [note for note in images.notes if note.startswith("classes are")]
    assert len(notes) == bool(said)
    assert all(said in note and "--format folders-" in note for note in notes)


def test_either_level_can_be_asked_for(tmp_path: Path) -> None:
    folder = tree(tmp_path, "mon/cup/1.png", "mon/pen/1.png", "tue/cup/1.png")
    assert load_images(folder, format="folders-first").classes == ("mon", "tue")
    assert load_images(folder, format="folders-last").classes == ("cup", "pen")
    assert load_images(folder, format="folders-last").notes == ()


SPLITS = {
    "a folder around": ("set/train/cup/1.png", "set/train/pen/2.png", "set/test/cup/3.png"),
    "images around": ("images/train/cup/1.png", "images/train/pen/2.png", "images/validation/cup/3.png"),
    "named and doubled": ("training_set/training_set/cup/1.png", "training_set/training_set/pen/2.png",
                          "test_set/test_set/cup/3.png"),
    "unlabelled beside": ("seg_train/seg_train/cup/1.png", "seg_train/seg_train/pen/2.png",
                          "seg_test/seg_test/cup/3.png", "seg_pred/seg_pred/4.png"),
    "an unlabelled test": ("train/cup/1.png", "train/pen/2.png", "valid/cup/3.png", "test/4.png"),
    "around and doubled": ("a/b/train/train/cup/1.png", "a/b/train/train/pen/2.png", "a/b/test/test/cup/3.png"),
}  # fmt: skip


@pytest.mark.parametrize("how", SPLITS)
def test_splits_are_found_where_people_have_them(tmp_path: Path, how: str) -> None:
    images = load_images(tree(tmp_path, *SPLITS[how]))
    assert images.classes == ("cup", "pen")
    held_out = "val" if "valid" in " ".join(SPLITS[how]) else "test"
    of = {Path(name).name: str(split) for name, split in zip(images.names, images.splits, strict=True)}
    assert of == {"1.png": "train", "2.png": "train", "3.png": held_out}
    beside = Path(SPLITS[how][-1]).parts[0] if "unlabelled" in how else ""
    assert images.notes == ((f"1 folder of pictures without classes, passed over: {beside}",) if beside else ())


CLASSES = {
    "vehicles": (("car/1.png", "bus/1.png", "train/1.png"), ("bus", "car", "train")),
    "shoes": (("training shoes/1.png", "test boots/1.png"), ("test boots", "training shoes")),
    "kinds of such": (("training shoes/red/1.png", "test boots/wide/1.png"), ("test boots", "training shoes")),
    "days of vehicles": (("mon/car/1.png", "mon/train/1.png", "tue/train/1.png"), ("car", "train")),
}


@pytest.mark.parametrize("how", CLASSES)
def test_classes_that_are_called_like_splits_stay_classes(tmp_path: Path, how: str) -> None:
    files, classes = CLASSES[how]
    images = load_images(tree(tmp_path, *files))
    assert (images.classes, set(images.splits)) == (classes, {""})


def test_splits_below_classes_are_not_trained_on_unsaid(tmp_path: Path) -> None:
    for number, files in enumerate((("cup/train/1.png", "cup/test/2.png", "pen/train/3.png"),
                                    ("cup/a/train/1.png", "cup/a/test/2.png", "pen/3.png"),
                                    ("train/1.png", "train/2.png", "test/3.png"))):  # fmt: skip
        with pytest.raises(DataError, match=r"folders of splits \(test, train\) and none of classes") as refused:
            load_images(tree(tmp_path / str(number), *files))
        assert "\n" not in str(refused.value)
        classes = load_images(tmp_path / str(number), format="folders-first").classes
        assert classes == (("test", "train") if number == 2 else ("cup", "pen"))
    images = load_images(tree(tmp_path / "one", "cup/1.png", "cup/test/2.png", "pen/3.png"))
    assert "folders that are called as splits and are none: test" in images.notes


def test_folders_without_pictures_and_those_of_trainings_are_no_classes(tmp_path: Path) -> None:
    folder = tree(tmp_path, "cup/1.png", "pen/1.png", "runs/cups/plot.png", "cups.run/plot.png")
    for run in ("runs/cups", "cups.run"):
        (folder / run / "run.json").write_text("{}")
        (folder / run / "splits.npz").write_bytes(b"")
    for empty in ("empty", "odd"):
        (folder / empty).mkdir()
    (folder / "odd" / "notes.txt").write_text("x")
    images = load_images(folder)
    assert images.classes == ("cup", "pen")
    assert list(images.names) == ["cup/1.png", "pen/1.png"]
    assert images.notes == (
        "1 file without a picture: odd/notes.txt",
        "2 folders of trainings, passed over: cups.run, runs/cups",
        "2 folders without pictures, no class: empty, odd",
    )


def test_what_is_no_photo_is_named_once_and_harms_nothing(tmp_path: Path) -> None:
    folder = tree(tmp_path, "cup/1.png", "pen/1.png", "IMG_7.png", "cup/._1.png", "__MACOSX/cup/._1.png")
    left = (".DS_Store", "cup/.DS_Store", "pen/Thumbs.db", "pen/desktop.ini")
    for junk in (*left, "cup/notes.txt", "pen/a.docx", "notes.txt", "a.mp4"):
        (folder / junk).write_bytes(b"x")
    images = load_images(folder)
    assert list(images.names) == ["cup/1.png", "pen/1.png"]
    assert images.classes == ("cup", "pen")
    assert images.notes == (
        "3 files without a picture: notes.txt, cup/notes.txt, pen/a.docx",
        "6 things that systems leave behind: .DS_Store, ._*, Thumbs.db, __MACOSX, … (5)",
        "1 picture in no class folder: IMG_7.png",
        "1 video in no class folder: a.mp4",
    )
    assert images.passed_over == 2


def test_videos_give_frames_that_differ_and_stay_together(tmp_path: Path) -> None:
    folder = tree(tmp_path / "set", "cup/1.png", "cup/walk.png", "pen/1.png")
    film(folder / "cup" / "walk.avi")
    film(folder / "pen" / "still.avi", still=True)
    (folder / "pen" / "broken.mp4").write_bytes(b"no film")
    images = load_images(folder)
    frames = [i for i, name in enumerate(images.names) if name.startswith("cup/walk.avi#")]
    assert 3 <= len(frames) <= 8
    assert sum(name.startswith("pen/still.avi#") for name in images.names) == 1
    assert images.groups is not None
    assert {images.groups[i] for i in frames} == {images.groups[list(images.names).index("cup/walk.png")]}
    assert {int(images.labels[i]) for i in frames} == {0}
    pictures = [images.image(i).astype(int) for i in frames]
    assert pictures[0].shape == (64, 96, 3)
    assert all(np.abs(a - b).mean() > 4 for a, b in itertools.pairwise(pictures))
    said = [note for note in images.notes if "video" in note]
    assert said[0].startswith(f"2 videos: {len(frames) + 1} frames of cup/walk.avi, pen/still.avi are taken")
    assert said[1] == "1 video of which no frame can be decoded: pen/broken.mp4"
    part = images.select(np.array(frames[:2]))
    assert part.image(1).shape == (64, 96, 3)
    assert part.groups == [images.groups[frames[0]]] * 2


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("seconds", [20, 120])
def test_a_browser_s_recording_gives_frames_of_all_of_it(tmp_path: Path, seconds: int, whole: bool) -> None:
    """Its frames come when they come, for which a rate of 1000 is guessed; how long it is, it may not say."""
    rng, clip = np.random.default_rng(0), tmp_path / "set" / "cup" / "walk.webm"
    clip.parent.mkdir(parents=True)
    video, at_s = WebmFile(clip, (96, 64)), 0.0
    for i, gap_ms in enumerate(rng.choice([101, 137, 167, 199, 211], size=seconds * 6)):
        image = np.full((64, 96, 3), 40, np.uint8)
        image[10:50, i % 60 : i % 60 + 30] = rng.integers(0, 255, 3)
        video.add(image, at_s)
        at_s += gap_ms / 1000
    if whole:
        video.finish(at_s)
    else:
        video.close()  # as it lies on the disk while it is being recorded
    tree(tmp_path / "set", "pen/1.png")
    with VideoFile(str(clip)) as source:
        assert (source.frames > 0) == whole
    taken = [int(name.rpartition("#")[2]) for name in load_images(tmp_path / "set").names if "#" in name]
    assert 15 <= len(taken) <= 40
    assert max(taken) > 0.85 * seconds * 6
    assert max(np.diff(taken)) < seconds * 6 / 8


def test_frames_are_taken_once_and_found_again_where_the_folder_moves(tmp_path: Path) -> None:
    film(tree(tmp_path / "a", "pen/1.png") / "cup" / "walk.avi")
    first = load_images(tmp_path / "a")
    times = {file: Path(file).stat().st_mtime_ns for file in first.elsewhere.values()}
    (tmp_path / "a").rename(tmp_path / "b")
    again = load_images(tmp_path / "b")
    assert list(again.names) == list(first.names)
    assert dict(again.elsewhere) == dict(first.elsewhere)
    assert {file: Path(file).stat().st_mtime_ns for file in times} == times


TABLES = {
    "usual": "1.png,cup\n2.png,pen\n3.png,cup\n",
    "label first": "cup,1.png\npen,2.png\ncup,3.png\n",
    "header of its own": "was ist es,bild\ncup,1.png\npen,2.png\ncup,3.png\n",
    "numbers beside": "7,cup,.31,1.png\n8,pen,.7,2.png\n9,cup,.2,3.png\n",
    "split first": "train,cup,1.png\ntrain,pen,2.png\ntest,cup,3.png\n",
    "one name known": "class,when,shot\ncup,mon,1.png\npen,mon,2.png\ncup,mon,3.png\n",
}


@pytest.mark.parametrize("how", TABLES)
def test_a_table_with_columns_in_any_order(tmp_path: Path, how: str) -> None:
    tree(tmp_path, "1.png", "2.png", "3.png")
    (tmp_path / "set.csv").write_text(TABLES[how])
    images = load_images(tmp_path / "set.csv")
    assert list(images.names) == ["1.png", "2.png", "3.png"]
    assert [images.classes[c] for c in images.labels] == ["cup", "pen", "cup"]
    assert images.splits.tolist() == (["train", "train", "test"] if how == "split first" else [""] * 3)
    assert (images.notes == ()) == (how == "usual")


FLAT = {
    "beside": (("1.png", "2.png", "3.png"), "split,label,path\ntrain,cup,1.png\ntrain,pen,2.png\ntest,cup,3.png\n"),
    "without a header": (("1.png", "2.png", "3.png"), "1.png,cup\n2.png,pen\n3.png,cup\n"),
    "in images": (("images/1.png", "images/2.png", "images/3.png"), "path,label\n1.png,cup\n2.png,pen\n3.png,cup\n"),
    "of its name": (("set/1.png", "set/2.png", "set/3.png"), "id,label\n1,cup\n2,pen\n3,cup\n"),
    "in a split": (("set/1.png", "set/2.png", "set/3.png", "test/4.png"), "id,label\n1,cup\n2,pen\n3,cup\n"),
}


@pytest.mark.parametrize("how", FLAT)
def test_a_folder_with_one_table_for_its_pictures(tmp_path: Path, how: str) -> None:
    files, rows = FLAT[how]
    name = "train" if how == "in a split" else "set"
    folder = tree(tmp_path, *(file.replace("set/", f"{name}/") for file in files))
    (folder / f"{name}.csv").write_text(rows)
    (folder / "other.csv").write_text("kind,count\ncup,2\npen,9\n")
    for form in (None, "csv"):
        images = load_images(folder, format=form)
        assert (images.format, images.classes, len(images)) == ("csv", ("cup", "pen"), 3)


def test_a_table_beside_class_folders_or_another_table_does_not_decide(tmp_path: Path) -> None:
    folder = tree(tmp_path / "a", "cup/1.png", "pen/2.png")
    (folder / "about.csv").write_text("path,label\ncup/1.png,red\npen/2.png,blue\n")
    assert load_images(folder).classes == ("cup", "pen")
    assert load_images(folder, format="csv").classes == ("blue", "red")
    folder = tree(tmp_path / "b", "1.png", "2.png")
    for name in ("one.csv", "two.csv"):
        (folder / name).write_text("path,label\n1.png,red\n2.png,blue\n")
    with pytest.raises(DataError, match=r"give the table that says it \(one.csv, two.csv\)"):
        load_images(folder)
    with pytest.raises(DataError, match=r"there are: one.csv, two.csv; name a table"):
        load_images(folder, format="csv")
    (folder / "one.csv").write_text("path,xmin,ymin,xmax,ymax,label\n1.png,1,1,4,4,red\n")
    (folder / "two.csv").unlink()
    with pytest.raises(DataError, match="holds boxes"):
        load_images(folder)


def test_linked_folders_below_classes_count(tmp_path: Path) -> None:
    tree(tmp_path / "out", "1.png", "2.png")
    data = tree(tmp_path / "data", "a/1.png", "b/1.png")
    (data / "a" / "monday").symlink_to(tmp_path / "out")
    (data / "b" / "round").symlink_to(data)
    assert sorted(load_images(data).names) == ["a/1.png", "a/monday/1.png", "a/monday/2.png", "b/1.png"]


def test_a_table_without_endings_finds_each_file_s_own(tmp_path: Path) -> None:
    tree(tmp_path, "p0.png", "p1.PNG", "p2.bmp")
    (tmp_path / "labels.csv").write_text("file,label\np0,a\np1,b\np2,a\n")
    assert list(load_images(tmp_path / "labels.csv").names) == ["p0.png", "p1.PNG", "p2.bmp"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("0.png,AB, 12\n1.png,CD\n", "has more cells than"),
        ('0.png,"AB\n1.png,CD\n', "quote (is )?opened and not closed"),
    ],
)
def test_a_text_with_a_comma_or_half_a_quote_is_refused(tmp_path: Path, rows: str, message: str) -> None:
    tree(tmp_path, "0.png", "1.png")
    (tmp_path / "labels.csv").write_text("file,text\n" + rows)
    with pytest.raises(DataError, match=message):
        load_texts(str(tmp_path))


@pytest.mark.parametrize(
    ("rows", "texts"),
    [
        ('0.png\t"AB\n1.png\tCD\n', ['"AB', "CD"]),
        ('0.png\t"AB"\n1.png\t"C ""D"""\n', ["AB", 'C "D"']),
        ("0.png\tA, B\n1.png\tCD\n", ["A, B", "CD"]),
        ('0.png, "A, B"\n1.png, "CD"\n', ["A, B", "CD"]),
    ],
)
def test_texts_as_others_list_them(tmp_path: Path, rows: str, texts: list[str]) -> None:
    tree(tmp_path, "0.png", "1.png")
    (tmp_path / "gt.txt").write_text(rows)
    found = load_texts(str(tmp_path))
    assert [found.classes[label] for label in found.labels.tolist()] == texts
