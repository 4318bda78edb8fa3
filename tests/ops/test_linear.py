"""The product of a dense layer against NumPy and against the engine's own derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradwise.ops.linear import linear_map

SHAPES = [((2, 3), 4), ((128, 512), 10), ((70, 64), 64), ((5, 20, 7), 3), ((65, 100), 99)]


def operands(shape, units):
    generator = np.random.default_rng(0)
    return generator.normal(size=shape), generator.normal(size=(shape[-1], units))


@pytest.mark.parametrize(("shape", "units"), SHAPES)
def test_product_and_gradients(shape, units):
    with jax.enable_x64(True):
        inputs, kernel = operands(shape, units)
        np.testing.assert_allclose(linear_map(inputs, kernel), inputs @ kernel, rtol=1e-12, atol=1e-11)

        def loss(function):
            return lambda inputs, kernel: jnp.sum(jnp.sin(function(inputs, kernel)))

        ours = jax.jit(jax.grad(loss(linear_map), (0, 1)))(inputs, kernel)
        theirs = jax.grad(loss(jnp.matmul), (0, 1))(inputs, kernel)
        for mine, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-9)


def test_forward_mode_second_order_and_mapping():
    with jax.enable_x64(True):
        inputs, kernel = operands((70, 6), 3)
        function = lambda kernel: jnp.sum(jnp.sin(linear_map(inputs, kernel)))  # noqa: E731
        plain = lambda kernel: jnp.sum(jnp.sin(jnp.matmul(inputs, kernel)))  # noqa: E731
        np.testing.assert_allclose(
            jax.hessian(function)(kernel), jax.hessian(plain)(kernel), rtol=1e-9, atol=1e-9
        )
        many = jnp.stack([kernel, 2 * kernel])
        np.testing.assert_allclose(
            jax.vmap(jax.grad(function))(many), jax.vmap(jax.grad(plain))(many), rtol=1e-9, atol=1e-9
        )
