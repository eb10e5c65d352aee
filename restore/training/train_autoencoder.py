"""The autoencoder's training, top to bottom: encode, decode, compare with the clean frames, keep."""

import copy
import time
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from diffusers import AutoencoderTiny
from torch import Tensor, nn
from torchvision.utils import make_grid
from tqdm import tqdm

from restore.errors import WeightsError
from restore.models.autoencoder import (
    SPREAD,
    build_autoencoder,
    decode,
    downsampling,
    encode,
    normalise,
    raw_frames,
    raw_latents,
    start_as_principal_components,
)
from restore.models.pretrained import load_autoencoder, save_part
from restore.scoring.psnr import psnr
from restore.tensors import to_uint8
from restore.training.backup import set_aside
from restore.training.checkpoint import resume, save_checkpoint
from restore.training.config import AutoencoderConfig
from restore.training.data import CleanWindows, batches, shielded, steps_per_epoch
from restore.training.ema import averaged
from restore.training.interrupt import Interrupt
from restore.training.losses import check_finite, gradient_loss, moment_loss, reconstruction_loss
from restore.training.schedule import cosine

SAMPLES = 64  # videos, a frame of each, that are validated on, and that tell where to begin
SHOWN = 4  # pictures in the grid


class BothWays(nn.Module):
    """Frames `N 3 H W` => their latents and the frames decoded from them. The model's own `forward` quantises."""

    def __init__(self, vae: AutoencoderTiny) -> None:
        super().__init__()
        self.vae = vae

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        latents = raw_latents(self.vae, frames)
        return latents, raw_frames(self.vae, latents)


def initial_autoencoder(config: AutoencoderConfig) -> AutoencoderTiny:
    """The autoencoder that a training begins from: a new one, or `config.init_from`.

    Raises:
        WeightsError: there are no such weights, they are broken, or of another kind.
    """
    if not config.init_from:
        torch.manual_seed(config.seed)
        return build_autoencoder(
            latent_channels=config.latent_channels, downsampling=config.downsampling, width=config.width
        )
    vae = load_autoencoder(config.init_from)
    if not isinstance(vae, AutoencoderTiny):
        raise WeightsError(f"only an AutoencoderTiny is trained here, got {type(vae).__name__}: {config.init_from}")
    vae.register_to_config(scaling_factor=1.0, shift_factor=0.0)  # measured anew when it is written
    return vae


def train_autoencoder(
    config: AutoencoderConfig,
    vae: AutoencoderTiny,
    accelerator: Accelerator,
    videos: list[Path],
    held_out: list[Path],
    interrupt: Interrupt,
) -> bool:
    """Train for `config.epochs`, resuming where an earlier run stopped. False if interrupted."""
    # Model.
    held = _some_frames(held_out, downsampling(vae), config.seed).to(accelerator.device)
    if not config.init_from:
        start_as_principal_components(vae, _some_frames(videos, downsampling(vae), config.seed))
    vae = vae.train().to(memory_format=torch.channels_last)
    ema = averaged(vae, config.ema_decay).to(accelerator.device)

    # Data.
    windows = CleanWindows(
        videos,
        frames=config.window,
        crop=(config.crop_height, config.crop_width),
        per_video=config.windows_per_video,
        seed=config.seed,
    )
    videos_a_step = config.batch_size // config.windows_per_video
    each = steps_per_epoch(windows, batch=videos_a_step, processes=accelerator.num_processes)
    steps = config.epochs * each

    # Optimiser.
    optimizer = torch.optim.Adam(vae.parameters(), lr=config.learning_rate)
    schedule = cosine(optimizer, steps // config.gradient_accumulation)
    model, optimizer = accelerator.prepare(BothWays(vae), optimizer)
    checkpoint = Path(config.run_dir) / "autoencoder.checkpoint"
    parts = {"vae": vae, "ema": ema, "optimizer": optimizer, "schedule": schedule}
    done = resume(checkpoint, parts)
    if done >= steps and accelerator.is_main_process and not Path(config.output_dir).exists():
        _write(config, ema.module, held)  # a run that is finished still gives its weights

    loader = batches(
        windows,
        epochs=config.epochs,
        batch=videos_a_step,
        first=done,
        rank=accelerator.process_index,
        processes=accelerator.num_processes,
        workers=config.workers,
    )
    saved = time.monotonic()
    progress = tqdm(
        shielded(loader),
        desc="autoencoder",
        total=steps,
        initial=done,
        unit="step",
        disable=not accelerator.is_main_process,
    )
    for step, batch in enumerate(progress, start=done):
        clean = batch["clips"].flatten(0, 1).to(accelerator.device).float() / 127.5 - 1  # N 3 H W
        with accelerator.accumulate(model):
            latents, decoded = model(clean.contiguous(memory_format=torch.channels_last))
            terms = {
                "l1": reconstruction_loss(decoded.float(), clean),
                "gradient": gradient_loss(decoded.float(), clean),
                "moment": moment_loss(latents.float(), spread=SPREAD),
            }
            losses = check_finite(step, terms)
            accelerator.backward(
                config.l1_weight * terms["l1"]
                + config.gradient_weight * terms["gradient"]
                + config.moment_weight * terms["moment"]
            )
            if accelerator.sync_gradients:
                accelerator.clip_grad_norm_(vae.parameters(), config.gradient_clip)
            optimizer.step()
            optimizer.zero_grad()
        if accelerator.sync_gradients:
            ema.update_parameters(vae)
            schedule.step()

        # Log.
        progress.set_postfix({name: f"{value:.4f}" for name, value in losses.items()}, refresh=False)
        accelerator.log({f"autoencoder/{name}": value for name, value in losses.items()}, step=step)
        last = step + 1 == steps
        if accelerator.is_main_process and ((step + 1) % config.validate_every == 0 or last):
            score, grid = _validate(ema.module, held, accelerator)
            accelerator.log({"validation/psnr": score}, step=step)
            accelerator.get_tracker("tensorboard").log_images(
                {"validation/decoded clean": grid.unsqueeze(0)}, step=step
            )
            progress.write(f"step {step + 1}: psnr {score:.3f}")

        # Keep.
        settled = accelerator.sync_gradients or last
        stopping = settled and interrupt.agreed(accelerator)
        due = time.monotonic() - saved > 60 * config.checkpoint_minutes
        if accelerator.is_main_process and settled and (due or stopping or last):
            _write(config, ema.module, held)
            save_checkpoint(checkpoint, step + 1, parts)
            saved = time.monotonic()
        if stopping:
            return last
    accelerator.wait_for_everyone()
    return True


def _some_frames(videos: list[Path], multiple: int, seed: int) -> Tensor:
    """A crop of a frame of each of at most 64 videos, evenly chosen, `N 3 H W` in [-1, 1]."""
    side = 192 // multiple * multiple
    chosen = videos[:: -(-len(videos) // SAMPLES)]
    windows = CleanWindows(chosen, frames=1, crop=(side, side), per_video=1, seed=seed)
    return torch.cat([windows[0, index]["clips"][:, 0] for index in range(len(windows))]).float() / 127.5 - 1


@torch.no_grad()
def _validate(vae: AutoencoderTiny, frames: Tensor, accelerator: Accelerator) -> tuple[float, Tensor]:
    """PSNR in dB of frames encoded and decoded, and a grid of pictures [0, 1]: decoded and clean in a row."""
    with accelerator.autocast():
        decoded = decode(vae, encode(vae, frames)).clamp(-1, 1)
    got, wanted = to_uint8(decoded), to_uint8(frames)
    score = float(np.mean([psnr(a, b) for a, b in zip(got, wanted, strict=True)]))
    rows = torch.stack([decoded[:SHOWN], frames[:SHOWN]], 1).flatten(0, 1)
    return score, make_grid(rows.cpu() / 2 + 0.5, nrow=2).clamp(0, 1)


@torch.no_grad()
def _write(config: AutoencoderConfig, vae: AutoencoderTiny, frames: Tensor) -> None:
    """Write the weights, with the scale that gives the latents of `frames` unit variance."""
    vae = copy.deepcopy(vae)
    latents = encode(vae, frames)
    normalise(vae, mean=float(latents.mean()), std=float(latents.std()))
    set_aside(Path(config.output_dir), Path(config.run_dir))
    save_part(vae, config.output_dir)
