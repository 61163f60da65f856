"""The loop with a real engine and sources that do what the test says."""

import hashlib
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from scripted import Scripted, picture

from edgelens.runtime.errors import EdgelensError, SourceError, UsageError
from edgelens.runtime.loop.control import Control, Settings
from edgelens.runtime.loop.lane import Lane
from edgelens.runtime.loop.loop import LoopOptions, run
from edgelens.runtime.loop.model_slot import ModelAsked, ModelChoice, ModelSlot
from edgelens.runtime.loop.motion import MotionGate
from edgelens.runtime.loop.pace import Pace
from edgelens.runtime.loop.summary import summary_rows
from edgelens.runtime.model.arguments import ModelArguments
from edgelens.runtime.preprocess import Region


class Collected:
    name = "collected"

    def __init__(self):
        self.results, self.notices = [], []

    def write(self, result):
        self.results.append(result)

    def notice(self, notice):
        self.notices.append(notice)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        pass


@pytest.fixture
def model(color_bundle):
    with ModelSlot(color_bundle, ModelChoice("onnxruntime")) as slot:
        yield slot


@pytest.fixture
def another(color_bundle, write_color_bundle):
    """Makes a second bundle beside the first: (its model's bytes)."""

    def make(model_bytes):
        path, before = color_bundle.path, color_bundle.path.read_bytes()
        other = path.with_name("other.edge")
        write_color_bundle({"models/other.onnx": model_bytes}).path.rename(other)
        path.write_bytes(before)
        return str(other)

    return make


PLAIN = Settings(smoothing=1.0)


def go(sources, model, *, settings=PLAIN, duration=None, lanes=None, control=None, **more):
    sink, said = Collected(), []
    lanes = lanes or [Lane(source, model) for source in sources]
    control = control or Control([source.name for source in sources], settings)
    outcome = run(lanes, [sink], control, LoopOptions(duration, "here"), pace=Pace(), log=said.append, **more)
    return outcome, sink, said


def live(frames, seconds=0.01, **more):
    return Scripted([step for frame in frames for step in (frame, seconds)] + [30.0], live=True, **more)


def test_a_file_s_frames_all_come_out_in_order(model, frames_of_colors):
    outcome, sink, _ = go([Scripted(frames_of_colors * 5)], model)
    assert [result.seen.label() for result in sink.results] == ["red", "green", "blue"] * 10
    assert [result.frame.index for result in sink.results] == list(range(30))
    assert outcome.summary["frames"] == {"captured": 30, "processed": 30, "skipped": 0}
    said = sink.results[0].to_json()
    assert list(said["stages_ms"]) == ["capture", "preprocess", "infer", "decode"]
    assert (said["device"], said["source"], said["schema"]) == ("here", "scripted", 2)


def test_the_true_age_is_reported(model, frames_of_colors):
    _, sink, _ = go([live(frames_of_colors)], model, duration=0.3)
    for result in sink.results:
        assert sum(list(result.stages_ms.values())) <= result.age_ms + 1
        assert 0 <= result.age_ms <= (time.monotonic() - result.frame.captured) * 1e3


def test_smoothing_and_announcements_are_each_source_s_own(model, frames_of_colors):
    red, green = frames_of_colors[0], frames_of_colors[1]
    sources = [Scripted([red] * 8, name="a"), Scripted([green] * 8, name="b")]
    _, sink, _ = go(sources, model, settings=Settings(smoothing=0.5, agree=(3, 5)))
    announced = {(r.frame.source, r.announced) for r in sink.results if r.announced}
    assert announced == {("a", "red"), ("b", "green")}


def test_stills_are_neither_smoothed_nor_announced(model, frames_of_colors):
    source = Scripted(frames_of_colors * 2)
    _, sink, _ = go([source], model, settings=Settings(smoothing=0.1), lanes=[Lane(source, model, stills=True)])
    assert [result.seen.label() for result in sink.results] == ["red", "green", "blue"] * 4
    assert not any(result.announced for result in sink.results)


def test_settings_are_read_with_every_frame(model, frames_of_colors):
    control = Control(["scripted"], Settings(smoothing=1.0))

    def hear(result):
        if result.frame.index == 4:
            control.change(threshold=0.9999999)
        if result.frame.index == 9:
            control.change(threshold=None, region=Region(0, 0, 20, 20))

    _, sink, _ = go([Scripted([frames_of_colors[0] // 2] * 15)], model, control=control, hear=hear)
    labels = [result.seen.label() for result in sink.results]
    assert labels[:5] == ["red"] * 5
    assert labels[6:10] == ["unknown"] * 4
    assert labels[11:] == ["red"] * 4
    assert sink.results[0].view == (10, 0, 40, 40)
    assert sink.results[-1].view == (0, 0, 20, 20)


def test_only_the_chosen_classes_are_seen_and_announced(model, frames_of_colors):
    sources = [Scripted(frames_of_colors * 4, name="a"), Scripted(frames_of_colors * 4, name="b")]
    control = Control(["a", "b"], Settings(smoothing=1.0, agree=(1, 1)))
    control.change("a", classes=("green",))
    _, sink, _ = go(sources, model, control=control)
    labels = {name: {r.seen.label() for r in sink.results if r.frame.source == name} for name in ("a", "b")}
    assert labels == {"a": {"green", "unknown"}, "b": {"red", "green", "blue"}}
    assert {r.announced for r in sink.results if r.frame.source == "a"} == {"green", None}


def test_pause_stops_recognizing_and_goes_on(model, frames_of_colors):
    control = Control(["scripted"], Settings(paused=True))
    threading.Timer(0.4, lambda: control.change(paused=False)).start()
    outcome, sink, _ = go([live(frames_of_colors * 30)], model, control=control, duration=1.0)
    assert sink.results
    assert sink.results[0].frame.index > 10
    assert outcome.summary["frames"]["skipped"] > 10


def test_a_paused_file_goes_on_where_it_was(model, frames_of_colors):
    control = Control(["scripted"], Settings(paused=True))
    threading.Timer(0.4, lambda: control.change(paused=False)).start()
    outcome, sink, _ = go([Scripted(frames_of_colors * 5)], model, control=control)
    assert [result.frame.index for result in sink.results] == list(range(30))
    assert outcome.summary["frames"] == {"captured": 30, "processed": 30, "skipped": 0}


def test_motion_leaves_out_frames_that_did_not_change(model, frames_of_colors):
    still = [frames_of_colors[0]] * 10 + [frames_of_colors[1]] * 10
    source = Scripted(still)
    outcome, sink, _ = go([source], model, lanes=[Lane(source, model, motion=MotionGate())])
    assert [result.frame.index for result in sink.results] == [0, 10, 19]  # a file's last is looked at all the same
    assert outcome.summary["frames"] == {"captured": 20, "processed": 3, "skipped": 17, "unmoved": 17}
    assert "17 skipped (17 of them unmoved)" in summary_rows(outcome.summary)[0][0]


def test_the_last_of_unmoved_pictures_is_passed_over_too(model, frames_of_colors):
    source = Scripted([frames_of_colors[0]] * 5)
    _, sink, _ = go([source], model, lanes=[Lane(source, model, motion=MotionGate(), stills=True)])
    assert [result.frame.index for result in sink.results] == [0]


def test_a_file_is_looked_at_now_and_then_in_its_own_time(model, frames_of_colors):
    class Positioned(Scripted):
        def read(self):
            frame = super().read()
            return frame and replace(frame, position_s=frame.index / 10)

    source = Positioned([frames_of_colors[0]] * 60)
    _, sink, _ = go([source], model, lanes=[Lane(source, model, motion=MotionGate())])
    assert [result.frame.index for result in sink.results] == [0, 20, 40, 59]
    assert [result.to_json()["time"] for result in sink.results] == [0, 2, 4, 5.9]


def test_a_region_outside_the_frame_is_refused(model, frames_of_colors):
    with pytest.raises(UsageError, match="--roi 900,0,10,10: lies outside the 60×40 pixels of scripted"):
        go([Scripted(frames_of_colors)], model, settings=Settings(region=Region(900, 0, 10, 10)))


def test_a_region_in_pixels_is_one_in_fractions_once_the_frame_is_known(model, frames_of_colors):
    control = Control(["scripted"], Settings(region=Region(8, 4, 12, 12)))
    _, sink, _ = go([Scripted(frames_of_colors)], model, control=control)
    region = control.settings("scripted").region
    assert (region.x, region.y, region.w, region.h) == pytest.approx((8 / 60, 4 / 40, 12 / 60, 12 / 40))
    assert region.pixels(40, 60) == (8, 4, 12, 12)
    assert {tuple(result.view) for result in sink.results} == {(8, 4, 12, 12)}


def test_results_say_what_is_standing(model, frames_of_colors):
    red, green = frames_of_colors[0], frames_of_colors[1]
    _, sink, _ = go([Scripted([red] * 3 + [green] * 4)], model, settings=Settings(smoothing=1.0, agree=(2, 3)))
    assert [r.standing for r in sink.results] == [
        (), ("red",), ("red",), ("red",), ("red", "green"), ("green",), ("green",)]  # fmt: skip


def test_max_fps(model, frames_of_colors):
    _, sink, _ = go([live(frames_of_colors * 40, 0.005)], model, settings=Settings(max_fps=10), duration=1.0)
    assert 7 <= len(sink.results) <= 11


def test_a_lost_camera_is_told_to_sinks_and_counted(model, frames_of_colors):
    camera = Scripted(
        [frames_of_colors[0], 0.5, SourceError("unplugged")], [frames_of_colors[1], 5.0], live=True, name="cam"
    )
    outcome, sink, said = go([camera], model, duration=1.8)
    assert [notice.kind for notice in sink.notices] == ["lost", "back", "ended"]
    assert said[0] == "cam: lost: unplugged; opening it again"
    assert outcome.summary["recoveries"] == 1
    assert len(sink.results) == 2


def test_what_a_sink_was_too_slow_for_is_told_at_the_end(model, frames_of_colors, monkeypatch):
    monkeypatch.setattr(Collected, "write", lambda self, result: time.sleep(0.1))
    outcome, _, _ = go([live(frames_of_colors * 40)], model, duration=0.6)
    dropped, processed = outcome.summary["dropped"]["collected"], outcome.summary["frames"]["processed"]
    assert 0 < dropped < processed
    lines, _ = summary_rows(outcome.summary)
    assert lines[-1] == f"collected: {dropped} of {processed} results dropped, it was too slow"


def test_a_model_is_exchanged_while_the_loop_runs(model, frames_of_colors, another, color_onnx):
    other = another(color_onnx())
    control = Control(["scripted"], Settings(smoothing=1.0), [other])
    swapped = []

    def hear(result):
        if result.frame.index == 5:
            control.swap(other)
            swapped.append(control.status().model.name)

    _, sink, _ = go([Scripted(frames_of_colors * 3)], model, control=control, hear=hear)
    assert swapped == [other]
    assert len(sink.results) == 18


def test_one_source_s_model_is_exchanged_and_taken_again(model, frames_of_colors, another, color_onnx):
    """Two sources share a model: what one of them takes says nothing to the other, and the first one is there still."""
    other = another(color_onnx())
    sources = [Scripted(frames_of_colors * 4, name="a"), Scripted(frames_of_colors * 4, name="b")]
    mine = ModelAsked("mine", ModelArguments(labels=("rot", "gruen", "blau")))
    with ModelSlot(model.bundle, model.choice, ModelAsked(str(model.bundle.path))) as shared:
        own = replace(mine, name=str(model.bundle.path))
        lanes = [Lane(sources[0], shared, at_hand={"mine": own}), Lane(sources[1], shared)]
        control, ran = Control(["a", "b"], PLAIN), []

        def hear(result):
            if (result.frame.source, result.frame.index) in (("a", 3), ("a", 9), ("b", 20)):
                name, of = {3: (other, "a"), 9: ("mine", "a"), 20: (other, None)}[result.frame.index]
                control.swap(name, of)
                ran.append([source.model.name for source in control.status().sources])

        _, sink, _ = go(sources, None, lanes=lanes, control=control, hear=hear)
        assert ran == [[other, shared.name], [own.name, shared.name], [other, other]]
        labels = [(r.frame.index, r.seen.label()) for r in sink.results if r.frame.source == "a"]
        assert [label for index, label in labels if 11 < index < 18] == ["rot", "gruen", "blau"] * 2
        assert len(labels) == 24
        assert lanes[0].model is lanes[1].model
        assert shared.running == ("", ""), "nobody runs it any more, so it is closed"
        lanes[0].model.__exit__()


def test_a_model_that_fails_its_golden_frames_is_refused(model, frames_of_colors, another, color_onnx):
    wrong = another(color_onnx(scale=-1.0))
    control, refused = Control(["scripted"], Settings(smoothing=1.0)), []

    def hear(result):
        if result.frame.index == 2:
            with pytest.raises(EdgelensError, match="golden frames") as error:
                control.swap(wrong)
            refused.append(error)

    _, sink, _ = go([Scripted(frames_of_colors)], model, control=control, hear=hear)
    assert refused
    assert control.status().model.name == model.name
    assert [result.seen.label() for result in sink.results] == ["red", "green", "blue"] * 2


def test_status_tells_what_goes_on(model, frames_of_colors):
    control, seen = Control(["scripted"], Settings(smoothing=1.0)), []
    go(
        [live(frames_of_colors * 20)],
        model,
        control=control,
        duration=0.5,
        hear=lambda _: seen.append(control.status()),
    )
    status = seen[-1]
    assert (status.model.engine, status.model.precision, len(status.sources)) == ("onnxruntime", "float32", 1)
    source = status.sources[0]
    assert source.model == status.model
    assert (source.model.bundle, source.model.version) == ("color", 1)
    assert source.model.sha256 == hashlib.sha256(model.bundle.path.read_bytes()).hexdigest()
    assert source.state == "ok"
    assert source.seconds_since_frame < 0.3
    assert (sum(source.seen.values()), set(source.seen)) == (source.processed, {"red", "green", "blue"})
    assert source.connected
    assert source.live
    assert 20 < source.fps < 200
    assert source.processed == len(seen)
    assert set(source.stages_ms) == {"capture", "preprocess", "infer", "decode"}


def test_status_says_which_camera_is_away_since_when_and_why(model, frames_of_colors):
    asked = threading.Event()
    first = [lambda: asked.wait(5), frames_of_colors[0], 0.1, SourceError("unplugged")]
    control, seen = Control(["scripted"], PLAIN), []
    camera = Scripted(first, [SourceError("no such device")], live=True)

    def stop():
        seen.extend(control.status().sources)
        asked.set()
        return seen[-1].problem == "no such device" and seen[-1].seconds_since_frame > 0.5

    go([camera], model, control=control, stop=stop)
    assert seen[0].state == "starting"
    last = max((status for status in seen if status.state == "away"), key=lambda status: status.seconds_since_frame)
    assert (last.state, last.connected, last.problem) == ("away", False, "no such device")
    assert last.age_ms == pytest.approx(last.seconds_since_frame * 1e3)


def test_a_camera_that_hangs_without_a_word_is_away(model, frames_of_colors, monkeypatch):
    monkeypatch.setattr("edgelens.runtime.loop.status.STALE_S", 0.2)
    control, seen = Control(["scripted"], PLAIN), []

    def stop():
        seen.extend(control.status().sources)
        return seen[-1].state == "away"

    go([Scripted([frames_of_colors[0], 30.0], live=True)], model, control=control, stop=stop, duration=10)
    away = next(status for status in seen if status.state == "away")
    assert (away.connected, away.captured, away.problem) == (True, 1, "no frame comes")


def test_a_file_that_was_read_to_its_end_is_not_away(model, frames_of_colors):
    control = Control(["scripted"], PLAIN)
    go([Scripted(frames_of_colors)], model, control=control)
    assert control.status().sources[0].state == "ended"


def test_a_wish_to_stop_is_heeded_within_a_moment(model):
    start = time.monotonic()
    outcome, _, _ = go([live([picture(1)], 30.0)], model, stop=lambda: time.monotonic() - start > 0.5)
    assert time.monotonic() - start < 1.5
    assert outcome.summary["frames"]["processed"] == 1


def test_a_source_that_cannot_be_opened_leaves_no_thread_behind(model):
    before = threading.active_count()
    with pytest.raises(SourceError):
        go([Scripted([SourceError("no")])], model)
    assert threading.active_count() == before


def test_frames_hold_what_was_captured(model, frames_of_colors):
    _, sink, _ = go([Scripted(frames_of_colors)], model)
    assert all(np.array_equal(r.frame.image, f) for r, f in zip(sink.results, frames_of_colors, strict=True))
