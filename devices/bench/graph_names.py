"""What an operator of an optimized ONNX graph was called in the file it came from.

onnxruntime fuses, blocks and transposes before it runs; what it makes is called `_token_6` or nothing at all. Its
constants and some of its tensors keep their names, and lead back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edgelens.runtime.errors import ModelError
from edgelens.runtime.formats.catalog import describe
from edgelens.runtime.formats.description import FormatError, Operator

__all__ = ["names_in_order", "short"]

_THROUGH = {"QuantizeLinear", "DequantizeLinear", "Transpose", "Cast", "Identity", "Reshape"}


def names_in_order(original: bytes, optimized: bytes, told: Sequence[tuple[str, str]]) -> list[str]:
    """Names for the operators that an engine told of by kind and name as it ran them; its own where that fails."""
    own = [name for _, name in told]
    try:
        file, made = describe(original, "model.onnx"), describe(optimized, "optimized.onnx")
    except (ModelError, FormatError):
        return own
    if [operator.kind.rpartition(".")[2] for operator in made.operators] != [kind for kind, _ in told]:
        return own  # it ran them in another order
    graph = _Graph(file.operators)
    return [graph.name_of(operator, name) for operator, name in zip(made.operators, own, strict=True)]


def short(name: str, most: int = 56) -> str:
    """A name that fits a column: of names that a converter joined the first, and of a long one both ends."""
    first = name.split(";", maxsplit=1)[0]
    return first if len(first) <= most else f"{first[: most // 3]}…{first[-(most - most // 3 - 1) :]}"


class _Graph:
    """A file's operators, found by the tensors they make and take."""

    def __init__(self, operators: Sequence[Operator]) -> None:
        self._makers = {name: operator for operator in operators for name in operator.outputs}
        self._takers: dict[str, list[Operator]] = {}
        for operator in operators:
            for name in operator.inputs:
                self._takers.setdefault(name, []).append(operator)

    def name_of(self, made: Operator, own: str) -> str:
        """The name of what a fused operator makes, in the file; its own where nothing leads back."""
        for name in (*made.outputs, own, own.removesuffix("_nchwc")):
            if name in self._makers:
                return name
        constants = [name for name in made.inputs if name in self._takers and name not in self._makers]
        core = made.kind.rpartition(".")[2].removeprefix("QLinear").removeprefix("Fused")
        reached = [operator for name in constants for operator in self._reached(name)]
        for operator in [each for each in reached if each.kind == core] or reached[
            -1:
        ]:  # the last is of what comes out
            return operator.outputs[0]
        return next((name for name in made.inputs if name in self._makers), own)

    def _reached(self, name: str) -> Iterator[Operator]:
        """The operators that use a constant, past those that only store it otherwise."""
        for operator in self._takers.get(name, ()):
            if operator.kind not in _THROUGH:
                yield operator
            elif operator.inputs and operator.inputs[0] == name:
                yield from self._reached(operator.outputs[0])
            elif operator.kind == "QuantizeLinear" and (maker := self._makers.get(operator.inputs[0])):
                yield maker
