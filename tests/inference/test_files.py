"""One video restored into another: what comes out, what the report says, and that nothing half-written is left."""

import json
import threading
from collections.abc import Callable
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from restore.errors import RestoreError, VideoError
from restore.inference.files import restore_file
from restore.inference.journal import SEGMENT
from restore.pipeline import Restorer
from restore.video.reader import VideoReader
from tests.propagation.footage import at_rest, box, covered, noisy
from tests.video.make import MILLI, UNEVEN, cut_in_half, make_video, noise, packets_of, picture, psnr

FRAMES = 10


@pytest.fixture(scope="module")
def restorer(tiny_weights: Path) -> Restorer:
    return Restorer.from_pretrained(tiny_weights, device="cpu", precision="float32", engine="torch")


def write(path: Path, clip: np.ndarray) -> Path:
    """A clip uint8 `T H W 3`; nothing is lost in `.mkv`."""
    height, width = clip.shape[1:3]
    lossless = {"codec": "ffv1", "pix_fmt": "bgr0"} if path.suffix == ".mkv" else {}
    return make_video(path, range(len(clip)), size=(width, height), draw=lambda index, *_: clip[index], **lossless)


def white(path: Path, mask: np.ndarray) -> Path:
    """A mask `T H W` as a video."""
    return write(path, (mask[..., None].repeat(3, -1) * 255).astype(np.uint8))


def grey(frames: int, width: int = 64, height: int = 48) -> np.ndarray:
    return np.zeros((frames, height, width), np.float32)


def read(path: Path) -> np.ndarray:
    with VideoReader(path) as reader:
        return np.stack([frame.image for frame in reader])


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def test_restored_beats_degraded(tmp_path: Path, out: Path, restorer: Restorer) -> None:
    clean = at_rest(FRAMES)
    mask = box(FRAMES, 48, 64, (4, 4), (2, 4))
    original = write(tmp_path / "clean.mkv", clean)
    degraded = write(tmp_path / "degraded.mkv", noisy(covered(clean, mask), 12))
    given = white(tmp_path / "mask.mkv", mask)

    report = restore_file(
        restorer, degraded, out / "restored.mkv", mask=given, original=original, lossless=True, weights="some.pth"
    )

    restored, before, after = read(out / "restored.mkv"), report["scores"]["before"], report["scores"]["after"]
    assert after["psnr"] > before["psnr"] + 5
    assert after["psnr_hole"] > before["psnr_hole"] + 10
    assert after["psnr_seen"] > before["psnr_seen"] + 3
    assert after["ssim"] > before["ssim"]
    # The scores are those of the pictures in the file, which lost nothing.
    assert after["per_frame"]["psnr"] == [round(psnr(a, b), 4) for a, b in zip(restored, clean, strict=True)]
    assert report["hidden"] == pytest.approx(mask.mean(), abs=1e-6)
    assert sum(report["provenance"].values()) == pytest.approx(1, abs=1e-5)
    assert 1 - report["provenance"]["seen"] == pytest.approx(report["hidden"], abs=1e-5)
    assert report["provenance"]["copied"] > 0 == report["provenance"]["regenerated"]
    assert json.loads((out / "restored.json").read_text()) == report
    assert left_in(out) == ["restored.json", "restored.mkv"]
    del report["scores"]["before"], report["scores"]["after"]
    for measured in ("seconds", "frames_per_second", "provenance", "versions", "seal"):
        del report[measured]
    assert report == {
        "input": str(degraded),
        "output": "restored.mkv",
        "side_files": [],
        "mask": str(given),
        "original": str(original),
        "weights": "some.pth",
        "refiner": None,
        "motion_adapter": None,
        "range": None,
        "sha256": {
            role: sha256(path.read_bytes()).hexdigest()
            for role, path in {
                "input": degraded,
                "mask": given,
                "original": original,
                "output": out / "restored.mkv",
            }.items()
        }
        | dict.fromkeys(("weights", "segmenter", "noise", "refiner", "motion_adapter"))
        | {"side_files": {}},
        "frames": FRAMES,
        "width": 64,
        "height": 48,
        "rate": 25.0,
        "stages": ["propagate", "generate"],
        "obstructions": None,
        "suspects": None,
        "estimated": None,
        "part": 0,
        "next_part": None,
        "remove": None,
        "regenerated": None,
        "unseen_colour": None,
        "interlaced": None,
        "device": "cpu",
        "precision": "float32",
        "engine": "torch",
        "strips": None,
        "mask_mode": "given",
        "mask_dilation": 0,
        "strength": 1.0,
        "settings": {
            "lossless": True,
            "quality": None,
            "rate": None,
            "range": None,
            "only_range": False,
            "interlaced": "auto",
            "hidden_only": False,
            "light": "off",
            "segment": SEGMENT,
        },
        "light": None,
        "hidden": report["hidden"],
        "scores": {"regions": "given"},
        "warnings": [],
        "broken": None,
    }


def test_a_mask_is_looked_for_where_none_is_given(tmp_path: Path, out: Path, restorer: Restorer) -> None:
    video = write(tmp_path / "clip.mkv", noisy(at_rest(6), 12))
    report = restore_file(restorer, video, out / "clip.mkv", original=write(tmp_path / "clean.mkv", at_rest(6)))
    assert (report["stages"], report["hidden"]) == (["find", "propagate", "generate"], 0)
    assert report["scores"]["regions"] == "found"
    assert report["scores"]["after"]["psnr_hole"] is None
    assert report["scores"]["after"]["psnr"] > report["scores"]["before"]["psnr"]


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_every_frame_has_its_own_time(tmp_path: Path, out: Path, restorer: Restorer, suffix: str) -> None:
    video = make_video(tmp_path / f"clip{suffix}", UNEVEN, time_base=MILLI)
    restore_file(restorer, video, out / f"clip{suffix}")
    with VideoReader(out / f"clip{suffix}") as reader:
        assert [frame.pts * frame.time_base for frame in reader] == [Fraction(ms, 1000) for ms in UNEVEN]


def test_sound_goes_along(tmp_path: Path, out: Path, restorer: Restorer) -> None:
    video = make_video(tmp_path / "clip.avi", seconds_of_sound=0.5)
    restore_file(restorer, video, out / "clip.avi")
    assert packets_of(video, "audio")
    assert packets_of(out / "clip.avi", "audio") == packets_of(video, "audio")


@pytest.mark.parametrize("size", [(33, 21), (64, 48), (17, 65)])
@pytest.mark.parametrize("frames", [1, 2])
def test_any_size_and_length(tmp_path: Path, out: Path, restorer: Restorer, size: tuple[int, int], frames: int) -> None:
    clip = np.stack([picture(0, *size)] * frames)
    mask = np.ones((frames, size[1], size[0]), np.float32)
    mask[:, 0, 0] = 0
    report = restore_file(
        restorer,
        write(tmp_path / "clip.mkv", clip),
        out / "clip.mkv",
        lossless=True,
        mask=white(tmp_path / "mask.mkv", mask),
    )
    assert (report["frames"], report["width"], report["height"]) == (frames, *size)
    assert report["hidden"] == pytest.approx(mask.mean(), abs=1e-6)
    assert read(out / "clip.mkv").shape == clip.shape


def test_nothing_hidden_nothing_changed(tmp_path: Path, out: Path, restorer: Restorer) -> None:
    clip = at_rest(FRAMES)
    report = restore_file(restorer, write(tmp_path / "clip.mkv", clip), out / "clip.mkv", lossless=True)
    assert report["hidden"] == 0
    assert np.abs(read(out / "clip.mkv").astype(int) - clip).max() <= 1


def test_the_strength_scales_what_is_done_to_visible_pixels(tmp_path: Path, out: Path, restorer: Restorer) -> None:
    """At 0 they come out bit for bit, whatever the generator does; hidden ones are as they were generated."""
    clip, mask = noisy(at_rest(8), 12), box(8, 48, 64, (4, 4), (2, 4))
    video, given = write(tmp_path / "clip.mkv", covered(clip, mask)), white(tmp_path / "mask.mkv", mask)
    images, reports = {}, {}
    for strength in (0.0, 0.25, 1.0):
        result = out / f"{strength}.mkv"
        reports[strength] = restore_file(restorer, video, result, mask=given, lossless=True, strength=strength)
        images[strength] = read(result).astype(float)
    restore_file(restorer, video, out / "default.mkv", mask=given, lossless=True)
    hidden, degraded = mask > 0, read(video).astype(float)
    assert np.array_equal(read(out / "default.mkv"), images[1.0])
    assert np.array_equal(images[0.0][~hidden], degraded[~hidden])
    assert not np.array_equal(images[1.0][~hidden], degraded[~hidden])
    assert np.array_equal(images[0.25][~hidden], np.rint(degraded + 0.25 * (images[1.0] - degraded))[~hidden])
    for strength in (0.0, 0.25):
        assert np.array_equal(images[strength][hidden], images[1.0][hidden])
        assert reports[strength]["strength"] == strength
        assert json.loads((out / f"{strength}.json").read_text())["strength"] == strength


@pytest.mark.parametrize("strength", [-0.1, 1.5, float("nan")])
def test_a_strength_out_of_range(tmp_path: Path, out: Path, restorer: Restorer, strength: float) -> None:
    with pytest.raises(ValueError, match=rf"^strength is {strength}, expected 0 to 1$"):
        restore_file(restorer, make_video(tmp_path / "clip.mp4"), out / "clip.mp4", strength=strength)
    assert left_in(out) == []


def test_progress_is_called_for_every_frame(tmp_path: Path, out: Path, restorer: Restorer) -> None:
    steps: list[int] = []
    restore_file(restorer, make_video(tmp_path / "clip.mp4"), out / "clip.mp4", progress=steps.append)
    assert steps == [1] * 10


@pytest.mark.parametrize("with_mask", [False, True])
def test_a_video_that_breaks_half_way(tmp_path: Path, out: Path, restorer: Restorer, with_mask: bool) -> None:
    video = cut_in_half(make_video(tmp_path / "clip.avi", range(30), draw=noise))
    # Its mask and its original are whole, and longer than what can be read of it.
    mask = white(tmp_path / "mask.mkv", box(30, 48, 64, (4, 4))) if with_mask else None
    original = make_video(tmp_path / "original.mkv", range(30), draw=noise)
    with pytest.raises(RestoreError) as caught:
        restore_file(restorer, video, out / "clip.avi", mask=mask, original=original)
    assert caught.value.exit_code == 1
    report = json.loads((out / "clip.json").read_text())
    frames = report["frames"]
    assert 5 < frames < 25
    assert len(read(out / "clip.avi")) == frames == report["scores"]["after"]["frames"]
    assert report["broken"].startswith("the file is cut short by ")
    ending = f"; the {frames} frames before are restored and kept in {out / 'clip.avi'}: {video}"
    assert str(caught.value) == report["broken"] + ending


def test_oddities_are_warned_of_and_reported(tmp_path: Path, out: Path, restorer: Restorer) -> None:
    video = make_video(tmp_path / "clip.mkv", attachment=b"font" * 10)
    with pytest.warns(UserWarning, match=r"^not in the output: .*: .*clip.mkv$"):
        report = restore_file(restorer, video, out / "clip.mp4")
    assert len(report["warnings"]) == 1 and report["warnings"][0].startswith("not in the output: attachment")


def test_what_exists_is_not_replaced(tmp_path: Path, out: Path, restorer: Restorer) -> None:
    video = make_video(tmp_path / "clip.mp4")
    (out / "clip.mp4").write_text("mine")
    with pytest.raises(VideoError, match="the output exists already"):
        restore_file(restorer, video, out / "clip.mp4")
    (out / "notes.json").write_text("{}")
    with pytest.raises(VideoError, match=r"not the report of notes.mp4, and in its place; move it away"):
        restore_file(restorer, video, out / "notes.mp4")
    assert left_in(out) == ["clip.mp4", "notes.json"]
    assert (out / "clip.mp4").read_text() == "mine" and (out / "notes.json").read_text() == "{}"

    assert restore_file(restorer, video, out / "clip.mp4", overwrite=True)["frames"] == 10
    assert len(read(out / "clip.mp4")) == 10


@pytest.mark.parametrize("stop", [KeyboardInterrupt, ZeroDivisionError])
def test_nothing_is_left_of_what_was_stopped(
    tmp_path: Path, out: Path, restorer: Restorer, stop: type[BaseException]
) -> None:
    def stopped(_: int) -> None:
        raise stop

    video = make_video(tmp_path / "clip.mkv", range(40))
    mask = white(tmp_path / "mask.mkv", box(40, 48, 64, (4, 4)))
    threads = threading.active_count()
    for given in (None, mask):
        with pytest.raises(stop):
            restore_file(restorer, video, out / "clip.mkv", mask=given, original=video, progress=stopped)
    assert left_in(out) == []
    assert threading.active_count() == threads


def test_memory_does_not_grow_with_length(
    tmp_path: Path, out: Path, restorer: Restorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frames are read as they are needed: a window and its context ahead of what is written, however long the video."""
    decoded: list[int] = []
    frames: Callable[[VideoReader], Any] = VideoReader.__iter__

    def counted(reader: VideoReader) -> Any:
        for frame in frames(reader):
            decoded.append(frame.pts)
            yield frame

    monkeypatch.setattr(VideoReader, "__iter__", counted)
    ahead: list[int] = []
    video = make_video(tmp_path / "clip.mp4", range(200), size=(32, 32))
    restore_file(restorer, video, out / "clip.mp4", progress=lambda _: ahead.append(len(decoded) - len(ahead)))
    assert len(ahead) == 200 and max(ahead) < 100
