import pytest
import torch

import restore.training.augment as module
from restore.training.augment import GREY_SHARE, augmented, recoloured, reframed


def clips(count: int = 40) -> torch.Tensor:
    return torch.rand(count, 3, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1


def drawn(seed: int = 0) -> torch.Tensor:
    return recoloured(clips(), generator=torch.Generator().manual_seed(seed))


def test_pictures_stay_pictures_and_what_is_drawn_is_drawn_again() -> None:
    other = drawn()
    assert other.shape == clips().shape and other.min() >= -1 and other.max() <= 1
    assert torch.equal(other, drawn()) and not torch.equal(other, drawn(1))


def test_all_frames_of_a_clip_are_changed_alike() -> None:
    still = clips()[:, :1].expand(-1, 3, -1, -1, -1)
    other = recoloured(still, generator=torch.Generator().manual_seed(0))
    assert torch.equal(other[:, :1].expand_as(other), other)
    assert torch.equal(other[:, 0], drawn()[:, 0])  # and whatever the other frames hold


def test_some_are_without_colour() -> None:
    red, green = drawn()[:, 0, :2].flatten(2).unbind(1)
    alike = torch.stack([torch.corrcoef(torch.stack(pair))[0, 1] for pair in zip(red, green, strict=True)])
    assert abs((alike > 0.9).float().mean() - GREY_SHARE) < 0.1


def place(clip: torch.Tensor) -> torch.Tensor:
    """(row, column) of the brightest pixel of a frame `3 H W`."""
    return torch.stack(torch.unravel_index(clip[0].argmax(), clip.shape[1:]))


def test_a_scene_is_reframed_alike_in_all_frames_and_each_in_its_own_way() -> None:
    still = clips()[:, :1].expand(-1, 3, -1, -1, -1)
    other = reframed(still, generator=torch.Generator().manual_seed(0))
    assert other.shape == still.shape
    assert torch.equal(other[:, :1].expand_as(other), other)
    alike = reframed(still[:1].expand_as(still), generator=torch.Generator().manual_seed(0))
    assert len(alike.flatten(1).unique(dim=0)) == len(alike)


def test_it_is_zoomed_and_turned_in_proportion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ZOOM", (1.25, 1.25))
    middle = torch.tensor([40, 60])
    spots = torch.tensor([[40, 60], [20, 60], [40, 80]])  # the middle, 20 px above, 20 px to the right
    clips = torch.full((3, 1, 3, 81, 121), -1.0)
    for clip, (row, column) in zip(clips, spots, strict=True):
        clip[:, :, row, column] = 1
    generators = [torch.Generator().manual_seed(5) for _ in spots]
    at = [
        place(reframed(clip[None], generator=generator)[0, 0])
        for clip, generator in zip(clips, generators, strict=True)
    ]
    above, right = at[1] - at[0], at[2] - at[0]
    assert not torch.equal(at[0], middle) and above[1] != 0
    assert all(abs(arm.float().norm() - 25) < 1.5 for arm in (above, right))
    assert abs((above * right).sum()) < 0.1 * 25**2  # at right angles, though the frame is wider than high


def test_what_lies_beyond_the_borders_is_mirrored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ZOOM", (0.8, 0.8))
    plain = torch.ones(8, 1, 3, 40, 60)
    assert torch.allclose(reframed(plain, generator=torch.Generator().manual_seed(0)), plain, atol=1e-5)


def test_an_augmented_clip_is_reframed_and_recoloured() -> None:
    other = augmented(clips(), generator=torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(0)
    assert torch.equal(other, recoloured(reframed(clips(), generator=generator), generator=generator))
    assert not torch.equal(other, recoloured(clips(), generator=torch.Generator().manual_seed(0)))
