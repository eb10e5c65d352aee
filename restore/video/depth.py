"""More than 8 bits: the restoration, which has 8, is added to the input at the input's own depth.

What the restorer leaves as it is comes out with all its bits, without bands; what it changes is changed by whole levels
of 8 bits. Pictures of PQ go the same way, behind a tone curve (`working_space.py`).
"""

import numpy as np
from av import VideoFrame

STEP = 257  # levels of 16 bits a level of 8
WHITE = 65535
DEEP = 16  # bits that are worked in; floating point formats have 32, and are read as 8


def bits_of(frame: VideoFrame) -> int:
    """Bits of a colour, or 8 for formats that are no integers of at most 16 bits.

    >>> bits_of(VideoFrame(2, 2, "yuv420p10le")), bits_of(VideoFrame(2, 2, "bgr0"))
    (10, 8)
    """
    bits = max(component.bits for component in frame.format.components if not component.is_alpha)
    return bits if bits <= DEEP else 8


def shallow(deep: np.ndarray) -> np.ndarray:
    """uint16 => uint8, rounded to the nearest.

    >>> shallow(np.array([0, 128, 129, 65535], np.uint16)).tolist()
    [0, 0, 1, 255]
    """
    return ((deep.astype(np.uint32) + STEP // 2) // STEP).astype(np.uint8)


def restored_at_depth(deep: np.ndarray, restored: np.ndarray) -> np.ndarray:
    """The input, uint16 `H W 3`, changed as its 8 bits were: `restored`, uint8 `H W 3` => uint16 `H W 3`.

    >>> deep = np.array([0, 100, 40000, 65535], np.uint16)
    >>> restored_at_depth(deep, shallow(deep)).tolist(), restored_at_depth(deep, np.full(4, 10, np.uint8)).tolist()
    ([0, 100, 40000, 65535], [2570, 2670, 2478, 2570])
    """
    change = restored.astype(np.int32) - shallow(deep)
    return (deep + STEP * change).clip(0, WHITE).astype(np.uint16)
