"""Masks given and found, the mask that was used and where each pixel comes from: in, out, and back in."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from restore.errors import MaskError
from restore.inference.files import restore_file
from restore.models.finder import OcclusionFinder
from restore.models.generator import UNetGenerator
from restore.pipeline import Restorer
from restore.propagation.provenance import COPIED, ENLARGED, FILLED, NAMES, SEEN
from restore.video.reader import VideoReader
from tests.inference.command import left_in, quarter
from tests.networks import white_finder
from tests.propagation.footage import at_rest, box, noisy, pan
from tests.video.make import MILLI, UNEVEN, cut_in_half, make_video, noise

FRAMES, H, W = 10, 48, 64
TINY: dict[str, Any] = {"widths": (8, 8), "blocks": (1, 1), "decoder_blocks": (1,)}
BOX = box(FRAMES, H, W, (4, 4), (2, 4)) > 0
PROVEN, SUSPECT = np.zeros((2, H, W), bool)
PROVEN[4:34, 6:36] = True
SUSPECT[(np.mgrid[:H][:, None] - 40) ** 2 + (np.mgrid[:W] - 50) ** 2 < 36] = True


@pytest.fixture(scope="module")
def restorer() -> Restorer:
    """An untrained finder, unsure of everything; to the generator every doubt matters."""
    torch.manual_seed(1)
    generator, finder = UNetGenerator(**TINY), OcclusionFinder(**TINY)
    unets: list[Any] = [generator.unet, finder.unet]
    for unet, spread, bias in zip(unets, (0.1, 1), (0, -2), strict=True):
        torch.nn.init.normal_(unet.tail.weight, std=spread)
        torch.nn.init.constant_(unet.tail.bias, bias)
    return Restorer(generator, finder, device="cpu", precision="float32")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    frames = noisy(pan(FRAMES, (0, 1), H, W), 12)
    return make_video(tmp_path / "clip.mp4", UNEVEN, time_base=MILLI, draw=lambda index, *_: frames[index])


def grey_video(path: Path, mask: np.ndarray) -> Path:
    def draw(index: int, *_: int) -> np.ndarray:
        return np.dstack([mask[index].astype(np.uint8) * 255] * 3)

    return make_video(path, UNEVEN[: len(mask)], time_base=MILLI, draw=draw, codec="ffv1", pix_fmt="gray")


def images(folder: Path, mask: np.ndarray) -> Path:
    folder.mkdir()
    for index, frame in enumerate(mask):
        assert cv2.imwrite(str(folder / f"frame{index}.png"), frame.astype(np.uint8) * 255)
    return folder


def read(path: Path) -> np.ndarray:
    with VideoReader(path) as reader:
        return np.stack([frame.image for frame in reader])


def times(path: Path) -> list[Fraction]:
    with VideoReader(path) as reader:
        return [frame.pts * frame.time_base for frame in reader]


def restored(restorer: Restorer, video: Path, **options: Any) -> np.ndarray:
    output = video.with_name("out.mkv")
    restore_file(restorer, video, output, lossless=True, overwrite=True, **options)
    return read(output)


def used(restorer: Restorer, video: Path, **options: Any) -> np.ndarray:
    """The mask that `--write_mask` writes, bool `T H W`."""
    path = video.with_name("used.mkv")
    restored(restorer, video, write_mask=path, **options)
    levels = read(path)
    assert set(np.unique(levels)) <= {0, 255} and (levels == levels[..., :1]).all()
    return levels[..., 0] > 0


def test_images_do_as_a_video_does(tmp_path: Path, clip: Path, restorer: Restorer) -> None:
    wanted = restored(restorer, clip, mask=grey_video(tmp_path / "mask.mkv", BOX))
    assert np.array_equal(restored(restorer, clip, mask=images(tmp_path / "masks", BOX)), wanted)
    still = BOX[:1].repeat(FRAMES, 0)
    wanted = restored(restorer, clip, mask=grey_video(tmp_path / "still.mkv", still))
    one = images(tmp_path / "one", BOX[:1]) / "frame0.png"
    assert np.array_equal(restored(restorer, clip, mask=one), wanted)


def test_a_mask_of_the_same_times_has_the_same_rate(tmp_path: Path, clip: Path, restorer: Restorer) -> None:
    """Whatever the containers say: for these times MP4 states 15.625 frames a second and Matroska 25."""
    mask = grey_video(tmp_path / "mask.mkv", BOX)
    with VideoReader(clip) as ours, VideoReader(mask) as theirs:
        assert ours.info.rate != theirs.info.rate
    assert restore_file(restorer, clip, tmp_path / "out.mp4", mask=mask)["frames"] == FRAMES
    even = make_video(tmp_path / "even.mp4", draw=quarter)
    with pytest.raises(MaskError, match=r"^mask has 25 frames a second, video has 15; give one of the video's "):
        restore_file(restorer, clip, tmp_path / "refused.mp4", mask=even)


@pytest.fixture(scope="module")
def finds_bright(restorer: Restorer) -> Restorer:
    """Its finder takes what is bright for a box."""
    return Restorer(restorer.generator, white_finder(225), device="cpu", precision="float32")


@pytest.fixture
def bright(tmp_path: Path) -> Path:
    """A clip with a bright box, and a bright disc."""
    frames = at_rest(FRAMES, H, W) // 2
    frames[:, PROVEN], frames[:, SUSPECT] = 225, 225
    return make_video(
        tmp_path / "bright.mkv",
        UNEVEN,
        time_base=MILLI,
        draw=lambda index, *_: frames[index],
        codec="ffv1",
        pix_fmt="bgr0",
    )


def test_whose_mask_is_used(tmp_path: Path, bright: Path, finds_bright: Restorer) -> None:
    mask = grey_video(tmp_path / "mask.mkv", BOX)
    proven, every = np.tile(PROVEN, (FRAMES, 1, 1)), np.tile(PROVEN | SUSPECT, (FRAMES, 1, 1))
    assert np.array_equal(used(finds_bright, bright), proven)
    assert np.array_equal(used(finds_bright, bright, mask=mask), BOX)
    assert np.array_equal(used(finds_bright, bright, mask=mask, mask_mode="given"), BOX)
    assert np.array_equal(used(finds_bright, bright, mask=mask, mask_mode="found"), proven)
    assert np.array_equal(used(finds_bright, bright, mask_mode="all"), every)
    assert np.array_equal(used(finds_bright, bright, mask=mask, mask_mode="both"), BOX | proven)
    assert not used(finds_bright, bright, remove=["dirt"]).any()
    assert not used(finds_bright, bright, mask=mask, mask_mode="none").any()
    assert not used(finds_bright, bright, mask_mode="none").any()
    with pytest.raises(ValueError, match="mask_mode is 'both', and there is no mask; give one"):
        used(finds_bright, bright, mask_mode="both")


def test_what_is_suspected_is_a_mask_to_confirm(tmp_path: Path, bright: Path, finds_bright: Restorer) -> None:
    suspects = tmp_path / "bright_suspects.mkv"
    proven, every = (restored(finds_bright, bright, mask_mode=mode) for mode in ("found", "all"))
    assert np.array_equal(restored(finds_bright, bright, write_suspects=suspects), proven)
    assert np.array_equal(read(suspects)[..., 0] > 0, np.tile(SUSPECT, (FRAMES, 1, 1)))
    assert np.array_equal(restored(finds_bright, bright, mask=suspects, mask_mode="both"), every)
    assert not np.array_equal(proven, every)
    with pytest.raises(ValueError, match="mask_mode is 'given', so nothing is suspected; leave write_suspects out"):
        restored(finds_bright, bright, mask=suspects, write_suspects=suspects)


@pytest.mark.parametrize(
    ("mode", "find"), [("given", []), ("found", ["find"]), ("all", ["find"]), ("both", ["find"]), ("none", [])]
)
def test_the_report_says_whose(tmp_path: Path, clip: Path, restorer: Restorer, mode: Any, find: list[str]) -> None:
    mask = grey_video(tmp_path / "mask.mkv", BOX)
    report = restore_file(restorer, clip, tmp_path / "out.mp4", mask=mask, mask_mode=mode, original=clip)
    assert (report["mask_mode"], report["stages"]) == (mode, [*find, "propagate", "generate"])
    assert report["mask"] == (str(mask) if mode in ("given", "both") else None)
    assert report["scores"]["regions"] == mode


@pytest.mark.parametrize("pixels", [1, 3, 6])
def test_the_mask_is_grown_by_a_disc(tmp_path: Path, clip: Path, restorer: Restorer, pixels: int) -> None:
    point = np.zeros((FRAMES, H, W), bool)
    point[:, 20, 30] = True
    grown = used(restorer, clip, mask=grey_video(tmp_path / "mask.mkv", point), mask_dilation=pixels)
    y, x = np.mgrid[0:H, 0:W]
    distance = np.hypot(y - 20, x - 30)
    assert grown[:, distance <= pixels - 0.5].all() and not grown[:, distance > pixels + 0.5].any()
    found = used(restorer, clip)
    assert (used(restorer, clip, mask_dilation=pixels) >= found).all()


@pytest.mark.parametrize(
    "options",
    [
        {"mask_mode": "all"},
        {"mask_mode": "all", "mask_dilation": 2},
        {"mask_mode": "both"},
        {"mask_mode": "given"},
        {"mask_mode": "none"},
    ],
)
def test_the_mask_that_was_used_restores_the_same(
    tmp_path: Path, clip: Path, restorer: Restorer, options: dict[str, Any]
) -> None:
    if options.get("mask_mode") in ("given", "both"):
        options = options | {"mask": images(tmp_path / "masks", BOX)}
    written = tmp_path / "clip_mask.mkv"
    wanted = restored(restorer, clip, write_mask=written, **options)
    assert times(written) == times(clip) == [stamp * MILLI for stamp in UNEVEN]
    if options.get("mask_mode") == "none":
        with pytest.warns(UserWarning, match="hides nothing"):
            again = restored(restorer, clip, mask=written)
    else:
        again = restored(restorer, clip, mask=written)
    assert np.array_equal(again, wanted)


def test_where_each_pixel_comes_from(tmp_path: Path, clip: Path, restorer: Restorer) -> None:
    mask = BOX | box(FRAMES, H, W, (30, 40), (0, 0), 10).astype(bool)  # one moves, one stays
    path, output = tmp_path / "clip_provenance.mkv", tmp_path / "out.mkv"
    given = grey_video(tmp_path / "mask.mkv", mask)
    report = restore_file(restorer, clip, output, mask=given, write_provenance=path)
    assert (report["side_files"], times(path)) == ([path.name], times(clip))
    codes = read(path)[..., 0]
    wanted = np.stack([frame.provenance for frame in restorer.restore_frames(read(clip), mask)])
    assert np.array_equal(codes, wanted)
    assert np.array_equal(codes == SEEN, ~mask) and (codes == COPIED).any() and (codes == FILLED).any()
    for code, name in enumerate(NAMES[:ENLARGED]):
        assert report["provenance"][name] == pytest.approx((codes == code).mean(), abs=1e-6)


def test_how_certain_each_pixel_is(tmp_path: Path, clip: Path, restorer: Restorer) -> None:
    path = tmp_path / "clip_confidence.mkv"
    given = grey_video(tmp_path / "mask.mkv", BOX)
    report = restore_file(restorer, clip, tmp_path / "out.mkv", mask=given, write_confidence=path)
    assert (report["side_files"], times(path)) == ([path.name], times(clip))
    levels = read(path)[..., 0]
    assert np.array_equal(levels, np.stack([x.confidence for x in restorer.restore_frames(read(clip), BOX)]))
    assert (levels[~BOX] == 255).all() and 0 < levels[BOX].mean() < 255


def test_a_video_that_breaks_leaves_what_goes_with_it(tmp_path: Path, restorer: Restorer) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    half = cut_in_half(make_video(tmp_path / "clip.avi", range(30), draw=noise))
    with pytest.raises(Exception, match="are restored and kept"):
        restore_file(
            restorer,
            half,
            folder / "a.avi",
            write_mask=folder / "m.mkv",
            write_provenance=folder / "p.mkv",
            write_side_by_side=folder / "s.mp4",
        )
    frames = json.loads((folder / "a.json").read_text())["frames"]
    assert [len(read(folder / name)) for name in ("a.avi", "m.mkv", "p.mkv", "s.mp4")] == [frames] * 4


@pytest.mark.parametrize("stop", [KeyboardInterrupt, ZeroDivisionError])
def test_nothing_is_left_of_what_was_stopped(
    tmp_path: Path, clip: Path, restorer: Restorer, stop: type[BaseException]
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()

    def stopped(_: int) -> None:
        assert left_in(folder) == [".clip.restoring"] and len(left_in(folder / ".clip.restoring")) >= 4
        raise stop

    names = {"write_mask": "mask.mkv", "write_provenance": "codes.mkv", "write_side_by_side": "rows.mp4"}
    side: dict[str, Any] = {option: folder / name for option, name in names.items()}
    with pytest.raises(stop):
        restore_file(restorer, clip, folder / "clip.mp4", progress=stopped, **side)
    assert left_in(folder) == []
