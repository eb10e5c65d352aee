"""The commands of README.md, run as they stand there, on tiny videos of the names that it uses."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

import inference
import restore.__main__
import train
from restore.models.scaler import Scaler
from restore.models.weights import save_models
from tests.inference.command import quarter
from tests.video.make import make_video, picture

ROOT = Path(train.__file__).parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


COMMANDS = [line for block in blocks("sh") for line in block.splitlines()]


@pytest.fixture(scope="module")
def saved_models(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path, tiny_refiner: Path) -> Path:
    """One folder for all commands: what is exported for ncnn is kept in it."""
    folder = tmp_path_factory.mktemp("saved_models")
    shutil.copy(tiny_weights, folder / "generator.pth")
    save_models(folder / "scaler.pth", {"scaler": (Scaler(width=8, blocks=1), {"width": 8, "blocks": 1})})
    shutil.copytree(tiny_refiner, folder / "refiner")
    return folder


@pytest.fixture
def place(tmp_path: Path, saved_models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with everything that the README speaks of."""
    for kind, suffix, draw in (("degraded", ".avi", picture), ("original", ".avi", picture), ("mask", ".mkv", quarter)):
        make_video(tmp_path / f"{kind}{suffix}", range(3), draw=draw)
        (tmp_path / f"{kind}_videos").mkdir()
        make_video(tmp_path / f"{kind}_videos" / "a.mp4", range(3), draw=draw)
    (tmp_path / "saved_models").symlink_to(saved_models)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_there_are_commands() -> None:
    programs = [command.split()[0] for command in COMMANDS]
    assert set(programs) == {"make", "python", "torchrun", "tensorboard"}
    assert len(programs) > 12


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.filterwarnings("ignore:brightness was changed")
def test_commands(place: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(command)
    if words[0] == "make":
        assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
        return
    if words[0] == "tensorboard":
        assert train.main(["--data_dir", "any", "--dry_run"]) == 0
        assert f"run_dir: {words[2]}\n" in capsys.readouterr().out
        return
    if words[0] == "torchrun":  # tests/inference and tests/training really launch several processes
        words = words[2:]
    arguments = words[2:]
    if words[1] == "train.py":
        if "--config" in words and not (ROOT / words[words.index("--config") + 1]).exists():
            pytest.skip("the profile is not there yet")
        assert train.main([*arguments, "--dry_run"]) == 0
    elif words[1] == "inference.py":
        for written in ("restored_videos/degraded_mask.mkv", "restored_videos/degraded_suspects.mkv"):
            if written in arguments:  # the command before wrote it
                (place / "restored_videos").mkdir()
                shutil.copy(place / "mask.mkv", place / written)
        weights = [] if "--weights_path" in arguments else ["--weights_path", "saved_models/generator.pth"]
        assert inference.main([*arguments, *weights, "--device", "cpu"]) == 0
        assert list((place / "restored_videos").glob("*_restored.json"))
    else:
        assert words[1:3] == ["-m", "restore"]
        assert restore.__main__.main(words[3:]) == 0
        if words[3] == "score":
            assert "psnr_hole" in capsys.readouterr().out
            return
        assert (place / "bad.avi").exists() and (place / "bad_mask.mkv").exists()


def test_the_python_example(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = blocks("python")
    exec(compile(example, "README.md", "exec"), {})
    assert float(capsys.readouterr().out) > 0
    assert (place / "restored.avi").exists() and (place / "restored.json").exists()


def test_what_it_links_to_is_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if not link.startswith("https://") and not (ROOT / link).exists()] == []
