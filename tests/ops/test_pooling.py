import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from gradwise.errors import InputError
from gradwise.ops import pooling
from gradwise.ops.adaptive_pooling import adaptive_average_pool, adaptive_max_pool
from gradwise.ops.global_pooling import global_average_pool, global_max_pool
from gradwise.ops.masked_pooling import masked_average_pool, masked_max_pool, pool_mask
from gradwise.ops.pooling import average_pool, average_pool2d, max_pool, max_pool2d

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


# rank, sizes, pool_size, strides: blocks, overlap, gaps, windows of more than 64 places, a very long one
OTHER_RANKS = [
    (1, (9,), 2, 2),
    (1, (9,), 3, 2),
    (1, (9,), 2, 3),
    (1, (150,), 70, 40),
    (3, (4, 5, 6), 2, 2),
    (3, (5, 4, 6), 3, 2),
    (3, (4, 5, 4), (2, 1, 2), 1),
    (3, (6, 6, 5), 5, 1),
    (2, (11, 12), 9, 2),
    (2, (20, 18), 9, 9),
]


@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize(("rank", "sizes", "window", "strides"), OTHER_RANKS)
def test_every_rank_and_window_agrees_with_pytorch(rank, sizes, window, strides, kind, rng):
    functional = pytest.importorskip("torch").nn.functional
    # Few different values, so that equal maxima are common: the first must get the gradient.
    x = rng.integers(0, 4, (2, *sizes, 2)).astype("float64")
    inputs = to_torch(x)
    answer = getattr(functional, f"{kind}_pool{rank}d")(inputs, window, strides)
    cotangent = rng.normal(size=from_torch(answer).shape)
    answer.backward(to_torch(cotangent).detach())
    pool = max_pool if kind == "max" else average_pool
    with jax.enable_x64(True):

        @jax.jit
        def both(x, cotangent):
            output, pull_back = jax.vjp(lambda x: pool(x, rank=rank, pool_size=window, strides=strides), x)
            return output, pull_back(cotangent)[0]

        output, gradient = both(jnp.asarray(x), jnp.asarray(cotangent))
    np.testing.assert_allclose(output, from_torch(answer), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(gradient, from_torch(inputs.grad), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize(
    ("sizes", "output_size"),
    [((7,), 3), ((8,), 4), ((3,), 5), ((7, 6), (3, 4)), ((9, 4), (1, 4)), ((5, 4, 3), (2, 3, 2))],
)
def test_adaptive_pools_agree_with_pytorch(sizes, output_size, kind, rng):
    functional = pytest.importorskip("torch").nn.functional
    x = rng.integers(0, 4, (2, *sizes, 2)).astype("float64")
    inputs = to_torch(x)
    answer = getattr(functional, f"adaptive_{kind}_pool{len(sizes)}d")(inputs, output_size)
    cotangent = rng.normal(size=from_torch(answer).shape)
    answer.backward(to_torch(cotangent).detach())
    pool = adaptive_max_pool if kind == "max" else adaptive_average_pool
    with jax.enable_x64(True):

        @jax.jit
        def both(x, cotangent):
            output, pull_back = jax.vjp(lambda x: pool(x, output_size, rank=len(sizes)), x)
            return output, pull_back(cotangent)[0]

        output, gradient = both(jnp.asarray(x), jnp.asarray(cotangent))
    np.testing.assert_allclose(output, from_torch(answer), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(gradient, from_torch(inputs.grad), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("window", "strides"), [(2, 2), (3, 2), (3, 1)])
def test_masked_pools_see_only_the_steps_that_count(window, strides, padding, data_format, rng):
    x = rng.normal(size=(3, 8, 2)).astype("float32") - 5  # below 0: a masked 0 must not win
    mask = rng.random((3, 8)) < 0.4
    counts = -(-8 // strides) if padding == "same" else (8 - window) // strides + 1
    before = max((counts - 1) * strides + window - 8, 0) // 2 if padding == "same" else 0
    largest, mean, kept = np.zeros((3, counts, 2)), np.zeros((3, counts, 2)), np.zeros((3, counts), bool)
    for row in range(3):
        for place in range(counts):
            start = place * strides - before
            steps = [t for t in range(max(start, 0), min(start + window, 8)) if mask[row, t]]
            if steps:
                kept[row, place] = True
                largest[row, place], mean[row, place] = x[row, steps].max(0), x[row, steps].mean(0)
    settings = {"pool_size": window, "strides": strides, "padding": padding}
    turn = (lambda a: jnp.moveaxis(jnp.asarray(a), 1, -1)) if data_format == "channels_first" else jnp.asarray

    @jax.jit
    def every(x, mask):
        whole = {**settings, "data_format": data_format}
        return (
            masked_max_pool(x, mask, **whole),
            masked_average_pool(x, mask, **whole),
            pool_mask(mask, **settings),
        )

    ours = every(turn(x), jnp.asarray(mask))
    np.testing.assert_allclose(ours[0], turn(largest), rtol=1e-6)
    np.testing.assert_allclose(ours[1], turn(mean), rtol=1e-5)
    np.testing.assert_array_equal(ours[2], kept)


def test_masked_gradients_are_finite_and_reach_only_the_steps_that_count(rng):
    x = jnp.asarray(rng.normal(size=(2, 6, 2)), "float32")
    mask = jnp.array([[True, True, False, True, False, False], [False] * 6])
    for pool in (masked_max_pool, masked_average_pool, global_max_pool, global_average_pool):
        slopes = jax.jit(jax.grad(lambda x, pool=pool: jnp.sum(jnp.sin(pool(x, mask)))))(x)
        assert jnp.isfinite(slopes).all(), pool
        assert not slopes[~mask].any(), pool
        assert slopes[0].any(), pool


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
    assert global_max_pool(last, keepdims=True).shape == (2, 1, 1, 3)
    assert global_average_pool(first, data_format="channels_first", keepdims=True).shape == (2, 3, 1, 1)


def test_global_pools_of_masked_images_agree_with_numpy(rng):
    x = rng.normal(size=(2, 4, 5, 3)).astype("float32") - 5
    mask = rng.random((2, 4, 5)) < 0.5
    largest = np.stack([row[kept].max(0) for row, kept in zip(x, mask, strict=True)])
    mean = np.stack([row[kept].mean(0) for row, kept in zip(x, mask, strict=True)])
    np.testing.assert_allclose(global_max_pool(jnp.asarray(x), jnp.asarray(mask)), largest)
    np.testing.assert_allclose(global_average_pool(jnp.asarray(x), jnp.asarray(mask)), mean, rtol=1e-5)
    none = jnp.zeros((2, 4, 5), bool)
    assert not global_max_pool(jnp.asarray(x), none).any()
    assert not global_average_pool(jnp.asarray(x), none).any()


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
        (
            lambda: global_max_pool(jnp.ones((4, 2, 3)), jnp.ones((4, 3), bool)),
            "global_max_pool: expected a mask of shape (4, 2), one truth value for each step, but got (4, 3).",
        ),
        (
            lambda: masked_max_pool(jnp.ones((4, 2, 3)), jnp.ones((4, 3), bool)),
            "masked_max_pool: expected a mask of shape (4, 2), one truth value for each step, but got (4, 3).",
        ),
        (
            lambda: adaptive_max_pool(jnp.ones((4, 2, 3)), 2),
            "adaptive_max_pool: expected inputs with 4 axes: batch, 2 spatial and channels, but got (4, 2, 3).",
        ),
        (
            lambda: adaptive_average_pool(jnp.ones((4, 2, 3)), 0, rank=1),
            "output_size to be a positive integer or 1",
        ),
    ],
)
def test_errors_say_what_to_do(call, message):
    with pytest.raises(InputError) as raised:
        call()
    assert message in str(raised.value)
