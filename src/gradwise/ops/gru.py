"""The recurrence of gated recurrent units, in both forms."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax.numpy as jnp

from gradwise.ops import activations
from gradwise.ops.recurrence import Recurrence, Settings, run, side_by_side, sum_of_products, sum_of_steps
from gradwise.ops.recurrent import apply, columns, keep_masked, slope


def gru(
    inputs: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any,
    recurrent_bias: Any,
    state: Any,
    mask: Any = None,
    *,
    activation: Callable[[Any], Any] = activations.tanh,
    recurrent_activation: Callable[[Any], Any] = activations.sigmoid,
    reset_after: bool = True,
    sequences: bool = True,
    unroll: bool = False,
) -> tuple[Any, Any]:
    """Runs the recurrence of gated recurrent units (Cho et al., 2014, arXiv:1406.1078).

    With (x, x', x'') the parts of x_t · kernel + bias, a the activation and s the recurrent activation:
    z = s(x + h_{t-1} · K_z), r = s(x' + h_{t-1} · K_r), h_t = z h_{t-1} + (1 - z) a(x'' + p), where p is
    r (h_{t-1} · K_h + recurrent bias) with `reset_after` (the form of cuDNN), else (r h_{t-1}) · K_h.

    Args:
        inputs: float[B, T, D].
        kernel: float[D, 3U].
        recurrent_kernel: float[U, 3U].
        bias: float[3U], or None.
        recurrent_bias: float[3U], or None. For all three products, and only with `reset_after`.
        state: float[B, U]. h before the first step.
        mask: bool[B, T], or None. False leaves h as it is.
        activation: a; one of linear, tanh, sigmoid and relu.
        recurrent_activation: s, likewise.
        reset_after: Whether the reset gate comes after the matrix product.
        sequences: Whether h is wanted at every step.
        unroll: Whether the steps are written out in the program.

    Returns:
        h at every step float[B, T, U] (None without `sequences`) and the last h, float[B, U].

    Example:
        >>> inputs, kernel = jnp.zeros((1, 2, 1)), jnp.zeros((1, 3))
        >>> gru(inputs, kernel, kernel, None, None, jnp.ones((1, 1)))[0].ravel().tolist()
        [0.5, 0.25]
    """
    step = partial(_step, reset_after, activation, recurrent_activation)
    if reset_after:
        collect = partial(_collect_after, recurrent_bias is not None)
        recurrence = Recurrence(step, _turn, _back_after, collect)
        weights: tuple[Any, ...] = (recurrent_kernel, recurrent_bias)
    else:
        recurrence = Recurrence(step, _turn, _back_before, _collect_before)
        weights = (recurrent_kernel,)
    settings = Settings(recurrence, sequences, unroll)
    sequence, (last,) = run(settings, inputs, kernel, bias, weights, (state,), mask)
    return sequence, last


def gru_step(
    projected: Any,
    recurrent_kernel: Any,
    recurrent_bias: Any,
    state: Any,
    activation: Callable[[Any], Any] = activations.tanh,
    recurrent_activation: Callable[[Any], Any] = activations.sigmoid,
    reset_after: bool = True,
) -> tuple[Any, tuple[Any, Any, Any]]:
    """Makes one step of the recurrence; see `gru`.

    Args:
        projected: float[B, 3U]. The inputs times their kernel, plus the bias.
        recurrent_kernel: float[U, 3U].
        recurrent_bias: float[3U], or None.
        state: float[B, U].
        activation: For the candidate.
        recurrent_activation: For the gates.
        reset_after: Whether the reset gate comes after the matrix product.

    Returns:
        The new state float[B, U], and with it the gates z and r side by side, the candidate, and what the
        reset gate multiplied.

    Example:
        >>> gru_step(jnp.zeros((1, 3)), jnp.zeros((1, 3)), None, jnp.ones((1, 1)))[0].tolist()
        [[0.5]]
    """
    size = state.shape[-1]
    if reset_after:
        recurrent = state @ recurrent_kernel
        if recurrent_bias is not None:
            recurrent = recurrent + recurrent_bias[None]
        gates = apply(recurrent_activation, projected[:, : 2 * size] + recurrent[:, : 2 * size])
        z, r = columns(gates, 2)
        reset = recurrent[:, 2 * size :]
        candidate = apply(activation, projected[:, 2 * size :] + r * reset)
    else:
        recurrent = state @ recurrent_kernel[:, : 2 * size]
        gates = apply(recurrent_activation, projected[:, : 2 * size] + recurrent)
        z, r = columns(gates, 2)
        reset = state
        product = (r * state) @ recurrent_kernel[:, 2 * size :]
        candidate = apply(activation, projected[:, 2 * size :] + product)
    return candidate + z * (state - candidate), (gates, candidate, reset)


def _step(
    reset_after: bool,
    activation: Any,
    recurrent_activation: Any,
    projected: Any,
    states: Any,
    weights: Any,
    mask: Any,
) -> Any:
    (state,), kernel = states, weights[0]
    bias = weights[1] if reset_after else None
    functions = (activation, recurrent_activation)
    new, (gates, candidate, reset) = gru_step(projected, kernel, bias, state, *functions, reset_after)
    z, r = columns(gates, 2)
    # What multiplies the gradients on the way back: to the candidate's inner value, to the gates', to z h.
    inner = (1 - z) * slope(activation, candidate)
    through_reset = inner * reset if reset_after else state
    of_gates = jnp.concatenate([state - candidate, through_reset], axis=-1) * slope(
        recurrent_activation, gates
    )
    if mask is not None:
        inner = keep_masked(mask, inner, jnp.zeros_like(inner))
        of_gates = keep_masked(mask, of_gates, jnp.zeros_like(of_gates))
        gates = jnp.concatenate([keep_masked(mask, z, jnp.ones_like(z)), r], axis=-1)
    return (keep_masked(mask, new, state),), (state, inner, of_gates, gates), _finite(mask, gates)


def _finite(mask: Any, gates: Any) -> Any:
    """The gates, but for those of masked steps, which may be anything."""
    return keep_masked(mask, gates, jnp.zeros_like(gates))


def _turn(weights: Any) -> Any:
    size = weights[0].shape[0]
    return weights[0][:, : 2 * size].T, weights[0][:, 2 * size :].T


def _back_after(gradients: Any, saved: Any, turned: Any, mask: Any) -> Any:
    (gradient,), (_, inner, of_gates, gates) = gradients, saved
    z, r = columns(gates, 2)
    to_gates = of_gates * jnp.concatenate([gradient, gradient], axis=-1)
    to_candidate = gradient * inner
    to_reset = to_candidate * r
    before = gradient * z + to_gates @ turned[0] + to_reset @ turned[1]
    return (before,), (to_gates, to_candidate, to_reset)


def _collect_after(biased: bool, inner: Any, saved: Any) -> Any:
    to_gates, to_candidate, to_reset = inner
    recurrent = (to_gates, to_reset)
    from_kernel = side_by_side([sum_of_products(saved[0], part) for part in recurrent])
    from_bias = side_by_side([sum_of_steps(part) for part in recurrent]) if biased else None
    return (to_gates, to_candidate), (from_kernel, from_bias)


def _back_before(gradients: Any, saved: Any, turned: Any, mask: Any) -> Any:
    (gradient,), (_, inner, of_gates, gates) = gradients, saved
    z, r = columns(gates, 2)
    to_candidate = gradient * inner
    reset = to_candidate @ turned[1]  # the gradient of r h
    to_gates = of_gates * jnp.concatenate([gradient, reset], axis=-1)
    return (gradient * z + reset * r + to_gates @ turned[0],), (to_gates, to_candidate)


def _collect_before(inner: Any, saved: Any) -> Any:
    to_gates, to_candidate = inner
    state, _, _, gates = saved
    seen = columns(gates, 2)[1] * state
    from_kernel = [sum_of_products(state, to_gates), sum_of_products(seen, to_candidate)]
    return inner, (side_by_side(from_kernel),)
