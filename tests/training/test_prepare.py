from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch import Tensor

from restore.degradations.degrade import Ranges
from restore.propagation.evidence import BASE, FRAME
from restore.tensors import to_float
from restore.training.prepare import Pairs, degraded_windows, find_masks, propagated_pairs
from tests.detection.networks import constant_finder, white_segmenter
from tests.propagation.scenes import pan
from tests.test_pipeline import white_finder

WINDOWS, FRAMES, HEIGHT, WIDTH = 3, 4, 48, 56
CPU = torch.device("cpu")
PICKED = [[0, 2], [1], [0, 1, 3]]


def batch() -> dict[str, Tensor]:
    clips = np.stack([pan(FRAMES, (1, 2), HEIGHT, WIDTH, seed) for seed in range(WINDOWS)])
    return {
        "clips": torch.from_numpy(clips).permute(0, 1, 4, 2, 3),
        "offsets": torch.zeros(WINDOWS, 2, dtype=torch.long),
        "frame_size": torch.tensor([HEIGHT, WIDTH]).expand(WINDOWS, 2),
    }


def degraded(*seed: int) -> tuple[Tensor, Tensor, Tensor]:
    clean, bad, mask, _ = degraded_windows(batch(), seed=seed, ranges=Ranges(), device=CPU)
    return clean, bad, mask


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def pairs(pool: ThreadPoolExecutor, known: Tensor | None = None) -> tuple[Pairs, Tensor, Tensor, Tensor]:
    clean, bad, mask = degraded(1)
    return (
        propagated_pairs(clean, bad, mask, mask if known is None else known, picked=PICKED, pool=pool),
        clean,
        bad,
        mask,
    )


def test_the_seed_decides_all() -> None:
    torch.manual_seed(5)
    first = degraded_windows(batch(), seed=(0, 2, 0, 7), ranges=Ranges(), device=CPU)
    torch.manual_seed(6)
    second = degraded_windows(batch(), seed=(0, 2, 0, 7), ranges=Ranges(), device=CPU)
    for a, b in zip(first[:3], second[:3], strict=True):
        assert torch.equal(a, b)
    assert torch.equal(torch.rand(3, generator=first[3]), torch.rand(3, generator=second[3]))
    for other in ((0, 2, 0, 8), (0, 2, 1, 7), (0, 1, 0, 7), (1, 2, 0, 7)):
        assert not torch.equal(degraded(*other)[1], first[1])


def test_clean_clips_are_what_was_read() -> None:
    clean, bad, mask = degraded(0)
    assert torch.equal(clean, batch()["clips"].float() / 127.5 - 1)
    assert bad.shape == clean.shape and mask.shape == (WINDOWS, FRAMES, 1, HEIGHT, WIDTH)


def test_some_clips_are_varied_and_the_others_are_what_was_read() -> None:
    read, seen = batch()["clips"].float() / 127.5 - 1, []
    for step in range(8):
        clean, bad, mask, _ = degraded_windows(batch(), seed=(step,), ranges=Ranges(), device=CPU, varied=0.5)
        assert clean.shape == bad.shape and mask.shape == (WINDOWS, FRAMES, 1, HEIGHT, WIDTH)
        assert clean.abs().max() <= 1
        seen += [torch.equal(one, other) for one, other in zip(clean, read, strict=True)]
    assert 0.2 < np.mean(seen) < 0.8


def test_pairs_belong_together(pool: ThreadPoolExecutor) -> None:
    made, clean, bad, mask = pairs(pool)
    rows = [(window, frame) for window, frames in enumerate(PICKED) for frame in frames]
    assert made.evidence.shape == (6, 23, HEIGHT, WIDTH)
    for index, (window, frame) in enumerate(rows):
        assert torch.equal(made.clean[index], clean[window, frame])
        assert torch.equal(made.mask[index], mask[window, frame])
        assert torch.allclose(made.evidence[index, FRAME], bad[window, frame], atol=1e-6)
        assert torch.equal(made.evidence[index, 22:], mask[window, frame])
        for channels, neighbour in ((slice(6, 9), max(0, frame - 1)), (slice(9, 12), min(FRAMES - 1, frame + 1))):
            assert torch.allclose(made.evidence[index, channels], bad[window, neighbour], atol=1e-6)


def test_a_picked_frame_does_not_depend_on_what_else_is_picked(pool: ThreadPoolExecutor) -> None:
    made, clean, bad, mask = pairs(pool)
    every = propagated_pairs(clean, bad, mask, mask, picked=[list(range(FRAMES))] * WINDOWS, pool=pool)
    assert torch.equal(every.evidence[[0, 2, 5, 8, 9, 11]], made.evidence)


def test_the_base_is_nearer_to_clean_than_the_frame_is(pool: ThreadPoolExecutor) -> None:
    made, *_ = pairs(pool)
    error = [(made.evidence[:, channels] - made.clean).square().mean().item() for channels in (BASE, FRAME)]
    assert error[0] < 0.7 * error[1]


def test_the_restorer_is_told_the_known_mask_and_judged_by_the_true_one(pool: ThreadPoolExecutor) -> None:
    _, _, _, mask = pairs(pool)
    made, *_ = pairs(pool, known=torch.zeros_like(mask))
    assert not made.evidence[:, 22].any() and made.mask.any()


def test_masks_found_are_those_of_use() -> None:
    """Of both networks, filtered in time, with a rim around soft kinds; no clip depends on another."""
    clips = np.stack([pan(9, (1, 2), 32, 40, seed) // 2 for seed in range(2)])
    clips[0, 4, 2:10, 2:20] = 255  # in one frame, which a persistent kind does not appear for
    clips[1, 2:7, 12:20, 12:30] = 255
    clips[1, 4] //= 2  # a flicker
    found = find_masks(white_finder(), to_float(clips), nullcontext)  # type: ignore[arg-type]
    assert found.shape == (2, 9, 1, 32, 40) and not found.requires_grad
    assert np.array_equal(found[:, :, 0].numpy() > 0.5, clips[..., 0] == 255)

    both = find_masks(constant_finder(-20), to_float(clips), nullcontext, white_segmenter("text"))  # type: ignore[arg-type]
    hidden = both[:, :, 0].numpy() > 0.5
    assert not hidden[0].any() and not hidden[1, [0, 1, 7, 8]].any()
    assert hidden[1, 2:7, 12:20, 12:30].all() and hidden[1, 2:7, 11, 12:30].all()
