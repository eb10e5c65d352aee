"""The loop that all trainings share: resume, step, log, validate, checkpoint, stop.

What is trained, and how one step of it goes, is a `Training`: one file a model.
"""

import time
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import torch
from accelerate import Accelerator
from torch import Tensor
from tqdm import tqdm

from restore.training.backup import back_up
from restore.training.checkpoint import Stateful, resume, save_checkpoint
from restore.training.config import Settings
from restore.training.interrupt import Interrupt
from restore.training.learner import Learner
from restore.training.losses import check_finite


class Training(Protocol):
    """What the loop needs of a training.

    Attributes:
        name: of its checkpoint, its progress bar and its curves.
        pictures: what the columns of its validation's grid hold.
        steps: of every process, from the first to the last.
        learners: the networks that learn, by the name that the checkpoint has them under.
    """

    name: str
    pictures: str
    steps: int
    learners: dict[str, Learner]

    def batches(self, first: int) -> Generator[Any, None, None]:
        """What each step learns from, from step `first` on; it depends on the seed, the process and the step alone."""

    def step(self, step: int, batch: Any) -> dict[str, Tensor]:
        """Learn from one batch. Returns the terms of the loss."""

    def validate(self) -> tuple[dict[str, float], Tensor] | None:
        """Scores of the averaged weights on held-out videos, and a grid of pictures `3 h w` in [0, 1]; None where
        nothing is measured.
        """

    def weights(self) -> dict[Path, Callable[[Path], None]]:
        """Where the weights go, and what writes them there."""


def run(training: Training, config: Settings, accelerator: Accelerator, interrupt: Interrupt) -> bool:
    """Train to the last step, from where an earlier run stopped. False if interrupted before it."""
    # Resume.
    checkpoint = Path(config.run_dir) / f"{training.name}.checkpoint"
    parts = checkpointed(training, accelerator)
    done = resume(checkpoint, parts)
    if done >= training.steps:
        if accelerator.is_main_process and not all(path.exists() for path in training.weights()):
            _write(training, config)  # a run that is finished still gives its weights
        accelerator.wait_for_everyone()
        return True

    saved = time.monotonic()
    with (
        closing(training.batches(done)) as batches,
        tqdm(
            desc=training.name,
            total=training.steps,
            initial=done,
            unit="step",
            disable=not accelerator.is_main_process,
        ) as progress,
    ):
        for step in range(done, training.steps):
            batch = next(batches)
            torch.manual_seed(hash((config.seed, accelerator.process_index, step)))  # dropout, in the classic U-Net
            terms = training.step(step, batch)
            losses = check_finite(step, terms)  # waits for the GPU

            # Log.
            progress.set_postfix({name: f"{value:.4f}" for name, value in losses.items()}, refresh=False)
            progress.update()
            accelerator.log({f"{training.name}/{name}": value for name, value in losses.items()}, step=step)
            last = step + 1 == training.steps
            if accelerator.is_main_process and ((step + 1) % config.validate_every == 0 or last):
                _validate(training, accelerator, progress, step)

            # Checkpoint. Gradients on their way to an update are not part of it, so it waits for the update.
            whole = accelerator.sync_gradients or last
            stopping = whole and interrupt.agreed(accelerator)
            due = time.monotonic() - saved > 60 * config.checkpoint_minutes
            if accelerator.is_main_process and whole and (due or stopping or last):
                _write(training, config)
                save_checkpoint(checkpoint, step + 1, parts)
                saved = time.monotonic()
            if stopping:
                return last
    accelerator.wait_for_everyone()
    return True


def checkpointed(training: Training, accelerator: Accelerator) -> dict[str, Stateful]:
    """All that the next step depends on, by name: what each network has, and the scale of fp16's gradients."""
    parts: dict[str, Stateful] = {}
    for name, learner in training.learners.items():
        parts |= learner.parts(name)
    return parts if accelerator.scaler is None else parts | {"scaler": accelerator.scaler}


def _validate(training: Training, accelerator: Accelerator, progress: "tqdm[Any]", step: int) -> None:
    validated = training.validate()
    if validated is None:
        return
    scores, grid = validated
    accelerator.log({f"validation/{name}": value for name, value in scores.items()}, step=step)
    tensorboard = accelerator.get_tracker("tensorboard")
    tensorboard.log_images({f"validation/{training.pictures}": grid.unsqueeze(0)}, step=step)
    progress.write(f"step {step + 1}: " + "  ".join(f"{name} {value:.3f}" for name, value in scores.items()))


def _write(training: Training, config: Settings) -> None:
    """Write the weights; what another run left in their place becomes a backup."""
    for path, write in training.weights().items():
        back_up(path, Path(config.run_dir))
        write(path)
