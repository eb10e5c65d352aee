"""Tracks of obstructions over a video: instances linked from frame to frame where their boxes overlap.

The IoU tracker of Bochinski, Eiselein and Sikora, "High-Speed Tracking-by-Detection Without Using Image Information"
(2017, doi:10.1109/AVSS.2017.8078516), except that a gap of a few frames does not end a track.
"""

import heapq
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np

from restore.detection.components import Box
from restore.detection.instances import Instance, instances

LINKED_IOU = 0.3  # of boxes, from which two instances of one kind are one obstruction
MISSED_FRAMES = 5  # in which an obstruction may go undetected without ending its track
MAX_TRACKS = 100  # reported; a mask that flickers starts new ones in each frame
# px of the shorter side at most, to which masks are subsampled: a cost, not a length in the picture.
TRACKED_SIDE = 288


@dataclass(frozen=True)
class Track:
    """One obstruction, from the first frame of its detection to the last.

    Attributes:
        kind: one of `KINDS`.
        first, last: the frames, counted from 0.
        detections: in how many of the frames from `first` to `last` it was detected.
        score: the mean of its instances' scores, in (0.5, 1].
        largest: the largest share of a frame's pixels that it had, in (0, 1].
        box: the box around all its places, in px.
        latest: the box in the last frame, in px.
        number: of the track, in the order in which they begin, counted from 0.
    """

    kind: str
    first: int
    last: int
    detections: int
    score: float
    largest: float
    box: Box
    latest: Box
    number: int = 0

    @classmethod
    def begun(cls, instance: Instance, box: Box, frame: int, number: int) -> "Track":
        """The track of a first instance."""
        return cls(instance.kind, frame, frame, 1, instance.score, instance.share, box, box, number)

    def extended(self, instance: Instance, box: Box, frame: int) -> "Track":
        """The track with one more instance, of a later frame."""
        return Track(
            kind=self.kind,
            first=self.first,
            last=frame,
            detections=self.detections + 1,
            score=self.score + (instance.score - self.score) / (self.detections + 1),
            largest=max(self.largest, instance.share),
            box=(
                min(self.box[0], box[0]),
                min(self.box[1], box[1]),
                max(self.box[2], box[2]),
                max(self.box[3], box[3]),
            ),
            latest=box,
            number=self.number,
        )

    def as_json(self) -> dict[str, Any]:
        """Plain values.

        >>> Track("text", 0, 47, 48, 0.98765, 0.0123456, (8, 4, 120, 20), (8, 4, 120, 20)).as_json()
        {'kind': 'text', 'score': 0.9877, 'frames': [0, 47], 'box': [8, 4, 120, 20], 'largest': 0.012346}
        """
        return {
            "kind": self.kind,
            "score": round(self.score, 4),
            "frames": [self.first, self.last],
            "box": list(self.box),
            "largest": round(self.largest, 6),
        }


class Tracker:
    """Tracks a video frame by frame. It holds the tracks that are alive and the `MAX_TRACKS` longest that are not.

    >>> from restore.kinds import KINDS
    >>> probability, kinds = np.zeros((48, 64), np.float32), np.full((48, 64), KINDS.index("dirt"), np.uint8)
    >>> probability[10:20, 30:50] = 0.875
    >>> tracker = Tracker()
    >>> for _ in range(8):
    ...     in_frame = tracker.add(probability, kinds)
    >>> in_frame[0].box
    (30, 10, 50, 20)
    >>> tracks, left_out = tracker.finish()
    >>> [track.as_json() for track in tracks], left_out
    ([{'kind': 'dirt', 'score': 0.875, 'frames': [0, 7], 'box': [30, 10, 50, 20], 'largest': 0.065104}], 0)
    """

    def __init__(self) -> None:
        self._frame = 0  # number of the next frame
        self._alive: list[Track] = []  # an instance may still extend them
        # A heap of those that have ended, the shortest and smallest first; at most `MAX_TRACKS`.
        self._ended: list[tuple[int, float, int, Track]] = []
        self._count = 0  # of all that have ended
        self._begun = 0  # tracks

    def add(self, probability: np.ndarray, kinds: np.ndarray) -> dict[int, Instance]:
        """Track the next frame; the arguments are those of `instances`.

        Returns:
            The instance of each track that is in this frame, by the track's number; in it only every `tracked_step`-th
            row and column counts.
        """
        step = tracked_step(probability.shape)
        height, width = probability.shape
        found = instances(probability[::step, ::step], kinds[::step, ::step])
        boxes = [_scaled(instance.box, step, width, height) for instance in found]
        linked = link(self._alive, found, boxes)
        alive, in_frame = [], {}
        for index, track in enumerate(self._alive):
            if index in linked:
                own = linked[index]
                alive.append(track.extended(found[own], boxes[own], self._frame))
                in_frame[track.number] = found[own]
            elif self._frame - track.last <= MISSED_FRAMES:
                alive.append(track)
            else:
                self._end(track)
        for index in sorted(set(range(len(found))).difference(linked.values())):
            alive.append(Track.begun(found[index], boxes[index], self._frame, self._begun))
            in_frame[self._begun] = found[index]
            self._begun += 1
        self._alive = alive
        self._frame += 1
        return in_frame

    def finish(self) -> tuple[list[Track], int]:
        """After the last frame: at most `MAX_TRACKS` tracks, longest and largest first, and how many are left out."""
        for track in self._alive:
            self._end(track)
        self._alive = []
        return [track for *_, track in sorted(self._ended, reverse=True)], self._count - len(self._ended)

    def state(self) -> dict[str, Any]:
        """What `resume` takes, ready for JSON."""
        ended = [[*rank, astuple(track)] for *rank, track in self._ended]
        alive = [astuple(track) for track in self._alive]
        return {"frame": self._frame, "alive": alive, "ended": ended, "count": self._count, "begun": self._begun}

    def resume(self, state: dict[str, Any]) -> None:
        """Go on where another tracker had this `state`."""
        self._frame, self._count = state["frame"], state["count"]
        self._begun = state.get("begun", 0)  # journals of before tracks had numbers, which no report has
        self._alive = [_track(values) for values in state["alive"]]
        self._ended = [(length, largest, number, _track(values)) for length, largest, number, values in state["ended"]]

    def _end(self, track: Track) -> None:
        self._count += 1
        heapq.heappush(self._ended, (track.last - track.first, track.largest, -self._count, track))
        if len(self._ended) > MAX_TRACKS:
            heapq.heappop(self._ended)


def tracked_step(shape: tuple[int, ...]) -> int:
    """Of how many rows and columns of a frame, `H W`, one is tracked.

    >>> tracked_step((240, 320)), tracked_step((1080, 1920))
    (1, 4)
    """
    return -(-min(shape) // TRACKED_SIDE)


def link(tracks: Sequence[Track], found: Sequence[Instance], boxes: Sequence[Box]) -> dict[int, int]:
    """The index of the instance that extends each track, by the index of the track; greedily, the best overlap first.

    Args:
        found: the instances of one frame.
        boxes: their boxes, in the coordinates of the tracks' boxes.
    """
    if not tracks or not found:
        return {}
    overlap = box_iou(np.array([track.latest for track in tracks]), np.array(boxes))
    alike = np.array([track.kind for track in tracks])[:, None] == np.array([instance.kind for instance in found])
    return matched(overlap * alike, LINKED_IOU)


def box_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes `N 4` and `M 4` (left, top, right, bottom): float64 `N M` in [0, 1].

    >>> box_iou(np.array([[0, 0, 4, 4]]), np.array([[0, 0, 4, 4], [2, 0, 6, 4], [4, 0, 8, 4]])).round(3).tolist()
    [[1.0, 0.333, 0.0]]
    """
    a = a[:, None]  # N 1 4
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])  # N M 2
    intersection = sides.clip(min=0).prod(-1)
    areas_a, areas_b = ((boxes[..., 2:] - boxes[..., :2]).prod(-1) for boxes in (a, b))
    return np.asarray(intersection / (areas_a + areas_b - intersection))


def matched(overlap: np.ndarray, least: float) -> dict[int, int]:
    """Rows and columns paired one to one, greedily, the greatest `overlap` (float `N M`) first, none below `least`.

    >>> matched(np.array([[0.5, 0.9], [0.4, 0.8]]), 0.3)
    {0: 1, 1: 0}
    """
    rows, columns = np.nonzero(overlap >= least)
    pairs: dict[int, int] = {}
    taken = set()
    for at in np.argsort(-overlap[rows, columns], kind="stable"):
        row, column = int(rows[at]), int(columns[at])
        if row not in pairs and column not in taken:
            pairs[row] = column
            taken.add(column)
    return pairs


def _track(values: Sequence[Any]) -> Track:
    fields: Any = [tuple(value) if isinstance(value, list) else value for value in values]  # JSON knows no tuples
    return Track(*fields)


def _scaled(box: Box, step: int, width: int, height: int) -> Box:
    left, top, right, bottom = (step * side for side in box)
    return left, top, min(right, width), min(bottom, height)
