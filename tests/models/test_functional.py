"""Models drawn as graphs: any acyclic shape, shared parts, models as layers, inner outputs."""

import numpy as np
import pytest

import gradwise as gw
from gradwise import layers
from gradwise.errors import InputError, StateError

pytestmark = pytest.mark.feature("B1")


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def dense(layer, x):
    return x @ layer.kernel.numpy() + layer.bias.numpy()


def test_a_shared_layer_has_one_set_of_weights_and_sums_gradients():
    a, b = gw.Input((2,)), gw.Input((2,))
    shared = layers.Dense(1, use_bias=False)
    model = gw.Model([a, b], layers.add([shared(a), shared(b)]))
    assert model.count_params() == 2
    one, two = numbers(4, 2), numbers(4, 2, seed=1)
    np.testing.assert_allclose(
        model.predict([one, two]), (one + two) @ shared.kernel.numpy(), rtol=1e-5, atol=1e-6
    )
    before = shared.kernel.numpy()
    model.compile(gw.optimizers.SGD(0.1), "mse")
    y = numbers(4, 1, seed=2)
    model.train_on_batch([one, two], y)
    error = (one + two) @ before - y
    np.testing.assert_allclose(
        shared.kernel.numpy(), before - 0.1 * 2 * (one + two).T @ error / 4, rtol=1e-4, atol=1e-6
    )
    with pytest.raises(StateError, match="used exactly once"):
        _ = shared.output


def test_a_model_called_twice_as_a_layer():
    inner_in = gw.Input((3,))
    inner = gw.Model(inner_in, layers.Dense(3, activation="tanh")(inner_in))
    x = gw.Input((3,))
    outer = gw.Model(x, inner(inner(x)))
    data = numbers(5, 3)
    np.testing.assert_allclose(outer.predict(data), inner.predict(inner.predict(data)), rtol=1e-5)
    assert outer.count_params() == 12


def test_nested_models_three_deep_with_lists():
    a, b = gw.Input((2,)), gw.Input((3,))
    pair = gw.Model([a, b], [layers.Dense(2)(a), layers.Dense(2)(b)])
    c, d = gw.Input((2,)), gw.Input((3,))
    first, second = pair([c, d])
    middle = gw.Model([c, d], first * 2 + second)
    e, f = gw.Input((2,)), gw.Input((3,))
    outer = gw.Model([e, f], -middle([e, f]))
    x = [numbers(4, 2), numbers(4, 3)]
    parts = pair.predict(x)
    np.testing.assert_allclose(outer.predict(x), -(parts[0] * 2 + parts[1]), rtol=1e-5)


def test_a_diamond_with_skips_runs_every_node_once():
    calls = []

    class Counted(gw.Layer):
        def call(self, inputs):
            calls.append(1)
            return inputs + 1.0

    x = gw.Input((2,))
    h = Counted()(x)
    left, right = layers.Dense(2)(h), layers.Dense(2)(h)
    model = gw.Model(x, layers.concatenate([layers.multiply([left, right]), h, x]))
    calls.clear()
    data = numbers(3, 2)
    out = model.predict(data)
    assert len(calls) == 1
    np.testing.assert_allclose(out[:, 2:4], data + 1)
    np.testing.assert_allclose(out[:, 4:], data)


def test_operators_between_tensors():
    a, b = gw.Input((4,)), gw.Input((4,))
    outputs = [
        a * 2 + b,
        1 / (a[:, 0:1] + 3.0),
        np.float32(2) - a,
        -a,
        a**2,
        a / b,
        (a[:, None, :] @ b[:, :, None])[..., 0],
    ]
    x, z = numbers(3, 4), numbers(3, 4, seed=1)
    expected = [x * 2 + z, 1 / (x[:, :1] + 3), 2 - x, -x, x**2, x / z, (x * z).sum(1, keepdims=True)]
    for got, want in zip(gw.Model([a, b], outputs).predict([x, z]), expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5)


def test_dicts_of_inputs_and_outputs_go_by_their_keys():
    a, b = gw.Input((2,)), gw.Input((3,))
    model = gw.Model({"second": b, "first": a}, {"p": layers.Dense(1)(a), "q": layers.Dense(2)(b)})
    model.compile("sgd", {"p": "mse", "q": "mae"}, metrics={"q": ["mse"]})
    x = {"first": numbers(6, 2), "second": numbers(6, 3)}
    history = model.fit(x, {"q": numbers(6, 2), "p": numbers(6, 1)}, verbose=0)
    assert list(history.history) == ["loss", "p_loss", "q_loss", "q_mse"]
    assert {key: value.shape for key, value in model.predict(x).items()} == {"p": (6, 1), "q": (6, 2)}
    with pytest.raises(
        InputError, match="inputs named first, second, but got a dict with the keys first. Add second"
    ):
        model.predict({"first": x["first"]})
    with pytest.raises(
        InputError, match="compile, loss: expected the name of an output of the model, but got 'r'"
    ):
        model.compile("sgd", {"p": "mse", "r": "mae"})
        model.fit(x, {"p": numbers(6, 1), "q": numbers(6, 2)}, verbose=0)


def test_inner_outputs_share_weights_with_the_model():
    model = gw.Sequential([gw.Input((3,)), layers.Dense(4, activation="tanh"), layers.Dense(2)])
    inner = gw.Model(model.inputs, model.layers[0].output)
    from_inner = gw.Model(model.layers[1].input, model.output)
    x = numbers(5, 3)
    np.testing.assert_allclose(from_inner.predict(inner.predict(x)), model.predict(x), rtol=1e-5)
    model.compile("sgd", "mse")
    before = inner.predict(x)
    model.fit(x, numbers(5, 2), verbose=0)
    assert not np.allclose(inner.predict(x), before)
    np.testing.assert_allclose(inner.predict(x), np.tanh(dense(model.layers[0], x)), rtol=1e-5)


def test_lists_tuples_and_single_arrays_keep_their_structure():
    x = gw.Input((2,))
    single, listed = gw.Model(x, layers.Dense(1)(x)), gw.Model([x], [layers.Dense(1)(x)])
    data = numbers(3, 2)
    assert single.predict(data).shape == (3, 1)
    assert single.predict([data]).shape == (3, 1)
    assert [part.shape for part in listed.predict([data])] == [(3, 1)]


def test_unknown_sizes_stay_unknown():
    x = gw.Input((None, None, 3))
    h = layers.Conv2D(4, 3)(x)
    assert h.shape == (None, None, None, 4)
    assert layers.GlobalAveragePooling2D()(h).shape == (None, 4)
    model = gw.Model(x, layers.GlobalAveragePooling2D()(h))
    assert model.predict(numbers(2, 5, 6, 3)).shape == model.predict(numbers(2, 8, 7, 3)).shape == (2, 4)


def test_what_is_no_graph_is_refused():
    a, b = gw.Input((2,), name="a"), gw.Input((2,), name="b")
    with pytest.raises(InputError, match="a path that starts at the input 'b', which is not among them"):
        gw.Model(a, layers.add([a, b]))
    with pytest.raises(InputError, match=r"inputs made by Input\(...\).*but got ndarray"):
        gw.Model(np.ones((2, 2)), a)
    with pytest.raises(InputError, match="outputs made by Input"):
        gw.Model(a, layers.Dense(1))
    with pytest.raises(InputError, match=r"2 input arrays \(a, b\), but got 1"):
        gw.Model([a, b], layers.add([a, b])).predict(numbers(3, 2))


@pytest.mark.parametrize(
    ("operation", "text"),
    [(bool, "a Python condition"), (np.asarray, "a conversion to NumPy"), (list, "iteration")],
)
def test_symbolic_tensors_say_what_they_cannot_do(operation, text):
    with pytest.raises(InputError, match=text):
        operation(gw.Input((3,)))


@pytest.mark.feature("B3")
def test_get_layer():
    model = gw.Sequential([gw.Input((2,)), layers.Dense(3, name="first"), layers.Dense(1, name="last")])
    assert model.get_layer("last") is model.get_layer(index=1) is model.get_layer(index=-1)
    with pytest.raises(InputError, match="name of a layer, but got 'frst'. Did you mean 'first'"):
        model.get_layer("frst")
    with pytest.raises(InputError, match="an index below 2, but got 5"):
        model.get_layer(index=5)
