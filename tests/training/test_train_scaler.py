from pathlib import Path

import numpy as np
import pytest
import torch

from restore.models.finder import OcclusionFinder
from restore.models.generator import UNetGenerator
from restore.models.scaler import Scaler
from restore.models.weights import load_scaler, save_models
from restore.tensors import to_float
from restore.training.losses import charbonnier_loss
from restore.training.prepare import seeded
from restore.training.prepare_scaler import flowing, small_window
from tests.propagation.footage import photograph
from tests.training.test_resume import INTERRUPTED, ctrl_c
from tests.training.tiny import at_step, content, events, refiner_parts, run, same, write_video


def moving(frames: int = 8, seed: int = 0) -> np.ndarray:
    """`T 64 80 3`: a sharp picture that moves by a pixel and a half a frame."""
    photo = np.ascontiguousarray(photograph()[200 + 40 * seed :, 200:])
    return np.stack([photo[3 * t : 3 * t + 128 : 2, 3 * t : 3 * t + 160 : 2] for t in range(frames)])


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    for index in range(3):
        write_video(folder / "Pan" / f"v_Pan_g{index:02}_c01.avi", moving(seed=index))
    return folder


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(refiner_parts(tmp_path_factory.mktemp("generator"))["generator"])


@pytest.fixture(scope="module")
def trained(videos: Path, generator: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training that is finished."""
    folder = tmp_path_factory.mktemp("trained")
    settings = {"epochs": 20, "validate_every": 20, "learning_rate": 5e-3, "ema_decay": 0.9}
    assert run(videos, folder, stage="scale", generator=generator, **settings) == 0
    return folder


def test_it_learns_and_is_watched(trained: Path) -> None:
    log = events(trained)
    bicubic, scores = ([one.value for one in log.Scalars(f"validation/{name}")] for name in ("bicubic", "psnr"))
    assert len(scores) == 2 and scores[-1] > scores[0] - 0.1 and scores[-1] > bicubic[-1] + 0.1
    assert "validation/psnr_first" in log.Tags()["scalars"]
    assert len(log.Images("validation/bicubic enlarged clean")) == 2
    assert load_scaler(trained / "out/scaler.pth").head.out_channels == 8


def test_stopped_and_resumed_is_as_never_stopped(videos: Path, generator: Path, tmp_path: Path) -> None:
    assert run(videos, tmp_path / "whole", stage="scale", generator=generator) == 0
    with at_step(Scaler, 9, ctrl_c):  # four frames a step
        assert run(videos, tmp_path / "parts", stage="scale", generator=generator) == INTERRUPTED
    assert run(videos, tmp_path / "parts", stage="scale", generator=generator) == 0
    whole, parts = (content(tmp_path / name / "run/scaler.checkpoint") for name in ("whole", "parts"))
    assert same(whole, parts)


def test_it_goes_on_from_other_weights(
    videos: Path, generator: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = trained / "out/scaler.pth"
    settings = {"generator": generator, "init_from": weights, "epochs": 1}
    assert run(videos, tmp_path, stage="scale", learning_rate=1e-9, **settings) == 0
    before, after = (load_scaler(path / "out/scaler.pth").state_dict() for path in (trained, tmp_path))
    assert all(torch.allclose(before[name], after[name], atol=1e-3) for name in before)
    assert run(videos, tmp_path / "other", stage="scale", width=16, **settings) == 2
    assert "the scaler has another shape; give the --width, --blocks and --carried it was" in capsys.readouterr().err


def test_odd_crops_are_refused(videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(videos, tmp_path, stage="scale", crop_width=33) == 2
    assert "crop_width is 33, expected an even one: it is enlarged from half of it" in capsys.readouterr().err


def test_windows_are_small_restored_and_moving() -> None:
    clip = torch.from_numpy(moving(4)).movedim(-1, 1)
    generator = UNetGenerator(widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,)).eval()
    drawn = [small_window(clip, generator=generator, draw=seeded(0, index)) for index in range(12)]
    for one in drawn:
        assert one.small.shape == (1, 4, 3, 32, 40) and torch.equal(one.clean, clip[None])
        assert not one.to_following[:, -1].any() and not one.to_previous[:, 0].any()
    plain = torch.nn.functional.interpolate(to_float(moving(4)), scale_factor=0.5, mode="area")
    errors = [float((one.small[0].float() / 127.5 - 1 - plain).square().mean()) for one in drawn]
    assert min(errors) < 1e-3 < max(errors)  # some are degraded
    again = small_window(clip, generator=generator, draw=seeded(0, 0))
    assert torch.equal(again.small, drawn[0].small)


def test_flows_lead_to_the_neighbours() -> None:
    small = moving(3)
    window = flowing(small, torch.zeros(3, 3, 128, 160, dtype=torch.uint8))
    inside = (0, slice(None), slice(None), slice(8, -8), slice(8, -8))
    for flow, sign in ((window.to_following[inside][:2], -1), (window.to_previous[inside][1:], 1)):
        assert torch.allclose(flow.float().flatten(2).median(2).values, torch.tensor(1.5 * sign), atol=0.15)


def test_charbonniers_loss() -> None:
    zero = torch.zeros(2, 3)
    assert abs(float(charbonnier_loss(zero, zero))) < 1e-8
    assert float(charbonnier_loss(zero + 1, zero)) == pytest.approx(0.99, abs=1e-3)
    assert float(charbonnier_loss(zero + 1e-4, zero)) == pytest.approx(1e-4**2 / 0.02, rel=0.01)


def test_another_kind_of_weights_is_refused(tmp_path: Path, videos: Path, generator: Path) -> None:
    save_models(tmp_path / "scaler.pth", {"scaler": (OcclusionFinder(), {})})
    assert run(videos, tmp_path, stage="scale", generator=generator, init_from=tmp_path / "scaler.pth") == 2
