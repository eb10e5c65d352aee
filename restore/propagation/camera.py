"""How the picture moves as a whole, as when the camera turns: the affine motion that most of what is visible agrees on.

Points on a grid are tracked down a pyramid (Lucas and Kanade 1981), and those that agree are found by RANSAC (Fischler
and Bolles 1981). A scene with depth has no such motion; one that takes most of it away serves as well, since what is
left is found by the dense flow.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from restore.arrays import dilate, warp_affine

# Pixels here are of the luma: what is compared around a point, and its errors, have one size at every resolution.
POINTS = 300  # on the grid, whatever the size of the picture
WINDOW = 15  # px, the side of what is compared around a point
SMOOTHING = 1.25  # px, deviation of the Gaussian before points are tracked
PRECISE = cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 15, 0.02  # steps, px
LEVELS = 3  # of the pyramid above the luma itself
# Points within a distance (px) of a motion agree on it, and a share of all points must. Either most agree exactly, or,
# where the scene has depth, some roughly. The rough one alone would be bent by what moves by itself.
AGREEMENTS = (0.25, 0.5), (1.0, 0.25)
LEAST_EXTENT = 1 / 20  # of the sides, the points' standard deviation: a motion is not extrapolated from a sliver
FEWEST_POINTS = 12  # must agree: of fewer any three that err make a motion
SPREAD = 3.0  # medians of the residual, beyond which a point moves by itself
PRECISION = 0.05  # px that Lucas and Kanade's points err by at least
UNCERTAIN = 0.25  # px, a point's standard error; on a flat wall noise alone makes such points move, many of them alike
MOST_NOISE = 3.0  # levels of the smoothed luma, mean absolute difference; of pictures with a sigma of 50
# A motion is real if it displaces the points by more than the error of an affine fit to noise would, whose mean square
# is 6 / N of a point's per axis (6 parameters, N points); and by more than codecs make of a static picture. Points
# whose windows overlap err alike: N is how many windows fit into the picture.
SIGNIFICANCE = 5.0
LEAST_MOTION = 0.03  # px, root mean square over the points

IDENTITY = np.eye(2, 3, dtype=np.float32)


@dataclass(frozen=True)
class Camera:
    """How the camera moved between two frames.

    Attributes:
        matrix: float32 `2 3`; a pixel of this luma lies at `matrix @ (x, y, 1)` in the previous one. `IDENTITY` where
            the camera is static, or no motion is agreed on.
        static: whether it is static; also where too little is visible to tell.
    """

    matrix: np.ndarray
    static: bool

    @property
    def unknown(self) -> bool:
        """Whether it moves, or seems to, in no way that is agreed on."""
        return self.matrix is IDENTITY and not self.static


STATIC, NO_AGREEMENT = Camera(IDENTITY, True), Camera(IDENTITY, False)


def camera_motion(now: np.ndarray, previous: np.ndarray, hidden: np.ndarray) -> Camera:
    """The motion between two lumas, uint8 `h w`, judged by what is not `hidden`, bool `h w`, in either.

    >>> big = cv2.resize(np.random.default_rng(0).integers(0, 255, (12, 16), np.uint8), (160, 120))
    >>> camera_motion(big[:96, 5:133], big[:96, :128], np.zeros((96, 128), bool)).matrix.round().astype(int).tolist()
    [[1, 0, 5], [0, 1, 0]]
    """
    height, width = now.shape
    step = max(1, round((height * width / POINTS) ** 0.5))
    grid = np.mgrid[step // 2 : height : step, step // 2 : width : step].reshape(2, -1)
    if hidden.any():
        grid = grid[:, ~dilate(hidden, WINDOW // 2)[tuple(grid)]]
    here = grid.T[:, None, ::-1].astype(np.float32)  # N 1 2, (x, y)
    if len(here) < FEWEST_POINTS:
        return STATIC
    # Linear interpolation pulls fractions of a pixel towards a half, by 7 %; between smoother pictures by 2 %.
    now, previous = (cv2.GaussianBlur(luma, (0, 0), SMOOTHING) for luma in (now, previous))
    there, found, differs = cv2.calcOpticalFlowPyrLK(  # type: ignore[call-overload]  # 1.5 ms, the pyramids included
        now, previous, here, None, winSize=(WINDOW, WINDOW), maxLevel=LEVELS, criteria=PRECISE
    )
    # Squared standard error: noise^2 / (gradient^2 N), of N pixels that smoothing leaves independent. The gradient is
    # that of the least eigenvalue, which OpenCV doubles and divides by 255; the noise 1.25 times the mean absolute
    # difference. Where more than noise differs, RANSAC decides.
    gradient = cv2.cornerMinEigenVal(now, WINDOW)[tuple(grid)] * (255 / 2) ** 2
    pixels = WINDOW**2 / (4 * np.pi * SMOOTHING**2)
    tracked = np.flatnonzero(found)
    noise = 1.25 * np.minimum(differs.ravel()[tracked], MOST_NOISE)
    tracked = tracked[np.square(noise) <= UNCERTAIN**2 * pixels * gradient[tracked]]
    here, there = here[tracked, 0].astype(np.float64), there[tracked, 0].astype(np.float64)
    if len(here) < FEWEST_POINTS or (here.std(0) < LEAST_EXTENT * np.array([width, height])).any():
        return STATIC
    for distance, share in AGREEMENTS:
        matrix, agreed = cv2.estimateAffine2D(here, there, ransacReprojThreshold=distance)
        if matrix is not None and agreed.sum() >= max(FEWEST_POINTS, share * len(here)):
            break
    else:
        return NO_AGREEMENT
    homogeneous = np.concatenate([here, np.ones((len(here), 1))], 1)
    for _ in range(2):  # what moves slowly by itself is within RANSAC's distance, and would bend the fit
        residual = np.linalg.norm(homogeneous @ matrix.T - there, axis=1)
        inlier = residual <= max(PRECISION, SPREAD * float(np.median(residual[agreed.ravel() > 0])))
        if inlier.sum() < FEWEST_POINTS:
            return NO_AGREEMENT
        ours = homogeneous[inlier]
        matrix = np.linalg.solve(ours.T @ ours, ours.T @ there[inlier]).T  # least squares, by the normal equations
    residual = homogeneous[inlier] @ matrix.T - there[inlier]
    motion = homogeneous[inlier] @ matrix.T - here[inlier]
    independent = len(residual) * min(1, (step / WINDOW) ** 2)
    error = 6 / independent * np.square(residual).mean()  # expected mean square per axis of a fit to noise
    power = np.square(motion).sum(1).mean()
    if power < max(LEAST_MOTION**2, SIGNIFICANCE * error):
        return STATIC
    return Camera(matrix.astype(np.float32), False)


def follow_camera(picture: np.ndarray, camera: Camera) -> np.ndarray:
    """`picture` (`h w` or `h w C`) sampled where the camera's matrix points."""
    return picture if camera.matrix is IDENTITY else warp_affine(picture, camera.matrix)
