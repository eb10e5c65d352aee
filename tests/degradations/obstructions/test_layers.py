"""A layer over a clip: what comes through, and what does not."""

import torch

from restore.degradations.obstructions.layers import Cover, Glare, Lens


def test_a_cover_is_a_blend() -> None:
    clip = torch.rand(2, 3, 8, 8) * 2 - 1
    alpha = torch.rand(2, 1, 8, 8)
    assert torch.allclose(Cover(torch.ones(2, 3, 8, 8), alpha).over(clip), clip * (1 - alpha) + alpha)


def test_a_lens_shows_what_it_points_at() -> None:
    """Over a ramp, a shift of 6 px is a step of 6 levels; gain works on light, not on its code in [-1, 1]."""
    ramp = (torch.arange(40.0) / 100 - 0.5).expand(1, 3, 40, 40)
    still, full = torch.zeros(1, 1, 40, 40), torch.ones(1, 1, 40, 40)
    shift = torch.cat([full * 6, still], 1)
    seen = Lens(shift, full, still, full).over(ramp)
    assert torch.allclose(seen[..., 4:30], ramp[..., 10:36], atol=1e-3)
    down = Lens(shift.flip(1), full, still, full).over(ramp.mT)
    assert torch.allclose(down.mT, seen, atol=1e-3)
    half = Lens(shift, full / 2, still, full).over(ramp)
    assert torch.allclose(half + 1, (seen + 1) / 2, atol=1e-6)
    assert (Lens(shift, full, full, full).over(ramp) == 1).all()
    assert torch.equal(Lens(shift, full, full, still).over(ramp), ramp)


def test_glare_never_overflows() -> None:
    light = torch.tensor([0.2, 0.5, 0.8]).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    assert torch.allclose(Glare(light).alpha, torch.tensor(0.5))
    clip = torch.rand(1, 3, 4, 4) * 2 - 1
    assert (Glare(light).over(clip) <= 1).all() and (Glare(light).over(clip) > clip).all()
    assert (Glare(torch.ones(1, 3, 4, 4)).over(clip) == 1).all()
