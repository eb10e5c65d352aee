"""All kinds: seeded, true, on their way from chunk to chunk; and what several of them make at once."""

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from restore.degradations.obstructions.draw import COVERED, DRAW, Obstructed, obstruct
from restore.degradations.obstructions.drops import draw_drops
from restore.degradations.obstructions.layers import Lens
from restore.degradations.obstructions.rain import draw_rain
from restore.kinds import KINDS
from restore.tensors import to_float
from tests.propagation.footage import texture

SEEDS = range(4)


def clips(batch: int = 1, frames: int = 5, height: int = 48, width: int = 64) -> Tensor:
    """`B T 3 H W`, a textured picture for every frame."""
    pictures = [texture(height, width, seed) for seed in range(batch * frames)]
    return to_float(np.stack(pictures)).unflatten(0, (batch, frames))


def obstructed(clean: Tensor, kinds: list[str] | None, seed: int = 0, first: int = 0) -> Obstructed:
    return obstruct(clean, generator=torch.Generator().manual_seed(seed), kinds=kinds, first=first)


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_has_alpha_changes(kind: str) -> None:
    clean, unchanged = clips(), 0.0
    for seed in SEEDS:
        bad = obstructed(clean, [kind], seed)
        free = (bad.alpha == 0).expand_as(clean)
        assert torch.equal(bad.clips[free], clean[free])
        unchanged += free.float().mean().item()
        assert bad.alpha.min() >= 0 and bad.alpha.max() <= 1
        assert bad.clips.min() >= -1 and bad.clips.max() <= 1
        # It does hide something, and more than a trifle where it hides.
        assert (bad.alpha > COVERED).any()
        assert (bad.clips - clean).abs().amax(2, keepdim=True)[bad.alpha > COVERED].mean() > 0.1
    assert unchanged > 0 or kind == "flare"  # some flare veils the whole frame


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("drops", "flare")])
def test_covers_hide_as_much_as_alpha_says(kind: str) -> None:
    """Before white and before black, what is seen differs by what comes through."""
    white, black = (obstructed(torch.full((1, 4, 3, 48, 64), value), [kind], 1).clips for value in (1.0, -1.0))
    alpha = obstructed(torch.zeros(1, 4, 3, 48, 64), [kind], 1).alpha
    assert torch.allclose((white - black) / 2, (1 - alpha).expand_as(white), atol=1e-5)


def test_flare_takes_as_much_contrast_as_alpha_says_and_darkens_nothing() -> None:
    clean = clips()
    bad = obstructed(clean, ["flare"])
    white, black = (obstructed(torch.full_like(clean, value), ["flare"]).clips for value in (1.0, -1.0))
    assert torch.allclose((white - black).mean(2, keepdim=True) / 2, 1 - bad.alpha, atol=1e-5)
    assert (bad.clips >= clean - 1e-6).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_decides(kind: str) -> None:
    clean = clips(2)
    first, again, other = (obstructed(clean, [kind], seed) for seed in (3, 3, 4))
    assert torch.equal(first.clips, again.clips) and torch.equal(first.kinds, again.kinds)
    assert not torch.equal(first.kinds, other.kinds)
    assert not torch.equal(first.kinds[0], first.kinds[1])  # nor are two clips of a batch obstructed alike


def test_global_random_numbers_are_neither_used_nor_moved() -> None:
    clean, results = clips(), []
    for seed in (0, 1):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        results.append(obstructed(clean, list(KINDS)).clips)
        assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(*results)


@pytest.mark.parametrize("kind", KINDS)
def test_chunks_go_on_from_one_another(kind: str) -> None:
    clean = clips(frames=40)
    for seed in (0, 1):
        whole = obstructed(clean, [kind], seed)
        parts = [obstructed(clean[:, start : start + 8], [kind], seed, first=start) for start in range(0, 40, 8)]
        assert torch.allclose(torch.cat([part.clips for part in parts], 1), whole.clips, atol=1e-4)
        assert torch.allclose(torch.cat([part.alpha for part in parts], 1), whole.alpha, atol=1e-4)


def changes(kind: str, seed: int) -> Tensor:
    """Mean change of alpha from frame to frame: one number for each pair of 6 neighbours."""
    alpha = obstructed(torch.zeros(1, 6, 3, 48, 64), [kind], seed).alpha[0]
    return (alpha[1:] - alpha[:-1]).abs().mean((1, 2, 3))


def test_dirt_stays_and_leaves_sway() -> None:
    for seed in SEEDS:
        assert not changes("dirt", seed).any()
        assert (changes("leaves", seed) > 1e-4).all()


def test_flare_drifts_and_scratches_jump() -> None:
    """Between two frames little is left of a scratch, and most of a flare."""
    for kind, least, most in (("flare", 0, 0.3), ("scratches", 0.3, 4)):
        for seed in SEEDS:
            change = changes(kind, seed) / obstructed(torch.zeros(1, 6, 3, 48, 64), [kind], seed).alpha.mean()
            assert least < change.min() and change.max() < most


def test_the_clock_counts_seconds() -> None:
    clean = torch.zeros(1, 60, 3, 48, 160)
    texts = [obstructed(clean, ["text"], seed).clips[0] for seed in range(6)]
    ticks = [(clip[1:] != clip[:-1]).flatten(1).any(1).nonzero().flatten().tolist() for clip in texts]
    assert [24, 49] in ticks and all(found in ([], [24, 49]) for found in ticks)


def test_drops_show_the_scene_upside_down_and_smaller() -> None:
    """A pixel to the right within a drop shows what lies to the left in the scene, and so for a pixel down."""
    drops = draw_drops(frames=1, height=120, width=160, generator=torch.Generator().manual_seed(1))
    inside = drops.alpha[0, 0] == 1
    for axis, shift in ((1, drops.shift[0, 0]), (0, drops.shift[0, 1])):
        neighbours = (inside & inside.roll(-1, axis)).narrow(axis, 0, inside.shape[axis] - 1)
        step = 1 + shift.diff(dim=axis)[neighbours]  # px in the scene for a px in the drop
        assert (step < -2).float().mean() > 0.8


def rain(frames: int, seed: int, first: int = 0) -> Lens:
    return draw_rain(frames=frames, height=120, width=160, generator=torch.Generator().manual_seed(seed), first=first)


def test_rain_is_small_drops_by_the_hundred() -> None:
    counts = []
    for seed in range(8):
        count, _, stats, _ = cv2.connectedComponentsWithStats(
            (rain(1, seed).alpha[0, 0].numpy() > COVERED).astype(np.uint8)
        )
        counts.append(count - 1)
        assert np.median(stats[1:, cv2.CC_STAT_AREA]) < 0.003 * 120 * 160
    assert min(counts) > 25 and max(counts) > 100


def test_a_small_drop_shows_most_of_the_scene_upside_down() -> None:
    lens = rain(1, 1)
    rows = torch.arange(120.0).view(-1, 1) + lens.shift[0, 1]
    inside = lens.alpha[0, 0] == 1
    both = (inside & inside.roll(-1, 0))[:-1]
    assert (rows.diff(dim=0)[both] < -3).float().mean() > 0.8
    assert rows[inside].max() - rows[inside].min() > 80


def test_it_goes_on_raining() -> None:
    """What has fallen stays, but for what a drop that runs takes with it; now and then one falls."""
    grown, lost = [], []
    for seed in range(6):
        covered = rain(40, seed).alpha[:, 0] > COVERED
        grown.append((covered[-1] & ~covered[0]).float().mean().item())
        lost.append((covered[0] & ~covered[-1]).float().mean().item())
    assert min(grown) > 0 and np.mean(grown) > 3 * np.mean(lost)


def test_drops_that_run_leave_trails() -> None:
    heights = []
    for seed in range(12):
        alpha = rain(1, seed, first=30).alpha[0, 0].numpy() > COVERED
        heights.append(int(cv2.connectedComponentsWithStats(alpha.astype(np.uint8))[2][1:, cv2.CC_STAT_HEIGHT].max()))
    assert 3 <= sum(height > 60 for height in heights) <= 11


def test_some_drops_are_few_and_some_are_rain() -> None:
    clean = torch.zeros(1, 1, 3, 120, 160)
    counts = [
        cv2.connectedComponents((obstructed(clean, ["drops"], seed).alpha[0, 0, 0].numpy() > 0.5).astype(np.uint8))[0]
        for seed in range(20)
    ]
    assert sum(count < 20 for count in counts) >= 3 and sum(count > 40 for count in counts) >= 5


def test_kinds_share_what_is_hidden() -> None:
    clean = clips()
    bad = obstructed(clean, list(KINDS), 5)
    assert bad.kinds.shape == (1, 5, len(KINDS), 48, 64)
    assert torch.allclose(bad.kinds.sum(2, keepdim=True), bad.alpha, atol=1e-5)
    assert bad.kinds.flatten(3).amax((0, 1, 3)).gt(COVERED).all()
    assert (bad.alpha <= 1 + 1e-5).all()


def test_the_last_in_order_lies_on_top() -> None:
    met, text, box = [], KINDS.index("text"), KINDS.index("boxes")
    for seed in SEEDS:
        bad = obstructed(clips(), ["text", "boxes"], seed).kinds
        alone = obstructed(clips(), ["boxes"], seed).alpha[:, :, 0]  # boxes are drawn first, and so alike
        assert torch.allclose(bad[:, :, box], alone * (1 - bad[:, :, text]))
        met.append(((bad[:, :, text] > 0) & (alone > 0)).any())
    assert any(met)


def test_the_mask_is_where_little_of_the_scene_is_left() -> None:
    for seed in SEEDS:
        cover = obstructed(clips(), ["dirt", "boxes"], seed)
        assert torch.equal(cover.mask.bool(), cover.alpha >= COVERED)
        flare = obstructed(clips(), ["flare"], seed)
        assert torch.equal(flare.mask.bool(), flare.alpha >= 0.8)


def test_two_or_three_kinds_by_default() -> None:
    """All kinds come up, and hide between 2 % and half of most frames."""
    bad = obstructed(torch.zeros(24, 1, 3, 48, 64), None)
    present = bad.kinds.flatten(3).amax((1, 3)) > 0
    assert set(present.sum(1).tolist()) <= {2, 3} and present.any(0).all()
    hidden = bad.mask.mean((1, 2, 3, 4))
    assert ((hidden > 0.02) & (hidden < 0.5)).float().mean() > 0.9
    assert hidden.min() < 0.1 and hidden.max() > 0.3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(16, 16), (33, 17), (18, 90)])
def test_any_size(kind: str, size: tuple[int, int]) -> None:
    clean = clips(1, 1, *size)
    for seed in SEEDS:
        bad = obstructed(clean, [kind], seed)
        assert bad.clips.shape == clean.shape and bad.clips.isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_has_a_value_for_every_frame(kind: str) -> None:
    layer = DRAW[kind](frames=3, height=20, width=30, generator=torch.Generator())
    assert layer.alpha.shape == (3, 1, 20, 30)


def test_on_another_device() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    clean = clips()
    for kind in KINDS:
        there, here = obstructed(clean.cuda(), [kind]), obstructed(clean, [kind])
        assert there.clips.is_cuda and torch.allclose(there.clips.cpu(), here.clips, atol=1e-2)


def test_an_unknown_kind() -> None:
    with pytest.raises(ValueError, match="unknown obstruction leafs, expected some of leaves, boxes, dirt, drops"):
        obstructed(clips(), ["leafs"])
