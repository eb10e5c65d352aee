"""Learned perceptual distance (LPIPS, Zhang et al., 2018), AlexNet version 0.1; lower is better.

The `lpips` package carries the linear heads (6 kB) and downloads the backbone (233 MB) on first use, into torch's own
cache. So nothing is loaded before the score is asked for, and where the download fails the other scores go on.
"""

import contextlib
import functools
import socket
import sys
import warnings
from collections.abc import Callable, Iterator
from http.client import HTTPException

import numpy as np
import torch

from restore.tensors import to_float

SMALLEST = 32  # pixels; below, a layer of AlexNet has no output
TIMEOUT = 10.0  # seconds without an answer after which the download is given up


@functools.cache  # so that a failure is met, and reported, once
def load_lpips(device: str = "cpu") -> Callable[[np.ndarray, np.ndarray], float | None] | None:
    """The score as a function of two pictures uint8 `H W 3`, RGB in [0, 255]; None, with a warning, where it fails.

    The function gives None for pictures of fewer than 32 pixels on a side.
    """
    import lpips  # imports all of torchvision's models, which nothing else here needs

    try:
        with _quiet_download():
            network = lpips.LPIPS(net="alex", verbose=False).to(device)
    except (OSError, HTTPException, RuntimeError) as error:  # RuntimeError: torch's checksum of the download
        reason = str(error).splitlines()[0]
        warnings.warn(f"no LPIPS scores: AlexNet could not be downloaded for them: {reason}", stacklevel=2)
        return None

    @torch.inference_mode()
    def score(restored: np.ndarray, original: np.ndarray) -> float | None:
        if min(original.shape[:2]) < SMALLEST:
            return None
        a, b = (to_float(picture)[None].to(device) for picture in (restored, original))  # 1 C H W in [-1, 1]
        return float(network(a, b))

    return score


@contextlib.contextmanager
def _quiet_download() -> Iterator[None]:
    """A download that gives up soon, leaves stdout clean, and calls torchvision as `lpips` 0.1.4 still does."""
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):
            warnings.filterwarnings("ignore", message="The parameter 'pretrained' is deprecated")
            warnings.filterwarnings("ignore", message="Arguments other than a weight enum")
            yield
    finally:
        socket.setdefaulttimeout(timeout)
