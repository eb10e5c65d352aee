import numpy as np
import pytest
import torch
from torchvision.ops import masks_to_boxes

from restore.degradations.obstructions.draw import obstruct
from restore.detection.instances import SMALLEST_INSTANCE, Instance, instances
from restore.kinds import KINDS

H, W = 120, 160


def frame(*spots: tuple[str, int, int, int, int], size: tuple[int, int] = (H, W)) -> tuple[np.ndarray, np.ndarray]:
    """Probability and kinds of a frame with spots: (kind, left, top, right, bottom)."""
    probability, kinds = np.zeros(size, np.float32), np.zeros(size, np.uint8)
    for kind, left, top, right, bottom in spots:
        probability[top:bottom, left:right] = 1
        kinds[top:bottom, left:right] = KINDS.index(kind)
    return probability, kinds


def obstructed(kind: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Probability and kinds of a frame as they truly are, at 320x240."""
    bad = obstruct(torch.zeros(1, 1, 3, 240, 320), generator=torch.Generator().manual_seed(seed), kinds=[kind])
    return bad.mask[0, 0, 0].numpy(), bad.kinds[0, 0].argmax(0).to(torch.uint8).numpy()


def painted(found: list[Instance], size: tuple[int, int]) -> np.ndarray:
    """The masks in their frames, bool `N H W`."""
    masks = np.zeros((len(found), *size), bool)
    for mask, instance in zip(masks, found, strict=True):
        left, top, right, bottom = instance.box
        mask[top:bottom, left:right] = instance.mask
    return masks


def test_nothing_hidden_no_instance() -> None:
    assert instances(*frame()) == []
    probability, kinds = frame(("dirt", 10, 10, 60, 60))
    assert instances(0.5 * probability, kinds) == []


def test_a_spot_is_an_instance() -> None:
    probability, kinds = frame(("drops", 20, 30, 60, 50))
    probability[30:50, 20:40] = 0.75
    [found] = instances(probability, kinds)
    assert (found.kind, found.box, found.share) == ("drops", (20, 30, 60, 50), 800 / (H * W))
    assert found.score == pytest.approx(0.875) and found.mask.shape == (20, 40) and found.mask.all()


def test_two_kinds_side_by_side_are_two() -> None:
    found = instances(*frame(("leaves", 20, 30, 60, 50), ("dirt", 60, 30, 90, 50)))
    assert [(x.kind, x.box) for x in found] == [("leaves", (20, 30, 60, 50)), ("dirt", (60, 30, 90, 50))]


@pytest.mark.parametrize(("size", "gap"), [((240, 320), 6), ((720, 960), 18)])
@pytest.mark.parametrize("beyond", [0, 1])
def test_parts_of_one_kind_are_one_up_to_some_pixels_apart(size: tuple[int, int], gap: int, beyond: int) -> None:
    apart = gap + beyond
    aside = frame(("text", 20, 50, 100, 90), ("text", 100 + apart, 50, 160, 90), size=size)
    below = frame(("text", 20, 50, 100, 90), ("text", 20, 90 + apart, 100, 150), size=size)
    assert len(instances(*aside)) == len(instances(*below)) == 1 + beyond


def test_what_lies_between_two_parts_does_not_part_them_and_stays_itself() -> None:
    spots = ("leaves", 20, 30, 60, 50), ("text", 36, 30, 38, 50), ("drops", 100, 30, 120, 50)
    found = instances(*frame(*spots, size=(240, 320)))
    assert [(x.kind, x.box) for x in found] == [("leaves", (20, 30, 60, 50)), ("drops", (100, 30, 120, 50))]
    assert not found[0].mask[:, 16:18].any()  # too narrow to be an instance, and none of the leaf's pixels


def test_what_is_tiny_is_none() -> None:
    side = int(np.sqrt(SMALLEST_INSTANCE * H * W))
    assert instances(*frame(("dirt", 50, 50, 50 + side, 50 + side))) == []
    assert len(instances(*frame(("dirt", 50, 50, 51 + side, 51 + side)))) == 1


@pytest.mark.parametrize("seed", range(6))
def test_the_lines_of_a_text_not_its_letters(seed: int) -> None:
    found = instances(*obstructed("text", seed))
    assert 1 <= len(found) <= 4  # a clock, a name, a logo, a banner


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["dirt", "scratches"])
def test_splashes_are_one_dirt_and_scratches_and_dust_are_one_damage(kind: str, seed: int) -> None:
    assert len(instances(*obstructed(kind, seed))) == 1


@pytest.mark.parametrize("seed", range(6))
def test_the_boughs_not_their_leaves(seed: int) -> None:
    assert 1 <= len(instances(*obstructed("leaves", seed))) <= 3


@pytest.mark.parametrize("kind", KINDS)
def test_boxes_are_tight_and_masks_part_what_is_hidden(kind: str) -> None:
    for seed in range(3):
        probability, kinds = obstructed(kind, seed)
        found = instances(probability, kinds)
        if not found:
            assert probability.mean() < 0.01
            continue
        masks = painted(found, probability.shape)
        boxes = masks_to_boxes(torch.from_numpy(masks)) + torch.tensor([0, 0, 1, 1])  # its right and bottom lie inside
        assert [x.box for x in found] == [tuple(box) for box in boxes.int().tolist()]
        assert masks.sum(0).max() == 1 and not masks[:, probability <= 0.5].any()
        assert [x.share for x in found] == sorted((float(mask.mean()) for mask in masks), reverse=True)
        assert (probability > 0.5).mean() - masks.any(0).mean() < 0.03  # drops of rain are too small to count each


def test_the_whole_frame_may_be_hidden() -> None:
    [found] = instances(*frame(("flare", 0, 0, W, H)))
    assert found.box == (0, 0, W, H) and found.share == 1


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (3, 2)])
def test_frames_of_any_size(size: tuple[int, int]) -> None:
    [found] = instances(*frame(("boxes", 0, 0, size[1], size[0]), size=size))
    assert found.box == (0, 0, size[1], size[0])


@pytest.mark.parametrize("block", [1, 3, 8, 12])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.9])
def test_noise_has_room_for_few(block: int, share: float) -> None:
    rng = np.random.default_rng(0)
    coarse = -(-240 // block), -(-320 // block)
    probability, kinds = (
        np.kron(values, np.ones((block, block), np.uint8))[:240, :320]
        for values in (rng.random(coarse) < share, rng.integers(0, len(KINDS), coarse, np.uint8))
    )
    assert len(instances(probability.astype(np.float32), kinds)) <= 1 / SMALLEST_INSTANCE


def test_shapes_that_differ() -> None:
    with pytest.raises(ValueError, match=r"must be of one shape, got \(4, 5\) and \(4, 6\)"):
        instances(np.zeros((4, 5), np.float32), np.zeros((4, 6), np.uint8))
