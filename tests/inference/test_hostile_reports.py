"""Reports, journals and summaries that were damaged, or made to mislead: noticed, in one line, and not followed."""

import json
from pathlib import Path
from typing import Any

import pytest

from restore.__main__ import main
from restore.errors import ConfigError
from restore.inference.files import restore_file
from restore.inference.journal import Journal, journal_folder
from restore.inference.report import is_result, read_report, read_reports, seal
from restore.inference.verify import verify
from restore.pipeline import Restorer
from tests.inference.command import left_in
from tests.video.make import make_video, noise

DEEP = "[" * 100_000 + "]" * 100_000  # more than Python's parser follows
NO_REPORT = "not a report of this version, which inference.py writes as STEM_restored.json: "


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """Of a real run."""
    video = make_video(tmp_path / "clip.mkv", range(3))
    restorer = Restorer.from_pretrained(generator=False, finder=False)
    restore_file(restorer, video, tmp_path / "clip_restored.mkv", mask_mode="none")
    return tmp_path / "clip_restored.json"


def changed(path: Path, **fields: Any) -> Path:
    """A report that says something else, and has the seal of what it says."""
    said = json.loads(path.read_text()) | fields
    path.write_text(json.dumps(said | {"seal": seal(said)}))
    return path


def refused(path: Path, *, again: bool = False) -> str:
    with pytest.raises(ConfigError) as caught:
        list(verify(path, again=again))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_reports_that_name_each_other_without_end(report: Path) -> None:
    output = report.with_suffix(".mkv")
    changed(report, next_part=1)
    second = report.with_name("clip_restored.part2.json")
    second.write_text(report.read_text())
    changed(second, output="clip_restored.part2.mkv", next_part=1)
    assert len(read_reports(output)) == 2
    changed(report, next_part=10**9)
    assert len(read_reports(output)) == 1
    changed(report, next_part="2")
    assert read_reports(output) == [{}]


@pytest.mark.parametrize("text", [DEEP, "[1, 2]", "{", '{"output": 3}', '{"output": "clip_restored.mkv", "part": []}'])
def test_what_is_no_report(report: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    report.write_text(text)
    assert read_report(report.with_suffix(".mkv")) is None and not is_result(report.with_suffix(".mkv"))
    assert refused(report) == f"{NO_REPORT}{report}"
    assert main(["verify", str(report)]) == 2
    assert capsys.readouterr().err == f"restore: {NO_REPORT}{report}\n"


@pytest.mark.parametrize(
    "fields",
    [
        {"sha256": []},
        {"sha256": {"side_files": 3}},
        {"side_files": ["../../other.mkv"]},
        {"side_files": None},
        {"output": "../clip_restored.mkv"},
        {"output": "/tmp/clip_restored.mkv"},
        {"scores": 3},
        {"weights": 3},
    ],
)
def test_fields_of_another_kind(report: Path, fields: dict[str, Any]) -> None:
    assert refused(changed(report, **fields)) == f"{NO_REPORT}{report}"


def test_a_device_in_the_place_of_an_input(report: Path) -> None:
    lines = dict(verify(changed(report, input="/dev/zero")))  # reading it would not end
    assert lines["input is missing, or cannot be read: /dev/zero"] is False


def test_settings_that_would_write_elsewhere(report: Path, tmp_path: Path) -> None:
    settings = json.loads(report.read_text())["settings"]
    changed(report, settings=settings | {"write_mask": str(tmp_path / "stray.mkv")})
    assert refused(report, again=True).startswith("its settings are none of a restoration (")
    assert not (tmp_path / "stray.mkv").exists()
    changed(report, settings=settings, strength=7)
    assert refused(report, again=True).startswith("what this report tells cannot be done again (strength is 7, ")


@pytest.mark.parametrize("damage", ["deep", "other", "no segments", "a folder", "bits"])
def test_a_journal_that_is_damaged_is_noticed(tmp_path: Path, damage: str) -> None:
    restorer = Restorer.from_pretrained(generator=False, finder=False)
    video, output = make_video(tmp_path / "clip.mkv", range(24), draw=noise), tmp_path / "out.mkv"
    whole = tmp_path / "whole.mkv"
    restore_file(restorer, video, whole, mask_mode="none", segment=8)

    class Stopped(Exception):
        pass

    def stop(_: int) -> None:
        if len(list(journal_folder(output).glob("*.json"))) == 2:
            raise Stopped

    with pytest.raises(Stopped):
        restore_file(restorer, video, output, mask_mode="none", segment=8, progress=stop)
    first = journal_folder(output) / "00001.json"
    entry = json.loads(first.read_text())
    if damage == "deep":
        first.write_text(DEEP)
    elif damage == "other":
        first.write_text(json.dumps({"seal": seal({})}))
    elif damage == "no segments":
        said = entry | {"segments": {"output": {}}}
        first.write_text(json.dumps(said | {"seal": seal(said)}))
    elif damage == "a folder":
        first.unlink()
        first.mkdir()
    else:
        first.write_bytes(first.read_bytes().replace(b"frames", b"fr\0mes", 1))
    line = "of what was done before, what was done is damaged, so that it is restored from the start: "
    with pytest.warns(UserWarning, match=f"^{line}{video}$"):
        restore_file(restorer, video, output, mask_mode="none", segment=8)
    assert output.read_bytes() == whole.read_bytes() and left_in(tmp_path) == [
        "clip.mkv", "out.json", "out.mkv", "whole.json", "whole.mkv"
    ]  # fmt: skip


def test_a_folder_inside_a_journal(tmp_path: Path) -> None:
    (journal_folder(tmp_path / "out.mkv") / "folder" / "in").mkdir(parents=True)
    with Journal(tmp_path / "out.mkv") as journal:
        assert left_in(journal.folder) == ["lock"]
    assert left_in(tmp_path) == []
