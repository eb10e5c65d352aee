"""How well are obstructions detected, separated and named?

    python -m benchmarks.segmentation CLIPS [--seed 1000] [--frames 24] [--write benchmarks/segmentation.md]

Clean clips have two or three kinds of obstructions before them; every second one is blurred and noisy, too, as badly as
is typical in training. Three tables:

- IoU of the masks (over all frames of a clip, mean over clips), of all that is found and of what is proven; F1 of the
  instances of each frame, which match where their masks have an IoU of 0.5, whatever they are called, or only if they
  are called the same; how many of the pixels found that are truly hidden have their true kind.
- For each kind, how many of the pixels that it hides are found, and how many are proven. Text is not removed, and so
  counts as unproven.
- IoU of what is proven before grey boxes of each motion, blurred and noisy; how much of clean clips is taken for
  hidden, and how much is suspected.

All but IoU are pooled over the pixels or instances of all clips.
Without a segmenter the kinds are unknown: obstructions of several kinds that touch are one instance then.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from benchmarks.budget import Calls
from restore.degradations.blur import defocus
from restore.degradations.degrade import Ranges, add_noise, degrade
from restore.degradations.obstructions.draw import obstruct
from restore.detection.instances import INSTANCE_THRESHOLD, Instance, instances
from restore.detection.tracks import matched
from restore.frame import Frame
from restore.kinds import BOX_MOTIONS, KINDS
from restore.pipeline import Restorer
from restore.shipped import WEIGHTS
from restore.tensors import to_float, to_uint8
from restore.video.clip import read_clip
from restore.video.files import find_videos

MATCH = 0.5  # IoU from which two instances are the same
TYPICAL = Ranges(typical_share=1, compressed_share=0)


@dataclass(frozen=True)
class Detected:
    """What is measured of a clip.

    Attributes:
        probability: float32 `T H W`, of all that is found.
        kinds: uint8 `T H W`, or None.
        proven: bool `T H W`, what of it would be removed.
    """

    probability: np.ndarray
    kinds: np.ndarray | None
    proven: np.ndarray

    @property
    def found(self) -> np.ndarray:
        """bool `T H W`."""
        return self.probability > INSTANCE_THRESHOLD

    @property
    def removed(self) -> np.ndarray:
        """bool `T H W`."""
        return self.found & self.proven


def detected(restorer: Restorer, frames: np.ndarray) -> Detected:
    """Of frames uint8 `T H W 3`."""
    found = list(restorer.detect(map(Frame, frames)))
    probability = np.stack([frame.probability for frame in found if frame.probability is not None])
    kinds = [frame.kinds for frame in found if frame.kinds is not None]
    proven = np.stack([frame.proven for frame in found if frame.proven is not None])
    return Detected(probability, np.stack(kinds) if kinds else None, proven)


@dataclass
class Score:
    """Counts over clips.

    Attributes:
        ious, proven_ious: of the masks of each clip; NaN where nothing is hidden and nothing was found.
        hidden, hit, proven: by kind, pixels that it hides, and how many of them were found and proven.
        named: of those found, how many have their kind.
        true, found: instances.
        same, alike: instances that match, and that match and are of one kind.
    """

    ious: list[float] = field(default_factory=list)
    proven_ious: list[float] = field(default_factory=list)
    hidden: np.ndarray = field(default_factory=lambda: np.zeros(len(KINDS), int))
    hit: np.ndarray = field(default_factory=lambda: np.zeros(len(KINDS), int))
    proven: np.ndarray = field(default_factory=lambda: np.zeros(len(KINDS), int))
    named: int = 0
    true: int = 0
    found: int = 0
    same: int = 0
    alike: int = 0

    def add(self, one: Detected, true_mask: np.ndarray, true_kinds: np.ndarray) -> None:
        """One clip: what was found and what is true, each `T H W`."""
        probability, kinds, mask, truth = one.probability, one.kinds, one.found, true_mask > INSTANCE_THRESHOLD
        self.ious.append(iou(mask, truth))
        self.proven_ious.append(iou(one.removed, truth))
        self.proven += np.bincount(true_kinds[truth & one.removed], minlength=len(KINDS))
        self.hidden += np.bincount(true_kinds[truth], minlength=len(KINDS))
        self.hit += np.bincount(true_kinds[truth & mask], minlength=len(KINDS))
        if kinds is not None:
            self.named += int((kinds == true_kinds)[truth & mask].sum())
        else:
            kinds = np.zeros_like(true_kinds)
        for frame in zip(probability, kinds, true_mask, true_kinds, strict=True):
            got, wanted = instances(*frame[:2]), instances(*frame[2:])
            overlap = overlaps(got, wanted, probability.shape[1:])
            called = np.array([[a.kind == b.kind for b in wanted] for a in got]).reshape(overlap.shape)
            self.found += len(got)
            self.true += len(wanted)
            self.same += len(matched(overlap, MATCH))
            self.alike += len(matched(overlap * called, MATCH))

    def __add__(self, other: "Score") -> "Score":
        return Score(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    def f1(self, matches: int) -> float:
        return 200 * matches / max(1, self.true + self.found)


def iou(mask: np.ndarray, truth: np.ndarray) -> float:
    """In %, of bool arrays."""
    union = (mask | truth).sum()
    return float(100 * (mask & truth).sum() / union) if union else float("nan")


def overlaps(got: Sequence[Instance], wanted: Sequence[Instance], size: tuple[int, ...]) -> np.ndarray:
    """IoU of the masks of the instances of a frame, float `N M`."""
    a, b = np.zeros((len(got), *size), np.float32), np.zeros((len(wanted), *size), np.float32)
    for masks, some in ((a, got), (b, wanted)):
        for mask, instance in zip(masks, some, strict=True):
            left, top, right, bottom = instance.box
            mask[top:bottom, left:right] = instance.mask
    a, b = a.reshape(len(a), np.prod(size)), b.reshape(len(b), np.prod(size))
    both = a @ b.T
    return both / np.maximum(1, a.sum(1)[:, None] + b.sum(1) - both)


def obstructed(clip: np.ndarray, seed: int, *, typical: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The clip, uint8 `T H W 3`, with obstructions before it: what a camera makes of it, the true mask, the true kinds.

    Args:
        typical: blurred and noisy, as the order of `degrade` has it.
    """
    clips, generator = to_float(clip)[None], torch.Generator().manual_seed(seed)
    bad = obstruct(defocus(clips, torch.tensor([TYPICAL.blur.typical])) if typical else clips, generator=generator)
    seen = add_noise(bad.clips, torch.tensor([TYPICAL.noise.typical]), generator=generator) if typical else bad.clips
    return to_uint8(seen[0]), bad.mask[0, :, 0].numpy(), bad.kinds[0].argmax(1).to(torch.uint8).numpy()


def report(restorer: Restorer, clips: Sequence[np.ndarray], seed: int) -> list[str]:
    """The lines of the three tables, and which share of the frames the segmenter looked at for them."""
    looked_at = {
        name: Calls(model) for name, model in (("all", restorer.finder), ("some", restorer.segmenter)) if model
    }
    scores, names_kinds = [Score(), Score()], False
    for index, clip in enumerate(clips):
        frames, mask, true_kinds = obstructed(clip, seed + index, typical=index % 2 == 1)
        one = detected(restorer, frames)
        names_kinds = one.kinds is not None
        scores[index % 2].add(one, mask, true_kinds)
    both = scores[0] + scores[1]
    lines = [
        "| obstructed | clips | IoU | proven, IoU | instances, F1 | of their kind, F1 | kind, % |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, score in zip(("sharp", "blurred, noisy", "both"), [*scores, both], strict=True):
        if not score.ious:
            continue
        named_right = [score.f1(score.alike), 100 * score.named / max(1, score.hit.sum())]
        ious = [float(np.nanmean(values)) for values in (score.ious, score.proven_ious)]
        row = [*ious, score.f1(score.same), *(named_right if names_kinds else [])]
        cells = [f"{value:.1f}" for value in row] + [""] * (5 - len(row))
        lines.append(f"| {name} | {len(score.ious)} | " + " | ".join(cells) + " |")

    lines += ["", "| kind | of what is hidden, % | found, % | proven, % |", "|---|---|---|---|"]
    for kind, hidden, hit, proven in zip(KINDS, both.hidden, both.hit, both.proven, strict=True):
        found, sure = (f"{100 * part / hidden:.1f}" if hidden else "" for part in (hit, proven))
        lines.append(f"| {kind} | {100 * hidden / max(1, both.hidden.sum()):.1f} | {found} | {sure} |")

    lines += ["", "| grey boxes | proven, IoU |", "|---|---|"]
    for motion in BOX_MOTIONS[1:]:
        ious = []
        for index, clip in enumerate(clips):
            generator = torch.Generator().manual_seed(seed + index)
            bad, boxes = degrade(to_float(clip)[None], generator=generator, ranges=TYPICAL, kind=motion)
            ious.append(iou(detected(restorer, to_uint8(bad[0])).removed, boxes[0, :, 0].numpy() > INSTANCE_THRESHOLD))
        lines.append(f"| {motion} | {np.mean(ious):.1f} |")
    clean = (detected(restorer, clip) for clip in clips)
    removed, found = 100 * np.array([(one.removed.mean(), one.found.mean()) for one in clean]).T
    return [
        *lines,
        "",
        f"Of clean clips {removed.mean():.3f} % are taken for hidden (most: {removed.max():.2f} %), "
        f"{(found - removed).mean():.2f} % are suspected.",
        *(
            [f"The segmenter looked at {100 * looked_at['some'].frames / looked_at['all'].frames:.0f} % of all frames."]
            if "some" in looked_at
            else []
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--seed", type=int, default=1000, help="of what is drawn; training draws from others")
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--write", type=Path, help="a Markdown file")
    args = parser.parse_args()
    restorer = Restorer.from_pretrained(args.weights)
    clips = [read_clip(path, 0, args.frames) for path in find_videos(args.clips)]
    lines = report(restorer, clips, args.seed)
    print("\n".join(lines))
    if args.write:
        command = (
            f"`python -m benchmarks.segmentation CLIPS --seed {args.seed} --frames {args.frames}`, {len(clips)} clips:"
        )
        args.write.write_text("\n".join(["# Segmentation", command, "", *lines]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
