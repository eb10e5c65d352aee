import torch

from restore.degradations.degrade import Ranges
from restore.degradations.mix import Mixed, Shares, degrade_mixed, strongest
from restore.kinds import BOXES


def mixed(shares: Shares, seed: int = 0, clips: int = 6) -> Mixed:
    clean = torch.linspace(-1, 1, 64).expand(clips, 4, 3, 48, 64)
    return degrade_mixed(clean, generator=torch.Generator().manual_seed(seed), shares=shares, ranges=Ranges())


def test_the_same_seed_degrades_alike() -> None:
    once, again, other = (mixed(Shares(), seed) for seed in (1, 1, 2))
    assert torch.equal(once.clips, again.clips) and torch.equal(once.mask, again.mask)
    assert torch.equal(once.kinds, again.kinds)
    assert not torch.equal(once.clips, other.clips)


def test_nothing_stands_before_clear_clips() -> None:
    clear = mixed(Shares(obstructed=0, clear=1))
    assert not clear.mask.any() and clear.clips.shape == (6, 4, 3, 48, 64)


def test_the_rest_has_grey_boxes() -> None:
    boxes = mixed(Shares(obstructed=0, clear=0))
    assert boxes.mask.any((1, 2, 3, 4)).sum() >= 5  # a crop may miss them
    assert (boxes.kinds[boxes.mask[:, :, 0] > 0] == BOXES).all()


def test_obstructions_are_of_several_kinds_and_within_their_range() -> None:
    obstructed = mixed(Shares(obstructed=1, clear=0), clips=12)
    hidden = obstructed.mask[:, :, 0] > 0
    assert len(obstructed.kinds[hidden].unique()) >= 4
    assert obstructed.clips.abs().max() <= 1 and set(obstructed.mask.unique().tolist()) == {0.0, 1.0}
    levels = (obstructed.clips + 1) * 127.5
    torch.testing.assert_close(levels, levels.round(), atol=1e-3, rtol=0)  # as a file would hold them


def test_sharp_clips_are_neither_blurred_nor_noisy() -> None:
    clear = mixed(Shares(obstructed=0, clear=1, sharp=1)).clips
    first = clear[0, :1, :1]
    assert (clear.std(1).amax((1, 2, 3)) < 1e-6).sum() >= 4  # the same in all frames, but for those compressed
    torch.testing.assert_close(first[..., 0, :], torch.linspace(-1, 1, 64).expand(1, 1, 64), atol=0.01, rtol=0)
    noisy = mixed(Shares(obstructed=0, clear=1, sharp=0)).clips
    assert (noisy.std(1).mean((1, 2, 3)) > 1e-3).all()


def test_the_strongest_kind_is_the_greatest_share() -> None:
    shares = torch.randint(4, (2, 3, 7, 8, 9), generator=torch.Generator().manual_seed(0)).float()  # with many ties
    assert torch.equal(strongest(shares), shares.argmax(2))
