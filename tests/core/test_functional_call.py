"""Calls as pure functions: transformations, threads, exceptions, and what a call may not do."""

import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gradwise as gw
from gradwise import layers
from gradwise.core.variable import Frame, current_frame, in_mode
from gradwise.errors import InputError, StateError

pytestmark = pytest.mark.feature("B1", "B5")

X = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")


@pytest.fixture(scope="module")
def model():
    gw.set_random_seed(0)
    return gw.Sequential(
        [
            gw.Input((3,)),
            layers.Dense(4, "tanh"),
            layers.BatchNormalization(momentum=0.5),
            layers.Dropout(0.5),
            layers.Dense(2),
        ]
    )


@pytest.fixture(scope="module")
def values(model):
    return {path: jnp.asarray(variable.value) for path, variable in model.named_variables().items()}


def test_jit_grad_and_vmap(model, values):
    def loss(values, x):
        return jnp.mean(gw.functional_call(model, values, x)[0] ** 2)

    plain = model.predict(X)
    assert float(jax.jit(loss)(values, X)) == pytest.approx(np.mean(plain**2), rel=1e-5)
    slopes = jax.jit(jax.grad(loss))(values, X)
    np.testing.assert_allclose(slopes["dense_1/bias"], 2 * plain.sum(0) / plain.size, rtol=1e-4)
    members = jax.tree.map(lambda value: jnp.stack([value, 2 * value, 0 * value]), values)
    each = jax.vmap(loss, in_axes=(0, None))(members, X)
    for place in range(3):
        alone = loss(jax.tree.map(lambda value, place=place: value[place], members), X)
        assert float(each[place]) == pytest.approx(float(alone), rel=1e-5)
    assert not any(isinstance(variable.array, jax.core.Tracer) for variable in model.variables)


def test_state_comes_back_and_variables_stay(model, values):
    before = model.get_weights()
    _, new = gw.functional_call(model, values, X, training=True, key=jax.random.key(0))
    changed = [path for path in values if not np.array_equal(values[path], new[path])]
    assert changed == ["batch_normalization/moving_mean", "batch_normalization/moving_variance"]
    for old, now in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, now)


def test_keys_decide_about_random_numbers(model, values):
    once, again, other = (
        gw.functional_call(model, values, X, training=True, key=jax.random.key(seed))[0] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, other)
    with pytest.raises(StateError, match="a random key, as it draws random numbers.*Pass key=jax.random.key"):
        gw.functional_call(model, values, X, training=True)


def test_two_dropouts_of_one_model_draw_different_masks():
    x = gw.Input((200,))
    one = layers.Dropout(0.5)
    twice = gw.Model(x, [one(x), one(x), layers.Dropout(0.5)(x)])
    outputs, _ = gw.functional_call(
        twice, {}, np.ones((1, 200), "float32"), training=True, key=jax.random.key(0)
    )
    for a, b in [(0, 1), (0, 2), (1, 2)]:
        assert not np.array_equal(outputs[a], outputs[b])


def test_an_unknown_place_is_refused(model):
    with pytest.raises(InputError, match="a variable, but got 'dense/kernl'. Did you mean 'dense/kernel'"):
        gw.functional_call(model, {"dense/kernl": 0}, X)


def test_four_threads_trace_one_model(model, values):
    results, errors = {}, []

    def work(number):
        try:
            scaled = jax.tree.map(lambda value: value * (number + 1), values)
            outputs = jax.jit(lambda v: gw.functional_call(model, v, X)[0])(scaled)
            results[number] = (np.asarray(outputs), np.asarray(gw.functional_call(model, scaled, X)[0]))
            results[number, "predict"] = model.predict(X)
        except Exception as error:  # noqa: BLE001 - told below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    for number in range(4):
        np.testing.assert_allclose(*results[number], rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(results[number, "predict"], model.predict(X))


def test_an_exception_in_mid_trace_leaves_no_frame_open():
    class Breaks(gw.Layer):
        def call(self, inputs):
            raise KeyError("oops")

    layer = Breaks()
    for attempt in (
        lambda: layer(gw.Input((3,))),
        lambda: gw.functional_call(layer, {}, X),
        lambda: jax.jit(lambda x: gw.functional_call(layer, {}, x))(X),
    ):
        with pytest.raises(KeyError, match="oops"):
            attempt()
        assert current_frame() is None
    with Frame({}, training=True) as frame:
        with pytest.raises(KeyError), in_mode(False):
            raise KeyError
        assert frame.training is True


def test_attributes_cannot_be_set_in_a_call():
    class Remembers(gw.Layer):
        def call(self, inputs):
            self.last = inputs
            return inputs

    layer = Remembers()
    layer.built = True
    with pytest.raises(
        StateError, match=r"no attribute to be set inside `call`, but got self.last = .... Return the value"
    ):
        gw.functional_call(layer, {}, X)


def test_layers_are_made_and_built_before_a_pure_call():
    class Late(gw.Model):
        def call(self, inputs):
            return layers.Dense(2)(inputs)

    with pytest.raises(
        StateError, match="Dense: expected layers to be created before the call begins, but got one made"
    ):
        Late()(X)
    with pytest.raises(StateError, match="Dense '.*': expected to be built before a pure call begins"):
        gw.functional_call(layers.Dense(2), {}, X)


def test_a_functional_call_inside_scan():
    """Where a plain assign could not work: the values go round as the carry."""

    class Counter(gw.Layer):
        def build(self, input_shape):
            self.count = self.add_weight("count", (), initializer="zeros", trainable=False)

        def call(self, inputs):
            self.count.assign(self.count.value + 1.0)
            return inputs * self.count.value

    counter = Counter()
    counter(np.float32(1))  # outside a pure call the variable itself counts
    assert float(counter.count.value) == 1

    def body(values, x):
        outputs, values = gw.functional_call(counter, values, x)
        return values, outputs

    values, outputs = jax.lax.scan(body, {"count": jnp.float32(0)}, jnp.ones(4))
    assert (
        outputs.tolist() == [1, 2, 3, 4] and float(values["count"]) == 4 and float(counter.count.value) == 1
    )


def test_variables_calculate_like_arrays():
    v = gw.Variable(np.array([[1.0, 2.0]], "float32"), name="v")
    assert (v + v).tolist() == (2 * v).tolist() == [[2, 4]]
    assert (v @ np.ones((2, 1), "float32")).tolist() == [[3]]
    assert (-v).tolist() == [[-1, -2]] and (1 - v).tolist() == [[0, -1]] and v[0, 1] == 2
    assert np.asarray(v).shape == (1, 2) and "v" in repr(v)
    with pytest.raises(
        InputError, match=r"variable 'v': expected an array of shape \(1, 2\), but got \(3,\)"
    ):
        v.assign(np.ones(3, "float32"))


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_can_be_set_for_a_part(training):
    base = gw.Sequential([gw.Input((3,)), layers.BatchNormalization(momentum=0.5), layers.Dropout(0.5)])
    x = gw.Input((3,))
    outer = gw.Model(x, base(x, training=training))
    values = {path: variable.value for path, variable in outer.named_variables().items()}
    outputs, new = gw.functional_call(outer, values, X, training=not training, key=jax.random.key(0))
    moved = any(not np.array_equal(values[path], new[path]) for path in values)
    assert moved is training
    assert bool((np.asarray(outputs) == 0).any()) is training


def test_training_passes_outside_fit(model):
    before = model.get_weights()
    outputs = model(X, training=True)
    assert not np.array_equal(outputs, model(X, training=True))  # dropout draws anew
    assert not np.array_equal(model.layers[1].moving_mean.numpy(), before[4])
    model.set_weights(before)
    np.testing.assert_allclose(model(X, training=False), model(X), rtol=1e-6)
