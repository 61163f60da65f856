"""A device that is to decide by its times: what it gives no time for is said, and is never decided by silence."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from edgelens.compress.candidate import candidate_of
from edgelens.compress.config import CompressConfig
from edgelens.compress.ingredients import ingredients_of
from edgelens.compress.pipeline import write_candidate
from edgelens.compress.progress import Progress
from edgelens.compress.search import search
from edgelens.compress.search.budget import Budget
from edgelens.compress.search.search import SearchConfig, search_run
from edgelens.compress.search.space import Attempt
from edgelens.compress.timing import remote
from edgelens.runtime.errors import DeviceError, WorkError

TFLITE = "tflite: no such engine"


@pytest.fixture
def device(monkeypatch) -> Callable[..., None]:
    """What `bench` on the device says of files by their ending: a number of ms, or why it gives none."""

    def says(by_ending: dict[str, float | str]) -> None:
        def run_verb(host, verb, arguments, inputs, *, outputs, parts):
            assert (host, verb) == ("pi", "bench")
            rows = []
            for name in inputs:
                ms = by_ending[Path(name).suffix]
                told = {"error": ms} if isinstance(ms, str) else {"steady": {"p50": ms, "p95": ms}}
                rows.append({"model": Path(name).name, **told})
            Path(outputs[0]).write_text(json.dumps({"cases": rows}))
            return int(all("error" in row for row in rows))

        monkeypatch.setattr(remote, "run_verb", run_verb)

    return says


@pytest.fixture(scope="module")
def candidate(run):
    config = CompressConfig(precisions=("float32",), calibration_images=8)
    made_of = ingredients_of(run, config)
    return candidate_of(made_of.network, made_of, config, Progress(quiet=True))


def written(candidate, out: Path):
    progress = Progress(quiet=True)
    made = write_candidate(candidate, out, CompressConfig(on="pi"), progress)
    assert out.is_file()
    return made, progress.lines


def test_a_file_that_a_device_gives_no_time_for_is_not_preferred_and_named(candidate, tmp_path, device):
    device({".onnx": 3.0, ".tflite": TFLITE})
    made, said = written(candidate, tmp_path / "x.edge")
    line = f"float32 TFLite has no time of pi ({TFLITE}): not preferred"
    assert line in said
    assert line in made.card.notes
    assert made.bundle.manifest.main.preferred.endswith(".onnx")


def test_a_device_that_times_nothing_does_not_decide_and_that_is_said(candidate, tmp_path, device):
    device({".onnx": "out of memory", ".tflite": TFLITE})
    made, said = written(candidate, tmp_path / "x.edge")
    assert "no times of pi, those taken here decide (out of memory)" in said
    assert "p50 on pi" not in made.card.to_markdown().decode()


def test_a_device_that_is_lost_while_it_times_costs_no_work(candidate, tmp_path, monkeypatch):
    def lost(*_, **__):
        raise DeviceError("pi: the connection was lost while running bench")

    monkeypatch.setattr(remote, "run_verb", lost)
    _, said = written(candidate, tmp_path / "x.edge")
    assert "no times of pi, those taken here decide (pi: the connection was lost while running bench)" in said


def test_a_search_that_no_file_was_timed_in_says_why(run_folder, tmp_path, device, monkeypatch):
    monkeypatch.setattr(search, "require_host", lambda _: None)
    device({".onnx": "out of memory"})
    config = CompressConfig(formats=("onnx",), precisions=("float32",), calibration_images=8)
    asked = SearchConfig(Budget(latency_ms=9.0), config, on="pi", plans=(Attempt("trained"),))
    with pytest.raises(WorkError) as caught:
        search_run(run_folder, tmp_path / "x.edge", asked)
    assert "no file could be measured: as trained: float32 ONNX has no time of pi (out of memory)" in str(caught.value)
    assert "in the time" not in str(caught.value)
