"""The space that pictures are restored in: 8 bits with a gamma, as the models' training videos have.

Code values of PQ (SMPTE ST 2084) are far from that: half of them belong to what is brighter than a page of white paper,
and shadows are lifted. They go through a tone curve, and what the restoration changes goes back through its inverse, in
floating point; pixels that it does not change come out with the codes that they had. HLG (ARIB STD-B67) is made to look
right where it is taken for SDR; its code values are restored as they are.

The curve, from luminance in units of diffuse white E to [0, 1], is that of Reinhard et al. (2002), eq. 4, then a gamma:
(E (1 + E / E_most^2) / (1 + E))^(1 / 2.4). Diffuse white comes out at 0.75, the most that PQ has, 10000 cd/m2, at 1.
"""

from functools import cache

import numpy as np

from restore.video.depth import STEP, WHITE, restored_at_depth, shallow

PQ = 16  # of H.273
M1, M2 = 2610 / 16384, 2523 / 32  # SMPTE ST 2084
C1, C2, C3 = 3424 / 4096, 2413 / 128, 2392 / 128
MOST, DIFFUSE_WHITE = 10_000, 203  # cd/m2; ITU-R BT.2408
GAMMA = 2.4


class WorkingSpace:
    """Between pictures with 16 bits, in code values of a transfer characteristic (H.273), and what the models see."""

    def __init__(self, transfer: int) -> None:
        self._is_pq = transfer == PQ

    @property
    def is_video(self) -> bool:
        """Whether it is the video's own space."""
        return not self._is_pq

    def to_models(self, deep: np.ndarray) -> np.ndarray:
        """uint16 => uint8 of the same shape."""
        return shallow(_from_pq()[deep]) if self._is_pq else shallow(deep)

    def to_video(self, image: np.ndarray, deep: np.ndarray | None = None) -> np.ndarray:
        """uint8 => uint16 of the same shape.

        Args:
            deep: what the picture was before it was restored; only what has changed is changed in it.

        >>> space, deep = WorkingSpace(PQ), np.array([0, 9, 30000, 65535], np.uint16)
        >>> space.to_video(space.to_models(deep), deep).tolist()
        [0, 9, 30000, 65535]
        """
        if not self._is_pq:
            return image.astype(np.uint16) * STEP if deep is None else restored_at_depth(deep, image)
        if deep is None:
            return _to_pq()[image.astype(np.uint16) * STEP]
        working = _from_pq()[deep]
        restored = restored_at_depth(working, image)
        return np.where(restored == working, deep, _to_pq()[restored])


@cache
def _from_pq() -> np.ndarray:
    """Code of PQ => level in the working space, both in 16 bits."""
    root = np.linspace(0, 1, WHITE + 1) ** (1 / M2)
    luminance = (np.maximum(root - C1, 0) / (C2 - C3 * root)) ** (1 / M1) * MOST / DIFFUSE_WHITE
    most = MOST / DIFFUSE_WHITE
    toned = luminance * (1 + luminance / most**2) / (1 + luminance)
    return (WHITE * toned ** (1 / GAMMA)).round().astype(np.uint16)


@cache
def _to_pq() -> np.ndarray:
    """The inverse."""
    levels = (np.arange(WHITE + 1) / WHITE) ** GAMMA
    most = MOST / DIFFUSE_WHITE
    # E^2 / most^2 + (1 - y) E - y = 0, in the form that does not cancel.
    b = 1 - levels
    luminance = 2 * levels / (b + np.sqrt(b**2 + 4 * levels / most**2))
    power = (luminance * DIFFUSE_WHITE / MOST) ** M1
    return (WHITE * ((C1 + C2 * power) / (1 + C3 * power)) ** M2).round().astype(np.uint16)
