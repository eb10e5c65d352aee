from dataclasses import fields, replace

import pytest
import torch

from restore.degradations.recipe import (
    ALONE_SHARE,
    BLURRED_SHARE,
    CHANCES,
    DARK_SHARE,
    DEFOCUS,
    LIGHT,
    LIT_SHARE,
    MOTION,
    NOISE,
    NOISES,
    UNTOUCHED_SHARE,
    Recipe,
    captured,
    degraded,
    draw_noisy,
    draw_recipe,
    draw_strengths,
    through_lens,
)
from restore.tensors import to_float, to_uint8
from tests.propagation.footage import texture

NOTHING = Recipe()


def clip(frames: int = 3, height: int = 40, width: int = 56) -> torch.Tensor:
    big = texture(height, width + frames, 2)
    return torch.cat([to_float(big[None, :, t : t + width]) for t in range(frames)])


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def kinds_of(recipe: Recipe) -> set[str]:
    given = {
        "defocus": recipe.defocus or recipe.radius,
        "motion_blur": recipe.motion,
        "noise": recipe.noise,
        "codec": recipe.codec,
        "low_resolution": recipe.scale < 1,
        "low_light": recipe.light < 1,
    }
    return {kind for kind, there in given.items() if there}


def test_windows_that_removing_noise_is_learned_from_have_noise_and_at_most_a_blur_besides() -> None:
    generator = seeded()
    drawn = [kinds_of(draw_noisy(generator=generator)) for _ in range(400)]
    assert all(
        len(kinds & {"noise", "low_light"}) == 1 and kinds <= {"noise", "low_light", "defocus"} for kinds in drawn
    )
    for kind, share in (("low_light", DARK_SHARE), ("defocus", BLURRED_SHARE)):
        assert sum(kind in kinds for kinds in drawn) / 400 == pytest.approx(share, abs=0.05)


def test_nothing_in_nothing_out() -> None:
    clean = clip()
    result = degraded(clean, NOTHING, generator=seeded())
    assert torch.equal(result.clip, clean) and torch.equal(result.wanted, clean)


@pytest.mark.parametrize("kind", CHANCES)
def test_each_kind_degrades_and_the_seed_decides(kind: str) -> None:
    clean, changed = clip(), 0
    for seed in range(4):
        recipe = draw_strengths({kind}, generator=seeded(seed))
        assert kinds_of(recipe) == {kind}
        once, again = (degraded(clean, recipe, generator=seeded(5)) for _ in range(2))
        assert torch.equal(once.clip, again.clip)
        assert once.clip.shape == clean.shape and once.clip.abs().max() <= 1
        assert torch.allclose(to_float(to_uint8(once.clip)), once.clip, atol=1e-6)
        assert torch.equal(once.wanted, clean) == (kind != "low_light")
        changed += not torch.equal(once.clip, clean)
    assert changed >= 3  # a strength drawn close to 0 changes nothing


@pytest.mark.parametrize("kind", NOISES)
def test_each_kind_of_noise_takes_its_strength(kind: str) -> None:
    clean = torch.zeros(4, 3, 40, 56)
    weak, strong = (
        degraded(clean, Recipe(noise=sigma, noise_kind=kind, amount=0.5), generator=seeded()).clip for sigma in (2, 20)
    )
    assert 0 < weak.std() < 0.3 * strong.std()


def test_the_lens_blurs_and_the_sensor_adds_noise() -> None:
    """What hides the scene comes in between: it is noisy but not blurred."""
    clean = clip()
    recipe = Recipe(defocus=3.0, noise=10.0)
    blurred = through_lens(clean, recipe)
    assert torch.equal(blurred, through_lens(clean, replace(recipe, noise=0.0))) and not torch.equal(blurred, clean)
    flat = torch.zeros_like(clean)
    assert (captured(flat, recipe, generator=seeded()) * 127.5).std().item() == pytest.approx(10, rel=0.1)
    assert torch.equal(captured(clean, replace(recipe, noise=0.0), generator=seeded()), clean)
    composed = captured(through_lens(clean, recipe), recipe, generator=seeded())
    assert torch.equal(composed, degraded(clean, recipe, generator=seeded()).clip)


def test_every_strength_starts_at_nothing_and_one_is_as_frequent_as_several() -> None:
    generator = seeded(1)
    recipes = [draw_recipe(generator=generator) for _ in range(1500)]
    counts = [len(kinds_of(recipe)) for recipe in recipes]
    share = [sum(count == wanted for count in counts) / len(counts) for wanted in (0, 1)]
    several = sum(count > 1 for count in counts) / len(counts)
    assert share[0] == pytest.approx(UNTOUCHED_SHARE, abs=0.05)
    assert share[1] == pytest.approx((1 - UNTOUCHED_SHARE) * ALONE_SHARE, abs=0.1) and several == pytest.approx(
        share[1], abs=0.15
    )
    for kind in CHANCES:
        assert sum(kinds_of(recipe) == {kind} for recipe in recipes) > 20
    for name, most in (("defocus", DEFOCUS), ("motion", MOTION), ("noise", NOISE)):
        drawn = [value for recipe in recipes if (value := getattr(recipe, name))]
        assert min(drawn) < 0.1 * most < 0.8 * most < max(drawn) <= most


def test_the_default_changes_nothing_in_any_field() -> None:
    clean = clip(2)
    strong = Recipe(2.0, 2.0, 5.0, light=0.3, shot=1e-3, noise=20, scale=0.5, codec=("libx264", 35.0, "medium"))
    for field in fields(Recipe):
        value = getattr(strong, field.name)
        alone = replace(NOTHING, **{field.name: value})
        changed = not torch.equal(degraded(clean, alone, generator=seeded()).clip, clean)
        assert changed == (value != getattr(NOTHING, field.name)), field.name


def test_low_light_reaches_from_a_half_to_a_fiftieth_and_half_of_it_is_lit_again() -> None:
    generator = seeded(2)
    recipes = [draw_strengths({"low_light"}, generator=generator) for _ in range(300)]
    shares = [recipe.light for recipe in recipes]
    assert min(shares) == pytest.approx(LIGHT[0], rel=0.1) and max(shares) == pytest.approx(LIGHT[1], rel=0.1)
    assert sum(share < 0.1 for share in shares) == pytest.approx(150, abs=25)  # each octave as often
    assert sum(recipe.lit for recipe in recipes) == pytest.approx(300 * LIT_SHARE, abs=30)


def test_what_is_lit_again_is_as_bright_as_the_clean_clip_and_noisier_than_in_the_dark() -> None:
    clean = clip()
    in_the_dark = degraded(clean, Recipe(light=0.1, shot=2e-4), generator=seeded())
    lit = degraded(clean, Recipe(light=0.1, shot=2e-4, lit=True), generator=seeded())
    assert in_the_dark.wanted.mean() < lit.wanted.mean() - 0.3 and (lit.wanted - clean).abs().mean() < 0.05
    noise, more = (float((result.clip - result.wanted).std()) for result in (in_the_dark, lit))
    assert more > 1.8 * noise
    assert torch.allclose(to_float(to_uint8(lit.clip)), lit.clip, atol=1e-6)
