from collections.abc import Iterable

import cv2
import numpy as np
import pytest

from restore.detection.proof import AFTER, BEFORE, prove
from restore.frame import Frame
from restore.kinds import KINDS, REMOVED
from tests.propagation.footage import at_rest, noisy, pan

H, W = 120, 160
BOX = np.s_[40:80, 50:110]
PATCH = np.s_[50:64, 70:90]


def footage(count: int = 20, step: int = 3) -> np.ndarray:
    """A camera that pans over a texture of little contrast, or with a step of 0 stands still."""
    return (pan(count, (0, step), H, W) if step else at_rest(count, H, W)) // 4 + 96


def proved(
    clip: np.ndarray, masks: np.ndarray, kind: str, scenes: Iterable[int] | None = None, **options: object
) -> list[Frame]:
    """The frames of a clip in which `masks`, `T H W`, were detected to be of one kind."""
    kinds = np.full(clip.shape[1:3], KINDS.index(kind), np.uint8)
    frames = [
        Frame(image, probability=mask.astype(np.float32), kinds=kinds, scene=scene)
        for image, mask, scene in zip(clip, masks, scenes or [0] * len(clip), strict=True)
    ]
    results = list(prove(iter(frames), **options))  # type: ignore[arg-type]
    assert all(result is frame for result, frame in zip(results, frames, strict=True))
    return results


def covering(clip: np.ndarray, part: tuple[slice, slice], what: np.ndarray | int) -> tuple[np.ndarray, np.ndarray]:
    """The clip with something before the same part of all frames, and the mask of it."""
    clip, masks = clip.copy(), np.zeros(clip.shape[:3], bool)
    clip[:, *part], masks[:, *part] = what, True
    return clip, masks


def shares(frames: list[Frame], part: tuple[slice, slice] | None = None) -> list[float]:
    """Of a part of each frame, how much is proven."""
    planes = [frame.proven for frame in frames if frame.proven is not None]
    return [float(plane[part or ...].mean()) for plane in planes]


def spots(seed: int = 5) -> np.ndarray:
    """Something with edges of its own, as large as `PATCH`."""
    return np.random.default_rng(seed).integers(0, 2, (7, 10, 1), np.uint8).repeat(2, 0).repeat(2, 1).repeat(3, 2) * 255


def on_lens(clip: np.ndarray, sway: float = 0.0, sigma: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    """The clip with `spots` before `PATCH`, as out of focus as a lens is, and their mask; they sway by some px."""
    layer = np.zeros((H, W, 4), np.float32)
    layer[PATCH] = np.concatenate([spots(), np.full((14, 20, 1), 255)], 2)
    layer = cv2.GaussianBlur(layer, (0, 0), sigma) / 255
    seen, masks = covering(clip, PATCH, 0)
    for t, scene in enumerate(clip):
        shift = np.array([[1, 0, sway * np.sin(t / 3)], [0, 1, 0]])
        moved = cv2.warpAffine(layer, shift, (W, H))
        seen[t] = scene * (1 - moved[..., 3:]) + 255 * moved[..., :3] * moved[..., 3:]
    return seen, masks


@pytest.mark.parametrize("sigma", [0, 15])
@pytest.mark.parametrize("step", [0, 3])
def test_a_flat_box_is_proven_before_any_scene(step: int, sigma: float) -> None:
    clip, masks = covering(footage(3, step), BOX, 200)
    frames = proved(noisy(clip, sigma), masks, "boxes")
    for frame in frames:
        assert np.array_equal(frame.proven, masks[0]) and np.array_equal(frame.mask, masks[0])
        assert frame.suspected is not None and not frame.suspected.any()


@pytest.mark.parametrize(("scene", "box", "proven"), [(2, 2, 0), (2, -2, 1), (2, 0, 1), (0, 2, 1), (0, 0, 1)])
def test_a_flat_wall_that_moves_as_the_scene_does_is_suspected(scene: int, box: int, proven: int) -> None:
    clip, masks = footage(14, scene), np.zeros((14, H, W), bool)
    for t in range(14):
        part = np.s_[40:80, 60 - box * t : 110 - box * t]
        clip[t][part], masks[t][part] = 180, True
    for sigma in (0, 5):
        assert shares(proved(noisy(clip, sigma), masks, "boxes")) == [proven * 40 * 50 / (H * W)] * 14


def test_what_is_detected_as_a_box_and_is_no_box_stays() -> None:
    rows, columns = np.mgrid[:H, :W]
    round_ = (rows - 60) ** 2 + (columns - 80) ** 2 < 25**2
    small = np.zeros((H, W), bool)
    small[40:52, 50:64] = True  # 0.9 % of the frame
    square = np.zeros((H, W), bool)
    square[BOX] = True
    slope = np.broadcast_to(100 + columns, (H, W))
    for mask, what in ((round_, 128), (small, 128), (square, 5), (square, 250), (square, slope)):
        clip = footage(3, 0)
        clip[:, mask] = np.broadcast_to(what, (H, W))[mask][:, None]
        frames = proved(clip, mask[None].repeat(3, 0), "boxes")
        assert not any(frame.hidden.any() for frame in frames)
        assert all(np.array_equal(frame.suspected, mask) for frame in frames)


def test_a_box_without_hard_edges_is_no_box() -> None:
    """A part of something flat that is larger."""
    clip, masks = covering(footage(3, 0), np.s_[20:100, 20:140], 128)
    masks[:] = False
    masks[:, 40:80, 50:110] = True
    for sigma in (5, 20):
        assert not any(frame.hidden.any() for frame in proved(noisy(clip, sigma), masks, "boxes"))
    assert shares(proved(clip, np.ones_like(masks), "boxes")) == [0, 0, 0]  # nothing is around it


def test_a_box_is_proven_with_something_before_a_part_of_it() -> None:
    clip, masks = covering(footage(3), BOX, 128)
    clip[:, 45:55, 60:100] = footage(3)[:, :10, :40]
    assert shares(proved(clip, masks, "boxes"), BOX) == [1, 1, 1]


def test_all_boxes_are_measured_where_kinds_are_unknown() -> None:
    clip, masks = covering(footage(3), BOX, 128)
    masks[:, PATCH[0], 5:25] = True
    frames = [
        Frame(image, probability=mask.astype(np.float32), scene=0) for image, mask in zip(clip, masks, strict=True)
    ]
    for frame in prove(frames):
        assert frame.proven is not None and frame.proven[BOX].all() and frame.proven.sum() == 40 * 60
        assert frame.suspected is not None and frame.suspected.sum() == 14 * 20


@pytest.mark.parametrize("kind", ["dirt", "drops", "leaves", "flare"])
def test_what_stands_still_on_the_sensor_before_a_moving_scene_is_proven(kind: str) -> None:
    clip, masks = on_lens(footage())
    for sigma in (0, 5):
        assert shares(proved(noisy(clip, sigma), masks, kind), PATCH)[6:] == [1] * 14


def test_what_is_as_sharp_as_a_logo_is_suspected() -> None:
    for sigma, proven in ((1.5, 14), (0.01, 0), (0.5, 0)):
        clip, masks = on_lens(footage(), sigma=sigma)
        assert sum(shares(proved(clip, masks, "drops"), PATCH)[6:]) == proven


def test_what_stands_still_in_a_still_scene_is_suspected() -> None:
    clip, masks = on_lens(footage(step=0))
    frames = proved(noisy(clip, 5), masks, "dirt")
    assert sum(shares(frames)) == 0
    for frame in frames:
        assert frame.suspected is not None and frame.suspected[PATCH].all()
        assert frame.suspected.sum() == 16 * 22 - 4  # with its soft rim, as its mask would be


def test_what_stands_still_before_a_still_camera_is_suspected_whatever_passes_close_by() -> None:
    """A lane mark between cars."""
    clip, masks = on_lens(footage(step=0))
    for lane in (np.s_[32:48], np.s_[66:82]):
        clip[:, lane] = pan(20, (0, 6), H, W)[:, lane]
    assert sum(shares(proved(clip, masks, "dirt"))) == 0
    clip, _ = on_lens(footage(20, 6))
    assert shares(proved(clip, masks, "dirt"), PATCH)[6:] == [1] * 14


def test_what_a_camera_follows_is_suspected() -> None:
    """It stands nearly still: a hand-held camera is off by a pixel or two."""
    for sway, proven in ((0, 14), (1.5, 0)):
        clip, masks = on_lens(footage(20, 6), sway)
        assert sum(shares(proved(clip, masks, "dirt"), PATCH)[6:]) == proven


def test_letters_of_burnt_in_text_that_are_taken_for_drops_are_suspected() -> None:
    clip, masks = on_lens(footage())
    kinds = np.full((H, W), KINDS.index("drops"), np.uint8)
    kinds[:, 80:] = KINDS.index("text")  # half of the patch
    for with_text in (True, False):
        frames = [
            Frame(image, probability=mask.astype(np.float32), kinds=kinds if with_text else kinds * 0 + 3, scene=0)
            for image, mask in zip(clip, masks, strict=True)
        ]
        assert shares(list(prove(frames)), PATCH)[10] == (0 if with_text else 1)


def test_the_proof_of_a_box_is_none_of_another_kind() -> None:
    clip, masks = covering(footage(6, 0), BOX, 128)
    kinds = [np.full((H, W), KINDS.index("boxes" if t < 2 else "dirt"), np.uint8) for t in range(6)]
    frames = [
        Frame(image, probability=mask.astype(np.float32), kinds=kind, scene=0)
        for image, mask, kind in zip(clip, masks, kinds, strict=True)
    ]
    assert shares(list(prove(frames)), BOX) == [1, 1, 0, 0, 0, 0]


def test_what_moves_with_the_scene_is_suspected() -> None:
    clip, masks = footage(), np.zeros((20, H, W), bool)
    for t in range(20):
        clip[t, 50:64, 120 - 3 * t : 140 - 3 * t], masks[t, 50:64, 120 - 3 * t : 140 - 3 * t] = spots(), True
    assert sum(shares(proved(clip, masks, "dirt"))) == 0


def test_what_is_flat_stands_still_without_edges_and_proves_nothing() -> None:
    clip = np.full((20, H, W, 3), 100, np.uint8)
    clip, masks = covering(clip, PATCH, 101)
    assert sum(shares(proved(noisy(clip, 10), masks, "dirt"))) == 0


def test_a_scratch_of_one_frame_is_proven_and_one_that_stays_is_not() -> None:
    clip, masks = footage(9, 0), np.zeros((9, H, W), bool)
    clip[4, 20:100, 80:83], masks[4, 20:100, 80:83] = 255, True
    clip[:, 20:100, 120:123], masks[:, 20:100, 120:123] = 255, True
    frames = proved(clip, masks, "scratches")
    assert shares(frames, np.s_[20:100, 80:83]) == [0] * 4 + [1] + [0] * 4
    assert shares(frames, np.s_[20:100, 120:123]) == [0] * 9
    masks[0], clip[0, 20:100, 80:83] = masks[4], 255
    assert shares(proved(clip, masks, "scratches"))[0] == 0  # nothing comes before it


def test_what_was_proven_a_moment_ago_stays_proven() -> None:
    clip, masks = covering(footage(BEFORE + 5, 0), BOX, 128)
    clip[2:, *BOX] = np.arange(60, 180, 2)[:, None]  # no longer flat
    frames = proved(clip, masks, "boxes")
    assert shares(frames, BOX) == [1] * (BEFORE + 2) + [0] * 3


def test_nothing_is_compared_across_a_cut() -> None:
    clip, masks = on_lens(footage())
    clip[10:] = on_lens(footage()[10:, ::-1])[0]
    frames = proved(clip, masks, "dirt", [0] * 10 + [1] * 10)
    alone = proved(clip[10:], masks[10:], "dirt")
    assert shares(frames)[10:] == shares(alone)
    box, boxes = covering(footage(2, 0), BOX, 128)
    box[1, *BOX] = np.arange(60, 180, 2)[:, None]
    assert shares(proved(box, boxes, "boxes", [0, 1]), BOX) == [1, 0]
    assert shares(proved(box[::-1], boxes, "boxes", [0, 1]), BOX) == [0, 1]


def test_six_frames_are_read_ahead() -> None:
    clip, masks = covering(footage(), PATCH, spots())
    taken = []

    def frames() -> Iterable[Frame]:
        for image, mask in zip(clip, masks, strict=True):
            taken.append(image)
            yield Frame(image, probability=mask.astype(np.float32), kinds=np.full((H, W), 2, np.uint8), scene=0)

    next(iter(prove(frames())))
    assert len(taken) == AFTER + 1


def test_only_kinds_that_may_go_are_proven_or_suspected() -> None:
    clip, masks = covering(footage(), PATCH, spots())
    for frame in proved(clip, masks, "text"):
        assert frame.suspected is not None and not frame.hidden.any() and not frame.suspected.any()
    assert shares(proved(clip, masks, "text", remove=["text"]), PATCH)[10] == 1
    assert shares(proved(clip, masks, "dirt", remove=["text"]), PATCH)[10] == 0
    assert set(REMOVED) == set(KINDS) - {"text"}


def test_suspects_are_taken_if_that_is_asked_for() -> None:
    clip, masks = covering(footage(3, 0), PATCH, spots())
    for frame in proved(clip, masks, "dirt", suspects=True):
        assert np.array_equal(frame.proven, masks[0]) and frame.hidden.sum() == 16 * 22 - 4
        assert frame.suspected is not None and not frame.suspected.any()
    for frame in proved(clip, masks, "text", suspects=True):
        assert not frame.hidden.any()


@pytest.mark.parametrize("size", [(480, 640), (483, 645)])
def test_large_frames_are_measured_smaller_and_masked_to_the_pixel(size: tuple[int, int]) -> None:
    clip = pan(3, (0, 3), *size)
    clip, masks = covering(clip, np.s_[101:203, 201:301], 128)
    masks[:, 301:341, 401:441] = True  # nothing flat
    for frame in proved(clip, masks, "boxes"):
        assert frame.proven is not None and frame.suspected is not None
        assert np.array_equal(np.argwhere(frame.proven)[[0, -1]], [[101, 201], [202, 300]])
        assert frame.proven.sum() == 102 * 100 and frame.suspected.sum() == 40 * 40


def test_a_scratch_is_not_proven_where_all_is_sudden() -> None:
    clip, masks = footage(9, 0), np.zeros((9, H, W), bool)
    clip[4, 20:100, 80:83], masks[4, 20:100, 80:83] = 255, True
    clip[4, 20:100, 60:80] = clip[4, 20:100, 83:103] = 40  # something passes, and is gone in the next frame
    assert sum(shares(proved(clip, masks, "scratches"))) == 0


def test_the_tip_of_what_passes_is_no_scratch() -> None:
    clip, masks = footage(9, 0), np.zeros((9, H, W), bool)
    clip[4, 40:56, 60:72], masks[4, 40:56, 60:72] = 255, True
    assert sum(shares(proved(clip, masks, "scratches"))) > 0
    clip[4, 36:60, 72:120] = 255  # the rest of it, which is not detected
    assert sum(shares(proved(clip, masks, "scratches"))) == 0


def test_a_box_has_to_be_flat_wherever_it_stands_still() -> None:
    clip, masks = covering(footage(), PATCH, spots())
    assert sum(shares(proved(clip, masks, "boxes"))) == 0


def test_what_lies_between_the_samples_of_a_large_frame_is_suspected() -> None:
    clip, masks = pan(3, (0, 3), 480, 640), np.zeros((3, 480, 640), bool)
    masks[:, 101, 201] = True
    for frame in proved(clip, masks, "boxes"):
        assert not frame.hidden.any() and frame.suspected is not None and frame.suspected.sum() == 1


def test_specks_are_not_proven() -> None:
    clip, masks = footage(3, 0), np.zeros((3, H, W), bool)
    clip[1, 60:62, 80:83], masks[1, 60:62, 80:83] = 255, True  # 6 of 19,200 px
    clip[1, 20:24, 20:24], masks[1, 20:24, 20:24] = 255, True
    frames = proved(clip, masks, "scratches")
    assert shares(frames, np.s_[60:62, 80:83]) == [0, 0, 0] and shares(frames, np.s_[20:24, 20:24]) == [0, 1, 0]


def test_what_was_proven_does_not_prove_more_than_itself() -> None:
    clip, masks = covering(footage(2, 0), BOX, 200)
    masks[1, 10:110, 10:150] = True  # six times as large
    assert shares(proved(clip, masks, "boxes"), BOX) == [1, 0]
