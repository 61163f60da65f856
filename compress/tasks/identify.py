"""Identification: the ranking is what counts, whatever the numbers behind it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import fx

from edgelens.runtime.bundle.manifest import Decode
from edgelens.runtime.decode.identify import EMBEDDING
from edgelens.runtime.metrics.identification import in_one_space, nearest_other, recognized, unit_rows
from edgelens.train.tasks.classify.labels import class_ids

from ..network.graph import tensor_inputs
from ..network.tail import last_layers_and_pooling
from .task import Arrays, Task

__all__ = ["TASK"]

aten = torch.ops.aten


def _rows(outputs: Arrays) -> NDArray[np.float32]:
    return unit_rows(np.asarray(outputs[EMBEDDING], np.float32))


def _judge(outputs: Arrays, targets: Any) -> float:
    """The share recognized with one picture shown of everybody."""
    ids = class_ids(targets)
    return recognized(_rows(outputs), ids)[0] if len(np.unique(ids)) > 1 else 1.0


def _agreement(ours: Arrays, theirs: Arrays) -> float:
    return in_one_space(_rows(ours), _rows(theirs))


def _golden(outputs: Arrays, count: int) -> list[int]:
    """Pictures in pairs: those whose nearest other is nearest by far, and that other."""
    rows = _rows(outputs)
    if len(rows) < 3:
        return list(range(min(count, len(rows))))
    best, near = nearest_other(rows)
    second = np.sort(near, axis=1)[:, -2]
    picked: list[int] = []
    for row in np.argsort(-(near.max(axis=1) - second)).tolist():
        picked += [i for i in (row, int(best[row])) if i not in picked]
        if len(picked) >= count:
            break
    return picked[:count]


def _resettle(_before: Arrays, _after: Arrays, _targets: Any, settled: Decode) -> Decode:
    """The limits as they were settled: cosines mean the same in 8 bits."""
    return settled


def _tail(graph: fx.GraphModule) -> set[fx.Node]:
    """The last layer with the means that it looks at, several where they are joined: 8 bits would round each."""
    found = last_layers_and_pooling(graph)
    for node in list(found):
        for source in tensor_inputs(node):
            if source.op == "call_function" and source.target in (aten.cat.default, aten.concat.default):
                found.add(source)
                for part in tensor_inputs(source):
                    found |= _means(part)
    return found


def _means(node: fx.Node) -> set[fx.Node]:
    """From a joined part back to its pooling."""
    passed: set[fx.Node] = set()
    at: fx.Node | None = node
    while at is not None and at.op == "call_function":
        passed.add(at)
        if at.target in (aten.avg_pool2d.default, aten.mean.dim, aten.adaptive_avg_pool2d.default):
            return passed
        if at.target not in (aten.flatten.using_ints, aten.reshape.default, aten.view.default):
            return set()
        at = next(iter(tensor_inputs(at)), None)
    return set()


TASK = Task("identify", (EMBEDDING,), _judge, _agreement, _golden, _resettle, _tail, names=False)
