"""The disk is full, or the output folder is gone, in the middle of a run: one line, nothing half-written, and the other
videos of a folder go on."""

import json
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from restore.errors import RestoreError
from restore.inference.files import restore_file
from restore.pipeline import Restorer
from tests.inference.command import Command, frames_in, left_in
from tests.video.make import make_video, noise


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """As on a disk that is full: what is written beyond `size` bytes fails (EFBIG; Python ignores the signal)."""
    before, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, hard))


@pytest.fixture
def copier() -> Restorer:
    return Restorer.from_pretrained(generator=False, finder=False)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi", ".webm"])
@pytest.mark.parametrize("size", [0, 2000, 30_000])
def test_a_full_disk(copier: Restorer, tmp_path: Path, suffix: str, size: int) -> None:
    video = make_video(tmp_path / f"clip{suffix}", range(6), draw=noise, size=(96, 72))
    output = tmp_path / "out" / f"clip_restored{suffix}"
    output.parent.mkdir()
    with no_file_larger_than(size), pytest.raises(RestoreError) as caught:
        restore_file(copier, video, output, mask_mode="none", quality=1)
    assert str(caught.value).startswith("writing stopped") and str(caught.value).endswith(f": {output}")
    assert "(File too large); make room" in str(caught.value) and caught.value.exit_code == 1
    assert left_in(output.parent) == []
    assert restore_file(copier, video, output, mask_mode="none")["frames"] == 6


def test_a_disk_that_is_full_after_a_segment(copier: Restorer, tmp_path: Path) -> None:
    video = make_video(tmp_path / "clip.mkv", range(24), draw=noise)
    whole, output = tmp_path / "whole.mkv", tmp_path / "out.mkv"
    restore_file(copier, video, whole, mask_mode="none", segment=8)
    with no_file_larger_than(whole.stat().st_size * 2 // 3), pytest.raises(RestoreError) as caught:
        restore_file(copier, video, output, mask_mode="none", segment=8)
    assert "(File too large); make room" in str(caught.value)
    assert not output.exists() and left_in(tmp_path / ".out.restoring"), "what was done remains"
    restore_file(copier, video, output, mask_mode="none", segment=8)
    assert output.read_bytes() == whole.read_bytes() and not (tmp_path / ".out.restoring").exists()


def test_a_report_that_finds_no_room(copier: Restorer, tmp_path: Path) -> None:
    video = make_video(tmp_path / "clip.mkv", range(2), size=(16, 16))
    output = tmp_path / "out.mkv"
    with no_file_larger_than(1500), pytest.raises(RestoreError) as caught:
        restore_file(copier, video, output, mask_mode="none")
    assert "File too large" in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "out.json").exists()


def test_an_output_folder_that_is_removed_on_the_way(copier: Restorer, tmp_path: Path) -> None:
    video = make_video(tmp_path / "clip.mp4", draw=noise)
    output = tmp_path / "out" / "clip_restored.mp4"
    output.parent.mkdir()
    written = []

    def remove(_: int) -> None:
        written.append(1)
        if len(written) == 3:
            shutil.rmtree(output.parent)

    with pytest.raises(RestoreError) as caught:
        restore_file(copier, video, output, mask_mode="none", progress=remove)
    assert caught.value.exit_code == 1 and "(No such file or directory); " in str(caught.value)
    assert str(caught.value).endswith(f": {output}") and not output.parent.exists()


def test_a_folder_of_videos_of_which_one_finds_no_room(
    run: Command, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    make_video(tmp_path / "in" / "a.mkv", range(4), size=(16, 16))
    make_video(tmp_path / "in" / "b.mkv", draw=noise, size=(96, 72))
    make_video(tmp_path / "in" / "c.mkv", range(4), size=(16, 16))
    with no_file_larger_than(40_000):
        code = run(degraded_video=tmp_path / "in", stages="copy", mask_mode="none", quality=1)
    error = capsys.readouterr().err
    assert (
        code == 1 and "Traceback" not in error and error.count("(File too large); make room") == 2
    )  # again at the end
    assert frames_in(out / "a_restored.mkv") == frames_in(out / "c_restored.mkv") == 4
    rows = json.loads((out / "summary.json").read_text())["videos"]
    assert [row["status"] for row in rows] == ["done", "failed", "done"]
    assert not list(out.glob(".*")) and not list(out.glob("b*"))
