"""What hides the scene over a video: instances linked from frame to frame where their boxes overlap.

The IoU tracker of Bochinski, Eiselein and Sikora, "High-Speed Tracking-by-Detection Without Using Image Information"
(2017), but that a gap of a few frames does not end a track.
"""

import heapq
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from restore.detection.instances import Box, Instance, instances

OVERLAP = 0.3  # IoU of boxes from which two instances of one kind are one thing
GAP = 5  # frames in which a thing may be missed and still be the same
MOST = 100  # tracks reported; a mask that flickers makes new ones in each frame
ROWS = 288  # px of the shorter side, at most, that instances are looked for at; boxes are as coarse as that


@dataclass(frozen=True)
class Track:
    """One thing, from the first frame that it was found in to the last.

    Attributes:
        kind: one of `KINDS`.
        first, last: the frames, counted from 0.
        seen: in how many of the frames from `first` to `last` it was found.
        score: the mean of its instances' scores, in (0.5, 1].
        largest: the largest share of a frame's pixels that it had, in (0, 1].
        box: the box around all places where it was, in px.
        latest: the box in the last frame, in px.
    """

    kind: str
    first: int
    last: int
    seen: int
    score: float
    largest: float
    box: Box
    latest: Box

    @classmethod
    def begun(cls, instance: Instance, box: Box, frame: int) -> "Track":
        return cls(instance.kind, frame, frame, 1, instance.score, instance.share, box, box)

    def followed(self, instance: Instance, box: Box, frame: int) -> "Track":
        """The track with one instance more, in a later frame."""
        return Track(
            kind=self.kind,
            first=self.first,
            last=frame,
            seen=self.seen + 1,
            score=self.score + (instance.score - self.score) / (self.seen + 1),
            largest=max(self.largest, instance.share),
            box=(
                min(self.box[0], box[0]),
                min(self.box[1], box[1]),
                max(self.box[2], box[2]),
                max(self.box[3], box[3]),
            ),
            latest=box,
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
    """Takes a video frame by frame; it holds the tracks that go on, and the `MOST` longest and largest of the others.

    >>> from restore.kinds import KINDS
    >>> probability, kinds = np.zeros((48, 64), np.float32), np.full((48, 64), KINDS.index("dirt"), np.uint8)
    >>> probability[10:20, 30:50] = 0.875
    >>> tracker = Tracker()
    >>> for _ in range(8):
    ...     tracker.add(probability, kinds)
    >>> tracks, left_out = tracker.finish()
    >>> [track.as_json() for track in tracks], left_out
    ([{'kind': 'dirt', 'score': 0.875, 'frames': [0, 7], 'box': [30, 10, 50, 20], 'largest': 0.065104}], 0)
    """

    def __init__(self) -> None:
        self._frame = 0
        self._alive: list[Track] = []
        self._ended: list[tuple[int, float, int, Track]] = []  # a heap: the shortest and smallest comes first
        self._count = 0  # of the tracks that have ended

    def add(self, probability: np.ndarray, kinds: np.ndarray) -> None:
        """The next frame; the arguments are those of `instances`."""
        step = -(-min(probability.shape) // ROWS)
        height, width = probability.shape
        found = instances(probability[::step, ::step], kinds[::step, ::step])
        boxes = [_scaled(instance.box, step, width, height) for instance in found]
        linked = link(self._alive, found, boxes)
        alive = []
        for index, track in enumerate(self._alive):
            if index in linked:
                own = linked[index]
                alive.append(track.followed(found[own], boxes[own], self._frame))
            elif self._frame - track.last <= GAP:
                alive.append(track)
            else:
                self._end(track)
        new = set(range(len(found))).difference(linked.values())
        alive += [Track.begun(found[index], boxes[index], self._frame) for index in sorted(new)]
        self._alive = alive
        self._frame += 1

    def finish(self) -> tuple[list[Track], int]:
        """After the last frame: the tracks, longest and largest first, `MOST` at most; and how many are left out."""
        for track in self._alive:
            self._end(track)
        self._alive = []
        return [track for *_, track in sorted(self._ended, reverse=True)], self._count - len(self._ended)

    def _end(self, track: Track) -> None:
        self._count += 1
        heapq.heappush(self._ended, (track.last - track.first, track.largest, -self._count, track))
        if len(self._ended) > MOST:
            heapq.heappop(self._ended)


def link(tracks: list[Track], found: list[Instance], boxes: list[Box]) -> dict[int, int]:
    """By the index of a track, the index of the instance that it goes on with; greedily, the best overlap first.

    Args:
        found: the instances of one frame.
        boxes: where they are, in the coordinates of the tracks' boxes.
    """
    if not tracks or not found:
        return {}
    from torchvision.ops import box_iou  # imports all of torchvision, which nothing else needs to restore a video

    overlap = box_iou(
        torch.tensor([track.latest for track in tracks], dtype=torch.float32),
        torch.tensor(boxes, dtype=torch.float32),
    ).numpy()
    alike = np.array([track.kind for track in tracks])[:, None] == np.array([instance.kind for instance in found])
    return matched(overlap * alike, OVERLAP)


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


def _scaled(box: Box, step: int, width: int, height: int) -> Box:
    left, top, right, bottom = (step * side for side in box)
    return left, top, min(right, width), min(bottom, height)
