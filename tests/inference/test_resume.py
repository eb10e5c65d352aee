"""A restoration that was interrupted goes on, and what comes of it is what would have come, byte by byte."""

import json
import multiprocessing
import signal
import time
from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest
import torch

from restore.inference.files import restore_file
from restore.inference.journal import is_claimed, journal_folder
from restore.pipeline import Restorer
from tests.inference.command import left_in
from tests.inference.killed import restore_in_segments
from tests.propagation.footage import at_rest, covered, noisy
from tests.video.make import make_video

FRAMES, SEGMENT = 118, 24  # segments end at 48 and 96, with the cores of propagation
TIMES = {"seconds", "frames_per_second", "seal"}  # in a report


@pytest.fixture(scope="module")
def restorer(tiny_weights: Path) -> Restorer:
    return Restorer.from_pretrained(tiny_weights, device="cpu", precision="float32", engine="torch")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> dict[str, Path]:
    """A video with sound, before which a box moves; its mask; what it hides; weights."""
    folder = tmp_path_factory.mktemp("clip")
    mask = np.zeros((FRAMES, 48, 64), bool)
    for index, hidden in enumerate(mask):
        hidden[index // 4 : index // 4 + 12, 8 + index // 5 : 20 + index // 5] = True
    clean = at_rest(FRAMES)
    white = mask[..., None].repeat(3, -1) * np.uint8(255)
    files = {"clip": covered(noisy(clean, 4), mask), "mask": white, "original": clean}
    paths = {
        name: make_video(
            folder / f"{name}.mkv",
            range(FRAMES),
            draw=lambda index, *_, pictures=pictures: pictures[index],
            codec="ffv1",
            pix_fmt="bgr0",
            seconds_of_sound=4 if name == "clip" else 0,
        )
        for name, pictures in files.items()
    }
    return paths | {"weights": tiny_weights}


def settings(clip: dict[str, Path], out: Path) -> dict[str, Any]:
    """Of a restoration with all that can be written."""
    sides = ("mask", "provenance", "confidence")
    return {
        **{f"write_{name}": out / f"clip_{name}.mkv" for name in sides},
        "write_side_by_side": out / "clip_side_by_side.mp4",
        "mask": clip["mask"],
        "original": clip["original"],
        "weights": clip["weights"],
        "segment": SEGMENT,
    }


@pytest.fixture(scope="module")
def whole(clip: dict[str, Path], restorer: Restorer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a run that was not interrupted."""
    out = tmp_path_factory.mktemp("whole")
    restore_file(restorer, clip["clip"], out / "clip_restored.mkv", **settings(clip, out))
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
            clip["clip"],
            out / "clip_restored.mkv",
            progress=stopped_at(frames),
            **settings(clip, out) | changed,
        )


def restored(restorer: Restorer, clip: dict[str, Path], out: Path, **changed: Any) -> int:
    """Restore => how many frames were restored by this run."""
    steps: list[int] = []
    restore_file(
        restorer, clip["clip"], out / "clip_restored.mkv", progress=steps.append, **settings(clip, out) | changed
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


@pytest.fixture(scope="module")
def journal(clip: dict[str, Path], restorer: Restorer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run left that was interrupted behind its second segment."""
    out = tmp_path_factory.mktemp("journal") / "out"
    interrupted(restorer, clip, out, 97)
    return out


def test_interrupted_twice(tmp_path: Path, restorer: Restorer, clip: dict[str, Path], whole: Path) -> None:
    out = tmp_path / "out"
    interrupted(restorer, clip, out, 60)
    assert [path.name for path in out.iterdir()] == [journal_folder(out / "clip_restored.mkv").name]
    interrupted(restorer, clip, out, 110)
    assert restored(restorer, clip, out) == FRAMES - 96
    assert_same(out, whole)


def test_killed_again_and_again(tmp_path: Path, clip: dict[str, Path], whole: Path) -> None:
    """`kill -9`, wherever the run is."""
    out, folder = tmp_path / "out", journal_folder(tmp_path / "out" / "clip_restored.mkv")
    argv = ["--write_mask", "--provenance", "--confidence", "--side_by_side"]
    inputs = {"degraded_video": clip["clip"], "mask_video": clip["mask"], "original_video": clip["original"]}
    computed = {"device": "cpu", "engine": "torch", "precision": "float32", "threads": torch.get_num_threads()}
    for name, value in (inputs | computed | {"weights_path": clip["weights"], "output_dir": out}).items():
        argv += [f"--{name}", str(value)]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.inference.killed"])

    def run(until: Callable[[], object] | None) -> int | None:
        process = context.Process(target=restore_in_segments, args=(SEGMENT, argv))
        process.start()
        while until and process.is_alive() and not until():
            time.sleep(0.0005)
        if until:
            process.kill()
        process.join()
        return process.exitcode

    moments: list[Callable[[], object]] = [
        lambda: (folder / "00001.output.part").exists(),
        lambda: (folder / "00001.state.npz").exists(),
        lambda: (folder / "00002.mask.part").exists(),
        lambda: (folder / "00002.json").exists(),
        lambda: (folder / "finishing").exists(),
    ]
    for moment in moments:
        assert run(moment) == -signal.SIGKILL
        assert is_claimed(out / "clip_restored.mkv") or left_in(out) == [folder.name]
    assert run(None) == 0
    assert_same(out, whole)


@pytest.mark.parametrize("damaged", ["00002.output.coded", "00002.json", "00001.mask.coded"])
def test_a_damaged_entry_is_made_again(
    tmp_path: Path, restorer: Restorer, clip: dict[str, Path], whole: Path, journal: Path, damaged: str
) -> None:
    out = copytree(journal, tmp_path / "out")
    path = journal_folder(out / "clip_restored.mkv") / damaged
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data if damaged.endswith(".coded") else data[:-1])  # changed, or cut short
    first = damaged.startswith("00001")
    with pytest.warns(UserWarning, match="what was done is damaged" if first else "1 segment is damaged"):
        assert restored(restorer, clip, out) == FRAMES - (0 if first else 48)
    assert_same(out, whole)


def test_other_settings_begin_anew_and_lose_nothing_before_they_have_done_more(
    tmp_path: Path, restorer: Restorer, clip: dict[str, Path], whole: Path, journal: Path
) -> None:
    out = copytree(journal, tmp_path / "out")
    line = "of what was done before, strength was 1.0 and is 0.5, so that it is restored from the start: .*clip.mkv$"
    with pytest.warns(UserWarning, match=line):
        interrupted(restorer, clip, out, 1, strength=0.5)
    assert restored(restorer, clip, out) == FRAMES - 96
    assert_same(out, whole)


def test_without_resuming(tmp_path: Path, restorer: Restorer, clip: dict[str, Path], journal: Path) -> None:
    out = copytree(journal, tmp_path / "out")
    steps: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        restore_file(
            restorer,
            clip["clip"],
            out / "clip_restored.mkv",
            progress=lambda more: (steps.append(more), stopped_at(1)(more)),
            **settings(clip, out),
            resume=False,
        )
    assert steps == [1]  # nothing was done before
    assert left_in(out) == []
