"""Photos without labels, which a teacher names: the student learns what the teacher says of them, and how surely."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from edgelens.runtime.datasets.contents import listed
from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import DataError, ImageError, UsageError
from edgelens.runtime.images.read import read_image
from edgelens.runtime.preprocess import PixelContract, fit_frame

from ..augment import normalised
from ..data.duplicates import alike
from ..data.facts import facts_of
from ..data.pictures import StoredPictures
from ..data.train_data import Part, TrainData
from ..runs.run import Run
from ..task import by_name
from ..tasks.catalog import make_task

__all__ = ["with_unlabelled"]

_BATCH = 32


def with_unlabelled(
    data: TrainData, folder: str, teacher: str, seen: Callable[[int, int], None] = lambda _done, _of: None
) -> tuple[TrainData, str]:
    """The training pictures and, behind them, a folder's, of which only the teacher's run knows what they show.

    What validates or tests is not among them. How many they are comes with them, in words; `seen` hears how many
    of how many were looked at.
    """
    run = Run.open(teacher)
    if run.classes != data.classes:
        raise UsageError(f"--teacher {teacher}: knows other classes than the data")
    pictures, labels, names, unread = _named_by(run, Path(folder), data.pixels, seen)
    new = ~_judging(data, pictures)
    if not new.any():
        raise DataError(f"--unlabelled {folder}: holds only pictures that validate or test; give it others")
    pictures, labels, names = pictures[new], labels[new], [names[i] for i in np.flatnonzero(new).tolist()]
    said = f"the teacher names {len(labels):,} more photos of {folder}"
    if unread:
        said += f"; {unread:,} that cannot be read {'is' if unread == 1 else 'are'} left out"
    if left_out := len(new) - len(labels):
        said += f"; {left_out:,} are left out, which validate or test"
    train = data.train
    pixels = np.concatenate([train.pictures.take(slice(None)), pictures])
    every = np.concatenate([train.labels, labels])
    images = ImageSet(
        folder,
        "npz",
        data.classes,
        every.astype(np.int32),
        np.full(len(every), "train"),
        [*train.images.names, *names],
        pixels if pixels.shape[3] == 3 else pixels[..., 0],
    )
    missing = None if train.missing is None else np.concatenate([train.missing, np.zeros(len(labels), np.float32)])
    part = Part(StoredPictures(pixels, np.arange(len(pixels))), every, images, missing, named=len(labels))
    return replace(data, train=part), said


def _judging(data: TrainData, pictures: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(N,): which pictures (N, H, W, C) validate or test, as they are or nearly."""
    judging = [part.pictures.take(slice(None)) for part in (data.val, data.test) if part is not None]
    known = np.concatenate(judging)
    same = {picture.tobytes() for picture in known}
    found = np.array([picture.tobytes() in same for picture in pictures])
    pairs = alike(np.stack([_thumb(picture) for picture in (*known, *pictures)]))
    found[[other - len(known) for one, other in pairs if one < len(known) <= other]] = True
    return found


def _thumb(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What nearly the same pictures are found by."""
    bgr = picture[..., ::-1] if picture.shape[2] == 3 else picture.repeat(3, axis=2)
    thumb: NDArray[np.uint8] = facts_of(bgr, bgr.shape)["thumb"]
    return thumb


def _named_by(
    run: Run, folder: Path, pixels: PixelContract, seen: Callable[[int, int], None]
) -> tuple[NDArray[np.uint8], NDArray[np.int64], list[str], int]:
    """A folder's pictures as the student sees them, (N, H, W, C), the teacher's answers to them, and their names; how
    many files could not be read."""
    answers = _namer(run)
    own: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    names: list[str] = []
    shown: list[NDArray[np.uint8]] = []
    files = listed(str(folder)).images
    for done, file in enumerate(files, 1):
        seen(done, len(files))
        try:
            image = read_image(file)
        except ImageError:
            continue
        own.append(fit_frame(image, pixels)[0])
        shown.append(fit_frame(image, run.pixels)[0])
        names.append(str(Path(file).relative_to(folder)))
        if len(shown) == _BATCH:
            labels += answers(shown)
            shown = []
    labels += answers(shown) if shown else []
    if not own:
        raise DataError(f"--unlabelled {folder}: holds no image that can be read")
    return np.stack(own), np.array(labels, np.int64), names, len(files) - len(own)


def _namer(run: Run) -> Callable[[Sequence[NDArray[np.uint8]]], list[int]]:
    """What gives pictures (H, W, C) the teacher's best answers, by number."""
    network, task = run.model(), make_task(run.config, run.classes)
    if task.named is None:
        raise UsageError(f"--unlabelled: the task {task.name} gives pictures no names that a student could learn")
    named = task.named

    @torch.inference_mode()
    def answers(pictures: Sequence[NDArray[np.uint8]]) -> list[int]:
        inputs = normalised(torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2))
        numbers: list[int] = named(by_name(network(inputs), task.outputs)).tolist()
        return numbers

    return answers
