"""A hundred metrics with settings drawn at random, against Keras, and exact ones against scikit-learn."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import warnings

import jax
import numpy as np
import pytest
from sklearn import metrics as sk

from gradwise import metrics

pytestmark = pytest.mark.feature("D3")


def binary(rng, n):
    y_true = rng.integers(0, 2, (n, 1)).astype("float32")
    return y_true, np.clip(0.4 * y_true + 0.6 * rng.uniform(size=(n, 1)), 0, 1).astype("float32")


def label_sets(rng, n):
    y_true = rng.integers(0, 2, (n, 3)).astype("float32")
    return y_true, np.clip(0.2 * y_true + 0.8 * rng.uniform(size=(n, 3)), 0, 1).astype("float32")


def classes(rng, n):
    labels = rng.integers(0, 5, n)
    scores = rng.dirichlet(np.ones(5), n) + 0.3 * np.eye(5)[labels]
    return labels, (scores / scores.sum(1, keepdims=True)).astype("float32")


def one_hot(rng, n):
    labels, scores = classes(rng, n)
    return np.eye(5, dtype="float32")[labels], scores


def called(rng, n):
    labels, scores = classes(rng, n)
    return labels, np.where(rng.uniform(size=n) < 0.1, rng.integers(0, 5, n), scores.argmax(1))


def real(rng, n):
    y_true = rng.normal(size=(n, 3)).astype("float32")
    return y_true, (y_true + rng.normal(size=(n, 3))).astype("float32")


def single(rng, n):
    y_true, y_pred = real(rng, n)
    return y_true[:, :1], y_pred[:, :1]


def some(rng, *choices):
    return choices[rng.integers(len(choices))]


def fractions(rng):
    return [round(float(each), 3) for each in np.sort(rng.uniform(0.02, 0.98, rng.integers(1, 5)))]


def threshold(rng):
    return some(rng, None, 0.0, 1.0, round(float(rng.uniform()), 2), fractions(rng))


def counting(rng):
    data = some(rng, binary, label_sets, one_hot)
    settings = {"thresholds": threshold(rng)}
    if data is not binary:
        settings["class_id"] = some(rng, None, 0, 2)
        settings["top_k"] = some(rng, None, 1, 2)
    return data, settings


def at_limit(name):
    def drawn(rng):
        data = some(rng, binary, label_sets)
        return data, {
            name: round(float(rng.uniform()), 2),
            "num_thresholds": some(rng, 1, 2, 17, 200),
            "class_id": None if data is binary else some(rng, None, 1),
        }

    return drawn


def area(rng):
    data = some(rng, binary, label_sets)
    settings = {
        "curve": some(rng, "ROC", "PR", "PRGAIN"),
        "summation_method": some(rng, "interpolation", "minoring", "majoring"),
        "num_thresholds": some(rng, 2, 10, 200),
        "thresholds": some(rng, None, fractions(rng)),
    }
    if data is label_sets:
        settings["multi_label"] = bool(rng.integers(2))
        settings["label_weights"] = some(rng, None, [1.0, 0.5, 3.0])
    return data, settings


def f_score(rng):
    data = some(rng, label_sets, one_hot)
    return data, {
        "average": some(rng, None, "micro", "macro", "weighted"),
        "threshold": some(rng, None, 0.3, 0.8),
        "beta": some(rng, 0.5, 1.0, 2.0),
    }


def explained(rng):
    # Keras takes every output of a sample for a sample in an adjusted score, so there only one output.
    aggregation = some(rng, None, "uniform_average", "variance_weighted_average")
    regressors = some(rng, 0, 1, 3)
    return (single if regressors else real), {"class_aggregation": aggregation, "num_regressors": regressors}


def overlap(rng):
    return called, {
        "num_classes": 5,
        "target_class_ids": sorted(rng.choice(5, rng.integers(1, 5), replace=False).tolist()),
        "ignore_class": some(rng, None, 0, 3),
        "dtype": "float32",
    }


FORMS = {
    "AUC": area,
    "FBetaScore": f_score,
    "IoU": overlap,
    "BinaryIoU": lambda rng: (binary, {"threshold": round(float(rng.uniform(0.1, 0.9)), 2), "dtype": "float32"}),
    "OneHotMeanIoU": lambda rng: (one_hot, {"num_classes": 5, "ignore_class": some(rng, None, 2), "dtype": "float32"}),
    "Precision": counting,
    "Recall": counting,
    "SensitivityAtSpecificity": at_limit("specificity"),
    "SpecificityAtSensitivity": at_limit("sensitivity"),
    "PrecisionAtRecall": at_limit("recall"),
    "RecallAtPrecision": at_limit("precision"),
    "TopKCategoricalAccuracy": lambda rng: (one_hot, {"k": int(rng.integers(1, 7))}),
    "SparseTopKCategoricalAccuracy": lambda rng: (classes, {"k": int(rng.integers(1, 7))}),
    "R2Score": explained,
    "PearsonCorrelation": lambda rng: (real, {}),
    "ConcordanceCorrelation": lambda rng: (real, {}),
    "TruePositives": lambda rng: (binary, {"thresholds": threshold(rng)}),
    "TrueNegatives": lambda rng: (label_sets, {"thresholds": threshold(rng)}),
    "BinaryCrossentropy": lambda rng: (binary, {"label_smoothing": float(rng.uniform(0, 0.3)), "from_logits": bool(rng.integers(2))}),
    "CosineSimilarity": lambda rng: (real, {"axis": -1}),
}  # fmt: skip


def streamed(metric, y_true, y_pred, weights):
    """The value after three uneven batches, the last two merged in."""
    metric.build(y_pred.shape)
    part = len(y_true) // 2
    totals = metric.init()
    pieces = [slice(0, part), slice(part, part + 3), slice(part + 3, None)]
    for piece in pieces:
        weight = None if weights is None else weights[piece]
        totals = metric.merge(totals, metric.update(metric.init(), y_true[piece], y_pred[piece], weight))
    return np.asarray(metric.compute(totals))


@pytest.mark.parametrize(
    "seed", [*range(12), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(12, 100))]
)
def test_equals_keras(seed):
    rng = np.random.default_rng(seed)
    name = list(FORMS)[seed % len(FORMS)]
    data, settings = FORMS[name](rng)
    y_true, y_pred = data(rng, 40)
    # An adjusted R^2 counts samples in Keras, those of weight 0 too.
    plain = bool(settings.get("num_regressors")) or bool(rng.integers(2))
    weights = None if plain else rng.choice([0.0, 0.5, 2.0], 40).astype("float32")
    with (
        jax.numpy_dtype_promotion("standard"),
        jax.numpy_rank_promotion("allow"),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # Keras' own deprecations are none of ours
        import keras

        theirs = getattr(keras.metrics, name)(**settings)
        theirs.update_state(y_true, y_pred, sample_weight=weights)
        wanted = np.asarray(theirs.result())
    found = streamed(getattr(metrics, name)(**settings), y_true, y_pred, weights)
    np.testing.assert_allclose(found, wanted, rtol=5e-5, atol=2e-6, err_msg=f"{name} {settings}")


def sklearn_cases():
    def average_precision(rng):
        y_true, y_pred = label_sets(rng, 40)
        average = some(rng, None, "micro", "macro", "weighted")
        weights = rng.uniform(0, 2, 40).astype("float32")
        wanted = sk.average_precision_score(y_true, y_pred, average=average, sample_weight=weights)
        return metrics.AveragePrecision(average, capacity=64), y_true, y_pred, weights, wanted

    def ranking(rng):
        y_true, y_pred = label_sets(rng, 40)
        y_true[:, 0] = np.where(y_true.any(1), y_true[:, 0], 1)
        wanted = sk.average_precision_score(y_true, y_pred, average="samples")
        return metrics.MeanAveragePrecision("samples"), y_true, y_pred, None, wanted

    def mean_average_precision(rng):
        y_true, y_pred = classes(rng, 40)
        y_true = np.where(y_true == 4, 0, y_true)  # one class does not occur
        rows = np.eye(5)[y_true][:, :4]
        wanted = np.mean(
            [sk.average_precision_score(rows[:, k], y_pred[:, k]) for k in range(4) if rows[:, k].any()]
        )
        return metrics.MeanAveragePrecision(capacity=64), y_true, y_pred, None, wanted

    def roc(rng):
        y_true, y_pred = binary(rng, 40)
        y_pred = np.round(y_pred, 1)  # many ties
        weights = rng.uniform(0, 2, 40).astype("float32")
        wanted = sk.roc_auc_score(y_true, y_pred, sample_weight=weights)
        return metrics.AUC(num_thresholds=None, capacity=64), y_true, y_pred, weights, wanted

    def roc_of_labels(rng):
        y_true, y_pred = label_sets(rng, 40)
        wanted = sk.roc_auc_score(y_true, y_pred, average="macro")
        return metrics.AUC(num_thresholds=None, multi_label=True, capacity=64), y_true, y_pred, None, wanted

    def agreement(rng):
        y_true, y_pred = classes(rng, 40)
        kind, weights = some(rng, None, "linear", "quadratic"), rng.uniform(0, 2, 40).astype("float32")
        wanted = sk.cohen_kappa_score(y_true, y_pred.argmax(1), weights=kind, sample_weight=weights)
        return metrics.CohenKappa(weights=kind), y_true, y_pred, weights, wanted

    def matthews(rng):
        y_true, y_pred = some(rng, binary, classes)(rng, 40)
        answers = y_pred[:, 0] > 0.5 if y_pred.shape[1] == 1 else y_pred.argmax(1)
        wanted = sk.matthews_corrcoef(y_true.ravel(), answers)
        return metrics.MatthewsCorrelation(), y_true, y_pred, None, wanted

    def confusion(rng):
        y_true, y_pred = classes(rng, 40)
        normalize = some(rng, None, "true", "pred", "all")
        wanted = sk.confusion_matrix(y_true, y_pred.argmax(1), normalize=normalize)
        return metrics.ConfusionMatrix(normalize=normalize), y_true, y_pred, None, wanted

    def specificity(rng):
        y_true, y_pred = binary(rng, 40)
        limit = round(float(rng.uniform(0.1, 0.9)), 2)
        wanted = sk.recall_score(1 - y_true, y_pred <= limit)
        return metrics.Specificity(limit), y_true, y_pred, None, wanted

    def sensitivity(rng):
        y_true, y_pred = binary(rng, 40)
        limit = round(float(rng.uniform(0.1, 0.9)), 2)
        alarms, found, _ = sk.roc_curve(y_true, y_pred, drop_intermediate=False)
        wanted = found[1 - alarms >= limit - 1e-9].max()
        return metrics.SensitivityAtSpecificity(limit, None, capacity=64), y_true, y_pred, None, wanted

    return [value for value in locals().values() if callable(value)]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", sklearn_cases(), ids=lambda case: case.__name__)
def test_equals_sklearn(case, seed):
    metric, y_true, y_pred, weights, wanted = case(np.random.default_rng(seed))
    np.testing.assert_allclose(streamed(metric, y_true, y_pred, weights), wanted, rtol=3e-5, atol=1e-6)
