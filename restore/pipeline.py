"""How a video flows through the package: one direction, one window in memory, any length.

frames ──> detection ──> light ──> propagation ──> generator ──> temporal filter ──> deconvolution [──> scaler]
           mask          gain      evidence        residual      hidden pixels       blurred frames     enlarged
"""

from collections.abc import Collection, Generator, Iterable, Iterator
from copy import copy
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from restore.deconvolution.sharpened import sharpened
from restore.detection.detect import detect
from restore.engines.choose import accelerate, choose_engine
from restore.frame import HIDDEN, Frame
from restore.kinds import REMOVED
from restore.light.lit import lit
from restore.memory_plan import WHOLE, MemoryPlan
from restore.models.degradation import noisy_frame
from restore.models.estimate_in_strips import StripEstimator
from restore.models.finder import OcclusionFinder
from restore.models.generator import Estimate, GatedGenerator
from restore.models.noise_network import NoiseNetwork
from restore.models.pix2pix import Pix2PixUNet
from restore.models.scaler import Scaler
from restore.models.segmenter import Segmenter
from restore.models.weights import load_models, load_noise, load_scaler, load_segmenter
from restore.propagation.batches import Batch, evidence_batches, picture_batches, row_batches
from restore.propagation.confidence import with_filtered, with_hidden, with_visible
from restore.propagation.copies import copies
from restore.propagation.engine import Propagation
from restore.propagation.evidence import MASK, Evidence, EvidenceRows, to_tensor
from restore.propagation.noise_filter import Remover, filter_frame
from restore.propagation.resumption import LAST, Resumption
from restore.propagation.temporal_filter import RADIUS
from restore.restored import Restored, weakened
from restore.scaling.enlarge import enlarged_frames
from restore.scenes import with_scenes
from restore.shipped import WEIGHTS
from restore.tensors import to_float, to_uint8
from restore.video.prefetch import prefetch
from restore.video.windows import windows


class Restorer:
    """Restores video with the models of a `generator.pth`.

    Args:
        generator: without one nothing is generated: see `restore`.
        finder, segmenter: detect what hides the scene; without a finder masks must be given.
        noise: removes what noise the generator leaves; without it a bilateral filter does.
        scaler: enlarges.
        device, precision: as of `from_pretrained`.

    >>> import restore
    >>> restorer = restore.Restorer.from_pretrained()
    >>> restorer.restore_tensor(torch.zeros(1, 2, 3, 32, 40)).shape
    torch.Size([1, 2, 3, 32, 40])
    """

    def __init__(
        self,
        generator: nn.Module | None = None,
        finder: OcclusionFinder | None = None,
        *,
        segmenter: Segmenter | None = None,
        noise: NoiseNetwork | None = None,
        scaler: Scaler | None = None,
        device: str | None = None,
        precision: str = "auto",
    ) -> None:
        self.device = _device(device)
        self.engine, self.plan = "torch", WHOLE
        self.dtype = _dtype(precision, self.device)
        self.generator, self.finder, self.segmenter = generator, finder, segmenter
        self.noise, self.scaler = noise, scaler
        for model in filter(None, (generator, finder, segmenter, noise, scaler)):
            model.eval().to(self.device, self.dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def from_pretrained(
        cls,
        weights: str | Path = WEIGHTS,
        *,
        generator: bool = True,
        finder: bool = True,
        scaler: bool = False,
        device: str | None = None,
        precision: str = "auto",
        engine: str = "auto",
    ) -> "Restorer":
        """Load the models.

        Args:
            weights: a `generator.pth`, or a folder that holds one; by default the weights that come with the package.
                A `segmenter.pth` in the same folder detects what is hidden in combination with the finder in the file
                itself, a `noise.pth` removes what noise the generator leaves.
            generator: whether it is loaded; without it nothing is generated: see `restore`.
            finder: whether it and the segmenter are loaded; without them masks must be given.
            scaler: whether that of a `scaler.pth` in the same folder is loaded; without it nothing can be enlarged.
            device: `cpu`, `cuda`, `cuda:1`, ...; None takes a GPU if there is one.
            precision: `float32`, `bfloat16`, or `auto`: bfloat16 where the hardware computes in it.
            engine: what computes the networks: `torch`, `ncnn`, or `auto`, the faster of those there are. For ncnn they
                are exported once, in seconds, and kept beside the weights.

        Raises:
            WeightsError: there are no such weights, they are broken, or they belong to another model.
            ConfigError: the engine is not installed, or does not compute on that device or in that precision.
        """
        engine = choose_engine(engine, _device(device), precision)
        path = Path(weights)
        path = path / "generator.pth" if path.is_dir() else path
        names = ("generator",) * generator + ("finder",) * finder
        models = load_models(path, names) if names else {}
        own = path.with_name("segmenter.pth")
        if finder and own.exists():
            models["segmenter"] = load_segmenter(own)
        own = path.with_name("noise.pth")
        if generator and own.exists():
            models["noise_network"] = load_noise(own)
        if scaler:
            models["scaler"] = load_scaler(path.with_name("scaler.pth"))
        if engine == "ncnn":
            precision = "float32"
        restorer = cls(
            models.get("generator"),
            cast(OcclusionFinder | None, models.get("finder")),
            segmenter=cast(Segmenter | None, models.get("segmenter")),
            noise=cast(NoiseNetwork | None, models.get("noise_network")),
            scaler=cast(Scaler | None, models.get("scaler")),
            device=device,
            precision=precision,
        )
        if engine == "ncnn":
            accelerate(models, path)
        restorer.engine = engine
        return restorer

    def within(self, plan: MemoryPlan) -> "Restorer":
        """The same models, which restore the same in another amount of memory."""
        restorer = copy(self)
        restorer.plan = plan
        return restorer

    def restore(
        self,
        frames: Iterable[Frame],
        *,
        strength: float = 1.0,
        light: str | float = "off",
        segment: int | None = None,
        cuts_only: bool = False,
        resumption: Resumption | None = None,
        skip: int = 0,
    ) -> Generator[Restored, None, None]:
        """Restore a stream of frames, in order, one out for each in.

        Without a generator visible pixels come out as they are, hidden ones are copied from frames that saw them, and
        those that no frame saw are marked: `propagation/copies.py`.

        Args:
            frames: with masks, all of one size; consecutive frames of one video, each used once. Their scenes are
                decided here.
            strength: how much of what the generator changes in visible pixels is done, in [0, 1]: at 0 they come out
                bit for bit. Hidden pixels are the same at any strength.
            light: `off`, `auto`, or a gain in linear light, see `light/lit.py`: what dark scenes are given before all
                else. What is said here of frames is then of the lighter ones: at a strength of 0 visible pixels are
                lighter, and nothing more.
            segment, cuts_only: where segments end (`Propagation`): behind a frame that `ends` one, the rest can be
                restored without the frames before, bit for bit.
            resumption: the first frames were restored before, and do not come out.
            skip: how many of the first frames do not come out. What they saw counts, and they are generated only where
                the first that comes out needs them.
        """
        # By the final masks, so that a mask written and given again decides alike; detection had its finder's alone.
        frames = prefetch(map(self.plan.put, with_scenes(lit(frames, light))), self.plan.ahead)
        if isinstance(self.generator, Pix2PixUNet):  # the classic sees one frame and nothing else
            generated = map(with_hidden, islice(self.generate(picture_batches(frames), skip=skip), skip, None))
            yield from weakened(generated, strength)
            return
        before = resumption.generated_before(frames) if resumption else []
        propagated = _propagated(frames, resumption, segment=segment, cuts_only=cuts_only, plan=self.plan)
        if self.generator is None:
            yield from map(copies, islice(propagated, skip, None))
            return
        # Three threads share the work: frames are detected, propagated, and generated. Of the evidence one batch is
        # made ahead and no more: `evidence_batches` has room for two.
        in_strips = self.plan.rows is not None and isinstance(self.generator, GatedGenerator)
        batches = row_batches(propagated) if in_strips else evidence_batches(propagated)
        batches = prefetch(batches, min(1, self.plan.ahead))
        generated = map(self.plan.put, self.generate(batches, skip=skip - RADIUS))
        remove = partial(self.noise.filtered, rows=self.plan.rows) if self.noise else None
        filtered = _filtered(chain(before, generated), remove)
        # After the filter, which averages hidden pixels with visible ones.
        yield from weakened(sharpened(islice(filtered, len(before) + skip, None)), strength)

    def restore_frames(
        self,
        images: Iterable[np.ndarray],
        masks: Iterable[np.ndarray] | None = None,
        *,
        light: str | float = "off",
    ) -> Iterator[Restored]:
        """As `restore`, for pictures.

        Args:
            images: uint8 `H W 3`, RGB in [0, 255], all of one size; consecutive frames of one video.
            masks: for each frame bool or float `H W`, 1 where it is hidden; None detects them.
            light: as of `restore`.
        """
        if masks is None:
            return self.restore(self.detect(Frame(image) for image in images), light=light)
        pairs = zip(images, masks, strict=True)
        return self.restore((Frame(image, mask=mask.astype(np.float32)) for image, mask in pairs), light=light)

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

    def detect(
        self, frames: Iterable[Frame], *, remove: Collection[str] = REMOVED, suspects: bool = False
    ) -> Iterator[Frame]:
        """The same frames with what hides the scene in each: see `detection/detect.py`.

        Args:
            remove: the kinds that may go.
            suspects: whether what was detected without proof may go, too.

        Raises:
            ValueError: the restorer has no finder.
        """
        if self.finder is None:
            raise ValueError("the restorer has no finder to detect what is hidden; give masks, or load the finder too")
        return detect(
            frames,
            self.finder,
            to_device=self._to_device,
            segmenter=self.segmenter,
            remove=remove,
            suspects=suspects,
            plan=self.plan,
        )

    def enlarge(self, restored: Iterable[Restored], size: tuple[int, int]) -> Generator[Restored, None, None]:
        """Restored frames, in order, at `size` (rows, columns): see `scaling/enlarge.py`.

        Raises:
            ValueError: the restorer has no scaler.
        """
        if self.scaler is None:
            raise ValueError("the restorer has no scaler to enlarge with; load it")
        return enlarged_frames(restored, self.scaler, size=size, to_device=self._to_device)

    @torch.inference_mode()
    def generate(self, batches: Iterable[Batch], *, skip: int = 0) -> Iterator[Restored]:
        """Run the generator over several frames at once; nobody looks at the first `skip`, which may come out as they
        are. What is hidden is not filtered in time yet, and has no confidence.
        """
        assert self.generator is not None, "without it frames are copied"
        for degraded, stacks in batches:
            skip -= len(degraded)
            if skip >= 0:  # a batch is computed whole, as what else is in it may change the last bits
                yield from degraded
                continue
            if isinstance(self.generator, GatedGenerator):
                estimate, hidden = self._estimated(self.generator, stacks)
                images = to_uint8(estimate.restored)  # waits for the device
                judged = zip(estimate.of_visible(hidden).tolist(), *estimate.planes(), strict=True)
                for frame, image, ((a, b, c), *planes) in zip(degraded, images, judged, strict=True):
                    certain = with_visible(frame.confidence, frame.mask, *planes)
                    yield replace(frame, image=image, confidence=certain, estimate=(a, b, c))
            else:
                assert isinstance(stacks, np.ndarray), "only gated generators compute strips"
                evidence = self._to_device(to_tensor(stacks))
                for frame, image in zip(degraded, to_uint8(self.generator(evidence)), strict=True):
                    yield replace(frame, image=image)

    def _estimated(self, generator: GatedGenerator, stacks: np.ndarray | EvidenceRows) -> tuple[Estimate, Tensor]:
        """What the generator makes of a batch, and what is hidden in it, bool `B 1 H W`."""
        if isinstance(stacks, EvidenceRows):
            assert self.plan.rows is not None
            rows = self.plan.rows
            return StripEstimator(
                generator, lambda part: self._to_device(stacks[part]), stacks.size, rows=rows
            ).estimate()
        evidence = self._to_device(to_tensor(stacks))
        return generator.estimate(evidence), evidence[:, MASK] > HIDDEN

    def _to_device(self, x: Tensor) -> Tensor:
        return x.to(self.device, memory_format=torch.channels_last)


def _propagated(
    frames: Iterable[Frame],
    resumption: Resumption | None = None,
    *,
    segment: int | None = None,
    cuts_only: bool = False,
    plan: MemoryPlan = WHOLE,
) -> Iterator[Evidence]:
    propagation: Propagation | None = None
    for frame in frames:
        if propagation is None:
            propagation = Propagation(*frame.size, segment=segment, cuts_only=cuts_only, plan=plan)
            if resumption:
                resumption.begin(propagation)
        yield from propagation.push(frame)
        plan.put(frame)  # with its motion
        plan.rest()
    if propagation:
        yield from propagation.flush()


def _filtered(restored: Iterable[Restored], remove: Remover | None) -> Iterator[Restored]:
    """What was hidden, and the noise that was left, averaged with the frames around, along the motion."""
    for window in windows(restored, 1, before=RADIUS, after=RADIUS):
        (now,) = window.core
        if now.frame.state is not None:
            last = window.items[window.start + 1 - LAST : window.start + 1]
            now.frame.state = replace(now.frame.state, images=np.stack([one.image for one in last]))
        noise = 0.0 if now.estimate is None else now.estimate[0]
        share = noisy_frame(noise)
        image = filter_frame(window.items, window.start, noise=noise, share=share, remove=remove)
        now = replace(now, image=image)
        if share > 0:
            changed = (now.image != now.frame.image).any(-1)
            now = replace(now, confidence=with_filtered(now.confidence, now.mask, changed))
        yield with_hidden(now)


def _device(device: str | None) -> torch.device:
    return torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))


def _dtype(precision: str, device: torch.device) -> torch.dtype:
    if precision != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    return torch.bfloat16 if torch.cpu._is_amx_tile_supported() else torch.float32
