"""What the refiner adds to a stretch of frames: heavy regions regenerated, filtered over time, faded into their holes.

regions ──> crops ──> refiner ──> temporal filter ──> feather ──> corrections
            context   each seed   along the motion    in holes
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import torch
from torch import Tensor

from restore.frame import Frame
from restore.propagation.confidence import agreement
from restore.propagation.flow import Motion, estimate
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
    seeds: Sequence[int] = (0,),
    progress: Calls | None = None,
) -> list[np.ndarray]:
    """What to add to each frame of a stretch.

    Args:
        frames: consecutive frames of one scene.
        regions: to regenerate, of these frames.
        refine: called with crops `B T 3 h w` in [-1, 1] and masks `B T 1 h w`, and with `seed` and `progress`; returns
            the regenerated crops, as `RefinerPipeline.refine` does. Once a seed for all crops of one size.
        seeds: the first one's result is added; the others tell how certain it is.
        progress: called with `(model calls made, model calls in all)` before the first and after each.

    Returns:
        For each frame float32 `H W 5`: levels of RGB, the refiner's share in the pixel, in [0, 1], and the standard
        deviation over the seeds in levels, mean of the channels; or `NOTHING`.
    """
    if not regions:
        return [NOTHING] * len(frames)
    height, width = frames[0].frame.size
    added = np.zeros((len(frames), height, width, 5), np.float32)
    batches = by_size(regions)
    for number, batch in enumerate(batches):
        clips = np.stack([[frame.image[region.crop] for frame in frames] for region in batch])  # uint8 B T h w 3
        holes = np.stack([region.hidden for region in batch])  # B T h w
        drawn = []  # seeds of B T h w 3, levels
        for draw, seed in enumerate(seeds):
            refined = refine(
                to_float(clips),
                torch.from_numpy(holes).unsqueeze(2).float(),
                seed=seed,
                progress=_part_of(progress, number * len(seeds) + draw, len(batches) * len(seeds)),
            )
            drawn.append(refined.add(1).mul(127.5).clamp(0, 255).movedim(2, -1).float().cpu().numpy())
        for region, clip, *generated in zip(batch, clips, *drawn, strict=True):
            # The filter averages whole regenerated holes, their edges hard; the result is faded, once.
            pictures = [np.where(region.hidden[..., None], one, clip.astype(np.float32)) for one in generated]
            flows = _flows(_crops(frames, region))
            filtered = np.stack([filter_pictures(one, flows) for one in pictures])
            share = np.stack([feathered(hole, feather=FEATHER * height) for hole in region.hidden])[..., None]
            spread = filtered.std(0).mean(-1, keepdims=True)
            # No pixel belongs to two regions, so crops that overlap add up to what each does alone.
            added[:, *region.crop] += np.concatenate([share * (filtered[0] - clip), share, share * spread], -1)
    return list(added)


def corrected(frame: Restored, correction: np.ndarray) -> Restored:
    """A frame with its correction, rounded once. Provenance is `REGENERATED` where the refiner's share is at least
    `MARKED`; where seeds differ, nothing is more certain than that. A frame without a correction is returned itself.
    """
    if correction.ndim == 0 or not (changed := correction[..., 3] > 0).any():
        return frame
    left, top, width, height = cv2.boundingRect(changed.view(np.uint8))  # all else need not be touched
    part = slice(top, top + height), slice(left, left + width)
    image, provenance = frame.image.copy(), frame.provenance.copy()
    image[part] = np.clip(np.rint(image[part] + correction[part][..., :3]), 0, 255)
    provenance[correction[..., 3] >= MARKED] = REGENERATED
    if not correction[..., 4].any():
        return replace(frame, image=image, provenance=provenance)
    uncertainty, confidence = np.zeros(provenance.shape, np.uint8), frame.confidence.copy()
    uncertainty[part] = np.clip(np.rint(correction[part][..., 4]), 0, 255)
    confidence[part] = np.minimum(confidence[part], agreement(correction[part][..., 4]))
    return replace(frame, image=image, provenance=provenance, confidence=confidence, uncertainty=uncertainty)


def _crops(frames: Sequence[Restored], region: Region) -> list[Frame]:
    """A region of the generator's frames; hidden are the pixels that no frame saw."""
    unseen = [(frame.provenance[region.crop] == FILLED).astype(np.float32) for frame in frames]
    return [
        Frame(image=frame.image[region.crop], mask=mask, scene=frame.frame.scene)
        for frame, mask in zip(frames, unseen, strict=True)
    ]


def _flows(frames: list[Frame]) -> list[Motion]:
    """The motion from each frame to the one before it, from the second on.

    Hidden pixels are taken to move with those around them: a smooth fill gives motion estimation little texture.
    """
    return [estimate(now, before) for before, now in pairwise(frames)]


def _part_of(progress: Calls | None, part: int, parts: int) -> Calls | None:
    """The progress of one of several parts, which take as many calls each, as progress of the whole."""
    if progress is None:
        return None
    return lambda call, calls: progress(part * calls + call, parts * calls)
