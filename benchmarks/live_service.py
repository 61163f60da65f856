"""`/v1/recognize` against the same work done in this process: throughput, CPU a request, latency.

    python benchmarks/live_service.py [--model digits] [--seconds 60] [--clients 16] [--out results.json]

Decode and inference of the same 640x480 JPEGs run first on as many threads as there are cores, in a process of their
own, then behind the service; the two take turns. The clients' CPU is measured and subtracted: they would be other
machines. The bars: at least 0.8 of the throughput; at most 0.6 ms of server CPU over the work itself; p99 at most
4 times p50; no error.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import statistics
import threading
import time
from multiprocessing.connection import Connection
from typing import Any

import cv2
import numpy as np
from live_report import write_report

from edgelens.runtime.live.preview import LivePreview
from edgelens.runtime.live.service.service import RecognizeService
from edgelens.runtime.loop.control import Control, Settings
from edgelens.runtime.model.open import open_model


def main() -> None:
    """Measure in turn; print a table and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="digits")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--out")
    arguments = parser.parse_args()
    rounds = []
    for _ in range(arguments.turns):
        span = arguments.seconds / arguments.turns
        alone = in_child(work_alone, arguments.model, span / 2)
        rounds.append(compared(alone, measure_service(arguments.model, span, arguments.clients)))
    report = {
        "model": arguments.model,
        "clients": arguments.clients,
        "cores": os.cpu_count(),
        "rounds": rounds,
        **{name: round(statistics.median(r[name] for r in rounds), 3) for name in rounds[0]},
    }
    for name in ("alone_per_s", "service_per_s", "ratio", "over_ms", "p50_ms", "p99_ms", "p99_over_p50", "errors"):
        print(f"{name:14} {report[name]}")
    write_report(arguments.out, report)


def compared(alone: dict[str, float], service: dict[str, float]) -> dict[str, float]:
    """One round's figures."""
    cores = float(os.cpu_count() or 1)
    free = cores * service["wall_s"] - service["client_cpu_s"]  # what the server could have had
    per_s = service["answered"] / free * cores
    alone_ms = alone["cpu_s"] / alone["done"] * 1e3
    server_ms = service["server_cpu_s"] / service["answered"] * 1e3
    return {
        "alone_per_s": alone["done"] / alone["wall_s"],
        "service_per_s": per_s,
        "ratio": per_s / (alone["done"] / alone["wall_s"]),
        "alone_cpu_ms": alone_ms,
        "server_cpu_ms": server_ms,
        "over_ms": server_ms - alone_ms,
        "p50_ms": service["p50_ms"],
        "p99_ms": service["p99_ms"],
        "p99_over_p50": service["p99_ms"] / service["p50_ms"],
        "errors": service["errors"],
    }


def pictures() -> list[bytes]:
    """Camera-like JPEGs of 640x480: a digit, light, noise."""
    random = np.random.default_rng(0)
    made = []
    for digit in range(10):
        image = np.full((480, 640, 3), 120, np.float32) + np.linspace(-40, 40, 640, dtype=np.float32)[None, :, None]
        image = cv2.putText(image, str(digit), (220, 340), cv2.FONT_HERSHEY_DUPLEX, 8, (240, 240, 240), 24, cv2.LINE_AA)
        image += random.normal(0, 6, image.shape)
        made.append(bytes(cv2.imencode(".jpg", np.clip(image, 0, 255).astype(np.uint8))[1]))
    return made


def in_child(work: Any, *given: Any) -> dict[str, float]:
    """A measurement in a fresh process."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    child = context.Process(target=work, args=(there, *given))
    child.start()
    found = here.recv()
    child.join()
    return dict(found)


def work_alone(pipe: Connection, model: str, seconds: float) -> None:
    """Decode and inference on every core, without a server."""
    cv2.setNumThreads(1)
    with RecognizeService(open_model(model)) as service:
        data, counts = pictures(), [0] * (os.cpu_count() or 1)
        ends = time.monotonic() + seconds

        def work(lane: int) -> None:
            while time.monotonic() < ends:
                service.recognize(data[counts[lane] % 10], "x", None, time.monotonic())
                counts[lane] += 1

        work_a_little(service, data)
        cpu, start = time.process_time(), time.monotonic()
        threads = [threading.Thread(target=work, args=(lane,)) for lane in range(len(counts))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        pipe.send({"done": sum(counts), "wall_s": time.monotonic() - start, "cpu_s": time.process_time() - cpu})


def work_a_little(service: RecognizeService, data: list[bytes]) -> None:
    """Everything is loaded and warm."""
    for picture in data * 3:
        service.recognize(picture, "x", None, time.monotonic())


def measure_service(model: str, seconds: float, clients: int) -> dict[str, float]:
    """The service in one process, the clients in this one."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    child = context.Process(target=serve, args=(there, model))
    child.start()
    port = here.recv()
    asyncio.run(ask_all(port, 1.0, clients))
    here.send("count")
    here.recv()
    cpu, start = time.process_time(), time.monotonic()
    times, errors = asyncio.run(ask_all(port, seconds, clients))
    wall, client_cpu = time.monotonic() - start, time.process_time() - cpu
    here.send("count")
    server_cpu = here.recv()
    here.send("stop")
    child.join()
    times.sort()
    return {
        "answered": len(times),
        "errors": errors,
        "wall_s": wall,
        "client_cpu_s": client_cpu,
        "server_cpu_s": server_cpu,
        "p50_ms": times[len(times) // 2] * 1e3,
        "p99_ms": times[int(len(times) * 0.99)] * 1e3,
    }


def serve(pipe: Connection, model: str) -> None:
    """The service until it is told to stop; answers with the CPU used since it was last asked."""
    cv2.setNumThreads(1)
    with RecognizeService(open_model(model)) as service:
        work_a_little(service, pictures())
        with LivePreview(Control((), Settings()), port=0, service=service, say=str) as page:
            pipe.send(page.port)
            before = time.process_time()
            while pipe.recv() == "count":
                now = time.process_time()
                pipe.send(now - before)
                before = now


async def ask_all(port: int, seconds: float, clients: int) -> tuple[list[float], int]:
    """Seconds a request of every client, and how many were not answered with 200."""
    ends = time.monotonic() + seconds
    requests = [
        b"POST /v1/recognize HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b"
        % (len(data), data)
        for data in pictures()
    ]
    found = await asyncio.gather(*(ask(port, ends, requests, lane) for lane in range(clients)))
    return [second for times, _ in found for second in times], sum(errors for _, errors in found)


async def ask(port: int, ends: float, requests: list[bytes], lane: int) -> tuple[list[float], int]:
    """One client with one connection, one request after the other."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    times, errors = [], 0
    while (start := time.monotonic()) < ends:
        writer.write(requests[(lane + len(times)) % len(requests)])
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        times.append(time.monotonic() - start)
        errors += not head.startswith(b"HTTP/1.1 200")
    writer.close()
    return times, errors


if __name__ == "__main__":
    main()
