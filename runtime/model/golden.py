"""A bundle's golden data as arrays: real frames, and what the reference network answered to them."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.bundle import Bundle
from ..bundle.manifest import Golden
from ..errors import BundleError
from ..frame import Frame
from ..images.read import decode_image
from ..recognitions import Recognitions

__all__ = ["frames_of", "reference_of", "rows_from_arrays", "rows_to_arrays"]

_MAX_REFERENCE_BYTES = 512 * 1024 * 1024


def frames_of(bundle: Bundle, golden: Golden) -> list[Frame]:
    """The frames, in order."""
    if not golden.frames:
        raise BundleError(f"{bundle.path}: its golden data holds no frames")
    images = (decode_image(bundle.read(entry), f"{bundle.path}: {entry}") for entry in golden.frames)
    return [Frame(image, i) for i, image in enumerate(images)]


def reference_of(bundle: Bundle, golden: Golden) -> dict[str, NDArray[Any]]:
    """The arrays of the reference by name, none of them larger than it may be."""
    data, where = bundle.read(golden.reference), f"{bundle.path}: {golden.reference}"
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(info.file_size for info in archive.infolist()) > _MAX_REFERENCE_BYTES:
                raise BundleError(f"{where}: holds more than {_MAX_REFERENCE_BYTES >> 20} MB")
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return {name: np.asarray(arrays[name], np.float32) for name in arrays.files}
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, RuntimeError, NotImplementedError) as error:
        raise BundleError(f"{where}: is no .npz of arrays or is damaged ({str(error)[:80]})") from None


def rows_to_arrays(seen: list[Recognitions]) -> dict[str, NDArray[np.float32]]:
    """What a whole pipeline saw in each frame, as arrays that stand in an .npz: one row after the other."""
    rows = [_numbers(each) for each in seen]
    return {
        "counts": np.array([len(each) for each in rows], np.float32),
        "rows": np.concatenate(rows) if rows else np.empty((0, 7), np.float32),
    }


def rows_from_arrays(
    arrays: dict[str, NDArray[Any]], labels: tuple[str, ...], task: str, where: str
) -> list[Recognitions]:
    """The frames' rows again."""
    counts, rows = arrays.get("counts"), arrays.get("rows")
    if counts is None or rows is None or rows.ndim != 2 or rows.shape[1] != 7 or int(counts.sum()) != len(rows):
        raise BundleError(f"{where}: its golden reference of the whole pipeline is damaged")
    parts = np.split(rows, np.cumsum(counts.astype(int))[:-1])
    return [
        Recognitions(labels, part[:, 0], part[:, 1], boxes=part[:, 2:6], parents=part[:, 6].astype(np.int32), task=task)
        for part in parts
    ]


def _numbers(seen: Recognitions) -> NDArray[np.float32]:
    """(N, 7): label id, score, box (NaN where there is none), parent."""
    out = np.full((len(seen), 7), np.nan, np.float32)
    out[:, 0], out[:, 1], out[:, 6] = seen.ids, seen.scores, -1
    out[:, 2:6] = seen.places
    if seen.parents is not None:
        out[:, 6] = seen.parents
    return out
