"""Restored frames enlarged: the last stage before the writer. It reads frames in order, and one ahead.

frames ──> twice the size ──> [twice again] ──> the size that is asked for
           recurrent, from cut to cut
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain, tee
from typing import TypeVar

import cv2
import numpy as np
import torch
from torch import Tensor

from restore.models.scaler import SCALE, Scaler, enlarged
from restore.propagation.provenance import ENLARGED, SEEN
from restore.restored import Restored
from restore.scaling.flow import full_flow
from restore.tensors import to_float, to_uint8

T = TypeVar("T")
Picture = tuple[int | None, np.ndarray]  # its scene, and uint8 `H W 3`


def enlarged_frames(
    restored: Iterable[Restored], scaler: Scaler, *, size: tuple[int, int], to_device: Callable[[Tensor], Tensor]
) -> Generator[Restored, None, None]:
    """Enlarge a stream of frames, in order, one out for each in.

    Args:
        restored: consecutive frames of one video, all of one size, their scenes known.
        size: rows and columns of what comes out. A network doubles them, once or twice; what is left is resampled.
        to_device: brings a tensor to where the scaler is.

    Yields:
        Frames of which all is of that size: the picture; what is known of the frame, with the picture that was degraded
        enlarged bicubically; its provenance, in which what was seen is `ENLARGED`; its confidence.
    """
    restored = iter(restored)
    first = next(restored, None)
    if first is None:
        return
    frames, ahead = tee(chain([first], restored))
    pictures: Iterator[Picture] = ((one.frame.scene, one.image) for one in ahead)
    factor = max(wanted / side for wanted, side in zip(size, first.image.shape, strict=False))
    for _ in range(1 if factor <= SCALE else 2):
        pictures = doubled(pictures, scaler, to_device=to_device)
    for one, (_, image) in zip(frames, pictures, strict=True):
        yield _at_size(one, image, *size)


@torch.inference_mode()
def doubled(pictures: Iterable[Picture], scaler: Scaler, *, to_device: Callable[[Tensor], Tensor]) -> Iterator[Picture]:
    """Pictures at twice their size, each enlarged with what those before it and the next one saw. Nothing is carried
    from scene to scene.
    """
    last: Picture | None = None
    state: Tensor | None = None
    for now, following in _with_next(pictures):
        scene, image = now
        still = np.zeros((*image.shape[:2], 2), np.float32)
        goes_on = following is not None and following[0] == scene
        after, to_following = (
            (following[1], full_flow(image, following[1])) if goes_on and following else (image, still)
        )
        if last is None or last[0] != scene:
            state, to_previous = None, still
        else:
            to_previous = full_flow(image, last[1])
        small, next_small = (to_device(to_float(picture)[None]) for picture in (image, after))
        after_flow, before_flow = (
            to_device(torch.from_numpy(flow).movedim(-1, 0)[None]) for flow in (to_following, to_previous)
        )
        large, state = enlarged(scaler, small, next_small, after_flow, before_flow, state)
        yield scene, to_uint8(large)[0]  # waits for the device
        last = now


def _with_next(items: Iterable[T]) -> Iterator[tuple[T, T | None]]:
    """Each with the one after it.

    >>> list(_with_next("abc"))
    [('a', 'b'), ('b', 'c'), ('c', None)]
    """
    items = iter(items)
    now = next(items, None)
    while now is not None:
        following = next(items, None)
        yield now, following
        now = following


def _at_size(one: Restored, image: np.ndarray, height: int, width: int) -> Restored:
    """A frame with all that is known of it, at another size; `image` is the enlarged picture."""
    picture, plane = partial(_picture, height=height, width=width), partial(_plane, height=height, width=width)
    frame, carried = one.frame, one.frame.carried
    if carried is not None:
        carried = replace(carried, deep=_known(picture, carried.deep), alpha=_known(picture, carried.alpha))
    frame = replace(
        frame,
        image=picture(frame.image),
        dark=_known(picture, frame.dark),
        mask=_known(plane, frame.mask),
        probability=_known(plane, frame.probability),
        kinds=_known(plane, frame.kinds),
        proven=_known(plane, frame.proven),
        suspected=_known(plane, frame.suspected),
        motion=None,
        carried=carried,
    )
    codes = plane(one.provenance)
    codes = np.where(codes == SEEN, np.uint8(ENLARGED), codes)
    return replace(one, frame=frame, image=picture(image), provenance=codes, confidence=plane(one.confidence))


def _known(resize: Callable[[np.ndarray], np.ndarray], values: np.ndarray | None) -> np.ndarray | None:
    return None if values is None else resize(values)


def _picture(values: np.ndarray, height: int, width: int) -> np.ndarray:
    if values.shape[:2] == (height, width):
        return values
    smaller = values.shape[0] >= height and values.shape[1] >= width
    return cv2.resize(values, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)


def _plane(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """Codes and masks, which have nothing between them."""
    plain = values.view(np.uint8) if values.dtype == bool else values
    larger = cv2.resize(plain, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    return larger.view(bool) if values.dtype == bool else larger
