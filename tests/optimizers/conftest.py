"""What the tests of optimizers share: given weights and gradients, runs of ours and of Keras'."""

import contextlib
import functools
import os
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradwise import config

STEPS = 20
SHAPES = {"kernel": (4, 3), "bias": (3,)}


@pytest.fixture(scope="session")
def keras():
    os.environ["KERAS_BACKEND"] = "jax"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = pytest.importorskip("keras")
    if module.backend.backend() != "jax":
        pytest.skip("Keras runs on another backend in this process")
    return module


@pytest.fixture(scope="session")
def given():
    """Equal weights and gradients for everybody; the gradients change size and sign and are sometimes 0."""
    rng = np.random.default_rng(3)
    weights = {path: rng.normal(size=shape) for path, shape in SHAPES.items()}
    grads = {path: rng.normal(size=(STEPS, *shape)) for path, shape in SHAPES.items()}
    for values in grads.values():
        values *= np.exp(rng.normal(size=(STEPS,) + (1,) * (values.ndim - 1)))
        values[3] = 0.0
    return weights, grads


def _run_ours(optimizer, weights, grads, hyper=None, dtype="float32"):
    """Runs every step in one scan, as a training loop does."""
    params = {path: jnp.asarray(value, dtype) for path, value in weights.items()}
    rate_type = "float64" if dtype == "float64" else "float32"
    base = jnp.asarray(0.0 if callable(optimizer.learning_rate) else optimizer.learning_rate, rate_type)
    extra = dict(hyper or {})
    base = extra.pop("learning_rate", base)

    def one_step(carry, given_grads):
        params, slots, step = carry
        now = {"learning_rate": optimizer.rate(step, base), "step": step, **extra}
        clipped = optimizer.prepare(given_grads, params, now)
        params, slots = optimizer.update(clipped, slots, params, now)
        return (params, slots, step + 1), None

    stacked = {path: jnp.asarray(value, dtype) for path, value in grads.items()}
    start = (params, optimizer.init(params), jnp.asarray(0, "int32"))
    (params, slots, _), _ = jax.lax.scan(one_step, start, stacked)
    return params, slots


def _run_keras(keras, optimizer, weights, grads, dtype="float32"):
    """Runs Keras on the same numbers, with its own promotion rules."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        variables = {
            path: keras.Variable(value.astype(dtype), dtype=dtype, name=path)
            for path, value in weights.items()
        }
        optimizer.build(list(variables.values()))
        apply = jax.jit(optimizer.stateless_apply)
        state = [variable.value for variable in optimizer.variables]
        values = [variable.value for variable in variables.values()]
        for step in range(STEPS):
            now = [jnp.asarray(grads[path][step], dtype) for path in weights]
            values, state = apply(state, now, values)
        return dict(zip(weights, [np.asarray(value) for value in values], strict=True))


@contextlib.contextmanager
def _float_type(keras, dtype):
    """Switches the engine, the library and Keras to 64 bits for a while."""
    if dtype != "float64":
        yield
        return
    before = config.floatx()
    with jax.enable_x64(True):
        keras.config.set_floatx("float64")
        config.set_floatx("float64")
        try:
            yield
        finally:
            keras.config.set_floatx("float32")
            config.set_floatx(before)


@pytest.fixture(scope="session")
def run_ours():
    return _run_ours


@pytest.fixture(scope="session")
def run_keras(keras):
    return functools.partial(_run_keras, keras)


@pytest.fixture(scope="session")
def float_type(keras):
    return functools.partial(_float_type, keras)
