import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gradwise as gw
from gradwise import layers, losses
from gradwise.errors import InputError
from gradwise.registry import deserialize, serialize

pytestmark = pytest.mark.feature("B5")

rng = np.random.default_rng(0)
COURSE = [[0, 99], [1, 0]]  # the table of the course: row the decision, column the truth
COSTS = np.array([[0, 5, 1], [2, 0, 10], [0.5, 3, 0]], "float32")
LABELS = rng.integers(0, 3, 8)
ONE_HOT = np.eye(3, dtype="float32")[LABELS]
LOGITS = (3 * rng.normal(size=(8, 3))).astype("float32")
P = np.asarray(jax.nn.softmax(LOGITS), "float64")
BOTH = pytest.mark.parametrize("make", [losses.ExpectedCost, losses.CostSensitiveCrossentropy])


def by_hand(make, p, labels, costs):
    costs = np.asarray(costs, "float64")[:, labels].T  # [B, K], what deciding for k costs sample b
    if make is losses.ExpectedCost:
        return (p * costs).sum(1)
    return -(costs * np.log(1 - p)).sum(1)


def test_the_table_of_the_course():
    p = np.array([[0.9, 0.1], [0.9, 0.1]])
    truth = np.array([0, 1])
    np.testing.assert_allclose(losses.ExpectedCost(COURSE).values(truth, p), [0.1 * 1, 0.9 * 99], rtol=1e-6)
    weighted = losses.CostSensitiveCrossentropy(COURSE).values(truth, p)
    np.testing.assert_allclose(weighted, [-np.log(0.9), -99 * np.log(0.1)], rtol=1e-5)
    # For two classes: the cross-entropy weighted by what missing the class costs.
    plain = losses.SparseCategoricalCrossentropy().values(truth, p)
    np.testing.assert_allclose(weighted, plain * np.array([1.0, 99.0], "float32"), rtol=1e-5)


@BOTH
@pytest.mark.parametrize("truth", [LABELS, LABELS[:, None], ONE_HOT], ids=["labels", "column", "one-hot"])
def test_values_by_hand(make, truth):
    wanted = by_hand(make, P, LABELS, COSTS)
    np.testing.assert_allclose(make(COSTS).values(truth, P.astype("float32")), wanted, rtol=1e-4)
    np.testing.assert_allclose(make(COSTS, from_logits=True).values(truth, LOGITS), wanted, rtol=1e-4)
    np.testing.assert_allclose(make(COSTS)(truth, P.astype("float32")), wanted.mean(), rtol=1e-4)


@BOTH
def test_shares_of_classes_cost_their_mean(make):
    shares = np.array([[0.25, 0.75, 0.0]])
    each = [by_hand(make, P[:1], [k], COSTS)[0] for k in range(3)]
    np.testing.assert_allclose(make(COSTS).values(shares, P[:1].astype("float32")), shares @ each, rtol=1e-4)


@BOTH
def test_gradient_is_that_of_finite_differences(make):
    with jax.enable_x64(True):
        loss = make(COSTS, from_logits=True)
        function = jax.jit(lambda z: loss.values(LABELS, z).sum())
        z, way = jnp.asarray(LOGITS, "float64"), jnp.asarray(rng.normal(size=LOGITS.shape))
        slope = (jax.grad(function)(z) * way).sum()
        np.testing.assert_allclose(
            slope, (function(z + 1e-6 * way) - function(z - 1e-6 * way)) / 2e-6, rtol=1e-6
        )


@BOTH
def test_one_sigmoid_unit_means_two_classes(make):
    z = np.array([[-3.0], [0.5], [200.0], [-200.0]], "float32")
    truth = np.array([0, 1, 0, 1])
    pair = np.concatenate([np.zeros_like(z), z], 1)
    wanted = make(COURSE, from_logits=True).values(truth, pair)
    np.testing.assert_allclose(make(COURSE, from_logits=True).values(truth, z), wanted, rtol=1e-6)
    p = np.asarray(jax.nn.sigmoid(z))
    np.testing.assert_allclose(make(COURSE).values_after(truth[:, None], p, "sigmoid", z), wanted, rtol=1e-6)
    np.testing.assert_allclose(make(COURSE).values(truth[:, None], p[:, :])[:2], wanted[:2], rtol=1e-5)
    if make is losses.CostSensitiveCrossentropy:
        np.testing.assert_allclose(wanted[2:], [200, 99 * 200], rtol=1e-6)


def test_steps_have_costs_of_their_own():
    labels = LABELS.reshape(2, 4)
    values = losses.ExpectedCost(COSTS).values(labels, P.astype("float32").reshape(2, 4, 3))
    np.testing.assert_allclose(
        values, by_hand(losses.ExpectedCost, P, LABELS, COSTS).reshape(2, 4), rtol=1e-4
    )


@BOTH
def test_labels_out_of_range_are_not_silent(make):
    assert np.isnan(make(COSTS).values(np.array([3, -1, 0]), P[:3].astype("float32"))).tolist() == [
        True,
        True,
        False,
    ]


def rare_data():
    generator = np.random.default_rng(1)
    y = (generator.uniform(size=2000) < 0.01).astype("int32")
    return generator.normal(size=(2000, 1)).astype("float32") + 1.5 * y[:, None], y


@pytest.mark.parametrize("units", [1, 2])
def test_costs_move_the_decision(units):
    x, y = rare_data()

    def found(loss):
        gw.set_random_seed(1)
        last = layers.Dense(units, activation="sigmoid" if units == 1 else "softmax")
        model = gw.Sequential([gw.Input((1,)), last])
        model.compile(gw.optimizers.Adam(0.1), loss)
        model.fit(x, y, epochs=10, batch_size=200, verbose=0)
        p = np.asarray(model.predict(x))
        return (p[:, 0] > 0.5 if units == 1 else p.argmax(1) == 1)[y == 1].mean()

    plain = "binary_crossentropy" if units == 1 else "sparse_categorical_crossentropy"
    assert found(plain) < 0.2
    assert found(losses.CostSensitiveCrossentropy(COURSE)) > 0.7


@BOTH
@pytest.mark.parametrize("matrix", [COURSE, np.array(COURSE), ((0, 99), (1, 0))])
def test_a_file_keeps_the_matrix(make, matrix):
    loss = make(matrix, name="mine")
    again = deserialize(json.loads(json.dumps(serialize(loss))))
    assert again.name == "mine" and again.cost_matrix.tolist() == [[0, 99], [1, 0]]


@BOTH
@pytest.mark.parametrize(
    ("matrix", "text"),
    [
        ([[0, 1, 2], [1, 0, 2]], r"cost_matrix: expected a square table of numbers, one row and one column for each of at least two classes, but got shape \(2, 3\). Write for example"),
        ([0, 1], r"got shape \(2,\)"),
        ([[1]], r"got shape \(1, 1\)"),
        ([[0, 1], [2]], r"got \[\[0, 1\], \[2\]\]"),
        ("costly", "got 'costly'"),
        ([[0, -1], [1, 0]], "expected costs of 0 or more, not all 0, but got -1.0. Give what each wrong decision costs"),
        ([[0, float("nan")], [1, 0]], "got nan"),
        ([[0, float("inf")], [1, 0]], "got inf"),
        ([[0, 0], [0, 0]], "got zeros only"),
    ],
)  # fmt: skip
def test_bad_matrices_are_refused(make, matrix, text):
    with pytest.raises(InputError, match=text):
        make(matrix)


def test_a_right_decision_is_no_error():
    text = r"loss 'cost_sensitive_crossentropy', cost_matrix: expected 0 on the diagonal.* but got \[2.0, 0.0\]. Subtract from each column"
    with pytest.raises(InputError, match=text):
        losses.CostSensitiveCrossentropy([[2, 1], [1, 0]])
    p = np.array([[0.5, 0.5]])
    assert float(losses.ExpectedCost([[2, 1], [4, 0]])(np.array([0]), p)) == 3


@BOTH
def test_what_does_not_fit_is_refused_by_fit(make):
    def fit(y, units=3, activation="softmax"):
        model = gw.Sequential([gw.Input((2,)), layers.Dense(units, activation=activation)])
        model.compile("sgd", make(COSTS))
        model.fit(np.zeros((8, 2)), y, verbose=0)

    fit(LABELS)
    fit(ONE_HOT)
    with pytest.raises(
        InputError,
        match="expected predictions of 3 classes, as the cost matrix has 3 rows, but got shape .*4.*Give the last layer 3 units",
    ):
        fit(LABELS, units=4)
    with pytest.raises(
        InputError, match="fit, y: expected class labels from 0 to 2, but got labels such as 3"
    ):
        fit(LABELS + 1)
    with pytest.raises(InputError, match="expected shares of classes, at least 0"):
        fit(-ONE_HOT)
    with pytest.raises(
        InputError,
        match="expected probabilities from the last layer, but got outputs without an activation. Give the last layer activation='softmax', or the loss from_logits=True.",
    ):
        fit(LABELS, activation=None)
