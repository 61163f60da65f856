import inspect
import itertools

import cv2
import numpy as np
import pytest

import edgelens
from edgelens import Recognizer
from edgelens.runtime.errors import ImageError, ModelError, SourceError, UsageError


def test_an_image_or_a_file_is_recognized(color_bundle, frames_of_colors, tmp_path):
    path = tmp_path / "green.png"
    cv2.imwrite(str(path), frames_of_colors[1])
    with Recognizer(color_bundle.path) as recognizer:
        assert recognizer.labels == ("red", "green", "blue")
        assert recognizer(frames_of_colors[0]).top[0] == "red"
        assert recognizer(path).top[0] == "green"
        with pytest.raises(ImageError, match="uint8 BGR"):
            recognizer(np.zeros((4, 4)))


def test_a_stream_gives_results_and_can_be_left(color_bundle, frames_of_colors, tmp_path):
    for i, frame in enumerate(frames_of_colors):
        cv2.imwrite(str(tmp_path / f"{i}.png"), frame)
    with Recognizer(str(color_bundle.path), engine="onnxruntime", threads=1, device_id="me") as recognizer:
        results = list(recognizer.stream(tmp_path / "*.png"))
        assert [result.seen.label() for result in results] == ["red", "green", "blue"] * 2
        assert results[0].origin.device == "me"
        assert results[0].origin.bundle == "color"
        for result in recognizer.stream("demo"):
            assert result.frame.size == (480, 640)
            break


def test_threshold_and_region(color_bundle, frames_of_colors):
    with Recognizer(color_bundle, threshold=0.9999999, region=(0, 0, 10, 10)) as recognizer:
        assert recognizer(frames_of_colors[0] // 3).top[0] == "unknown"


def test_a_bare_model_file_is_told_what_its_picture_is(color_onnx, frames_of_colors, tmp_path):
    path = tmp_path / "color.onnx"
    path.write_bytes(color_onnx())
    options = {"labels": ["r", "g", "b"], "mean": 128, "std": (128, 128, 128), "color": "rgb", "resize": "crop"}
    with Recognizer(path, **options, classes=["g", "b"]) as recognizer:
        assert recognizer.labels == ("r", "g", "b")
        assert recognizer(frames_of_colors[2]).top[0] == "b"
        answer = recognizer(frames_of_colors[0])
        assert {label for label, _ in [*answer, *answer.rivals_of()]} == {"g", "b"}


def test_a_bundle_takes_what_concerns_its_answer_and_keeps_its_picture(color_bundle, frames_of_colors):
    with Recognizer(color_bundle, labels=["x", "y", "z"]) as recognizer:
        assert recognizer(frames_of_colors[1]).top[0] == "y"
    with pytest.raises(UsageError, match="is a bundle and brings its own"):
        Recognizer(color_bundle, std=255)


def test_the_public_class_is_pinned():
    assert edgelens.Recognizer is Recognizer
    wanted = (
        "(model='digits', *, engine='auto', precision=None, threads=None, threshold=None, false_accepts=None,"
        " region=None, device_id=None, labels=None, mean=None, std=None, color=None, resize=None, pad=None,"
        " input_size=None, decoder=None, iou=None, max_det=None, classes=None, tile=None, lexicon=None,"
        " pattern=None)"
    )
    bare = inspect.signature(Recognizer)
    shown = bare.replace(
        parameters=[p.replace(annotation=inspect.Parameter.empty) for p in bare.parameters.values()],
        return_annotation=inspect.Signature.empty,
    )
    assert str(shown) == wanted
    assert [name for name in vars(Recognizer) if not name.startswith("_")] == [
        *("labels", "notes", "stream", "teach", "forget", "close"),
    ]
    call = [name for name in inspect.signature(Recognizer.__call__).parameters if name != "self"]
    assert call == ["image", "threshold"]


def test_a_picture_may_be_whatever_a_program_has(color_bundle, frames_of_colors, tmp_path):
    pillow = pytest.importorskip("PIL.Image", reason="Pillow is what programs have pictures in")
    green = frames_of_colors[1]
    rgb = np.ascontiguousarray(green[..., ::-1])
    png = cv2.imencode(".png", green)[1].tobytes()
    (tmp_path / "green.png").write_bytes(png)
    with_opacity = np.dstack([green, np.full(green.shape[:2], 255, np.uint8)])
    clear = with_opacity.copy()
    clear[:, :30, :] = 255, 0, 255, 0  # loud, and not to be seen
    given = [
        green, with_opacity, clear, pillow.fromarray(rgb), pillow.fromarray(rgb).convert("RGBA"),
        pillow.fromarray(rgb).convert("P"), png, bytearray(png), memoryview(png), tmp_path / "green.png",
        str(tmp_path / "green.png"), pillow.open(tmp_path / "green.png"),
    ]  # fmt: skip
    with Recognizer(color_bundle) as recognizer:
        assert [recognizer(image).top[0] for image in given] == ["green"] * len(given)
        assert [seen.top[0] for seen in recognizer(given)] == ["green"] * len(given)
        gray = np.full((20, 30), 90, np.uint8)
        expected = recognizer(np.full((20, 30, 3), 90, np.uint8)).scores
        for image in (gray, gray[..., None], pillow.fromarray(gray), pillow.fromarray(gray.astype(np.uint16) * 257)):
            assert recognizer(image).scores == pytest.approx(expected)


def test_a_pillow_image_is_upright_as_its_file_would_be(tmp_path):
    pillow = pytest.importorskip("PIL.Image", reason="Pillow is what programs have pictures in")
    from edgelens.runtime.images.given import picture_of
    from edgelens.runtime.images.read import read_image

    exif = pillow.Exif()
    exif[0x112] = 6
    picture = pillow.fromarray(np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8))
    picture.save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(picture_of(pillow.open(tmp_path / "turned.png")), read_image(tmp_path / "turned.png"))
    broken = (tmp_path / "turned.png").read_bytes()[:-40]
    (tmp_path / "broken.png").write_bytes(broken)
    with pillow.open(tmp_path / "broken.png") as image, pytest.raises(ImageError, match="Pillow cannot load it"):
        picture_of(image)


def test_pillows_gray_of_32_bits_is_bytes_or_16_bits():
    pillow = pytest.importorskip("PIL.Image", reason="Pillow is what programs have pictures in")
    from edgelens.runtime.images.given import picture_of

    gray = np.random.default_rng(0).integers(0, 256, (6, 9), np.uint8)
    for values in (gray.astype(np.int32), gray.astype(np.int32) * 257):
        image = pillow.fromarray(values)
        assert image.mode == "I"
        assert np.array_equal(picture_of(image), np.repeat(gray[..., None], 3, axis=2))


@pytest.mark.parametrize(
    "image",
    [
        None,
        1.5,
        {},
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((4, 4, 3)),
        np.zeros((4, 4, 2), np.uint8),
        b"",
        b"no image",
    ],
)
def test_what_is_no_picture_is_one_line(color_bundle, image):
    with Recognizer(color_bundle) as recognizer:
        for given in (image, [image]):
            with pytest.raises(ImageError) as error:
                recognizer(given)
            assert "\n" not in str(error.value)


def test_a_camera_is_asked_for_its_next_frame(color_bundle):
    with Recognizer("digits") as recognizer:
        assert len(recognizer("demo")) == 1
        with pytest.raises(SourceError):
            recognizer("rtsp://127.0.0.1:9/none")
        with pytest.raises(SourceError):
            recognizer(99)


def test_a_list_runs_in_batches_and_answers_as_one_by_one(color_bundle, frames_of_colors):
    runs = []
    with Recognizer(color_bundle, engine="onnxruntime") as recognizer:
        one_by_one = [recognizer(frame) for frame in frames_of_colors]
        assert recognizer([]) == []
        with recognizer._model.in_use() as inner:
            network = inner.networks["main"]
            whole, network.measure_batches = network._outputs, lambda: None
            network.batch = 4
            network._outputs = lambda pixels: (runs.append(len(pixels)), whole(pixels))[1]
        many = recognizer(tuple(frames_of_colors))
    assert runs == [4, 2]
    assert [seen.top[0] for seen in many] == [seen.top[0] for seen in one_by_one]
    assert np.allclose([seen.scores for seen in many], [seen.scores for seen in one_by_one])


def test_a_threshold_may_be_of_one_call(color_bundle, frames_of_colors):
    with Recognizer(color_bundle) as recognizer:
        dim = frames_of_colors[0] // 3
        assert recognizer(dim).top[0] == "red"
        assert recognizer(dim, threshold=0.9999999).top[0] == "unknown"
        assert recognizer([dim], threshold=0.9999999)[0].top[0] == "unknown"
        assert recognizer(dim).top[0] == "red"
        with pytest.raises(UsageError, match="threshold 2: must be between 0 and 1"):
            recognizer(dim, threshold=2)


def test_what_was_assumed_can_be_read(color_onnx, color_bundle, tmp_path):
    (tmp_path / "color.onnx").write_bytes(color_onnx())
    assert any("3 classes" in note for note in Recognizer(tmp_path / "color.onnx").notes)
    assert Recognizer(color_bundle).notes == ()


def test_closed_it_lets_go_and_loads_again_when_asked(color_bundle, frames_of_colors):
    recognizer = Recognizer(color_bundle, engine="onnxruntime")
    assert repr(recognizer) == "<Recognizer color: classify, 3 labels, not loaded>"
    assert recognizer(frames_of_colors[0]).top[0] == "red"
    assert repr(recognizer) == "<Recognizer color: classify, 3 labels, onnxruntime float32>"
    recognizer.close()
    recognizer.close()
    assert "not loaded" in repr(recognizer)
    assert recognizer(frames_of_colors[1]).top[0] == "green"
    recognizer.close()


def test_several_sources_are_streamed_in_turn_under_names_of_their_own(color_bundle, frames_of_colors, tmp_path):
    for folder, frame in (("a", frames_of_colors[0]), ("b", frames_of_colors[2])):
        (tmp_path / folder).mkdir()
        for i in range(2):
            cv2.imwrite(str(tmp_path / folder / f"{i}.png"), frame)
    a, b = tmp_path / "a", tmp_path / "b"
    with Recognizer(color_bundle) as recognizer:
        seen = {(result.frame.source, result.seen.label()) for result in recognizer.stream([a, b, str(a)])}
        assert {label for _, label in seen} == {"red", "blue"}
        assert {source.partition(str(tmp_path))[2] for source, _ in seen} == {"/a", "/b", "/a #2"}
        with pytest.raises(UsageError, match="name a source at least"):
            list(recognizer.stream([]))
        with pytest.raises((SourceError, ModelError)):
            list(recognizer.stream([tmp_path / "gone"]))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"threshold": 3}, "threshold 3: must be between 0 and 1"),
        ({"threshold": "x"}, "threshold x: must be a number"),
        ({"region": (5, 5, -1, 2)}, "region: x and y must not be negative"),
        ({"region": (1, 2)}, "give x, y, w, h"),
        ({"region": ("a", 1, 2, 3)}, "give x, y, w, h"),
        ({"engine": 5}, "engine 5: must be a name"),
        ({"threads": 0}, "threads 0: must be at least 1"),
        ({"classes": 9}, "--classes 9: is no label of this model, nor a class number"),
        ({"classes": 0.5}, "--classes 0.5: give names or numbers"),
        ({"model": None}, "a NoneType is no model"),
        ({"model": 5}, "a int is no model"),
    ],
)
def test_what_cannot_be_is_refused_at_once(color_bundle, asked, message):
    with pytest.raises(UsageError, match=message):
        Recognizer(**{"model": color_bundle, **asked})


def test_an_option_that_the_model_does_not_have_is_noted(color_bundle):
    assert Recognizer(color_bundle).notes == ()
    (note,) = Recognizer(color_bundle, pattern="a", classes=0).notes
    assert note == "--pattern is passed over: a network that is read by classify has no such option"


def test_a_region_that_no_picture_has_is_refused(color_bundle, frames_of_colors):
    with Recognizer(color_bundle, region=(1000, 1000, 10, 10)) as recognizer:
        with pytest.raises(UsageError, match="lies outside"):
            recognizer(frames_of_colors[0])
        with pytest.raises(UsageError, match="lies outside"):
            recognizer([frames_of_colors[0]])


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"smoothing": 0}, "smoothing 0: must be above 0"),
        ({"smoothing": float("nan")}, "smoothing nan: must be above 0"),
        ({"agree": (5, 3)}, "agree 5/3: write N/M"),
        ({"agree": 3}, "agree"),
        ({"max_fps": -1}, "max_fps -1: must be above 0"),
        ({"duration_s": "x"}, "duration_s x: must be a number"),
    ],
)
def test_a_stream_that_cannot_be_is_refused(color_bundle, asked, message):
    with Recognizer(color_bundle) as recognizer, pytest.raises(UsageError, match=message):
        next(recognizer.stream("demo", **asked))


def test_what_is_no_source_is_said(color_bundle, frames_of_colors):
    with Recognizer(color_bundle) as recognizer:
        for wrong in (None, frames_of_colors[0], b"x"):
            with pytest.raises(UsageError, match="is no source"):
                next(recognizer.stream(wrong))


def test_a_stream_warns_of_what_cannot_be_read(color_bundle, frames_of_colors, tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), frames_of_colors[0])
    (tmp_path / "b.png").write_bytes(b"no picture")
    with Recognizer(color_bundle) as recognizer, pytest.warns(UserWarning, match=r"b\.png"):
        assert len(list(recognizer.stream(tmp_path))) == 1
    (tmp_path / "empty").mkdir()
    with Recognizer(color_bundle) as recognizer, pytest.warns(UserWarning, match="no images there"):
        assert len(list(recognizer.stream([tmp_path / "a.png", tmp_path / "empty"]))) == 1


def test_a_file_that_is_not_there_is_raised_and_a_camera_that_is_away_warned_of(color_bundle, tmp_path):
    with Recognizer(color_bundle) as recognizer:
        with pytest.raises(SourceError, match=r"nope\.mp4"):
            next(recognizer.stream(["demo", tmp_path / "nope.mp4"]))
        with pytest.warns(UserWarning, match=r"127\.0\.0\.1:9"):
            seen = list(itertools.islice(recognizer.stream(["demo", "rtsp://127.0.0.1:9/none"]), 40))
        assert {result.frame.source for result in seen} == {"demo"}


def test_a_recognizer_that_was_closed_meanwhile_goes_on(color_bundle, frames_of_colors, tmp_path):
    for i, frame in enumerate(frames_of_colors):
        cv2.imwrite(str(tmp_path / f"{i}.png"), frame)
    recognizer = Recognizer(color_bundle)
    seen = []
    for result in recognizer.stream(tmp_path):
        seen.append(result.seen.label())
        recognizer.close()
    recognizer.close()
    assert seen == ["red", "green", "blue"] * 2


def test_answers_are_compared_and_drawn_as_one_would(color_bundle, frames_of_colors, tmp_path):
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), frames_of_colors[0])
    with Recognizer(color_bundle) as recognizer:
        one, other = recognizer(path), recognizer(path)
    assert one == one and one != other and one in [other, one]
    assert np.array_equal(one.draw(path), one.draw(frames_of_colors[0]))
    with pytest.raises(ImageError, match="no picture"):
        one.draw(None)
