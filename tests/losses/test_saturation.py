"""Outputs that round to 0 and 1: training must see the exact loss and gradient of the logits behind them."""

import jax
import numpy as np
import pytest

import gradwise as gw
from gradwise import layers, losses
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("D1")

BIG = 200.0
Z = np.array([[BIG, -BIG, 0.0], [-BIG, BIG, -BIG], [0.5, -1.0, BIG], [-BIG, -BIG, -BIG], [1.0, -2.0, 0.5]])
BITS = np.array([[0, 1, 1], [1, 0, 1], [1, 0, 0], [1, 1, 1], [1, 0, 0]], "float32")
LABELS = np.array([1, 0, 0, 2, 1])
ONE_HOT = np.eye(3, dtype="float32")[LABELS]
COSTS = np.array([[0, 5, 1], [2, 0, 10], [0.5, 3, 0]])


def log_sum_exp(z):
    top = z.max(-1, keepdims=True)
    return top + np.log(np.exp(z - top).sum(-1, keepdims=True))


def logarithms(activation, z):
    """log p and log(1 - p), without ever leaving logarithms."""
    if activation == "sigmoid":
        return -np.logaddexp(0, -z), -np.logaddexp(0, z)
    rest = np.stack([log_sum_exp(np.delete(z, k, -1))[..., 0] for k in range(z.shape[-1])], -1)
    return z - log_sum_exp(z), rest - log_sum_exp(z)


def binary(log_p, log_q, y):
    return -(y * log_p + (1 - y) * log_q).mean(-1)


def focal(log_p, log_q, y):
    return -(y * np.exp(2 * log_q) * log_p + (1 - y) * np.exp(2 * log_p) * log_q).mean(-1)


def categorical(log_p, log_q, y):
    return -(y * (log_p - log_sum_exp(log_p))).sum(-1)


def categorical_focal(log_p, log_q, y):
    return -(0.25 * np.exp(2 * log_q) * y * log_p).sum(-1)


def generalized(log_p, log_q, y):
    return -np.expm1(0.5 * (y * log_p).sum(-1)) / 0.5


def cost_sensitive(log_p, log_q, y):
    return -(COSTS[:, LABELS].T * log_q).sum(-1)


# The loss, its targets, the activation before it, and the formula.
CASES = [
    ("binary_crossentropy", BITS, "sigmoid", binary),
    ("binary_crossentropy", BITS, "softmax", binary),
    ("binary_focal_crossentropy", BITS, "sigmoid", focal),
    ("binary_focal_crossentropy", BITS, "softmax", focal),
    ("categorical_crossentropy", ONE_HOT, "softmax", categorical),
    ("categorical_crossentropy", ONE_HOT, "sigmoid", categorical),
    ("sparse_categorical_crossentropy", LABELS, "softmax", categorical),
    ("sparse_categorical_crossentropy", LABELS, "sigmoid", categorical),
    ("categorical_focal_crossentropy", ONE_HOT, "softmax", categorical_focal),
    ("kl_divergence", ONE_HOT, "softmax", categorical),
    ("categorical_generalized_cross_entropy", LABELS, "softmax", generalized),
    (losses.CostSensitiveCrossentropy(COSTS), LABELS, "softmax", cost_sensitive),
    (losses.IgnoreMissing("binary_crossentropy"), BITS, "sigmoid", binary),
    (losses.IgnoreMissing("sparse_categorical_crossentropy"), LABELS, "softmax", categorical),
]
IDS = [
    f"{case[0] if isinstance(case[0], str) else case[0].name}-{case[2]}-{n}" for n, case in enumerate(CASES)
]


def wanted(formula, activation, y, z=Z):
    y = np.eye(3)[y] if y.ndim == 1 else y
    value = lambda z: formula(*logarithms(activation, z), y).mean()  # noqa: E731
    slope = np.zeros(3)
    for k in range(3):
        step = np.zeros(3)
        step[k] = 1e-5
        slope[k] = (value(z + step) - value(z - step)) / 2e-5
    return value(z), slope


def plain(x, activation):
    return layers.Dense(3, activation=activation, name="last")(x)


def with_activation_layer(x, activation):
    return layers.Activation(activation)(layers.Dense(3, name="last")(x))


def with_softmax_layer(x, activation):
    last = layers.Dense(3, name="last")(x)
    return layers.Softmax()(last) if activation == "softmax" else layers.Activation(activation)(last)


def inside_a_model(x, activation):
    inner = gw.Sequential([gw.Input((3,)), layers.Dense(3, activation=activation, name="last")])
    return inner(x)


def trained_once(build, activation, loss, y):
    """The loss of one batch, and the gradient of the mean loss by the last layer's bias."""
    x = gw.Input((3,))
    model = gw.Model(x, build(x, activation))
    model.compile(gw.optimizers.SGD(1.0), loss)
    model.set_weights([np.eye(3), np.zeros(3)])
    before = model.evaluate(Z, y, verbose=0)
    logged = model.train_on_batch(Z, y)
    assert np.allclose(before, logged, rtol=1e-5)
    return logged, -np.asarray(model.get_weights()[1], "float64")


@pytest.mark.parametrize(("loss", "y", "activation", "formula"), CASES, ids=IDS)
def test_every_loss_of_probabilities(loss, y, activation, formula):
    value, slope = trained_once(plain, activation, loss, y)
    exact, exact_slope = wanted(formula, activation, y)
    np.testing.assert_allclose(value, exact, rtol=1e-5)
    np.testing.assert_allclose(slope, exact_slope, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("build", [with_activation_layer, with_softmax_layer, inside_a_model])
@pytest.mark.parametrize(
    ("loss", "y", "activation", "formula"), [CASES[0], CASES[6]], ids=["binary", "sparse"]
)
def test_every_way_to_write_the_last_activation(build, loss, y, activation, formula):
    value, slope = trained_once(build, activation, loss, y)
    exact, exact_slope = wanted(formula, activation, y)
    np.testing.assert_allclose(value, exact, rtol=1e-5)
    np.testing.assert_allclose(slope, exact_slope, rtol=1e-4, atol=1e-5)


def test_every_output_of_a_model():
    x = gw.Input((3,))
    yes = layers.Dense(3, activation="sigmoid", name="yes")(x)
    which = layers.Activation("softmax", name="which")(layers.Dense(3)(x))
    model = gw.Model(x, [yes, which])
    model.compile("sgd", ["binary_crossentropy", losses.SparseCategoricalCrossentropy()])
    model.set_weights([np.eye(3), np.zeros(3)] * 2)
    logs = model.evaluate(Z, [BITS, LABELS], verbose=0, return_dict=True)
    assert logs["yes_loss"] == pytest.approx(wanted(binary, "sigmoid", BITS)[0], rel=1e-5)
    assert logs["which_loss"] == pytest.approx(wanted(categorical, "softmax", LABELS)[0], rel=1e-5)


@pytest.mark.parametrize("policy", ["bfloat16", "mixed_bfloat16"])
@pytest.mark.parametrize(
    ("loss", "y", "activation", "formula"), [CASES[0], CASES[4]], ids=["binary", "categorical"]
)
def test_half_precision(policy, loss, y, activation, formula):
    build = lambda x, activation: layers.Dense(3, activation=activation, name="last", dtype=policy)(x)  # noqa: E731
    value, slope = trained_once(build, activation, loss, y)
    exact, exact_slope = wanted(formula, activation, y)  # the logits are exact in bfloat16
    np.testing.assert_allclose(value, exact, rtol=1e-5)
    np.testing.assert_allclose(slope, exact_slope, rtol=2e-2, atol=1e-2)


def test_a_single_wrong_sample_costs_its_logit():
    model = gw.Sequential([gw.Input((1,)), layers.Dense(1, activation="sigmoid")])
    model.compile(gw.optimizers.SGD(1.0), "binary_crossentropy")
    model.set_weights([np.ones((1, 1)), np.zeros(1)])
    assert model.train_on_batch(np.array([[BIG]]), np.array([0])) == 200.0
    assert model.get_weights()[1].tolist() == [-1.0]  # the whole slope of 1


def test_log_rates_of_the_poisson_loss_keep_their_gradient():
    loss = losses.Poisson()
    value, slope = jax.value_and_grad(lambda z: loss.values_from_logits(np.array([[3.0]]), z).sum())(
        np.array([[-BIG]], "float32")
    )
    assert float(value) == 600.0 and slope.tolist() == [[-3.0]]
    z = np.array([[0.3, -1.0]], "float32")
    np.testing.assert_allclose(
        loss.values_after(np.array([[1.0, 2.0]]), np.exp(z), "exponential", z),
        loss.values(np.array([[1.0, 2.0]]), np.exp(z)),
        rtol=1e-6,
    )


def test_the_class_axis_of_the_loss_may_be_another_than_that_of_the_softmax():
    z = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    p = np.asarray(jax.nn.softmax(z, -1))
    labels = np.array([[0, 1, 2, 0], [2, 2, 1, 0]])
    loss = losses.SparseCategoricalCrossentropy(axis=1)
    np.testing.assert_allclose(loss.values_after(labels, p, "softmax", z), loss.values(labels, p), rtol=1e-5)


def refuses(text, activation, loss, units=3):
    model = gw.Sequential([gw.Input((3,)), layers.Dense(units, activation=activation)])
    model.compile("sgd", loss)
    with pytest.raises(InputError, match=text):
        model.fit(Z, np.zeros(5) if units == 1 else ONE_HOT, verbose=0)


def test_what_the_last_layer_gives_must_be_what_the_loss_takes():
    refuses(
        "loss 'kl_divergence': expected probabilities from the last layer, but got outputs without an activation. Give the last layer activation='softmax'.",
        None,
        "kld",
    )
    refuses(
        "loss 'binary_crossentropy': expected a sigmoid before one output, but got a softmax over one unit, which is always 1. Give the last layer activation='sigmoid'",
        "softmax",
        "bce",
        1,
    )
    refuses(
        "expected logits, as it was made with from_logits=True, but got probabilities: the last activation is softmax. Leave out",
        "softmax",
        losses.CategoricalCrossentropy(from_logits=True),
    )
