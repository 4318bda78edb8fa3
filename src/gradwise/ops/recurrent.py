"""Recurrences with automatic derivatives, the plain recurrent network, and what all recurrent ops share."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from gradwise.ops import activations
from gradwise.ops.recurrence import Recurrence, Settings, run, sum_of_products

# The derivatives of activations as functions of what they returned.
_SLOPES: dict[Any, Callable[[Any], Any]] = {
    activations.linear: lambda y: jnp.ones_like(y),
    activations.tanh: lambda y: 1 - y * y,
    activations.sigmoid: lambda y: y * (1 - y),
    activations.relu: lambda y: (y > 0).astype(y.dtype),
}


def has_slope(*functions: Callable[[Any], Any]) -> bool:
    """Tells whether the derivatives of activations are known from their values.

    Args:
        functions: Activations.

    Returns:
        Whether all are; else the recurrence has to be differentiated automatically.

    Example:
        >>> has_slope(activations.tanh), has_slope(activations.gelu)
        (True, False)
    """
    return all(function in _SLOPES for function in functions)


def slope(function: Callable[[Any], Any], values: Any) -> Any:
    """Returns an activation's derivative where it took these values.

    Args:
        function: One of linear, tanh, sigmoid and relu.
        values: float[...]. What the activation returned.

    Returns:
        float[...].

    Example:
        >>> slope(activations.sigmoid, jnp.array([0.5])).tolist()
        [0.25]
    """
    return _SLOPES[function](values)


def apply(function: Callable[[Any], Any], values: Any) -> Any:
    """Applies an activation, the sigmoid as (1 + tanh(x / 2)) / 2: a third of the time on a CPU.

    Args:
        function: The activation.
        values: float[...].

    Returns:
        float[...].

    Example:
        >>> apply(activations.sigmoid, jnp.zeros(1)).tolist()
        [0.5]
    """
    if function is activations.sigmoid:
        return jnp.tanh(values * 0.5) * 0.5 + 0.5
    return function(values)


def columns(array: Any, count: int) -> list[Any]:
    """Cuts the last axis into equal parts.

    Args:
        array: float[..., count * D].
        count: How many parts.

    Returns:
        A list of float[..., D].

    Example:
        >>> [part.tolist() for part in columns(jnp.arange(4.0), 2)]
        [[0.0, 1.0], [2.0, 3.0]]
    """
    size = array.shape[-1] // count
    return [array[..., place * size : (place + 1) * size] for place in range(count)]


def keep_masked(mask: Any, new: Any, old: Any) -> Any:
    """Takes the new values where the mask is True and the old ones elsewhere.

    Args:
        mask: bool[B], or None for True everywhere.
        new: float[B, ...].
        old: float[B, ...].

    Returns:
        float[B, ...].

    Example:
        >>> keep_masked(jnp.array([True, False]), jnp.ones((2, 1)), jnp.zeros((2, 1))).ravel().tolist()
        [1.0, 0.0]
    """
    return new if mask is None else jnp.where(mask.reshape(mask.shape + (1,) * (new.ndim - 1)), new, old)


def simple_rnn(
    inputs: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any,
    state: Any,
    mask: Any = None,
    *,
    activation: Callable[[Any], Any] = activations.tanh,
    sequences: bool = True,
    unroll: bool = False,
) -> tuple[Any, Any]:
    """Runs the recurrence h_t = f(x_t · kernel + h_{t-1} · recurrent_kernel + bias) (Elman, 1990).

    Args:
        inputs: float[B, T, D].
        kernel: float[D, U].
        recurrent_kernel: float[U, U].
        bias: float[U], or None.
        state: float[B, U]. The state before the first step.
        mask: bool[B, T], or None. False leaves the state as it is.
        activation: f; one of linear, tanh, sigmoid and relu.
        sequences: Whether h is wanted at every step.
        unroll: Whether the steps are written out in the program.

    Returns:
        h at every step float[B, T, U] (None without `sequences`) and the last h, float[B, U].

    Example:
        >>> ones = jnp.ones((1, 3, 1))
        >>> states, _ = simple_rnn(ones, ones[0, :1], ones[0, :1], None, jnp.zeros((1, 1)))
        >>> [round(state, 2) for state in states.ravel().tolist()]
        [0.76, 0.94, 0.96]
    """
    settings = Settings(_simple(activation), sequences, unroll)
    sequence, (last,) = run(settings, inputs, kernel, bias, (recurrent_kernel,), (state,), mask)
    return sequence, last


def _simple(activation: Any) -> Recurrence:
    return Recurrence(partial(_step, activation), _turn, _back, _collect)


def _step(activation: Any, projected: Any, states: Any, weights: Any, mask: Any) -> Any:
    (state,), (kernel,) = states, weights
    new = apply(activation, projected + state @ kernel)
    factor = slope(activation, new)
    return (keep_masked(mask, new, state),), (state, keep_masked(mask, factor, jnp.zeros_like(factor))), None


def _turn(weights: Any) -> Any:
    return weights[0].T


def _back(gradients: Any, saved: Any, turned: Any, mask: Any) -> Any:
    (gradient,), (_, factor) = gradients, saved
    inner = gradient * factor
    before = inner @ turned
    if mask is not None:
        before = before + keep_masked(mask, jnp.zeros_like(gradient), gradient)
    return (before,), (inner,)


def _collect(inner: Any, saved: Any) -> Any:
    return inner, (sum_of_products(saved[0], inner[0]),)


def recur(
    step: Callable[[Any, Any], tuple[Any, Any, Any]],
    states: Any,
    sequences: Any,
    mask: Any = None,
    *,
    unroll: bool = False,
) -> tuple[Any, Any, Any]:
    """Runs any recurrence over axis 1, with automatic derivatives.

    At a masked step states and output stay what they were; before the first unmasked step, the output is the
    first state (of the last cell, if there are several), if that has its shape, else zeros.

    Args:
        step: A function (states, a step of the sequences) -> (output [B, ...], new states, what to collect).
        states: Arrays [B, ...], in any structure.
        sequences: Arrays [B, T, ...].
        mask: bool[B, T], or None.
        unroll: Whether the steps are written out in the program.

    Returns:
        The outputs [B, T, ...], the last states, and what was collected with the steps on axis 0.

    Example:
        >>> add = lambda total, x: (total + x, total + x, None)
        >>> recur(add, jnp.zeros(1), jnp.array([[1.0, 2.0]]), jnp.array([[True, False]]))[0].tolist()
        [[1.0, 1.0]]
    """
    steps = jax.tree.map(lambda array: jnp.swapaxes(array, 0, 1), sequences)

    def body(carry: Any, at: Any) -> Any:
        states, before = carry
        inputs, mask = at
        output, new, collected = step(states, inputs)
        new = jax.tree.map(lambda one, two: keep_masked(mask, one.astype(two.dtype), two), new, states)
        output = keep_masked(mask, output, before)
        return (new, None if mask is None else output), (output, collected)

    before = None
    if mask is not None:
        mask = jnp.swapaxes(mask, 0, 1)
        before = _first_output(step, states, jax.tree.map(lambda array: array[0], steps))
    (states, _), (outputs, collected) = lax.scan(body, (states, before), (steps, mask), unroll=unroll)
    return jnp.swapaxes(outputs, 0, 1), states, collected


def _first_output(step: Any, states: Any, inputs: Any) -> Any:
    output = jax.eval_shape(step, states, inputs)[0]
    for state in _last_group(states):
        if state.shape == output.shape:
            return state.astype(output.dtype)
    return jnp.zeros(output.shape, output.dtype)


def _last_group(states: Any) -> list[Any]:
    nested = isinstance(states, (list, tuple)) and any(isinstance(item, (list, tuple)) for item in states)
    return jax.tree.leaves(states[-1] if nested else states)[:1]
