"""Who is let in: tokens, names, origins, sizes; and that nothing leaks to anybody else."""

from __future__ import annotations

import os
import socket
import ssl
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from certificate import certificate

from edgelens.runtime.errors import UsageError
from edgelens.runtime.live.http.access import Access, choose_access, is_loopback, read_token
from edgelens.runtime.live.http.failures import Failures
from edgelens.runtime.live.http.server import Address
from edgelens.runtime.live.published import Published

TOKEN = "correct-horse-battery"
ROUTES = ["/", "/app.js", "/live/state", "/live/frames", "/live/events", "/live/snapshot", "/live/thumbs/1",
          "/live/moments/1", "/live/moments/1/picture", "/live/moments/1/clip",
          "/live/moments/1/clip/boxes", "/live/labels", "/v1/events", "/v1/models", "/v1/results",
          "/v1/openapi.json", "/metrics", "/nothing"]  # fmt: skip
POSTS = ["/live/taken", "/live/settings", "/live/collect", "/live/model", "/live/gallery", "/v1/recognize", "/v1/teach"]


@pytest.fixture
def guarded(staged: Any) -> Any:
    loop = staged("camera", fps=0, access=Access(token=TOKEN))
    loop.show()
    return loop


def test_every_route_needs_the_token(guarded: Any) -> None:
    for path in ROUTES:
        assert httpx.get(guarded.base + path).status_code == 401, path
    for path in POSTS:
        assert httpx.post(guarded.base + path, json={}).status_code == 401, path
    told = httpx.get(guarded.base + "/v1/health")
    assert (told.status_code, told.json()) == (200, {"status": "ok"})


def test_bearer_link_and_cookie(guarded: Any) -> None:
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert httpx.get(guarded.base + "/live/state", headers=bearer).status_code == 200
    assert "loop" in httpx.get(guarded.base + "/v1/health", headers=bearer).json()
    described = httpx.get(guarded.base + "/v1/openapi.json", headers=bearer).json()
    ways = (set(described["components"]["securitySchemes"]), described["security"])
    assert ways == ({"bearer"}, [{"bearer": []}, {}]), "a link is a browser's: it is answered with a cookie"
    with httpx.Client(base_url=guarded.base) as client:
        moved = client.get(f"/?token={TOKEN}&x=1")
        assert (moved.status_code, moved.headers["location"]) == (303, "/?x=1")
        assert "HttpOnly" in moved.headers["set-cookie"]
        assert "SameSite" in moved.headers["set-cookie"]
        assert TOKEN not in moved.headers["set-cookie"]
        assert client.get("/live/state").status_code == 200
    assert httpx.get(f"{guarded.base}//evil.example/?token={TOKEN}").headers["location"].startswith("/")
    assert not httpx.get(f"{guarded.base}//evil.example/?token={TOKEN}").headers["location"].startswith("//")
    for path in ("/%5Cevil.example/", "/caf%C3%A9/100%25"):  # a browser takes a backslash there for a slash
        assert httpx.get(f"{guarded.base}{path}?token={TOKEN}").headers["location"] == path


def test_wrong_tokens_are_counted_and_shut_out(guarded: Any) -> None:
    wrong = {"Authorization": "Bearer wrong"}
    answers = [httpx.get(guarded.base + "/live/state", headers=wrong).status_code for _ in range(12)]
    assert answers == [401] * 10 + [429] * 2
    for right in ({"Authorization": f"Bearer {TOKEN}"}, {"Cookie": f"a=b; edgelens_0=; {_cookie_of(guarded)}"}):
        assert httpx.get(guarded.base + "/live/state", headers=right).status_code == 200, "the right one is let in"
    assert httpx.get(guarded.base + "/v1/health").json() == {"status": "ok"}


def _cookie_of(guarded: Any) -> str:
    answer = httpx.get(f"{guarded.base}/?token={TOKEN}")
    return str(answer.headers["set-cookie"].partition(";")[0])


def test_one_cookie_is_read_whatever_the_others_hold(guarded: Any) -> None:
    right = _cookie_of(guarded)
    for others in ("a=" + "\\" * 20_000, '"; "=";;=;', "x" * 20_000, right.replace("_", "__")):
        answer = httpx.get(guarded.base + "/live/state", headers={"Cookie": f"{others}; {right}"})
        assert answer.status_code == 200
    for wrong in (f"x{right}", right[:-1], right.replace("=", "==")):
        assert httpx.get(guarded.base + "/live/state", headers={"Cookie": wrong}).status_code == 401


def test_an_odd_origin_is_another_site(staged: Any) -> None:
    loop = staged(fps=0)
    for odd in ("http://[::1", "http://", "://", "localhost"):
        assert httpx.get(loop.base + "/live/state", headers={"Origin": odd}).status_code == 403


def test_a_wrong_token_is_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    failures = Failures(most=2, window_s=60)
    failures.add("a")
    failures.add("a")
    assert failures.blocked("a")
    assert not failures.blocked("b")
    now[0] += 61
    assert not failures.blocked("a")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "", "8.8.8.8"])
def test_a_name_that_is_not_ours_is_refused_even_for_health(staged: Any, host: str) -> None:
    loop = staged(fps=0)
    for path in ("/", "/v1/health", "/live/state"):
        answer = httpx.get(loop.base + path, headers={"Host": host})
        assert answer.status_code in (400, 403)
        assert "camera" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    ],
)
def test_other_sites_are_refused(staged: Any, headers: dict[str, str]) -> None:
    loop = staged(fps=0)
    loop.show()
    assert httpx.get(loop.base + "/live/snapshot", headers=headers).status_code == 403
    assert httpx.post(loop.base + "/live/settings", json={"paused": True}, headers=headers).status_code == 403
    assert not loop.control.settings("camera").paused


def test_our_own_page_and_a_link_from_elsewhere_are_let_in(staged: Any) -> None:
    loop = staged(fps=0)
    own = {"Origin": loop.base}
    assert httpx.post(loop.base + "/live/settings", json={"paused": True}, headers=own).status_code == 200
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert httpx.get(loop.base + "/", headers=link).status_code == 200
    form = {"content-type": "text/plain"}
    assert httpx.post(loop.base + "/live/settings", content='{"paused": false}', headers=form).status_code == 415


@pytest.mark.parametrize("path", ["/../pyproject.toml", "/..%2f..%2fetc/passwd", "/%2e%2e/app.py", "//etc/passwd",
                                  "/live/thumbs/../state", "/live/thumbs/-1", "/app.js/.."])  # fmt: skip
def test_paths_never_reach_the_file_system(staged: Any, path: str) -> None:
    loop = staged(fps=0)
    with socket.create_connection(("127.0.0.1", loop.preview.port)) as raw:
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"import" not in answer
    assert b"root:" not in answer


@pytest.mark.parametrize("label", ["../up", "a/b", "..", ".hidden", "", "x" * 65, "nul", "a\u0000b", "trailing."])
def test_a_label_is_never_a_path(staged: Any, tmp_path: Path, label: str) -> None:
    loop = staged(fps=0, collect=tmp_path / "set")
    loop.show()
    assert httpx.post(loop.base + "/live/collect", json={"label": label}).status_code == 400
    assert not (tmp_path / "set").exists()


def test_answers_carry_the_headers_that_keep_a_browser_honest(staged: Any) -> None:
    loop = staged(fps=0)
    headers = httpx.get(loop.base + "/").headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers


@pytest.mark.parametrize("body", [
    [], 5, {"threshold": 2}, {"threshold": "x"}, {"threshold": float("1e999")}, {"nope": 1},
    {"region": [0, 0, 2, 1]}, {"agree": [5, 3]}, {"source": "other"}, {"max_fps": 0},
    {"max_fps": int("9" * 400)}, {"threshold": -int("9" * 400)}, {"region": [0, 0, int("9" * 400), 1]},
    {"agree": [1, int("9" * 400)]}, {"source": {}}, {"source": []},
])  # fmt: skip
def test_bad_settings_change_nothing(staged: Any, body: Any) -> None:
    loop = staged(fps=0)
    before = loop.control.settings("camera")
    import json

    answer = httpx.post(
        loop.base + "/live/settings", content=json.dumps(body), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400
    assert loop.control.settings("camera") == before


def test_listening_elsewhere_makes_a_token_and_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDGELENS_TOKEN", raising=False)
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    made = choose_access("0.0.0.0")
    kept = tmp_path / "edgelens" / "token"
    assert made.token == kept.read_text().strip()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert choose_access("0.0.0.0").token == made.token
    assert choose_access("0.0.0.0", insecure=True).token is None
    assert choose_access("127.0.0.1").token is None
    assert not choose_access("127.0.0.1").answers_to("lens.example")
    monkeypatch.setenv("EDGELENS_HOSTS", "lens.example, Door.example:8080")
    assert choose_access("127.0.0.1").answers_to("Lens.example:443")
    assert choose_access("127.0.0.1").answers_to("door.example")
    assert not choose_access("127.0.0.1").answers_to("")
    monkeypatch.setenv("EDGELENS_TOKEN", "from-the-environment")
    assert choose_access("127.0.0.1").token == "from-the-environment"


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
def test_listening_elsewhere_without_tls_is_said(staged: Any, host: str) -> None:
    loop = staged(fps=0, host=host, access=Access(token=TOKEN, loopback_only=False))
    assert any("without TLS whoever is on this network can read" in line for line in loop.said) == (host == "0.0.0.0")


def test_token_files_are_checked(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("a-token-of-some-length\n")
    file.chmod(0o644)
    with pytest.raises(UsageError, match="chmod 600"):
        read_token(file)
    file.chmod(0o600)
    assert read_token(file) == "a-token-of-some-length"
    file.write_text("short")
    with pytest.raises(UsageError, match="at least 16"):
        read_token(file)
    with pytest.raises(UsageError, match="could not be read"):
        read_token(tmp_path / "none")


def test_many_first_starts_have_one_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDGELENS_TOKEN", raising=False)
    with ThreadPoolExecutor(8) as starts:
        made = list(starts.map(lambda _: choose_access("0.0.0.0", made_at=tmp_path / "e" / "token").token, range(8)))
    assert len({*made}) == 1


def test_ports(staged: Any) -> None:
    assert Address.parse("0.0.0.0:80") == Address("0.0.0.0", 80)
    assert Address.parse("[::1]:80") == Address("::1", 80)
    assert Address.parse("9000") == Address("127.0.0.1", 9000)
    for wrong in ("", "host", "host:port", "1:2:3x", "99999", "²"):
        with pytest.raises(UsageError):
            Address.parse(wrong)
    assert (is_loopback("localhost"), is_loopback("::1"), is_loopback("0.0.0.0")) == (True, True, False)
    taken = staged(fps=0)
    with pytest.raises(UsageError, match="cannot listen there"):
        staged(fps=0, port=taken.preview.port)
    first, second = staged(fps=0, port=None), staged(fps=0, port=None)
    assert second.preview.port != first.preview.port
    assert "is taken" in second.said[0]


def test_https(staged: Any, tmp_path: Path) -> None:
    tls = certificate(tmp_path)
    loop = staged(fps=0, tls=tls, access=Access(token=TOKEN))
    answer = httpx.get(
        f"https://localhost:{loop.preview.port}/?token={TOKEN}", verify=ssl.create_default_context(cafile=tls.cert)
    )
    assert "Secure" in answer.headers["set-cookie"]
    tls.key.write_text("nonsense")
    with pytest.raises(UsageError, match="cannot be used"):
        staged(fps=0, tls=tls)


def test_status_note_holds_no_token(staged: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    loop = staged(fps=0, access=Access(token=TOKEN))
    notes = list((tmp_path / "edgelens").iterdir())
    assert len(notes) == 1
    assert notes[0].stat().st_mode & 0o002 == 0
    assert TOKEN not in notes[0].read_text()
    assert str(os.getpid()) in notes[0].read_text()
    loop.preview._stack.close()
    assert list((tmp_path / "edgelens").iterdir()) == []


@pytest.mark.parametrize(("terminal", "kept"), [(True, None), (False, None), (False, Path("/home/me/token"))])
def test_only_a_terminal_is_shown_the_token(monkeypatch: pytest.MonkeyPatch, terminal: bool, kept: Path | None) -> None:
    said: list[str] = []
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    page = Published(Address("127.0.0.1", 0), Access(token=TOKEN, token_file=kept), say=said.append)
    with ExitStack() as opened:
        page.bind(opened)
        page.announce()
    assert (TOKEN in said[0]) is terminal
    assert terminal or str(kept or "EDGELENS_TOKEN") in said[0]
