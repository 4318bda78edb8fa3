"""A hundred random losses: settings, shapes, weights, reduction and float type drawn, compared with Keras 3."""

import contextlib
import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradwise import losses

pytestmark = pytest.mark.feature("D1")

DRAWS = 100
BATCH, STEPS, CLASSES = 4, 3, 5


def real(rng, shape):
    return 2 * rng.normal(size=shape)


def positive(rng, shape):
    return rng.uniform(0.1, 3, shape)


def probabilities(rng, shape):
    return rng.uniform(0.02, 0.98, shape)


def bits(rng, shape):
    return rng.integers(0, 2, shape).astype("float64")


def signs(rng, shape):
    return 2 * bits(rng, shape) - 1


def shares(rng, shape, axis=-1):
    values = rng.uniform(0.1, 1, shape)
    return values / values.sum(axis, keepdims=True)


def one_hot(rng, shape, axis=-1):
    return np.moveaxis(np.eye(shape[axis])[rng.integers(0, shape[axis], np.delete(shape, axis))], -1, axis)


def unit_vectors(rng, shape):
    vectors = rng.normal(size=shape)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def of_values(name, target, prediction, **choices):
    """A loss of single values; each setting is drawn from its choices."""

    def draw(rng, shape):
        settings = {key: choice[rng.integers(len(choice))] for key, choice in choices.items()}
        return name, settings, target(rng, shape), prediction(rng, shape)

    return draw


def binary(name, **choices):
    def draw(rng, shape):
        settings = {key: choice[rng.integers(len(choice))] for key, choice in choices.items()}
        settings["from_logits"] = bool(rng.integers(2))
        settings["label_smoothing"] = [0.0, 0.2][rng.integers(2)]
        scores = real(rng, shape) if settings["from_logits"] else probabilities(rng, shape)
        return name, settings, bits(rng, shape), scores

    return draw


def categorical(name, **choices):
    def draw(rng, shape):
        settings = {key: choice[rng.integers(len(choice))] for key, choice in choices.items()}
        settings["from_logits"] = bool(rng.integers(2))
        axis = settings["axis"] = -1 if len(shape) == 2 else int(rng.choice([-1, 1]))
        if isinstance(settings.get("alpha"), list):
            axis = settings["axis"] = -1
        # On another axis Keras takes the number of classes to smooth over from the last one all the same.
        settings["label_smoothing"] = [0.0, 0.2][rng.integers(2)] if settings["axis"] == -1 else 0.0
        target = [one_hot, shares][rng.integers(2)](rng, shape, axis)
        return (
            name,
            settings,
            target,
            real(rng, shape) if settings["from_logits"] else shares(rng, shape, axis),
        )

    return draw


def sparse(rng, shape):
    settings = {"from_logits": bool(rng.integers(2)), "ignore_class": [None, 0, -1][rng.integers(3)]}
    labels = rng.integers(0, shape[-1], shape[:-1])
    if settings["ignore_class"] == -1:
        labels = np.where(rng.uniform(size=labels.shape) < 0.3, -1, labels)
    return (
        "SparseCategoricalCrossentropy",
        settings,
        labels,
        [shares, real][settings["from_logits"]](rng, shape),
    )


def generalized(rng, shape):
    q = [0.1, 0.5, 0.9][rng.integers(3)]
    labels = rng.integers(0, CLASSES, BATCH)
    return "CategoricalGeneralizedCrossEntropy", {"q": q}, labels, shares(rng, (BATCH, CLASSES))


def circle(rng, shape):
    settings = {"gamma": [5.0, 80.0][rng.integers(2)], "margin": [0.1, 0.4][rng.integers(2)]}
    settings["remove_diagonal"] = bool(rng.integers(2))
    # Every sample has a partner of its class and one of another: else Keras' gradient is NaN.
    return "Circle", settings, np.array([0, 1, 0, 1]), unit_vectors(rng, (BATCH, CLASSES))


def ctc(rng, shape):
    labels = rng.integers(1, CLASSES, (BATCH, 3))
    return (
        "CTC",
        {},
        np.where(np.arange(3) < rng.integers(0, 4, (BATCH, 1)), labels, 0),
        real(rng, (BATCH, 8, CLASSES)),
    )


def overlap(name):
    def draw(rng, shape):
        settings = {"axis": [None, tuple(range(1, len(shape)))][rng.integers(2)]}
        if name == "Tversky":
            settings |= {"alpha": [0.3, 0.5][rng.integers(2)], "beta": [0.5, 0.9][rng.integers(2)]}
        return name, settings, bits(rng, shape), probabilities(rng, shape)

    return draw


LOSSES = [
    of_values("MeanSquaredError", real, real),
    of_values("MeanAbsoluteError", real, real),
    of_values("MeanAbsolutePercentageError", positive, real),
    of_values("MeanSquaredLogarithmicError", positive, positive),
    of_values("Huber", real, real, delta=[0.3, 1.0, 2.5]),
    of_values("LogCosh", real, real),
    of_values("CosineSimilarity", real, real, axis=[-1, 1]),
    of_values("KLDivergence", shares, shares),
    of_values("Poisson", positive, positive),
    of_values("Hinge", signs, real),
    of_values("Hinge", bits, real),
    of_values("SquaredHinge", signs, real),
    of_values("CategoricalHinge", one_hot, real),
    binary("BinaryCrossentropy", axis=[-1, 1]),
    binary(
        "BinaryFocalCrossentropy", apply_class_balancing=[False, True], alpha=[0.25, 0.6], gamma=[0.5, 2.0]
    ),
    categorical("CategoricalCrossentropy"),
    categorical("CategoricalFocalCrossentropy", alpha=[0.25, [0.1, 0.2, 0.3, 0.4, 0.5]], gamma=[1.0, 2.0]),
    sparse,
    generalized,
    circle,
    ctc,
    overlap("Dice"),
    overlap("Tversky"),
]
REDUCTIONS = ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None]


def drawn(seed):
    """One random loss with its data; every class of losses comes up."""
    rng = np.random.default_rng(seed)
    shape = [(BATCH, CLASSES), (BATCH, STEPS, CLASSES)][rng.integers(2)]
    name, settings, y_true, y_pred = LOSSES[seed % len(LOSSES)](rng, shape)
    settings["reduction"] = REDUCTIONS[rng.integers(len(REDUCTIONS))]
    kind = ["float32", "bfloat16", "float64"][rng.integers(3)]
    # Keras multiplies [B, T] values by [B] weights from the right; weights of the values' shape mean one thing.
    loss = getattr(losses, name)(**settings)
    values = jax.eval_shape(loss.values, y_true, jnp.asarray(y_pred, "float32")).shape
    weights = rng.uniform(0.1, 2, values) if rng.integers(2) else None
    return name, settings, kind, np.asarray(y_true), y_pred, weights


def value_and_slope(make, y_true, y_pred, weights, way):
    def function(y_pred):
        result = make(y_true, y_pred, sample_weight=weights)
        return (result * jnp.asarray(way[: result.size].reshape(result.shape), result.dtype)).sum(), result

    (_, result), slope = jax.jit(jax.value_and_grad(function, has_aux=True))(y_pred)
    return np.asarray(result), np.float64(slope)


@contextlib.contextmanager
def keras_rules():
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        import keras

        yield keras


@pytest.mark.parametrize(
    "seed", [*range(12), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(12, DRAWS))]
)
def test_value_and_gradient_equal_keras(seed):
    name, settings, kind, y_true, y_pred, weights = drawn(seed)
    told = f"seed {seed}: {name}({settings}), {kind}, predictions {y_pred.shape}, weights {np.shape(weights)}"
    way = np.random.default_rng(seed).normal(size=BATCH * STEPS * CLASSES)
    with jax.enable_x64(kind == "float64"):
        y_pred = jnp.asarray(y_pred, kind)
        dtype = {"dtype": "float64"} if kind == "float64" else {}
        with keras_rules() as keras:
            theirs = getattr(keras.losses, name)(**settings, **dtype)
            wanted, wanted_slope = value_and_slope(theirs, y_true, y_pred, weights, way)
        ours = getattr(losses, name)(**settings, **dtype)
        result, slope = value_and_slope(ours, y_true, y_pred, weights, way)
    if settings.get("axis", 0) is None and settings["reduction"] == "sum" and weights is not None:
        # One number for the batch: here the weights scale it by their mean, in Keras by their sum (though
        # without weights Keras, too, counts it once).
        wanted, wanted_slope = wanted / BATCH, wanted_slope / BATCH
    assert result.shape == wanted.shape and result.dtype == wanted.dtype, told
    np.testing.assert_allclose(result, wanted, rtol=1e-4, atol=1e-5, err_msg=told)
    tolerance = {"rtol": 2e-2, "atol": 1e-2} if kind == "bfloat16" else {"rtol": 1e-4, "atol": 1e-5}
    np.testing.assert_allclose(slope, wanted_slope, err_msg=told, **tolerance)


def test_every_class_of_keras_is_drawn():
    with keras_rules() as keras:
        known = {key for key, item in vars(keras.losses).items() if isinstance(item, type)} - {"Loss"}
    assert {drawn(seed)[0] for seed in range(len(LOSSES))} == known
