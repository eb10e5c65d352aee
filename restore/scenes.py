"""Where a scene ends: one decision per frame, by content and structure, from the pixels that are visible.

Two thumbnails are compared after their exposure is matched: their histograms of colour and of chroma (content), their
correlation along the motion between them, and the share of cells whose motion is forward-backward consistent
and leads to a cell of the same colour (structure). A logistic regression weighs these four. It was fitted on pairs of
frames of different clips, which are cuts, and on consecutive frames, which are none: bare, in grey, brighter and
darker, behind boxes, blurred and noisy. `python -m benchmarks.scenes` prints what it misses.

Motion is estimated only where the thumbnails differ without it; that is one frame in a thousand.
"""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from restore.frame import Frame

# Cells of a thumbnail. All lengths here are in cells, and so are shares of the picture.
ROWS, COLUMNS = 48, 64
SAMPLES = 4  # pixels per cell and direction that are averaged, at least; the others of a large frame are skipped
DECIDABLE = 0.05  # share of the cells that two frames must both have visible; with fewer there is no decision
BAR = 28  # luma; borders that are darker in both frames are letterbox bars
BURNT, FLASH = 250, 0.9  # luma of a burnt-out cell; share of them above which a frame is a flash
LARGEST_GAIN = 3.0  # of an exposure change
GRAIN = 4.0  # levels^2, added to variances, so that the noise of flat pictures is not structure
ALIKE = 20.0  # levels in each channel by which cells of the same surface differ at most
CONSISTENT = 1.0  # cells by which forward-backward misses at most
COLOURED = 3.0  # levels, standard deviation of halved chroma without noise; below it there is none to compare
SAME_SHARE, SAME_CORRELATION = 0.95, 0.95  # of cells alike in place, of all: no two scenes agree as well
OBVIOUS = -4.0  # log-odds without motion below which the decision is clear and motion is not estimated

# Log-odds of a cut: a constant, then a weight for each similarity in [0, 1] (the correlation in [-1, 1]).
# Constant, colour, chroma, correlation, consistent share.
COLOUR_WEIGHTS = np.array([23.4, -13.2, -9.6, -9.2, -10.3])
# Constant, luma, (no chroma,) correlation, consistent share: of footage without colour.
GREY_WEIGHTS = np.array([32.1, -28.0, 0.0, -12.1, -7.7])


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """A frame at `ROWS` x `COLUMNS` cells.

    Attributes:
        picture: uint8 `48 64 3`, RGB in [0, 255]; each cell is the mean of its visible pixels.
        visible: bool `48 64`, whether at least half of the cell's pixels are visible.
    """

    picture: np.ndarray
    visible: np.ndarray

    @cached_property
    def luma(self) -> np.ndarray:
        """uint8 `48 64`."""
        return cv2.cvtColor(self.picture, cv2.COLOR_RGB2GRAY)

    @cached_property
    def chroma(self) -> np.ndarray:
        """uint8 `48 64 2`: half of R - G and of B - G, in [0, 255]; grey lies amid a bin of 24."""
        return cv2.transform(self.picture, _CHROMA)

    @cached_property
    def comparable(self) -> bool:
        """Whether enough is visible, and is not burnt out by a flash."""
        if self.visible.mean() < DECIDABLE:
            return False
        return bool((self.luma[self.visible] >= BURNT).mean() < FLASH)


class SceneDetector:
    """Numbers the scenes of a video.

    It holds one thumbnail, 12 kB: of the last frame that could be compared. A frame that is hidden almost wholly, or
    burnt out by a flash, stays in its scene, and the next is compared with the one before it.

    >>> from restore.frame import Frame
    >>> bars = np.tile(np.repeat(np.uint8([0, 90, 200, 40]), 16), (48, 1))[..., None].repeat(3, 2)
    >>> detector = SceneDetector()
    >>> [detector.push(Frame(image)) for image in (bars, bars, bars.transpose(1, 0, 2), 255 - bars)]
    [0, 0, 1, 2]
    """

    def __init__(self) -> None:
        self._scene = 0
        self._last: Thumbnail | None = None

    def push(self, frame: Frame) -> int:
        """Set and return `frame.scene`: 0 for the first frame, one more at each cut. `frame.comparable` is set, too.

        Args:
            frame: the next frame of the video. If its mask is set, hidden pixels are excluded.
        """
        now = thumbnail(frame)
        frame.comparable &= now.comparable
        if now.comparable:
            if self._last is not None:
                self._scene += is_cut(now, self._last)
            self._last = now
        frame.scene = self._scene
        return self._scene


def with_scenes(frames: Iterable[Frame]) -> Generator[Frame, None, None]:
    """The frames of a video, each with its scene set, by what its mask leaves visible."""
    scenes = SceneDetector()
    for frame in frames:
        scenes.push(frame)
        yield frame


def thumbnail(frame: Frame) -> Thumbnail:
    """The thumbnail of a frame of any size, without its hidden pixels if its mask is set."""
    height, width = frame.size
    step = max(1, min(height // (SAMPLES * ROWS), width // (SAMPLES * COLUMNS)))
    image = frame.image[::step, ::step]
    if frame.mask is None or not frame.has_hidden:
        return Thumbnail(_cells(image), np.ones((ROWS, COLUMNS), bool))
    visible = np.where(frame.hidden[::step, ::step], np.uint8(0), np.uint8(255))
    share = _cells(visible)
    total = _cells(cv2.bitwise_and(image, image, mask=visible))
    picture = total * (255 / np.maximum(share, 1).astype(np.float32))[..., None]
    return Thumbnail(np.minimum(picture, 255).astype(np.uint8), share >= 128)


def is_cut(now: Frame | Thumbnail, previous: Frame | Thumbnail) -> bool:
    """Whether two frames belong to different scenes; False if too little is visible in both to decide.

    >>> from restore.frame import Frame
    >>> bars = np.tile(np.repeat(np.uint8([0, 90, 200, 40]), 16), (48, 1))[..., None].repeat(3, 2)
    >>> is_cut(Frame(bars), Frame(bars // 2)), is_cut(Frame(bars), Frame(bars.transpose(1, 0, 2)))
    (False, True)
    """
    now, previous = (thumbnail(x) if isinstance(x, Frame) else x for x in (now, previous))
    return log_odds(now, previous) > 0


def log_odds(now: Thumbnail, previous: Thumbnail) -> float:
    """Log-odds that a cut lies between two frames; minus infinity if too little is visible in both to decide."""
    visible = now.visible & previous.visible
    visible &= ~_bars(np.maximum(now.luma, previous.luma), visible)
    cells = int(np.count_nonzero(visible))
    if not (now.comparable and previous.comparable and cells >= DECIDABLE * visible.size):
        return -np.inf
    if _same(now.picture, previous.picture, visible, cells):
        return -np.inf
    mask = visible.view(np.uint8)
    matched = _match_exposure(now, previous, mask)

    # Content. An exposure change that saturates is matched only roughly: the better of both counts.
    in_colour = _has_chroma(now, previous, mask)
    weights = COLOUR_WEIGHTS if in_colour else GREY_WEIGHTS
    histograms = (_colours, _chromas) if in_colour else (_lumas, _chromas)
    pairs = (now, previous), matched
    content = [max(_overlap(*(of(x, mask) for x in pair)) for pair in pairs) / cells for of in histograms]

    # Structure.
    pictures = matched[0].picture, matched[1].picture
    alike = np.count_nonzero(_alike(*pictures) & visible) / cells
    odds = float(weights @ [1, *content, _correlation(*pictures, visible), alike])
    if odds < OBVIOUS:
        return odds
    return float(weights @ [1, *content, *_structure(*matched, visible)])


def _same(now: np.ndarray, previous: np.ndarray, visible: np.ndarray, cells: int) -> bool:
    """Whether the thumbnails agree so well, in place and without any matching, that nothing else need be compared."""
    if np.count_nonzero(_alike(now, previous) & visible) < SAME_SHARE * cells:
        return False
    return _correlation(now, previous, visible) > SAME_CORRELATION


def _match_exposure(now: Thumbnail, previous: Thumbnail, mask: np.ndarray) -> tuple[Thumbnail, Thumbnail]:
    """Both as with the longer exposure of the two: the darker is multiplied, and saturates as a sensor does."""
    means = _mean(now.luma, mask), _mean(previous.luma, mask)
    if means[0] > means[1]:
        previous, now = _match_exposure(previous, now, mask)
        return now, previous
    gain = 1.0
    for _ in range(4):  # a fixed point: what saturates makes the mean grow less than the gain
        gain = min(LARGEST_GAIN, gain * means[1] / _mean(cv2.convertScaleAbs(now.luma, alpha=gain), mask))
    return Thumbnail(cv2.convertScaleAbs(now.picture, alpha=gain), now.visible), previous


def _mean(luma: np.ndarray, mask: np.ndarray) -> float:
    return cv2.mean(luma, mask)[0] + 1  # of black the gain would be infinite


def _structure(now: Thumbnail, previous: Thumbnail, visible: np.ndarray) -> np.ndarray:
    """Correlation along the motion and the share that is consistent, the mean of both directions."""
    # Flat where either is hidden: there DIS has nothing to match.
    mask = visible.view(np.uint8)
    lumas = [np.where(visible, x.luma, np.uint8(cv2.mean(x.luma, mask)[0])) for x in (now, previous)]
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    dis.setFinestScale(0)  # each cell counts
    dis.setPatchStride(4)
    dis.setVariationalRefinementIterations(0)  # it takes half of the time and decides nothing here
    backward, forward = (dis.calc(*pair, None) for pair in (lumas, lumas[::-1]))  # type: ignore[call-overload]
    return np.mean(
        [
            _along(now.picture, previous.picture, backward, forward, visible),
            _along(previous.picture, now.picture, forward, backward, visible),
        ],
        axis=0,
    )


def _along(
    source: np.ndarray, target: np.ndarray, flow: np.ndarray, opposite: np.ndarray, visible: np.ndarray
) -> tuple[float, float]:
    """Correlation of `source` with `target` where `flow` leads, and the share of cells that are alike and consistent;
    of those that lead to a visible cell.
    """
    there = _GRID + flow
    reached = _sample(visible.view(np.uint8) * np.uint8(255), there, cv2.BORDER_CONSTANT)
    cells = visible & (reached > 127)
    if not cells.any():
        return 0.0, 0.0
    found = _sample(target, there, cv2.BORDER_REPLICATE)
    miss = flow + _sample(opposite, there, cv2.BORDER_REPLICATE)
    consistent = np.square(miss[..., 0]) + np.square(miss[..., 1]) < CONSISTENT**2
    share = np.count_nonzero(cells & consistent & _alike(source, found)) / np.count_nonzero(cells)
    return _correlation(source, found, cells), share


def _sample(picture: np.ndarray, there: np.ndarray, border: int) -> np.ndarray:
    # Both coordinates are in the first map; OpenCV's stubs do not know that the second may be None.
    return cv2.remap(picture, there, None, cv2.INTER_LINEAR, borderMode=border)  # type: ignore[call-overload]


def _alike(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """bool `48 64`."""
    return cv2.inRange(cv2.absdiff(a, b), (0, 0, 0), (ALIKE, ALIKE, ALIKE)) > 0


def _correlation(a: np.ndarray, b: np.ndarray, visible: np.ndarray) -> float:
    """Of two pictures, all channels as one signal."""
    a, b = (x[visible].astype(np.float32).ravel() for x in (a, b))
    a, b = a - a.mean(), b - b.mean()
    grain = GRAIN * a.size
    return float((a @ b + grain) / np.sqrt((a @ a + grain) * (b @ b + grain)))


def _bars(luma: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """bool `48 64`: letterbox and pillarbox bars, which any two scenes of a video may share."""
    bright = (luma >= BAR) & visible
    rows, columns = np.flatnonzero(bright.any(1)), np.flatnonzero(bright.any(0))
    bars = np.zeros_like(bright)
    if len(rows):
        bars[: rows[0]] = bars[rows[-1] + 1 :] = True
        bars[:, : columns[0]] = bars[:, columns[-1] + 1 :] = True
    return bars


def _has_chroma(now: Thumbnail, previous: Thumbnail, mask: np.ndarray) -> bool:
    """Whether colour varies within or between both: neither a tint counts, nor noise, which the blur averages out."""
    of_both = np.vstack([cv2.blur(x.chroma, (5, 5)) for x in (now, previous)])
    return float(cv2.meanStdDev(of_both, mask=np.vstack([mask, mask]))[1].max()) >= COLOURED


def _colours(x: Thumbnail, mask: np.ndarray) -> np.ndarray:
    return cv2.calcHist([x.picture], [0, 1, 2], mask, [8, 8, 8], [0, 256] * 3)


def _chromas(x: Thumbnail, mask: np.ndarray) -> np.ndarray:
    return cv2.calcHist([x.chroma], [0, 1], mask, [24, 24], [0, 256] * 2)


def _lumas(x: Thumbnail, mask: np.ndarray) -> np.ndarray:
    return cv2.calcHist([x.luma], [0], mask, [32], [0, 256])


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Cells that are in both of two histograms."""
    return cv2.compareHist(a, b, cv2.HISTCMP_INTERSECT)


def _cells(image: np.ndarray) -> np.ndarray:
    return cv2.resize(image, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA)


# R - G and B - G, halved; 122.5 would lie amid bin 11 of 24 (levels 117.3 to 128).
_CHROMA = np.array([[0.5, -0.5, 0, 122.5], [0, -0.5, 0.5, 122.5]], np.float32)
_GRID = np.dstack(np.meshgrid(np.arange(COLUMNS), np.arange(ROWS))).astype(np.float32)  # (x, y) of each cell
