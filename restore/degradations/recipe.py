"""What is wrong with a window, from nothing upwards: drawn first, then applied in the order of a camera.

The scene moves and the lens blurs, light is short, something hides the scene, the sensor has too few pixels and adds
noise, the recorder compresses, the player scales up. A network that learns from this has to leave alone what needs
nothing: a share of the windows is not degraded at all, every strength is drawn from 0, and one degradation alone is as
frequent as several.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from restore.degradations import noise
from restore.degradations.blur import defocus, motion_blur, out_of_focus
from restore.degradations.codec import compressed, draw_codec
from restore.degradations.low_light import dimmed, few_photons, lightened
from restore.degradations.low_resolution import enlarged, shrunk
from restore.kinds import ALONE
from restore.tensors import UNIT_LEVELS

UNTOUCHED_SHARE = 1 / 6  # of all windows
ALONE_SHARE = 0.5  # of the others: one degradation
SEED_SHARE = 0.32  # of the others: those of the pix2pix seed, a slight blur and noise of about 15 levels
DARK_SHARE, BLURRED_SHARE = 0.12, 0.2  # of the windows that all have noise
# How often each is drawn where it is alone, and how likely it is among several.
CHANCES = {
    "defocus": (0.20, 0.50),
    "motion_blur": (0.17, 0.20),
    "noise": (0.30, 0.75),
    "codec": (0.20, 0.40),
    "low_resolution": (0.06, 0.12),
    "low_light": (0.07, 0.12),
}
assert tuple(CHANCES) == ALONE
NOISES = {"white": 0.5, "shot": 0.25, "coarse": 0.13, "smoothed": 0.12}
# The greatest strengths. Blurs are in px of the picture that a network sees, noise in levels of 255.
DEFOCUS, MOTION, NOISE = 3.0, 11.0, 35.0
LIGHT = 0.02, 0.5  # least and greatest share of the light that is left, each octave as often
LIT_SHARE = 0.5  # of those in low light, that are given it again: what a network sees with `--light`
SHOT = 1.5e-5, 6e-4  # variance of a white pixel
LEAST_SCALE = 0.4  # least scale


@dataclass(frozen=True)
class Recipe:
    """How a window is degraded; the default is not at all.

    Attributes:
        defocus: sigma of a Gaussian, px.
        radius: of a disc, px.
        motion: length of the path at its longest, px; its `angle` in radians, `turn` a frame, and `bend`; `rhythm` is
            the angle by which the length's sine advances a frame, 0 for a constant length.
        light: the share that is left; shot: see `few_photons`; lit: whether the light is given again before all else is
            restored (`light/curve.py`).
        noise: sigma in levels of 255, of the kind `noise_kind` of `NOISES`; `amount` sets how it is: the share of shot
            noise, its reach in px, or how far it is smoothed.
        scale: of the sensor's picture.
        codec: encoder, quality and preset; None leaves it uncompressed.
    """

    defocus: float = 0.0
    radius: float = 0.0
    motion: float = 0.0
    angle: float = 0.0
    turn: float = 0.0
    bend: float = 0.0
    rhythm: float = 0.0
    light: float = 1.0
    shot: float = 0.0
    lit: bool = False
    noise: float = 0.0
    noise_kind: str = "white"
    amount: float = 0.0
    scale: float = 1.0
    codec: tuple[str, float, str] | None = None


@dataclass(frozen=True)
class Degraded:
    """A degraded clip `T 3 H W`, and what to make of it, `T 3 H W`: the clean clip, or where light is short the dark
    one without its noise, in the light that it is given; both in [-1, 1], the first on 8-bit levels.
    """

    clip: Tensor
    wanted: Tensor


def draw_recipe(*, generator: torch.Generator) -> Recipe:
    """What is wrong with one window.

    >>> generator = torch.Generator().manual_seed(0)
    >>> 10 < sum(draw_recipe(generator=generator) == Recipe() for _ in range(100)) < 25
    True
    """
    lot, count = torch.rand(2, generator=generator).tolist()
    if lot < UNTOUCHED_SHARE:
        return Recipe()
    if count < ALONE_SHARE:
        shares = torch.tensor([alone for alone, _ in CHANCES.values()])
        drawn = {list(CHANCES)[int(torch.multinomial(shares, 1, generator=generator))]}
    elif count < ALONE_SHARE + SEED_SHARE:
        return _like_the_seed(generator)
    else:
        lots = torch.rand(len(CHANCES), generator=generator).tolist()
        drawn = {kind for kind, own in zip(CHANCES, lots, strict=True) if own < CHANCES[kind][1]}
    return draw_strengths(drawn, generator=generator)


def draw_noisy(*, generator: torch.Generator) -> Recipe:
    """What is wrong with a window that has noise, with or without a blur: what removes noise learns from.

    >>> draw_noisy(generator=torch.Generator().manual_seed(0)).noise > 0
    True
    """
    dark, blurred = torch.rand(2, generator=generator).tolist()
    kinds = {"low_light" if dark < DARK_SHARE else "noise"} | ({"defocus"} if blurred < BLURRED_SHARE else set())
    return draw_strengths(kinds, generator=generator)


def draw_strengths(kinds: set[str], *, generator: torch.Generator) -> Recipe:
    """A recipe of some of `ALONE`, each as strong as is drawn."""

    def uniform(least: float = 0.0, most: float = 1.0) -> float:
        return least + (most - least) * float(torch.rand((), generator=generator))

    strengths: dict[str, object] = {}
    if "defocus" in kinds:
        sigma = DEFOCUS * uniform() ** 1.3
        strengths |= {"defocus": sigma} if uniform() < 0.75 else {"radius": 1.6 * sigma}
    if "motion_blur" in kinds:
        strengths |= {"motion": MOTION * uniform(), "angle": math.pi * uniform()}
        if uniform() < 0.4:
            strengths["bend"] = uniform(-0.4, 0.4)
        if uniform() < 0.5:
            strengths |= {"turn": uniform(-0.4, 0.4), "rhythm": uniform(0, 1.5)}
    if "low_light" in kinds:
        light, shot = (math.exp(uniform(math.log(least), math.log(most))) for least, most in (LIGHT, SHOT))
        strengths |= {"light": light, "shot": shot, "lit": uniform() < LIT_SHARE}
    if "noise" in kinds:
        kind = list(NOISES)[int(torch.multinomial(torch.tensor(list(NOISES.values())), 1, generator=generator))]
        # Weak noise is what most videos have: half are below a third of the greatest.
        strengths |= {"noise": NOISE * uniform() ** 1.8, "noise_kind": kind, "amount": uniform()}
    if "low_resolution" in kinds:
        strengths["scale"] = uniform(LEAST_SCALE, 1)
    if "codec" in kinds:
        strengths["codec"] = draw_codec(generator=generator)
    return Recipe(**strengths)  # type: ignore[arg-type]


def degraded(clip: Tensor, recipe: Recipe, *, generator: torch.Generator) -> Degraded:
    """Degrade one clean window that nothing hides.

    Args:
        clip: `T 3 H W` in [-1, 1].
        recipe: how.
        generator: a CPU generator; draws the noise.

    >>> clean = torch.zeros(2, 3, 16, 16)
    >>> degraded(clean, Recipe(noise=10.0), generator=torch.Generator()).clip.shape
    torch.Size([2, 3, 16, 16])
    """
    x = captured(through_lens(clip, recipe), recipe, generator=generator)
    return Degraded(x, wanted(clip, recipe))


def wanted(clip: Tensor, recipe: Recipe) -> Tensor:
    """What to make of a clip `T 3 H W` in [-1, 1] once it is degraded: the same shape."""
    dark = dimmed(clip, recipe.light)
    return lightened(dark, 1 / recipe.light) if recipe.lit else dark


def through_lens(clip: Tensor, recipe: Recipe) -> Tensor:
    """What of a scene `T 3 H W` in [-1, 1] comes through the lens: blurred, and with the light that there is.

    What hides the scene comes in next.
    """
    x = motion_blur(clip, *_paths(recipe, len(clip)), bend=recipe.bend)
    x = out_of_focus(defocus(x[None], torch.tensor([recipe.defocus]))[0], recipe.radius)
    return dimmed(x, recipe.light)


def captured(clip: Tensor, recipe: Recipe, *, generator: torch.Generator) -> Tensor:
    """What a sensor and a recorder make of a picture `T 3 H W` in [-1, 1]: the same size, on 8-bit levels.

    Args:
        generator: a CPU generator; draws the noise.
    """
    size = clip.shape[-2], clip.shape[-1]
    x = few_photons(shrunk(clip, recipe.scale), recipe.shot, generator=generator)
    x = _with_noise(x, recipe, generator)
    if recipe.codec is not None:
        encoder, quality, preset = recipe.codec
        x = compressed(x, encoder=encoder, quality=quality, preset=preset)
    x = _rounded(enlarged(x, size))
    return _rounded(lightened(x, 1 / recipe.light)) if recipe.lit else x


def _paths(recipe: Recipe, frames: int) -> tuple[Tensor, Tensor]:
    at = torch.arange(float(frames))
    lengths = recipe.motion * (0.5 + 0.5 * torch.cos(recipe.rhythm * at))
    return lengths, recipe.angle + recipe.turn * at


def _with_noise(clip: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    sigma, amount = recipe.noise, recipe.amount
    if recipe.noise_kind == "shot":
        shot, read = sigma * math.sqrt(amount), sigma * math.sqrt(1 - amount)
        return noise.shot_and_read(clip, shot, read, generator=generator)
    if recipe.noise_kind == "coarse":
        return noise.coarse(clip, sigma, reach=amount, coloured=amount < 0.6, generator=generator)
    if recipe.noise_kind == "smoothed":
        return noise.smoothed(clip, sigma, amount=amount, generator=generator)
    return noise.white(clip, sigma, generator=generator)


def _like_the_seed(generator: torch.Generator) -> Recipe:
    lots = torch.rand(4, generator=generator).tolist()
    blur = 1.4 if lots[0] < 0.6 else 1 + 0.8 * lots[1]
    return Recipe(defocus=blur, noise=15.0 if lots[2] < 0.6 else 5 + 20 * lots[3])


def _rounded(x: Tensor) -> Tensor:
    return ((x + 1) * UNIT_LEVELS).round().clamp(0, 255) / UNIT_LEVELS - 1
