"""The refiner: regenerates what no frame saw, in an autoencoder's latents, with a video diffusion model and resampling.

    frames ──> encode ──> sampler ──> decode ──> frames
    + mask     latents    known latents re-imposed, hidden ones denoised in windows of frames

A diffusers pipeline of the usual parts, so that loading, saving, types, devices and offloading are the library's. It
reads its own folder (`saved_models/refiner`), or Stable Diffusion inpainting's with a motion adapter beside it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DiffusionPipeline,
    DPMSolverMultistepScheduler,
    MotionAdapter,
    UNet2DConditionModel,
    UNetMotionModel,
    UniPCMultistepScheduler,
)
from torch import Tensor

from restore.errors import ConfigError, WeightsError
from restore.models.autoencoder import decode, downsampling, encode
from restore.models.denoiser import denoise, hidden_cells
from restore.models.pretrained import from_pretrained
from restore.refinement.sampler import sample
from restore.refinement.windows import denoise_in_windows
from restore.tensors import pad_to_multiple

WEIGHTS = Path(__file__).parents[2] / "saved_models" / "refiner"
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

    All frames are given the same noise, as in training (the fully shared case of Ge et al. 2023, "Preserve Your Own
    Correlation"): what is invented holds still, within a window and from one to the next.

    Raises:
        ValueError: the autoencoder's latents do not fit the denoiser.
    """

    model_cpu_offload_seq = "text_encoder->unet->vae"
    _optional_components = ["text_encoder", "tokenizer"]  # noqa: RUF012, diffusers reads it of the class

    def __init__(  # type: ignore[no-untyped-def]  # diffusers compares annotations with what it loads
        self, vae, unet: UNetMotionModel, scheduler, text_encoder=None, tokenizer=None
    ) -> None:
        super().__init__()
        channels = vae.config.latent_channels
        if (unet.config.in_channels, unet.config.out_channels) != (2 * channels + 1, channels):
            raise ValueError(
                f"the autoencoder has {channels} latent channels, for which a denoiser takes {2 * channels + 1} and "
                f"gives {channels}; this one takes {unet.config.in_channels} and gives {unet.config.out_channels}"
            )
        self.register_modules(vae=vae, unet=unet, scheduler=scheduler, text_encoder=text_encoder, tokenizer=tokenizer)

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
        steps: int = 10,
        jump_length: int = 1,
        resamplings: int = 1,
        start: float = 0.3,
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
            jump_length, resamplings: see `diffusion/schedule.py`.
            start: how much noise the coarse fill is taken up to, in (0, 1]; 1 is pure noise.
            seed: the same seed gives the same result.
            sampler: instead of the scheduler that came with the weights.
            prompt, negative_prompt, guidance_scale: for a model with a text encoder.
            progress: told `(model calls made, model calls in all)` before the first and after each.

        Returns:
            `B T 3 H W`, about [-1, 1]. The visible part has gone through the autoencoder too: take the hidden one.

        Raises:
            ConfigError: a prompt for a model that reads none.
        """
        batch, count, _, height, width = frames.shape
        cell, multiple = downsampling(self.vae), self.multiple
        if max(height, width) <= multiple:  # one value a channel at the deepest level cannot be normalised
            multiple *= 2
        frames, mask = (
            pad_to_multiple(x.transpose(0, 1).flatten(0, 1), multiple).to(self.device) for x in (frames, mask)
        )
        known, hidden = encode(self.vae, frames), hidden_cells(mask, cell)
        text = self._text(prompt, negative_prompt, guidance_scale)

        # The sampler's items are (frame, region), the model's are (window, region): `WB L ...`.
        def by_window(x: Tensor, windows: list[slice]) -> Tensor:
            frames = x.unflatten(0, (count, batch))
            return torch.cat([frames[window].transpose(0, 1) for window in windows])

        def model(noisy: Tensor, timestep: int, call: int) -> Tensor:
            def denoised(parts: Tensor, windows: list[slice]) -> Tensor:
                parts = parts.unflatten(2, (batch, -1)).transpose(1, 2)  # W B L c h w
                conditions = [by_window(x, windows) for x in (hidden, known)]
                output = self._guided(parts.flatten(0, 1), timestep, *conditions, text=text, scale=guidance_scale)
                return output.unflatten(0, (-1, batch)).transpose(1, 2).flatten(2, 3)

            frames = noisy.unflatten(0, (count, batch)).flatten(1, 2)  # T Bc h w
            length = self.unet.config.motion_max_seq_length
            output = denoise_in_windows(denoised, frames, length=length, shifted=call % 2 == 1)
            return output.unflatten(1, (batch, -1)).flatten(0, 1)

        scheduler = self.scheduler if sampler is None else SCHEDULERS[sampler].from_config(self.scheduler.config)
        latents = sample(
            model,
            scheduler,
            known,
            hidden,
            steps=steps,
            jump_length=jump_length,
            resamplings=resamplings,
            start=start,
            generators=[_generator(seed, region) for _ in range(count) for region in range(batch)],
            progress=progress,
        )
        refined = decode(self.vae, latents)[..., :height, :width]
        return refined.unflatten(0, (count, batch)).transpose(0, 1)

    def _guided(
        self, noisy: Tensor, timestep: int, hidden: Tensor, known: Tensor, *, text: Tensor | None, scale: float
    ) -> Tensor:
        """The model's output; with a prompt, classifier-free guidance (Ho & Salimans 2021).

        Args:
            text: see `_text`.
        """
        if text is None or len(text) == 1:
            text = None if text is None else text.expand(len(noisy), -1, -1)
            return denoise(self.unet, noisy, timestep, hidden, known, text)
        text = text.repeat_interleave(len(noisy), 0)
        noisy, hidden, known = (torch.cat([x, x]) for x in (noisy, hidden, known))
        without, with_text = denoise(self.unet, noisy, timestep, hidden, known, text).chunk(2)
        return without + scale * (with_text - without)

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
        prompts = [prompt or ""]
        if scale != 1 and prompt:
            prompts = [negative or "", *prompts]
        tokens = self.tokenizer(
            prompts,
            padding="max_length",
            truncation=True,
            max_length=self.tokenizer.model_max_length,
            return_tensors="pt",
        )
        embeddings: Tensor = self.text_encoder(tokens.input_ids.to(self.device))[0]
        return embeddings


def load_refiner(
    folder: str | Path = WEIGHTS, *, motion_adapter: str | Path | None = None, dtype: torch.dtype = torch.float32
) -> RefinerPipeline:
    """A refiner from its folder or hub id, on the CPU.

    Args:
        folder: what `train.py --stage refiner` writes; or Stable Diffusion inpainting's, with a `motion_adapter`.
        motion_adapter: AnimateDiff's, folder or hub id.
        dtype: what it computes in.

    Raises:
        WeightsError: a part is missing, broken or does not fit the others, or cannot be downloaded.
    """
    if Path(folder) == WEIGHTS and not WEIGHTS.exists():
        raise WeightsError(f"no such refiner; copy it from the project again, or train it (--stage refiner): {WEIGHTS}")
    if motion_adapter is None:
        _check_parts(Path(folder), "unet", "vae", "scheduler")
        return _fitting(
            folder, lambda: from_pretrained(RefinerPipeline.from_pretrained, folder, what="refiner", dtype=dtype)
        )
    parts = from_pretrained(DiffusionPipeline.from_pretrained, folder, what="inpainting model", dtype=dtype).components
    if not isinstance(parts.get("unet"), UNet2DConditionModel):
        raise WeightsError(f"with a motion adapter, expected Stable Diffusion inpainting's folder or hub id: {folder}")
    adapter = from_pretrained(MotionAdapter.from_pretrained, motion_adapter, what="motion adapter", dtype=dtype)
    return _fitting(
        folder,
        lambda: RefinerPipeline(
            vae=parts["vae"],
            unet=UNetMotionModel.from_unet2d(parts["unet"], adapter),
            scheduler=DDIMScheduler.from_config(parts["scheduler"].config, clip_sample=False),
            text_encoder=parts["text_encoder"],
            tokenizer=parts["tokenizer"],
        ),
    )


def _check_parts(folder: Path, *names: str) -> None:
    for name in names:
        if folder.is_dir() and not (folder / name).is_dir():
            raise WeightsError(f"the refiner has no {name}; copy the folder again, or train it: {folder}")


def _fitting(folder: str | Path, build: Callable[[], RefinerPipeline]) -> RefinerPipeline:
    try:
        return build()
    except ValueError as error:
        raise WeightsError(f"{' '.join(str(error).split())}: {folder}") from error


def _generator(seed: int, region: int) -> torch.Generator:
    state = np.random.SeedSequence((seed, region)).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))
