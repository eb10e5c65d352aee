"""Prompts: the text that a denoiser reads, and how much it counts (classifier-free guidance, Ho & Salimans 2021)."""

from typing import Any

import torch
from torch import Tensor, nn

from restore.models.denoiser import denoise


@torch.no_grad()
def embed_prompts(tokenizer: Any, text_encoder: Any, prompts: list[str]) -> Tensor:
    """Embeddings `P L D` of P prompts, each padded or cut to the encoder's L tokens.

    Args:
        tokenizer, text_encoder: of transformers, as Stable Diffusion has them.
    """
    tokens = tokenizer(
        prompts, padding="max_length", truncation=True, max_length=tokenizer.model_max_length, return_tensors="pt"
    )
    embeddings: Tensor = text_encoder(tokens.input_ids.to(text_encoder.device))[0]
    return embeddings


def denoise_guided(
    denoiser: nn.Module,
    noisy: Tensor,
    hidden: Tensor,
    condition: Tensor,
    *,
    timestep: int,
    text: Tensor | None,
    scale: float,
) -> Tensor:
    """The model's output, `B T C h w`.

    Args:
        noisy, hidden, condition, timestep: see `models.denoiser.denoise`.
        text: `1 L D`, the prompt's embeddings; `2 L D`, the negative prompt's and the prompt's: then the model is
            called for both at once, and the output is `negative + scale * (prompt - negative)`. None: no text.
    """
    batch = len(noisy)
    if text is None:
        return denoise(denoiser, noisy, timestep, hidden, condition)
    text = text.repeat_interleave(batch, 0)
    if len(text) == batch:
        return denoise(denoiser, noisy, timestep, hidden, condition, text)
    noisy, hidden, condition = (torch.cat([x, x]) for x in (noisy, hidden, condition))
    negative, prompt = denoise(denoiser, noisy, timestep, hidden, condition, text).chunk(2)
    return negative + scale * (prompt - negative)
