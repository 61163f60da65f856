import csv
import io
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from edgelens.runtime.errors import UsageError
from edgelens.runtime.frame import Frame
from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.result import Result
from edgelens.runtime.sinks.annotated import annotated
from edgelens.runtime.sinks.catalog import open_sinks
from edgelens.runtime.sinks.csvrows import COLUMNS, CsvRows
from edgelens.runtime.sinks.jsonlines import JsonLines
from edgelens.runtime.sinks.options.annotated import SaveOptions
from edgelens.runtime.sinks.options.jsonlines import JsonOptions
from edgelens.runtime.sinks.protocol import SinkContext
from edgelens.runtime.sinks.terminal import TerminalText
from edgelens.runtime.sinks.window import Window, has_windows

LABELS = ("cup", "fork")


def result(index: int = 0, *, seen=None, path=None, source="cam", size=(60, 80), position=None, **more) -> Result:
    image = np.full((*size, 3), 40 + index * 5 % 100, np.uint8)
    frame = Frame(image, index, 10.0 + index / 20, 1000.0, source, path, position)
    return Result(frame, label(0, 1) if seen is None else seen, {"infer": 1.5}, 7.0, **more)


def label(best: int, rival: int) -> Recognitions:
    """What a classifier says: the best class, and one that it might have been."""
    return Recognitions(LABELS, [best], [0.8], rivals=np.array([[rival, -1]], np.int32),
                        rival_scores=np.array([[0.2, 0]], np.float32), task="classify")  # fmt: skip


def boxes(*ids: int, **columns) -> Recognitions:
    """What a detector says: a row a thing."""
    places = np.array([[1 + 4 * i, 2 + 4 * i, 3, 4] for i in range(len(ids))], np.float32)
    return Recognitions(LABELS, list(ids), [0.8, 0.6][: len(ids)], boxes=places, task="detect", **columns)


def write(sink, *results) -> None:
    with sink:
        for one in results:
            sink.write(one)


def test_json_lines_are_appended_and_flushed(tmp_path):
    path = tmp_path / "out.jsonl"
    write(JsonLines(str(path)), result(0))
    sink = JsonLines(str(path))
    with sink:
        sink.write(result(1, announced="cup"))
        lines = [json.loads(line) for line in path.read_text().splitlines()]  # before it is closed
    assert [line["frame"] for line in lines] == [0, 1]
    assert lines[1]["announced"] == "cup"
    rival = {"label": "fork", "score": 0.2}
    assert lines[0]["results"] == [{"label": "cup", "id": 0, "score": 0.8, "rivals": [rival]}]


def test_dash_is_stdout_and_stays_open(capsys):
    write(JsonLines("-"), result(0))
    print("still open")
    first, second = capsys.readouterr().out.splitlines()
    assert json.loads(first)["schema"] == 2
    assert second == "still open"


def rows_of(path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def test_csv_has_a_row_for_each_thing_and_one_header(tmp_path):
    path = tmp_path / "out.csv"
    write(CsvRows(str(path)), result(0, seen=boxes(0, 1), path="a,b.jpg"))
    write(CsvRows(str(path)), result(1, seen=boxes()), result(2, announced="cup", position=0.08))
    rows = rows_of(path)
    assert tuple(rows[0]) == COLUMNS
    assert [(row["frame"], row["label"]) for row in rows] == [("0", "cup"), ("0", "fork"), ("1", ""), ("2", "cup")]
    assert (rows[1]["x"], rows[1]["h"], rows[1]["path"], rows[1]["rivals"]) == ("5.0", "4.0", "a,b.jpg", "")
    assert (rows[3]["announced"], rows[3]["rivals"], rows[3]["position_s"]) == ("cup", "fork 0.2", "0.08")


def test_csv_says_which_thing_it_is_and_what_was_found_inside_it(tmp_path):
    path = tmp_path / "out.csv"
    columns = {
        "track_ids": np.array([7, -1], np.int32),
        "parents": np.array([-1, 0], np.int32),
        "identities": ("Ada", ""),
        "texts": ("", "B-42"),
        "values": np.array([np.nan, 3.25], np.float32),
    }
    write(CsvRows(str(path)), result(0, seen=boxes(0, 1, **columns)))
    found = [[row[name] for name in ("track", "parent", "name", "text", "value")] for row in rows_of(path)]
    assert found == [["7", "", "Ada", "", ""], ["", "0", "", "B-42", "3.25"]]


def test_a_csv_file_keeps_the_columns_it_was_begun_with(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("frame,score,label\n8,0.5,spoon\n")
    write(CsvRows(str(path)), result(9))
    assert path.read_text().splitlines() == ["frame,score,label", "8,0.5,spoon", "9,0.8,cup"]
    path.write_text("\ufeffframe,label\n8,spoon\n", encoding="utf-8")  # as spreadsheets save it
    write(CsvRows(str(path)), result(9))
    assert path.read_text().splitlines()[1:] == ["8,spoon", "9,cup"]
    path.write_text("when,who\n")
    with pytest.raises(UsageError, match="another table: it has a column 'when'"):
        CsvRows(str(path)).__enter__()
    assert path.read_text() == "when,who\n"
    path.write_text("x" * 200_000)
    with pytest.raises(UsageError, match=r"could not be read \(field larger than field limit"):
        CsvRows(str(path)).__enter__()


def test_no_cell_is_a_formula_and_numbers_stay_numbers(tmp_path):
    path = tmp_path / "out.csv"
    evil = ('=HYPERLINK("http://x")', "-2+3+cmd|' /C calc'!A0", "@SUM(1)", "+49 123", "-0.5", "ab=c")
    for text in evil:
        columns = {"texts": (text,), "values": np.array([-3.5], np.float32)}
        write(CsvRows(str(path)), result(0, seen=boxes(0, **columns), source="=cam"))
    assert [row["text"] for row in rows_of(path)] == [*(f"'{text}" for text in evil[:3]), *evil[3:]]
    assert {(row["source"], row["value"]) for row in rows_of(path)} == {("'=cam", "-3.5")}


@pytest.mark.parametrize("away", ["moved", "deleted"])
def test_a_log_that_is_moved_away_is_begun_anew(tmp_path, away):
    path = tmp_path / "out.csv"
    with CsvRows(str(path)) as sink:
        sink.write(result(1))
        path.rename(tmp_path / "out.csv.1") if away == "moved" else path.unlink()
        sink.write(result(2))
        sink.write(result(3))
    assert [row["frame"] for row in rows_of(path)] == ["2", "3"]
    assert away == "deleted" or [row["frame"] for row in rows_of(tmp_path / "out.csv.1")] == ["1"]


def test_a_line_that_a_crash_has_cut_is_ended_first(tmp_path):
    path = tmp_path / "out.jsonl"
    path.write_text('{"frame": 7, "sco')
    write(JsonLines(str(path)), result(0))
    assert json.loads(path.read_text().splitlines()[1])["frame"] == 0


@pytest.mark.parametrize("sink", [JsonLines, CsvRows])
def test_a_place_that_cannot_be_written_to_is_one_line(sink, tmp_path):
    with pytest.raises(UsageError, match="could not be opened to write"):
        sink(str(tmp_path / "no" / "such" / "folder.x")).__enter__()


def shown(path) -> list[float]:
    """When each frame of a video is shown, in seconds."""
    video, found = cv2.VideoCapture(str(path)), []
    while video.read()[0]:
        found.append(round(video.get(cv2.CAP_PROP_POS_MSEC) / 1000, 2))
    video.release()
    return found


@pytest.mark.parametrize("name", ["out.mp4", "out.avi", "out.webm", "out.mkv"])
def test_an_annotated_video_has_the_source_s_rate_and_every_frame(tmp_path, name):
    said = []
    sink = annotated(str(tmp_path / name), lambda source: 25.0)
    sink.losses.say = said.append
    write(sink, *[result(i, size=(121, 161), position=i / 25) for i in range(12)])
    (path,) = tmp_path.iterdir()
    assert shown(path) == [round(i / 25, 2) for i in range(12)]
    video = cv2.VideoCapture(str(path))
    assert video.read()[1].shape[0] >= 120
    video.release()
    assert [path.name] == [name] or (path.name == "out.webm" and "no H.264 encoder" in said[0])


@pytest.mark.parametrize("name", ["out.webm", "out.avi"])
def test_frames_that_were_passed_over_leave_the_video_its_length(tmp_path, name):
    path = tmp_path / name
    places = (0.0, 0.04, 8.0, 8.04, 20.0)
    write(annotated(str(path), lambda source: 25.0), *[result(i, position=at) for i, at in enumerate(places)])
    assert shown(path)[-1] == pytest.approx(20, abs=0.05)


def test_a_live_source_s_rate_is_measured_and_its_gaps_are_not_endless(tmp_path):
    path = tmp_path / "out.avi"
    write(annotated(str(path), lambda source: None), *[result(i) for i in [*range(20), 2000]])
    video = cv2.VideoCapture(str(path))
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(20, abs=0.1)
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == pytest.approx(20 + 40, abs=1)
    video.release()


@pytest.mark.parametrize("name", ["out.avi", "out.webm"])
def test_a_camera_that_becomes_faster_makes_no_video_longer(tmp_path, name):
    """By day it shows twice as many pictures as in the dusk in which its rate was measured."""
    moments = [i / 15 if i < 60 else 4 + (i - 60) / 30 for i in range(300)]
    results = [replace(one, frame=replace(one.frame, captured=at)) for at in moments for one in [result()]]
    write(annotated(str(tmp_path / name), lambda source: None), *results)
    assert shown(tmp_path / name)[-1] == pytest.approx(moments[-1], abs=0.7)


def test_a_first_frame_that_took_long_is_not_the_source_s_rate(tmp_path):
    path = tmp_path / "out.avi"
    write(annotated(str(path), lambda source: None), *[result(i) for i in [-20, *range(60)]])
    video = cv2.VideoCapture(str(path))
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(20, abs=0.1)
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == pytest.approx(80, abs=1)
    video.release()


@pytest.mark.parametrize("name", ["out.webm", "out.avi"])
def test_a_folder_s_pictures_are_shown_as_long_however_fast_they_were_looked_at(tmp_path, name):
    stills = [result(i, path=f"{i}.png") for i in range(12)]
    slow = [replace(one, frame=replace(one.frame, captured=one.frame.index**2)) for one in stills]
    write(annotated(str(tmp_path / name), lambda source: None), *slow)
    assert shown(tmp_path / name) == [round(i / 30, 2) for i in range(12)]


def test_several_sources_have_a_video_each(tmp_path):
    rates = {"a/x.mp4": 25.0, "b/x.mp4": 10.0}
    results = [
        result(i, source=source, size=(400 + 80 * (source[0] == "b"), 640), position=i / rate)
        for i in range(6)
        for source, rate in rates.items()
    ]
    write(annotated(str(tmp_path / "out.avi"), rates.__getitem__, several=True), *results)
    for name, rate, height in (("out-x-mp4.avi", 25, 400), ("out-x-mp4-2.avi", 10, 480)):
        video = cv2.VideoCapture(str(tmp_path / name))
        assert (video.get(cv2.CAP_PROP_FPS), video.get(cv2.CAP_PROP_FRAME_COUNT)) == (rate, 6)
        assert video.get(cv2.CAP_PROP_FRAME_HEIGHT) == height
        video.release()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("source", ["rtsp://nvr/live?token=" + "x" * 300, "Kamera über dem 門" * 20])
@pytest.mark.parametrize("name", ["out.avi", "pictures"])
def test_a_source_of_a_long_name_has_files_like_any_other(tmp_path, name, source):
    sources = [source, source[:-1] + "2"]
    sink = annotated(str(tmp_path / name), lambda source: 10.0, several=True)
    write(sink, *[result(i, source=each, position=i / 10) for i in range(3) for each in sources])
    written = [path.name for path in tmp_path.rglob("*.*")]
    assert len(written) == (2 if name == "out.avi" else 6), "told apart, though they begin alike"


def test_annotated_images_are_named_for_their_files(tmp_path):
    write(
        annotated(str(tmp_path / "out"), lambda source: None),
        result(0, path="a/one.png"),
        result(1, path="b/one.png"),
        result(2, source="rtsp://cam/x"),
    )
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["one-2.jpg", "one.jpg", "x-000002.jpg"]


def test_frames_of_a_camera_that_began_anew_write_over_none(tmp_path):
    write(annotated(str(tmp_path), lambda source: None), *(result(i, source="video0") for i in (0, 1, 0, 1, 7)))
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"video0-00000{i}.jpg" for i in (0, 1, 2, 3, 7)]


def test_one_annotated_image(tmp_path):
    write(annotated(str(tmp_path / "out.png"), lambda source: None), result(0, path="one.png", size=(240, 320)))
    assert [p.name for p in tmp_path.iterdir()] == ["out.png"]
    assert cv2.imread(str(tmp_path / "out.png")).shape == (240, 320, 3)


def test_where_annotated_frames_cannot_go(tmp_path):
    with pytest.raises(UsageError, match="a folder, or a video or image"):
        annotated(str(tmp_path / "out.txt"), lambda source: None)
    with pytest.raises(UsageError, match="not there"):
        annotated(str(tmp_path / "no" / "out.mp4"), lambda source: None).__enter__()


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_elsewhere_than_on_a_terminal_a_line_an_announcement():
    out = io.StringIO()
    fork = label(1, 0)
    write(TerminalText(out), result(0), result(1), result(2, seen=fork), result(3, seen=fork, announced="fork"))
    lines = out.getvalue().splitlines()
    assert len(lines) == 2
    assert lines[0] == "cam #0: cup 0.80, fork 0.20"
    assert lines[1].startswith("cam #3: ")
    assert lines[1].endswith("(fork announced)")


def test_every_image_of_a_folder_has_its_line():
    out = io.StringIO()
    write(TerminalText(out), *[result(i, path=f"photos/{i}.jpg", source="photos") for i in range(3)])
    assert out.getvalue().splitlines()[2] == "photos/2.jpg: cup 0.80, fork 0.20"


def test_boxes_are_counted():
    out = io.StringIO()
    write(TerminalText(out), result(0, seen=boxes(1, 1)))
    assert out.getvalue() == "cam #0: 2 fork\n"


def test_on_a_terminal_one_line_is_redrawn():
    screen = Screen()
    write(TerminalText(screen), result(0), result(1, announced="cup"))
    text = screen.getvalue()
    assert "\r" in text
    assert "cup 0.80" in text
    assert "#1: cup" in text


@pytest.mark.skipif(has_windows(), reason="this OpenCV has windows and there is a screen")
def test_a_headless_opencv_says_what_to_do():
    with pytest.raises(UsageError, match="--preview"):
        Window(lambda source: None).__enter__()


@pytest.mark.parametrize("where", ["photos", "photos/*.jpg", "photos/1.jpg"])
def test_pictures_that_are_read_are_not_drawn_on(tmp_path, monkeypatch, where):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos" / "drawn").mkdir(parents=True)
    (tmp_path / "photos" / "1.jpg").write_bytes(b"photo")
    context = SinkContext(sources=("demo", where))
    for target in ("photos", "photos/1.jpg", *(["photos/drawn"] if where == "photos" else [])):
        with pytest.raises(UsageError, match="would write over what is read"):
            open_sinks({"save": SaveOptions(target)}, context)
    with pytest.raises(UsageError, match="would write over what is read"):
        open_sinks({"json": JsonOptions("photos/1.jpg")}, context)
    for target in ("elsewhere", "photos/new", "drawn.jpg"):
        assert open_sinks({"save": SaveOptions(target)}, context)


def test_frames_of_two_sources_of_one_name_lie_side_by_side(tmp_path):
    write(annotated(str(tmp_path), lambda _: 10.0), result(0, source="a/v.avi"), result(0, source="b/v.avi"),
          result(1, source="a/v.avi"))  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "v-avi-000000.jpg", "v-avi-000001.jpg", "v-avi-2-000000.jpg",
    ]  # fmt: skip


def test_a_video_that_gets_another_ending_writes_over_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "edgelens.runtime.sinks.annotated.played_by_browsers", lambda path, _: path.with_suffix(".webm")
    )
    (tmp_path / "clip.webm").write_bytes(b"somebody's")
    write(annotated(str(tmp_path / "clip.mp4"), lambda _: 10.0), *(result(i, position=i / 10) for i in range(5)))
    assert (tmp_path / "clip.webm").read_bytes() == b"somebody's"
    assert (tmp_path / "clip-2.webm").stat().st_size > 100
