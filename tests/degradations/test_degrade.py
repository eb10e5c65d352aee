from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from restore.degradations.boxes import MOTION_SHARES
from restore.degradations.degrade import Range, Ranges, degrade
from restore.kinds import BOX_MOTIONS
from restore.tensors import to_float, to_uint8
from tests.propagation.footage import texture


def always(value: float) -> Range:
    return Range(value, value, value)


PLAIN = Ranges(blur=always(0), noise=always(0), box_level=always(128), compressed_share=0, typical_share=1)


def clips(batch: int = 2, frames: int = 4, height: int = 48, width: int = 64) -> Tensor:
    """`B T 3 H W`, every frame another picture; nothing close to black or white, where noise would be clipped."""
    pictures = [texture(height, width, seed) // 2 + 64 for seed in range(batch * frames)]
    return to_float(np.stack(pictures)).unflatten(0, (batch, frames))


def degraded(clean: Tensor, ranges: Ranges, seed: int = 0, kind: str | None = None) -> tuple[Tensor, Tensor]:
    return degrade(clean, generator=torch.Generator().manual_seed(seed), ranges=ranges, kind=kind)


def levels(x: Tensor) -> Tensor:
    """[-1, 1] => [0, 255]."""
    return (x + 1) * 127.5


def test_the_seed_decides() -> None:
    clean = clips()
    first, again, other = (degraded(clean, Ranges(), seed) for seed in (3, 3, 4))
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])


def test_global_random_numbers_are_neither_used_nor_moved() -> None:
    clean, results = clips(), []
    for seed in (0, 1):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        results.append(degraded(clean, Ranges())[0])
        assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(*results)


@pytest.mark.parametrize("kind", BOX_MOTIONS)
def test_the_mask_is_true(kind: str) -> None:
    clean = clips()
    bad, mask = degraded(clean, replace(PLAIN, box_level=always(100)), kind=kind)
    assert bad.shape == clean.shape and mask.shape == (2, 4, 1, 48, 64)
    assert set(mask.unique().tolist()) <= {0.0, 1.0}
    hidden = mask.bool().expand_as(clean)
    assert hidden.any() == (kind != "none")
    assert torch.allclose(bad[~hidden], clean[~hidden], atol=1e-6)
    assert torch.allclose(levels(bad[hidden]), torch.tensor(100.0), atol=1e-4)


@pytest.mark.parametrize("kind", BOX_MOTIONS)
def test_kinds_move_as_their_names_say(kind: str) -> None:
    _, mask = degraded(clips(frames=6), PLAIN, kind=kind)
    changes = (mask[:, 1:] != mask[:, :-1]).flatten(2).any(-1)
    assert changes.all() if kind in ("moving", "random") else not changes.any()
    if kind == "heavy":
        assert (mask.sum((2, 3, 4)) == int(0.45 * 48) * int(0.45 * 64)).all()


def test_every_kind_is_drawn_as_often_as_its_share() -> None:
    _, mask = degraded(torch.zeros(200, 3, 3, 32, 32), PLAIN)
    covered = mask.mean((1, 2, 3, 4))
    changes = (mask[:, 1:] != mask[:, :-1]).flatten(1).any(-1)
    heavy = covered == int(0.45 * 32) ** 2 / 32**2
    static = ~changes & ~heavy & (covered > 0)
    shares = dict(zip(BOX_MOTIONS, MOTION_SHARES, strict=True))
    for drawn, share in (
        (covered == 0, shares["none"]),
        (changes, shares["moving"] + shares["random"]),
        (heavy, shares["heavy"]),
        (static, shares["static"]),
    ):
        assert drawn.float().mean().item() == pytest.approx(share, abs=0.1)
        assert drawn.any()


def test_clips_of_a_batch_are_degraded_apart() -> None:
    clean = clips(batch=1).repeat(3, 1, 1, 1, 1)
    bad, mask = degraded(clean, Ranges(), kind="static")
    assert not torch.equal(mask[0], mask[1]) and not torch.equal(mask[1], mask[2])
    assert not torch.equal(bad[0], bad[1])


def test_the_result_is_on_8_bit_levels() -> None:
    for ranges in (Ranges(), Ranges(compressed_share=1, noise=always(60))):
        bad, _ = degraded(clips(), ranges)
        assert bad.min() >= -1 and bad.max() <= 1
        assert torch.allclose(levels(bad), levels(bad).round(), atol=1e-4)
        assert torch.allclose(to_float(to_uint8(bad)), bad, atol=1e-6)


def test_the_input_is_left_alone() -> None:
    clean = clips()
    before = clean.clone()
    degraded(clean, Ranges(compressed_share=1))
    assert torch.equal(clean, before)


@pytest.mark.parametrize("sigma", [5.0, 15.0, 30.0])
def test_noise_is_as_strong_as_asked_inside_and_outside_the_boxes(sigma: float) -> None:
    clean = torch.zeros(2, 6, 3, 48, 64)  # level 127.5
    bad, mask = degraded(clean, replace(PLAIN, noise=always(sigma), box_level=always(127.5)), kind="static")
    error = levels(bad) - 127.5
    hidden = mask.bool().expand_as(error)
    for part in (error[hidden], error[~hidden]):
        assert part.std().item() == pytest.approx(sigma, rel=0.05) and abs(part.mean().item()) < 0.1 * sigma
    assert abs(torch.corrcoef(error[:, :2].transpose(0, 1).flatten(1))[0, 1]) < 0.05  # drawn for every frame


def test_blur_is_opencvs() -> None:
    clean = clips()
    bad, _ = degraded(clean, replace(PLAIN, blur=always(1.4)), kind="none")
    for got, picture in zip(to_uint8(bad.flatten(0, 1)), to_uint8(clean.flatten(0, 1)), strict=True):
        wanted = cv2.GaussianBlur(picture, (7, 7), 1.4)
        assert np.abs(got.astype(int) - wanted).max() <= 1


def test_boxes_hide_after_the_lens_blurs() -> None:
    bad, mask = degraded(clips(), replace(PLAIN, blur=always(2.5)), kind="heavy")
    assert torch.allclose(levels(bad)[mask.bool().expand_as(bad)], torch.tensor(128.0), atol=1e-4)


def test_compression_costs_quality_and_preserves_the_shape() -> None:
    clean = clips()
    bad, _ = degraded(clean, replace(PLAIN, compressed_share=1), kind="none")
    assert bad.shape == clean.shape
    assert all(0 < (levels(a) - levels(b)).square().mean() < 2000 for a, b in zip(bad, clean, strict=True))


def test_compression_of_sizes_that_are_no_multiple_of_a_block() -> None:
    clean = clips(height=37, width=45)
    bad, _ = degraded(clean, replace(PLAIN, compressed_share=1), kind="none")
    assert bad.shape == clean.shape and (levels(bad) - levels(clean)).abs().mean() < 20


def test_strengths_are_typical_or_anywhere_in_their_range() -> None:
    clean = torch.zeros(400, 1, 3, 32, 32)
    ranges = replace(PLAIN, box_level=Range(64, 128, 192), typical_share=0.6)
    bad, mask = degraded(clean, ranges, kind="heavy")
    grey = levels(bad).masked_fill(mask == 0, 0).amax((1, 2, 3, 4)).round()
    assert grey.min() >= 64 and grey.max() <= 192 and grey.min() < 80 and grey.max() > 176
    assert (grey == 128).float().mean().item() == pytest.approx(0.6, abs=0.08)


@pytest.mark.parametrize("kind", ["static", "moving", "random", "heavy"])
def test_crops_see_the_boxes_of_the_whole_frame(kind: str) -> None:
    whole, size = clips(batch=3, frames=5, height=60, width=80), torch.tensor([60, 80]).expand(3, 2)
    corners = torch.tensor([[0, 0], [28, 48], [13, 21]])
    _, mask = degrade(
        whole,
        generator=torch.Generator().manual_seed(0),
        ranges=PLAIN,
        kind=kind,
        frame_size=size,
        offsets=torch.zeros(3, 2, dtype=torch.long),
    )
    crops = torch.stack([w[..., y : y + 32, x : x + 32] for w, (y, x) in zip(whole, corners.tolist(), strict=True)])
    bad, crop_mask = degrade(
        crops,
        generator=torch.Generator().manual_seed(0),
        ranges=PLAIN,
        kind=kind,
        frame_size=size,
        offsets=corners,
    )
    for index, (y, x) in enumerate(corners.tolist()):
        assert torch.equal(crop_mask[index], mask[index, ..., y : y + 32, x : x + 32])
    assert torch.equal(mask, degraded(whole, PLAIN, kind=kind)[1])  # a whole frame is its own crop
    assert torch.allclose(bad[~crop_mask.bool().expand_as(bad)], crops[~crop_mask.bool().expand_as(bad)], atol=1e-6)
