"""Copy before generating: what the frames before and after saw of each pixel, and the picture that this makes.

A forward sweep remembers the past of each frame and a backward sweep its future (`memory.py`). Both sweep at every
pixel: at a hidden one the memory is the copy that fills it, at a seen one it is an average with less noise. Before a
fixed camera both lean on the background (`background.py`), which is kept for the whole video.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from restore.propagation.background import Background
from restore.propagation.channels import in_each_channel
from restore.propagation.exposure import exposure, relit
from restore.propagation.fill import fill_from_around
from restore.propagation.fixed_camera import carried_behind, stands
from restore.propagation.flow import Motion, motion, trackable
from restore.propagation.memory import UNKNOWN, Memory
from restore.propagation.object_motion import View

DOUBT = 0.2  # probability from which a pixel is treated as hidden
FLASH = 2.0  # levels of luma; an exposure that jumps by this much would be taken for motion


@dataclass(frozen=True)
class Tracked:
    """A frame with what is known of it before any other frame is asked.

    Attributes:
        image: uint8 `H W 3`, RGB in [0, 255].
        mask: float32 `H W` in [0, 1], the probability that the pixel is hidden.
        luma: uint8 `H/2 W/2`, see `flow.trackable`.
        motion: how it corresponds with the frame before it; None for the first frame.
    """

    image: np.ndarray
    mask: np.ndarray
    luma: np.ndarray
    motion: Motion | None

    @property
    def hidden(self) -> np.ndarray:
        """bool `H W`: what is treated as hidden, the benefit of the doubt going to hidden."""
        return self.mask > DOUBT

    @property
    def forgotten(self) -> np.ndarray:
        """bool `H W`: what no memory may take up. What hides the scene often shines one pixel beyond its mask, and what
        a memory has once taken up is copied into many frames.
        """
        return cv2.dilate(self.hidden.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)

    @property
    def view(self) -> View:
        """What memories may take up."""
        return View(self.image, self.forgotten)


def track(image: np.ndarray, mask: np.ndarray, previous: Tracked | None) -> Tracked:
    """Relate a frame (uint8 `H W 3`) and its mask (float32 `H W` in [0, 1]) to the frame before it."""
    hidden = mask > DOUBT
    luma = trackable(image)
    if previous is None:
        return Tracked(image, mask, luma, None)
    either = hidden | previous.hidden
    return Tracked(image, mask, luma, motion(luma, _as_bright(previous.luma, luma, either), either))


def remembered(background: Background, frame: Tracked) -> Background:
    """The background after `frame`, if the camera stands still; else as it was."""
    if frame.motion is not None and not stands(frame.motion.to_previous):
        return background
    return background.exposed(frame.image, frame.forgotten).voted(frame.image, frame.forgotten)


def sweep_forward(
    frames: Sequence[Tracked],
    memory: Memory | None,
    *,
    last: Tracked | None = None,
    background: Background | None = None,
) -> tuple[list[Memory], Memory]:
    """What the frames before each frame saw, aligned with it.

    Args:
        frames: consecutive frames.
        memory: what is remembered when they start: the second result of the sweep before, or None.
        last: the frame before them; needed with `memory` where there is a `background`.
        background: its age as from the last of the frames.

    Returns:
        One memory a frame, and the memory after the last frame, for the sweep that goes on from there.
    """
    memory = memory or Memory.empty(*frames[0].mask.shape)
    before = []
    for left, frame in zip(range(len(frames) - 1, -1, -1), frames, strict=True):
        if frame.motion is not None:
            past = background and background.ago(left)
            memory = _carried(memory, frame.motion.to_previous, frame.motion.trust, last, frame, past)
        before.append(memory)
        memory = memory.updated(frame.image, frame.forgotten)
        last = frame
    return before, memory


def sweep_backward(frames: Sequence[Tracked], count: int, *, background: Background | None = None) -> list[Memory]:
    """What the frames after each of the first `count` frames saw, aligned with it. One memory a frame."""
    memory = Memory.empty(*frames[0].mask.shape)
    after: list[Memory] = []
    for index in range(len(frames) - 1, -1, -1):
        if index < count:
            after.append(memory)
        memory = memory.updated(frames[index].image, frames[index].forgotten)
        step = frames[index].motion
        if step is not None and index > 0:
            past = background and background.ago(len(frames) - index)
            memory = _carried(memory, step.from_previous, step.trust_back, frames[index], frames[index - 1], past)
    return after[::-1]


def copied(frame: Tracked, before: Memory, after: Memory) -> np.ndarray:
    """bool `H W`: the hidden pixels that another frame saw, so that a memory can fill them."""
    return frame.hidden & ((before.count > UNKNOWN) | (after.count > UNKNOWN))


def fuse(frame: Tracked, before: Memory, after: Memory) -> np.ndarray:
    """The picture that the generator starts from, float32 `H W 3`, RGB in [0, 255].

    A seen pixel is averaged with its two memories, weighted by how many frames each stands for. A hidden pixel is the
    blend of its copies, nearest first; one that no frame saw is filled from around.
    """
    hidden = frame.hidden
    shares = [(~hidden).astype(np.float32)]
    for memory in (before, after):
        nearest_first = (memory.count > UNKNOWN) / np.square(np.maximum(memory.age, np.float32(1)))
        shares.append(np.where(hidden, nearest_first, memory.count))
    total = shares[0] + shares[1] + shares[2]
    found = ~hidden | copied(frame, before, after)
    scale = found / np.where(found, total, np.float32(1))
    base = np.zeros_like(before.colour)
    for picture, share in zip((frame.image, before.colour, after.colour), shares, strict=True):
        part = in_each_channel(share * scale, 3)
        part *= picture
        base += part
    return fill_from_around(np.minimum(base, 255), found)


def _carried(
    memory: Memory,
    flow: np.ndarray,
    trust: np.ndarray,
    last: Tracked | None,
    now: Tracked,
    background: Background | None,
) -> Memory:
    if background is None or last is None:
        return memory.carried(flow, trust).exposed(now.image, now.forgotten)
    return carried_behind(memory, flow, trust, last=last.view, now=now.view, background=background)


def _as_bright(previous: np.ndarray, now: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """`previous` at the exposure of `now` (both uint8 `H/2 W/2`) if that jumped; `hidden`: bool `H W`, in either."""
    seen = cv2.resize(hidden.astype(np.uint8), now.shape[::-1], interpolation=cv2.INTER_AREA) == 0
    if not seen.any() or abs(float(now[seen].mean()) - float(previous[seen].mean())) < FLASH:
        return previous
    old = previous.astype(np.float32)
    return np.clip(np.rint(relit(old, exposure(old, now, seen))), 0, 255).astype(np.uint8)
