"""The long short-term memory recurrence, with its gradient written out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gradwise.ops import activations
from gradwise.ops.recurrent import columns, keep_masked, scan_steps, slope, sum_of_products


def lstm(
    projected: Any,
    recurrent_kernel: Any,
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

    With (i, f, g, o) the four parts of projected_t + h_{t-1} · recurrent_kernel, and i, f, o passed through
    the recurrent activation and g through the activation a: c_t = f c_{t-1} + i g, h_t = o a(c_t).

    Args:
        projected: float[B, T, 4U]. The inputs times their kernel, plus the bias: i, f, g, o.
        recurrent_kernel: float[U, 4U].
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
        >>> zeros = jnp.zeros((1, 1))
        >>> sequence, state, carry = lstm(jnp.full((1, 2, 4), 100.0), jnp.zeros((1, 4)), zeros, zeros)
        >>> carry.tolist()
        [[2.0]]
    """
    settings = (activation, recurrent_activation, sequences, unroll)
    return _lstm(settings, projected, recurrent_kernel, state, carry, mask)  # type: ignore[no-any-return]


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
        # sigmoid(x) = (1 + tanh(x / 2)) / 2: one function for all four, so they are one loop over one array.
        half = np.array([0.5, 0.5, 1.0, 0.5])
        scale = jnp.asarray(np.repeat(half, inner.shape[-1] // 4)[None], inner.dtype)
        shift = jnp.asarray(np.repeat(np.where(half < 1, 0.5, 0.0), inner.shape[-1] // 4)[None], inner.dtype)
        return columns(jnp.tanh(inner * scale) * scale + shift, 4)
    i, f, g, o = columns(inner, 4)
    return [recurrent_activation(i), recurrent_activation(f), activation(g), recurrent_activation(o)]


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _lstm(settings: Any, projected: Any, kernel: Any, state: Any, carry: Any, mask: Any) -> Any:
    activation, recurrent_activation, sequences, unroll = settings

    def step(states: Any, at: Any) -> Any:
        state, carry = states
        projected, mask = at
        i, f, g, o = lstm_gates(projected + state @ kernel, activation, recurrent_activation)
        new = f * carry + i * g
        state = keep_masked(mask, o * activation(new), state)
        return (state, keep_masked(mask, new, carry)), state if sequences else None

    (state, carry), kept = scan_steps(step, (state, carry), (projected, mask), unroll=unroll)
    return kept, state, carry


def _forward(settings: Any, projected: Any, kernel: Any, state: Any, carry: Any, mask: Any) -> Any:
    """Runs the recurrence and saves at each step what multiplies the gradients on the way back."""
    activation, recurrent_activation, sequences, unroll = settings

    def step(states: Any, at: Any) -> Any:
        state, carry = states
        projected, mask = at
        i, f, g, o = lstm_gates(projected + state @ kernel, activation, recurrent_activation)
        new = f * carry + i * g
        bent = activation(new)
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
        if mask is not None:
            factors = keep_masked(mask, factors, jnp.zeros_like(factors))
            through = keep_masked(mask, through, jnp.zeros_like(through))
            f = keep_masked(mask, f, jnp.ones_like(f))
        after = keep_masked(mask, o * bent, state)
        kept = (after if sequences else None, state, factors, through, f)
        return (after, keep_masked(mask, new, carry)), kept

    (last, carry), kept = scan_steps(step, (state, carry), (projected, mask), unroll=unroll)
    return (kept[0], last, carry), (kernel, mask, kept[1:])


def _backward(settings: Any, saved: Any, gradient: Any) -> Any:
    kernel, mask, (states, factors, through, forget) = saved
    turned = kernel.T

    def step(from_later: Any, at: Any) -> Any:
        state, carry = from_later
        gradient, factors, through, forget, mask = at
        state = state if gradient is None else state + gradient
        carry = carry + state * through
        inner = factors * jnp.concatenate([carry, carry, carry, state], axis=-1)
        before = inner @ turned
        if mask is not None:
            before = before + keep_masked(mask, jnp.zeros_like(state), state)
        return (before, carry * forget), inner

    from_sequence, from_state, from_carry = gradient
    (state, carry), inner = scan_steps(
        step,
        (from_state, from_carry),
        (from_sequence, factors, through, forget, mask),
        reverse=True,
        unroll=settings[-1],
    )
    return inner, sum_of_products(states, inner), state, carry, None


_lstm.defvjp(_forward, _backward)
