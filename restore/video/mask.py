"""What a frame of a mask video means."""

import numpy as np

HIDDEN = 128  # levels from here up are hidden; lossy codecs blur the two apart


def hidden_pixels(image: np.ndarray) -> np.ndarray:
    """A frame of a mask video, uint8 RGB `H W 3` => bool `H W`, True where the picture is hidden: from mid-grey up."""
    # Green stands for grey: in a grey picture all three are equal, and in a tinted one it weighs most.
    return np.asarray(image[..., 1] >= HIDDEN)
