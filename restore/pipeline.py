"""How a video flows through the package: one direction, one window in memory, any length.

frames ──> find ──> track ──> windows ──> sweep ──> generator ──> settle ──> frames
           masks    motion    + context   copies    evidence      what was hidden
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import reduce
from itertools import chain, cycle
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from restore.detection.detect import Found, find
from restore.frame import Frame
from restore.models.finder import OcclusionFinder
from restore.models.pix2pix import Pix2PixUNet
from restore.models.segmenter import Segmenter
from restore.models.weights import load_models, load_segmenter
from restore.propagation.background import Background
from restore.propagation.confidence import confidence_alone, frame_confidence
from restore.propagation.engine import DOUBT, Tracked, remembered, sweep_backward, sweep_forward, track
from restore.propagation.evidence import CHANNELS, evidence, picture, to_tensor
from restore.propagation.flow import Motion, is_cut
from restore.propagation.memory import Memory
from restore.propagation.provenance import provenance, provenance_alone
from restore.propagation.temporal_filter import REACH, Shown, settled
from restore.tensors import to_float, to_uint8
from restore.video.prefetch import prefetch
from restore.video.windows import Window, windows

BATCH = 4  # frames the networks see at once; more gain no speed on a CPU
PIXELS = 40 * 320 * 240  # in a window, so that memory is bounded for larger pictures too
LENGTHS = 8, 32  # frames a window, least and most
WEIGHTS = Path(__file__).parent.parent / "saved_models"

Planes = list[np.ndarray]  # one a frame, `H W`
# Motions; frames; provenance, confidence; and what is generated from, `B H W C`.
Batch = tuple[list[Motion | None], list[Frame], Planes, Planes, np.ndarray]
Told = tuple[Tracked, np.ndarray, np.ndarray, Memory, Memory]  # of one frame, in the order that `evidence` takes it in


@dataclass(frozen=True)
class Restored:
    """One frame of the result.

    Attributes:
        frame: what it was made from, its mask and scene set.
        image: uint8 `H W 3`, RGB in [0, 255].
        provenance: uint8 `H W`, where each pixel comes from: the codes of `occlusion/provenance.py`.
        confidence: uint8 `H W`, how certain each pixel is: 255 in view, 0 seen in no frame (`occlusion/confidence.py`).
    """

    frame: Frame
    image: np.ndarray
    provenance: np.ndarray
    confidence: np.ndarray

    @property
    def mask(self) -> np.ndarray:
        """float32 `H W` in [0, 1], what it was made with: the probability that the pixel is hidden."""
        assert self.frame.mask is not None, "a restored frame has its mask"
        return self.frame.mask


class Restorer:
    """Restores video with the models of a `generator.pth`.

    >>> import restore
    >>> restorer = restore.Restorer.from_pretrained()
    >>> restorer.restore_tensor(torch.zeros(1, 2, 3, 32, 40)).shape
    torch.Size([1, 2, 3, 32, 40])
    """

    def __init__(
        self,
        generator: nn.Module,
        finder: OcclusionFinder,
        *,
        segmenter: Segmenter | None = None,
        device: str | None = None,
        precision: str = "auto",
    ) -> None:
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.dtype = _dtype(precision, self.device)
        self.generator, self.finder, self.segmenter = generator, finder, segmenter
        for model in (generator, finder, *([segmenter] if segmenter else [])):
            model.eval().to(self.device, self.dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def from_pretrained(
        cls, weights: str | Path = WEIGHTS, *, device: str | None = None, precision: str = "auto"
    ) -> "Restorer":
        """Load the models.

        Args:
            weights: a `generator.pth`, or a folder that holds one; by default the weights that come with the package.
                Where a `segmenter.pth` lies beside it, that finds what is hidden together with the finder in the file
                itself.
            device: `cpu`, `cuda`, `cuda:1`, ...; None takes a GPU if there is one.
            precision: `float32`, `bfloat16`, or `auto`: bfloat16 where the hardware computes in it.

        Raises:
            WeightsError: there are no such weights, they are broken, or they belong to another model.
        """
        path = Path(weights)
        path = path / "generator.pth" if path.is_dir() else path
        models = load_models(path, ("generator", "finder"))
        beside = path.with_name("segmenter.pth")
        segmenter = load_segmenter(beside) if beside.exists() else None
        finder = models["finder"]
        assert isinstance(finder, OcclusionFinder)
        return cls(models["generator"], finder, segmenter=segmenter, device=device, precision=precision)

    def restore_frames(
        self, images: Iterable[np.ndarray], masks: Iterable[np.ndarray] | None = None
    ) -> Iterator[Restored]:
        """Restore a stream of frames, in order, one out for each in.

        Args:
            images: uint8 `H W 3`, RGB in [0, 255], all of one size; consecutive frames of one video.
            masks: for each frame bool or float `H W`, 1 where it is hidden; None lets the finder find them.
        """
        if masks is None:
            yield from self.restore_masked((found.image, found.mask) for found in self.find(images))
        else:
            yield from self.restore_masked(zip(images, masks, strict=True))

    def restore_masked(self, masked: Iterable[tuple[np.ndarray, np.ndarray]]) -> Iterator[Restored]:
        """As `restore_frames`, for a stream of frames each with its mask."""
        if isinstance(self.generator, Pix2PixUNet):  # the classic looks at one frame and at nothing else
            yield from (frame for _, frame in self._generate(_alone(prefetch(masked, 2 * BATCH))))
            return
        # Three threads share the work: what is found and tracked, swept, and generated. Of the evidence one batch is
        # made ahead and no more: `_stacked` has room for two.
        batches = prefetch(_stacked(_propagated(prefetch(_tracked(masked), 2 * BATCH))), 1)
        yield from _settled(self._generate(batches))

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

    def find(self, images: Iterable[np.ndarray]) -> Iterator[Found]:
        """What hides the scene in each of `images`, as `restore_frames` takes them."""
        yield from find(self.finder, images, place=self._input, segmenter=self.segmenter)

    @torch.inference_mode()
    def _generate(self, batches: Iterable[Batch]) -> Iterator[tuple[Motion | None, Restored]]:
        """Run the generator over several frames at once. Each comes with its motion from the one before."""
        for motions, frames, codes, certain, stacks in batches:
            images = to_uint8(self.generator(self._input(to_tensor(stacks))))
            yield from zip(motions, map(Restored, frames, images, codes, certain), strict=True)

    def _input(self, x: Tensor) -> Tensor:
        return x.to(self.device, memory_format=torch.channels_last)


def _tracked(masked: Iterable[tuple[np.ndarray, np.ndarray]]) -> Iterator[Tracked]:
    """Each frame related to the one before it."""
    previous = None
    for image, mask in masked:
        previous = track(image, mask.astype(np.float32), previous)
        yield previous


def _propagated(tracked: Iterable[Tracked]) -> Iterator[Told]:
    """Each frame with its neighbours and with what the past and the future saw of it, window after window.

    The past is carried from frame to frame; the future is swept back from the context behind each window. The
    background of a fixed camera, which serves both, has seen all frames up to the end of that context.
    """
    frames = iter(tracked)
    for first in frames:  # its size decides how many fit into a window
        length = int(np.clip(PIXELS // first.mask.size, *LENGTHS))
        memory: Memory | None = None
        background, shown = Background.empty(*first.mask.shape), 0
        for window in windows(chain([first], frames), length, before=1, after=length // 2):
            items, offset = window.items, window.first - window.start
            background = reduce(remembered, items[shown - offset :], background)
            shown = offset + len(items)
            futures = sweep_backward(items[window.start :], len(window.core), background=background)
            for index, (frame, after) in enumerate(zip(window.core, futures, strict=True), window.start):
                past = background.ago(len(items) - 1 - index)
                (before,), memory = sweep_forward([frame], memory, last=items[max(0, index - 1)], background=past)
                yield frame, *_neighbours(window, index), before, after


def _stacked(frames: Iterable[Told]) -> Iterator[Batch]:
    """The evidence of several frames at once.

    It is written into two buffers in turn, as fresh memory costs more than what is written: a batch holds until the
    one after the next is asked for.
    """
    buffers: Iterator[np.ndarray] | None = None
    last: Frame | None = None
    for window in windows(frames, BATCH):
        if buffers is None:
            shape = (BATCH, *window.core[0][0].mask.shape, CHANNELS)
            buffers = cycle([np.empty(shape, np.float32), np.empty(shape, np.float32)])
        stacks = next(buffers)[: len(window.core)]
        for told, stack in zip(window.core, stacks, strict=True):
            evidence(*told, out=stack)
        codes = [provenance(frame, before, after) for frame, _, _, before, after in window.core]
        certain = [frame_confidence(frame, before, after) for frame, _, _, before, after in window.core]
        records = [last := _record(told[0].image, told[0].mask, last) for told in window.core]
        yield [told[0].motion for told in window.core], records, codes, certain, stacks


def _settled(frames: Iterable[tuple[Motion | None, Restored]]) -> Iterator[Restored]:
    """What was hidden, averaged with the frames around."""
    shown = ((Shown(frame.image, frame.mask > DOUBT, motion), frame) for motion, frame in frames)
    for window in windows(shown, 1, before=REACH, after=REACH):
        image = settled([item for item, _ in window.items], window.start)
        yield replace(window.core[0][1], image=image)


def _alone(masked: Iterable[tuple[np.ndarray, np.ndarray]]) -> Iterator[Batch]:
    """Frames to be restored from themselves alone, several at once."""
    last: Frame | None = None
    for window in windows(masked, BATCH):
        images, masks = (list(parts) for parts in zip(*window.core, strict=True))
        codes, certain = map(provenance_alone, masks), map(confidence_alone, masks)
        records = [last := _record(image, mask, last) for image, mask in window.core]
        yield [None] * len(masks), records, list(codes), list(certain), picture(np.stack(images))


def _record(image: np.ndarray, mask: np.ndarray, last: Frame | None) -> Frame:
    """The record of the frame after `last`, its scene counted on where a cut lies between the two."""
    frame = Frame(image=image, mask=mask, scene=0)
    if last is not None and last.scene is not None:
        frame.scene = last.scene + is_cut(frame.luma, last.luma)
    return frame


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
