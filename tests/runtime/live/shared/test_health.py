"""What is said of a run's health, in JSON and in metrics: the camera that is away above all."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
from click.testing import CliRunner
from scripted import Scripted

from edgelens.cli import cli
from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.errors import SourceError
from edgelens.runtime.live.preview import LivePreview
from edgelens.runtime.live.shared.machine import Machine, SlotFacts
from edgelens.runtime.loop.control import Control, Settings
from edgelens.runtime.loop.lane import Lane
from edgelens.runtime.loop.loop import LoopOptions, run
from edgelens.runtime.loop.model_slot import ModelSlot
from edgelens.runtime.loop.pace import Pace
from edgelens.version import __version__

SLOT = SlotFacts("a", True, "digits", 3, "5ca1e")


def lose(loop: Any, source: str) -> None:
    """The loop says from now on that this source is away."""
    status = loop.control.status()
    lost = {"state": "away", "connected": False, "problem": "unplugged", "seconds_since_frame": 12.3, "age_ms": 12300.0}
    sources = tuple(replace(each, **(lost if each.name == source else {})) for each in status.sources)
    loop.control.attach(lambda: replace(status, sources=sources), lambda model, source: None)


def test_health_names_what_runs(staged: Any, tmp_path: Path) -> None:
    loop = staged("door", "hall", fps=0, machine=Machine("lens-7", [tmp_path / "not yet" / "there"], lambda: [SLOT]))
    loop.models["hall"] = "flowers"
    health = httpx.get(loop.base + "/v1/health").json()
    assert (health["status"], health["problems"]) == ("ok", [])
    assert (health["kit"], health["device"]) == (__version__, "lens-7")
    assert [source["bundle"]["name"] for source in health["loop"]["sources"]] == ["digits", "flowers"]
    assert health["loop"]["bundle"] == {"name": "digits", "version": 3, "sha256": "5ca1e"}
    assert health["loop"]["sources"][0]["labels"] == {"seen": {"7": 20}, "announced": {"7": 1}}
    assert health["loop"]["sinks"][0]["waiting"] == 5
    assert health["slots"] == [{"slot": "a", "current": True, "bundle": "digits", "version": 3, "sha256": "5ca1e"}]
    (disk,) = health["disks"]
    assert (disk["path"], disk["total_bytes"]) == (str(tmp_path), os.statvfs(tmp_path).f_blocks * 4096)


def test_a_source_whose_name_is_no_utf8_is_told_of_by_every_route(staged: Any) -> None:
    name = b"b\xe9lls".decode("utf-8", "surrogateescape")
    loop = staged(name, fps=0)
    loop.show(name)
    for route in ("/v1/health", "/live/state", "/v1/models", "/live/labels", "/v1/events"):
        assert httpx.get(loop.base + route).status_code == 200, route
    body, kind = json.dumps({"source": name, "threshold": 0.3}), {"content-type": "application/json"}
    answer = httpx.post(loop.base + "/live/settings", content=body, headers=kind)
    assert answer.json()[name]["threshold"] == 0.3
    assert httpx.get(loop.base + "/live/state").json()["sources"] == [name]
    assert r'edgelens_connected{source="b\\udce9lls"} 1' in httpx.get(loop.base + "/metrics").text


def test_a_camera_that_is_away_is_said_and_the_process_lives(staged: Any) -> None:
    loop = staged("door", "hall", fps=0)
    lose(loop, "hall")
    answer = httpx.get(loop.base + "/v1/health")
    assert answer.status_code == 200, "it is alive: nobody is to kill it for a camera's sake"
    assert answer.json()["status"] == "degraded"
    assert answer.json()["problems"] == ["hall: away for 12 s: unplugged"]
    said = CliRunner().invoke(cli, ["status", "--url", loop.base])
    assert said.exit_code == 1
    assert "problem: hall: away for 12 s: unplugged" in said.output
    metrics = httpx.get(loop.base + "/metrics").text
    assert 'edgelens_away{source="hall"} 1' in metrics
    assert 'edgelens_age_seconds{source="hall"} 12.3' in metrics
    assert 'edgelens_seconds_since_frame{source="hall"} 12.3' in metrics
    assert 'edgelens_away{source="door"} 0' in metrics


def test_a_lone_camera_that_goes_away_is_said_by_the_run_that_goes_on(
    color_bundle: Bundle, frames_of_colors: list[Any]
) -> None:
    camera = Scripted([frames_of_colors[0], 0.1, SourceError("unplugged")], [SourceError("no such device")], live=True)
    control, over = Control(["scripted"], Settings()), threading.Event()
    with LivePreview(control, port=0, say=lambda line: None) as page, ModelSlot(color_bundle) as model:

        def watch() -> None:
            run([Lane(camera, model)], [], control, LoopOptions(), pace=Pace(), log=lambda line: None, stop=over.is_set)

        loop = threading.Thread(target=watch)
        loop.start()
        try:
            until = time.monotonic() + 10
            base = f"http://127.0.0.1:{page.port}"
            while "no such device" not in str((health := httpx.get(base + "/v1/health").json())["problems"]):
                assert time.monotonic() < until, health
                time.sleep(0.02)
            metrics = httpx.get(base + "/metrics").text
        finally:
            over.set()
            loop.join()
    assert health["status"] == "degraded"
    (problem,) = health["problems"]
    assert re.fullmatch(r"scripted: away for \d+ s: no such device", problem)
    (source,) = health["loop"]["sources"]
    assert (source["state"], source["captured"]) == ("away", 1)
    (age,) = re.findall(r'^edgelens_age_seconds{source="scripted"} (\S+)$', metrics, re.MULTILINE)
    assert float(age) >= source["seconds_since_frame"] > 0.1, "it grows while the camera is away"


def test_metrics_name_bundle_kit_device_labels_and_what_waits(staged: Any, tmp_path: Path) -> None:
    loop = staged(fps=0, machine=Machine("lens-7", [tmp_path], lambda: [SLOT]))
    metrics = httpx.get(loop.base + "/metrics").text
    assert f'edgelens_kit_info{{kit="{__version__}",device="lens-7"}} 1' in metrics
    what = 'model="digits",engine="onnxruntime",precision="int8",bundle="digits",version="3",sha256="5ca1e"'
    assert f'edgelens_source_info{{source="camera",{what}}} 1' in metrics
    assert 'edgelens_label_frames_total{source="camera",label="7"} 20' in metrics
    assert 'edgelens_announced_total{source="camera",label="7"} 1' in metrics
    assert 'edgelens_outbox_messages{sink="mqtt"} 5' in metrics
    assert f'edgelens_disk_free_bytes{{path="{tmp_path}"}}' in metrics
    assert 'edgelens_slot_info{slot="a",bundle="digits",version="3",sha256="5ca1e"} 1' in metrics
    named = [line.split()[2] for line in metrics.splitlines() if line.startswith("# TYPE")]
    assert len(named) == len(set(named)), "a family is there once"


def test_a_disk_that_is_nearly_full_is_a_problem(staged: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("edgelens.runtime.live.shared.health.SCARCE_BYTES", 1 << 62)
    loop = staged(fps=0, machine=Machine("", [tmp_path]))
    health = httpx.get(loop.base + "/v1/health").json()
    assert health["status"] == "degraded"
    assert health["problems"][0].startswith(f"{tmp_path}: ")


def test_a_disk_that_hangs_holds_nobody_up() -> None:
    hangs, begun = threading.Event(), threading.Event()

    def slots() -> list[SlotFacts]:
        begun.set()
        assert hangs.wait(10)
        return [SLOT]

    machine = Machine("", [], slots)
    assert machine.facts().slots == ()
    assert begun.wait(5)
    assert machine.facts().slots == (), "asked again while it still hangs: at once, and by no second thread"
    assert sum(thread.name == "edgelens-disks" for thread in threading.enumerate()) == 1
    hangs.set()
    while not machine.facts().slots:
        pass
    assert machine.facts().slots == (SLOT,)


def test_metrics_count_what_crossed_and_who_is_inside(staged: Any) -> None:
    loop = staged("door", fps=0)
    status = loop.control.status()
    watched = {
        "lines": {"gate": {"at": [0, 0, 1, 1], "in": {"person": 2}, "out": {"cat": 1}}},
        "zones": {
            "shelf": {"at": [], "occupancy": {"cat": 3}, "entries": {"cat": 5}, "dwell_s": {"cat": 7.5}, "loitering": 1}
        },
    }
    sources = (replace(status.sources[0], watched=watched),)
    loop.control.attach(lambda: replace(status, sources=sources), lambda model, source: None)
    lines = httpx.get(loop.base + "/metrics").text.splitlines()
    assert {
        'edgelens_line_crossings_total{source="door",line="gate",direction="in",label="person"} 2',
        'edgelens_line_crossings_total{source="door",line="gate",direction="out",label="cat"} 1',
        'edgelens_zone_occupancy{source="door",zone="shelf",label=""} 3',
        'edgelens_zone_occupancy{source="door",zone="shelf",label="cat"} 3',
        'edgelens_zone_entries_total{source="door",zone="shelf",label="cat"} 5',
        'edgelens_zone_dwell_seconds_total{source="door",zone="shelf",label="cat"} 7.5',
        'edgelens_zone_loitering{source="door",zone="shelf"} 1',
    } <= set(lines)
