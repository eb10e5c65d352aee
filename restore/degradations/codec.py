"""A recorder that saves space: real encoders at low bitrates, with chroma at half resolution."""

import torch
from torch import Tensor

from restore.tensors import to_float, to_uint8
from restore.video.recode import recoded

# From the best to the worst that is drawn, on each encoder's own scale: CRF, and quantisers.
QUALITIES = {"libx264": (20.0, 38.0), "mpeg4": (2.0, 15.0), "mjpeg": (2.0, 15.0)}
ENCODER_SHARES = {"libx264": 0.7, "mpeg4": 0.15, "mjpeg": 0.15}  # H.264 is what most cameras of today record
PRESETS = ("medium", "veryfast", "ultrafast")  # a camera's encoder is a hurried one


def compressed(clip: Tensor, *, encoder: str, quality: float, preset: str = "medium") -> Tensor:
    """Encode and decode a clip `T 3 H W` in [-1, 1]; the result is on 8-bit levels. See `recoded`.

    >>> compressed(torch.zeros(2, 3, 16, 16), encoder="libx264", quality=28).shape
    torch.Size([2, 3, 16, 16])
    """
    decoded = recoded(to_uint8(clip), encoder=encoder, quality=quality, preset=preset)
    return to_float(decoded).to(clip)


def draw_codec(*, generator: torch.Generator) -> tuple[str, float, str]:
    """An encoder, its quality and its preset."""
    encoder = list(ENCODER_SHARES)[
        int(torch.multinomial(torch.tensor(list(ENCODER_SHARES.values())), 1, generator=generator))
    ]
    best, worst = QUALITIES[encoder]
    quality = best + (worst - best) * float(torch.rand((), generator=generator))
    return encoder, quality, PRESETS[int(torch.randint(len(PRESETS), (), generator=generator))]
