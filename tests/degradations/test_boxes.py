import pytest
import torch
from torch import Tensor

from restore.degradations.boxes import MOTION_SHARES, draw_boxes, paint_mask
from restore.kinds import BOX_MOTIONS

T, H, W = 40, 48, 64


def drawn(kind: str, seed: int = 0, frames: int = T, **more: int) -> Tensor:
    return draw_boxes(
        kind=kind,
        frames=frames,
        height=H,
        width=W,
        count=3,
        sides=(0.15, 0.30),
        heavy_side=0.45,
        generator=torch.Generator().manual_seed(seed),
        **more,
    )


@pytest.mark.parametrize("kind", BOX_MOTIONS)
@pytest.mark.parametrize("seed", range(5))
def test_boxes_are_whole_pixels_inside_the_frame(kind: str, seed: int) -> None:
    boxes = drawn(kind, seed)
    assert torch.equal(boxes, boxes.floor())
    top, left, bottom, right = boxes.unbind(-1)
    assert (top >= 0).all() and (left >= 0).all() and (bottom <= H).all() and (right <= W).all()


@pytest.mark.parametrize("kind", ["static", "moving", "random"])
def test_sides_are_the_shares_asked_for(kind: str) -> None:
    boxes = torch.cat([drawn(kind, seed) for seed in range(30)])
    assert boxes.shape == (30 * T, 3, 4)
    rows, columns = (boxes[..., 2:] - boxes[..., :2]).unbind(-1)
    assert rows.min() == int(0.15 * H) and int(0.28 * H) <= rows.max() <= int(0.30 * H)
    assert columns.min() == int(0.15 * W) and int(0.28 * W) <= columns.max() <= int(0.30 * W)


def test_none_hides_nothing() -> None:
    assert drawn("none").shape == (T, 0, 4)
    assert not paint_mask(drawn("none"), H, W).any()


def test_static_boxes_stay() -> None:
    boxes = drawn("static")
    assert torch.equal(boxes, boxes[:1].expand_as(boxes))
    assert not torch.equal(boxes[:, 0], boxes[:, 1])


def test_heavy_is_one_box_that_stays() -> None:
    boxes = drawn("heavy")
    assert boxes.shape == (T, 1, 4) and torch.equal(boxes, boxes[:1].expand_as(boxes))
    assert (boxes[0, 0, 2:] - boxes[0, 0, :2]).tolist() == [int(0.45 * H), int(0.45 * W)]
    assert len({tuple(drawn("heavy", seed)[0, 0].tolist()) for seed in range(10)}) > 5


def test_random_boxes_are_drawn_for_every_frame() -> None:
    boxes = drawn("random")
    assert (boxes[1:] != boxes[:-1]).any(-1).any(-1).all()


@pytest.mark.parametrize("seed", range(8))
def test_moving_boxes_have_a_fixed_size_and_go_1_to_4_pixels_a_frame(seed: int) -> None:
    boxes = drawn("moving", seed)
    sizes = boxes[..., 2:] - boxes[..., :2]
    assert torch.equal(sizes, sizes[:1].expand_as(sizes))
    steps = boxes[1:, :, :2] - boxes[:-1, :, :2]
    assert steps.abs().max() <= 4
    for path in steps.flatten(1).T:  # each box, in rows and in columns
        speed = path.abs().mode().values
        assert 1 <= speed <= 4
        turns = path.abs() != speed  # a bounce within the frame shortens the step
        assert turns.sum() <= 1 + speed * T / (0.7 * H)
        assert (path.sign()[~turns].diff() != 0).sum() <= 1 + speed * T / (0.7 * H)


def test_moving_boxes_go_every_way_at_every_speed() -> None:
    first_steps = torch.cat([(boxes[1] - boxes[0])[:, :2] for boxes in (drawn("moving", s, 2) for s in range(60))])
    assert {-4.0, -3.0, -2.0, -1.0, 1.0, 2.0, 3.0, 4.0} <= set(first_steps.flatten().tolist())


@pytest.mark.parametrize("kind", ["static", "moving", "heavy"])
def test_a_clip_from_further_on_sees_the_same_boxes_further_on(kind: str) -> None:
    assert torch.equal(drawn(kind)[15:25], drawn(kind, frames=10, first=15))


@pytest.mark.parametrize("kind", BOX_MOTIONS[1:])
def test_the_seed_decides(kind: str) -> None:
    assert torch.equal(drawn(kind, 3), drawn(kind, 3))
    assert not torch.equal(drawn(kind, 3), drawn(kind, 4))


@pytest.mark.parametrize("kind", BOX_MOTIONS)
def test_a_frame_of_one_pixel(kind: str) -> None:
    boxes = draw_boxes(
        kind=kind,
        frames=3,
        height=1,
        width=1,
        count=2,
        sides=(0.15, 0.3),
        heavy_side=0.45,
        generator=torch.Generator().manual_seed(0),
    )
    assert (boxes[..., :2] >= -1).all() and torch.isfinite(boxes).all()
    assert paint_mask(boxes, 1, 1).shape == (3, 1, 1, 1)


def test_a_mask_is_painted_where_any_box_lies() -> None:
    boxes = torch.tensor(
        [[[1.0, 2.0, 3.0, 5.0], [2.0, 4.0, 4.0, 6.0]], [[-5.0, -5.0, 1.0, 1.0], [3.0, 7.0, 99.0, 99.0]]]
    )
    first, second = paint_mask(boxes, 5, 8)[:, 0].int().tolist()
    assert first == [
        [0, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 1, 1, 1, 0, 0, 0],
        [0, 0, 1, 1, 1, 1, 0, 0],
        [0, 0, 0, 0, 1, 1, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 0],
    ]
    assert second[0] == [1, 0, 0, 0, 0, 0, 0, 0] and second[4] == [0, 0, 0, 0, 0, 0, 0, 1]
    assert paint_mask(boxes.expand(4, 2, 2, 4), 5, 8).shape == (4, 2, 1, 5, 8)


def test_shares_of_kinds_are_probabilities() -> None:
    assert len(MOTION_SHARES) == len(BOX_MOTIONS) and sum(MOTION_SHARES) == pytest.approx(1) and min(MOTION_SHARES) > 0
