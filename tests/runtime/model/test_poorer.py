"""A file that was measured to answer worse is no candidate of the search, unless its precision is asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.model.engine_search import candidates


def test_what_answers_worse_is_passed_over(color_onnx: Callable[..., bytes], write_color_bundle: Callable[..., Bundle]):
    bundle = write_color_bundle({"models/a.onnx": color_onnx(), "models/b.onnx": color_onnx(scale=2.0)})
    first, second = bundle.manifest.main.files
    poorer = dataclasses.replace(second, precision="int8", measured={"poorer": "loses 6 points"})
    network = dataclasses.replace(bundle.manifest.main, files=(first, poorer))
    assert {row.path for row in candidates(network, threads=1)} == {"models/a.onnx"}
    assert {row.path for row in candidates(network, precision="int8", threads=1)} == {"models/b.onnx"}
    alone = dataclasses.replace(network, files=(poorer,))
    assert {row.path for row in candidates(alone, threads=1)} == {"models/b.onnx"}
