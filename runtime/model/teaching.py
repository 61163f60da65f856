"""Teaching on the device: pictures that are shown go under a name, and are recognized from the next frame on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..decode.boxes import corners_of_xywh, overlaps
from ..errors import UsageError, WorkError
from ..gallery.exemplar import checked_name
from ..gallery.gallery import Gallery
from ..images.write import made_smaller
from ..preprocess import Region, fit_frame
from ..recognitions import Recognitions
from .crops import Crop, crops_of, largest, picture_of_crop
from .network import LoadedNetwork
from .recognizer import BundleRecognizer
from .taught import Taught

__all__ = ["Shown", "Teacher"]

_THUMBNAIL = 256  # pixels of the longer side
_QUALITY = 88
_MOST_OF_IT = 0.5  # of a thing's box lies in what was drawn about it


@dataclass(frozen=True)
class Shown:
    """One picture of what is taught: its features, and the part of the frame they are of."""

    row: NDArray[np.float32]  # (D,)
    picture: NDArray[np.uint8] = field(repr=False)  # (H, W, 3) BGR


class Teacher:
    """Teaches a recognizer's last step; it is to be opened with `taught=True`."""

    def __init__(self, recognizer: BundleRecognizer) -> None:
        self._recognizer = recognizer

    @property
    def network(self) -> LoadedNetwork:
        """The network whose features are taught by."""
        return self._recognizer.main

    def gallery(self) -> Gallery:
        """Where it is kept; a network that cannot be taught is refused."""
        network = self.network
        taught, pixels = self._check(network), network.network.pixels
        empty = np.full((pixels.height, pixels.width, pixels.channels), 128, np.uint8)
        return taught.gallery(len(taught.row(network.outputs(empty))))

    def row(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The features of a network's picture (H, W, C)."""
        return np.array(self._check(self.network).row(self.network.outputs(pixels)))

    def look(
        self, image: NDArray[np.uint8], region: Region | None = None, *, box: Region | None = None
    ) -> Shown | None:
        """What a BGR frame shows: the box that is meant, else its region; a chain what its first step finds there.

        Of several things the largest is taken; None where none is found. A box that none is found in is cut out.
        """
        manifest, network = self._recognizer.bundle.manifest, self.network
        region = region or self._recognizer.region
        for part in filter(None, (region, box)):
            part.check(image.shape[0], image.shape[1], "the picture")
        if len(manifest.steps) == 1:
            pixels, placement = fit_frame(image, network.network.pixels, box or region)
            x, y, w, h = placement.view
            return Shown(self.row(pixels), image[y : y + h, x : x + w])
        if len(manifest.steps) > 2:
            raise UsageError(f"{manifest.name}: has {len(manifest.steps)} steps; a chain of two can be taught")
        step, contract, found = manifest.steps[1], network.network.pixels, self._recognizer.found(image, region)
        crops = crops_of(image, found, step, contract)
        meant = box
        if not crops and box is None and region is not None:  # tight about a thing, which is found amid others alone
            found, meant = self._recognizer.found(image), region
            crops = crops_of(image, found, step, contract)
        crop = largest(crops, found) if meant is None else _overlapping(crops, found, _pixels(image, meant))
        if crop is None and box is not None:
            found, step = _as_found(_pixels(image, box)), replace(step, classes=())
            (crop,) = crops_of(image, found, step, contract)
        return None if crop is None else Shown(self.row(crop.pixels), picture_of_crop(image, found, step, crop))

    def teach(self, name: str, shown: Iterable[Shown], *, source: str = "", photos: bool = True) -> str:
        """Keep what was shown under a name; the lesson, which `Gallery.undo` takes back."""
        rows = list(shown)
        if not rows:
            raise WorkError(f"{source}: nothing to learn {name[:40]} from was seen")
        pictures = [thumbnail(each.picture) if photos else b"" for each in rows]
        return self.gallery().teach(name, np.stack([each.row for each in rows]), pictures=pictures, source=source)

    def recognized(self, name: str, shown: Iterable[Shown]) -> int:
        """Of how many of the pictures that were shown the name is the answer now: few say that it will seldom be."""
        gallery, spelled = self.gallery(), checked_name(name)
        return sum(gallery.match(each.row).name == spelled for each in shown)

    def doubt(self, name: str, known: int, shown: int) -> str:
        """What is to be said of a name that was `recognized` in few of the pictures that were shown; else ""."""
        if 2 * known >= shown:
            return ""
        model = self._recognizer.bundle.manifest.name
        return (
            f"{checked_name(name)} is the answer for {known} of these pictures: {model} tells it from what it was"
            " trained for, or from another name, too seldom; show more of it, or teach an identifier"
        )

    def lesson(self, name: str, shown: Sequence[Shown], *, source: str, photos: bool = True) -> dict[str, Any]:
        """Keep what was shown, and say so: the name as it is spelled, the lesson, how many pictures there are now."""
        lesson, spelled = self.teach(name, shown, source=source, photos=photos), checked_name(name)
        pictures = next(each.exemplars for each in self.gallery().names if each.name == spelled)
        doubt = self.doubt(name, self.recognized(name, shown), len(shown))
        return {"name": spelled, "lesson": lesson, "pictures": pictures, "doubt": doubt or None}

    def _check(self, network: LoadedNetwork) -> Taught:
        if network.taught is None:
            task, name = network.network.task, self._recognizer.bundle.manifest.name
            raise UsageError(f"{name}: cannot be taught: its task is {task}; classifiers and identifiers can")
        return network.taught


def _overlapping(crops: Sequence[Crop], found: Recognitions, box: NDArray[np.float32]) -> Crop | None:
    """The crop of the thing that overlaps a box most; None where of no thing as much as half lies in it."""
    if not crops:
        return None
    places = corners_of_xywh(found.places[[crop.row for crop in crops]])
    low, high = np.maximum(places[:, :2], box[:2]), np.minimum(places[:, 2:], box[:2] + box[2:])
    within = np.clip(high - low, 0, None).prod(axis=1) >= (places[:, 2:] - places[:, :2]).prod(axis=1) * _MOST_OF_IT
    share = np.where(within, overlaps(places, corners_of_xywh(box[None]))[:, 0], -1)
    return crops[int(share.argmax())] if within.any() else None


def _pixels(image: NDArray[np.uint8], region: Region) -> NDArray[np.float32]:
    """(4,) x, y, w, h."""
    return np.array(region.pixels(image.shape[0], image.shape[1]), np.float32)


def _as_found(box: NDArray[np.float32]) -> Recognitions:
    """A box that somebody drew, as a finder says what it found."""
    return Recognitions(("drawn",), np.zeros(1, np.int64), np.ones(1, np.float32), boxes=box[None])


def thumbnail(picture: NDArray[np.uint8]) -> bytes:
    """A picture as the small JPEG that is kept of it."""
    done, data = cv2.imencode(".jpg", made_smaller(picture, _THUMBNAIL), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return bytes(data.tobytes()) if done else b""
