"""A camera at 30 frames a second while strangers at nice 19 try what once stopped it, ten times as hard.

    python benchmarks/live_strangers.py [--seconds 12] [--only NAME] [--ahead] [--out results.json]

Cookies of 500 kB, heads without an end, viewers that ask twice and leave, uploads that are never finished, silent TLS
handshakes by the thousand, wrong tokens. The bars: at least 29 frames a second, health within 200 ms, at most 60 MB
more memory, and afterwards everybody who may come in does so at once. A question about health that is not answered,
its connection reset, is counted as failed.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import multiprocessing
import os
import resource
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from live_camera import watch_camera
from live_report import write_report

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "servers"))
from certificate import certificate

from edgelens.runtime.host.freed_memory import gaps_given_back, keep_freed_pictures, share_one_heap
from edgelens.runtime.live.http.access import Access
from edgelens.runtime.live.http.server import Tls
from edgelens.runtime.live.preview import LivePreview
from edgelens.runtime.live.service.service import RecognizeService
from edgelens.runtime.loop.control import Control, Settings
from edgelens.runtime.model.open import open_model

TOKEN = "a-token-that-strangers-lack"
ASK = b"Host: localhost\r\n"
KNOWN = ASK + b"Authorization: Bearer " + TOKEN.encode() + b"\r\n"
UPLOAD = b"POST /v1/recognize HTTP/1.1\r\n" + KNOWN + b"Content-Type: image/jpeg\r\nContent-Length: 15900000\r\n\r\n"
Attack = Callable[[int, float], None]


def main() -> None:
    """Attack, measure, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=12.0, help="an attack")
    parser.add_argument("--only", choices=list(ATTACKS), help="one attack alone")
    parser.add_argument("--nice", type=int, default=19, help="the strangers'; where others work, 19 is no attack")
    parser.add_argument(
        "--ahead", action="store_true", help="of what others do here, as on a quiet machine (needs root)"
    )
    parser.add_argument("--out")
    arguments = parser.parse_args()
    if arguments.ahead:  # of other sessions; within this one the strangers stay behind
        Path("/proc/self/autogroup").write_text("-16")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        tls = certificate(Path(folder))
        for name, (attack, attackers, secure) in ATTACKS.items():
            if arguments.only in (None, name):
                found = beside(attack, attackers, tls if secure else None, arguments.seconds, arguments.nice)
                rows.append({"attack": name, **found})
                print(" ".join(f"{key} {value}" for key, value in rows[-1].items()), flush=True)
    bars = {
        "least_fps": min(row["fps"] for row in rows),
        "worst_health_ms": max(row["health_ms"] for row in rows),
        "health_failed": sum(row["health_failed"] for row in rows),
        "most_memory_more_mb": max(row["memory_more_mb"] for row in rows),
        "locked_out": [row["attack"] for row in rows if row["afterwards"]],
    }
    print(bars)
    write_report(arguments.out, {"load_average": os.getloadavg(), "attacks": rows, **bars})


def beside(attack: Attack, attackers: int, tls: Tls | None, seconds: float, nice: int) -> dict[str, Any]:
    """One server's camera in peace, then during an attack, and who is let in behind it."""
    context = multiprocessing.get_context("spawn")
    pipe, there = context.Pipe()
    child = context.Process(target=serve, args=(there, tls), daemon=True)
    child.start()
    port = pipe.recv()
    time.sleep(2)
    calm = watched(pipe, child.pid, port, tls, seconds / 3)
    words = (attack, port, seconds + 1, nice)
    strangers = [context.Process(target=as_stranger, args=words, daemon=True) for _ in range(attackers)]
    for stranger in strangers:
        stranger.start()
    time.sleep(2)  # they are still importing
    during = watched(pipe, child.pid, port, tls, seconds - 2)
    for stranger in strangers:
        stranger.join()
    afterwards = not_let_in(port, tls)
    pipe.send("stop")
    child.join(10)
    return {
        "fps": during["fps"],
        "calm_fps": calm["fps"],
        "health_ms": during["health_ms"],
        "calm_health_ms": calm["health_ms"],
        "health_asked": during["asked"],
        "health_failed": during["failed"],
        "health_median_ms": during["median_ms"],
        "memory_more_mb": round(during["rss_mb"] - calm["rss_mb"], 1),
        "afterwards": afterwards,
    }


def serve(pipe: Connection, tls: Tls | None) -> None:
    """A loop at 30 frames a second that recognizes, with page and service behind a token."""
    cv2.setNumThreads(1)
    share_one_heap()  # as the verbs do
    keep_freed_pictures()
    control, access = Control(["camera"], Settings()), Access(token=TOKEN)
    with (
        gaps_given_back(),
        RecognizeService(open_model("digits")) as service,
        LivePreview(control, port=0, access=access, tls=tls, service=service, say=str) as page,
    ):
        watch_camera(pipe, page, service, most_behind_s=0.5)


def watched(pipe: Connection, pid: int | None, port: int, tls: Tls | None, seconds: float) -> dict[str, Any]:
    """The loop's rate, the slowest of health's answers to another process, and the most memory meanwhile."""
    words = [sys.executable, "-c", WATCH_HEALTH, str(port), str(tls.cert) if tls else ""]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as watcher:
        assert watcher.stdout is not None
        watcher.stdout.readline()
        pipe.send("frames")
        before, start = pipe.recv()
        rss_mb = 0.0
        while time.monotonic() - start < seconds:
            rss_mb = max(rss_mb, int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 1e6)
            time.sleep(0.05)
        pipe.send("frames")
        after, end = pipe.recv()
        out, _ = watcher.communicate("stop", timeout=60)
    fps = round((after - before) / (end - start), 2)
    return {"fps": fps, "rss_mb": rss_mb, **json.loads(out)}


def not_let_in(port: int, tls: Tls | None) -> list[str]:
    """What the right token does not get, one second behind an attack."""
    time.sleep(1)
    picture = bytes(cv2.imencode(".jpg", np.full((480, 640, 3), 120, np.uint8))[1])
    asked = {"state": ("GET", "/live/state", None), "upload": ("POST", "/v1/recognize", picture),
             "frames": ("GET", "/live/frames", None), "events": ("GET", "/live/events", None)}  # fmt: skip
    failed = []
    for name, (method, path, body) in asked.items():
        try:
            with contextlib.closing(connection(port, tls)) as line:
                line.request(method, path, body, headers={"Authorization": f"Bearer {TOKEN}"})
                status = line.getresponse().status
        except OSError as error:
            status = str(error)
        if status != 200:
            failed.append(f"{name}: {status}")
    return failed


def connection(port: int, tls: Tls | None) -> http.client.HTTPConnection:
    """To the server, which is trusted."""
    if tls is None:
        return http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    trust = ssl.create_default_context(cafile=str(tls.cert))
    return http.client.HTTPSConnection("localhost", port, timeout=5, context=trust)


def as_stranger(attack: Attack, port: int, seconds: float, nice: int) -> None:
    """An attack in a process of its own, behind everybody else."""
    os.setpriority(os.PRIO_PROCESS, 0, nice)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    attack(port, time.monotonic() + seconds)


def reach(port: int) -> socket.socket:
    """A connection, or an OSError within a second."""
    return socket.create_connection(("127.0.0.1", port), 1)


def cookies(port: int, ends: float) -> None:
    """Heads with a cookie of 500 kB of backslashes."""
    head = b"GET / HTTP/1.1\r\n" + ASK + b"Cookie: a=" + b"\\" * 500_000 + b"\r\n\r\n"
    small = b"GET / HTTP/1.1\r\n" + ASK + b"Cookie: a=" + b"\\" * 30_000 + b"\r\n\r\n"
    while time.monotonic() < ends:
        for said in (head, small):
            with contextlib.suppress(OSError), reach(port) as line:
                line.sendall(said)
                line.recv(4096)


def endless_heads(port: int, ends: float) -> None:
    """Headers that never end, on twenty connections of a process."""
    lines: list[socket.socket] = []
    while time.monotonic() < ends:
        with contextlib.suppress(OSError):
            while len(lines) < 20:
                lines.append(reach(port))
                lines[-1].sendall(b"GET / HTTP/1.1\r\n" + ASK + b"X: ")
        for line in tuple(lines):
            try:
                line.sendall(b"a" * 65536)
            except OSError:
                line.close()
                lines.remove(line)


def leaving_viewers(port: int, ends: float) -> None:
    """Viewers that ask twice at once and go, 160 of a process at a time."""
    said = (b"GET /live/frames HTTP/1.1\r\n" + KNOWN + b"\r\n") * 2
    while time.monotonic() < ends:
        lines = []
        with contextlib.suppress(OSError):
            for _ in range(160):
                lines.append(reach(port))
                lines[-1].sendall(said)
        for line in lines:
            line.close()


def unfinished_uploads(port: int, ends: float) -> None:
    """Pictures of 15.9 MB that lack their last bytes, 160 of a process at a time."""
    lines: list[socket.socket] = []
    left: dict[socket.socket, int] = {}
    piece = bytes(1 << 18)
    while time.monotonic() < ends:
        with contextlib.suppress(OSError):
            while len(lines) < 160:
                line = reach(port)
                line.sendall(UPLOAD)
                line.setblocking(False)
                lines.append(line)
                left[line] = 15_800_000
        for line in tuple(lines):
            try:
                if left[line] > 0:
                    left[line] -= line.send(piece[: left[line]])
            except BlockingIOError:
                continue
            except OSError:
                line.close()
                lines.remove(line)
        time.sleep(0.001)


def silent_handshakes(port: int, ends: float) -> None:
    """Connections that say nothing, or the beginning of a handshake, 3,000 of a process."""
    lines: list[socket.socket] = []
    while time.monotonic() < ends:
        with contextlib.suppress(OSError):
            lines.append(reach(port))
            if len(lines) % 4 == 0:
                lines[-1].sendall(b"\x16\x03\x01\x02\x00\x01")
        if len(lines) > 3000:
            lines.pop(0).close()


def wrong_tokens(port: int, ends: float) -> None:
    """One wrong token after another."""
    said = b"GET /live/state HTTP/1.1\r\n" + ASK + b"Authorization: Bearer wrong\r\nConnection: close\r\n\r\n"
    while time.monotonic() < ends:
        with contextlib.suppress(OSError), reach(port) as line:
            line.sendall(said)
            line.recv(4096)


WATCH_HEALTH = """
import http.client, json, select, ssl, statistics, sys, time
port, cert = int(sys.argv[1]), sys.argv[2]
trust = ssl.create_default_context(cafile=cert) if cert else None

def ask():
    line = (http.client.HTTPSConnection("localhost", port, timeout=20, context=trust) if cert
            else http.client.HTTPConnection("127.0.0.1", port, timeout=20))
    try:
        line.request("GET", "/v1/health")
        answer = line.getresponse()
        said = answer.read()
        return "" if said.startswith(b'{"status": "ok"') else f"{answer.status} {said[:200]}"
    finally:
        line.close()

assert not ask()
print("ready", flush=True)
times, failed = [], []
while not select.select([sys.stdin], [], [], 0.05)[0]:
    start = time.monotonic()
    try:
        problem = ask()
    except (OSError, http.client.HTTPException) as error:
        problem = repr(error)
    if not problem:
        times.append((time.monotonic() - start) * 1e3)
    else:
        failed.append(problem)
        print(f"health: {problem} after {time.monotonic() - start:.3f} s", file=sys.stderr)
times = times or [1e6]
print(json.dumps({"health_ms": round(max(times), 1), "median_ms": round(statistics.median(times), 1),
                  "asked": len(times) + len(failed), "failed": len(failed)}))
"""
ATTACKS: dict[str, tuple[Attack, int, bool]] = {  # what, processes, over TLS
    "cookies": (cookies, 4, False),
    "endless heads": (endless_heads, 2, False),
    "leaving viewers": (leaving_viewers, 4, False),
    "unfinished uploads": (unfinished_uploads, 4, False),
    "silent handshakes": (silent_handshakes, 4, True),
    "wrong tokens": (wrong_tokens, 4, False),
}


if __name__ == "__main__":
    main()
