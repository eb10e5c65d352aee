"""Which videos and photographs of a folder to train on and which to validate on.

UCF-101's official lists (`trainlist01.txt`, `testlist01.txt`, in the folder, in the one above, or in either's
`ucfTrainTestlist/`) are followed where they exist; otherwise whole groups of videos (`v_CLASS_gNN_cMM`: one group is a
scene) are held out, so that no scene is on both sides.
"""

import random
import re
from pathlib import Path

from restore.errors import DataError
from restore.video.files import IMAGE_EXTENSIONS, extensions, is_image, is_video


def split(
    data_dir: str | Path, *, use_first_100: bool = False, share: float = 0.1, seed: int = 0
) -> tuple[list[Path], list[Path]]:
    """The training and the validation videos and photographs under `data_dir`, each sorted.

    Args:
        use_first_100: only the first 100 videos in the order of their names, before anything is held out.
        share: of the scenes, held out where there are no official lists; at least one scene; a single scene is on both
            sides.

    Raises:
        DataError: the folder does not exist, holds neither videos nor photographs, or too few scenes to hold out the
            share.
    """
    root = Path(data_dir)
    if not root.is_dir():
        raise DataError(f"no such folder of training videos; give UCF-101's or any folder of videos: {root}")
    videos = sorted(path for path in root.rglob("*") if is_video(path) or is_image(path))
    if not videos:
        raise DataError(
            f"neither videos ({extensions()}) nor photographs ({extensions(IMAGE_EXTENSIONS)}) in the folder or below "
            f"it; give another folder: {root}"
        )
    if use_first_100:
        videos = videos[:100]

    listed = _official(root)
    train = [video for video in videos if listed.get(video.name) == "train"]
    validation = [video for video in videos if listed.get(video.name) == "test"]
    if train and validation:
        return train, validation

    groups = sorted({_group(video) for video in videos})
    if len(groups) == 1:  # nothing to hold out: what it learns can only be checked on itself
        return videos, videos
    count = max(1, round(share * len(groups)))
    if count == len(groups):
        raise DataError(
            f"validation_share is {share}, which leaves none of {count} scenes to train on; "
            f"give at most {(count - 1) / count:.3g}: {root}"
        )
    held_out = set(random.Random(seed).sample(groups, count))
    return [v for v in videos if _group(v) not in held_out], [v for v in videos if _group(v) in held_out]


def _group(video: Path) -> str:
    """The scene a video is cut from: its name without the trailing clip number."""
    return f"{video.parent.name}/{re.sub(r'_c[0-9]+$', '', video.stem)}"


def _official(root: Path) -> dict[str, str]:
    """File name => `train` or `test`, from UCF-101's first official split; empty where there are no lists."""
    for folder in (root, root / "ucfTrainTestlist", root.parent, root.parent / "ucfTrainTestlist"):
        lists = {side: folder / f"{side}list01.txt" for side in ("train", "test")}
        if all(path.is_file() for path in lists.values()):
            return {
                Path(line.split()[0]).name: side
                for side, path in lists.items()
                for line in path.read_text().splitlines()
                if line.strip()
            }
    return {}
