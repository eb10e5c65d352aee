"""What a run notes of what it has done, and what another makes of it."""

import errno
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from restore.errors import VideoError
from restore.inference.identity import identity
from restore.inference.journal import Journal, forget, is_claimed, journal_folder
from restore.inference.worker import is_locked
from restore.models.noise_network import NoiseNetwork
from restore.pipeline import Restorer
from restore.propagation.background import Background
from restore.propagation.memory import Memory
from restore.propagation.state import State
from restore.video.coded import Coded
from tests.inference.command import left_in

ITSELF = {"input": "ab" * 32, "strength": 1.0, "torch": "2.11"}


def state(number: int) -> State:
    memory = Memory(np.full((2, 3, 3), number / 3, np.float32), *(np.ones((2, 3), np.float32),) * 2)
    return State(memory, Background.empty(2, 3), np.eye(3), number)


def note(output: Path, segments: int, **identity: Any) -> None:
    """A run that was interrupted behind so many segments, of 10 frames each."""
    with Journal(output) as journal:
        files = journal.files("output")
        assert journal.last(lambda: ITSELF | identity)[0] is None
        for number in range(1, segments + 1):
            files.add(Coded(b"picture", number, None, 1, True))
            journal.add(
                lambda: ITSELF | identity,
                frames=10 * number,
                begin=number,
                segments={"output": {"coded": files.end_segment()}},
                state=state(number) if number % 2 else None,
                totals={"sum": number / 3, "nan": float("nan")},
            )
        files.add(Coded(b"more", 9, 9, 1, False))


def test_what_is_noted_is_read(tmp_path: Path) -> None:
    note(tmp_path / "clip.mp4", 3)
    assert left_in(tmp_path) == [".clip.restoring"]
    with Journal(tmp_path / "clip.mp4") as journal:
        files = journal.files("output")
        done, line = journal.last(lambda: ITSELF)
        assert done and line is None and files.number == 4
        assert (done.frames, done.begin, done.totals["sum"]) == (30, 3, 1.0)
        assert [segment["coded"]["pictures"] for segment in done.segments["output"]] == [
            [[7, number, None, 1, True]] for number in (1, 2, 3)
        ]
        assert done.state and done.state.first == 3 and done.state.memory.velocity is None
        assert np.array_equal(done.state.memory.colour, state(3).memory.colour)
        # Of the states the last two remain, and nothing that was being written.
        assert sorted(path.name for path in journal.folder.glob("*.npz")) == ["00002.state.npz", "00003.state.npz"]
        assert not list(journal.folder.glob("*.part"))
        journal.finish()
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"strength": 0.5}, "strength was 1.0 and is 0.5"),
        ({"input": "cd" * 32}, "the input has changed"),
        ({"torch": "2.12", "strength": 0.1}, "strength was 1.0 and is 0.1; torch was 2.11 and is 2.12"),
        ({"segmenter": "12"}, "segmenter was None and is 12"),
    ],
)
def test_another_restoration(tmp_path: Path, changed: dict[str, Any], line: str) -> None:
    output = tmp_path / "clip.mp4"
    note(output, 2)
    with Journal(output) as journal:
        journal.files("output")
        assert journal.last(lambda: ITSELF | changed) == (None, line)
    # What was done is kept until the other one has done something.
    with Journal(output) as journal:
        files = journal.files("output")
        journal.last(lambda: ITSELF | changed)
        files.add(Coded(b"other", 1, 1, 1, True))
        segments = {"output": {"coded": files.end_segment()}}
        assert len(list(journal.folder.glob("*.json"))) == 2
        journal.add(lambda: ITSELF, frames=5, begin=0, segments=segments, state=None, totals={})
        names = sorted(path.name for path in journal.folder.iterdir())
        assert names == ["00001.json", "00001.output.coded", "00001.state.npz", "lock"]


def test_a_damaged_state_is_passed_over(tmp_path: Path) -> None:
    output = tmp_path / "clip.mp4"
    note(output, 3)
    (journal_folder(output) / "00003.state.npz").write_bytes(b"PK")
    with Journal(output) as journal:
        journal.files("output")
        done, line = journal.last(lambda: ITSELF)
        assert done and done.frames == 20 and done.state is None
        assert line == "1 segment is damaged and made again"
    (journal_folder(output) / "00002.state.npz").unlink()
    with Journal(output) as journal:
        journal.files("output")
        assert journal.last(lambda: ITSELF) == (None, "3 segments are damaged and made again")


def test_anew(tmp_path: Path) -> None:
    note(tmp_path / "clip.mp4", 2)
    with Journal(tmp_path / "clip.mp4", anew=True) as journal:
        journal.files("output")
        assert journal.last(lambda: ITSELF) == (None, None)
        assert [path.name for path in journal.folder.iterdir()] == ["lock"]
    assert left_in(tmp_path) == []


def test_a_run_that_has_done_nothing_leaves_nothing(tmp_path: Path) -> None:
    with Journal(tmp_path / "clip.mp4") as journal:
        journal.files("output").add(Coded(b"picture", 0, 0, 1, True))
    assert left_in(tmp_path) == []


def test_one_at_a_time(tmp_path: Path) -> None:
    output = tmp_path / "clip.mp4"
    expected = f"another process is restoring to this file; wait until it has finished: {output}"
    assert not is_locked(output)
    with Journal(output):
        assert is_locked(output)
        with pytest.raises(VideoError, match=f"^{expected}$"):
            Journal(output)
    assert not is_locked(output)
    with pytest.raises(VideoError, match=r"no such folder to write to: .*; create it first: "):
        Journal(tmp_path / "nowhere" / "clip.mp4")


def test_storage_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def without(*_: object) -> None:  # as Lustre answers that is mounted without them
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", without)
    with pytest.raises(
        VideoError, match=r"^the storage cannot lock a file \(Function not implemented\); mount it with"
    ):
        Journal(tmp_path / "clip.mp4")
    assert not is_locked(tmp_path / "clip.mp4")


def test_what_is_claimed(tmp_path: Path) -> None:
    output = tmp_path / "clip.mp4"
    note(output, 1)
    assert not is_claimed(output)
    with Journal(output) as journal:
        journal.claim()
    assert is_claimed(output)
    forget(output)
    assert not is_claimed(output) and left_in(tmp_path) == []


def test_identity(tmp_path: Path, tiny_weights: Path) -> None:
    restorer = Restorer.from_pretrained(tiny_weights, device="cpu", precision="float32", engine="torch")
    video = tmp_path / "clip.mp4"
    video.write_bytes(b"some")

    def computed(**asked: Any) -> dict[str, Any]:
        settings = {"strength": 1.0, "settings": {"quality": None}} | asked
        files: dict[str, str | Path | None] = {"input": video, "mask": None}
        return identity(restorer, settings, None, files=files, side_files=[Path("a/mask.mkv")], lpips=False)

    def changed(one: dict[str, Any], other: dict[str, Any]) -> set[str]:
        assert one.keys() == other.keys()
        return {name for name in one if one[name] != other[name]}

    first = computed()
    assert len(first["input"]) == len(first["weights"]) == 64 and first["side files"] == "mask.mkv"
    assert computed() == first and changed(first, computed(settings={"quality": 3})) == {"quality"}
    with torch.no_grad():
        next(iter(restorer.finder.parameters())).mul_(1.001)
    video.write_bytes(b"same")
    assert changed(first, computed()) == {"input", "finder"}
    restorer.noise = NoiseNetwork()
    assert changed(first, computed()) == {"input", "finder", "noise"}
