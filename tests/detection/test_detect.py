from collections.abc import Iterable

import numpy as np
import pytest

from restore.detection.detect import detect, detect_clip
from restore.frame import HIDDEN, Frame
from restore.kinds import BOXES, KINDS
from restore.models.finder import OcclusionFinder
from restore.models.segmenter import Segmenter
from tests.detection.networks import AFTER, BEFORE, constant_finder, random_segmenter, white_segmenter
from tests.propagation.footage import at_rest, box, pan
from tests.test_pipeline import white_finder

H, W = 48, 64
TEXT = KINDS.index("text")


def detected(
    clip: Iterable[np.ndarray], segmenter: Segmenter | None, finder: OcclusionFinder | None = None
) -> list[Frame]:
    """All that is detected, proven or not; by default with a finder that finds nothing."""
    finder = finder or constant_finder(-20)
    frames = map(Frame, clip)
    return list(detect(frames, finder, to_device=lambda x: x, segmenter=segmenter, remove=KINDS, suspects=True))


def stacked(frames: Iterable[Frame], what: str) -> np.ndarray:
    """One attribute of all frames, `T H W`."""
    return np.stack([getattr(frame, what) for frame in frames])


def dark(count: int) -> np.ndarray:
    """A clip of a static camera, far from white."""
    return at_rest(count, H, W) // 2


@pytest.mark.parametrize("count", [1, 2, 4, 9])
@pytest.mark.parametrize("segmenter", [None, random_segmenter()])
def test_each_record_comes_back_filled_in_in_order(count: int, segmenter: Segmenter | None) -> None:
    records = [Frame(image, pts=index) for index, image in enumerate(pan(count, (1, 2), height=38, width=50, seed=0))]
    results = list(detect(iter(records), constant_finder(-20), to_device=lambda x: x, segmenter=segmenter))
    assert len(results) == count
    for record, result in zip(records, results, strict=True):
        assert result is record and result.scene == 0 and "hidden" not in vars(result)
        for plane in (result.mask, result.probability):
            assert plane is not None and plane.shape == (38, 50) and plane.dtype == np.float32
            assert plane.min() >= 0 and plane.max() <= 1
        if segmenter is None:
            assert result.kinds is None
        else:
            assert result.kinds is not None and result.kinds.shape == (38, 50) and result.kinds.max() < len(KINDS)


def test_a_clip_in_memory_is_detected_as_a_stream_is() -> None:
    clip = pan(6, (1, 2), H, W)
    parts = {"to_device": lambda x: x, "segmenter": random_segmenter()}
    whole, stream = detect_clip(clip, white_finder(), **parts), detect(map(Frame, clip), white_finder(), **parts)
    for one, other in zip(whole, stream, strict=True):
        assert np.array_equal(one.mask, other.mask) and np.array_equal(one.kinds, other.kinds)
        assert one.scene == other.scene


@pytest.mark.parametrize("count", [1, 3, 6])  # frames of the first scene: the cut lies in or between batches
def test_a_scene_does_not_depend_on_another(count: int) -> None:
    first, other, second = (pan(5, (1, 2), height=38, width=50, seed=seed) for seed in range(3))
    a, b = (detected([*scene[:1].repeat(count, 0), *second], random_segmenter()) for scene in (first, other))
    assert [frame.scene for frame in a] == [0] * count + [1] * 5
    assert np.array_equal(stacked(a[count:], "probability"), stacked(b[count:], "probability"))
    assert not np.array_equal(a[0].probability, b[0].probability)


def test_change_is_measured_up_to_three_frames_after_a_batch() -> None:
    clip = pan(9, (1, 2), height=38, width=50, seed=0)
    usual = detected(clip, random_segmenter())
    for at, matters in ((6, True), (7, False)):
        other = clip.copy()
        other[at, 10:20, 10:20] += 64
        changed = detected(other, random_segmenter())
        assert {frame.scene for frame in changed} == {0}
        assert np.array_equal(changed[0].probability, usual[0].probability) != matters


def test_a_scene_ends_by_what_is_not_behind_boxes() -> None:
    clip = dark(8)
    clip[3:6, :, 12:] = 255
    assert {frame.scene for frame in detected(clip, white_segmenter("text"), white_finder())} == {0}
    assert {frame.scene for frame in detected(clip, None, white_finder())} == {0}
    assert len({frame.scene for frame in detected(clip, None)}) > 1  # a box that is not found looks like a cut


def test_large_pictures_are_segmented_at_the_size_that_the_network_knows() -> None:
    """A picture with each pixel doubled holds the same obstructions at twice the size."""
    clip = pan(3, (0, 0), height=242, width=244, seed=1)
    large = clip.repeat(2, 1).repeat(2, 2)[:, :-1]  # odd: the last row is half a cell
    for small, big in zip(detected(clip, random_segmenter()), detected(large, random_segmenter()), strict=True):
        assert small.probability is not None and big.probability is not None and big.probability.shape == (483, 488)
        centres = np.s_[1:-1]
        means = big.probability[:482].reshape(241, 2, 244, 2).mean((1, 3))
        assert np.abs(means[centres, centres] - small.probability[:241][centres, centres]).max() < 0.1
        assert small.kinds is not None and big.kinds is not None
        assert np.array_equal(big.kinds[::2, ::2], small.kinds)


@pytest.mark.parametrize("size", [(38, 50), (483, 484)])
def test_both_networks_count(size: tuple[int, int]) -> None:
    clip = pan(3, (1, 2), height=size[0], width=size[1], seed=0)
    alone, both = (detected(clip, random_segmenter(), constant_finder(logit)) for logit in (-20.0, 20.0))
    assert stacked(alone, "probability").shape == (3, *size)
    assert stacked(alone, "probability").max() < 0.9 and stacked(both, "probability").min() > 0.99


def test_a_persistent_kind_does_not_flicker() -> None:
    clip = dark(17)
    clip[:, 10:20, 20:40] = 255
    clip[[3, 8, 13], 10:20, 20:40] = 20  # in a frame that the segmenter need not look at, in a key frame, in the next
    clip[4, 30:40, 20:40] = 255  # in a key frame alone
    hidden = stacked(detected(clip, white_segmenter("text")), "probability") > 0.5
    assert hidden[:, 10:20, 20:40].all() and hidden.sum() == 17 * 200
    flickers = stacked(detected(clip, white_segmenter("boxes")), "probability") > 0.5
    assert np.array_equal(flickers, clip[..., 0] == 255)


def test_a_speck_of_one_frame_is_no_persistent_kind() -> None:
    clip = dark(5)
    clip[2, 10:20, 20:40] = 255
    assert not (stacked(detected(clip, white_segmenter("drops")), "probability") > 0.5).any()
    assert (stacked(detected(clip, white_segmenter("leaves")), "probability") > 0.5)[2, 10:20, 20:40].all()


def test_a_box_that_the_finder_sees_in_one_frame_passes_the_median() -> None:
    segmenter = random_segmenter()
    assert segmenter.unet.tail.bias is not None
    segmenter.unet.tail.bias.data[28:] += 50  # all is text, which is persistent
    clip = np.zeros((5, 16, 16, 3), np.uint8)
    clip[2] = 255
    lowest = [
        frame.probability.min() for frame in detected(clip, segmenter, white_finder()) if frame.probability is not None
    ]
    assert lowest[2] > 0.9 and max(lowest[1], lowest[3]) < 0.5


@pytest.mark.parametrize("traces", [BEFORE, AFTER])
def test_a_moving_box_leaves_no_trace(traces: slice) -> None:
    """The segmenter detects dirt where the box was a frame before, or will be a frame after."""
    hidden = box(8, H, W, (10, 2), step=(0, 9), side=8) > 0
    clip = np.where(hidden[..., None], np.uint8(255), dark(8))
    frames = detected(clip, white_segmenter("boxes", traces=traces), white_finder())
    assert np.array_equal(stacked(frames, "probability") > 0.5, hidden)
    assert (stacked(frames, "mask")[~hidden] < HIDDEN).all()
    # What the finder does not know leaves traces that nothing suppresses.
    traced = stacked(detected(clip, white_segmenter("boxes", traces=traces)), "probability") > 0.5
    assert (traced & ~hidden).any()


def test_regions_are_accepted_by_hysteresis() -> None:
    clip = dark(5)
    clip[:, 4:16, 4:16] = 250  # below the high threshold...
    clip[:, 8:12, 8:12] = 255  # ...with a part above it
    clip[:, 4:16, 20:24] = 250  # the same region, across a gap
    clip[:, 30:40, 44:60] = 250  # another, nowhere above
    clip[:, 40, 10] = 255  # a single pixel above
    wanted = np.zeros((H, W), bool)
    wanted[4:16, 4:16] = wanted[4:16, 20:24] = True
    for frame in detected(clip, white_segmenter("text")):
        assert frame.probability is not None and np.array_equal(frame.probability > 0.5, wanted)
        assert frame.probability[~wanted].max() < HIDDEN


@pytest.mark.parametrize(("kind", "rim"), [("text", 1), ("boxes", 0)])
def test_the_mask_is_the_probability_dilated_for_soft_kinds(kind: str, rim: int) -> None:
    clip = dark(4)
    clip[:, 10:20, 20:40] = 255
    for frame in detected(clip, white_segmenter(kind)):
        rows, columns = np.nonzero(frame.mask > 0.5)
        assert (rows.min(), rows.max(), columns.min(), columns.max()) == (10 - rim, 19 + rim, 20 - rim, 39 + rim)
        assert frame.probability is not None and np.array_equal(frame.probability > 0.5, clip[0, ..., 0] == 255)
        assert frame.kinds is not None and (frame.kinds[10:20, 20:40] == KINDS.index(kind)).all()


def test_a_box_that_the_finder_alone_sees_is_a_box() -> None:
    clip = dark(4)
    frames = detected(clip, white_segmenter("text"), constant_finder(20))
    assert not (stacked(frames, "probability") > 0.5).any()  # the segmenter is certain that nothing is there
    clip[:, 10:20, 20:40] = 247  # the segmenter's logit is -2.5
    for frame in detected(clip, white_segmenter("text"), constant_finder(13)):
        assert frame.kinds is not None and frame.probability is not None
        assert (frame.kinds[10:20, 20:40] == BOXES).all() and (frame.kinds[30:] == TEXT).all()
        assert (frame.probability[10:20, 20:40] > 0.5).all() and (frame.probability[30:] < 0.5).all()
