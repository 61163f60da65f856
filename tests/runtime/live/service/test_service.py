"""POST /v1/recognize with a real model: one, many, bad, too large, too much."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import io
import json
import socket
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from edgelens.runtime.bundle.manifest import Step
from edgelens.runtime.live.http.budget import Budget
from edgelens.runtime.live.preview import LivePreview
from edgelens.runtime.live.service.service import RecognizeService, ServiceLimits
from edgelens.runtime.loop.control import Control, Settings

COLOURS = {"red": (30, 20, 230), "green": (20, 220, 30), "blue": (240, 30, 20)}


def picture(colour: str = "red", kind: str = ".jpg", size: tuple[int, int] = (48, 64)) -> bytes:
    image = np.full((*size, 3), COLOURS[colour], np.uint8)
    return bytes(cv2.imencode(kind, image)[1])


def huge_png() -> bytes:
    """A PNG whose header says 50,000 x 50,000."""
    head = struct.pack(">IIBBBBB", 50000, 50000, 8, 2, 0, 0, 0)
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))  # noqa: E731
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


@pytest.fixture(scope="module")
def client(colour_bundle: Any) -> Iterator[httpx.Client]:
    limits = ServiceLimits(pictures=4, workers=2)
    budget = Budget(requests=8, body_bytes=300_000)
    with RecognizeService(colour_bundle, limits=limits, budget=budget, device="bench") as service:
        page = LivePreview(Control((), Settings()), port=0, service=service, say=lambda line: None)
        service.on_result = page.shared.tell
        with page, httpx.Client(base_url=f"http://127.0.0.1:{page.port}", timeout=10) as client:
            yield client


@pytest.mark.parametrize("kind", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("colour", list(COLOURS))
def test_one_picture(client: httpx.Client, kind: str, colour: str) -> None:
    answer = client.post("/v1/recognize", content=picture(colour, kind)).json()
    assert answer["results"][0]["label"] == colour
    assert answer["schema"] == 2
    assert (answer["device"], answer["bundle"]) == ("bench", {"name": "colour", "version": 1})
    assert len(answer["results"]) == 1, "one thing; what else it could be is beside it"
    assert {rival["label"] for rival in answer["results"][0]["rivals"]} == set(COLOURS) - {colour}
    assert set(answer["stages_ms"]) == {"read", "preprocess", "infer", "decode"}


def test_many_pictures_and_a_bad_one(client: httpx.Client) -> None:
    files = [("image", (f"../{name}.jpg", picture(name))) for name in COLOURS] + [("image", ("bad.jpg", b"nothing"))]
    answer = client.post("/v1/recognize", files=files).json()
    assert answer["schema"] == 2
    items = answer["items"]
    assert [item.get("results", [{"label": "?"}])[0]["label"] for item in items] == [*COLOURS, "?"]
    assert "no image" in items[3]["error"]
    assert client.post("/v1/recognize", files=[*files, ("image", ("five.jpg", picture()))]).status_code == 413


def test_the_threshold_may_be_given(client: httpx.Client) -> None:
    gray = bytes(cv2.imencode(".png", np.full((20, 20, 3), 100, np.uint8))[1])
    assert client.post("/v1/recognize", content=gray).json()["results"][0]["label"] == "unknown"
    assert client.post("/v1/recognize?threshold=0.1", content=gray).json()["results"][0]["label"] != "unknown"
    assert client.post("/v1/recognize?threshold=7", content=gray).status_code == 400


@pytest.mark.parametrize(("body", "status"), [
    (b"", 411), (b"GIF89a" + bytes(50), 400), (b"\xff\xd8\xff", 400), (picture()[:200], 400), (huge_png(), 413),
    (bytes(300_001), 413), (b"\x89PNG\r\n\x1a\n", 400), (b"RIFF0000WEBPVP8 ", 400),
])  # fmt: skip
def test_what_is_no_picture_is_refused_in_one_line(client: httpx.Client, body: bytes, status: int) -> None:
    answer = client.post("/v1/recognize", content=body)
    assert answer.status_code == status
    assert "\n" not in answer.json()["error"]


def test_a_gigabyte_is_not_read(client: httpx.Client) -> None:
    with socket.create_connection((client.base_url.host, client.base_url.port)) as raw:
        raw.sendall(b"POST /v1/recognize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 413")


def test_chunked_bodies_are_counted_as_they_come(client: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield bytes(10_000)

    with contextlib.suppress(httpx.WriteError):  # closed while we were still sending: refused just as well
        assert client.post("/v1/recognize", content=endless()).status_code == 413


def test_health_models_metrics_and_description(client: httpx.Client) -> None:
    client.post("/v1/recognize", content=picture())
    health = client.get("/v1/health").json()
    assert health["status"] == "ok"
    assert health["service"]["answered"] >= 1
    running = client.get("/v1/models").json()["running"]
    assert (running["name"], running["labels"]) == ("colour", ["red", "green", "blue"])
    metrics = client.get("/metrics").text
    assert 'edgelens_requests_total{status="200"}' in metrics
    assert "# TYPE edgelens_recognize_seconds histogram" in metrics
    described = client.get("/v1/openapi.json").json()
    assert described["openapi"].startswith("3.")
    schemas = described["components"]["schemas"]
    answer = client.post("/v1/recognize", content=picture()).json()
    assert set(schemas["Result"]["required"]) == set(answer)
    assert set(answer["results"][0]) <= set(schemas["Recognition"]["properties"])
    for path in set(described["paths"]) - {"/v1/results"}:
        verb = next(iter(described["paths"][path]))
        assert client.request(verb, path).status_code in (200, 411, 415), path  # without a body, or without its kind


def test_what_runs_is_said_of_every_step(colour_bundle: Any) -> None:
    network = colour_bundle.manifest.main
    networks = {"main": network, "mood": dataclasses.replace(network, labels=("warm", "fresh", "cold"))}
    steps = (Step(output="colour"), Step(network="mood", region="colour", output="mood"))
    manifest = dataclasses.replace(colour_bundle.manifest, networks=networks, steps=steps)
    with RecognizeService(dataclasses.replace(colour_bundle, manifest=manifest), threshold=0.9) as service:
        told = service.model_json()
    assert (told["name"], told["engine"], told["precision"]) == ("colour", "onnxruntime", "float32")
    assert told["labels"] == ["red", "green", "blue", "warm", "fresh", "cold"]
    assert [step["step"] for step in told["steps"]] == ["colour", "mood"]
    assert [step["threshold"] for step in told["steps"]] == [0.5, 0.9], "what is asked for holds for the last one"


def test_many_query_fields_are_refused(client: httpx.Client) -> None:
    answer = client.post("/v1/recognize?" + "a=1&" * 30, content=picture())
    assert (answer.status_code, answer.json()) == (400, {"error": "too many query fields"})
    assert client.post("/v1/recognize?threshold=" + "9" * 400, content=picture()).status_code == 400


def test_results_are_told_to_listeners(client: httpx.Client) -> None:
    with client.stream("GET", "/v1/results") as answer:
        lines = answer.iter_lines()
        threading.Timer(0.2, lambda: httpx.post(f"{client.base_url}/v1/recognize", content=picture("blue"))).start()
        data = next(line for line in lines if line.startswith("data: "))
        assert json.loads(data[6:])["results"][0]["label"] == "blue"


def test_more_than_the_queue_holds_is_sent_away(colour_bundle: Any) -> None:
    with RecognizeService(colour_bundle, limits=ServiceLimits(workers=1), budget=Budget(requests=2)) as service:
        held = threading.Event()
        recognize = service.recognize
        service.recognize = lambda *args: held.wait(5) and recognize(*args)  # type: ignore[method-assign]
        page = LivePreview(Control((), Settings()), port=0, service=service, say=lambda line: None)
        with page:
            url = f"http://127.0.0.1:{page.port}/v1/recognize"
            answers: list[int] = []
            ask = lambda: answers.append(httpx.post(url, content=picture()).status_code)  # noqa: E731
            waiting = [threading.Thread(target=ask) for _ in range(2)]
            for thread in waiting:
                thread.start()
            deadline = time.monotonic() + 5
            while service.state()["under_way"] < 2 and time.monotonic() < deadline:
                time.sleep(0.01)
            refused = httpx.post(url, content=picture())
            assert refused.status_code == 503
            assert int(refused.headers["retry-after"]) >= 1
            held.set()
            for thread in waiting:
                thread.join()
            assert answers == [200, 200]
            assert service.state()["refused"] == 1


def test_fuzzed_requests_never_crash_it(client: httpx.Client) -> None:
    """Broken pictures and broken HTTP; the long version is benchmarks/live_overload.py."""
    random = np.random.default_rng(3)
    good = [picture(kind=kind) for kind in (".jpg", ".png", ".webp")]
    for i in range(300):
        body = bytearray(good[i % 3])
        for _ in range(random.integers(1, 8)):
            body[random.integers(0, len(body))] = random.integers(0, 256)
        answer = client.post("/v1/recognize", content=bytes(body[: random.integers(1, len(body) + 1)]))
        assert answer.status_code in (200, 400, 413)
    breaking = threading.Thread(target=lambda: asyncio.run(_broken_http(client.base_url.port, random)))
    breaking.start()  # a thread of its own: the browser's tests leave an event loop running in this one
    breaking.join()
    assert client.get("/v1/health", timeout=1).status_code == 200


async def _broken_http(port: int | None, random: Any) -> None:
    async def one(data: bytes) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(data)
        writer.write_eof()
        await asyncio.wait_for(reader.read(2000), 5)
        writer.close()

    head = b"POST /v1/recognize HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    requests = [
        head + b"Content-Length: 4\r\n\r\n--x\r",
        head + b"Content-Length: 20\r\n\r\n--x\r\n\r\n--x--\r\n",
        head + b"Content-Length: -5\r\n\r\n",
        head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x00\xff",
        b"GET /live/thumbs/99999999999999999999 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET /live/snapshot?" + b"a=1&" * 500 + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        *(bytes(random.integers(0, 256, random.integers(1, 400), dtype=np.uint8)) for _ in range(60)),
    ]
    for data in requests:
        await one(data)


def test_an_upright_picture_is_what_is_recognized(client: httpx.Client) -> None:
    image = pytest.importorskip("PIL.Image")
    pixels = np.zeros((16, 48, 3), np.uint8)
    pixels[:, :, 0] = 220
    buffer, exif = io.BytesIO(), image.Exif()
    exif[0x112] = 6
    image.fromarray(pixels).save(buffer, "JPEG", exif=exif)
    assert client.post("/v1/recognize", content=buffer.getvalue()).json()["results"][0]["label"] == "red"


def test_labels_of_requests_are_counted(client: httpx.Client) -> None:
    label = client.post("/v1/recognize", content=picture()).json()["results"][0]["label"]
    health = client.get("/v1/health").json()
    assert health["service"]["labels"][label] >= 1
    assert f'edgelens_request_labels_total{{label="{label}"}}' in client.get("/metrics").text
