import json

import numpy as np
import pytest
from skimage import data

from restore.scoring.psnr import psnr
from restore.scoring.report import Scores, table
from restore.scoring.ssim import ssim
from restore.scoring.temporal import temporal_error

CLEAN = np.stack([data.astronaut()[20 + t : 68 + t, 150:214] for t in range(4)])  # T 48 64 3
RNG = np.random.default_rng(0)
RESTORED = np.clip(CLEAN + RNG.normal(0, [[[[4]]], [[[8]]], [[[16]]], [[[2]]]], CLEAN.shape), 0, 255).astype(np.uint8)
MASKS = RNG.random((4, 48, 64)) < np.array([0.1, 0.4, 0.0, 0.7])[:, None, None]


def scored(restored=RESTORED, original=CLEAN, masks=None, **options) -> dict:
    scores = Scores(**options)
    for t in range(len(restored)):
        scores.add(restored[t], original[t], None if masks is None else masks[t])
    summary = scores.summary()
    json.dumps(summary, allow_nan=False)  # raises on NaN and infinity
    return summary


def test_whole_frames_are_means_over_frames() -> None:
    summary = scored()
    per_frame = [psnr(a, b) for a, b in zip(RESTORED, CLEAN, strict=True)]
    assert summary["frames"] == 4
    assert summary["per_frame"]["psnr"] == pytest.approx(per_frame, abs=1e-4)
    assert summary["psnr"] == pytest.approx(np.mean(per_frame), abs=1e-4)
    assert summary["ssim"] == pytest.approx(
        np.mean([ssim(*pair) for pair in zip(RESTORED, CLEAN, strict=True)]), abs=1e-4
    )
    assert set(summary) == {"frames", "psnr", "ssim", "per_frame"}


def test_regions_pool_their_pixels_over_the_clip() -> None:
    summary = scored(masks=MASKS)
    assert summary["psnr_hole"] == pytest.approx(psnr(RESTORED[MASKS], CLEAN[MASKS]), abs=1e-4)
    assert summary["psnr_seen"] == pytest.approx(psnr(RESTORED[~MASKS], CLEAN[~MASKS]), abs=1e-4)
    assert {name: summary[name] for name in ("psnr", "ssim")} == {name: scored()[name] for name in ("psnr", "ssim")}


def test_hole_and_seen_pool_to_the_whole() -> None:
    summary = scored(masks=MASKS)
    share = MASKS.mean()
    error = {region: 255**2 / 10 ** (summary[f"psnr_{region}"] / 10) for region in ("hole", "seen")}
    whole = np.square(RESTORED.astype(float) - CLEAN).mean()
    assert share * error["hole"] + (1 - share) * error["seen"] == pytest.approx(whole, rel=1e-4)
    inner = MASKS[:, 5:-5, 5:-5].mean()
    assert inner * summary["ssim_hole"] + (1 - inner) * summary["ssim_seen"] == pytest.approx(summary["ssim"], abs=2e-4)


def test_damage_in_the_hole_leaves_the_seen_alone() -> None:
    restored = np.where(MASKS[..., None], 255 - CLEAN, CLEAN)
    summary = scored(restored, masks=MASKS)
    assert summary["psnr_seen"] == 100 and summary["psnr_hole"] < 20


def test_an_empty_mask_has_no_hole() -> None:
    summary = scored(masks=np.zeros_like(MASKS))
    assert summary["psnr_hole"] is None and summary["ssim_hole"] is None
    assert summary["psnr_seen"] == pytest.approx(psnr(RESTORED, CLEAN), abs=1e-4)
    assert summary["ssim_seen"] == pytest.approx(summary["ssim"], abs=1e-4)


def test_a_full_mask_has_nothing_seen() -> None:
    summary = scored(masks=np.ones_like(MASKS))
    assert summary["psnr_seen"] is None and summary["ssim_seen"] is None
    assert summary["psnr_hole"] == pytest.approx(psnr(RESTORED, CLEAN), abs=1e-4)


def test_identical_videos_reach_the_cap() -> None:
    summary = scored(CLEAN, masks=MASKS)
    assert [summary[name] for name in ("psnr", "psnr_hole", "psnr_seen", "ssim")] == [100, 100, 100, 1]


def test_temporal_error_is_that_of_the_clip() -> None:
    summary = scored(temporal=True)
    assert summary["temporal"] == pytest.approx(temporal_error(RESTORED, CLEAN), abs=1e-4)
    assert summary["per_frame"]["temporal"][0] is None and len(summary["per_frame"]["temporal"]) == 4


def test_one_frame() -> None:
    summary = scored(RESTORED[:1], temporal=True)
    assert summary["temporal"] is None and summary["psnr"] > 0


def test_no_frames() -> None:
    assert scored(RESTORED[:0]) == {"frames": 0, "psnr": None, "ssim": None, "per_frame": {"psnr": [], "ssim": []}}


def test_pictures_too_small_for_ssim_still_have_psnr() -> None:
    summary = scored(RESTORED[:, :8, :9], CLEAN[:, :8, :9], MASKS[:, :8, :9], temporal=True)
    assert summary["ssim"] is None and summary["ssim_hole"] is None and summary["psnr"] > 0


def test_buffers_may_be_used_again() -> None:
    """A reader that fills one array over and over must not change what was scored before."""
    scores, buffers = Scores(temporal=True), np.empty((2, *CLEAN.shape[1:]), np.uint8)
    for restored, original in zip(RESTORED, CLEAN, strict=True):
        buffers[:] = restored, original
        scores.add(*buffers)
    assert scores.summary() == scored(temporal=True)


def test_a_mask_for_every_frame_or_for_none() -> None:
    scores = Scores()
    scores.add(RESTORED[0], CLEAN[0], MASKS[0])
    with pytest.raises(ValueError, match="frame 1: give a mask for every frame of a video or for none"):
        scores.add(RESTORED[1], CLEAN[1])


def test_a_mask_of_another_size() -> None:
    with pytest.raises(ValueError, match=r"mask is \(48, 63\), frame \(48, 64\); they need the same height and width"):
        Scores().add(RESTORED[0], CLEAN[0], MASKS[0][:, 1:])


def test_frames_of_another_size() -> None:
    with pytest.raises(ValueError, match=r"restored picture is \(48, 63, 3\), original \(48, 64, 3\)"):
        Scores().add(RESTORED[0][:, 1:], CLEAN[0])


def test_table_lines_up_and_ends_with_the_mean() -> None:
    rows = {"a_long_name": scored(masks=MASKS), "b": scored(CLEAN, masks=np.zeros_like(MASKS))}
    lines = table(rows).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[0].split() == ["video", "frames", "psnr", "ssim", "psnr_hole", "ssim_hole", "psnr_seen", "ssim_seen"]
    assert lines[2].split()[:5] == ["b", "4", "100.000", "1.000", "-"]
    assert lines[3].split()[0] == "mean"
    assert float(lines[3].split()[1]) == pytest.approx((rows["a_long_name"]["psnr"] + 100) / 2, abs=1e-3)


def test_table_of_one_video_has_no_mean() -> None:
    assert len(table({"a": scored()}).splitlines()) == 2
