"""Which files are worked on, and what the results are called."""

from pathlib import Path

import pytest

from restore.errors import VideoError
from restore.video.files import find_videos, match_by_stem, output_path


def _touch(folder: Path, *names: str) -> list[Path]:
    paths = [folder / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return paths


def test_a_folder_is_searched_through(tmp_path: Path) -> None:
    a, b, c = _touch(tmp_path, "a.AVI", "deep/er/b.mp4", "z.webm")
    _touch(tmp_path, "notes.txt", "deep/picture.png", ".a.1234.avi")
    assert find_videos(tmp_path) == [a, b, c]
    assert find_videos(str(a)) == [a]


def test_nothing_to_find(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"no such file or folder; check the path: .*none"):
        find_videos(tmp_path / "none")
    _touch(tmp_path, "notes.txt")
    with pytest.raises(VideoError, match=r"no video in this folder, expected some of \.avi, \.m4v, .*; give another"):
        find_videos(tmp_path)


def test_partners_are_matched_by_stem(tmp_path: Path) -> None:
    a, b = _touch(tmp_path / "videos", "a.avi", "b.mp4")
    mask_b, mask_a = _touch(tmp_path / "masks", "b.mkv", "a.mkv")
    assert match_by_stem([a, b], tmp_path / "masks") == [mask_a, mask_b]
    assert match_by_stem([a], mask_b) == [mask_b]


def test_partners_that_do_not_match(tmp_path: Path) -> None:
    a, b = _touch(tmp_path / "videos", "a.avi", "b.mp4")
    masks = tmp_path / "masks"
    (mask_a,) = _touch(masks, "a.mkv")
    with pytest.raises(VideoError, match=r"no file of the stem 'b' for .*b\.mp4; add b\.EXT \(\.avi, .*masks"):
        match_by_stem([a, b], masks)
    with pytest.raises(VideoError, match="got one file for 2 videos; give a folder with one for each, by stem"):
        match_by_stem([a, b], mask_a)
    _touch(masks, "a.mp4")
    with pytest.raises(VideoError, match="got 2 files of the stem 'a', expected one; keep one of them"):
        match_by_stem([a], masks)


def test_names_of_results() -> None:
    assert output_path(Path("in/clip.AVI"), "out") == Path("out/clip_restored.AVI")
    assert output_path(Path("clip.mp4"), Path("out"), suffix="_x", lossless=True) == Path("out/clip_x.mkv")
