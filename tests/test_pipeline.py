from collections.abc import Iterator
from time import sleep
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from restore.memory_plan import MemoryPlan
from restore.models.finder import OcclusionFinder, triples
from restore.models.generator import GatedGenerator, UNetGenerator
from restore.models.noise_network import NoiseNetwork
from restore.models.pix2pix import Pix2PixUNet
from restore.pipeline import Restorer
from restore.propagation.batches import evidence_batches
from restore.propagation.noise_filter import averaged_frame, smoothed
from restore.tensors import to_float, to_uint8
from restore.training.in_use import Generated, evidence_of, given
from restore.training.prepare import propagated_pairs
from tests.models.test_noise_network import random_network
from tests.networks import WHITE, Recorder, white_finder, with_suspects
from tests.propagation.footage import at_rest, box, noisy, pan, texture

TINY: dict[str, Any] = {"widths": [8, 8], "blocks": [1, 1], "decoder_blocks": [1]}


def restorer(generator: nn.Module | None = None) -> Restorer:
    """An untrained generator returns its base: what was seen, copied and averaged."""
    return Restorer(generator or UNetGenerator(**TINY), white_finder(), device="cpu", precision="float32")


def restored(clip: np.ndarray, mask: np.ndarray | None = None, using: Restorer | None = None) -> np.ndarray:
    return np.stack([frame.image for frame in (using or restorer()).restore_frames(clip, mask)])


def nothing(clip: np.ndarray) -> np.ndarray:
    """A mask that hides nothing."""
    return np.zeros(clip.shape[:3], np.float32)


def behind_white(clip: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return np.where(mask[..., None] > 0, np.uint8(WHITE), clip)


def dark(clip: np.ndarray) -> np.ndarray:
    return clip // 2 + 32


@pytest.mark.parametrize("shape", [(1, 1, 3, 1, 1), (1, 2, 3, 32, 40), (2, 5, 3, 17, 31), (1, 3, 3, 48, 64)])
def test_restore_tensor_preserves_the_shape(shape: tuple[int, ...]) -> None:
    video = torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    for mask in (None, torch.ones(*shape[:2], 1, *shape[3:])):
        out = restorer().restore_tensor(video, mask)
        assert out.shape == shape and out.dtype == torch.float32
        assert torch.allclose(to_float(to_uint8(out)), out, atol=1e-6)  # on 8-bit levels


@pytest.mark.parametrize("shape", [(2, 3, 32, 40), (1, 2, 1, 32, 40), (1, 2, 32, 40, 3)])
def test_restore_tensor_says_what_it_wants(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"^video must be B T 3 H W, got \("):
        restorer().restore_tensor(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(1, 2, 32, 40), (1, 3, 1, 32, 40), (1, 2, 3, 32, 40), (1, 2, 1, 40, 32)])
def test_the_mask_must_fit_the_video(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"^mask must be \(1, 2, 1, 32, 40\) for this video, got \("):
        restorer().restore_tensor(torch.zeros(1, 2, 3, 32, 40), torch.zeros(shape))


def test_restore_tensor_is_restore_frames_clip_by_clip() -> None:
    clips = np.stack([dark(noisy(at_rest(6, seed=seed), 8)) for seed in range(2)])
    out = to_uint8(restorer().restore_tensor(to_float(clips)))
    for index in range(2):
        assert np.array_equal(out[index], restored(clips[index]))


@pytest.mark.parametrize("frames", [1, 2, 5, 31, 32, 33, 48, 49, 64, 70])
def test_any_length_comes_out_frame_by_frame_in_order(frames: int) -> None:
    """Every frame is another scene, so every frame is restored from itself alone: to itself."""
    clip = np.stack([texture(16, 24, seed=t) // 2 for t in range(frames)])
    assert np.array_equal(restored(clip, nothing(clip)), clip)
    assert np.array_equal(restored(clip), clip)


def test_no_frames_give_no_frames() -> None:
    assert list(restorer().restore_frames([])) == []
    assert list(restorer().restore_frames([], [])) == []


def test_what_another_frame_saw_is_copied_across_windows() -> None:
    clip, mask = dark(at_rest(70, 32, 40)), box(70, 32, 40, (4, -12), step=(0, 1), side=12)
    for t in range(28, 70):  # it comes, and stays over the border of the windows at 32
        mask[t] = mask[28]
    out = restored(behind_white(clip, mask), mask)
    assert mask[28:, 8, 20].all() and not mask[:10, 8, 20].any()
    assert np.abs(out.astype(int) - clip).max() <= 2


@pytest.mark.parametrize("frames", [1, 8, 33, 70])
def test_evidence_does_not_depend_on_where_windows_lie(frames: int) -> None:
    clip, recorder = dark(at_rest(frames, 32, 40)), Recorder()
    restored(clip, nothing(clip), restorer(recorder))
    assert len(recorder.evidence) == frames
    for t, evidence in enumerate(recorder.evidence):
        past, future = min(10, t), min(10, frames - 1 - t)
        assert evidence[15].numpy() == pytest.approx(np.full((32, 40), past / 10), abs=1e-5)
        assert evidence[20].numpy() == pytest.approx(np.full((32, 40), future / 10), abs=1e-5)


def test_training_and_inference_see_the_same_evidence() -> None:
    clip, mask = pan(12, (1, 2), 48, 64), box(12, 48, 64, (8, 4), step=(2, 4), side=16)
    bad, recorder = behind_white(noisy(dark(clip), 6), mask), Recorder()
    restored(bad, mask, restorer(recorder))
    video, masks = to_float(bad)[None], torch.from_numpy(mask)[None, :, None]
    pairs = propagated_pairs(video, masks, [given(bad, mask)], picked=[range(12)])
    assert torch.allclose(torch.stack(recorder.evidence), pairs.evidence, atol=1e-5)


class Slow(nn.Module):
    """Takes its time, and notes whether its input changes meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.changed: list[bool] = []

    def forward(self, evidence: Tensor) -> Tensor:
        at_first = evidence.clone()
        sleep(0.05)  # the next frames are stacked long before
        self.changed.append(not torch.equal(evidence, at_first))
        return evidence[:, :3]


def test_evidence_stays_as_it_is_while_the_generator_reads_it() -> None:
    clip, slow = dark(pan(30, (1, 2), 32, 40)), Slow()
    restored(clip, nothing(clip), restorer(slow))
    assert slow.changed == [False] * 8


def test_masks_found_serve_as_masks_given() -> None:
    clip, mask = dark(at_rest(9)), box(9, 48, 64, (10, 4), step=(1, 6))
    bad = behind_white(clip, mask)
    frames = list(with_suspects(restorer(), bad))
    assert np.array_equal(np.stack([frame.mask for frame in frames]) > 0.5, mask > 0)
    assert np.array_equal(np.stack([frame.image for frame in frames]), restored(bad, mask))
    assert np.abs(np.stack([frame.image for frame in frames]).astype(int) - clip).max() <= 2


@pytest.mark.parametrize("frames", [1, 4, 11])
def test_the_finder_sees_each_frame_between_its_neighbours(frames: int) -> None:
    torch.manual_seed(0)
    finder = OcclusionFinder(**TINY)
    finder.unet.tail.reset_parameters()
    clip = noisy(pan(frames, (1, 2), 32, 40), 20)
    found = with_suspects(Restorer(Recorder(), finder, device="cpu", precision="float32"), clip)
    with torch.no_grad():
        wanted = finder(triples(to_float(clip)[None])[0]).sigmoid()[:, 0].numpy()
    assert np.stack([frame.frame.probability for frame in found]) == pytest.approx(wanted, abs=1e-5)


def test_a_mask_given_is_believed() -> None:
    """Where the user says that nothing is hidden, what the finder would find stays in the picture."""
    clip, mask = dark(at_rest(5)), box(5, 48, 64, (10, 4), step=(1, 9))
    bad = behind_white(clip, mask)
    frames = list(restorer().restore_frames(bad, mask > 2))
    assert not any(frame.mask.any() for frame in frames)
    assert (np.stack([frame.image for frame in frames])[mask > 0] > 200).mean() > 0.8


def test_masks_must_be_as_many_as_frames() -> None:
    clip = at_rest(4, 32, 40)
    with pytest.raises(ValueError, match=r"zip\(\) argument 2 is shorter"):
        restored(clip, nothing(clip)[:3])


def test_a_still_noisy_clip_comes_out_with_less_noise() -> None:
    clean = dark(at_rest(12))
    out = restored(noisy(clean, 10)).astype(float)
    assert np.sqrt(np.square(out - clean).mean()) < 5


def of_noise(share: float) -> Restorer:
    """A generator that leaves that share of the noise, and knows how noisy frames are."""
    torch.manual_seed(0)
    generator = GatedGenerator(**TINY)
    for weight in generator.guess[-1].parameters():
        weight.data.zero_()
    generator.guess[-1].bias.data[:] = torch.tensor([4.0, torch.logit(torch.tensor(1 - share))])  # level, share
    return restorer(generator)


def test_noise_that_the_generator_has_left_is_filtered(monkeypatch: pytest.MonkeyPatch) -> None:
    clean = dark(pan(8, (0, 3)))
    clip = noisy(clean, 10)
    using = of_noise(0.5)
    frames = list(using.restore_frames(clip, nothing(clip)))
    monkeypatch.setattr("restore.pipeline.filter_frame", lambda frames, index, **_: frames[index].image)
    left = restored(clip, nothing(clip), using)
    error, before = (np.square(out.astype(float) - clean).mean() for out in (np.stack([f.image for f in frames]), left))
    assert error < 0.7 * before
    changed = (np.stack([one.image for one in frames]) != clip).any(-1)
    assert changed.mean() > 0.9 and (np.stack([one.confidence for one in frames])[changed] < 255).all()


def test_a_noise_network_goes_on_from_there_in_noisy_frames_alone() -> None:
    clean = dark(pan(8, (0, 3)))
    clip = noisy(clean, 10)
    plain, using = of_noise(0.5), of_noise(0.5)
    using.noise = random_network()
    without, with_it = (list(one.restore_frames(clip, nothing(clip))) for one in (plain, using))
    given = with_it[4]
    assert given.estimate is not None
    around = [Generated(one.frame, image) for one, image in zip(with_it, _generated(plain, clip), strict=True)][2:7]
    averaged = averaged_frame(around, 2, around[2].image, noise=given.estimate[0])
    assert np.array_equal(without[4].image, smoothed(averaged, given.estimate[0]))
    wanted = using.noise.filtered(without[4].image, averaged, clip[4], given.mask, given.estimate[0])
    assert np.array_equal(given.image, wanted) and not np.array_equal(given.image, without[4].image)
    assert (given.confidence[(given.image != clip[4]).any(-1)] < 255).all()
    still = dark(at_rest(8))
    assert np.array_equal(restored(still, nothing(still), using), still)


def test_a_noise_network_computes_strips_where_memory_is_little(monkeypatch: pytest.MonkeyPatch) -> None:
    heights: list[int | None] = []

    def noting(_self: NoiseNetwork, smoothed: np.ndarray, *_: Any, rows: int | None) -> np.ndarray:
        heights.append(rows)
        return smoothed

    monkeypatch.setattr(NoiseNetwork, "filtered", noting)
    clip = noisy(dark(at_rest(3)), 10)
    using = of_noise(0.5)
    using.noise = random_network()
    for plan in (MemoryPlan(), MemoryPlan(rows=16)):
        restored(clip, nothing(clip), using.within(plan))
    assert heights == [None] * 3 + [16] * 3


def _generated(using: Restorer, clip: np.ndarray) -> list[np.ndarray]:
    """What the generator makes of a clip that nothing hides."""
    evidence = evidence_of(given(clip, nothing(clip)))
    return [frame.image for frame in using.generate(evidence_batches(evidence))]


def test_fully_hidden_frames_come_back() -> None:
    clip, mask = dark(at_rest(10)), nothing(at_rest(10))
    mask[4:6] = 1
    out = np.stack([frame.image for frame in with_suspects(restorer(), behind_white(clip, mask))])
    assert np.abs(out.astype(int) - clip).max() <= 2


def test_a_clip_hidden_in_full_is_finite() -> None:
    clip = np.full((3, 32, 40, 3), WHITE, np.uint8)
    assert restored(clip).shape == clip.shape


def counted(clip: np.ndarray, pulled: list[int]) -> Iterator[np.ndarray]:
    for index, image in enumerate(clip):
        pulled[0] = index + 1
        yield image


@pytest.mark.parametrize(
    ("pixels", "most"),
    # A core, the frames of context behind it, and what is read ahead; larger pictures have shorter windows.
    [(None, 48 + 16 + 24), (10 * 24 * 32, 10 + 4 + 24), (1, 8 + 4 + 24)],
)
@pytest.mark.parametrize("found", [True, False])
def test_memory_is_bounded(pixels: int | None, most: int, found: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if pixels is not None:
        monkeypatch.setattr("restore.propagation.engine.CORE_PIXELS", pixels)
    clip, pulled, ahead, recorder = at_rest(90, 24, 32) // 2, [0], [], Recorder()
    masks = None if found else nothing(clip)
    for index, _ in enumerate(restorer(recorder).restore_frames(counted(clip, pulled), masks)):
        ahead.append(pulled[0] - index)
        recorder.evidence.clear()
    assert len(ahead) == 90 and max(ahead) <= most


def test_stopping_early_lets_go_of_the_source() -> None:
    closed = []

    def source() -> Iterator[np.ndarray]:
        try:
            while True:
                yield np.zeros((16, 24, 3), np.uint8)
        finally:
            closed.append(True)

    frames = restorer().restore_frames(source())
    next(frames)
    frames.close()  # type: ignore[attr-defined]
    assert closed


def test_an_error_of_the_source_reaches_the_caller() -> None:
    def source() -> Iterator[np.ndarray]:
        yield from at_rest(3, 16, 24)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        list(restorer().restore_frames(source()))


def test_the_classic_looks_at_single_frames() -> None:
    torch.manual_seed(0)
    generator = Pix2PixUNet(width=4, depth=5).eval()
    clip = noisy(pan(6, (0, 2), 32, 40), 10)
    out = restored(clip, nothing(clip), restorer(generator))
    with torch.no_grad():
        wanted = np.concatenate([to_uint8(generator(to_float(image[None]))) for image in clip])
    assert np.abs(out.astype(int) - wanted).max() <= 1  # sums in another order, where frames go in batches


def test_the_classic_at_strength_0_returns_what_is_visible() -> None:
    clip = noisy(pan(3, (0, 2), 32, 40), 10)
    frames = given(clip, nothing(clip))
    out = restorer(Pix2PixUNet(width=4, depth=5).eval()).restore(frames, strength=0)
    assert np.array_equal([frame.image for frame in out], clip)


def test_bfloat16_is_nearly_the_same() -> None:
    clip = noisy(dark(at_rest(5)), 8)
    torch.manual_seed(0)
    generator = UNetGenerator(**TINY)
    generator.unet.tail.reset_parameters()
    exact = restored(clip, nothing(clip), restorer(generator)).astype(int)
    half = Restorer(generator, white_finder(), device="cpu", precision="bfloat16")
    assert half.dtype == torch.bfloat16
    assert np.abs(restored(clip, nothing(clip), half) - exact).max() <= 4
