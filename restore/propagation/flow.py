"""Motion between neighbouring frames, good enough to copy pixels along: OpenCV's DIS (Kroeger et al. 2016).

Obstructions do not move with the scene, so a flow vector that starts or ends in a hidden pixel says nothing about it;
such vectors are replaced by a smooth completion of those around them. The camera's motion is taken out before and put
back after (`camera.py`), so that only what moves besides is completed.

Flow is computed and kept at half resolution: that averages noise out before DIS takes it for motion, finds longer
motions, and costs less (`benchmarks/README.md`).
"""

from dataclasses import dataclass

import cv2
import numpy as np

from restore.arrays import choose, dilate, grid, pool, sample, stacked, upsample
from restore.frame import Frame
from restore.propagation.camera import IDENTITY, Camera, camera_motion, follow_camera
from restore.propagation.exposure import exposure, relit
from restore.propagation.fill import fill_from_around

STILL = 0.3  # px at any resolution, as noise is: before a static camera shorter vectors are zero, and resample nothing
STILL_IN_HOLES = 0.05  # px of the luma, besides the camera's motion; more would hold objects that move slowly
TOLERANCE = 5.7 / 240  # of the height: how far there-and-back may miss before a vector is doubted
SMALLEST = 16  # px; on a smaller luma no patch of DIS, which has one size, fits
FLASH = 2.0  # levels of luma; an exposure that jumps by this much would be taken for motion


@dataclass(frozen=True)
class Flow:
    """Where the pixels of one frame lie in another; 3 bytes a pixel of the picture.

    Attributes:
        vectors: float32 `h w 2`, at half resolution, (x, y) in pixels of the full one.
        consistency: float32 `h w` in [0, 1], how well going there and back ends where it started; 0 out of the picture.
        zero: whether all vectors are.
    """

    vectors: np.ndarray
    consistency: np.ndarray
    zero: bool

    def at(self, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Vectors `H W 2` and consistency `H W` at full resolution. 0.4 ms at 320x240."""
        return upsample(self.vectors, height, width), upsample(self.consistency, height, width)


@dataclass(frozen=True)
class Motion:
    """How a frame and the one before it correspond.

    Attributes:
        backward: where each pixel of this frame lies in the previous one.
        forward: where each pixel of the previous frame lies in this one.
        camera: how the camera moved, on lumas.
    """

    backward: Flow
    forward: Flow
    camera: Camera

    @property
    def static(self) -> bool:
        """Whether the camera is static."""
        return self.camera.static


def estimate(frame: Frame, previous: Frame) -> Motion:
    """The motion between two neighbouring frames of one scene, both with masks. 11 ms at 320x240, of which DIS 5."""
    hidden = frame.hidden | previous.hidden if frame.has_hidden or previous.has_hidden else None
    return motion(frame.luma, _at_exposure(frame, previous), hidden, *frame.size)


def motion(now: np.ndarray, previous: np.ndarray, hidden: np.ndarray | None, height: int, width: int) -> Motion:
    """The motion between two lumas, uint8 `h w`, of pictures of `height` and `width`.

    Args:
        hidden: bool `height width`, hidden in either; None if nothing is.
    """
    rows, columns = now.shape
    hidden = (
        np.zeros(now.shape, bool) if hidden is None else dilate(pool(hidden.astype(np.float32), rows, columns) > 0, 1)
    )
    # The camera is taken out first: what is then filled alike in both is at rest, as the scene around it is.
    camera = camera_motion(now, previous, hidden)
    previous = follow_camera(previous, camera)
    if camera.matrix is not IDENTITY:
        hidden = hidden | (follow_camera(hidden.astype(np.float32), camera) > 0)
    if hidden.any():
        both = stacked(now, previous).astype(np.float32)
        now, previous = (np.clip(x, 0, 255).astype(np.uint8) for x in cv2.split(fill_from_around(both, ~hidden)))
    if min(rows, columns) < SMALLEST:
        nowhere = Flow(np.zeros((rows, columns, 2), np.float32), np.zeros((rows, columns), np.float32), True)
        return Motion(nowhere, nowhere, camera)
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    dis.setVariationalRefinementIterations(0)  # a third of the time, for 0.02 dB of visible pixels; hidden ones gain
    backward, forward = dis.calc(now, previous, None), dis.calc(previous, now, None)  # type: ignore[call-overload]
    if hidden.any():
        reached = dilate(hidden, 1)  # a patch of DIS reaches this far
        flows = cv2.split(fill_from_around(stacked(backward, forward), ~reached))
        backward, forward = stacked(*flows[:2]), stacked(*flows[2:])
        if not camera.unknown:  # what moves with the camera around a hole moves with it inside
            backward, forward = (choose(reached, _at_rest(flow, STILL_IN_HOLES), flow) for flow in (backward, forward))
    backward, forward = _with_camera(backward, forward, camera)
    scale = np.array([width / columns, height / rows], np.float32)
    backward, forward = (
        _at_rest(flow * scale, STILL) if camera.static else flow * scale for flow in (backward, forward)
    )
    return Motion(
        Flow(backward, _consistency(backward, forward, scale), not backward.any()),
        Flow(forward, _consistency(forward, backward, scale), not forward.any()),
        camera,
    )


def _at_exposure(frame: Frame, previous: Frame) -> np.ndarray:
    """The previous luma, at the exposure of this frame if that jumped."""
    visible = frame.visible_cells & previous.visible_cells
    old, new = (cells[visible].mean(-1) for cells in (previous.cells, frame.cells))
    if not len(old) or abs(float(new.mean()) - float(old.mean())) < FLASH:
        return previous.luma
    light = exposure(old[:, None], new[:, None])
    return np.clip(np.rint(relit(previous.luma.astype(np.float32), light)), 0, 255).astype(np.uint8)


def _with_camera(backward: np.ndarray, forward: np.ndarray, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Flows between a frame and the previous one as this camera would have seen it => between the two as they are."""
    if camera.matrix is IDENTITY:
        return backward, forward
    here = grid(*backward.shape[:2])
    inverse = Camera(cv2.invertAffineTransform(camera.matrix).astype(np.float32), False)
    backward = cv2.transform(here + backward, camera.matrix) - here
    forward = follow_camera(forward, inverse) + cv2.transform(here, inverse.matrix) - here
    return backward, forward


def _at_rest(flow: np.ndarray, least: float) -> np.ndarray:
    """A flow, with zero for vectors shorter than `least` in x and y."""
    x, y = cv2.split(flow)
    moving = (cv2.max(np.abs(x), np.abs(y)) >= least).astype(np.float32)
    return stacked(x * moving, y * moving)


def _consistency(flow: np.ndarray, inverse: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Forward-backward consistency (Sundaram et al. 2010), as a soft weight; 0 out of the picture."""
    height, width = flow.shape[:2]
    there = grid(height, width) + flow / scale
    inside = cv2.inRange(there, (-0.5, -0.5), (width - 0.5, height - 0.5)).view(bool)
    x, y, _, _ = cv2.split(sample(stacked(inverse, inverse), there))  # four channels are faster than two
    u, v = cv2.split(flow)
    miss = np.square(u + x) + np.square(v + y)
    tolerance = TOLERANCE * height * float(scale[1])  # px of the full resolution, as `flow`
    return cv2.exp(miss * np.float32(-1 / tolerance**2)) * (inside > 0)
