"""What of a detection is proven to hide the scene, and what is only suspected to: a suspect stays in the picture.

A network knows obstructions by what they look like, and a white cloth on a lawn looks like dirt on the lens. So each
connected component of a detection needs a proof by measurement, too (`proofs.py`):

- flat: a box is of one level, to within the noise, its edges are hard and run along the picture's, and it is too
  large to be a piece of something;
- fixed: its edges stand still on the sensor while the camera moves, those around it stand still less, and they are out
  of focus, as a lens is and a logo is not;
- sudden: it is brighter or darker than all that is near it in the frame before and in the frame after, as a scratch is,
  while what is close around it stays.

A component that was proven a moment ago, as the same kind, stays so. A box that moves as what is around it does is in
the scene, and is never proven.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence

import cv2
import numpy as np

from restore.detection.components import Component, components
from restore.detection.dilate import dilate_soft
from restore.detection.look import Look
from restore.detection.proofs import Surroundings
from restore.frame import HIDDEN, Frame
from restore.kinds import BOXES, KINDS, REMOVED
from restore.video.windows import windows

BEFORE, AFTER = 13, 6  # frames that each is compared with; those after it are read ahead
GAP = 3  # px of a look, up to which two parts are one component
LEAST = 4e-4  # share of the frame's pixels that a component has at least
CONTINUED = 0.5  # share of its pixels that were proven a moment ago, from which a component still is


def prove(frames: Iterable[Frame], *, remove: Collection[str] = REMOVED, suspects: bool = False) -> Iterator[Frame]:
    """The same frames with `proven`, `suspected`, and a `mask` of what is proven.

    Args:
        frames: consecutive ones of one video, with `probability` and `scene`, and with `kinds` where they are known;
            else all that was detected is taken for boxes.
        remove: the kinds that may go.
        suspects: whether to take suspects for proven.
    """
    may_go = np.isin(KINDS, list(remove))
    if suspects:
        for frame in frames:
            allowed = _allowed(frame, may_go)
            yield _split(frame, allowed, allowed)
        return
    for window in windows((Look(frame, _allowed(frame, may_go)) for frame in frames), 1, before=BEFORE, after=AFTER):
        (look,) = window.core
        frame, allowed = look.release()
        proven = allowed
        if allowed.any():
            scene = [other for other in window.items if other.scene == look.scene]
            at = scene.index(look)
            proven = allowed & _enlarged(_proven(look, Surroundings(scene, at), scene[:at]), look.step, frame.size)
        yield _split(frame, allowed, proven)


def _allowed(frame: Frame, may_go: np.ndarray) -> np.ndarray:
    """bool `H W`, what was detected of the kinds that may go, bool `K`."""
    assert frame.probability is not None
    return (frame.probability > HIDDEN) & (may_go[BOXES] if frame.kinds is None else may_go.take(frame.kinds))


def _proven(look: Look, around: Surroundings, before: Sequence[Look]) -> np.ndarray:
    """bool `h w`, the components that are proven now, or were in the looks before. Sets the look's `own`."""
    proven = np.zeros_like(look.own)
    for kind in np.unique(look.kinds[look.candidates]):
        for component in components(look.candidates & (look.kinds == kind), GAP, LEAST * look.grey.size):
            own = any(proof(component) for proof in around.proofs(KINDS[kind]))
            # Last, as it takes longest.
            if not (own or _continues(component, kind, before)) or around.refuted(KINDS[kind], component):
                continue
            if own:
                look.own[component.part] |= component.mask
            proven[component.part] |= component.mask
    return proven


def _continues(component: Component, kind: int, before: Sequence[Look]) -> bool:
    """Whether one of the looks before proves much of the component, as the same kind."""
    enough, part = CONTINUED * np.count_nonzero(component.mask), component.part
    return any(
        np.count_nonzero(look.own[part] & (look.kinds[part] == kind) & component.mask) >= enough for look in before
    )


def _split(frame: Frame, allowed: np.ndarray, proven: np.ndarray) -> Frame:
    """The frame with what of `allowed`, bool `H W`, is proven as its mask, and the rest suspected."""
    frame.proven, frame.mask = proven, _as_mask(frame, proven)
    rest = allowed & ~proven
    frame.suspected = _as_mask(frame, rest) > HIDDEN if rest.any() else rest
    return frame


def _as_mask(frame: Frame, part: np.ndarray) -> np.ndarray:
    """Probabilities float32 `H W` of a part, bool `H W`, of what was detected; its soft kinds are dilated."""
    assert frame.probability is not None
    mask = frame.probability * part
    return mask if frame.kinds is None or not part.any() else dilate_soft(mask, frame.kinds)


def _enlarged(mask: np.ndarray, step: int, size: tuple[int, int]) -> np.ndarray:
    """bool `h w`, of every `step`-th pixel, at the size of the frame; with what lies between the samples at its rim."""
    if step == 1:
        return mask
    wide = cv2.dilate(mask.view(np.uint8), np.ones((3, 3))).repeat(step, 0).repeat(step, 1)
    return wide[: size[0], : size[1]] > 0
