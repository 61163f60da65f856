"""`edgelens status`: ask a running recognizer how it is."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

import click

from edgelens.cli.elsewhere import OnDevice, wheels_option
from edgelens.cli.options import json_option, on_option
from edgelens.cli.output import print_table, write_json
from edgelens.runtime.errors import EdgelensError, UsageError, WorkError
from edgelens.runtime.host.listeners import listened_on_only_by

if TYPE_CHECKING:
    from edgelens.runtime.live.running import Running

__all__ = ["command"]

_TOLD = {"kit", "device", "disks"}
_LOOP = {"model", "engine", "precision", "bundle", "started", "sources", "board", "sinks", "dropped", "slowed_to_fps"}


@click.command("status", cls=OnDevice, parts=lambda params: ())  # noqa: ARG005
@click.option("--url", metavar="URL", help="Where it answers; found by itself on this machine.")
@click.option("--token-file", metavar="FILE", help="The token that asking needs (else EDGELENS_TOKEN).")
@json_option
@on_option
@wheels_option
def command(url: str | None, token_file: str | None, json_path: str | None) -> None:
    """Ask the recognizers that run here (or at --url, or --on a device) how they are, and say what was deployed.

    Exits 1 when none runs, one does not answer, or one has a problem, such as a camera that is away.
    """
    from edgelens.devices.deploy.deployed import deployed_here
    from edgelens.runtime.live.running import Running, running_here

    answers = [_ask(running, token_file) for running in ([Running(0, url)] if url else running_here())]
    slots = [] if url else [asdict(slot) for slot in deployed_here()]
    if json_path:
        write_json(json_path, {"running": answers, "slots": slots})
    if json_path != "-":
        for answer in answers:
            _show(answer)
        _show_slots(slots)
    if not answers:
        deployed = f"; {slots[0]['bundle']} version {slots[0]['version']} is deployed, not started" if slots else ""
        raise WorkError(f"nothing runs here: no `edgelens run` and no `edgelens serve`{deployed}")
    if any("error" in answer or answer.get("problems") for answer in answers):
        raise click.exceptions.Exit(1)


def _ask(running: Running, token_file: str | None) -> dict[str, Any]:
    """What one process says of itself; an error is part of the answer."""
    from edgelens.runtime.live.status_socket import ask_socket

    answer: dict[str, Any] = {"url": running.url, "pid": running.pid or None}
    try:
        told = ask_socket(running.socket) if running.socket else _ask_page(running, token_file)
        if not _is_health(told):
            raise WorkError("no edgelens that this one knows answers there")
        answer |= told
    except UsageError:
        raise
    except (OSError, ValueError, EdgelensError, http.client.HTTPException) as error:
        answer["error"] = f"does not answer: {error}"
    return answer


def _ask_page(running: Running, token_file: str | None) -> Any:
    from edgelens.runtime.live.http.access import read_token

    try:
        asked = urlsplit(running.url or "")
        port = asked.port or {"http": 80, "https": 443}[asked.scheme]
        host = asked.hostname or ""
    except (ValueError, KeyError):
        host, port = "", 0
    if not host:
        raise UsageError(f"--url {running.url}: write http://HOST:PORT or https://HOST:PORT")
    kept = token_file or running.token_file
    token = read_token(Path(kept) if kept else None)
    return _health(asked, port, token, found_here=bool(running.pid))


def _health(asked: SplitResult, port: int, token: str | None, *, found_here: bool) -> Any:
    """The answer to one request on one connection: no redirect is followed, which would take the token along."""
    from edgelens.runtime.live.line import line_to

    with contextlib.closing(line_to(asked, port, 3, found_here=found_here)) as line:
        line.connect()
        if found_here and not listened_on_only_by(port, {0, os.getuid()}):
            raise WorkError("another user of this machine listens there: the token was not sent")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        line.request("GET", f"{asked.path.rstrip('/')}/v1/health", headers=headers)
        with line.getresponse() as response:
            if response.status != 200:
                raise WorkError(f"HTTP {response.status} {response.reason}")
            return json.loads(response.read(1 << 22))


def _is_health(told: Any) -> bool:
    """Whether that is what this kit or an older one says of itself, as far as it is shown."""
    if not isinstance(told, dict) or not isinstance(told.get("status"), str):
        return False
    loop, older = told.get("loop"), "problems" not in told
    if loop is None:
        return True
    return isinstance(loop, dict) and ("model" in loop if older else told.keys() >= _TOLD and loop.keys() >= _LOOP)


def _show(answer: dict[str, Any]) -> None:
    where = answer["url"] or f"process {answer['pid']} (no page)"
    if "error" in answer:
        click.echo(f"{where}  {answer['error']}")
        return
    loop = answer.get("loop")
    if loop is None or "problems" not in answer:
        more = "give --token-file to be told more" if loop is None else f"{loop['model']}; an older kit"
        click.echo(f"{where}  {answer['status']} ({more})")
        return
    up_s = answer.get("up_s", max(time.time() - loop["started"], 0))  # an older kit's is as right as both clocks are
    click.echo(f"{where}  {answer['status']}, up {_span(up_s)}")
    click.echo(f"  edgelens {answer['kit']} on {answer['device'] or 'a device without a name'}")
    for model in {json.dumps(source["bundle"]): source for source in [loop, *loop["sources"]]}.values():
        click.echo(f"  {_model(model)}")
    for problem in answer["problems"]:
        click.echo(f"  problem: {problem}")
    _show_board(loop, answer)
    _show_sources(loop["sources"])


def _model(said: Mapping[str, Any]) -> str:
    bundle = said["bundle"]
    known = f" version {bundle['version']} ({bundle['sha256'][:12]})" if bundle["sha256"] else ""
    return f"{bundle['name'] or said['model']}{known} on {said['engine']} {said['precision']}"


def _show_board(loop: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    board = loop["board"]
    said = [
        f"{board['temperature_c']:.0f} °C" if board["temperature_c"] is not None else "",
        "throttled" if board["throttled"] else "",
        f"slowed to {loop['slowed_to_fps']:.1f} fps" if loop["slowed_to_fps"] is not None else "",
        *(f"{sink} dropped {count}" for sink, count in loop["dropped"].items() if count),
        *(f"{sink['waiting']} messages wait in {sink['name']}" for sink in loop["sinks"] if sink["waiting"]),
        *(f"{disk['free_bytes'] / 1e9:.1f} GB free at {disk['path']}" for disk in answer["disks"]),
    ]
    if any(said):
        click.echo("  " + ", ".join(filter(None, said)))
    for sink in loop.get("sinks", ()):
        if sink["error"] or sink["lost"]:
            click.echo(f"  {sink['name']}: {sink['lost']} lost" + (f"; {sink['error']}" if sink["error"] else ""))
    service = answer.get("service")
    if service:
        click.echo(f"  {service['answered']} requests answered, {service['refused']} refused")


def _show_sources(sources: Sequence[Mapping[str, Any]]) -> None:
    rows = [
        [s["name"], s["state"], f"{s['seconds_since_frame']:.1f}", f"{s['fps']:.1f}", f"{s['age_ms']:.1f}",
         s["processed"], s["skipped"], s["recoveries"]]
        for s in sources
    ]  # fmt: skip
    if rows:
        header = ["source", "state", "s since frame", "fps", "age ms", "processed", "skipped", "reconnects"]
        print_table(rows, header=header)


def _show_slots(slots: Sequence[Mapping[str, Any]]) -> None:
    for slot in slots:
        which = "current" if slot["current"] else "to go back to"
        said = f"{slot['bundle']} version {slot['version']} ({slot['sha256'][:12]})"
        click.echo(f"deployed in slot {slot['slot']}, {which}: {said}")


def _span(seconds: float) -> str:
    days, rest = divmod(int(seconds), 86400)
    hours, minutes = divmod(rest // 60, 60)
    return f"{days} d {hours} h" if days else f"{hours} h {minutes} min" if hours else f"{minutes} min {rest % 60} s"
