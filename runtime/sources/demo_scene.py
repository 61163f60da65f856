"""The demo's pictures: digits on paper under changing light, rendered frame by frame, with known truth.

One presentation is one digit that slides in, stays (drifting and turning a little) and slides out; between two of
them the paper is empty. Everything of presentation k is drawn from (seed, k).
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .demo_glyphs import glyph_strokes

__all__ = ["DemoScene", "Presentation"]

ENTER_S, LEAVE_S = 0.25, 0.25
_ROWS = 32
_SHIFT = 4  # sub-pixel bits of OpenCV's drawing


@dataclass(frozen=True)
class Presentation:
    """One digit's turn, in frames; it is wholly in the picture from `arrived` until `leaving`."""

    digit: int
    start: int  # the first frame of its turn: empty paper
    entering: int
    arrived: int
    leaving: int
    end: int  # the first frame of the next turn


@dataclass(frozen=True)
class _Look:
    """How one presentation looks; distances are fractions of the frame's height."""

    strokes: list[NDArray[np.float32]]
    size: float
    pen: float  # stroke width as a fraction of the digit's height
    paper: NDArray[np.uint8]  # (H, W, 3): paper, light and shadow
    ink: NDArray[np.float32]  # (3,) BGR
    angle: float  # degrees
    turning: float  # degrees over the whole stay
    place: NDArray[np.float32]  # (2,) where it stays, from the frame's centre
    drift: NDArray[np.float32]  # (2,) how far it moves during the stay
    side: NDArray[np.float32]  # (2,) where it comes from and goes to
    noise: float


class DemoScene:
    """Frames of the demo by index, any order, the same for the same seed."""

    def __init__(self, seed: int = 0, *, size: tuple[int, int] = (480, 640), fps: float = 30.0) -> None:
        self.seed, self.size, self.fps = seed, size, fps
        self._turns: list[Presentation] = []
        self._look: tuple[int, _Look] | None = None
        grain = np.random.default_rng([seed, 7]).normal(0, 1, (size[0] + 64, size[1] + 64, 1))
        self._grain = np.repeat(grain.astype(np.float32), 3, axis=2)

    def presentation(self, k: int) -> Presentation:
        """The k-th turn."""
        while len(self._turns) <= k:
            number = len(self._turns)
            rng = np.random.default_rng([self.seed, 1, number])
            start = self._turns[-1].end if self._turns else 0
            empty, stay = rng.uniform(0.45, 0.8), rng.uniform(1.1, 1.7)
            times = np.cumsum([empty, ENTER_S, stay, LEAVE_S])
            entering, arrived, leaving, end = (start + round(t * self.fps) for t in times)
            self._turns.append(Presentation(int(rng.integers(10)), start, entering, arrived, leaving, end))
        return self._turns[k]

    def turn_at(self, index: int) -> int:
        """The number of the presentation that a frame belongs to."""
        while not self._turns or self._turns[-1].end <= index:
            self.presentation(len(self._turns))
        return bisect.bisect_right(self._turns, index, key=lambda turn: turn.end)

    def render(self, index: int) -> NDArray[np.uint8]:
        """Frame `index`, (H, W, 3) uint8 BGR."""
        k = self.turn_at(index)
        turn = self.presentation(k)
        if self._look is None or self._look[0] != k:
            self._look = (k, self._draw_look(k, turn.digit))
        look = self._look[1]
        frame = look.paper.copy()
        if turn.entering <= index < turn.end:
            self._write(frame, look, turn, index)
        return self._noisy(frame, look, index)

    def _write(self, frame: NDArray[np.uint8], look: _Look, turn: Presentation, index: int) -> None:
        """Put the glyph where it is at this moment."""
        height, width = self.size
        stayed = float(np.clip((index - turn.arrived) / max(turn.leaving - turn.arrived, 1), 0, 1))
        away = 0.0
        if index < turn.arrived:
            away = 1 - (index - turn.entering) / max(turn.arrived - turn.entering, 1)
        elif index >= turn.leaving:
            away = (index - turn.leaving + 1) / max(turn.end - turn.leaving, 1)
        centre = look.place + look.drift * (stayed - 0.5) + look.side * away
        angle = np.deg2rad(look.angle + look.turning * (stayed - 0.5))
        turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], np.float32)
        offset = np.array([width / 2, height / 2], np.float32) + centre * height
        lines = [s @ turned.T * (look.size * height) + offset for s in look.strokes]
        thickness = max(round(look.pen * look.size * height), 1)
        margin = thickness + 3
        x0, y0 = (int(np.floor(min(line[:, i].min() for line in lines))) - margin for i in (0, 1))
        x1, y1 = (int(np.ceil(max(line[:, i].max() for line in lines))) + margin for i in (0, 1))
        x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
        if x1 <= x0 or y1 <= y0:
            return
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        drawn = [np.rint((line - (x0, y0)) * 2**_SHIFT).astype(np.int32)[:, None] for line in lines]
        cv2.polylines(mask, drawn, isClosed=False, color=255, thickness=thickness, lineType=cv2.LINE_AA, shift=_SHIFT)
        _inked(frame[y0:y1, x0:x1], look.ink, cv2.GaussianBlur(mask, (3, 3), 0))

    def _noisy(self, frame: NDArray[np.uint8], look: _Look, index: int) -> NDArray[np.uint8]:
        height, width = self.size
        rng = np.random.default_rng([self.seed, 3, index])
        dy, dx = rng.integers(0, 64, 2)
        grain = self._grain[dy : dy + height, dx : dx + width]
        return np.asarray(cv2.addWeighted(frame, 1.0, grain, look.noise, 0, dtype=cv2.CV_8U), np.uint8)

    def _draw_look(self, k: int, digit: int) -> _Look:
        height, width = self.size
        rng = np.random.default_rng([self.seed, 2, k])
        size = rng.uniform(0.25, 0.9)
        angle, turning = rng.uniform(-25, 25), rng.uniform(-10, 10)
        strokes = glyph_strokes(digit, rng)
        reach = _reach(strokes, abs(angle) + abs(turning) / 2) * size
        free = np.maximum(0.48 - reach, 0)  # how far the centre may go and keep the digit in the centre square
        drift = rng.uniform(-0.5, 0.5, 2) * free
        place = rng.uniform(-1, 1, 2) * (free - abs(drift) / 2)
        direction = rng.uniform(0, 2 * np.pi)
        side = np.array([np.cos(direction), np.sin(direction)]) * (0.5 * width / height + 0.9 * size + 0.1)
        paper, ink = _colours(rng)
        return _Look(
            strokes, size, rng.uniform(0.07, 0.15), _paper(rng, height, width, paper), ink, angle, turning,
            place.astype(np.float32), drift.astype(np.float32), side.astype(np.float32), rng.uniform(1, 7),
        )  # fmt: skip


def _reach(strokes: list[NDArray[np.float32]], degrees: float) -> NDArray[np.float64]:
    """How far the glyph reaches from its centre in x and y when turned up to this far, pen included."""
    points = np.concatenate(strokes)
    radius = np.hypot(points[:, 0], points[:, 1])
    phase = np.arctan2(points[:, 1], points[:, 0])
    angles = np.deg2rad(np.linspace(-degrees, degrees, 9))[:, None]
    x = np.abs(radius * np.cos(phase + angles)).max()
    y = np.abs(radius * np.sin(phase + angles)).max()
    return np.array([x, y]) + 0.08


def _colours(rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Paper and ink, BGR, at least a quarter of the range apart in brightness; one in four is light on dark."""
    paper = rng.uniform(135, 235)
    ink = rng.uniform(10, paper - 85)
    if rng.random() < 0.25:
        paper, ink = rng.uniform(25, 110), 0.0
        ink = rng.uniform(paper + 90, 245)
    tint = rng.normal(0, 8, (2, 3))
    tint -= tint @ np.array([[0.114], [0.587], [0.299]])  # a tint changes the colour and not the brightness
    return (paper + tint[0]).astype(np.float32), np.clip(ink + tint[1] * 1.5, 0, 255).astype(np.float32)


def _inked(paper: NDArray[np.uint8], ink: NDArray[np.float32], mask: NDArray[Any]) -> None:
    """Put ink on paper where the mask says, under the paper's own light: shadows fall on both.

    A few rows at a time: large arrays of ever other sizes would scatter the memory of a run.
    """
    light = paper.mean(axis=2, dtype=np.float32, keepdims=True)
    mean = max(float(light.mean()), 1.0)
    for top in range(0, len(paper), _ROWS):
        rows = slice(top, top + _ROWS)
        share = mask[rows, :, None].astype(np.float32) / 255
        lit = np.clip(ink * (light[rows] / mean) ** 0.6, 0, 255)
        paper[rows] = (paper[rows] * (1 - share) + lit * share).astype(np.uint8)


def _paper(rng: np.random.Generator, height: int, width: int, colour: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Paper with uneven light, some with a soft-edged shadow, some with faint lines."""
    y, x = np.mgrid[0:height:4, 0:width:4].astype(np.float32)
    direction = rng.uniform(0, 2 * np.pi)
    slope = (np.cos(direction) * (x / width - 0.5) + np.sin(direction) * (y / height - 0.5)) * rng.uniform(0, 0.3)
    light = 1 + slope
    if rng.random() < 0.5:  # the shadow of a hand or a head: a half plane or a disc with a soft edge
        angle, place = rng.uniform(0, 2 * np.pi), rng.uniform(-0.25, 0.35)
        edge = np.cos(angle) * (x / width - 0.5) + np.sin(angle) * (y / height - 0.5) - place
        light *= 1 - rng.uniform(0.1, 0.35) / (1 + np.exp(-np.clip(edge / rng.uniform(0.02, 0.08), -30, 30)))
    if rng.random() < 0.2:
        light *= np.where((y + rng.integers(32)) % 32 < 2, 0.96, 1.0)
    fibre = cv2.resize(rng.normal(0, 0.012, (height // 8, width // 8)).astype(np.float32), light.shape[::-1])
    full = cv2.resize((light + fibre).astype(np.float32), (width, height))[..., None]
    return np.asarray(np.clip(colour * full, 0, 255), np.uint8)
