"""Everything over SSH, on emulated Raspberry Pis with a stock Python, no pip and no network.

Emulation is slow: the longer tests take one board each, and every board with EDGELENS_ALL_BOARDS=1.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from edgelens.cli import cli
from edgelens.devices.deploy.to_device import DeployPlan
from edgelens.devices.deploy.to_device import deploy as roll_out
from edgelens.devices.ssh.connection import Connection
from edgelens.devices.ssh.environment import prepare
from edgelens.devices.ssh.pins import pinned
from edgelens.runtime.errors import DeviceError, EdgelensError

pytestmark = [pytest.mark.board, pytest.mark.timeout(300)]
ALL = ("pi4", "pi5")
Board = Any  # conftest's: a host, its home, its ssh command


def run(*args: object) -> Result:
    return CliRunner().invoke(cli, [str(arg) for arg in args])


def refusal(result: Result) -> str:
    assert isinstance(result.exception, EdgelensError), (result.output, result.exception)
    assert "\n" not in str(result.exception)
    return str(result.exception)


def boards(*usual: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("board", ALL if os.environ.get("EDGELENS_ALL_BOARDS") else usual, indirect=True)


@pytest.fixture
def board(request: pytest.FixtureRequest, reach: Callable[[Board], Board]) -> Board:
    return reach(request.getfixturevalue(request.param))


@boards("pi4")
def test_bench_there(board: Board, make_bundle: Callable[..., Path], tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = run("bench", make_bundle(1), "--on", board.host, "--wheels", board.wheels, "--threads", 1, "--duration", 0.2,
               "--json", report)  # fmt: skip
    assert done.exit_code == 0, (done.output, done.exception)
    found = json.loads(report.read_text())
    model = {"pi4": "Raspberry Pi 4 Model B Rev 1.4", "pi5": "Raspberry Pi 5 Model B Rev 1.0"}[board.name]
    assert (found["device"]["model"], found["device"]["machine"]) == (model, "aarch64")
    assert ("dotprod" in found["device"]["features"]) == (board.name == "pi5")
    assert [row["engine"] for row in found["cases"]] == ["tflite"]
    assert found["heat"][0]["temperature_c"] == pytest.approx(48.312)
    assert not any("onnxruntime" in path.name for path in (board.store / "site").iterdir())
    assert not list((board.store / "work").iterdir())


@boards("pi4")
def test_here_and_doctor_there(board: Board) -> None:
    there = ("--on", board.host, "--wheels", board.wheels, "--json", "-")
    here = json.loads(run("devices", *there).stdout)  # the board, not the catalogue
    assert here["profile"] == {"pi4": "rpi4", "pi5": "rpi5"}[board.name]
    examined = run("doctor", *there)
    assert examined.exit_code == 0, examined.output
    levels = {row["what"]: row["level"] for rows in json.loads(examined.stdout)["findings"].values() for row in rows}
    assert levels["numpy"] == levels["OpenCV"] == levels["ai_edge_litert"] == "ok"
    assert levels["int8"] == "ok"


@boards("pi5")
def test_deploy_and_rollback_there(board: Board, make_bundle: Callable[..., Path]) -> None:
    def deploy(bundle: Path) -> Result:
        return run("deploy", bundle, "--to", board.host, "--wheels", board.wheels, "--frames", 3, "--json", "-")

    assert json.loads(deploy(make_bundle(1)).stdout)["slot"] == "a"
    assert json.loads(deploy(make_bundle(2)).stdout)["slot"] == "b"
    assert "failed its golden frames" in refusal(deploy(make_bundle(3, broken=True)))
    plan, others = DeployPlan(wheels=str(board.wheels), frames=3), _children()

    def cut(line: str) -> None:
        if line.startswith("verifying"):
            for pid in _children() - others:  # its ssh; a browser of other tests stays
                os.kill(pid, 9)

    with pytest.raises(DeviceError, match="connection was lost while verifying it there"):
        roll_out(str(make_bundle(4)), board.host, plan, cut, lambda *_: ())
    assert (board.store / "current").readlink().name == "b"
    assert json.loads(run("rollback", "--on", board.host, "--json", "-").stdout)["content_version"] == 1


OVERLAY = """mkdir -p $root/tmp/u $root/tmp/w
mount -t overlay overlay -o lowerdir=$root/usr/bin,upperdir=$root/tmp/u,workdir=$root/tmp/w $root/usr/bin
rm $root/usr/bin/python3
"""
OLD = """cat >$root/usr/bin/python3 <<'END'
#!/bin/sh
exec /usr/bin/python3.11 -c "import sys
sys.version_info = (3, 9, 2)
$2"
END
chmod +x $root/usr/bin/python3
"""
BROKEN = {
    "no python": (OVERLAY, "has no python3"),
    "old python": (OVERLAY + OLD, "has Python 3.9"),
    "disk full": ("mount -t tmpfs -o size=3m tmpfs $root/root", "disk full"),
    "read-only home": ("mount -o remount,bind,ro $root/root", "read-only"),
}


@pytest.mark.parametrize("trouble", BROKEN)
def test_a_board_in_trouble_is_one_clear_line(pi4: Board, reach: Callable[[Board], Board], trouble: str) -> None:
    script, words = BROKEN[trouble]
    reach(pi4).before.write_text(script + "\n")
    try:
        assert words in refusal(run("devices", "prepare", pi4.host, "--wheels", pi4.wheels))
    finally:
        pi4.before.unlink()


def test_a_full_tmp_is_no_trouble(pi4: Board, reach: Callable[[Board], Board]) -> None:
    reach(pi4).before.write_text("mount -t tmpfs -o size=4k tmpfs $root/tmp; head -c 4096 /dev/zero >$root/tmp/full\n")
    try:
        done = run("devices", "--here", "--on", pi4.host, "--wheels", pi4.wheels)
        assert done.exit_code == 0, done.output
    finally:
        pi4.before.unlink()


def test_a_refused_login_and_a_changed_key(
    pi4: Board, reach: Callable[[Board], Board], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    reach(pi4)
    assert "wrong user or key" in refusal(run("devices", "prepare", "nobody-here@127.0.0.1"))
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    known = (pi4.folder / "known_hosts").read_text().split()[0]
    (tmp_path / "known_hosts").write_text(f"{known} {(tmp_path / 'key.pub').read_text()}")
    changed = pi4.command.replace(str(pi4.folder / "known_hosts"), str(tmp_path / "known_hosts"))
    monkeypatch.setenv("EDGELENS_SSH_COMMAND", changed)
    assert "host key has changed" in refusal(run("devices", "prepare", pi4.host))
    (tmp_path / "known_hosts").write_text("")
    assert "not known yet" in refusal(run("devices", "prepare", pi4.host))


@pytest.fixture
def light_wheels(tmp_path: Path) -> Path:
    """Wheels that are quick to unpack, one of them long on its way."""
    for pin in pinned(["tflite"], (3, 11)):
        path = tmp_path / f"{pin.name.replace('-', '_')}-{pin.version}.1-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as wheel:
            wheel.writestr(f"{pin.name}.py", os.urandom(40_000_000 if "opencv" in pin.name else 100))
    return tmp_path


def test_a_cut_connection_leaves_nothing_running_and_goes_on(
    make_board: Callable[..., Board], reach: Callable[[Board], Board], light_wheels: Path
) -> None:
    board = reach(make_board("pi5", "bookworm"))
    lines: list[str] = []
    with pytest.raises(DeviceError, match="connection was lost while bringing"), Connection(board.host) as connection:

        def cut(line: str) -> None:
            if line.startswith("bringing opencv"):
                threading.Timer(0.1, lambda: _kill(connection)).start()

        prepare(connection, ["tflite"], str(light_wheels), cut)
    with Connection(board.host) as connection:
        arrived = len(connection.hello.layers)
        assert arrived >= 3
        layers = prepare(connection, ["tflite"], str(light_wheels), lines.append)
        assert len([line for line in lines if line.startswith("bringing")]) == len(layers) - arrived
        program = "import os, time; os.chdir(os.path.expanduser('~')); print('started', flush=True); time.sleep(3);"
        marker = ["{python}", "-c", program + " open('ended', 'w')"]
        with pytest.raises(DeviceError, match="connection was lost"):
            connection.run(marker, layers, lambda *_: _kill(connection))
    time.sleep(3.5)
    assert not (board.home / "ended").exists()


def _children() -> set[int]:
    """The processes that this thread has started."""
    found = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text()
    return {int(pid) for pid in found.split()}


def _kill(connection: Connection) -> None:
    assert connection._process is not None
    os.kill(connection._process.pid, 9)


def test_ctrl_c_reaches_the_program_there(pi5: Board, reach: Callable[[Board], Board]) -> None:
    reach(pi5)
    script = (
        "import sys; from edgelens.devices.ssh.connection import Connection\n"
        "with Connection(sys.argv[1]) as c:\n"
        "    words = 'import time\\ntry:\\n print(1, flush=True); time.sleep(60)\\n"
        "except KeyboardInterrupt: print(2)'\n"
        "    code = c.run(['{python}', '-c', words], [], lambda n, d: print(d.decode(), end='', flush=True))\n"
        "    sys.exit(code + 40)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, pi5.host], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "1\n"
    os.killpg(child.pid, 2)  # as a terminal does it: to us and to ssh
    assert child.stdout.readline() == "2\n"
    assert child.wait(20) == 40
    child.stdout.close()
