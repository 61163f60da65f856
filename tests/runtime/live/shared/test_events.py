"""What happened is remembered, searched, and found again in a recording of the days before."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import staged_scenes as scenes

from edgelens.runtime.live.shared.timeline import Timeline
from edgelens.runtime.live.shared.wanted import Wanted
from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.result import Result
from edgelens.runtime.sinks.options.record import RecordOptions
from edgelens.runtime.sinks.record import RecordSink
from edgelens.runtime.sinks.recorded import Recorded


def asked(loop: Any, **wanted: Any) -> list[dict[str, Any]]:
    answer = httpx.get(loop.base + "/v1/events", params=wanted)
    assert answer.status_code == 200, answer.text
    events: list[dict[str, Any]] = answer.json()["events"]
    return events


def told(loop: Any, source: str, label: str, when: float, events: tuple[Any, ...] = ()) -> Result:
    """A result of a moment, with what is announced or noticed in it."""
    result: Result = loop.result(source)
    frame = dataclasses.replace(result.frame, time=when)
    return dataclasses.replace(result, frame=frame, announced=label or None, events=events)


def numbered(digit: int, x: int, y: int) -> Recognitions:
    return dataclasses.replace(scenes.things(digit, x, y), track_ids=[7, -1])


def test_events_are_searched_by_label_source_and_time(staged: Any) -> None:
    loop, now = staged("door", "hall", fps=0), time.time()
    for i, label in enumerate(["cup", "Cupboard", "plate", "cup"]):
        loop.preview.write(told(loop, "door" if i < 3 else "hall", label, now - 400 + 100 * i))
    labels = lambda **wanted: [event["label"] for event in asked(loop, **wanted)]  # noqa: E731
    assert labels() == ["cup", "plate", "Cupboard", "cup"], "newest first"
    assert labels(label="CUP") == ["cup", "Cupboard", "cup"]
    assert labels(label="cup", source="door") == ["Cupboard", "cup"]
    assert labels(since=now - 250) == ["cup", "plate"]
    assert labels(since=now - 350, until=now - 250) == ["Cupboard"]
    assert labels(source="yard") == []
    page = httpx.get(loop.base + "/v1/events?limit=3").json()
    assert page["more"]
    rest = httpx.get(loop.base + "/v1/events", params={"limit": 3, "before": page["events"][-1]["id"]}).json()
    assert ([event["label"] for event in rest["events"]], rest["more"]) == (["cup"], False)


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"limit": "0"}, "limit is a whole number from 1 to 200"),
        ({"limit": "9" * 40}, "limit is a whole number"),
        ({"before": "-1"}, "before is a whole number"),
        ({"since": "nan"}, "since is a time in seconds since 1970"),
        ({"since": "9", "until": "8"}, "since is later than until: nothing lies between"),
        ({"label": "a" * 101}, "label: at most 100 letters"),
        (
            {"colour": "red"},
            "events are not searched by 'colour'; there are label, source, since, until, before, limit",
        ),
    ],
)
def test_a_search_that_means_nothing_is_refused_in_a_line(staged: Any, wanted: dict[str, str], why: str) -> None:
    answer = httpx.get(staged(fps=0).base + "/v1/events", params=wanted)
    assert (answer.status_code, answer.json()["error"]) == (400, why)


def test_what_a_line_noticed_has_its_place_and_box(staged: Any) -> None:
    loop = staged("door", fps=0, scene=numbered)
    crossed = {"kind": "crossed", "line": "gate", "direction": "in", "label": "person", "track": 7}
    result = told(loop, "door", "", time.time(), (crossed,))
    loop.preview.write(result)
    (event,) = asked(loop, label="gate")
    assert (event["kind"], event["label"], event["place"]) == ("crossed", "person", "gate in")
    x, y, w, h = result.seen.places[0].tolist()
    assert event["box"] == pytest.approx([x / 640, y / 480, w / 640, h / 480], abs=1e-3)
    assert event["score"] == pytest.approx(0.91)


def test_thousands_are_remembered_and_the_last_with_their_pictures(staged: Any) -> None:
    loop, timeline = staged(fps=0), Timeline(pictured=3)
    for i in range(8):
        timeline.add(told(loop, "camera", f"label {i}", 1e9 + i))
    found, more = timeline.find(Wanted())
    assert [timeline.has_picture(moment) for moment in found] == [True] * 3 + [False] * 5
    assert not more
    with pytest.raises(LookupError):
        timeline.picture(found[-1])


def test_a_recording_tells_of_what_was_before(staged: Any, tmp_path: Path) -> None:
    loop = staged("hall 1", fps=0, scene=scenes.things)
    then = time.time() - 3600
    with RecordSink(RecordOptions(tmp_path, before_s=0.2, after_s=0.2, keep_free_bytes=0)) as sink:
        for i in range(30):
            result = told(loop, "hall 1", "bottle" if i in (8, 10) else "", then + i / 30)
            frame = dataclasses.replace(result.frame, captured=100 + i / 30)
            sink.write(dataclasses.replace(result, frame=frame))
    with (tmp_path / "lines" / "30000101-000000-000000.jsonl").open("w") as damaged:
        damaged.write('{"when": 1}\nnot json\n[]\n{"size": [0, 0], "when": 1, "announced": "x"}\n')
    timeline = Timeline(recorded=Recorded(tmp_path))
    timeline.add(told(loop, "hall 1", "cup", time.time()))
    now, second, first = timeline.find(Wanted())[0]
    assert [moment.label for moment in (now, second, first)] == ["cup", "bottle", "bottle"]
    assert now.number > second.number > first.number
    clip = timeline.clip(first)
    assert clip is not None
    assert clip.parent == tmp_path / "clips"
    assert timeline.clip(second) == clip, "the clip that was under way shows it too"
    assert timeline.clip(now) is None
    for after_s, shown in ((3, clip), (9, None), (30, None)):
        again = Timeline(recorded=Recorded(tmp_path))
        again.find(Wanted())
        (later,) = again.add(told(loop, "hall 1", "cup", second.time + after_s))
        assert again.clip(later) == shown, "after 5 s without news the clip has ended: the next one is still to come"
    assert timeline.picture(first).startswith(b"\xff\xd8")
    assert timeline.thumb(first).startswith(b"\xff\xd8")
    box = [9 / 640, 9 / 480, 80 / 640, 150 / 480]
    assert first.all_to_json()["results"] == [{"label": "bottle", "id": 0, "score": 0.66, "box": pytest.approx(box)}]


def test_a_file_s_clip_is_found_by_the_file_s_own_time(staged: Any, tmp_path: Path) -> None:
    """Read slowly, so that what is in one clip happened minutes apart, and then again, quickly."""
    loop, then = staged("film", fps=0), time.time() - 3600
    timeline = Timeline(recorded=Recorded(tmp_path))

    def read(began: float, slowness: float, announce: dict[int, str]) -> None:
        for i in range(60):
            result = told(loop, "film", announce.get(i, ""), began + slowness * i / 5)
            result = dataclasses.replace(result, frame=dataclasses.replace(result.frame, position_s=i / 5))
            sink.write(result)
            timeline.add(result)

    with RecordSink(RecordOptions(tmp_path, before_s=1, after_s=5, keep_free_bytes=0)) as sink:
        read(then, 60, {10: "cup", 30: "mug"})
        read(then + 1800, 0.01, {0: "pot", 40: "jug"})
    clips = {moment.label: timeline.clip(moment) for moment in timeline.find(Wanted())[0]}
    called = {label: clip.stem.split("-")[-1] for label, clip in clips.items() if clip is not None}
    assert called == {"cup": "cup", "mug": "cup", "pot": "pot", "jug": "jug"}
    clips["pot"].unlink()
    (pot,) = (moment for moment in timeline.find(Wanted())[0] if moment.label == "pot")
    assert timeline.clip(pot) is None, "no clip of the reading before shows it"


@pytest.mark.parametrize("boxes_as", ["data", "both", "burnt", "none"])
def test_what_lies_beside_a_clip_is_served_with_it(staged: Any, tmp_path: Path, boxes_as: str) -> None:
    loop = staged("door", fps=0, scene=scenes.things, recorded=tmp_path)
    options = RecordOptions(tmp_path, before_s=0.2, after_s=0.2, keep_free_bytes=0, boxes_as=boxes_as)
    with RecordSink(options) as sink:
        for i in range(20):
            result = told(loop, "door", "bottle" if i == 8 else "", time.time())
            result = dataclasses.replace(result, frame=dataclasses.replace(result.frame, captured=100 + i / 20))
            sink.write(result)
            loop.preview.write(result)
    (event,) = asked(loop)
    moment = f"{loop.base}/live/moments/{event['id']}"
    answer, said = httpx.get(moment + "/clip/boxes"), httpx.get(moment).json()
    assert (said["clip"], said["clip_boxes"]) == ("there", boxes_as in ("data", "both"))
    if not said["clip_boxes"]:
        assert (answer.status_code, answer.json()["error"]) == (404, "no boxes of its clip are kept")
        return
    (kept,) = tmp_path.glob("clips/*.jsonl")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    assert answer.content == kept.read_bytes()
    assert [row["label"] for row in json.loads(answer.text.splitlines()[0])["results"]] == ["person", "bottle"]
    assert httpx.get(f"{loop.base}/live/moments/999/clip/boxes").status_code == 404


def test_a_clock_that_was_not_set_at_the_start_hides_no_history(tmp_path: Path, staged: Any) -> None:
    loop, now = staged(fps=0), time.time()
    recorded = lambda: Timeline(recorded=Recorded(tmp_path))  # noqa: E731
    with RecordSink(RecordOptions(folder=tmp_path, keep_free_bytes=0)) as sink:
        sink.write(told(loop, "camera", "cup", now + 1000))  # by a clock that is right, or ahead
    timeline = recorded()
    with RecordSink(RecordOptions(folder=tmp_path, keep_free_bytes=0)) as sink:
        for result in (told(loop, "camera", "jug", 5.0), told(loop, "camera", "mug", now)):  # set after a moment
            sink.write(result)
            timeline.add(result)
    assert [moment.label for moment in timeline.find(Wanted())[0]] == ["mug", "jug", "cup"]
    assert sorted(moment.label for moment in recorded().find(Wanted())[0]) == ["cup", "jug", "mug"]


def test_what_does_not_belong_in_a_recording_is_not_served(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    for part, kind in (("clips", "mp4"), ("snapshots", "jpg"), ("lines", "jsonl")):
        (tmp_path / part).mkdir()
        (tmp_path / part / f"20260101-000000-000000-camera-a.{kind}").symlink_to(tmp_path / "secret")
        (tmp_path / part / "20260101-000000-000000-camera-b.txt").write_text("x")
    (tmp_path / "lines" / "20260101-000000-000001.jsonl").write_text("[" * 100_000 + "\n")
    recorded, moment = Recorded(tmp_path), 1767225600.0
    assert recorded.clip("camera", [(moment, moment)]) is None
    assert recorded.snapshot("camera", moment) is None
    assert list(recorded.lines()) == []
