"""Options that mean the same for every verb."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = [
    "device_option",
    "engine_options",
    "json_option",
    "labels_option",
    "model_argument",
    "on_option",
    "pixel_options",
    "threshold_option",
]

F = Callable[..., Any]


def _writable(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """A file that could not be written is said before the work, not after it."""
    if value and value != "-" and not ctx.resilient_parsing:
        from edgelens.runtime.host.files import check_place

        check_place(value, param.opts[0])
    return value


json_option = click.option(
    "--json", "json_path", metavar="PATH", callback=_writable, help="Write the result as JSON; - is stdout."
)
labels_option = click.option("--labels", metavar="FILE", help="Names of the classes, one a line.")
threshold_option = click.option(
    "--threshold", type=click.FloatRange(0, 1), metavar="P", help="Reject what scores below P."
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
    return click.argument("model", required=required, default=None if required else "digits")


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


def pixel_options(function: F) -> F:
    """How a bare model file wants its pixels: --mean, --std, --color, --resize, --pad, --input-size, --decode."""
    for option in (
        click.option("--decode", "decoder", metavar="NAME", help="How to read the model's outputs (see `inspect`)."),
        click.option("--input-size", metavar="WxH", help="The input's size, where the model leaves it free."),
        click.option("--pad", type=click.IntRange(0, 255), help="The pixel of letterbox bars."),
        click.option(
            "--resize",
            type=click.Choice(["stretch", "letterbox", "crop"]),
            help="How a frame meets the input size.",
        ),
        click.option("--color", type=click.Choice(["rgb", "bgr", "gray"]), help="The model's colour order."),
        click.option("--std", metavar="S[,S,S]", help="Input is (pixel - mean) / std."),
        click.option("--mean", metavar="M[,M,M]", help="Input is (pixel - mean) / std."),
    ):
        function = option(function)
    return function
