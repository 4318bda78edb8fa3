"""The recurrence of gated recurrent units, in both forms."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax.numpy as jnp

from gradwise.ops import activations
from gradwise.ops.recurrence import Recurrence, Settings, run, sum_of_products, sum_of_steps
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
    functions = (activation, recurrent_activation)
    if reset_after:
        collect = partial(_collect_after, recurrent_bias is not None)
        recurrence = Recurrence(partial(_step_after, *functions), _turn_after, _back_after, collect)
        weights: tuple[Any, ...] = (recurrent_kernel, recurrent_bias)
    else:
        recurrence = Recurrence(
            partial(_step_before, *functions), _turn_before, _back_before, _collect_before
        )
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


def _step_after(
    activation: Any, recurrent_activation: Any, projected: Any, states: Any, weights: Any, mask: Any
) -> Any:
    (state,), (kernel, bias) = states, weights
    new, (gates, candidate, reset) = gru_step(
        projected, kernel, bias, state, activation, recurrent_activation, True
    )
    z, r = columns(gates, 2)
    inner = (1 - z) * slope(activation, candidate)
    # What multiplies the gradients on the way back: to the candidate's input, then to the recurrent product.
    factors = jnp.concatenate(
        [
            inner,
            (state - candidate) * slope(recurrent_activation, z),
            inner * reset * slope(recurrent_activation, r),
            inner * r,
        ],
        axis=-1,
    )
    if mask is not None:
        factors = keep_masked(mask, factors, jnp.zeros_like(factors))
        z = keep_masked(mask, z, jnp.ones_like(z))
    return (
        (keep_masked(mask, new, state),),
        (state, factors, z),
        keep_masked(mask, gates, jnp.zeros_like(gates)),
    )


def _turn_after(weights: Any) -> Any:
    return weights[0].T


def _back_after(gradients: Any, saved: Any, turned: Any, mask: Any) -> Any:
    (gradient,), (_, factors, z) = gradients, saved
    inner = factors * jnp.concatenate([gradient] * 4, axis=-1)  # [B, 4U]
    return (gradient * z + inner[:, gradient.shape[-1] :] @ turned,), inner


def _collect_after(biased: bool, inner: Any, saved: Any) -> Any:
    size = inner.shape[-1] // 4
    recurrent = inner[..., size:]  # [B, L, 3U]
    from_projected = jnp.concatenate([inner[..., size : 3 * size], inner[..., :size]], axis=-1)
    from_bias = sum_of_steps(recurrent) if biased else None
    return from_projected, (sum_of_products(saved[0], recurrent), from_bias)


def _step_before(
    activation: Any, recurrent_activation: Any, projected: Any, states: Any, weights: Any, mask: Any
) -> Any:
    (state,), (kernel,) = states, weights
    new, (gates, candidate, _) = gru_step(
        projected, kernel, None, state, activation, recurrent_activation, False
    )
    z, r = columns(gates, 2)
    factors = jnp.concatenate(
        [
            (state - candidate) * slope(recurrent_activation, z),
            state * slope(recurrent_activation, r),
            (1 - z) * slope(activation, candidate),
        ],
        axis=-1,
    )
    if mask is not None:
        factors = keep_masked(mask, factors, jnp.zeros_like(factors))
        z = keep_masked(mask, z, jnp.ones_like(z))
    return (
        (keep_masked(mask, new, state),),
        (state, factors, z, r),
        keep_masked(mask, gates, jnp.zeros_like(gates)),
    )


def _turn_before(weights: Any) -> Any:
    size = weights[0].shape[0]
    return weights[0][:, : 2 * size].T, weights[0][:, 2 * size :].T


def _back_before(gradients: Any, saved: Any, turned: Any, mask: Any) -> Any:
    (gradient,), (_, factors, z, r), (gates, candidate) = gradients, saved, turned
    from_z, from_r, from_candidate = columns(factors, 3)
    inner = gradient * from_candidate
    reset = inner @ candidate  # the gradient of r h
    both = jnp.concatenate([gradient * from_z, reset * from_r], axis=-1)
    return (gradient * z + reset * r + both @ gates,), jnp.concatenate([both, inner], axis=-1)


def _collect_before(inner: Any, saved: Any) -> Any:
    state, _, _, r = saved
    size = state.shape[-1]
    of_gates = sum_of_products(state, inner[..., : 2 * size])
    of_candidate = sum_of_products(r * state, inner[..., 2 * size :])
    return inner, (jnp.concatenate([of_gates, of_candidate], axis=-1),)
