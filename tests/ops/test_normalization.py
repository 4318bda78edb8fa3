"""Normalisations against written-out formulas, PyTorch and finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from gradwise.errors import InputError
from gradwise.ops import normalization as ops

pytestmark = pytest.mark.feature("C6")

X = np.random.default_rng(0).normal(size=(6, 4, 5)) * 3 + 1
GAMMA, BETA = np.linspace(0.5, 1.5, 5), np.linspace(-1, 1, 5)
UPSTREAM = np.random.default_rng(1).normal(size=X.shape)
EPSILON = 1e-3


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


def test_each_term_of_the_course_document_against_automatic_derivatives(double):
    """dl/dx̂, dl/dvariance, dl/dmean, dl/dx, dl/dgamma and dl/dbeta, as the first document writes them."""
    x, upstream = X.reshape(-1, 5), UPSTREAM.reshape(-1, 5)
    m, mean, variance = len(x), x.mean(0), x.var(0)
    hat = (x - mean) / np.sqrt(variance + EPSILON)
    of_hat = upstream * GAMMA
    of_variance = (of_hat * (x - mean) * (-1 / 2) * (variance + EPSILON) ** (-3 / 2)).sum(0)
    of_mean = (of_hat * -1 / np.sqrt(variance + EPSILON)).sum(0) + of_variance * (-2 * (x - mean)).sum(0) / m
    of_x = of_hat / np.sqrt(variance + EPSILON) + of_variance * 2 * (x - mean) / m + of_mean / m
    of_gamma, of_beta = (upstream * hat).sum(0), upstream.sum(0)

    def row(values):
        return jnp.asarray(values)[None, :]

    def loss_of_hat(hat):
        return jnp.sum((row(GAMMA) * hat + row(BETA)) * upstream)

    def loss_of_moments(mean, variance):
        hat = (x - mean[None, :]) / jnp.sqrt(variance + EPSILON)[None, :]
        return loss_of_hat(hat)

    def loss_of_mean(mean):  # the variance follows the mean, as the document's second summand says
        return loss_of_moments(mean, jnp.mean((x - mean[None, :]) ** 2, 0))

    def loss(x, gamma, beta):
        return jnp.sum(ops.batch_normalization(x, gamma, beta, epsilon=EPSILON)[0] * upstream)

    np.testing.assert_allclose(jax.grad(loss_of_hat)(hat), of_hat, rtol=1e-12)
    np.testing.assert_allclose(jax.grad(loss_of_moments, 1)(mean, variance), of_variance, rtol=1e-10)
    np.testing.assert_allclose(jax.grad(loss_of_mean)(jnp.asarray(mean)), of_mean, rtol=1e-10, atol=1e-12)
    ours = jax.grad(loss, (0, 1, 2))(x, GAMMA, BETA)
    for one, other in zip(ours, (of_x, of_gamma, of_beta), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


def test_prediction_is_the_straight_line_of_the_course_document(double):
    """y = gamma / sqrt(Var + epsilon) · x + (beta - gamma E / sqrt(Var + epsilon))."""
    mean, variance = np.linspace(-1, 1, 5), np.linspace(0.5, 3, 5)
    slope = GAMMA / np.sqrt(variance + EPSILON)
    given = ops.normalize_by(X, mean, variance, GAMMA, BETA, epsilon=EPSILON)
    np.testing.assert_allclose(given, slope * X + (BETA - slope * mean), rtol=1e-10, atol=1e-12)
    assert ops.unbiased_variance(jnp.float64(3.0), 4) == 4.0
    assert ops.unbiased_variance(jnp.float64(0.0), 1) == 0.0


@pytest.mark.parametrize("masked", [False, True])
def test_batch_normalisation_derivatives_in_both_modes_and_of_second_order(double, masked):
    mask = jnp.asarray(np.random.default_rng(2).uniform(size=(3, 4)) < 0.6) if masked else None
    x = X[:3]

    def function(x, gamma, beta):
        outputs, mean, variance = ops.batch_normalization(x, gamma, beta, epsilon=EPSILON, mask=mask)
        return jnp.sum(outputs * UPSTREAM[:3]) + jnp.sum(jnp.sin(mean)) + jnp.sum(jnp.cos(variance))

    check_grads(function, (x, GAMMA, BETA), 2, modes=["fwd", "rev"], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_batch_normalisation_equals_its_formula_along_any_axis(double, axis):
    size = X.shape[axis]
    gamma, beta = np.linspace(1, 2, size), np.linspace(-1, 1, size)
    shape = [size if place == axis else 1 for place in range(3)]
    others = tuple(place for place in range(3) if place != axis)
    outputs, mean, variance = ops.batch_normalization(X, gamma, beta, axis=axis, epsilon=EPSILON)
    expected = (X - X.mean(others, keepdims=True)) / np.sqrt(X.var(others, keepdims=True) + EPSILON)
    np.testing.assert_allclose(outputs, expected * gamma.reshape(shape) + beta.reshape(shape), rtol=1e-10)
    np.testing.assert_allclose(mean, X.mean(others), rtol=1e-12)
    np.testing.assert_allclose(variance, X.var(others), rtol=1e-12)


def test_what_a_mask_leaves_out_has_no_influence_even_if_it_is_not_a_number(double):
    mask = np.random.default_rng(2).uniform(size=(6, 4)) < 0.6
    spoilt = np.where(mask[..., None], X, np.nan)

    def statistics(x):
        _, mean, variance = ops.batch_normalization(x, None, None, mask=mask)
        return jnp.sum(mean * GAMMA) + jnp.sum(variance * BETA), (mean, variance)

    slope, (mean, variance) = jax.grad(statistics, has_aux=True)(spoilt)
    np.testing.assert_allclose(mean, X[mask].mean(0), rtol=1e-12)
    np.testing.assert_allclose(variance, X[mask].var(0), rtol=1e-12)
    count = mask.sum()
    expected = (GAMMA + 2 * (X - X[mask].mean(0)) * BETA) / count
    np.testing.assert_allclose(slope, np.where(mask[..., None], expected, 0), rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(ops.count_values(X, -1, mask), np.full(5, count))
    np.testing.assert_array_equal(ops.count_values(X, 0), np.full(6, 20))
    np.testing.assert_array_equal(ops.count_values(X, -1, np.zeros((6, 4), bool)), np.ones(5))


def test_a_mask_that_does_not_fit_is_refused():
    with pytest.raises(
        InputError, match=r"a mask with the first sizes of the inputs, \(6, 4, 5\), but got \(6, 5\)"
    ):
        ops.batch_normalization(X.astype("float32"), None, None, mask=np.ones((6, 5), bool))


def test_statistics_survive_a_large_mean_in_single_precision():
    x = (1000 + np.random.default_rng(0).normal(size=(64, 28, 28, 4))).astype("float32")
    exact = x.astype("float64")
    outputs, mean, variance = jax.jit(lambda x: ops.batch_normalization(x, None, None, epsilon=0.0))(x)
    np.testing.assert_allclose(mean, exact.mean((0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(variance, exact.var((0, 1, 2)), rtol=1e-5)
    assert np.abs(outputs - (exact - exact.mean((0, 1, 2))) / exact.std((0, 1, 2))).max() < 2e-3
    naive = np.mean(x * x, (0, 1, 2)) - np.mean(x, (0, 1, 2)) ** 2
    assert np.abs(naive - 1).max() > 0.01  # what the formula with two means would give


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_computes_its_statistics_in_single(dtype):
    x = jnp.asarray(300 + np.random.default_rng(0).normal(size=(4000, 3)) * 8, dtype)
    exact = np.asarray(x, "float64")
    outputs, mean, variance = ops.batch_normalization(x, None, None)
    assert outputs.dtype == dtype and mean.dtype == variance.dtype == "float32"
    np.testing.assert_allclose(mean, exact.mean(0), rtol=1e-5)
    np.testing.assert_allclose(variance, exact.var(0), rtol=1e-4)
    for result in (
        ops.layer_normalization(x),
        ops.group_normalization(x, 3),
        ops.rms_normalization(x * 100),  # whose squares float16 cannot hold
        ops.unit_normalization(x * 100),
        ops.normalize_by(x, mean, variance, None, None),
    ):
        assert result.dtype == dtype
        assert bool(jnp.isfinite(result).all())


def assert_like_torch(mine, theirs):
    """Outputs, and gradients of a weighted sum of them, for inputs whose channels are PyTorch's second axis."""
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(4).normal(size=(3, 4, 5)) * 2 + 1
    upstream = np.random.default_rng(3).normal(size=x.shape)
    other = torch.tensor(x, requires_grad=True)
    expected = theirs(torch, other)
    (expected * torch.tensor(upstream)).sum().backward()
    np.testing.assert_allclose(mine(x), expected.detach().numpy(), rtol=1e-9, atol=1e-10)
    slope = jax.grad(lambda x: jnp.sum(mine(x) * upstream))(jnp.asarray(x))
    np.testing.assert_allclose(slope, other.grad.numpy(), rtol=1e-8, atol=1e-9)


def test_layer_normalisation_is_pytorch_s(double):
    gamma, beta = np.linspace(0.5, 2, 20).reshape(4, 5), np.linspace(-1, 1, 20).reshape(4, 5)
    assert_like_torch(
        lambda x: ops.layer_normalization(x, gamma, beta, axis=(1, 2), epsilon=1e-5),
        lambda torch, x: torch.nn.functional.layer_norm(
            x, (4, 5), torch.tensor(gamma), torch.tensor(beta), 1e-5
        ),
    )


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_group_normalisation_is_pytorch_s(double, groups):
    gamma, beta = np.linspace(0.5, 2, 4), np.linspace(-1, 1, 4)
    assert_like_torch(
        lambda x: ops.group_normalization(x, groups, gamma, beta, axis=1, epsilon=1e-5),
        lambda torch, x: torch.nn.functional.group_norm(
            x, groups, torch.tensor(gamma), torch.tensor(beta), 1e-5
        ),
    )


def test_root_mean_square_normalisation_is_pytorch_s(double):
    assert_like_torch(
        lambda x: ops.rms_normalization(x, GAMMA, epsilon=1e-5),
        lambda torch, x: torch.nn.functional.rms_norm(x, (5,), torch.tensor(GAMMA), 1e-5),
    )


def test_unit_normalisation_is_pytorch_s(double):
    assert_like_torch(
        lambda x: ops.unit_normalization(x, axis=1),
        lambda torch, x: torch.nn.functional.normalize(x, dim=1),
    )


def test_batch_normalisation_is_pytorch_s(double):
    gamma, beta = np.linspace(0.5, 2, 4), np.linspace(-1, 1, 4)
    assert_like_torch(
        lambda x: ops.batch_normalization(x, gamma, beta, axis=1, epsilon=1e-5)[0],
        lambda torch, x: torch.nn.functional.batch_norm(
            x, None, None, torch.tensor(gamma), torch.tensor(beta), training=True, eps=1e-5
        ),
    )


def test_root_mean_square_along_other_axes_by_its_formula(double):
    scale = np.linspace(0.5, 2, 6)
    expected = scale[:, None, None] * X / np.sqrt((X**2).mean(0) + 0.1)
    np.testing.assert_allclose(ops.rms_normalization(X, scale, axis=0, epsilon=0.1), expected, rtol=1e-10)


def test_unit_normalisation_of_zeros_is_zero_with_a_finite_gradient():
    zeros = jnp.zeros((2, 3))
    np.testing.assert_array_equal(ops.unit_normalization(zeros), zeros)
    assert bool(jnp.isfinite(jax.grad(lambda x: jnp.sum(ops.unit_normalization(x)))(zeros)).all())


def test_the_backward_pass_sums_over_the_data_twice():
    """The closed formula: the gradient's sum, and that of its product with the centred values."""

    def sums(function):
        def loss(x, gamma, beta):
            return jnp.sum(jnp.sin(function(x, gamma, beta)))

        def gradient(x, gamma, beta):
            return jax.grad(loss, (0, 1, 2))(x, gamma, beta)

        arguments = [values.astype("float32") for values in (X, GAMMA, BETA)]
        text = jax.jit(gradient).lower(*arguments).compile().as_text()
        return text.count(" reduce(")

    def written_out(x, gamma, beta):
        mean, variance = jnp.mean(x, (0, 1), keepdims=True), jnp.var(x, (0, 1), keepdims=True)
        return (x - mean) / jnp.sqrt(variance + EPSILON) * gamma[None, None] + beta[None, None]

    # Two in the forward pass, two in the backward pass.
    assert sums(lambda x, gamma, beta: ops.batch_normalization(x, gamma, beta)[0]) == 4
    assert sums(written_out) > 4
