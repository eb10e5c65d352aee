import numpy as np
import pytest
import torch
from torch import Tensor

from restore.degradations.degrade import Ranges, degrade
from restore.degradations.holes import draw_holes
from restore.models.autoencoder import build_autoencoder, encode
from restore.models.generator import UNetGenerator
from restore.pipeline import Restorer
from restore.tensors import to_uint8
from restore.training.feed import normalised
from restore.training.prepare import seeded
from restore.training.prepare_refiner import CoarseClips, coarse_clips, latent_clips
from tests.propagation.footage import pan
from tests.training.test_in_use import white_finder
from tests.training.tiny import accelerator

FRAMES, HEIGHT, WIDTH, HIDDEN = 6, 48, 64, (0.2, 0.3)
CPU = torch.device("cpu")


def clips() -> Tensor:
    return torch.from_numpy(np.stack([pan(FRAMES, (1, 2), HEIGHT, WIDTH, seed) for seed in range(2)])).movedim(-1, 2)


def base() -> UNetGenerator:
    """Untrained, it returns its base."""
    return UNetGenerator(widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,)).eval()


def test_the_coarse_clip_is_what_the_restorer_makes() -> None:
    made = coarse_clips(clips(), base(), hidden=HIDDEN, draw=seeded(1), accelerator=accelerator())
    draw, size = seeded(1), {"frames": FRAMES, "height": HEIGHT, "width": WIDTH}
    holes = [draw_holes(**size, least=HIDDEN[0], most=HIDDEN[1], generator=draw) for _ in range(2)]
    clean = normalised(clips(), CPU)
    degraded, mask = degrade(clean, generator=draw, ranges=Ranges(), mask=torch.stack(holes))
    restorer = Restorer(base(), white_finder(), device="cpu", precision="float32")
    for got, images, masks in zip(to_uint8(made.coarse), to_uint8(degraded), mask[:, :, 0].numpy(), strict=True):
        assert np.array_equal(got, [frame.image for frame in restorer.restore_frames(images, masks)])
    assert torch.equal(made.clean, clean) and made.unseen.shape == mask.shape
    assert (made.unseen <= mask).all() and made.unseen.any()


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_holes_have_the_coarse_fill_or_nothing(share: float) -> None:
    torch.manual_seed(0)
    vae = build_autoencoder(latent_channels=4, downsampling=4, width=8).eval()
    clean, unseen = normalised(clips(), CPU), torch.zeros(2, FRAMES, 1, HEIGHT, WIDTH)
    unseen[..., 8:24, 8:24] = 1
    coarse = CoarseClips(clean, clean.flip(-1), unseen)
    made = latent_clips(coarse, vae, coarse_share=share, draw=seeded(0))
    with torch.no_grad():
        assert torch.equal(made.masked, encode(vae, coarse.coarse * (1 if share else 1 - unseen)))
        assert torch.equal(made.clean, encode(vae, clean))
    assert made.hidden.sum() == 2 * FRAMES * 4 * 4
