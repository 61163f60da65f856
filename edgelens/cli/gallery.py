"""`edgelens gallery …`: what this device was taught: seen, renamed, joined, forgotten, carried away and brought in."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgelens.cli.elsewhere import OnDevice, model_engines, wheels_option
from edgelens.cli.options import json_option, on_option
from edgelens.cli.output import amount, aside, print_table, write_json

if TYPE_CHECKING:
    from edgelens.runtime.gallery.gallery import Gallery
    from edgelens.runtime.model.teaching import Teacher

__all__ = ["command"]

_NOTHING = "nothing was taught here yet: edgelens teach NAME"
_gallery_option = click.option(
    "--gallery",
    "path",
    metavar="FILE",
    help="Which one; else the only one, or the one that has the name.",
)


def _nothing(_: dict[str, Any]) -> tuple[str, ...]:
    """What a device needs for what runs no network."""
    return ()


class _Export(OnDevice):
    """Photos of another device come as one gallery, and become folders here."""

    def invoke(self, ctx: click.Context) -> Any:
        """Here, or there with what it wrote brought back, for nobody else to read."""
        from edgelens.runtime.errors import UsageError
        from edgelens.runtime.gallery.exchange import export_gallery

        if ctx.params["photos"] and ctx.params["no_photos"]:
            raise UsageError("--photos and --no-photos: say one of them")
        if not ctx.params["on"]:
            return super().invoke(ctx)
        photos, out = ctx.params["photos"], ctx.params["out"]
        if not photos and Path(out).exists():
            raise UsageError(f"{out}: is there already")
        words: list[str] = ctx.meta["edgelens.words"]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "brought.gallery"
            ctx.meta["edgelens.words"] = self._brought_to(str(file), out, words)
            ctx.params["out"] = str(file)
            try:
                super().invoke(ctx)
            finally:
                if file.is_file() and photos:
                    _photos(_gallery(file), out, ())
                elif file.is_file():
                    click.echo(f"{amount(export_gallery(_gallery(file), Path(out)), 'picture')} brought to {out}")

    def _brought_to(self, file: str, out: str, words: list[str]) -> list[str]:
        """The words with the file in OUT's place; an option's value may read like OUT."""
        valued = {
            name for each in self.params if isinstance(each, click.Option) and not each.is_flag for name in each.opts
        }
        return [
            file if word == out and before not in valued else word
            for before, word in zip(["", *words], words, strict=False)
            if word != "--photos" or before in valued
        ]


@click.group("gallery")
def command() -> None:
    """What this device was taught, or another one with --on: names, and small copies of the pictures shown."""


@command.command("list", cls=OnDevice, parts=_nothing)
@_gallery_option
@json_option
@on_option
@wheels_option
def listed(path: str | None, json_path: str | None) -> None:
    """The names of every gallery here, how many pictures each has, and when and from where it was taught last."""
    rows: list[tuple[str, int, str, str, str]] = []
    for gallery in [_opened(path)] if path else list(_all()):
        for named in gallery.names:
            when = time.strftime("%Y-%m-%d %H:%M", time.localtime(named.last)) if named.last else ""
            rows.append((named.name, named.exemplars, when, named.source, str(gallery.path)))
    if json_path is not None:
        keys = ("name", "pictures", "last", "source", "gallery")
        write_json(json_path, {"schema": 1, "names": [dict(zip(keys, row, strict=True)) for row in rows]})
    if json_path != "-":
        if rows:
            print_table(rows, header=("NAME", "PICTURES", "TAUGHT LAST", "FROM", "GALLERY"))
        else:
            click.echo(_NOTHING)


@command.command("add", cls=OnDevice, inputs=("pictures", "model"), parts=model_engines)
@click.argument("name")
@click.argument("pictures", nargs=-1, required=True)
@click.option("--model", required=True, help="The bundle or model file that is taught.")
@click.option("--no-photos", is_flag=True, help="Keep no small copies of the pictures.")
@on_option
@wheels_option
def add(name: str, pictures: tuple[str, ...], model: str, no_photos: bool) -> None:
    """Put pictures of NAME into MODEL's gallery; `edgelens teach` does so with a camera, video or folder."""
    from edgelens.runtime.errors import UsageError
    from edgelens.runtime.images.read import read_image

    if folder := next(filter(os.path.isdir, pictures), None):
        raise UsageError(f"{folder}: is a folder, of which `edgelens teach NAME --source {folder}` takes the pictures")
    with _teacher(model) as teacher:
        seen = [teacher.look(read_image(each)) for each in pictures]
        lesson = teacher.teach(name, filter(None, seen), source="pictures", photos=not no_photos)
    click.echo(
        f"{amount(len(list(filter(None, seen))), 'picture')} of {name}; take it back: edgelens gallery undo {lesson}"
    )


@command.command("rename", cls=OnDevice, parts=_nothing)
@click.argument("name")
@click.argument("to")
@_gallery_option
@on_option
@wheels_option
def rename(name: str, to: str, path: str | None) -> None:
    """Call NAME otherwise."""
    _opened(path, (name,)).rename(name, to)


@command.command("merge", cls=OnDevice, parts=_nothing)
@click.argument("name")
@click.argument("into")
@_gallery_option
@on_option
@wheels_option
def merge(name: str, into: str, path: str | None) -> None:
    """NAME and INTO are one: keep it under INTO."""
    _opened(path, (name, into)).merge(name, into)


@command.command("remove", cls=OnDevice, parts=_nothing)
@click.argument("names", nargs=-1)
@click.option("--everything", is_flag=True, help="Forget all that was taught here, or of --gallery.")
@_gallery_option
@on_option
@wheels_option
def remove(names: tuple[str, ...], everything: bool, path: str | None) -> None:
    """Forget NAMES completely: the file is written anew without their pictures and features."""
    from edgelens.runtime.errors import UsageError

    if everything == bool(names):
        raise UsageError("gallery remove: say which names, or --everything")
    if everything:
        _forget_everything(path)
        return
    gallery = _opened(path, names)
    for name in gallery.known(names):
        click.echo(f"{name}: {amount(gallery.remove(name), 'picture')} forgotten")


@command.command("undo", cls=OnDevice, parts=_nothing)
@click.argument("lesson", required=False)
@_gallery_option
@on_option
@wheels_option
def undo(lesson: str | None, path: str | None) -> None:
    """Take back what was taught last, or a LESSON that teach or import named."""
    gallery = _opened(path) if path is not None else _of_lesson(lesson)
    click.echo(f"{amount(gallery.undo(lesson), 'picture')} taken back")


@command.command("export", cls=_Export, outputs=("out",), parts=_nothing)
@click.argument("out")
@click.option("--photos", is_flag=True, help="OUT is a folder: a class folder a name, as `edgelens train` takes them.")
@click.option("--no-photos", is_flag=True, help="OUT gets what is compared, and no pictures.")
@click.option("--name", "names", multiple=True, metavar="NAME", help="Only this name; may be given again.")
@_gallery_option
@on_option
@wheels_option
def export(out: str, photos: bool, no_photos: bool, names: tuple[str, ...], path: str | None) -> None:
    """Carry what was taught to another device (OUT.gallery), or home as a training set (--photos)."""
    from edgelens.runtime.gallery.exchange import export_gallery

    gallery = _opened(path, names)
    if photos:
        _photos(gallery, out, names)
    else:
        click.echo(
            f"{amount(export_gallery(gallery, Path(out), names=names, photos=not no_photos), 'picture')} in {out}"
        )


@command.command("import", cls=OnDevice, inputs=("file", "model"), parts=model_engines)
@click.argument("file")
@click.option("--model", required=True, help="The bundle or model file whose gallery it comes into.")
@on_option
@wheels_option
def bring(file: str, model: str) -> None:
    """Bring in what another device was taught; what contradicts this gallery or is unsound is passed over and said."""
    from edgelens.runtime.gallery.exchange import import_gallery

    with _teacher(model) as teacher:
        brought = import_gallery(teacher.gallery(), Path(file))
    click.echo(brought.said() + (f"; take it back: edgelens gallery undo {brought.lesson}" if brought.added else ""))


@command.command("check", cls=OnDevice, parts=_nothing)
@_gallery_option
@json_option
@on_option
@wheels_option
def check(path: str | None, json_path: str | None) -> None:
    """Whether every record of the galleries here is whole, and which names look alike."""
    from edgelens.runtime.errors import WorkError

    found: list[dict[str, Any]] = []
    unread: list[str] = []
    for gallery in [_opened(path)] if path else list(_all(unread.append)):
        alike = gallery.alike()
        found.append(
            {"gallery": str(gallery.path), "names": len(gallery.names), "damaged": gallery.damaged,
             "cut_short": gallery.torn, "alike": [{"names": [a, b], "similarity": round(s, 3)} for a, b, s in alike]}
        )  # fmt: skip
    if json_path is not None:
        write_json(json_path, {"schema": 1, "galleries": found, "unread": unread})
    if json_path != "-":
        for each in found:
            click.echo(f"{each['gallery']}: {amount(each['names'], 'name')}, {each['damaged'] or 'nothing'} damaged")
            if each["cut_short"]:
                click.echo("  the file ends within a picture: power failed, or it was copied in part")
            for pair in each["alike"]:
                click.echo(f"  {' and '.join(pair['names'])} look alike ({pair['similarity']}): one and the same?")
        for line in unread:
            click.echo(line)
    if unread or any(each["damaged"] for each in found):
        raise WorkError("some records are damaged and passed over; what is whole is recognized as before")


@command.command("reembed")
@click.argument("old")
@click.option("--with", "model", required=True, metavar="NEW.edge", help="The network that the names are carried to.")
def reembed(old: str, model: str) -> None:
    """Carry the names of the gallery OLD over to another network, by the pictures that were kept."""
    from edgelens.runtime.model.carrying import carry_over

    with _teacher(model) as teacher:
        carried = carry_over(Path(old), teacher)
    said = f"{amount(carried.pictures, 'picture')} of {amount(carried.names, 'name')} carried over"
    said += f", {carried.there_already} were there already" if carried.there_already else ""
    click.echo(said + (f"; take it back: edgelens gallery undo {carried.lesson}" if carried.pictures else ""))
    for name, count in carried.left.items():
        aside(f"{name}: {count} without a picture stay behind: show it again")


def _photos(gallery: Gallery, out: str, names: tuple[str, ...]) -> None:
    """Pictures as a training set."""
    from edgelens.runtime.gallery.exchange import export_photos

    count = export_photos(gallery, Path(out), names=names)
    click.echo(f"{amount(count, 'picture')} in {out}; the next step: edgelens train {out}")


def _opened(path: str | None, names: tuple[str, ...] = ()) -> Gallery:
    """The gallery that is meant: of several the one that has the names."""
    from edgelens.runtime.errors import UsageError
    from edgelens.runtime.gallery.exemplar import checked_name

    if path is not None:
        return _gallery(Path(path))
    there, asked = list(_all()), set(map(checked_name, names))
    having = [gallery for gallery in there if asked and asked <= {each.name for each in gallery.names}]
    if names and not having and len(there) > 1:
        raise UsageError(f"no gallery here has {' and '.join(names)}: edgelens gallery list")
    if len(having or there) != 1:
        places = ", ".join(str(gallery.path) for gallery in having or there)
        raise UsageError(f"--gallery: which of {places}?" if there else _NOTHING)
    return (having or there)[0]


def _of_lesson(lesson: str | None) -> Gallery:
    """The gallery that a lesson, or the newest one, was taught to; else the only one, which says that it has none."""
    from edgelens.runtime.errors import UsageError

    there = list(_all())
    if lesson is None and any(gallery.names for gallery in there):
        return max(there, key=lambda gallery: max((named.last for named in gallery.names), default=0.0))
    having = [each for each in there if any(exemplar.lesson == lesson for exemplar in each.exemplars())]
    if lesson is not None and not having and len(there) > 1:
        raise UsageError(f"no gallery here has a lesson {lesson[:16]}: teach and import name theirs")
    if len(having) > 1:  # of one a copy was put beside it
        raise UsageError(f"--gallery: which of {', '.join(str(each.path) for each in having)}?")
    return having[0] if having else _opened(None)


def _all(unread: Callable[[str], None] = aside) -> Iterator[Gallery]:
    """Every gallery here that can be read; of each other one a line is said."""
    from edgelens.runtime.errors import DataError

    for path in _paths():
        try:
            yield _gallery(path)
        except DataError as error:
            unread(str(error))


def _paths() -> list[Path]:
    from edgelens.runtime.gallery.places import galleries_folders

    return [path for folder in galleries_folders() for path in sorted(folder.glob("*.gallery"))]


def _forget_everything(path: str | None) -> None:
    """Take the files away as they are: what is in a damaged one is forgotten too."""
    from edgelens.runtime.errors import EdgelensError, UsageError
    from edgelens.runtime.gallery.file import GalleryFile

    paths = _paths() if path is None else [Path(path)]
    if not paths:
        raise UsageError(_NOTHING)
    failed: EdgelensError | None = None
    for each in paths:
        try:
            if each.suffix != ".gallery":
                _gallery(each)  # any other file is taken away only if it is one
            GalleryFile(each).delete()
        except EdgelensError as error:  # the others go nevertheless
            failed = failed or error
        else:
            click.echo(f"{each}: all is forgotten, the file is gone")
    if failed is not None:
        raise failed


def _gallery(path: Path) -> Gallery:
    from edgelens.runtime.gallery.gallery import opened_alone

    return opened_alone(path)


@contextlib.contextmanager
def _teacher(model: str) -> Iterator[Teacher]:
    """A model, ready to be taught."""
    from edgelens.runtime.model.open import open_alone
    from edgelens.runtime.model.recognizer import BundleRecognizer
    from edgelens.runtime.model.teaching import Teacher

    with BundleRecognizer(open_alone(model), taught=True) as recognizer:
        yield Teacher(recognizer)
