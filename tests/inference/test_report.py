"""The report names files with their digests."""

from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np

from restore.inference.report import digests


def test_digests(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"video")
    (tmp_path / "masks").mkdir()
    for index in (10, 2):
        cv2.imwrite(str(tmp_path / "masks" / f"{index}.png"), np.full((4, 4), index, np.uint8))
    images = b"".join((tmp_path / "masks" / name).read_bytes() for name in ("2.png", "10.png"))
    found = digests(input=tmp_path / "a.mp4", mask=tmp_path / "masks", original=None, output=tmp_path / "gone.mp4")
    assert found == {
        "input": sha256(b"video").hexdigest(),
        "mask": sha256(images).hexdigest(),
        "original": None,
        "output": None,
    }
