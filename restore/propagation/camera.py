"""How the picture moves as a whole, as when the camera turns: the one affine motion that most of it agrees on.

Points on a grid are followed down a pyramid (Lucas and Kanade 1981), and those that agree are found by RANSAC (Fischler
and Bolles 1981). A scene with depth has no such motion; one that takes most of it away serves as well, since what is
left is found by the dense flow.
"""

import cv2
import numpy as np

POINTS = 300  # on the grid, whatever the size of the picture
WINDOW = 15  # px; side of what is compared around a point
AGREED = 1.0  # px; points within this of a motion agree with it
SHARE = 0.25  # of the points must agree; less is no motion of the whole
FEWEST = 12  # points that must agree; of fewer any three that err make a motion
STILL = 0.5  # px; less at every corner of the picture is noise

STANDING = np.eye(2, 3, dtype=np.float32)  # the motion of a camera that stands still


def camera_motion(now: np.ndarray, previous: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Where each pixel of this frame lies in the previous one: `there = camera @ (x, y, 1)`, float32 `2 3`.

    Args:
        now, previous: uint8 `H W`.
        hidden: bool `H W`, hidden in either frame.

    Returns:
        The motion; exactly `STANDING` where there is none, or none that enough points agree on.

    >>> big = cv2.resize(np.random.default_rng(0).integers(0, 255, (12, 16), np.uint8), (160, 120))
    >>> camera_motion(big[:96, 5:133], big[:96, :128], np.zeros((96, 128), bool)).round().astype(int).tolist()
    [[1, 0, 5], [0, 1, 0]]
    """
    height, width = now.shape
    near = cv2.dilate(hidden.astype(np.uint8), np.ones((WINDOW, WINDOW), np.uint8))
    step = max(1, round((height * width / POINTS) ** 0.5))
    grid = np.mgrid[step // 2 : height : step, step // 2 : width : step].reshape(2, -1)
    here = grid.T[near[tuple(grid)] == 0][:, None, ::-1].astype(np.float32)  # N 1 2, (x, y)
    least = max(FEWEST, SHARE * len(here))
    if len(here) < least:
        return STANDING
    there, found, _ = cv2.calcOpticalFlowPyrLK(now, previous, here, None, winSize=(WINDOW, WINDOW))  # type: ignore[call-overload]
    found = found.ravel() > 0
    if found.sum() < least:
        return STANDING
    camera, agreeing = cv2.estimateAffine2D(here[found], there[found], ransacReprojThreshold=AGREED)
    if camera is None or agreeing.sum() < least:
        return STANDING
    agreed = agreeing.ravel() > 0
    here, there = (points[found][agreed, 0] for points in (here, there))
    moving, standing = (
        np.median(np.linalg.norm(guess - there, axis=1)) for guess in (cv2.transform(here[None], camera)[0], here)
    )
    if moving >= standing:  # a motion made of noise: that the camera stands still explains the same points better
        return STANDING
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]])
    if np.abs(corners @ (camera - STANDING).T).max() < STILL:
        return STANDING
    return np.asarray(camera, np.float32)


def follow_camera(picture: np.ndarray, camera: np.ndarray) -> np.ndarray:
    """Sample `picture` (`H W` or `H W C`, up to 4 channels) where `camera` points; outside, the nearest pixel."""
    if camera is STANDING:
        return picture
    height, width = picture.shape[:2]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(picture, camera, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
