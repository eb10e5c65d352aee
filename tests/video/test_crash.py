"""An exception that no one expects leaves what was restored, one line, and a report that says so."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import inference
from restore.frame import Frame
from restore.pipeline import Restorer
from restore.restored import Restored
from restore.video.reader import VideoReader
from tests.video.make import make_video


@pytest.mark.parametrize("folder", [False, True])
@pytest.mark.parametrize("after", [0, 3])
def test_a_crash(
    tmp_path: Path,
    tiny_weights: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    after: int,
    folder: bool,
) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a", "b") if folder else ("a",):
        make_video(tmp_path / "in" / f"{name}.mp4", range(6))
    restore = Restorer.restore
    crashed: list[bool] = []

    def crash(self: Restorer, frames: Iterator[Frame], **settings: Any) -> Iterator[Restored]:
        if crashed:
            yield from restore(self, frames, **settings)
            return
        for index, frame in enumerate(restore(self, frames, **settings)):
            if index == after:
                crashed.append(True)
                raise ZeroDivisionError("of all things")
            yield frame

    monkeypatch.setattr(Restorer, "restore", crash)
    video, out = tmp_path / "in" / ("" if folder else "a.mp4"), tmp_path / "out"
    command = ["--degraded_video", str(video), "--weights_path", str(tiny_weights), "--output_dir", str(out)]
    assert inference.main([*command, "--mask_mode", "none"]) == 1
    error = capsys.readouterr().err
    line, *listed = [line for line in error.splitlines() if line.startswith("inference.py")]
    assert len(listed) == 2 * folder  # again, at the end: "1 of 2 failed:", and why
    assert "ZeroDivisionError: of all things" in line and line.endswith(f": {tmp_path / 'in' / 'a.mp4'}")
    assert "Traceback" not in error
    if after:
        with VideoReader(out / "a_restored.mp4") as reader:
            assert len(list(reader)) == after
        report = json.loads((out / "a_restored.json").read_text())
        assert (report["frames"], report["broken"]) == (3, "restoring stopped (ZeroDivisionError: of all things)")
    else:
        assert not list(out.glob("a_*"))
    assert (out / "b_restored.mp4").exists() == folder
