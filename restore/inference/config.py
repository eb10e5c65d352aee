"""The settings of `inference.py`, flat: each is a flag."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Optional

WEIGHTS = Path(__file__).parents[2] / "saved_models" / "generator.pth"


def _setting(default: Any, text: str) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass
class InferenceConfig:
    """Restore degraded videos. Each result is OUTPUT_DIR/STEM_restored.EXT, with a report STEM_restored.json beside it.

    A folder's videos are matched by stem with those of the folders of masks and originals, and restored one by one. The
    same command again goes on with those that are not done.
    """

    degraded_video: str = field(metadata={"help": "a video, or a folder of videos"})
    weights_path: str = _setting(str(WEIGHTS), "the generator.pth that train.py writes")
    output_dir: str = _setting("restored_videos", "where the results go; made if it does not exist")
    original_video: Optional[str] = _setting(None, "the undamaged video, or a folder of them: to score against")  # noqa: UP045
    mask_video: Optional[str] = _setting(  # noqa: UP045
        None,
        "white where the picture is hidden: a video, an image for all frames, a folder of images with one for each; "
        "for a folder of videos a folder that holds one of these for each",
    )
    mask_mode: Optional[Literal["given", "found", "both", "none"]] = _setting(  # noqa: UP045
        None, "whose mask is used; none: nothing is hidden; by default given with --mask_video, else found"
    )
    mask_dilation: int = _setting(0, "grow the mask by this many pixels")
    stages: Literal["generator"] = _setting("generator", "what to run")

    lossless: bool = _setting(False, "write FFV1 in RGB, into .mkv")
    quality: Optional[int] = _setting(  # noqa: UP045
        None, "the encoder's, lower is better: .mp4 .mkv .mov 0-51 (16), .avi 1-31 (2), .webm 0-63 (20)"
    )
    write_mask: bool = _setting(False, "also write the mask that was used, STEM_mask.mkv; can be edited and given back")
    provenance: bool = _setting(
        False, "also write where each pixel comes from, STEM_provenance.mkv: 0 seen 1 copied 2 filled 3 regenerated"
    )
    overwrite: bool = _setting(False, "replace results that exist")
    lpips: bool = _setting(False, "also score LPIPS; downloads its network the first time")

    precision: Literal["auto", "float32", "bfloat16"] = _setting("auto", "auto: bfloat16 where the hardware has it")
    device: Optional[str] = _setting(None, "cpu, cuda, cuda:1, ...; by default a GPU if there is one")  # noqa: UP045

    def __post_init__(self) -> None:
        if self.lossless and self.quality is not None:
            raise ValueError(f"quality is {self.quality}, and lossless output has only one; give one of the two")
        if self.mask_mode in ("given", "both") and self.mask_video is None:
            raise ValueError(f"mask_mode is {self.mask_mode}, and there is no mask; give --mask_video too")
        if self.mask_dilation < 0:
            raise ValueError(f"mask_dilation is {self.mask_dilation}, expected 0 pixels or more")
        if self.lpips and self.original_video is None:
            raise ValueError("lpips compares with an original; give --original_video too")
