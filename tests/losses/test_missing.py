import json
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gradwise as gw
from gradwise import layers, losses
from gradwise.errors import InputError
from gradwise.registry import deserialize, serialize

pytestmark = pytest.mark.feature("D5", "I4")

NAN = float("nan")


def value_and_slope(function):
    return jax.jit(jax.value_and_grad(function))


rng = np.random.default_rng(0)
B, D = 12, 4
PRESENT = rng.uniform(size=(B, D)) < 0.6
PRESENT[0], PRESENT[1] = False, True
ROWS = PRESENT[:, 0]
REAL = rng.normal(size=(B, D)).astype("float32")
BITS = (REAL > 0).astype("float32")
SCORES = rng.normal(size=(B, D)).astype("float32")
P = np.asarray(jax.nn.sigmoid(SCORES))
LABELS = rng.integers(0, D, B)
ONE_HOT = np.eye(D, dtype="float32")[LABELS]
SHARES = np.asarray(jax.nn.softmax(SCORES))

SINGLES = [
    ("mse", REAL, SCORES),
    ("mae", REAL, SCORES),
    ("mape", REAL, SCORES),
    ("msle", np.abs(REAL), P),
    ("huber", REAL, SCORES),
    ("log_cosh", REAL, SCORES),
    ("poisson", BITS, P),
    ("hinge", BITS, SCORES),
    ("squared_hinge", 2 * BITS - 1, SCORES),
    ("binary_crossentropy", BITS, P),
    (losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1), BITS, SCORES),
    ("binary_focal_crossentropy", BITS, P),
]
WHOLE = [
    ("categorical_crossentropy", ONE_HOT, SHARES),
    ("sparse_categorical_crossentropy", LABELS.astype("float32"), SHARES),
    ("sparse_categorical_crossentropy", LABELS[:, None].astype("float32"), SHARES),
    ("categorical_focal_crossentropy", ONE_HOT, SHARES),
    ("categorical_generalized_cross_entropy", LABELS.astype("float32"), SHARES),
    ("categorical_hinge", ONE_HOT, SCORES),
    ("kl_divergence", SHARES[::-1], SHARES),
    ("cosine_similarity", REAL, SCORES),
    (losses.CostSensitiveCrossentropy(1 - np.eye(D)), LABELS.astype("float32"), SHARES),
    (losses.ExpectedCost(1 - np.eye(D)), ONE_HOT, SHARES),
    (lambda y_true, y_pred: jnp.square(y_true - y_pred).mean(), REAL, SCORES),
]


def inner(loss):
    return losses.get(loss)


@pytest.mark.parametrize(("loss", "y", "scores"), SINGLES)
@pytest.mark.parametrize("missing", [NAN, -7.0])
def test_the_mean_of_single_values_is_that_of_the_present_ones(loss, y, scores, missing):
    holed = np.where(PRESENT, y, missing).astype("float32")
    value, slope = value_and_slope(lambda z: losses.IgnoreMissing(loss, missing)(holed, z))(scores)

    def only_present(flat):
        return inner(loss)(y[PRESENT][:, None], flat[:, None])

    wanted, wanted_slope = value_and_slope(only_present)(scores[PRESENT])
    np.testing.assert_allclose(value, wanted, rtol=1e-5)
    assert not np.asarray(slope)[~PRESENT].any()
    np.testing.assert_allclose(np.asarray(slope)[PRESENT], wanted_slope, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(("loss", "y", "scores"), WHOLE)
@pytest.mark.parametrize("missing", [NAN, -7.0])
def test_the_mean_of_rows_is_that_of_the_complete_ones(loss, y, scores, missing):
    holed = np.array(y)
    holed[~ROWS] = missing
    if y.ndim == 2 and y.shape[1] > 1:  # one missing number is enough
        holed[~ROWS, 1:] = y[~ROWS, 1:]
    value, slope = value_and_slope(lambda z: losses.IgnoreMissing(loss, missing)(holed, z))(scores)
    wanted, wanted_slope = value_and_slope(lambda z: inner(loss)(y[ROWS], z))(scores[ROWS])
    np.testing.assert_allclose(value, wanted, rtol=1e-5)
    assert not np.asarray(slope)[~ROWS].any()
    np.testing.assert_allclose(np.asarray(slope)[ROWS], wanted_slope, rtol=1e-4, atol=1e-7)


def test_integer_labels_may_have_a_marker():
    labels = np.where(ROWS, LABELS, -1).astype("int32")
    loss = losses.IgnoreMissing("sparse_categorical_crossentropy", missing=-1)
    wanted = losses.SparseCategoricalCrossentropy(ignore_class=-1)(labels, SHARES)
    np.testing.assert_allclose(loss(labels, SHARES), wanted, rtol=1e-6)
    assert losses.IgnoreMissing("mse")(labels, SCORES[:, :1]).shape == ()  # no NaN in integers: all count


def test_labels_of_steps_may_miss():
    labels = np.where(ROWS, LABELS, -1).reshape(3, 4)
    scores = SHARES.reshape(3, 4, D)
    for loss in ("sparse_categorical_crossentropy", losses.ExpectedCost(1 - np.eye(D))):
        value = losses.IgnoreMissing(loss, -1)(labels, scores)
        np.testing.assert_allclose(value, inner(loss)(LABELS[ROWS], SHARES[ROWS]), rtol=1e-5)


def test_a_batch_without_labels_costs_nothing():
    value, slope = value_and_slope(lambda z: losses.IgnoreMissing("mse")(np.full((2, 3), NAN), z))(
        jnp.ones((2, 3))
    )
    assert float(value) == 0 and not np.asarray(slope).any()


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0])
def test_nothing_leaks_from_predictions_that_do_not_count(bad):
    scores = np.where(PRESENT, P, bad).astype("float32")
    for loss in ("poisson", "msle", "binary_crossentropy", "log_cosh"):
        holed = np.where(PRESENT, BITS, NAN)
        value, slope = value_and_slope(
            lambda z, loss=loss, holed=holed: losses.IgnoreMissing(loss)(holed, z)
        )(scores)
        assert np.isfinite(value) and np.isfinite(slope).all() and not np.asarray(slope)[~PRESENT].any()


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", None])
def test_weights_and_reductions(reduction):
    weights = rng.uniform(size=B).astype("float32")
    loss = losses.IgnoreMissing(losses.MeanSquaredError(reduction), NAN)
    result = loss(np.where(PRESENT, REAL, NAN), SCORES, sample_weight=weights)
    parts = np.where(PRESENT, (REAL - SCORES) ** 2, 0) * weights[:, None]
    wanted = {
        "sum": parts.sum(),
        "mean_with_sample_weight": parts.sum() / (PRESENT * weights[:, None]).sum(),
        None: parts,
    }.get(reduction, parts.sum() / PRESENT.sum())
    np.testing.assert_allclose(result, wanted, rtol=1e-5)


def tasks(activation="sigmoid", units=D):
    model = gw.Sequential([gw.Input((3,)), layers.Dense(units, activation=activation)])
    return model


X = rng.normal(size=(B, 3)).astype("float32")
HOLED = np.where(PRESENT, BITS, NAN).astype("float32")


def log_loss(y, p):
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))


@pytest.mark.parametrize("batch_size", [1, 5, 12])
def test_an_epoch_counts_labels_not_batches(batch_size):
    model = tasks()
    model.compile("sgd", losses.IgnoreMissing("binary_crossentropy"), metrics=["accuracy", "auc", "mae"])
    p = np.asarray(model.predict(X, verbose=0), "float64")
    logs = model.evaluate(X, HOLED, batch_size=batch_size, verbose=0, return_dict=True)
    y = BITS[PRESENT]
    assert logs["loss"] == pytest.approx(log_loss(y, p[PRESENT]).mean(), rel=1e-5)
    assert logs["accuracy"] == pytest.approx(((p > 0.5) == BITS)[PRESENT].mean(), rel=1e-6)
    assert logs["mae"] == pytest.approx(np.abs(BITS - p)[PRESENT].mean(), rel=1e-5)
    sklearn = pytest.importorskip("sklearn.metrics")
    assert logs["auc"] == pytest.approx(sklearn.roc_auc_score(y, p[PRESENT]), abs=5e-3)


def test_sample_weights_reach_loss_and_weighted_metrics():
    weights = rng.uniform(size=B).astype("float32")
    model = tasks()
    model.compile("sgd", losses.IgnoreMissing("bce"), metrics=["accuracy"], weighted_metrics=["accuracy"])
    p = np.asarray(model.predict(X, verbose=0), "float64")
    logs = model.evaluate(X, HOLED, batch_size=5, sample_weight=weights, verbose=0, return_dict=True)
    wide = np.broadcast_to(weights[:, None], PRESENT.shape)[PRESENT]
    right = ((p > 0.5) == BITS)[PRESENT]
    assert logs["loss"] == pytest.approx((wide * log_loss(BITS, p)[PRESENT]).mean(), rel=1e-5)
    assert logs["accuracy"] == pytest.approx(right.mean(), rel=1e-6)
    assert logs["accuracy_1"] == pytest.approx((right * wide).sum() / wide.sum(), rel=1e-5)


def test_a_step_follows_the_present_labels_only():
    model = tasks()
    model.compile(gw.optimizers.SGD(1.0), losses.IgnoreMissing("binary_crossentropy"))
    p = np.asarray(model.predict(X, verbose=0), "float64")
    before = model.get_weights()
    model.fit(X, HOLED, batch_size=B, verbose=0)
    slope = np.where(PRESENT, p - BITS, 0) / PRESENT.sum()
    np.testing.assert_allclose(before[0] - model.get_weights()[0], X.T @ slope, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(before[1] - model.get_weights()[1], slope.sum(0), rtol=1e-3, atol=1e-6)


def test_a_task_nobody_labelled_does_not_move():
    holed = HOLED.copy()
    holed[:, 2] = NAN
    model = tasks()
    model.compile("adam", losses.IgnoreMissing("binary_crossentropy"))
    before = model.get_weights()[0]
    history = model.fit(X, holed, batch_size=5, epochs=3, verbose=0, validation_data=(X, holed)).history
    moved = np.abs(model.get_weights()[0] - before).max(0)
    assert moved[2] == 0 and (moved[[0, 1, 3]] > 0).all()
    assert np.isfinite(history["val_loss"]).all()


def test_training_on_missing_labels_equals_training_without_those_rows():
    def trained(x, y):
        gw.set_random_seed(3)
        model = tasks(units=1)
        model.compile("sgd", losses.IgnoreMissing("binary_crossentropy"))
        model.fit(x, y, batch_size=B, epochs=5, shuffle=False, verbose=0)
        return model.get_weights()

    for ours, wanted in zip(trained(X, HOLED[:, 0]), trained(X[ROWS], BITS[ROWS, 0]), strict=True):
        np.testing.assert_allclose(ours, wanted, rtol=1e-5, atol=1e-6)


def test_only_the_output_with_such_a_loss_may_miss_labels():
    x = gw.Input((3,))
    heads = [layers.Dense(1, activation="sigmoid", name="first")(x), layers.Dense(2, name="second")(x)]
    model = gw.Model(x, heads)
    model.compile(
        "sgd", {"first": losses.IgnoreMissing("bce"), "second": "mse"}, metrics={"first": ["accuracy"]}
    )
    logs = model.evaluate(X, [HOLED[:, :1], REAL[:, :2]], verbose=0, return_dict=True)
    p, other = (np.asarray(each, "float64") for each in model.predict(X, verbose=0))
    assert logs["first_loss"] == pytest.approx(log_loss(BITS[:, :1], p)[ROWS].mean(), rel=1e-5)
    assert logs["first_accuracy"] == pytest.approx(((p > 0.5) == BITS[:, :1])[ROWS].mean())
    assert logs["second_loss"] == pytest.approx(((REAL[:, :2] - other) ** 2).mean(), rel=1e-5)
    second = REAL[:, :2].copy()
    second[4, 1] = NAN
    text = r"fit, y\['second'\]: expected finite targets, but got NaN or infinity in 1 of 12 rows, first in row 4, column 1. Drop .* where labels may be missing, put the loss into losses.IgnoreMissing."
    with pytest.raises(InputError, match=text):
        model.fit(X, [HOLED[:, :1], second], verbose=0)


@pytest.mark.parametrize(
    ("loss", "y", "text"),
    [
        (losses.IgnoreMissing("bce"), np.where(PRESENT, 2 * BITS, NAN), "expected targets from 0 to 1 for IgnoreMissing, but got values such as 2"),
        (losses.IgnoreMissing("bce"), np.where(PRESENT, BITS, np.inf), "expected finite targets, but got NaN or infinity in"),
        (losses.IgnoreMissing("bce", -1), HOLED, "expected finite targets"),
        (losses.IgnoreMissing("scce", -1), np.where(ROWS, 4, -1), "expected class labels from 0 to 3, but got labels such as 4"),
        (losses.IgnoreMissing("scce", -1), np.where(ROWS, -2, -1), "got labels such as -2"),
    ],
)  # fmt: skip
def test_the_labels_that_are_there_are_checked(loss, y, text):
    with pytest.raises(InputError, match=text):
        losses.check_targets(loss, y, (None, D))


def test_right_and_missing_targets_pass():
    losses.check_targets(losses.IgnoreMissing("bce"), HOLED, (None, D))
    losses.check_targets(losses.IgnoreMissing("bce"), np.full((3, D), NAN), (None, D))
    losses.check_targets(losses.IgnoreMissing("scce", -1), np.where(ROWS, LABELS, -1), (None, D))


@pytest.mark.parametrize(
    "make",
    [lambda: losses.IgnoreMissing("scce"), lambda: losses.SparseCategoricalCrossentropy(ignore_class=-1)],
)
def test_class_weights_go_by_the_labels_that_are_there(make):
    loss = make()
    holed = np.where(ROWS, LABELS, -1 if loss.ignore_class == -1 else NAN)
    table = {k: k + 1.0 for k in range(D)}

    def trained(x, y):
        gw.set_random_seed(3)
        model = tasks("softmax")
        model.compile("sgd", make())
        model.fit(x, y, batch_size=B, class_weight=table, verbose=0)
        return model.get_weights()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = trained(X, holed)
    for mine, wanted in zip(ours, trained(X[ROWS], LABELS[ROWS]), strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-4, atol=1e-6)


def steps(activation):
    embedding = layers.Embedding(9, 2, mask_zero=True)
    return gw.Sequential([gw.Input((3,), dtype="int32"), embedding, layers.Dense(2, activation=activation)])


def test_streams_and_steps_with_a_mask():
    model = steps(None)
    model.compile("sgd", losses.IgnoreMissing("mse"))
    x = rng.integers(1, 9, (4, 3))
    x[:, 2] = 0  # masked
    y = rng.normal(size=(4, 3, 2)).astype("float32")
    here = rng.uniform(size=y.shape) < 0.7
    output = np.asarray(model.predict(x, verbose=0))
    counted = here & (np.arange(3) < 2)[None, :, None]
    wanted = ((y - output) ** 2)[counted].mean()
    holed = np.where(here, y, NAN)
    assert model.evaluate(x, holed, verbose=0) == pytest.approx(wanted, rel=1e-5)
    batches = [(x[:3], holed[:3]), (x[3:], holed[3:])]
    assert model.evaluate(iter(batches), verbose=0) == pytest.approx(wanted, rel=1e-5)


def test_labels_ignored_by_class_and_steps_left_out_by_a_mask():
    model = steps("softmax")
    model.compile("sgd", losses.SparseCategoricalCrossentropy(ignore_class=-1))
    x = rng.integers(1, 9, (4, 3))
    x[:, 2] = 0
    labels = np.array([[0, 1, 1], [-1, 0, 1], [1, -1, 0], [1, 1, -1]])
    p = np.asarray(model.predict(x, verbose=0))
    kept = (labels >= 0) & (np.arange(3) < 2)
    wanted = -np.log(np.take_along_axis(p, np.maximum(labels, 0)[..., None], 2)[..., 0])[kept].mean()
    assert model.evaluate(x, labels, verbose=0) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize(("inner", "missing"), [(losses.Huber(0.5, "sum", "mine"), NAN), ("scce", -1)])
def test_a_file_keeps_it(inner, missing):
    loss = losses.IgnoreMissing(inner, missing)
    again = deserialize(json.loads(json.dumps(serialize(loss))))
    assert type(again.loss) is type(loss.loss) and (again.name, again.reduction) == (
        loss.name,
        loss.reduction,
    )
    y = np.where(ROWS, LABELS, missing)
    np.testing.assert_array_equal(
        again.values(y[:, None], SHARES[:, : 1 if missing != missing else D]),
        loss.values(y[:, None], SHARES[:, : 1 if missing != missing else D]),
    )
    assert losses.IgnoreMissing("mse").name == "mean_squared_error"


def test_small_integer_types_keep_their_markers_apart():
    labels = np.array([255, 1, 0], "uint8")
    assert losses.SparseCategoricalCrossentropy(ignore_class=-1).target_mask(labels).all()
    assert losses.SparseCategoricalCrossentropy(ignore_class=255).target_mask(labels).tolist() == [
        False,
        True,
        True,
    ]
    assert losses.IgnoreMissing("mse", missing=0.5).target_mask(labels).all()


@pytest.mark.parametrize(
    "loss", ["dice", "tversky", "circle", "ctc", losses.BinaryCrossentropy(axis=1), losses.Dice(axis=None)]
)
def test_losses_without_values_of_their_own_for_each_label_are_refused(loss):
    text = r"IgnoreMissing: expected a loss of single values or rows, averaged over the last axis, but got the loss '.*' with axis=.*. Use e.g. 'mse' or 'binary_crossentropy', or weigh"
    with pytest.raises(InputError, match=text):
        losses.IgnoreMissing(loss)
    with pytest.raises(
        InputError, match="IgnoreMissing: expected the name of a loss, but got 'msee'. Did you mean 'mse'"
    ):
        losses.IgnoreMissing("msee")
