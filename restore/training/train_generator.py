"""The generator's GAN training (pix2pix), top to bottom: D step, G step, log, validate, checkpoint."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import nn
from tqdm import tqdm

from restore.degradations.degrade import Ranges
from restore.errors import WeightsError
from restore.models.discriminator import PatchGAN
from restore.models.finder import OcclusionFinder
from restore.models.generator import UNetGenerator
from restore.models.pix2pix import Pix2PixUNet
from restore.models.segmenter import Segmenter
from restore.models.weights import save_models
from restore.propagation.evidence import FRAME
from restore.training.backup import set_aside
from restore.training.checkpoint import resume, save_checkpoint
from restore.training.config import TrainConfig
from restore.training.data import CleanWindows, batches, shielded, steps_per_epoch
from restore.training.ema import averaged
from restore.training.interrupt import Interrupt
from restore.training.losses import (
    check_finite,
    discriminator_loss,
    generator_adversarial_loss,
    reconstruction_loss,
    squared_loss,
)
from restore.training.prepare import (
    GIVEN_SHARE,
    VARIED_SHARE,
    Pairs,
    degraded_windows,
    find_masks,
    network_input,
    propagated_pairs,
)
from restore.training.schedule import cosine
from restore.training.validate import Validation
from restore.video.prefetch import prefetch


def build_generator(config: TrainConfig) -> tuple[nn.Module, dict[str, Any]]:
    """The generator that the configuration asks for, and the keyword arguments that rebuild it."""
    if config.architecture == "pix2pix":
        kwargs: dict[str, Any] = {"width": config.width}
        return Pix2PixUNet(**kwargs), kwargs
    kwargs = {"widths": [config.width, config.width * 3 // 2, config.width * 5 // 2, config.width * 4]}
    return UNetGenerator(**kwargs), kwargs


def train_generator(
    config: TrainConfig,
    accelerator: Accelerator,
    finder: OcclusionFinder,
    segmenter: Segmenter | None,
    initial: nn.Module | None,
    videos: list[Path],
    held_out: list[Path],
    interrupt: Interrupt,
) -> bool:
    """Train for `config.epochs`, resuming where an earlier run stopped. False if interrupted.

    Args:
        segmenter: finds what is hidden together with the `finder`; only that goes with the weights.
    """
    # Models.
    torch.manual_seed(config.seed)  # whatever was drawn before, in this run or in one that it resumes
    generator, kwargs = build_generator(config)
    if initial is not None:
        try:
            generator.load_state_dict(initial.state_dict())
        except RuntimeError as error:
            raise WeightsError(
                f"the generator has another shape; give the --architecture and --width it was trained with, or another "
                f"--init_from: {config.init_from}"
            ) from error
    generator = generator.to(memory_format=torch.channels_last)
    discriminator = PatchGAN().to(memory_format=torch.channels_last)
    ema = averaged(generator, config.ema_decay).to(accelerator.device)
    finder = finder.to(accelerator.device)
    segmenter = segmenter and segmenter.to(accelerator.device)

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

    # Optimisers. A schedule counts its own model's weight updates: D has none before it joins.
    updates = steps // config.gradient_accumulation
    optimizer_g, optimizer_d = (
        torch.optim.Adam(model.parameters(), lr=config.learning_rate, betas=(0.5, 0.999))
        for model in (generator, discriminator)
    )
    schedule_g = cosine(optimizer_g, updates)
    schedule_d = cosine(optimizer_d, round(updates * (1 - config.adversarial_start)))
    model_g, model_d, optimizer_g, optimizer_d = accelerator.prepare(generator, discriminator, optimizer_g, optimizer_d)
    checkpoint = Path(config.run_dir) / "generator.checkpoint"
    parts = {
        "generator": generator,
        "discriminator": discriminator,
        "ema": ema,
        "optimizer_g": optimizer_g,
        "optimizer_d": optimizer_d,
        "schedule_g": schedule_g,
        "schedule_d": schedule_d,
    }
    files: dict[str, dict[str, tuple[nn.Module, dict[str, Any]]]] = {
        "generator": {"generator": (ema.module, kwargs), "finder": (finder, {})},
        "discriminator": {"discriminator": (discriminator, {})},
    }
    done = resume(checkpoint, parts)
    if done >= steps and accelerator.is_main_process and not (Path(config.output_dir) / "generator.pth").exists():
        write_weights(config, files)  # a run that is finished still gives its weights
    validation = Validation(
        held_out, finder=finder, crop=windows.crop, frames=config.window, seed=config.seed, segmenter=segmenter
    )

    saved = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        pairs = prefetch(_pairs(config, accelerator, windows, finder, segmenter, pool, done), depth=2)
        progress = tqdm(
            pairs, desc="generator", total=steps, initial=done, unit="step", disable=not accelerator.is_main_process
        )
        for step, batch in enumerate(progress, start=done):
            torch.manual_seed(hash((config.seed, accelerator.process_index, step)))  # dropout, in the classic U-Net
            adversarial = config.adversarial_weight > 0 and step >= config.adversarial_start * steps
            degraded = batch.evidence[:, FRAME]
            with accelerator.accumulate(model_g, model_d):
                restored = model_g(network_input(generator, batch.evidence)).float()
                terms = {"l1": reconstruction_loss(restored, batch.clean)}
                loss_g = config.l1_weight * terms["l1"]
                if config.l2_weight > 0:
                    terms["l2"] = squared_loss(restored, batch.clean)
                    loss_g = loss_g + config.l2_weight * terms["l2"]

                # D step.
                if adversarial:
                    terms["discriminator"] = discriminator_loss(
                        model_d(degraded, batch.clean).float(), model_d(degraded, restored.detach()).float()
                    )
                    accelerator.backward(terms["discriminator"])
                    optimizer_d.step()
                    optimizer_d.zero_grad()

                    # D judges, but must not learn from the G step: its bare module, which shares no gradients.
                    discriminator.requires_grad_(False)
                    terms["adversarial"] = generator_adversarial_loss(discriminator(degraded, restored).float())
                    loss_g = loss_g + config.adversarial_weight * terms["adversarial"]

                # G step.
                losses = check_finite(step, terms)
                accelerator.backward(loss_g)
                if accelerator.sync_gradients:  # without it, one odd batch can throw a network without normalisation
                    accelerator.clip_grad_norm_(generator.parameters(), config.gradient_clip)
                optimizer_g.step()
                optimizer_g.zero_grad()
                discriminator.requires_grad_(True)
            if accelerator.sync_gradients:
                ema.update_parameters(generator)
                schedule_g.step()
                if adversarial:
                    schedule_d.step()

            # Log.
            progress.set_postfix({name: f"{value:.4f}" for name, value in losses.items()}, refresh=False)
            accelerator.log({f"generator/{name}": value for name, value in losses.items()}, step=step)
            last = step + 1 == steps
            if accelerator.is_main_process and ((step + 1) % config.validate_every == 0 or last):
                scores, grid = validation.measure(ema.module, accelerator)
                accelerator.log({f"validation/{name}": value for name, value in scores.items()}, step=step)
                accelerator.get_tracker("tensorboard").log_images(
                    {"validation/degraded restored clean": grid.unsqueeze(0)}, step=step
                )
                progress.write(f"step {step + 1}: " + "  ".join(f"{k} {v:.3f}" for k, v in scores.items()))

            # Keep. Gradients on their way to an update are not part of a checkpoint, so it waits for the update.
            settled = accelerator.sync_gradients or last
            stopping = settled and interrupt.agreed(accelerator)
            due = time.monotonic() - saved > 60 * config.checkpoint_minutes
            if accelerator.is_main_process and settled and (due or stopping or last):
                write_weights(config, files)
                save_checkpoint(checkpoint, step + 1, parts)
                saved = time.monotonic()
            if stopping:
                return last
    accelerator.wait_for_everyone()
    return True


def write_weights(config: TrainConfig, files: dict[str, dict[str, tuple[nn.Module, dict[str, Any]]]]) -> None:
    """Write NAME.pth for each of `files` into the output folder, setting aside what another run left there."""
    for name, models in files.items():
        path = Path(config.output_dir) / f"{name}.pth"
        set_aside(path, Path(config.run_dir))
        save_models(path, models)


def _pairs(
    config: TrainConfig,
    accelerator: Accelerator,
    windows: CleanWindows,
    finder: OcclusionFinder,
    segmenter: Segmenter | None,
    pool: ThreadPoolExecutor,
    first: int,
) -> Iterator[Pairs]:
    """One step's training pairs after another, from step `first` on. Runs in a thread, ahead of the training."""
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
        seed = (config.seed, 2, accelerator.process_index, step)
        clean, degraded, mask, draw = degraded_windows(
            batch,
            seed=seed,
            ranges=Ranges(),
            device=accelerator.device,
            obstructed=config.obstructed_share,
            varied=VARIED_SHARE,
        )
        count = len(clean)
        picked = [
            torch.randperm(config.window, generator=draw)[: config.frames_per_window].sort().values.tolist()
            for _ in range(count)
        ]
        given = torch.rand(count, generator=draw) < GIVEN_SHARE
        known = find_masks(finder, degraded, accelerator.autocast, segmenter)
        known[given] = mask[given]
        yield propagated_pairs(clean, degraded, mask, known, picked=picked, pool=pool)
