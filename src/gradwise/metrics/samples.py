"""Totals that keep each sample's target and score, for values that no sums of fixed size give exactly."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from gradwise.errors import InputError, StateError
from gradwise.losses.base import full_precision
from gradwise.metrics.base import Metric, Totals, as_array
from gradwise.metrics.checks import check_class, count
from gradwise.ops.metrics import as_indicators
from gradwise.ops.weighting import align_weights


class IndicatorMetric(Metric):
    """A metric of scores for yes-or-no targets, one or several columns of them.

    Args:
        name: The name in logs.
        dtype: See `Metric`.
        class_id: If set, only this column counts.
    """

    def __init__(self, name: str | None = None, dtype: Any = None, class_id: int | None = None) -> None:
        super().__init__(name, dtype)
        self.class_id = None if class_id is None else count(self.where, "class_id", class_id, 0)
        self._columns: int | None = None
        # How many axes of the targets count samples: the first, and the steps of sequences.
        self._leading = 1

    @property
    def where(self) -> str:
        """The metric's place, for errors."""
        return f"metric '{self.name}'"

    def build(self, output_shape: tuple[int | None, ...]) -> None:
        """Takes the number of columns from the last axis of the output."""
        self._columns = output_shape[-1] if len(output_shape) > 1 and self.class_id is None else 1
        self._leading = max(1, len(output_shape) - 1)

    def columns(self) -> int:
        """Returns the number of columns.

        Raises:
            StateError: `build` has not told it.
        """
        if self._columns is None:
            raise StateError(
                self.where,
                expected="build(output_shape) before init()",
                got="an unknown number of outputs",
                fix="Call build with the shape of the model's output, or update_state with a batch.",
            )
        return self._columns

    def rows(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Brings a batch to rows and columns.

        Args:
            y_true: As in `update`.
            y_pred: Likewise.
            sample_weight: Likewise.

        Returns:
            bool[N, K] targets, float[N, K] scores and float[N, K] weights.
        """
        positive, y_pred = as_indicators(self.where, y_true, full_precision(y_pred))
        if y_pred.ndim == 1:
            positive, y_pred = positive[:, None], y_pred[:, None]
        weights = jnp.ones((1,) * y_pred.ndim, y_pred.dtype)
        if sample_weight is not None:
            weights = align_weights(self.where, sample_weight, y_pred).astype(y_pred.dtype)
        weights = jnp.broadcast_to(weights, y_pred.shape)
        if self.class_id is not None:
            check_class(self.where, self.class_id, y_pred.shape)
            kept = slice(self.class_id, self.class_id + 1)
            positive, y_pred, weights = positive[..., kept], y_pred[..., kept], weights[..., kept]
        size = y_pred.shape[-1]
        return positive.reshape(-1, size), y_pred.reshape(-1, size), weights.reshape(-1, size)


class SampleMetric(IndicatorMetric):
    """A metric that keeps targets and scores of up to `capacity` samples.

    In loops of one's own the room grows as needed. A compiled program has room for `capacity` samples (the
    steps of a sequence are one each) and gives NaN for more; `fit` and `evaluate` refuse larger arrays.

    Args:
        name: The name in logs.
        dtype: See `Metric`.
        class_id: See `IndicatorMetric`.
        capacity: For how many samples there is room.

    Raises:
        InputError: `capacity` is no whole number above 0.
    """

    def __init__(
        self,
        name: str | None = None,
        dtype: Any = None,
        class_id: int | None = None,
        capacity: int = 65536,
    ) -> None:
        super().__init__(name, dtype, class_id)
        self.capacity = count(self.where, "capacity", capacity)

    @property
    def keeps_samples(self) -> bool:
        """Whether samples are kept; else sums of fixed size are."""
        return True

    def check_size(self, target_shape: tuple[int, ...], where: str) -> None:
        """Checks that there is room for a whole data set.

        Args:
            target_shape: The shape of its targets.
            where: The method, for the error.

        Raises:
            InputError: There are more samples than `capacity`.
        """
        samples = 1
        for size in target_shape[: self._leading]:
            samples *= size
        if self.keeps_samples and samples > self.capacity:
            raise InputError(
                f"{where}, metric '{self.name}'",
                expected=f"at most capacity={self.capacity} samples, as it keeps all of them",
                got=samples,
                fix=f"Pass {type(self).__name__}(..., capacity={samples}) to compile.",
            )

    def init(self) -> Totals:
        """Returns room for samples: zeros.

        Raises:
            StateError: `build` has not told the number of outputs.
        """
        room = (self.capacity, self.columns())
        return {
            "targets": jnp.zeros(room, bool),
            "scores": self.zeros(room),
            "weights": self.zeros(room),
            "seen": jnp.zeros((), jnp.int32),
        }

    def update(
        self, totals: Totals, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Totals:
        """Adds a batch; see `Metric`."""
        targets, scores, weights = self.rows(y_true, y_pred, sample_weight)
        seen = totals["seen"]
        places = seen + jnp.arange(targets.shape[0], dtype=jnp.int32)
        added = {"targets": targets, "scores": scores, "weights": weights}
        # What finds no room is dropped; `seen` tells.
        new = {key: _put(totals[key], places, each) for key, each in added.items()}
        return {**new, "seen": seen + targets.shape[0]}

    def merge(self, first: Totals, second: Totals) -> Totals:
        """Returns the totals of the samples of both: those of the second after those of the first."""
        rows = jnp.arange(second["scores"].shape[0], dtype=jnp.int32)
        beyond = first["scores"].shape[0]
        places = jnp.where(rows < second["seen"], first["seen"] + rows, beyond)
        new = {key: _put(first[key], places, second[key]) for key in ("targets", "scores", "weights")}
        return {**new, "seen": first["seen"] + second["seen"]}

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch to the totals kept in the object, and makes room for it."""
        y_pred = as_array(y_pred)
        if self.keeps_samples:
            if self._totals is None:
                self.build(y_pred.shape)
                self._totals = self.init()
            samples = y_pred.size // (y_pred.shape[-1] if y_pred.ndim > 1 else 1)
            self._totals = _with_room(self._totals, int(self._totals["seen"]) + samples)
        super().update_state(y_true, y_pred, sample_weight)

    def samples(self, totals: Totals) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Returns what was kept: bool[N, K] targets, float[N, K] scores, and float[N, K] weights.

        Weights are 0 where nothing was put, and NaN if there was no room for all samples.
        """
        full = totals["seen"] > totals["scores"].shape[0]
        weights = jnp.where(full, jnp.nan, totals["weights"])
        return totals["targets"], totals["scores"], weights


def _put(room: jax.Array, places: jax.Array, rows: jax.Array) -> jax.Array:
    return room.at[places].set(rows.astype(room.dtype), mode="drop")


def _with_room(totals: Totals, wanted: int) -> Totals:
    room = totals["scores"].shape[0]
    if wanted <= room:
        return totals
    more = max(wanted, 2 * room) - room
    return {
        key: jnp.pad(each, ((0, more), (0, 0))) if each.ndim == 2 else each for key, each in totals.items()
    }
