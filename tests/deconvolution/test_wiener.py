import cv2
import numpy as np
import pytest

from restore.deconvolution.blurs import SIGMAS, gaussian, transfer_functions
from restore.deconvolution.likely import MEAN
from restore.deconvolution.wiener import MOST, REACH, deconvolution

SIDE = 2 * REACH + 1


def sure(sigma: float) -> np.ndarray:
    probabilities = np.zeros(len(transfer_functions()))
    probabilities[int(np.argmin(np.abs(SIGMAS - sigma)))] = 1
    return probabilities


def spectrum(sigma: float) -> np.ndarray:
    frequency = (np.arange(16) + 0.5) / 32
    return np.logaddexp(MEAN + 2 * np.log(gaussian(sigma, frequency)), np.log(1 / 36 + 0.02))


def response(kernel: np.ndarray, frequency: float) -> float:
    at = np.arange(SIDE) - REACH
    return float(kernel.sum(0) @ np.cos(2 * np.pi * frequency * at))


def test_where_the_blur_is_sure_and_the_scene_strong_it_is_divided_by() -> None:
    undo = deconvolution(spectrum(1.0), sure(1.0))
    assert undo.sharpen.shape == undo.removed.shape == (SIDE, SIDE)
    for frequency in (0.05, 0.1, 0.2):
        blur = float(gaussian(1.0, np.array(frequency)))
        assert response(undo.sharpen, frequency) * blur == pytest.approx(1, abs=0.06)
        assert response(undo.removed, frequency) == pytest.approx(0, abs=0.06)
    assert response(undo.removed, 0.45) == pytest.approx(1, abs=0.06)  # of which 2 % are left


def test_means_stay_and_nothing_is_amplified_beyond_a_limit() -> None:
    for sigma in (0.0, 1.0, 3.0):
        undo = deconvolution(spectrum(sigma), sure(sigma))
        assert undo.sharpen.sum() == pytest.approx(1, abs=1e-5) and undo.removed.sum() == pytest.approx(0, abs=1e-5)
        assert max(response(undo.sharpen, f) for f in np.linspace(0, 0.5, 60)) < 1.1 * MOST


def test_no_blur_is_undone_by_nothing() -> None:
    undo = deconvolution(MEAN, sure(0.0))
    assert not undo.removed.any()
    picture = np.random.default_rng(0).normal(100, 20, (128, 128)).astype(np.float32)
    assert np.abs(cv2.filter2D(picture, -1, undo.sharpen) - picture).mean() < 0.1 * 20  # of what noise has


def test_doubt_does_less() -> None:
    doubt = 0.5 * sure(1.0) + 0.5 * sure(0.0)
    unsure, certain = (response(deconvolution(spectrum(1.0), p).sharpen, 0.25) for p in (doubt, sure(1.0)))
    assert 1 < unsure < 0.7 * certain


def test_noise_does_less_and_sharp_edges_have_what_the_blur_removes() -> None:
    noisy = np.logaddexp(spectrum(1.4), np.log(4.0))
    quiet, loud = (response(deconvolution(x, sure(1.4)).sharpen, 0.2) for x in (spectrum(1.4), noisy))
    assert loud < 0.8 * quiet
    edge = np.zeros((128, 128), np.float32)
    edge[:, 64:] = 200
    undo = deconvolution(spectrum(1.4), sure(1.4))
    left = [np.abs(cv2.filter2D(x, -1, undo.removed)).max() for x in (edge, cv2.GaussianBlur(edge, (0, 0), 1.4))]
    assert left[0] > 8 * left[1]
