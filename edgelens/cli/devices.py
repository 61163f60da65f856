"""`edgelens devices`: the boards the kit knows, and which one this is."""

from __future__ import annotations

import re
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from edgelens.cli.elsewhere import OnDevice, wheels_option
from edgelens.cli.numbers import Number
from edgelens.cli.options import json_option, on_option
from edgelens.cli.output import aside, print_table, write_json
from edgelens.devices.here import Machine, this_machine
from edgelens.devices.probes import board_probe
from edgelens.devices.probes.clock import governor
from edgelens.devices.probes.throttle import throttling
from edgelens.devices.profile import Profile, load_profile, profile_names
from edgelens.runtime.errors import UsageError, WorkError
from edgelens.runtime.host.files import write_bytes

__all__ = ["command"]


class _Devices(OnDevice):
    """`devices prepare HOST` and `devices calibrate` beside `devices [NAME]`."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if args[:1] and args[0] in _OTHERS:
            return _OTHERS[args[0]].make_context(f"{info_name} {args[0]}", args[1:], parent=parent, **extra)
        ctx = super().make_context(info_name, args, parent=parent, **extra)
        if ctx.params["on"] and not ctx.params["name"] and not ctx.params["here"]:
            ctx.meta["edgelens.words"].append("--here")  # who names a host asks for that board, not for the catalogue
        return ctx


@click.command(name="devices", cls=_Devices, parts=lambda _: ())
@click.argument("name", required=False)
@click.option("--here", is_flag=True, help="Say which of them this machine is.")
@on_option
@wheels_option
@json_option
def command(name: str | None, here: bool, json_path: str | None) -> None:
    """List the boards the kit knows, show one, or say which this is.

    `devices prepare [USER@]HOST` brings a device what the kit needs there, `devices wheels DIR` fills a folder with
    that for a place without internet, `devices calibrate` times a board's kernels.
    """
    if here and name:
        raise UsageError(f"{name} and --here: ask for one of them")
    if here:
        _show_here(json_path)
    elif name:
        _show(load_profile(name), json_path)
    else:
        _list([load_profile(each) for each in profile_names()], json_path)


def _list(profiles: list[Profile], json_path: str | None) -> None:
    if json_path:
        write_json(json_path, {"devices": [asdict(profile) for profile in profiles]})
    if json_path != "-":
        rows = [
            (p.name, p.title, p.cpu, f"{p.cores} × {p.clock_mhz} MHz", f"{p.best_engine} {p.best_precision}", p.run_on)
            for p in profiles
        ]
        print_table(rows, header=("NAME", "BOARD", "CPU", "CORES", "BEST", "KIT RAN ON IT"))


def _show(profile: Profile, json_path: str | None) -> None:
    from edgelens.devices.predict.published import published

    known = [point for point in published() if point.board == profile.name]
    if json_path:
        write_json(json_path, {**asdict(profile), "published": [asdict(point) for point in known]})
    if json_path == "-":
        return
    print_table([(key.replace("_", " "), _words(value)) for key, value in asdict(profile).items() if value != ()])
    if known:
        click.echo("\nPublished latencies:")
        rows = [(p.network, p.engine, p.precision, p.threads, f"{p.ms:g}", p.source) for p in known]
        print_table(rows, header=("NETWORK", "ENGINE", "PRECISION", "THREADS", "MS", "SOURCE"))


def _show_here(json_path: str | None) -> None:
    machine, probe = this_machine(), board_probe()
    reading, state = probe.read(), throttling(probe.root)
    facts: dict[str, Any] = {
        **machine.as_dict(),
        **asdict(reading),
        "governor": governor(probe.root),
        "throttling": list(state.reasons) if state.source else None,
        "missing_sensors": list(probe.missing()),
    }
    if json_path:
        write_json(json_path, facts)
    if json_path != "-":
        click.echo(f"This is {_called(machine)}.")
        print_table([(key.replace("_", " "), _words(value)) for key, value in facts.items()])


def _called(machine: Machine) -> str:
    profile = load_profile(machine.profile)
    return f"{machine.profile} ({profile.title}), told by {machine.known_by}"


def _words(value: Any) -> str:
    if value is None:
        return "not told here"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return str(value)


@click.command(name="prepare")
@click.argument("host")
@click.option(
    "--engine", "engines", multiple=True, type=click.Choice(["onnxruntime", "tflite"]), help="Bring this engine; both."
)
@click.option("--live", is_flag=True, help="Bring what the live page needs too.")
@wheels_option
def prepare(host: str, engines: tuple[str, ...], live: bool, wheels: str | None) -> None:
    """Bring a device what the kit needs, ahead of the first use."""
    from edgelens.devices.ssh.connection import Connection
    from edgelens.devices.ssh.environment import prepare as bring

    parts = [*(engines or ("onnxruntime", "tflite")), *(["live"] if live else [])]
    with Connection(host) as connection:
        layers = bring(connection, parts, wheels, aside)
        model = connection.hello.model or connection.hello.machine
    click.echo(f"{host}: {model} is ready ({len(layers)} packages)")


@click.command(name="wheels")
@click.argument("folder", metavar="DIR")
@click.option("--python", "version", default="3.11", show_default=True, metavar="3.N", help="The device's Python.")
@click.option("--machine", default="aarch64", show_default=True, help="Its `uname -m`.")
@click.option("--glibc", default="2.36", show_default=True, help="Its C library (`ldd --version`).")
def wheels(folder: str, version: str, machine: str, glibc: str) -> None:
    """Fill a folder with the tested wheels for a device's Python, for `--wheels DIR` where there is no internet."""
    from edgelens.devices.ssh.pins import parts_known
    from edgelens.devices.ssh.wheels import Target, fill_folder

    major, _, minor = version.partition(".")
    if major != "3" or not minor.isdecimal():
        raise UsageError(f"--python {version}: write 3.11")
    if not re.fullmatch(r"[0-9]+\.[0-9]+", glibc):
        raise UsageError(f"--glibc {glibc}: write 2.36")
    target = Target((3, int(minor)), machine, f"glibc {glibc}")
    placed = fill_folder(target, parts_known(), Path(folder), aside)
    size = sum(path.stat().st_size for path in placed) / 1e6
    click.echo(f"{folder}: {len(placed)} wheels for {target} ({size:.0f} MB)")


class _Calibrate(OnDevice):
    """A calibration of another board is kept here under that board's name, where `bench --predict` looks."""

    def invoke(self, ctx: click.Context) -> Any:
        """Here, or there with its result brought back."""
        if not ctx.params["on"] or ctx.params["out"]:
            return super().invoke(ctx)
        from edgelens.devices.predict.calibrate import calibrated_board, saved_calibration

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "calibration.json"
            ctx.params["out"] = str(path)
            ctx.meta["edgelens.words"] += ["--out", str(path)]
            try:
                super().invoke(ctx)
            finally:
                if path.exists():
                    try:
                        kept = saved_calibration(calibrated_board(path).name)  # a file is named for it
                    except UsageError:
                        raise WorkError("what came back is no calibration of a board that the kit knows") from None
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    write_bytes(kept, path.read_bytes())
                    click.echo(f"kept here as {kept}")


@click.command("calibrate", cls=_Calibrate, outputs=("out",), parts=lambda params: params["engines"])
@click.option(
    "--engine",
    "engines",
    multiple=True,
    type=click.Choice(["onnxruntime", "tflite"]),
    default=("tflite", "onnxruntime"),
    help="Only this engine.",
)
@click.option("--threads", multiple=True, type=click.IntRange(1, 256), default=(1,), show_default=True)
@click.option("--duration", type=Number(0.01, 10), default=0.06, metavar="S", help="Seconds a kernel.")
@click.option("--out", metavar="FILE", help="Keep the result there, for `bench --predict FILE`.")
@on_option
@wheels_option
def calibrate(engines: tuple[str, ...], threads: tuple[int, ...], duration: float, out: str | None) -> None:
    """Time the kit's micro-kernels on this machine, or with --on there, for `bench --predict`."""
    from edgelens.devices.predict.calibrate import calibrate as fit
    from edgelens.devices.predict.calibrate import saved_calibration

    report = fit(engines, threads, duration, aside)
    path = out or str(saved_calibration(report["device"]["profile"]))
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_json(path, report)
    for key, values in report["fits"].items():
        floor = f"noise {values['noise'] * 100:.1f} %"
        click.echo(f"{key}: kernels left out lie within {values['low']:.2f} to {values['high']:.2f} times, {floor}")
    click.echo(f"written to {path}")


_OTHERS: dict[str, click.Command] = {"prepare": prepare, "wheels": wheels, "calibrate": calibrate}
