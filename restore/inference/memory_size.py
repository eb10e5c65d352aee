"""Amounts of memory as people write them."""

import re

UNITS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}  # powers of two


def memory_size(text: str) -> int:
    """Bytes.

    Raises:
        ValueError: that is no amount of memory.

    >>> memory_size("3G"), memory_size("800M"), memory_size("1.5g"), memory_size("65536")
    (3221225472, 838860800, 1610612736, 65536)
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)B?", text.strip().upper())
    if not match or not float(match[1]):
        raise ValueError(f"max_memory is {text}, expected more than 0: bytes, or with K, M, G or T, such as 3G")
    return int(float(match[1]) * 2 ** UNITS[match[2]])


def in_words(size: int) -> str:
    """Rounded up, so that it is enough.

    >>> in_words(3 << 30), in_words((3 << 30) + 1), in_words(800_000_000)
    ('3.0G', '3.1G', '763M')
    """
    return f"{-(-10 * size // 2**30) / 10}G" if size >= 1 << 30 else f"{-(-size // 2**20)}M"
