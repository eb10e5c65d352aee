"""How dark a picture is, and how its highlights are tinted: what is brightest in it is taken for white, as by Land and
McCann (1971), and compared with that of well-lit clips.

The picture is cut into tiles. Of the brightest cell of each, a high quantile shows how bright the scene is, as
well-lit pictures have something near white in them. A lamp or a line of text is in few tiles: where these alone are
bright, a lower quantile decides.
"""

import numpy as np

from restore.light.curve import GAMMA
from restore.scenes import COLUMNS, DECIDABLE, ROWS, Thumbnail

TILES = 6, 8  # rows and columns
HIGHLIGHTS, MOST_TILES = 0.95, 0.7  # quantiles of the tiles
# In linear light, of well-lit clips, medians: these two quantiles of the tiles' brightest cells, in the strongest
# channel; `benchmarks.dark --fit` prints them.
WHITE, BRIGHT = 0.84, 0.65
WARY = 0.6  # of the gain that the lower quantile asks for: in well-lit scenes it varies more
LIT = 0.47  # mean linear light of the strongest channel that a gain brings a scene to at most: fog is grey, not dark
BLACK = 6  # level of the highlights; of a picture that is darker nothing can be said
MOST_GAIN = 64.0


def measured(x: Thumbnail) -> np.ndarray | None:
    """The logarithms of the gain that the picture needs, and of how much stronger or weaker than their mean its
    highlights are in R, G and B: float64 `4`. None where too little is visible, or everything is black.

    >>> grey = Thumbnail(np.full((48, 64, 3), 81, np.uint8), np.ones((48, 64), bool))
    >>> np.exp(measured(grey)).round(2).tolist()
    [5.86, 1.0, 1.0, 1.0]
    """
    if x.visible.mean() < DECIDABLE:
        return None
    light = np.where(x.visible[..., None], (x.picture / 255) ** GAMMA, np.nan)
    tiles = light.reshape(TILES[0], ROWS // TILES[0], TILES[1], COLUMNS // TILES[1], 3).swapaxes(1, 2)
    tiles = tiles.reshape(TILES[0] * TILES[1], -1, 3)
    tiles = np.nanmax(tiles[np.isfinite(tiles).any((1, 2))], 1)  # tiles 3
    strongest = tiles.max(1)
    highlights, most = np.quantile(strongest, (HIGHLIGHTS, MOST_TILES))
    if highlights < (BLACK / 255) ** GAMMA:
        return None
    needed = max(WHITE / highlights, WARY * BRIGHT / max(most, 1e-6))
    needed = min(needed, LIT / np.nanmean(light.max(-1)), MOST_GAIN)
    white = np.log(np.maximum(np.quantile(tiles, HIGHLIGHTS, axis=0), 1e-6))
    return np.array([np.log(needed), *(white - white.mean())])
