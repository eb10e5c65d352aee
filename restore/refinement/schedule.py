"""In which order the noise levels are walked: resampling, after RePaint (Lugmayr et al. 2022, algorithm 1).

Denoised once, what is generated early knows the surroundings only as noisy as they were then, and no longer fits them.
So every stretch of `jump_length` levels is walked several times: down, back up by adding noise, down again.
"""

import math

Move = tuple[int, int]  # from a level to a level; `steps` is the noisiest, 0 is clean
START = 0.5  # how much noise a coarse fill is taken up to: as the shipped refiner was trained


def steps_from_noise(calls: int, start: float) -> int:
    """How many noise levels there are from pure noise to clean, where `start` of them are `calls`.

    >>> [steps_from_noise(calls, 0.3) for calls in (1, 2, 4)]
    [3, 6, 13]
    """
    return max(calls, math.floor(calls / start))


def resampling_schedule(*, steps: int, jump_length: int, resamplings: int, start: float = 1.0) -> list[Move]:
    """The moves from noise to a clean sample: one level down is a call of the model, `jump_length` up adds noise.

    Args:
        steps: noise levels from pure noise to clean.
        jump_length: levels in a stretch that is walked again; no stretch is if the walk is no longer than that.
        resamplings: how often each stretch is walked; 0 and 1 both mean once, which is plain denoising.
        start: in (0, 1], only the last `ceil(start * steps)` levels are walked.

    Raises:
        ValueError: an argument out of its range.

    >>> resampling_schedule(steps=3, jump_length=2, resamplings=2)
    [(3, 2), (2, 1), (1, 0), (0, 2), (2, 1), (1, 0)]
    >>> resampling_schedule(steps=10, jump_length=2, resamplings=1, start=0.25)
    [(3, 2), (2, 1), (1, 0)]
    """
    if steps < 1 or jump_length < 1 or resamplings < 0:
        raise ValueError(
            f"need steps >= 1, jump_length >= 1, resamplings >= 0, got {steps}, {jump_length}, {resamplings}"
        )
    if not 0 < start <= 1:
        raise ValueError(f"start must be in (0, 1], got {start}")
    level = max(1, math.ceil(round(start * steps, 6)))  # rounded: 0.55 * 20 is a little more than 11
    jumps = dict.fromkeys(range(0, level - jump_length, jump_length), resamplings - 1)
    moves = []
    while level > 0:
        moves.append((level, level - 1))
        level -= 1
        if jumps.get(level, 0) > 0:
            jumps[level] -= 1
            moves.append((level, level + jump_length))
            level += jump_length
    return moves
