"""A preview: a frame, or a few seconds, restored from the frames around them alone, with the settings of the page.

It is what the command line computes, but for what lies further away: copies from frames beyond, the background of a
fixed camera, the light of the whole scene. Of one frame, hidden pixels are not averaged with the frames around, as
those are not generated.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from restore.frame import Frame
from restore.light.lit import lit
from restore.models.pix2pix import Pix2PixUNet
from restore.pipeline import Restorer
from restore.propagation.batches import evidence_batches, picture_batches
from restore.propagation.confidence import with_hidden
from restore.propagation.copies import copies
from restore.propagation.engine import Propagation
from restore.propagation.evidence import Evidence
from restore.propagation.provenance import SEEN
from restore.restored import Restored, weakened
from restore.scenes import with_scenes
from restore.video.fields import FieldOrder, weave

if TYPE_CHECKING:  # importing diffusers takes seconds, and not every preview refines
    from restore.refinement.hybrid import Hybrid


@dataclass(frozen=True)
class Previewed:
    """One frame of a preview: uint8 `H W 3` in RGB, twice; the codes of `provenance.py` and confidence, uint8 `H W`."""

    degraded: np.ndarray
    restored: np.ndarray
    provenance: np.ndarray
    confidence: np.ndarray


def generated(
    restorer: Restorer, frames: list[Frame], wanted: range, *, light: str | float, order: FieldOrder | None
) -> Iterator[Restored]:
    """Restore some of a few frames: what takes the time, and does not depend on the settings of `finished`.

    Args:
        restorer: without a generator nothing is generated.
        frames: consecutive ones, with masks.
        wanted: which, counted in `frames`. One is generated alone; several as in a whole video.
        light: as of `restore_file`.
        order: of the fields, of interlaced video: each is restored, so that there are two for each frame.
    """
    if order:
        frames = [field for frame in frames for field in _fields(frame, order)]
        wanted = range(2 * wanted.start, 2 * wanted.stop)
    if len(wanted) <= 2:
        yield from _only(restorer, frames, wanted, light)
    else:
        yield from islice(restorer.restore(iter(frames), light=light, skip=wanted.start), len(wanted))


def finished(
    results: Iterable[Restored],
    *,
    strength: float,
    hybrid: "Hybrid | None",
    hidden_only: bool,
    order: FieldOrder | None,
) -> Iterator[Previewed]:
    """What was `generated`, as it is shown.

    Args:
        strength, hybrid, hidden_only: as of `restore_file`.
        order: of the fields, of interlaced video: two are woven into a frame.
    """
    results = weakened(results, strength)
    if hybrid:
        results = hybrid.refine_frames(results)
    shown = (_shown(result, hidden_only) for result in results)
    if order is None:
        yield from shown
        return
    for first in shown:
        second = next(shown)
        names = "degraded", "restored", "provenance", "confidence"
        yield Previewed(*(weave(getattr(first, name), getattr(second, name), order) for name in names))


def kept(result: Restored) -> Restored:
    """What `finished` needs of it without a refiner: no motion, nothing that was computed on the way."""
    frame = result.frame
    return replace(result, frame=Frame(frame.image, mask=frame.mask, dark=frame.dark))


def _only(restorer: Restorer, frames: list[Frame], wanted: range, light: str | float) -> Iterator[Restored]:
    """Restore the wanted frames; of the others only what they saw counts."""
    ready = with_scenes(lit(frames, light))
    if isinstance(restorer.generator, Pix2PixUNet):
        yield from map(with_hidden, restorer.generate(picture_batches(islice(ready, wanted.start, wanted.stop))))
        return
    evidence = islice(_evidence(ready), wanted.start, wanted.stop)
    if restorer.generator is None:
        yield from map(copies, evidence)
    else:
        yield from map(with_hidden, restorer.generate(evidence_batches(evidence)))


def _evidence(frames: Iterable[Frame]) -> Iterator[Evidence]:
    propagation: Propagation | None = None
    for frame in frames:
        propagation = propagation or Propagation(*frame.size)
        yield from propagation.push(frame)
    if propagation:
        yield from propagation.flush()


def _shown(result: Restored, hidden_only: bool) -> Previewed:
    image = result.image
    if hidden_only:
        image = np.where((result.provenance == SEEN)[..., None], result.frame.image, image)
    return Previewed(result.frame.given, image, result.provenance, result.confidence)


def _fields(frame: Frame, order: FieldOrder) -> list[Frame]:
    """The two fields of a frame, in the order of their times."""
    assert frame.mask is not None
    lines = (0, 1) if order.top_first else (1, 0)
    return [
        replace(frame, image=np.ascontiguousarray(frame.image[line::2]), mask=frame.mask[line::2]) for line in lines
    ]
