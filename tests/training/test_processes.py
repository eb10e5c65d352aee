import os
import subprocess
import sys
from pathlib import Path

from restore.models.weights import load_models
from tests.training.tiny import content, flags, write_videos

ROOT = Path(__file__).parents[2]


def test_two_processes_share_one_training(tmp_path: Path) -> None:
    videos = write_videos(tmp_path / "videos", count=4)  # one is held out: three to train on
    # `accelerate launch --cpu` starts a single process, whatever --num_processes is (1.15); torchrun starts two.
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "train.py"]
    done = subprocess.run(
        [*launch, *flags(videos, tmp_path)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    # Three videos by two processes are two steps an epoch, not three.
    assert content(tmp_path / "run/generator.checkpoint")["step"] == 3 * 2
    # Printed once, not by each process.
    assert done.stdout.count("3 videos to train on, 1 held out; checkpoints and logs in") == 1
    load_models(tmp_path / "out/generator.pth", ("generator", "finder"))
    load_models(tmp_path / "out/discriminator.pth", ("discriminator",))
    assert len(list((tmp_path / "run/logs").iterdir())) == 1
