"""The occlusion finder's training, top to bottom: degrade, find, compare with the true mask."""

import time
from pathlib import Path

import torch
from accelerate import Accelerator
from tqdm import tqdm

from restore.degradations.degrade import Ranges
from restore.models.finder import OcclusionFinder, triples
from restore.training.checkpoint import resume, save_checkpoint
from restore.training.config import TrainConfig
from restore.training.data import CleanWindows, batches, shielded, steps_per_epoch
from restore.training.ema import averaged
from restore.training.interrupt import Interrupt
from restore.training.losses import check_finite, mask_loss
from restore.training.prepare import degraded_windows
from restore.training.schedule import cosine

FRAMES = 3  # a window: the frame in question and its neighbours


def train_finder(
    config: TrainConfig, accelerator: Accelerator, videos: list[Path], interrupt: Interrupt
) -> OcclusionFinder | None:
    """Train for `config.finder_steps`, resuming where an earlier run stopped. None if interrupted."""
    # Models and data.
    finder = OcclusionFinder().to(memory_format=torch.channels_last)
    ema = averaged(finder, config.ema_decay).to(accelerator.device)
    optimizer = torch.optim.Adam(finder.parameters(), lr=6e-4)
    schedule = cosine(optimizer, config.finder_steps)
    model, optimizer = accelerator.prepare(finder, optimizer)
    checkpoint = Path(config.run_dir) / "finder.checkpoint"
    parts = {"finder": finder, "ema": ema, "optimizer": optimizer, "schedule": schedule}
    done = resume(checkpoint, parts)
    if done >= config.finder_steps:
        return _kept(ema.module)

    per_video = min(config.windows_per_video, config.finder_batch)
    windows = CleanWindows(
        videos, frames=FRAMES, crop=(config.crop_height, config.crop_width), per_video=per_video, seed=config.seed
    )
    videos_a_step = max(1, config.finder_batch // per_video)
    each = steps_per_epoch(windows, batch=videos_a_step, processes=accelerator.num_processes)
    loader = batches(
        windows,
        epochs=-(-config.finder_steps // each),
        batch=videos_a_step,
        first=done,
        rank=accelerator.process_index,
        processes=accelerator.num_processes,
        workers=config.workers,
    )

    saved = time.monotonic()
    progress = tqdm(
        shielded(loader),
        desc="finder",
        total=config.finder_steps,
        initial=done,
        unit="step",
        disable=not accelerator.is_main_process,
    )
    for step, batch in enumerate(progress, start=done):
        if step == config.finder_steps:
            break
        # Degrade.
        seed = (config.seed, 1, accelerator.process_index, step)
        _, degraded, mask, _ = degraded_windows(batch, seed=seed, ranges=Ranges(), device=accelerator.device)
        middle = triples(degraded)[:, 1].contiguous(memory_format=torch.channels_last)

        # Find and compare.
        loss = mask_loss(model(middle).float(), mask[:, 1])
        terms = check_finite(step, {"finder": loss})
        optimizer.zero_grad()
        accelerator.backward(loss)
        optimizer.step()
        ema.update_parameters(finder)
        progress.set_postfix(loss=f"{terms['finder']:.4f}", refresh=False)
        accelerator.log({"finder/loss": terms["finder"]}, step=step)
        schedule.step()

        # Keep.
        stopping = interrupt.agreed(accelerator)
        if accelerator.is_main_process and (stopping or time.monotonic() - saved > 60 * config.checkpoint_minutes):
            save_checkpoint(checkpoint, step + 1, parts)
            saved = time.monotonic()
        if stopping:
            return None

    if accelerator.is_main_process:
        save_checkpoint(checkpoint, config.finder_steps, parts)
    accelerator.wait_for_everyone()
    return _kept(ema.module)


def _kept(finder: torch.nn.Module) -> OcclusionFinder:
    assert isinstance(finder, OcclusionFinder)
    return finder.eval().requires_grad_(False)
