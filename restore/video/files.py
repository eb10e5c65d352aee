"""Which files to work on, which belong together, and what the results are called."""

from collections.abc import Sequence
from pathlib import Path

from restore.errors import VideoError

VIDEO_EXTENSIONS = {".avi", ".mp4", ".mkv", ".mov", ".webm", ".m4v"}


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
    by_stem: dict[str, list[Path]] = {}
    for other in find_videos(others):
        by_stem.setdefault(other.stem, []).append(other)
    return [_only(by_stem.get(video.stem, []), video, others) for video in videos]


def output_path(video: Path, output_dir: str | Path, suffix: str = "_restored", lossless: bool = False) -> Path:
    """`output_dir/STEM_restored.EXT`, the input's own extension, or `.mkv` if lossless. Nothing is created.

    >>> output_path(Path("in/clip.avi"), "out").as_posix()
    'out/clip_restored.avi'
    """
    return Path(output_dir) / f"{video.stem}{suffix}{'.mkv' if lossless else video.suffix}"


def is_video(path: Path) -> bool:
    """Whether the name is a video's. A leading dot is a file being written, or a system's own."""
    return path.suffix.lower() in VIDEO_EXTENSIONS and not path.name.startswith(".")


def extensions() -> str:
    return ", ".join(sorted(VIDEO_EXTENSIONS))


def _only(found: list[Path], video: Path, others: Path) -> Path:
    if len(found) == 1:
        return found[0]
    if found:
        raise VideoError(f"got {len(found)} files of the stem {video.stem!r}, expected one; keep one of them: {others}")
    raise VideoError(f"no file of the stem {video.stem!r} for {video}; add {video.stem}.EXT ({extensions()}): {others}")
