"""The segmenter's training, top to bottom: degrade, segment, compare with the true mask and kinds, keep."""

import time
from collections.abc import Iterator
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torchvision.utils import make_grid
from tqdm import tqdm

from restore.degradations.degrade import Ranges
from restore.degradations.mix import Mixed, Shares, degrade_mixed
from restore.models.segmenter import Segmenter, surroundings
from restore.models.weights import load_segmenter, save_models
from restore.training.augment import reframe, vary
from restore.training.backup import set_aside
from restore.training.checkpoint import resume, save_checkpoint
from restore.training.config import ObstructionConfig
from restore.training.data import CleanWindows, batches, shielded, steps_per_epoch
from restore.training.ema import averaged
from restore.training.imagenet import load_imagenet
from restore.training.interrupt import Interrupt
from restore.training.losses import check_finite, kind_dice_loss, kind_loss, mask_loss
from restore.training.prepare import seeded
from restore.training.schedule import cosine
from restore.video.prefetch import prefetch

VIDEOS = 24  # held out, that are validated on
SHOWN = 4  # pictures in the grid
KIND_WEIGHT = 0.3  # of telling the kinds apart, beside finding what is hidden


def initial_segmenter(config: ObstructionConfig) -> Segmenter:
    """The segmenter that a training begins from: `config.init_from`, or a new one with what `config.imagenet` knows.

    Raises:
        WeightsError: there are no such weights, or they are broken.
    """
    torch.manual_seed(config.seed)
    if config.init_from:
        return load_segmenter(config.init_from)
    segmenter = Segmenter()
    load_imagenet(segmenter.efficientnet, config.imagenet)
    return segmenter


def train_segmenter(
    config: ObstructionConfig,
    segmenter: Segmenter,
    accelerator: Accelerator,
    videos: list[Path],
    held_out: list[Path],
    interrupt: Interrupt,
) -> bool:
    """Train for `config.epochs`, resuming where an earlier run stopped. False if interrupted."""
    # Model.
    segmenter = segmenter.train().to(memory_format=torch.channels_last)
    ema = averaged(segmenter, config.ema_decay).to(accelerator.device)

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
    optimizer = torch.optim.Adam(segmenter.parameters(), lr=config.learning_rate)
    schedule = cosine(optimizer, steps // config.gradient_accumulation)
    model, optimizer = accelerator.prepare(segmenter, optimizer)
    checkpoint = Path(config.run_dir) / "segmenter.checkpoint"
    parts = {"segmenter": segmenter, "ema": ema, "optimizer": optimizer, "schedule": schedule}
    done = resume(checkpoint, parts)
    if done >= steps and accelerator.is_main_process and not _weights(config).exists():
        _write(config, ema.module)  # a run that is finished still gives its weights

    saved = time.monotonic()
    held: Mixed | None = None
    clips = prefetch(_clips(config, accelerator, windows, done), depth=2)
    progress = tqdm(
        clips, desc="segmenter", total=steps, initial=done, unit="step", disable=not accelerator.is_main_process
    )
    for step, (inputs, mask, kinds) in enumerate(progress, start=done):
        with accelerator.accumulate(model):
            logits = model(inputs).float()
            terms = {
                "mask": mask_loss(logits[:, :1], mask),
                "dice": kind_dice_loss(logits, kinds, mask),
                "kind": kind_loss(logits[:, 1:], kinds, mask),
            }
            losses = check_finite(step, terms)
            accelerator.backward(terms["mask"] + terms["dice"] + KIND_WEIGHT * terms["kind"])
            if accelerator.sync_gradients:
                accelerator.clip_grad_norm_(segmenter.parameters(), config.gradient_clip)
            optimizer.step()
            optimizer.zero_grad()
        if accelerator.sync_gradients:
            ema.update_parameters(segmenter)
            schedule.step()

        # Log.
        progress.set_postfix({name: f"{value:.4f}" for name, value in losses.items()}, refresh=False)
        accelerator.log({f"segmenter/{name}": value for name, value in losses.items()}, step=step)
        last = step + 1 == steps
        if accelerator.is_main_process and ((step + 1) % config.validate_every == 0 or last):
            held = held or _held_out(config, held_out)
            scores, grid = _validate(ema.module, held, accelerator)
            accelerator.log({f"validation/{name}": value for name, value in scores.items()}, step=step)
            accelerator.get_tracker("tensorboard").log_images(
                {"validation/degraded found true": grid.unsqueeze(0)}, step=step
            )
            progress.write(f"step {step + 1}: " + "  ".join(f"{k} {v:.3f}" for k, v in scores.items()))

        # Keep.
        settled = accelerator.sync_gradients or last
        stopping = settled and interrupt.agreed(accelerator)
        due = time.monotonic() - saved > 60 * config.checkpoint_minutes
        if accelerator.is_main_process and settled and (due or stopping or last):
            _write(config, ema.module)
            save_checkpoint(checkpoint, step + 1, parts)
            saved = time.monotonic()
        if stopping:
            return last
    accelerator.wait_for_everyone()
    return True


def _clips(
    config: ObstructionConfig, accelerator: Accelerator, windows: CleanWindows, first: int
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """What the segmenter sees, `N 15 H W`, the true mask `N 1 H W` and kinds `N H W`, step after step from `first` on.

    Runs in a thread, ahead of the training.
    """
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
        clean = batch["clips"].to(accelerator.device).float() / 127.5 - 1
        mixed = degrade_mixed(
            vary(reframe(clean, generator=draw), generator=draw),
            generator=draw,
            shares=Shares(),
            ranges=Ranges(),
            frame_size=batch["frame_size"],
            offsets=batch["offsets"],
        )
        picked = torch.randperm(config.window, generator=draw)[: config.frames_per_window].tolist()
        seen = surroundings(mixed.clips, picked).flatten(0, 1)
        yield (
            seen.contiguous(memory_format=torch.channels_last),
            mixed.mask[:, picked].flatten(0, 1),
            mixed.kinds[:, picked].flatten(0, 1),
        )


def _held_out(config: ObstructionConfig, videos: list[Path]) -> Mixed:
    windows = CleanWindows(
        videos[:VIDEOS],
        frames=config.window,
        crop=(config.crop_height, config.crop_width),
        per_video=1,
        seed=config.seed,
    )
    items = [windows[0, index] for index in range(len(windows))]
    clean = torch.cat([item["clips"] for item in items]).float() / 127.5 - 1
    return degrade_mixed(clean, generator=seeded(config.seed, 4), shares=Shares(), ranges=Ranges())


@torch.no_grad()
def _validate(segmenter: nn.Module, held: Mixed, accelerator: Accelerator) -> tuple[dict[str, float], Tensor]:
    """IoU of what is hidden, mean over the clips in which anything is; the share of it whose kind is right; and a grid
    of pictures [0, 1]: degraded, found and true in a row.
    """
    middle = held.clips.shape[1] // 2
    inputs = surroundings(held.clips, [middle])[:, 0].to(accelerator.device, memory_format=torch.channels_last)
    with accelerator.autocast():
        logits = torch.cat([segmenter(part) for part in inputs.split(4)]).float().cpu()
    found, true = logits[:, :1] > 0, held.mask[:, middle].cpu() > 0
    some = true.any((1, 2, 3))
    both, either = ((x & y).sum((1, 2, 3)) for x, y in ((found, true), (~found, ~true)))
    iou = both / (true[0].numel() - either).clamp(min=1)
    right = logits[:, 1:].argmax(1) == held.kinds[:, middle].cpu()
    scores = {"iou": float(iou[some].mean()), "kind": float(right[true[:, 0]].float().mean())}
    pictures = held.clips[:SHOWN, middle].cpu() / 2 + 0.5
    masks = [x[:SHOWN].float().expand_as(pictures) for x in (found, true)]
    return scores, make_grid(torch.stack([pictures, *masks], 1).flatten(0, 1), nrow=3).clamp(0, 1)


def _weights(config: ObstructionConfig) -> Path:
    return Path(config.output_dir) / "segmenter.pth"


def _write(config: ObstructionConfig, segmenter: nn.Module) -> None:
    set_aside(_weights(config), Path(config.run_dir))
    save_models(_weights(config), {"segmenter": (segmenter, {})})
