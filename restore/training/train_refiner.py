"""The refiner's training (latent diffusion, v-prediction), top to bottom: noise, denoise, compare, log, keep."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from accelerate import Accelerator
from diffusers import DDIMScheduler, DDPMScheduler, UNetMotionModel
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torchvision.utils import make_grid
from tqdm import tqdm

from restore.models.autoencoder import Autoencoder
from restore.models.denoiser import build_denoiser, denoise
from restore.models.pretrained import load_autoencoder, save_part
from restore.models.weights import load_models
from restore.refinement.load import load_refiner
from restore.refinement.refiner import RefinerPipeline
from restore.training.backup import set_aside
from restore.training.checkpoint import resume, save_checkpoint
from restore.training.config import RefinerConfig
from restore.training.data import CleanWindows, batches, shielded, steps_per_epoch
from restore.training.ema import averaged
from restore.training.interrupt import Interrupt
from restore.training.losses import check_finite, diffusion_loss
from restore.training.prepare import seeded
from restore.training.prepare_refiner import CoarseClips, LatentClips, coarse_clips, latent_clips
from restore.training.schedule import cosine
from restore.video.prefetch import prefetch

FUSED = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
SHOWN = 2  # held-out clips that are regenerated
NOISE = {  # Stable Diffusion's, taken down to no signal at all (Lin et al. 2024)
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing",
    "clip_sample": False,
}

Initial = tuple[UNetMotionModel, Autoencoder, nn.Module]


def initial_refiner(config: RefinerConfig) -> Initial:
    """The denoiser that a training begins from, and the frozen autoencoder and generator.

    Raises:
        WeightsError: one of them is missing or broken, or they do not fit each other.
    """
    generator = load_models(config.generator, ("generator",))["generator"]
    if config.init_from:
        refiner = load_refiner(config.init_from)
        return refiner.unet, refiner.vae, generator
    vae = load_autoencoder(config.vae)
    torch.manual_seed(config.seed)
    denoiser = build_denoiser(latent_channels=vae.config.latent_channels, widths=config.widths, frames=config.window)
    return denoiser, vae, generator


def train_refiner(
    config: RefinerConfig,
    initial: Initial,
    accelerator: Accelerator,
    videos: list[Path],
    held_out: list[Path],
    interrupt: Interrupt,
) -> bool:
    """Train for `config.epochs`, resuming where an earlier run stopped. False if interrupted."""
    # Models.
    denoiser, vae, generator = initial
    denoiser.train()
    vae, generator = (frozen(model).to(accelerator.device) for model in (vae, generator))
    ema = averaged(denoiser, config.ema_decay).to(accelerator.device)
    scheduler = DDPMScheduler(**NOISE)
    alphas = scheduler.alphas_cumprod.to(accelerator.device)

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
    optimizer = torch.optim.AdamW(denoiser.parameters(), lr=config.learning_rate)
    schedule = cosine(optimizer, steps // config.gradient_accumulation)
    model, optimizer = accelerator.prepare(denoiser, optimizer)
    checkpoint = Path(config.run_dir) / "refiner.checkpoint"
    parts = {"denoiser": denoiser, "ema": ema, "optimizer": optimizer, "schedule": schedule}
    done = resume(checkpoint, parts)
    if done >= steps and accelerator.is_main_process and not (Path(config.output_dir) / "unet").exists():
        _write(config, ema.module, vae)  # a run that is finished still gives its weights

    # Fused attention is slow backwards on a CPU: over a few frames, written out it takes two thirds of a step's time.
    backends = [SDPBackend.MATH] if accelerator.device.type == "cpu" else FUSED
    saved = time.monotonic()
    held: CoarseClips | None = None
    with ThreadPoolExecutor(2) as pool:
        clips = prefetch(_clips(config, accelerator, windows, vae, generator, pool, done), depth=2)
        progress = tqdm(
            clips, desc="refiner", total=steps, initial=done, unit="step", disable=not accelerator.is_main_process
        )
        for step, batch in enumerate(progress, start=done):
            # Noise, the same for all frames of a clip, as it will be when sampling: see `RefinerPipeline`.
            draw = seeded(config.seed, 3, accelerator.process_index, step)
            count = len(batch.clean)
            # Little noise is drawn more often than much: that is where the walk from a coarse fill takes place.
            timesteps = (torch.rand(count, generator=draw) ** 2 * scheduler.config.num_train_timesteps).long()
            noise = torch.randn(count, 1, *batch.clean.shape[2:], generator=draw).to(accelerator.device)
            noise = noise.expand_as(batch.clean)
            timesteps = timesteps.to(accelerator.device)
            noisy = scheduler.add_noise(batch.clean, noise, timesteps)
            velocity = scheduler.get_velocity(batch.clean, noise, timesteps)

            # Denoise and compare.
            with accelerator.accumulate(model), sdpa_kernel(backends):
                with accelerator.autocast():
                    predicted = denoise(model, noisy, timesteps, batch.hidden, batch.shown)
                loss = diffusion_loss(predicted, velocity, batch.hidden, alphas[timesteps], gamma=config.snr_gamma)
                losses = check_finite(step, {"velocity": loss})
                accelerator.backward(loss)
                if accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(denoiser.parameters(), config.gradient_clip)
                optimizer.step()
                optimizer.zero_grad()
            if accelerator.sync_gradients:
                ema.update_parameters(denoiser)
                schedule.step()

            # Log.
            progress.set_postfix({name: f"{value:.4f}" for name, value in losses.items()}, refresh=False)
            accelerator.log({f"refiner/{name}": value for name, value in losses.items()}, step=step)
            last = step + 1 == steps
            if accelerator.is_main_process and ((step + 1) % config.validate_every == 0 or last):
                held = held or _held_out_clips(config, held_out, generator, accelerator, pool)
                refiner = RefinerPipeline(vae=vae, unet=ema.module, scheduler=DDIMScheduler(**NOISE))
                refiner.set_progress_bar_config(disable=True)
                scores, grid = _validate(refiner, held)
                accelerator.log({f"validation/{name}": value for name, value in scores.items()}, step=step)
                accelerator.get_tracker("tensorboard").log_images(
                    {"validation/coarse refined clean": grid.unsqueeze(0)}, step=step
                )
                progress.write(f"step {step + 1}: " + "  ".join(f"{k} {v:.3f}" for k, v in scores.items()))

            # Keep.
            settled = accelerator.sync_gradients or last
            stopping = settled and interrupt.agreed(accelerator)
            due = time.monotonic() - saved > 60 * config.checkpoint_minutes
            if accelerator.is_main_process and settled and (due or stopping or last):
                _write(config, ema.module, vae)
                save_checkpoint(checkpoint, step + 1, parts)
                saved = time.monotonic()
            if stopping:
                return last
    accelerator.wait_for_everyone()
    return True


def frozen(model: nn.Module) -> nn.Module:
    return model.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def _clips(
    config: RefinerConfig,
    accelerator: Accelerator,
    windows: CleanWindows,
    vae: Autoencoder,
    generator: nn.Module,
    pool: ThreadPoolExecutor,
    first: int,
) -> Iterator[LatentClips]:
    """One step's clips after another, from step `first` on. Runs in a thread, ahead of the training."""
    loader = batches(
        windows,
        epochs=config.epochs,
        batch=config.batch_size // config.windows_per_video,
        first=first,
        rank=accelerator.process_index,
        processes=accelerator.num_processes,
        workers=config.workers,
    )
    for step, batch in enumerate(shielded(loader), start=first):
        draw = seeded(config.seed, 2, accelerator.process_index, step)
        clips = coarse_clips(
            batch["clips"],
            generator,
            hidden=(config.hidden_least, config.hidden_most),
            draw=draw,
            device=accelerator.device,
            autocast=accelerator.autocast,
            pool=pool,
        )
        with accelerator.autocast():
            yield latent_clips(clips, vae, coarse_share=config.coarse_share, draw=draw)


def _held_out_clips(
    config: RefinerConfig,
    videos: list[Path],
    generator: nn.Module,
    accelerator: Accelerator,
    pool: ThreadPoolExecutor,
) -> CoarseClips:
    windows = CleanWindows(
        videos[:SHOWN],
        frames=config.window,
        crop=(config.crop_height, config.crop_width),
        per_video=1,
        seed=config.seed,
    )
    return coarse_clips(
        torch.cat([windows[0, index]["clips"] for index in range(len(windows))]),
        generator,
        hidden=(0.15, 0.25),
        draw=seeded(config.seed, 4),
        device=accelerator.device,
        autocast=accelerator.autocast,
        pool=pool,
    )


def _validate(refiner: RefinerPipeline, clips: CoarseClips) -> tuple[dict[str, float], Tensor]:
    """PSNR in dB of what is regenerated, and its gradients' energy as a share of the clean picture's; and a grid of
    pictures [0, 1]: coarse, refined and clean in a row.
    """
    refined = refiner.refine(clips.coarse, clips.unseen).clamp(-1, 1)
    hidden = clips.unseen.bool().expand_as(refined)
    scores: dict[str, float] = {}
    for name, pictures in (("coarse", clips.coarse), ("refined", refined)):
        error = (pictures - clips.clean)[hidden].square().mean()
        inside = hidden[..., 1:] & hidden[..., :-1]
        detail, wanted = (x.diff(dim=-1)[inside].abs().mean() for x in (pictures, clips.clean))
        scores |= {f"psnr_{name}": float(10 * torch.log10(4 / error)), f"detail_{name}": float(detail / wanted)}
    middle = clips.clean.shape[1] // 2
    rows = torch.stack([x[:, middle] for x in (clips.coarse, refined, clips.clean)], 1).flatten(0, 1)
    return scores, make_grid(rows.float().cpu() / 2 + 0.5, nrow=3).clamp(0, 1)


def _write(config: RefinerConfig, denoiser: UNetMotionModel, vae: Autoencoder) -> None:
    """Write the refiner as a folder that `from_pretrained` reads: fp16 safetensors."""
    folder, run = Path(config.output_dir), Path(config.run_dir)
    source = Path(config.init_from) / "vae" if config.init_from else Path(config.vae)
    vae_lies_there = (folder / "vae").exists() and (folder / "vae").resolve() == source.resolve()
    set_aside(folder / "unet", run)
    save_part(denoiser, folder / "unet")
    if not vae_lies_there:
        set_aside(folder / "vae", run)
        save_part(vae, folder / "vae")
    pipeline = RefinerPipeline(vae=vae, unet=denoiser, scheduler=DDIMScheduler(**NOISE))
    pipeline.scheduler.save_pretrained(folder / "scheduler")
    pipeline.save_config(folder)
