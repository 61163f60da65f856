"""`edgelens completion bash|zsh|fish`: the line of shell that completes verbs and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

__all__ = ["command"]


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print shell completion; for bash, into ~/.local/share/bash-completion/completions/edgelens."""
    from edgelens.cli import cli

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(cli, {}, "edgelens", "_EDGELENS_COMPLETE").source())
