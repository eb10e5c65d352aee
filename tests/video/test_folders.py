"""Folders as devices write them: any name, links, subfolders with equal names, names that are long or no UTF-8."""

import json
import os
from pathlib import Path

import cv2
import pytest

import inference
from restore.video.files import find_videos, match_by_stem, match_masks, output_path
from restore.video.reader import VideoReader
from restore.video.walk import files_in
from tests.video.make import make_video, picture


def test_videos_are_known_by_their_content(tmp_path: Path) -> None:
    plain = make_video(tmp_path / "a.mp4", range(2))
    expected = [plain]
    for name in ("00001.MTS", "GX01.LRV", "no_extension", "cam.dat"):
        expected.append(tmp_path / name)
        expected[-1].write_bytes(plain.read_bytes())
    (tmp_path / "notes.txt").write_text("1\n00:00:00,000 --> 00:00:01,000\nA subtitle.\n")
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXTINF:1,\na.mp4\n#EXT-X-ENDLIST\n")
    (tmp_path / "list.txt").write_text("ffconcat version 1.0\nfile a.mp4\n")
    (tmp_path / "report.json").write_text("{}")
    for name in ("GX01.THM.jpg", "still.png"):
        cv2.imwrite(str(tmp_path / name), picture(0))
    (tmp_path / "GX01.THM.jpg").rename(tmp_path / "GX01.THM")
    assert find_videos(tmp_path) == sorted(expected)


def test_links_are_followed_once(tmp_path: Path) -> None:
    card, outside = tmp_path / "card", tmp_path / "outside"
    (card / "b").mkdir(parents=True)
    outside.mkdir()
    for path in (card / "b" / "1.mp4", outside / "2.mp4"):
        path.touch()
    (card / "a").symlink_to(card / "b")
    (card / "b" / "up").symlink_to(card)
    (card / "c").symlink_to(outside)
    (card / "d").symlink_to(tmp_path / "gone")
    (card / "e").symlink_to(card / "e")
    (card / "f.mp4").symlink_to(outside / "2.mp4")
    with pytest.warns(UserWarning, match="left out") as caught:
        assert files_in(card) == [card / "b" / "1.mp4", card / "c" / "2.mp4"]
    lines = sorted(str(warning.message) for warning in caught)
    already, nowhere = "left out, a link to what is in the folder already", "left out, a link that leads nowhere"
    assert lines == [
        f"{nowhere} (No such file or directory): {card / 'd'}",
        f"{nowhere} (Too many levels of symbolic links): {card / 'e'}",
        *(f"{already}: {card / name}" for name in ("a", "b/up", "f.mp4")),
    ]


def test_partners_in_subfolders_of_one_name(tmp_path: Path) -> None:
    videos = [tmp_path / "card" / side / "1.mp4" for side in ("front", "rear")]
    masks = [tmp_path / "masks" / side / "1.mp4" for side in ("front", "rear")]
    for path in videos + masks:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert match_by_stem(videos, tmp_path / "masks", tmp_path / "card") == masks
    assert match_masks(videos, tmp_path / "masks", folder=True, root=tmp_path / "card") == masks


def restore(folder: Path, out: Path, weights: Path) -> int:
    command = ["--degraded_video", str(folder), "--weights_path", str(weights), "--output_dir", str(out)]
    return inference.main([*command, "--mask_mode", "none"])


def test_results_mirror_the_subfolders(tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for side in ("front", "rear"):
        (tmp_path / "card" / side).mkdir(parents=True)
        make_video(tmp_path / "card" / side / "1.mp4", range(3))
    out = tmp_path / "out"
    assert restore(tmp_path / "card", out, tiny_weights) == 0
    names = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    results = [f"{side}/1_restored.{ext}" for side in ("front", "rear") for ext in ("json", "mp4")]
    assert names == [*results, "summary.csv", "summary.json"]
    assert restore(tmp_path / "card", out, tiny_weights) == 0
    assert capsys.readouterr().out.count("restored before") == 2


@pytest.mark.parametrize("name", [b"caf\xe9.mp4", b"x" * 246 + b".mp4", "ü".encode() * 123 + b".mp4"])
def test_any_name(tmp_path: Path, tiny_weights: Path, name: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    make_video(folder / "a.mp4", range(3))
    os.rename(folder / "a.mp4", os.fsencode(folder) + b"/" + name)
    assert restore(folder, out, tiny_weights) == 0
    (report,) = out.glob("*_restored.json")
    (video,) = out.glob("*_restored.mp4")
    assert json.loads(report.read_text(encoding="utf-8"))["output"] == video.name
    with VideoReader(video) as reader:
        assert len(list(reader)) == 3
    assert restore(folder, out, tiny_weights) == 0
    assert "restored before" in capsys.readouterr().out


def test_long_names_differ(tmp_path: Path) -> None:
    names = {output_path(Path(f"{'x' * 245}{index}.mp4"), tmp_path).name for index in range(9)}
    assert len(names) == 9 and all(len(name) < 255 for name in names)
