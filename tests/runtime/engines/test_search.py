"""`--engine auto`: measured within its budget, the fastest takes over, and is remembered for this bundle here."""

from __future__ import annotations

import dataclasses
import json

import pytest

from edgelens.runtime.engines import machine
from edgelens.runtime.engines.protocol import EngineOptions
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.engine_search import EngineSearch, candidates, choose, header, table_rows
from edgelens.runtime.model.recognizer import BundleRecognizer
from edgelens.runtime.model.remembered import Measured, recall, remember


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/edgelens/engines"


def slow_model(onnx_graph):
    """The colour network with some milliseconds of work in front of its answer."""
    import numpy as np

    helper = pytest.importorskip("onnx.helper", reason="the onnx package builds the models of this test")

    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=1),
        helper.make_node("ReduceMean", ["float"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("Mul", ["mean", "scale"], ["scaled"]),
        helper.make_node("Tile", ["scaled", "many"], ["tall"]),
        helper.make_node("MatMul", ["tall", "wide"], ["huge"]),
        helper.make_node("ReduceMean", ["huge"], ["nothing"], keepdims=0),
        helper.make_node("Add", ["scaled", "nothing"], ["logits"]),
    ]
    return onnx_graph(
        nodes,
        {"image": ("uint8", ["N", 16, 16, 3])},
        {"logits": ("float32", ["N", 3])},
        {
            "scale": np.array([1 / 16], np.float32),
            "many": np.array([600, 1], np.int64),
            "wide": np.zeros((3, 6000), np.float32),
        },
    )


def test_few_threads_and_the_preferred_file_win_near_draws():
    def row(path, threads, ms):
        return Measured(path, "onnxruntime", "int8", threads, ms=ms)

    assert choose([row("a", 1, 1.0), row("b", 1, 0.97)]).path == "a"
    assert choose([row("a", 1, 1.0), row("b", 1, 0.9)]).path == "b"
    assert choose([row("a", 1, 1.0), row("a", 2, 0.85)]).threads == 1
    assert choose([row("a", 1, 1.0), row("a", 2, 0.6)]).threads == 2
    assert choose([row("a", 1, None), row("b", 1, 3.0)]).path == "b"
    assert choose([row("a", 1, None)]) is None


def test_the_faster_file_takes_over_and_is_remembered(write_color_bundle, color_onnx, onnx_graph, frames_of_colors):
    models = {"models/a-slow.onnx": slow_model(onnx_graph), "models/b-fast.onnx": color_onnx()}
    bundle = write_color_bundle(models)
    options = EngineOptions(threads=1)
    with BundleRecognizer(bundle, options=options) as recognizer:
        assert recognizer.networks["main"].file.path == "models/a-slow.onnx"
        assert recognizer.recognize(Frame(frames_of_colors[0])).recognitions.label() == "red"
        assert recognizer.measured == {}
        while not recognizer.improve(0.02):
            assert recognizer.recognize(Frame(frames_of_colors[1])).recognitions.label() == "green"
        assert recognizer.networks["main"].file.path == "models/b-fast.onnx"
        assert [row.path for row in recognizer.measured["main"].table] == list(models)
        assert recognizer.recognize(Frame(frames_of_colors[2])).recognitions.label() == "blue"
    with BundleRecognizer(bundle, options=options) as recognizer:
        assert recognizer.networks["main"].file.path == "models/b-fast.onnx"
        assert recognizer.improve(0)
    with BundleRecognizer(bundle, engine="onnxruntime", options=options) as recognizer:
        assert recognizer.networks["main"].file.path == "models/a-slow.onnx"
        assert recognizer.improve(0)


def test_threads_are_searched_where_none_are_said(color_bundle, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {0, 1}, raising=False)
    network = color_bundle.manifest.main
    assert [c.threads for c in candidates(network)] == [1, 2]
    assert [c.threads for c in candidates(network, threads=3)] == [3]
    assert candidates(network, precision="int8") == []


def test_the_budget_ends_the_search(write_color_bundle, color_onnx):
    bundle = write_color_bundle({f"models/{i}.onnx": color_onnx(bias=float(i)) for i in range(300)})
    every = candidates(bundle.manifest.main)
    search = EngineSearch(bundle, bundle.manifest.main, every, budget_s=0.01)  # of 60 candidates, each takes over 1 ms
    assert search.step(10)
    assert search.done
    assert len(search.table) < len(every)
    assert search.spent_s >= 0.01


def test_a_file_that_does_not_load_is_in_the_table(write_color_bundle, color_onnx):
    bundle = write_color_bundle({"models/good.onnx": color_onnx(), "models/bad.onnx": b"no model"})
    search = EngineSearch(bundle, bundle.manifest.main, candidates(bundle.manifest.main, threads=1))
    assert search.step(10)
    good, bad = search.table
    assert good.ms is not None
    assert bad.ms is None
    assert "cannot load" in bad.problem
    rows = table_rows(search.table, choose(search.table))
    assert len(rows[0]) == len(header())
    assert rows[0][-1] == "chosen"
    assert rows[1][3] == "-"


def test_memory_that_is_damaged_or_of_another_bundle_is_no_memory(color_bundle, cache, write_color_bundle, color_onnx):
    network = color_bundle.manifest.main
    winner = Measured(network.files[0].path, "onnxruntime", "float32", 1, ms=1.0)
    assert recall(network) is None
    assert remember(network, winner, [winner])
    assert recall(network).winner == winner
    (place,) = cache.iterdir()
    for text in ("", "{", "[]", '{"winner": 3, "table": []}', json.dumps({"winner": {}, "table": []})):
        place.write_text(text)
        assert recall(network) is None
    remember(network, winner, [winner])
    other = dataclasses.replace(network, files=(dataclasses.replace(network.files[0], sha256="0" * 64),))
    assert recall(other) is None


def test_a_cache_that_cannot_be_written_stops_nothing(color_bundle, cache, monkeypatch):
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the folder should be")
    network = color_bundle.manifest.main
    winner = Measured(network.files[0].path, "onnxruntime", "float32", 1, ms=1.0)
    assert remember(network, winner, [winner]) is False
    assert recall(network) is None


def test_another_processor_or_engine_version_is_another_machine(monkeypatch):
    here = machine.machine()
    monkeypatch.setattr(machine, "_installed", lambda package: "9.9")
    assert machine.machine() != here
