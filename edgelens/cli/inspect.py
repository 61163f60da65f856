"""`edgelens inspect FILE`: inputs, outputs, sizes, operators, metadata and labels of a bundle or a model file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from edgelens.cli.options import json_option, labels_option, model_argument, model_arguments, pixel_options
from edgelens.cli.output import print_table, write_json

__all__ = ["command"]

_SHOWN = 8  # labels and entries on a line before the rest is counted
_SHORT = 100


@click.command("inspect")
@model_argument()
@labels_option
@pixel_options
@json_option
def command(model: str, json_path: str | None, **said: Any) -> None:
    """Show what is inside a bundle or a model file."""
    from edgelens.runtime.model.inspection import inspect_model

    facts = inspect_model(model, model_arguments(said))
    if json_path:
        write_json(json_path, facts)
    if json_path == "-":
        return
    print_table(list(_bundle_rows(facts) if facts["kind"] == "bundle" else _bare_rows(facts)))


def _bare_rows(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "file", f"{facts['file']} ({facts['kind']}, {_size(facts['bytes'])})"
    yield from _file_rows(facts)
    if "network" in facts:
        yield from _network_rows(facts["network"])
    else:
        yield "decoder", "none"
    for note in facts["notes"]:
        yield "note", note


def _bundle_rows(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "bundle", f"{facts['file']} ({_size(facts['bytes'])})"
    signed = "signed" if facts["signed"] else "not signed"
    yield "version", f"{facts['name']} {facts['content_version']}, format {facts['format']}, {signed}"
    made = {key: value for key, value in facts["provenance"].items() if value not in ("", None, {})}
    for key, value in made.items():
        if key == "notes":
            yield from (("note", _short(f"{name.replace('_', ' ')} {said}")) for name, said in value.items())
        else:
            yield key, _short(str(value))
    for step in facts["steps"][1:]:
        yield "step", _step(step)
    for golden in facts["golden"]:
        kind = "sequence" if golden["sequence"] else "frames"
        yield "golden", f"{golden['frames']} {kind} for {golden['network'] or 'the pipeline'}"
    for role, network in facts["networks"].items():
        yield "", ""
        yield "network", role
        yield from _network_rows(network)
        for file in network["files"]:
            missing = "" if file["installed"] else ", its engine is not installed here"
            yield "file", f"{file['path']} ({file['engine']} {file['precision']}, {_size(file['bytes'])}{missing})"
            yield from _file_rows(file)


def _step(step: Mapping[str, Any]) -> str:
    """How a later step looks at what an earlier one found."""
    classes = f" called {', '.join(step['classes'])}" if step["classes"] else ""
    align = f", levelled by {step['align']}" if step["align"] else ""
    every = ", of what is followed only at what is new" if step["every"] == "track" else ""
    return f"{step['output']} looks into what {step['region']} finds{classes}, margin {step['margin']:g}{align}{every}"


def _network_rows(network: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    pixels, tensor, decode = network["pixels"], network["tensor"], network["decode"]
    yield "task", network["task"]
    labels = network["labels"]
    yield "labels", f"{len(labels)}: {_first(labels)}" if labels else "none: class numbers are shown"
    bars = f", bars of {pixels['pad']} {pixels['anchor']}" if pixels["resize"] == "letterbox" else ""
    yield (
        "picture",
        f"{pixels['width']}x{pixels['height']} {pixels['color']}, {pixels['resize']} ({pixels['filter']}){bars}",
    )
    yield "numbers", _fed(tensor, network["fed"])
    options = [
        f"{key.replace('_', ' ')} {_plain(value)}" for key, value in decode["options"].items() if key != "classes"
    ]
    yield "decoder", ", ".join([decode["decoder"], f"threshold {decode['threshold']:g}", *options])
    if own := [f"{label} {least:.4g}" for label, least in decode["thresholds"].items()]:
        yield "thresholds", _first(own)


def _file_rows(file: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "sha256", file["sha256"]
    yield "runs here", f"no: {file['problem']}" if file["problem"] else "yes"
    if "version" not in file:
        return
    yield "written as", " by ".join(part for part in (file["version"], file["producer"]) if part)
    for kind in ("inputs", "outputs"):
        for tensor in file[kind]:
            yield kind[:-1], _tensor(tensor)
    weights = [f"{_size(size)} {dtype}" for dtype, size in sorted(file["weights"].items(), key=lambda kv: -kv[1])]
    yield "weights", ", ".join(weights) or "none"
    yield "operators", ", ".join(f"{count} {kind}" for kind, count in file["operators"].items())
    for key, value in file["metadata"].items():
        yield "metadata", f"{key}: {_short(value)}"


def _tensor(tensor: Mapping[str, Any]) -> str:
    shape = "x".join("?" if axis is None else str(axis) for axis in tensor["shape"]) or "shape unsaid"
    scale = f", scale {tensor['scale']:.6g}, zero point {tensor['zero_point']}" if tensor["scale"] else ""
    return f"{tensor['name']} {shape} {tensor['dtype']}{scale}"


def _fed(tensor: Mapping[str, Any], fed: Mapping[str, Sequence[float]]) -> str:
    """What is done to a pixel, and what black and white become by it."""
    formula = f"(pixel - {_numbers(tensor['mean'])}) / {_numbers(tensor['std'])}"
    if tensor["scale"]:
        formula = f"{formula} / {tensor['scale']:.6g} + {tensor['zero_point']}"
    return f"{formula}: {tensor['dtype']}, black {_numbers(fed['black'])}, white {_numbers(fed['white'])}"


def _first(values: Sequence[str]) -> str:
    rest = f", … {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
    return ", ".join(values[:_SHOWN]) + rest


def _plain(value: Any) -> str:
    """An option in words: of an alphabet or a list of names the beginning."""
    if isinstance(value, list):
        return _first([str(one) for one in value])
    return f"{value:.4g}" if isinstance(value, float) else _short(str(value))


def _numbers(values: Sequence[float]) -> str:
    return ",".join(f"{value:.4g}" if isinstance(value, float) else str(value) for value in values)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHORT else line[: _SHORT - 1] + "…"


def _size(count: int) -> str:
    return f"{count / 1e6:.2f} MB" if count >= 1e6 else f"{count / 1e3:.1f} KB" if count >= 1e3 else f"{count} bytes"
