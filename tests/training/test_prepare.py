from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import Tensor

from restore.degradations.degrade import Ranges
from restore.models.finder import OcclusionFinder
from restore.propagation.evidence import BASE, FRAME
from restore.tensors import to_uint8
from restore.training.in_use import detected, given
from restore.training.prepare import GIVEN_SHARE, Pairs, degraded_windows, propagated_pairs, training_pairs
from tests.propagation.footage import pan

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


def propagated(clean: Tensor, bad: Tensor, mask: Tensor, known: Tensor, picked: list[list[int]]) -> Pairs:
    """With the `known` masks given, of which `mask` is the truth."""
    windows = [given(*clip) for clip in zip(to_uint8(bad), known[:, :, 0].numpy(), strict=True)]
    return propagated_pairs(clean, mask, windows, picked=picked)


def pairs(known: Tensor | None = None) -> tuple[Pairs, Tensor, Tensor, Tensor]:
    clean, bad, mask = degraded(1)
    return propagated(clean, bad, mask, mask if known is None else known, PICKED), clean, bad, mask


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


def test_some_clips_are_augmented_and_the_others_are_what_was_read() -> None:
    read, seen = batch()["clips"].float() / 127.5 - 1, []
    for step in range(8):
        clean, bad, mask, _ = degraded_windows(batch(), seed=(step,), ranges=Ranges(), device=CPU, augmented_share=0.5)
        assert clean.shape == bad.shape and mask.shape == (WINDOWS, FRAMES, 1, HEIGHT, WIDTH)
        assert clean.abs().max() <= 1
        seen += [torch.equal(one, other) for one, other in zip(clean, read, strict=True)]
    assert 0.2 < np.mean(seen) < 0.8


def test_pairs_belong_to_one_frame() -> None:
    made, clean, bad, mask = pairs()
    rows = [(window, frame) for window, frames in enumerate(PICKED) for frame in frames]
    assert made.evidence.shape == (6, 23, HEIGHT, WIDTH)
    for index, (window, frame) in enumerate(rows):
        assert torch.equal(made.clean[index], clean[window, frame])
        assert torch.equal(made.mask[index], mask[window, frame])
        assert torch.allclose(made.evidence[index, FRAME], bad[window, frame], atol=1e-6)
        assert torch.equal(made.evidence[index, 22:], mask[window, frame])
        for channels, neighbour in ((slice(6, 9), max(0, frame - 1)), (slice(9, 12), min(FRAMES - 1, frame + 1))):
            assert torch.allclose(made.evidence[index, channels], bad[window, neighbour], atol=1e-6)


def test_a_picked_frame_does_not_depend_on_what_else_is_picked() -> None:
    made, clean, bad, mask = pairs()
    every = propagated(clean, bad, mask, mask, [list(range(FRAMES))] * WINDOWS)
    assert torch.equal(every.evidence[[0, 2, 5, 8, 9, 11]], made.evidence)


def test_the_base_errs_less_than_the_frame() -> None:
    made, *_ = pairs()
    error = [(made.evidence[:, channels] - made.clean).square().mean().item() for channels in (BASE, FRAME)]
    assert error[0] < 0.7 * error[1]


def test_the_generator_reads_the_known_mask_and_is_judged_by_the_true_one() -> None:
    _, _, _, mask = pairs()
    made, *_ = pairs(known=torch.zeros_like(mask))
    assert not made.evidence[:, 22].any() and made.mask.any()


def test_masks_are_detected_but_for_those_that_are_given() -> None:
    AcceleratorState._reset_state(reset_partial_state=True)
    accelerator = Accelerator(cpu=True, mixed_precision="no")
    torch.manual_seed(0)
    finder: Any = OcclusionFinder(widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,)).eval()
    finder.unet.tail.reset_parameters()
    was_given, parts = [], {"obstructed": 0.0, "finder": finder, "segmenter": None, "accelerator": accelerator}
    for step in range(12):
        made = training_pairs(batch(), seed=(step,), frames=FRAMES, **parts)
        assert made.evidence.shape == (WINDOWS * FRAMES, 23, HEIGHT, WIDTH)
        for window, known, true in zip(
            *(x.split(FRAMES) for x in (made.evidence, made.evidence[:, 22:], made.mask)), strict=True
        ):
            images = to_uint8(window[:, FRAME])
            wanted = np.stack([frame.hidden for frame in detected(images, finder, None, accelerator)])[:, None]
            was_given.append(torch.equal(known, true))
            assert was_given[-1] or np.array_equal(known.numpy(), wanted)
            assert not np.array_equal(wanted, true.numpy())
    assert abs(np.mean(was_given) - GIVEN_SHARE) < 0.2
