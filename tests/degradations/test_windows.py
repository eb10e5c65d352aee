from typing import Any

import pytest
import torch
from torch import Tensor

from restore.degradations.recipe import UNTOUCHED_SHARE
from restore.degradations.windows import BOXED_SHARE, DegradedWindows, degrade_windows
from restore.tensors import to_float
from tests.propagation.footage import texture


def clips(batch: int, frames: int = 2, size: tuple[int, int] = (32, 40)) -> Tensor:
    picture = to_float(texture(size[0], size[1] + frames, 1)[None])  # 1 3 H W
    clip = torch.cat([picture[..., t : t + size[1]] for t in range(frames)])
    return clip.expand(batch, -1, -1, -1, -1).contiguous()


def windows(clean: Tensor, recorded: Tensor | None = None, seed: int = 0, **settings: Any) -> DegradedWindows:
    generator = torch.Generator().manual_seed(seed)
    return degrade_windows(clean, clean if recorded is None else recorded, generator=generator, **settings)


def test_the_seed_decides_and_the_input_is_left_alone() -> None:
    clean = clips(6)
    before = clean.clone()
    once, again, other = windows(clean), windows(clean), windows(clean, seed=1)
    assert torch.equal(once.clips, again.clips) and torch.equal(once.mask, again.mask)
    assert not torch.equal(once.clips, other.clips)
    assert torch.equal(clean, before)
    assert once.clips.shape == once.wanted.shape == clean.shape and once.mask.shape == (6, 2, 1, 32, 40)


def test_a_share_is_not_degraded_at_all_and_a_share_is_hidden_in_part() -> None:
    clean = clips(400, frames=1)
    result = windows(clean)
    untouched = (result.clips == clean).flatten(1).all(1)
    hidden = result.mask.flatten(1).any(1)
    assert UNTOUCHED_SHARE - 0.05 < untouched.float().mean() < UNTOUCHED_SHARE + 0.12  # and what is drawn close to 0
    assert hidden.float().mean().item() == pytest.approx((1 - UNTOUCHED_SHARE) * BOXED_SHARE, abs=0.08)
    assert not (untouched & hidden).any()
    only_boxes = hidden & ((result.clips == clean) | result.mask.bool()).flatten(1).all(1)
    assert 3 <= only_boxes.sum() < 0.4 * hidden.sum()


def test_what_is_wanted_is_clean_but_for_low_light() -> None:
    clean = clips(60)
    result = windows(clean)
    same = (result.wanted == clean).flatten(1).all(1)
    assert 0.8 < same.float().mean() < 1
    assert (result.wanted[~same] <= clean[~same] + 1e-5).all()


def test_an_open_shutters_window_starts_from_what_was_recorded_and_wants_the_sharp_one() -> None:
    clean = clips(40)
    recorded = (clean + clean.roll(2, -1)) / 2
    result = windows(clean, recorded)
    as_recorded = torch.isclose(result.clips, recorded, atol=0.01).flatten(1).all(1)
    assert as_recorded.float().mean() > 0.2  # untouched, or a blur that it has no need of
    assert torch.equal(result.wanted[as_recorded], clean[as_recorded])


def test_crops_see_the_boxes_of_the_whole_frame() -> None:
    clean = clips(40, size=(24, 24))
    size = torch.tensor([240, 320]).expand(40, 2)
    corner = torch.tensor([100, 150]).expand(40, 2)
    masks = windows(clean, frame_size=size, offsets=corner).mask.flatten(1).mean(1)
    assert (masks > 0.99).any()  # inside a box that is larger than the crop


def test_obstructions_are_before_their_share_of_the_degraded_windows() -> None:
    clean = clips(60)
    mask = windows(clean, obstructed=1.0).mask.flatten(1)
    assert mask.any(1).float().mean() > 0.6  # a sixth is not degraded; some leaves are out of the crop
    boxes_alone = windows(clean, obstructed=0.0).mask.flatten(1)
    assert not torch.equal(mask, boxes_alone)


def test_what_hides_the_scene_is_not_blurred() -> None:
    """A grey box is flat wherever it hides the scene, whatever the lens does."""
    clean = clips(200, frames=1)
    result = windows(clean)
    count = 0
    for bad, mask in zip(result.clips, result.mask, strict=True):
        hidden = mask.bool().expand_as(bad)
        flat = hidden.any() and bad[hidden].unique().numel() == 1
        count += bool(flat) and not torch.equal(bad[~hidden], clean[0][~hidden])
    assert count > 3
