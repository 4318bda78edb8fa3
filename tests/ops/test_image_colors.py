"""Colours of images, against the standard library's colour systems and an eigendecomposition of NumPy."""

import colorsys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradwise.ops import image_colors as ops
from gradwise.ops.image_erasing import byte_noise, erase_patches
from gradwise.ops.image_resizing import resize_images, window_framed, window_of_shape

pytestmark = pytest.mark.feature("A8")


@pytest.fixture
def photos(rng):
    """Colours of all kinds: random ones, greys, black, white, and pure ones."""
    special = [[0, 0, 0], [255, 255, 255], [80, 80, 80], [255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0]]
    pixels = np.concatenate([rng.uniform(0, 255, (41, 3)), special])
    return np.stack([pixels.reshape(6, 8, 3), rng.uniform(0, 255, (6, 8, 3))]).astype("float32")


def by_pixel(images, numbers, change):
    """Applies a change of (hue, saturation, value) pixel by pixel."""
    outputs = np.zeros(images.shape)
    for place in np.ndindex(images.shape[:3]):
        hue, saturation, value = colorsys.rgb_to_hsv(*(images[place].astype("float64") / 255))
        changed = change(hue, saturation, value, float(numbers[place[0]]))
        outputs[place] = 255 * np.array(colorsys.hsv_to_rgb(*changed))
    return outputs


@pytest.mark.parametrize("turns", [(0.0, 1.0), (0.1, -0.1), (0.5, -0.5), (0.8, 1 / 3)])
def test_hue(photos, turns):
    numbers = np.array(turns, "float32")
    expected = by_pixel(photos, numbers, lambda h, s, v, turn: ((h + turn) % 1, s, v))
    np.testing.assert_allclose(ops.adjust_hue(photos, numbers), expected, atol=2e-2)
    scaled = ops.adjust_hue(photos / 255, numbers, (0, 1))
    np.testing.assert_allclose(scaled, expected / 255, atol=1e-4)


@pytest.mark.parametrize("factors", [(0.0, 1.0), (0.5, 1.5), (20.0, 1e6)])
def test_saturation(photos, factors):
    numbers = np.array(factors, "float32")
    expected = by_pixel(photos, numbers, lambda h, s, v, factor: (h, min(1.0, s * factor), v))
    np.testing.assert_allclose(ops.adjust_saturation(photos, numbers), expected, atol=1e-2)
    moved = ops.adjust_saturation(photos / 255 - 0.5, numbers, (-0.5, 0.5))
    np.testing.assert_allclose(moved, expected / 255 - 0.5, atol=1e-4)


def test_brightness_contrast_and_channels(photos):
    amounts = np.array([0.2, -0.7], "float32")
    expected = np.clip(photos + 255 * amounts[:, None, None, None], 0, 255)
    np.testing.assert_allclose(ops.adjust_brightness(photos, amounts), expected, rtol=1e-5, atol=1e-4)
    tints = np.array([[0.2, -0.1, 0.0], [1.0, -1.0, 0.3]], "float32")
    expected = np.clip(photos + 255 * tints[:, None, None, :], 0, 255)
    np.testing.assert_allclose(ops.shift_channels(photos, tints), expected, rtol=1e-5, atol=1e-4)
    mean = photos.astype("float64").mean((1, 2), keepdims=True)
    expected = np.clip(mean + (photos - mean) * np.array([0.3, 1.8])[:, None, None, None], 0, 255)
    outputs = ops.adjust_contrast(photos, np.array([0.3, 1.8], "float32"))
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-3)


def test_gray_is_the_luma_of_the_standard(photos):
    outputs = np.asarray(ops.to_gray(photos, np.array([True, False])))
    luma = [[colorsys.rgb_to_yiq(*pixel)[0] for pixel in row] for row in photos[0].astype("float64")]
    for channel in range(3):
        # The standard library rounds the weights to two digits.
        np.testing.assert_allclose(outputs[0, ..., channel], luma, atol=0.02 * 255)
    np.testing.assert_array_equal(outputs[0, 0, 0], outputs[0, 0, 0, 0])
    np.testing.assert_array_equal(outputs[1], photos[1])


def test_principal_colors_are_the_eigenvectors_of_the_covariance(rng):
    mixing = rng.normal(size=(3, 3))
    images = np.clip(rng.normal(size=(40, 5, 4, 3)) @ mixing * 30 + [90, 120, 60], 0, 255).astype("uint8")
    vectors, variances = ops.principal_colors([images[:7], images[7:39], images[39:]])
    covariance = np.cov(images.reshape(-1, 3).T / 255, bias=True)
    values, directions = np.linalg.eigh(covariance)
    np.testing.assert_allclose(variances, values[::-1], rtol=1e-9)
    np.testing.assert_allclose(np.abs(vectors.T @ directions[:, ::-1]), np.eye(3), atol=1e-8)
    np.testing.assert_allclose(vectors @ np.diag(variances) @ vectors.T, covariance, atol=1e-12)
    assert (vectors[np.abs(vectors).argmax(0), range(3)] > 0).all()


def test_principal_shifts_follow_the_formula(rng):
    images = rng.uniform(100, 150, (4, 2, 3, 3)).astype("float32")
    vectors, variances = np.linalg.qr(rng.normal(size=(3, 3)))[0], np.array([0.2, 0.05, 0.01])
    factors = rng.normal(scale=0.3, size=(4, 3))
    expected = [
        image + 255 * sum(vectors[:, i] * a[i] * variances[i] for i in range(3))
        for image, a in zip(images, factors, strict=True)
    ]
    single = [np.asarray(each, "float32") for each in (factors, vectors, variances)]
    np.testing.assert_allclose(ops.shift_principal_colors(images, *single), expected, rtol=1e-5)


def test_patches_are_erased_where_they_lie(rng):
    images = rng.normal(size=(3, 6, 7, 2)).astype("float32")
    starts = np.array([[1, 2], [0, 0], [4.2, 5.5]], "float32")
    sizes = np.array([[3, 4], [0, 0], [1.8, 1.5]], "float32")
    expected = images.copy()
    expected[0, 1:4, 2:6] = 9
    expected[2, 4:6, 5:7] = 9
    outputs = erase_patches(images, starts, sizes, jnp.full((1, 1, 1, 1), 9.0))
    np.testing.assert_array_equal(outputs, expected)


def test_byte_noise_has_256_levels_all_as_likely():
    noise = np.asarray(byte_noise(jax.random.key(0), (50, 103, 101), (-1.0, 1.0)))
    levels = np.round((noise + 1) * 127.5).astype(int)
    counts = np.bincount(levels.ravel(), minlength=256)
    assert len(counts) == 256
    expected = noise.size / 256
    # The sum of squares is about chi-squared with 255 degrees of freedom: mean 255, deviation 22.6.
    assert ((counts - expected) ** 2 / expected).sum() == pytest.approx(255, abs=5 * 22.6)
    np.testing.assert_array_equal(noise[:20], byte_noise(jax.random.key(0), (20, 103, 101), (-1.0, 1.0)))


def test_windows_have_the_shape_wanted_and_lie_in_the_middle():
    for size in [(4, 9), (9, 4), (7, 7), (1, 5)]:
        for wanted in [(3, 3), (2, 8), (8, 2)]:
            top, left, height, width = window_of_shape(size, wanted)
            assert height == size[0] or width == size[1]  # the largest
            assert abs(height * wanted[1] - width * wanted[0]) < max(wanted)
            assert abs(size[0] - height - 2 * top) <= 1
            assert abs(size[1] - width - 2 * left) <= 1
            frame = window_framed(size, wanted)
            assert frame.height >= size[0]
            assert frame.width >= size[1]
            assert (frame.height, frame.width) == (size[0] - 2 * frame.top, size[1] - 2 * frame.left)


def test_masks_of_integers_are_resized_without_mixing(rng):
    masks = rng.integers(0, 3, (2, 6, 8, 1)).astype("int32")
    twice = resize_images(masks, (12, 16), interpolation="nearest")
    assert twice.dtype == jnp.int32
    np.testing.assert_array_equal(twice, masks.repeat(2, 1).repeat(2, 2))
