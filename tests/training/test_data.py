import logging
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from restore.errors import DataError
from restore.training.data import CleanWindows, batches, collate, epoch_order, readable, steps_per_epoch
from restore.training.photos import read_photo
from tests.propagation.footage import texture
from tests.training.tiny import same, write_video, write_videos


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return sorted(write_videos(tmp_path_factory.mktemp("videos"), count=5).rglob("*.avi"))


def windows(
    videos: list[Path], *, frames: int = 4, crop: tuple[int, int] = (32, 36), per_video: int = 2, seed: int = 0
) -> CleanWindows:
    return CleanWindows(videos, frames=frames, crop=crop, per_video=per_video, seed=seed)


def counting(path: Path, frames: int, size: tuple[int, int] = (40, 48)) -> Path:
    """A video whose frame number t is one grey, 20 + 5 t."""
    return write_video(path, np.stack([np.full((*size, 3), 20 + 5 * t, np.uint8) for t in range(frames)]))


def frame_numbers(clips: Tensor) -> Tensor:
    """Of clips `K T 3 H W` from a counting video: `K T`."""
    return ((clips.float().mean((2, 3, 4)) - 20) / 5).round().int()


def keys(dataset: CleanWindows, *, epochs: int = 2, batch: int = 2, **settings: int) -> list[list[tuple[int, int]]]:
    """What `batches` would read, batch by batch: (epoch, video)."""
    return list(batches(dataset, collate, epochs=epochs, batch=batch, workers=0, **settings).batch_sampler)  # type: ignore[arg-type]


def test_an_item(videos: list[Path]) -> None:
    item = windows(videos)[0, 0]
    assert item["clips"].shape == (2, 4, 3, 32, 36) and item["clips"].dtype == torch.uint8
    assert item["offsets"].shape == item["frame_size"].shape == (2, 2)
    assert item["frame_size"].tolist() == [[40, 48]] * 2
    assert (item["offsets"] >= 0).all() and (item["offsets"] <= torch.tensor([40 - 32, 48 - 36])).all()


def test_an_item_depends_on_seed_epoch_and_index_alone(videos: list[Path]) -> None:
    dataset = windows(videos)
    wanted = dataset[1, 2]
    torch.manual_seed(99)
    np.random.seed(99)
    for index in (0, 3, 2):
        dataset[0, index]
    assert same(dataset[1, 2], wanted) and same(windows(videos)[1, 2], wanted)
    for other in (dataset[0, 2], dataset[1, 3], windows(videos, seed=1)[1, 2]):
        assert not torch.equal(other["clips"], wanted["clips"])


def test_the_number_of_workers_changes_nothing(videos: list[Path]) -> None:
    alone, parallel = (
        list(batches(windows(videos), collate, epochs=1, batch=2, workers=workers)) for workers in (0, 2)
    )
    assert len(alone) == 3 and same(alone, parallel)


def test_windows_are_consecutive_frames_of_one_stretch(tmp_path: Path) -> None:
    dataset = windows([counting(tmp_path / "long.avi", 40)], frames=5, per_video=4)
    seen, ways = set(), set()
    for epoch in range(24):
        numbers = frame_numbers(dataset[epoch, 0]["clips"])
        steps = numbers.diff(dim=1)
        assert ((steps == 1).all(1) | (steps == -1).all(1)).all()
        assert numbers.max() - numbers.min() < 10  # all cut from one decode of two windows' length
        seen |= set(numbers.flatten().tolist())
        ways |= set(steps.flatten().tolist())
    assert ways == {-1, 1}
    assert len(seen) > 30  # over the epochs, all of the video


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_a_short_video_is_played_forth_and_back(tmp_path: Path, frames: int) -> None:
    dataset = windows([counting(tmp_path / "short.avi", frames)], frames=6)
    forth_and_back = {1: [0] * 12, 2: [0, 1] * 6, 3: [0, 1, 2, 1] * 3}[frames]
    for epoch in range(4):
        for numbers in frame_numbers(dataset[epoch, 0]["clips"]).tolist():
            assert numbers in (forth_and_back[:6], forth_and_back[:6][::-1])


def test_crops_lie_where_their_offsets_say(tmp_path: Path) -> None:
    y, x = np.mgrid[0:60, 0:80]
    ramps = np.stack([3 * x, np.full_like(x, 128), 4 * y], -1).astype(np.uint8)
    dataset = windows([write_video(tmp_path / "ramps.avi", ramps[None].repeat(4, 0))], frames=2, per_video=8)
    item = dataset[0, 0]
    mirrored = set()
    for clip, (top, left) in zip(item["clips"].float(), item["offsets"].tolist(), strict=True):
        assert clip[0, 2, 2:-2].mean(-1)[0].item() / 4 == pytest.approx(top + 2, abs=1.5)
        columns = clip[0, 0].mean(0) / 3
        assert columns.min().item() == pytest.approx(left, abs=3)
        mirrored.add(bool(columns[0] > columns[-1]))
    assert len({tuple(offset) for offset in item["offsets"].tolist()}) > 4
    assert mirrored == {False, True}


def test_small_videos_are_scaled_up_and_keep_their_shape(tmp_path: Path) -> None:
    dataset = windows([counting(tmp_path / "small.avi", 5, (20, 30))], crop=(40, 36))
    item = dataset[0, 0]
    assert item["clips"].shape == (2, 4, 3, 40, 36)
    assert item["frame_size"].tolist() == [[40, 60]] * 2


def test_a_video_that_breaks_later_is_named_and_the_next_stands_in(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good, broken = counting(tmp_path / "good.avi", 6), tmp_path / "broken.avi"
    broken.write_bytes(b"no video")
    item = windows([good, broken])[0, 1]
    assert item["clips"].shape == (2, 4, 3, 32, 36)
    assert caplog.messages == [f"left out: cannot be read as a video ({_reason(broken)}): {broken}"]
    good.unlink()
    with pytest.raises(DataError, match=rf"none of 2 videos can be read any more, the first is {good}"):
        windows([good, broken])[0, 1]


def _reason(path: Path) -> str:
    return f"[Errno 1094995529] Invalid data found when processing input: '{path}'"


def photographs(folder: Path, count: int = 3, size: tuple[int, int] = (90, 120)) -> list[Path]:
    paths = [folder / f"{number}.png" for number in range(count)]
    folder.mkdir(exist_ok=True)
    for seed, path in enumerate(paths):
        cv2.imwrite(str(path), texture(*size, seed))
    return paths


def test_photographs_are_filmed_and_some_with_an_open_shutter(tmp_path: Path) -> None:
    dataset = windows(photographs(tmp_path), crop=(32, 36))
    open_shutter = 0
    for epoch in range(12):
        item = dataset[epoch, 1]
        assert item["clips"].shape == item["recorded"].shape == (2, 4, 3, 32, 36)
        assert (item["frame_size"] == torch.tensor([240, 320])).all()
        assert same(dataset[epoch, 1], item)
        sharp, recorded = (item[name].float() for name in ("clips", "recorded"))
        open_shutter += not torch.equal(sharp, recorded)
        # The same scene at the same place: cut, mirrored and reversed alike.
        assert (sharp - recorded).square().mean() < 0.5 * (sharp - recorded.flip(-1)).square().mean()
    assert 0 < open_shutter < 12


def test_pieces_of_each_photograph_move_in_front_of_the_others(tmp_path: Path) -> None:
    for channel, name in enumerate(("blue.png", "green.png")):
        cv2.imwrite(str(tmp_path / name), np.eye(3, dtype=np.uint8)[channel] * np.full((64, 80, 1), 255, np.uint8))
    photos = sorted(tmp_path.iterdir())
    windows = CleanWindows(photos, frames=3, crop=(32, 40), per_video=1, seed=0)
    for index, other in ((0, 1), (1, 2)):  # of RGB: before blue something green, before green something blue
        assert any(windows[epoch, index]["clips"][:, :, other].max() > 200 for epoch in range(40))


def test_videos_are_recorded_as_they_are(videos: list[Path]) -> None:
    item = windows(videos)[0, 0]
    assert torch.equal(item["recorded"], item["clips"])


def test_a_broken_photograph_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    good = photographs(tmp_path)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photograph")
    assert readable([broken, *good]) == good
    assert caplog.messages[0].startswith("left out: cannot be read as a photograph")
    assert read_photo(good[0]).shape == (90, 120, 3)


def test_a_folder_that_would_fill_an_epoch_is_capped_and_drawn_anew_each_time() -> None:
    few = [Path(f"{name}/{number}.mp4") for name in "abcdefghijkl" for number in range(3)]
    many = [Path(f"many/{number}.mp4") for number in range(100)]
    orders = [epoch_order(few + many, seed=(0, epoch)) for epoch in range(4)]
    for order in orders:
        drawn = [(few + many)[index] for index in order]
        assert len(set(drawn)) == len(drawn) and set(few) <= set(drawn)
        assert 0 < sum(path.parent.name == "many" for path in drawn) <= 0.1 * len(drawn)
    assert len({tuple(sorted(order)) for order in orders}) == 4
    assert len({len(order) for order in orders}) == 1
    dataset = windows(few + many)
    assert steps_per_epoch(dataset, batch=1) == len(orders[0]) == len(keys(dataset, epochs=1, batch=1))


def test_collate_joins_the_windows(videos: list[Path]) -> None:
    dataset = windows(videos)
    batch = collate([dataset[0, 0], dataset[0, 1]])
    assert batch["clips"].shape == (4, 4, 3, 32, 36) and batch["offsets"].shape == batch["frame_size"].shape == (4, 2)
    assert torch.equal(batch["clips"][2:], dataset[0, 1]["clips"])


@pytest.mark.parametrize("batch", [1, 2, 3, 5, 9])
def test_an_epoch_visits_every_video_once(videos: list[Path], batch: int) -> None:
    taken = keys(windows(videos), epochs=3, batch=batch)
    each = steps_per_epoch(windows(videos), batch=batch)
    assert len(taken) == 3 * each and each == -(-5 // batch)
    orders = []
    for epoch in range(3):
        of_epoch = [key for one in taken[epoch * each : (epoch + 1) * each] for key in one]
        assert sorted(of_epoch) == [(epoch, index) for index in range(5)]
        orders.append([index for _, index in of_epoch])
    assert len(set(map(tuple, orders))) > 1  # in another order


@pytest.mark.parametrize("processes", [2, 3, 7])
def test_processes_share_an_epoch_equally(videos: list[Path], processes: int) -> None:
    dataset = windows(videos)
    each = steps_per_epoch(dataset, batch=1, processes=processes)
    taken = [keys(dataset, epochs=2, batch=1, rank=rank, processes=processes) for rank in range(processes)]
    assert {len(of_rank) for of_rank in taken} == {2 * each}
    for epoch in range(2):
        of_ranks = [{tuple(one) for one in of_rank[epoch * each : (epoch + 1) * each]} for of_rank in taken]
        assert set().union(*of_ranks) == {((epoch, index),) for index in range(5)}
        # None twice, but for what fills up the last step.
        assert sum(map(len, of_ranks)) - 5 <= processes * each - 5


def test_processes_take_other_videos(videos: list[Path]) -> None:
    dataset = windows(videos[:4])
    first, second = (keys(dataset, epochs=1, batch=1, rank=rank, processes=2) for rank in (0, 1))
    assert len(first) == len(second) == 2
    assert not {key for one in first for key in one} & {key for one in second for key in one}


@pytest.mark.parametrize("first", [0, 1, 4, 6])
@pytest.mark.parametrize("processes", [1, 2])
def test_a_resumed_run_goes_on_where_it_was(videos: list[Path], first: int, processes: int) -> None:
    dataset, settings = windows(videos), {"epochs": 4, "rank": processes - 1, "processes": processes}
    assert keys(dataset, first=first, **settings) == keys(dataset, **settings)[first:]


def test_a_resumed_run_reads_what_it_would_have_read(videos: list[Path]) -> None:
    dataset = windows(videos)
    whole = list(batches(dataset, collate, epochs=2, batch=2, workers=0))
    rest = list(batches(dataset, collate, epochs=2, batch=2, first=4, workers=0))
    assert len(whole) == 6 and same(whole[4:], rest)


def test_unreadable_files_are_named_counted_and_left_out(
    videos: list[Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken, empty = tmp_path / "broken.avi", tmp_path / "empty.mp4"
    broken.write_bytes(b"no video")
    empty.touch()
    with caplog.at_level(logging.WARNING):
        assert readable([broken, *videos, empty]) == videos
    assert len(caplog.messages) == 3
    assert caplog.messages[0] == f"left out: cannot be read as a video ({_reason(broken)}): {broken}"
    assert caplog.messages[1].startswith("left out: ") and caplog.messages[1].endswith(f": {empty}")
    assert caplog.messages[2] == "2 of 7 videos are left out"


def test_readable_videos_pass_in_silence(videos: list[Path], caplog: pytest.LogCaptureFixture) -> None:
    assert readable(videos) == videos and not caplog.messages


def test_none_readable(tmp_path: Path) -> None:
    broken = tmp_path / "broken.avi"
    broken.write_bytes(b"no video")
    with pytest.raises(DataError, match=rf"^none of 1 videos can be read, the first is {broken}$"):
        readable([broken])
