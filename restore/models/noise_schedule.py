"""The noise that the denoisers trained here remove."""

import functools

from diffusers import DDPMScheduler
from torch import Tensor

NOISE = {  # Stable Diffusion's, taken down to no signal at all (Lin et al. 2024)
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing",
    "clip_sample": False,
}


@functools.cache
def signal_shares() -> Tensor:
    """Of the variance of a sample, how much is the picture's: float32, one for each timestep.

    >>> shares = signal_shares()
    >>> len(shares), round(float(shares[0]), 4), float(shares[-1]) < 1e-6
    (1000, 0.9991, True)
    """
    shares: Tensor = DDPMScheduler(**NOISE).alphas_cumprod
    return shares
