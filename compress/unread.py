"""What was asked of 8 bits and a network's kind leaves unread: it is refused before the work."""

from __future__ import annotations

from edgelens.runtime.errors import UsageError

from .config import CompressConfig
from .ingredients import Ingredients
from .learn.distill import student_of
from .network.graph import is_convolutional, trace
from .network.knowing import giving_as
from .quantize.observers import Observer

__all__ = ["refuse_unread"]


def refuse_unread(made_of: Ingredients, config: CompressConfig) -> None:
    """Refuse ranges and repairs in 8 bits of what each format's own tool quantizes: it knows the plain ranges alone."""
    observer = config.observer or Observer()
    asked = {
        f"--observer {observer.method}": observer != Observer(),
        "--qat": config.qat is not None,
        "--round-weights": config.round_weights,
        "--mixed": bool(config.mixed),
        "--sensitivity": config.sensitivity,
    }
    given = next((option for option, is_asked in asked.items() if is_asked), None)
    if given is None:
        return
    network, name = made_of.network, made_of.run.config.model
    if config.distill is not None:
        network, name = giving_as(network, student_of(made_of.run, config.distill).eval()), config.distill.model
    if not is_convolutional(trace(network, made_of.pixels, made_of.task.outputs)):
        raise UsageError(f"{given}: is for networks of convolutions; {name} is quantized by the tool of each format")
