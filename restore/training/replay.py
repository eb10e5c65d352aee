"""A memory of the frames that were prepared last, for the generator to learn from more than once.

Held on the training's device in half precision, 54 bytes a pixel of a frame. Each time a frame is drawn it is turned
into another one that is just as likely: mirrored, its colours exchanged, its past and future exchanged.
"""

import torch

from restore.propagation.evidence import CHANNELS
from restore.training.prepare import Pairs
from restore.training.ring import Ring

# Of the evidence: the channels of a frame whose past was its future, and the first ones of all its pictures.
REVERSED = [*range(6), *range(9, 12), *range(6, 9), *range(17, 22), *range(12, 17), 22]
PICTURES = 0, 3, 6, 9, 12, 17


class Replay:
    """The last prepared frames.

    Args:
        capacity: how many are held; the oldest make room.
        device: where.
    """

    def __init__(self, capacity: int, device: torch.device) -> None:
        self.device, self.ring = device, Ring(capacity, device)

    def __len__(self) -> int:
        return len(self.ring)

    def add(self, pairs: Pairs) -> None:
        """Take up prepared frames of one size, half precision."""
        self.ring.add([pairs.evidence, pairs.clean, pairs.mask])

    def draw(self, count: int, *, generator: torch.Generator) -> Pairs:
        """`count` of them, or all if there are fewer, each turned in its own way; in full precision.

        Args:
            generator: a CPU generator.
        """
        return turned(Pairs(*self.ring.draw(count, generator=generator)).to(self.device), generator=generator)


def turned(pairs: Pairs, *, generator: torch.Generator) -> Pairs:
    """Each frame mirrored along either side, played backwards, its colours exchanged, or not."""
    count = len(pairs.evidence)
    evidence, clean, mask = pairs.evidence, pairs.clean, pairs.mask
    lots = torch.rand(4, count, generator=generator) < 0.5
    order = torch.rand(count, 3, generator=generator).argsort(1)
    across, upright, backwards, recoloured = lots.to(evidence.device)
    for some, side in ((across, -1), (upright, -2)):
        evidence, clean, mask = (
            torch.where(some[:, None, None, None], x.flip(side), x) for x in (evidence, clean, mask)
        )
    evidence = torch.where(backwards[:, None, None, None], evidence[:, REVERSED], evidence)
    order = torch.where(recoloured[:, None], order.to(evidence.device), torch.arange(3, device=evidence.device))
    channels = torch.arange(CHANNELS, device=evidence.device).repeat(count, 1)
    for first in PICTURES:
        channels[:, first : first + 3] = first + order
    evidence = evidence.gather(1, channels[:, :, None, None].expand_as(evidence))
    clean = clean.gather(1, order[:, :, None, None].expand_as(clean))
    return Pairs(evidence.contiguous(memory_format=torch.channels_last), clean, mask)
