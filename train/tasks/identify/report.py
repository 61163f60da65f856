"""An identifier's report: how well it tells strangers' pictures apart, and which two it confuses most."""

from __future__ import annotations

import base64
from html import escape

import cv2
import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.decode.identify import EMBEDDING
from edgelens.runtime.errors import ImageError
from edgelens.runtime.images.write import made_smaller
from edgelens.runtime.metrics.identification import identification, nearest_other, unit_rows

from ...report.findings import Findings
from ...report.page import facts, table
from ...report.sections import cost, curves, data, settings
from ..classify.labels import class_ids

__all__ = ["sections"]

_PAIRS, _SIDE = 8, 96


def sections(found: Findings) -> list[str]:
    """Figures, the closest confusions as pairs of pictures, how it learned, and what it was made from."""
    rows, ids = unit_rows(found.val[EMBEDDING]), class_ids(found.val_targets)
    return [_headline(found, rows, ids), _confusions(found, rows, ids), curves(found), data(found), settings(found)]


def _headline(found: Findings, rows: NDArray[np.float32], ids: NDArray[np.int64]) -> str:
    told = identification(rows, ids)
    cards = facts(
        [
            (f"{told.rank1[1]:.1%}", "recognized by one picture"),
            (f"{told.equal_error:.1%}", "equal error of pairs"),
            (f"{told.mean_precision:.1%}", "mean precision of retrieval"),
            *cost(found),
        ]
    )
    ranks = [(str(n), f"{told.rank1[n]:.2%}", f"{told.rank5[n]:.2%}") for n in told.rank1]
    pairs = [(f"{rate:.1%}", f"{share:.2%}") for rate, share in told.false_rejects.items()]
    return (
        f"{cards}<p>{told.identities} identities validate, {escape(found.basis)}.</p>"
        + table(("pictures shown", "recognized", "among five"), ranks)
        + "".join(f"<p>{escape(note)}.</p>" for note in told.notes())
        + table(("strangers taken", "friends refused"), pairs)
    )


def _confusions(found: Findings, rows: NDArray[np.float32], ids: NDArray[np.int64]) -> str:
    """The pairs of identities whose pictures lie nearest to each other, each by its nearest two."""
    images = found.images()
    if images is None or len(images) != len(rows) or len(np.unique(ids)) < 2:
        return ""
    _, near = nearest_other(rows)
    near = np.where(ids[:, None] == ids[None], -1, np.triu(near, 1))
    cells: list[str] = []
    told: set[frozenset[int]] = set()
    for flat in np.argsort(-near, axis=None).tolist():
        a, b = divmod(flat, len(rows))
        pair = frozenset(ids[[a, b]].tolist())
        if len(cells) == _PAIRS or near[a, b] <= 0:
            break
        if pair in told:
            continue
        try:
            shown = "".join(_picture(images.image(i)) for i in (a, b))
        except ImageError:
            continue
        told.add(pair)
        names = " and ".join(escape(found.classes[int(ids[i])]) for i in (a, b))
        cells.append(f"<figure>{shown}<figcaption>{names}: {near[a, b]:.2f}</figcaption></figure>")
    return f'<h2>What it confuses most</h2><div class="grid2">{"".join(cells)}</div>'


def _picture(image: NDArray[np.uint8]) -> str:
    data = cv2.imencode(".jpg", made_smaller(image, _SIDE))[1].tobytes()
    return f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(data).decode()}">'
