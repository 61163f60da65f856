"""A running camera loop with page and service while everything is thrown at it.

    python benchmarks/live_overload.py [--seconds 60] [--requests 10000] [--out results.json]

In turn, while frames flow at 30 a second: many clients at once, viewers that read slowly or not at all, half-open
connections, bodies of a gigabyte, PNGs of 50,000 x 50,000, garbage, and fuzzed pictures and requests. The bars: no
crash, at most 100 MB more memory, health within 200 ms, the loop at no less than 0.9 of its rate.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from live_camera import watch_camera
from live_report import write_report

from edgelens.runtime.live.preview import LivePreview
from edgelens.runtime.live.service.service import RecognizeService
from edgelens.runtime.loop.control import Control, Settings
from edgelens.runtime.model.open import open_model

POST = b"POST /v1/recognize HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
Attack = Callable[[int, float], Awaitable[int]]


def main() -> None:
    """Attack, measure, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="digits")
    parser.add_argument("--seconds", type=float, default=60.0, help="for all attacks together")
    parser.add_argument("--requests", type=int, default=10000, help="fuzzed ones")
    parser.add_argument("--out")
    arguments = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    pipe, there = context.Pipe()
    child = context.Process(target=serve, args=(there, arguments.model))
    child.start()
    port = pipe.recv()
    time.sleep(2)
    calm = observed(pipe, child.pid, port, None, 3.0)
    rows = []
    for name, attack in ATTACKS.items():
        rows.append({"attack": name, **observed(pipe, child.pid, port, attack, arguments.seconds / len(ATTACKS))})
        show(rows[-1], calm)
    rows.append({"attack": "fuzz", **observed(pipe, child.pid, port, fuzz(arguments.requests), 0)})
    show(rows[-1], calm)
    alive = child.is_alive()
    pipe.send("stop")
    child.join(10)
    report = {
        "calm": calm,
        "attacks": rows,
        "survived": alive and child.exitcode == 0,
        "memory_more_mb": round(max(row["rss_mb"] for row in rows) - calm["rss_mb"], 1),
        "worst_health_ms": max(row["health_ms"] for row in rows),
        "worst_fps_ratio": round(min(row["fps"] for row in rows) / calm["fps"], 3),
    }
    print({key: report[key] for key in ("survived", "memory_more_mb", "worst_health_ms", "worst_fps_ratio")})
    write_report(arguments.out, report)


def show(row: dict[str, Any], calm: dict[str, Any]) -> None:
    """One line a row."""
    more = row["rss_mb"] - calm["rss_mb"]
    print(
        f"{row['attack']:14} fps {row['fps']:5.1f}  memory {more:+6.1f} MB  health {row['health_ms']:6.1f} ms"
        f"  {row['done']} done"
    )


def serve(pipe: Connection, model: str) -> None:
    """A loop at 30 frames a second that recognizes, with page and service; answers with frames so far."""
    cv2.setNumThreads(1)
    with RecognizeService(open_model(model)) as service:
        page = LivePreview(Control(["camera"], Settings()), port=0, service=service, say=str)
        with page:
            watch_camera(pipe, page, service)


def observed(pipe: Connection, pid: int | None, port: int, attack: Attack | None, seconds: float) -> dict[str, Any]:
    """The loop's rate, the process' memory and the slowest health answer during an attack."""
    pipe.send("frames")
    before, start = pipe.recv()
    done, health, rss_mb = asyncio.run(_during(pid, port, attack, seconds))
    pipe.send("frames")
    after, end = pipe.recv()
    asked, p50_ms, worst_ms = map(float, health.split())
    return {
        "fps": round((after - before) / (end - start), 2),
        "rss_mb": round(rss_mb, 1),
        "health_asked": int(asked),
        "health_p50_ms": round(p50_ms, 1),
        "health_ms": round(worst_ms, 1),
        "done": done,
    }


async def _during(pid: int | None, port: int, attack: Attack | None, seconds: float) -> tuple[int, str, float]:
    """What the attack did, how health answered another process meanwhile, and the most memory."""
    watcher = subprocess.Popen(
        [sys.executable, "-c", WATCH_HEALTH, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert watcher.stdout is not None
    watcher.stdout.readline()  # it asks already when the attack begins
    attacking = asyncio.ensure_future(attack(port, seconds) if attack else asyncio.sleep(seconds, 0))
    rss = 0.0
    while not attacking.done():
        rss = max(rss, _rss_mb(pid))
        await asyncio.sleep(0.1)
    out, _ = watcher.communicate("stop")
    return attacking.result(), out, rss


def _rss_mb(pid: int | None) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 1e6


async def talk(port: int, data: bytes, *, most: int = 4096, wait_s: float = 20.0) -> bytes:
    """Send, read what comes until it ends, however it ends."""
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), wait_s)
    except (OSError, asyncio.TimeoutError):
        return b""
    try:
        writer.write(data)
        await asyncio.wait_for(writer.drain(), wait_s)
        return await asyncio.wait_for(reader.read(most), wait_s)
    except (OSError, asyncio.TimeoutError):
        return b""
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def repeated(data: bytes, clients: int) -> Attack:
    """The same request from many clients, again and again."""

    async def attack(port: int, seconds: float) -> int:
        ends, done = time.monotonic() + seconds, 0

        async def client() -> None:
            nonlocal done
            while time.monotonic() < ends:
                await talk(port, data)
                done += 1

        await asyncio.gather(*(client() for _ in range(clients)))
        return done

    return attack


def held(data: bytes, clients: int) -> Attack:
    """Connections that send a little and then neither send nor read."""

    async def attack(port: int, seconds: float) -> int:
        lines = []
        for _ in range(clients):
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
                reader._transport.pause_reading()  # type: ignore[attr-defined]
                writer.write(data)
                lines.append(writer)
        await asyncio.sleep(seconds)
        for line in lines:
            line.transport.abort()
        await asyncio.sleep(0.1)
        return len(lines)

    return attack


def body(data: bytes) -> bytes:
    """A whole recognition request."""
    return POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(data), data)


def vast_png() -> bytes:
    """A PNG that says it has 50,000 x 50,000 pixels, and has them: they deflate well."""
    rows = zlib.compressobj(9)
    data = rows.compress(bytes(50_001 * 2000)) + rows.flush()
    head = struct.pack(">IIBBBBB", 50000, 50000, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", data), (b"IEND", b"")]
    parts = [struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def picture(kind: str = ".jpg", size: int = 480) -> bytes:
    """A picture with noise in it."""
    noise = np.random.default_rng(1).integers(0, 256, (size, size, 3), dtype=np.uint8)
    return bytes(cv2.imencode(kind, noise)[1])


def fuzz(count: int) -> Attack:
    """Pictures with changed bytes and requests of random bytes, 32 at a time."""

    async def attack(port: int, seconds: float) -> int:  # noqa: ARG001
        random = np.random.default_rng(7)
        good = [picture(kind, 64) for kind in (".jpg", ".png", ".webp")]
        gate = asyncio.Semaphore(32)

        async def one(data: bytes) -> None:
            async with gate:
                await talk(port, data, wait_s=15)

        await asyncio.gather(*(one(_fuzzed(random, good)) for _ in range(count)))
        return count

    return attack


def _fuzzed(random: np.random.Generator, good: list[bytes]) -> bytes:
    data = bytearray(good[random.integers(len(good))])
    for _ in range(random.integers(1, 12)):
        data[random.integers(len(data))] = random.integers(256)
    whole = bytearray(body(bytes(data[: random.integers(1, len(data) + 1)])))
    if random.random() < 0.3:  # the request itself as well
        for _ in range(random.integers(1, 6)):
            whole[random.integers(min(len(whole), 160))] = random.integers(256)
    if random.random() < 0.05:
        return random.bytes(int(random.integers(1, 2000)))
    return bytes(whole)


WATCH_HEALTH = """
import http.client, select, sys, time
port = int(sys.argv[1])

def ask():
    start = time.monotonic()
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    line.request("GET", "/v1/health")
    assert line.getresponse().read().startswith(b'{"status": "ok"')
    line.close()
    return (time.monotonic() - start) * 1e3

ask()
print("ready", flush=True)
times = []
while not select.select([sys.stdin], [], [], 0.05)[0]:
    times.append(ask())
times.sort()
print(len(times), times[len(times) // 2], times[-1])
"""
VIEW = b"GET /live/frames HTTP/1.1\r\nHost: localhost\r\n\r\n"
ATTACKS: dict[str, Attack] = {
    "200 clients": repeated(body(picture()), 200),
    "deaf viewers": held(VIEW, 60),
    "half-open": held(b"POST /v1/recognize HTTP/1.1\r\nHost: lo", 300),
    "600 idle": held(b"", 600),
    "stuck bodies": held(POST + b"Content-Length: 900000\r\n\r\n" + bytes(1000), 200),
    "1 GB bodies": repeated(POST + b"Content-Length: 1000000000\r\n\r\n" + bytes(1 << 20), 20),
    "vast PNGs": repeated(body(vast_png()), 20),
    "16 MP JPEGs": repeated(body(picture(".jpg", 3999)), 8),
    "garbage": repeated(bytes(np.random.default_rng(2).integers(0, 256, 5000, dtype=np.uint8)), 50),
}


if __name__ == "__main__":
    main()
