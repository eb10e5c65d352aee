"""`--scale`: what comes out is larger, and so is all that goes with it."""

import json
import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from restore.inference.files import restore_file
from restore.inference.journal import journal_folder
from restore.inference.verify import verify
from restore.models.noise_network import NoiseNetwork
from restore.models.weights import save_models
from restore.pipeline import Restorer
from restore.video.reader import VideoReader
from tests.inference.command import Command, left_in
from tests.inference.test_files import read, white, write
from tests.models.test_scaler import random_scaler
from tests.propagation.footage import box, covered, pan
from tests.video.make import make_video, picture
from tests.video.test_fields import HEIGHT, WIDTH, make_interlaced

FRAMES = 4
SIDES = "write_mask", "provenance", "confidence", "side_by_side", "report"


@pytest.fixture(scope="module")
def weights(tiny_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny ones, with a noise network and a scaler beside them."""
    folder = tmp_path_factory.mktemp("weights")
    shutil.copy(tiny_weights, folder / "generator.pth")
    kwargs = {"width": 8, "blocks": 2, "memory": 3}
    save_models(folder / "scaler.pth", {"scaler": (random_scaler(), kwargs)})
    save_models(folder / "noise.pth", {"noise": (NoiseNetwork(), {})})
    return folder / "generator.pth"


@pytest.fixture(scope="module")
def restorer(weights: Path) -> Restorer:
    return Restorer.from_pretrained(weights, scaler=True, device="cpu", precision="float32", engine="torch")


def anamorphic(path: Path, shape: Fraction) -> Path:
    """A video of pixels of that shape."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.sample_aspect_ratio = shape
        for index in range(2):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(index), format="rgb24")))
        container.mux(stream.encode(None))
    return path


def report(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text()))


def test_all_that_is_written_has_the_larger_size(run: Command, tmp_path: Path, out: Path, weights: Path) -> None:
    clean = pan(FRAMES, (0, 2), 96, 128)
    mask = box(FRAMES, 48, 64, (10, 20), (1, 1))
    video = write(tmp_path / "clip.mkv", covered(clean[:, ::2, ::2], mask))
    given = {"mask_video": white(tmp_path / "mask.mkv", mask), "original_video": write(tmp_path / "clean.mkv", clean)}
    flags = {name: True for name in SIDES}
    assert run(degraded_video=video, scale=2, weights_path=weights, lossless=True, **given, **flags) == 0
    assert read(out / "clip_restored.mkv").shape == (FRAMES, 96, 128, 3)
    for name in ("mask", "provenance", "confidence"):
        assert read(out / f"clip_{name}.mkv").shape == (FRAMES, 96, 128, 3), name
    with VideoReader(out / "clip_side_by_side.mp4") as reader:
        assert (reader.info.width, reader.info.height) == (4 * 128, 96 + 6)
    hidden = mask.repeat(2, 1).repeat(2, 2) > 0
    assert ((read(out / "clip_mask.mkv")[..., 0] > 0) == hidden).all()
    codes = read(out / "clip_provenance.mkv")[..., 0]
    assert ((codes == 5) == ~hidden).all()  # seen, and enlarged
    said = report(out / "clip_restored.json")
    assert (said["width"], said["height"]) == (128, 96)
    assert said["stages"][-1] == "enlarge" and said["settings"]["scale"] == "2"
    assert said["provenance"]["enlarged"] == pytest.approx(1 - hidden.mean(), abs=1e-5)
    assert said["provenance"]["seen"] == 0 and len(said["sha256"]["scaler"]) == 64
    assert said["scores"]["before"]["psnr"] > 10 and len(said["scores"]["after"]["per_frame"]["psnr"]) == FRAMES
    page = (out / "clip_report.html").read_text()
    assert "Frame-Recurrent Video Super-Resolution" in page
    assert all(said["sha256"][role] in page for role in ("scaler", "noise"))


@pytest.mark.parametrize(
    ("flags", "size", "shape"),
    [
        ({"scale": "2"}, (128, 96), "16/11"),
        ({"scale": "2", "square_pixels": True}, (186, 96), "1"),
        ({"scale": "4"}, (256, 192), "16/11"),
    ],
)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_pixels_keep_their_shape_or_become_square(
    run: Command, tmp_path: Path, out: Path, weights: Path, flags: dict[str, Any], size: Any, shape: str, suffix: str
) -> None:
    video = anamorphic(tmp_path / f"clip{suffix}", Fraction(16, 11))
    assert run(degraded_video=video, weights_path=weights, **flags) == 0
    with VideoReader(out / f"clip_restored{suffix}") as reader:
        assert (reader.info.width, reader.info.height) == size
        assert reader.info.sample_aspect_ratio == Fraction(shape)


def test_without_it_a_report_knows_nothing_of_it(run: Command, tmp_path: Path, out: Path, weights: Path) -> None:
    assert run(degraded_video=make_video(tmp_path / "clip.mkv", range(2)), weights_path=weights) == 0
    said = report(out / "clip_restored.json")
    assert not {"scale", "square_pixels"} & said["settings"].keys() and "scaler" not in said["sha256"]
    assert list(said["provenance"]) == ["seen", "copied", "filled", "regenerated", "unseen"]
    assert "enlarge" not in said["stages"]


def test_where_only_what_is_hidden_is_restored_the_rest_is_the_input_enlarged(
    tmp_path: Path, restorer: Restorer
) -> None:
    clip = pan(FRAMES, (0, 2), 48, 64)
    mask = box(FRAMES, 48, 64, (10, 20), (1, 1))
    video, given = write(tmp_path / "clip.mkv", covered(clip, mask)), white(tmp_path / "mask.mkv", mask)
    settings: dict[str, Any] = {"mask": given, "hidden_only": True, "lossless": True}
    restore_file(restorer, video, tmp_path / "small.mkv", **settings)
    restore_file(restorer, video, tmp_path / "large.mkv", scale="2", **settings)
    again = restore_file(
        restorer, tmp_path / "small.mkv", tmp_path / "again.mkv", mask_mode="none", strength=0, scale="2", lossless=True
    )
    assert (read(tmp_path / "large.mkv") == read(tmp_path / "again.mkv")).all()
    assert again["provenance"] == {
        "seen": 0,
        "copied": 0,
        "filled": 0,
        "regenerated": 0,
        "unseen": 0,
        "enlarged": 1,
    }


def test_it_can_be_verified_and_is_known_to_be_done(run: Command, tmp_path: Path, out: Path, weights: Path) -> None:
    flags = {"degraded_video": make_video(tmp_path / "clip.mp4", range(3)), "weights_path": weights, "engine": "torch"}
    assert run(scale=2, **flags) == 0
    found = list(verify(out / "clip_restored.json", again=True))
    assert all(good for _, good in found), found
    assert any(line.startswith("scaler is the same") for line, _ in found)
    assert run(scale=2, **flags) == 0  # done before
    assert run(scale=4, **flags) == 2
    assert run(**flags) == 2


def test_another_scaler_is_another_work(
    run: Command, tmp_path: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own"
    shutil.copytree(weights.parent, own)
    flags = {"degraded_video": make_video(tmp_path / "clip.mp4", range(3)), "weights_path": own / "generator.pth"}
    assert run(scale=2, **flags) == 0
    save_models(own / "scaler.pth", {"scaler": (random_scaler(1), {"width": 8, "blocks": 2, "memory": 3})})
    assert run(scale=2, **flags) == 2
    assert "the file of scaler has changed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"square_pixels": True}, "square_pixels is for what is enlarged; give --scale too"),
        ({"scale": "2", "stages": "copy"}, "scale is 2, and --stages copy generates nothing; give one of the two"),
        ({"scale": "3"}, "invalid choice: '3'"),
        ({"scale": "720p", "degraded_video": "large"}, "the video has 720 rows, and scale is 720p"),
        ({"scale": "4", "degraded_video": "wide"}, "scale is 4, which makes 8200x64 of 2050x16; expected at most 8192"),
        ({"scale": "2", "original_video": "clip"}, "original is 64x48, enlarged video is 128x96; give one of the"),
        ({"scale": "2", "weights_path": "without"}, "no such weights file; train.py writes it: "),
        ({"scale": "2", "weights_path": "generator"}, "holds generator, finder, expected scaler"),
    ],
)
def test_what_does_not_fit_is_refused(
    run: Command,
    tmp_path: Path,
    out: Path,
    tiny_weights: Path,
    weights: Path,
    capsys: pytest.CaptureFixture[str],
    flags: dict[str, Any],
    message: str,
) -> None:
    files = {"clip": make_video(tmp_path / "clip.mp4", range(2))}
    if "degraded_video" in flags:
        files["large"] = make_video(tmp_path / "large.mp4", range(2), size=(32, 720))
        files["wide"] = make_video(tmp_path / "wide.mp4", range(2), size=(2050, 16))
    files["without"] = tiny_weights
    files["generator"] = tmp_path / "generator.pth"
    for name in ("generator.pth", "scaler.pth"):
        shutil.copy(tiny_weights, tmp_path / name)
    given = {"degraded_video": files["clip"], "weights_path": weights} | {
        name: files.get(str(value), value) for name, value in flags.items()
    }
    assert run(**given) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert left_in(out) == []


def test_fields_are_not_enlarged(
    run: Command, tmp_path: Path, out: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = make_interlaced(tmp_path / "clip.mp4", "libx264", True, frames=2)
    flags = {"degraded_video": video, "weights_path": weights, "scale": 2}
    assert run(**flags) == 2
    assert (
        "interlaced video is not enlarged as fields; ask for --interlaced deinterlace, or off"
        in capsys.readouterr().err
    )
    assert left_in(out) == []
    assert run(**flags, interlaced="deinterlace") == 0
    assert read(out / "clip_restored.mp4").shape == (4, 2 * HEIGHT, 2 * WIDTH, 3)


def test_what_is_interrupted_goes_on_behind_a_cut(tmp_path: Path, restorer: Restorer, weights: Path) -> None:
    clip = np.concatenate([pan(16, (0, 1), 48, 64, seed=1), pan(16, (1, 0), 48, 64, seed=2)])
    video = write(tmp_path / "clip.mkv", clip)
    settings: dict[str, Any] = {"scale": "2", "segment": 24, "mask_mode": "none", "weights": weights, "lossless": True}
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    restore_file(restorer, video, tmp_path / "whole/clip.mkv", **settings)

    def stop(frames: int) -> None:
        stop.done += frames  # type: ignore[attr-defined]
        if stop.done >= 24:  # type: ignore[attr-defined]
            raise KeyboardInterrupt

    stop.done = 0  # type: ignore[attr-defined]
    output = tmp_path / "parts/clip.mkv"
    with pytest.raises(KeyboardInterrupt):
        restore_file(restorer, video, output, **settings, progress=stop)
    assert [path.name for path in journal_folder(output).glob("*.json")] == ["00001.json"]
    counts: list[int] = []
    restore_file(restorer, video, output, **settings, progress=counts.append)
    assert counts[0] == 16 and sum(counts) == 32
    assert output.read_bytes() == (tmp_path / "whole/clip.mkv").read_bytes()


def test_a_restorer_without_one_says_so(tmp_path: Path, tiny_weights: Path) -> None:
    restorer = Restorer.from_pretrained(tiny_weights, device="cpu", precision="float32", engine="torch")
    video = make_video(tmp_path / "clip.mp4", range(2))
    with pytest.raises(ValueError, match=r"^scale is 2, and the restorer has no scaler; load it$"):
        restore_file(restorer, video, tmp_path / "out.mp4", scale="2")
    with pytest.raises(
        ValueError, match=r"^scale is 2, and the restorer has no generator, so that nothing is generated"
    ):
        restore_file(Restorer(device="cpu"), video, tmp_path / "out.mp4", mask_mode="none", scale="2")
    with pytest.raises(ValueError, match=r"^the restorer has no scaler to enlarge with; load it$"):
        restorer.enlarge(iter([]), (96, 128))
