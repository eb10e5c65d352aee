"""The report for people, `STEM_report.html`: one file, with nothing in it from elsewhere, that can be read and printed.

It is made from the JSON report and from what is gathered while frames stream by, and holds nothing that differs from
run to run: neither how long it took nor when.
"""

import os
import shlex
from base64 import b64encode
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from restore.errors import RestoreError, printable
from restore.inference.charts import HEIGHT, LEFT, RIGHT, WIDTH, clock, lines, round_up, stacked
from restore.inference.curve import Curve
from restore.inference.overlay import COLOURS
from restore.inference.report import check_new, digests, report_path
from restore.inference.steps import steps
from restore.inference.stills import Stills
from restore.propagation.provenance import NAMES
from restore.restored import Restored
from restore.video.info import VideoInfo

MOST_REGIONS = 100  # that are listed


class HtmlReport:
    """Gathers what the page displays, frame by frame, then writes it.

    Args:
        path: of the page.
        info: of the frames that are restored.
        overwrite: replace `path` if it exists.

    Raises:
        VideoError: it exists and may not be replaced.
    """

    def __init__(self, path: str | Path, *, info: VideoInfo, overwrite: bool) -> None:
        self.path = Path(path)
        check_new(self.path, overwrite)
        self._info = info
        self._curve, self._stills = Curve(), Stills()

    def add(self, result: Restored, original: np.ndarray | None) -> None:
        """The next frame; `original`: uint8 `H W 3`, if there is one."""
        counts = np.bincount(result.provenance.ravel(), minlength=len(NAMES))
        shares = counts[list(COLOURS)] / result.provenance.size
        confidence = float(result.confidence.mean()) / 255  # uint8 => [0, 1]
        self._curve.add(float(result.frame.pts * result.frame.time_base), [*shares, confidence])
        self._stills.add(result, original)

    def state(self) -> dict[str, Any]:
        """What `resume` takes, ready for JSON."""
        return {"curve": self._curve.state(), "stills": self._stills.state()}

    def resume(self, state: dict[str, Any]) -> None:
        """Go on where another had this `state`, after as many frames."""
        self._curve.resume(state["curve"])
        self._stills.resume(state["stills"])

    def write(self, output: Path, report: dict[str, Any]) -> None:
        """Write the page of a report on the video `output`, and list it among the report's side files.

        Raises:
            RestoreError: the disk is full.
        """
        text = printable(TEMPLATES.get_template("report.html").render(self._shown(output, report)))
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}.tmp")
        try:
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(self.path)
        except OSError as error:
            raise RestoreError(
                f"the video is restored, its page cannot be written ({error.strerror}): {self.path}"
            ) from error
        finally:
            temporary.unlink(missing_ok=True)
        report["side_files"].append(self.path.name)
        report["sha256"]["side_files"][self.path.name] = digests(file=self.path)["file"]

    def _shown(self, output: Path, report: dict[str, Any]) -> dict[str, Any]:
        """What the template names."""
        starts, means = self._curve.starts(), self._curve.means()
        end = max(self._curve.end, starts[0] + float(1 / self._info.rate))
        shares, confidence = means[:, :-1], means[:, -1:]
        lowest = 1 - min(1.0, round_up(float(1 - confidence.min())))
        aspect = self._info.width * self._info.sample_aspect_ratio / self._info.height
        regions = (report["regenerated"] or {}).get("regions", [])
        return {
            "report": report,
            "files": _files(report),
            "colours": {NAMES[code]: "#{:02x}{:02x}{:02x}".format(*colour) for code, colour in COLOURS.items()},
            "plane": {"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": RIGHT},
            "provenance": stacked(starts, end, shares) if shares.any() else None,
            "confidence": lines(starts, end, confidence, lowest, 1, "{:.4g}".format),
            "psnr": self._psnr(report["scores"], end),
            "stills": self._stills.chosen(),
            "aspect": round(float(aspect), 6),
            "steps": steps(report),
            "regions": regions[:MOST_REGIONS],
            "unlisted": max(0, len(regions) - MOST_REGIONS),
            "duration": clock(end - starts[0]),
            "time_of": lambda frame: clock(self._curve.time_of(frame)),
            "json_name": report_path(output).name,
            "verify": f"python -m restore verify {shlex.quote(report_path(output).name)}",
        }

    def _psnr(self, scores: dict[str, Any] | None, end: float) -> Any:
        """A chart of it before and after restoring; None where there is no original."""
        if scores is None:
            return None
        curve = Curve()
        pairs = zip(*(scores[when]["per_frame"]["psnr"] for when in ("before", "after")), strict=True)
        for frame, pair in enumerate(pairs):
            curve.add(self._curve.time_of(frame), pair)
        values = curve.means()
        bottom, top = 5 * np.floor(values.min() / 5), 5 * np.ceil(values.max() / 5)
        return lines(curve.starts(), end, values, bottom, max(top, bottom + 5), "{:.4g} dB".format)


def _files(report: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    """Role, name and SHA-256 of each file that went in or came out."""
    names = {role: report[role] for role in ("input", "mask", "original", "output", "weights")}
    digests = report["sha256"]
    files = [(role, name, digests[role]) for role, name in names.items() if name]
    if digests["segmenter"]:
        files.append(("segmenter", "segmenter.pth", digests["segmenter"]))
    if digests.get("noise"):
        files.append(("noise network", "noise.pth", digests["noise"]))
    if digests.get("scaler"):
        files.append(("scaler", "scaler.pth", digests["scaler"]))
    return files + [("side file", name, digest) for name, digest in digests["side_files"].items()]


def _percent(share: float) -> str:
    """A share in [0, 1].

    >>> [_percent(share) for share in (0, 0.00001, 0.1234, 1)]
    ['0 %', '< 0.1 %', '12.3 %', '100 %']
    """
    if 0 < share < 0.0005:
        return "< 0.1 %"
    return f"{100 * share:.3g} %" if share >= 0.1 else f"{100 * share:.2g} %"


def _plain(value: Any) -> str:
    """A setting as text.

    >>> _plain(["leaves", "dirt"]), _plain(False), _plain(0), _plain(None)
    ('leaves, dirt', 'no', '0', 'none')
    """
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


# Everything that a template is given is text, and escaped, whatever a file name holds.
TEMPLATES = Environment(
    loader=PackageLoader("restore", "inference"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters |= {"percent": _percent, "plain": _plain, "base64": lambda data: b64encode(data).decode()}
