from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from restore.degradations.degrade import Ranges
from restore.degradations.windows import DegradedWindows
from restore.frame import HIDDEN
from restore.models.degradation import noise_level
from restore.models.finder import OcclusionFinder
from restore.propagation.evidence import BASE, FRAME, MASK
from restore.tensors import to_uint8
from restore.training.data import CleanWindows, batches
from restore.training.in_use import detected, given
from restore.training.prepare import (
    GIVEN_SHARE,
    Pairs,
    PreparedPairs,
    degraded_windows,
    drawn_windows,
    joined,
    propagated_pairs,
    seeded,
    training_pairs,
)
from tests.propagation.footage import pan
from tests.training.tiny import write_video

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


def random_finder() -> OcclusionFinder:
    torch.manual_seed(0)
    finder = OcclusionFinder(widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,)).eval()
    finder.unet.tail.reset_parameters()
    return finder


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
    finder = random_finder()
    was_given = []
    for step in range(12):
        made = training_pairs(batch(), seed=(step,), frames=FRAMES, obstructed=0.0, finder=finder, segmenter=None)
        assert made.evidence.shape == (WINDOWS * FRAMES, 23, HEIGHT, WIDTH)
        windows = drawn(step)
        assert torch.equal(made.clean, windows.wanted.flatten(0, 1))
        assert torch.equal(made.evidence[:, FRAME], windows.clips.flatten(0, 1))
        for window, known, true in zip(
            *(x.split(FRAMES) for x in (made.evidence, made.evidence[:, 22:], made.mask)), strict=True
        ):
            images = to_uint8(window[:, FRAME])
            wanted = np.stack([frame.hidden for frame in detected(images, finder, None)])[:, None]
            was_given.append(torch.equal(known, true))
            assert was_given[-1] or np.array_equal(known.numpy(), wanted)
            assert not np.array_equal(wanted, true.numpy())
    assert abs(np.mean(was_given) - GIVEN_SHARE) < 0.2


def prepared(folder: Path, *, gated: bool = False, seed: int = 3) -> PreparedPairs:
    videos = [write_video(folder / f"{index}.avi", pan(8, (1, 2), 40, 48, index)) for index in range(4)]
    windows = CleanWindows(videos, frames=FRAMES, crop=(32, 32), per_video=2, seed=seed)
    return PreparedPairs(windows, frames=2, obstructed=0.0, gated=gated, finder=random_finder(), segmenter=None)


def same(one: Pairs, other: Pairs) -> bool:
    return all(map(torch.equal, (one.evidence, one.clean, one.mask), (other.evidence, other.clean, other.mask)))


def test_workers_prepare_what_one_process_would(tmp_path: Path) -> None:
    dataset = prepared(tmp_path)
    alone, parallel = (list(batches(dataset, joined, epochs=1, batch=2, workers=workers)) for workers in (0, 2))
    assert len(alone) == 2 and all(map(same, alone, parallel))
    assert alone[0].evidence.shape == (8, 23, 32, 32) and alone[0].evidence.dtype == torch.half
    assert alone[0].clean.shape == (8, 3, 32, 32) and alone[0].mask.shape == (8, 1, 32, 32)


def test_what_is_prepared_depends_on_seed_epoch_and_index_alone(tmp_path: Path) -> None:
    first, again, other = prepared(tmp_path), prepared(tmp_path), prepared(tmp_path, seed=4)
    for key in ((0, 1), (2, 3)):
        assert same(first[key], again[key]) and not same(first[key], other[key])
    assert not same(first[0, 1], first[1, 1]) and not same(first[0, 1], first[0, 2])


def test_a_gated_generator_is_spared_the_frames_that_it_leaves_alone(tmp_path: Path) -> None:
    """But for one of a window that has no others, from which it learns that nothing is wrong."""
    every, worth = prepared(tmp_path), prepared(tmp_path, gated=True)
    left_out = 0
    for key in ((epoch, index) for epoch in range(4) for index in range(4)):
        all_of_it, kept = every[key], worth[key]
        evidence = all_of_it.evidence.float()
        changes = (noise_level(evidence).flatten() > 0) | (evidence[:, MASK] > HIDDEN).flatten(1).any(1)
        rows = [
            row
            for at in (0, 2)
            for row in (changes[at : at + 2].nonzero().flatten().tolist() or [0])
            for row in [at + row]
        ]
        assert same(kept, all_of_it.picked(torch.tensor(rows)))
        left_out += len(evidence) - len(rows)
    assert left_out > 2


def test_pairs_are_learned_from_in_full_precision(tmp_path: Path) -> None:
    half = prepared(tmp_path)[0, 0]
    full = half.to(CPU)
    assert full.evidence.dtype == full.clean.dtype == full.mask.dtype == torch.float32
    assert same(half, Pairs(full.evidence.half(), full.clean.half(), full.mask.half()))
    assert full.evidence.is_contiguous(memory_format=torch.channels_last)
