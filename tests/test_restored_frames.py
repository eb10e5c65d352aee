"""What comes with each restored frame: mask, provenance and confidence; and what the temporal filter does to it."""

import numpy as np
import pytest
import torch
from skimage import data
from torch import Tensor, nn

from restore.degradations.blur import defocus
from restore.models.finder import OcclusionFinder
from restore.models.generator import GatedGenerator, UNetGenerator
from restore.models.pix2pix import Pix2PixUNet
from restore.pipeline import Restorer
from restore.propagation.provenance import COPIED, FILLED, SEEN
from restore.restored import Restored
from restore.scoring.psnr import psnr
from restore.tensors import to_float, to_uint8
from restore.training.in_use import given
from tests.propagation.footage import at_rest, box, covered, noisy

H, W = 48, 64


def restored(generator: nn.Module, clip: np.ndarray, mask: np.ndarray) -> list[Restored]:
    finder = OcclusionFinder(widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,))
    return list(Restorer(generator, finder, device="cpu", precision="float32").restore_frames(clip, mask))


def tiny() -> UNetGenerator:
    return UNetGenerator(widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,))


def classic() -> Pix2PixUNet:
    return Pix2PixUNet(width=4, depth=5).eval()


@pytest.mark.parametrize(("frames", "hidden"), [(1, FILLED), (40, COPIED)])  # 40: more than the box is wide
def test_the_codes_come_with_each_frame(frames: int, hidden: int) -> None:
    clip, mask = at_rest(frames, H, W), box(frames, H, W, (10, 4), step=(0, 1))
    out = restored(tiny(), covered(clip, mask), mask)
    assert np.array_equal(np.stack([one.frame.hidden for one in out]), mask > 0)
    codes = np.stack([one.provenance for one in out])
    assert codes.dtype == np.uint8 and np.array_equal(codes, hidden * (mask > 0))


def test_the_classic_copies_nothing() -> None:
    clip, mask = at_rest(6, 32, 40), box(6, 32, 40, (4, 4), step=(1, 3))
    out = restored(classic(), clip, mask)
    assert np.array_equal(np.stack([one.provenance for one in out]), FILLED * (mask > 0))


@pytest.mark.parametrize("make", [tiny, classic])
def test_the_confidence_comes_with_each_frame(make: type[nn.Module]) -> None:
    clip, mask = at_rest(12, H, W), box(12, H, W, (10, 4), step=(0, 3))
    mask[:, 30:40, 40:50] = 1  # and one that stays
    for one in restored(make(), covered(clip, mask), mask):
        certain = one.confidence
        assert certain.dtype == np.uint8 and certain.shape == (H, W)
        assert (certain[one.provenance == SEEN] == 255).all()
        assert (certain[one.provenance != SEEN] < 255).all()


def test_visible_pixels_that_were_noisy_are_less_certain() -> None:
    clip = at_rest(8)
    mask = box(8, *clip.shape[1:3], (10, 4), step=(0, 3))
    generator = GatedGenerator(
        widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,)
    )  # untrained, but for what it estimates
    last = generator.guess[-1]
    assert isinstance(last, nn.Conv2d) and last.bias is not None
    with torch.no_grad():
        last.bias.copy_(torch.tensor([6.0, 0.0]))
    for frames, certain in ((clip, True), (noisy(clip, 15), False)):
        for one in restored(generator, frames, mask):
            assert ((one.confidence == 255) == (certain & ~one.mask)).all()


def test_a_blurred_clip_comes_out_sharper_and_at_strength_0_as_it_was() -> None:
    sharp = np.stack([data.astronaut()[:240, 60 + t : 380 + t] for t in range(4)])
    clip = to_uint8(defocus(to_float(sharp)[None], torch.tensor([1.2]))[0])
    mask = box(4, 240, 320, (40, 60), step=(0, 4))
    generator = GatedGenerator(widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,))
    restorer = Restorer(generator, device="cpu", precision="float32")
    frames = [list(restorer.restore(given(clip, mask), strength=strength)) for strength in (1.0, 0.5, 0.0)]
    for whole, half, none, blurred, clean in zip(*frames, clip, sharp, strict=True):
        seen = ~whole.mask
        scores = [psnr(image[seen], clean[seen]) for image in (whole.image, half.image, blurred)]
        assert scores[0] > scores[1] + 0.5 > scores[2] + 1.5
        assert np.array_equal(none.image[seen], blurred[seen])
        assert np.array_equal(none.image[none.mask], whole.image[none.mask])
        assert whole.estimate is not None and whole.estimate[2] == 1


class Flickering(nn.Module):
    """Returns the base, every frame's with noise of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.chance = torch.Generator().manual_seed(0)

    def forward(self, evidence: Tensor) -> Tensor:
        return evidence[:, :3] + 0.04 * torch.randn(evidence[:, :3].shape, generator=self.chance)


def test_what_was_hidden_is_averaged_and_what_was_visible_is_not() -> None:
    clip, mask = at_rest(12) // 2 + 32, np.zeros(at_rest(12).shape[:3], np.float32)
    mask[:, 8:24, 8:24] = 1
    flicker = np.stack([one.image for one in restored(Flickering(), clip, mask)]).astype(float).std(0).mean(-1)
    inside, outside = flicker[10:22, 10:22].mean(), flicker[:, 30:].mean()
    assert outside == pytest.approx(0.04 * 127.5, rel=0.1)
    assert inside < 0.6 * outside
