"""What was drawn on the page lies over what was configured, also after a restart."""

import pytest

from edgelens.runtime.errors import UsageError
from edgelens.runtime.live.shared.knobs import change_settings, settings_json
from edgelens.runtime.loop.control import Control, Settings
from edgelens.runtime.zones.drawn import drawn_file, keep_drawn, laid_over, places_json
from edgelens.runtime.zones.options import Line, Zone, ZoneOptions

DOOR, GATE = Line("door", (0.5, 0.0), (0.5, 1.0)), Line("gate", (0.1, 0.1), (0.9, 0.1))
SHELF = Zone("shelf", ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)))
CONFIGURED = ZoneOptions(line=(DOOR,), zone=(SHELF,), loiter=5.0)


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    return drawn_file("door camera")


def test_what_was_drawn_moved_and_taken_away_holds_at_the_next_start(path):
    said = []
    assert laid_over(CONFIGURED, path, said.append) is CONFIGURED
    moved = Zone("shelf", ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0)))
    keep_drawn(path, CONFIGURED, ZoneOptions(line=(GATE,), zone=(moved,)))
    again = laid_over(CONFIGURED, path, said.append)
    assert (again.line, again.zone, again.loiter) == ((GATE,), (moved,), 5.0)
    assert [line.partition(" on the page; as configured again without ")[0] for line in said] == [
        "line door is left out, as it was taken away",
        "zone shelf lies where it was drawn",
    ]
    assert all(line.endswith(str(path)) for line in said)
    other = laid_over(ZoneOptions(line=(DOOR, Line("new", (0.0, 0.0), (1.0, 1.0)))), path, said.append)
    assert [line.name for line in other.line] == ["new", "gate"]  # what came into the config later is there


def test_what_is_configured_anew_is_newer_than_what_was_drawn_before(path):
    keep_drawn(path, CONFIGURED, ZoneOptions(line=(GATE,)))
    edited = ZoneOptions(line=(DOOR,), zone=(Zone("shelf", ((0.0, 0.0), (0.2, 0.0), (0.2, 0.2))),))
    said = []
    again = laid_over(edited, path, said.append)
    assert (again.line, again.zone) == ((GATE,), edited.zone)
    assert len(said) == 1 and said[0].startswith("line door is left out")
    same_name = ZoneOptions(line=(Line("gate", (0.5, 0.5), (0.9, 0.9)),))
    assert laid_over(same_name, path, said.append).line == same_name.line


BROKEN = ["", "[]", '{"lines": {}}', '{"lines": {"a": 3}, "zones": {}}', '{"lines": 1, "zones": 2}']


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_file_is_said_and_passed_over(path, text):
    said = []
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert laid_over(CONFIGURED, path, said.append) is CONFIGURED
    assert "what was drawn on the page is passed over" in said[0]


def test_the_page_s_knob_is_checked_before_anything_is_changed():
    control = Control(["door"], Settings(places=CONFIGURED))
    assert settings_json(control.settings("door"))["places"] == places_json(CONFIGURED)
    for wrong in (None, {}, {"lines": {}, "zones": []}, {"lines": {"a": [0, 0, 2, 1]}, "zones": {}}):
        with pytest.raises(UsageError, match="places"):
            change_settings(control, {"source": "door", "places": wrong})
    assert control.settings("door").places is CONFIGURED
    change_settings(control, {"source": "door", "places": {"lines": {"gate": [0.1, 0.1, 0.9, 0.1]}, "zones": {}}})
    assert control.settings("door").places == ZoneOptions(line=(GATE,))
