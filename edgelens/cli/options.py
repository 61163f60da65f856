"""Options that mean the same for every verb."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from edgelens.cli.numbers import Number
from edgelens.cli.output import JSON_BEGINS
from edgelens.runtime.model.arguments import ModelArguments, spelled
from edgelens.runtime.said import Said

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = [
    "PICTURE",
    "answer_options",
    "device_option",
    "engine_options",
    "false_accepts_option",
    "html_option",
    "json_option",
    "labels_option",
    "model_argument",
    "model_arguments",
    "model_options",
    "on_option",
    "pixel_options",
    "text_options",
    "threshold_option",
    "tile_option",
    "written_option",
]

F = Callable[..., Any]


def _writable(what: str, begins: bytes) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    """A file that could not be written is said before the work; one of another kind, as a model, is not replaced."""

    def checked(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
        if value and value != "-" and not ctx.resilient_parsing:
            from edgelens.runtime.host.files import check_kind, check_place

            check_place(value, param.opts[0])
            check_kind(value, param.opts[0], what, begins)
        return value

    return checked


json_option = click.option(
    "--json",
    "json_path",
    metavar="PATH",
    callback=_writable("result as edgelens writes it", JSON_BEGINS),
    help="Write the result as JSON; - is stdout.",
)
html_option = click.option(
    "--html",
    "html_path",
    metavar="PATH",
    callback=_writable("page", b"<!doctype html>"),
    help="Write a page with plots.",
)
device_option = click.option("--device", metavar="NAME", help="A device profile (see `edgelens devices`).")
on_option = click.option("--on", metavar="[USER@]HOST", help="Do it on that machine, over SSH.")


class _EngineType(click.ParamType[str]):
    """An engine's name, with accelerators behind a colon."""

    name = "engine"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from edgelens.runtime.engines.choice import split_engine
        from edgelens.runtime.errors import UsageError

        try:
            split_engine(value)
        except UsageError as error:
            self.fail(str(error).removeprefix("--engine "), param, ctx)
        return value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in ("auto", "onnxruntime", "tflite") if name.startswith(incomplete)]


def model_argument(*, required: bool = False) -> Callable[[F], F]:
    """MODEL: a bundle, an .onnx or .tflite file, or a built-in's name."""
    return click.argument("model") if required else click.argument("model", required=False, default="digits")


def engine_options(function: F) -> F:
    """--engine, --precision and --threads."""
    for option in (
        click.option("--threads", type=click.IntRange(1, 256), help="Engine threads."),
        click.option("--precision", metavar="P", help="float32, int8, float16: which model file of a bundle."),
        click.option(
            "--engine",
            type=_EngineType(),
            default="auto",
            metavar="NAME[:ON]",
            help="auto, onnxruntime or tflite, and what on: onnxruntime:cuda, onnxruntime:tensorrt, tflite:edgetpu.",
        ),
    ):
        function = option(function)
    return function


def written_option(said: Said, name: str, default: Any = None) -> Callable[[F], F]:
    """An option as a dataclass's field says it; a field that is False until it is said is a flag."""
    if default is False:
        return click.option(said.flag, name, is_flag=True, help=said.help)
    return click.option(
        said.flag,
        name,
        type=_type_of(said),
        metavar=said.metavar,
        default=None if said.several else default,
        multiple=said.several,
        help=said.help,
    )


def model_options(*names: str) -> Callable[[F], F]:
    """Options made from the fields of `ModelArguments`, in the given order of the help."""

    def decorate(function: F) -> F:
        for name in reversed(names):
            function = written_option(spelled()[name], name)(function)
        return function

    return decorate


def _type_of(said: Said) -> click.ParamType[Any] | None:
    """What click checks by itself; the rest `ModelArguments` reads."""
    if said.choices:
        return click.Choice(said.choices)
    if said.whole:
        low, high = (None if end is None else int(end) for end in (said.low, said.high))
        return click.IntRange(low, high)
    if said.above is not None:
        return Number(said.above, said.high, min_open=True)
    return None if said.low is None else Number(said.low, said.high)


def model_arguments(given: Mapping[str, Any], **others: Any) -> ModelArguments:
    """What the options said of a model; other options among them are passed over, `others` hold in their place."""
    known = {name: given[name] for name in spelled() if name in given}
    return ModelArguments(**{**known, **others})


PICTURE = tuple(name for name, said in spelled().items() if said.bare)
pixel_options = model_options(*PICTURE)  # of bare model files
text_options = model_options("lexicon", "pattern")  # of networks that read
false_accepts_option = model_options("false_accepts")
answer_options = model_options("false_accepts", "classes", "iou", "max_det", "tile", "lexicon", "pattern")
labels_option = model_options("labels")
tile_option = model_options("tile")
threshold_option = model_options("threshold")
