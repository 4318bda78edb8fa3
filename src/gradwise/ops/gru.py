"""The gated recurrent unit, in both forms, with its gradient written out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from gradwise.ops import activations
from gradwise.ops.recurrent import columns, keep_masked, scan_steps, slope, sum_of_products


def gru(
    projected: Any,
    recurrent_kernel: Any,
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

    With (z, r) gates and a the activation: h_t = z h_{t-1} + (1 - z) a(x + s), where s is
    r (h_{t-1} · kernel + bias) with `reset_after` (the form of cuDNN), else (r h_{t-1}) · kernel.

    Args:
        projected: float[B, T, 3U]. The inputs times their kernel, plus the bias; parts in the order z, r, a.
        recurrent_kernel: float[U, 3U].
        recurrent_bias: float[3U], or None. Only with `reset_after`.
        state: float[B, U]. h before the first step.
        mask: bool[B, T], or None. False leaves h as it is.
        activation: a; one of linear, tanh, sigmoid and relu.
        recurrent_activation: For the gates, likewise.
        reset_after: Whether the reset gate comes after the matrix product.
        sequences: Whether h is wanted at every step.
        unroll: Whether the steps are written out in the program.

    Returns:
        h at every step float[B, T, U] (None without `sequences`) and the last h, float[B, U].

    Example:
        >>> zeros, kernel = jnp.zeros((1, 2, 3)), jnp.zeros((1, 3))
        >>> gru(zeros, kernel, None, jnp.ones((1, 1)))[0].ravel().tolist()
        [0.5, 0.25]
    """
    settings = (activation, recurrent_activation, sequences, unroll)
    if reset_after:
        return _after(settings, projected, recurrent_kernel, recurrent_bias, state, mask)  # type: ignore[no-any-return]
    return _before(settings, projected, recurrent_kernel, state, mask)  # type: ignore[no-any-return]


def gru_step(
    projected: Any,
    recurrent_kernel: Any,
    recurrent_bias: Any,
    state: Any,
    activation: Callable[[Any], Any] = activations.tanh,
    recurrent_activation: Callable[[Any], Any] = activations.sigmoid,
    reset_after: bool = True,
) -> tuple[Any, tuple[Any, Any, Any, Any]]:
    """Makes one step of the recurrence; see `gru`.

    Args:
        projected: float[B, 3U].
        recurrent_kernel: float[U, 3U].
        recurrent_bias: float[3U], or None.
        state: float[B, U].
        activation: For the candidate.
        recurrent_activation: For the gates.
        reset_after: Whether the reset gate comes after the matrix product.

    Returns:
        The new state, and (z, r, candidate, what the reset gate multiplied), float[B, U] each.

    Example:
        >>> gru_step(jnp.zeros((1, 3)), jnp.zeros((1, 3)), None, jnp.ones((1, 1)))[0].tolist()
        [[0.5]]
    """
    size = state.shape[-1]
    if reset_after:
        recurrent = state @ recurrent_kernel
        if recurrent_bias is not None:
            recurrent = recurrent + recurrent_bias[None]
        gates = recurrent_activation(projected[:, : 2 * size] + recurrent[:, : 2 * size])
        z, r = columns(gates, 2)
        reset = recurrent[:, 2 * size :]
        candidate = activation(projected[:, 2 * size :] + r * reset)
    else:
        recurrent = state @ recurrent_kernel[:, : 2 * size]
        z, r = columns(recurrent_activation(projected[:, : 2 * size] + recurrent), 2)
        reset = state
        candidate = activation(projected[:, 2 * size :] + (r * state) @ recurrent_kernel[:, 2 * size :])
    return z * state + (1 - z) * candidate, (z, r, candidate, reset)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _after(settings: Any, projected: Any, kernel: Any, bias: Any, state: Any, mask: Any) -> Any:
    return _run(settings, projected, kernel, bias, state, mask, True)


def _run(
    settings: Any, projected: Any, kernel: Any, bias: Any, state: Any, mask: Any, reset_after: bool
) -> Any:
    activation, recurrent_activation, sequences, unroll = settings

    def step(state: Any, at: Any) -> Any:
        projected, mask = at
        new, _ = gru_step(projected, kernel, bias, state, activation, recurrent_activation, reset_after)
        new = keep_masked(mask, new, state)
        return new, new if sequences else None

    last, kept = scan_steps(step, state, (projected, mask), unroll=unroll)
    return kept, last


def _after_forward(settings: Any, projected: Any, kernel: Any, bias: Any, state: Any, mask: Any) -> Any:
    """Runs the recurrence and saves at each step what multiplies the gradients on the way back."""
    activation, recurrent_activation, sequences, unroll = settings

    def step(state: Any, at: Any) -> Any:
        projected, mask = at
        new, (z, r, candidate, reset) = gru_step(
            projected, kernel, bias, state, activation, recurrent_activation, True
        )
        inner = (1 - z) * slope(activation, candidate)
        factors = jnp.concatenate(
            [
                (state - candidate) * slope(recurrent_activation, z),
                inner * reset * slope(recurrent_activation, r),
                inner,
                inner * r,
            ],
            axis=-1,
        )
        if mask is not None:
            factors = keep_masked(mask, factors, jnp.zeros_like(factors))
            z = keep_masked(mask, z, jnp.ones_like(z))
        new = keep_masked(mask, new, state)
        return new, (new if sequences else None, state, factors, z)

    last, kept = scan_steps(step, state, (projected, mask), unroll=unroll)
    return (kept[0], last), (kernel, bias, kept[1:])


def _after_backward(settings: Any, saved: Any, gradient: Any) -> Any:
    kernel, bias, (states, factors, z) = saved
    size = kernel.shape[0]
    turned = kernel.T

    def step(later: Any, at: Any) -> Any:
        gradient, factors, z = at
        later = later if gradient is None else later + gradient
        inner = factors * jnp.concatenate([later] * 4, axis=-1)  # [B, 4U]
        # The candidate's recurrent part was multiplied by r, its input was not.
        recurrent = jnp.concatenate([inner[:, : 2 * size], inner[:, 3 * size :]], axis=-1)
        return later * z + recurrent @ turned, inner

    from_sequence, from_last = gradient
    first, inner = scan_steps(step, from_last, (from_sequence, factors, z), reverse=True, unroll=settings[-1])
    recurrent = jnp.concatenate([inner[..., : 2 * size], inner[..., 3 * size :]], axis=-1)
    from_bias = None if bias is None else recurrent.sum(axis=(0, 1))
    return inner[..., : 3 * size], sum_of_products(states, recurrent), from_bias, first, None


_after.defvjp(_after_forward, _after_backward)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _before(settings: Any, projected: Any, kernel: Any, state: Any, mask: Any) -> Any:
    return _run(settings, projected, kernel, None, state, mask, False)


def _before_forward(settings: Any, projected: Any, kernel: Any, state: Any, mask: Any) -> Any:
    activation, recurrent_activation, sequences, unroll = settings

    def step(state: Any, at: Any) -> Any:
        projected, mask = at
        new, (z, r, candidate, _) = gru_step(
            projected, kernel, None, state, activation, recurrent_activation, False
        )
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
        new = keep_masked(mask, new, state)
        return new, (new if sequences else None, state, factors, z, r)

    last, kept = scan_steps(step, state, (projected, mask), unroll=unroll)
    return (kept[0], last), (kernel, kept[1:])


def _before_backward(settings: Any, saved: Any, gradient: Any) -> Any:
    kernel, (states, factors, z, r) = saved
    size = kernel.shape[0]
    gates, candidate = kernel[:, : 2 * size].T, kernel[:, 2 * size :].T

    def step(later: Any, at: Any) -> Any:
        gradient, factors, z, r = at
        later = later if gradient is None else later + gradient
        from_z, from_r, from_candidate = columns(factors, 3)
        inner = later * from_candidate
        reset = inner @ candidate  # the gradient of r h
        both = jnp.concatenate([later * from_z, reset * from_r], axis=-1)
        return later * z + reset * r + both @ gates, jnp.concatenate([both, inner], axis=-1)

    from_sequence, from_last = gradient
    first, inner = scan_steps(
        step, from_last, (from_sequence, factors, z, r), reverse=True, unroll=settings[-1]
    )
    from_kernel = jnp.concatenate(
        [
            sum_of_products(states, inner[..., : 2 * size]),
            sum_of_products(r * states, inner[..., 2 * size :]),
        ],
        axis=-1,
    )
    return inner, from_kernel, first, None


_before.defvjp(_before_forward, _before_backward)
