"""What `compile` was told, and how it is bound to a model's outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gradwise import losses, metrics, optimizers
from gradwise.core.layer import Layer
from gradwise.errors import InputError, unknown_name
from gradwise.losses import Loss
from gradwise.metrics import Metric
from gradwise.training.objective import Head, Objective


class Settings:
    """The optimizer, losses and metrics that `compile` was given; names are checked at once.

    Args:
        optimizer: A name, an optimizer or its class.
        loss: A name, loss or function; for several outputs a list in order or a dict by output name.
        loss_weights: The share of each output's loss, as a list or dict.
        metrics: A list of names, metrics or functions; for several outputs a list of lists or a dict.
        weighted_metrics: Likewise, for metrics that use the sample weights.

    Raises:
        InputError: A name is unknown; the nearest are given.

    Example:
        >>> Settings("rmsprop", "mse").loss.name
        'mean_squared_error'
    """

    def __init__(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
    ) -> None:
        self.optimizer = optimizers.get(optimizer)
        self.loss = _each(_as_loss, loss)
        self.loss_weights = loss_weights
        self.metrics = metrics
        self.weighted_metrics = weighted_metrics
        _each(_check_metric_name, metrics)
        _each(_check_metric_name, weighted_metrics)

    def bind(
        self,
        layer: Layer,
        names: Sequence[str],
        shapes: Sequence[tuple[int | None, ...]],
        targets: Sequence[Any],
    ) -> Objective:
        """Makes the objective for outputs of these names and shapes.

        Args:
            layer: The model.
            names: Its output names.
            shapes: Its output shapes, with the batch axis.
            targets: A target array for each output, or None: its shape decides what 'accuracy' means.

        Returns:
            The objective.

        Raises:
            InputError: A list has the wrong length, or a dict names an output that is not there.
        """
        by_output = _spread(self.loss, names, "loss", single=not isinstance(self.loss, (list, tuple, dict)))
        if all(loss is None for loss in by_output):
            raise InputError(
                "compile",
                expected="a loss",
                got="none",
                fix="Call compile(optimizer=..., loss=...) with a loss.",
            )
        shares = _spread(self.loss_weights, names, "loss_weights", single=False)
        plain = _spread_metrics(self.metrics, names, "metrics")
        weighted = _spread_metrics(self.weighted_metrics, names, "weighted_metrics")
        heads = []
        for place, name in enumerate(names):
            target = targets[place]

            def bound(wanted: Any, place: int = place, target: Any = target) -> list[Metric]:
                shape = None if target is None else np.shape(target)
                return [
                    metrics.get(item, loss=by_output[place], output_shape=shapes[place], target_shape=shape)
                    for item in wanted
                ]

            share = shares[place]
            heads.append(
                Head(
                    name,
                    by_output[place],
                    1.0 if share is None else float(share),
                    bound(plain[place]),
                    bound(weighted[place]),
                )
            )
        return Objective(heads, extra=_has_penalties(layer))


def _as_loss(item: Any) -> Loss | None:
    return None if item is None else losses.get(item)


def _check_metric_name(item: Any) -> None:
    if isinstance(item, (list, tuple)):
        for inner in item:
            _check_metric_name(inner)
    elif isinstance(item, str):
        metrics.get(item, output_shape=(None, 2), target_shape=(None,), where="compile, metrics")


def _each(function: Callable[[Any], Any], items: Any) -> Any:
    if isinstance(items, Mapping):
        return {key: function(item) for key, item in items.items()}
    if isinstance(items, (list, tuple)):
        return [function(item) for item in items]
    return function(items)


def _spread(items: Any, names: Sequence[str], what: str, *, single: bool) -> list[Any]:
    """Gives each output its own item."""
    if isinstance(items, Mapping):
        for key in items:
            if key not in names:
                raise unknown_name(f"compile, {what}", "an output of the model", key, names)
        return [items.get(name) for name in names]
    if isinstance(items, (list, tuple)):
        if len(items) != len(names):
            raise InputError(
                f"compile, {what}",
                expected=f"{len(names)} items, one for each output ({', '.join(names)})",
                got=f"{len(items)}",
                fix="Give a list in this order, or a dict by these names.",
            )
        return list(items)
    return [items] * len(names) if single or items is None else [items, *[None] * (len(names) - 1)]


def _spread_metrics(items: Any, names: Sequence[str], what: str) -> list[list[Any]]:
    if items is None:
        return [[] for _ in names]
    if isinstance(items, Mapping):
        per_output = _spread(items, names, what, single=False)
    elif not isinstance(items, (list, tuple)):
        per_output = [[items]] * len(names)
    elif len(names) == 1:
        nested = len(items) == 1 and isinstance(items[0], (list, tuple))
        per_output = [items[0] if nested else items]
    elif any(isinstance(item, (list, tuple)) for item in items) or len(items) == len(names):
        per_output = _spread(items, names, what, single=False)
    else:
        per_output = [items] * len(names)
    return [
        [] if item is None else list(item) if isinstance(item, (list, tuple)) else [item]
        for item in per_output
    ]


def _has_penalties(layer: Layer) -> bool:
    """Whether the loss has terms besides the heads' own; unknown for classes that are not the library's."""
    if any(variable.regularizer is not None for variable in layer.variables):
        return True
    return any(
        below.activity_regularizer is not None or below.couples_rows == "always"
        for _, below in layer.walk()
        if below is not layer or type(below).call is not Layer.call
    )
