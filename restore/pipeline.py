"""How a video flows through the package: one direction, one window in memory, any length.

frames ──> find ──> track ──> windows ──> sweep ──> generator ──> frames
           masks    motion    + context   copies    evidence
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from restore.models.finder import OcclusionFinder
from restore.models.pix2pix import Pix2PixUNet
from restore.models.weights import load_models
from restore.occlusion.evidence import evidence, picture, to_tensor
from restore.occlusion.memory import Memory
from restore.occlusion.propagate import Tracked, sweep_backward, sweep_forward, track
from restore.occlusion.provenance import provenance, provenance_alone
from restore.tensors import to_float, to_uint8
from restore.video.prefetch import prefetch
from restore.video.windows import Window, windows

BATCH = 4  # frames the networks see at once; more gain no speed on a CPU
PIXELS = 40 * 320 * 240  # in a window, so that memory is bounded for larger pictures too
LENGTHS = 8, 32  # frames a window, least and most
WEIGHTS = Path(__file__).parent.parent / "saved_models"


@dataclass(frozen=True)
class Restored:
    """One frame of the result.

    Attributes:
        image: uint8 `H W 3`, RGB in [0, 255].
        mask: float32 `H W` in [0, 1], what it was made with: the probability that the pixel is hidden.
        provenance: uint8 `H W`, where each pixel comes from: the codes of `occlusion/provenance.py`.
    """

    image: np.ndarray
    mask: np.ndarray
    provenance: np.ndarray


class Restorer:
    """Restores video with the models of a `generator.pth`.

    >>> import restore
    >>> restorer = restore.Restorer.from_pretrained()
    >>> restorer.restore_tensor(torch.zeros(1, 2, 3, 32, 40)).shape
    torch.Size([1, 2, 3, 32, 40])
    """

    def __init__(
        self, generator: nn.Module, finder: OcclusionFinder, *, device: str | None = None, precision: str = "auto"
    ) -> None:
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.dtype = _dtype(precision, self.device)
        self.generator, self.finder = (
            model.eval().to(self.device, self.dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
            for model in (generator, finder)
        )

    @classmethod
    def from_pretrained(
        cls, weights: str | Path = WEIGHTS, *, device: str | None = None, precision: str = "auto"
    ) -> "Restorer":
        """Load the models.

        Args:
            weights: a `generator.pth`, or a folder that holds one; by default the weights that come with the package.
            device: `cpu`, `cuda`, `cuda:1`, ...; None takes a GPU if there is one.
            precision: `float32`, `bfloat16`, or `auto`: bfloat16 where the hardware computes in it.

        Raises:
            WeightsError: there are no such weights, they are broken, or they belong to another model.
        """
        path = Path(weights)
        models = load_models(path / "generator.pth" if path.is_dir() else path, ("generator", "finder"))
        finder = models["finder"]
        assert isinstance(finder, OcclusionFinder)
        return cls(models["generator"], finder, device=device, precision=precision)

    def restore_frames(
        self, images: Iterable[np.ndarray], masks: Iterable[np.ndarray] | None = None
    ) -> Iterator[Restored]:
        """Restore a stream of frames, in order, one out for each in.

        Args:
            images: uint8 `H W 3`, RGB in [0, 255], all of one size; consecutive frames of one video.
            masks: for each frame bool or float `H W`, 1 where it is hidden; None lets the finder find them.
        """
        yield from self.restore_masked(self.find(images) if masks is None else zip(images, masks, strict=True))

    def restore_masked(self, masked: Iterable[tuple[np.ndarray, np.ndarray]]) -> Iterator[Restored]:
        """As `restore_frames`, for a stream of frames each with its mask."""
        if isinstance(self.generator, Pix2PixUNet):  # the classic looks at one frame and at nothing else
            alone = ((mask, provenance_alone(mask), picture(image)) for image, mask in prefetch(masked, 2 * BATCH))
            yield from self._generate(alone)
            return
        # Three threads share the work: what is found and tracked, swept, and generated.
        yield from self._generate(prefetch(_propagated(prefetch(_tracked(masked), 2 * BATCH)), BATCH))

    def restore_tensor(self, video: Tensor, mask: Tensor | None = None) -> Tensor:
        """Restore clips held in memory: `B T 3 H W` => the same shape, RGB in [-1, 1], on 8-bit levels.

        Args:
            mask: `B T 1 H W`, 1 where the picture is hidden; None lets the finder find it.
        """
        if video.ndim != 5 or video.shape[2] != 3:
            raise ValueError(f"video must be B T 3 H W, got {tuple(video.shape)}")
        wanted = (*video.shape[:2], 1, *video.shape[3:])
        if mask is not None and mask.shape != wanted:
            raise ValueError(f"mask must be {wanted} for this video, got {tuple(mask.shape)}")
        clips = []
        for index, clip in enumerate(to_uint8(video)):
            given = None if mask is None else mask[index, :, 0].float().cpu().numpy()
            clips.append(np.stack([frame.image for frame in self.restore_frames(clip, given)]))
        return to_float(np.stack(clips)).to(video.device)

    @torch.inference_mode()
    def find(self, images: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Each image with the probability, float32 `H W`, that its pixels are hidden."""
        for window in windows(images, BATCH, before=1, after=1):
            frames = self._input(to_float(np.stack(window.items)))
            ends = range(window.start, window.stop)
            previous = frames[[max(0, t - 1) for t in ends]]
            following = frames[[min(len(frames) - 1, t + 1) for t in ends]]
            logits = self.finder(torch.cat([previous, frames[window.start : window.stop], following], 1))
            yield from zip(window.core, logits[:, 0].float().sigmoid().cpu().numpy(), strict=True)

    @torch.inference_mode()
    def _generate(self, inputs: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Iterator[Restored]:
        """Run the generator over (mask, provenance, its input float32 `H W C`), several frames at once."""
        for window in windows(inputs, BATCH):
            stack = self._input(to_tensor([x for _, _, x in window.core]))
            for (mask, codes, _), image in zip(window.core, to_uint8(self.generator(stack)), strict=True):
                yield Restored(image, mask, codes)

    def _input(self, x: Tensor) -> Tensor:
        return x.to(self.device, memory_format=torch.channels_last)


def _tracked(masked: Iterable[tuple[np.ndarray, np.ndarray]]) -> Iterator[Tracked]:
    """Each frame related to the one before it."""
    previous = None
    for image, mask in masked:
        previous = track(image, mask.astype(np.float32), previous)
        yield previous


def _propagated(tracked: Iterable[Tracked]) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The mask, the provenance and the evidence `H W 23` of each frame, window after window.

    The past is carried from window to window; the future is swept back from the context behind each.
    """
    frames = iter(tracked)
    for first in frames:  # its size decides how many fit into a window
        length = int(np.clip(PIXELS // first.mask.size, *LENGTHS))
        memory: Memory | None = None
        for window in windows(chain([first], frames), length, before=1, after=length // 2):
            before, memory = sweep_forward(window.core, memory)
            after = sweep_backward(window.items[window.start :], len(window.core))
            for index, (frame, *memories) in enumerate(zip(window.core, before, after, strict=True)):
                neighbours = _neighbours(window, window.start + index)
                yield frame.mask, provenance(frame, *memories), evidence(frame, *neighbours, *memories)


def _neighbours(window: Window[Tracked], index: int) -> tuple[np.ndarray, np.ndarray]:
    """The pictures before and after item `index`; at the ends of the video that item's own."""
    items = window.items
    return items[max(0, index - 1)].image, items[min(len(items) - 1, index + 1)].image


def _dtype(precision: str, device: torch.device) -> torch.dtype:
    if precision != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    return torch.bfloat16 if torch.cpu._is_amx_tile_supported() else torch.float32
