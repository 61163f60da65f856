"""Data sets by name: `mnist`, `fashion-mnist` and `cifar10`, from a folder or from their home."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from edgelens.runtime.datasets import cifar, idx
from edgelens.runtime.datasets.catalog import FORMATS, load_images
from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import DataError

from .download import Remote, fetch, unpack_flat
from .folder import cache_folder

__all__ = ["NAMED", "NamedSet", "open_data"]


@dataclass(frozen=True)
class NamedSet:
    """Where a set comes from and what it must look like; how many items it has is free."""

    format: str
    shape: tuple[int, ...]  # of one picture
    classes: tuple[str, ...]
    files: tuple[Remote, ...]


_MNIST = "https://storage.googleapis.com/cvdf-datasets/mnist/"
_FASHION = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
_CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")

NAMED: dict[str, NamedSet] = {
    "mnist": NamedSet(
        "idx",
        (28, 28),
        tuple("0123456789"),
        (
            Remote(
                f"{_MNIST}train-images-idx3-ubyte.gz",
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            ),
            Remote(
                f"{_MNIST}train-labels-idx1-ubyte.gz",
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            ),
            Remote(
                f"{_MNIST}t10k-images-idx3-ubyte.gz", "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
            ),
            Remote(
                f"{_MNIST}t10k-labels-idx1-ubyte.gz", "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
            ),
        ),
    ),
    "fashion-mnist": NamedSet(
        "idx",
        (28, 28),
        _CLOTHES,
        (
            Remote(
                f"{_FASHION}train-images-idx3-ubyte.gz",
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            ),
            Remote(
                f"{_FASHION}train-labels-idx1-ubyte.gz",
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            ),
            Remote(
                f"{_FASHION}t10k-images-idx3-ubyte.gz",
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            ),
            Remote(
                f"{_FASHION}t10k-labels-idx1-ubyte.gz",
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            ),
        ),
    ),
    "cifar10": NamedSet(
        "cifar10",
        (32, 32, 3),
        cifar.CIFAR10_CLASSES,
        (
            Remote(
                "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            ),
        ),
    ),
}


def open_data(data: str, *, format: str | None = None, data_dir: str | None = None) -> ImageSet:  # noqa: A002
    """The set that a DATA argument names: a path, or a named set.

    A named set's files are looked for in `data_dir` and its folders, and downloaded where they are not there; without
    `data_dir` a file or folder of that name goes before.
    """
    known = NAMED.get(data)
    if known is None or (data_dir is None and Path(data).exists()):
        return load_images(data, format=format)
    folder = Path(data_dir) if data_dir is not None else cache_folder(None) / "data"
    if data_dir is not None and not folder.is_dir():
        raise DataError(f"--data-dir {data_dir}: no such folder")
    place = _found(folder, data, known)
    if place is None:
        place = folder / data
        _download(place, data, known)
    images = FORMATS[known.format].read(place)
    return _checked(images, data, known, place)


def _found(folder: Path, name: str, known: NamedSet) -> Path | None:
    """The folder that holds the set's files."""
    fits = {"idx": idx.fits, "cifar10": cifar.fits}[known.format]
    for place in (folder / name, folder / name.replace("-", "_"), folder):
        if place.is_dir() and fits(place):
            return place
    return None


def _download(place: Path, name: str, known: NamedSet) -> None:
    wanted = ", ".join(file.name for file in known.files)
    try:
        for file in known.files:
            fetch(file, place / file.name)
            if file.name.endswith(".tar.gz"):
                unpack_flat(place / file.name, place, (".bin", ".txt"))
    except DataError as error:
        raise DataError(
            f"{name}: {error}; put {wanted} in {place} yourself, or name its folder with --data-dir"
        ) from None


def _checked(images: ImageSet, name: str, known: NamedSet, place: Path) -> ImageSet:
    """The set with its classes' names, if it has the shape that it must have."""
    assert images.stored is not None
    if images.stored.shape[1:] != known.shape:
        shape = " × ".join(map(str, images.stored.shape[1:]))
        raise DataError(f"{place}: its pictures are {shape}; those of {name} are {' × '.join(map(str, known.shape))}")
    if len(images.classes) > len(known.classes):
        raise DataError(f"{place}: its labels go to {len(images.classes) - 1}; {name} has {len(known.classes)} classes")
    return replace(images, classes=known.classes)
