"""Which bare files are classifiers: a row of scores, told from embeddings, landmarks and anchors that look alike."""

from __future__ import annotations

from ..bundle.manifest import Decode
from ..formats.description import ModelDescription
from ..formats.tensor import TensorInfo
from .classify import FROM_VALUES
from .reading import Reading

__all__ = [
    "brought_to_length_one",
    "gives_probabilities",
    "looks_like_embedding",
    "looks_like_places",
    "one_for_each",
    "read_as_classifier",
    "row_length",
]

_PASS_THROUGH = frozenset(
    ["QUANTIZE", "DEQUANTIZE", "RESHAPE", "SQUEEZE", "CAST", "QuantizeLinear", "DequantizeLinear", "Reshape",
     "Squeeze", "Flatten", "Identity", "Cast", "Unsqueeze", "EXPAND_DIMS"]
)  # fmt: skip
_PROBABILITIES = frozenset(["SOFTMAX", "LOGISTIC", "Softmax", "Sigmoid", "HardSigmoid", "STABLEHLO_LOGISTIC"])
_LOGITS = frozenset(
    ["FULLY_CONNECTED", "CONV_2D", "ADD", "MUL", "MEAN", "BATCH_MATMUL", "AVERAGE_POOL_2D", "LOG_SOFTMAX", "Gemm",
     "MatMul", "Conv", "Add", "Mul", "BatchNormalization", "GlobalAveragePool", "ReduceMean", "LogSoftmax"]
)  # fmt: skip
_CONVOLUTIONS = frozenset(["CONV_2D", "Conv"])
_NORMALIZED = frozenset(["L2_NORMALIZATION", "LpNormalization"])
_DIVIDED = frozenset(["Div", "DIV", "Mul", "MUL"])
_SQUARES = frozenset(["ReduceSumSquare", "ReduceSum", "SUM"])
_ROOTS = frozenset(["Sqrt", "SQRT", "RSQRT", "Pow", "POW"])
_ON_THE_WAY = frozenset(["Expand", "Clip", "Max", "Add", "Unsqueeze", "Identity", "Reciprocal", "MAXIMUM"])
_POINTS = frozenset([2 * 68, 2 * 98, 2 * 106, 3 * 468, 3 * 478])  # numbers of the points that faces are marked with
_WIDTH = 32  # embeddings are as wide as layers are, multiples of this from twice it on


def read_as_classifier(file: ModelDescription, labels: tuple[str, ...], *, asked: bool = False) -> Reading | None:
    """A file with one row of scores among its outputs; several such rows are told apart by the number of labels.

    A row that could as well be something else is one only where labels or the user say so.
    """
    rows: list[tuple[TensorInfo, int | None]] = [
        (o, count) for o in file.outputs if (count := row_length(o)) is not None
    ]
    if not rows and asked:  # a file may leave its outputs' shapes unsaid
        rows = [(output, None) for output in file.outputs[:1] if _may_be_row(output)]
    fitting = [pair for pair in rows if labels and pair[1] and abs(pair[1] - len(labels)) <= 1]
    named = bool(fitting)
    fitting = fitting or rows
    if not fitting or (len(fitting) > 1 and not asked):
        return None
    output, count = fitting[0]
    known = gives_probabilities(file, output)
    other = one_for_each(output) or looks_like_embedding(file, output) or looks_like_places(file, output)
    other = other or (count == 1 and not known and len(file.outputs) > 1)  # a count of what the others hold
    if other and not (asked or named):
        return None
    options = {} if known is False else {"probabilities": FROM_VALUES if known is None else known}
    assumed = () if asked or named else _assumed(output, count, known)
    return Reading(
        Decode("classify", options=options),
        outputs=("probabilities" if known else "logits",),
        picked=() if output is file.outputs[0] else (output.name,),
        classes=None if count is None else max(count, 2),
        may_count_nothing=True,
        mean=file.mean,
        std=file.std,
        notes=(*assumed, *_passed_over(file, output)),
    )


def looks_like_embedding(file: ModelDescription, output: TensorInfo) -> bool:
    """Whether a row of numbers is rather what a picture is known by than how much of each class is in it."""
    count = row_length(output)
    if count is None or count < 2 or gives_probabilities(file, output):
        return False
    if brought_to_length_one(file, output):
        return True
    return count >= 2 * _WIDTH and count % _WIDTH == 0


def looks_like_places(file: ModelDescription, output: TensorInfo) -> bool:
    """Whether a row is as long as landmarks are, or one convolution makes it of a whole map; scores are pooled."""
    if row_length(output) in _POINTS and not gives_probabilities(file, output):
        return True
    last = file.origin_of(output.name, _PASS_THROUGH)
    if last is None or last.kind not in _CONVOLUTIONS or row_length(output) is None:
        return False
    seen = file.shapes.get(last.inputs[0], ())
    sides = seen[1:3] if file.format == "tflite" else seen[2:]
    return any(side is not None and side > 1 for side in sides)


def brought_to_length_one(file: ModelDescription, output: TensorInfo) -> bool:
    """Whether the graph divides an output by its length, as a last step."""
    last = file.origin_of(output.name, _PASS_THROUGH)
    if last is None or last.kind in _NORMALIZED:
        return last is not None
    return last.kind in _DIVIDED and any(_is_length(file, tensor) for tensor in last.inputs)


def gives_probabilities(file: ModelDescription, output: TensorInfo) -> bool | None:
    """Whether an output ends in a softmax or sigmoid; None where neither operators nor quantization tell."""
    operator = file.origin_of(output.name, _PASS_THROUGH)
    if operator is not None and operator.kind in _PROBABILITIES:
        return True
    if operator is not None and operator.kind in _LOGITS:
        return False
    if output.scale is not None and abs(output.scale - 1 / 256) < 1e-6:
        return output.zero_point == (-128 if output.dtype == "int8" else 0)
    return None


def _is_length(file: ModelDescription, tensor: str) -> bool:
    """Whether a tensor is the root of a sum of squares; a sum alone makes shares of a whole, which are no length."""
    root = file.origin_of(tensor, _ON_THE_WAY)
    if root is None or root.kind not in _ROOTS:
        return root is not None and root.kind == "ReduceL2"
    squares = file.origin_of(root.inputs[0], _ON_THE_WAY)
    return squares is not None and squares.kind in _SQUARES


def _assumed(output: TensorInfo, count: int | None, known: bool | None) -> tuple[str, ...]:
    """What was taken for granted of a row that neither labels nor the user vouch for."""
    if known:
        return ()
    what = "whether it is the second of two classes" if count == 1 else f"how much of {count} classes there is"
    return (f"its output {output.name} is taken to say {what}; --labels FILE names them",)


def _passed_over(file: ModelDescription, output: TensorInfo) -> tuple[str, ...]:
    """What is said where a file has other outputs than the one that is read."""
    others = [other.name for other in file.outputs if other is not output]
    return (f"of its outputs {output.name} is read, {', '.join(others)} not",) if others else ()


def _may_be_row(output: TensorInfo) -> bool:
    """Whether an output that leaves axes open may still be one row, as one is that leaves no more than one."""
    return not output.shape or (None in output.shape[1:] and sum(axis != 1 for axis in output.shape[1:]) == 1)


def one_for_each(output: TensorInfo) -> bool:
    """Whether a tensor has one number for each of many rows, as the scores of anchors do."""
    return len(output.shape) == 3 and output.shape[2] == 1 and output.shape[1] != 1


def row_length(output: TensorInfo) -> int | None:
    """The length of the one axis that is longer than one, for a row of scores."""
    if not output.shape or output.dtype not in ("float32", "float16", "float64", "uint8", "int8", "int16"):
        return None
    axes = output.shape[1:] if len(output.shape) > 1 else output.shape
    if None in axes or (len(output.shape) > 1 and output.shape[0] not in (None, 1)):
        return None
    long = [axis for axis in axes if axis is not None and axis > 1]
    return (long[0] if long else 1) if len(long) <= 1 else None
