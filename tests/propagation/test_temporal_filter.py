import numpy as np
import pytest
import torch
from torch import Tensor, nn

from restore.models.finder import OcclusionFinder
from restore.pipeline import Restorer
from restore.propagation.flow import Motion
from restore.propagation.temporal_filter import ALIKE, REACH, Shown, settled
from tests.propagation.footage import still, texture

HEIGHT, WIDTH = 64, 80
AT = REACH
HOLE = np.s_[24:40, 24:56]  # far from the edges of the picture


def moving(x: float = 0, y: float = 0, trust: float = 1) -> Motion:
    """Of a scene that goes (x, y) pixels a frame."""
    flow = np.full((HEIGHT, WIDTH, 2), (x, y), np.float32)
    sure = np.full((HEIGHT, WIDTH), trust, np.float32)
    return Motion(-flow, flow, sure, sure)


def hidden(there: bool) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[HOLE] = there
    return mask


def clip(step: int = 0, *, noise: float = 6, always: bool = False, motion: Motion | None = None) -> list[Shown]:
    """A texture that goes `step` pixels a frame; the hole, filled with noise on the texture, in the middle frame only,
    or in all.
    """
    scene = texture(HEIGHT, WIDTH, scale=3)
    rng = np.random.default_rng(0)
    frames = []
    for t in range(2 * REACH + 1):
        image, mask = np.roll(scene, step * (t - AT), 1).astype(np.float32), hidden(always or t == AT)
        image[mask] += rng.normal(0, noise, (int(mask.sum()), 3))
        frames.append(Shown(image.clip(0, 255).round().astype(np.uint8), mask, (motion or moving(step)) if t else None))
    return frames


def error(image: np.ndarray) -> float:
    return float(np.square(image[HOLE].astype(float) - texture(HEIGHT, WIDTH, scale=3)[HOLE]).mean())


@pytest.mark.parametrize("step", [0, 3, -2])
def test_what_others_saw_is_nearer_to_the_scene_and_what_was_in_view_stays(step: int) -> None:
    frames = clip(step)
    own = frames[AT].image
    image = settled(frames, AT)
    assert image.dtype == np.uint8 and error(image) < 0.3 * error(own)
    assert np.array_equal(image[~frames[AT].hidden], own[~frames[AT].hidden])


def test_what_none_saw_errs_less_on_average() -> None:
    frames = clip(always=True)
    assert error(settled(frames, AT)) < 0.4 * error(frames[AT].image)


def plain(level: int, in_view: bool) -> Shown:
    return Shown(np.full((HEIGHT, WIDTH, 3), level, np.uint8), hidden(not in_view), moving())


def drawn_towards(others: list[Shown]) -> int:
    """How many levels a hidden pixel of the middle frame, at 100, goes towards `others`, two before and two after."""
    image = settled([*others[:2], plain(100, False), *others[2:]], AT)
    return int(image[HOLE][0, 0, 0]) - 100


def test_frames_in_view_weigh_more_than_hidden_ones_and_near_ones_more_than_far_ones() -> None:
    same, seen, filled = plain(100, True), plain(120, True), plain(120, False)
    assert 20 > drawn_towards([seen] * 4) > drawn_towards([filled] * 4) > 0
    assert drawn_towards([same, seen, seen, same]) > drawn_towards([seen, same, same, seen]) > 0


@pytest.mark.parametrize("at", [0, 1, 2 * REACH])
def test_the_ends_of_a_video_have_neighbours_on_one_side(at: int) -> None:
    frames = clip(always=True)
    assert error(settled(frames, at)) < 0.6 * error(frames[at].image)


def test_a_frame_alone_is_left_as_it_is() -> None:
    frame = clip()[AT]
    assert np.array_equal(settled([frame], 0), frame.image)


def test_where_nothing_is_hidden_nothing_is_done() -> None:
    frames = clip()
    assert settled(frames, 0) is frames[0].image


def test_motion_that_is_not_trusted_lends_nothing() -> None:
    frames = clip(motion=moving(trust=0))
    assert np.array_equal(settled(frames, AT), frames[AT].image)


def test_another_thing_lends_nothing() -> None:
    frames = clip(noise=0)
    own = frames[AT]
    passing = own.image.copy()
    passing[HOLE] = np.where(passing[HOLE] > 127, passing[HOLE] - 5 * ALIKE, passing[HOLE] + 5 * ALIKE)
    frames[AT] = Shown(passing, own.hidden, own.motion)
    assert np.array_equal(settled(frames, AT), passing)


def test_what_comes_from_beyond_the_picture_darkens_nothing() -> None:
    everywhere, bright = np.ones((HEIGHT, WIDTH), bool), np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
    frames = [Shown(bright, everywhere, moving(9, -7) if t else None) for t in range(3)]
    assert np.array_equal(settled(frames, 1), bright)


class Flickering(nn.Module):
    """Returns the base, every frame's with noise of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.chance = torch.Generator().manual_seed(0)

    def forward(self, evidence: Tensor) -> Tensor:
        return evidence[:, :3] + 0.04 * torch.randn(evidence[:, :3].shape, generator=self.chance)


def test_what_was_hidden_is_averaged_and_what_was_in_view_is_not() -> None:
    clip, mask = still(12) // 2 + 32, np.zeros(still(12).shape[:3], np.float32)
    mask[:, 8:24, 8:24] = 1
    restorer = Restorer(Flickering(), OcclusionFinder(), device="cpu", precision="float32")
    flicker = np.stack([frame.image for frame in restorer.restore_frames(clip, mask)]).astype(float).std(0).mean(-1)
    inside, outside = flicker[10:22, 10:22].mean(), flicker[:, 30:].mean()
    assert outside == pytest.approx(0.04 * 127.5, rel=0.1)
    assert inside < 0.6 * outside
