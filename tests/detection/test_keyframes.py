import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from restore.detection.fuse import HIGH_SHARE, fuse
from restore.detection.keyframes import Stretch, agree, between_keyframes
from restore.kinds import BOXES, KINDS

SIZE = (40, 50)
TEXT, DIRT, DROPS, SCRATCHES = (KINDS.index(kind) for kind in ("text", "dirt", "drops", "scratches"))


@dataclass(eq=False)
class Picture:
    """A frame, and what a segmenter that looks at it would say."""

    number: int
    own: np.ndarray
    kind: int = DIRT
    brief: bool = False
    finder: np.ndarray = field(default_factory=lambda: np.full(SIZE, -4, np.float32))
    segmenter: np.ndarray = field(init=False)
    kinds: np.ndarray = field(init=False)


def logits(start: int | None = None, least: float = -4.0) -> np.ndarray:
    """10 columns from `start` on are hidden."""
    plane = np.full(SIZE, least, np.float32)
    if start is not None:
        plane[10:30, start : start + 10] = 4
    return plane


def run(scenes: list[list[Picture]], each: int = 4) -> tuple[list[Picture], list[int]]:
    """All frames that come out, and which were looked at, in order."""
    looked: list[int] = []

    def stretch(frames: list[Picture], ends: bool) -> Stretch[Picture]:
        def look(indices: Sequence[int]) -> None:
            assert indices  # what surrounds them is measured even for none
            for index in indices:
                frame = frames[index]
                frame.segmenter, frame.kinds = frame.own, np.full(SIZE, frame.kind, np.uint8)
                looked.append(frame.number)

        return Stretch(frames, look, lambda index: frames[index].brief, ends)

    stretches = [
        stretch(scene[at : at + each], at + each >= len(scene)) for scene in scenes for at in range(0, len(scene), each)
    ]
    return list(between_keyframes(stretches)), looked


def clip(starts: Sequence[int | None], first: int = 0, kind: int = DIRT) -> list[Picture]:
    return [Picture(first + number, logits(start), kind) for number, start in enumerate(starts)]


@pytest.mark.parametrize(
    ("lengths", "keys"),
    [
        ([1], [0]),
        ([2], [0, 1]),
        ([4], [0, 3]),
        ([5], [0, 4]),
        ([9], [0, 4, 8]),
        ([11], [0, 4, 8, 10]),
        ([6, 3], [0, 4, 5, 6, 8]),
    ],
)
@pytest.mark.parametrize("start", [None, 7])
def test_every_fourth_frame_and_the_last_of_a_scene_are_looked_at(
    lengths: list[int], keys: list[int], start: int | None
) -> None:
    scenes, first = [], 0
    for length in lengths:
        scenes.append(clip([start] * length, first))
        first += length
    frames, looked = run(scenes)
    assert [frame.number for frame in frames] == list(range(first)) and sorted(looked) == keys
    assert all(np.array_equal(frame.segmenter, logits(start)) and (frame.kinds == DIRT).all() for frame in frames)


STARTS = [None, None, None, None, None, 20, 20, 20, 20, 20, 20, 20, 20]


@pytest.mark.parametrize("kind", [BOXES, SCRATCHES, TEXT])
def test_where_key_frames_differ_in_what_moves_all_between_are_looked_at(kind: int) -> None:
    frames, looked = run([clip(STARTS, kind=kind)])
    assert sorted(looked) == [0, 4, 5, 6, 7, 8, 12]
    assert all(np.array_equal(frame.segmenter, logits(start)) for frame, start in zip(frames, STARTS, strict=True))


def boxes(starts: Sequence[int | None], finder: Sequence[int | None]) -> list[Picture]:
    """Boxes that both networks see, each where it says."""
    frames = clip(starts, kind=BOXES)
    for frame, start in zip(frames, finder, strict=True):
        frame.finder = logits(start)
    return frames


def masks(frames: Sequence[Picture]) -> list[np.ndarray]:
    """What both networks make of the frames."""
    return [fuse(frame.finder, frame.segmenter, frame.kinds)[0] > 0.5 for frame in frames]


def test_boxes_that_the_finder_sees_move_between_key_frames_as_it_sees_them() -> None:
    starts = [4, 5, 6, 7, 8, 11, 14, 17, 20]
    frames, looked = run([boxes(starts, starts)])
    assert sorted(looked) == [0, 4, 8]
    assert all(np.array_equal(mask, logits(start) > 0) for mask, start in zip(masks(frames), starts, strict=True))
    assert all((frame.kinds[frame.finder > 0] == BOXES).all() for frame in frames)


def test_a_box_that_the_finder_sees_in_part_is_looked_at() -> None:
    starts = [4, 6, 8, 10, 12]
    frames = boxes(starts, starts)
    for frame in frames:
        frame.finder[20:] = -4
    assert sorted(run([frames])[1]) == [0, 1, 2, 3, 4]


def test_what_the_finder_sees_between_key_frames_alone_is_looked_at() -> None:
    frames, looked = run([boxes([5, 5, 35, 5, 5], [5, 5, 35, 5, 5])])
    assert sorted(looked) == [0, 2, 4]
    assert np.array_equal(masks(frames)[2], logits(35) > 0)
    # What it sees in key frames too, the segmenter knows of.
    frames, looked = run([boxes([None] * 5, [5] * 5)])
    assert sorted(looked) == [0, 4] and not np.any(masks(frames))


def test_the_finder_has_no_say_around_a_box_that_stays() -> None:
    frames = boxes([20] * 5, [20] * 5)
    frames[2].finder[10:30, 18:32] = 4
    assert not masks(run([frames])[0])[2][:, [18, 19, 30, 31]].any()


def test_what_stays_may_come_slowly() -> None:
    frames, looked = run([clip(STARTS)])
    assert sorted(looked) == [0, 4, 8, 12]
    assert [frame.segmenter[15, 25] for frame in frames] == [-4] * 5 + [-2, 0, 2] + [4] * 5


def test_what_stays_is_not_lost_with_one_key_frame() -> None:
    for missing in range(13):
        starts = [None if number == missing else 20 for number in range(13)]
        frames, looked = run([clip(starts)])
        assert sorted(looked) == [0, 4, 8, 12]
        lost = [frame.number for frame in frames if not (frame.segmenter[10:30, 20:30] > 0).all()]
        # At the ends of a scene there is no median.
        assert lost == {0: [0, 1, 2], 12: [10, 11, 12]}.get(missing, [])
    frames, _ = run([clip([20 if number == 4 else None for number in range(9)])])
    assert not any((frame.segmenter > 0).any() for frame in frames)


def test_what_is_there_for_a_single_frame_is_looked_at() -> None:
    scene = clip([None, None, 20, None, None, None, None])
    scene[2].brief = True
    frames, looked = run([scene])
    assert sorted(looked) == [0, 2, 4, 6]
    assert [bool((frame.segmenter > 0).any()) for frame in frames] == [False, False, True] + [False] * 4


def test_scenes_do_not_agree_with_each_other() -> None:
    """What hid the one says nothing of the other."""
    frames, looked = run([clip([10] * 6), clip([None] * 6, 6)])
    assert sorted(looked) == [0, 4, 5, 6, 10, 11]
    assert [bool((frame.segmenter > 0).any()) for frame in frames] == [True] * 6 + [False] * 6


def test_between_two_that_agree_lies_what_lies_between_their_logits() -> None:
    for kinds, wanted in (((DROPS, DIRT), [-8, -7, -6, -5, -4]), ((BOXES, BOXES), [-8, -4, -4, -4, -4])):
        first, second = Picture(0, logits(8, -8.0), kinds[0]), Picture(4, logits(8, -4.0), kinds[1])
        frames, looked = run([[first, *clip([0, 0, 0], 1), second]])
        assert sorted(looked) == [0, 4]
        assert [frame.kinds[0, 0] for frame in frames] == [kinds[0]] * 3 + [kinds[1]] * 2
        assert [frame.segmenter[0, 0] for frame in frames] == wanted  # of boxes the greater


def test_a_long_scene_is_not_held() -> None:
    """Key frames whose median was taken are forgotten."""
    alive: list[weakref.ref[np.ndarray]] = []

    def stretches() -> Iterator[Stretch[Picture]]:
        for at in range(0, 200, 4):
            frames = clip([3] * 4, at)

            def look(indices: Sequence[int], frames: list[Picture] = frames) -> None:
                for index in indices:
                    frames[index].segmenter, frames[index].kinds = logits(3), np.full(SIZE, DIRT, np.uint8)
                    alive.append(weakref.ref(frames[index].segmenter))

            yield Stretch(frames, look, lambda index: False, at == 196)

    most = 0
    for _ in between_keyframes(stretches()):
        most = max(most, sum(logit() is not None for logit in alive))
    assert len(alive) == 51 and most <= 4


def test_a_few_pixels_are_no_difference() -> None:
    few = int(HIGH_SHARE * 240 * 320)
    first, second = (Picture(0, np.zeros(0)) for _ in range(2))
    for picture in (first, second):
        picture.segmenter = np.full((240, 320), -3.0, np.float32)
        picture.kinds = np.full((240, 320), BOXES, np.uint8)
        picture.finder = np.full((240, 320), -3.0, np.float32)
    second.segmenter.flat[:few] = 4
    assert agree(first, second)
    second.segmenter.flat[: few + 1] = 4
    assert not agree(first, second)
    second.segmenter.flat[: few + 1] = 2  # uncertain
    assert agree(first, second)
    second.segmenter.flat[: few + 1] = 4
    first.segmenter[100:200, 100:200] = second.segmenter[100:200, 100:200] = 4
    assert agree(first, second)
    second.segmenter[100:200, 100:122] = -3
    assert not agree(first, second)
    second.kinds[:] = first.kinds[:] = DIRT
    assert agree(first, second)
