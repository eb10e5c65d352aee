"""A blurred video by the command line: it comes out sharper, and its report says so."""

import json
from pathlib import Path

import numpy as np
import torch
from skimage import data

from restore.degradations.blur import defocus
from restore.inference.verify import verify
from restore.models.generator import GatedGenerator
from restore.models.weights import save_models
from restore.scoring.psnr import psnr
from restore.tensors import to_float, to_uint8
from tests.inference.command import Command
from tests.inference.test_files import read, write

SHAPE = {"widths": [8, 8], "blocks": [1, 1], "decoder_blocks": [1]}


def test_a_blurred_video_is_sharpened_and_the_report_says_so(run: Command, tmp_path: Path, out: Path) -> None:
    sharp = np.stack([data.astronaut()[:240, 60 + t : 380 + t] for t in range(3)])
    blurred = to_uint8(defocus(to_float(sharp)[None], torch.tensor([1.2]))[0])
    weights = tmp_path / "generator.pth"
    save_models(weights, {"generator": (GatedGenerator(**SHAPE), SHAPE)})
    flags = {"weights_path": weights, "engine": "torch", "mask_mode": "none", "lossless": True, "report": True}
    assert run(degraded_video=write(tmp_path / "clip.mkv", blurred), **flags) == 0
    assert psnr(read(out / "clip_restored.mkv"), sharp) > psnr(blurred, sharp) + 2
    report = json.loads((out / "clip_restored.json").read_text())
    assert report["estimated"]["blurred"] > 0.95 and report["estimated"]["corrected"] == 1
    page = (out / "clip_report.html").read_text()
    assert page.index(". Filter in time</h3>") < page.index(". Sharpen</h3>") < page.index(". Write</h3>")
    assert list(verify(out / "clip_restored.json", again=True))[-1][1]
