"""One training from its settings: choose the videos, load what it begins from, run what the stage asks for."""

import logging
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed

from restore.errors import ConfigError
from restore.training.config import (
    AutoencoderConfig,
    FewStepsConfig,
    NoiseConfig,
    ObstructionConfig,
    RefinerConfig,
    ScaleConfig,
    Settings,
    TrainConfig,
)
from restore.training.data import readable
from restore.training.folders import split
from restore.training.initial import (
    InitialGenerator,
    initial_generator,
    initial_noise,
    initial_scaler,
    initial_segmenter,
)
from restore.training.interrupt import Interrupt, stop_after_step
from restore.training.run import Training, run
from restore.training.train_finder import FinderTraining
from restore.training.train_generator import GeneratorTraining
from restore.training.train_noise import NoiseTraining
from restore.training.train_scaler import ScalerTraining
from restore.training.train_segmenter import SegmenterTraining
from restore.video.files import is_image

# Trains on some videos and validates on others. False if interrupted.
Stage = Callable[[Accelerator, list[Path], list[Path], Interrupt], bool]
INTERRUPTED = 130  # the exit code of a program that Ctrl-C ended


def train(config: Settings) -> int:
    """Train as configured. Returns the exit code: 0, or 130 if interrupted (the same command goes on from there).

    Raises:
        RestoreError: settings, videos or weights do not fit (nothing is written), or a loss is not finite.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    videos, held_out = split(
        config.data_dir, use_first_100=config.use_first_100, share=config.validation_share, seed=config.seed
    )
    videos, held_out = readable(videos), readable(held_out)
    stage = _loaded(config)

    accelerator = Accelerator(
        cpu=not torch.accelerator.is_available(),  # given, or several processes on a CPU look for GPUs
        mixed_precision=_precision(config.mixed_precision),
        gradient_accumulation_steps=config.gradient_accumulation,
        log_with="tensorboard",
        project_dir=config.run_dir,
        step_scheduler_with_optimizer=False,
    )
    set_seed(config.seed)
    cv2.setNumThreads(1)  # windows are propagated in parallel; threads within one would only get in the way
    Path(config.run_dir).mkdir(parents=True, exist_ok=True)
    accelerator.init_trackers("logs")
    if accelerator.is_main_process:
        print(f"{_counted(videos)} to train on, {len(held_out)} held out; checkpoints and logs in {config.run_dir}")

    with stop_after_step() as interrupt:
        finished = stage(accelerator, videos, held_out, interrupt)
    accelerator.end_training()
    if not finished and accelerator.is_main_process:
        print("stopped; the same command goes on from here", file=sys.stderr)
    return 0 if finished else INTERRUPTED


def _loaded(config: Settings) -> Stage:
    """The stage that is asked for, with the weights that it begins from, once they are known to fit."""
    if isinstance(config, AutoencoderConfig):
        from restore.training.initial_latent import initial_autoencoder  # diffusers takes seconds to import
        from restore.training.train_autoencoder import AutoencoderTraining

        return partial(_one, config, partial(AutoencoderTraining, config, initial_autoencoder(config)))
    if isinstance(config, ObstructionConfig):
        return partial(_one, config, partial(SegmenterTraining, config, initial_segmenter(config)))
    if isinstance(config, FewStepsConfig):
        from restore.training.initial_latent import initial_refiner
        from restore.training.train_few_steps import FewStepsTraining

        return partial(_one, config, partial(FewStepsTraining, config, initial_refiner(config)))
    if isinstance(config, RefinerConfig):
        from restore.training.initial_latent import initial_refiner
        from restore.training.train_refiner import RefinerTraining

        return partial(_one, config, partial(RefinerTraining, config, initial_refiner(config)))
    if isinstance(config, ScaleConfig):
        return partial(_one, config, partial(ScalerTraining, config, initial_scaler(config)))
    if isinstance(config, NoiseConfig):
        return partial(_one, config, partial(NoiseTraining, config, initial_noise(config)))
    assert isinstance(config, TrainConfig)
    return partial(_finder_and_generator, config, initial_generator(config))


def _one(
    config: Settings,
    build: Callable[[Accelerator, list[Path], list[Path]], Training],
    accelerator: Accelerator,
    videos: list[Path],
    held_out: list[Path],
    interrupt: Interrupt,
) -> bool:
    return run(build(accelerator, videos, held_out), config, accelerator, interrupt)


def _finder_and_generator(
    config: TrainConfig,
    initial: InitialGenerator,
    accelerator: Accelerator,
    videos: list[Path],
    held_out: list[Path],
    interrupt: Interrupt,
) -> bool:
    finder = initial.finder
    if finder is None:
        training = FinderTraining(config, accelerator, videos)
        if not run(training, config, accelerator, interrupt) or interrupt.agreed(accelerator):
            return False
        finder = training.finder
    return run(
        GeneratorTraining(config, initial, finder, accelerator, videos, held_out), config, accelerator, interrupt
    )


def _counted(paths: list[Path]) -> str:
    photos = sum(map(is_image, paths))
    counts = {"videos": len(paths) - photos, "photographs": photos}
    return " and ".join(f"{count} {name}" for name, count in counts.items() if count)


def _precision(wanted: str) -> str:
    """bf16 where the hardware computes in it (CPUs with AMX, GPUs since Ampere), else full precision."""
    if wanted == "fp16" and not torch.cuda.is_available():
        raise ConfigError("mixed_precision is fp16, which needs a GPU and none is here; give auto, bf16 or no")
    if wanted != "auto":
        return wanted
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    return "bf16" if torch.cpu._is_amx_tile_supported() else "no"
