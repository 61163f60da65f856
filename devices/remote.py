"""A verb of the command line, run on a device over SSH as it would run here."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import click

from edgelens.runtime.bundle.manifest import Network
from edgelens.runtime.errors import DeviceError
from edgelens.runtime.host.files import write_bytes
from edgelens.runtime.model.bare import read_model
from edgelens.runtime.model.open import builtin_names, open_model

from .ssh.connection import Connection
from .ssh.environment import prepare

__all__ = ["engines_for", "run_verb", "send_input"]

_ENGINE_OF = {".onnx": "onnxruntime", ".tflite": "tflite"}
_CHUNK = 1 << 18
Said = Callable[[int, bytes], None]


def run_verb(
    host: str,
    verb: str,
    args: Sequence[str],
    inputs: Sequence[str] = (),
    *,
    outputs: Sequence[str] = (),
    appended: Sequence[str] = (),
    parts: Sequence[str] = (),
    wheels: str | None = None,
) -> int:
    """Run `edgelens VERB ARGS` on a host and return its exit code; its words appear here as they come.

    `inputs` are local files or folders among the arguments that travel there, `outputs` files among them that come
    back, `appended` those of them that follow what is here already; `parts` names what the environment must have
    beyond the kit: "tflite", "onnxruntime", "live", "mqtt".
    """
    with Connection(host) as connection:
        layers = prepare(connection, parts, wheels, progress=_progress)
        connection.doing = f"running {verb}"
        there = {name: f"in/{i}/{Path(name).name}" for i, name in enumerate(inputs)}
        back = {name: f"out/{i}-{Path(name).name}" for i, name in enumerate(outputs)}
        for name, path in there.items():
            send_input(connection, Path(name), path)
        if back:
            connection.send({"do": "write", "path": "out/.folder"}, b"\n")
        words = [_placed(arg, there, back) for arg in args]
        code = connection.run(["{python}", "-m", "edgelens", verb, *words], layers, _show)
        for name, path in back.items():
            for made, here in ((path, Path(name)), (_instead(path), Path(_instead(name)))):
                if made and (data := connection.fetch(made)) is not None:
                    write_bytes(here, _after(here, data) if name in appended else data, named=True)
                    break
    return code


def _after(path: Path, data: bytes) -> bytes:
    """All that a file has and these lines behind it; a table's header stands at its beginning alone."""
    try:
        before = path.read_bytes() if path.is_file() else b""
    except OSError as error:
        raise DeviceError(f"{path}: could not be read ({error.strerror or error})") from None
    if not before:
        return data
    if not before.endswith(b"\n"):  # a crash has cut its last line
        before += b"\n"
    head = data[: data.find(b"\n") + 1]
    return before + (data[len(head) :] if before.startswith(head) else data)


def engines_for(models: Sequence[str], engine: str = "auto") -> tuple[str, ...]:
    """The engines that models need on a device: the one asked for, else each model's preferred one."""
    if engine != "auto":
        return (engine,)
    needed: dict[str, None] = {}
    for model in models:
        suffix = Path(model).suffix.lower()
        if suffix in _ENGINE_OF:
            needed[_ENGINE_OF[suffix]] = None
        else:
            needed |= dict.fromkeys(map(_preferred, open_model(model).manifest.networks.values()))
    return tuple(needed)


def local_inputs(names: Sequence[str]) -> list[str]:
    """Those of some arguments that are files or folders here and no built-in's name."""
    return [name for name in names if name not in builtin_names() and Path(name).exists()]


def send_input(connection: Connection, source: Path, target: str) -> None:
    """A file or a folder into the work folder there."""
    files = sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else [source]
    for path in files:
        place = str(PurePosixPath(target) / path.relative_to(source).as_posix()) if source.is_dir() else target
        try:
            with _opened(path) as stream:
                chunk = stream.read(_CHUNK)
                connection.send({"do": "write", "path": place}, chunk)
                while chunk := stream.read(_CHUNK):
                    connection.send({"do": "write", "path": place, "append": True}, chunk)
        except OSError as error:
            raise DeviceError(f"{path}: could not be read ({error.strerror or error})") from None


def _opened(path: Path) -> BinaryIO:
    """A file to read; what an .onnx keeps in files beside it travels inside it."""
    return io.BytesIO(read_model(path)[0]) if path.suffix.lower() == ".onnx" else path.open("rb")


def _preferred(network: Network) -> str:
    ranked = sorted(network.files, key=lambda file: file.path != network.preferred)
    return ranked[0].engine


def _instead(path: str) -> str:
    """What a video is called where the board has no encoder for the one that was asked for; empty for other files."""
    return str(PurePosixPath(path).with_suffix(".webm")) if path.lower().endswith((".mp4", ".mov", ".mkv")) else ""


def _placed(arg: str, there: dict[str, str], back: dict[str, str]) -> str:
    """The work folder is where the verb runs, so that its messages name short paths."""
    return there.get(arg) or back.get(arg) or arg


def _show(number: int, data: bytes) -> None:
    click.echo(data, nl=False, err=number == 2)


def _progress(line: str) -> None:
    click.echo(line, err=True)
