"""`inference.py --report`: the page, read back as a browser does."""

import base64
import json
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from restore.__main__ import main as restore_command
from restore.errors import RestoreError
from restore.inference.files import restore_file
from restore.inference.overlay import COLOURS
from restore.inference.report import digests
from restore.pipeline import Restorer
from tests.inference.command import SUMMARY, Command, left_in, quarter
from tests.video.make import make_video
from tests.video.test_fields import make_interlaced

NAME = "<u>&lt;\"'`x"  # of a file: markup, an entity, quotes


class Page(HTMLParser):
    """What a browser makes of a page: its elements, and the text between them."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    return make_video(tmp_path / f"{NAME}_mask.mkv", range(4), draw=quarter, codec="ffv1")


@pytest.fixture
def page(run: Command, tmp_path: Path, out: Path, mask: Path) -> Path:
    video = make_video(tmp_path / f"{NAME}.mkv", range(4), codec="ffv1")
    assert run(degraded_video=video, mask_video=mask, original_video=video, report=True, engine="torch") == 0
    return out / f"{NAME}_report.html"


def test_one_file_that_fetches_nothing_and_runs_nothing(page: Path) -> None:
    read = Page(page)
    drawn = "figure figcaption img svg line text polygon polyline"
    written = "h1 h2 h3 p ul li table thead tbody tr th td bdi br span i small pre code div"
    allowed = f"html head meta title style body {written} {drawn}"
    assert {tag for tag, _ in read.elements} <= set(allowed.split())
    for _, attributes in read.elements:
        assert not any(name.startswith("on") or name in ("href", "srcset") for name in attributes)
    assert all((image["src"] or "").startswith("data:image/jpeg;base64,") for image in read.all("img"))
    policy = next(meta["content"] for meta in read.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert "url(" not in page.read_text() and "@import" not in page.read_text()


def test_names_are_text_whatever_they_hold(page: Path, tmp_path: Path) -> None:
    read = Page(page)
    for name in (tmp_path / f"{NAME}.mkv", tmp_path / f"{NAME}_mask.mkv", f"{NAME}_restored.mkv"):
        assert str(name) in read.text
    assert not read.all("u")


def test_pictures_are_those_of_the_frames(page: Path) -> None:
    read = Page(page)
    names = [image["alt"] for image in read.all("img")]
    assert names == [
        f"{name}, frame {frame}" for frame in range(4) for name in ("original", "degraded", "restored", "provenance")
    ]
    pictures = [
        cv2.imdecode(np.frombuffer(base64.b64decode((image["src"] or "").partition(",")[2]), np.uint8), 1)
        for image in read.all("img")
    ]
    assert {picture.shape for picture in pictures} == {(48, 64, 3)}
    assert np.abs(pictures[0].astype(int) - pictures[1]).mean() < 1  # the original is the degraded one here
    assert np.abs(pictures[2].astype(int) - pictures[3])[:20, :28].mean() > 20  # coloured where it is hidden
    assert np.abs(pictures[2].astype(int) - pictures[3])[28:, 36:].mean() < 2


def test_what_the_json_report_says(page: Path, out: Path, mask: Path) -> None:
    report = json.loads((out / f"{NAME}_restored.json").read_text())
    read = Page(page)
    known = [digest for role, digest in report["sha256"].items() if digest and role != "side_files"]
    assert len(known) == 5 and all(digest in read.text for digest in known)
    assert "25 % of all pixels" in read.text and "mask_mode: given; mask: " in read.text
    assert f"{report['scores']['after']['psnr']}" in read.text
    assert all(f"{package} {version}" in read.text for package, version in report["versions"].items())
    assert "python -m restore verify '" in read.text and "Isola, Zhu, Zhou, Efros" in read.text
    colours = ["#{:02x}{:02x}{:02x}".format(*colour) for colour in COLOURS.values()]
    assert [area["fill"] for area in read.all("polygon")] == colours
    assert [i["style"] for i in read.all("i")] == [f"background: {colour}" for colour in colours] * 2
    assert [line["class"] for line in read.all("polyline")] == ["solid", "dashed", "solid"]


def test_it_is_proven_with_the_other_files(page: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = out / f"{NAME}_restored.json"
    report = json.loads(path.read_text())
    assert report["side_files"] == [page.name]
    assert report["sha256"]["side_files"] == {page.name: digests(file=page)["file"]}
    capsys.readouterr()
    assert restore_command(["verify", str(path)]) == 0
    assert f"side file is the same: {page}" in capsys.readouterr().out.splitlines()


def test_the_same_work_gives_the_same_page(run: Command, tmp_path: Path, out: Path) -> None:
    video = make_video(tmp_path / "clip.mp4", range(3))
    pages = []
    for overwrite in (False, True):
        assert run(degraded_video=video, report=True, engine="torch", **({"overwrite": True} if overwrite else {})) == 0
        pages.append((out / "clip_report.html").read_bytes())
    assert pages[0] == pages[1]
    assert b"every pixel was visible" in pages[0] and b"PSNR" not in pages[0]


def test_fields_are_counted_and_displayed_in_the_shape_of_the_frame(run: Command, tmp_path: Path, out: Path) -> None:
    tape = make_interlaced(tmp_path / "tape.mp4", "libx264", True, frames=4)  # 96x72
    assert run(degraded_video=tape, mask_mode="none", report=True, engine="torch") == 0
    read = Page(out / "tape_report.html")
    assert "4 frames of 96x72" in read.text and "top field first: frames are counted by fields" in read.text
    assert "frame 7, 0:00.14, last: 0 % hidden" in read.text
    assert "aspect-ratio: 1.333333;" in read.text


def test_a_page_that_exists_is_not_replaced_unasked(
    run: Command, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    make_video(folder / "a.mp4", range(2))
    out.mkdir()
    (out / "a_report.html").write_text("mine")
    assert run(degraded_video=folder / "a.mp4", report=True) == 2
    message = "the output exists already; move it away, or ask to overwrite it"
    assert capsys.readouterr().err == f"inference.py: {message}: {out / 'a_report.html'}\n"
    assert left_in(out) == ["a_report.html"] and (out / "a_report.html").read_text() == "mine"

    (out / "a_report.html").unlink()
    assert run(degraded_video=folder) == 0
    assert run(degraded_video=folder, report=True) == 2  # a folder is taken up again, and there is no page
    message = "restored before, without a_report.html; ask to overwrite it, or leave that out"
    assert capsys.readouterr().err.endswith(f"inference.py: {message}: {out / 'a_restored.mp4'}\n")
    assert run(degraded_video=folder, report=True, overwrite=True) == 0
    assert run(degraded_video=folder, report=True) == 0
    assert left_in(out) == ["a_report.html", "a_restored.json", "a_restored.mp4", *SUMMARY]


def test_a_page_that_cannot_be_written_takes_nothing_with_it(tmp_path: Path, tiny_weights: Path) -> None:
    video, output = make_video(tmp_path / "clip.mp4", range(2)), tmp_path / "restored.mp4"
    restorer = Restorer.from_pretrained(tiny_weights, device="cpu", engine="torch")
    page = tmp_path / "missing/page.html"
    with pytest.raises(
        RestoreError, match=r"the video is restored, its page cannot be written \(No such file"
    ) as error:
        restore_file(restorer, video, output, write_html=page)
    assert str(error.value).endswith(f": {page}")
    assert json.loads(output.with_suffix(".json").read_text())["side_files"] == []


def test_that_brightness_was_changed_is_a_step(run: Command, tmp_path: Path, out: Path) -> None:
    video = make_video(tmp_path / "dark.mkv", range(3), codec="ffv1")
    with pytest.warns(UserWarning, match="brightness was changed"):
        assert run(degraded_video=video, mask_mode="none", light="3", report=True, engine="torch") == 0
    text = " ".join(Page(out / "dark_report.html").text.split())
    assert "2. Light Dark scenes are given more light" in text
    assert "light: 3.0; share of the frames: 1.0; gain in linear light: 3 to 3" in text
    assert "brightness was changed: 3 of 3 frames were given 3 times their light" in text
