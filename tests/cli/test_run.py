"""`edgelens run` and `edgelens collect` as people call them."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
import time

import cv2
import pytest
from cameras import Camera
from click.testing import CliRunner

from edgelens.cli import cli
from edgelens.runtime.errors import EdgelensError
from edgelens.runtime.sources.video import VideoFile


@pytest.fixture
def folder(frames_of_colors, tmp_path):
    path = tmp_path / "photos"
    path.mkdir()
    for i, frame in enumerate(frames_of_colors):
        cv2.imwrite(str(path / f"{i}.png"), frame)
    return path


@pytest.fixture
def clip(frames_of_colors, tmp_path):
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (60, 40))
    for frame in [f for f in frames_of_colors[:3] for _ in range(6)]:
        writer.write(frame)
    writer.release()
    return path


def edgelens(*words, ok=True):
    """The verb in this process; an error is raised as the program's main would print it."""
    result = CliRunner().invoke(cli, [str(word) for word in words])
    if ok and result.exit_code:
        raise AssertionError(result.output) from result.exception
    return result


def run(model, *words, **more):
    return edgelens("run", model, "--no-preview", "--engine", "onnxruntime", *words, **more)


def test_json_and_summary_of_a_video(color_bundle, clip, tmp_path):
    summary = tmp_path / "summary.json"
    done = run(color_bundle.path, "--source", clip, "--json", "-", "--summary", summary, "--device-id", "pi-7")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["results"][0]["label"] for line in lines] == ["red"] * 6 + ["green"] * 6 + ["blue"] * 6
    assert [line["announced"] for line in lines if line["announced"]] == ["red", "green", "blue"]
    assert lines[0]["device"] == "pi-7"
    assert [line["position_s"] for line in lines] == [round(i / 10, 3) for i in range(18)]
    assert "18 processed" in done.stderr
    found = json.loads(summary.read_text())
    assert found["frames"] == {"captured": 18, "processed": 18, "skipped": 0}
    assert set(found["stages_ms"]) == {"capture", "preprocess", "infer", "decode"}
    assert set(found["age_ms"]) == {"p50", "p95", "p99"}
    assert set(found) == {
        "frames", "fps", "stages_ms", "age_ms", "recoveries", "dropped", "first_result_s", "peak_rss_mb", "cpu_s",
    }  # fmt: skip
    assert "demo" not in found


def test_a_summary_on_the_standard_output_stands_there_alone(color_bundle, clip):
    done = run(color_bundle.path, "--source", clip, "--summary", "-")
    assert json.loads(done.stdout)["frames"]["processed"] == 18
    assert "18 processed" in done.stderr


def test_the_demo_ends_with_its_score(color_bundle, tmp_path):
    summary = tmp_path / "s.json"
    done = run(color_bundle.path, "--source", "demo", "--duration", "1", "--demo-seed", "5", "--summary", summary)
    assert done.stdout.splitlines()[-1].endswith("digits right")
    demo = json.loads(summary.read_text())["demo"]
    assert set(demo) == {"right", "wrong", "missed", "extra", "total", "seed"}
    assert demo["seed"] == 5


def test_any_source_that_knows_what_it_shows_is_judged(color_bundle, clip, tmp_path, monkeypatch):
    class Score:
        def __init__(self, heard):
            self.heard = heard

        def to_json(self):
            return {"heard": self.heard}

        def __str__(self):
            return f"heard {self.heard}"

    class Judge:
        name, heard = "exam", 0

        def hear(self, result):
            self.heard += result.announced is not None

        def score(self):
            return Score(self.heard)

    class Exam(VideoFile):  # a class of its own: a patched one would pass for a judge ever after
        def judge(self):
            return Judge()

    monkeypatch.setattr("edgelens.runtime.sources.video.VideoFile", Exam)
    summary = tmp_path / "s.json"
    done = run(color_bundle.path, "--source", clip, "--flip", "vertical", "--summary", summary)
    assert done.stdout.splitlines()[-1] == "heard 3"
    assert json.loads(summary.read_text())["exam"] == {"heard": 3}


def test_a_folder_with_broken_images(color_bundle, folder):
    (folder / "broken.jpg").write_bytes(b"no image")
    (folder / "notes.txt").write_text("x")
    done = run(color_bundle.path, "--source", folder)
    assert len([line for line in done.stdout.splitlines() if ".png: " in line]) == 6
    assert "1 files passed over, 1 images could not be decoded" in done.stdout
    assert "broken.jpg" in done.stderr
    assert run(color_bundle.path, "--source", folder, "--strict", ok=False).exit_code == 1
    said = run(color_bundle.path, "--source", folder, "--json", "-").stdout.splitlines()
    assert [json.loads(line)["path"] for line in said] == [str(folder / f"{i}.png") for i in range(6)]


def test_several_sources_and_a_config(color_bundle, folder, clip, tmp_path):
    out = tmp_path / "out.jsonl"
    run(color_bundle.path, "--source", folder, "--source", clip, "--json", out, "--quiet")
    counts = [json.loads(line)["source"] for line in out.read_text().splitlines()]
    assert (counts.count(str(folder)), counts.count(str(clip))) == (6, 18)
    config = tmp_path / "cameras.toml"
    config.write_text(
        f"[[source]]\nurl = '{folder}'\nname = 'left'\nregion = [0, 0, 0.5, 1]\nmodel = '{color_bundle.path}'\n"
        f"[[source]]\nurl = '{folder}'\nname = 'all'\n"
    )
    done = run(color_bundle.path, "--config", config, "--json", "-")
    assert {json.loads(line)["source"] for line in done.stdout.splitlines()} == {"left", "all"}


def test_annotated_video_and_csv(color_bundle, clip, tmp_path):
    video, table = tmp_path / "out.avi", tmp_path / "out.csv"
    run(color_bundle.path, "--source", clip, "--save", video, "--csv", table, "--roi", ".1,.1,.5,.5", "--rotate", "90")
    capture = cv2.VideoCapture(str(video))
    assert (capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)) == (18, 10)
    capture.release()
    assert len(table.read_text().splitlines()) == 1 + 18


def test_of_several_sources_an_error_says_which(color_bundle, tmp_path):
    config = tmp_path / "cameras.toml"
    config.write_text('[[source]]\nurl = "demo"\n[[source]]\nurl = "demo"\nname = "door"\nmodel = "no.edge"\n')
    done = run(color_bundle.path, "--config", config, ok=False)
    assert done.exception.exit_code == 2
    assert "door: no.edge: no such" in str(done.exception)
    config.write_text('[[source]]\nurl = "demo"\n[[source]]\nurl = "demo"\nname = "door"\ntrack = true\n')
    done = run(color_bundle.path, "--config", config, ok=False)
    assert "door: --track:" in str(done.exception)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--source", "nowhere.mp4"], "nowhere.mp4: no such file"),
        (["--source", "demo", "--roi", "1,2"], "x,y,w,h"),
        (["--source", "demo", "--roi", ".5,0,1.5,.5"], "fractions lie between 0 and 1, pixels are whole numbers"),
        (["--source", "demo", "--roi", "9000,0,10,10"], "--roi 9000,0,10,10: lies outside the 640×480 pixels of demo"),
        (["--source", "demo", "--agree", "9/2"], "N/M"),
        (["--source", "demo", "--size", "big"], "WIDTHxHEIGHT"),
        (["--source", "demo", "--config", "x.toml"], "one of them"),
        (["--source", "demo", "--window"], "--preview"),
        (["--source", "rtsp://joe:hush@127.0.0.1:9/x"], "cannot be opened"),
        (["--config", "nowhere.toml"], "could not be read"),
        (["--source", "demo", "--json", "-", "--csv", "-"], "--json - and --csv -: only one"),
        (["--source", "demo", "--summary", "missing/s.json"], "--summary missing/s.json: there is no folder missing"),
        (["--source", "demo", "--json", "x", "--summary", "./x"], "--json and --summary ./x: one would write over"),
        (["--source", "demo", "--blur"], "--blur goes with --keep-uncertain"),
        (["--source", "demo", "--record-mb", "5"], "--record-mb goes with --record"),
        (["--source", "demo", "--mqtt-all"], "--mqtt-all goes with --mqtt"),
        (["--source", "demo", "--track-keep", "5"], "--track-keep goes with --track, --line or --zone"),
        (["--source", "demo", "--loiter", "5"], "--loiter goes with --track, --line or --zone"),
        (["--source", "demo", "--preview", "0"], "--preview and --no-preview: give one of them"),
        (["--source", "demo", "--collect", "x"], "--collect goes with the live page, which this run has not"),
        (["--source", "demo", "--models", "digits"], "--models goes with the live page, which this run has not"),
        (
            ["--source", "rtsp://joe:hush@127.0.0.1:9/x", "--size", "640x480"],
            "--size means nothing to rtsp://127.0.0.1",
        ),
    ],
)
def test_bad_input_is_one_line(color_bundle, words, said):
    failed = edgelens("run", color_bundle.path, "--no-preview", *words, ok=False)
    error = failed.exception
    assert isinstance(error, EdgelensError)
    assert error.exit_code == 2
    assert said in str(error)
    assert "hush" not in str(error) + failed.output
    assert "\n" not in str(error)


def test_what_one_of_several_sources_heeds_is_no_error(color_bundle, folder, clip, tmp_path):
    config = tmp_path / "sources.toml"
    config.write_text(f'[[source]]\nurl = "{folder}"\n[[source]]\nurl = "demo"\n')
    run(color_bundle.path, "--config", config, "--duration", "1", "--size", "320x240", "--demo-seed", "5")
    config.write_text(f'[[source]]\nurl = "{folder}"\n[[source]]\nurl = "{clip}"\nseed = 5\n')
    refused = run(color_bundle.path, "--config", config, ok=False)
    assert str(refused.exception) == f"--demo-seed means nothing to {clip}"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0), (signal.SIGHUP, 0)])
def test_a_signal_ends_a_run_while_its_capture_blocks(color_bundle, tmp_path, number, code):
    lines, summary = tmp_path / "lines.jsonl", tmp_path / "summary.json"
    with Camera("mjpeg") as camera:
        words = ["--source", camera.url, "--no-preview", "--json", str(lines), "--summary", str(summary)]
        command = [sys.executable, "-m", "edgelens", "run", str(color_bundle.path), *words]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            while not (lines.is_file() and lines.stat().st_size) and process.poll() is None:
                time.sleep(0.02)
            camera.stall()
            time.sleep(0.3)
            start = time.monotonic()
            process.send_signal(number)
            out, err = process.communicate(timeout=20)
            took = time.monotonic() - start
        camera.go_on()
    assert process.returncode == code, err
    assert took < 1
    assert "processed" in out
    assert json.loads(summary.read_text())["frames"]["processed"] > 0
    assert all(json.loads(line) for line in lines.read_text().splitlines())


def test_a_run_whose_terminal_closes_ends_in_order(color_bundle, tmp_path):
    lines, summary = tmp_path / "lines.jsonl", tmp_path / "summary.json"
    words = ["--source", "demo", "--no-preview", "--json", lines, "--summary", summary]
    terminal, its_end = os.openpty()
    leads = {"start_new_session": True, "preexec_fn": lambda: fcntl.ioctl(its_end, termios.TIOCSCTTY, 0)}
    command = [sys.executable, "-m", "edgelens", "run", color_bundle.path, *words]
    with subprocess.Popen(command, stdin=its_end, stdout=its_end, stderr=its_end, **leads) as process:
        os.close(its_end)
        while not (lines.is_file() and lines.stat().st_size) and process.poll() is None:
            time.sleep(0.02)
        os.close(terminal)
        process.wait(10)
    assert json.loads(summary.read_text())["frames"]["processed"] > 0
    assert all(json.loads(line) for line in lines.read_text().splitlines())


def test_a_reader_that_leaves_ends_the_run_quietly(color_bundle):
    words = ["run", str(color_bundle.path), "--source", "demo", "--no-preview", "--json", "-", "--quiet"]
    command = [sys.executable, "-m", "edgelens", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert json.loads(process.stdout.readline())["source"] == "demo"
        process.stdout.close()
        assert process.wait(10) == 0
        assert "Traceback" not in process.stderr.read()


def test_collect_takes_photos_that_differ(tmp_path):
    out = tmp_path / "photos"
    words = ["--source", "demo", "--out", out, "--count", "3", "--every", "0", "--min-difference", "2"]
    done = edgelens("collect", "--label", "digit", *words, "--duration", "20")
    assert "3 photos of digit taken" in done.stdout
    images = [cv2.imread(str(path)) for path in sorted((out / "digit").glob("*.jpg"))]
    assert len(images) == 3
    assert all(cv2.norm(images[i], images[i + 1], cv2.NORM_L1) / images[0].size > 0.5 for i in range(2))


def test_the_delay_before_the_first_photo_takes_nothing_of_the_duration(tmp_path):
    words = ["--source", "demo", "--out", tmp_path, "--count", "1", "--delay", "1", "--duration", "1"]
    edgelens("collect", "--label", "digit", *words)
    assert len(list(tmp_path.glob("digit/*.jpg"))) == 1


def test_collect_without_change_says_why(tmp_path, folder):
    words = ["--source", folder, "--out", tmp_path / "out", "--min-difference", "255", "--count", "3"]
    assert "1 photo of" in edgelens("collect", "--label", "x", *words).stdout


def test_a_camera_is_no_folder_of_stills_and_a_folder_is(folder):
    """What is smoothed, announced and shown on a page follows from it."""
    from contextlib import ExitStack

    from edgelens.cli.run import command
    from edgelens.cli.run_lanes import open_lanes, plans_of
    from edgelens.cli.run_options import RunOptions

    for source, stills in (("demo", False), (str(folder), True)):
        options = RunOptions.of(command.make_context("run", ["--source", source]).params)
        with ExitStack() as stack:
            (lane,) = open_lanes(plans_of(options), options, stack, print)
            assert (lane.stills, lane.unmoved) == (stills, 0)
            assert lane.asked("digits").name == "digits"
