"""The command line: one file a verb, imported only when that verb is called."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
from typing import Any

import click

from edgelens.cli.stopped import StoppedError, end_as_stopped, stop_in_order
from edgelens.runtime.errors import EdgelensError
from edgelens.version import __version__

__all__ = ["VERBS", "cli", "main"]

# verb → (module under edgelens.cli, one line of help); the help stands here so that `edgelens --help` imports nothing
VERBS: dict[str, tuple[str, str]] = {
    "make": ("make", "Make a proven bundle of a folder of photos in one go."),
    "run": ("run", "Recognize what a camera, stream, video or folder shows."),
    "teach": ("teach", "Show a device something new by its camera; it knows it from then on."),
    "gallery": ("gallery", "List, rename, forget and carry away what a device was taught."),
    "collect": ("collect", "Take labelled photos with a camera, ready for `train`."),
    "label": ("label", "Draw boxes and name what photos show, in the browser."),
    "train": ("train", "Train a network on a folder of images."),
    "tune": ("tune", "Search for the best training settings."),
    "explain": ("explain", "Show which pixels a trained network looked at."),
    "compress": ("compress", "Turn a trained run or an .onnx file into a small, fast, proven bundle."),
    "bundle": ("bundle", "Wrap a finished .tflite or .onnx file as a bundle."),
    "chain": ("chain", "Join two bundles: the second looks at what the first finds."),
    "inspect": ("inspect", "Show what is inside a bundle or a model file."),
    "verify": ("verify", "Prove a bundle's model files on this machine with its golden frames."),
    "evaluate": ("evaluate", "Measure a model's accuracy on a data set."),
    "bench": ("bench", "Measure a model's speed, here or on a device."),
    "devices": ("devices", "List the boards the kit knows, show one, or say which this is."),
    "doctor": ("doctor", "Check what on this machine would get in the way."),
    "deploy": ("deploy", "Put a bundle on a device, verified there before it is switched to."),
    "rollback": ("rollback", "Go back to the bundle a device ran before."),
    "sign": ("sign", "Sign a bundle with an SSH key."),
    "serve": ("serve", "Answer recognition requests over HTTP, without a camera."),
    "status": ("status", "Ask a running recognizer how it is."),
    "completion": ("completion", "Print shell completion for bash, zsh or fish."),
}


class _Verbs(click.Group):
    """The verbs, each loaded when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"edgelens.cli.{VERBS[cmd_name][0]}")
        command = module.command
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except StoppedError as stopped:  # click would say an empty line first, as belongs after a terminal's ^C
            raise click.Abort from stopped

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Verbs"):
            formatter.write_dl([(name, line) for name, (_, line) in VERBS.items()])


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="edgelens")
def cli() -> None:
    """From a folder of photos to a recognizer that runs, proven, on a small device."""


def main() -> None:
    """Run the command line; whatever goes wrong is one line on stderr and an exit code."""
    _open_streams()
    stop_in_order()
    try:
        code = cli(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "")
        code = 2
    except click.ClickException as error:
        click.echo(f"edgelens: {_without_logins(error.format_message())}", err=True)
        code = 2
    except EdgelensError as error:
        click.echo(f"edgelens: {_without_logins(str(error))}", err=True)
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt) as error:
        stopped = error if isinstance(error, StoppedError) else error.__cause__
        if isinstance(stopped, StoppedError):
            with contextlib.suppress(OSError):  # the terminal may be what has gone
                click.echo("edgelens: stopped by a signal", err=True)
            end_as_stopped(stopped.number)
        click.echo("edgelens: interrupted", err=True)
        code = 130
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:  # a disk or a file that failed where nothing could say more of it
        place = f"{error.filename}: " if error.filename else ""
        click.echo(f"edgelens: {_without_logins(place)}{error.strerror or error}", err=True)
        code = 1
    except MemoryError:
        click.echo("edgelens: out of memory: take a smaller batch, image size or model", err=True)
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def _open_streams() -> None:
    """A stream that was closed for the program (`>&-`) takes what is written and keeps nothing; what its encoding
    cannot say, as names of files that are no UTF-8, is written with escapes, as Python does on stderr."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:  # the next file that is opened would be taken for the stream
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, os.fdopen(number, "r" if name == "stdin" else "w"))
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def _without_logins(text: str) -> str:
    """A message without the user and password of an address that stood where it should not have."""
    if "@" not in text:
        return text
    import re

    return re.sub(r"(\w:/{1,2})[^\s/@]+@", r"\1…@", text)
