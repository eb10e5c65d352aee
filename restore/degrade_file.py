"""Degrade one video file into another, streamed, and write its true mask: pairs to try the restorer on."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from restore.degradations.blur import defocus
from restore.degradations.boxes import draw_boxes, paint_mask
from restore.degradations.degrade import Ranges, add_noise, apply
from restore.degradations.obstructions.draw import obstruct
from restore.degradations.recipe import Recipe, degraded
from restore.errors import RestoreError
from restore.kinds import ALONE
from restore.tensors import to_float, to_uint8
from restore.video.prefetch import prefetch
from restore.video.reader import VideoReader
from restore.video.windows import windows
from restore.video.writer import VideoWriter

PIXELS = 16 * 320 * 240  # degraded at once, so that memory is bounded for any length and size

# One degradation alone, plainly visible, and nothing before the scene.
RECIPES = {
    "defocus": Recipe(radius=2.5),
    "motion_blur": Recipe(motion=9.0, angle=0.5),
    "noise": Recipe(noise=15.0, noise_kind="shot", amount=0.5),
    "codec": Recipe(codec=("libx264", 32.0, "medium")),
    "low_resolution": Recipe(scale=0.5),
    "low_light": Recipe(light=0.2, shot=2e-4),
}
assert tuple(RECIPES) == ALONE


def mask_path(output: str | Path) -> Path:
    """Where the mask of a degraded video goes.

    >>> mask_path("out/clip.avi").as_posix()
    'out/clip_mask.mkv'
    """
    return Path(output).with_name(f"{Path(output).stem}_mask.mkv")


def degrade_file(
    video: str | Path,
    output: str | Path,
    *,
    kind: str = "moving",
    obstructions: Sequence[str] = (),
    seed: int = 0,
    lossless: bool = False,
    ranges: Ranges = Ranges(),  # noqa: B008  frozen
    overwrite: bool = False,
) -> Path:
    """Blur a video, put something before it, add noise: as bad as is typical of `ranges`, over the whole length. Or do
    one thing alone to it.

    Sound, subtitles, times and tags go along as they are.

    Args:
        video: what to degrade.
        output: what to write; its extension chooses the format.
        kind: of boxes, see `draw_boxes`; or one of `ALONE`.
        obstructions: what is before the scene in place of boxes of that kind, some of `KINDS`.
        seed: the same seed degrades a video in the same way.
        lossless: FFV1 in RGB, into `.mkv`; else the encoder adds its own losses.
        overwrite: replace `output` and its mask if they exist.

    Returns:
        The path of the mask, `STEM_mask.mkv`: lossless, grey, 255 where the picture is hidden and 0 elsewhere.

    Raises:
        InputError: the video cannot be read, or the output cannot be written. Nothing is left.
        RestoreError: the video breaks half way; its frames up to there were degraded, and are kept.

    >>> degrade_file("clip.mp4", "degraded.mp4", kind="static")  # doctest: +SKIP
    PosixPath('degraded_mask.mkv')
    """
    output = Path(output)
    strengths = {
        "blur": torch.tensor([ranges.blur.typical]),
        "level": torch.tensor([ranges.box_level.typical]),
        "noise": torch.tensor([ranges.noise.typical]),
    }
    before, noise = torch.Generator().manual_seed(seed), torch.Generator().manual_seed(seed)
    with VideoReader(video) as reader:
        info = reader.info
        length = max(1, PIXELS // (info.width * info.height))
        count = 0
        with (
            VideoWriter(output, info=info, source=video, lossless=lossless, overwrite=overwrite) as pictures,
            VideoWriter(mask_path(output), info=info, lossless=True, overwrite=overwrite) as masks,
        ):
            for window in windows(prefetch(reader), length):
                clip = to_float(np.stack([frame.image for frame in window.core]))  # T 3 H W
                if obstructions or kind != "random":  # the same again, further on its way
                    before.manual_seed(seed)
                if kind in RECIPES and not obstructions:
                    mask = torch.zeros_like(clip[:, :1])  # T 1 H W
                    bad = to_uint8(degraded(clip, RECIPES[kind], generator=noise).clip)
                elif obstructions:
                    blurred = defocus(clip[None], strengths["blur"])
                    obstructed = obstruct(blurred, kinds=obstructions, first=window.first, generator=before)
                    mask = obstructed.mask[0]  # T 1 H W
                    bad = to_uint8(add_noise(obstructed.clips, strengths["noise"], generator=noise)[0])
                else:
                    corners = draw_boxes(
                        kind=kind,
                        frames=len(window.core),
                        first=window.first,
                        height=info.height,
                        width=info.width,
                        count=ranges.box_count,
                        sides=ranges.box_sides,
                        heavy_side=ranges.heavy_side,
                        generator=before,
                    )
                    mask = paint_mask(corners, info.height, info.width)  # T 1 H W
                    bad = to_uint8(apply(clip[None], mask[None], **strengths, generator=noise)[0])
                hidden = to_uint8(mask.expand(-1, 3, -1, -1) * 2 - 1)  # [0, 1] => [-1, 1] => [0, 255]
                for frame, picture, grey in zip(window.core, bad, hidden, strict=True):
                    pictures.write(picture, frame.pts)
                    masks.write(grey, frame.pts)
                count += len(window.core)
        if reader.broken:
            raise RestoreError(f"{reader.broken}; the {count} frames before are degraded and kept in {output}: {video}")
    return mask_path(output)
