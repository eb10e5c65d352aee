"""Scores gathered frame by frame while a video is restored, and a table of several videos.

Names in the summary: a plain score is over the whole frame; `_hole` is over the hidden pixels and `_seen` over the
rest, where a mask says which is which.
"""

from typing import Any

import numpy as np

from restore.scoring.perceptual import load_perceptual
from restore.scoring.psnr import decibels, squared_error
from restore.scoring.ssim import RADIUS, ssim_map
from restore.scoring.temporal import backward_flow, warping_error

REGIONS = ("hole", "seen")


class Scores:
    """Scores of one video. Holds two frames and a few numbers for each frame, whatever the video's length.

    Args:
        temporal: also the temporal error, at the cost of two optical flows a frame.
        lpips: also LPIPS and DISTS.
        device: where they run.

    >>> original = np.zeros((16, 16, 3), np.uint8)
    >>> scores = Scores()
    >>> scores.add(original + 1, original)
    >>> scores.add(original, original)
    >>> scores.summary()["psnr"], scores.summary()["per_frame"]["psnr"]
    (74.0654, [48.1308, 100.0])
    """

    def __init__(self, *, temporal: bool = False, lpips: bool = False, device: str = "cpu") -> None:
        self._perceptual = load_perceptual(device) if lpips else None
        names = ["psnr", "ssim"] + ["lpips", "dists"] * lpips + ["temporal"] * temporal
        self._per_frame: dict[str, list[float | None]] = {name: [] for name in names}
        self._previous: tuple[np.ndarray, np.ndarray] | None = None
        self._has_mask: bool | None = None
        # Sums over the clip's hidden and seen pixels: [sum, count].
        self._squared_errors = {region: np.zeros(2) for region in REGIONS}
        self._similarities = {region: np.zeros(2) for region in REGIONS}
        self._distances = {region: np.zeros(2) for region in REGIONS}  # LPIPS

    def add(self, restored: np.ndarray, original: np.ndarray, mask: np.ndarray | None = None) -> None:
        """Score the next frame.

        Args:
            restored, original: uint8 `H W 3`, RGB in [0, 255].
            mask: bool `H W`, True where the degraded frame was hidden; for every frame of a video or for none.

        Raises:
            ValueError: sizes differ, or only some frames have a mask.
        """
        if self._has_mask not in (None, mask is not None):
            raise ValueError(
                f"frame {len(self._per_frame['psnr'])}: give a mask for every frame of a video or for none"
            )
        errors = squared_error(restored, original).mean(-1)
        if mask is not None and mask.shape != errors.shape:
            raise ValueError(f"mask is {mask.shape}, frame {errors.shape}; they need the same height and width")
        self._has_mask = mask is not None

        similarities = ssim_map(restored, original) if min(errors.shape) > 2 * RADIUS else None
        frame: dict[str, float | None] = {
            "psnr": decibels(float(errors.mean())),
            "ssim": None if similarities is None else float(similarities.mean(dtype=np.float64)),
        }
        if mask is not None:
            _pool(self._squared_errors, errors, mask)
            if similarities is not None:
                _pool(self._similarities, similarities, mask[RADIUS:-RADIUS, RADIUS:-RADIUS])
        if self._perceptual is not None:
            compared = self._perceptual(restored, original)
            frame |= {"lpips": None, "dists": None}
            if compared is not None:
                around, dists = compared
                frame |= {"lpips": float(around.mean(dtype=np.float64)), "dists": dists}
                if mask is not None:
                    _pool(self._distances, around, mask)
        if "temporal" in self._per_frame:
            frame["temporal"] = None  # the first frame has none before it
            if self._previous is not None:
                frame["temporal"] = warping_error(
                    self._previous[0], restored, *backward_flow(self._previous[1], original)
                )
            self._previous = restored.copy(), original.copy()  # a reader may fill one buffer over and over
        for name, values in self._per_frame.items():
            values.append(frame[name])

    def state(self) -> dict[str, Any]:
        """What `resume` takes, ready for JSON; of scores without the temporal error, which compares two frames."""
        assert "temporal" not in self._per_frame, "the last pictures are not in the state"
        sums = [{region: pair.tolist() for region, pair in pooled.items()} for pooled in self._pooled]
        return {"per_frame": self._per_frame, "has_mask": self._has_mask, "pooled": sums}

    def resume(self, state: dict[str, Any]) -> None:
        """Go on where other scores had this `state`."""
        self._per_frame, self._has_mask = state["per_frame"], state["has_mask"]
        for pooled, sums in zip(self._pooled, state["pooled"], strict=True):
            pooled.update({region: np.array(pair) for region, pair in sums.items()})

    @property
    def _pooled(self) -> list[dict[str, np.ndarray]]:
        return [self._squared_errors, self._similarities, self._distances]

    def summary(self) -> dict[str, Any]:
        """The video's scores, ready for JSON: no NaN, no infinity; None where there is nothing to score.

        PSNR is in dB and capped at 100 (identical frames). `psnr`, `ssim`, `lpips`, `dists` and `temporal` are means
        over frames; those of a region pool its pixels over the whole clip, since a frame may have few of them or none.
        `temporal` is in 1e-3 of [0, 1]^2. Numbers are rounded to 4 decimals.
        """
        video: dict[str, Any] = {"frames": len(self._per_frame["psnr"])}
        for name, values in self._per_frame.items():
            video[name] = _mean(values)
        if self._has_mask:
            for region in REGIONS:
                error, similarity = (_ratio(sums[region]) for sums in (self._squared_errors, self._similarities))
                video[f"psnr_{region}"] = None if error is None else _rounded(decibels(error))
                video[f"ssim_{region}"] = _rounded(similarity)
                if self._perceptual is not None:
                    video[f"lpips_{region}"] = _rounded(_ratio(self._distances[region]))
        video["per_frame"] = {name: [_rounded(value) for value in values] for name, values in self._per_frame.items()}
        return video


def table(rows: dict[str, dict[str, Any]]) -> str:
    """Summaries by video name as aligned text, with their mean below where there are several.

    >>> print(table({"a": {"frames": 2, "psnr": 24.0, "psnr_hole": None}, "b": {"frames": 4, "psnr": 26.5}}))
    video  frames    psnr  psnr_hole
    a           2  24.000          -
    b           4  26.500          -
    mean           25.250          -
    """
    names = list(dict.fromkeys(name for row in rows.values() for name in row if name not in ("frames", "per_frame")))
    body = [[video, str(row["frames"]), *(_cell(row.get(name)) for name in names)] for video, row in rows.items()]
    lines = [["video", "frames", *names], *body]
    if len(rows) > 1:
        lines.append(["mean", "", *(_cell(_mean([row.get(name) for row in rows.values()])) for name in names)])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        )
        for line in lines
    )


def _pool(sums: dict[str, np.ndarray], values: np.ndarray, mask: np.ndarray) -> None:
    for region, pixels in (("hole", mask), ("seen", ~mask)):
        sums[region] += values[pixels].sum(dtype=np.float64), pixels.sum()


def _ratio(sum_and_count: np.ndarray) -> float | None:
    return float(sum_and_count[0] / sum_and_count[1]) if sum_and_count[1] else None


def _mean(values: list[float | None]) -> float | None:
    """Mean of those that are known."""
    known = [value for value in values if value is not None]
    return _rounded(float(np.mean(known))) if known else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
