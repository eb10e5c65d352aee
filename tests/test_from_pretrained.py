"""A restorer from its files: what lies where, and the error for what is missing or broken."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from restore.errors import WeightsError
from restore.inference.files import restore_file
from restore.inference.steps import steps
from restore.models.finder import OcclusionFinder
from restore.models.generator import GatedGenerator, UNetGenerator
from restore.models.noise_network import NoiseNetwork
from restore.models.segmenter import Segmenter
from restore.models.weights import save_models
from restore.pipeline import Restorer
from tests.inference.test_files import write
from tests.networks import WHITE, white_finder
from tests.propagation.footage import at_rest, noisy
from tests.test_pipeline import TINY, dark, restored, restorer


def test_from_pretrained_takes_a_file_or_its_folder(tmp_path: Path) -> None:
    torch.manual_seed(0)
    generator = UNetGenerator(**TINY)
    generator.unet.tail.reset_parameters()
    finder: dict[str, Any] = {"unshuffle": 1, "widths": [8], "blocks": [1], "decoder_blocks": []}
    path = tmp_path / "generator.pth"
    save_models(path, {"generator": (generator, TINY), "finder": (white_finder(), finder)}, half=False)
    clip = noisy(dark(at_rest(3)), 8)
    wanted = restored(clip, using=restorer(generator))
    for weights in (path, str(path), tmp_path):
        loaded = Restorer.from_pretrained(weights, device="cpu", precision="float32")
        assert np.array_equal(restored(clip, using=loaded), wanted)
    assert Restorer.from_pretrained(path).device.type in ("cpu", "cuda")


def test_a_gated_generator_restores_and_leaves_alone_what_it_estimates_to_be_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("restore.pipeline.filter_frame", lambda frames, index, **_: frames[index].image)
    finder: dict[str, Any] = {"unshuffle": 1, "widths": [8], "blocks": [1], "decoder_blocks": []}
    clip = noisy(dark(at_rest(4)), 30)  # too much to be averaged: the network decides
    clip[:, 10:20, 12:24] = WHITE
    mask = (clip == WHITE).all(-1)
    results = []
    for level in (-2.0, 4.0):  # nothing is wrong, much is
        generator = GatedGenerator(**TINY)
        last = generator.guess[-1]
        assert isinstance(last, torch.nn.Conv2d) and last.bias is not None
        torch.nn.init.zeros_(last.weight)
        last.bias.data[:] = torch.tensor([level, 9.0])
        save_models(tmp_path / "generator.pth", {"generator": (generator, TINY), "finder": (white_finder(), finder)})
        loaded = Restorer.from_pretrained(tmp_path, device="cpu", precision="float32")
        assert isinstance(loaded.generator, GatedGenerator)
        for precision in ("float32", "bfloat16"):
            using = Restorer.from_pretrained(tmp_path, device="cpu", precision=precision)
            results.append(list(using.restore_frames(clip, mask)))
    noise, blurred, share = results[2][1].estimate
    assert noise > 8 and share == pytest.approx(1, 1e-3) and results[0][1].estimate == pytest.approx((noise, 0, 0))
    write(tmp_path / "clip.mkv", clip)
    report = restore_file(using, tmp_path / "clip.mkv", tmp_path / "out.mkv", mask_mode="none")
    assert report["estimated"] == {
        "noise": pytest.approx(noise, 0.2),
        "blurred": blurred,
        "corrected": pytest.approx(1, 0.01),
    }
    told = [step.what for step in steps(report) if step.name == "Generate"]
    assert len(told) == 1 and "Noise is averaged over the frames that saw the same" in told[0]
    (without,) = (step for step in steps(report) if step.name == "Remove noise")
    report["sha256"]["noise"] = "12"
    (using_it,) = (step for step in steps(report) if step.name == "Remove noise")
    assert "a network" not in without.what and "where the scene is sharp, a network goes on" in using_it.what
    assert set(without.papers) < set(using_it.papers)
    for right in results[:2]:
        for frame, image in zip(right, clip, strict=True):
            assert np.array_equal(frame.image[~frame.mask], image[~frame.mask])
            assert frame.mask.any() and not np.array_equal(frame.image[frame.mask], image[frame.mask])
    assert not np.array_equal(results[2][1].image[~results[2][1].mask], clip[1][~results[2][1].mask])


def test_a_segmenter_in_the_folder_of_the_generator_detects_with_the_finder(tmp_path: Path) -> None:
    finder: dict[str, Any] = {"unshuffle": 1, "widths": [8], "blocks": [1], "decoder_blocks": []}
    path = tmp_path / "generator.pth"
    save_models(path, {"generator": (UNetGenerator(**TINY), TINY), "finder": (white_finder(), finder)})
    assert Restorer.from_pretrained(path).segmenter is None
    save_models(tmp_path / "segmenter.pth", {"segmenter": (Segmenter(), {})})
    both = Restorer.from_pretrained(path)
    assert isinstance(both.segmenter, Segmenter) and isinstance(both.finder, OcclusionFinder)
    (tmp_path / "segmenter.pth").write_bytes(b"no weights")
    with pytest.raises(WeightsError, match=r"segmenter\.pth$"):
        Restorer.from_pretrained(path)


def test_a_noise_network_in_the_folder_of_the_generator_is_loaded_with_it(tmp_path: Path) -> None:
    save_models(tmp_path / "generator.pth", {"generator": (UNetGenerator(**TINY), TINY)})
    assert Restorer.from_pretrained(tmp_path, finder=False).noise is None
    save_models(tmp_path / "noise.pth", {"noise": (NoiseNetwork(), {})})
    restorer = Restorer.from_pretrained(tmp_path, finder=False, device="cpu", precision="bfloat16")
    assert isinstance(restorer.noise, NoiseNetwork) and restorer.noise.unet.head.weight.dtype == torch.bfloat16
    assert Restorer.from_pretrained(tmp_path, generator=False, finder=False).noise is None
    (tmp_path / "noise.pth").write_bytes(b"no weights")
    with pytest.raises(WeightsError, match=r"noise\.pth$"):
        Restorer.from_pretrained(tmp_path, finder=False)


def test_from_pretrained_names_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=rf"^no such weights file; train.py writes it: {tmp_path}/generator.pth$"):
        Restorer.from_pretrained(tmp_path)
    save_models(tmp_path / "generator.pth", {"generator": (UNetGenerator(**TINY), TINY)})
    with pytest.raises(WeightsError, match=r"^holds generator, expected finder;"):
        Restorer.from_pretrained(tmp_path)
