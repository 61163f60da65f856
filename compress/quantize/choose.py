"""Which ranges and repairs a network gets: each is tried in simulation, what answers most like float is taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch import fx

from ..network.answers import torch_outputs
from ..network.tail import Tail
from .bias import correct_biases
from .equalize import equalize
from .observers import Observer, Ranges, observe_by
from .plan import Plan, make_plan
from .ranges import Quantized, agree_on_ranges
from .rounding import learn_rounding
from .sensitivity import Agreement, Sensitivity, answers_snr, layer_sensitivity
from .simulate import simulate

__all__ = ["Quantization", "ChooseConfig", "choose"]

OBSERVERS = (Observer("minmax"), Observer("percentile", 99.999), Observer("percentile", 99.99), Observer("mse"))
GAIN_DB = 0.3  # less is chance
JUDGES = 192  # pictures that a choice is judged on
SENSITIVITY_IMAGES = 64


@dataclass(frozen=True)
class ChooseConfig:
    """What may be tried."""

    outputs: tuple[str, ...]  # of the network
    observer: Observer | None = None
    equalize: bool = True
    correct_bias: bool = True
    round_weights: bool = False
    mixed: int = 0
    keep_float: frozenset[str] = frozenset()
    full_integer: bool = False
    sensitivity: bool = False
    shared_scale: bool = False  # one for all that is added


@dataclass(frozen=True)
class Quantization:
    """The graph and ranges to write, and what was tried on the way."""

    graph: fx.GraphModule
    quantized: Quantized
    snr_db: float
    taken: tuple[str, ...]
    tried: dict[str, float] = field(default_factory=dict)  # what → dB
    sensitivity: tuple[Sensitivity, ...] = ()


def choose(
    graph: fx.GraphModule,
    images: NDArray[np.uint8],
    config: ChooseConfig,
    *,
    tail: Tail,
    agreement: Agreement,
    limits: Ranges | None = None,
    progress: Callable[[str], None] | None = None,
) -> Quantization:
    """The best of what may be tried, step by step; a step that gains nothing is not taken.

    `limits` are the graph's own plain ranges on these images, where they are known.

    What stays float (`tail`) and when two networks say the same (`agreement`) are the task's.
    """
    say = progress or (lambda _: None)
    search = _Search(graph, images, config, tail)
    best = search.ranges(graph, "", say, limits)
    if config.equalize and (even := equalize(graph, images)) is not None:
        best = search.better(best, search.ranges(even, "equalized ", say))
    if config.mixed or config.sensitivity:
        table = layer_sensitivity(
            best.graph, best.quantized, images[:SENSITIVITY_IMAGES], agreement, outputs=config.outputs, progress=say
        )
        best = search.with_mixed(best, table) if config.mixed else best
        best = Quantization(best.graph, best.quantized, best.snr_db, best.taken, best.tried, table)
    if config.round_weights:
        learned = learn_rounding(best.graph, best.quantized, images, progress=say)
        best = search.better(best, search.judged(learned, best.quantized, (*best.taken, "learned rounding"), best))
    if config.correct_bias:
        corrected = correct_biases(best.graph, best.quantized, images)
        best = search.better(best, search.judged(corrected, best.quantized, (*best.taken, "bias correction"), best))
    return Quantization(best.graph, best.quantized, best.snr_db, best.taken, search.tried, best.sensitivity)


class _Search:
    """Judges candidates on the same pictures against the same float answers."""

    def __init__(self, graph: fx.GraphModule, images: NDArray[np.uint8], config: ChooseConfig, tail: Tail) -> None:
        self.images, self.config, self.tail = images, config, tail
        self.judges = images[:JUDGES]
        self.reference = torch_outputs(graph, self.judges, config.outputs)
        self.tried: dict[str, float] = {}

    def judged(
        self, graph: fx.GraphModule, quantized: Quantized, taken: tuple[str, ...], like: Quantization | None
    ) -> Quantization:
        values = torch_outputs(simulate(graph, quantized), self.judges, self.config.outputs)
        quality = answers_snr(self.reference, values)
        self.tried[" + ".join(taken)] = round(quality, 2)
        return Quantization(graph, quantized, quality, taken, {}, like.sensitivity if like else ())

    def ranges(
        self, graph: fx.GraphModule, prefix: str, say: Callable[[str], None], limits: Ranges | None = None
    ) -> Quantization:
        """The best observer for a graph; min-max unless another gains."""
        plan = self._plan(graph, self.config.keep_float)
        best: Quantization | None = None
        observers = (self.config.observer,) if self.config.observer else OBSERVERS
        say(f"looking at {prefix}activations")
        for observer, seen in zip(observers, observe_by(graph, self.images, observers, limits), strict=True):
            name = observer.method + (f" {observer.percentile:g}" if observer.method == "percentile" else "")
            say(f"trying {prefix}{name} ranges")
            quantized = agree_on_ranges(graph, plan, seen, shared_scale=self.config.shared_scale)
            candidate = self.judged(graph, quantized, (f"{prefix}{name}",), None)
            best = candidate if best is None else self.better(best, candidate)
        assert best is not None
        return best

    def better(self, first: Quantization, second: Quantization) -> Quantization:
        """The second only where it clearly gains."""
        return second if second.snr_db > first.snr_db + GAIN_DB else first

    def with_mixed(self, best: Quantization, table: tuple[Sensitivity, ...]) -> Quantization:
        """The most sensitive layers left float, one after another while each gains."""
        kept = self.config.keep_float
        for row in table[: self.config.mixed]:
            tried = kept | {row.layer} | {best.quantized.plan.fused.get(row.layer, row.layer)}
            plan = self._plan(best.graph, frozenset(tried))
            limits = {name: (float(r.low), float(r.high)) for name, r in best.quantized.ranges.items()}
            quantized = agree_on_ranges(best.graph, plan, limits, shared_scale=self.config.shared_scale)
            candidate = self.judged(best.graph, quantized, (*best.taken, f"{row.layer} float"), best)
            if candidate.snr_db > best.snr_db + GAIN_DB:
                best, kept = candidate, frozenset(tried)
        return best

    def _plan(self, graph: fx.GraphModule, keep_float: frozenset[str]) -> Plan:
        config = self.config
        return make_plan(
            graph, keep_float=keep_float, full_integer=config.full_integer, outputs=config.outputs, tail=self.tail
        )
