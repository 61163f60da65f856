"""A TFLite file run so that every tensor it makes on the way can be read afterwards."""

from __future__ import annotations

from typing import Any

from ..host.quiet import quiet

__all__ = ["keeping_all_tensors"]


def keeping_all_tensors(model: bytes) -> Any:
    """An interpreter of a file, by plain kernels: delegates keep what lies between their operators to themselves."""
    with quiet():
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        interpreter = Interpreter(
            model_content=model,
            experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        interpreter.allocate_tensors()
    return interpreter
