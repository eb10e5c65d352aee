from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from restore.models.finder import OcclusionFinder
from restore.training.config import TrainConfig
from restore.training.data import CleanWindows
from restore.training.train_generator import _pairs
from tests.propagation.scenes import pan
from tests.training.tiny import SETTINGS, write_video


def test_some_scenes_are_varied(tmp_path: Path) -> None:
    video = write_video(tmp_path / "pan.avi", pan(8, (0, 0), 32, 32))
    settings: dict[str, Any] = SETTINGS["generator"] | {"epochs": 12, "windows_per_video": 1, "batch_size": 1}
    config = TrainConfig(data_dir=str(tmp_path), **settings)
    windows = CleanWindows([video], frames=4, crop=(32, 32), per_video=1, seed=0)
    finder = OcclusionFinder(widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,))
    scene = torch.from_numpy(pan(1, (0, 0), 32, 32)[0]).permute(2, 0, 1) / 127.5 - 1
    apart = []
    with ThreadPoolExecutor(1) as pool:
        for pairs in _pairs(config, Accelerator(cpu=True), windows, finder, None, pool, 0):
            apart.append(min((pairs.clean - x).abs().mean().item() for x in (scene, scene.flip(-1))))
    assert len(apart) == 12 and min(apart) < 0.1 and max(apart) > 0.3  # as it is, coded; and another
