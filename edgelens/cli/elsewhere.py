"""`--on [USER@]HOST`: the same verb with the same arguments, run on a device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from edgelens.runtime.errors import UsageError

__all__ = ["OnDevice", "model_engines", "wheels_option"]

wheels_option = click.option(
    "--wheels",
    metavar="DIR",
    help="Take the device's wheels (numpy, OpenCV, an engine) from this folder, which `edgelens devices wheels DIR` "
    "fills, instead of fetching them with pip.",
)
_HERE_ONLY = ("on", "wheels")


class OnDevice(click.Command):
    """A verb that `--on` sends to a device; it declares `on_option` and `wheels_option` and never sees their values.

    `inputs` and `outputs` name the parameters whose files travel there and back, `appended` those of the outputs that
    follow what their files have here, `parts` says what the environment there must have, from the parsed parameters.
    """

    def __init__(
        self,
        name: str | None,
        *,
        inputs: Sequence[str] = (),
        outputs: Sequence[str] = ("json_path",),
        appended: Sequence[str] = (),
        parts: Callable[[dict[str, Any]], Sequence[str]],
        **settings: Any,
    ) -> None:
        super().__init__(name, **settings)
        self._inputs, self._outputs, self._appended, self._parts = inputs, outputs, appended, parts

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """The context, which keeps the words as they were given."""
        given = list(args)
        ctx = super().make_context(info_name, args, parent=parent, **extra)
        ctx.meta["edgelens.words"] = given
        return ctx

    def invoke(self, ctx: click.Context) -> Any:
        """Here, or there."""
        host, wheels = (ctx.params.pop(name, None) for name in _HERE_ONLY)
        if not host:
            if wheels:
                raise UsageError("--wheels goes with --on")
            return super().invoke(ctx)
        return self._there(ctx, host, wheels)

    def _there(self, ctx: click.Context, host: str, wheels: str | None) -> None:
        from edgelens.devices.remote import local_inputs, run_verb

        verb, *second = _verbs(ctx)
        words = [*second, *_separate(ctx.meta["edgelens.words"])]
        asked = [value for name in self._inputs for value in _values(ctx.params.get(name))]
        inputs = [name for name in local_inputs(asked) if not Path(name).is_absolute() or _is_file(name)]
        outputs = [v for name in self._outputs for v in _values(ctx.params.get(name)) if v != "-"]
        code = run_verb(
            host,
            verb,
            words,
            inputs,
            outputs=outputs,
            appended=[v for name in self._appended for v in _values(ctx.params.get(name))],
            parts=self._parts(ctx.params),
            wheels=wheels,
        )
        ctx.exit(code)


def model_engines(params: dict[str, Any]) -> tuple[str, ...]:
    """The engine that the verb's `model` needs there."""
    from edgelens.devices.remote import engines_for

    return engines_for([str(params["model"])], str(params.get("engine") or "auto").partition(":")[0])


def _verbs(ctx: click.Context) -> list[str]:
    """The verb's words without the program's: "devices calibrate" and "gallery list" are two."""
    words: list[str] = []
    while ctx.parent is not None:
        words[:0] = str(ctx.info_name).split()
        ctx = ctx.parent
    return words


def _values(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, (list, tuple)) else [str(value)]


def _is_file(name: str) -> bool:
    """A device node or a pipe is the device's own."""
    return Path(name).is_file() or (Path(name).is_dir() and not name.startswith(("/dev", "/proc", "/sys")))


def _separate(words: Sequence[str]) -> list[str]:
    """The words without those that only matter here, `--option=value` taken apart."""
    rest: list[str] = []
    for word in words:
        rest.extend(word.split("=", 1) if word.startswith("--") and "=" in word else [word])
    for name in _HERE_ONLY:
        while f"--{name}" in rest:
            at = rest.index(f"--{name}")
            del rest[at : at + 2]
    return rest
