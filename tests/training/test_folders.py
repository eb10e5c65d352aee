import re
from pathlib import Path

import pytest

from restore.errors import DataError
from restore.training.folders import split


def fill(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def ucf(root: Path, groups: int = 10, clips: int = 4) -> Path:
    names = [
        f"{c}/v_{c}_g{g:02}_c{n:02}.avi"
        for c in ("Archery", "Diving")
        for g in range(groups)
        for n in range(1, clips + 1)
    ]
    return fill(root / "UCF-101", *names)


def groups(videos: list[Path]) -> set[str]:
    return {re.sub(r"_c\d+$", "", video.stem) for video in videos}


def lists(folder: Path, train: str, test: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "trainlist01.txt").write_text(train)
    (folder / "testlist01.txt").write_text(test)


def test_groups_are_never_on_both_sides(tmp_path: Path) -> None:
    root = ucf(tmp_path)
    train, validation = split(root)
    assert train and validation and not groups(train) & groups(validation)
    assert sorted(train + validation) == sorted(root.rglob("*.avi"))
    assert train == sorted(train) and validation == sorted(validation)
    assert len(groups(validation)) == 2  # a tenth of 20


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.95])
def test_the_share_is_of_the_scenes_and_at_least_one(tmp_path: Path, share: float) -> None:
    _, validation = split(ucf(tmp_path), share=share)
    assert len(groups(validation)) == max(1, round(20 * share))


def test_the_seed_decides(tmp_path: Path) -> None:
    root = ucf(tmp_path)
    assert split(root, seed=1) == split(root, seed=1)
    assert len({tuple(split(root, seed=seed)[1]) for seed in range(5)}) > 1


def test_clips_of_one_group_in_two_classes_are_two_scenes(tmp_path: Path) -> None:
    root = fill(tmp_path, "A/v_g01_c01.avi", "B/v_g01_c01.avi")
    train, validation = split(root)
    assert len(train) == len(validation) == 1


def test_a_single_group_is_on_both_sides(tmp_path: Path) -> None:
    root = fill(tmp_path, "A/v_A_g01_c01.avi", "A/v_A_g01_c02.avi")
    assert split(root) == (sorted(root.rglob("*.avi")),) * 2


def test_any_folder_of_videos_and_photographs_will_do(tmp_path: Path) -> None:
    names = {"holiday.MP4", "cat.mkv", "dog.webm", "sea.jpg", "x.mov", "y.m4v"}
    root = fill(tmp_path, "notes.txt", ".hidden.jpg", *(f"deep/er/{name}" for name in names))
    train, validation = split(root)
    assert {video.name for video in train + validation} == names
    assert not set(train) & set(validation)


def test_the_first_100_by_name(tmp_path: Path) -> None:
    root = fill(tmp_path, *(f"A/v_A_g{n:03}_c01.avi" for n in range(130)), "B/v_B_g01_c01.avi")
    train, validation = split(root, use_first_100=True)
    assert sorted(train + validation) == sorted(root.rglob("*.avi"))[:100]
    assert len(validation) == 10


@pytest.mark.parametrize("place", [".", "ucfTrainTestlist", "..", "../ucfTrainTestlist"])
def test_the_official_lists_are_followed(tmp_path: Path, place: str) -> None:
    root = ucf(tmp_path, groups=3, clips=1)
    lists(
        root / place,
        "Archery/v_Archery_g01_c01.avi 1\nArchery/v_Archery_g02_c01.avi 1\nDiving/v_Diving_g02_c01.avi 2\n\n",
        "Archery/v_Archery_g00_c01.avi\nDiving/v_Diving_g00_c01.avi\nDiving/v_Diving_g01_c01.avi\n",
    )
    train, validation = split(root)
    assert [video.stem for video in train] == ["v_Archery_g01_c01", "v_Archery_g02_c01", "v_Diving_g02_c01"]
    assert [video.stem for video in validation] == ["v_Archery_g00_c01", "v_Diving_g00_c01", "v_Diving_g01_c01"]


def test_official_lists_and_the_first_100(tmp_path: Path) -> None:
    root = ucf(tmp_path, groups=25, clips=4)  # 100 of Archery come first
    names = sorted(video.name for video in root.rglob("*.avi"))
    test = [name for name in names if re.search("_g0[0-6]_", name)]
    lists(root, "".join(f"A/{n} 1\n" for n in names if n not in test), "".join(f"A/{n}\n" for n in test))
    train, validation = split(root, use_first_100=True)
    assert len(validation) == 28 and len(train) == 72
    assert all("Archery" in video.name for video in train + validation)


def test_lists_of_other_videos_are_not_followed(tmp_path: Path) -> None:
    root = fill(tmp_path, "a.avi", "b.avi", "c.avi")
    lists(root, "Archery/v_Archery_g01_c01.avi 1\n", "Archery/v_Archery_g02_c01.avi\n")
    train, validation = split(root)
    assert len(train) == 2 and len(validation) == 1


def test_one_list_alone_is_no_split(tmp_path: Path) -> None:
    root = ucf(tmp_path, groups=3, clips=1)
    (root / "trainlist01.txt").write_text("Archery/v_Archery_g01_c01.avi 1\n")
    train, validation = split(root)
    assert len(train) + len(validation) == 6


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        split(tmp_path / "UCF-101")
    assert str(caught.value) == (
        f"no such folder of training videos; give UCF-101's or any folder of videos: {tmp_path / 'UCF-101'}"
    )
    fill(tmp_path, "a.avi")
    with pytest.raises(DataError, match="no such folder of training videos"):
        split(tmp_path / "a.avi")


def test_photographs_alone(tmp_path: Path) -> None:
    root = fill(tmp_path, *(f"Places/{number}.jpg" for number in range(20)))
    train, validation = split(root)
    assert len(train) == 18 and len(validation) == 2 and not set(train) & set(validation)


def test_a_folder_with_neither_videos_nor_photographs(tmp_path: Path) -> None:
    fill(tmp_path, "readme.txt", "sub/sound.mp3")
    with pytest.raises(DataError) as caught:
        split(tmp_path)
    videos, photos = ".avi, .m4v, .mkv, .mov, .mp4, .webm", ".bmp, .jpeg, .jpg, .png, .tif, .tiff, .webp"
    expected = f"neither videos ({videos}) nor photographs ({photos}) in the folder or below it"
    assert str(caught.value) == f"{expected}; give another folder: {tmp_path}"


@pytest.mark.parametrize(("scenes", "share", "most"), [(2, 0.8, "0.5"), (3, 0.9, "0.667"), (20, 0.99, "0.95")])
def test_a_share_that_leaves_nothing_to_train_on(tmp_path: Path, scenes: int, share: float, most: str) -> None:
    root = fill(tmp_path, *(f"{number:02}.avi" for number in range(scenes)))
    with pytest.raises(DataError) as caught:
        split(root, share=share)
    assert str(caught.value) == (
        f"validation_share is {share}, which leaves none of {scenes} scenes to train on; give at most {most}: {root}"
    )
    train, validation = split(root, share=float(most))
    assert len(train) == 1 and len(validation) == scenes - 1
