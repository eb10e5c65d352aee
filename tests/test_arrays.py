import numpy as np
import pytest

from restore import arrays
from restore.arrays import CUBIC, LANCZOS, LINEAR, ROW
from tests.propagation.footage import texture

H, W = 20, 30
PICTURE = texture(H, W).astype(np.float32)


def there(x: float, y: float = 0) -> np.ndarray:
    return arrays.grid(H, W) + np.array([x, y], np.float32)


@pytest.mark.parametrize("interpolation", [LINEAR, CUBIC])
def test_sample_reads_where_it_is_sent_and_repeats_the_border(interpolation: int) -> None:
    got = arrays.sample(PICTURE, there(4), interpolation)
    assert np.allclose(got[:, :26], PICTURE[:, 4:], atol=1e-3)
    assert np.allclose(got[:, 26:], PICTURE[:, -1:], atol=1e-3)
    assert arrays.sample(np.ascontiguousarray(PICTURE[..., 0]), there(4)).shape == (H, W)


@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.33, 0.5])
def test_samples_are_exact_to_a_hundredth_of_a_pixel(fraction: float) -> None:
    ramp = np.tile(np.arange(W, dtype=np.float32) * 100, (H, 1))
    assert np.allclose(arrays.sample(ramp, there(fraction))[:, :-1], ramp[:, :-1] + 100 * fraction, atol=0.01)
    points = np.array([[3 + fraction, 5]], np.float32)
    assert np.allclose(arrays.sample_points(ramp, points), 300 + 100 * fraction, atol=0.01)


@pytest.mark.parametrize("count", [1, ROW - 1, ROW, ROW + 1])
def test_points_are_sampled_as_pictures_are_with_the_border_repeated(count: int) -> None:
    where = np.random.default_rng(0).uniform(0, [W - 1, H - 1], (count, 2)).astype(np.float32)
    points = arrays.sample_points(PICTURE, where)
    assert points.shape == (count, 3)
    assert np.allclose(points, arrays.sample(PICTURE, where[None])[0], atol=1e-2)
    assert arrays.sample_points(PICTURE[..., 0].copy(), where).shape == (count,)
    outside = arrays.sample_points(PICTURE, where + np.float32(1000))
    assert np.array_equal(outside, np.tile(PICTURE[-1, -1], (count, 1)))
    for interpolation in (CUBIC, LANCZOS):
        again = arrays.sample_points(PICTURE, where, interpolation)
        assert np.allclose(again, arrays.sample(PICTURE, where[None], interpolation)[0], atol=1e-2)


def test_an_affine_warp_samples_at_the_matrix_times_the_pixel() -> None:
    matrix = np.array([[1, 0, 3], [0, 1, 2]], np.float32)
    assert np.allclose(arrays.warp_affine(PICTURE, matrix)[:-2, :-3], PICTURE[2:, 3:], atol=1e-3)


def test_pool_and_upsample_preserve_means_and_shapes() -> None:
    for picture in (PICTURE, np.ascontiguousarray(PICTURE[..., 0]), PICTURE[..., :1].copy()):
        pooled = arrays.pool(picture, 4, 6)
        assert pooled.shape == (4, 6, *picture.shape[2:])
        assert pooled.mean() == pytest.approx(picture.mean(), rel=1e-4)
        assert arrays.upsample(pooled, H, W).shape == picture.shape
    assert np.allclose(arrays.upsample(np.full((2, 3), 7, np.float32), H, W), 7)


def test_dilate_and_erode_are_opposites_but_at_the_border() -> None:
    mask = np.zeros((H, W), bool)
    mask[8:12, 10:20] = True
    larger = arrays.dilate(mask, 2)
    assert larger.dtype == bool and larger.sum() == 8 * 14 and np.array_equal(arrays.erode(larger, 2), mask)
    assert arrays.erode(np.ones((H, W), bool), 3).all()
    assert arrays.dilate(np.eye(5, dtype=bool), 1).sum() == 19


def test_blur_is_the_mean_of_a_square() -> None:
    point = np.zeros((H, W), np.float32)
    point[10, 10] = 25
    blurred = arrays.blur(point, 5)
    assert np.allclose(blurred[8:13, 8:13], 1) and blurred.sum() == pytest.approx(25, rel=1e-5)


def test_difference_clips_the_colour_and_not_the_picture() -> None:
    image, colour = np.full((2, 2, 3), 255, np.uint8), np.full((2, 2, 3), 300, np.float32)
    assert not arrays.difference(image, colour).any()
    assert (arrays.difference(image * 0, colour) == -255).all()
    assert (arrays.clipped(colour) == 255).all()


def test_blend_is_the_weighted_mean_whatever_the_weights_scale() -> None:
    one, other = PICTURE, np.flip(PICTURE, 0).copy()
    for scale in (1.0, 1e-2):
        weights = np.full((H, W), 3 * scale, np.float32), np.full((H, W), scale, np.float32)
        assert np.allclose(arrays.blend(one, other, *weights), (3 * one + other) / 4, atol=0.1)
    nothing = np.zeros((H, W), np.float32)
    assert not arrays.blend(one, other, nothing, nothing).any()


def test_choose_takes_each_pixel_from_one_of_two_and_changes_neither() -> None:
    condition, yes, no = np.arange(W) % 2 == np.zeros((H, 1)), PICTURE, -PICTURE
    got = arrays.choose(condition, yes, no)
    assert np.array_equal(got, np.where(condition[..., None], PICTURE, -PICTURE)) and (no <= 0).all()


def test_planes_and_channels() -> None:
    plane = np.ascontiguousarray(PICTURE[..., 0])
    assert np.array_equal(arrays.stacked(plane, PICTURE), np.dstack([plane, PICTURE]))
    assert np.array_equal(arrays.per_channel(plane, 2), np.stack([plane, plane], -1))
    assert arrays.per_channel(plane, 1).shape == (H, W, 1)
    assert np.allclose(arrays.mean_channel(PICTURE), PICTURE.mean(-1), atol=1e-3)
    assert np.allclose(arrays.gaussian(np.float32([[0, 2]]), 2.0), [[1, np.exp(-1)]])
