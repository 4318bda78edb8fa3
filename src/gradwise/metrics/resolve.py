"""From the setting of a `metrics` argument to a metric, and warnings about accuracies of real numbers."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradwise import losses
from gradwise.errors import InputError
from gradwise.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    ShareOfRight,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
from gradwise.metrics.auc import AUC
from gradwise.metrics.base import Metric
from gradwise.metrics.confusion import ConfusionMetric
from gradwise.metrics.correlation import CorrelationMetric
from gradwise.metrics.fscore import FBetaScore
from gradwise.metrics.iou import IoU, MeanIoU, OneHotMeanIoU
from gradwise.metrics.labels import MatrixMetric
from gradwise.metrics.probabilistic import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
)
from gradwise.metrics.reductions import FunctionMetric, GivenValues
from gradwise.metrics.samples import SampleMetric
from gradwise.ops import metrics as ops
from gradwise.registry import find

Shape = Sequence[int | None]

_ACCURACIES = {
    "binary": BinaryAccuracy,
    "categorical": CategoricalAccuracy,
    "sparse": SparseCategoricalAccuracy,
}
_CROSSENTROPIES = {
    "binary": BinaryCrossentropy,
    "categorical": CategoricalCrossentropy,
    "sparse": SparseCategoricalCrossentropy,
}
_CLASSES: dict[Callable[..., Any], type[Metric]] = {
    ops.accuracy: Accuracy,
    ops.binary_accuracy: BinaryAccuracy,
    ops.categorical_accuracy: CategoricalAccuracy,
    ops.sparse_categorical_accuracy: SparseCategoricalAccuracy,
    ops.top_k_categorical_accuracy: TopKCategoricalAccuracy,
    ops.sparse_top_k_categorical_accuracy: SparseTopKCategoricalAccuracy,
}


def get(
    identifier: Any,
    *,
    loss: Any = None,
    output_shape: Shape | None = None,
    target_shape: Shape | None = None,
    output_activation: str | None = None,
    where: str = "metrics",
) -> Metric:
    """Turns one setting of a `metrics` argument into a metric that is ready for `init`.

    "accuracy" (or "acc") and "crossentropy" (or "ce") become the binary, categorical or sparse form: binary
    for one output or a binary loss, categorical for targets as wide as the output, else sparse. Where the
    loss takes logits, thresholds and cross-entropies found by name take them too.

    Args:
        identifier: A name, a metric, a class of metrics, a loss, or a function f(y_true, y_pred).
        loss: The loss the model is trained with, as given to `compile`.
        output_shape: The shape of the model's output with the batch axis, which may be None.
        target_shape: The shape of the targets, likewise.
        output_activation: The name of the activation the output comes from, if known.
        where: Where it was given, for the error.

    Returns:
        The metric. Its name is the string as given, the name of the function, or that of the metric.

    Raises:
        InputError: The name is unknown or its metric needs settings, nothing tells which accuracy is meant,
            the value is none of these, or the metric cannot be used on a model's outputs.

    Example:
        >>> metric = get("acc", loss="mse", output_shape=(None, 1))
        >>> type(metric).__name__, metric.name
        ('BinaryAccuracy', 'acc')
    """
    trained_with = None if loss is None else losses.get(loss)
    if isinstance(identifier, str):
        metric = _named(identifier, trained_with, output_shape, target_shape, output_activation, where)
    else:
        metric = _given(identifier, where)
    if output_shape is not None:
        metric.build(tuple(output_shape))
        _check_usable(metric, where)
    return metric


def check_metric(metric: Metric, *, loss: Any, y_true: Any, where: str = "fit") -> None:
    """Warns if an accuracy is asked for while the targets are real numbers, not classes.

    Args:
        metric: From `get`.
        loss: The loss the model is trained with. Losses of classes never warn.
        y_true: The targets.
        where: Where the targets were given, for the warning.

    Raises:
        InputError: The metric keeps all samples, and there are more than it has room for.

    Example:
        >>> check_metric(BinaryAccuracy(), loss="mse", y_true=np.array([0, 1, 1]))
    """
    if isinstance(metric, SampleMetric):
        metric.check_size(np.shape(y_true), where)
    trained_with = None if loss is None else losses.get(loss)
    if not isinstance(metric, ShareOfRight) or (
        trained_with is not None and trained_with.target_kind != "any"
    ):
        return
    targets = np.asarray(y_true)
    if targets.dtype.kind not in "biuf" or targets.size == 0:
        return
    if isinstance(metric, BinaryAccuracy):
        odd = ~np.isin(targets, (-1, 0, 1))
    elif isinstance(metric, (CategoricalAccuracy, TopKCategoricalAccuracy)):
        odd = (targets < 0) | (targets > 1)
    else:
        odd = targets != np.floor(targets)
    if not odd.any():
        return
    shown = ", ".join(f"{each:g}" for each in targets[odd].ravel()[:3])
    message = InputError(
        where,
        expected=f"targets that name classes for the metric '{metric.name}'",
        got=f"real numbers such as {shown}",
        fix="An accuracy counts right classes and says nothing here; use 'mae' or 'r2_score'.",
    )
    warnings.warn(str(message), UserWarning, stacklevel=2)


def _given(identifier: Any, where: str) -> Metric:
    found = _CLASSES.get(identifier, identifier) if callable(identifier) else identifier
    if isinstance(found, Metric):
        return found
    if isinstance(found, type) and issubclass(found, Metric):
        metric: Metric = found()
        return metric
    if isinstance(found, losses.Loss) or (isinstance(found, type) and issubclass(found, losses.Loss)):
        return FunctionMetric(losses.get(found))
    if callable(found) and not isinstance(found, type):
        loss = losses.get(found)
        if isinstance(loss, losses.FunctionLoss):
            return FunctionMetric(found)
        return FunctionMetric(loss, found.__name__)
    raise InputError(
        where,
        expected="the name of a metric, a Metric, or a function f(y_true, y_pred)",
        got=f"{identifier!r} of type {type(identifier).__name__}",
        fix="Pass e.g. 'accuracy' or 'mae'.",
    )


def _named(
    name: str,
    loss: losses.Loss | None,
    output_shape: Shape | None,
    target_shape: Shape | None,
    activation: str | None,
    where: str,
) -> Metric:
    spelling = name.lower()
    found: Any
    if spelling in ("accuracy", "acc"):
        found = _ACCURACIES[_kind(name, loss, output_shape, target_shape, where)]
    elif spelling in ("crossentropy", "ce"):
        found = _CROSSENTROPIES[_kind(name, loss, output_shape, target_shape, where)]
    else:
        found = find("metrics", name, where)
    if not isinstance(found, type):
        return FunctionMetric(found, name)
    settings = _settings(found, name, loss, output_shape, target_shape, activation)
    needed = [
        each.name
        for each in inspect.signature(found).parameters.values()
        if each.default is each.empty
        and each.kind is each.POSITIONAL_OR_KEYWORD
        and each.name not in settings
    ]
    if needed:
        raise InputError(
            where,
            expected=f"a metric with its settings: {found.__name__} needs {', '.join(needed)}",
            got=f"{name!r} alone",
            fix=f"Pass metrics.{found.__name__}({', '.join(f'{each}=...' for each in needed)}).",
        )
    metric: Metric = found(name=name, **settings)
    return metric


def _check_usable(metric: Metric, where: str) -> None:
    if isinstance(metric, GivenValues):
        raise InputError(
            where,
            expected="a metric of targets and predictions",
            got=f"{type(metric).__name__}, which takes values",
            fix="Call it with values in a loop of your own, or pass e.g. 'mae' here.",
        )


def _kind(
    name: str, loss: losses.Loss | None, output_shape: Shape | None, target_shape: Shape | None, where: str
) -> str:
    wanted = loss.target_kind if loss is not None else "any"
    if wanted == "binary" or (output_shape is not None and (len(output_shape) == 1 or output_shape[-1] == 1)):
        return "binary"
    if wanted == "labels":
        return "sparse"
    if target_shape is None or output_shape is None:
        if wanted == "distribution":
            return "categorical"
        raise InputError(
            where,
            expected="the shapes of targets and output, or a loss that tells the kind of targets",
            got=f"{name!r} alone",
            fix="Name the kind, e.g. 'binary_accuracy' or 'sparse_categorical_accuracy'.",
        )
    same = len(target_shape) == len(output_shape) and target_shape[-1] == output_shape[-1]
    return "categorical" if same else "sparse"


def _settings(
    found: type,
    name: str,
    loss: losses.Loss | None,
    output_shape: Shape | None,
    target_shape: Shape | None,
    activation: str | None,
) -> dict[str, Any]:
    """Returns what the model tells about the settings of a metric that was given by name only."""
    logits = bool(getattr(loss, "from_logits", False))
    one_output = output_shape is not None and (len(output_shape) == 1 or output_shape[-1] == 1)
    if issubclass(found, FBetaScore):
        # A number for logs and for early stopping, where Keras gives an array.
        if one_output:
            return {"average": "micro", "threshold": 0.0 if logits else 0.5}
        return {"average": "macro"}
    if issubclass(found, AUC):
        return {"from_logits": logits, "curve": "PR" if name.lower().startswith("pr") else "ROC"}
    if issubclass(found, (BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy)):
        return {"from_logits": logits}
    if issubclass(found, BinaryAccuracy):
        signed = isinstance(loss, (losses.Hinge, losses.SquaredHinge)) and activation != "sigmoid"
        return {"threshold": 0.0 if logits or signed or activation in ("tanh", "softsign", "sign") else 0.5}
    if issubclass(found, ConfusionMetric):
        return {"thresholds": 0.0} if logits and one_output else {}
    if issubclass(found, MatrixMetric):
        return {"threshold": 0.0} if logits and one_output else {}
    if issubclass(found, CorrelationMetric):
        # Within samples of one value there is no correlation.
        return {"axis": 0} if one_output else {}
    if issubclass(found, IoU):
        return _overlap_settings(found, output_shape, target_shape)
    return {}


def _overlap_settings(found: type, output_shape: Shape | None, target_shape: Shape | None) -> dict[str, Any]:
    classes = None if output_shape is None else output_shape[-1]
    if classes is None or classes < 2 or not issubclass(found, MeanIoU):
        return {}
    settings: dict[str, Any] = {"num_classes": classes, "sparse_y_pred": False}
    if found is not OneHotMeanIoU:
        one_hot = target_shape is not None and len(target_shape) == len(output_shape or ())
        settings["sparse_y_true"] = not (one_hot and target_shape is not None and target_shape[-1] == classes)
    return settings
