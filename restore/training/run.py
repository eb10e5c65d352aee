"""One training from its configuration: choose the videos, train the finder, train the generator."""

import logging
import sys
from pathlib import Path

import cv2
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed

from restore.errors import ConfigError
from restore.models.finder import OcclusionFinder
from restore.models.weights import load_models
from restore.training.config import TrainConfig
from restore.training.data import readable
from restore.training.folders import split
from restore.training.interrupt import stop_after_step
from restore.training.train_finder import train_finder
from restore.training.train_generator import train_generator

INTERRUPTED = 130  # the exit code of a program that Ctrl-C ended


def run(config: TrainConfig) -> int:
    """Train as configured. Returns the exit code: 0, or 130 if interrupted (the same command goes on from there)."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    train, held_out = split(
        config.data_dir, use_first_100=config.use_first_100, share=config.validation_share, seed=config.seed
    )
    train, held_out = readable(train), readable(held_out)
    initial = load_models(config.init_from, ("generator", "finder")) if config.init_from else {}

    accelerator = Accelerator(
        cpu=not torch.accelerator.is_available(),  # said plainly, or several processes on a CPU look for GPUs
        mixed_precision=_precision(config.mixed_precision),
        gradient_accumulation_steps=config.gradient_accumulation,
        log_with="tensorboard",
        project_dir=config.run_dir,
        step_scheduler_with_optimizer=False,
    )
    set_seed(config.seed)
    cv2.setNumThreads(1)  # windows are propagated side by side; threads within one would only get in the way
    Path(config.run_dir).mkdir(parents=True, exist_ok=True)
    accelerator.init_trackers("logs")
    if accelerator.is_main_process:
        print(f"{len(train)} videos to train on, {len(held_out)} held out; checkpoints and logs in {config.run_dir}")

    with stop_after_step() as interrupt:
        found = initial.get("finder") or train_finder(config, accelerator, train, interrupt)
        finished = isinstance(found, OcclusionFinder) and train_generator(
            config, accelerator, found, initial.get("generator"), train, held_out, interrupt
        )
    accelerator.end_training()
    if not finished and accelerator.is_main_process:
        print("stopped; the same command goes on from here", file=sys.stderr)
    return 0 if finished else INTERRUPTED


def _precision(wanted: str) -> str:
    """bf16 where the hardware computes in it (CPUs with AMX, GPUs since Ampere), else full precision."""
    if wanted == "fp16" and not torch.cuda.is_available():
        raise ConfigError("mixed_precision is fp16, which needs a GPU and none is here; give auto, bf16 or no")
    if wanted != "auto":
        return wanted
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    return "bf16" if torch.cpu._is_amx_tile_supported() else "no"
