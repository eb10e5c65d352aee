"""How dark a picture is, and how it is tinted.

What is brightest in it is taken for white, as by Land and McCann (1971), and compared with that of well-lit clips. A
tint is what the highlights and the mean (Buchsbaum 1980) have in common.

The picture is cut into tiles. Of the brightest cell of each, a high quantile shows how bright the scene is, as
well-lit pictures have something near white in them. A lamp or a line of text is in few tiles: where these alone are
bright, a lower quantile decides.
"""

import numpy as np

from restore.light.curve import GAMMA
from restore.scenes import COLUMNS, DECIDABLE, ROWS, Thumbnail

TILES = 6, 8  # rows and columns
QUANTILES = 0.95, 0.7  # of the tiles: of the scene, and without the brightest things in it
# Both in linear light, of the strongest channel: medians of well-lit training clips, as `benchmarks.light` prints them.
WHITE, BRIGHT = 0.84, 0.65
WARY = 0.6  # of the gain that the lower quantile asks for: in well-lit scenes it varies more
LIT = 0.47  # mean linear light of the strongest channel that a gain brings a scene to at most: fog is grey, not dark
BLACK = 6  # level of the highlights; of a picture that is darker nothing can be said
MOST_GAIN = 64.0


def measured(x: Thumbnail) -> np.ndarray | None:
    """The logarithms of the gain that the picture needs, and of how much stronger or weaker than their mean R, G and B
    are: float64 `4`. None where too little is visible, or everything is black.

    >>> grey = Thumbnail(np.full((48, 64, 3), 81, np.uint8), np.ones((48, 64), bool))
    >>> np.exp(measured(grey)).round(2).tolist()
    [5.86, 1.0, 1.0, 1.0]
    """
    if x.visible.mean() < DECIDABLE:
        return None
    light = (x.picture / 255) ** GAMMA
    tiles = brightest(light, x.visible)
    highlights, bright = np.maximum(np.quantile(tiles.max(1), QUANTILES), 1e-6)
    if highlights < (BLACK / 255) ** GAMMA:
        return None
    needed = max(WHITE / highlights, WARY * BRIGHT / bright)
    needed = min(needed, LIT / light.max(-1)[x.visible].mean(), MOST_GAIN)
    return np.array([np.log(needed), *_tint(np.quantile(tiles, QUANTILES[0], axis=0), light[x.visible].mean(0))])


def _tint(white: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """What the highlights and the mean, both `3`, have in common of R, G and B against their mean, logarithms: `3`."""
    logarithms = np.log(np.maximum([white, mean], 1e-6))
    tints = logarithms - logarithms.mean(1, keepdims=True)
    common = np.where(tints[0] * tints[1] > 0, np.sign(tints[0]) * np.abs(tints).min(0), 0.0)
    return np.asarray(common - common.mean())


def brightest(light: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """The greatest of each channel among the visible cells of each tile in which there are any: `N 3`."""
    light = np.where(visible[..., None], light, -1.0)
    rows, columns = TILES
    tiles = light.reshape(rows, ROWS // rows, columns, COLUMNS // columns, 3).max((1, 3)).reshape(-1, 3)
    return tiles[tiles[:, 0] >= 0]
