"""`python -m restore verify`: a report against the files that it names, and against the same work done again."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from restore.__main__ import main
from restore.inference import files
from restore.inference.other_bytes import apart
from restore.inference.report import seal
from restore.inference.versions import versions
from restore.models.noise_network import NoiseNetwork
from restore.models.weights import load_models, save_models
from restore.pipeline import Restorer
from tests.inference.command import Command
from tests.propagation.footage import at_rest, noisy
from tests.video.make import make_video

pytestmark = pytest.mark.usefixtures("out")
SHAPE = {"widths": (8, 8), "blocks": (1, 1), "decoder_blocks": (1,)}  # of the tiny models


@pytest.fixture
def weights(tiny_weights: Path, tmp_path: Path) -> Path:
    """With a noise network beside them."""
    path = tmp_path / "weights/generator.pth"
    path.parent.mkdir()
    path.write_bytes(tiny_weights.read_bytes())
    save_models(path.with_name("noise.pth"), {"noise": (NoiseNetwork(), {})})
    return path


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    pictures = noisy(at_rest(5), 12)
    return make_video(tmp_path / "clip.mkv", range(5), draw=lambda index, *_: pictures[index], codec="ffv1")


def restored(run: Command, out: Path, clip: Path, weights: Path, **settings: Any) -> Path:
    """The report."""
    assert run(degraded_video=clip, weights_path=weights, engine="torch", **settings) == 0
    return out / "clip_restored.json"


def test_a_report_is_proven_and_what_has_changed_is_told(
    run: Command, tmp_path: Path, out: Path, clip: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hidden = np.zeros((48, 64, 3), np.uint8)
    hidden[10:20, 10:20] = 255
    mask = make_video(tmp_path / "mask.mkv", range(5), draw=lambda *_: hidden, codec="ffv1")
    report = restored(run, out, clip, weights, mask_video=mask, original_video=clip, write_mask=True)
    capsys.readouterr()
    assert main(["verify", str(report)]) == 0
    files = {
        "input": clip,
        "mask": mask,
        "original": clip,
        "output": out / "clip_restored.mkv",
        "weights": weights,
        "noise": weights.with_name("noise.pth"),
        "side file": out / "clip_mask.mkv",
    }
    assert capsys.readouterr().out.splitlines() == [f"{role} is the same: {file}" for role, file in files.items()]

    for role, file in files.items():
        if role == "original":
            continue  # the input
        whole = file.read_bytes()
        for changed, told in ((whole[:-1] + b"?", "has changed"), (None, "is missing, or cannot be read")):
            file.write_bytes(changed) if changed else file.unlink()
            assert main(["verify", str(report)]) == 1
            wrong = [line for line in capsys.readouterr().out.splitlines() if " is the same: " not in line]
            named = file if changed or role not in ("output", "side file") else file.name
            assert f"{role} {told}: {named}" in wrong and len(wrong) == (2 if role == "input" else 1)
        file.write_bytes(whole)
    assert main(["verify", str(report)]) == 0


@pytest.mark.parametrize("change", ["edited", "other program", "no JSON", "missing"])
def test_a_report_that_proves_nothing_is_refused(
    run: Command, out: Path, clip: Path, weights: Path, change: str, capsys: pytest.CaptureFixture[str]
) -> None:
    report = restored(run, out, clip, weights)
    told = "not a report of this version, which inference.py writes as STEM_restored.json"
    if change == "edited":
        report.write_text(report.read_text().replace('"strength": 1.0', '"strength": 0.5'))
        told = "the report was changed after it was written, and proves nothing"
    elif change == "missing":
        report.unlink()
    else:
        report.write_text("{}" if change == "other program" else "clip")
    capsys.readouterr()
    assert main(["verify", str(report)]) == 2
    assert capsys.readouterr().err == f"restore: {told}: {report}\n"


@pytest.mark.parametrize(
    "settings",
    [{}, {"lossless": True, "strength": 0.5}, {"quality": 30, "container": "mp4", "mask_mode": "none"}],
    ids=lambda settings: " ".join(settings) or "defaults",
)
def test_the_same_work_gives_the_same_bytes(
    run: Command,
    out: Path,
    clip: Path,
    weights: Path,
    settings: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = restored(run, out, clip, weights, **settings)
    name = json.loads(report.read_text())["output"]
    assert main(["verify", str(report), "--again"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"restored again, to the same bytes: {name}"


def test_the_same_work_is_done_with_as_many_threads(
    run: Command, out: Path, clip: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = torch.get_num_threads()
    try:
        report = restored(run, out, clip, weights, threads=before + 1)
    finally:
        torch.set_num_threads(before)
    then, restore = [], files.restore_file

    def noted(*arguments: Any, **named: Any) -> dict[str, Any]:
        then.append(torch.get_num_threads())
        return restore(*arguments, **named)

    monkeypatch.setattr(files, "restore_file", noted)
    assert main(["verify", str(report), "--again"]) == 0
    assert (then, torch.get_num_threads()) == ([before + 1], before)


def test_other_bytes_are_told_with_what_else_differs(
    run: Command, out: Path, clip: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = restored(run, out, clip, weights)
    models = load_models(weights, ("generator", "finder"))
    with torch.no_grad():
        models["generator"].unet.tail.bias.fill_(0.2)  # type: ignore[union-attr, operator]
    save_models(weights, {name: (model, SHAPE) for name, model in models.items()})
    for version, why in ((None, "though all that computes it is the same"), ("1.0", "computed with numpy 1.0, now ")):
        if version:
            content = json.loads(report.read_text())
            content["versions"]["numpy"] = version
            content["seal"] = seal(content)
            report.write_text(json.dumps(content))
        capsys.readouterr()
        assert main(["verify", str(report), "--again"]) == 1
        lines = capsys.readouterr().out.splitlines()
        assert f"weights has changed: {weights}" in lines
        assert lines[-1].startswith("restored again, to other bytes, ") and why in lines[-1]
        assert re.search(r"; 5 of 5 pictures differ, by at most \d\d levels of 255: clip_restored.mkv$", lines[-1])
    (out / "clip_restored.mkv").write_bytes(b"")
    main(["verify", str(report), "--again"])
    assert "pictures" not in capsys.readouterr().out


def test_how_far_apart_pictures_are(tmp_path: Path) -> None:
    pictures = noisy(at_rest(5), 12)

    def clip(name: str, pictures: np.ndarray) -> Path:
        size = pictures.shape[2], pictures.shape[1]
        return make_video(
            tmp_path / name, range(len(pictures)), size=size, draw=lambda at, *_: pictures[at], codec="ffv1"
        )

    other = pictures.copy()
    other[1, 3, 4, 2] -= np.uint8(3)
    other[4, :, :, 0] ^= 1
    one, same = clip("one.mkv", pictures), clip("same.avi", pictures)
    assert apart(one, same) == "each pixel is the same"
    assert apart(one, clip("other.mkv", other)) == "2 of 5 pictures differ, by at most 3 levels of 255"
    for unlike in (pictures[:4], pictures[:, :, :32]):
        assert apart(clip("unlike.mkv", unlike), one) == "the pictures are not as many, or not as large"


def test_another_kind_of_cpu_is_told_and_what_it_computed_in(
    out: Path, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Restored in another process without the instructions of this CPU, in a precision in which that tells."""
    argv = ["--degraded_video", clip, "--output_dir", out, "--device", "cpu", "--mask_mode", "none"]
    argv += ["--engine", "torch", "--precision", "bfloat16", "--lossless"]
    less = os.environ | {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"}
    subprocess.run([sys.executable, "inference.py", *map(str, argv)], env=less, check=True, capture_output=True)
    report = out / "clip_restored.json"
    content = json.loads(report.read_text())
    then, now = content["versions"]["cpu"], versions("torch")["cpu"]
    if then == now:
        pytest.skip(f"this CPU has no more instructions than the other: {now}")
    code = main(["verify", str(report), "--again"])
    line = capsys.readouterr().out.splitlines()[-1]
    if code == 0:
        pytest.skip("both kinds of CPU came to the same bytes")
    assert line.startswith(f"restored again, to other bytes, as it was computed with cpu {then}, now {now}, and each ")
    if Restorer().dtype == torch.float32:
        assert "; in bfloat16, of which fewer bits are kept than of float32, which is usual here" in line
    assert re.search(r"; [1-5] of 5 pictures differ, by at most [1-9] levels of 255: clip_restored.mkv$", line)


def test_what_cannot_be_done_again(
    run: Command, out: Path, clip: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = restored(run, out, clip, weights)
    weights.unlink()
    capsys.readouterr()
    assert main(["verify", str(report), "--again"]) == 2
    assert capsys.readouterr().err == f"restore: what it was restored with is missing, its weights: {weights}\n"
