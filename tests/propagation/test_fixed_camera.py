"""A fixed camera at a tiny size: a textured square passes behind a box that goes the other way."""

import numpy as np
import pytest

from restore.propagation.background import Background
from restore.propagation.engine import Tracked, copied, fuse, remembered, sweep_backward, sweep_forward
from restore.propagation.fixed_camera import carried_behind
from restore.propagation.memory import Memory
from restore.propagation.object_motion import View
from tests.propagation.scenes import behind, box, noisy, pan, still, texture, tracked

T, H, W, SIDE, SPEED = 36, 96, 160, 36, 3
GROUND, FUR = still(1, H, W, seed=3)[0] // 2 + 40, texture(SIDE, SIDE, seed=7)
STAY, SURE = np.zeros((H, W, 2), np.float32), np.ones((H, W), np.float32)


def crossing(frames: int = T) -> tuple[np.ndarray, np.ndarray]:
    """A square that goes from left to right, and where it is."""
    clip, there = GROUND[None].repeat(frames, 0), np.zeros((frames, H, W), bool)
    for t in range(frames):
        left = 4 + SPEED * t
        clip[t, 30 : 30 + SIDE, left : left + SIDE] = FUR[:, : max(0, W - left)]
        there[t, 30 : 30 + SIDE, left : left + SIDE] = True
    return clip, there


def fused(frames: list[Tracked], *, known: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """The fused clip, and what of it is copied."""
    background = None
    if known:
        background = Background.empty(H, W)
        for frame in frames:
            background = remembered(background, frame)
    before, _ = sweep_forward(frames, None, background=background)
    after = sweep_backward(frames, len(frames), background=background)
    told = list(zip(frames, before, after, strict=True))
    return np.stack([fuse(*parts) for parts in told]), np.stack([copied(*parts) for parts in told])


def psnr(error: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.square(error).mean()))


@pytest.mark.parametrize("sigma", [0, 8])
def test_what_passes_behind_a_moving_box_is_copied_where_it_is(sigma: float) -> None:
    clip, there = crossing()
    mask = box(T, H, W, (20, 132), step=(0, -4), side=28)
    mask[:, 48:76] = np.maximum(mask[:, 48:76], mask[:, 20:48])  # 56 px high
    frames = tracked(behind(noisy(clip, sigma), mask), mask)
    hidden = mask > 0
    new, marked = fused(frames)
    old, _ = fused(frames, known=False)
    assert marked[hidden].mean() > 0.95
    for part in (hidden & there, hidden & ~there):
        assert psnr((new - clip)[part]) > psnr((old - clip)[part]) + 3
    assert psnr((new - clip)[hidden & ~there]) > 29


def test_behind_a_box_that_stays_the_ground_is_seen_again_after_something_passed() -> None:
    clip, there = crossing(60)
    mask = np.zeros((60, H, W), np.float32)
    mask[8:, 20:76, 70:110] = 1
    frames = tracked(behind(noisy(clip, 5), mask), mask)
    (new, marked), (old, _) = fused(frames), fused(frames, known=False)
    hidden = mask[-1] > 0
    assert marked[-1][hidden].all() and not there[-1].any()
    assert psnr((new[-1] - clip[-1])[hidden]) > 27 > 20 > psnr((old[-1] - clip[-1])[hidden])


def scene(hidden: np.ndarray) -> tuple[View, Background, Memory]:
    """Something that stands on the ground and is hidden: a view of it, the ground that is known, what was seen last."""
    image = GROUND.copy()
    image[40:60, 60:80] = 250
    background = Background(GROUND.astype(np.float32), np.full((H, W), 30, np.float32), np.full((H, W), 5, np.float32))
    return View(image, hidden), background, Memory.empty(H, W).updated(image, np.zeros((H, W), bool))


def test_what_stood_when_it_was_hidden_is_expected_to_stay_as_long_as_it_had() -> None:
    hidden = np.zeros((H, W), bool)
    hidden[30:70, 50:90] = True
    view, background, memory = scene(hidden)
    bright = []
    for t in range(120):
        # Hidden for t frames, where the ground was last seen 50 frames before that.
        aged = Background(background.colour, background.votes, background.age + 45 + t)
        memory = carried_behind(memory, STAY, SURE, last=view, now=view, background=aged).updated(view.image, hidden)
        bright.append(memory.colour[50, 70, 0] > 240)
    assert all(bright[:48]) and not any(bright[52:])


@pytest.mark.parametrize("why", ["the camera moves", "it is a cut", "the camera looks elsewhere", "nothing is hidden"])
def test_else_the_memory_is_only_carried(why: str) -> None:
    hidden = np.zeros((H, W), bool)
    hidden[30:70, 50:90] = why != "nothing is hidden"
    view, background, memory = scene(hidden)
    flow = STAY + np.float32(2) if why == "the camera moves" else STAY
    trust = SURE * 0 if why == "it is a cut" else SURE
    if why == "the camera looks elsewhere":
        background = Background(255 - background.colour, background.votes, background.age)
    got = carried_behind(memory, flow, trust, last=view, now=view, background=background)
    wanted = memory.carried(flow, trust).exposed(view.image, hidden)
    for name in ("colour", "count", "age"):
        assert np.array_equal(getattr(got, name), getattr(wanted, name))


def test_a_moving_camera_leaves_the_background_alone() -> None:
    clip = pan(8, (0, 3), H, W)
    background = Background.empty(H, W)
    for frame in tracked(clip, np.zeros((8, H, W), np.float32)):
        background = remembered(background, frame)
    assert background.votes.max() == 1  # from the first frame, before which nothing can have moved
