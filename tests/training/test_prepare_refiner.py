import numpy as np
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
from restore.training.prepare_refiner import CoarseClips, LatentClips, coarse_clips, latent_clips, partly_known
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


def test_three_pictures_are_encoded() -> None:
    torch.manual_seed(0)
    vae = build_autoencoder(latent_channels=4, downsampling=4, width=8).eval()
    clean, unseen = normalised(clips(), CPU), torch.zeros(2, FRAMES, 1, HEIGHT, WIDTH)
    unseen[..., 8:24, 8:24] = 1
    coarse = CoarseClips(clean, clean.flip(-1), unseen)
    made = latent_clips(coarse, vae)
    with torch.no_grad():
        assert torch.equal(made.masked, encode(vae, coarse.coarse * (1 - unseen)))
        assert torch.equal(made.draft, encode(vae, coarse.coarse))
        assert torch.equal(made.clean, encode(vae, clean))
    assert made.hidden.sum() == 2 * FRAMES * 4 * 4
    assert torch.equal(made.condition, torch.cat([made.masked, made.draft], 2))


def drawn(coarse_share: float, known_share: float) -> tuple[LatentClips, LatentClips]:
    """Many clips, before and after it is drawn what is known of them."""
    clean, masked, draft = torch.randn(3, 200, 8, 2, 3, 3, generator=torch.Generator().manual_seed(0))
    clips = LatentClips(clean, masked, draft, torch.ones(200, 8, 1, 3, 3))
    return clips, partly_known(clips, coarse_share=coarse_share, known_share=known_share, draw=seeded(0))


def test_a_share_of_the_clips_has_a_draft_and_the_others_nothing() -> None:
    clips, known = drawn(0.7, 0.0)
    drafted = [torch.equal(one, draft) for one, draft in zip(known.draft, clips.draft, strict=True)]
    empty = [torch.equal(one, masked) for one, masked in zip(known.draft, clips.masked, strict=True)]
    assert 120 < sum(drafted) < 160 and sum(drafted) + sum(empty) == 200
    assert torch.equal(known.masked, clips.masked) and torch.equal(known.hidden, clips.hidden)


def test_of_a_share_of_the_clips_the_first_frames_are_known() -> None:
    clips, known = drawn(1.0, 0.3)
    first = (known.hidden == 0).all((2, 3, 4)).sum(1)  # frames that hide nothing
    assert 40 < (first > 0).sum() < 80 and set(first.tolist()) == {0, 1, 2, 3, 4}
    for number, count in enumerate(first):
        for part, unknown in ((known.masked, clips.masked), (known.draft, clips.draft)):
            assert torch.equal(part[number, :count], clips.clean[number, :count])
            assert torch.equal(part[number, count:], unknown[number, count:])
        assert known.hidden[number, count:].all()
