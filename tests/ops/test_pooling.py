import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from gradwise.errors import InputError
from gradwise.ops import pooling
from gradwise.ops.pooling import (
    average_pool,
    average_pool2d,
    global_average_pool,
    global_max_pool,
    max_pool,
    max_pool2d,
)

pytestmark = pytest.mark.feature("C5")

# (height, width), pool_size, strides
CONFIGURATIONS = [
    ((8, 6), (2, 2), None),
    ((7, 5), (2, 2), None),
    ((9, 7), (3, 2), None),
    ((7, 8), (3, 3), (2, 2)),
    ((7, 8), (2, 2), (1, 1)),
    ((8, 7), (2, 3), (3, 1)),
    ((9, 9), (9, 9), None),
]


def to_torch(array):
    torch = pytest.importorskip("torch")
    return torch.tensor(np.moveaxis(array, -1, 1).copy(), requires_grad=True)


def from_torch(tensor):
    return np.moveaxis(tensor.detach().numpy(), 1, -1)


@pytest.mark.parametrize("engine", [False, True])
@pytest.mark.parametrize("kind", ["max", "average"])
@pytest.mark.parametrize(("sizes", "window", "strides"), CONFIGURATIONS)
def test_output_and_gradient_agree_with_pytorch(sizes, window, strides, kind, engine, monkeypatch, rng):
    functional = pytest.importorskip("torch").nn.functional
    if engine:
        monkeypatch.setattr(pooling, "runs_on_cpu", lambda: False)
    # Few different values, so that equal maxima are common: the first must get the gradient.
    x = rng.integers(0, 3, (2, *sizes, 3)).astype("float64")
    inputs = to_torch(x)
    answer = (functional.max_pool2d if kind == "max" else functional.avg_pool2d)(inputs, window, strides)
    cotangent = rng.normal(size=from_torch(answer).shape)
    answer.backward(to_torch(cotangent).detach())
    with jax.enable_x64(True):
        pool = max_pool2d if kind == "max" else average_pool2d

        @jax.jit
        def both(x, cotangent):
            output, pull_back = jax.vjp(lambda x: pool(x, pool_size=window, strides=strides), x)
            return output, pull_back(cotangent)[0]

        output, gradient = both(jnp.asarray(x), jnp.asarray(cotangent))
    np.testing.assert_allclose(output, from_torch(answer), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(gradient, from_torch(inputs.grad), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("kind", ["max", "average"])
@pytest.mark.parametrize(("sizes", "window", "strides"), CONFIGURATIONS)
def test_output_and_gradient_agree_with_keras(sizes, window, strides, kind, padding, data_format, rng):
    keras = pytest.importorskip("keras")
    x = jnp.asarray(rng.normal(size=(2, *sizes, 3)), "float32")
    if data_format == "channels_first":
        x = jnp.moveaxis(x, -1, 1)
    theirs = keras.ops.max_pool if kind == "max" else keras.ops.average_pool
    ours = max_pool2d if kind == "max" else average_pool2d

    def expected(x):
        return theirs(x, window, strides or window, padding, data_format)

    def actual(x):
        return ours(x, pool_size=window, strides=strides, padding=padding, data_format=data_format)

    @jax.jit
    def both(x):
        outputs = actual(x), expected(x)
        return outputs, [jax.grad(lambda x, p=p: jnp.sum(jnp.sin(p(x))))(x) for p in (actual, expected)]

    outputs, gradients = both(x)
    np.testing.assert_allclose(*outputs, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(*gradients, rtol=1e-5, atol=1e-6)


def test_the_first_of_equal_maxima_gets_the_gradient():
    for window, strides in ((2, 2), (2, 1), (3, 2)):
        x = jnp.zeros((1, window, window, 1))
        pool = jax.jit(jax.grad(lambda x, w=window, s=strides: max_pool2d(x, pool_size=w, strides=s).sum()))
        gradient = pool(x)
        assert gradient.ravel().tolist() == [1.0] + [0.0] * (window * window - 1)


@pytest.mark.parametrize("strides", [2, 1])
def test_padding_never_wins_and_never_counts(strides):
    x = -jnp.ones((1, 3, 3, 1))
    settings = {"pool_size": 2, "strides": strides, "padding": "same"}
    assert max_pool2d(x, **settings).ravel().tolist() == [-1.0] * (4 if strides == 2 else 9)
    assert average_pool2d(x, **settings).ravel().tolist() == [-1.0] * (4 if strides == 2 else 9)


@pytest.mark.parametrize("strides", [2, 1])
def test_a_nan_is_not_hidden(strides):
    x = jnp.array([[[1.0], [jnp.nan], [3.0], [4.0]]])
    output = max_pool(x, rank=1, strides=strides).ravel().tolist()
    assert np.isnan(output[0]) and output[-1] == 4.0


def test_one_and_three_axes_agree_with_pytorch(rng):
    functional = pytest.importorskip("torch").nn.functional
    for rank, theirs in ((1, functional.max_pool1d), (3, functional.max_pool3d)):
        for window, strides in ((2, 2), (3, 2)):
            x = rng.normal(size=(2, *(6, 7, 5)[:rank], 2)).astype("float32")
            settings = {"rank": rank, "pool_size": window, "strides": strides}
            output = jax.jit(lambda x, settings=settings: max_pool(x, **settings))(x)
            np.testing.assert_array_equal(output, from_torch(theirs(to_torch(x), window, strides)))
    for rank, theirs in ((1, functional.avg_pool1d), (3, functional.avg_pool3d)):
        x = rng.normal(size=(2, *(6, 7, 5)[:rank], 2)).astype("float32")
        output = average_pool(jnp.asarray(x), rank=rank, pool_size=2)
        np.testing.assert_allclose(output, from_torch(theirs(to_torch(x), 2)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("pool", [max_pool2d, average_pool2d])
@pytest.mark.parametrize("strides", [2, 1])
def test_gradient_agrees_with_finite_differences_in_both_modes(pool, strides, rng):
    with jax.enable_x64(True):
        x = jnp.asarray(rng.permutation(60).reshape(1, 5, 6, 2) / 10.0)

        @jax.jit
        def loss(x):
            return jnp.sum(jnp.sin(pool(x, strides=strides)))

        check_grads(loss, (x,), order=2, modes=["fwd", "rev"], rtol=1e-5)


@pytest.mark.parametrize("pool", [max_pool2d, average_pool2d])
def test_vmap_over_members_agrees_with_a_loop(pool, rng):
    x = jnp.asarray(rng.normal(size=(3, 2, 7, 6, 2)), "float32")
    for settings in ({}, {"pool_size": 3, "strides": 2, "padding": "same"}):
        step = jax.jit(jax.grad(lambda x, settings=settings: jnp.sum(jnp.sin(pool(x, **settings)))))
        np.testing.assert_allclose(jax.vmap(step)(x), jnp.stack([step(member) for member in x]), rtol=1e-6)


@pytest.mark.parametrize("pool", [max_pool2d, average_pool2d])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_short_float_types_are_kept(pool, dtype):
    x = jnp.arange(50, dtype=dtype).reshape(1, 5, 5, 2)
    for settings in ({}, {"pool_size": 3, "strides": 2, "padding": "same"}):
        output, gradient = jax.eval_shape(jax.value_and_grad(lambda x, s=settings: pool(x, **s).max()), x)
        assert output.dtype == dtype and gradient.dtype == dtype
        exact = pool(x.astype("float32"), **settings)
        np.testing.assert_allclose(pool(x, **settings).astype("float32"), exact, rtol=0.01)


@pytest.mark.parametrize("pool", [max_pool2d, average_pool2d])
def test_sizes_may_be_unknown(pool):
    (batch,) = jax.export.symbolic_shape("b")
    x = jax.ShapeDtypeStruct((batch, 7, 6, 2), jnp.float32)
    for padding, strides, sizes in (("valid", None, (3, 3)), ("same", None, (4, 3)), ("same", 1, (7, 6))):
        output = jax.eval_shape(lambda x, p=padding, s=strides: pool(x, padding=p, strides=s), x)
        assert output.shape == (batch, *sizes, 2)
    shape = jax.export.symbolic_shape("b, h, w, 2", constraints=["h >= 4", "w >= 4"])
    program = jax.export.export(jax.jit(pool))(jax.ShapeDtypeStruct(shape, jnp.float32))
    x = jnp.arange(60.0).reshape(1, 5, 6, 2)
    np.testing.assert_allclose(program.call(x), pool(x), rtol=1e-6)


def test_global_pools_agree_with_numpy(rng):
    x = rng.normal(size=(2, 4, 5, 3)).astype("float32")
    last, first = jnp.asarray(x), jnp.moveaxis(jnp.asarray(x), -1, 1)
    np.testing.assert_allclose(global_average_pool(last), x.mean((1, 2)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(global_max_pool(last), x.max((1, 2)))
    np.testing.assert_allclose(global_max_pool(first, data_format="channels_first"), x.max((1, 2)))
    np.testing.assert_allclose(
        global_average_pool(first, data_format="channels_first"), x.mean((1, 2)), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: max_pool2d(jnp.ones((1, 1, 4, 2))),
            "max_pool2d: expected an input whose height is at least the window's 2, as the output's height is "
            "floor((n + 2p - f)/s) + 1 = floor((1 + 0 - 2)/2) + 1 = 0, but got height 1. Use a smaller window, "
            "padding='same' or larger inputs, or pool less before.",
        ),
        (
            lambda: average_pool2d(jnp.ones((4, 4, 2))),
            "average_pool2d: expected inputs with 4 axes: batch, 2 spatial and channels, but got (4, 4, 2). "
            "Add the missing axis, for example the channel axis with x[..., None].",
        ),
        (lambda: max_pool2d(jnp.ones((1, 4, 4, 2)), pool_size=0), "pool_size to be a positive integer or 2"),
        (lambda: max_pool2d(jnp.ones((1, 4, 4, 2)), strides=(1, 2, 3)), "strides to be a positive integer"),
        (lambda: max_pool2d(jnp.ones((1, 4, 4, 2)), padding="full"), "padding to be 'valid' or 'same'"),
        (lambda: max_pool2d(jnp.ones((1, 4, 4, 2)), data_format="NHWC"), "but got 'NHWC'"),
        (
            lambda: global_average_pool(jnp.ones((4, 2))),
            "global_average_pool: expected inputs with a batch axis, spatial axes and a channel axis, but got "
            "(4, 2). Apply it before flattening.",
        ),
    ],
)
def test_errors_say_what_to_do(call, message):
    with pytest.raises(InputError) as raised:
        call()
    assert message in str(raised.value)
