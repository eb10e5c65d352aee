"""Files of weights that state more than they hold, or whose damage PyTorch does not notice."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from restore.errors import WeightsError
from restore.models.archive import LONGEST_NUMBER
from restore.models.finder import OcclusionFinder
from restore.models.weights import FORMAT, load_models, load_whole, save_models, save_whole

TINY: dict[str, Any] = {"widths": [8, 8], "blocks": [1, 1], "decoder_blocks": [1]}
FIT = "the finder's weights do not fit this version's model ("


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_models(tmp_path / "finder.pth", {"finder": (OcclusionFinder(**TINY), TINY)})
    return tmp_path / "finder.pth"


def message(path: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        load_models(path, ("finder",))
    text = str(caught.value)
    assert "\n" not in text and text.endswith(f": {path}")
    return text


def changed(path: Path, **entry: Any) -> Path:
    content = load_whole(path)
    content["finder"] |= entry
    save_whole(path, content)
    return path


def test_numbers_that_are_damaged(saved: Path) -> None:
    content = bytearray(saved.read_bytes())
    with zipfile.ZipFile(saved) as archive:
        largest = max(archive.infolist(), key=lambda member: member.file_size)
    content[largest.header_offset + 200] ^= 0x40
    saved.write_bytes(content)
    assert message(saved) == (
        f"the weights file is damaged (in {largest.filename}); copy or download it again: {saved}"
    )


def test_an_archive_that_is_inflated(saved: Path, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.pth"
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as new:
        largest = max(old.infolist(), key=lambda member: member.file_size)
        for member in old.infolist():
            data = old.read(member) if member is not largest else bytes(20_000_000)
            new.writestr(member.filename, data)
    assert bomb.stat().st_size < 2_000_000
    assert message(bomb).startswith(
        "states "
    ) and "expected what torch.save writes, which is not compressed" in message(bomb)


def test_a_tensor_of_a_million_million_numbers(saved: Path) -> None:
    weights = load_whole(saved)["finder"]["weights"]
    one = next(iter(weights))
    endless = torch.zeros(1).expand(10**6, 10**6)  # one number, which it has again and again
    text = message(changed(saved, weights=weights | {one: endless}))
    assert text.startswith(f"{FIT}its tensors state 4000000") and f"and the file has {saved.stat().st_size})" in text


@pytest.mark.parametrize(
    ("kwargs", "reason"),
    [
        ({"widths": [8, 10**9]}, f"widths has a number above {LONGEST_NUMBER}"),
        ({"widths": [8, float("nan")]}, f"widths has a number above {LONGEST_NUMBER}"),
        ({"blocks": [1] * 100}, "blocks is no number, text or short list of them"),
        ({"blocks": {"a": 1}}, "blocks is no number, text or short list of them"),
        ({"widths": [4096, 4096]}, "is (8, "),  # of this many channels no memory is taken
    ],
)
def test_a_model_that_would_be_large(saved: Path, kwargs: dict[str, Any], reason: str) -> None:
    text = message(changed(saved, kwargs=TINY | kwargs))
    assert text.startswith(FIT) and reason in text


def test_keys_that_are_no_texts(tmp_path: Path) -> None:
    nested: Any = ()
    for _ in range(60):
        nested = nested, nested  # few bytes in the file; written out, more than any memory
    path = tmp_path / "finder.pth"
    save_whole(path, {"format": FORMAT, 3: 1, "more": 2})
    assert message(path).startswith("holds more, expected finder; ")
    torch.save({"other": nested, 3: 1}, path)
    assert "found keys 3, other" in message(path)
