"""What docs/chains.md walks with: a door, a shelf and a street, rendered, as a maker would bring them.

    python benchmarks/chain_scenes.py DIR [--astronaut PNG]

DIR gets `shelf/` (frames, bottles in a folder a kind, one kind that nobody learned, a clip), `street/` (frames, cut-out
plates, a clip) and, of the public-domain portrait that scikit-image brings (`skimage/data/astronaut.png`: Eileen
Collins, by NASA), `door/` (pictures of her, frames, a clip in which she comes to a door twice, and a drawn stranger
once). What is taught at the door and who comes there is one photograph: it shows how a chain works, not how well.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "fixtures"))
from moving_plates import plate_picture, plate_text, scene

WIDTH, HEIGHT, FPS = 640, 360, 15
BOARDS = (122, 236, 350)  # y of what products stand on
KINDS = ("cola", "juice", "milk", "oil", "syrup", "water")
NEW = "honey"  # a kind that nobody learned
TILTS = (-16, -8, 0, 8, 16)  # degrees


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--astronaut", type=Path)
    asked = parser.parse_args()
    street, shelf, door = (asked.folder / name for name in ("street", "shelf", "door"))
    draw_products(shelf / "products", 40)
    draw_new(shelf / NEW)
    draw_clip(shelf, list(filled_shelf()))
    random = np.random.RandomState(4000)
    draw_pictures(street / "plates", [plate_picture(plate_text(random), 18, random) for _ in range(12)])
    draw_clip(street, [moment.image for moment in scene(1)])
    if asked.astronaut is not None:
        portrait = cv2.imread(str(asked.astronaut))
        if portrait is None:
            raise SystemExit(f"{asked.astronaut}: is no picture")
        draw_portraits(door / "collins", np.asarray(portrait, np.uint8))
        draw_clip(door, list(at_the_door(np.asarray(portrait, np.uint8))))


def draw_clip(folder: Path, frames: Sequence[np.ndarray]) -> None:
    """A clip, and some of its frames, by which a finder is proven."""
    write_clip(folder / "clip.avi", frames)
    draw_pictures(folder / "frames", frames[::12])


def write_clip(path: Path, frames: Iterable[np.ndarray]) -> None:
    """A video in Motion JPEG, which every OpenCV writes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (WIDTH, HEIGHT))
    for frame in frames:
        writer.write(frame)
    writer.release()


def draw_pictures(folder: Path, pictures: Iterable[np.ndarray]) -> None:
    """Pictures under their numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, picture in enumerate(pictures):
        cv2.imwrite(str(folder / f"{number:03d}.png"), picture)


@dataclass(frozen=True)
class Placed:
    """A product on a board: when it is put there, and when taken away."""

    kind: str
    x: int  # its left side
    board: int
    height: int
    starts: float = -1.0
    ends: float = 1e9


def filled_shelf(seconds: float = 12.0) -> Iterable[np.ndarray]:
    """Products are put on a shelf one after another; one is taken away, one is of a kind that nobody learned."""
    random = np.random.RandomState(7)
    kinds = ("cola", "milk", "oil", "water", NEW, "juice", "syrup", "milk", "cola")
    places = [(60, 0), (250, 0), (430, 0), (90, 1), (300, 1), (480, 1), (60, 2), (270, 2), (450, 2)]
    products = [
        Placed(kind, x + int(random.randint(-15, 15)), board, 104, 0.4 + i, 7.5 if i == 1 else 1e9)
        for i, (kind, (x, board)) in enumerate(zip(kinds, places, strict=True))
    ]
    wall = _wall(random)
    for i in range(int(seconds * FPS)):
        there = [each for each in products if each.starts <= i / FPS < each.ends]
        yield _photographed(_shelf(wall, there)[0], random)


def draw_products(folder: Path, count: int) -> None:
    """Pictures of each kind as they are cut out of a shelf."""
    random = np.random.RandomState(2000)
    for kind in KINDS:
        pictures = []
        for _ in range(count):
            placed = Placed(kind, 300, 1, int(random.randint(85, 110)))
            image, ((x, y, w, h),) = _shelf(_wall(random), [placed])
            near = random.uniform(-0.02, 0.1, 4) * (w, h, w, h)
            x0, y0, x1, y1 = (round(v) for v in (x - near[0], y - near[1], x + w + near[2], y + h + near[3]))
            pictures.append(_photographed(image, random)[y0:y1, x0:x1])
        draw_pictures(folder / kind, pictures)


def draw_new(folder: Path) -> None:
    """The five pictures that the new kind is taught with: it stands on a shelf alone."""
    random = np.random.RandomState(3000)
    places = [Placed(NEW, int(random.randint(40, 500)), i % 3, 92 + 4 * i) for i in range(5)]
    draw_pictures(folder, [_photographed(_shelf(_wall(random), [each])[0], random) for each in places])


def _wall(random: np.random.RandomState) -> np.ndarray:
    shade = random.randint(150, 215)
    image = np.full((HEIGHT, WIDTH, 3), shade, np.uint8)
    image[:] = np.clip(image + np.linspace(-18, 18, WIDTH)[:, None] * random.choice([-1, 1]), 0, 255)
    for y in BOARDS:
        cv2.rectangle(image, (0, y), (WIDTH, y + 8), (95, 130, 165), -1)
    return image


def _shelf(wall: np.ndarray, products: Sequence[Placed]) -> tuple[np.ndarray, list[tuple[int, int, int, int]]]:
    """The shelf with these products, and their boxes."""
    image, boxes = wall.copy(), []
    for each in products:
        drawn, cover = _PRODUCTS[each.kind]
        size = round(drawn.shape[1] * each.height / drawn.shape[0]), each.height
        small = cv2.resize(drawn, size, interpolation=cv2.INTER_AREA)
        share = cv2.resize(cover, size, interpolation=cv2.INTER_AREA)[..., None] / 255
        x, y = each.x, BOARDS[each.board] - each.height
        part = image[y : y + size[1], x : x + size[0]]
        part[:] = part * (1 - share) + small * share
        boxes.append((x, y, *size))
    return image, boxes


def _product(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """A bottle, 300 pixels high, and what it covers: 255 is all."""
    width, colour, lid, shoulder = _LOOKS[kind]
    image, cover = np.zeros((300, width, 3), np.uint8), np.zeros((300, width), np.uint8)
    middle, neck = width // 2, width // 6
    side = [
        (middle + neck, 26),
        (middle + neck, shoulder - 40),
        (width - 5, shoulder),
        (width - 5, 284),
        (width - 16, 297),
    ]
    shape = np.array([*side, *[(width - x, y) for x, y in reversed(side)]], np.int32)
    cv2.fillPoly(image, [shape], colour, cv2.LINE_AA)
    cv2.fillPoly(cover, [shape], 255, cv2.LINE_AA)
    light = np.clip(1.25 - np.abs(np.linspace(-0.6, 1.4, width)) * 0.55, 0.5, 1.3)  # round, lit from the left
    image = np.clip(image * light[None, :, None], 0, 255).astype(np.uint8)
    cap = (middle - neck - 3, 2), (middle + neck + 3, 30)
    cv2.rectangle(image, *cap, lid, -1)
    cv2.rectangle(cover, *cap, 255, -1)
    cv2.rectangle(image, (6, shoulder + 28), (width - 6, shoulder + 108), (240, 242, 244), -1)
    scale = (width - 24) / cv2.getTextSize(kind, cv2.FONT_HERSHEY_DUPLEX, 1, 2)[0][0]
    cv2.putText(
        image, kind, (12, shoulder + 82), cv2.FONT_HERSHEY_DUPLEX, min(scale, 1.0), (40, 40, 40), 2, cv2.LINE_AA
    )
    _ORNAMENTS[kind](image)
    return image, cover


def _photographed(image: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    noisy = image.astype(np.int16) + random.randint(-6, 7, image.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


_LOOKS = {  # width, colour and lid (BGR), where the shoulder is
    "cola": (100, (30, 40, 60), (40, 40, 200), 110),
    "honey": (124, (30, 150, 225), (40, 40, 40), 96),
    "juice": (110, (40, 130, 240), (60, 160, 60), 104),
    "milk": (112, (235, 235, 225), (200, 90, 40), 96),
    "oil": (92, (60, 190, 215), (60, 90, 50), 120),
    "syrup": (104, (60, 40, 170), (230, 230, 230), 112),
    "water": (100, (215, 185, 140), (210, 120, 30), 104),
}
_ORNAMENTS: dict[str, Callable[[np.ndarray], object]] = {
    "cola": lambda image: cv2.line(image, (6, 250), (94, 232), (230, 230, 230), 7, cv2.LINE_AA),
    "honey": lambda image: [cv2.line(image, (6, y), (118, y), (20, 100, 180), 5) for y in range(226, 290, 14)],
    "juice": lambda image: cv2.circle(image, (55, 256), 24, (60, 210, 255), -1, cv2.LINE_AA),
    "milk": lambda image: cv2.ellipse(image, (56, 252), (40, 16), 0, 0, 360, (190, 110, 40), -1, cv2.LINE_AA),
    "oil": lambda image: cv2.ellipse(image, (46, 266), (12, 20), 20, 0, 360, (50, 110, 60), -1, cv2.LINE_AA),
    "syrup": lambda image: [cv2.circle(image, (28 + 24 * i, 258), 9, (90, 90, 230), -1, cv2.LINE_AA) for i in range(3)],
    "water": lambda image: [cv2.line(image, (6, y), (94, y + 8), (240, 225, 200), 4) for y in range(236, 290, 16)],
}  # fmt: skip
_PRODUCTS = {kind: _product(kind) for kind in (*KINDS, NEW)}


def draw_portraits(folder: Path, portrait: np.ndarray) -> None:
    """The five pictures that she is taught with: head and shoulders, tilted, lighter and darker."""
    pictures = []
    for i, tilt in enumerate(TILTS):
        turn = cv2.getRotationMatrix2D((220, 130), tilt, 1.2)
        turned = cv2.warpAffine(portrait, turn, (512, 512), borderMode=cv2.BORDER_REFLECT)
        pictures.append(cv2.convertScaleAbs(turned[:300, 70:370], alpha=0.85 + 0.08 * i))
    draw_pictures(folder, pictures)


def at_the_door(portrait: np.ndarray) -> Iterable[np.ndarray]:
    """She comes in from the left and goes, then a stranger does, then she again from the right, tilting her head."""
    random = np.random.RandomState(3)
    room = _room()
    head = portrait[:360, 60:380]
    for person, starts, goes in ((head, -330, 1), (_stranger(), -330, 1), (head, WIDTH + 10, -1)):
        for i in range(4 * FPS):
            t = i / (4 * FPS - 1)
            x = starts + goes * (WIDTH / 2 + 160) * min(1.0, 2.2 * t, 2.2 * (1 - t))
            tilt = 18 * np.sin(2 * np.pi * t * 1.5)
            yield _photographed(_stood(room, person, x, tilt, 0.75 + 0.15 * min(t, 1 - t)), random)


def _room() -> np.ndarray:
    image = np.full((HEIGHT, WIDTH, 3), (196, 204, 208), np.uint8)
    cv2.rectangle(image, (210, 20), (430, HEIGHT), (120, 140, 150), -1)
    cv2.rectangle(image, (222, 32), (418, HEIGHT), (86, 78, 70), -1)
    cv2.rectangle(image, (0, 330), (WIDTH, HEIGHT), (110, 120, 130), -1)
    return image


def _stood(room: np.ndarray, person: np.ndarray, x: float, tilt: float, scale: float) -> np.ndarray:
    """The room with a person whose left side is at x, feathered into it."""
    height, width = person.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), tilt, scale)
    turn[:, 2] += (x, HEIGHT - height * (1 + scale) / 2)
    cover = np.zeros((height, width), np.float32)
    cv2.ellipse(cover, (width // 2, round(height * 0.42)), (round(width * 0.36), round(height * 0.4)), 0, 0, 360, 1, -1)
    cv2.ellipse(cover, (width // 2, height), (round(width * 0.48), round(height * 0.35)), 0, 0, 360, 1, -1)
    cover = cv2.GaussianBlur(cover, (0, 0), 6)
    size = (WIDTH, HEIGHT)
    share = cv2.warpAffine(cover, turn, size)[..., None]
    there = cv2.warpAffine(person, turn, size, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(room * (1 - share) + there * share, np.uint8)


def _stranger() -> np.ndarray:
    """A drawn face."""
    image = np.full((360, 320, 3), (150, 120, 90), np.uint8)
    skin, dark = (150, 180, 225), (40, 50, 70)
    cv2.ellipse(image, (160, 390), (140, 110), 0, 0, 360, (90, 60, 50), -1, cv2.LINE_AA)
    cv2.rectangle(image, (130, 220), (190, 300), (130, 160, 205), -1)
    cv2.ellipse(image, (160, 140), (92, 116), 0, 0, 360, (50, 60, 80), -1, cv2.LINE_AA)
    cv2.ellipse(image, (160, 160), (76, 100), 0, 0, 360, skin, -1, cv2.LINE_AA)
    for x in (130, 190):
        cv2.ellipse(image, (x, 142), (14, 8), 0, 0, 360, (245, 245, 245), -1, cv2.LINE_AA)
        cv2.circle(image, (x, 142), 7, dark, -1, cv2.LINE_AA)
        cv2.ellipse(image, (x, 126), (20, 7), 0, 180, 360, dark, 4, cv2.LINE_AA)
    cv2.ellipse(image, (160, 180), (10, 14), 0, 0, 180, (110, 140, 190), 3, cv2.LINE_AA)
    cv2.ellipse(image, (160, 212), (30, 12), 0, 0, 180, (80, 80, 180), -1, cv2.LINE_AA)
    return cv2.GaussianBlur(image, (0, 0), 1.5)


if __name__ == "__main__":
    main()
