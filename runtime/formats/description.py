"""What a model file says of itself, the same for every format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from .tensor import TensorInfo

__all__ = ["FormatError", "ModelDescription", "Operator"]


_LONGEST_WAY = 64  # operators: a damaged graph may go in a circle


class FormatError(ValueError):
    """The bytes are not what the format says they must be."""


@dataclass(frozen=True)
class Operator:
    """One operator of the main graph, with the names of the tensors it takes and makes."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class ModelDescription:
    """A model file's tensors, operators and metadata."""

    format: str  # "onnx", "tflite"
    engine: str  # the one that runs it
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    operators: tuple[Operator, ...]
    version: str  # of the format, in words
    producer: str = ""
    description: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    labels: tuple[str, ...] = ()  # from embedded label files
    mean: tuple[float, ...] | None = None  # normalization that the file itself states
    std: tuple[float, ...] | None = None
    shapes: Mapping[str, tuple[int | None, ...]] = field(default_factory=dict)  # of inner tensors, where known
    weights: Mapping[str, int] = field(default_factory=dict)  # bytes of weights by dtype
    external: tuple[str, ...] = ()  # files beside this one that hold its weights

    def operator_counts(self) -> dict[str, int]:
        """How often each operator occurs, most frequent first."""
        return dict(Counter(operator.kind for operator in self.operators).most_common())

    def producer_of(self, tensor: str) -> Operator | None:
        """The operator that makes a tensor."""
        return next((operator for operator in reversed(self.operators) if tensor in operator.outputs), None)

    def origin_of(self, tensor: str, passing: Collection[str]) -> Operator | None:
        """The operator that makes a tensor, before those of the `passing` kinds."""
        operator = self.producer_of(tensor)
        for _ in range(_LONGEST_WAY):
            if operator is None or operator.kind not in passing or not operator.inputs:
                return operator
            operator = self.producer_of(operator.inputs[0])
        return None

    @property
    def precision(self) -> str:
        """What most of the weights are: "int8", "float16" or "float32"."""
        if not self.weights:
            return "float32"
        most = max(self.weights, key=lambda dtype: self.weights[dtype])
        return {"uint8": "int8", "float64": "float32"}.get(most, most)
