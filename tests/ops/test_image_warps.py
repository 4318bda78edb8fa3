"""Images moved in their plane, against Keras' and SciPy's warps and against slices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from gradwise.errors import InputError
from gradwise.ops import image_warps as ops
from tests.layers.keras_twin import keras, keras_ways

pytestmark = pytest.mark.feature("A8")

# SciPy's names; its 'constant' and 'wrap' do not mix what lies on both sides of a border.
SCIPY = {"reflect": "reflect", "constant": "grid-constant", "nearest": "nearest", "wrap": "grid-wrap"}
ORDERS = {"bilinear": 1, "nearest": 0}
# As one program: their operations one by one take far longer to compile.
SETTINGS = ("interpolation", "fill_mode", "fill_value")
affine_warp = jax.jit(ops.affine_warp, static_argnames=SETTINGS)
shift_images = jax.jit(ops.shift_images, static_argnames=("reach", *SETTINGS))


def images(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def some_matrices(count, seed=1):
    random = np.random.default_rng(seed)
    turned = random.normal(size=(count, 2, 2)) * 0.8 + np.eye(2)
    return np.concatenate([turned, random.uniform(-9, 9, (count, 2, 1))], -1).astype("float32")


def scipy_warp(image, matrix, interpolation, fill_mode, fill_value):
    """SciPy counts rows before columns."""
    linear, offset = matrix[::-1, 1::-1], matrix[::-1, 2]
    options = {"order": ORDERS[interpolation], "mode": SCIPY[fill_mode], "cval": fill_value}
    channels = [
        ndimage.affine_transform(image[..., place].astype("float64"), linear, offset, **options)
        for place in range(image.shape[-1])
    ]
    return np.stack(channels, -1)


@pytest.mark.parametrize("interpolation", ops.INTERPOLATIONS)
@pytest.mark.parametrize("fill_mode", ops.FILL_MODES)
def test_warps_equal_scipy_s_and_keras_s(fill_mode, interpolation):
    x, matrices = images(6, 9, 7, 2), some_matrices(6)
    options = {"interpolation": interpolation, "fill_mode": fill_mode, "fill_value": 2.5}
    outputs = affine_warp(x, matrices, **options)
    expected = [scipy_warp(image, matrix, **options) for image, matrix in zip(x, matrices, strict=True)]
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-4)
    flat = np.concatenate([matrices.reshape(6, 6), np.zeros((6, 2), "float32")], 1)
    with keras_ways():
        theirs = keras().ops.image.affine_transform(x, flat, data_format="channels_last", **options)
    np.testing.assert_allclose(outputs, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("fill_mode", ops.FILL_MODES)
@pytest.mark.parametrize("size", [(1, 1), (1, 5), (4, 1)])
def test_images_of_one_row_or_column(fill_mode, size):
    x, matrices = images(4, *size, 3), some_matrices(4)
    options = {"interpolation": "bilinear", "fill_mode": fill_mode, "fill_value": -1.0}
    expected = [scipy_warp(image, matrix, **options) for image, matrix in zip(x, matrices, strict=True)]
    np.testing.assert_allclose(affine_warp(x, matrices, **options), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("fill_mode", ops.FILL_MODES)
def test_rotations_turn_counter_clockwise_as_scipy_s(fill_mode):
    x = images(3, 8, 11, 1)
    degrees = np.array([30.0, -75.0, 200.0], "float32")
    matrices = ops.rotation_matrices(jnp.deg2rad(degrees), 8, 11)
    outputs = affine_warp(x, matrices, fill_mode=fill_mode)
    options = {"reshape": False, "order": 1, "mode": SCIPY[fill_mode]}
    expected = [ndimage.rotate(one[..., 0], angle, **options) for one, angle in zip(x, degrees, strict=True)]
    np.testing.assert_allclose(outputs[..., 0], expected, rtol=1e-4, atol=1e-4)


def test_quarter_turns_are_numpy_s():
    x = images(4, 6, 6, 2)
    quarters = jnp.arange(4.0) * jnp.float32(np.pi / 2)
    outputs = affine_warp(x, ops.rotation_matrices(quarters, 6, 6))
    expected = [np.rot90(image, turns) for turns, image in enumerate(x)]
    np.testing.assert_allclose(outputs, expected, atol=1e-5)


def test_a_zoom_of_two_shows_the_middle_and_one_of_a_half_more_than_there_is():
    ramp = np.broadcast_to(np.arange(9, dtype="float32")[None, None, :, None], (1, 9, 9, 1))
    near = affine_warp(ramp, ops.zoom_matrices(jnp.array([[1.0, 0.5]]), 9, 9))
    np.testing.assert_allclose(near[0, 4, :, 0], 2 + np.arange(9) / 2, atol=1e-5)
    far = affine_warp(
        ramp, ops.zoom_matrices(jnp.array([[1.0, 2.0]]), 9, 9), fill_mode="constant", fill_value=-1.0
    )
    np.testing.assert_allclose(far[0, 4, :, 0], [-1, -1, 0, 2, 4, 6, 8, -1, -1], atol=1e-5)


def test_a_shear_moves_rows_against_each_other_about_the_centre():
    x = images(1, 5, 6, 1)
    sheared = affine_warp(x, ops.shear_matrices(jnp.array([[1.0, 0.0]]), 5, 6), fill_mode="wrap")
    expected = [np.roll(x[0, row], 2 - row, axis=0) for row in range(5)]
    np.testing.assert_allclose(sheared[0], expected, atol=1e-5)
    upright = images(1, 6, 5, 1)
    sheared = affine_warp(upright, ops.shear_matrices(jnp.array([[0.0, 1.0]]), 6, 5), fill_mode="wrap")
    expected = np.stack([np.roll(upright[0, :, column], 2 - column, axis=0) for column in range(5)], 1)
    np.testing.assert_allclose(sheared[0], expected, atol=1e-5)


@pytest.mark.parametrize("fill_mode", ops.FILL_MODES)
@pytest.mark.parametrize("interpolation", ops.INTERPOLATIONS)
def test_shifts_equal_scipy_s(fill_mode, interpolation):
    x = images(5, 8, 6, 2)
    offsets = np.array([[0, 0], [3, -2], [-7.3, 1.25], [0.4, -0.1], [7.7, 5.6]], "float32")
    outputs = shift_images(
        x, offsets, interpolation=interpolation, fill_mode=fill_mode, fill_value=2.0, reach=(8, 6)
    )
    options = {"order": ORDERS[interpolation], "mode": SCIPY[fill_mode], "cval": 2.0}
    expected = [ndimage.shift(one, (*by, 0), **options) for one, by in zip(x, offsets, strict=True)]
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-5)


def test_shifts_end_at_their_reach():
    x = images(2, 5, 5, 1)
    far = shift_images(x, jnp.array([[9.0, 0.0], [0.0, -9.0]]), reach=(2, 1), fill_mode="wrap")
    np.testing.assert_array_equal(far, [np.roll(x[0], 2, 0), np.roll(x[1], -1, 1)])


def test_flips_and_crops_are_slices():
    x = images(4, 5, 6, 2)
    ways = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], bool)
    flipped = ops.flip_images(x, ways[:, 0], ways[:, 1])
    expected = [x[0], x[1, ::-1], x[2, :, ::-1], x[3, ::-1, ::-1]]
    np.testing.assert_array_equal(flipped, expected)
    tops, lefts = np.array([0, 1, 2, 2], "int32"), np.array([3, 0, 2, 1], "int32")
    expected = [one[top : top + 3, left : left + 3] for one, top, left in zip(x, tops, lefts, strict=True)]
    np.testing.assert_array_equal(ops.crop_at(x, tops, lefts, (3, 3)), expected)


def test_nearest_keeps_integers_and_mixes_nothing():
    x = np.random.default_rng(0).integers(0, 5, (6, 9, 7, 1)).astype("int32") * 100
    for fill_mode in ops.FILL_MODES:
        outputs = affine_warp(x, some_matrices(6), interpolation="nearest", fill_mode=fill_mode)
        assert outputs.dtype == jnp.int32
        assert set(np.unique(outputs)) <= {0, 100, 200, 300, 400}


def test_half_precision_is_warped_in_single():
    x = images(6, 9, 7, 2)
    exact = affine_warp(x, some_matrices(6))
    half = affine_warp(jnp.asarray(x, jnp.bfloat16), some_matrices(6))
    assert half.dtype == jnp.bfloat16
    np.testing.assert_allclose(half.astype("float32"), exact, atol=0.03)


@pytest.mark.parametrize("function", [affine_warp, shift_images])
def test_gradients_are_those_of_a_linear_map(function):
    """With y = A x, the gradient of c · y is A' c: c · (A z) equals (A' c) · z for any z."""
    x, z, c = (images(2, 4, 5, 2, seed=seed) for seed in range(3))
    how = some_matrices(2) / 3 if function is affine_warp else np.array([[0.3, -1.2], [2, 0.5]], "float32")
    _, back = jax.vjp(lambda x: function(x, how), x)
    assert np.vdot(c, function(z, how)) == pytest.approx(np.vdot(back(c)[0], z), rel=1e-4)


def test_samples_do_not_mix_and_maps_over_runs_work():
    x, matrices = images(3, 2, 6, 5, 1), some_matrices(6).reshape(3, 2, 2, 3)
    mapped = jax.vmap(affine_warp)(x, matrices)
    alone = [affine_warp(x[i, j][None], matrices[i, j][None])[0] for i in range(3) for j in range(2)]
    np.testing.assert_allclose(mapped.reshape(6, 6, 5, 1), alone, rtol=1e-5, atol=1e-5)


def test_unknown_words_are_refused():
    with pytest.raises(InputError, match="affine_warp: expected fill_mode to be 'reflect' or 'constant' or"):
        affine_warp(images(1, 2, 2, 1), some_matrices(1), fill_mode="mirror")
    with pytest.raises(
        InputError, match="shift_images: expected interpolation to be 'bilinear' or 'nearest'"
    ):
        shift_images(images(1, 2, 2, 1), np.zeros((1, 2), "float32"), interpolation="bicubic")
