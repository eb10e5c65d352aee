"""Training learns from, and validation measures, exactly what the restorer does: to the bit."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from restore.frame import Frame
from restore.models.generator import GatedGenerator
from restore.models.pix2pix import Pix2PixUNet
from restore.models.segmenter import Segmenter
from restore.pipeline import Restorer
from restore.propagation.evidence import to_tensor
from restore.tensors import to_float
from restore.training.in_use import detected, evidence_of, given, restored
from restore.training.prepare import propagated_pairs
from tests.networks import WHITE, Recorder, white_finder, with_suspects
from tests.propagation.footage import at_rest, box, noisy, pan, texture

FRAMES, HEIGHT, WIDTH = 12, 48, 64


def random_segmenter() -> Segmenter:
    """One that finds something else in every frame."""
    torch.manual_seed(0)
    segmenter = Segmenter(widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,))
    segmenter.unet.tail.reset_parameters()
    for weight in segmenter.unet.tail.parameters():
        weight.data *= 20
    return segmenter.eval()


def drift() -> np.ndarray:
    """A quarter of a pixel a frame."""
    big = pan(FRAMES, (1, 1), 4 * HEIGHT, 4 * WIDTH)
    return np.stack([cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA) for image in big])


def cut() -> np.ndarray:
    return np.concatenate([at_rest(FRAMES // 2), pan(FRAMES // 2, (1, 2), HEIGHT, WIDTH, seed=5)])


def object_motion() -> np.ndarray:
    """A static camera, and a thing that moves behind what hides the scene."""
    clip = at_rest(FRAMES)
    for t in range(FRAMES):
        clip[t, 16:26, 4 * t : 4 * t + 12] = texture(10, 12, seed=3)[:, : WIDTH - 4 * t]
    return clip


SCENES: dict[str, Callable[[], np.ndarray]] = {
    "static camera": object_motion,
    "drift": drift,
    "pan": lambda: pan(FRAMES, (1, 2), HEIGHT, WIDTH),
    "cut": cut,
}


def clip_of(scene: str) -> tuple[np.ndarray, np.ndarray]:
    """A degraded clip uint8 `T H W 3` and what hides it, `T H W`: a box that rests, and one that moves."""
    mask = np.maximum(
        box(FRAMES, HEIGHT, WIDTH, (12, 20), side=14), box(FRAMES, HEIGHT, WIDTH, (30, 2), step=(0, 4), side=10)
    )
    mask[:2, 12:26, 20:34] = 0  # what the box hides was seen before it came
    clip = noisy(SCENES[scene]() // 2 + 32, 5)
    return np.where(mask[..., None] > 0, np.uint8(WHITE), clip), mask


@pytest.fixture
def accelerator() -> Accelerator:
    AcceleratorState._reset_state(reset_partial_state=True)
    return Accelerator(cpu=True, mixed_precision="no")


def assert_as_in_use(
    images: np.ndarray, frames: list[Frame], restorer: Restorer, masks: np.ndarray | None, accelerator: Accelerator
) -> None:
    """Masks, evidence and restored frames are the restorer's."""
    assert isinstance(restorer.generator, Recorder)
    in_use = restorer.restore_frames(images, masks) if masks is not None else with_suspects(restorer, images)
    wanted = list(in_use)
    evidence = torch.stack(restorer.generator.evidence)
    clean = to_float(images)[None]
    pairs = propagated_pairs(clean, clean[:, :, :1], [frames], picked=[range(len(frames))])
    for frame, restoration in zip(frames, wanted, strict=True):
        assert frame.mask is not None and np.array_equal(frame.mask, restoration.frame.mask)
    assert torch.equal(pairs.evidence, evidence)
    got = restored(restorer.generator, frames, pairs.evidence, accelerator)
    assert np.array_equal(got, [restoration.image for restoration in wanted])


@pytest.mark.parametrize("scene", SCENES)
def test_given_masks(scene: str, accelerator: Accelerator) -> None:
    images, mask = clip_of(scene)
    restorer = Restorer(Recorder(), white_finder(), device="cpu", precision="float32")
    assert_as_in_use(images, given(images, mask), restorer, mask, accelerator)


@pytest.mark.parametrize("segmenter", [None, random_segmenter()], ids=["finder", "finder and segmenter"])
@pytest.mark.parametrize("scene", SCENES)
def test_detected_masks(scene: str, segmenter: Segmenter | None, accelerator: Accelerator) -> None:
    images, mask = clip_of(scene)
    restorer = Restorer(Recorder(), white_finder(), segmenter=segmenter, device="cpu", precision="float32")
    frames = detected(images, restorer.finder, segmenter)
    assert_as_in_use(images, frames, restorer, None, accelerator)
    found = np.stack([frame.hidden for frame in frames])
    assert found[mask > 0].mean() > (0.9 if segmenter is None else 0.3)


def test_a_gated_generator(accelerator: Accelerator) -> None:
    images, mask = clip_of("pan")
    torch.manual_seed(0)
    generator = GatedGenerator(widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,)).eval()
    generator.unet.tail.reset_parameters()
    wanted = Restorer(generator, white_finder(), device="cpu", precision="float32").restore_frames(images, mask)
    frames = given(images, mask)
    stacks = to_tensor(np.stack([evidence.stack() for evidence in evidence_of(frames)]))
    got = restored(generator, frames, stacks, accelerator)
    assert np.array_equal(got, [frame.image for frame in wanted]) and not np.array_equal(got, images)


def test_the_clips_need_what_they_are_to_show(accelerator: Accelerator) -> None:
    """A background, a filter, a cut: without them, the clips above would come out otherwise."""
    images, mask = clip_of("static camera")
    frames = given(images, mask)
    found = evidence_of(frames)
    seen_before = found[-1].past.count[14:24, 22:32]
    assert (seen_before > 0).all()  # behind the box, from its first two frames on
    stacks = to_tensor(np.stack([evidence.stack() for evidence in found]))
    recorder = Recorder()
    unfiltered = np.stack(
        [restored(recorder, [frame], stack[None], accelerator)[0] for frame, stack in zip(frames, stacks, strict=True)]
    )
    filtered = restored(recorder, frames, stacks, accelerator)
    hidden = mask > 0
    assert (filtered != unfiltered)[hidden].mean() > 0.1
    assert np.array_equal(filtered[~hidden], unfiltered[~hidden])


def test_scenes_are_numbered() -> None:
    nothing = np.zeros((FRAMES, HEIGHT, WIDTH), np.float32)
    for clip, wanted in ((cut(), [0] * 6 + [1] * 6), (drift(), [0] * 12)):
        assert [frame.scene for frame in given(clip, nothing)] == wanted


def test_the_classic_is_not_filtered(accelerator: Accelerator) -> None:
    images, mask = clip_of("pan")
    torch.manual_seed(0)
    classic = Pix2PixUNet(width=4, depth=4).eval()
    wanted = [
        frame.image
        for frame in Restorer(classic, white_finder(), device="cpu", precision="float32").restore_frames(images, mask)
    ]
    frames = given(images, mask)
    stacks = to_tensor(np.stack([evidence.stack() for evidence in evidence_of(frames)]))
    assert np.array_equal(restored(classic, frames, stacks, accelerator), wanted)
