"""What was found in a video, each thing with its pixels in each frame, so that a person can accept, reject or grow it.

The tracks are those of the report: obstructions, which are proven to hide the scene, and suspects, which are not.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import cv2
import numpy as np

from restore.detection.dilate import dilate_soft
from restore.detection.instances import Instance
from restore.detection.tracks import Track, Tracker, tracked_step
from restore.frame import HIDDEN, Frame
from restore.inference.inputs import open_inputs
from restore.kinds import BOXES
from restore.page.frame_store import png, unpng
from restore.video.fields import weave

if TYPE_CHECKING:  # PyTorch takes seconds to import, and the page is there before
    from restore.pipeline import Restorer

SMALL = 1  # the label of what belongs to no track: too small or too short to be listed
FIRST = 2  # the label of the first track


@dataclass(frozen=True)
class Found:
    """One thing that was found.

    Attributes:
        name: `o2`, an obstruction, or `s0`, a suspect; `o` and `s` are all that are too small to be listed.
        label: of its pixels.
        track: as the report has it; of the small ones None.
    """

    name: str
    label: int
    track: dict[str, Any] | None

    @property
    def proven(self) -> bool:
        return self.name.startswith("o")

    def as_json(self) -> dict[str, Any]:
        small = {"kind": "small parts", "score": None, "frames": None, "box": None, "largest": None}
        return {"name": self.name, "proven": self.proven} | (self.track or small)


class Detections:
    """All that was found in a video.

    Args:
        found: in the order in which they are listed.
        labels: of each frame two maps, PNG uint16 `H W`: of obstructions and of suspects; 0 where there is nothing.
    """

    def __init__(self, found: list[Found], labels: list[tuple[bytes, bytes]]) -> None:
        self.found, self._labels = found, labels

    def pixels(self, frame: int) -> Iterator[tuple[Found, np.ndarray]]:
        """What is in a frame, each with its pixels, bool `H W`."""
        for map_of, begins in zip(self._labels[frame], ("o", "s"), strict=True):
            labels = unpng(map_of)
            assert labels is not None, "it was made by this module"
            present = set(np.unique(labels).tolist())
            for one in self.found:
                if one.name.startswith(begins) and one.label in present:
                    yield one, labels == one.label

    def outlines(self, frame: int) -> dict[str, list[list[int]]]:
        """The outlines of what is in a frame, by name: polygons x, y, x, y, ... in px."""
        outlines = {}
        for one, pixels in self.pixels(frame):
            edges, _ = cv2.findContours(pixels.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_TC89_L1)
            outlines[one.name] = [[int(side) for side in edge.ravel()] for edge in edges]
        return outlines

    def save(self, path: Path, of: str) -> None:
        """Write it to a `.npz`; `of` says which file it is of."""
        flat = [data for pair in self._labels for data in pair]
        listed = [(one.name, one.label, one.track) for one in self.found]
        part = path.with_name(f".{path.name}.part.npz")
        np.savez(
            part,
            allow_pickle=False,
            about=np.frombuffer(json.dumps([of, listed]).encode(), np.uint8),
            ends=np.cumsum([len(data) for data in flat]),
            data=np.frombuffer(b"".join(flat), np.uint8),
        )
        part.replace(path)

    @classmethod
    def load(cls, path: Path, of: str) -> "Detections | None":
        """What `save` wrote; None if there is nothing, or it is of another file."""
        try:
            with open(path, "rb") as file, np.load(file) as archive:
                arrays = dict(archive)
            then, listed = json.loads(bytes(arrays["about"]))
        except (OSError, ValueError, KeyError, BadZipFile):
            return None
        if then != of:
            return None
        ends = arrays["ends"].tolist()
        flat = [bytes(arrays["data"][begin:end]) for begin, end in zip([0, *ends], ends, strict=False)]
        return cls([Found(*one) for one in listed], list(zip(flat[::2], flat[1::2], strict=True)))


def detect_all(restorer: "Restorer", video: Path, frames: int, forward: Callable[[float], object]) -> Detections:
    """Detect what hides the scene in a whole video, as the command line does.

    Args:
        frames: how many it has.
        forward: called with the share that is done.
    """
    trackers, labels = (Tracker(), Tracker()), []
    with ExitStack() as stack:
        inputs = open_inputs(stack, video, mask=None, original=None, output=video, rate=None, part=0, interlaced="auto")
        order = inputs.kept
        first: list[np.ndarray] | None = None  # of the first field of a frame
        for number, frame in enumerate(restorer.detect(iter(inputs.video))):
            maps = _labelled(frame, trackers)
            forward((number + 1) / (frames * (2 if order else 1)))
            if order and first is None:
                first = maps
                continue
            if order and first:
                maps, first = [weave(*both, order) for both in zip(first, maps, strict=True)], None
            labels.append(maps)
    found = []
    for tracker, begins, at in zip(trackers, "os", range(2), strict=True):
        tracks = tracker.finish()[0]
        found += [Found(f"{begins}{one.number}", FIRST + one.number, _as_json(one, bool(order))) for one in tracks]
        listed = [SMALL, *(FIRST + one.number for one in tracks)]
        small = False
        for maps in labels:
            maps[at] = np.where((maps[at] > 0) & ~np.isin(maps[at], listed), np.uint16(SMALL), maps[at])
            small = small or bool((maps[at] == SMALL).any())
        found += [Found(begins, SMALL, None)] * small
    return Detections(found, [(png(removed), png(left)) for removed, left in labels])


def _labelled(frame: Frame, trackers: tuple[Tracker, Tracker]) -> list[np.ndarray]:
    """Track a frame => uint16 `H W` twice: labels of what is proven, and of all else, of kinds that stay as well."""
    probability, proven, mask = frame.probability, frame.proven, frame.mask
    assert probability is not None and proven is not None and mask is not None
    kinds = np.full(frame.size, BOXES, np.uint8) if frame.kinds is None else frame.kinds
    hidden = mask > HIDDEN
    rest = (dilate_soft(probability * ~proven, kinds) > HIDDEN) & ~hidden
    maps = []
    for tracker, part, area in zip(trackers, (proven, ~proven), (hidden, rest), strict=True):
        in_frame = tracker.add(probability * part, kinds)  # as in `inference/found.py`: the tracks are the report's
        maps.append(nearest_labels(area, _seeds(in_frame, frame.size)))
    return maps


def nearest_labels(area: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Of each pixel of an area the label of the seed that is nearest to it; where none is in its component, `SMALL`.

    Args:
        area: bool `H W`.
        seeds: uint16 `H W`, 0 where there is none.

    >>> area, seeds = np.ones((1, 6), bool), np.uint16([[0, 3, 0, 0, 4, 0]])
    >>> area[0, 0] = False
    >>> nearest_labels(area, seeds).tolist()
    [[0, 3, 3, 4, 4, 4]]
    """
    if not area.any():
        return np.zeros(area.shape, np.uint16)
    if not seeds.any():
        return area * np.uint16(SMALL)
    _, numbers = cv2.distanceTransformWithLabels(
        (seeds == 0).view(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    label_of = np.zeros(numbers.max() + 1, np.uint16)
    label_of[numbers[seeds > 0]] = seeds[seeds > 0]
    _, parts = cv2.connectedComponents(area.view(np.uint8), connectivity=8)
    known = np.isin(parts, np.unique(parts[(seeds > 0) & area]))
    return np.where(known, label_of[numbers], np.uint16(SMALL)) * area


def _seeds(in_frame: dict[int, Instance], size: tuple[int, int]) -> np.ndarray:
    """uint16 `H W`: the labels of the instances of a frame."""
    step = tracked_step(size)
    small = np.zeros((-(-size[0] // step), -(-size[1] // step)), np.uint16)
    for number, instance in in_frame.items():
        left, top, right, bottom = instance.box
        small[top:bottom, left:right][instance.mask] = FIRST + number
    return small.repeat(step, 0).repeat(step, 1)[: size[0], : size[1]] if step > 1 else small


def _as_json(track: Track, fields: bool) -> dict[str, Any]:
    """A track as the report has it; that of a sequence of fields in frames, and in lines of frames."""
    values = track.as_json()
    if fields:
        left, top, right, bottom = values["box"]
        values |= {"frames": [frame // 2 for frame in values["frames"]], "box": [left, 2 * top, right, 2 * bottom]}
    return values
