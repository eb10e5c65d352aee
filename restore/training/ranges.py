"""The range of every setting that is a number, and of those that depend on each other."""

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Range:
    """From `least` to `greatest`; open where the bound itself is excluded. No range holds what is not finite.

    >>> str(Range(0, 1)), str(Range(0, open=True)), str(Range(1)), str(Range(0, 1, below=True))
    ('0 to 1', 'more than 0', 'at least 1', '0 to less than 1')
    >>> 1 in Range(0, 1), 0 in Range(0, open=True), 1.0 in Range(0, 1, below=True), float("nan") in Range(0)
    (True, False, False, False)
    """

    least: float
    greatest: float = math.inf
    open: bool = False  # more than `least`
    below: bool = False  # less than `greatest`

    def __contains__(self, value: float) -> bool:
        above = value > self.least if self.open else value >= self.least
        return above and (value < self.greatest if self.below else value <= self.greatest) and math.isfinite(value)

    def __str__(self) -> str:
        if math.isinf(self.greatest):
            return f"more than {self.least}" if self.open else f"at least {self.least}"
        least = f"more than {self.least}" if self.open else str(self.least)
        return f"{least} to {'less than ' if self.below else ''}{self.greatest}"


COUNT, WEIGHT, SHARE = Range(1), Range(0), Range(0, 1)
RANGES = {
    # What all trainings share.
    "seed": Range(0, 2**32 - 1),  # what NumPy takes
    "epochs": COUNT,
    "batch_size": COUNT,
    "windows_per_video": COUNT,
    "window": COUNT,
    "frames_per_window": COUNT,
    "crop_height": Range(32, 4096),  # px: larger than a frame of 4K video, crops would only be enlarged
    "crop_width": Range(32, 4096),
    "validation_share": Range(0, 1, below=True),
    "validate_every": COUNT,
    "checkpoint_minutes": Range(0),
    "workers": Range(0),
    "learning_rate": Range(0, open=True),
    "ema_decay": Range(0, 1, below=True),
    "gradient_clip": Range(0, open=True),
    "gradient_accumulation": COUNT,
    # The generator's and the finder's.
    "reuse": COUNT,
    "memory": Range(0),
    "width": Range(8),  # what CPUs compute at once
    "l1_weight": WEIGHT,
    "l2_weight": WEIGHT,
    "level_weight": WEIGHT,
    "perceptual_weight": WEIGHT,
    "adversarial_weight": WEIGHT,
    "adversarial_start": SHARE,
    "obstructed_share": SHARE,
    "finder_steps": COUNT,
    "finder_batch": COUNT,
    # The autoencoder's.
    "downsampling": COUNT,
    "latent_channels": COUNT,
    "gradient_weight": WEIGHT,
    "moment_weight": WEIGHT,
    # The scaler's.
    "blocks": COUNT,
    "carried": COUNT,
    # The refiner's.
    "widths": Range(16),
    "coarse_share": SHARE,
    "known_share": SHARE,
    "snr_gamma": Range(0, open=True),
    "start": Range(0, 1, open=True),
    "discriminator_width": Range(8),
    "hidden_least": Range(0, 1, open=True),
    "hidden_most": Range(0, 1, open=True),
}


def check_ranges(settings: dict[str, Any]) -> None:
    """Every number of `settings`, alone or in a list, against its range.

    Raises:
        ValueError: one is outside, or none was given where a list is expected.

    >>> check_ranges({"learning_rate": -1.0})
    Traceback (most recent call last):
    ValueError: learning_rate is -1.0, expected more than 0
    """
    for name, value in settings.items():
        values = value if isinstance(value, list) else [value]
        if not values or (name in RANGES and any(one not in RANGES[name] for one in values)):
            raise ValueError(f"{name} is {value}, expected {RANGES[name]}")


def check_multiple(name: str, value: int, of: str, factor: int) -> None:
    """Raises ValueError where `value` is no multiple of the setting `of`."""
    if value % factor:
        raise ValueError(f"{name} is {value}, expected a multiple of {of} ({factor})")


def check_at_most(name: str, value: float, other: str, limit: float) -> None:
    """Raises ValueError where `value` exceeds the setting `other`."""
    if value > limit:
        raise ValueError(f"{name} is {value}, expected at most {other} ({limit})")
