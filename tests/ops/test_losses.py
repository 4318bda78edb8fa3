import contextlib
import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradwise.errors import InputError
from gradwise.ops import crossentropies, losses
from gradwise.ops.alignment import align, align_labels
from gradwise.ops.weighting import align_weights, safe_divide, weight_sum, weighted

pytestmark = pytest.mark.feature("D1")

rng = np.random.default_rng(0)
REAL = rng.normal(size=(7, 5)).astype("float32"), rng.normal(size=(7, 5)).astype("float32")
POSITIVE = tuple(np.abs(each) + 0.1 for each in REAL)
SHARES = tuple(rng.dirichlet(np.ones(5), 7).astype("float32") for _ in range(2))
ONE_HOT = np.eye(5, dtype="float32")[rng.integers(0, 5, 7)], SHARES[1]
BITS = rng.integers(0, 2, (7, 5)).astype("float32"), rng.uniform(0.01, 0.99, (7, 5)).astype("float32")
BIT_LOGITS = BITS[0], 4 * REAL[1]
LOGITS = ONE_HOT[0], 4 * REAL[1]
LABELS = rng.integers(0, 5, 7), SHARES[1]
LABEL_LOGITS = LABELS[0], 4 * REAL[1]
SIGNS = 2 * BITS[0] - 1, REAL[1]

CASES = [
    ("mean_squared_error", REAL, {}),
    ("mean_absolute_error", REAL, {}),
    ("mean_absolute_percentage_error", REAL, {}),
    ("mean_squared_logarithmic_error", POSITIVE, {}),
    ("mean_squared_logarithmic_error", REAL, {}),
    ("huber", REAL, {}),
    ("huber", REAL, {"delta": 0.3}),
    ("log_cosh", (3 * REAL[0], REAL[1]), {}),
    ("cosine_similarity", REAL, {}),
    ("cosine_similarity", REAL, {"axis": 0}),
    ("kl_divergence", SHARES, {}),
    ("poisson", POSITIVE, {}),
    ("hinge", SIGNS, {}),
    ("hinge", (BITS[0], REAL[1]), {}),
    ("squared_hinge", SIGNS, {}),
    ("categorical_hinge", (ONE_HOT[0], REAL[1]), {}),
    ("binary_crossentropy", BITS, {}),
    ("binary_crossentropy", BITS, {"label_smoothing": 0.2}),
    ("binary_crossentropy", BIT_LOGITS, {"from_logits": True}),
    ("binary_crossentropy", BITS, {"axis": 0}),
    ("categorical_crossentropy", ONE_HOT, {}),
    ("categorical_crossentropy", (ONE_HOT[0], 3 * ONE_HOT[1]), {}),
    ("categorical_crossentropy", SHARES, {"label_smoothing": 0.1}),
    ("categorical_crossentropy", LOGITS, {"from_logits": True}),
    ("categorical_crossentropy", (ONE_HOT[0], 3 * ONE_HOT[1]), {"axis": 0}),
    ("sparse_categorical_crossentropy", LABELS, {}),
    ("sparse_categorical_crossentropy", LABEL_LOGITS, {"from_logits": True}),
    ("sparse_categorical_crossentropy", LABEL_LOGITS, {"from_logits": True, "ignore_class": 2}),
    ("binary_focal_crossentropy", BITS, {}),
    ("binary_focal_crossentropy", BITS, {"apply_class_balancing": True, "alpha": 0.7, "gamma": 1.5}),
    ("binary_focal_crossentropy", BIT_LOGITS, {"from_logits": True, "label_smoothing": 0.1}),
    ("categorical_focal_crossentropy", ONE_HOT, {}),
    ("categorical_focal_crossentropy", LOGITS, {"from_logits": True, "alpha": 0.5, "gamma": 1.0}),
]


def op(name):
    return getattr(losses, name, None) or getattr(crossentropies, name)


@contextlib.contextmanager
def keras_rules():
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        import keras

        yield keras


@pytest.mark.parametrize(("name", "inputs", "settings"), CASES)
def test_values_equal_keras(name, inputs, settings):
    with keras_rules() as keras:
        function = getattr(keras.losses, name)
        wanted = np.asarray(jax.jit(lambda y_true, y_pred: function(y_true, y_pred, **settings))(*inputs))
    values = jax.jit(lambda y_true, y_pred: op(name)(y_true, y_pred, **settings))(*inputs)
    np.testing.assert_allclose(values, wanted, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize(("name", "inputs", "settings"), CASES[::2])
def test_gradient_is_that_of_finite_differences(name, inputs, settings):
    with jax.enable_x64(True):
        y_pred = jnp.asarray(inputs[1], "float64")
        way = jnp.asarray(np.random.default_rng(1).normal(size=y_pred.shape))
        function = lambda size: op(name)(inputs[0], y_pred + size * way, **settings).sum()  # noqa: E731
        slope, after, before = jax.jit(lambda: (jax.grad(function)(0.0), function(1e-6), function(-1e-6)))()
        np.testing.assert_allclose(slope, (after - before) / 2e-6, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("name", "inputs", "settings"), CASES[::3])
@pytest.mark.parametrize("dtype", ["bfloat16", "float64"])
def test_float_type_is_kept_under_jit(name, inputs, settings, dtype):
    with jax.enable_x64(dtype == "float64"):
        result = jax.jit(lambda a, b: op(name)(a, b, **settings))(inputs[0], jnp.asarray(inputs[1], dtype))
        assert result.dtype == dtype
        wanted = jax.jit(lambda a, b: op(name)(a, b, **settings))(*inputs)
        tolerance = 0.05 if dtype == "bfloat16" else 1e-5
        np.testing.assert_allclose(np.float64(result), np.float64(wanted), rtol=tolerance, atol=tolerance)


@pytest.mark.feature("D2")
def test_worked_numbers_of_the_course():
    answer, prediction = np.array([0.9, 0.1]), np.array([0.8, 0.2])
    assert float(losses.mean_squared_error(answer, prediction)) == pytest.approx(0.01)
    assert float(losses.mean_absolute_error(answer, prediction)) == pytest.approx(0.1)
    # The document writes 55; (1/9 + 1) / 2 is 55.56 percent.
    assert float(losses.mean_absolute_percentage_error(answer, prediction)) == pytest.approx(
        55.5556, abs=1e-3
    )
    # The document's 0.247 is the mean of (log 0.9 - log 0.8)^2 and (log 0.1 - log 0.2)^2 without the 1 + of
    # Keras (and without the factor 100 it prints); with it the same numbers give 0.00525.
    logs = losses.mean_squared_error(np.log(answer), np.log(prediction))
    assert float(logs) == pytest.approx(0.247, abs=5e-4)
    shifted = losses.mean_squared_logarithmic_error(answer - 1, prediction - 1)
    assert float(shifted) == pytest.approx(
        0, abs=1e-9
    )  # negative values count as 0, so no shift undoes the 1 +
    by_hand = np.mean((np.log(1.9 / 1.8) ** 2, np.log(1.1 / 1.2) ** 2))
    assert float(losses.mean_squared_logarithmic_error(answer, prediction)) == pytest.approx(
        by_hand, rel=1e-5
    )
    log_loss = crossentropies.binary_crossentropy(np.array([0, 1]), np.array([0.9, 0.1]))
    assert float(log_loss) == pytest.approx(2.302585, abs=1e-6)


def test_saturated_probabilities_cost_what_they_cost():
    # Keras clips at 1e-7, that is at 16.1 nats.
    small = np.float32(1e-30)
    assert float(crossentropies.binary_crossentropy([1.0], [small])) == pytest.approx(69.0776, rel=1e-5)
    assert float(crossentropies.binary_crossentropy([0.0], [small])) == pytest.approx(1e-30, rel=1e-5)
    assert float(crossentropies.categorical_crossentropy([1.0, 0.0], [small, 1.0])) == pytest.approx(
        69.0776, rel=1e-5
    )
    assert float(crossentropies.sparse_categorical_crossentropy(0, [small, 1.0])) == pytest.approx(
        69.0776, rel=1e-5
    )
    assert float(losses.kl_divergence([1.0, 0.0], [small, 1.0])) == pytest.approx(69.0776, rel=1e-5)


@pytest.mark.parametrize("y_true", [0.0, 1.0])
@pytest.mark.parametrize("y_pred", [0.0, 1e-45, 1.2e-38, 1e-8, 1 - 6e-8, 1.0])
def test_binary_crossentropy_and_its_gradient_are_finite(y_true, y_pred):
    function = lambda p: crossentropies.binary_crossentropy([y_true], p).sum()  # noqa: E731
    value, slope = jax.value_and_grad(function)(jnp.array([y_pred], "float32"))
    assert jnp.isfinite(value) and jnp.isfinite(slope).all() and float(value) >= 0


def test_zero_probabilities_and_rows_have_finite_values_and_gradients():
    y_pred = jnp.array([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    one_hot = lambda p: crossentropies.categorical_crossentropy([[1.0, 0.0]] * 3, p).sum()  # noqa: E731
    sparse = lambda p: crossentropies.sparse_categorical_crossentropy([0] * 3, p).sum()  # noqa: E731
    for function in (one_hot, sparse):
        value, slope = jax.value_and_grad(function)(y_pred)
        assert jnp.isfinite(value) and jnp.isfinite(slope).all()
    slope = jax.grad(lambda p: losses.cosine_similarity([1.0, 0.0], p))(jnp.zeros(2))
    assert jnp.isfinite(slope).all()
    slope = jax.grad(lambda p: crossentropies.binary_focal_crossentropy([1.0, 0.0], p, gamma=0.5))(
        jnp.array([1.0, 0.0])
    )
    assert jnp.isfinite(slope).all()


def test_logits_are_exact_where_probabilities_end():
    logits = jnp.array([-200.0, -40.0, 0.0, 40.0, 200.0])[:, None]
    bits = jnp.ones((5, 1))
    values, slopes = jax.vmap(
        jax.value_and_grad(lambda z, y: crossentropies.binary_crossentropy(y, z, True))
    )(logits, bits)
    with jax.enable_x64(True):
        exact = np.logaddexp(0, -np.float64(logits))[:, 0]
        np.testing.assert_allclose(values, exact, rtol=1e-6, atol=1e-37)
        np.testing.assert_allclose(
            slopes[:, 0], -1 / (1 + np.exp(np.float64(logits)[:, 0])), rtol=1e-6, atol=1e-37
        )
    sparse = crossentropies.sparse_categorical_crossentropy(
        [0], jnp.array([[-300.0, 500.0]]), from_logits=True
    )
    assert sparse.tolist() == [800.0]


def test_log_cosh_keeps_small_errors():
    # log(cosh(e)) = e^2 / 2 up to e^4; the usual formula gives 0 here in float32.
    assert float(losses.log_cosh([0.0], [1e-5])) == pytest.approx(5e-11, rel=1e-5)
    assert float(losses.log_cosh([0.0], [1e30])) == pytest.approx(1e30, rel=1e-6)


def test_labels_out_of_range_are_not_silent():
    values = crossentropies.sparse_categorical_crossentropy([-1, 0, 2], np.full((3, 2), 0.5))
    assert np.isnan(values).tolist() == [True, False, True]


def test_steps_of_sequences_and_images():
    y_true, y_pred = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 3, 4))
    assert losses.mean_squared_error(y_true, y_pred).shape == (2, 3)
    labels = rng.integers(0, 4, (2, 3))
    values = crossentropies.sparse_categorical_crossentropy(labels, y_pred, from_logits=True)
    one_hot = crossentropies.categorical_crossentropy(np.eye(4)[labels], y_pred, from_logits=True)
    np.testing.assert_allclose(values, one_hot, rtol=1e-6)
    moved = crossentropies.sparse_categorical_crossentropy(
        labels, np.moveaxis(y_pred, -1, 1), from_logits=True, axis=1
    )
    np.testing.assert_allclose(values, moved, rtol=1e-6)


@pytest.mark.parametrize(
    ("true_shape", "pred_shape", "result"),
    [
        ((4,), (4, 1), (4, 1)),
        ((4, 1), (4,), (4, 1)),
        ((4, 3, 1), (4, 3), (4, 3)),
        ((4, 3), (4, 3, 1), (4, 3, 1)),
    ],
)
def test_ranks_that_differ_by_one_are_made_equal(true_shape, pred_shape, result):
    y_true, y_pred = align("loss", np.zeros(true_shape, "int32"), np.zeros(pred_shape, "float32"))
    assert y_true.shape == y_pred.shape == result and y_true.dtype == y_pred.dtype


@pytest.mark.parametrize(
    ("name", "true_shape", "pred_shape", "text"),
    [
        ("mean_squared_error", (4, 3), (4, 2), r"mean_squared_error: expected targets of shape \(4, 2\) like the predictions, but got \(4, 3\). Give the last layer 3 units, or the targets 2 columns."),
        ("mean_squared_error", (4, 1), (4, 2), "Give the last layer 1 units, or the targets 2 columns."),
        ("mean_absolute_error", (3, 2), (4, 2), "Give as many targets as predictions."),
        ("huber", (4,), (4, 2), "Give the targets one value for every output of the model."),
        ("categorical_crossentropy", (4,), (4, 3), r"expected one-hot targets of shape \(4, 3\) like the predictions, but got targets of shape \(4,\), which look like integer labels. Use the sparse form \(loss 'sparse_categorical_crossentropy'\), or make one-hot labels with to_categorical\(y, 3\)."),
        ("categorical_crossentropy", (4, 1), (4, 3), "which look like integer labels"),
        ("categorical_crossentropy", (4, 1), (4, 1), r"expected predictions of at least two classes, but got shape \(4, 1\). For two classes and one sigmoid output use the binary loss"),
        ("sparse_categorical_crossentropy", (4, 3), (4, 3), r"expected integer labels of shape \(4,\) for predictions of shape \(4, 3\), but got one-hot targets of shape \(4, 3\). Use the categorical loss or metric \(without 'sparse'\), or turn one-hot rows into labels with argmax"),
        ("sparse_categorical_crossentropy", (4, 2), (4, 3), "Give one label for every prediction."),
        ("binary_crossentropy", (4,), (4, 3), "For one of several classes use 'sparse_categorical_crossentropy'"),
        ("binary_crossentropy", (4, 3), (4, 1), "For one of 3 classes use 'categorical_crossentropy' and a softmax layer of 3 units"),
    ],
)  # fmt: skip
def test_shape_errors_help(name, true_shape, pred_shape, text):
    with pytest.raises(InputError, match=text):
        op(name)(np.ones(true_shape), np.ones(pred_shape))


def test_label_columns_and_floats_are_labels():
    labels, _ = align_labels("loss", np.array([[1.0], [2.0]]), np.ones((2, 3)))
    assert labels.dtype == "int32" and labels.tolist() == [1, 2]


def test_weighting():
    values = jnp.array([[1.0, 2.0, 3.0], [4.0, 5.0, jnp.inf]])
    weights = align_weights("loss", np.array([[2], [1]]), values)
    mask = jnp.array([[True, True, True], [True, True, False]])
    assert weighted(values, weights, mask).tolist() == [[2.0, 4.0, 6.0], [4.0, 5.0, 0.0]]
    assert float(weight_sum(values, weights, mask)) == 8
    assert float(weight_sum(values, None)) == 6
    assert float(weight_sum(values, None, mask)) == 5
    with pytest.raises(
        InputError,
        match=r"loss: expected sample weights that fit values of shape \(2, 3\) from the left, but got \(3,\). Give one for each sample",
    ):
        align_weights("loss", jnp.ones(3), values)


def test_division_by_nothing_is_zero_also_in_the_gradient():
    assert jax.value_and_grad(safe_divide, argnums=(0, 1))(3.0, 0.0) == (0.0, (0.0, 0.0))
