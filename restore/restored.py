"""One frame of the result, with the record that it was restored from."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from restore.frame import Frame


@dataclass(frozen=True)
class Restored:
    """One frame of the result.

    Attributes:
        frame: what it was restored from: the degraded picture, its time, its mask, its motion.
        image: uint8 `H W 3`, RGB in [0, 255].
        provenance: uint8 `H W`, where each pixel comes from: the codes of `propagation/provenance.py`.
        confidence: uint8 `H W`, how likely each pixel is right (`propagation/confidence.py`).
        estimate: of a generator that estimates, of the visible pixels: the noise in levels, how likely a blur is, and
            what share of the correction is made (`models/generator.py`), or of a deconvolution; else None.
        uncertainty: uint8 `H W`, of what was regenerated from several seeds, how far their results are apart: the
            standard deviation in levels, mean of the channels; 0 elsewhere. None where nothing was.
        odds: float32 `N`, of its hidden pixels, in the order of rows: the log odds that each is right, as far as they
            do not depend on what it is restored to; None once they are in the confidence, or where that is not asked.
    """

    frame: Frame
    image: np.ndarray
    provenance: np.ndarray
    confidence: np.ndarray
    estimate: tuple[float, float, float] | None = None
    uncertainty: np.ndarray | None = None
    odds: np.ndarray | None = None

    @property
    def mask(self) -> np.ndarray:
        """bool `H W`: what was restored as hidden."""
        return self.frame.hidden


def certain(frame: Frame) -> np.ndarray:
    """The confidence of a frame that nothing was done to."""
    return np.full(frame.size, 255, np.uint8)


def weakened(restored: Iterable[Restored], strength: float) -> Iterator[Restored]:
    """Visible pixels between those of the degraded frame and those restored: `frame + strength (restored - frame)`.

    Args:
        strength: in [0, 1]; 1 is the identity, 0 returns visible pixels bit for bit. Hidden pixels remain as restored.

    >>> mask = np.array([[0, 1]], np.float32)
    >>> frame = Frame(np.full((1, 2, 3), 100, np.uint8), mask=mask)
    >>> one = Restored(frame, np.full((1, 2, 3), 110, np.uint8), mask, mask)
    >>> [next(weakened([one], strength)).image[0, :, 0].tolist() for strength in (0, 0.5, 1)]
    [[100, 110], [105, 110], [110, 110]]
    """
    for one in restored:
        if strength < 1:
            degraded = one.frame.image.astype(np.float32)
            blended = np.rint(degraded + np.float32(strength) * (one.image - degraded)).astype(np.uint8)
            one = replace(one, image=np.where(one.mask[..., None], one.image, blended))
        yield one
