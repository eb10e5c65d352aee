"""Where a range lies in its video, and from which frame on that is read, so that the range is restored as in the whole.

Memories go back to the last cut without limit, so all frames from there on are detected and propagated, though not
generated. Cuts are sought in the pictures as they are, which is cheap; the masks decide them, so the last one is looked
at again with its masks, which are the same as in the whole after some frames (`warm_up.py`). Where none is certain, all
begins with the video.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from restore.errors import VideoError
from restore.frame import Frame
from restore.inference.charts import clock
from restore.inference.inputs import Inputs
from restore.inference.range_setting import RangeSetting
from restore.inference.warm_up import DETECTION, STEP, WarmUp
from restore.propagation.resumption import LAST
from restore.scenes import SceneDetector, with_scenes
from restore.video.copied_pictures import Copies, copies
from restore.video.info import VideoInfo
from restore.video.place import Place

ROUNDED = Fraction(1, 100)  # seconds by which an end may lie behind that of the video, as times are rounded
TRIED = 8  # cuts at most, before all is begun with the video


@dataclass(frozen=True)
class Located:
    """A range in its video. Frames are those of `Inputs.video`, counted from 0: of interlaced video they are fields.

    Attributes:
        inputs: what it was located in; read up to the frame behind the range, and closed.
        first, last: of the range.
        begin, scene: where to begin to read, and where the scene of the first frame begins; or both 0.
        pts, last_pts: of the first frame and the last.
        start, end: seconds in the video's clock when the first frame begins and the last one ends.
    """

    inputs: Inputs
    first: int
    last: int
    begin: int
    scene: int
    pts: int
    last_pts: int
    start: Fraction
    end: Fraction

    @property
    def count(self) -> int:
        """How many frames it has."""
        return self.last + 1 - self.first

    def alone(self, info: VideoInfo) -> VideoInfo:
        """What a video is of which the range is written alone, from time 0 on, from what the whole is."""
        begins, moves = self._place(self.start), self._moves
        moves = [move - moves[begins.seam] for move in moves[begins.seam + 1 :]]
        return replace(info, begins=begins, ends=self._place(self.end), origin=begins.time, moves=moves, frames=None)

    @property
    def _moves(self) -> list[int]:
        """What the reader adds to the pts of each of the recordings that were joined."""
        return [0, *self.inputs.whole.info.moves]

    def _place(self, seconds: Fraction) -> Place:
        """Where in the file a time of the reader's clock is."""
        seam = sum(begins <= seconds for begins in self.inputs.whole.seams)
        return Place(seam, seconds - self._moves[seam] * self.inputs.whole.info.time_base)

    def copies(self, output: Path, *, quality: int | None) -> Copies | None:
        """What of the video's coded pictures goes into an output of all frames as it is."""
        reader = self.inputs.whole
        if reader.retimed or reader.info.moves or self.inputs.order:
            return None
        return copies(reader.path, reader.info, output, quality=quality, first=self.pts, last=self.last_pts)

    def regions(self, regions: list[dict[str, Any]], *, first: int) -> list[dict[str, Any]]:
        """Those of a report without what is outside the range, which has the frames from `first` on."""
        last = first + self.count - 1
        return [
            region | {"frames": [max(first, region["frames"][0]), min(last, region["frames"][1])]}
            for region in regions
            if region["frames"][0] <= last and region["frames"][1] >= first
        ]

    def as_json(self) -> dict[str, Any]:
        """For the report."""
        fields = 2 if self.inputs.order else 1
        return {
            "frames": [self.first // fields, self.last // fields],
            "seconds": [round(float(self.start), 6), round(float(self.end), 6)],
            "read_from": self.begin // fields,
        }


def locate(
    setting: RangeSetting,
    opened: Callable[[ExitStack], Inputs],
    masked: Callable[[Inputs], Iterator[Frame]],
    *,
    detects: bool,
    from_start: bool,
) -> Located:
    """Find a range in a video, which is decoded up to its end.

    Args:
        opened: opens the video and its mask.
        masked: the frames of these, with the masks that they are restored by.
        detects: whether the masks, or a part of them, are detected.
        from_start: all begins with the video, whatever its cuts are.

    Raises:
        VideoError: the range is not in the video, or that cannot be read.
    """
    scenes, cuts = SceneDetector(), {0: 0}  # frame where each scene begins
    held: list[tuple[int, Frame]] = []  # the first frame of the range, and the last so far
    origin = Fraction(0)
    with ExitStack() as stack:
        inputs = opened(stack)
        fields, inside = 2 if inputs.order else 1, False
        for index, frame in enumerate(inputs.video):
            seconds = frame.pts * frame.time_base
            origin = seconds if index == 0 else origin
            if index % fields == 0:  # the second field goes with the first
                inside = setting.holds(index // fields, seconds - origin)
            if not held:
                cuts.setdefault(scenes.push(frame), index)
            elif not inside:
                break
            if inside:
                held = [*held[:1], (index, frame)]
        else:
            _refuse_beyond(setting, inputs, (index + 1) // fields, _end(frame) - origin)
        if not held:
            raise VideoError(f"no frame begins in the range {setting.text}; give a longer one: {inputs.video.path}")
    (first, frame), (last, final) = held[0], held[-1]
    begin, scene = (0, 0) if from_start else _begin([*cuts.values()], opened, masked, detects=detects)
    return Located(inputs, first, last, begin, scene, frame.pts, final.pts, frame.pts * frame.time_base, _end(final))


def in_words(range_: dict[str, Any]) -> str:
    """What a report says of its range.

    >>> in_words({"frames": [120, 360], "only": False})
    'frames 120 to 360 are restored, the others as they were'
    """
    first, last = range_["frames"]
    are = f"frame {first} is" if first == last else f"frames {first} to {last} are"
    return f"{are} restored, the others {'left out' if range_['only'] else 'as they were'}"


def _end(frame: Frame) -> Fraction:
    """When a frame ends, in seconds."""
    assert frame.carried is not None, "it was read from a file"
    return (frame.pts + frame.carried.duration) * frame.time_base


def _refuse_beyond(setting: RangeSetting, inputs: Inputs, frames: int, lasts: Fraction) -> None:
    """Refuse a range that reaches beyond the end of a video of so many frames and seconds."""
    begins = setting.begin < (lasts if setting.timed else frames)
    ends = setting.end is None or setting.end < (lasts + ROUNDED if setting.timed else frames)
    if begins and ends:
        return
    broken = f" ({inputs.video.broken})" if inputs.video.broken else ""
    raise VideoError(
        f"the range {setting.text} reaches beyond the video, which has frames 0 to {frames - 1} and lasts "
        f"{clock(float(lasts))}{broken}; give one within it: {inputs.video.path}"
    )


def _begin(
    cuts: Sequence[int],
    opened: Callable[[ExitStack], Inputs],
    masked: Callable[[Inputs], Iterator[Frame]],
    *,
    detects: bool,
) -> tuple[int, int]:
    """Where to begin to read for what is behind the last of the cuts, and that cut."""
    needed = LAST + STEP + (DETECTION if detects else 0)
    for cut in reversed(cuts[-TRIED:]):
        begin = (cut - needed) // STEP * STEP
        if begin <= 0:
            break
        warm_up, before = WarmUp(detects=detects, frames=begin), None
        with ExitStack() as stack:
            inputs = opened(stack)
            inputs.skip(begin, 0)
            frames = stack.enter_context(closing(with_scenes(masked(inputs))))
            for index, frame in enumerate(frames, begin):
                if index == cut:
                    break
                # What is detected in the very first frame may differ, as it has none before it.
                warm_up.add(comparable=frame.comparable and index > begin)
                before = frame.scene
        if frame.scene != before and warm_up.begin:
            return warm_up.begin, cut
    return 0, 0
