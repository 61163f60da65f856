"""Images of any kind: upright uint8 BGR as Pillow sees them, or one line that says why not."""

from __future__ import annotations

import io
import os
import resource
import subprocess
import sys
import threading

import cv2
import numpy as np
import pytest

from edgelens.runtime.errors import ImageError
from edgelens.runtime.images.decoder_noise import caught_noise, tells_of_damage
from edgelens.runtime.images.read import decode_image, decode_with_holes, image_size, read_image

Image = pytest.importorskip("PIL.Image", reason="Pillow is what these decoders are held against")
ImageOps = pytest.importorskip("PIL.ImageOps")


def scene(height=60, width=84):
    """A smooth picture without a symmetry, RGB."""
    small = np.random.default_rng(4).integers(0, 256, (4, 5, 3), np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def by_pillow(data):
    """Upright BGR as Pillow makes it, over gray."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if "A" in image.getbands():
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (128, 128, 128, 255)), image)
    return np.asarray(image.convert("RGB"))[..., ::-1].astype(int)


def differs(data, reference=None):
    image = decode_image(data, "test")
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    reference = by_pillow(data) if reference is None else reference
    assert image.shape == reference.shape
    return np.abs(image - reference).mean()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "PNG alpha", "WEBP alpha", "TIFF alpha"])
def test_every_exif_orientation_is_upright(kind, orientation):
    exif = Image.Exif()
    exif[0x112] = orientation
    name, _, alpha = kind.partition(" ")
    image = Image.fromarray(scene())
    if alpha:
        image.putalpha(200)
    options = {"exif": exif, "quality": 95, "lossless": True} if name != "TIFF" else {"tiffinfo": {0x112: orientation}}
    data = encoded(image, name, **options)
    assert by_pillow(data).shape[:2] == ((84, 60) if orientation >= 5 else (60, 84))
    assert differs(data) < 1.0
    assert image_size(data, "test") == decode_image(data, "test").shape[:2]


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_jpeg_decoded_small_is_upright_and_large_enough(orientation):
    exif = Image.Exif()
    exif[0x112] = orientation
    data = encoded(Image.fromarray(scene(400, 600)), "JPEG", exif=exif, quality=95)
    small = decode_image(data, "test", at_least=(96, 96))
    full = decode_image(data, "test")
    assert small.shape[:2] == (full.shape[0] // 4, full.shape[1] // 4)
    halved = cv2.resize(full, small.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - halved).mean() < 1.5


def test_gray_palette_one_bit_cmyk_and_progressive():
    image = Image.fromarray(scene())
    for mode, kind, most in (("L", "PNG", 0), ("P", "PNG", 0), ("1", "PNG", 0), ("P", "GIF", 0), ("L", "JPEG", 1)):
        assert differs(encoded(image.convert(mode), kind)) <= most
    assert differs(encoded(image.convert("CMYK"), "JPEG", quality=95)) < 2
    assert differs(encoded(image, "JPEG", progressive=True)) < 1
    assert differs(encoded(image.convert("P"), "TIFF")) == 0
    assert differs(encoded(image, "BMP")) == 0
    assert differs(encoded(image, "PPM")) == 0
    assert differs(encoded(image, "JPEG2000")) < 1


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_sixteen_bits_are_scaled_and_not_cut(kind):
    deep = (scene()[..., 0].astype(np.uint16) * 257).astype(np.uint16)
    data = encoded(Image.fromarray(deep), kind)
    expected = np.repeat(scene()[..., :1], 3, axis=2).astype(int)
    assert differs(data, expected) == 0


def test_a_sensors_twelve_bits_in_sixteen_are_not_left_dark():
    ramp = np.linspace(0, 4095, 60 * 84).reshape(60, 84).astype(np.uint16)
    data = encoded(Image.fromarray(ramp), "PNG")
    assert decode_image(data, "test").max() == 255


@pytest.mark.parametrize("white", [15, 100, 255, 1023, 4095, 40000, 65535])
@pytest.mark.parametrize("kind", [b"P2", b"P3", b"P5", b"P6"])
def test_a_pnm_says_what_white_is(white, kind):
    channels = 3 if kind in (b"P3", b"P6") else 1
    values = np.random.default_rng(1).integers(0, white + 1, (10, 12, channels))
    in_words = " ".join(map(str, values.ravel())).encode() + b"\n"
    packed = in_words if kind in (b"P2", b"P3") else values.astype(">u2" if white > 255 else "u1").tobytes()
    image = decode_image(b"%s\n12 10\n%d\n" % (kind, white) + packed, "test")
    expected = np.repeat(values * 255 / white, 3 // channels, axis=2)[..., ::-1]
    assert np.abs(image - expected).max() <= 1


def test_a_pnm_without_white_in_it_stays_dark():
    data = b"P5\n2 1\n4095\n" + np.array([0, 1000], ">u2").tobytes()
    assert decode_image(data, "test")[0, :, 0].tolist() == [0, 62]


def test_sixteen_bit_colour_and_floats():
    deep = cv2.imencode(".png", scene()[..., ::-1].astype(np.uint16) * 257)[1].tobytes()
    assert differs(deep, scene()[..., ::-1].astype(int)) == 0
    gray = scene()[..., 0]
    expected = np.repeat(gray[..., None], 3, axis=2).astype(int)
    for values in (gray / np.float32(255), gray.astype(np.float32)):
        assert differs(encoded(Image.fromarray(values.astype(np.float32)), "TIFF"), expected) < 0.5
    wide = np.linspace(-3, 900, 60 * 84, dtype=np.float32).reshape(60, 84)
    wide[0, 0] = np.nan
    image = decode_image(encoded(Image.fromarray(wide), "TIFF"), "test")
    assert (image.min(), image.max()) == (0, 255)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparent_pixels_are_missing_and_become_gray_and_edges_and_shadows_are_laid_over_it(kind):
    alpha = np.zeros((60, 84), np.uint8)
    alpha[:, 40:60] = np.arange(20) * 12 + 3
    alpha[:, 60:] = 255
    image = Image.fromarray(np.dstack([scene(), alpha]))
    data = encoded(image, kind, lossless=True, exact=True)
    shown, missing = decode_with_holes(data, "test")
    assert missing == pytest.approx(40 / 84)
    assert (shown[:, :40] == 128).all()
    np.testing.assert_array_equal(shown[:, 60:], scene()[:, 60:, ::-1])
    assert np.abs(shown - by_pillow(data)).max() <= 1


def test_gray_with_alpha_and_a_transparent_palette():
    gray = Image.fromarray(scene()).convert("LA")
    gray.putalpha(255)
    assert differs(encoded(gray, "PNG")) == 0
    palette = Image.fromarray(scene()).convert("P")
    data = encoded(palette, "PNG", transparency=int(np.asarray(palette)[0, 0]))
    assert decode_image(data, "test")[0, 0].tolist() == [128, 128, 128]


@pytest.mark.parametrize(("kind", "suffix"), [("GIF", ".gif"), ("WEBP", ".webp"), ("PNG", ".png"), ("TIFF", ".tif")])
def test_the_first_picture_of_several(kind, suffix):
    first = Image.fromarray(scene())
    rest = [Image.fromarray(255 - scene())]
    data = encoded(first, kind, save_all=True, append_images=rest, lossless=True)
    assert differs(data) < 1


def test_an_animation_whose_default_picture_stands_apart():
    data = encoded(
        Image.fromarray(scene()),
        "PNG",
        save_all=True,
        default_image=True,
        append_images=[Image.new("RGB", (84, 60), "red"), Image.new("RGB", (84, 60), "blue")],
    )
    assert differs(data, scene()[..., ::-1].astype(int)) == 0


@pytest.mark.parametrize("size", [(1, 1), (3, 2000), (2000, 3)])
def test_extreme_shapes(size):
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    assert differs(encoded(Image.fromarray(pixels), "PNG")) == 0


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_truncated_files_are_refused_or_whole(kind):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 84, 3), np.uint8))
    data = encoded(image, kind)
    reference = decode_image(data, "whole")
    for keep in np.linspace(0, len(data) - 3, 40).astype(int):
        try:
            with caught_noise() as noise:
                cut = decode_image(data[:keep], "cut")
        except ImageError as error:
            assert "\n" not in str(error)
            continue
        assert tells_of_damage(noise) or np.abs(cut.astype(int) - reference).mean() < 1


def test_bytes_that_are_flipped_crash_nothing():
    rng = np.random.default_rng(1)
    image = Image.fromarray(scene())
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM"):
        data = encoded(image, kind)
        for _ in range(60):
            broken = bytearray(data)
            for at in rng.integers(0, len(data), 3):
                broken[at] = rng.integers(0, 256)
            try:
                with caught_noise():
                    assert decode_image(bytes(broken), "broken").dtype == np.uint8
            except ImageError as error:
                assert "\n" not in str(error)


def test_png_damage_is_found_by_checksum():
    data = bytearray(encoded(Image.fromarray(scene()), "PNG"))
    data[data.index(b"IDAT") + 300] ^= 1
    with pytest.raises(ImageError, match="IDAT chunk has a wrong checksum"):
        decode_image(bytes(data), "test")


def test_jpeg_damage_that_shows_as_noise_is_found(tmp_path, capfd):
    noisy = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
    data = bytearray(encoded(Image.fromarray(noisy), "JPEG", quality=90))
    data[len(data) // 2 : len(data) // 2 + 300] = bytes(300)
    (tmp_path / "rot.jpg").write_bytes(bytes(data))
    with pytest.raises(ImageError, match="image data is damaged"):
        read_image(tmp_path / "rot.jpg")
    assert capfd.readouterr().err == ""


def test_what_others_print_meanwhile_is_passed_on(capfd):
    with caught_noise() as noise:
        os.write(2, b"a line of somebody else\nCorrupt JPEG data: 337 extraneous bytes before marker 0xd9\n")
    assert capfd.readouterr().err == "a line of somebody else\n"
    assert tells_of_damage(noise)
    with caught_noise() as noise:
        os.write(2, b"Corrupt JPEG data: 2 extraneous bytes before marker 0xd9\n")
    assert not tells_of_damage(noise)  # padding, which some cameras write


def test_threads_may_read_at_once(tmp_path):
    for i in range(4):
        Image.fromarray(scene()).save(tmp_path / f"{i}.jpg", quality=95)
    expected = read_image(tmp_path / "0.jpg")
    wrong = []

    def read(i):
        wrong.extend(i for _ in range(20) if (read_image(tmp_path / f"{i}.jpg") != expected).any())

    threads = [threading.Thread(target=read, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_bombs_are_refused_by_their_header_alone(tmp_path):
    bomb = Image.new("1", (20000, 20000))
    data = encoded(bomb, "PNG")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ImageError, match=r"20000 × 20000 pixels would take"):
        decode_image(data, "bomb")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000
    for claim in (
        b"GIF89a" + (65535).to_bytes(2, "little") * 2 + bytes(20),
        b"P6 100000 100000 255\n",
        b"BM" + bytes(12) + (40).to_bytes(4, "little") + (50000).to_bytes(4, "little") * 2 + bytes(40),
        b"II*\0\x08\0\0\0\x02\0"
        + b"".join(
            tag.to_bytes(2, "little") + b"\x04\0\x01\0\0\0" + (90000).to_bytes(4, "little") for tag in (0x100, 0x101)
        ),
    ):
        with pytest.raises(ImageError, match="would take"):
            decode_image(claim, "claim")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"this is text, whatever it is called", "no image of a known format"),
        (b"\xff\xd8\xff\xe0", "header ends too early"),
        (b"\0\0\0\x18ftypisom" + bytes(40), "video"),
        (b"\x89PNG\r\n\x1a\n" + bytes(30), "header ends too early"),
    ],
)
def test_what_is_no_image_says_so(tmp_path, data, message):
    (tmp_path / "x.jpg").write_bytes(data)
    with pytest.raises(ImageError, match=message):
        read_image(tmp_path / "x.jpg")


def test_what_is_no_file_says_so(tmp_path):
    with pytest.raises(ImageError, match="could not be read"):
        read_image(tmp_path / "nothing.jpg")
    with pytest.raises(ImageError, match="no regular file"):
        read_image("/dev/zero")
    with pytest.raises(ImageError, match=r"could not be read|no regular file"):
        read_image(tmp_path)
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(ImageError, match="no regular file"):
        read_image(tmp_path / "pipe.jpg")


def test_all_odd_images_are_right_or_refused_without_noise(shared):
    code = (
        "import sys; from pathlib import Path\n"
        "from edgelens.runtime.images.read import read_image; from edgelens.runtime.errors import ImageError\n"
        "for file in sorted(Path(sys.argv[1]).rglob('*.*')):\n"
        "    try: image = read_image(file); print('ok', file, image.shape, flush=True)\n"
        "    except ImageError as error: print('no', str(error).count(chr(10)), file, flush=True)\n"
        "print(*[line for line in open('/proc/self/status') if line.startswith('VmHWM')], end='')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, shared / "odd_images"], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    refused = {line.split("odd_images/")[1].split()[0] for line in lines if line.startswith("no")}
    broken = ["bomb_", "bitrot", "empty", "text.jpg", "trunc", "badwidth", "broken", ".csv"]
    assert len(refused) >= 12
    assert all(any(word in name for word in broken) for name in refused), refused
    assert int(lines[-1].split()[1]) < 300_000


def test_odd_images_look_like_their_reference(shared):
    made = shared / "odd_images" / "made"
    reference = read_image(made / "china_ok.png").astype(int)
    gray = cv2.cvtColor(read_image(made / "china_ok.png"), cv2.COLOR_BGR2GRAY).astype(int)
    colour = ("bmp", "webp", "16bit_rgb.png", "anim.webp", "cmyk.jpg", "progressive.jpg", "ok.jpg")
    for name in colour:
        file = made / (f"china.{name}" if "." not in name else f"china_{name}")
        assert np.abs(read_image(file) - reference).mean() < 5, file
    for name in ("16bit_gray.png", "float.tif", "gray.png"):
        assert np.abs(read_image(made / f"china_{name}")[..., 0] - gray).mean() < 2, name
    for name, opaque in (("rgba.png", reference), ("la.png", gray[..., None])):
        opacity = np.asarray(Image.open(made / f"china_{name}").getchannel("A"))[..., None] / 255
        assert np.abs(read_image(made / f"china_{name}") - (128 + opacity * (opaque - 128))).mean() < 2, name
    upright = read_image(shared / "odd_images" / "exif" / "Landscape_1.jpg").astype(int)
    for orientation in range(2, 9):
        turned = read_image(shared / "odd_images" / "exif" / f"Landscape_{orientation}.jpg").astype(int)
        assert turned.shape == upright.shape
        assert np.abs(turned - upright).mean() < 12, orientation
