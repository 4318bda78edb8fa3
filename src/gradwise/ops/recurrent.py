"""Recurrences over the steps of sequences, and the plain recurrent network.

A recurrence is run over inputs that were multiplied by their kernel beforehand, all steps at once. Its
gradient is written out by hand (backpropagation through time: Werbos, 1990, Proc. IEEE 78): the reverse
recurrence computes only what depends on the step after, and gradients of kernels are one matrix product over
all steps and rows, where automatic differentiation would add up a product for each step.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from gradwise.ops import activations

# The derivatives of activations as functions of what they returned.
_SLOPES: dict[Any, Callable[[Any], Any]] = {
    activations.linear: lambda y: jnp.ones_like(y),
    activations.tanh: lambda y: 1 - y * y,
    activations.sigmoid: lambda y: y * (1 - y),
    activations.relu: lambda y: (y > 0).astype(y.dtype),
}


def scan_steps(
    step: Callable[[Any, Any], tuple[Any, Any]],
    states: Any,
    sequences: Any,
    *,
    reverse: bool = False,
    unroll: bool = False,
) -> tuple[Any, Any]:
    """Runs a recurrence over axis 1, with the batch on axis 0 throughout, so that nothing is transposed.

    Args:
        step: A function (states, a step of the sequences) -> (new states, what to keep), pure.
        states: Arrays [B, ...].
        sequences: Arrays [B, T, ...].
        reverse: Whether the last step comes first; what is kept stays in the place of its step.
        unroll: Whether the steps are written out in the program instead of a loop.

    Returns:
        The last states, and what was kept as arrays [B, T, ...].

    Example:
        >>> add = lambda total, x: (total + x, total + x)
        >>> scan_steps(add, jnp.zeros(1), jnp.array([[1.0, 2.0, 3.0]]))[1].tolist()
        [[1.0, 3.0, 6.0]]
    """
    length = jax.tree.leaves(sequences)[0].shape[1]

    def at(place: Any) -> Any:
        return jax.tree.map(
            lambda array: lax.dynamic_index_in_dim(array, place, 1, keepdims=False), sequences
        )

    def body(carry: tuple[Any, Any], place: Any) -> tuple[Any, None]:
        states, kept = carry
        states, new = step(states, at(place))
        write = partial(lax.dynamic_update_index_in_dim, index=place, axis=1)
        return (states, jax.tree.map(lambda array, item: write(array, item), kept, new)), None

    shapes = jax.eval_shape(lambda states: step(states, at(jnp.int32(0)))[1], states)
    room = jax.tree.map(lambda item: jnp.zeros((item.shape[0], length, *item.shape[1:]), item.dtype), shapes)
    (states, kept), _ = lax.scan(
        body, (states, room), jnp.arange(length, dtype="int32"), reverse=reverse, unroll=unroll
    )
    return states, kept


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


def earlier(first: Any, sequence: Any) -> Any:
    """Returns what stood before each step.

    Args:
        first: float[B, D]. What stood before the first.
        sequence: float[B, T, D].

    Returns:
        float[B, T, D].

    Example:
        >>> earlier(jnp.zeros((1, 1)), jnp.array([[[1.0], [2.0]]])).ravel().tolist()
        [0.0, 1.0]
    """
    return jnp.concatenate([first[:, None], sequence[:, :-1]], axis=1)


def sum_of_products(left: Any, right: Any) -> Any:
    """Adds the outer products over all rows and steps: the gradient of a kernel.

    Args:
        left: float[B, T, D].
        right: float[B, T, E].

    Returns:
        float[D, E].

    Example:
        >>> sum_of_products(jnp.ones((1, 2, 1)), jnp.array([[[3.0], [4.0]]])).tolist()
        [[7.0]]
    """
    return left.reshape(-1, left.shape[-1]).T @ right.reshape(-1, right.shape[-1])


def simple_rnn(
    projected: Any,
    recurrent_kernel: Any,
    state: Any,
    mask: Any = None,
    *,
    activation: Callable[[Any], Any] = activations.tanh,
    unroll: bool = False,
) -> tuple[Any, Any]:
    """Runs the plain recurrence h_t = f(x_t + h_{t-1} · recurrent_kernel) (Elman, 1990).

    Args:
        projected: float[B, T, U]. The inputs times their kernel, plus the bias.
        recurrent_kernel: float[U, U].
        state: float[B, U]. The state before the first step.
        mask: bool[B, T], or None. False leaves the state as it is.
        activation: f; one of linear, tanh, sigmoid and relu.
        unroll: Whether the steps are written out in the program.

    Returns:
        The states float[B, T, U] and the last one, float[B, U].

    Example:
        >>> ones, zeros = jnp.ones((1, 3, 1)), jnp.zeros((1, 1))
        >>> simple_rnn(ones, ones[0, :1], zeros, activation=activations.linear)[0].ravel().tolist()
        [1.0, 2.0, 3.0]
    """
    return _simple_rnn(activation, unroll, projected, recurrent_kernel, state, mask)  # type: ignore[no-any-return]


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _simple_rnn(activation: Any, unroll: bool, projected: Any, kernel: Any, state: Any, mask: Any) -> Any:
    def step(state: Any, at: Any) -> Any:
        projected, mask = at
        new = keep_masked(mask, activation(projected + state @ kernel), state)
        return new, new

    last, states = scan_steps(step, state, (projected, mask), unroll=unroll)
    return states, last


def _simple_rnn_forward(
    activation: Any, unroll: bool, projected: Any, kernel: Any, state: Any, mask: Any
) -> Any:
    states, last = _simple_rnn(activation, unroll, projected, kernel, state, mask)
    return (states, last), (kernel, state, states, mask)


def _simple_rnn_backward(activation: Any, unroll: bool, saved: Any, gradient: Any) -> Any:
    kernel, state, states, mask = saved
    turned = kernel.T

    def step(from_later: Any, at: Any) -> Any:
        gradient, new, mask = at
        total = gradient + from_later
        inner = total * slope(activation, new)
        if mask is None:
            return inner @ turned, inner
        inner = jnp.where(mask[:, None], inner, jnp.zeros_like(inner))
        return inner @ turned + jnp.where(mask[:, None], jnp.zeros_like(total), total), inner

    from_sequence, from_last = gradient
    first, inner = scan_steps(step, from_last, (from_sequence, states, mask), reverse=True, unroll=unroll)
    return inner, sum_of_products(earlier(state, states), inner), first, None


_simple_rnn.defvjp(_simple_rnn_forward, _simple_rnn_backward)


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
