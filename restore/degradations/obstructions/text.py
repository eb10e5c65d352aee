"""What a recorder or a station burns into a picture: a running clock, a camera's name, a logo, a banner."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import cv2
import numpy as np
import torch

from restore.degradations.obstructions.chance import integer, uniform
from restore.degradations.obstructions.layers import Cover

RATE = 25  # frames that the clock takes for a second
FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX)
INKS = ((255, 255, 255), (255, 220, 60), (90, 255, 110))  # RGB
CLOCKS = ("%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%m-%d-%Y %a %H:%M:%S")
CAMERA_NAMES = ("CAM 01", "CAM 04", "CH3 ENTRANCE", "PARKING LOT", "GATE 2", "REC", "LIVE", "HALLWAY")
STATIONS = ("TV 5", "NEWS 24", "K7", "CITY", "ARCHIVE")
HEADLINES = ("BREAKING NEWS", "STORM REACHES THE COAST", "POLICE SEEK WITNESSES", "TRAFFIC ON THE RING ROAD")

T = TypeVar("T")


def draw_text(
    *,
    frames: int,
    height: int,
    width: int,
    generator: torch.Generator,
    first: int = 0,
    device: torch.device | str = "cpu",
) -> Cover:
    """A clock that has counted `first` frames, a camera's name, a station's logo, a banner: at least one of them."""

    def pick(choices: Sequence[T]) -> T:
        return choices[integer(generator, 0, len(choices) - 1)]

    font, ink, clock, at_top = pick(FONTS), pick(INKS), pick(CLOCKS), pick((True, False))
    size = uniform(generator, 0.045, 0.09)  # of the letters, as a share of the frame's height
    opacity = uniform(generator, 0.75, 1.0)
    boxed = pick((True, False))  # letters stand on a dark strip, or have a dark outline
    begin = datetime(1998, 1, 1) + timedelta(seconds=integer(generator, 0, 800_000_000))
    name, station, headline = pick(CAMERA_NAMES), pick(STATIONS), pick(HEADLINES)
    parts = [uniform(generator, 0, 1) < often for often in (0.6, 0.6, 0.5, 0.45)]
    parts[0] |= not any(parts)
    colour = tuple(integer(generator, 20, 220) for _ in range(3))  # of logo and banner
    side = pick((0.03, 0.97))  # the side of the clock and the name; the logo is on the other
    clock_row, other_row = (0.04, 0.96) if at_top else (0.96, 0.04)

    drawn = []
    seconds = [time // RATE for time in range(first, first + frames)]
    for second in sorted(set(seconds)):
        page = _Page(height, width, font)
        if parts[3]:
            page.banner(headline, size, colour)
        if parts[2]:
            page.logo(station, 1.4 * size, colour, row=other_row, column=1 - side)
        if parts[0]:
            now = (begin + timedelta(seconds=second)).strftime(clock)
            page.line(now, size, ink, row=clock_row, column=side, boxed=boxed)
        if parts[1]:
            page.line(name, size, ink, row=other_row, column=side, boxed=boxed)
        drawn.append(page.read())  # 4 H W
    pages = torch.from_numpy(np.stack(drawn))[[second - seconds[0] for second in seconds]].to(device)
    return Cover(pages[:, :3] * 2 - 1, pages[:, 3:] * opacity)


class _Page:
    """Something to write on, in levels of [0, 1], drawn twice as large and averaged down when it is read."""

    def __init__(self, height: int, width: int, font: int) -> None:
        self.height, self.width, self.font = 2 * height, 2 * width, font
        self.paint = np.zeros((2 * height, 2 * width, 4), np.float32)  # RGB times alpha, alpha

    def line(self, text: str, size: float, ink: tuple[int, ...], *, row: float, column: float, boxed: bool) -> None:
        """Write a line; `row` and `column` in [0, 1] are where it stands in the room that it leaves."""
        scale, thick, wide, tall = self._measure(text, size)
        x, y = round(column * (self.width - wide)), round(row * (self.height - tall)) + tall
        letters = self._letters(text, (x, y), scale, thick)
        if boxed:
            gap = tall // 4 + 1
            self._fill(self._plate((x - gap, y - tall - gap), (x + wide + gap, y + gap)), (16, 16, 16), 0.65)
        else:
            self._fill(cv2.dilate(letters, np.ones((5, 5), np.uint8)), (0, 0, 0))
        self._fill(letters, ink)

    def logo(self, text: str, size: float, colour: tuple[int, ...], *, row: float, column: float) -> None:
        """Letters on a plate of `colour`."""
        scale, thick, wide, tall = self._measure(text, size)
        gap = tall // 2 + 2
        x, y = round(column * (self.width - wide - 2 * gap)), round(row * (self.height - tall - 2 * gap))
        self._fill(self._plate((x, y), (x + wide + 2 * gap, y + tall + 2 * gap)), colour, 0.92)
        self._fill(self._letters(text, (x + gap, y + gap + tall), scale, thick), _legible_on(colour))

    def banner(self, text: str, size: float, colour: tuple[int, ...]) -> None:
        """A strip across the lower third."""
        scale, thick, wide, tall = self._measure(text, size)
        x, y = (self.width - wide) // 2, round(0.86 * self.height)
        self._fill(self._plate((0, y - 2 * tall), (self.width, y)), colour, 0.86)
        self._fill(self._letters(text, (x, y - tall // 2), scale, thick), _legible_on(colour))

    def read(self) -> np.ndarray:
        """What is written: float32 `4 H W` in [0, 1], RGB and alpha."""
        small = cv2.resize(self.paint, (self.width // 2, self.height // 2), interpolation=cv2.INTER_AREA)
        colour, alpha = small[..., :3], small[..., 3:]
        levels = np.concatenate([colour / np.maximum(alpha, np.float32(1e-6)), alpha], -1)
        return levels.clip(0, 1).transpose(2, 0, 1)

    def _measure(self, text: str, size: float) -> tuple[float, int, int, int]:
        """Scale and thickness of letters, width and height in px; smaller letters where the line would be too long."""
        (wide, tall), _ = cv2.getTextSize(text, self.font, 1.0, 2)
        scale = min(size * self.height / tall, 0.85 * self.width / wide)
        thick = max(1, round(2 * scale))
        (wide, tall), _ = cv2.getTextSize(text, self.font, scale, thick)
        return scale, thick, wide, tall

    def _letters(self, text: str, at: tuple[int, int], scale: float, thick: int) -> np.ndarray:
        """uint8 `H W`; `at` is where the line starts on its ground line, (x, y)."""
        drawn = np.zeros(self.paint.shape[:2], np.uint8)
        cv2.putText(drawn, text, at, self.font, scale, 255, thick, cv2.LINE_AA)
        return drawn

    def _plate(self, start: tuple[int, int], end: tuple[int, int]) -> np.ndarray:
        """uint8 `H W`; corners are (x, y)."""
        drawn = np.zeros(self.paint.shape[:2], np.uint8)
        cv2.rectangle(drawn, start, end, 255, cv2.FILLED)
        return drawn

    def _fill(self, shape: np.ndarray, colour: tuple[int, ...], opacity: float = 1.0) -> None:
        x, y, wide, tall = cv2.boundingRect(shape)  # the rest of a page is large, and stays as it is
        part = self.paint[y : y + tall, x : x + wide]
        cover = shape[y : y + tall, x : x + wide, None] * np.float32(opacity / 255)
        part += cover * (np.array([*colour, 255], np.float32) / 255 - part)


def _legible_on(colour: tuple[int, ...]) -> tuple[int, int, int]:
    """Black or white."""
    return (0, 0, 0) if sum(colour) > 380 else (255, 255, 255)
