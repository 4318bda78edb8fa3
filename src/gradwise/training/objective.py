"""What training minimises and what it reports: losses and metrics bound to a model's outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gradwise.core.variable import Frame
from gradwise.errors import InputError
from gradwise.losses import Loss, safe_divide
from gradwise.metrics import Metric
from gradwise.metrics.base import log_names, log_values
from gradwise.metrics.reductions import MeanOfValues


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


class Portion(NamedTuple):
    """A part of a batch's loss, and how it joins the same part of other batches.

    Args:
        loss: float32[]. The part, for this batch alone.
        amount: float32[]. What it weighs: joined, batches have the loss Σ amount · loss / Σ amount. None: the
            losses add up.
    """

    loss: Any
    amount: Any


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
    ) -> tuple[dict[str, Portion], dict[str, Any]]:
        """Adds one batch to the totals and returns the batch's loss, in portions that join exactly.

        Portions that weigh by rows are one: the penalty, and losses that are means over all values. Losses
        over values that a mask or a weighted mean counts otherwise have a portion each.

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
            The portions by name, whose losses add up to the batch's, and the new totals.
        """
        kind = total_type()
        count = jnp.asarray(outputs[0].shape[0], kind) if valid is None else jnp.sum(valid, dtype=kind)
        portions: dict[str, Portion] = {"rows": Portion(penalty, count)}
        joined: set[str] = set()
        sums, metric_totals = [], []
        parts = zip(
            self.heads, outputs, targets, weights, masks, totals["loss"], totals["metrics"], strict=True
        )
        for head, output, target, weight, mask, sum_, olds in parts:
            kept = _combine(mask, valid)
            masked = mask is not None
            if head.loss is None or target is None:
                sums.append(sum_)
                metric_totals.append(olds)
                continue
            unwanted = head.loss.target_mask(target, output)
            masked = masked or unwanted is not None
            kept = _combine(unwanted, kept)
            activation, logits = frame.logits_of(output) or (None, None)
            values = head.loss.values_after(target, output, activation, logits, mask)
            kept = _like(kept, values)
            top, bottom = head.loss.total(values, _like(weight, values), kept)
            share = head.weight * safe_divide(top, bottom).astype(kind)
            name, amount = _portion_of(head, masked, bottom, count)
            before = portions.get(name)
            joined.add(name)
            portions[name] = Portion(share if before is None else before.loss + share, amount)
            sums.append((sum_[0] + top.astype(kind), sum_[1] + jnp.asarray(bottom, kind)))
            present = head.loss.fill_missing(target)
            metric_totals.append(_update_metrics(head, olds, present, output, weight, kept))
        if not self.extra and len(portions) > 1 and "rows" not in joined:
            # No head weighs by rows, and the penalty is a constant 0: it needs no sum of its own.
            other = next(name for name in portions if name != "rows")
            portions[other] = portions[other]._replace(loss=portions[other].loss + portions.pop("rows").loss)
        new: dict[str, Any] = {"loss": sums, "metrics": metric_totals}
        if self.extra:
            new["extra"] = (totals["extra"][0] + penalty * count, totals["extra"][1] + count)
        return portions, new

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
            for metric, old in zip(_metrics(head), olds, strict=True):
                values += [number.astype(kind) for number in log_values(metric.compute(old))]
        return jnp.stack(values)


def _portion_of(head: Head, masked: bool, bottom: Any, count: Any) -> tuple[str, Any]:
    """Names the portion that the loss of an output belongs to, and says what that weighs."""
    reduction = "none" if head.loss is None else head.loss.reduction
    if reduction == "sum":
        return "sums", None
    if masked or reduction == "mean_with_sample_weight":
        return f"output {head.name}", jnp.asarray(bottom).astype(count.dtype)
    return "rows", count


def _metrics(head: Head) -> list[Metric]:
    return [*head.metrics, *head.weighted_metrics]


def _log_names(heads: list[Head]) -> list[str]:
    many = len(heads) > 1
    names = ["loss"]
    if many:
        names += [f"{head.name}_loss" for head in heads if head.loss is not None]
    for head in heads:
        prefix = f"{head.name}_" if many else ""
        for base in (base for metric in _metrics(head) for base in log_names(metric, prefix)):
            name, count = base, 0
            while name in names:
                count += 1
                name = f"{base}_{count}"
            names.append(name)
    return names


def _combine(mask: Any, valid: Any) -> Any:
    if mask is None or valid is None:
        return valid if mask is None else mask
    rank = max(mask.ndim, valid.ndim)
    wide = [each.reshape(each.shape + (1,) * (rank - each.ndim)) for each in (mask, valid)]
    return jnp.logical_and(*wide)


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
    # What counts each number of a row by itself leaves no mean over the row to metrics that average.
    single = kept is not None and kept.ndim == output.ndim and kept.shape[-1] == output.shape[-1] > 1
    return [
        metric.update(
            old,
            *((target[..., None], output[..., None]) if single and _averages(metric) else (target, output)),
            plain if place < len(head.metrics) else weighted,
        )
        for place, (metric, old) in enumerate(zip(_metrics(head), olds, strict=True))
    ]


def _averages(metric: Metric) -> bool:
    return isinstance(metric, MeanOfValues)
