"""TFLite files written small: equal vectors stand in the file once, weights on 16-byte borders."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["pack_model"]

_ALIGNED = 16  # what engines expect of a tensor's bytes
_VECTORS = ("scale", "zeroPoint", "min", "max")
_DTYPES = {"scale": np.float32, "zeroPoint": np.int64, "min": np.float32, "max": np.float32}


def pack_model(model: Any) -> bytes:
    """The file of an object tree; per-channel zero points, shapes and equal weights are shared, not repeated."""
    import flatbuffers

    class Sharing(flatbuffers.Builder):  # type: ignore[misc]  # the package has no types
        """A builder that writes every vector once."""

        def __init__(self) -> None:
            super().__init__(1 << 16)
            self._known: dict[tuple[str, bytes], int] = {}

        def CreateNumpyVector(self, x: Any) -> int:  # noqa: N802 (the builder's own name)
            key = (x.dtype.str, x.tobytes())
            if key not in self._known:
                self._known[key] = self._aligned(x) if x.dtype == np.uint8 else super().CreateNumpyVector(x)
            return self._known[key]

        def CreateString(self, s: Any, *how: Any) -> int:  # noqa: N802 (the builder's own name)
            key = ("text", s.encode() if isinstance(s, str) else bytes(s))
            if key not in self._known:
                self._known[key] = super().CreateString(s, *how)
            return self._known[key]

        def _aligned(self, x: Any) -> int:
            self.StartVector(1, x.size, _ALIGNED if x.size >= _ALIGNED else 4)
            head = int(self.head) - x.size
            self.head: int = head
            self.Bytes[head : head + x.size] = x.tobytes()
            self.vectorNumElems = x.size
            return int(self.EndVector())

    _as_arrays(model)
    builder = Sharing()
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _as_arrays(model: Any) -> None:
    """Lists of numbers as arrays, which the builder can compare."""
    for buffer in model.buffers:
        if buffer.data is not None:
            buffer.data = np.frombuffer(bytes(bytearray(buffer.data)), np.uint8)
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            _set(tensor, "shape", np.int32)
            _set(tensor, "shapeSignature", np.int32)
            if tensor.quantization is not None:
                for name in _VECTORS:
                    _set(tensor.quantization, name, _DTYPES[name])
        for operator in graph.operators:
            _set(operator, "inputs", np.int32)
            _set(operator, "outputs", np.int32)


def _set(owner: Any, name: str, dtype: Any) -> None:
    value = getattr(owner, name, None)
    if value is not None and len(value):
        setattr(owner, name, np.asarray(value, dtype))
