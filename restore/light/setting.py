"""How much light a user asks for: `auto`, `off`, or a gain."""

import math
from typing import Literal

Setting = Literal["auto", "off"] | float


def light_setting(given: str | float) -> Setting:
    """`auto`, `off`, or the gain that is given, a factor of linear light.

    Raises:
        ValueError: it is none of these.

    >>> light_setting("auto"), light_setting("4"), light_setting(0.5)
    ('auto', 4.0, 0.5)
    >>> light_setting("bright")
    Traceback (most recent call last):
    ValueError: light is bright, expected auto, off, or a gain of more than 0; 4 makes four times the light
    """
    if given == "auto":
        return "auto"
    if given == "off":
        return "off"
    try:
        gain = float(given)
    except ValueError:
        gain = math.nan
    if not 0 < gain < math.inf:
        raise ValueError(
            f"light is {given}, expected auto, off, or a gain of more than 0; 4 makes four times the light"
        )
    return gain
