"""The service beside a camera loop: nothing until somebody asks, and always with the model that the loop runs."""

from __future__ import annotations

import dataclasses
import json
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.errors import WorkError
from edgelens.runtime.live.service.on_demand import ServiceOnDemand
from edgelens.runtime.model.open import open_model
from edgelens.runtime.sources.demo_scene import DemoScene


def picture(bgr: tuple[int, int, int] = (30, 20, 230)) -> bytes:
    return bytes(cv2.imencode(".png", np.full((48, 64, 3), bgr, np.uint8))[1])


def workers() -> int:
    return sum(thread.name.startswith("recognize") for thread in threading.enumerate())


def test_the_engine_comes_with_the_first_request_and_goes_with_the_loop(staged: Any, colour_bundle: Bundle) -> None:
    before = workers()
    with ServiceOnDemand(lambda: colour_bundle, device="bench") as service:
        loop = staged(fps=0, service=service)
        assert httpx.get(loop.base + "/v1/models").json()["running"]["name"] == "digits", "the loop's"
        assert workers() == before
        answer = httpx.post(loop.base + "/v1/recognize", content=picture())
        assert answer.json()["results"][0]["label"] == "red"
        assert workers() == before + 1
        assert httpx.get(loop.base + "/v1/health").json()["service"]["answered"] == 1
        assert 'edgelens_requests_total{status="200"} 1' in httpx.get(loop.base + "/metrics").text
    assert workers() == before


def test_it_answers_as_the_loop_does(staged: Any, colour_bundle: Bundle) -> None:
    """By the engine and at the threshold that were asked for, which may be changed meanwhile."""
    held: list[float | None] = [None]
    with ServiceOnDemand(lambda: colour_bundle, engine="onnxruntime", threshold=lambda: held[0]) as service:
        loop = staged(fps=0, service=service)

        def seen(query: str = "") -> str:
            answer = httpx.post(loop.base + f"/v1/recognize{query}", content=picture())
            return str(answer.json()["results"][0]["label"])

        assert seen() == "red"
        held[0] = 1.0
        assert seen() == "unknown"
        assert httpx.get(loop.base + "/v1/models").json()["running"]["threshold"] == 1
        assert seen("?threshold=0") == "red"
    with ServiceOnDemand(lambda: colour_bundle, engine="tflite") as service:
        answer = httpx.post(staged(fps=0, service=service).base + "/v1/recognize", content=picture())
        assert "no model file for --engine tflite" in answer.json()["error"]


def test_after_a_swap_the_new_model_answers(staged: Any, colour_bundle: Bundle) -> None:
    network = colour_bundle.manifest.networks["main"]
    renamed = dataclasses.replace(network, labels=("rot", "grün", "blau"))
    german = dataclasses.replace(
        colour_bundle, manifest=dataclasses.replace(colour_bundle.manifest, networks={"main": renamed})
    )
    runs = [colour_bundle]
    before = workers()
    with ServiceOnDemand(lambda: runs[0]) as service:
        loop = staged(fps=0, service=service)
        labels = []
        for bundle in (colour_bundle, german, german):
            runs[0] = bundle
            labels.append(httpx.post(loop.base + "/v1/recognize", content=picture()).json()["results"][0]["label"])
        assert labels == ["red", "rot", "rot"]
        assert workers() == before + 1, "the old model's thread is gone"


def test_a_model_that_cannot_be_opened_is_said(staged: Any) -> None:
    def gone() -> Bundle:
        raise WorkError("the model is gone")

    with ServiceOnDemand(gone) as service:
        loop = staged(fps=0, service=service)
        answer = httpx.post(loop.base + "/v1/recognize", content=picture())
        assert (answer.status_code, answer.json()["error"]) == (409, "the model is gone")


WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "nothing"]


@pytest.fixture
def running(tmp_path: Path) -> Any:
    """`edgelens run` on two demos, one with a model of its own, with a token; its page's address and the token."""
    own, words = tmp_path / "own.edge", tmp_path / "words.txt"
    own.write_bytes((open_model("digits").path or tmp_path).read_bytes())
    words.write_text("\n".join(WORDS))
    config = tmp_path / "two.toml"
    config.write_text(
        '[[source]]\nsource = "demo"\nname = "door"\n'
        f'[[source]]\nsource = "demo"\nname = "yard"\nmodel = "{own}"\nlabels = "{words}"\n'
    )
    token = tmp_path / "token"
    token.write_text("a-token-of-some-length")
    token.chmod(0o600)
    called = ["run", "digits", "--config", str(config), "--preview", "0", "--token-file", str(token), "--quiet"]
    loop = subprocess.Popen([sys.executable, "-m", "edgelens", *called], stderr=subprocess.PIPE, text=True)
    assert loop.stderr is not None
    line, base = next((found[0], found[1]) for line in loop.stderr if (found := re.search(r"live page: (\S+).*", line)))
    assert token.read_text() not in line and str(token) in line, "what is no terminal may be a log"
    yield base, token.read_text()
    loop.send_signal(signal.SIGINT)
    loop.communicate(timeout=20)
    assert loop.returncode == 130


def test_a_run_answers_requests_behind_its_token(running: Any) -> None:
    base, token = running
    data = bytes(cv2.imencode(".png", DemoScene(0).render(60))[1])
    assert httpx.post(base + "v1/recognize", content=data).status_code == 401
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=20) as client:
        answer = client.post("/v1/recognize", content=data).json()
        assert answer["results"][0]["label"] == str(DemoScene(0).presentation(0).digit)
        with client.stream("GET", "/v1/results") as results:
            lines = (line for line in results.iter_lines() if line.startswith("data: "))
            sources = {json.loads(next(lines)[6:])["source"] for _ in range(20)}
        assert sources == {"door", "yard"}
        assert client.get("/v1/health").json()["service"]["answered"] == 1
        refused = client.post("/live/model", json={"model": "digits"}).json()
        assert refused == {"model": "digits", "source": None, "refused": None}
        assert client.post("/v1/recognize", content=data).json()["results"][0]["label"] == answer["results"][0]["label"]


def test_a_config_s_own_models_are_at_hand_and_taken_again_as_they_were(running: Any) -> None:
    """Each source alone, with what the config said of its model."""
    base, token = running
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=20) as client:
        known = client.get("/v1/models").json()
        own = known["sources"]["yard"]["model"]
        assert known["at_hand"] == ["digits", own]

        def labels() -> dict[str, set[str]]:
            """What a few of each source's results say from now on."""
            said: dict[str, set[str]] = {"door": set(), "yard": set()}
            with client.stream("GET", "/v1/results") as results:
                lines = (json.loads(line[6:]) for line in results.iter_lines() if line.startswith("data: "))
                for result in (next(lines) for _ in range(30)):
                    row = result["results"][0]
                    said[result["source"]] |= {rival["label"] for rival in row["rivals"]} - {"nothing"}
            return said

        def runs(model: str, source: str) -> dict[str, str]:
            answer = client.post("/live/model", json={"model": model, "source": source}).json()
            assert answer == {"model": model, "source": source, "refused": None}
            return {name: each["model"] for name, each in client.get("/v1/models").json()["sources"].items()}

        assert runs("digits", "yard") == {"door": "digits", "yard": "digits"}
        assert not labels()["yard"] & set(WORDS)
        assert runs(own, "yard") == {"door": "digits", "yard": own}
        said = labels()
        assert said["yard"] <= set(WORDS)
        assert not said["door"] & set(WORDS)
        assert client.post("/live/model", json={"model": own, "source": "roof"}).status_code == 400
