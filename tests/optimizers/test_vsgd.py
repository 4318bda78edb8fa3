"""vSGD on the noisy quadratics of "No More Pesky Learning Rates" (sections 3 and 5.1), and in networks.

The loss of a sample x ~ N(θ*, σ²) is h (θ - x)² / 2. At distance d from θ* the rate that lowers the expected
loss most is d² / (h (d² + σ²)); following it, the loss falls as fast as that of the mean of all samples.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gradwise as gw
from gradwise import layers
from gradwise.errors import InputError
from gradwise.optimizers import SGD, VSGD

pytestmark = pytest.mark.feature("E1")

COPIES = 500  # of one problem side by side, to see means


def run(optimizer, steps, curvature=1.0, noise=1.0, start=5.0, jump=None):
    """Follows many copies of a noisy quadratic; returns mean squared distances and rates at each step."""
    curvature = jnp.broadcast_to(jnp.asarray(curvature, "float32"), (COPIES,))

    def one_step(carry, time):
        params, slots = carry
        target = jnp.zeros(()) if jump is None else jnp.where(time < jump, 0.0, 10.0)
        sample = target + noise * jax.random.normal(jax.random.fold_in(jax.random.key(0), time), (COPIES,))

        def gradient_at(params):
            return {"w": curvature * (params["w"] - sample)}

        grads = gradient_at(params)
        base = 0.0 if callable(optimizer.learning_rate) else optimizer.learning_rate
        hyper = {"learning_rate": optimizer.rate(time, jnp.float32(base)), "step": time}
        slots = optimizer.look_around(gradient_at, grads, slots, params)
        new, slots = optimizer.update(grads, slots, params, hyper)
        rates = jnp.where(grads["w"] == 0, 0, (params["w"] - new["w"]) / grads["w"])
        return (new, slots), (jnp.mean(jnp.square(params["w"] - target)), rates)

    params = {"w": jnp.full((COPIES,), start, "float32")}
    carry = (params, optimizer.init(params))
    _, (distances, rates) = jax.jit(lambda carry: jax.lax.scan(one_step, carry, jnp.arange(steps)))(carry)
    return np.asarray(distances), np.asarray(rates)


@pytest.mark.parametrize(("curvature", "noise"), [(1.0, 1.0), (20.0, 0.3), (0.05, 2.0)])
@pytest.mark.parametrize("scope", ["block", "global"])
def test_rate_is_the_optimal_one(scope, curvature, noise):
    """With the signal of many copies the averages are sharp; the rate lags a little behind the distance."""
    distances, rates = run(VSGD(scope=scope, slow_start=1.0), 300, curvature, noise, start=5 * noise)
    optimal = distances / (curvature * (distances + noise**2))
    for time in (11, 20, 50, 100, 299):
        assert 0.6 < np.median(rates[time]) / optimal[time] < 1.6


def test_local_rates_are_near_the_optimal_ones():
    """Each number alone knows its distance badly: the rate is right in the mean, within a factor of three."""
    distances, rates = run(VSGD(), 300)
    optimal = distances / (distances + 1)
    for time in (20, 50, 100, 299):
        assert 0.3 < rates[time].mean() / optimal[time] < 2.5


def test_it_averages_as_well_as_the_mean_of_all_samples():
    """The loss falls like σ² / t, the best that can be had; no fixed rate does that (figure 2 there)."""
    best, _ = run(VSGD(scope="block", slow_start=1.0), 400)
    for time in (50, 100, 399):
        # The first ten samples only fill the averages.
        assert best[time] == pytest.approx(1 / (time - 10), rel=0.35)
    own, _ = run(VSGD(), 400)
    for rate in (1.0, 0.3, 0.1, 0.03, 0.01):
        fixed, _ = run(SGD(rate), 400)
        assert fixed[20] > own[20] or fixed[399] > 2 * own[399]
        assert fixed[399] > best[399]


@pytest.mark.parametrize("scope", ["local", "block", "global"])
def test_it_adapts_after_a_jump(scope):
    """When the optimum moves, the rate rises by itself and falls again (section 5.1, non-stationary)."""
    distances, rates = run(VSGD(scope=scope), 700, jump=350)
    before, during, after = rates[340].mean(), rates[350:400].mean(axis=1).max(), rates[690].mean()
    assert during > 10 * before and after < 2 * before
    assert distances[351] > 90 and distances[420] < 0.1 and distances[699] < 0.02
    # A rate that falls with time, as theory asks for where nothing moves, does not come back.
    falling, _ = run(SGD(gw.optimizers.schedules.InverseTimeDecay(1.0, 1, 1.0)), 700, jump=350)
    assert falling[349] < 0.01 and falling[699] > 10


def test_curvatures_of_many_sizes_have_their_own_rates():
    curvature = np.geomspace(0.01, 100, COPIES)
    _, rates = run(VSGD(slow_start=1.0), 12, curvature, noise=1e-3, start=1.0)
    # Hardly any noise: Newton's step.
    np.testing.assert_allclose(rates[10] * curvature, 1, rtol=0.05)


def test_first_batches_only_fill_the_averages():
    distances, _ = run(VSGD(initial_steps=7), 9)
    np.testing.assert_allclose(distances[:8], 25, rtol=1e-6)
    assert distances[8] < 24


def test_slow_start_divides_the_first_rates():
    careful = run(VSGD(slow_start=3.0), 12, noise=1e-3)[1][10]
    plain = run(VSGD(slow_start=1.0), 12, noise=1e-3)[1][10]
    # Both the mean square and the curvature were tripled; each took one sample since.
    ratio = (3 - 2 / 10) ** 2
    np.testing.assert_allclose(plain / careful, ratio, rtol=0.01)


def test_averages_and_memory_in_closed_form():
    """Two steps of algorithm 1 by hand, after one sample that fills the averages."""
    optimizer, target = VSGD(initial_steps=1, slow_start=1.0), [1.0, 3.0, 0.0]
    params = {"w": jnp.asarray([2.0])}
    slots = optimizer.init(params)
    w, h = 2.0, 1.0
    mean = square = memory = None
    for step, sample in enumerate(target):

        def gradient_at(params, sample=sample):
            return {"w": params["w"] - sample}

        grads = gradient_at(params)
        slots = optimizer.look_around(gradient_at, grads, slots, params)
        params, slots = optimizer.update(grads, slots, params, {"learning_rate": 1.0, "step": step})
        g = w - sample
        if mean is None:
            mean, square, memory = g, g * g, 1.0
            continue
        mean += (g - mean) / memory
        square += (g * g - square) / memory
        w -= mean**2 / (h * square) * g
        memory = (1 - mean**2 / square) * memory + 1
        assert float(params["w"][0]) == pytest.approx(w, rel=1e-5, abs=1e-6)
        assert float(slots["memory"]["w"][0]) == pytest.approx(memory, rel=1e-5)


@pytest.mark.parametrize("scope", ["local", "block", "global"])
def test_it_trains_a_network_without_a_rate_to_choose(scope):
    gw.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(200, 6)).astype("float32")
    y = (np.tanh(x[:, 0] + x[:, 1] * x[:, 2]) > 0).astype(int)
    model = gw.Sequential([gw.Input((6,)), layers.Dense(16, "tanh"), layers.Dense(2, activation="softmax")])
    model.compile(gw.optimizers.VSGD(scope=scope), "sparse_categorical_crossentropy")
    losses = model.fit(x, y, batch_size=20, epochs=60, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.8 * losses[0]


def test_random_layers_draw_the_same_at_the_second_point():
    """Else the difference of gradients would be the noise of dropout: here it is exactly 2 x²."""
    gw.set_random_seed(0)
    model = gw.Sequential(
        [gw.Input((50,)), layers.Dropout(0.5), layers.Dense(1, use_bias=False, kernel_initializer="zeros")]
    )
    model.compile(VSGD(initial_steps=1, slow_start=1.0, clipvalue=1e-3), "mse")
    model.train_on_batch(np.eye(50)[:1] * 3, np.ones((1, 1)))
    curvature = np.asarray(model.session._slots["curvature"]["dense/kernel"])[:, 0]
    assert curvature[0] in (pytest.approx(2 * 6.0**2, rel=1e-3), 0.0)
    assert (curvature[1:] == 0).all()


@pytest.mark.parametrize("dtype", ["bfloat16", "float32", "float64"])
@pytest.mark.parametrize("scope", ["local", "block", "global"])
def test_types_are_kept_and_zeros_are_safe(scope, dtype):
    with jax.enable_x64(dtype == "float64"):
        optimizer = VSGD(scope=scope, initial_steps=1)
        params = {"a": jnp.ones(2, dtype), "b": jnp.ones((2, 2), dtype)}
        slots = optimizer.init(params)
        for step in range(3):

            def gradient_at(params):
                return {"a": jnp.zeros_like(params["a"]), "b": params["b"]}

            grads = gradient_at(params)
            slots = optimizer.look_around(gradient_at, grads, slots, params)
            params, slots = optimizer.update(
                grads, slots, params, {"learning_rate": jnp.float32(1), "step": jnp.int32(step)}
            )
        assert params["a"].tolist() == [1.0, 1.0] and params["a"].dtype == dtype
        assert params["b"].dtype == dtype and float(jnp.abs(params["b"]).max()) < 1


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: VSGD(scope="layer"),
            r"VSGD: expected scope as 'local', 'block' or 'global', but got 'layer'",
        ),
        (
            lambda: VSGD(gradient_accumulation_steps=2),
            r"VSGD: expected a step for every batch, but got gradient_accumulation_steps=2\. Use larger",
        ),
        (
            lambda: VSGD(initial_steps=0),
            r"VSGD: expected initial_steps as a whole number of at least 1, but got 0",
        ),
        (lambda: VSGD(slow_start=0), r"VSGD: expected slow_start as a number above 0, but got 0"),
        (lambda: VSGD(epsilon=0), r"VSGD: expected epsilon as a number above 0, but got 0"),
    ],
)
def test_bad_settings_are_refused(build, message):
    with pytest.raises(InputError, match=message):
        build()
