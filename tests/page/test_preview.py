"""Previews: what the command line makes, of the frames around."""

from pathlib import Path

import numpy as np
import pytest

from restore.frame import Frame
from restore.inference.files import restore_file
from restore.page.preview import Previewed, finished, generated, kept
from restore.pipeline import Restorer
from restore.video.clip import read_clip
from restore.video.fields import FieldOrder
from tests.inference.test_files import white, write
from tests.propagation.footage import box, covered, noisy, pan


@pytest.fixture(scope="module")
def restorer(tiny_weights: Path) -> Restorer:
    return Restorer.from_pretrained(tiny_weights, device="cpu", precision="float32", engine="torch")


MASK = box(9, 48, 64, (10, 10), (0, 3), side=12)
CLIP = noisy(covered(pan(9, (0, 1), 48, 64), MASK), 8)


def previewed(
    restorer: Restorer,
    wanted: range,
    *,
    strength: float = 1.0,
    light: str | float = "off",
    hidden_only: bool = False,
    order: FieldOrder | None = None,
) -> list[Previewed]:
    """At once, and from what is kept: the same."""
    frames = [Frame(image, pts=at, mask=mask) for at, (image, mask) in enumerate(zip(CLIP, MASK, strict=True))]
    results = list(generated(restorer, frames, wanted, light=light, order=order))
    both = (
        list(finished(some, strength=strength, hybrid=None, hidden_only=hidden_only, order=order))
        for some in (results, map(kept, results))
    )
    shown, again = both
    for one, other in zip(shown, again, strict=True):
        assert all(np.array_equal(getattr(one, name), getattr(other, name)) for name in vars(one))
    return shown


def result(restorer: Restorer, folder: Path, **settings: object) -> np.ndarray:
    video, mask = write(folder / "v.mkv", CLIP), white(folder / "m.mkv", MASK)
    restore_file(restorer, video, folder / "o.mkv", mask=mask, lossless=True, **settings)  # type: ignore[arg-type]
    return read_clip(folder / "o.mkv", 0, 9)


def test_several_frames_are_as_in_the_result(tmp_path: Path, restorer: Restorer) -> None:
    expected = result(restorer, tmp_path, strength=0.5)
    shown = previewed(restorer, range(2, 7), strength=0.5)
    assert np.array_equal(np.stack([one.restored for one in shown]), expected[2:7])
    assert np.array_equal(np.stack([one.degraded for one in shown]), CLIP[2:7])
    assert {1, 2} <= set(np.unique(shown[0].provenance)) | {1, 2} and (shown[0].provenance[MASK[2] > 0] > 0).all()


def test_one_frame_is_generated_alone(tmp_path: Path, restorer: Restorer) -> None:
    expected = result(restorer, tmp_path)
    (one,) = previewed(restorer, range(4, 5))
    visible = MASK[4] == 0
    assert np.abs(one.restored[visible].astype(int) - expected[4][visible]).max() <= 1
    hidden = np.abs(one.restored[~visible].astype(int) - expected[4][~visible]).mean()
    assert hidden < 6  # all but the average over time


def test_copies_and_hidden_pixels_alone(tmp_path: Path, restorer: Restorer) -> None:
    plain = Restorer(device="cpu")
    (one,) = previewed(plain, range(4, 5))
    assert np.array_equal(one.restored, result(plain, tmp_path)[4])
    (one,) = previewed(restorer, range(4, 5), hidden_only=True)
    assert np.array_equal(one.restored[MASK[4] == 0], CLIP[4][MASK[4] == 0])
    (one,) = previewed(restorer, range(4, 5), light=4.0, strength=0)
    assert np.array_equal(one.degraded, CLIP[4]) and one.restored.mean() > CLIP[4].mean() + 20


def test_fields_are_woven_again(restorer: Restorer) -> None:
    (one,) = previewed(Restorer(device="cpu"), range(4, 5), order=FieldOrder(top_first=False, flagged=True))
    assert one.restored.shape == CLIP[4].shape
    assert np.array_equal(one.degraded, CLIP[4])
    assert np.array_equal(one.restored[MASK[4] == 0], CLIP[4][MASK[4] == 0])
    assert np.array_equal(one.provenance > 0, MASK[4] > 0)
