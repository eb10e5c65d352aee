"""Which container the output gets, of inputs whose own cannot be written."""

from pathlib import Path

import pytest

from restore.video.files import output_path


@pytest.mark.parametrize("name", ["a.wmv", "00001.MTS", "a.ts", "a.dav", "a.vob", "a.flv", "a.3gp", "a.mxf", "a"])
def test_matroska_where_the_own_cannot_be_written(name: str) -> None:
    assert output_path(Path(name), "out") == Path("out") / f"{Path(name).stem}_restored.mkv"
    assert output_path(Path(name), "out", container="mp4").suffix == ".mp4"


def test_the_own_or_the_one_that_is_chosen() -> None:
    assert output_path(Path("a.MP4"), "out").name == "a_restored.MP4"
    assert output_path(Path("a.mp4"), "out", container="webm").name == "a_restored.webm"
