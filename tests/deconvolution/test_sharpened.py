from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from skimage import data

import restore.deconvolution.sharpened as module
from restore.deconvolution.sharpened import sharpened
from restore.degradations.blur import defocus, motion_blur, out_of_focus
from restore.frame import Frame
from restore.models.softness import blur_logit
from restore.restored import Restored, certain
from restore.scoring.psnr import psnr
from restore.tensors import to_float, to_uint8

SHARP = np.ascontiguousarray(data.astronaut()[:240, 60:380])


def blurred(radius: float = 0.0, sigma: float = 0.0, image: np.ndarray = SHARP) -> np.ndarray:
    clip = out_of_focus(to_float(image[None]), radius)
    return to_uint8(defocus(clip[None], torch.tensor([sigma]))[0])[0]


def one(image: np.ndarray, *, noise: float = 0.0, mask: np.ndarray | None = None) -> Restored:
    """As the generator leaves a frame in which it changed nothing."""
    mask = np.zeros(image.shape[:2], np.float32) if mask is None else mask
    logit = blur_logit(to_float(image[None]), torch.from_numpy(mask > 0)[None, None])
    frame = Frame(image, mask=mask)
    codes = np.zeros(frame.size, np.uint8)
    return Restored(frame, image, codes, certain(frame), (noise, float(logit.sigmoid()), 0.0))


def test_motion_blur_is_undone_along_its_path() -> None:
    clip = motion_blur(to_float(SHARP[None]), torch.tensor([9.0]), torch.tensor([0.9]))
    image = to_uint8(clip)[0]
    (result,) = sharpened([one(image)])
    assert psnr(result.image, SHARP) > psnr(image, SHARP) + 2.2


@pytest.mark.parametrize(("radius", "sigma"), [(0, 0.8), (0, 1.0), (0, 1.4), (0, 2.0), (2, 0), (4, 0)])
def test_blurred_frames_come_out_nearer_to_the_scene(radius: float, sigma: float) -> None:
    image = blurred(radius, sigma)
    (result,) = sharpened([one(image)])
    assert psnr(result.image, SHARP) > psnr(image, SHARP) + 2
    assert result.estimate is not None and result.estimate[2] == 1.0


def test_others_come_out_as_they_are() -> None:
    noisy = np.clip(SHARP + np.random.default_rng(0).normal(0, 5, SHARP.shape), 0, 255).astype(np.uint8)
    for kept in (
        one(SHARP),
        one(noisy),
        one(blurred(sigma=1.4), noise=3.0),
        replace(one(blurred(sigma=1)), estimate=None),
    ):
        assert next(sharpened([kept])) is kept
    tiny = one(blurred(sigma=1.4)[:60, :50])  # no spectrum of that
    assert next(sharpened([replace(tiny, estimate=(0.0, 0.999, 0.0))])).image is tiny.image
    nothing_visible = replace(tiny, estimate=(float("nan"), float("nan"), float("nan")))
    assert next(sharpened([nothing_visible])) is nothing_visible


def test_a_little_is_done_to_a_frame_that_is_a_little_likely_blurred() -> None:
    image = blurred(sigma=1.0)
    half = 1 / (1 + np.exp(-(module.SHARP + module.BLURRED) / 2))
    whole, part = (next(sharpened([replace(one(image), estimate=(0.0, p, 0.0))])) for p in (0.999, half))
    change = [np.abs(x.image.astype(float) - image).mean() for x in (part, whole)]
    assert change[0] == pytest.approx(change[1] / 2, rel=0.15)


def test_a_caption_that_was_drawn_after_the_blur_does_not_ring() -> None:
    image, clean = blurred(sigma=1.4), SHARP.copy()
    for picture in (image, clean):
        cv2.putText(picture, "CAM 03 13:45:07", (20, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 1)
    (result,) = sharpened([one(image)])
    text = np.s_[20:48, 15:215]
    assert psnr(result.image[text], clean[text]) > psnr(image[text], clean[text]) - 0.1
    rest = np.s_[100:]
    assert psnr(result.image[rest], clean[rest]) > psnr(image[rest], clean[rest]) + 2


def test_the_blur_is_measured_where_the_scene_is_visible_and_undone_everywhere() -> None:
    mask = np.zeros(SHARP.shape[:2], np.float32)
    mask[60:130, 100:190] = 1
    image = blurred(sigma=1.2)
    hidden = np.where(mask[..., None] > 0, np.uint8(128), image)
    filled = replace(one(hidden, mask=mask), image=image)  # as a perfect generator fills it
    (result,) = sharpened([filled])
    for part in (mask > 0, mask == 0):
        assert psnr(result.image[part], SHARP[part]) > psnr(image[part], SHARP[part]) + 1.5


def test_bars_that_were_added_after_the_blur_do_not_mislead() -> None:
    image, clean = blurred(sigma=1.4), SHARP.copy()
    for picture in (image, clean):
        picture[:28] = picture[-28:] = 0
    (result,) = sharpened([one(image)])
    assert np.array_equal(result.image[:22], image[:22]) and np.array_equal(result.image[-22:], image[-22:])
    assert psnr(result.image, clean) > psnr(image, clean) + 1
    # A soft picture that is only taken for blurred for its bars is not.
    kept = replace(one(clean), estimate=(0.0, 0.999, 0.0))
    assert next(sharpened([kept])) is kept


def test_what_was_changed_is_no_longer_certain() -> None:
    frame = one(blurred(sigma=1.4))
    (result,) = sharpened([frame])
    changed = (result.image != frame.image).any(-1)
    error = np.abs(result.image.astype(float) - frame.image).mean(-1)
    assert (result.confidence[changed] < 255).all() and (result.confidence[~changed] == 255).all()
    assert result.confidence[error > 15].mean() < result.confidence[changed & (error < 2)].mean() - 20


def test_a_large_picture_is_computed_in_parts_and_comes_out_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    image = blurred(sigma=1.2, image=np.ascontiguousarray(data.astronaut()[:, :200]))
    (whole,) = sharpened([one(image)])
    monkeypatch.setattr(module, "ROWS", 96)
    (parts,) = sharpened([one(image)])
    assert np.abs(whole.image.astype(int) - parts.image).max() <= 1
    assert (whole.image != parts.image).mean() < 1e-3
