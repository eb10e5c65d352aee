import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from skimage import data

from restore.scoring.lpips_score import load_lpips
from restore.scoring.report import Scores

ORIGINAL = data.astronaut()[100:164, 150:214]


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """No backbone on the disk, whatever this machine has downloaded before."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    load_lpips.cache_clear()
    yield tmp_path
    load_lpips.cache_clear()


def test_without_a_network_it_warns_once_soon_and_gives_none(capsys: pytest.CaptureFixture[str]) -> None:
    started = time.monotonic()
    with pytest.warns(UserWarning, match="no LPIPS scores: AlexNet could not be downloaded") as warned:
        assert load_lpips() is None
    assert load_lpips() is None  # the second time in silence: a warning would fail the test
    assert len(warned) == 1 and "\n" not in str(warned[0].message)
    assert time.monotonic() - started < 20
    assert capsys.readouterr().out == ""


def test_the_other_scores_go_on_without_it() -> None:
    with pytest.warns(UserWarning, match="no LPIPS scores"):
        scores = Scores(lpips=True)
    scores.add(ORIGINAL, ORIGINAL)
    summary = scores.summary()
    assert summary["lpips"] is None and summary["per_frame"]["lpips"] == [None]
    assert summary["psnr"] == 100


def test_with_a_backbone_noise_raises_it(empty_cache: Path) -> None:
    # Random features stand in for the downloaded ones; the linear heads are the real ones of the package. The large
    # classifier, which LPIPS throws away, is one zero seen through strides, so that the file stays small.
    torch.manual_seed(0)
    with torch.device("meta"):
        shapes = torchvision.models.alexnet(weights=None).state_dict()
    weights = {
        name: torch.zeros(1).expand(value.shape) if name.startswith("classifier") else torch.randn(value.shape) / 20
        for name, value in shapes.items()
    }
    (empty_cache / "hub/checkpoints").mkdir(parents=True)
    torch.save(weights, empty_cache / "hub/checkpoints/alexnet-owt-7be5be79.pth")

    score = load_lpips()
    assert score is not None
    noise = np.random.default_rng(0).normal(0, 1, ORIGINAL.shape)
    distances = [score(np.clip(ORIGINAL + s * noise, 0, 255).astype(np.uint8), ORIGINAL) for s in (0, 10, 40)]
    assert distances[0] == 0 and 0 < distances[1] < distances[2]
    assert score(ORIGINAL[:16, :16], ORIGINAL[:16, :16]) is None
