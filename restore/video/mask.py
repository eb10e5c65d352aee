"""What a frame of a mask means: white is hidden, black is kept."""

import numpy as np

HIDDEN = 128  # levels from here up are hidden; lossy codecs blur the two apart
DARK, BRIGHT = 64, 192  # what lies between is grey; lossy codecs leave less than GREY of it, along edges
GREY = 0.02


def hidden_pixels(image: np.ndarray) -> np.ndarray:
    """A frame of a mask, uint8 RGB `H W 3` => bool `H W`, True where the picture is hidden: from mid-grey up."""
    return np.asarray(levels(image) >= HIDDEN)


def levels(image: np.ndarray) -> np.ndarray:
    """How bright a mask is, uint8 `H W`."""
    return image[..., 1]  # green stands for grey: in a grey picture all are equal, and in a tinted one it weighs most


class MaskCheck:
    """Looks at the frames of a mask as they pass, for what may not be meant: `warnings` says it."""

    def __init__(self) -> None:
        self._darkest, self._brightest = 255, 0
        self._frames, self._grey = 0, 0.0

    def hidden_pixels(self, image: np.ndarray) -> np.ndarray:
        """As `hidden_pixels`; the frame is looked at."""
        grey = levels(image)
        self._darkest = min(self._darkest, int(grey.min()))
        self._brightest = max(self._brightest, int(grey.max()))
        self._grey += float((grey - np.uint8(DARK) < BRIGHT - DARK).mean())  # wraps round: one comparison for two
        self._frames += 1
        return hidden_pixels(image)

    def warnings(self) -> list[str]:
        """What may not be meant, a line each."""
        if not self._frames:
            return []
        rule = f"a pixel is hidden from level {HIDDEN} of 255 on"
        lines = []
        if self._brightest < HIDDEN:
            lines.append(f"the mask hides nothing in any frame: its brightest level is {self._brightest}, and {rule}")
        if self._darkest >= HIDDEN:
            lines.append(f"the mask hides everything in all frames: its darkest level is {self._darkest}, and {rule}")
        if self._grey > GREY * self._frames:
            lines.append(f"{self._grey / self._frames:.1%} of the mask is neither black nor white, but grey; {rule}")
        return lines
