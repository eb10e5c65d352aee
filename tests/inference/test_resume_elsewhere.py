"""What goes on behind a segment: fields, a scene that is regenerated, masks from images; and what the pictures are."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from restore.frame import Frame
from restore.inference.files import restore_file
from restore.pipeline import Restorer
from restore.propagation.resumption import Resumption
from restore.propagation.state import State
from tests.inference.test_resume import TIMES, stopped_at
from tests.networks import Recorder, white_finder
from tests.propagation.footage import at_rest, box, camera, covered, noisy
from tests.video.make import make_video
from tests.video.test_fields import make_interlaced


@pytest.fixture(scope="module")
def restorer(tiny_weights: Path) -> Restorer:
    return Restorer.from_pretrained(tiny_weights, device="cpu", precision="float32", engine="torch")


def assert_goes_on(restore: Callable[..., dict[str, Any]], folder: Path, suffix: str, stop: int, done: int) -> None:
    """That a run which is stopped gives the same bytes and report, and goes on behind so many frames."""
    whole, again = folder / f"whole{suffix}", folder / f"again{suffix}"
    restore(whole)
    with pytest.raises(KeyboardInterrupt):
        restore(again, progress=stopped_at(stop))
    steps: list[int] = []
    restore(again, progress=steps.append)
    assert steps[0] == done
    assert again.read_bytes() == whole.read_bytes()
    one, other = (json.loads(path.with_suffix(".json").read_text()) for path in (whole, again))
    for name in TIMES | {"output"}:
        del one[name], other[name]
    assert one == other


def test_fields(tmp_path: Path, restorer: Restorer) -> None:
    tape = make_interlaced(tmp_path / "tape.mp4", "libx264", True, frames=36)

    def restore(output: Path, **settings: Any) -> dict[str, Any]:
        return restore_file(restorer, tape, output, segment=24, mask_mode="found", **settings)

    assert_goes_on(restore, tmp_path, ".mkv", stop=60, done=48)


def test_what_is_regenerated_goes_on_behind_a_cut(tmp_path: Path, restorer: Restorer, tiny_refiner: Path) -> None:
    from restore.refinement.hybrid import Hybrid, Refinement
    from restore.refinement.load import load_refiner

    scenes = np.concatenate([at_rest(70, seed=1), at_rest(10, seed=2)])  # 70: more than cores that end no segment
    video = make_video(
        tmp_path / "clip.mkv", range(80), draw=lambda index, *_: scenes[index], codec="ffv1", pix_fmt="bgr0"
    )
    mask = np.zeros((48, 64), np.uint8)
    mask[8:36, 16:48] = 255
    cv2.imwrite(str(tmp_path / "mask.png"), mask)
    hybrid = Hybrid(load_refiner(str(tiny_refiner)), Refinement(quality_steps=2, start=0.3))

    def restore(output: Path, **settings: Any) -> dict[str, Any]:
        return restore_file(
            restorer, video, output, segment=24, mask=tmp_path / "mask.png", hybrid=hybrid, lossless=True, **settings
        )

    assert_goes_on(restore, tmp_path, ".mkv", stop=72, done=70)
    regions = json.loads((tmp_path / "again.json").read_text())["regenerated"]["regions"]
    assert [0, 31] in [region["frames"] for region in regions] and regions[-1]["frames"] == [70, 79]


def test_a_folder_of_masks(tmp_path: Path, restorer: Restorer) -> None:
    hidden = box(72, 48, 64, (4, 4), (0, 0))
    hidden[40:] = np.roll(hidden[40:], 20, 2)
    (tmp_path / "masks").mkdir()
    for index, mask in enumerate(hidden):
        cv2.imwrite(str(tmp_path / "masks" / f"{index}.png"), (mask * 255).astype(np.uint8))
    pictures = covered(at_rest(72), hidden)
    video = make_video(
        tmp_path / "clip.mkv", range(72), draw=lambda index, *_: pictures[index], codec="ffv1", pix_fmt="bgr0"
    )

    def restore(output: Path, **settings: Any) -> dict[str, Any]:
        return restore_file(restorer, video, output, segment=24, mask=tmp_path / "masks", **settings)

    assert_goes_on(restore, tmp_path, ".mkv", stop=50, done=48)


@pytest.mark.parametrize("moves", [False, True])
def test_pictures_are_those_of_a_run_without_segments(moves: bool) -> None:
    """At the boundary nothing is seen: each frame is what it is in one sweep, and what it is behind the boundary."""
    frames = 80
    clean = camera(frames, 0.7, 0.3, height=48, width=64) if moves else at_rest(frames)
    hidden = np.zeros((frames, 48, 64), np.float32)
    for index in range(frames):  # it stays for long, so that what is behind it is known from far before
        left = 10 + (0 if index < 30 else 20)
        hidden[index, 10:26, left : left + 14] = 1
    clip = noisy(covered(clean, hidden), 3)
    restorer = Restorer(Recorder(), white_finder(), device="cpu", precision="float32")

    def restored(begin: int = 0, **settings: Any) -> list[Any]:
        records = (Frame(image, mask=mask) for image, mask in zip(clip[begin:], hidden[begin:], strict=True))
        return list(restorer.restore(records, **settings))

    one, two = restored(), restored(segment=24)
    (at,) = [index + 1 for index, frame in enumerate(two) if frame.frame.ends]
    state = two[at - 1].frame.state
    assert at == 48 and state is not None
    again = restored(at - 2, segment=24, resumption=Resumption(2, State.of(state.arrays())))
    for name in ("image", "provenance", "confidence"):
        for plain, segmented in zip(one, two, strict=True):
            assert np.array_equal(getattr(plain, name), getattr(segmented, name))
        for segmented, resumed in zip(two[at:], again, strict=True):
            assert np.array_equal(getattr(segmented, name), getattr(resumed, name))
