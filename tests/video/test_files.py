"""Which files are worked on, and what the results are called."""

from pathlib import Path

import pytest

from restore.errors import VideoError
from restore.video.files import find_videos, images_in, match_by_stem, match_masks, output_path


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


def test_images_are_in_the_order_that_people_count_them(tmp_path: Path) -> None:
    names = ["1.png", "2.PNG", "9b.jpg", "10.png", "a2.bmp", "a010.bmp"]
    paths = _touch(tmp_path, *names)
    _touch(tmp_path, ".3.png", "notes.txt", "4.mp4", "deep/5.png")
    (tmp_path / "6.png").mkdir()
    assert images_in(tmp_path) == paths


def test_masks_are_videos_images_or_folders(tmp_path: Path) -> None:
    videos = _touch(tmp_path / "videos", "a.avi", "b.c.mp4", "d.mkv", "e_mask.mp4")
    masks = tmp_path / "masks"
    found = _touch(masks, "deep/a.mkv", "b.c/2.png", "d_mask.mkv", "e_mask.png")
    found[1] = masks / "b.c"
    assert match_masks(videos, masks, folder=True) == found
    _touch(masks, "b.c.png")
    with pytest.raises(VideoError, match=r"got 2 files of the stem 'b\.c', expected one; keep one of them: .*masks"):
        match_masks(videos, masks, folder=True)
    with pytest.raises(VideoError, match=r"no file of the stem 'f' .*; add f\.EXT \(.*, an image, or a folder "):
        match_masks([Path("f.avi")], masks, folder=True)


def test_with_one_video_a_folder_of_images_is_its_mask(tmp_path: Path) -> None:
    (video,) = _touch(tmp_path, "a.avi")
    (still, _) = _touch(tmp_path / "frames", "a.png", "b.png")
    (named,) = _touch(tmp_path / "masks", "a.mkv")
    assert match_masks([video], tmp_path / "frames", folder=False) == [tmp_path / "frames"]
    assert match_masks([video], tmp_path / "frames", folder=True) == [still]
    assert match_masks([video], tmp_path / "masks", folder=False) == [named]
    assert match_masks([video], named, folder=False) == [named]
