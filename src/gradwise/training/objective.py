"""What training minimises and what it reports: losses and metrics bound to a model's outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gradwise.core.variable import Frame
from gradwise.errors import InputError
from gradwise.losses import Loss, safe_divide
from gradwise.metrics import Metric


@dataclass
class Head:
    """One output of a model with its loss and metrics.

    Args:
        name: The output's name.
        loss: Its loss, or None if it is not trained on.
        weight: The loss's share in the total.
        metrics: Metrics that count each sample once.
        weighted_metrics: Metrics that use the sample weights.
    """

    name: str
    loss: Loss | None
    weight: float = 1.0
    metrics: list[Metric] = field(default_factory=list)
    weighted_metrics: list[Metric] = field(default_factory=list)


def total_type() -> np.dtype[Any]:
    """Returns the type of totals and logs: float64 where the engine is set to 64 bits, else float32.

    Example:
        >>> total_type().name
        'float32'
    """
    return np.dtype("float64" if jax.config.read("jax_enable_x64") else "float32")


class Objective:
    """The losses and metrics of all outputs, as pure functions of totals.

    Args:
        heads: One for each output, in order.
        extra: Whether the model adds penalties of its own (regularizers, `add_loss`).
    """

    def __init__(self, heads: Sequence[Head], *, extra: bool) -> None:
        self.heads = list(heads)
        self.extra = extra
        self.names = _log_names(self.heads)

    def init(self) -> dict[str, Any]:
        """Returns totals of nothing seen yet."""
        zero = np.zeros((), total_type())
        totals: dict[str, Any] = {
            "loss": [(zero, zero) if head.loss is not None else () for head in self.heads],
            "metrics": [[metric.init() for metric in _metrics(head)] for head in self.heads],
        }
        if self.extra:
            totals["extra"] = (zero, zero)
        # On the host, as no two may share a buffer that is donated.
        return jax.tree.map(np.array, totals)  # type: ignore[no-any-return]

    def measure(
        self,
        totals: dict[str, Any],
        outputs: list[Any],
        targets: list[Any],
        weights: list[Any],
        masks: list[Any],
        valid: Any,
        frame: Frame,
        penalty: Any,
    ) -> tuple[Any, dict[str, Any]]:
        """Adds one batch to the totals and returns the batch's loss.

        Args:
            totals: As `init` returns.
            outputs: The model's outputs, float[B, ...] each.
            targets: The targets, [B, ...] each, or None.
            weights: Sample weights, [B] or [B, T] each, or None.
            masks: bool[B, T] each, or None: steps that do not count.
            valid: bool[B], or None: rows that exist (others pad the batch).
            frame: The frame of the forward pass, which knows logits.
            penalty: float32[]. What regularizers add.

        Returns:
            The loss float32[] and the new totals.
        """
        kind = total_type()
        loss = penalty
        sums, metric_totals = [], []
        parts = zip(
            self.heads, outputs, targets, weights, masks, totals["loss"], totals["metrics"], strict=True
        )
        for head, output, target, weight, mask, sum_, olds in parts:
            kept = _combine(mask, valid)
            if head.loss is None or target is None:
                sums.append(sum_)
                metric_totals.append(olds)
                continue
            kept = _combine(head.loss.target_mask(target), kept)
            values = _values(head.loss, target, output, frame)
            kept = _like(kept, values)
            top, bottom = head.loss.total(values, _like(weight, values), kept)
            loss = loss + head.weight * safe_divide(top, bottom).astype(kind)
            sums.append((sum_[0] + top.astype(kind), sum_[1] + jnp.asarray(bottom, kind)))
            metric_totals.append(_update_metrics(head, olds, target, output, weight, kept))
        new: dict[str, Any] = {"loss": sums, "metrics": metric_totals}
        if self.extra:
            count = jnp.asarray(outputs[0].shape[0], kind) if valid is None else jnp.sum(valid, dtype=kind)
            new["extra"] = (totals["extra"][0] + penalty * count, totals["extra"][1] + count)
        return loss, new

    def results(self, totals: dict[str, Any]) -> Any:
        """Returns what the totals say: float32[len(names)], in the order of `names`."""
        kind = total_type()
        losses = [safe_divide(*sum_).astype(kind) if sum_ else jnp.zeros((), kind) for sum_ in totals["loss"]]
        trained = [head for head in self.heads if head.loss is not None]
        total = sum(
            (head.weight * one for head, one in zip(self.heads, losses, strict=True) if head.loss), 0.0
        )
        if self.extra:
            total = total + safe_divide(*totals["extra"])
        values = [jnp.asarray(total, kind)]
        if len(self.heads) > 1:
            values += [one for head, one in zip(self.heads, losses, strict=True) if head in trained]
        for head, olds in zip(self.heads, totals["metrics"], strict=True):
            values += [
                jnp.asarray(metric.compute(old)).astype(kind)
                for metric, old in zip(_metrics(head), olds, strict=True)
            ]
        return jnp.stack(values)


def _metrics(head: Head) -> list[Metric]:
    return [*head.metrics, *head.weighted_metrics]


def _log_names(heads: list[Head]) -> list[str]:
    many = len(heads) > 1
    names = ["loss"]
    if many:
        names += [f"{head.name}_loss" for head in heads if head.loss is not None]
    for head in heads:
        for metric in _metrics(head):
            base = f"{head.name}_{metric.name}" if many else metric.name
            name, count = base, 0
            while name in names:
                count += 1
                name = f"{base}_{count}"
            names.append(name)
    return names


def _values(loss: Loss, target: Any, output: Any, frame: Frame) -> Any:
    """Per-sample losses; from the logits when the output came straight from a sigmoid or softmax."""
    noted = frame.logits_of(output)
    if noted is None or loss.logits_of is None:
        return loss.values(target, output)
    activation, logits = noted
    takes_logits = bool(getattr(loss, "from_logits", False))
    if takes_logits and activation != "linear":
        raise InputError(
            f"loss '{loss.name}'",
            expected="logits, as it was made with from_logits=True",
            got=f"probabilities: the last activation is {activation}",
            fix="Leave out from_logits=True (the result is exact either way), or the last activation.",
        )
    if not takes_logits and activation == "linear":
        raise InputError(
            f"loss '{loss.name}'",
            expected="probabilities from the last layer",
            got="outputs without an activation",
            fix=f"Give the last layer activation='{loss.logits_of}', or the loss from_logits=True.",
        )
    if activation == loss.logits_of and not takes_logits:
        return loss.values_from_logits(target, logits)
    return loss.values(target, output)


def _combine(mask: Any, valid: Any) -> Any:
    if mask is None or valid is None:
        return valid if mask is None else mask
    return jnp.logical_and(mask, valid.reshape(valid.shape + (1,) * (mask.ndim - 1)))


def _like(weights: Any, values: Any) -> Any:
    """Brings weights or a mask to the axes of the values: those reduced over by the loss are taken away."""
    if weights is None:
        return None
    while weights.ndim > values.ndim:
        if weights.dtype == bool:
            weights = jnp.any(weights, axis=-1)  # a value counts if anything it was made of counts
        elif weights.shape[-1] == 1:
            weights = weights[..., 0]
        else:
            raise InputError(
                "sample_weight",
                expected=f"at most {values.ndim} axes, as the loss has values {tuple(values.shape)}",
                got=tuple(weights.shape),
                fix="Give one weight for each sample [N], or for each step [N, T].",
            )
    return weights


def _update_metrics(
    head: Head, olds: list[Any], target: Any, output: Any, weight: Any, kept: Any
) -> list[Any]:
    exists = None if kept is None else kept.astype("float32")
    weighted = exists
    if weight is not None:
        wide = weight.astype("float32")
        if exists is not None and exists.ndim > wide.ndim:
            wide = wide.reshape(wide.shape + (1,) * (exists.ndim - wide.ndim))
        elif exists is not None and exists.ndim < wide.ndim:
            exists = exists.reshape(exists.shape + (1,) * (wide.ndim - exists.ndim))
        weighted = wide if exists is None else wide * exists
    plain = None if kept is None else kept.astype("float32")
    return [
        metric.update(old, target, output, plain if place < len(head.metrics) else weighted)
        for place, (metric, old) in enumerate(zip(_metrics(head), olds, strict=True))
    ]
