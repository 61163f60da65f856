"""`edgelens run`: recognize what a camera, stream, video or folder shows."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgelens.cli.dataclass_options import appended, brought_back, needed, written_files
from edgelens.cli.elsewhere import OnDevice, model_engines, wheels_option
from edgelens.cli.options import on_option
from edgelens.cli.output import JSON_BEGINS, aside
from edgelens.cli.run_lanes import control_of, inner, judge_of, open_lanes, plans_of
from edgelens.cli.run_options import RunOptions, run_options
from edgelens.cli.run_report import exit_code, explain_engines, report_run
from edgelens.runtime.errors import UsageError
from edgelens.runtime.host.files import check_kind, check_place
from edgelens.runtime.said import refuse_idle

if TYPE_CHECKING:
    from edgelens.runtime.bundle.manifest import Decode
    from edgelens.runtime.live.shared.machine import Machine
    from edgelens.runtime.live.status_socket import StatusSocket
    from edgelens.runtime.loop.board import BoardProbe
    from edgelens.runtime.loop.control import Control
    from edgelens.runtime.loop.heat import HeatPolicy
    from edgelens.runtime.loop.lane import Lane
    from edgelens.runtime.loop.pace import Pace
    from edgelens.runtime.sinks.protocol import Sink

__all__ = ["command", "make_command", "needed_there"]

PAGE_NEEDS = "pip install 'edgelens[live]' for one"


def needed_there(params: dict[str, Any], *, page: bool) -> tuple[str, ...]:
    """What a device needs for these options beyond the kit and the model's engine."""
    return (*(("live",) if page else ()), *needed(params))


def _needed_with_on(params: dict[str, Any]) -> tuple[str, ...]:
    return (*model_engines(params), *needed_there(params, page=bool(params["preview"])))


def make_command() -> click.Command:
    """The verb, with the options that sinks, sources and models have now."""

    @click.command(
        "run",
        cls=OnDevice,
        inputs=("model", "models", "sources", "config", "labels", "lexicon", "token_file", "cert", "key"),
        outputs=(*brought_back(), "summary_path"),
        appended=appended(),
        parts=_needed_with_on,
    )
    @run_options
    @on_option
    @wheels_option
    def command(**given: Any) -> None:
        """Recognize what SOURCE shows, until it ends, the time is over, or you press Ctrl-C.

        MODEL is a bundle, an .onnx or .tflite file, or a built-in's name. A live source's newest frame is what counts;
        a file or folder is read completely. A login for a source comes from its address, from ${NAME} in it, or from
        EDGELENS_SOURCE_USER and EDGELENS_SOURCE_PASSWORD.
        """
        _recognize(RunOptions.of(given))

    return command


command = make_command()


def _recognize(options: RunOptions) -> None:
    _check_outputs(options)
    gc.disable()  # until the first result: what is imported and loaded stays
    try:
        code, blocked = _run(options)
    finally:
        gc.enable()
    sys.stdout.flush()
    if blocked:  # a driver's call cannot be interrupted, and must not keep the process
        sys.stderr.flush()
        os._exit(code)
    if code:
        sys.exit(code)


def _check_outputs(options: RunOptions) -> None:
    """Refuse at the start what would be lost, or mixed, at the end."""
    if len(options.printed) > 1:
        raise UsageError(f"{' - and '.join(options.printed)} -: only one of them can go to the standard output")
    there: dict[Path, str] = {}
    for flag, path in (*written_files(options.sinks), ("--summary", options.summary_path)):
        if not path or path == "-" or (Path(path).exists() and not Path(path).is_file() and not Path(path).is_dir()):
            continue  # a pipe or device takes them as they come
        if (other := there.setdefault(Path(path).resolve(), flag)) != flag:
            raise UsageError(f"{other} and {flag} {path}: one would write over the other; give each a file of its own")
    if options.summary_path not in (None, "-"):
        check_place(options.summary_path, "--summary")
        check_kind(options.summary_path, "--summary", "result as edgelens writes it", JSON_BEGINS)


def _run(options: RunOptions) -> tuple[int, bool]:
    """Put sources, models and sinks together and run the loop; the exit code, and whether a capture hangs."""
    from edgelens.cli.machine_facts import device_name
    from edgelens.runtime.host.freed_memory import gaps_given_back, share_one_heap
    from edgelens.runtime.loop.loop import LoopOptions, run
    from edgelens.runtime.loop.stop import StopOnSignals

    device = device_name(options.device_id)
    share_one_heap()
    with StopOnSignals() as stop, gaps_given_back(), ExitStack() as stack:
        plans = plans_of(options)
        lanes = open_lanes(plans, options, stack, aside)
        control = control_of(plans, lanes, options)
        machine = _machine(options, device)
        sinks = _sinks(options, control, lanes, device, stop.request)
        page = _page(options, control, lanes, machine, stack)
        if page is None:
            stack.enter_context(_status_socket(control, machine))
        else:
            sinks.append(page)
        judge = judge_of(lanes)
        outcome = run(
            lanes,
            sinks,
            control,
            LoopOptions(options.duration, device),
            pace=_pace(options),
            log=aside,
            stop=stop,
            hear=judge.hear if judge else None,
            begun=_begun,
        )
        for lane in lanes:
            if lane.watch is not None:
                lane.watch.close()
        report_run(options, outcome, lanes, judge)
        if options.explain_engine:
            explain_engines(lanes, aside)
        return exit_code(options, outcome, lanes, stop.exit_code, aside), outcome.blocked


def _begun() -> None:
    """The first result is there: what was loaded for it is never looked through for garbage again."""
    from edgelens.runtime.host.freed_memory import keep_freed_pictures

    gc.freeze()
    gc.enable()
    keep_freed_pictures()


def _pace(options: RunOptions) -> Pace:
    from edgelens.runtime.loop.pace import Pace

    def probe() -> BoardProbe:
        from edgelens.devices.probes.board import board_probe

        return board_probe()

    def policy() -> HeatPolicy:
        from edgelens.runtime.loop.heat import HeatPolicy

        usual = HeatPolicy(full_fps=options.plan.max_fps or options.plan.given.get("camera_fps") or 30.0)
        return replace(usual, limit_c=options.max_temp) if options.max_temp else usual

    return Pace(probe, policy)


def _sinks(
    options: RunOptions,
    control: Control,
    lanes: Sequence[Lane],
    device: str,
    closed: Callable[[], None],
) -> list[Sink]:
    from edgelens.runtime.sinks.catalog import open_sinks
    from edgelens.runtime.sinks.protocol import SinkContext

    by_name = {lane.source.name: lane for lane in lanes}

    def decode(source: str) -> Decode:
        main = by_name[source].model.bundle.manifest.main  # asked each time: the page may exchange the model
        return main.decode.at(control.settings(source).threshold)

    context = SinkContext(
        tuple(by_name),
        device,
        decode=decode,
        region=lambda source: control.settings(source).region,
        fps=lambda source: getattr(inner(by_name[source].source), "fps", None),
        closed=closed,
        printed=bool(options.printed),
    )
    return open_sinks(options.sinks, context)


def _page(
    options: RunOptions, control: Control, lanes: Sequence[Lane], machine: Machine, stack: ExitStack
) -> Sink | None:
    """The live page and the service; without the packages they need one line says so and the run goes on."""
    import importlib.util

    if options.no_preview and options.listen.preview is not None:
        raise UsageError("--preview and --no-preview: give one of them")
    unwanted = options.no_preview or options.sinks["window"].shown or all(lane.stills for lane in lanes)
    if unwanted and options.listen.preview is None:
        refuse_idle(options.listen, "the live page, which this run has not: give --preview")
        if options.models:
            raise UsageError("--models goes with the live page, which this run has not: give --preview")
        return None

    if not all(importlib.util.find_spec(name) for name in ("starlette", "uvicorn")):
        if options.listen.preview is not None:
            raise UsageError("--preview: the page needs starlette and uvicorn: pip install 'edgelens[live]'")
        there = "EDGELENS_ON_DEVICE" in os.environ  # where nobody installs anything by hand
        aside(f"no live page: {'--preview PORT brings one' if there else PAGE_NEEDS}")
        return None
    from edgelens.cli.live_options import live_page
    from edgelens.runtime.live.service.on_demand import ServiceOnDemand

    service = stack.enter_context(
        ServiceOnDemand(
            lambda: lanes[0].model.bundle,
            engine=options.engine,
            precision=options.precision,
            threshold=lambda: control.settings(lanes[0].source.name).threshold,
            device=machine.device,
        )
    )
    page = live_page(options.listen, control, service=service, machine=machine, recorded=options.sinks["record"].folder)
    service.on_result = page.shared.tell
    return page


def _status_socket(control: Control, machine: Machine) -> StatusSocket:
    """Where `edgelens status` asks a run that has no page."""
    from edgelens.runtime.live.status_socket import StatusSocket

    def answer() -> dict[str, Any]:
        from edgelens.runtime.live.shared.health import health_json

        return health_json(control.status(), machine)

    return StatusSocket(answer)


def _machine(options: RunOptions, device: str) -> Machine:
    from edgelens.cli.machine_facts import machine_of, written_to

    collected = [options.listen.collect] if options.listen.collect else []
    return machine_of(device, [*written_to(options.sinks), *collected])
