"""The settings of `inference.py`, flat: each is a flag."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Optional

from restore.inference.memory_size import memory_size
from restore.inference.range_setting import RangeSetting
from restore.inference.shard import WHOLE, Shard, parse_shard, shard_of_torchrun
from restore.kinds import KINDS, REMOVED
from restore.light.setting import light_setting
from restore.refinement.schedule import START
from restore.shipped import WEIGHTS, relative_to_root, shipped

FINDING = "found", "all", "both"  # modes of the mask that look for what hides the scene
GENERATOR, REFINER = WEIGHTS / "generator.pth", WEIGHTS / "refiner"


def _setting(default: Any, text: str) -> Any:
    return field(default=default, metadata={"help": text})


def _path_setting(default: Path, text: str) -> Any:
    return field(default=str(default), metadata={"help": text, "default": relative_to_root(default)})


@dataclass
class InferenceConfig:
    """Restore degraded videos. Each result is OUTPUT_DIR/STEM_restored.EXT, with a report STEM_restored.json.

    A folder's videos are matched by stem with those of the folders of masks and originals, and restored one by one. The
    same command again continues with those that are not done, and leaves those that are.
    """

    degraded_video: str = field(metadata={"help": "a video, or a folder of videos"})
    weights_path: str = _path_setting(GENERATOR, "the generator.pth that train.py writes")
    output_dir: str = _setting("restored_videos", "where the results go; made if it does not exist")
    original_video: Optional[str] = _setting(None, "the undamaged video, or a folder of them: to score against")  # noqa: UP045
    mask_video: Optional[str] = _setting(  # noqa: UP045
        None,
        "white where the picture is hidden: a video, an image for all frames, a folder of images with one for each; "
        "for a folder of videos a folder that holds one of these for each",
    )
    mask_mode: Optional[Literal["given", "found", "all", "both", "none"]] = _setting(  # noqa: UP045
        None,
        "whose mask is used; found: what is proven to hide the scene; all: what is only suspected, too; "
        "both: given and found; none: nothing is hidden; by default given with --mask_video, else found",
    )
    remove: Optional[str] = _setting(  # noqa: UP045
        None, f"kinds that may be removed where they are found, some of {','.join(KINDS)}; by default all but text"
    )
    mask_dilation: int = _setting(0, "dilate the mask by this many pixels")
    scale: Optional[Literal["2", "4", "720p", "1080p"]] = _setting(  # noqa: UP045
        None, "enlarge: so many times, or to so many rows, with what neighbouring frames saw between the pixels"
    )
    square_pixels: bool = _setting(
        False, "enlarge anamorphic video until its pixels are square; else they keep their shape"
    )
    strength: float = _setting(1.0, "of what is done to visible pixels, 0 to 1; 0: they stay as they are, bit for bit")
    light: str = _setting(
        "off",
        "auto: dark scenes are given the light that they lack, others stay as they are; or a gain in linear light, "
        "more than 0, for all",
    )
    stages: Literal["generator", "hybrid", "fill", "copy"] = _setting(
        "generator",
        "hybrid: regenerate what no frame saw, where that is much; fill: the same, and what is visible stays as it is; "
        "copy: generate nothing: what is visible stays, what is hidden is copied, or marked where no frame saw it",
    )

    refiner: str = _path_setting(REFINER, "the refiner: a folder that train.py --stage refiner writes, or a hub id")
    motion_adapter: Optional[str] = _setting(  # noqa: UP045
        None, "folder or hub id; with it, --refiner is a Stable Diffusion inpainting model"
    )
    heavy_side: float = _setting(
        0.1, "a region is refined if a square that no frame saw fits in, its side this share of the picture's height"
    )
    quality_steps: int = _setting(1, "model calls of the refiner for a window of frames: 1, 2, 4, or more")
    jump_length: int = _setting(1, "steps that are walked again where the sampler resamples")
    resamplings: int = _setting(1, "how often; 0 and 1: plain sampling")
    start: float = _setting(START, "how much noise the generator's fill is taken up to; 1: pure noise")
    sampler: Optional[Literal["ddim", "ddpm", "unipc", "dpmsolver++"]] = _setting(  # noqa: UP045
        None, "by default the one that came with the weights"
    )
    seed: int = _setting(0, "of the refiner: the same seed gives the same result")
    seeds: int = _setting(
        1,
        "draw from so many seeds, from the given one on; how far their results are apart is written as "
        "STEM_uncertainty.mkv, in levels, and counts in the confidence",
    )
    prompt: Optional[str] = _setting(None, "what is hidden, for a refiner that reads text")  # noqa: UP045
    negative_prompt: Optional[str] = _setting(None, "what is not hidden, likewise")  # noqa: UP045
    guidance_scale: float = _setting(7.5, "how much a prompt counts")

    lossless: bool = _setting(False, "write FFV1 in RGB, into .mkv")
    quality: Optional[int] = _setting(  # noqa: UP045
        None, "the encoder's, lower is better: .mp4 .mkv .mov 0-51 (16), .avi 1-31 (1), .webm 0-63 (20)"
    )
    container: Optional[Literal["mp4", "m4v", "mov", "mkv", "avi", "webm"]] = _setting(  # noqa: UP045
        None, "of the output; by default the input's, or mkv if that cannot be written"
    )
    interlaced: Literal["auto", "keep", "deinterlace", "off"] = _setting(
        "auto",
        "auto, keep: fields are restored as a sequence of their own and woven back; deinterlace: each becomes a frame; "
        "off: taken as progressive",
    )
    range: Optional[str] = _setting(  # noqa: UP045
        None,
        "restore this part alone, as it is restored in the whole: FIRST-LAST in frames, counted from 0 (120-360), or "
        "BEGIN-END in times since the first frame, END excluded (00:01:00-00:02:30); without an end to the last frame "
        "(120-); the rest goes along as it is",
    )
    only_range: bool = _setting(False, "write nothing but the range")
    rate: Optional[float] = _setting(None, "frames a second of a raw stream, which may state none")  # noqa: UP045
    write_mask: bool = _setting(
        False,
        "also write the mask that was used, STEM_mask.mkv, which can be edited and given back, and what is suspected, "
        "STEM_suspects.mkv",
    )
    provenance: bool = _setting(
        False,
        "also write where each pixel comes from, STEM_provenance.mkv: 0 seen 1 copied 2 filled 3 regenerated "
        "4 unseen, and marked 5 seen, and enlarged",
    )
    confidence: bool = _setting(
        False, "also write how certain each pixel is, STEM_confidence.mkv: 255 times the probability that it is right"
    )
    side_by_side: bool = _setting(
        False,
        "also write STEM_side_by_side.mp4: [original |] degraded | restored | that coloured by where it comes from",
    )
    report: bool = _setting(
        False, "also write the report as a page with pictures and charts, STEM_report.html, to be read and printed"
    )
    overwrite: bool = _setting(False, "replace results that exist")
    no_resume: bool = _setting(False, "restore from the start what was interrupted, in place of going on where it was")
    lpips: bool = _setting(False, "also score LPIPS and DISTS")

    precision: Literal["auto", "float32", "bfloat16"] = _setting("auto", "auto: bfloat16 where the hardware has it")
    engine: Literal["auto", "torch", "ncnn"] = _setting(
        "auto", "what computes the networks; auto: ncnn where it is installed (requirements-fast.txt) and faster"
    )
    threads: Optional[int] = _setting(  # noqa: UP045
        None, "that each network and each picture operation shares; by default as many as there are cores"
    )
    max_memory: Optional[str] = _setting(  # noqa: UP045
        None,
        "that the process may take, such as 3G or 800M; where it is little, pictures are computed in strips and frames "
        "that wait lie in files; by default what is free",
    )
    device: Optional[str] = _setting(None, "cpu, cuda, cuda:1, ...; by default a GPU if there is one")  # noqa: UP045
    shard: Optional[str] = _setting(  # noqa: UP045
        None,
        "K/N: only every N-th video, from the K-th on, as one of N processes of the same command (docs/clusters.md)",
    )
    ray: Optional[str] = _setting(  # noqa: UP045
        None,
        "local, or the address HOST:PORT of a Ray cluster: its workers restore the videos, each with --threads cores, "
        "by default one, or a GPU (requirements-cluster.txt, docs/clusters.md)",
    )

    @property
    def finds(self) -> bool:
        """Whether what hides the scene is looked for."""
        return self.mask_mode in FINDING or (self.mask_mode is None and self.mask_video is None)

    @property
    def refines(self) -> bool:
        """Whether what no frame saw is regenerated, where that is much."""
        return self.stages in ("hybrid", "fill")

    @property
    def takes_mask(self) -> bool:
        """Whether the mask that is given is used, if one is."""
        return self.mask_mode in (None, "given", "both")

    @property
    def share(self) -> Shard:
        """Of the videos: this process's."""
        return parse_shard(self.shard) if self.shard else shard_of_torchrun() or WHOLE

    @property
    def most_memory(self) -> int | None:
        """Bytes that the process may take; None: what is free."""
        return memory_size(self.max_memory) if self.max_memory is not None else None

    @property
    def removed(self) -> tuple[str, ...]:
        """The kinds that may be removed."""
        return REMOVED if self.remove is None else tuple(self.remove.split(","))

    def __post_init__(self) -> None:
        self.weights_path, self.refiner = shipped(self.weights_path), shipped(self.refiner)
        if self.lossless and self.quality is not None:
            raise ValueError(f"quality is {self.quality}, and lossless output has only one; give one of the two")
        if self.rate is not None and not self.rate > 0:
            raise ValueError(f"rate is {self.rate}, expected more than 0 frames a second")
        if self.lossless and self.container not in (None, "mkv"):
            raise ValueError(f"container is {self.container}, and lossless output is mkv; give one of the two")
        if self.mask_mode in ("given", "both") and self.mask_video is None:
            raise ValueError(f"mask_mode is {self.mask_mode}, and there is no mask; give --mask_video too")
        if self.remove is not None and not self.finds:
            raise ValueError("remove is for what is found, and nothing is looked for; give --mask_mode found or both")
        if unknown := [kind for kind in self.removed if kind not in KINDS]:
            raise ValueError(f"remove has {unknown[0]!r}, expected some of {','.join(KINDS)}")
        if self.mask_dilation < 0:
            raise ValueError(f"mask_dilation is {self.mask_dilation}, expected 0 pixels or more")
        if self.threads is not None and self.threads < 1:
            raise ValueError(f"threads is {self.threads}, expected at least 1")
        if not 0 <= self.strength <= 1:
            raise ValueError(f"strength is {self.strength}, expected 0 to 1")
        if self.square_pixels and self.scale is None:
            raise ValueError("square_pixels is for what is enlarged; give --scale too")
        light_setting(self.light)
        if self.max_memory is not None:
            memory_size(self.max_memory)
        if self.range is not None:
            RangeSetting.of(self.range)
        elif self.only_range:
            raise ValueError("only_range is given, and there is no range; give --range too")
        if self.range and self.scale:
            raise ValueError("a range goes into a video of its size, and scale enlarges; give one of the two")
        for name in ("quality_steps", "jump_length", "seeds"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, expected at least 1")
        if self.resamplings < 0 or self.seed < 0:
            raise ValueError(f"resamplings is {self.resamplings} and seed {self.seed}, expected 0 or more")
        for name in ("heavy_side", "start"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}, expected more than 0 and at most 1")
        if self.stages == "copy" and self.strength != 1:
            raise ValueError(f"strength is {self.strength}, and --stages copy generates nothing; give one of the two")
        if self.stages == "copy" and self.scale:
            raise ValueError(f"scale is {self.scale}, and --stages copy generates nothing; give one of the two")
        if self.stages in ("generator", "copy") and (self.prompt or self.negative_prompt or self.motion_adapter):
            raise ValueError("a prompt or a motion adapter is for the refiner; give --stages hybrid too")
        if self.shard is not None:
            parse_shard(self.shard)
        given = [f"{name} is {value}" for name, value in (("ray", self.ray), ("shard", self.shard)) if value]
        given += ["torchrun started several processes"] * (shard_of_torchrun() is not None)
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)}, and each divides the videos in its own way; use one of them")
        if self.ray and ":" in (self.device or ""):
            raise ValueError(f"device is {self.device}, and Ray gives each worker a GPU of its own; give cuda, or cpu")
        if self.lpips and self.original_video is None:
            raise ValueError("lpips compares with an original; give --original_video too")
