"""The refiner: regenerates what no frame saw, in an autoencoder's latents, with a video diffusion model and resampling.

    frames ──> encode ──> sampler ──> decode ──> frames
    + mask     latents    known latents re-imposed, hidden ones denoised in windows of frames

A diffusers pipeline of the usual parts, so that saving, types, devices and offloading are the library's; `load.py`
reads it from disk.

Letters: `B` regions, `T` frames, `C` latent channels, `h w` latent cells; `W` windows of `L` frames (`windows.py`).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, get_args

import numpy as np
import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DiffusionPipeline,
    DPMSolverMultistepScheduler,
    UniPCMultistepScheduler,
)
from torch import Tensor

from restore.errors import ConfigError
from restore.models.autoencoder import decode, downsampling, encode
from restore.models.denoiser import PICTURES, hidden_cells, input_channels
from restore.refinement.guidance import denoise_guided, embed_prompts
from restore.refinement.sampler import sample
from restore.refinement.schedule import START
from restore.refinement.windows import denoise_in_windows
from restore.tensors import pad_to_multiple

Sampler = Literal["ddim", "ddpm", "unipc", "dpmsolver++"]
SCHEDULERS: dict[str, Any] = {
    "ddim": DDIMScheduler,
    "ddpm": DDPMScheduler,
    "unipc": UniPCMultistepScheduler,
    "dpmsolver++": DPMSolverMultistepScheduler,
}
assert tuple(SCHEDULERS) == get_args(Sampler)


class RefinerPipeline(DiffusionPipeline):
    """Autoencoder, denoiser, scheduler, and for a model that reads prompts its tokenizer and text encoder.

    All frames of a region draw the same noise, as in training (the fully shared case of Ge et al. 2023, "Preserve Your
    Own Correlation"): a static scene is regenerated alike in every frame, within a window and from one to the next.

    Args:
        conditioning: what the denoiser reads with the noisy latents. "masked_and_draft": the picture with grey (0) in
            its holes, then that with a coarse fill in them, and what is known comes without noise, as
            `train.py --stage refiner` trains it. "masked": the first alone, as Stable Diffusion inpainting is trained.
            "draft": the second alone, as earlier versions trained it. None goes by the channels that the denoiser
            takes. It is saved with the pipeline's configuration.

    Raises:
        ValueError: the autoencoder's latents do not fit the denoiser, or there is no such `conditioning`.
    """

    model_cpu_offload_seq = "text_encoder->unet->vae"
    _optional_components = ["text_encoder", "tokenizer"]  # noqa: RUF012, diffusers reads it of the class

    def __init__(  # type: ignore[no-untyped-def]  # diffusers compares annotations with what it loads
        self, vae, unet, scheduler, text_encoder=None, tokenizer=None, conditioning: str | None = None
    ) -> None:
        super().__init__()
        channels = vae.config.latent_channels
        if conditioning is None:  # earlier versions did not save it
            earlier = unet.config.in_channels == input_channels(channels, "draft")
            conditioning = "draft" if earlier else "masked_and_draft"
        if conditioning not in PICTURES:
            raise ValueError(f"conditioning is {conditioning}, expected one of {', '.join(PICTURES)}")
        taken = input_channels(channels, conditioning)
        if (unet.config.in_channels, unet.config.out_channels) != (taken, channels):
            raise ValueError(
                f"the autoencoder has {channels} latent channels, for which a denoiser takes {taken} and "
                f"gives {channels}; this one takes {unet.config.in_channels} and gives {unet.config.out_channels}"
            )
        self.register_modules(vae=vae, unet=unet, scheduler=scheduler, text_encoder=text_encoder, tokenizer=tokenizer)
        self.register_to_config(conditioning=conditioning)

    @property
    def multiple(self) -> int:
        """Pictures whose sides are multiples of this need no padding."""
        levels: int = len(self.unet.config.block_out_channels)
        return downsampling(self.vae) * 2 ** (levels - 1)

    @torch.inference_mode()
    def refine(
        self,
        frames: Tensor,
        mask: Tensor,
        *,
        steps: int = 2,
        jump_length: int = 1,
        resamplings: int = 1,
        start: float = START,
        seed: int = 0,
        sampler: Sampler | None = None,
        prompt: str | None = None,
        negative_prompt: str | None = None,
        guidance_scale: float = 7.5,
        progress: Callable[[int, int], None] | None = None,
    ) -> Tensor:
        """Regenerate what is hidden.

        Args:
            frames: `B T 3 H W`, RGB in [-1, 1], any H and W, with a coarse fill in the holes.
            mask: `B T 1 H W`, 1 where the picture is to be regenerated.
            steps: of the scheduler from pure noise to nothing; `start` of them are walked.
            jump_length, resamplings: see `schedule.py`.
            start: how much noise the coarse fill is taken up to, in (0, 1]; 1 is pure noise.
            seed: the same seed gives the same result.
            sampler: instead of the scheduler that came with the weights.
            prompt, negative_prompt, guidance_scale: for a model with a text encoder.
            progress: called with `(model calls made, model calls in all)` before the first and after each.

        Returns:
            `B T 3 H W`, about [-1, 1]. The visible part has gone through the autoencoder too: take the hidden one.

        Raises:
            ConfigError: a prompt for a model that reads none.
        """
        regions, count, _, height, width = frames.shape
        text = self._text(prompt, negative_prompt, guidance_scale)

        # Pictures => latents.
        frames, mask = self._padded(frames), self._padded(mask)
        draft = encode(self.vae, frames)  # B T C h w
        hidden = hidden_cells(mask, downsampling(self.vae))  # B T 1 h w
        condition = draft
        if self.config.conditioning != "draft":
            condition = encode(self.vae, frames.masked_fill(mask > 0, 0))
        if self.config.conditioning == "masked_and_draft":
            condition = torch.cat([condition, draft], 2)

        # Sample. To the sampler each frame of each region is an item, and the model sees windows of them.
        def model(noisy: Tensor, timestep: int, call: int) -> Tensor:
            predicted = denoise_in_windows(
                partial(denoise_guided, self.unet, timestep=timestep, text=text, scale=guidance_scale),
                noisy.unflatten(0, (regions, count)),
                hidden,
                condition,
                length=self.unet.config.motion_max_seq_length,
                shifted=call % 2 == 1,
            )
            return predicted.flatten(0, 1)  # B T C h w => BT C h w

        latents = sample(
            model,
            self.scheduler if sampler is None else SCHEDULERS[sampler].from_config(self.scheduler.config),
            draft.flatten(0, 1),
            hidden.flatten(0, 1),
            steps=steps,
            jump_length=jump_length,
            resamplings=resamplings,
            start=start,
            generators=[_generator(seed, region) for region in range(regions) for _ in range(count)],
            noised=self.config.conditioning != "masked_and_draft",
            progress=progress,
        )

        # Latents => pictures.
        return decode(self.vae, latents.unflatten(0, (regions, count)))[..., :height, :width]

    def check_prompt(self, prompt: str | None) -> None:
        """Raise ConfigError if there is a prompt, and the model cannot read it."""
        if prompt and (self.text_encoder is None or self.tokenizer is None):
            raise ConfigError("got a prompt, and this refiner has no text encoder; leave the prompt out")

    def _text(self, prompt: str | None, negative: str | None, scale: float) -> Tensor | None:
        """Embeddings `1 L D` of the prompt, or `2 L D` of the negative prompt and the prompt; None without an encoder.

        Raises:
            ConfigError: a prompt without an encoder.
        """
        self.check_prompt(prompt or negative)
        if self.text_encoder is None:
            return None
        prompts = [negative or "", prompt] if scale != 1 and prompt else [prompt or ""]
        return embed_prompts(self.tokenizer, self.text_encoder, prompts)

    def _padded(self, pictures: Tensor) -> Tensor:
        """`B T C H W` on the model's device, H and W extended to what it takes."""
        multiple = self.multiple
        if max(pictures.shape[-2:]) <= multiple:  # one value a channel at the deepest level cannot be normalised
            multiple *= 2
        return pad_to_multiple(pictures.flatten(0, 1), multiple).unflatten(0, pictures.shape[:2]).to(self.device)


def _generator(seed: int, region: int) -> torch.Generator:
    state = np.random.SeedSequence((seed, region)).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))
