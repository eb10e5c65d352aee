from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import Tensor

from restore.degradations.degrade import Ranges
from restore.degradations.windows import DegradedWindows
from restore.models.finder import OcclusionFinder
from restore.propagation.evidence import BASE, FRAME
from restore.tensors import to_uint8
from restore.training.in_use import detected, given
from restore.training.prepare import (
    GIVEN_SHARE,
    Pairs,
    degraded_windows,
    drawn_windows,
    propagated_pairs,
    seeded,
    training_pairs,
)
from tests.propagation.footage import pan

WINDOWS, FRAMES, HEIGHT, WIDTH = 3, 4, 48, 56
CPU = torch.device("cpu")
PICKED = [[0, 2], [1], [0, 1, 3]]


def batch() -> dict[str, Tensor]:
    clips = torch.from_numpy(np.stack([pan(FRAMES, (1, 2), HEIGHT, WIDTH, seed) for seed in range(WINDOWS)]))
    clips = clips.permute(0, 1, 4, 2, 3)
    return {
        "clips": clips,
        "recorded": clips,
        "offsets": torch.zeros(WINDOWS, 2, dtype=torch.long),
        "frame_size": torch.tensor([HEIGHT, WIDTH]).expand(WINDOWS, 2),
    }


def degraded(*seed: int) -> tuple[Tensor, Tensor, Tensor]:
    bad, mask = degraded_windows(batch(), seed=seed, ranges=Ranges(), device=CPU)
    return normalised(batch()), bad, mask


def drawn(*seed: int, given: dict[str, Tensor] | None = None, obstructed: float = 0.0) -> DegradedWindows:
    return drawn_windows(given or batch(), draw=seeded(*seed), device=CPU, obstructed=obstructed)


def normalised(given: dict[str, Tensor]) -> Tensor:
    return given["clips"].float() / 127.5 - 1


def propagated(clean: Tensor, bad: Tensor, mask: Tensor, known: Tensor, picked: list[list[int]]) -> Pairs:
    """With the `known` masks given, of which `mask` is the truth."""
    windows = [given(*clip) for clip in zip(to_uint8(bad), known[:, :, 0].numpy(), strict=True)]
    return propagated_pairs(clean, mask, windows, picked=picked)


def pairs(known: Tensor | None = None) -> tuple[Pairs, Tensor, Tensor, Tensor]:
    clean, bad, mask = degraded(1)
    return propagated(clean, bad, mask, mask if known is None else known, PICKED), clean, bad, mask


def test_the_seed_decides_all() -> None:
    torch.manual_seed(5)
    first, drawn_first = degraded(0, 2, 0, 7), drawn(0, 2, 0, 7)
    torch.manual_seed(6)
    second, drawn_second = degraded(0, 2, 0, 7), drawn(0, 2, 0, 7)
    for a, b in zip(first, second, strict=True):
        assert torch.equal(a, b)
    assert torch.equal(drawn_first.clips, drawn_second.clips) and torch.equal(drawn_first.wanted, drawn_second.wanted)
    for other in ((0, 2, 0, 8), (0, 2, 1, 7), (0, 1, 0, 7), (1, 2, 0, 7)):
        assert not torch.equal(degraded(*other)[1], first[1])
        assert not torch.equal(drawn(*other).clips, drawn_first.clips)


def test_boxes_are_before_clips_of_the_same_size() -> None:
    clean, bad, mask = degraded(0)
    assert bad.shape == clean.shape and mask.shape == (WINDOWS, FRAMES, 1, HEIGHT, WIDTH) and mask.any()


def test_some_windows_are_augmented_some_left_alone_and_all_degraded_from_nothing_upwards() -> None:
    read = normalised(batch())
    seen: list[bool] = []
    untouched: list[bool] = []
    hidden: list[bool] = []
    for step in range(24):
        made = drawn(step)
        assert made.clips.shape == made.wanted.shape and made.mask.shape == (WINDOWS, FRAMES, 1, HEIGHT, WIDTH)
        assert made.wanted.abs().max() <= 1
        seen += [torch.equal(one, other) for one, other in zip(made.wanted, read, strict=True)]
        untouched += [
            bool((one - other).abs().max() < 1 / 127.5) for one, other in zip(made.clips, made.wanted, strict=True)
        ]
        hidden += [bool(mask.any()) for mask in made.mask]
    assert 0.2 < np.mean(seen) < 0.8
    assert 0.08 < np.mean(untouched) < 0.45 and 0.15 < np.mean(hidden) < 0.5


def test_the_blur_of_an_open_shutter_is_to_be_undone_in_augmented_windows_too() -> None:
    """What is recorded is framed and coloured as what is wanted: it is another picture, but not one displaced."""
    blurred = batch()
    blurred["recorded"] = torch.stack([blurred["clips"].roll(shift, -1).float() for shift in (-1, 0, 1)]).mean(0).byte()
    errors: list[float] = []
    wanted, augmented = [], 0
    for step in range(16):
        made, sharp = drawn(step, given=blurred), drawn(step)
        augmented += sum(not torch.equal(a, b) for a, b in zip(made.wanted, normalised(batch()), strict=True))
        wanted.append(torch.equal(made.wanted, sharp.wanted))
        errors += [(bad - clean).abs().mean().item() for bad, clean in zip(made.clips, made.wanted, strict=True)]
    assert augmented > 10 and all(wanted)
    assert min(errors) > 0.005  # none is left sharp
    assert np.median(errors) < 0.15  # were only one of the two augmented, half would differ by the scene's contrast


def test_obstructions_reach_the_pairs() -> None:
    shares = [drawn(step, obstructed=1.0).mask.flatten(1).any(1).float().mean().item() for step in range(8)]
    assert (
        np.mean(shares) > 0.55 > 0.5 > np.mean([drawn(step).mask.flatten(1).any(1).float().mean() for step in range(8)])
    )


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
        windows = drawn(step)
        assert torch.equal(made.clean, windows.wanted.flatten(0, 1))
        assert torch.equal(made.evidence[:, FRAME], windows.clips.flatten(0, 1))
        for window, known, true in zip(
            *(x.split(FRAMES) for x in (made.evidence, made.evidence[:, 22:], made.mask)), strict=True
        ):
            images = to_uint8(window[:, FRAME])
            wanted = np.stack([frame.hidden for frame in detected(images, finder, None, accelerator)])[:, None]
            was_given.append(torch.equal(known, true))
            assert was_given[-1] or np.array_equal(known.numpy(), wanted)
            assert not np.array_equal(wanted, true.numpy())
    assert abs(np.mean(was_given) - GIVEN_SHARE) < 0.2
