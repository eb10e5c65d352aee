"""Two processes that torchrun starts for one command share a folder, and give what one gives."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.inference.command import SUMMARY, Command, folder, left_in, quarter, two
from tests.inference.test_files import read
from tests.inference.test_inference import ROOT
from tests.video.make import make_video


def test_two_processes_share_a_folder(
    run: Command, tmp_path: Path, out: Path, tiny_weights: Path, tiny_refiner: Path
) -> None:
    videos, masks = two(tmp_path / "in"), folder(tmp_path / "masks")
    make_video(videos / "c.mp4")
    for stem in "abc":
        make_video(masks / f"{stem}.mkv", draw=quarter, codec="ffv1", pix_fmt="gray")
    flags = {
        "degraded_video": videos,
        "mask_video": masks,
        "refiner": tiny_refiner,
        "stages": "hybrid",
        "quality_steps": 3,
    }
    assert run(**flags, lossless=True, output_dir=tmp_path / "one") == 0

    flags |= {"original_video": videos, "weights_path": tiny_weights, "output_dir": out, "device": "cpu"}
    line = [str(word) for name, value in flags.items() for word in (f"--{name}", value)]
    # `accelerate launch --cpu` starts a single process, whatever --num_processes says (1.15); torchrun starts two.
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    done = subprocess.run(
        [*launch, "inference.py", *line, "--lossless"],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr
    parts = [".summary.1of2.json", ".summary.2of2.json"]
    assert left_in(out) == parts + [f"{stem}_restored.{end}" for stem in "abc" for end in ("json", "mkv")] + SUMMARY
    rows = json.loads((out / "summary.json").read_text())["videos"]
    assert [(row["input"], row["status"]) for row in rows] == [(str(videos / f"{stem}.mp4"), "done") for stem in "abc"]
    # Each file once, and one table of all.
    assert sorted(line.split(":")[0] for line in done.stdout.splitlines() if "_restored.mkv: " in line) == [
        str(out / f"{stem}_restored.mkv") for stem in "abc"
    ]
    assert done.stdout.count("after restoring") == 1 and done.stdout.count("\nmean") == 2
    for stem in "abc":
        one, other = (read(at / f"{stem}_restored.mkv") for at in (tmp_path / "one", out))
        assert np.array_equal(one, other)
