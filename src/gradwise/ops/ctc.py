"""Connectionist temporal classification: the likelihood of a label sequence under every alignment in time."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from gradwise.errors import InputError
from gradwise.ops.alignment import as_float

# Stands for log 0. A sum of two stays finite, so that no gradient is inf - inf.
_NEVER = -1e30


def ctc(y_true: ArrayLike, y_pred: ArrayLike, mask: ArrayLike | None = None, blank: int = 0) -> jax.Array:
    """Computes -log of the summed probability of all alignments of the labels with the time steps.

    An alignment names one class a step; merging equal neighbours and then taking the blanks away gives the
    labels. Source: Graves et al., 2006, "Connectionist temporal classification", section 4.1, in logarithms.

    Args:
        y_true: int[B, L], labels 0 to K - 1, filled up with blanks at the end. A label outside that range
            gives NaN.
        y_pred: float[B, T, K], logits; a softmax over the classes is part of the loss.
        mask: bool[B, T], or None. False takes a step out as if it were not there.
        blank: The class that means "no label"; it also fills up the labels.

    Returns:
        float[B], in nats. Labels that no alignment fits (too many, or a repeated label without room for the
        blank between) give infinity with a gradient of 0, where others give NaN gradients.

    Raises:
        InputError: The shapes are not of these forms.

    Example:
        >>> even = jnp.zeros((1, 2, 3))  # 9 paths; label 1 in 2 steps: (1, 1), (1, blank), (blank, 1)
        >>> round(float(jnp.exp(-ctc(jnp.array([[1]]), even)[0])), 4)
        0.3333
    """
    labels, logits = jnp.asarray(y_true).astype(jnp.int32), as_float(y_pred)
    _check_shapes(labels.shape, logits.shape)
    classes = logits.shape[-1]
    # Sums over long sequences need the digits of single precision.
    scores = logits.astype(jnp.float32) if logits.dtype.itemsize < 4 else logits
    log_p = jax.nn.log_softmax(scores, -1)
    states = _with_blanks(labels, blank)  # [B, S], S = 2 L + 1
    emitted = jnp.take_along_axis(log_p, jnp.clip(states, 0, classes - 1)[:, None, :], axis=2)  # [B, T, S]
    kept = jnp.ones(log_p.shape[:2], bool) if mask is None else jnp.asarray(mask).astype(bool)
    reached = _forward(emitted, kept, _may_skip(states, blank))
    lengths = (labels != blank).sum(-1, dtype=jnp.int32)
    # An alignment ends in the last label or in the blank after it.
    place = jax.lax.broadcasted_iota(jnp.int32, states.shape, 1)
    ends = (place == 2 * lengths[:, None]) | (place == 2 * lengths[:, None] - 1)
    log_likelihood = jax.nn.logsumexp(jnp.where(ends, reached, _NEVER), axis=-1)
    known = ((labels >= 0) & (labels < classes)).all(-1)
    possible = log_likelihood > 0.5 * _NEVER
    values = jnp.where(possible, -jnp.where(possible, log_likelihood, 0.0), jnp.inf)
    return jnp.where(known, values, jnp.nan).astype(logits.dtype)


def _check_shapes(labels: tuple[int, ...], logits: tuple[int, ...]) -> None:
    if len(logits) == 3 and len(labels) == 2 and labels[0] == logits[0]:
        return
    raise InputError(
        "ctc",
        expected="labels of shape [B, L] and logits of shape [B, T, K]",
        got=f"{labels} and {logits}",
        fix="Give each sample one row of labels, filled up with 0, and one vector of class logits a step.",
    )


def _with_blanks(labels: jax.Array, blank: int) -> jax.Array:
    """Puts a blank before, between and after the labels: int[B, L] to int[B, 2 L + 1]."""
    blanks = jnp.full_like(labels, blank)
    pairs = jnp.stack([blanks, labels], axis=2).reshape(labels.shape[0], -1)  # [B, 2 L]
    return jnp.pad(pairs, ((0, 0), (0, 1)), constant_values=blank)


def _may_skip(states: jax.Array, blank: int) -> jax.Array:
    """Tells which states may follow the one two before: labels that differ from the label before them."""
    before = jnp.pad(states, ((0, 0), (2, 0)), constant_values=blank)[:, :-2]
    return (states != blank) & (states != before)


def _forward(emitted: jax.Array, kept: jax.Array, may_skip: jax.Array) -> jax.Array:
    """Adds up all paths in time: from log-probabilities [B, T, S] to those of ending in a state, [B, S]."""

    def step(reached: jax.Array, now: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        log_p, exists = now
        padded = jnp.pad(reached, ((0, 0), (2, 0)), constant_values=_NEVER)
        skipped = jnp.where(may_skip, padded[:, :-2], _NEVER)
        after = jax.nn.logsumexp(jnp.stack([reached, padded[:, 1:-1], skipped]), axis=0) + log_p
        return jnp.where(exists[:, None], after, reached), None

    # Before the first step every path stands at the first blank: from there a step reaches it or label 1.
    place = jax.lax.broadcasted_iota(jnp.int32, may_skip.shape, 1)
    start = jnp.where(place == 0, jnp.zeros((), emitted.dtype), _NEVER)
    reached, _ = jax.lax.scan(step, start, (jnp.moveaxis(emitted, 1, 0), kept.T))
    return reached
