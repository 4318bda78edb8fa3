"""Brings targets and predictions to one shape and type, or says what does not fit."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from gradwise.config import floatx
from gradwise.errors import InputError


def as_float(x: ArrayLike) -> jax.Array:
    """Returns an array of floats: integers and booleans become the default float type.

    Args:
        x: number[...].

    Returns:
        float[...], unchanged if it was one.

    Example:
        >>> as_float(jnp.array([1, 2])).dtype.name
        'float32'
    """
    x = jnp.asarray(x)
    return x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(floatx())


def match_rank(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[jax.Array, jax.Array]:
    """Gives targets the float type of the predictions, and the rank if one last axis of size 1 is between.

    Args:
        y_true: number[...].
        y_pred: float[...].

    Returns:
        Targets and predictions, of one float type.

    Example:
        >>> match_rank(jnp.array([1, 0]), jnp.array([[0.9], [0.2]]))[0].shape
        (2, 1)
    """
    y_pred = as_float(y_pred)
    y_true = jnp.asarray(y_true).astype(y_pred.dtype)
    if y_pred.ndim == y_true.ndim + 1 and y_pred.shape[-1] == 1:
        return y_true[..., None], y_pred
    if y_true.ndim == y_pred.ndim + 1 and y_true.shape[-1] == 1:
        # Targets [B, 1] against predictions [B]: one value a sample either way, kept as [B, 1].
        return (y_true, y_pred[:, None]) if y_pred.ndim == 1 else (y_true[..., 0], y_pred)
    return y_true, y_pred


def align(where: str, y_true: ArrayLike, y_pred: ArrayLike, fix: str = "") -> tuple[jax.Array, jax.Array]:
    """Gives targets the shape and float type of the predictions.

    Ranks that differ by one last axis of size 1 are made equal, so targets float[B] fit predictions
    float[B, 1]. Nothing else is broadcast: [B, 1] against [B, D] is an error, never a silent [B, D].

    Args:
        where: What compares the two, for the error.
        y_true: number[...].
        y_pred: float[...].
        fix: What to do about a misfit; by default to change the last layer's units or the targets.

    Returns:
        Targets and predictions, of one shape and float type.

    Raises:
        InputError: The shapes differ otherwise.

    Example:
        >>> y_true, y_pred = align("loss", jnp.array([1, 0]), jnp.array([[0.9], [0.2]]))
        >>> y_true.tolist()
        [[1.0], [0.0]]
    """
    y_true, y_pred = match_rank(y_true, y_pred)
    if y_true.shape != y_pred.shape:
        raise InputError(
            where,
            expected=f"targets of shape {y_pred.shape} like the predictions",
            got=y_true.shape,
            fix=fix or _resize(y_true.shape, y_pred.shape),
        )
    return y_true, y_pred


def align_labels(
    where: str, y_true: ArrayLike, y_pred: ArrayLike, axis: int = -1
) -> tuple[jax.Array, jax.Array]:
    """Gives integer labels the shape of the predictions without the class axis.

    Args:
        where: What compares the two, for the error.
        y_true: number[...], labels with or without a class axis of size 1.
        y_pred: float[..., K].
        axis: The class axis of the predictions.

    Returns:
        Labels int32[...] and predictions float[..., K].

    Raises:
        InputError: The targets are one-hot, there is only one class, or the shapes differ otherwise.

    Example:
        >>> labels, _ = align_labels("loss", jnp.array([[2.0], [0.0]]), jnp.ones((2, 3)))
        >>> labels.tolist()
        [2, 0]
    """
    y_pred = as_float(y_pred)
    _refuse_one_class(where, y_pred, axis)
    labels = jnp.asarray(y_true)
    if labels.ndim == y_pred.ndim and labels.shape[axis] == 1:
        labels = labels.squeeze(axis)
    place = axis % y_pred.ndim
    wanted = y_pred.shape[:place] + y_pred.shape[place + 1 :]
    if labels.shape != wanted:
        one_hot = labels.shape == y_pred.shape
        raise InputError(
            where,
            expected=f"integer labels of shape {wanted} for predictions of shape {y_pred.shape}",
            got=f"{'one-hot ' if one_hot else ''}targets of shape {labels.shape}",
            fix="Use the categorical loss or metric (without 'sparse'), or turn one-hot rows into labels "
            "with argmax(y, axis=-1)."
            if one_hot
            else "Give one label for every prediction.",
        )
    return labels.astype(jnp.int32), y_pred


def align_distributions(
    where: str, y_true: ArrayLike, y_pred: ArrayLike, axis: int = -1
) -> tuple[jax.Array, jax.Array]:
    """Checks that targets give each class of the predictions a share, as one-hot rows do.

    Args:
        where: What compares the two, for the error.
        y_true: number[..., K].
        y_pred: float[..., K].
        axis: The class axis.

    Returns:
        Targets and predictions, of one shape and float type.

    Raises:
        InputError: The targets are integer labels, there is only one class, or the shapes differ otherwise.

    Example:
        >>> align_distributions("loss", jnp.eye(2), jnp.ones((2, 2)))[0].tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    shape = jnp.asarray(y_true).shape
    y_pred = as_float(y_pred)
    _refuse_one_class(where, y_pred, axis)
    classes = y_pred.shape[axis]
    if len(shape) == y_pred.ndim - 1 or (len(shape) == y_pred.ndim and shape[axis] == 1):
        raise InputError(
            where,
            expected=f"one-hot targets of shape {y_pred.shape} like the predictions",
            got=f"targets of shape {shape}, which look like integer labels",
            fix="Use the sparse form (loss 'sparse_categorical_crossentropy'), or make one-hot labels with "
            f"to_categorical(y, {classes}).",
        )
    return align(where, y_true, y_pred)


def _refuse_one_class(where: str, y_pred: jax.Array, axis: int) -> None:
    if y_pred.ndim == 0 or y_pred.shape[axis] == 1:
        raise InputError(
            where,
            expected="predictions of at least two classes",
            got=f"shape {y_pred.shape}",
            fix="For two classes and one sigmoid output use the binary loss or metric.",
        )


def _resize(true_shape: tuple[Any, ...], pred_shape: tuple[Any, ...]) -> str:
    if true_shape[:1] != pred_shape[:1]:
        return "Give as many targets as predictions."
    if len(true_shape) == len(pred_shape) and true_shape[:-1] == pred_shape[:-1]:
        return f"Give the last layer {true_shape[-1]} units, or the targets {pred_shape[-1]} columns."
    return "Give the targets one value for every output of the model."
