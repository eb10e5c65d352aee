"""Which files to work on, which belong to each other, and what the results are called."""

import os
import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path

from restore.errors import VideoError
from restore.video.recognised import holds_video
from restore.video.walk import files_in

VIDEO_EXTENSIONS = {".avi", ".mp4", ".mkv", ".mov", ".webm", ".m4v"}
LONGEST_STEM = 220  # bytes, of the 255 that a name may have: the report of a second part being written is longest
IMAGE_EXTENSIONS = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}


def find_videos(path: str | Path) -> list[Path]:
    """The video at `path`, or all videos in the folder `path` and its subfolders, sorted; hidden ones are left out.

    A file is taken whatever its extension: whether it is a video is for the reader to say. In a folder those count that
    are called as videos are, and all others that FFmpeg recognises by their content.

    Raises:
        VideoError: there is nothing at `path`, or no video in the folder.
    """
    path = Path(path)
    if path.is_file():
        return [path]
    if not path.exists():
        raise VideoError(f"no such file or folder; check the path: {path}")
    videos = [file for file in files_in(path) if is_video(file) or holds_video(file)]
    if not videos:
        raise VideoError(f"no video in this folder, expected some of {extensions()}; give another folder: {path}")
    return videos


def match_by_stem(videos: Sequence[Path], others: str | Path, root: Path | None = None) -> list[Path]:
    """For each of `videos`, the video of the same stem in `others`, a folder; or `others` itself, if it is a file.

    Of several, the one counts that lies in the subfolder of `others` as the video does in its folder `root`.

    Raises:
        VideoError: `others` is missing or empty, a video has no partner or several, or one file is for many.
    """
    others = Path(others)
    if others.is_file():
        if len(videos) != 1:
            raise VideoError(
                f"got one file for {len(videos)} videos; give a folder with one for each, by stem: {others}"
            )
        return [others]
    return _matched(videos, find_videos(others), others, f"({extensions()})", root=root)


def match_masks(videos: Sequence[Path], masks: str | Path, *, folder: bool, root: Path | None = None) -> list[Path]:
    """For each of `videos` its mask: a video, an image that serves all frames, or a folder with an image for each.

    For a `folder` of videos, `masks` is a folder that holds one of these for each, by stem or as `STEM_mask`. For
    a single video it is its mask; a folder without images in it is searched by stem.

    Raises:
        VideoError: as `match_by_stem`.
    """
    masks = Path(masks)
    if not masks.is_dir():
        return match_by_stem(videos, masks, root)
    if not folder and images_in(masks):
        return [masks]
    found = [path for path in files_in(masks) if is_video(path)] + images_in(masks)
    found += [path for path in masks.iterdir() if path.is_dir() and images_in(path)]
    kinds = f"({extensions()}, an image, or a folder of images)"
    return _matched(videos, found, masks, kinds, suffix="_mask", root=root)


def images_in(folder: Path) -> list[Path]:
    """The images directly in `folder`, numbers in their names in the order that people count them: 2 before 10."""

    def natural(path: Path) -> tuple[list[str | int], str]:
        parts = re.split(r"(\d+)", path.name)  # text, number, text, ...
        return [int(part) if index % 2 else part for index, part in enumerate(parts)], path.name

    return sorted((path for path in folder.iterdir() if is_image(path) and path.is_file()), key=natural)


def output_path(
    video: Path, output_dir: str | Path, suffix: str = "_restored", lossless: bool = False, container: str | None = None
) -> Path:
    """`output_dir/STEM_restored.EXT`: the input's own extension if it can be written, else `.mkv`. Nothing is created.

    Args:
        lossless: `.mkv`, which holds FFV1.
        container: the extension to take in place of that, without its dot.

    >>> output_path(Path("in/clip.avi"), "out").as_posix(), output_path(Path("00001.MTS"), "out").as_posix()
    ('out/clip_restored.avi', 'out/00001_restored.mkv')
    """
    written = video.suffix if video.suffix.lower() in VIDEO_EXTENSIONS else ".mkv"
    extension = f".{container}" if container else ".mkv" if lossless else written
    return Path(output_dir) / f"{shortened(video.stem)}{suffix}{extension}"


def part_path(path: Path, part: int) -> Path:
    """Where a further part of a video goes, counted from 0; the first goes to `path` itself.

    >>> part_path(Path("out/clip_restored.avi"), 0).name, part_path(Path("out/clip_restored.avi"), 1).name
    ('clip_restored.avi', 'clip_restored.part2.avi')
    """
    return path.with_name(f"{path.stem}.part{part + 1}{path.suffix}") if part else path


def shortened(stem: str) -> str:
    """A stem that leaves room for what is added to it; one that is too long ends in a number made of its letters.

    >>> shortened("clip"), len(shortened("x" * 250))
    ('clip', 220)
    """
    data = os.fsencode(stem)
    if len(data) <= LONGEST_STEM:
        return stem
    digest = sha256(data).hexdigest()[:8]
    while len(os.fsencode(stem)) > LONGEST_STEM - 9:
        stem = stem[:-1]
    return f"{stem}~{digest}"


def is_video(path: Path) -> bool:
    """Whether the name is a video's. A leading dot is a file being written, or a system's own."""
    return path.suffix.lower() in VIDEO_EXTENSIONS and not path.name.startswith(".")


def is_image(path: Path) -> bool:
    """Whether the name is an image's."""
    return path.suffix.lower() in IMAGE_EXTENSIONS and not path.name.startswith(".")


def extensions(of: set[str] = VIDEO_EXTENSIONS) -> str:
    return ", ".join(sorted(of))


def _matched(
    videos: Sequence[Path],
    candidates: Iterable[Path],
    others: Path,
    kinds: str,
    suffix: str = "",
    root: Path | None = None,
) -> list[Path]:
    by_stem: dict[str, list[Path]] = {}
    for path in candidates:
        stem = path.name if path.is_dir() else path.stem
        for key in {stem, stem.removesuffix(suffix)}:
            by_stem.setdefault(key, []).append(path)

    def found(video: Path) -> list[Path]:
        paths = by_stem.get(video.stem, [])
        if root is None or len(paths) < 2:
            return paths
        subfolder = others / video.parent.relative_to(root)
        return [path for path in paths if path.parent == subfolder] or paths

    return [_only(found(video), video, others, kinds) for video in videos]


def _only(found: list[Path], video: Path, others: Path, kinds: str) -> Path:
    if len(found) == 1:
        return found[0]
    if found:
        raise VideoError(f"got {len(found)} files of the stem {video.stem!r}, expected one; keep one of them: {others}")
    raise VideoError(f"no file of the stem {video.stem!r} for {video}; add {video.stem}.EXT {kinds}: {others}")
