"""Tiny videos and the smallest training that goes through every step: about a second on one core."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # type: ignore[import-untyped]
from torch import nn
from torch.nn.modules.module import register_module_forward_hook

import train
from restore.config import parse
from restore.models.finder import OcclusionFinder
from restore.models.generator import UNetGenerator
from restore.models.weights import save_models
from restore.training.config import STAGES, Settings
from restore.training.folders import split
from restore.training.initial import initial_generator, initial_scaler, initial_segmenter
from restore.training.run import Training
from restore.training.train_finder import FinderTraining
from restore.training.train_generator import GeneratorTraining
from restore.training.train_scaler import ScalerTraining
from restore.training.train_segmenter import SegmenterTraining
from tests.propagation.footage import pan

COMMON = {
    "epochs": 3,
    "batch_size": 2,
    "windows_per_video": 2,
    "window": 4,
    "crop_height": 32,
    "crop_width": 32,
    "mixed_precision": "no",
    "workers": 0,
    "validate_every": 100,
    "checkpoint_minutes": 1000,
}
SETTINGS: dict[str, dict[str, Any]] = {
    "generator": COMMON | {"frames_per_window": 2, "width": 8, "finder_steps": 3, "finder_batch": 2},
    "obstruction": COMMON | {"frames_per_window": 2},
    "autoencoder": COMMON | {"downsampling": 4, "latent_channels": 4, "width": 8},
    "refiner": COMMON | {"widths": [16, 16]},
    "few_steps": COMMON | {"discriminator_width": 8},
    "noise": COMMON | {"frames_per_window": 2, "widths": [16, 16], "reuse": 2, "memory": 64},
    "scale": COMMON | {"width": 8, "blocks": 1, "carried": 2},
}


def write_video(path: Path, clip: np.ndarray) -> Path:
    """A clip uint8 `T H W 3` as a video of good quality."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25, options={"qmin": "1", "qmax": "2", "g": "4"})
        stream.height, stream.width = clip.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for image in clip:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")))
        container.mux(stream.encode(None))
    return path


def write_videos(folder: Path, count: int = 3, frames: int = 8) -> Path:
    """`count` videos of other scenes, 48x40, named as UCF-101's are."""
    for index in range(count):
        clip = pan(frames, (1, 1), height=40, width=48, seed=index)
        write_video(folder / "Pan" / f"v_Pan_g{index:02}_c01.avi", clip)
    return folder


def flags(videos: Path, folder: Path, *, stage: str = "generator", **settings: Any) -> list[str]:
    """The command line that trains on `videos` and writes everything into `folder`."""
    places = {"data_dir": videos, "output_dir": folder / "out", "run_dir": folder / "run"}
    line = []
    for name, value in (places | SETTINGS.get(stage, {}) | {"stage": stage} | settings).items():
        line += [f"--{name}", *map(str, value if isinstance(value, list) else [value])]
    return line


def run(videos: Path, folder: Path, **settings: Any) -> int:
    """Train in this process. Returns the exit code."""
    reset()
    return train.main(flags(videos, folder, **settings))


def reset() -> None:
    """What accelerate holds for a process belongs to one training."""
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()


def accelerator(**settings: Any) -> Accelerator:
    """A new one, of one process on the CPU."""
    reset()
    return Accelerator(cpu=True, mixed_precision="no", **settings)


def refiner_parts(folder: Path) -> dict[str, Any]:
    """Settings that name a generator and an autoencoder to train a refiner with, the smallest there are."""
    from restore.models.autoencoder import build_autoencoder  # diffusers takes seconds to import

    torch.manual_seed(0)
    kwargs: dict[str, Any] = {"widths": (8, 8), "blocks": (1, 1), "decoder_blocks": (1,)}
    models = {"generator": (UNetGenerator(**kwargs), kwargs), "finder": (OcclusionFinder(), {})}
    save_models(folder / "generator.pth", models)
    build_autoencoder(latent_channels=4, downsampling=4, width=8).save_pretrained(folder / "vae")
    return {"generator": folder / "generator.pth", "vae": folder / "vae"}


def build(
    videos: Path, folder: Path, accelerator: Accelerator, *, stage: str = "generator", **settings: Any
) -> tuple[Training, Settings]:
    """A training as `run` would begin it, and its settings. The stage `finder` is the generator's first part."""
    name = "generator" if stage == "finder" else stage
    config: Any = parse(STAGES[name], flags(videos, folder, stage=name, **settings))
    parts = accelerator, *split(videos)
    if stage == "finder":
        return FinderTraining(config, *parts[:2]), config
    if stage == "generator":
        torch.manual_seed(0)
        finder = OcclusionFinder(widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,)).eval()
        return GeneratorTraining(config, initial_generator(config), finder, *parts), config
    if stage == "obstruction":
        return SegmenterTraining(config, initial_segmenter(config), *parts), config
    if stage == "scale":
        return ScalerTraining(config, initial_scaler(config), *parts), config
    from restore.training.initial_latent import initial_autoencoder, initial_refiner  # these import diffusers
    from restore.training.train_autoencoder import AutoencoderTraining
    from restore.training.train_few_steps import FewStepsTraining
    from restore.training.train_refiner import RefinerTraining

    if stage == "autoencoder":
        return AutoencoderTraining(config, initial_autoencoder(config), *parts), config
    if stage == "few_steps":
        return FewStepsTraining(config, initial_refiner(config), *parts), config
    return RefinerTraining(config, initial_refiner(config), *parts), config


@contextmanager
def at_step(model: type[nn.Module], number: int, act: Callable[[], object]) -> Iterator[None]:
    """Call `act` in the middle of the `number`-th training step of such a model that is done in here."""
    steps = 0

    def count(module: nn.Module, *_: object) -> None:
        nonlocal steps
        if isinstance(module, model) and module.training:
            steps += 1
            if steps == number:
                act()

    handle = register_module_forward_hook(count)
    try:
        yield
    finally:
        handle.remove()


def events(folder: Path) -> EventAccumulator:
    """What a training wrote for tensorboard."""
    accumulator = EventAccumulator(str(folder / "run" / "logs"))
    accumulator.Reload()
    return accumulator


def content(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(path, weights_only=True)
    return loaded


def same(a: Any, b: Any) -> bool:
    """Bit for bit, through dictionaries and lists."""
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else bool(a == b)


def losses(folder: Path, name: str = "l1") -> list[float]:
    """Of a generator's training, step by step."""
    return [scalar.value for scalar in events(folder).Scalars(f"generator/{name}")]
