"""`edgelens run --track --line --zone --mask` with a detector that finds both halves of any picture."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
from cameras import Camera
from click.testing import CliRunner

from edgelens.cli import cli
from edgelens.runtime.errors import EdgelensError, UsageError
from edgelens.runtime.images.read import read_image
from edgelens.runtime.model.chain import ChainOptions, chain


@pytest.fixture
def clip(tmp_path):
    return still_clip(tmp_path / "clip.avi", fps=10, frames=12)


def still_clip(path, fps, frames):
    """A video in which nothing moves."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, (60, 40))
    for _ in range(frames):
        writer.write((np.indices((40, 60)).sum(axis=0) % 2 * 255).astype(np.uint8)[..., None].repeat(3, axis=2))
    writer.release()
    return path


def rows_kept(folder):
    """All rows of the lines beside clips, with the number of their frame."""
    lines = [json.loads(line) for file in folder.glob("clips/*.jsonl") for line in file.read_text().splitlines()]
    return {line["frame"]: line["results"] for line in lines}


def edgelens(*words):
    result = CliRunner().invoke(cli, ["run", *map(str, words), "--no-preview"])
    if isinstance(result.exception, EdgelensError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def test_results_carry_numbers_counts_and_what_happened(halves_bundle, clip, tmp_path):
    out, table, summary = tmp_path / "out.jsonl", tmp_path / "out.csv", tmp_path / "summary.json"
    zone = "all=0,0,1,0,1,1,0,1"
    done = edgelens(
        *(halves_bundle.path, "--source", clip, "--track", "--zone", zone, "--line", "door=.5,0,.5,1"),
        *("--anchor", "middle", "--json", out, "--csv", table, "--summary", summary),
    )
    results = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row.get("track") for row in results[0]["results"]] == [None, None]  # not sure yet
    assert [row["track"] for row in results[-1]["results"]] == [1, 2]
    assert [each["zones"]["all"]["occupancy"] for each in results[-2:]] == [{"left": 1, "right": 1}, {}]
    assert results[-1]["lines"]["door"]["in"] == {}
    assert [event["kind"] for result in results for event in result["events"]] == [*["entered"] * 2, *["left"] * 2]
    assert [event["kind"] for event in results[-1]["events"]] == ["left", "left"]  # the file ends, and they with it
    events = [row for row in csv.DictReader(table.read_text().splitlines()) if row["event"]]
    assert [(row["event"], row["place"], row["label"], row["track"]) for row in events] == [
        ("entered", "all", "left", "1"),
        ("entered", "all", "right", "2"),
        ("left", "all", "left", "1"),
        ("left", "all", "right", "2"),
    ]
    assert "door: 0 in, 0 out" in done.output
    assert "all: 2 (left 1, right 1) came, " in done.output
    (watched,) = json.loads(summary.read_text())["watched"].values()
    assert sum(watched["zones"]["all"]["dwell_s"].values()) == pytest.approx(2.0, abs=0.3)


def test_what_stands_still_is_followed_where_unmoved_frames_are_passed_over(halves_bundle, tmp_path):
    still, out = still_clip(tmp_path / "still.avi", fps=15.1, frames=120), tmp_path / "out.jsonl"
    edgelens(halves_bundle.path, "--source", still, "--motion", "--zone", "all=0,0,1,0,1,1,0,1", "--json", out)
    results = [json.loads(line) for line in out.read_text().splitlines()]
    assert 7 <= len(results) <= 9
    assert {tuple(row["track"] for row in result["results"]) for result in results[1:]} == {(1, 2)}
    assert [event["kind"] for result in results for event in result["events"]] == [*["entered"] * 2, *["left"] * 2]


def test_a_camera_that_is_looked_at_too_seldom_to_follow_anything_is_refused(halves_bundle):
    for more in (("--max-fps", ".5"), ("--max-fps", "1", "--track-keep", "1")):
        with pytest.raises(UsageError, match=r"--max-fps .+ nothing would be followed"):
            edgelens(halves_bundle.path, "--source", "demo", "--track", "--duration", 1, *more)


def test_without_tracking_nothing_changes(halves_bundle, clip, tmp_path):
    out = tmp_path / "out.jsonl"
    edgelens(halves_bundle.path, "--source", clip, "--json", out)
    result = json.loads(out.read_text().splitlines()[-1])
    assert not {"lines", "zones"} & set(result)
    assert all("track" not in row for row in result["results"])


def test_what_lies_beside_a_clip_says_no_more_than_the_results_of_masked_frames(halves_bundle, clip, tmp_path):
    out, kept = tmp_path / "out.jsonl", tmp_path / "kept"
    edgelens(
        *(halves_bundle.path, "--source", clip, "--track", "--mask", "0,0,.5,0,.5,1,0,1"),
        *("--zone", "all=0,0,1,0,1,1,0,1", "--json", out, "--record", kept, "--quiet"),
    )
    results = {result["frame"]: result["results"] for result in map(json.loads, out.read_text().splitlines())}
    beside = rows_kept(kept)
    assert len(beside) > 5
    for frame, rows in beside.items():
        assert [row["label"] for row in rows] == [row["label"] for row in results[frame]]
        for said, row in zip(rows, results[frame], strict=True):
            x, y, w, h = row.pop("box")
            assert said.pop("box") == pytest.approx([x / 60, y / 40, w / 60, h / 40], abs=1e-4)
            assert said == row
    assert any("track" in row for rows in beside.values() for row in rows)


def test_clips_carry_boxes_as_asked_for_and_not_in_two_ways(halves_bundle, clip, tmp_path):
    words = (halves_bundle.path, "--source", clip, "--zone", "all=0,0,1,0,1,1,0,1", "--quiet", "--record")
    edgelens(*words, tmp_path / "data")
    edgelens(*words, tmp_path / "none", "--record-boxes-as", "none")
    edgelens(*words, tmp_path / "burnt", "--record-boxes")
    assert [bool(rows_kept(tmp_path / name)) for name in ("data", "none", "burnt")] == [True, False, False]
    with pytest.raises(EdgelensError, match="--record-boxes is --record-boxes-as burnt and not both"):
        edgelens(*words, tmp_path / "two", "--record-boxes", "--record-boxes-as", "both")


def test_a_chain_made_for_new_things_says_when_it_looks_into_all(halves_bundle, color_bundle, clip, tmp_path):
    new, every = tmp_path / "new.edge", tmp_path / "every.edge"
    chain(halves_bundle, color_bundle, new, ChainOptions(every="track"))
    chain(halves_bundle, color_bundle, every)
    cv2.imwrite(str(tmp_path / "still.png"), np.zeros((40, 60, 3), np.uint8))
    told = [
        f"{new} looks into everything in every frame; with --track only into what is new" in edgelens(*words).output
        for words in (
            (new, "--source", clip),
            (new, "--source", clip, "--track"),
            (new, "--source", clip, "--line", "door=.5,0,.5,1"),  # which is followed for
            (new, "--source", tmp_path / "still.png"),
            (every, "--source", clip),
        )
    ]
    assert told == [True, False, False, False, False]


def test_a_masked_part_is_in_no_picture_that_is_kept(halves_bundle, clip, tmp_path):
    kept = tmp_path / "kept"
    model = (halves_bundle.path, "--threshold", "0.75", "--source", clip)  # .8 is near: every picture is kept
    edgelens(*model, "--mask", "0,0,1,0,1,1,0,1", "--keep-uncertain", kept, "--quiet")
    pictures = [read_image(path) for path in kept.rglob("*.jpg")]
    assert pictures
    for picture in pictures:
        assert np.ptp(picture[4:-4, 4:-4]) < 60


@pytest.mark.parametrize("masked", [True, False])
def test_a_masked_part_leaves_by_no_exit(halves_bundle, tmp_path, masked):
    """A video with boxes, clips, snapshots and the heat map; without the mask each of them shows what there is."""
    kept, clip = tmp_path / "kept", tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"MJPG"), 10, (320, 240))
    for _ in range(12):
        squares = np.kron(np.indices((30, 40)).sum(axis=0) % 2 * 255, np.ones((8, 8)))
        writer.write(squares.astype(np.uint8)[..., None].repeat(3, axis=2))
    writer.release()
    words = [halves_bundle.path, "--source", clip, "--track", "--zone", "all=0,0,1,0,1,1,0,1", "--quiet"]
    words += ["--mask", "0,0,1,0,1,1,0,1"] if masked else []
    edgelens(*words, "--save", tmp_path / "kept.webm", "--record", kept, "--heat-map", tmp_path / "heat.png")
    stills = [tmp_path / "heat.png", *kept.rglob("*.jpg")]
    videos = [tmp_path / "kept.webm", *(path for path in kept.rglob("*") if path.suffix in (".webm", ".mp4"))]
    assert len(stills) > 1
    assert len(videos) > 1
    shown = [read_image(path) for path in stills] + [cv2.VideoCapture(str(path)).read()[1] for path in videos]
    for image in shown:
        steps = np.abs(np.diff(image[8:-8, 8:-8].astype(int), axis=1)).mean()  # boxes and captions are few
        assert steps < 4 if masked else steps > 12


@pytest.mark.parametrize("asked", [("--track",), ("--line", "door=0,0,1,1"), ("--zone", "shelf=0,0,1,0,1,1")])
def test_a_classifier_cannot_be_followed(asked, color_bundle, clip):
    with pytest.raises(EdgelensError, match=f"^{asked[0]}: .*does not say where things are"):
        edgelens(color_bundle.path, "--source", clip, *asked)


def test_what_is_not_asked_for_is_not_loaded(halves_bundle, clip):
    words = ["edgelens", "run", str(halves_bundle.path), "--source", str(clip), "--no-preview", "--quiet"]
    script = (
        f"import sys\nsys.argv = {words!r}\n"
        "from edgelens.cli import main\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code\n"
        "print(*sorted(name for name in sys.modules if '.track.' in name or '.zones.' in name))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["edgelens.runtime.track.options", "edgelens.runtime.zones.options"]


def test_a_camera_s_counts_go_on_after_the_run_was_killed(halves_bundle, tmp_path):
    lines, environment = tmp_path / "out.jsonl", {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    environment.pop("STATE_DIRECTORY", None)
    with Camera("mjpeg") as camera:
        words = [
            "--source",
            camera.url,
            "--zone",
            "all=0,0,1,0,1,1,0,1",
            "--anchor",
            "middle",
            "--no-preview",
            "--quiet",
        ]
        command = [sys.executable, "-m", "edgelens", "run", str(halves_bundle.path), *words, "--json", str(lines)]
        with subprocess.Popen(command, env=environment) as process:
            deadline = time.monotonic() + 30
            while not (lines.is_file() and lines.read_text().count('"entered"') == 2) and time.monotonic() < deadline:
                time.sleep(0.05)
            time.sleep(0.5)
            process.send_signal(signal.SIGKILL)
        lines.unlink()
        subprocess.run([*command, "--duration", "4"], env=environment, check=True)
    results = [json.loads(line) for line in lines.read_text().splitlines()]
    assert results[0]["zones"]["all"]["entries"] == {"left": 1, "right": 1}
    assert results[-1]["zones"]["all"]["entries"] == {"left": 2, "right": 2}
