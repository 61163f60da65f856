"""HEIC and AVIF as phones write them: upright, whole or refused, and one line where a package is missing."""

from __future__ import annotations

import io
import subprocess
import sys

import cv2
import numpy as np
import pytest

from edgelens.runtime.errors import ImageError
from edgelens.runtime.images.read import decode_image, decode_with_holes, image_size

Image = pytest.importorskip("PIL.Image", reason="Pillow writes the photos of this test")
ImageOps = pytest.importorskip("PIL.ImageOps")


def scene(height: int = 96, width: int = 144) -> np.ndarray:
    """A smooth picture without a symmetry, RGB."""
    small = np.random.default_rng(4).integers(0, 256, (4, 5, 3), np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def photo(kind: str, orientation: int = 1, mode: str = "RGB") -> bytes:
    """An encoded scene, turned as a phone says it in the file."""
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    elif not cv2.haveImageWriter(".avif"):
        pytest.skip("this OpenCV has no AVIF")
    exif = Image.Exif()
    exif[0x112] = orientation
    image = Image.fromarray(scene()).convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.fromarray(np.where(np.arange(144) < 36, 0, 255).astype(np.uint8)[None].repeat(96, 0)))
    out = io.BytesIO()
    image.save(out, kind, exif=exif.tobytes() if kind == "HEIF" else exif, quality=95)
    return out.getvalue()


KINDS = ["HEIF", "AVIF"]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", KINDS)
def test_every_orientation_is_upright(kind: str, orientation: int) -> None:
    data, exif = photo(kind, orientation), Image.Exif()
    exif[0x112] = orientation
    turned = Image.fromarray(scene())
    turned.getexif()[0x112] = orientation
    wanted = np.asarray(ImageOps.exif_transpose(turned))[..., ::-1].astype(int)
    found = decode_image(data, "photo")
    assert found.shape == wanted.shape == (*image_size(data, "photo"), 3)
    assert np.abs(found - wanted).mean() < 4


@pytest.mark.parametrize("kind", KINDS)
def test_transparent_pixels_are_missing(kind: str) -> None:
    image, share = decode_with_holes(photo(kind, mode="RGBA"), "photo")
    assert image.shape == (96, 144, 3)
    assert share == pytest.approx(0.25, abs=0.02)
    assert (image[:, :30] == 128).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.98])
def test_half_a_photo_is_none(kind: str, share: float) -> None:
    data = photo(kind)
    with pytest.raises(ImageError) as error:
        decode_image(data[: int(len(data) * share)], "photo.heic")
    assert str(error.value).startswith("photo.heic: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", KINDS)
def test_noise_in_it_is_survived(kind: str) -> None:
    data, draw = bytearray(photo(kind)), np.random.default_rng(0)
    for _ in range(60):
        broken = bytearray(data)
        for at in draw.integers(0, len(data), 6).tolist():
            broken[at] = int(draw.integers(256))
        try:
            assert decode_image(bytes(broken), "photo").dtype == np.uint8
        except ImageError as error:
            assert "\n" not in str(error)


def test_a_size_that_would_fill_the_memory_is_refused_before_decoding() -> None:
    data = bytearray(photo("AVIF"))
    at = data.index(b"ispe") + 8
    data[at : at + 8] = (60000).to_bytes(4, "big") * 2
    with pytest.raises(ImageError, match="60000 × 60000 pixels would take"):
        decode_image(bytes(data), "photo.avif")


def test_a_video_is_no_picture() -> None:
    with pytest.raises(ImageError, match="is a video, not a picture"):
        decode_image(b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + bytes(64), "clip.heic")


def test_without_the_package_one_line_says_what_to_install() -> None:
    """An HEIC's header alone, which is read without it."""
    script = """
import sys
sys.modules["pillow_heif"] = None
from edgelens.runtime.images.read import decode_image
def box(name, *inside): body = b"".join(inside); return (8 + len(body)).to_bytes(4, "big") + name + body
ispe = box(b"ispe", bytes(4), (64).to_bytes(4, "big"), (48).to_bytes(4, "big"))
data = box(b"ftyp", b"heic", bytes(4), b"mif1heic") + box(b"meta", bytes(4), box(b"iprp", box(b"ipco", ispe)))
try: decode_image(data + box(b"mdat", bytes(99)), "IMG_1.HEIC")
except Exception as error: print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout == (
        "IMG_1.HEIC: is an HEIC photo, which pillow-heif reads: pip install 'edgelens[photos]', or convert it to JPEG\n"
    )
