import torch

from restore.training.vary import GREY_SHARE, vary


def clips(count: int = 40) -> torch.Tensor:
    return torch.rand(count, 3, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1


def drawn(seed: int = 0) -> torch.Tensor:
    return vary(clips(), generator=torch.Generator().manual_seed(seed))


def test_pictures_stay_pictures_and_what_is_drawn_is_drawn_again() -> None:
    varied = drawn()
    assert varied.shape == clips().shape and varied.min() >= -1 and varied.max() <= 1
    assert torch.equal(varied, drawn()) and not torch.equal(varied, drawn(1))


def test_all_frames_of_a_clip_are_changed_alike() -> None:
    still = clips()[:, :1].expand(-1, 3, -1, -1, -1)
    varied = vary(still, generator=torch.Generator().manual_seed(0))
    assert torch.equal(varied[:, :1].expand_as(varied), varied)
    assert torch.equal(varied[:, 0], drawn()[:, 0])  # and whatever the other frames hold


def test_some_are_without_colour() -> None:
    red, green = drawn()[:, 0, :2].flatten(2).unbind(1)
    alike = torch.stack([torch.corrcoef(torch.stack(pair))[0, 1] for pair in zip(red, green, strict=True)])
    assert abs((alike > 0.9).float().mean() - GREY_SHARE) < 0.1
