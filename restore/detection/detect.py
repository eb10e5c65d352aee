"""Detection of what hides the scene: two networks over a stream of frames, their logits filtered in time and fused.

frames ──> finder ──> scenes ───────> segmenter ──> temporal median ──> traces ──> fusion ──> proof ──> frames
           boxes      by the pixels   within each   persistent kinds    of boxes   kinds      mask
                      in view         scene
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, groupby
from typing import TypeVar

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from restore.detection.finder_in_strips import logits_in_strips
from restore.detection.fuse import HIGH_SHARE, agreed_boxes, fuse, strongest, suppress_traces, temporal_median
from restore.detection.keyframes import Stretch, between_keyframes
from restore.detection.proof import prove
from restore.detection.proofs import NEAR, SUDDEN
from restore.frame import Frame
from restore.kinds import KINDS, REMOVED
from restore.memory_plan import WHOLE, MemoryPlan
from restore.models.finder import OcclusionFinder
from restore.models.segmenter import Segmenter, new_stack, one_by_one
from restore.scenes import SceneDetector
from restore.tensors import frames_at_once, interleave, to_float
from restore.video.windows import windows

SEGMENTER_FRAMES = 4  # from a key frame to the next; with the next on both sides the segmenter measures change
SEGMENTER_CONTEXT = 3
# px, as the networks know no shares: the segmenter has learned obstructions of the size that they have at this height.
SEGMENTER_SIDE = 240

T = TypeVar("T")


@dataclass(eq=False)
class _Detection:
    """One frame on its way through detection; it lives as long as the segmenter's window holds it.

    Attributes:
        frame: the record that detection yields.
        pixels: float32 `1 3 h w` in [-1, 1] on the networks' device, at the segmenter's resolution; 12 bytes a pixel.
        finder, segmenter: float32 `H W`, logits; set by the networks' stages.
        scene: its number, by what the finder leaves visible; the restorer decides it anew by the final mask.
        kinds: uint8 `H W`, the segmenter's indices into `KINDS`.
        boxes: bool `H W`, where both networks see a box; None if nowhere.
    """

    frame: Frame
    pixels: Tensor
    scene: int = field(init=False)
    finder: np.ndarray = field(init=False)
    segmenter: np.ndarray = field(init=False)
    kinds: np.ndarray = field(init=False)
    boxes: np.ndarray | None = field(init=False)


def detect(
    frames: Iterable[Frame],
    finder: OcclusionFinder,
    *,
    to_device: Callable[[Tensor], Tensor],
    segmenter: Segmenter | None = None,
    remove: Collection[str] = REMOVED,
    suspects: bool = False,
    plan: MemoryPlan = WHOLE,
) -> Iterator[Frame]:
    """Detect what is hidden in `frames`, consecutive ones of one video.

    Args:
        finder: detects grey boxes.
        to_device: moves pictures `1 3 H W` to the networks.
        segmenter: detects all of `KINDS`; without one the kinds stay unknown.
        remove, suspects: see `prove`.
        plan: how much is in memory at once.

    Yields:
        The same records in order, with `mask`, `probability`, `kinds`, `proven`, `suspected` and `scene`. About twenty
        frames are read ahead.
    """
    if plan.rows is None:
        found = _find_boxes(frames, finder, to_device)
    else:
        found = _find_in_strips(frames, finder, to_device, plan.rows)
    detections = _waiting(_number_scenes(found, final=segmenter is None), plan)
    if segmenter is None:
        detected = (detection.frame for detection in detections)
    else:
        detected = (_fuse(*three) for three in _with_neighbours(_segment(detections, segmenter, plan)))
    yield from prove(map(plan.put, detected), remove=remove, suspects=suspects)


def detect_clip(
    images: np.ndarray,
    finder: OcclusionFinder,
    *,
    to_device: Callable[[Tensor], Tensor],
    segmenter: Segmenter | None = None,
) -> list[Frame]:
    """`detect` for a clip held in memory, uint8 `T H W 3`, suspects too: what hides the scene and is not masked would
    teach a generator to paint over scenes.
    """
    return list(
        detect(map(Frame, images), finder, to_device=to_device, segmenter=segmenter, remove=KINDS, suspects=True)
    )


@torch.inference_mode()
def _find_boxes(
    frames: Iterable[Frame], finder: OcclusionFinder, to_device: Callable[[Tensor], Tensor]
) -> Iterator[_Detection]:
    """Run the finder over each frame and its neighbours. Its probability is the frame's preliminary mask."""
    triples = _with_neighbours(_placed(frames, to_device))
    first = next(triples, None)
    if first is None:
        return
    _, (detection, pixels), _ = first
    count = frames_at_once(*detection.frame.size)
    # Of all batches: fresh memory, 75 MB a frame at 1080p, costs more than writing it.
    buffer = pixels.new_empty(count, *pixels.shape[2:], 9)
    for window in windows(chain([first], triples), count):
        inputs = buffer[: len(window.core)]
        for triple, out in zip(window.core, inputs.split(1), strict=True):
            interleave([pixels for _, pixels in triple], out)
        logits = finder(inputs.movedim(-1, 1))[:, 0].float()
        detections = [detection for _, (detection, _), _ in window.core]
        for detection, own, probability in zip(detections, _numpy(logits), _numpy(logits.sigmoid()), strict=True):
            detection.finder = own
            detection.frame.mask = detection.frame.probability = probability
            yield detection


@torch.inference_mode()
def _find_in_strips(
    frames: Iterable[Frame], finder: OcclusionFinder, to_device: Callable[[Tensor], Tensor], rows: int
) -> Iterator[_Detection]:
    """The same, where no picture is whole in the finder; each in a batch of its own."""
    placed = (_Detection(frame, _reduced(_pixels(frame, to_device), frame)) for frame in frames)
    for previous, detection, following in _with_neighbours(placed):
        images = [other.frame.image for other in (previous, detection, following)]
        logits = logits_in_strips(finder, images, to_device, rows=rows)
        detection.finder = _numpy(logits)
        detection.frame.mask = detection.frame.probability = _numpy(logits.sigmoid())
        yield detection


def _placed(frames: Iterable[Frame], to_device: Callable[[Tensor], Tensor]) -> Iterator[tuple[_Detection, Tensor]]:
    """Each frame's pixels, float32 `1 3 H W` in [-1, 1] on the device: the only conversion, for both networks."""
    for frame in frames:
        pixels = _pixels(frame, to_device)
        yield _Detection(frame, _reduced(pixels, frame)), pixels


def _pixels(frame: Frame, to_device: Callable[[Tensor], Tensor]) -> Tensor:
    return to_device(to_float(frame.image[None].copy()))


def _reduced(pixels: Tensor, frame: Frame) -> Tensor:
    """At the segmenter's resolution."""
    reduction = _reduction(frame)
    return F.avg_pool2d(pixels, reduction, ceil_mode=True) if reduction > 1 else pixels


def _number_scenes(detections: Iterable[_Detection], *, final: bool) -> Iterator[_Detection]:
    """Decide the scene of each frame from the pixels that the finder leaves in view. `final`: whether its probability
    is that of the frame, too.
    """
    scenes = SceneDetector()
    for detection in detections:
        # A copy: the mask is preliminary, and what is derived from it must not stay cached.
        frame, preliminary = detection.frame, copy(detection.frame)
        detection.scene = frame.scene = scenes.push(preliminary)
        frame.comparable = preliminary.comparable
        frame.mask = None  # 4 bytes a pixel that wait for their proof
        if not final:
            frame.probability = None
        yield detection


def _waiting(detections: Iterable[_Detection], plan: MemoryPlan) -> Iterator[_Detection]:
    """The same, whose pictures and logits are not used until others behind them have been looked at."""
    for detection in detections:
        yield plan.put(detection)
        plan.rest()


def _segment(detections: Iterable[_Detection], segmenter: Segmenter, plan: MemoryPlan) -> Iterator[_Detection]:
    """Run the segmenter over key frames, and over those between that need it."""
    for detection in between_keyframes(_stretches(detections, segmenter, plan)):
        detection.boxes = agreed_boxes(detection.finder, detection.segmenter, detection.kinds)
        yield plan.put(detection)


def _stretches(
    detections: Iterable[_Detection], segmenter: Segmenter, plan: MemoryPlan
) -> Iterator[Stretch[_Detection]]:
    """The frames from one key frame to the next, or to the scene's last."""
    buffer: Tensor | None = None  # of all frames, one after another
    for window in windows(detections, SEGMENTER_FRAMES, before=SEGMENTER_CONTEXT, after=SEGMENTER_CONTEXT):
        buffer = new_stack(window.items[0].pixels) if buffer is None else buffer
        for _, scene in groupby(window.items, lambda detection: detection.scene):
            clip = list(scene)
            core = [detection for detection in clip if detection in window.core]
            if core:
                first = clip.index(core[0])
                look, brief = partial(_look, clip, first, segmenter, buffer, plan), partial(_is_brief, clip, first)
                yield Stretch(core, look, brief, ends=core[-1] is clip[-1])


@torch.inference_mode()
def _look(
    clip: Sequence[_Detection],
    first: int,
    segmenter: Segmenter,
    buffer: Tensor,
    plan: MemoryPlan,
    frames: Sequence[int],
) -> None:
    """Set what the segmenter makes of some `frames`, counted from the `first` of a stretch within its clip."""
    at = [first + index for index in frames]
    for index, stack in zip(at, one_by_one([detection.pixels for detection in clip], at, buffer), strict=True):
        planes = segmenter(stack).float()[0].cpu().numpy()  # 1+K h w; waits for the device
        detection = clip[index]
        detection.segmenter, detection.kinds = _enlarged(planes[0], strongest(planes[1:]), detection.frame)
        plan.put(detection)


def _is_brief(clip: Sequence[_Detection], first: int, index: int) -> bool:
    """Whether a frame, counted likewise, shows something that neither of its neighbours in the clip does. 0.3 ms."""
    previous, now, following = (clip[first + index + step].frame.luma for step in (-1, 0, 1))
    side = np.ones((2 * NEAR + 1, 2 * NEAR + 1), np.uint8)
    brightest, darkest = cv2.dilate(cv2.max(previous, following), side), cv2.erode(cv2.min(previous, following), side)
    beyond = cv2.max(cv2.subtract(now, brightest), cv2.subtract(darkest, now))  # below 0 is cut off
    return bool(np.count_nonzero(beyond > SUDDEN) > HIGH_SHARE * now.size)


def _fuse(previous: _Detection, now: _Detection, following: _Detection) -> Frame:
    """Filter the segmenter's logits of `now` in time, within its scene, and fuse them with the finder's."""
    frame = now.frame
    before, after = (other if other.scene == now.scene else now for other in (previous, following))
    logits = temporal_median(before.segmenter, now.segmenter, after.segmenter, now.kinds)
    logits = suppress_traces(logits, now.finder, [before.boxes, now.boxes, after.boxes])
    frame.probability, frame.kinds = fuse(now.finder, logits, now.kinds)
    return frame


def _reduction(frame: Frame) -> int:
    """How many times smaller the segmenter sees a frame."""
    return max(1, min(frame.size) // SEGMENTER_SIDE)


def _enlarged(hidden: np.ndarray, kinds: np.ndarray, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    """The segmenter's logits and kinds `h w` at the size of the frame, `H W`."""
    factor = _reduction(frame)
    if factor == 1:
        return np.ascontiguousarray(hidden), kinds
    height, width = frame.size
    # Probabilities, not logits, are interpolated: an edge lies half way, however sure the network is of one side.
    small = torch.from_numpy(hidden)[None, None].sigmoid()
    probability = F.interpolate(small, scale_factor=factor, mode="bilinear")[0, 0, :height, :width]
    kinds = kinds.repeat(factor, 0).repeat(factor, 1)[:height, :width]
    return probability.logit(1e-6).numpy(), np.ascontiguousarray(kinds)


def _with_neighbours(items: Iterable[T]) -> Iterator[tuple[T, T, T]]:
    """Each item between its neighbours; at the ends it stands in for the one that is missing.

    >>> list(_with_neighbours("abc"))
    [('a', 'a', 'b'), ('a', 'b', 'c'), ('b', 'c', 'c')]
    """
    for window in windows(items, 1, before=1, after=1):
        (now,) = window.core
        yield window.items[0], now, window.items[-1]


def _numpy(x: Tensor) -> np.ndarray:
    return np.ascontiguousarray(x.cpu().numpy())
