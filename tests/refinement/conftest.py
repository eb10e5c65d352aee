"""Refiners of tiny untrained models."""

from pathlib import Path

import pytest
import torch
from diffusers import (
    DDIMScheduler,
    MotionAdapter,
    StableDiffusionInpaintPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from restore.models.autoencoder import build_autoencoder
from restore.models.denoiser import build_denoiser
from restore.models.noise_schedule import NOISE
from restore.refinement.refiner import RefinerPipeline
from tests.models.test_autoencoder import tiny_kl
from tests.models.test_denoiser import awake


@pytest.fixture(scope="module")
def refiner() -> RefinerPipeline:
    torch.manual_seed(0)
    denoiser = awake(build_denoiser(latent_channels=4, widths=(16, 16), frames=4))
    vae = build_autoencoder(latent_channels=4, downsampling=4, width=8).eval()
    return RefinerPipeline(vae=vae, unet=denoiser, scheduler=DDIMScheduler(**NOISE))


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
