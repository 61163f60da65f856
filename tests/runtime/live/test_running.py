"""What a person asks of what has run for weeks, and how it is found."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from edgelens.cli import cli
from edgelens.devices.deploy.slots import Slot, Slots
from edgelens.runtime.errors import UsageError, WorkError
from edgelens.runtime.host.owned import own_folder, write_own
from edgelens.runtime.live.http.access import Access
from edgelens.runtime.live.running import running_here
from edgelens.runtime.live.shared.machine import Machine
from edgelens.runtime.model.open import open_model
from edgelens.version import __version__

DIGITS = open_model("digits").path or Path()


def test_status_finds_what_runs_and_says_how_it_is(
    staged: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr("edgelens.runtime.live.running.run_folders", lambda: (tmp_path / "edgelens",))
    token = tmp_path / "token"
    token.write_text("a-token-of-some-length")
    token.chmod(0o600)
    staged(fps=0, access=Access(token="a-token-of-some-length", token_file=token), machine=Machine("lens-7"))
    answer = CliRunner().invoke(cli, ["status"])
    assert answer.exit_code == 0, answer.output
    assert "digits version 3 (5ca1e) on onnxruntime int8" in answer.output
    assert "5 messages wait in mqtt" in answer.output
    assert f"edgelens {__version__} on lens-7" in answer.output
    assert "61 °C" in answer.output
    assert "camera" in answer.output
    told = json.loads(CliRunner().invoke(cli, ["status", "--json", "-"]).stdout)
    assert told["running"][0]["loop"]["sources"][0]["name"] == "camera"


def test_a_clock_that_was_set_meanwhile_does_not_age_a_run(
    staged: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A board without a clock of its own starts in another year."""
    monkeypatch.setattr("edgelens.runtime.live.running.run_folders", lambda: (tmp_path,))
    loop = staged(fps=0)
    loop.started -= 9e6
    shown = CliRunner().invoke(cli, ["status", "--url", loop.base]).output
    assert re.search(r"  ok, up (\d+ h )?\d+ min", shown), shown


@pytest.mark.parametrize(
    "said", ["{}", "[1]", '{"status": "ok", "loop": "x"}', '{"status": "ok", "problems": [], "loop": {}}']
)
def test_status_of_another_program_is_one_line(said: str) -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(said.encode())

        def log_message(self, *words: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Other) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            url = f"http://127.0.0.1:{server.server_port}"
            answer = CliRunner().invoke(cli, ["status", "--url", url])
        finally:
            server.shutdown()
    assert answer.output == f"{url}  does not answer: no edgelens that this one knows answers there\n"
    assert answer.exit_code == 1


def test_status_from_another_session_finds_it_too(staged: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over SSH there may be no XDG_RUNTIME_DIR, and TMPDIR is another."""
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", None)
    loop = staged(fps=0)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert f"{loop.base}/" in [running.url for running in running_here()]


def test_status_finds_a_run_without_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service on a device may well have none."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr("edgelens.runtime.live.running.run_folders", lambda: (tmp_path / "edgelens",))
    words = ["run", "digits", "--source", "demo", "--no-preview", "--quiet", "--device-id", "lens-7"]
    with subprocess.Popen([sys.executable, "-m", "edgelens", *words], stdout=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + 20
            while not list((tmp_path / "edgelens").glob("*.json")):
                assert time.monotonic() < until, "it never said that it runs"
                time.sleep(0.05)
            answer = CliRunner().invoke(cli, ["status", "--json", "-"])
            shown = CliRunner().invoke(cli, ["status"]).output
        finally:
            process.send_signal(signal.SIGINT)
    assert answer.exit_code == 0, answer.output
    (told,) = json.loads(answer.stdout)["running"]
    assert (told["pid"], told["device"], told["status"]) == (process.pid, "lens-7", "ok")
    (source,) = told["loop"]["sources"]
    assert (source["name"], source["state"]) == ("demo", "ok")
    assert source["bundle"]["sha256"] == hashlib.sha256(DIGITS.read_bytes()).hexdigest()
    assert f"process {process.pid} (no page)  ok" in shown
    assert list((tmp_path / "edgelens").iterdir()) == [], "nothing is left"


def test_status_says_what_was_deployed_and_is_not_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_RUNTIME_DIR", "TMPDIR", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr("edgelens.runtime.live.running.run_folders", lambda: ())
    slots, report = Slots(tmp_path / "edgelens"), {"files": []}
    for version in (1, 2):
        slots.stage(DIGITS.read_bytes())
        slots.switch(slots.fill(Slot("digits", version, f"{version}" * 64, ("kit",), "here", report), {}))
    answer = CliRunner().invoke(cli, ["status"])
    current, other = answer.output.splitlines()[:2]
    assert current == "deployed in slot b, current: digits version 2 (222222222222)"
    assert other == "deployed in slot a, to go back to: digits version 1 (111111111111)"
    assert "digits version 2 is deployed, not started" in str(answer.exception)
    said = json.loads(CliRunner().invoke(cli, ["status", "--json", "-"]).stdout)
    assert [(slot["slot"], slot["current"]) for slot in said["slots"]] == [("b", True), ("a", False)]


def test_a_killed_process_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgelens.runtime.live.running.run_folders", lambda: (tmp_path,))
    note = tmp_path / "99999999-80.json"
    note.write_text('{"pid": 99999999, "url": "http://127.0.0.1:80/", "token_file": null}')
    assert running_here() == []
    assert not note.exists()


def test_status_of_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    folder = tmp_path / "edgelens"
    folder.mkdir()
    (folder / "1.json").write_text('{"pid": 99999999, "url": "http://127.0.0.1:1/", "token_file": null}')
    (folder / "2.json").write_text("rubbish")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr("edgelens.runtime.live.running.run_folders", lambda: (folder,))
    answer = CliRunner().invoke(cli, ["status"])
    assert isinstance(answer.exception, WorkError)
    assert "nothing runs here" in str(answer.exception)
    answer = CliRunner().invoke(cli, ["status", "--url", "http://127.0.0.1:1/"])
    assert (answer.exit_code, "does not answer" in answer.output) == (1, True)


LISTENER = """
import os, socket
os.setuid(65534)
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
line, _ = listener.accept()
line.settimeout(3)
try:
    print(line.recv(4096), flush=True)
except TimeoutError:
    print("nothing", flush=True)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_a_token_is_not_sent_to_another_users_listener(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = tmp_path / "token"
    token.write_text("a-token-of-some-length")
    token.chmod(0o600)
    folder = own_folder(tmp_path / "run")
    monkeypatch.setattr("edgelens.runtime.live.running.run_folders", lambda: (folder,))
    with subprocess.Popen([sys.executable, "-c", LISTENER], stdout=subprocess.PIPE, text=True) as theirs:
        assert theirs.stdout is not None
        port = int(theirs.stdout.readline())
        note = {"pid": os.getpid(), "url": f"http://127.0.0.1:{port}/", "token_file": str(token)}
        write_own(folder / "1.json", json.dumps(note).encode())
        answer = CliRunner().invoke(cli, ["status"])
        assert theirs.stdout.readline().strip() in ("b''", "nothing")
    assert "another user of this machine listens there: the token was not sent" in answer.output


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_a_note_of_a_number_that_another_users_process_has_by_now_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgelens.runtime.live.running.run_folders", lambda: (tmp_path,))
    with subprocess.Popen(["sleep", "60"], user=65534) as theirs:
        for pid in (theirs.pid, os.getpid()):
            write_own(tmp_path / f"{pid}-80.json", json.dumps({"pid": pid, "url": "http://127.0.0.1:80/"}).encode())
        found = [running.pid for running in running_here()]
        theirs.kill()
    assert found == [os.getpid()]


def test_a_redirect_takes_no_token_along(tmp_path: Path) -> None:
    import http.server
    import threading

    asked: list[str] = []

    class Redirects(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    token = tmp_path / "token"
    token.write_text("a-token-of-some-length")
    token.chmod(0o600)
    with http.server.HTTPServer(("127.0.0.1", 0), Redirects) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        answer = CliRunner().invoke(cli, ["status", "--url", url, "--token-file", str(token)])
        server.shutdown()
        thread.join()
    assert asked == ["/v1/health"]
    assert "HTTP 302" in answer.output


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's folder")
def test_a_folder_that_another_user_made_first_gets_no_note(
    staged: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "theirs"))
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (tmp_path / "theirs").mkdir(mode=0o777)
    os.chown(tmp_path / "theirs", 65534, 65534)
    loop = staged(fps=0, port=None)
    (tmp_path / "theirs" / f"{os.getpid()}-{loop.preview.port}.json").symlink_to(precious)
    again = staged(fps=0)
    mine = [running for running in running_here() if running.pid == os.getpid()]
    assert (precious.read_text(), mine) == ("mine", [])
    assert again.preview.port


@pytest.mark.parametrize("url", ["http://[::1", "http://", "ftp://x", "http://x:99999", "nonsense", "http://:80"])
def test_an_odd_url_is_one_line(url: str) -> None:
    answer = CliRunner().invoke(cli, ["status", "--url", url])
    assert isinstance(answer.exception, UsageError)
