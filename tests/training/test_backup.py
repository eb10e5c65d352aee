from pathlib import Path

import pytest

from restore.training.backup import back_up


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    """Where the weights go, and the folder of the run."""
    for name in ("out", "run"):
        (tmp_path / name).mkdir()
    return tmp_path / "out" / "generator.pth", tmp_path / "run"


def test_weights_of_another_run_are_moved(places: tuple[Path, Path], caplog: pytest.LogCaptureFixture) -> None:
    path, run = places
    path.write_text("shipped")
    with caplog.at_level("INFO"):
        back_up(path, run)
    backup = path.with_name("generator.backup.pth")
    assert not path.exists() and backup.read_text() == "shipped"
    assert caplog.messages == [f"the weights that were here are now {backup}"]


def test_a_runs_own_weights_stay(places: tuple[Path, Path], caplog: pytest.LogCaptureFixture) -> None:
    path, run = places
    for _ in range(3):
        with caplog.at_level("INFO"):
            back_up(path, run)
        path.write_text("mine")
    assert [p.name for p in path.parent.iterdir()] == ["generator.pth"] and not caplog.messages


def test_no_backup_is_lost(places: tuple[Path, Path], tmp_path: Path) -> None:
    path, _ = places
    for number in range(1, 4):
        run = tmp_path / f"run{number}"
        run.mkdir()
        path.write_text(f"of run {number - 1}")
        back_up(path, run)
    found = {p.name: p.read_text() for p in path.parent.iterdir()}
    assert found == {
        "generator.backup.pth": "of run 0",
        "generator.backup-2.pth": "of run 1",
        "generator.backup-3.pth": "of run 2",
    }


def test_generator_and_discriminator_are_backed_up_apart(places: tuple[Path, Path]) -> None:
    path, run = places
    other = path.with_name("discriminator.pth")
    path.write_text("g")
    back_up(path, run)
    other.write_text("d")
    back_up(other, run)
    assert other.with_name("discriminator.backup.pth").read_text() == "d"


def test_a_run_that_goes_on_into_another_folder_backs_up_what_is_there(
    places: tuple[Path, Path], tmp_path: Path
) -> None:
    path, run = places
    back_up(path, run)
    path.write_text("mine")
    elsewhere = tmp_path / "elsewhere" / "generator.pth"
    elsewhere.parent.mkdir()
    elsewhere.write_text("shipped")
    back_up(elsewhere, run)
    assert elsewhere.with_name("generator.backup.pth").read_text() == "shipped" and path.read_text() == "mine"
