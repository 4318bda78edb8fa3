"""Metrics in compile: users' own, vectors, those that keep samples, and what cannot be logged."""

import jax.numpy as jnp
import numpy as np
import pytest
from sklearn import metrics as sk

from gradwise import Input, Sequential, layers, metrics
from gradwise import callbacks as our
from gradwise.errors import InputError, StateError

pytestmark = pytest.mark.feature("D3", "B5")
N = 50  # no multiple of the batch sizes: the last batch is filled up, or short


@pytest.fixture
def problem(rng):
    x = rng.normal(size=(N, 4)).astype("float32")
    return x, (x @ rng.normal(size=(4, 3)) + rng.normal(size=(N, 3))).argmax(1)


def classifier(chosen, weighted=None, units=3):
    model = Sequential([Input((4,)), layers.Dense(units, activation="softmax" if units > 1 else "sigmoid")])
    loss = "sparse_categorical_crossentropy" if units > 1 else "binary_crossentropy"
    model.compile("sgd", loss, metrics=chosen, weighted_metrics=weighted)
    return model


class InKerasStyle(metrics.Metric):
    """The share of samples whose class is right, with a bias as large as the batch would show."""

    def __init__(self, name="own", **kwargs):
        super().__init__(name=name, **kwargs)
        self.right = self.add_variable(shape=(), initializer="zeros", name="right")
        self.all = self.add_weight(name="all")

    def update_state(self, y_true, y_pred, sample_weight=None):
        right = (y_true == y_pred.argmax(-1)).astype("float32")
        weight = jnp.ones_like(right) if sample_weight is None else sample_weight
        self.right.assign(self.right + (right * weight).sum())
        self.all.assign_add(weight.sum())

    def result(self):
        return self.right / jnp.maximum(self.all.value, 1e-7)


class InOurStyle(metrics.Metric):
    """The same by init, update and compute."""

    def init(self):
        return {"right": self.zeros(), "all": self.zeros()}

    def update(self, totals, y_true, y_pred, sample_weight=None):
        right = (y_true == y_pred.argmax(-1)).astype("float32")
        weight = jnp.ones_like(right) if sample_weight is None else sample_weight
        return {"right": totals["right"] + (right * weight).sum(), "all": totals["all"] + weight.sum()}

    def compute(self, totals):
        return totals["right"] / jnp.maximum(totals["all"], 1e-7)


def own_function(y_true, y_pred):
    return (y_true == y_pred.argmax(-1)).astype("float32")


def test_users_metrics_equal_the_librarys_in_training_and_evaluation(problem):
    x, y = problem
    model = classifier(["accuracy", InKerasStyle(), InOurStyle(), own_function])
    history = model.fit(x, y, epochs=2, batch_size=16, validation_data=(x[:20], y[:20]), verbose=0).history
    for name in ("own", "in_our_style", "own_function"):
        np.testing.assert_allclose(history[name], history["accuracy"], rtol=1e-6)
        np.testing.assert_allclose(history[f"val_{name}"], history["val_accuracy"], rtol=1e-6)
    logs = model.evaluate(x, y, batch_size=16, verbose=0, return_dict=True)
    wanted = (model.predict(x, verbose=0).argmax(1) == y).mean()
    assert logs["own"] == pytest.approx(wanted) == logs["accuracy"]


class LeastOutput(metrics.Metric):
    """The least probability that was given to any class: totals that start from 1, and merge by the least."""

    def init(self):
        return {"least": self.zeros() + 1}

    def update(self, totals, y_true, y_pred, sample_weight=None):
        rows = y_pred.min(-1)
        kept = rows if sample_weight is None else jnp.where(sample_weight > 0, rows, 1.0)
        return {"least": jnp.minimum(totals["least"], kept.min())}

    def compute(self, totals):
        return totals["least"]


@pytest.mark.parametrize("epochs", [1, 3])
@pytest.mark.parametrize("callbacks", [[], ["per step"]])
def test_totals_need_not_start_from_zero(problem, epochs, callbacks):
    x, y = problem
    model = classifier([LeastOutput()])
    model.optimizer.learning_rate = 0.0
    watchers = [our.LambdaCallback(on_train_batch_end=lambda batch, logs: None) for _ in callbacks]
    history = model.fit(
        x, y, batch_size=8, epochs=epochs, validation_data=(x[:9], y[:9]), callbacks=watchers, verbose=0
    ).history
    np.testing.assert_allclose(history["least_output"], model.predict(x).min(), rtol=1e-5)
    np.testing.assert_allclose(history["val_least_output"], model.predict(x[:9]).min(), rtol=1e-5)


def test_a_keras_style_metric_alone():
    metric = InKerasStyle()
    y_true, y_pred = jnp.array([0, 1]), jnp.array([[0.9, 0.1], [0.8, 0.2]])
    assert float(metric(y_true, y_pred)) == 0.5
    assert float(metric(y_true[:1], y_pred[:1])) == pytest.approx(2 / 3)
    assert [variable.name for variable in metric.variables] == ["right", "all"]
    metric.reset_state()
    assert float(metric.result()) == 0
    totals = metric.merge(*(metric.update(metric.init(), y_true[k:], y_pred[k:]) for k in range(2)))
    assert float(metric.compute(totals)) == pytest.approx(1 / 3)
    assert float(metric.result()) == 0  # the pure functions leave the object alone


def test_a_value_for_each_class_is_a_log_for_each(problem):
    x, y = problem
    model = classifier([metrics.F1Score(), metrics.Recall(thresholds=[0.2, 0.6])])
    history = model.fit(x, y, batch_size=16, validation_data=(x, y), verbose=0).history
    assert [name for name in history if not name.startswith("val_")] == [
        "loss", "f1_score_0", "f1_score_1", "f1_score_2", "recall_0", "recall_1",
    ]  # fmt: skip
    called = model.predict(x, verbose=0).argmax(1)
    np.testing.assert_allclose(
        [history[f"val_f1_score_{k}"][0] for k in range(3)],
        sk.f1_score(y, called, average=None, zero_division=0),
        rtol=1e-5,
    )


class Extremes(InKerasStyle):
    def result(self):
        return {"wrong": 1 - self.right / jnp.maximum(self.all.value, 1e-7), "all_seen": self.all.value}


def test_a_dict_is_a_log_for_each_key(problem):
    x, y = problem
    logs = classifier(["accuracy", Extremes()]).evaluate(x, y, verbose=0, return_dict=True)
    assert list(logs) == ["loss", "accuracy", "all_seen", "wrong"]
    assert logs["all_seen"] == N and logs["wrong"] == pytest.approx(1 - logs["accuracy"])


def test_exact_areas_in_training_equal_sklearn(problem):
    x, y = problem
    y = (y == 1).astype("float32")
    weights = np.linspace(0, 2, N).astype("float32")
    model = classifier([metrics.AUC(None), "ap", "mcc"], ["ap"], 1)
    model.fit(x, y, epochs=2, batch_size=16, verbose=0)
    logs = model.evaluate(x, y, sample_weight=weights, batch_size=16, verbose=0, return_dict=True)
    scores = model.predict(x, verbose=0)[:, 0]
    assert logs["auc"] == pytest.approx(sk.roc_auc_score(y, scores), rel=1e-5)
    assert logs["ap"] == pytest.approx(sk.average_precision_score(y, scores), rel=1e-5)
    wanted = sk.average_precision_score(y, scores, sample_weight=weights)
    assert logs["ap_1"] == pytest.approx(wanted, rel=1e-5)
    assert logs["mcc"] == pytest.approx(sk.matthews_corrcoef(y, scores > 0.5), abs=1e-5)


def test_mean_average_precision_by_name(problem):
    x, y = problem
    model = classifier(["map", "mean_io_u", "kappa"])
    logs = model.evaluate(x, y, batch_size=16, verbose=0, return_dict=True)
    scores = model.predict(x, verbose=0)
    wanted = sk.average_precision_score(np.eye(3)[y], scores, average="macro")
    assert logs["map"] == pytest.approx(wanted, rel=1e-5)
    wanted = sk.jaccard_score(y, scores.argmax(1), average="macro")
    assert logs["mean_io_u"] == pytest.approx(wanted, rel=1e-5)


def test_more_samples_than_room_are_refused_or_seen(problem):
    x, y = problem
    model = classifier([metrics.AveragePrecision(capacity=40)])
    with pytest.raises(
        InputError,
        match=r"metric 'average_precision': expected at most capacity=40 samples, as it keeps all of them, but got 50. Pass AveragePrecision\(..., capacity=50\) to compile.",
    ):
        model.fit(x, y, verbose=0)
    stream = ((x[k : k + 10], y[k : k + 10]) for k in range(0, N, 10))
    assert np.isnan(model.evaluate(stream, verbose=0, return_dict=True)["average_precision"])


def test_alone_the_room_grows(rng):
    y_true, y_pred = rng.integers(0, 2, 100), rng.uniform(size=100).astype("float32")
    metric = metrics.AveragePrecision(capacity=8)
    for place in range(0, 100, 7):
        metric.update_state(y_true[place : place + 7], y_pred[place : place + 7])
    assert float(metric.result()) == pytest.approx(sk.average_precision_score(y_true, y_pred), rel=1e-5)


class Silent(metrics.Metric):
    pass


class Unweighted(InKerasStyle):
    def update_state(self, y_true, y_pred):
        self.all.assign_add(1.0)


class StartsHigh(metrics.Metric):
    def __init__(self):
        super().__init__()
        self.least = self.add_variable((), "ones")


@pytest.mark.parametrize(
    ("chosen", "text"),
    [
        (metrics.ConfusionMatrix(), r"metric 'confusion_matrix': expected a number, or a vector of numbers, that can be logged after each epoch, but got a value of shape \(3, 3\). Leave it out of compile"),
        ("recall_at_precision", r"compile, metrics: expected a metric with its settings: RecallAtPrecision needs precision, but got 'recall_at_precision' alone. Pass metrics.RecallAtPrecision\(precision=...\)."),
        ("io_u", r"IoU needs num_classes, target_class_ids, but got 'io_u' alone"),
        ("mean_averge_precision", "Did you mean 'mean_average_precision'"),
        (metrics.Mean(), "expected a metric of targets and predictions, but got Mean, which takes values. Call it"),
        (metrics.Precision(class_id=3), r"metric 'precision': expected predictions with a column 3, as class_id=3, but got shape \(\d+, 3\). Columns are counted from 0."),
        (metrics.MeanIoU(3), r"metric 'mean_io_u': expected targets of shape \(\d+, 3\) like the predicted classes, but got \(\d+,\). Pass sparse_y_pred=False"),
        (metrics.PearsonCorrelation(), "expected targets of shape"),
        (metrics.CohenKappa(num_classes=4), r"expected an output for 4 classes, as num_classes says, but got shape \(None, 3\)"),
        (metrics.AUC(multi_label=True, num_labels=2), r"expected an output of 2 columns, as num_labels says, but got shape \(None, 3\)"),
        (metrics.AUC(multi_label=True, label_weights=[1, 2]), "expected an output of 2 columns, as label_weights says"),
        (Unweighted(), r"metric 'own': expected an update_state that takes sample_weight, but got update_state\(y_true, y_pred\). Define"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused(chosen, text, problem):
    x, y = problem
    with pytest.raises(InputError, match=text):
        model = classifier([chosen])
        model.evaluate(x, y, batch_size=16, sample_weight=np.ones(N), verbose=0)
        classifier([], [chosen]).evaluate(x, y, sample_weight=np.ones(N), verbose=0)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: Silent().init(), StateError, "metric 'silent': expected a class that defines init, update and compute, or update_state and result, but got Silent without them"),
        (StartsHigh, InputError, "metric 'starts_high': expected variables that start at zero and add up, but got initializer='ones', aggregation='sum'. Define init"),
        (lambda: metrics.MeanMetricWrapper("mse"), InputError, r"MeanMetricWrapper: expected a function fn\(y_true, y_pred\), but got 'mse'"),
        (lambda: metrics.MeanRelativeError("large"), InputError, "metric 'mean_relative_error': expected normalizer as a number, or one for each output, but got 'large'"),
        (lambda: metrics.MeanRelativeError([1.0, 2.0])(np.ones((3, 3)), np.ones((3, 3))), InputError, r"expected a normalizer for predictions of shape \(3, 3\), but got one of shape \(2,\)"),
        (lambda: metrics.TopKCategoricalAccuracy(0), InputError, "metric 'top_k_categorical_accuracy': expected k as a whole number of at least 1, but got 0. Write for example k=5."),
        (lambda: metrics.BinaryAccuracy(threshold=1.5), InputError, "metric 'binary_accuracy': expected thresholds from 0 to 1, but got 1.5"),
        (lambda: metrics.BinaryIoU(threshold=-0.1), InputError, "expected thresholds from 0 to 1, but got -0.1"),
        (lambda: metrics.Recall([0.5, None]), InputError, r"expected thresholds from 0 to 1, but got \[0.5, None\]"),
        (lambda: metrics.Recall([]), InputError, r"expected thresholds from 0 to 1, but got \[\]"),
        (lambda: metrics.Precision(top_k=0), InputError, "expected top_k as a whole number of at least 1, but got 0"),
        (lambda: metrics.Precision(class_id=-1), InputError, "expected class_id as a whole number of at least 0, but got -1"),
        (lambda: metrics.RecallAtPrecision(1.2), InputError, "metric 'recall_at_precision': expected precision from 0 to 1, but got 1.2. Write for example precision=0.5."),
        (lambda: metrics.SpecificityAtSensitivity(0.5, num_thresholds=0), InputError, "expected at least 1 threshold, but got 0. Use e.g. num_thresholds=200, or None for the exact value."),
        (lambda: metrics.AUC(num_labels=3), InputError, "expected num_labels only with multi_label=True, but got num_labels=3"),
        (lambda: metrics.AUC(None, capacity=0), InputError, "expected capacity as a whole number of at least 1, but got 0"),
        (lambda: metrics.AveragePrecision("mean"), InputError, "expected the name of an average, but got 'mean'"),
        (lambda: metrics.MeanAveragePrecision("clases"), InputError, "expected the name of what to average over, but got 'clases'. Did you mean 'classes'"),
        (lambda: metrics.CohenKappa(weights="squared"), InputError, "expected the name of weights, but got 'squared'"),
        (lambda: metrics.ConfusionMatrix(normalize="rows"), InputError, "expected the name of a normalization, but got 'rows'"),
        (lambda: metrics.IoU(2, [2]), InputError, r"metric 'io_u': expected target_class_ids from 0 to 1, as num_classes=2, but got \[2\]"),
        (lambda: metrics.MeanIoU(1), InputError, "expected num_classes as a whole number of at least 2, but got 1"),
        (lambda: metrics.OneHotIoU(3, [0])([[1, 0]], [[1, 0]]), InputError, r"metric 'one_hot_io_u': expected targets with 3 scores on axis -1, as num_classes says, but got \(1, 2\)"),
        (lambda: metrics.PearsonCorrelation(axis=None), InputError, "metric 'pearson_correlation': expected axis as a whole number, but got None"),
        (lambda: metrics.PearsonCorrelation()(np.ones(3), np.ones((3, 1))), InputError, "For a model of one output take axis=0"),
        (lambda: metrics.MeanSquaredError(dtype="int8"), InputError, "metric 'mean_squared_error': expected a float type"),
        (lambda: metrics.CohenKappa().init(), StateError, r"expected build\(output_shape\) before init\(\), but got an unknown number of classes"),
        (lambda: metrics.AveragePrecision().init(), StateError, "but got an unknown number of outputs"),
        (lambda: metrics.PearsonCorrelation(axis=0).init(), StateError, "but got an unknown number of outputs"),
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize(
    ("name", "shape", "settings"),
    [
        ("pr_auc", (None, 1), {"curve": "PR"}),
        ("roc_auc", (None, 1), {"curve": "ROC"}),
        ("pearson_correlation", (None, 1), {"axis": 0}),
        ("concordance_correlation", (None, 8), {"axis": -1}),
        ("miou", (None, 5, 5, 4), {"num_classes": 4, "sparse_y_pred": False, "sparse_y_true": True}),
        ("one_hot_mean_io_u", (None, 4), {"num_classes": 4, "sparse_y_true": False}),
        ("fpr", (None, 1), {"thresholds": (0.5,)}),
    ],
)
def test_names_take_what_the_model_tells(name, shape, settings):
    metric = metrics.get(name, output_shape=shape, target_shape=shape[:-1])
    assert metric.name == name
    assert {key: getattr(metric, key) for key in settings} == settings


def test_correlation_over_all_samples_and_not_the_mean_of_batches(rng):
    x = rng.normal(size=(60, 4)).astype("float32")
    y = x @ np.array([1.0, -1.0, 0.5, 0.0], "float32") + 100
    model = Sequential([Input((4,)), layers.Dense(1)])
    model.compile(
        "sgd", "mse", metrics=["pearson_correlation", "r2_score", metrics.ConcordanceCorrelation(axis=0)]
    )
    logs = model.evaluate(x, y, batch_size=16, verbose=0, return_dict=True)
    found = model.predict(x, verbose=0)[:, 0]
    assert logs["pearson_correlation"] == pytest.approx(np.corrcoef(y, found)[0, 1], rel=1e-4)
    assert logs["r2_score"] == pytest.approx(sk.r2_score(y, found), rel=1e-4)
    apart = 2 * np.cov(y, found, bias=True)[0, 1] / (y.var() + found.var() + (y.mean() - found.mean()) ** 2)
    assert logs["concordance_correlation"] == pytest.approx(apart, rel=1e-3)


def test_r2_of_targets_far_from_zero(rng):
    y_true = (1e5 + rng.normal(size=(200, 1))).astype("float32")
    y_pred = y_true + 0.25 * rng.normal(size=(200, 1)).astype("float32")
    wanted = sk.r2_score(y_true.astype("float64"), y_pred.astype("float64"))
    metric = metrics.R2Score()
    for part in np.split(np.arange(200), [3, 90]):
        metric.update_state(y_true[part], y_pred[part])
    assert float(metric.result()) == pytest.approx(wanted, abs=0.01)
