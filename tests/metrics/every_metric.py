"""Every metric of the library with data it can measure, for tests that go through all of them."""

import numpy as np

draw = np.random.default_rng(7)
N = 60
LABELS = draw.integers(0, 4, N)
ONE_HOT = np.eye(4, dtype="float32")[LABELS]
SHARES = draw.dirichlet(np.ones(4), N).astype("float32")
SHARES = 0.5 * SHARES + 0.5 * np.where(draw.uniform(size=(N, 1)) < 0.5, ONE_HOT, SHARES).astype("float32")
BITS = draw.integers(0, 2, (N, 1)).astype("float32")
SCORES = np.clip(0.3 * BITS + 0.7 * draw.uniform(size=(N, 1)), 0, 1).astype("float32")
MANY = (draw.uniform(size=(N, 3)) < 0.4).astype("float32")
MANY_SCORES = np.clip(0.3 * MANY + 0.7 * draw.uniform(size=(N, 3)), 0, 1).astype("float32")
REAL = draw.normal(size=(N, 3)).astype("float32")
NEAR = (REAL + 0.5 * draw.normal(size=(N, 3))).astype("float32")
WEIGHTS = draw.choice([0.0, 0.5, 1.0, 3.0], N).astype("float32")

BINARY, LABELLED, DENSE = (BITS, SCORES), (LABELS, SHARES), (ONE_HOT, SHARES)
LABEL_SETS, REALS, POSITIVE = (MANY, MANY_SCORES), (REAL, NEAR), (np.abs(REAL), np.abs(NEAR) + 0.1)
CALLED = (LABELS, SHARES.argmax(1).astype("float32"))

# name: [(inputs, settings), ...]
EVERY = {
    "AUC": [
        (BINARY, {}),
        (BINARY, {"num_thresholds": None, "capacity": 80}),
        (LABEL_SETS, {"num_thresholds": None, "curve": "PR", "multi_label": True, "capacity": 80}),
        (BINARY, {"curve": "PRGAIN", "num_thresholds": 50}),
        (LABEL_SETS, {"label_weights": [1.0, 2.0, 0.5], "thresholds": [0.2, 0.6]}),
    ],
    "Accuracy": [(CALLED, {})],
    "AveragePrecision": [
        (BINARY, {"capacity": 80}),
        (LABEL_SETS, {"average": None, "capacity": 80}),
        (LABELLED, {"average": "weighted", "capacity": 80}),
    ],
    "BinaryAccuracy": [(BINARY, {}), (LABEL_SETS, {"threshold": 0.3})],
    "BinaryCrossentropy": [(BINARY, {"label_smoothing": 0.1})],
    "BinaryIoU": [(BINARY, {"threshold": 0.4}), (LABEL_SETS, {"target_class_ids": [1]})],
    "CategoricalAccuracy": [(DENSE, {})],
    "CategoricalCrossentropy": [(DENSE, {})],
    "CategoricalHinge": [(DENSE, {})],
    "CohenKappa": [(LABELLED, {}), (DENSE, {"weights": "linear"}), (BINARY, {"weights": "quadratic"})],
    "ConcordanceCorrelation": [(REALS, {}), (REALS, {"axis": 0})],
    "ConfusionMatrix": [(LABELLED, {}), (BINARY, {"normalize": "true"})],
    "CosineSimilarity": [(REALS, {})],
    "F1Score": [(LABELLED, {"average": "macro"}), (LABEL_SETS, {"threshold": 0.5})],
    "FBetaScore": [(DENSE, {"average": "weighted", "beta": 0.5})],
    "FalseNegatives": [(BINARY, {})],
    "FalsePositiveRate": [(BINARY, {})],
    "FalsePositives": [(LABEL_SETS, {"thresholds": [0.1, 0.7]})],
    "FunctionMetric": [(REALS, {"function": lambda y_true, y_pred: (y_true - y_pred) ** 2})],
    "Hinge": [(BINARY, {})],
    "IoU": [(CALLED, {"num_classes": 4, "target_class_ids": [0, 2]})],
    "KLDivergence": [(DENSE, {})],
    "LogCoshError": [(REALS, {})],
    "MatthewsCorrelation": [(LABELLED, {}), (BINARY, {"threshold": 0.3})],
    "MeanAbsoluteError": [(REALS, {})],
    "MeanAbsolutePercentageError": [(POSITIVE, {})],
    "MeanAveragePrecision": [
        (LABELLED, {"capacity": 80}),
        (LABEL_SETS, {"capacity": 80}),
        (LABEL_SETS, {"over": "samples"}),
    ],
    "MeanIoU": [(CALLED, {"num_classes": 4, "ignore_class": 1})],
    "MeanMetricWrapper": [(REALS, {"fn": lambda y_true, y_pred, power: (y_true - y_pred) ** power, "power": 4})],
    "MeanRelativeError": [(REALS, {"normalizer": [1.0, 2.0, 0.0]})],
    "MeanSquaredError": [(REALS, {})],
    "MeanSquaredLogarithmicError": [(POSITIVE, {})],
    "OneHotIoU": [(DENSE, {"num_classes": 4, "target_class_ids": [1, 3]})],
    "OneHotMeanIoU": [(DENSE, {"num_classes": 4})],
    "PearsonCorrelation": [(REALS, {}), (REALS, {"axis": 0})],
    "Poisson": [(POSITIVE, {})],
    "Precision": [(BINARY, {}), (DENSE, {"top_k": 2}), (LABELLED, {"class_id": 1, "thresholds": 0.3})],
    "PrecisionAtRecall": [(BINARY, {"recall": 0.8}), (BINARY, {"recall": 0.8, "num_thresholds": None, "capacity": 80})],
    "R2Score": [(REALS, {}), (REALS, {"class_aggregation": None, "num_regressors": 2})],
    "Recall": [(BINARY, {"thresholds": [0.2, 0.5]}), (LABEL_SETS, {})],
    "RecallAtPrecision": [(BINARY, {"precision": 0.6}), (LABEL_SETS, {"precision": 0.5, "class_id": 1})],
    "RootMeanSquaredError": [(REALS, {})],
    "SensitivityAtSpecificity": [(BINARY, {"specificity": 0.7}), (BINARY, {"specificity": 0.4, "num_thresholds": 1})],
    "SparseCategoricalAccuracy": [(LABELLED, {})],
    "SparseCategoricalCrossentropy": [(LABELLED, {"ignore_class": 2})],
    "SparseTopKCategoricalAccuracy": [
        (LABELLED, {"k": 2}),
        ((LABELS, np.argsort(-SHARES, 1).astype("float32")), {"k": 2, "from_sorted_ids": True}),
    ],
    "Specificity": [(BINARY, {})],
    "SpecificityAtSensitivity": [(BINARY, {"sensitivity": 0.7})],
    "SquaredHinge": [(BINARY, {})],
    "TopKCategoricalAccuracy": [(DENSE, {"k": 2})],
    "TrueNegatives": [(BINARY, {})],
    "TruePositives": [(LABEL_SETS, {})],
}  # fmt: skip

ROWS = [(name, inputs, settings) for name, rows in EVERY.items() for inputs, settings in rows]
IDS = [f"{name}-{'-'.join(map(str, settings))}" for name, _, settings in ROWS]
