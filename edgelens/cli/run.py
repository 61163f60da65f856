"""`edgelens run`: recognize what a camera, stream, video or folder shows."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from edgelens.cli.elsewhere import OnDevice, model_engines, wheels_option
from edgelens.cli.options import on_option
from edgelens.cli.output import print_table, write_json
from edgelens.cli.run_options import RunOptions, run_options
from edgelens.runtime.errors import UsageError
from edgelens.runtime.host.files import check_place

if TYPE_CHECKING:
    from edgelens.runtime.loop.board import BoardProbe
    from edgelens.runtime.loop.config import SourcePlan
    from edgelens.runtime.loop.control import Control
    from edgelens.runtime.loop.heat import HeatPolicy
    from edgelens.runtime.loop.loop import Lane, Outcome
    from edgelens.runtime.loop.model_slot import ModelSlot
    from edgelens.runtime.loop.motion import MotionGate
    from edgelens.runtime.loop.pace import Pace
    from edgelens.runtime.sinks.protocol import Sink
    from edgelens.runtime.sources.demo import DemoJudge
    from edgelens.runtime.sources.protocol import Source

__all__ = ["command"]


def _needed_there(params: dict[str, Any]) -> tuple[str, ...]:
    """What a device needs for `run --on` beyond the kit."""
    page = ("live",) if params["preview"] else ()
    return (*model_engines(params), *page, *(("mqtt",) if params["mqtt"] else ()))


@click.command(
    "run",
    cls=OnDevice,
    inputs=("model", "models", "sources", "config", "labels", "token_file", "cert", "key"),
    outputs=("json_path", "csv_path", "summary_path", "save"),
    parts=_needed_there,
)
@run_options
@on_option
@wheels_option
def command(**given: Any) -> None:
    """Recognize what SOURCE shows, until it ends, the time is over, or you press Ctrl-C.

    MODEL is a bundle, an .onnx or .tflite file, or a built-in's name. A live source's newest frame is what counts; a
    file or folder is read completely. A login for a source comes from its address, from ${NAME} in it, or from
    EDGELENS_SOURCE_USER and EDGELENS_SOURCE_PASSWORD.
    """
    options = RunOptions(**given)
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
    outputs = {"--json": options.json_path, "--csv": options.csv_path, "--summary": options.summary_path}
    printed = [option for option, path in outputs.items() if path == "-"]
    if len(printed) > 1:
        raise UsageError(f"{' - and '.join(printed)} -: only one of them can go to the standard output")
    if options.summary_path not in (None, "-"):
        check_place(options.summary_path, "--summary")


def _run(options: RunOptions) -> tuple[int, bool]:
    """Put sources, models and sinks together and run the loop; the exit code, and whether a capture hangs."""
    from edgelens.runtime.host.freed_memory import gaps_given_back, share_one_heap
    from edgelens.runtime.loop.loop import LoopOptions, run
    from edgelens.runtime.loop.stop import StopOnSignals

    device = options.device_id or os.environ.get("EDGELENS_DEVICE_ID") or os.uname().nodename
    share_one_heap()
    with StopOnSignals() as stop, gaps_given_back(), ExitStack() as stack:
        plans = _plans(options)
        lanes = _lanes(plans, options, stack)
        control = _control(plans, lanes, options)
        sinks = _sinks(options, control, lanes, device, stop.request, stack)
        judge = _demo_judge(lanes)
        outcome = run(
            lanes,
            sinks,
            control,
            LoopOptions(options.duration, device),
            pace=_pace(options),
            log=_say,
            stop=stop,
            hear=judge.hear if judge else None,
            begun=_begun,
        )
        summary = dict(outcome.summary)
        if judge is not None:
            summary["demo"] = judge.score().to_json()
        _finish(options, summary, lanes, judge)
        if options.explain_engine:
            _explain(lanes)
        return _exit_code(options, outcome, lanes, stop.exit_code), outcome.blocked


def _begun() -> None:
    """The first result is there: what was loaded for it is never looked through for garbage again."""
    from edgelens.runtime.host.freed_memory import keep_freed_pictures

    gc.freeze()
    gc.enable()
    keep_freed_pictures()


def _plans(options: RunOptions) -> tuple[SourcePlan, ...]:
    from edgelens.runtime.loop.config import SourcePlan, parse_agree, parse_size, read_config, with_unique_names
    from edgelens.runtime.preprocess import Region
    from edgelens.runtime.sources.catalog import default_source

    if options.config is not None and options.sources:
        raise UsageError("--config and --source: give one of them")
    common = SourcePlan(
        "",
        region=Region.parse(options.roi) if options.roi else None,
        threshold=options.threshold,
        smoothing=options.smoothing,
        agree=parse_agree(options.agree),
        max_fps=options.max_fps,
        motion=options.motion,
        size=parse_size(options.size) if options.size else None,
        camera_fps=options.camera_fps,
        flip=options.flip,
        rotate=int(options.rotate),
    )
    if options.config is not None:
        return with_unique_names(read_config(options.config, common))
    specs = options.sources or (default_source(),)
    return with_unique_names(tuple(replace(common, source=spec, name="") for spec in specs))


def _lanes(plans: Sequence[SourcePlan], options: RunOptions, stack: ExitStack) -> list[Lane]:
    from edgelens.runtime.loop.loop import Lane
    from edgelens.runtime.sources.catalog import SourceOptions, kind_of, open_source

    slots: dict[tuple[str, str | None], ModelSlot] = {}
    lanes = []
    for plan in plans:
        source = open_source(
            plan.source,
            SourceOptions(
                name=plan.name,
                size=plan.size,
                camera_fps=plan.camera_fps,
                flip=plan.flip,
                rotate=plan.rotate,
                demo_seed=options.demo_seed,
                complain=_say,
            ),
        )
        which = (plan.model or options.model, plan.labels or options.labels)
        if which not in slots:
            slots[which] = stack.enter_context(_model(*which, options))
        stills = kind_of(plan.source) == "images"
        lanes.append(Lane(source, slots[which], _motion_gate() if plan.motion else None, stills))
    return lanes


def _motion_gate() -> MotionGate:
    from edgelens.runtime.loop.motion import MotionGate

    return MotionGate()


def _model(name: str, labels: str | None, options: RunOptions) -> ModelSlot:
    from edgelens.cli.options import model_arguments
    from edgelens.runtime.loop.model_slot import ModelChoice, ModelSlot
    from edgelens.runtime.model.open import open_model

    bundle = open_model(name, model_arguments(vars(options), labels=labels, threshold=None))
    return ModelSlot(bundle, ModelChoice(options.engine, options.precision, options.threads), name)


def _control(plans: Sequence[SourcePlan], lanes: Sequence[Lane], options: RunOptions) -> Control:
    from edgelens.runtime.loop.control import Control, Settings

    at_hand = dict.fromkeys((options.model, *options.models))
    control = Control([plan.name for plan in plans], Settings(), tuple(at_hand))
    for plan, lane in zip(plans, lanes, strict=True):
        control.change(
            plan.name,
            threshold=plan.threshold,
            smoothing=plan.smoothing if plan.smoothing is not None else (0.5 if lane.source.live else 1.0),
            agree=plan.agree,
            region=plan.region,
            max_fps=plan.max_fps,
        )
    return control


def _demo_judge(lanes: Sequence[Lane]) -> DemoJudge | None:
    """Who holds the demo's announcements against its truth, where a demo is watched."""
    if not any(kind == "demo" for kind in (type(_inner(lane.source)).__module__.rpartition(".")[2] for lane in lanes)):
        return None
    from edgelens.runtime.sources.demo import DemoJudge, DemoSource

    demo = next(source for lane in lanes if isinstance(source := _inner(lane.source), DemoSource))
    return DemoJudge(demo.scene, demo.name)


def _pace(options: RunOptions) -> Pace:
    from edgelens.runtime.loop.pace import Pace

    def probe() -> BoardProbe:
        from edgelens.devices.probes.board import board_probe

        return board_probe()

    def policy() -> HeatPolicy:
        from edgelens.runtime.loop.heat import HeatPolicy

        usual = HeatPolicy(full_fps=options.max_fps or options.camera_fps or 30.0)
        return replace(usual, limit_c=options.max_temp) if options.max_temp else usual

    return Pace(probe, policy)


def _sinks(
    options: RunOptions,
    control: Control,
    lanes: Sequence[Lane],
    device: str,
    closed: Callable[[], None],
    stack: ExitStack,
) -> list[Sink]:
    from edgelens.runtime.sinks.catalog import SinkOptions, open_sinks

    to_stdout = "-" in (options.json_path, options.csv_path)
    models = {lane.source.name: lane.model for lane in lanes}
    sources = {lane.source.name: lane.source for lane in lanes}
    sinks = open_sinks(
        SinkOptions(
            json=options.json_path,
            csv=options.csv_path,
            save=options.save,
            mqtt=options.mqtt,
            mqtt_all=options.mqtt_all,
            record=options.record,
            record_mb=options.record_mb,
            record_days=options.record_days,
            keep_uncertain=options.keep_uncertain,
            blur=options.blur,
            window=options.window,
            text=not (to_stdout or options.quiet),
            fps=lambda source: getattr(_inner(sources[source]), "fps", None),
            sources=tuple(sources),
            device=device,
            closed=closed,
            threshold=lambda source: models[source].bundle.manifest.main.decode.held_to(
                control.settings(source).threshold
            ),
            region=lambda source: control.settings(source).region,
        )
    )
    wanted = not options.no_preview and not options.window and not all(lane.stills for lane in lanes)
    if wanted or options.preview is not None:
        sinks += _preview(options, control, lanes, device, stack)
    return sinks


def _preview(options: RunOptions, control: Control, lanes: Sequence[Lane], device: str, stack: ExitStack) -> list[Sink]:
    """The live page and the service; without the packages they need one line says so and the run goes on."""
    import importlib.util

    if not all(importlib.util.find_spec(name) for name in ("starlette", "uvicorn")):
        if options.preview is not None:
            raise UsageError("--preview: the page needs starlette and uvicorn: pip install 'edgelens[live]'")
        _say("no live page: pip install 'edgelens[live]' for one")
        return []
    from edgelens.cli.live_options import live_page
    from edgelens.runtime.live.service.on_demand import ServiceOnDemand

    service = stack.enter_context(ServiceOnDemand(lambda: lanes[0].model.bundle, device=device))
    page = live_page(vars(options), control, service=service)
    service.on_result = page.shared.tell
    return [page]


def _finish(options: RunOptions, summary: dict[str, Any], lanes: Sequence[Lane], judge: DemoJudge | None) -> None:
    """Say and write what the run amounted to."""
    from edgelens.runtime.loop.summary import summary_rows

    if options.summary_path is not None:
        write_json(options.summary_path, summary)
    if options.quiet:
        return
    err = "-" in (options.json_path, options.csv_path)
    lines, rows = summary_rows(summary)
    for line in [*lines, *_folder_lines(lanes)]:
        click.echo(line, err=err)
    if rows:
        print_table(rows, header=("ms", "p50", "p95", "p99"), err=err)
    if judge is not None:
        click.echo(str(judge.score()), err=err)


def _explain(lanes: Sequence[Lane]) -> None:
    """The table of what `--engine auto` measured, finished now if the run was too short for it."""
    from edgelens.runtime.model.engine_search import BUDGET_S, header, table_rows

    for model in {id(lane.model): lane.model for lane in lanes}.values():
        model.load()
        while not model.improve(BUDGET_S):
            pass
        with model.in_use() as recognizer:
            measured = recognizer.measured
        if not measured:
            _say(f"{model.name}: {' '.join(model.running)} was named or is the only one that can run here")
        for role, found in measured.items():
            name = model.name if len(measured) == 1 else f"{model.name}, {role}"
            _say(f"{name}: engines on this machine")
            print_table(table_rows(found.table, found.winner), header=header(), err=True)


def _folder_lines(lanes: Sequence[Lane]) -> list[str]:
    from edgelens.runtime.sources.images import ImageFiles

    folders = [source for lane in lanes if isinstance(source := _inner(lane.source), ImageFiles)]
    return [
        f"{folder.name}: {folder.passed_over} files passed over, {len(folder.broken)} images could not be decoded"
        for folder in folders
        if folder.passed_over or folder.broken
    ]


def _exit_code(options: RunOptions, outcome: Outcome, lanes: Sequence[Lane], stopped: int) -> int:
    for failure in outcome.failures:
        _say(f"edgelens: {failure}")
    if outcome.source_failed:
        return 2
    broken = any(getattr(_inner(lane.source), "broken", ()) for lane in lanes)
    if outcome.failures or (options.strict and broken):
        return 1
    return stopped


def _inner(source: Source) -> Source:
    """The source itself where it is turned or mirrored."""
    inner: Source = getattr(source, "source", source)
    return inner


def _say(text: str) -> None:
    click.echo(text, err=True)
