from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    UniPCMultistepScheduler,
)
from kornia.filters import gaussian_blur2d
from torch import Tensor, nn

from restore.errors import ConfigError
from restore.models.autoencoder import build_autoencoder, encode
from restore.models.denoiser import build_denoiser, hidden_cells
from restore.models.noise_schedule import NOISE
from restore.models.video_unet import VideoUNet
from restore.refinement.load import REFINER, load_refiner
from restore.refinement.refiner import SCHEDULERS, RefinerPipeline
from tests.propagation.footage import pan


def clip(batch: int = 1, frames: int = 3, height: int = 20, width: int = 28) -> tuple[Tensor, Tensor]:
    """Pictures and a mask with a hole in the middle."""
    pictures = torch.rand(batch, frames, 3, height, width, generator=torch.Generator().manual_seed(7)) * 2 - 1
    mask = torch.zeros(batch, frames, 1, height, width)
    mask[..., 6:14, 8:18] = 1
    return pictures, mask


@pytest.mark.parametrize(("batch", "frames", "height", "width"), [(1, 1, 8, 8), (2, 3, 20, 28), (1, 9, 13, 17)])
def test_any_size_and_length_comes_out_as_it_went_in(
    refiner: RefinerPipeline, batch: int, frames: int, height: int, width: int
) -> None:
    pictures, _ = clip(batch, frames, height, width)
    for mask in (torch.zeros(batch, frames, 1, height, width), torch.ones(batch, frames, 1, height, width)):
        assert refiner.refine(pictures, mask, steps=2).shape == pictures.shape


def test_the_visible_part_only_goes_through_the_autoencoder(refiner: RefinerPipeline) -> None:
    pictures, mask = clip(width=96)
    decoded = refiner.refine(pictures, torch.zeros_like(mask), steps=3)
    refined = refiner.refine(pictures, mask, steps=3)
    far = torch.zeros_like(mask)
    far[..., 84:] = 1  # further from the hole than the decoder reaches
    corner = far.bool().expand_as(decoded)
    torch.testing.assert_close(refined[corner], decoded[corner])
    hole = mask.bool().expand_as(decoded)
    assert not torch.allclose(refined[hole], decoded[hole], atol=1e-3)


@pytest.mark.parametrize("sampler", [None, *SCHEDULERS])
def test_the_seed_decides_the_result_with_every_sampler(refiner: RefinerPipeline, sampler: str | None) -> None:
    pictures, mask = clip(frames=2)
    one, same, other = (
        refiner.refine(pictures, mask, steps=4, resamplings=2, seed=seed, sampler=sampler)  # type: ignore[arg-type]
        for seed in (1, 1, 2)
    )
    assert torch.equal(one, same) and one.isfinite().all()
    assert not torch.allclose(one, other, atol=1e-3)


def test_a_region_is_refined_alike_alone_and_in_a_batch(refiner: RefinerPipeline) -> None:
    pictures, mask = clip(batch=2, frames=7)  # in windows of 4
    batched = refiner.refine(pictures, mask, steps=3)
    torch.testing.assert_close(refiner.refine(pictures[:1], mask[:1], steps=3), batched[:1], atol=1e-4, rtol=1e-4)


def test_all_frames_draw_the_same_noise_so_a_static_scene_is_regenerated_alike() -> None:
    """A denoiser that sees single frames makes the same of them, whichever clip they are in."""
    torch.manual_seed(0)
    denoiser = build_denoiser(latent_channels=4, widths=(16, 16), frames=4).eval()  # new, it does not look at others
    vae = build_autoencoder(latent_channels=4, downsampling=4, width=8).eval()
    alone = RefinerPipeline(vae=vae, unet=denoiser, scheduler=DDIMScheduler(**NOISE))
    pictures, mask = clip(frames=5)
    options = {"steps": 4, "resamplings": 3, "start": 1.0}
    first = alone.refine(pictures[:, :4], mask[:, :4], **options)  # type: ignore[arg-type]
    second = alone.refine(pictures[:, 2:], mask[:, 2:], **options)  # type: ignore[arg-type]
    torch.testing.assert_close(first[:, 2:4], second[:, :2], atol=1e-4, rtol=1e-4)
    static = pictures[:, :1].expand(-1, 4, -1, -1, -1)
    alike = alone.refine(static, mask[:, :4], **options)  # type: ignore[arg-type]
    torch.testing.assert_close(alike, alike[:, :1].expand_as(alike), atol=1e-4, rtol=1e-4)


def test_regions_of_a_batch_draw_noise_of_their_own(refiner: RefinerPipeline) -> None:
    pictures, mask = clip()
    twice = refiner.refine(pictures.repeat(2, 1, 1, 1, 1), mask.repeat(2, 1, 1, 1, 1), steps=3, start=1.0)
    assert not torch.allclose(twice[0], twice[1], atol=1e-3)


@dataclass
class Read:
    """What the denoiser reads in a call: latents `WB L 4 h w`, the mask `WB L 1 h w`, what is known `WB L K h w`."""

    noisy: Tensor
    hidden: Tensor
    condition: Tensor
    timestep: int


def calls(refiner: RefinerPipeline, pictures: Tensor, mask: Tensor, **options: object) -> list[Read]:
    reads: list[Read] = []

    def note(_: nn.Module, parts: tuple[Tensor, int, Tensor]) -> None:
        noisy, hidden, condition = parts[0].transpose(1, 2).tensor_split((4, 5), 2)
        reads.append(Read(noisy, hidden, condition, parts[1]))

    hook = refiner.unet.register_forward_pre_hook(note)
    refiner.refine(pictures, mask, **options)  # type: ignore[arg-type]
    hook.remove()
    return reads


def test_the_windows_of_every_other_call_are_shifted(refiner: RefinerPipeline) -> None:
    pictures, mask = clip(frames=11, height=24, width=32)
    latents = encode(refiner.vae, pictures)[0]  # T C h w
    for number, read in enumerate(calls(refiner, pictures, mask, steps=4, start=1.0)):
        draft = read.condition[:, :, 4:]
        first = [int((latents - window[0]).abs().sum((1, 2, 3)).argmin()) for window in draft]
        assert first == ([0, 2, 6, 7] if number % 2 else [0, 4, 7])


def earlier(refiner: RefinerPipeline) -> RefinerPipeline:
    """As earlier versions trained it, which did not save what it is conditioned on."""
    torch.manual_seed(0)
    denoiser = VideoUNet(in_channels=9, out_channels=4, block_out_channels=(16, 16), motion_max_seq_length=4)
    return RefinerPipeline(vae=refiner.vae, unet=denoiser.eval(), scheduler=refiner.scheduler)


def test_the_known_latents_are_imposed_in_every_call(refiner: RefinerPipeline) -> None:
    """Clean, for a denoiser that knows of each cell how noisy it is; else as noisy as what is hidden."""
    pictures, mask = clip(frames=4, height=40, width=56)
    latents = encode(refiner.vae, pictures)
    known = (hidden_cells(mask, 4) == 0).expand_as(latents)
    for read in calls(refiner, pictures, mask, steps=8, start=0.9):
        torch.testing.assert_close(read.noisy[known], latents[known])
        assert (read.noisy - latents)[~known].std() > 0.2
    for read in calls(earlier(refiner), pictures, mask, steps=8, start=0.9):
        signal = refiner.scheduler.alphas_cumprod[read.timestep]
        noise = (read.noisy - signal.sqrt() * latents)[known] / (1 - signal).sqrt()
        assert 0.9 < noise.std() < 1.1 and abs(noise.mean()) < 0.1


def test_our_denoiser_reads_the_picture_without_its_holes_and_the_coarse_fill(refiner: RefinerPipeline) -> None:
    pictures, mask = clip(frames=4, height=24, width=32)
    assert refiner.config.conditioning == "masked_and_draft"
    masked, draft = encode(refiner.vae, pictures * (1 - mask)), encode(refiner.vae, pictures)
    for read in calls(refiner, pictures, mask, steps=3):
        torch.testing.assert_close(read.condition, torch.cat([masked, draft], 2))
        assert torch.equal(read.hidden, hidden_cells(mask, 4))
    assert earlier(refiner).config.conditioning == "draft"
    for read in calls(earlier(refiner), pictures, mask, steps=3):
        torch.testing.assert_close(read.condition, draft)


def test_stable_diffusion_reads_grey_in_the_holes_and_begins_from_the_coarse_fill(
    pretrained: tuple[Path, Path], tmp_path: Path
) -> None:
    folder, adapter = pretrained
    load_refiner(folder, motion_adapter=adapter).save_pretrained(tmp_path)
    pictures, mask = clip(height=16, width=24)
    for refiner in (load_refiner(folder, motion_adapter=adapter), load_refiner(tmp_path)):
        masked, draft = encode(refiner.vae, pictures * (1 - mask)), encode(refiner.vae, pictures)
        assert not torch.allclose(masked, draft, atol=0.1)
        for read in calls(refiner, pictures, mask, steps=3):
            torch.testing.assert_close(read.condition, masked)
        [first] = calls(refiner, pictures, mask, steps=500, start=0.002)  # hardly any noise
        assert (first.noisy - draft).std() < 0.05 < (first.noisy - masked).std()


def test_a_conditioning_that_does_not_exist(refiner: RefinerPipeline) -> None:
    with pytest.raises(ValueError, match="conditioning is blurred, expected one of draft, masked, masked_and_draft"):
        RefinerPipeline(vae=refiner.vae, unet=refiner.unet, scheduler=refiner.scheduler, conditioning="blurred")


def test_progress_counts_the_model_calls(refiner: RefinerPipeline) -> None:
    pictures, mask = clip()
    calls: list[tuple[int, int]] = []
    refiner.refine(
        pictures, mask, steps=20, start=1.0, jump_length=5, resamplings=3, progress=lambda *call: calls.append(call)
    )
    assert calls == [(number, 50) for number in range(51)]


def test_a_prompt_needs_a_text_encoder(refiner: RefinerPipeline) -> None:
    pictures, mask = clip()
    with pytest.raises(ConfigError, match="this refiner has no text encoder; leave the prompt out"):
        refiner.refine(pictures, mask, prompt="a cat")


def test_saved_and_loaded_it_gives_the_same(refiner: RefinerPipeline, tmp_path: Path) -> None:
    refiner.save_pretrained(tmp_path)
    loaded = load_refiner(tmp_path)
    pictures, mask = clip()
    torch.testing.assert_close(loaded.refine(pictures, mask, steps=2), refiner.refine(pictures, mask, steps=2))
    assert loaded.scheduler.config.prediction_type == "v_prediction"


def test_stable_diffusion_inpainting_with_a_motion_adapter_serves(pretrained: tuple[Path, Path]) -> None:
    folder, adapter = pretrained
    refiner = load_refiner(folder, motion_adapter=adapter)
    assert isinstance(refiner.vae, AutoencoderKL)
    pictures, mask = clip(frames=3, height=16, width=24)

    def refined(**options: object) -> Tensor:
        return refiner.refine(pictures, mask, steps=4, start=0.9, **options)  # type: ignore[arg-type]

    plain, cat, guided, other = (
        refined(),
        refined(prompt="a cat", guidance_scale=1.0),
        refined(prompt="a cat", guidance_scale=8.0),
        refined(prompt="a cat", negative_prompt="blur", guidance_scale=8.0),
    )
    assert plain.shape == pictures.shape
    for one, two in ((plain, cat), (cat, guided), (guided, other)):
        assert not torch.allclose(one, two, atol=1e-5)


def test_it_can_be_saved_as_one_refiner(pretrained: tuple[Path, Path], tmp_path: Path) -> None:
    folder, adapter = pretrained
    refiner = load_refiner(folder, motion_adapter=adapter)
    refiner.save_pretrained(tmp_path)
    pictures, mask = clip(frames=2, height=16, width=16)
    loaded = load_refiner(tmp_path)
    for prompt in (None, "a dog"):
        expected = refiner.refine(pictures, mask, steps=2, prompt=prompt)
        torch.testing.assert_close(loaded.refine(pictures, mask, steps=2, prompt=prompt), expected)


def test_the_samplers_are_the_librarys() -> None:
    assert list(SCHEDULERS.values()) == [
        DDIMScheduler,
        DDPMScheduler,
        UniPCMultistepScheduler,
        DPMSolverMultistepScheduler,
    ]


def test_the_refiner_that_is_shipped_gives_a_soft_fill_texture() -> None:
    assert sum(path.stat().st_size for path in REFINER.rglob("*") if path.is_file()) < 25e6
    noise = torch.from_numpy(pan(8, (0, 1), height=96, width=128, seed=3)).permute(0, 3, 1, 2) / 127.5 - 1
    scene = gaussian_blur2d(noise, (15, 15), (3.0, 3.0))[None]  # as smooth as what videos show
    mask = torch.zeros(1, 8, 1, 96, 128)
    mask[..., 24:72, 32:96] = 1
    inside = (..., slice(32, 64), slice(40, 88))
    soft = torch.lerp(scene, scene.mean((-2, -1), keepdim=True).expand_as(scene), mask)
    refined = load_refiner().refine(soft, mask)
    texture, wanted = (x[inside].diff(dim=-1).abs().mean() for x in (refined, scene))
    assert 0.05 * wanted < texture < 2 * wanted  # the soft fill has none
    seen = mask.expand_as(scene) == 0
    assert (refined - soft)[seen].square().mean().sqrt() < 0.15  # gone through the autoencoder, and no more
