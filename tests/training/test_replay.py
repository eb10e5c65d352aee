import numpy as np
import pytest
import torch

from restore.frame import Frame
from restore.propagation.evidence import to_tensor
from restore.scenes import with_scenes
from restore.training.in_use import evidence_of
from restore.training.prepare import Pairs
from restore.training.replay import Replay, turned
from tests.propagation.footage import pan

CPU = torch.device("cpu")


def numbered(first: int, count: int) -> Pairs:
    """Frames whose clean picture tells their number."""
    clean = torch.arange(float(first), first + count).view(-1, 1, 1, 1).expand(-1, 3, 4, 4)
    return Pairs(torch.zeros(count, 23, 4, 4).half(), clean.half(), torch.zeros(count, 1, 4, 4).half())


def numbers(pairs: Pairs) -> list[int]:
    return [int(number) for number in pairs.clean[:, 0, 0, 0]]


def drawn(replay: Replay, count: int, seed: int = 0) -> Pairs:
    return replay.draw(count, generator=torch.Generator().manual_seed(seed))


def test_the_oldest_make_room() -> None:
    replay = Replay(5, CPU)
    for first, count, held in ((0, 3, [0, 1, 2]), (3, 3, [1, 2, 3, 4, 5]), (6, 1, [2, 3, 4, 5, 6])):
        replay.add(numbered(first, count))
        assert len(replay) == len(held) and sorted(numbers(drawn(replay, 9))) == held


def test_a_frame_is_drawn_once_a_step_and_others_each_step() -> None:
    replay = Replay(20, CPU)
    replay.add(numbered(0, 20))
    steps = [numbers(drawn(replay, 6, seed)) for seed in range(30)]
    assert all(len(set(step)) == 6 for step in steps)
    assert {number for step in steps for number in step} == set(range(20))
    assert numbers(drawn(replay, 6, 7)) == steps[7]


def test_what_is_drawn_is_in_full_precision() -> None:
    replay = Replay(4, CPU)
    replay.add(numbered(0, 4))
    pairs = drawn(replay, 2)
    assert pairs.evidence.dtype == pairs.clean.dtype == pairs.mask.dtype == torch.float32
    assert pairs.evidence.is_contiguous(memory_format=torch.channels_last)


def of_clip(clip: np.ndarray, mask: np.ndarray, clean: np.ndarray, at: int) -> Pairs:
    frames = list(with_scenes([Frame(image, mask=hidden) for image, hidden in zip(clip, mask, strict=True)]))
    evidence = to_tensor(evidence_of(frames)[at].stack()[None])
    picture = torch.from_numpy(clean[at].copy()).permute(2, 0, 1)[None] / 127.5 - 1
    return Pairs(evidence, picture, torch.from_numpy(mask[at].copy())[None, None])


@pytest.mark.parametrize("shift", [(0, 0), (1, 2)])
def test_a_turned_frame_is_what_a_turned_clip_would_have_given(shift: tuple[int, int]) -> None:
    """But for what a flow finds a little differently in a mirror."""
    clean = pan(5, shift, 40, 48, 1)
    noise = np.random.default_rng(0).integers(-9, 10, clean.shape)
    clip = np.clip(clean.astype(int) + noise, 0, 255).astype(np.uint8)
    mask = np.zeros(clip.shape[:3], np.float32)
    mask[2, 10:20, 12:30] = 1
    of = {
        (across, upright, backwards): of_clip(
            *(
                np.ascontiguousarray(x[:: -1 if backwards else 1, :: -1 if upright else 1, :: -1 if across else 1])
                for x in (clip, mask, clean)
            ),
            2,
        )
        for across in (0, 1)
        for upright in (0, 1)
        for backwards in (0, 1)
    }
    one, many = of[0, 0, 0], 64
    repeated = Pairs(*(x.expand(many, -1, -1, -1) for x in (one.evidence, one.clean, one.mask)))
    result = turned(repeated, generator=torch.Generator().manual_seed(1))
    seen = set()
    for evidence, picture, hidden in zip(result.evidence, result.clean, result.mask, strict=True):
        fits = [
            (key, order)
            for key, other in of.items()
            for order in ([0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0])
            if torch.equal(picture, other.clean[0, order])
        ]
        seen |= {(*key, *order) for key, order in fits}
        errors = []
        for key, order in fits:
            other = of[key]
            channels = torch.arange(23)
            for first in (0, 3, 6, 9, 12, 17):
                channels[first : first + 3] = first + torch.tensor(order)
            assert torch.equal(hidden, other.mask[0])
            errors.append((evidence - other.evidence[0, channels]).abs().mean((1, 2)).max().item())
        assert min(errors) < 0.06  # a wrong one differs by 0.4
    assert len(seen) > 30
