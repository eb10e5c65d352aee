import shutil
from pathlib import Path

import pytest
import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    MotionAdapter,
    StableDiffusionInpaintPipeline,
    UNet2DConditionModel,
    UniPCMultistepScheduler,
)
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from restore.errors import ConfigError, WeightsError
from restore.models.autoencoder import build_autoencoder
from restore.models.denoiser import build_denoiser
from restore.refinement.refiner import SCHEDULERS, WEIGHTS, RefinerPipeline, load_refiner
from restore.training.train_refiner import NOISE
from tests.models.test_autoencoder import tiny_kl
from tests.propagation.scenes import pan


@pytest.fixture(scope="module")
def refiner() -> RefinerPipeline:
    torch.manual_seed(0)
    denoiser = build_denoiser(latent_channels=4, widths=(16, 16), frames=4).eval()
    vae = build_autoencoder(latent_channels=4, downsampling=4, width=8).eval()
    return RefinerPipeline(vae=vae, unet=denoiser, scheduler=DDIMScheduler(**NOISE))


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
    pictures, mask = clip(batch=2)
    together = refiner.refine(pictures, mask, steps=3)
    torch.testing.assert_close(refiner.refine(pictures[:1], mask[:1], steps=3), together[:1], atol=1e-4, rtol=1e-4)


def test_all_frames_are_given_the_same_noise_so_what_stands_still_holds_still() -> None:
    """A denoiser that sees single frames makes the same of them, whichever clip they are in."""
    torch.manual_seed(0)
    denoiser = build_denoiser(latent_channels=4, widths=(16, 16), frames=4).eval()
    for name, parameter in denoiser.named_parameters():
        if "motion_modules" in name and "proj_out" in name:
            torch.nn.init.zeros_(parameter)
    vae = build_autoencoder(latent_channels=4, downsampling=4, width=8).eval()
    alone = RefinerPipeline(vae=vae, unet=denoiser, scheduler=DDIMScheduler(**NOISE))
    pictures, mask = clip(frames=5)
    options = {"steps": 4, "resamplings": 3, "start": 1.0}
    first = alone.refine(pictures[:, :4], mask[:, :4], **options)  # type: ignore[arg-type]
    second = alone.refine(pictures[:, 2:], mask[:, 2:], **options)  # type: ignore[arg-type]
    torch.testing.assert_close(first[:, 2:4], second[:, :2], atol=1e-4, rtol=1e-4)
    still = pictures[:, :1].expand(-1, 4, -1, -1, -1)
    held = alone.refine(still, mask[:, :4], **options)  # type: ignore[arg-type]
    torch.testing.assert_close(held, held[:, :1].expand_as(held), atol=1e-4, rtol=1e-4)


def test_progress_counts_the_model_calls(refiner: RefinerPipeline) -> None:
    pictures, mask = clip()
    told: list[tuple[int, int]] = []
    refiner.refine(
        pictures, mask, steps=20, start=1.0, jump_length=5, resamplings=3, progress=lambda *call: told.append(call)
    )
    assert told == [(number, 50) for number in range(51)]


def test_a_prompt_needs_a_text_encoder(refiner: RefinerPipeline) -> None:
    pictures, mask = clip()
    with pytest.raises(ConfigError, match="this refiner has no text encoder; leave the prompt out"):
        refiner.refine(pictures, mask, prompt="a cat")


def test_saved_and_loaded_it_gives_the_same(refiner: RefinerPipeline, tmp_path: Path) -> None:
    refiner.save_pretrained(tmp_path)
    loaded = load_refiner(tmp_path)
    pictures, mask = clip()
    assert torch.equal(loaded.refine(pictures, mask, steps=2), refiner.refine(pictures, mask, steps=2))
    assert loaded.scheduler.config.prediction_type == "v_prediction"


@pytest.mark.parametrize("part", ["unet", "vae", "scheduler"])
def test_a_missing_part_is_named(refiner: RefinerPipeline, tmp_path: Path, part: str) -> None:
    refiner.save_pretrained(tmp_path)
    shutil.rmtree(tmp_path / part)
    with pytest.raises(WeightsError) as error:
        load_refiner(tmp_path)
    assert str(error.value) == f"the refiner has no {part}; copy the folder again, or train it: {tmp_path}"


def test_a_part_without_its_weights_is_told(refiner: RefinerPipeline, tmp_path: Path) -> None:
    refiner.save_pretrained(tmp_path)
    next((tmp_path / "unet").glob("*.safetensors")).unlink()
    with pytest.raises(WeightsError, match="the refiner is incomplete or broken") as error:
        load_refiner(tmp_path)
    assert "\n" not in str(error.value) and str(error.value).endswith(str(tmp_path))


def test_an_autoencoder_that_does_not_fit_is_told(refiner: RefinerPipeline, tmp_path: Path) -> None:
    refiner.save_pretrained(tmp_path)
    shutil.rmtree(tmp_path / "vae")
    build_autoencoder(latent_channels=8, downsampling=4, width=8).save_pretrained(tmp_path / "vae")
    with pytest.raises(
        WeightsError, match=r"has 8 latent channels.*takes 17 and gives 8; this one takes 9 and gives 4"
    ):
        load_refiner(tmp_path)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no such folder, and not a hub id"):
        load_refiner(tmp_path / "missing")


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Stable Diffusion inpainting and a motion adapter in diffusers' format, random and as small as they get."""
    folder = tmp_path_factory.mktemp("pretrained")
    torch.manual_seed(0)
    letters = [chr(code) for code in range(97, 123)]
    tokens = letters + [f"{letter}</w>" for letter in letters] + ["<|startoftext|>", "<|endoftext|>"]
    tokenizer = CLIPTokenizer(
        vocab={token: number for number, token in enumerate(tokens)}, merges=[], model_max_length=8
    )
    text_encoder = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokens),
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=8,
            bos_token_id=len(tokens) - 2,
            eos_token_id=len(tokens) - 1,
        )
    )
    unet = UNet2DConditionModel(
        sample_size=8,
        in_channels=9,
        out_channels=4,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=2,
        cross_attention_dim=16,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
    )
    scheduler = DDIMScheduler(
        beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, steps_offset=1, clip_sample=False
    )
    StableDiffusionInpaintPipeline(
        vae=tiny_kl(),
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        unet=unet,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder / "inpainting")
    MotionAdapter(
        block_out_channels=(8, 16),
        motion_layers_per_block=1,
        motion_norm_num_groups=4,
        motion_num_attention_heads=2,
        motion_max_seq_length=8,
        use_motion_mid_block=False,
    ).save_pretrained(folder / "motion")
    return folder / "inpainting", folder / "motion"


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


def test_a_motion_adapter_beside_something_else_is_told(refiner: RefinerPipeline, tmp_path: Path) -> None:
    tiny_kl().save_pretrained(tmp_path / "vae")
    with pytest.raises(WeightsError, match="the inpainting model is incomplete or broken"):
        load_refiner(tmp_path, motion_adapter=tmp_path)


def test_the_samplers_are_the_librarys() -> None:
    assert list(SCHEDULERS.values()) == [
        DDIMScheduler,
        DDPMScheduler,
        UniPCMultistepScheduler,
        DPMSolverMultistepScheduler,
    ]


def test_the_refiner_that_is_shipped_gives_a_soft_fill_texture() -> None:
    assert sum(path.stat().st_size for path in WEIGHTS.rglob("*") if path.is_file()) < 25e6
    scene = torch.from_numpy(pan(8, (0, 1), height=96, width=128, seed=3)).permute(0, 3, 1, 2)[None] / 127.5 - 1
    mask = torch.zeros(1, 8, 1, 96, 128)
    mask[..., 24:72, 32:96] = 1
    inside = (..., slice(32, 64), slice(40, 88))
    soft = torch.lerp(scene, scene.mean((-2, -1), keepdim=True).expand_as(scene), mask)
    refined = load_refiner().refine(soft, mask)
    texture, wanted = (x[inside].diff(dim=-1).abs().mean() for x in (refined, scene))
    assert 0.05 * wanted < texture < 2 * wanted  # the soft fill has none
    seen = mask.expand_as(scene) == 0
    assert (refined - soft)[seen].square().mean().sqrt() < 0.15  # gone through the autoencoder, and no more
