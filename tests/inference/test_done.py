"""The same command again: what was done is left as it is if all is the same, and refused in one line if not."""

import json
from collections.abc import Callable
from pathlib import Path
from shutil import copy
from typing import Any

import pytest

from restore.inference.report import seal
from tests.inference.command import Command, folder, left_in, quarter, two
from tests.video.make import make_video, noise

REFUSED = "inference.py: the output exists already, and {}; move it away, or ask to overwrite it: {}\n"


def test_a_video_that_is_done_is_left_as_it_is(
    run: Command, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = make_video(tmp_path / "clip.mp4")
    given = {"degraded_video": video, "original_video": video, "write_mask": True, "strength": 0.5}
    assert run(**given) == 0
    then = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    capsys.readouterr()
    assert run(**given) == 0
    line = f"{out}/clip_restored.mp4: restored before, left as it is (--overwrite restores it anew)\n"
    assert capsys.readouterr() == (line, "")
    # By its bytes, not its place; what it wrote and scored beyond does not count.
    assert run(degraded_video=copy(video, folder(tmp_path / "elsewhere")), strength=0.5) == 0
    assert capsys.readouterr() == (line, "")
    assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == then
    assert run(**given, overwrite=True) == 0
    assert all(path.stat().st_mtime_ns > then[path] for path in out.iterdir())


def other_video(video: Path, out: Path, weights: Path) -> dict[str, Any]:
    make_video(video, draw=noise)
    return {}


def other_weights(video: Path, out: Path, weights: Path) -> dict[str, Any]:
    copied = Path(copy(weights, video.with_name("generator.pth")))
    with open(copied, "ab") as file:
        file.write(b"\0")
    return {"weights_path": copied}


def other_output(video: Path, out: Path, weights: Path) -> dict[str, Any]:
    with open(out, "ab") as file:
        file.write(b"\0")
    return {}


def other_report(video: Path, out: Path, weights: Path) -> dict[str, Any]:
    report = json.loads(out.with_suffix(".json").read_text())
    out.with_suffix(".json").write_text(json.dumps(report | {"strength": 0.25}))
    return {"strength": 0.25}


def settings_of_another_version(video: Path, out: Path, weights: Path) -> dict[str, Any]:
    report = json.loads(out.with_suffix(".json").read_text())
    report["settings"]["magic"] = True
    out.with_suffix(".json").write_text(json.dumps(report | {"seal": seal(report)}))
    return {}


CHANGED = {
    "input": (other_video, "the input has changed"),
    "weights": (other_weights, "the file of weights has changed"),
    "output": (other_output, "it has changed since"),
    "version": (settings_of_another_version, "magic was True and is None"),
    "setting": (lambda *_: {"mask_dilation": 2}, "mask_dilation was 0 and is 2"),
    "settings": (lambda *_: {"strength": 1, "quality": 20}, "strength was 0.5 and is 1.0; quality was None and is 20"),
    "light": (lambda *_: {"light": 2}, "the list of stages has changed; light was off and is 2.0"),
    "kinds": (lambda *_: {"remove": "dirt"}, "the list of kinds to remove has changed"),
    "precision": (lambda *_: {"precision": "bfloat16"}, "precision was float32 and is bfloat16"),
    "mask": (
        lambda video, *_: {"mask_video": make_video(video.with_name("mask.mp4"), draw=quarter), "mask_mode": "both"},
        "mask_mode was found and is both",
    ),
}


@pytest.mark.parametrize("name", CHANGED)
def test_what_differs_is_refused(
    run: Command, tmp_path: Path, out: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    change: Callable[..., dict[str, Any]]
    change, words = CHANGED[name]
    video, output = make_video(tmp_path / "clip.mp4", range(3)), out / "clip_restored.mp4"
    given: dict[str, Any] = {"degraded_video": video, "strength": 0.5, "precision": "float32", "engine": "torch"}
    assert run(**given) == 0
    capsys.readouterr()
    given |= change(video, output, tiny_weights)
    then = {path: path.read_bytes() for path in out.iterdir()}
    assert run(**given) == 2
    assert capsys.readouterr() == ("", REFUSED.format(words, output))
    assert {path: path.read_bytes() for path in out.iterdir()} == then


def test_what_was_not_given_before_is_refused(
    run: Command, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mask or an original of other bytes, LPIPS, a file that is to go with it."""
    video = make_video(tmp_path / "clip.mp4", range(3))
    mask = make_video(tmp_path / "mask.mkv", range(3), draw=quarter, codec="ffv1")
    original = make_video(tmp_path / "original.mp4", range(3))
    assert run(degraded_video=video, mask_video=mask, original_video=original) == 0
    lines = []
    for given in (
        {"mask_video": make_video(tmp_path / "other.mp4", range(3), draw=quarter), "original_video": original},
        {"mask_video": mask, "original_video": tmp_path / "other.mp4"},
        {"mask_video": mask, "original_video": original, "lpips": True},
    ):
        capsys.readouterr()
        assert run(degraded_video=video, **given) == 2
        lines.append(capsys.readouterr().err)
    words = "the mask has changed", "the original has changed", "LPIPS was not scored"
    assert lines == [REFUSED.format(word, out / "clip_restored.mp4") for word in words]
    assert run(degraded_video=video, mask_video=mask, provenance=True) == 2
    assert "restored before, without clip_provenance.mkv; ask to overwrite it" in capsys.readouterr().err
    other_report(video, out / "clip_restored.mp4", mask)
    assert run(degraded_video=video, mask_video=mask) == 2
    assert "the report was changed after it was written, and proves nothing" in capsys.readouterr().err


def test_of_a_folder_what_differs_holds_up_nothing(
    run: Command, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos = two(tmp_path / "in")
    assert run(degraded_video=videos, write_mask=True) == 0
    make_video(videos / "a.mp4", draw=noise)
    make_video(videos / "c.mp4", range(3))
    then = (out / "a_restored.mp4").read_bytes()
    capsys.readouterr()
    assert run(degraded_video=videos, write_mask=True) == 2
    printed, errors = capsys.readouterr()
    refused = REFUSED.format("the input has changed", out / "a_restored.mp4")
    assert errors == f"{refused}inference.py: 1 of 3 failed:\n{refused.replace(': ', ':   ', 1)}"
    assert printed.splitlines()[0].startswith(f"{out}/b_restored.mp4: restored before")
    assert printed.splitlines()[1].startswith(f"{out}/c_restored.mp4: 3 frames")
    assert printed.splitlines()[2:] == ["1 of 3 were done before"]
    assert (out / "a_restored.mp4").read_bytes() == then
    assert run(degraded_video=videos, write_mask=True, overwrite=True) == 0
    assert (out / "a_restored.mp4").read_bytes() != then
    assert len(left_in(out)) == 3 * 4 + 2

    # What goes with a video counts, too, where it is asked for.
    (out / "b_mask.mkv").write_bytes(b"")
    capsys.readouterr()
    assert run(degraded_video=videos) == 0 and run(degraded_video=videos, write_mask=True) == 2
    assert "the file b_mask.mkv has changed; move it away" in capsys.readouterr().err
