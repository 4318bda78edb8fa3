"""What the name of a logged value tells: whether more is better, and by which other name it may go."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gradwise.errors import InputError

# Keras has logged the same value under the short and the long name, depending on its version.
_PAIRS = (
    ("acc", "accuracy"),
    ("mae", "mean_absolute_error"),
    ("mse", "mean_squared_error"),
    ("mape", "mean_absolute_percentage_error"),
    ("msle", "mean_squared_logarithmic_error"),
    ("rmse", "root_mean_squared_error"),
)

_MORE_IS_BETTER = re.compile(
    r"(^|_)(accuracy|acc|auc|roc_auc|pr_auc|f1|f1_score|fbeta|fbeta_score|precision|recall|sensitivity"
    r"|specificity|r2|r2_score|iou|miou|io_u|dice|mcc|kappa|correlation|map|cosine_similarity"
    r"|explained_variance|true_positives|true_negatives)(_\d+)?$"
)
_LESS_IS_BETTER = re.compile(
    r"(^|_)(loss|error|mse|mae|rmse|mape|msle|mre|crossentropy|cross_entropy|hinge|huber|log_cosh|logcosh"
    r"|divergence|poisson|perplexity|false_positives|false_negatives|false_positive_rate|fpr)(_\d+)?$"
)


def other_name(name: str) -> str | None:
    """Returns the other name a value is logged under, or None if it has only one.

    Args:
        name: Such as "val_acc".

    Example:
        >>> other_name("val_acc"), other_name("mean_squared_error"), other_name("loss")
        ('val_accuracy', 'mse', None)
    """
    for pair in _PAIRS:
        for mine, other in (pair, pair[::-1]):
            if name == mine or name.endswith("_" + mine):
                return name[: len(name) - len(mine)] + other
    return None


def known_as(name: str, known: Iterable[str]) -> str | None:
    """Returns the one of the known names that means the same as a name, or None.

    Args:
        name: Such as "val_acc".
        known: The names of the logs.

    Example:
        >>> known_as("val_acc", ["loss", "val_accuracy"])
        'val_accuracy'
    """
    names = set(known)
    if name in names:
        return name
    other = other_name(name)
    return other if other in names else None


def direction(where: str, name: str) -> str:
    """Tells from its name whether a value is to be minimised or maximised.

    Args:
        where: The callback or goal, for the error.
        name: The name of the value.

    Returns:
        'min' or 'max'.

    Raises:
        InputError: The name tells nothing; guessing could keep the worst model.

    Example:
        >>> direction("EarlyStopping", "val_loss"), direction("EarlyStopping", "val_auc_1")
        ('min', 'max')
    """
    if _MORE_IS_BETTER.search(name.lower()):
        return "max"
    if _LESS_IS_BETTER.search(name.lower()):
        return "min"
    raise InputError(
        where,
        expected=f"a direction for '{name}', whose name does not tell whether more is better",
        got="mode='auto'",
        fix="Pass mode='min' or mode='max'.",
    )
