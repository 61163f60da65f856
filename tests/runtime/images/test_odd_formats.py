"""What OpenCV reads wrongly or not at all, held against Pillow: planes, shared bytes, icons, junk, text orientation."""

from __future__ import annotations

import io
import struct
import zlib

import cv2
import numpy as np
import pytest

from edgelens.runtime.errors import ImageError
from edgelens.runtime.images.read import decode_image, image_size, read_image

Image = pytest.importorskip("PIL.Image", reason="Pillow is what these decoders are held against")
ImageOps = pytest.importorskip("PIL.ImageOps")
PngImagePlugin = pytest.importorskip("PIL.PngImagePlugin")

HEIGHT, WIDTH = 21, 31
WIDE = cv2.resize(np.random.default_rng(4).integers(0, 256, (4, 5, 3), np.uint8), (WIDTH, HEIGHT))  # RGB
FORMS = {1: "B", 3: "H", 4: "I"}
PACKED = {1: lambda data: data, 8: zlib.compress}


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def by_pillow(data):
    return np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))[..., ::-1].astype(int)


def tiff(tags, pieces, order="<", again=()):
    """A TIFF of its tags {number: (kind, values)} and strips; those in `again` come once more at the end."""
    out = bytearray((b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 0))
    places = []
    for piece in pieces:
        places.append(len(out))
        out += piece + bytes(len(piece) % 2)
    entries = b""
    every = {**tags, 273: (4, places), 279: (4, [len(piece) for piece in pieces])}
    for tag, (kind, values) in [*sorted(every.items()), *again]:
        raw = struct.pack(f"{order}{len(values)}{FORMS[kind]}", *values)
        if len(raw) > 4:
            out += bytes(len(out) % 2)
            place = len(out)
            out += raw
            raw = struct.pack(order + "I", place)
        entries += struct.pack(order + "HHI", tag, kind, len(values)) + raw.ljust(4, b"\0")
    out += bytes(len(out) % 2)
    out[4:8] = struct.pack(order + "I", len(out))
    return bytes(out + struct.pack(order + "H", len(every) + len(again)) + entries + bytes(4))


def layout(bits, *, samples=1, kind=1, compression=1, rows=HEIGHT, **more):
    numbers = {256: WIDTH, 257: HEIGHT, 259: compression, 262: kind, 277: samples, 278: rows}
    head = {tag: (3, [value]) for tag, value in numbers.items()} | {258: (3, [bits] * samples)}
    return head | {int(tag[1:]): value for tag, value in more.items()}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [1, 8])
@pytest.mark.parametrize("rows", [HEIGHT, 8])
def test_planes_of_16_bits_are_put_together(order, compression, rows):
    deep = WIDE.astype(order + "u2") * 257
    strips = [deep[top : top + rows, :, c].tobytes() for c in range(3) for top in range(0, HEIGHT, rows)]
    tags = layout(16, samples=3, kind=2, compression=compression, rows=rows, t284=(3, [2]))
    data = tiff(tags, [PACKED[compression](strip) for strip in strips], order)
    for _ in range(3):  # noise of unused memory would differ
        assert np.array_equal(decode_image(data, "planes"), WIDE[..., ::-1])


def test_planes_with_opacity_and_an_orientation():
    alpha = np.full((HEIGHT, WIDTH), 65535, np.uint16)
    alpha[:, :10] = 0
    planes = [*(WIDE[..., c].astype("<u2") * 257 for c in range(3)), alpha]
    tags = layout(16, samples=4, kind=2, t284=(3, [2]), t338=(3, [2]), t274=(3, [6]))
    data = tiff(tags, [plane.tobytes() for plane in planes])
    image = decode_image(data, "planes")
    assert image.shape == (WIDTH, HEIGHT, 3)
    assert image_size(data, "planes") == (WIDTH, HEIGHT)
    assert (image[:10] == 128).all()
    assert np.array_equal(image[10:], np.rot90(WIDE[..., ::-1], -1)[10:])


@pytest.mark.parametrize("compression", [1, 8])
@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize("kind", [0, 1, 3])
def test_pixels_that_share_a_byte(bits, compression, kind):
    values = WIDE[..., 0] >> (8 - bits)
    rows = ["".join(format(value, f"0{bits}b") for value in row) for row in values]
    packed = b"".join(int(row.ljust(-(-len(row) // 8) * 8, "0"), 2).to_bytes(-(-len(row) // 8), "big") for row in rows)
    table = [int(v) * 257 for v in np.random.default_rng(1).integers(0, 256, 3 << bits)]
    more = {"t320": (3, table)} if kind == 3 else {}
    data = tiff(layout(bits, kind=kind, compression=compression, **more), [PACKED[compression](packed)])
    assert np.array_equal(decode_image(data, "shared"), by_pillow(data))


def test_big_tiffs():
    data = encoded(Image.fromarray(WIDE), "TIFF", big_tiff=True)
    assert data[2] == 43
    assert np.array_equal(decode_image(data, "big"), by_pillow(data))


@pytest.mark.parametrize("tag", [256, 257, 258, 277])
def test_a_size_that_is_said_twice_is_refused(tag):
    """Of two widths one decoder takes the first and another the last: a bomb behind a small header."""
    again = [(tag, (4, [30_000]))]
    data = tiff(layout(8), [WIDE[..., 0].tobytes()], again=again)
    with pytest.raises(ImageError, match="says its size twice"):
        decode_image(data, "bomb")
    assert decode_image(tiff(layout(8), [WIDE[..., 0].tobytes()]), "one").shape == (HEIGHT, WIDTH, 3)


def test_a_tile_that_is_larger_than_any_picture_is_refused():
    tags = layout(8) | {322: (4, [1 << 15]), 323: (4, [1 << 15])}
    with pytest.raises(ImageError, match="would take"):
        decode_image(tiff(tags, [bytes(10)]), "tile")


def test_icons_show_their_largest_picture():
    square = Image.fromarray(cv2.resize(WIDE, (48, 48)))
    for options in ({}, {"bitmap_format": "bmp"}):
        data = encoded(square, "ICO", sizes=[(16, 16), (48, 48)], **options)
        assert np.array_equal(decode_image(data, "icon"), by_pillow(data))
        assert image_size(data, "icon") == (48, 48)
    seen_through = square.convert("RGBA")
    seen_through.putalpha(Image.fromarray(np.tile(np.array([0, 255], np.uint8), (48, 24))))
    for options in ({}, {"bitmap_format": "bmp"}):
        image = decode_image(encoded(seen_through, "ICO", sizes=[(48, 48)], **options), "icon")
        assert (image[:, ::2] == 128).all()
        assert np.array_equal(image[:, 1::2], np.asarray(square)[:, 1::2, ::-1])


@pytest.mark.parametrize("bits", [1, 4, 8, 24])
def test_icons_of_old_have_tables_and_masks(bits):
    size, rng = 16, np.random.default_rng(bits)
    table = rng.integers(0, 256, (1 << bits if bits <= 8 else 0, 4), np.uint8)
    row = (size * bits + 31) // 32 * 4
    pixels = rng.integers(0, 256, row * size, np.uint8).tobytes()
    mask = (b"\xf0\x00" + bytes(2)) * size
    head = struct.pack("<IiiHHIIiiII", 40, size, 2 * size, 1, bits, 0, 0, 0, 0, 0, 0)
    bitmap = head + table.tobytes() + pixels + mask
    data = struct.pack("<HHH", 0, 1, 1) + struct.pack("<BBBBHHII", size, size, 0, 0, 1, bits, len(bitmap), 22) + bitmap
    image = decode_image(data, "icon")
    assert (image[:, :4] == 128).all()
    assert np.array_equal(image[:, 4:], by_pillow(data)[:, 4:])


def test_damaged_icons_are_one_line():
    good = encoded(Image.fromarray(WIDE).resize((32, 32)), "ICO", bitmap_format="bmp", sizes=[(32, 32)])
    rng = np.random.default_rng(0)
    for _ in range(200):
        odd = bytearray(good[: rng.integers(0, len(good))] if rng.random() < 0.3 else good)
        for at in rng.integers(0, 64, 3):
            if at < len(odd):
                odd[at] = rng.integers(0, 256)
        try:
            decode_image(bytes(odd), "icon")
        except ImageError as error:
            assert "\n" not in str(error)


def test_bytes_between_a_jpegs_segments_are_passed_over(tmp_path):
    good = encoded(Image.fromarray(WIDE), "JPEG", quality=95)
    (length,) = struct.unpack(">H", good[4:6])
    for at in (2, 4 + length):
        odd = good[:at] + b"junk that a camera left here" + good[at:]
        (tmp_path / "odd.jpg").write_bytes(odd)
        assert np.array_equal(read_image(tmp_path / "odd.jpg"), decode_image(good, "good"))
        if at > 2:  # Pillow wants a first segment at once
            assert np.abs(by_pillow(odd) - read_image(tmp_path / "odd.jpg")).mean() < 1
    with pytest.raises(ImageError, match="no image of a known format"):
        decode_image(b"HTTP/1.1 200 OK\r\n\r\n" + good, "before")


XMP = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def raw_profile():
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0" + struct.pack("<HHIHH", 0x112, 3, 1, 6, 0) + bytes(4)
    digits = exif.hex()
    lines = "\n".join(digits[i : i + 72] for i in range(0, len(digits), 72))
    return f"\nexif\n{len(exif):8}\n{lines}\n".encode()


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(XMP)),
        (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw_profile())),
        (b"tEXt", b"Raw profile type exif\0" + raw_profile()),
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<tiff:Orientation>6</tiff:Orientation>"),
    ],
)
def test_an_orientation_that_a_png_says_in_words(kind, text):
    good = encoded(Image.fromarray(WIDE), "PNG")
    odd = good[:33] + chunk(kind, text) + good[33:]
    assert np.array_equal(decode_image(odd, "text"), np.rot90(WIDE[..., ::-1], -1))
    damaged = good[:33] + chunk(kind, text[:25] + b"\xff\xff" + text[40:]) + good[33:]
    assert decode_image(damaged, "damaged").shape in ((HEIGHT, WIDTH, 3), (WIDTH, HEIGHT, 3))


def test_an_orientation_in_xmp_alone_turns_jpegs_too():
    good = encoded(Image.fromarray(WIDE), "JPEG", quality=95)
    packet = b"http://ns.adobe.com/xap/1.0/\0" + XMP
    odd = good[:2] + b"\xff\xe1" + struct.pack(">H", len(packet) + 2) + packet + good[2:]
    assert decode_image(odd, "xmp").shape == (WIDTH, HEIGHT, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_an_exif_that_says_upright_is_not_overruled_by_xmp(kind):
    exif = Image.Exif()
    exif[0x112] = 1
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", XMP.decode())
    options = {"pnginfo": text} if kind == "PNG" else {"xmp": XMP}
    assert decode_image(encoded(Image.fromarray(WIDE), kind, **options), "xmp").shape == (WIDTH, HEIGHT, 3)
    assert decode_image(encoded(Image.fromarray(WIDE), kind, exif=exif, **options), "both").shape == (HEIGHT, WIDTH, 3)
