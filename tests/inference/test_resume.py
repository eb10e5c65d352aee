"""A restoration that was interrupted goes on, and what comes of it is what would have come, byte by byte."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from restore.errors import VideoError
from restore.inference.files import restore_file
from restore.inference.journal import Journal, is_claimed, journal_folder
from restore.pipeline import Restorer
from tests.propagation.footage import at_rest, covered, noisy
from tests.video.make import make_video

FRAMES, SEGMENT = 118, 24  # segments end at 48 and 96, with the cores of propagation
TIMES = {"seconds", "frames_per_second", "seal"}  # in a report


@pytest.fixture(scope="module")
def restorer(tiny_weights: Path) -> Restorer:
    return Restorer.from_pretrained(tiny_weights, device="cpu", precision="float32", engine="torch")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A video with sound, before which a box moves; its mask; what it hides."""
    folder = tmp_path_factory.mktemp("clip")
    mask = np.zeros((FRAMES, 48, 64), bool)
    for index, hidden in enumerate(mask):
        hidden[index // 4 : index // 4 + 12, 8 + index // 5 : 20 + index // 5] = True
    clean = at_rest(FRAMES)
    white = mask[..., None].repeat(3, -1) * np.uint8(255)
    files = {"video": covered(noisy(clean, 4), mask), "mask": white, "original": clean}
    return {
        name: make_video(
            folder / f"{name}.mkv",
            range(FRAMES),
            draw=lambda index, *_, pictures=pictures: pictures[index],
            codec="ffv1",
            pix_fmt="bgr0",
            seconds_of_sound=4 if name == "video" else 0,
        )
        for name, pictures in files.items()
    }


def settings(clip: dict[str, Path], out: Path) -> dict[str, Any]:
    """Of a restoration with all that can be written."""
    sides = ("mask", "provenance", "confidence")
    return {
        **{f"write_{name}": out / f"clip_{name}.mkv" for name in sides},
        "write_side_by_side": out / "clip_side_by_side.mp4",
        "mask": clip["mask"],
        "original": clip["original"],
        "segment": SEGMENT,
    }


@pytest.fixture(scope="module")
def whole(clip: dict[str, Path], restorer: Restorer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a run that was not interrupted."""
    out = tmp_path_factory.mktemp("whole")
    restore_file(restorer, clip["video"], out / "clip_restored.mp4", **settings(clip, out))
    return out


def stopped_at(frames: int) -> Callable[[int], None]:
    """As if Ctrl-C was hit once so many frames are written."""
    count = 0

    def progress(more: int) -> None:
        nonlocal count
        count += more
        if count >= frames:
            raise KeyboardInterrupt

    return progress


def interrupted(restorer: Restorer, clip: dict[str, Path], out: Path, frames: int, **changed: Any) -> None:
    out.mkdir(exist_ok=True)
    with pytest.raises(KeyboardInterrupt):
        restore_file(
            restorer,
            clip["video"],
            out / "clip_restored.mp4",
            progress=stopped_at(frames),
            **settings(clip, out) | changed,
        )


def restored(restorer: Restorer, clip: dict[str, Path], out: Path, **changed: Any) -> int:
    """Restore => how many frames were restored by this run."""
    steps: list[int] = []
    restore_file(
        restorer, clip["video"], out / "clip_restored.mp4", progress=steps.append, **settings(clip, out) | changed
    )
    return steps.count(1)


def assert_same(out: Path, whole: Path) -> None:
    names = sorted(path.name for path in whole.iterdir())
    assert sorted(path.name for path in out.iterdir()) == names
    for name in names:
        if name.endswith(".json"):
            one, other = (json.loads((folder / name).read_text()) for folder in (out, whole))
            assert {key: value for key, value in one.items() if key not in TIMES} == {
                key: value for key, value in other.items() if key not in TIMES
            }
        else:
            assert (out / name).read_bytes() == (whole / name).read_bytes(), name


def test_interrupted_twice(tmp_path: Path, restorer: Restorer, clip: dict[str, Path], whole: Path) -> None:
    out = tmp_path / "out"
    interrupted(restorer, clip, out, 60)
    assert [path.name for path in out.iterdir()] == [journal_folder(out / "clip_restored.mp4").name]
    interrupted(restorer, clip, out, 110)
    assert restored(restorer, clip, out) == FRAMES - 96
    assert_same(out, whole)
