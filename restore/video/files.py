"""Which files to work on, which belong to each other, and what the results are called."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from restore.errors import VideoError

VIDEO_EXTENSIONS = {".avi", ".mp4", ".mkv", ".mov", ".webm", ".m4v"}
IMAGE_EXTENSIONS = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}


def find_videos(path: str | Path) -> list[Path]:
    """The video at `path`, or all videos in the folder `path` and its subfolders, sorted; hidden ones are passed over.

    A file is taken whatever its extension: whether it is a video is for the reader to say.

    Raises:
        VideoError: there is nothing at `path`, or no video in the folder.
    """
    path = Path(path)
    if path.is_file():
        return [path]
    if not path.exists():
        raise VideoError(f"no such file or folder; check the path: {path}")
    videos = sorted(p for p in path.rglob("*") if is_video(p) and p.is_file())
    if not videos:
        raise VideoError(f"no video in this folder, expected some of {extensions()}; give another folder: {path}")
    return videos


def match_by_stem(videos: Sequence[Path], others: str | Path) -> list[Path]:
    """For each of `videos`, the video of the same stem in `others`, a folder; or `others` itself, if it is a file.

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
    return _matched(videos, find_videos(others), others, f"({extensions()})")


def match_masks(videos: Sequence[Path], masks: str | Path, *, folder: bool) -> list[Path]:
    """For each of `videos` its mask: a video, an image that serves all frames, or a folder with an image for each.

    For a `folder` of videos, `masks` is a folder that holds one of these for each, by stem or as `STEM_mask`. For
    a single video it is its mask; a folder without images in it is searched by stem.

    Raises:
        VideoError: as `match_by_stem`.
    """
    masks = Path(masks)
    if not masks.is_dir():
        return match_by_stem(videos, masks)
    if not folder and images_in(masks):
        return [masks]
    found = [path for path in masks.rglob("*") if is_video(path) and path.is_file()] + images_in(masks)
    found += [path for path in masks.iterdir() if path.is_dir() and images_in(path)]
    return _matched(videos, found, masks, f"({extensions()}, an image, or a folder of images)", suffix="_mask")


def images_in(folder: Path) -> list[Path]:
    """The images directly in `folder`, numbers in their names in the order that people count them: 2 before 10."""

    def natural(path: Path) -> tuple[list[str | int], str]:
        parts = re.split(r"(\d+)", path.name)  # text, number, text, ...
        return [int(part) if index % 2 else part for index, part in enumerate(parts)], path.name

    return sorted((path for path in folder.iterdir() if is_image(path) and path.is_file()), key=natural)


def output_path(video: Path, output_dir: str | Path, suffix: str = "_restored", lossless: bool = False) -> Path:
    """`output_dir/STEM_restored.EXT`, the input's own extension, or `.mkv` if lossless. Nothing is created.

    >>> output_path(Path("in/clip.avi"), "out").as_posix()
    'out/clip_restored.avi'
    """
    return Path(output_dir) / f"{video.stem}{suffix}{'.mkv' if lossless else video.suffix}"


def is_video(path: Path) -> bool:
    """Whether the name is a video's. A leading dot is a file being written, or a system's own."""
    return path.suffix.lower() in VIDEO_EXTENSIONS and not path.name.startswith(".")


def is_image(path: Path) -> bool:
    """Whether the name is an image's."""
    return path.suffix.lower() in IMAGE_EXTENSIONS and not path.name.startswith(".")


def extensions(of: set[str] = VIDEO_EXTENSIONS) -> str:
    return ", ".join(sorted(of))


def _matched(
    videos: Sequence[Path], candidates: Iterable[Path], others: Path, kinds: str, suffix: str = ""
) -> list[Path]:
    by_stem: dict[str, list[Path]] = {}
    for path in candidates:
        stem = path.name if path.is_dir() else path.stem
        for key in {stem, stem.removesuffix(suffix)}:
            by_stem.setdefault(key, []).append(path)
    return [_only(by_stem.get(video.stem, []), video, others, kinds) for video in videos]


def _only(found: list[Path], video: Path, others: Path, kinds: str) -> Path:
    if len(found) == 1:
        return found[0]
    if found:
        raise VideoError(f"got {len(found)} files of the stem {video.stem!r}, expected one; keep one of them: {others}")
    raise VideoError(f"no file of the stem {video.stem!r} for {video}; add {video.stem}.EXT {kinds}: {others}")
