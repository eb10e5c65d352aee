"""The settings of a training, flat: each is a flag of `train.py` and a key of the profiles in `configs/`."""

from dataclasses import dataclass, field
from typing import Any, Literal, Optional


def _setting(default: Any, text: str) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass
class TrainConfig:
    """Train the restorer on a folder of videos: the occlusion finder first, then the generator."""

    data_dir: str = field(metadata={"help": "UCF-101's folder (CLASS/v_*.avi) or any folder of videos"})
    stage: Literal["generator"] = _setting("generator", "what to train")
    use_first_100: bool = _setting(False, "only the first 100 videos, by name")
    output_dir: str = _setting("saved_models", "where generator.pth and discriminator.pth go")
    run_dir: str = _setting("runs/generator", "checkpoints and tensorboard logs; the same command resumes from it")
    init_from: Optional[str] = _setting(None, "start from these weights (a generator.pth)")  # noqa: UP045
    dry_run: bool = _setting(False, "print the resolved configuration and stop")
    seed: int = _setting(0, "of everything that is drawn")

    epochs: int = _setting(50, "how often every video is visited")
    batch_size: int = _setting(16, "windows a step and process")
    windows_per_video: int = _setting(4, "windows cut from each decode of a video")
    window: int = _setting(12, "frames a window: how far copies can come from")
    frames_per_window: int = _setting(4, "frames of each window that the generator learns from")
    crop_height: int = _setting(128, "rows of a crop")
    crop_width: int = _setting(128, "columns of a crop")
    validation_share: float = _setting(0.1, "of the scenes, held out where there are no official lists")
    validate_every: int = _setting(500, "steps between validations")
    checkpoint_minutes: float = _setting(5.0, "minutes between checkpoints")
    workers: int = _setting(1, "processes that decode")

    architecture: Literal["unet", "pix2pix"] = _setting("unet", "pix2pix: the classic single-frame unet_256")
    width: int = _setting(64, "channels at the first level")
    learning_rate: float = _setting(2e-4, "of Adam, both models; falls to zero along a cosine")
    l1_weight: float = _setting(100.0, "of |restored - clean|")
    l2_weight: float = _setting(0.0, "of (restored - clean)^2, which counts in large holes")
    adversarial_weight: float = _setting(1.0, "of fooling the discriminator")
    adversarial_start: float = _setting(0.0, "share of the training after which the discriminator joins")
    ema_decay: float = _setting(0.999, "of the averaged weights, which are the ones that are kept")
    mixed_precision: Literal["auto", "no", "fp16", "bf16"] = _setting("auto", "auto: bf16 where the hardware has it")
    gradient_clip: float = _setting(1.0, "greatest norm of the generator's gradient; typical ones are a few times it")
    gradient_accumulation: int = _setting(1, "steps a weight update")

    finder_steps: int = _setting(2000, "steps of the occlusion finder, before the generator's")
    finder_batch: int = _setting(16, "frames a step of the finder")

    def __post_init__(self) -> None:
        for name in (
            "epochs",
            "batch_size",
            "windows_per_video",
            "window",
            "frames_per_window",
            "gradient_accumulation",
            "validate_every",
            "finder_batch",
        ):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, expected at least 1")
        if min(self.crop_height, self.crop_width) < 32:
            raise ValueError(f"crops are {self.crop_height}x{self.crop_width}, expected at least 32x32")
        if self.batch_size % self.windows_per_video:
            raise ValueError(
                f"batch_size is {self.batch_size}, expected a multiple of windows_per_video ({self.windows_per_video})"
            )
        if self.frames_per_window > self.window:
            raise ValueError(f"frames_per_window is {self.frames_per_window}, expected at most window ({self.window})")
