"""Power iterations against the singular value decomposition."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradwise.ops import spectral as ops

pytestmark = pytest.mark.feature("C6")


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


def test_power_iterations_find_the_largest_singular_value(double):
    matrix = np.random.default_rng(0).normal(size=(7, 5))
    left, values, right = np.linalg.svd(matrix)
    sigma, vector = ops.power_iteration(jnp.asarray(matrix), jnp.ones((1, 5)), 200)
    np.testing.assert_allclose(sigma, values[0], rtol=1e-10)
    np.testing.assert_allclose(np.abs(vector[0]), np.abs(right[0]), rtol=1e-8)
    slope = jax.grad(lambda m: ops.power_iteration(m, jnp.ones((1, 5)), 200)[0])(jnp.asarray(matrix))
    np.testing.assert_allclose(slope, np.outer(left[:, 0], right[0]), rtol=1e-7, atol=1e-9)


def test_a_spectrally_normalised_kernel_has_norm_one(double):
    kernel = jnp.asarray(np.random.default_rng(0).normal(size=(2, 3, 4, 5)))
    normal, vector = ops.spectral_normalization(kernel, jnp.ones((1, 5)), 300)
    assert np.linalg.norm(normal.reshape(-1, 5), 2) == pytest.approx(1, rel=1e-9)
    assert float(jnp.linalg.norm(vector)) == pytest.approx(1)
    normal, vector = ops.spectral_normalization(kernel * 0, jnp.ones((1, 5)))
    np.testing.assert_array_equal(normal, kernel * 0)
    np.testing.assert_array_equal(vector, np.ones((1, 5)))
