"""Bundles: written and read back, versions that grow, and every kind of damage."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import random
import struct
import warnings
import zipfile

import pytest

from edgelens.runtime.bundle.bundle import Bundle, complete, pack, write_bundle
from edgelens.runtime.bundle.manifest import MANIFEST
from edgelens.runtime.errors import BundleError, EdgelensError
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.recognizer import BundleRecognizer
from edgelens.runtime.model.verify import verify_bundle


def answers(path, frames):
    """What a bundle says of pictures, exactly, after its golden frames were run."""
    bundle = Bundle.open(path)
    verify_bundle(bundle)
    with BundleRecognizer(bundle, engine="onnxruntime") as recognizer:
        return [
            (list(seen), seen.maps["probabilities"].tobytes())
            for seen in (recognizer.recognize(Frame(frame)).recognitions for frame in frames)
        ]


def unpacked(path):
    with zipfile.ZipFile(path) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def repacked(entries, **changes):
    """A zip of entries as a bundle's writer makes it; `changes` are attributes of every ZipInfo."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in entries.items() if isinstance(entries, dict) else entries:
            info = zipfile.ZipInfo(name)
            for key, value in changes.items():
                setattr(info, key, value)
            archive.writestr(info, data)
    return buffer.getvalue()


def directory_of(data):
    """Where the zip's directory begins; the golden data is a zip too, so its mark alone says nothing."""
    return struct.unpack_from("<I", data, data.rindex(b"PK\x05\x06") + 16)[0]


def refused(tmp_path, data, match):
    path = tmp_path / "bad.edge"
    path.write_bytes(data)
    with pytest.raises(BundleError, match=match) as caught:
        answers(path, [])
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_was_written_is_read(color_bundle, frames_of_colors):
    again = Bundle.open(color_bundle.path)
    assert again.manifest == color_bundle.manifest
    assert again.manifest.main.files[0].bytes == len(again.read("models/color.onnx"))
    assert [a[0][0][0] for a in answers(color_bundle.path, frames_of_colors)] == ["red", "green", "blue"] * 2
    assert again.has("card.json")
    assert not again.has("manifest.json.sig")


def test_the_same_content_is_the_same_bytes_and_versions_grow(color_bundle, tmp_path):
    manifest = color_bundle.manifest
    entries = {name: color_bundle.read(name) for name in manifest.entries}
    finished = complete(manifest, entries)
    assert pack(finished, entries) == pack(finished, dict(reversed(entries.items()))) == color_bundle.path.read_bytes()
    assert write_bundle(color_bundle.path, manifest, entries).manifest.content_version == 2
    assert write_bundle(color_bundle.path, manifest, entries).manifest.content_version == 3
    newer = dataclasses.replace(manifest, content_version=9)
    assert write_bundle(color_bundle.path, newer, entries).manifest.content_version == 9


def test_entries_are_stored_not_deflated(color_bundle):
    with zipfile.ZipFile(color_bundle.path) as archive:
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}


def test_no_file_a_folder_and_a_pipe(tmp_path):
    (tmp_path / "d.edge").mkdir()
    os.mkfifo(tmp_path / "p.edge")
    for name, match in (("n.edge", "no such file"), ("d.edge", "is a folder"), ("p.edge", "is no file")):
        with pytest.raises(BundleError, match=match):
            Bundle.open(tmp_path / name)


@pytest.mark.parametrize(
    "name", ["../x", "/etc/x", "a/../../x", "a\\b", "a//b", "./a", "C:x", "a/", "a\x07b", "golden/\x1b[31mred", "."]
)
def test_odd_names(color_bundle, tmp_path, name):
    entries = [*unpacked(color_bundle.path).items(), (name, b"x")]
    refused(tmp_path, repacked(entries), "not allowed in a bundle")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.edge", "color.edge"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_duplicates_unlisted_missing_and_swapped_entries(color_bundle, tmp_path):
    entries = unpacked(color_bundle.path)
    refused(tmp_path, repacked([*entries.items(), ("card.json", b"{}")]), "is there twice")
    refused(tmp_path, repacked({**entries, "more.txt": b"x"}), "'more.txt' is not listed")
    fewer = {name: data for name, data in entries.items() if name != "card.json"}
    refused(tmp_path, repacked(fewer), "'card.json' is listed in the manifest and not there")
    swapped = {**entries, "golden/0.png": entries["golden/1.png"], "golden/1.png": entries["golden/0.png"]}
    refused(tmp_path, repacked(swapped), r"golden/0.png: its sha256 is not the manifest's")
    refused(tmp_path, repacked({**entries, "models/color.onnx": b"other"}), "its sha256 is not the manifest's")
    refused(tmp_path, repacked({k: v for k, v in entries.items() if k != MANIFEST}), "not a bundle")


def test_entries_of_a_newer_kit_are_tolerated(color_bundle, tmp_path, frames_of_colors):
    entries = unpacked(color_bundle.path)
    plain = json.loads(entries[MANIFEST])
    plain["format"], plain["novelty"] = "1.7", {"x": [1]}
    plain["networks"]["main"]["decode"]["sharpness"] = 3
    newer = {**entries, MANIFEST: json.dumps(plain).encode(), "ext/novelty.bin": b"\x00"}
    path = tmp_path / "newer.edge"
    path.write_bytes(repacked(newer))
    assert answers(path, frames_of_colors) == answers(color_bundle.path, frames_of_colors)
    plain["format"] = "3.0"
    refused(tmp_path, repacked({**entries, MANIFEST: json.dumps(plain).encode()}), "newer than this kit reads")


def test_compression_encryption_and_zip_features(color_bundle, tmp_path):
    entries = unpacked(color_bundle.path)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    refused(tmp_path, buffer.getvalue(), "is compressed")
    data = bytearray(color_bundle.path.read_bytes())
    at = directory_of(data)
    for flag, match in ((0x1, "encrypted"), (0x8, "no use for"), (0x40, "encrypted")):
        changed = bytearray(data)
        changed[at + 8] |= flag
        refused(tmp_path, bytes(changed), match)


def test_false_sizes_and_places(color_bundle, tmp_path):
    data = color_bundle.path.read_bytes()
    first = directory_of(data)
    second = data.index(b"PK\x01\x02", first + 4)

    def with_number(at, form, value):
        return data[:at] + struct.pack(form, value) + data[at + struct.calcsize(form) :]

    huge = data[: first + 20] + struct.pack("<II", 0xFFFFFFF0, 0xFFFFFFF0) + data[first + 28 :]
    refused(tmp_path, huge, "claims 4294967280 bytes")
    big = data[: first + 20] + struct.pack("<II", 2**28, 2**28) + data[first + 28 :]
    refused(tmp_path, big, "not what the directory says|damaged|overlaps")
    overlapping = with_number(second + 42, "<I", 0)  # the second entry at the first one's place
    refused(tmp_path, overlapping, "not what the directory says|damaged|[Oo]verlap")
    outside = with_number(second + 42, "<I", len(data) + 5000)
    refused(tmp_path, outside, "damaged|outside|not what")
    local_name = data[:30] + b"MANIFEST" + data[38:]
    refused(tmp_path, local_name, "not what the directory says|damaged")


def test_zip64_games(color_bundle, tmp_path):
    data = color_bundle.path.read_bytes()
    first = directory_of(data)
    refused(tmp_path, data[: first + 6] + struct.pack("<H", 45) + data[first + 8 :], "no use for")
    end = data.rindex(b"PK\x05\x06")
    fake64 = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 2**40, 2**40, 2**40, 2**40)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
    refused(tmp_path, data[:end] + fake64 + locator + data[end:], "damaged")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (b"", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply|not valid JSON"),
        (b'{"format": "1.0", "x": ' + b"9" * 5000 + b"}", "not valid JSON"),
        (b'{"format": "1.0", "x": NaN}', "NaN is no JSON number"),
        (b'{"format": "1.0", "x": -Infinity}', "no JSON number"),
        (b'{"format": "1.0", "x": 1e999}', "too large a number"),
        (b'{"format": "1.0", "format": "1.0"}', "'format' is there twice"),
        (b'{"format": "1.0", "name": "\\ud800"}', "surrogate"),
        (b"3", "must be an object"),
        (b"[]", "must be an object"),
        (b"null", "must be an object"),
        (b'{"format": 1.0}', "format must be a text"),
        (b'{"format": "1"}', "major.minor"),
        (b'{"format": "1.0"}', "lacks"),
    ],
)
def test_bad_json(color_bundle, tmp_path, text, match):
    refused(tmp_path, repacked({**unpacked(color_bundle.path), MANIFEST: text}), match)


WEIRD = [
    None,
    True,
    -1,
    0,
    10**400,
    1.5,
    1e308,
    "",
    "x" * 5000,
    "\x1b[2J",
    [],
    {},
    [None],
    {"a": 1},
    "0" * 64,
    [[]] * 3,
]


def places(node, path=()):
    yield path
    if isinstance(node, dict):
        for key in node:
            yield from places(node[key], (*path, key))
    elif isinstance(node, list):
        for i in range(len(node)):
            yield from places(node[i], (*path, i))


def test_every_value_of_the_manifest_replaced_by_every_kind_of_nonsense(color_bundle, tmp_path, frames_of_colors):
    """A clear error, or the bundle still answers without a traceback (a rewritten manifest may well answer else)."""
    entries = unpacked(color_bundle.path)
    original = json.loads(entries[MANIFEST])
    original["networks"]["main"]["decode"]["options"] = {"classes": [0, 1, 2], "layout": "v8", "keypoints": [1, 2]}
    rng = random.Random(1)
    path = tmp_path / "m.edge"
    tried = 0
    for place in list(places(original))[1:]:
        for value in rng.sample(WEIRD, 4):
            plain = json.loads(json.dumps(original))
            node = plain
            for key in place[:-1]:
                node = node[key]
            node[place[-1]] = value
            try:
                text = json.dumps(plain).encode()
            except ValueError:
                continue
            path.write_bytes(repacked({**entries, MANIFEST: text}))
            tried += 1
            try:
                answers(path, frames_of_colors[:1])
            except EdgelensError as error:
                assert "\n" not in str(error)
    assert tried > 200


def test_damage_is_an_error_or_changes_nothing(color_bundle, tmp_path, frames_of_colors):
    """Every accident and trick below: a clear line and exit code 2, or bit-identical answers; nothing is written.

    EDGELENS_MUTATIONS=2000 tries more of them.
    """
    data = color_bundle.path.read_bytes()
    wanted = answers(color_bundle.path, frames_of_colors[:2])
    folder = tmp_path / "inner" / "folder"
    folder.mkdir(parents=True)
    path = folder / "damaged.edge"
    before = sorted(tmp_path.rglob("*"))
    harmless = 0
    count = int(os.environ.get("EDGELENS_MUTATIONS", "300"))
    for seed in range(count):
        kind = list(DAMAGE)[seed % len(DAMAGE)]
        path.write_bytes(DAMAGE[kind](data, random.Random(seed)))
        try:
            assert answers(path, frames_of_colors[:2]) == wanted, f"{kind}, seed {seed}"
            harmless += 1
        except EdgelensError as error:
            assert error.exit_code == 2, f"{kind}, seed {seed}: {error}"
            assert str(path) in str(error), f"{kind}, seed {seed}: {error}"
            assert "\n" not in str(error)
    path.unlink()
    assert sorted(tmp_path.rglob("*")) == before
    assert harmless < count / 3  # time stamps and the like


def flipped(data, rng, low=0):
    out = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 5])):
        out[rng.randrange(low, len(data))] ^= 1 << rng.randrange(8)
    return bytes(out)


def cut_out(data, rng):
    start = rng.randrange(len(data))
    return data[:start] + data[start + rng.randrange(1, 400) :]


def swapped_pieces(data, rng):
    out, size = bytearray(data), rng.randrange(1, 300)
    a, b = (rng.randrange(len(data) - size) for _ in range(2))
    out[a : a + size], out[b : b + size] = out[b : b + size], out[a : a + size]
    return bytes(out)


def swapped_entries(data, rng):
    entries = unpacked(io.BytesIO(data))
    one, other = rng.sample(sorted(entries), 2)
    entries[one], entries[other] = entries[other], entries[one]
    return repacked(entries)


def odd_entry(data, rng):
    names = ("../../out.txt", "/tmp/out.txt", "models/../../out", "card.json", "a/", "x\\y", "C:\\out", "more.bin")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile says that a name is there twice
        return repacked([*unpacked(io.BytesIO(data)).items(), (rng.choice(names), rng.randbytes(8))])


def false_number(data, rng):
    """A size, an offset, a CRC or a flag of the directory or of a local header is another one."""
    first = directory_of(data)
    records = [i for i in range(first, len(data) - 46) if data[i : i + 4] == b"PK\x01\x02"]
    place, width = rng.choice([(8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (42, 4)])
    at = rng.choice(records) + place
    value = rng.choice([0, 1, 2**16 - 1, 2**31, 2**32 - 1, rng.randrange(2**32)]) % 256**width
    return data[:at] + value.to_bytes(width, "little") + data[at + width :]


def bad_manifest(data, rng):
    entries = unpacked(io.BytesIO(data))
    text = entries[MANIFEST]
    tricks = [
        lambda: text[: rng.randrange(len(text))],
        lambda: text + text,
        lambda: b"[" * 50_000,
        lambda: text.replace(b'"content_version": 1', b'"content_version": ' + b"9" * rng.choice([30, 6000])),
        lambda: text.replace(b'"threshold": 0.0', b'"threshold": ' + rng.choice([b"NaN", b"1e999", b"-1", b'"x"'])),
        lambda: text.replace(b'"color"', b'"\\ud800"', 1),
        lambda: text.replace(b'"name"', b'"format"', 1),
        lambda: text.decode().encode("utf-16"),
    ]
    return repacked({**entries, MANIFEST: rng.choice(tricks)()})


DAMAGE = {
    "flip anywhere": flipped,
    "flip in the directory": lambda data, rng: flipped(data, rng, directory_of(data)),
    "flip anywhere again": flipped,
    "truncated": lambda data, rng: data[: rng.randrange(len(data))],
    "a piece missing": cut_out,
    "pieces swapped": swapped_pieces,
    "entries swapped": swapped_entries,
    "odd entry": odd_entry,
    "false number": false_number,
    "bad manifest": bad_manifest,
}


def test_numpy_reference_bombs_are_refused(color_bundle, tmp_path, monkeypatch):
    monkeypatch.setattr("edgelens.runtime.model.golden._MAX_REFERENCE_BYTES", 2**20)
    entries = {name: data for name, data in unpacked(color_bundle.path).items() if name != MANIFEST}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("logits.npy", b"\x00" * 2**21)
    path = tmp_path / "bomb.edge"
    for data, match in ((buffer.getvalue(), "holds more than 1 MB"), (b"no archive", "is no .npz")):
        write_bundle(path, color_bundle.manifest, {**entries, "golden/reference.npz": data})
        with pytest.raises(BundleError, match=match):
            answers(path, [])
