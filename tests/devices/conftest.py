"""Emulated Raspberry Pis behind a loopback SSH server; tests that want one skip with a reason where none can be."""

from __future__ import annotations

import io
import os
import platform
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

SCRIPTS = Path(__file__).resolve().parent.parent / "board"
BOARDS = Path(
    os.environ.get("EDGELENS_BOARDS")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgelens" / "boards"
)
PYTHONS = {"bookworm": "3.11", "trixie": "3.13"}


@dataclass(frozen=True)
class Board:
    """A board that `host` names and `command` reaches; `home` is its home folder, seen from here."""

    host: str
    name: str
    suite: str
    home: Path
    folder: Path
    command: str

    @property
    def wheels(self) -> Path:
        return BOARDS / "wheels" / f"cp{PYTHONS[self.suite]}"

    @property
    def before(self) -> Path:
        """A script that runs as the board is entered, to take something away."""
        return self.folder / "before.sh"

    def ssh(self, words: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        command = [*shlex.split(self.command), self.host, words]
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)

    @property
    def store(self) -> Path:
        return self.home / ".local/share/edgelens"


def why_not(suite: str) -> str | None:
    """Why no board can be emulated here; None where one can."""
    if not (BOARDS / suite / ".key").is_file():
        return f"no emulated board under {BOARDS}: run tests/board/prepare.sh"
    for program in ("/usr/bin/qemu-aarch64-static", "/usr/sbin/sshd"):
        if not Path(program).exists():
            return f"{program} is missing: run tests/board/prepare.sh"
    if tuple(int(part) for part in platform.release().split(".")[:2]) < (6, 7):
        return "emulated boards need Linux 6.7 or newer (binfmt_misc in a namespace)"
    if subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "true"], capture_output=True).returncode:
        return "user namespaces are refused here"
    return None


@pytest.fixture(scope="session")
def make_board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Board]]:
    """Starts a board of a kind: `make_board("pi4", "bookworm")`."""
    servers: list[int] = []

    def make(name: str = "pi4", suite: str = "bookworm", home: Path | None = None) -> Board:
        if reason := why_not(suite):
            pytest.skip(reason)
        folder = tmp_path_factory.mktemp(f"{name}-{suite}")
        board = board_in(folder, name, suite, home)
        servers.append(start_sshd(folder))
        return board

    yield make
    for pid in servers:
        os.kill(pid, signal.SIGTERM)


@pytest.fixture(scope="session")
def pi4(make_board: Callable[..., Board]) -> Board:
    return make_board("pi4", "bookworm")


@pytest.fixture(scope="session")
def pi5(make_board: Callable[..., Board]) -> Board:
    return make_board("pi5", "trixie")


@pytest.fixture
def reach(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Board], Board]:
    """Makes the kit reach a board, as EDGELENS_SSH_COMMAND lets a user do it."""

    def use(board: Board) -> Board:
        monkeypatch.setenv("EDGELENS_SSH_COMMAND", board.command)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
        return board

    return use


def board_in(folder: Path, name: str, suite: str, home: Path | None = None) -> Board:
    """A board whose keys, server settings and home lie in a folder; its server is not started yet."""
    home = home or folder / "home"
    home.mkdir(exist_ok=True)
    for key in ("host", "id"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
    shutil.copy(folder / "id.pub", folder / "authorized_keys")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    enter = folder / "enter.sh"
    inner = shlex.join(str(word) for word in (SCRIPTS / "board.sh", BOARDS / suite, name, home, "/bin/bash", "-c"))
    enter.write_text(
        "#!/bin/bash\n# every login runs on the board, whatever it asks for\n"
        f"export CPUS=2\n[ -e {folder}/before.sh ] && export BOARD_BEFORE={folder}/before.sh\n"
        f'exec {inner} "$SSH_ORIGINAL_COMMAND"\n'
    )
    enter.chmod(0o755)
    host_key = (folder / "host.pub").read_text().split()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key[0]} {host_key[1]}\n")
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile {folder}/pid\n"
        f"AuthorizedKeysFile {folder}/authorized_keys\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        f"UsePAM no\nStrictModes no\nPermitRootLogin prohibit-password\nForceCommand {enter}\n"
    )
    command = (
        f"ssh -T -F none -p {port} -i {folder}/id -o IdentitiesOnly=yes -o UserKnownHostsFile={folder}/known_hosts"
        " -o GlobalKnownHostsFile=none -o BatchMode=yes -o StrictHostKeyChecking=yes"
    )
    user = subprocess.check_output(["id", "-un"], text=True).strip()
    return Board(f"{user}@127.0.0.1", name, suite, home, folder, command)


def start_sshd(folder: Path) -> int:
    """The process of the board's SSH server."""
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    subprocess.run(["/usr/sbin/sshd", "-f", folder / "sshd_config", "-E", folder / "log"], check=True)
    for _ in range(100):
        if (folder / "pid").exists() and (folder / "pid").read_text().strip():
            return int((folder / "pid").read_text())
        time.sleep(0.05)
    raise RuntimeError((folder / "log").read_text())


@pytest.fixture(scope="session")
def make_bundle(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes a real bundle of MLPerf Tiny's ResNet-8 with golden frames: `make_bundle(version=2, broken=True)`."""
    model = shared / "models/mlperf_tiny/pretrainedResnet_quant.tflite"

    def make(version: int = 1, *, name: str = "resnet", broken: bool = False, notes: dict | None = None) -> Path:
        from edgelens.runtime.bundle.bundle import write_bundle
        from edgelens.runtime.bundle.manifest import Golden, Manifest, Provenance
        from edgelens.runtime.model.network import LoadedNetwork
        from edgelens.runtime.model.open import open_model
        from edgelens.runtime.preprocess import fit_frame

        bare = open_model(str(model))
        network = bare.manifest.main
        (file,) = network.files
        rng = np.random.default_rng(version)
        frames = [cv2.resize(rng.integers(0, 256, (4, 4, 3)).astype(np.uint8), (32, 32)) for _ in range(4)]
        with LoadedNetwork(bare, network, file) as loaded:
            seen = [loaded.outputs(fit_frame(frame, network.pixels)[0]) for frame in frames]
        reference = {key: np.concatenate([row[key] for row in seen]).astype(np.float32) for key in seen[0]}
        if broken:
            reference = {key: -value for key, value in reference.items()}
        entries = {f"golden/{i}.png": cv2.imencode(".png", frame)[1].tobytes() for i, frame in enumerate(frames)}
        buffer = io.BytesIO()
        np.savez(buffer, **reference)
        entries |= {"golden/reference.npz": buffer.getvalue(), file.path: bare.read(file.path)}
        golden = Golden(bare.manifest.steps[-1].network, tuple(k for k in entries if k.endswith("png")),
                        "golden/reference.npz")  # fmt: skip
        provenance = Provenance(notes=notes or {})
        manifest = Manifest(name, dict(bare.manifest.networks), golden=(golden,), content_version=version,
                            steps=bare.manifest.steps, provenance=provenance)  # fmt: skip
        target = tmp_path_factory.mktemp("bundle") / f"{name}.edge"
        write_bundle(target, manifest, entries)
        return target

    return make


@pytest.fixture
def split_onnx(tmp_path: Path) -> Path:
    """An .onnx file (x + 1) whose one weight lies in a file beside it."""
    onnx = pytest.importorskip("onnx", reason="the onnx package builds the model of this test")
    helper = onnx.helper
    x, y = (helper.make_tensor_value_info(name, 1, [1, 3, 8, 8]) for name in "xy")
    weight = onnx.numpy_helper.from_array(np.ones((1, 3, 8, 8), np.float32), "w")
    graph = helper.make_graph([helper.make_node("Add", ["x", "w"], ["y"])], "g", [x], [y], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (tmp_path / "split").mkdir()
    path = tmp_path / "split" / "add.onnx"
    onnx.save_model(model, str(path), save_as_external_data=True, location="add.data", size_threshold=0)
    return path
