"""One frame of the result, with the record that it was restored from."""

from dataclasses import dataclass

import numpy as np

from restore.frame import Frame


@dataclass(frozen=True)
class Restored:
    """One frame of the result.

    Attributes:
        frame: what it was restored from: the degraded picture, its time, its mask, its motion.
        image: uint8 `H W 3`, RGB in [0, 255].
        provenance: uint8 `H W`, where each pixel comes from: the codes of `propagation/provenance.py`.
        confidence: uint8 `H W`, how certain each pixel is: 255 in view, 0 seen in no frame
            (`propagation/confidence.py`).
    """

    frame: Frame
    image: np.ndarray
    provenance: np.ndarray
    confidence: np.ndarray

    @property
    def mask(self) -> np.ndarray:
        """bool `H W`: what was restored as hidden."""
        return self.frame.hidden
