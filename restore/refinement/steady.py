"""Make what was regenerated hold still: each frame's picture averaged with its neighbours' along the motion.

A diffusion model draws the texture of every frame by itself, and the fill that it starts from is made frame by frame as
well, so both flicker. Averaged along the optical flow of what is around the hole, the flicker goes.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from restore.propagation.channels import in_each_channel
from restore.propagation.flow import Motion, follow

KEPT = 0.4  # of a frame's weight for each frame that it is away; more holds stiller still, and wears detail off


def steadied(pictures: np.ndarray, motions: Sequence[Motion]) -> np.ndarray:
    """Pictures with less flicker.

    Frames weigh less the further away they are, before or after, and the less the motion between is trusted. The
    weights sum to 1, so that the ends of a stretch are no darker than its middle.

    Args:
        pictures: float32 `T H W 3`, T >= 1.
        motions: between each frame and the one before it, T - 1 of them.

    Returns:
        float32 `T H W 3`.

    Raises:
        ValueError: `pictures` is not float32 `T H W 3`, or has not one frame more than there are motions.

    >>> nowhere, sure = np.zeros((1, 1, 2), np.float32), np.ones((1, 1), np.float32)
    >>> flicker = np.array([[1, 1, 1], [8, 8, 8]], np.float32).reshape(2, 1, 1, 3)
    >>> steadied(flicker, [Motion(nowhere, nowhere, sure, sure)])[:, 0, 0, 0].round(2).tolist()
    [3.0, 6.0]
    """
    if pictures.dtype != np.float32 or pictures.ndim != 4 or pictures.shape[-1] != 3:
        raise ValueError(f"pictures must be float32 T H W 3, got {pictures.dtype} of shape {pictures.shape}")
    if len(pictures) != len(motions) + 1:
        raise ValueError(f"need a motion between every two frames, got {len(pictures)} frames, {len(motions)} motions")
    weighted = np.concatenate([pictures, np.ones_like(pictures[..., :1])], -1)  # T H W 4: colour, weight
    totals = weighted.copy()
    past = _carried(weighted, [(step.to_previous, step.trust) for step in motions])
    for total, before in zip(totals[1:], past, strict=True):
        total += before
    future = _carried(weighted[::-1], [(step.from_previous, step.trust_back) for step in reversed(motions)])
    for total, after in zip(totals[-2::-1], future, strict=True):
        total += after
    return np.stack([total[..., :3] / in_each_channel(total[..., 3], 3) for total in totals])


def _carried(weighted: np.ndarray, flows: Sequence[tuple[np.ndarray, np.ndarray]]) -> Iterator[np.ndarray]:
    """For each frame but the first, what all frames ahead of it in this order add to it, `H W 4`.

    Args:
        flows: for each frame but the first, where its pixels lie in the one before, and the trust in that.
    """
    memory = weighted[0]
    for own, (flow, trust) in zip(weighted[1:], flows, strict=True):
        carried = follow(memory, flow) * in_each_channel(KEPT * trust, 4)
        yield carried
        memory = own + carried
