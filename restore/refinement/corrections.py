"""What the refiner adds to a stretch of frames: heavy regions regenerated, filtered over time, faded into their holes.

regions ──> crops ──> refiner ──> temporal filter ──> feather ──> corrections
            context               along the motion    in holes
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import torch
from torch import Tensor

from restore.frame import Frame
from restore.propagation.flow import estimate
from restore.propagation.provenance import FILLED, REGENERATED
from restore.propagation.temporal_filter import filter_pictures
from restore.refinement.feather import feathered
from restore.refinement.regions import Region, by_size
from restore.restored import Restored
from restore.tensors import to_float

FEATHER = 1 / 60  # of the picture's height (4 px of 240), over which regenerated content fades in inside its hole
MARKED = 0.5  # share of the refiner in a pixel from which on the pixel counts as regenerated; below, it stays filled
NOTHING = np.zeros((), np.float32)  # the correction of a frame without heavy regions: it costs nothing to blend

Calls = Callable[[int, int], None]


def corrections(
    frames: Sequence[Restored],
    regions: Sequence[Region],
    refine: Callable[..., Tensor],
    *,
    progress: Calls | None = None,
) -> list[np.ndarray]:
    """What to add to each frame of a stretch.

    Args:
        frames: consecutive frames of one scene.
        regions: to regenerate, of these frames.
        refine: called with crops `B T 3 h w` in [-1, 1] and masks `B T 1 h w`, and with `progress`; returns the
            regenerated crops, as `RefinerPipeline.refine` does. It is called once for all crops of one size.
        progress: called with `(model calls made, model calls in all)` before the first and after each.

    Returns:
        For each frame float32 `H W 4`, levels of RGB and the refiner's share in the pixel, in [0, 1]; or `NOTHING`.
    """
    if not regions:
        return [NOTHING] * len(frames)
    height, width = frames[0].frame.size
    added = np.zeros((len(frames), height, width, 4), np.float32)
    batches = by_size(regions)
    for number, batch in enumerate(batches):
        clips = np.stack([[frame.image[region.crop] for frame in frames] for region in batch])  # uint8 B T h w 3
        holes = np.stack([region.hidden for region in batch])  # B T h w
        refined = refine(
            to_float(clips),
            torch.from_numpy(holes).unsqueeze(2).float(),
            progress=_part_of(progress, number, len(batches)),
        )
        levels = refined.add(1).mul(127.5).clamp(0, 255).movedim(2, -1).float().cpu().numpy()  # [-1, 1] => [0, 255]
        for region, clip, generated in zip(batch, clips, levels, strict=True):
            # The filter averages whole regenerated holes, their edges hard; the result is faded, once.
            pictures = np.where(region.hidden[..., None], generated, clip.astype(np.float32))
            filtered = _filtered(pictures, _crops(frames, region))
            share = np.stack([feathered(hole, feather=FEATHER * height) for hole in region.hidden])[..., None]
            # No pixel belongs to two regions, so crops that overlap add up to what each does alone.
            added[:, *region.crop] += np.concatenate([share * (filtered - clip), share], -1)
    return list(added)


def corrected(frame: Restored, correction: np.ndarray) -> Restored:
    """A frame with its correction, rounded once. Provenance is `REGENERATED` where the refiner's share is at least
    `MARKED`. A frame without a correction is returned itself.
    """
    if correction.ndim == 0 or not (changed := correction[..., 3] > 0).any():
        return frame
    left, top, width, height = cv2.boundingRect(changed.view(np.uint8))  # all else need not be touched
    part = slice(top, top + height), slice(left, left + width)
    image, provenance = frame.image.copy(), frame.provenance.copy()
    image[part] = np.clip(np.rint(image[part] + correction[part][..., :3]), 0, 255)
    provenance[correction[..., 3] >= MARKED] = REGENERATED
    return replace(frame, image=image, provenance=provenance)


def _crops(frames: Sequence[Restored], region: Region) -> list[Frame]:
    """A region of the generator's frames; hidden are the pixels that no frame saw."""
    unseen = [(frame.provenance[region.crop] == FILLED).astype(np.float32) for frame in frames]
    return [
        Frame(image=frame.image[region.crop], mask=mask, scene=frame.frame.scene)
        for frame, mask in zip(frames, unseen, strict=True)
    ]


def _filtered(pictures: np.ndarray, frames: list[Frame]) -> np.ndarray:
    """Pictures float32 `T H W 3` in [0, 255], averaged with their neighbours along the motion of `frames`.

    Hidden pixels are taken to move with those around them: a smooth fill gives motion estimation little texture.
    """
    return filter_pictures(pictures, [estimate(now, before) for before, now in pairwise(frames)])


def _part_of(progress: Calls | None, part: int, parts: int) -> Calls | None:
    """The progress of one of several parts, which take as many calls each, as progress of the whole."""
    if progress is None:
        return None
    return lambda call, calls: progress(part * calls + call, parts * calls)
