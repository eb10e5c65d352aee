"""The package, installed: away from the checkout it has its weights, its profiles and its command."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from restore.inference.report import digests
from tests.video.make import make_video

ROOT = Path(__file__).parents[1]
SOURCES = "pyproject.toml", "README.md", "LICENSE", "restore", "configs", "saved_models"


def call(*command: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [str(word) for word in command], cwd=cwd, env=environment, capture_output=True, text=True, timeout=300
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built without a network from a copy of the tree, as the build leaves its files in it."""
    tree, out = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("wheel")
    for source in [*map(ROOT.joinpath, SOURCES), *ROOT.glob("requirements*.txt")]:
        if source.is_dir():
            shutil.copytree(source, tree / source.name, ignore=shutil.ignore_patterns("__pycache__", ".ncnn"))
        else:
            shutil.copy(source, tree)
    (tree / "saved_models/.ncnn").mkdir()
    (tree / "saved_models/.ncnn/exported.bin").touch()
    (tree / "saved_models/discriminator.pth").touch()
    pip = sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"
    built = call(*pip, "wheel", "--no-build-isolation", "--no-deps", "--no-index", "--wheel-dir", out, tree, cwd=out)
    assert built.returncode == 0, built.stderr
    (path,) = out.iterdir()
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The console command in an environment of its own, which finds what it depends on in the one of the tests."""
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment, with_pip=False)
    paths = {"base": str(environment), "platbase": str(environment)}
    packages = Path(sysconfig.get_path("purelib", "venv", paths))
    (packages / "of_the_tests.pth").write_text(sysconfig.get_path("purelib"))
    scripts = Path(sysconfig.get_path("scripts", "venv", paths))
    pip = sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", scripts / "python"
    done = call(*pip, "install", "--no-deps", "--no-index", "--no-compile", wheel, cwd=environment)
    assert done.returncode == 0, done.stderr
    return scripts / "restore-video"


def test_the_wheel_holds_all_that_is_needed_and_nothing_else(wheel: Path) -> None:
    shipped = [*(ROOT / "restore").rglob("*.py"), ROOT / "restore/py.typed", ROOT / "restore/inference/report.html"]
    shipped += (ROOT / "restore/page/static").iterdir()
    wanted = {path.relative_to(ROOT).as_posix() for path in shipped}
    wanted |= {f"restore/configs/{path.name}" for path in (ROOT / "configs").glob("*.yaml")}
    wanted |= {
        f"restore/{path.relative_to(ROOT).as_posix()}"
        for path in (ROOT / "saved_models").rglob("*")
        if path.is_file() and ".ncnn" not in path.parts and path.name != "discriminator.pth"
    }
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        assert {name for name in names if ".dist-info/" not in name} == wanted
        (metadata,) = (message_from_bytes(archive.read(name)) for name in names if name.endswith("/METADATA"))
    text = str(metadata.get_payload())
    assert text.strip() == (ROOT / "README.md").read_text(encoding="utf-8").strip()
    assert metadata.get_all("Provides-Extra") == ["cluster", "fast", "page", "prompt"]
    required = metadata.get_all("Requires-Dist") or []
    assert any(line.startswith("torch") and "extra" not in line for line in required)
    assert any(line.startswith("ncnn") and line.endswith('extra == "fast"') for line in required)
    assert any(line.startswith("ray") and line.endswith('extra == "cluster"') for line in required)
    assert any(line.startswith("transformers") and line.endswith('extra == "prompt"') for line in required)
    assert any(line.startswith("starlette") and line.endswith('extra == "page"') for line in required)
    assert len(metadata.get_all("License-File") or []) == 3


def test_a_clip_is_restored_away_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    make_video(tmp_path / "clip.mp4", range(3))
    flags = "--degraded_video", "clip.mp4", "--device", "cpu", "--engine", "torch"
    done = call(installed, "restore", *flags, cwd=tmp_path)
    assert done.stderr == "" and done.returncode == 0
    assert done.stdout.startswith("restored_videos/clip_restored.mp4: 3 frames, ")
    report = json.loads((tmp_path / "restored_videos/clip_restored.json").read_text())
    assert report["weights"] == "saved_models/generator.pth"
    assert report["sha256"]["segmenter"] == digests(file=ROOT / "saved_models/segmenter.pth")["file"]


def test_a_shipped_profile_is_found_away_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    done = call(installed, "train", "--config", "configs/gated.yaml", "--data_dir", "V", "--dry_run", cwd=tmp_path)
    assert done.returncode == 0 and "architecture: gated\n" in done.stdout
    done = call(installed, "train", "--config", "configs/no.yaml", "--data_dir", "V", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("restore-video train: cannot read the profile") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["restore", "train", "degrade"])
def test_every_command_says_how_it_is_called(installed: Path, tmp_path: Path, command: str) -> None:
    done = call(installed, command, "--help", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.startswith(f"usage: restore-video {command} ")
    assert command in call(installed, "--help", cwd=tmp_path).stdout
