import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from restore.errors import WeightsError
from restore.models.autoencoder import build_autoencoder
from restore.refinement.load import load_refiner
from restore.refinement.refiner import RefinerPipeline
from tests.models.test_autoencoder import tiny_kl
from tests.video.make import make_video

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("part", ["unet", "vae", "scheduler"])
def test_a_missing_part_is_named(refiner: RefinerPipeline, tmp_path: Path, part: str) -> None:
    refiner.save_pretrained(tmp_path)
    shutil.rmtree(tmp_path / part)
    with pytest.raises(WeightsError) as error:
        load_refiner(tmp_path)
    assert str(error.value) == f"the refiner has no {part}; copy the folder again, or train it: {tmp_path}"


def test_a_part_without_its_weights_is_refused(refiner: RefinerPipeline, tmp_path: Path) -> None:
    refiner.save_pretrained(tmp_path)
    next((tmp_path / "unet").glob("*.safetensors")).unlink()
    with pytest.raises(WeightsError, match="the refiner is incomplete or broken") as error:
        load_refiner(tmp_path)
    assert "\n" not in str(error.value) and str(error.value).endswith(str(tmp_path))


def test_an_autoencoder_that_does_not_fit_is_refused(refiner: RefinerPipeline, tmp_path: Path) -> None:
    refiner.save_pretrained(tmp_path)
    shutil.rmtree(tmp_path / "vae")
    build_autoencoder(latent_channels=8, downsampling=4, width=8).save_pretrained(tmp_path / "vae")
    with pytest.raises(
        WeightsError, match=r"has 8 latent channels.*takes 25 and gives 8; this one takes 13 and gives 4"
    ):
        load_refiner(tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no such folder, and not a hub id"):
        load_refiner(tmp_path / "missing")


def test_a_motion_adapter_with_something_else_is_refused(tmp_path: Path) -> None:
    tiny_kl().save_pretrained(tmp_path / "vae")
    with pytest.raises(WeightsError, match="the inpainting model is incomplete or broken"):
        load_refiner(tmp_path, motion_adapter=tmp_path)


def test_without_transformers_all_but_refiners_that_read_text_serve(
    tiny_refiner: Path, tiny_weights: Path, pretrained: tuple[Path, Path], tmp_path: Path
) -> None:
    inpainting, adapter = pretrained
    load_refiner(inpainting, motion_adapter=adapter).save_pretrained(tmp_path / "saved")
    flags = [
        "--degraded_video",
        make_video(tmp_path / "clip.mp4"),
        "--weights_path",
        tiny_weights,
        "--device",
        "cpu",
        "--engine",
        "torch",
    ]
    refiner = ["--stages", "hybrid", "--refiner", inpainting, "--motion_adapter", adapter, "--prompt", "a cat"]
    code = """
import sys
sys.modules["transformers"] = None  # as if not installed: neither found nor imported
import runpy, torch
from restore.errors import RestoreError
from restore.refinement.load import load_refiner

ours, saved = sys.argv[1:3]
refiner = load_refiner(ours)
print(tuple(refiner.refine(torch.zeros(1, 2, 3, 16, 16), torch.ones(1, 2, 1, 16, 16), steps=2).shape))
for refused in (lambda: refiner.check_prompt("a cat"), lambda: load_refiner(saved)):
    try:
        refused()
    except RestoreError as error:
        print(error)
sys.argv[1:3] = []
runpy.run_path("inference.py", run_name="__main__")
"""
    command = [sys.executable, "-c", code, tiny_refiner, tmp_path / "saved", *flags, "--output_dir", tmp_path, *refiner]
    done = subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, text=True, timeout=300)
    lines = done.stdout.splitlines()
    assert lines[:2] == [
        "(1, 2, 3, 16, 16)",
        "got a prompt, and this refiner has no text encoder; leave the prompt out",
    ]
    missing = "reads text, and transformers is not installed; install it with pip install -r requirements-prompt.txt"
    assert lines[2] == f"the refiner {missing}: {tmp_path / 'saved'}"
    assert done.stderr == f"inference.py: the inpainting model {missing}: {inpainting}\n" and done.returncode == 2
