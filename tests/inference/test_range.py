"""A range of a video is restored as in the whole, frame for frame, and what is outside it goes along as it is."""

import json
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from restore.inference.files import restore_file
from restore.inference.verify import verify
from restore.models.generator import GatedGenerator
from restore.pipeline import Restorer
from tests.detection.networks import random_segmenter
from tests.inference.command import Command, left_in
from tests.inference.test_files import read, white, write
from tests.inference.test_resume import stopped_at
from tests.networks import white_finder
from tests.propagation.footage import at_rest, noisy, pan
from tests.video.make import make_video, packets_of, picture, psnr

FRAMES, CUT = 116, 75
FIRST, LAST = 86, 92  # neither a batch nor a core begins or ends with them
RANGE = slice(FIRST, LAST + 1)


def boxes() -> np.ndarray:
    """Where white boxes hide the clip: one that moves, one that stays."""
    mask = np.zeros((FRAMES, 48, 64), np.float32)
    for index, hidden in enumerate(mask):
        hidden[index // 8 : index // 8 + 12, 8 + index // 5 : 20 + index // 5] = 1
        hidden[36:44, 44:56] = 1
    return mask


def clip() -> np.ndarray:
    """A camera that pans, and from `CUT` on one that stands still; noise comes and goes, as the gate does."""
    still = at_rest(FRAMES - CUT, seed=1)
    still = np.stack([still[..., 0], still[..., 0], still[..., 2] // 6], -1)  # yellow, so that it is another scene
    scenes = np.concatenate([pan(CUT, (0, 1), 48, 64), still]) // 4 * 3
    scenes[::3] = noisy(scenes[::3], 9)
    return np.where(boxes()[..., None] > 0, np.uint8(255), scenes)


@pytest.fixture(scope="module")
def restorer() -> Restorer:
    torch.manual_seed(0)
    generator = GatedGenerator(widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,), reads_spectrum=True)
    torch.nn.init.normal_(generator.unet.tail.weight, std=0.5)
    models = {"finder": white_finder(250), "segmenter": random_segmenter()}
    return Restorer(generator, **models, device="cpu", precision="float32")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("clip")
    return {"clip": write(folder / "clip.mkv", clip()), "mask": white(folder / "mask.mkv", boxes())}


def settings(files: dict[str, Path], *, blind: bool) -> dict[str, Any]:
    return {"lossless": True} | ({} if blind else {"mask": files["mask"]})


@pytest.fixture(scope="module", params=[True, False], ids=["blind", "given"])
def blind(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(scope="module")
def whole(files: dict[str, Path], restorer: Restorer, blind: bool, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of it restored."""
    output = tmp_path_factory.mktemp("whole") / "clip_restored.mkv"
    sides = {f"write_{name}": output.with_name(f"{name}.mkv") for name in ("mask", "provenance", "confidence")}
    restore_file(restorer, files["clip"], output, **settings(files, blind=blind), **sides)
    return output


def test_a_range_is_what_the_whole_has_there(
    tmp_path: Path, restorer: Restorer, files: dict[str, Path], whole: Path, blind: bool
) -> None:
    output = tmp_path / "clip_restored.mkv"
    names = "mask", "provenance", "confidence"
    sides = {f"write_{name}": output.with_name(f"{name}.mkv") for name in names}
    report = restore_file(
        restorer,
        files["clip"],
        output,
        range=f"{FIRST}-{LAST}",
        only_range=True,
        **settings(files, blind=blind),
        **sides,
    )
    assert np.array_equal(read(output), read(whole)[RANGE])
    assert (read(output) != clip()[RANGE]).mean() > 0.2
    for name in names:
        assert np.array_equal(read(output.with_name(f"{name}.mkv")), read(whole.with_name(f"{name}.mkv"))[RANGE]), name
    assert report["frames"] == LAST + 1 - FIRST
    begin = report["range"].pop("read_from")
    assert report["range"] == {
        "frames": [FIRST, LAST],
        "seconds": [FIRST / 25, (LAST + 1) / 25],
        "only": True,
        "copied": [],
    }
    assert 0 < begin <= CUT - (50 if blind else 2)


def test_what_is_outside_goes_along(
    tmp_path: Path, restorer: Restorer, files: dict[str, Path], whole: Path, blind: bool
) -> None:
    output = tmp_path / "clip_restored.mkv"
    names = "mask", "provenance", "confidence"
    sides = {f"write_{name}": output.with_name(f"{name}.mkv") for name in names}
    given = settings(files, blind=blind) | {"range": "0:03.44-0:03.72"}
    report = restore_file(restorer, files["clip"], output, **given, **sides)
    wanted = clip()
    wanted[RANGE] = read(whole)[RANGE]
    assert np.array_equal(read(output), wanted)
    for name, level in zip(names, (0, 0, 255), strict=True):
        of_whole = read(whole.with_name(f"{name}.mkv"))
        wanted = np.full_like(of_whole, level)
        wanted[RANGE] = of_whole[RANGE]
        assert np.array_equal(read(output.with_name(f"{name}.mkv")), wanted), name
    assert report["frames"] == FRAMES and report["range"]["frames"] == [FIRST, LAST] and not report["range"]["only"]
    assert report["provenance"]["seen"] == pytest.approx(
        (read(output.with_name("provenance.mkv")) == 0).mean(), abs=1e-6
    )
    for thing in report["obstructions"] or []:
        assert FIRST <= thing["frames"][0] <= thing["frames"][1] <= LAST


def test_it_goes_on_where_it_was(tmp_path: Path, restorer: Restorer, files: dict[str, Path]) -> None:
    """With the bytes of a run that was not interrupted, within the range: behind the core that ends with frame 47."""
    given = {
        "mask": files["mask"],
        "lossless": True,
        "range": "40-90",
        "segment": 24,
        "write_mask": tmp_path / "mask.mkv",
    }

    def restore(name: str, **more: Any) -> Path:
        output = tmp_path / name
        restore_file(restorer, files["clip"], output, **given, overwrite=True, **more)
        return output

    for only in (True, False):
        whole, steps = restore("whole.mkv", only_range=only).read_bytes(), []
        mask = given["write_mask"].read_bytes()
        with pytest.raises(KeyboardInterrupt):
            restore("again.mkv", only_range=only, progress=stopped_at(20 if only else 60))
        again = restore("again.mkv", only_range=only, progress=steps.append)
        assert steps[0] == (8 if only else 48) and steps.count(1) == (91 if only else FRAMES) - 48
        assert again.read_bytes() == whole and given["write_mask"].read_bytes() == mask


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_sound_goes_with_the_range(tmp_path: Path, run: Command, out: Path, suffix: str) -> None:
    video = make_video(
        tmp_path / f"clip{suffix}", range(50), seconds_of_sound=2, chapters=("One",) if suffix != ".avi" else ()
    )
    with pytest.warns(UserWarning, match="chapters, as they are of the whole") if suffix != ".avi" else nullcontext():
        assert run(degraded_video=video, range="0:00.48-0:01", only_range=True) == 0
    output = out / f"clip_restored{suffix}"
    assert len(read(output)) == 13 and report_in(out)["range"]["frames"] == [12, 24]
    sound, of_video = packets_of(output, "audio"), packets_of(video, "audio")
    before = next(index for index, (_, data) in enumerate(of_video) if data == sound[0][1])
    assert [data for _, data in sound] == [data for _, data in of_video[before : before + len(sound)]]
    assert of_video[before][0] >= 0.48 and of_video[before + len(sound) - 1][0] < 1
    assert of_video[before - 1][0] < 0.48 and of_video[before + len(sound)][0] >= 0.99
    if suffix != ".avi":  # which knows no times
        assert sound[0][0] == pytest.approx(of_video[before][0] - Fraction(48, 100), abs=0.002)


@pytest.mark.parametrize("only", [True, False])
def test_it_is_scored_and_displayed(tmp_path: Path, run: Command, out: Path, only: bool) -> None:
    """The original goes with the frames that are written, and the page says what the range was."""
    clean = np.stack([picture(index) for index in range(20)])
    video = write(tmp_path / "clip.mkv", noisy(clean, 20))
    flags = {"original_video": write(tmp_path / "original.mkv", clean), "lossless": True, "report": True}
    assert run(degraded_video=video, range="5-8", **flags, **({"only_range": True} if only else {})) == 0
    restored, kept = read(out / "clip_restored.mkv"), slice(5, 9) if only else slice(None)
    scores = report_in(out)["scores"]
    for when, pictures in (("before", read(video)[kept]), ("after", restored)):
        wanted = [round(psnr(one, other), 4) for one, other in zip(pictures, clean[kept], strict=True)]
        assert scores[when]["per_frame"]["psnr"] == wanted
    page = (out / "clip_report.html").read_text()
    assert "frames: <bdi>5 to 8</bdi>" in page and ("Nothing else is in the result." in page) == only


def report_in(out: Path) -> dict[str, Any]:
    return dict(json.loads((out / "clip_restored.json").read_text()))


FORM = (
    "expected FIRST-LAST in frames, as 120-360, or BEGIN-END in times, as 00:01:00-00:02:30; "
    "without an end: to the last"
)


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (
            {"range": "5-20"},
            "the range 5-20 reaches beyond the video, which has frames 0 to 9 and lasts 0:00.40; give one",
        ),
        (
            {"range": "10-"},
            "the range 10- reaches beyond the video, which has frames 0 to 9 and lasts 0:00.40; give one",
        ),
        ({"range": "0:00.1-0:00.42"}, "the range 0:00.1-0:00.42 reaches beyond the video, which has frames 0 to 9"),
        ({"range": "0:01-0:02"}, "the range 0:01-0:02 reaches beyond the video, which has frames 0 to 9"),
        ({"range": "0:00.01-0:00.03"}, "no frame begins in the range 0:00.01-0:00.03; give a longer one: "),
        ({"range": "5-4"}, f"range is '5-4', which ends before it begins; {FORM}"),
        ({"range": "0:01-0:01"}, f"range is '0:01-0:01', which ends before it begins; {FORM}"),
        ({"range": "1-0:02"}, f"range is '1-0:02', {FORM}"),
        ({"range": "0:75-0:90"}, f"range is '0:75-0:90', {FORM}"),
        ({"range": "five"}, f"range is 'five', {FORM}"),
        ({"only_range": True}, "only_range is given, and there is no range; give --range too"),
        (
            {"range": "1-2", "scale": "2"},
            "a range goes into a video of its size, and scale enlarges; give one of the two",
        ),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_refused(
    tmp_path: Path, run: Command, out: Path, capsys: pytest.CaptureFixture[str], flags: dict[str, Any], line: str
) -> None:
    assert run(degraded_video=make_video(tmp_path / "clip.mp4"), **flags) == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert error.startswith(f"inference.py: {line}")
    assert left_in(out) == []


def test_another_range_is_another_restoration(
    tmp_path: Path, run: Command, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = make_video(tmp_path / "clip.mp4")
    assert run(degraded_video=video, range="3-4", only_range=True) == 0
    assert "2 frames (frames 3 to 4 are restored, the others left out)" in capsys.readouterr().out
    assert run(degraded_video=video, range="3-4", only_range=True) == 0
    assert "restored before, left as it is" in capsys.readouterr().out
    assert run(degraded_video=video, range="3-5", only_range=True) == 2
    assert "range was 3-4 and is 3-5; move it away" in capsys.readouterr().err
    assert all(good for _, good in verify(out / "clip_restored.json", again=True))
