"""How lines, zones and masks are written, on the command line and in a file of sources."""

import pytest

from edgelens.runtime.errors import UsageError
from edgelens.runtime.loop.config import SourcePlan, read_config
from edgelens.runtime.said import from_said
from edgelens.runtime.zones.options import Line, Zone, ZoneOptions

DOOR = Line("door", (0.5, 0.1), (0.5, 0.9))
SHELF = Zone("shelf", ((0, 0), (1, 0), (1, 1)))


def test_the_command_line_takes_several():
    given = {"line": ("door=.5,.1,.5,.9", "gate=0,0,1,1"), "zone": ("shelf=0,0,1,0,1,1",), "mask": ("0,0,1,0,1,1",)}
    options = from_said(ZoneOptions, given)
    assert options.line == (DOOR, Line("gate", (0, 0), (1, 1)))
    assert options.zone == (SHELF,)
    assert options.mask == (Zone("mask 1", SHELF.points),)
    assert options.watched
    assert not ZoneOptions().watched


@pytest.mark.parametrize("written", ["['door=.5,.1,.5,.9']", "'door=.5,.1,.5,.9'", "{door = [0.5, 0.1, 0.5, 0.9]}"])
def test_a_file_takes_texts_or_a_table(tmp_path, written):
    path = tmp_path / "c.toml"
    path.write_text(f"[[source]]\nurl = 'demo'\ntrack = true\nloiter = 20\nline = {written}")
    (plan,) = read_config(str(path), SourcePlan(""))
    assert plan.places.line == (DOOR,)
    assert (plan.places.loiter, plan.follow.track) == (20, True)


def test_each_source_has_its_own_and_else_the_command_line_s(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text("[[source]]\nurl = 'demo'\n[[source]]\nurl = '0'\nline = ['gate=0,0,1,1']\n")
    one, other = read_config(str(path), SourcePlan("", places=ZoneOptions(line=(DOOR,), anchor="middle")))
    assert one.places.line == (DOOR,)
    assert [line.name for line in other.places.line] == ["gate"]
    assert other.places.anchor == "middle"


@pytest.mark.parametrize(
    ("option", "text", "said"),
    [
        ("line", "door", "write x and y of each point"),
        ("line", "=0,0,1,1", "needs a name"),
        ("line", "door=0,0,1", "write x and y of each point"),
        ("line", "door=0,0,a,1", "write x and y of each point"),
        ("line", "door=0,0,nan,1", "between 0 and 1"),
        ("line", "door=0,0,320,1", "fractions of the frame, between 0 and 1"),
        ("line", "door=0,0,0,0", "two points that differ"),
        ("line", "door=0,0,1,1,0,1", "two points that differ"),
        ("zone", "shelf=0,0,1,1", "three points at least"),
        ("zone", "sh/elf=0,0,1,1,0,1", "needs a name of letters"),
        ("mask", "0,0,1,1", "three points at least"),
    ],
)
def test_what_is_wrong_is_one_line(option, text, said):
    with pytest.raises(UsageError, match=said) as error:
        from_said(ZoneOptions, {option: (text,)})
    assert str(error.value).startswith(f"--{option}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["दुकान", "ร้าน", "cafe\u0301", "店 2", "a" * 40])
def test_a_name_is_of_any_script(name):
    assert [zone.name for zone in from_said(ZoneOptions, {"zone": (f"{name}=0,0,1,0,1,1",)}).zone] == [name]


@pytest.mark.parametrize("name", ["\u0301a", "a" * 41, "a" + "\u0301" * 60, "a/b", "-"])
def test_what_is_no_name_is_none(name):
    with pytest.raises(UsageError, match="needs a name of letters and digits"):
        from_said(ZoneOptions, {"zone": (f"{name}=0,0,1,0,1,1",)})


def test_a_name_is_there_once():
    with pytest.raises(UsageError, match="is there twice"):
        from_said(ZoneOptions, {"line": ("a=0,0,1,1", "a=0,0,1,0")})
