"""What a gated generator makes of a large picture, whose evidence is never whole in memory: `GatedGenerator.estimate`.

All that is measured of the whole picture is, from strips of it: sums over cells, and its grey levels. The network
computes strips that overlap by its reach (`strips.py`).
"""

from collections.abc import Callable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from restore.frame import HIDDEN
from restore.models.averaging import SIDE, joined, network_grey, sharp, sharpening
from restore.models.crops import Crop, crops
from restore.models.degradation import CELL, cells, noise_cells, noise_of_cells, of_cells, relative_spectrum
from restore.models.generator import NO_ERROR, REACH, Degraded, Estimate, GatedGenerator
from restore.models.softness import blur_logit
from restore.models.strips import in_strips, strips
from restore.propagation.evidence import BASE, FRAME, MASK

REACHED = SIDE // 2  # rows around, that an average over time depends on
LEAST_ROWS = 16  # of a strip, and all are multiples of it


class StripEstimator:
    """One picture; of the whole it holds what is measured, and the result: 48 bytes a pixel.

    Args:
        evidence: some rows of it => `1 23 rows W`, on the generator's device.
        size: rows and columns.
        rows: of a strip, a multiple of `LEAST_ROWS`.
    """

    def __init__(
        self, generator: GatedGenerator, evidence: Callable[[slice], Tensor], size: tuple[int, int], *, rows: int
    ) -> None:
        self._generator, self._unet, self._evidence, self._rows = generator, generator.unet, evidence, rows
        self._height, self._width = size
        multiple, self._unshuffle = generator.unet.multiple, generator.unet.unshuffle
        self._tall, self._wide = self._height + -self._height % multiple, self._width + -self._width % multiple
        self._type = next(generator.guess.parameters()).dtype
        self._measured = self._spectrum = self._base = torch.empty(0)

    def estimate(self) -> tuple[Estimate, Tensor]:
        """As of the whole picture, and what is hidden of it, bool `1 1 H W`."""
        degraded, hidden = self._measure()
        opens = bool(degraded.opens.any())
        if not (opens or hidden.any()):
            # Copies, as a view would hold all channels of its strip.
            frames = [self._evidence(part)[:, FRAME].clone() for part in strips(self._height, self._rows)]
            frame = torch.cat(frames, 2)
            zeros = torch.zeros_like(frame[:, :1])
            return Estimate(frame, torch.full_like(zeros, NO_ERROR), zeros, degraded), hidden
        planes: list[Tensor] = []
        for part, x in self._everywhere() if opens else self._around(hidden):
            own = slice(part.start, min(part.stop, self._height))
            evidence = self._evidence(own)
            some: tuple[Tensor, ...] = self._generator.corrected(evidence, x, self._told(part), degraded)
            if opens:  # the network is seen whole
                some = *some, network_grey(evidence, x)
            planes = planes or [one.new_empty(1, one.shape[1], self._height, self._width) for one in some]
            for plane, one in zip(planes, some, strict=True):
                plane[:, :, own] = one
        if opens:
            averages = degraded.opens * sharp(sharpening(self._base, planes.pop(), hidden.to(self._base.dtype)))
            self._join(planes[0], planes[2], degraded.noise, averages)
        restored, log_level, gate = planes
        return Estimate(restored, log_level, gate, degraded), hidden

    def _join(self, restored: Tensor, gate: Tensor, noise: Tensor, averages: Tensor) -> None:
        """Averages joined in, in place."""
        for part in strips(self._height, self._rows):
            around = slice(max(0, part.start - REACHED), min(part.stop + REACHED, self._height))
            inside = slice(part.start - around.start, part.stop - around.start)
            some = joined(self._evidence(around), restored[:, :, around], gate[:, :, around], noise, averages)
            for plane, one in zip((restored, gate), some, strict=True):
                plane[:, :, part] = one[:, :, inside]

    def _measure(self) -> tuple[Degraded, Tensor]:
        """What is measured of the whole picture; sets what the network is told."""
        noises, measured, greys, bases, hidden = [], [], [], [], []
        for part in strips(self._tall, self._rows):
            around = slice(max(0, part.start - CELL), min(self._tall, part.stop + CELL))
            evidence = self._padded(around)
            inside = slice((part.start - around.start) // CELL, -(-(part.stop - around.start) // CELL))
            measured.append([plane[:, :, inside] for plane in cells(evidence)])
            own = self._evidence(slice(part.start, min(part.stop, self._height)))
            noises.append(noise_cells(own))
            greys.append(own[:, FRAME].float().mean(1, keepdim=True))
            hidden.append(own[:, MASK] > HIDDEN)
            bases.append(own[:, BASE].float().mean(1, keepdim=True))
        visible_cells, grey_cells = (torch.cat(planes, 2) for planes in zip(*measured, strict=True))
        size = self._tall // self._unshuffle, self._wide // self._unshuffle
        self._measured = of_cells(visible_cells, grey_cells, size)
        everywhere = torch.cat(hidden, 2)
        base = torch.cat(bases, 2)
        if self._generator.reads_spectrum:
            self._spectrum = relative_spectrum(base, everywhere).to(self._measured.dtype)
        self._base = base
        softness = blur_logit(torch.cat(greys, 2), everywhere).to(self._measured.dtype)
        return Degraded(noise_of_cells(torch.cat(noises, 2)), softness), everywhere

    def _padded(self, part: slice) -> Tensor:
        """Rows of the evidence at whole multiples of pixels, its border repeated."""
        evidence = self._evidence(slice(part.start, min(part.stop, self._height)))
        more = (0, self._wide - self._width, 0, part.stop - part.start - evidence.shape[2])
        return F.pad(evidence, more, mode="replicate") if any(more) else evidence

    def _told(self, part: slice, columns: slice = slice(None)) -> Tensor:
        """What the network is told of some rows, `1 C rows/u W/u`."""
        u = self._unshuffle
        told = self._measured[:, :, part.start // u : part.stop // u]
        if columns.stop is not None:
            told = told[..., columns.start // u : columns.stop // u]
        if self._generator.reads_spectrum:
            told = torch.cat([told, self._spectrum.expand(-1, -1, *told.shape[2:])], 1)
        return told.to(self._type)

    def _everywhere(self, crop: Crop | None = None) -> Iterator[tuple[slice, Tensor]]:
        """What the network makes of the picture, or of a crop of it, in strips; their rows are counted from its top."""
        rows, columns = crop or (slice(0, self._tall), slice(0, self._wide))

        def picture(part: slice) -> tuple[Tensor, Sequence[Tensor]]:
            part = slice(rows.start + part.start, rows.start + part.stop)
            return self._padded(part)[..., columns].to(self._type), [self._told(part, columns)]

        return in_strips(self._unet, picture, rows.stop - rows.start, rows=self._rows)

    def _around(self, hidden: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """What the network makes of the picture around hidden pixels, and zeros elsewhere, in strips."""
        more = (0, self._wide - self._width, 0, self._tall - self._height)
        wanted = F.pad(hidden.float(), more, mode="replicate")
        parts = [(crop, self._of_crop(crop)) for crop in crops(wanted, self._unet.multiple, REACH)]
        for part in strips(self._tall, self._rows):
            result = hidden.new_zeros(1, 5, part.stop - part.start, self._wide, dtype=self._type)
            for (rows, columns), x in parts:
                top, bottom = max(part.start, rows.start), min(part.stop, rows.stop)
                if top < bottom:
                    inside = x[:, :, top - rows.start : bottom - rows.start]
                    result[:, :, top - part.start : bottom - part.start, columns] = inside
            yield part, result

    def _of_crop(self, crop: Crop) -> Tensor:
        rows, columns = crop
        if (rows.stop - rows.start) * (columns.stop - columns.start) <= self._rows * self._wide:
            tops = range(rows.start, rows.stop, self._rows)
            parts = [self._padded(slice(top, min(top + self._rows, rows.stop)))[..., columns] for top in tops]
            evidence = torch.cat(parts, 2)
            x: Tensor = self._unet(evidence, [self._told(rows, columns)])
            return x
        return torch.cat([x for _, x in self._everywhere(crop)], 2)
