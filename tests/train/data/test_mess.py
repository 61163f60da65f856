"""Thirty photos as they come off a phone and two computers: a training works, and every oddity is named once."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgelens.train.config import TrainConfig
from edgelens.train.runs.run import Run
from edgelens.train.training import fit

Image = pytest.importorskip("PIL.Image", reason="Pillow writes the photos of this test")


def photo(seed: int, height: int = 120, width: int = 160) -> np.ndarray:
    """A smooth picture unlike every other, BGR."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def saved(image: np.ndarray, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(image[..., ::-1]).save(out, kind, **options)
    return out.getvalue()


def phone(seed: int) -> tuple[str, bytes]:
    """A phone's photo: HEIC where it can be written here, else AVIF."""
    try:
        import pillow_heif
    except ImportError:
        return ".avif", saved(photo(seed), "AVIF", quality=80)
    pillow_heif.register_heif_opener()
    return ".HEIC", saved(photo(seed), "HEIF", quality=80)


@pytest.fixture
def mess(tmp_path: Path) -> Path:
    """Two afternoons, two kinds of things, 24 photos of usual kinds and a few of every other."""
    root = tmp_path / "photos"
    for session in ("monday", "tuesday"):
        for label in ("cup", "pen"):
            folder = root / session / label
            folder.mkdir(parents=True)
            for i in range(6):
                cv2.imwrite(str(folder / f"IMG_{i}.jpg"), photo(hash((session == "monday", label == "cup", i)) % 2**31))
    cups, pens = root / "monday" / "cup", root / "tuesday" / "pen"
    for i in range(2):
        ending, data = phone(900 + i)
        (cups / f"IMG_90{i}{ending}").write_bytes(data)
    cv2.imwrite(str(cups / "large.jpg"), photo(910, 4000, 6000))
    exif = Image.Exif()
    exif[0x112] = 6
    (pens / "turned.jpg").write_bytes(saved(photo(911), "JPEG", exif=exif))
    cv2.imwrite(str(pens / "deep.png"), photo(912).astype(np.uint16) * 257)
    again = photo(911).transpose(1, 0, 2)[:, ::-1]  # turned.jpg, upright and sent on
    (pens / "sent.jpg").write_bytes(saved(again, "JPEG", quality=40))
    (pens / "broken.jpg").write_bytes(saved(photo(913), "JPEG")[:900])
    film = cv2.VideoWriter(str(cups / "walk.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 10, (160, 120))
    for i in range(40):
        film.write(photo(920 + i // 5))
    film.release()
    for junk in ("monday/.DS_Store", "monday/cup/Thumbs.db", "monday/cup/._IMG_0.jpg", "tuesday/pen/notes.txt"):
        (root / junk).write_bytes(b"x")
    (root / "__MACOSX" / "monday").mkdir(parents=True)
    (root / "__MACOSX" / "monday" / "._cup").write_bytes(b"x")
    return root


ODDITIES = ("monday, tuesday", "walk.mp4", "__MACOSX", "notes.txt", "broken.jpg", "sent.jpg", "large.jpg")


def test_it_works_and_each_oddity_is_named_once(mess: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = TrainConfig(
        str(mess), str(tmp_path / "run"), model="linear", size=(24, 24), epochs=2, batch=8, val=0.2,
        precision="float32", cache=str(tmp_path / "cache"), scratch=True,
    )  # fmt: skip
    run = fit(config)
    lines = capsys.readouterr().err.splitlines()
    for oddity in ODDITIES:
        assert sum(oddity in line for line in lines) == 1, (oddity, lines)
    assert run.classes == ("cup", "pen")
    assert run.facts.metrics is not None
    found = Run.open(run.path).split_all(("train", "val"))
    sides = {name: split for split, images in found.items() for name in images.names}
    assert len(sides) >= 24 + 2 + 1 + 3 + 4
    frames = {side for name, side in sides.items() if "walk.mp4#" in name}
    assert len(frames) == 1
    assert sides["tuesday/pen/turned.jpg"] == sides["tuesday/pen/sent.jpg"]
    assert not any("broken" in name for name in sides)
