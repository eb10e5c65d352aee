"""One training from its configuration: choose the videos, train what the stage asks for."""

import logging
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn

from restore.errors import ConfigError
from restore.models.finder import OcclusionFinder
from restore.models.segmenter import Segmenter
from restore.models.weights import load_models, load_segmenter
from restore.training.config import AutoencoderConfig, ObstructionConfig, RefinerConfig, Settings, TrainConfig
from restore.training.data import readable
from restore.training.folders import split
from restore.training.interrupt import Interrupt, stop_after_step
from restore.training.train_autoencoder import initial_autoencoder, train_autoencoder
from restore.training.train_finder import train_finder
from restore.training.train_generator import train_generator
from restore.training.train_refiner import initial_refiner, train_refiner
from restore.training.train_segmenter import initial_segmenter, train_segmenter

Training = Callable[[Accelerator, list[Path], list[Path], Interrupt], bool]  # False if interrupted
INTERRUPTED = 130  # the exit code of a program that Ctrl-C ended


def run(config: Settings) -> int:
    """Train as configured. Returns the exit code: 0, or 130 if interrupted (the same command goes on from there)."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    train, held_out = split(
        config.data_dir, use_first_100=config.use_first_100, share=config.validation_share, seed=config.seed
    )
    train, held_out = readable(train), readable(held_out)
    training = _loaded(config)

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
        finished = training(accelerator, train, held_out, interrupt)
    accelerator.end_training()
    if not finished and accelerator.is_main_process:
        print("stopped; the same command goes on from here", file=sys.stderr)
    return 0 if finished else INTERRUPTED


def _loaded(config: Settings) -> Training:
    """The training that is asked for, with the weights that it begins from, once they are known to fit."""
    if isinstance(config, AutoencoderConfig):
        return partial(train_autoencoder, config, initial_autoencoder(config))
    if isinstance(config, ObstructionConfig):
        return partial(train_segmenter, config, initial_segmenter(config))
    if isinstance(config, RefinerConfig):
        return partial(train_refiner, config, initial_refiner(config))
    assert isinstance(config, TrainConfig)
    initial = load_models(config.init_from, ("generator", "finder")) if config.init_from else {}
    segmenter = load_segmenter(config.segmenter) if config.segmenter else None
    return partial(_train_finder_and_generator, config, initial, segmenter)


def _train_finder_and_generator(
    config: TrainConfig,
    initial: dict[str, nn.Module],
    segmenter: Segmenter | None,
    accelerator: Accelerator,
    train: list[Path],
    held_out: list[Path],
    interrupt: Interrupt,
) -> bool:
    found = initial.get("finder") or train_finder(config, accelerator, train, interrupt)
    return isinstance(found, OcclusionFinder) and train_generator(
        config, accelerator, found, segmenter, initial.get("generator"), train, held_out, interrupt
    )


def _precision(wanted: str) -> str:
    """bf16 where the hardware computes in it (CPUs with AMX, GPUs since Ampere), else full precision."""
    if wanted == "fp16" and not torch.cuda.is_available():
        raise ConfigError("mixed_precision is fp16, which needs a GPU and none is here; give auto, bf16 or no")
    if wanted != "auto":
        return wanted
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    return "bf16" if torch.cpu._is_amx_tile_supported() else "no"
