"""The few countings behind the figures and the tables of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gradwise.errors import InputError


def metric_names(history: Mapping[str, Sequence[float]]) -> list[str]:
    """Lists the metrics of a history, each once, without the "val_" of its validation values.

    Example:
        >>> metric_names({"loss": [1.0], "val_loss": [1.0], "val_auc": [0.5], "empty": []})
        ['loss', 'auc']
    """
    return list(dict.fromkeys(key.removeprefix("val_") for key, values in history.items() if len(values)))


def checked_counts(counts: Any, class_names: Sequence[str]) -> np.ndarray:
    """Returns confusion counts as int64[K, K] after checking them against the class names.

    Raises:
        InputError: The counts are not square, or the names are too few or too many.

    Example:
        >>> checked_counts([[1, 0], [0, 2]], ["a", "b"]).sum()
        np.int64(3)
    """
    table = np.asarray(counts)
    if table.ndim != 2 or table.shape != (len(class_names), len(class_names)):
        raise InputError(
            "confusion_matrix",
            expected=f"counts of shape {(len(class_names), len(class_names))}, one class name for each row",
            got=table.shape,
            fix="Give one row and one column for every class.",
        )
    return table.astype(np.int64)


def most_confused(counts: np.ndarray, limit: int = 15) -> list[tuple[int, int, int, float]]:
    """Lists the pairs of classes most often taken for each other.

    Args:
        counts: int[K, K], by true class (row) and predicted class (column).
        limit: How many at most.

    Returns:
        (true class, predicted class, count, share of the true class), most frequent first, of equally
        frequent ones those with the largest share first.

    Example:
        >>> most_confused(np.array([[9, 1, 0], [4, 6, 0], [0, 0, 3]]))
        [(1, 0, 4, 0.4), (0, 1, 1, 0.1)]
    """
    table = np.asarray(counts)
    wrong = np.where(np.eye(len(table), dtype=bool), 0, table)
    shares = wrong / np.maximum(table.sum(axis=1, keepdims=True), 1)
    order = np.lexsort((-shares.ravel(), -wrong.ravel()))[:limit]
    pairs = (divmod(int(place), len(table)) for place in order)
    return [
        (row, column, int(wrong[row, column]), float(shares[row, column]))
        for row, column in pairs
        if wrong[row, column]
    ]


def finite_pairs(y_true: Any, y_pred: Any) -> np.ndarray:
    """Pairs true and predicted numbers, leaving out the pairs that are not finite.

    Returns:
        float64[B, 2].

    Raises:
        InputError: There are not as many predictions as true numbers.

    Example:
        >>> finite_pairs([1.0, 2.0], [1.5, float("nan")]).tolist()
        [[1.0, 1.5]]
    """
    true, predicted = (np.asarray(values, dtype=np.float64).ravel() for values in (y_true, y_pred))
    if true.size != predicted.size:
        raise InputError(
            "predicted_against_true",
            expected="as many predictions as true numbers",
            got=f"{predicted.size} and {true.size}",
            fix="Pass the predictions of the same samples.",
        )
    pairs = np.stack([true, predicted], axis=1)  # [B, 2]
    return pairs[np.isfinite(pairs).all(axis=1)]
