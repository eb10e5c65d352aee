"""A static camera at a tiny size: a textured square goes behind a box that moves the other way."""

import numpy as np
import pytest

from restore.frame import Frame
from restore.propagation import engine
from restore.propagation.background import Background
from restore.propagation.evidence import Evidence
from restore.propagation.fixed_camera import warped_before_background
from restore.propagation.flow import Flow
from restore.propagation.memory import Memory
from tests.propagation.footage import at_rest, bases, box, covered, noisy, propagated, psnr, texture, uniform_flow

T, H, W, SIDE, SPEED = 36, 96, 160, 36, 3
GROUND, FUR = at_rest(1, H, W, seed=3)[0] // 2 + 40, texture(SIDE, SIDE, seed=7)
REST = uniform_flow(H, W)


def crossing(frames: int = T) -> tuple[np.ndarray, np.ndarray]:
    """A square that goes from left to right, and where it is."""
    clip, there = GROUND[None].repeat(frames, 0), np.zeros((frames, H, W), bool)
    for t in range(frames):
        left = 4 + SPEED * t
        clip[t, 30 : 30 + SIDE, left : left + SIDE] = FUR[:, : max(0, W - left)]
        there[t, 30 : 30 + SIDE, left : left + SIDE] = True
    return clip, there


def without_background(clip: np.ndarray, mask: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> list[Evidence]:
    """As `propagated`, but for what `warped_before_background` does."""
    with monkeypatch.context() as patch:
        patch.setattr(
            engine, "warped_before_background", lambda memory, flow, *, now, **_: memory.warped(flow).relit(now)
        )
        return propagated(clip, mask)


@pytest.mark.parametrize("sigma", [0, 8])
def test_an_object_in_motion_behind_a_moving_box_is_copied_where_it_is(
    sigma: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip, there = crossing()
    mask = box(T, H, W, (20, 132), step=(0, -4), side=28)
    mask[:, 48:76] = np.maximum(mask[:, 48:76], mask[:, 20:48])  # 56 px high
    degraded = covered(noisy(clip, sigma), mask)
    evidence = propagated(degraded, mask)
    hidden = mask > 0
    error, other = (bases(e) - clip for e in (evidence, without_background(degraded, mask, monkeypatch)))
    assert np.stack([one.copied for one in evidence])[hidden].mean() > 0.95
    for part in (hidden & there, hidden & ~there):
        assert psnr(error[part]) > psnr(other[part]) + 2
    assert psnr(error[hidden & ~there]) > 29


def test_behind_a_box_that_stays_the_ground_returns_after_an_object_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    clip, there = crossing(60)
    mask = np.zeros((60, H, W), np.float32)
    mask[8:, 20:76, 70:110] = 1
    degraded = covered(noisy(clip, 5), mask)
    evidence, hidden = propagated(degraded, mask), mask[-1] > 0
    error, other = (bases(e[-1:])[0] - clip[-1] for e in (evidence, without_background(degraded, mask, monkeypatch)))
    assert evidence[-1].copied[hidden].all() and not there[-1].any()
    assert psnr(error[hidden]) > 27 > 20 > psnr(other[hidden])


def test_the_ground_returns_where_a_mask_has_hidden_it_for_long() -> None:
    """An object comes to rest over the ground, and another mask covers it: for 70 frames nobody sees the ground."""
    frames = 100
    clip = GROUND[None].repeat(frames, 0)
    mask = np.zeros((frames, H, W), np.float32)
    mask[25:95, 24:72, 60:100] = 1
    evidence = propagated(covered(noisy(clip, 5), mask), mask)
    for t in (30, 60, 90):
        hidden = mask[t] > 0
        assert evidence[t].copied[hidden].all() and psnr((evidence[t].base() - clip[t])[hidden]) > 35


def scene(hidden: np.ndarray) -> tuple[Frame, Background, Memory]:
    """An object that is at rest on the ground and is hidden: a frame, the ground that is known, what was seen last."""
    image = GROUND.copy()
    image[40:60, 60:80] = 250
    background = Background(GROUND.astype(np.float32), np.full((H, W), 30, np.float32), np.zeros((H, W), np.float32))
    frame, bare = (Frame(image, mask=mask.astype(np.float32)) for mask in (hidden, np.zeros((H, W), bool)))
    return frame, background, Memory.empty(H, W).updated(bare)


def hole(there: bool = True) -> np.ndarray:
    hidden = np.zeros((H, W), bool)
    hidden[30:70, 50:90] = there
    return hidden


def test_an_object_at_rest_is_expected_to_stay_as_long_as_it_has_stayed() -> None:
    frame, background, memory = scene(hole())
    bright = []
    for t in range(120):
        # Hidden for t frames, where the ground was last seen 50 frames before that.
        memory = warped_before_background(memory, REST, last=frame, now=frame, background=background, number=50 + t)
        memory = memory.updated(frame)
        bright.append(memory.colour[50, 70, 0] > 240)
    assert all(bright[:48]) and not any(bright[52:])


@pytest.mark.parametrize(
    "why",
    ["nothing is hidden", "the flow is not consistent", "the camera looks elsewhere", "the background is not known"],
)
def test_else_the_memory_is_only_warped(why: str) -> None:
    frame, background, memory = scene(hole(why != "nothing is hidden"))
    flow = uniform_flow(H, W, consistency=0) if why == "the flow is not consistent" else REST
    if why == "the camera looks elsewhere":
        background = Background(255 - background.colour, background.votes, background.last_seen)
    if why == "the background is not known":
        background = Background.empty(H, W)
    got = warped_before_background(memory, flow, last=frame, now=frame, background=background, number=9)
    wanted = memory.warped(flow).relit(frame)
    for name in ("colour", "count", "age"):
        assert np.array_equal(getattr(got, name), getattr(wanted, name))


def test_a_hole_that_the_memory_does_not_know_is_filled_from_the_background() -> None:
    frame, background, _ = scene(hole())
    got = warped_before_background(Memory.empty(H, W), REST, last=frame, now=frame, background=background, number=40)
    assert np.array_equal(got.known, frame.excluded)
    assert np.allclose(got.colour[frame.excluded], GROUND[frame.excluded], atol=1)
    assert (got.age[frame.excluded] == 40).all() and (got.count[frame.excluded] == 10).all()


def test_what_is_at_rest_behind_the_mask_stays_whatever_the_flow_claims() -> None:
    """Flow behind an obstruction is completed from around it, and would drag the ground along with what moves there."""
    frame, background, memory = scene(hole())
    vectors = np.full((H // 2, W // 2, 2), 3, np.float32)
    dragged = Flow(vectors, np.ones((H // 2, W // 2), np.float32), False)
    got = warped_before_background(memory, dragged, last=frame, now=frame, background=background, number=1)
    ground = frame.excluded.copy()
    ground[34:66, 54:86] = False  # clear of the object
    assert np.abs(got.colour - GROUND)[ground].max() < 1
