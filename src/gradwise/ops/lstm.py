"""The long short-term memory recurrence."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np

from gradwise.ops import activations
from gradwise.ops.recurrence import Recurrence, Settings, run, sum_of_products
from gradwise.ops.recurrent import apply, columns, keep_masked, slope


def lstm(
    inputs: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any,
    state: Any,
    carry: Any,
    mask: Any = None,
    *,
    activation: Callable[[Any], Any] = activations.tanh,
    recurrent_activation: Callable[[Any], Any] = activations.sigmoid,
    sequences: bool = True,
    unroll: bool = False,
) -> tuple[Any, Any, Any]:
    """Runs the LSTM recurrence with forget gates (Hochreiter and Schmidhuber, 1997; Gers et al., 2000).

    With (i, f, g, o) the four parts of x_t · kernel + h_{t-1} · recurrent_kernel + bias, and i, f, o passed
    through the recurrent activation and g through the activation a: c_t = f c_{t-1} + i g, h_t = o a(c_t).

    Args:
        inputs: float[B, T, D].
        kernel: float[D, 4U].
        recurrent_kernel: float[U, 4U].
        bias: float[4U], or None.
        state: float[B, U]. h before the first step.
        carry: float[B, U]. c before the first step.
        mask: bool[B, T], or None. False leaves h and c as they are.
        activation: a; one of linear, tanh, sigmoid and relu.
        recurrent_activation: Likewise.
        sequences: Whether h is wanted at every step.
        unroll: Whether the steps are written out in the program.

    Returns:
        h at every step float[B, T, U] (None without `sequences`), the last h and c, float[B, U] each.

    Example:
        >>> zeros, kernel = jnp.zeros((1, 1)), jnp.full((1, 4), 100.0)
        >>> sequence, state, carry = lstm(jnp.ones((1, 2, 1)), kernel, 0 * kernel, None, zeros, zeros)
        >>> carry.tolist()
        [[2.0]]
    """
    functions = (activation, recurrent_activation)
    recurrence = Recurrence(partial(_step, *functions), _turn, _back, _collect)
    settings = Settings(recurrence, sequences, unroll)
    sequence, last = run(settings, inputs, kernel, bias, (recurrent_kernel,), (state, carry), mask)
    return sequence, *last


def lstm_gates(
    inner: Any,
    activation: Callable[[Any], Any] = activations.tanh,
    recurrent_activation: Callable[[Any], Any] = activations.sigmoid,
) -> list[Any]:
    """Passes the four parts of an LSTM's inner values through their activations.

    Args:
        inner: float[B, 4U].
        activation: For the third part.
        recurrent_activation: For the others.

    Returns:
        i, f, g and o, float[B, U] each.

    Example:
        >>> [gate.item() for gate in lstm_gates(jnp.zeros((1, 4)))]
        [0.5, 0.5, 0.0, 0.5]
    """
    if activation is activations.tanh and recurrent_activation is activations.sigmoid:
        # The sigmoid as a tanh (see `apply`): one function for all four, so they are one loop over one array.
        half = np.repeat(np.array([[0.5, 0.5, 1.0, 0.5]]), inner.shape[-1] // 4, axis=1)
        scale, shift = jnp.asarray(half, inner.dtype), jnp.asarray(1 - half, inner.dtype)
        return columns(jnp.tanh(inner * scale) * scale + shift, 4)
    i, f, g, o = columns(inner, 4)
    i, f, o = (apply(recurrent_activation, part) for part in (i, f, o))
    return [i, f, apply(activation, g), o]


def _step(
    activation: Any, recurrent_activation: Any, projected: Any, states: Any, weights: Any, mask: Any
) -> Any:
    (state, carry), (kernel,) = states, weights
    i, f, g, o = lstm_gates(projected + state @ kernel, activation, recurrent_activation)
    new = f * carry + i * g
    bent = apply(activation, new)
    # What multiplies the gradients on the way back.
    factors = jnp.concatenate(
        [
            g * slope(recurrent_activation, i),
            carry * slope(recurrent_activation, f),
            i * slope(activation, g),
            bent * slope(recurrent_activation, o),
        ],
        axis=-1,
    )
    through = o * slope(activation, bent)
    after = (keep_masked(mask, o * bent, state), keep_masked(mask, new, carry))
    if mask is not None:
        factors = keep_masked(mask, factors, jnp.zeros_like(factors))
        through = keep_masked(mask, through, jnp.zeros_like(through))
        f = keep_masked(mask, f, jnp.ones_like(f))
    return after, (state, factors, through, f), None


def _turn(weights: Any) -> Any:
    return weights[0].T


def _back(gradients: Any, saved: Any, turned: Any, mask: Any) -> Any:
    state, carry = gradients
    _, factors, through, forget = saved
    carry = carry + state * through
    inner = factors * jnp.concatenate([carry, carry, carry, state], axis=-1)
    before = inner @ turned
    if mask is not None:
        before = before + keep_masked(mask, jnp.zeros_like(state), state)
    return (before, carry * forget), (inner,)


def _collect(inner: Any, saved: Any) -> Any:
    return inner, (sum_of_products(saved[0], inner[0]),)
