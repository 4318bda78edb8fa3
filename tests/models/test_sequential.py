"""Stacks of layers: every way to build one."""

import numpy as np
import pytest

import gradwise as gw
from gradwise import layers
from gradwise.errors import InputError, StateError

pytestmark = pytest.mark.feature("B1")


def stack():
    return [layers.Dense(3, activation="relu"), layers.Dense(2)]


@pytest.mark.parametrize(
    "way", ["input", "input_shape", "input_dim", "build", "call", "add", "batch_input_shape"]
)
def test_all_ways_to_say_the_input_shape_agree(way):
    x = np.ones((5, 4), "float32")
    if way == "input":
        model = gw.Sequential([gw.Input((4,)), *stack()])
    elif way in ("input_shape", "input_dim", "batch_input_shape"):
        given = {"input_shape": (4,), "input_dim": 4, "batch_input_shape": (None, 4)}[way]
        model = gw.Sequential([layers.Dense(3, activation="relu", **{way: given}), layers.Dense(2)])
    elif way == "add":
        model = gw.Sequential()
        for layer in [gw.Input((4,)), *stack()]:
            model.add(layer)
    else:
        model = gw.Sequential(stack())
        assert not model.built
        _ = model.build((None, 4)) if way == "build" else model(x)
    assert model.built and model.input_shape == (None, 4) and model.output_shape == (None, 2)
    assert [weight.shape for weight in model.get_weights()] == [(4, 3), (3,), (3, 2), (2,)]
    assert len(model.layers) == 2
    assert model.predict(x).shape == (5, 2)


def test_pop_takes_the_top_off_and_keeps_the_rest():
    model = gw.Sequential([gw.Input((4,)), *stack()])
    kernel = model.layers[0].kernel.numpy()
    top = model.layers[1]
    assert model.pop() is top
    assert model.output_shape == (None, 3)
    np.testing.assert_array_equal(model.layers[0].kernel.numpy(), kernel)
    model.add(layers.Dense(7))
    assert model.predict(np.ones((1, 4))).shape == (1, 7)
    model.pop(), model.pop()
    with pytest.raises(StateError, match="expected a layer to take off, but got none"):
        model.pop()


def test_pop_after_a_deferred_build():
    model = gw.Sequential(stack())
    assert model(np.ones((2, 4), "float32")).shape == (2, 2)
    model.pop()
    assert model(np.ones((2, 4), "float32")).shape == (2, 3)


def test_changing_a_compiled_stack_asks_for_a_new_compile():
    model = gw.Sequential([gw.Input((4,)), *stack()])
    model.compile("sgd", "mse")
    model.add(layers.Dense(1))
    with pytest.raises(StateError, match="model.compile"):
        model.fit(np.ones((2, 4)), np.ones(2), verbose=0)


def test_a_model_in_a_stack_and_a_stack_in_a_stack():
    inner = gw.Sequential([gw.Input((4,)), layers.Dense(3)])
    outer = gw.Sequential([inner, gw.Sequential([layers.Dense(2)])])
    x = np.ones((2, 4), "float32")
    np.testing.assert_allclose(outer(x), outer.layers[1](inner(x)), rtol=1e-6)
    assert outer.count_params() == 15 + 8
    assert list(outer.named_variables()) == [
        "sequential/dense/kernel",
        "sequential/dense/bias",
        "sequential_1/dense/kernel",
        "sequential_1/dense/bias",
    ]


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (lambda: [layers.Dense], "expected a layer, but got a class. Add an instance, such as Dense"),
        (lambda: [3], "an object of type int"),
        (lambda: [layers.Dense(1), gw.Input((2,))], "Input in the first place"),
        (lambda: [layers.Dense(1, name="a"), layers.Dense(2, name="a")], "a second 'a'"),
    ],
)
def test_what_cannot_be_stacked_is_refused(wrong, text):
    with pytest.raises(InputError, match=text):
        gw.Sequential(wrong())


def test_an_unbuilt_stack_says_what_it_needs():
    model = gw.Sequential(stack())
    for ask in (model.summary, lambda: model.inputs, lambda: model.layers[0].output):
        with pytest.raises(StateError, match="input shape"):
            ask()
    with pytest.raises(StateError, match="at least one layer"):
        gw.Sequential()(np.ones((1, 2), "float32"))


def test_an_embedding_first_takes_integers():
    model = gw.Sequential([layers.Embedding(6, 2, input_length=3), layers.Flatten(), layers.Dense(1)])
    assert model.inputs[0].dtype == np.int32
    assert model.predict(np.array([[1, 2, 3]])).shape == (1, 1)
    deferred = gw.Sequential([layers.Embedding(6, 2), layers.Flatten()])
    assert deferred(np.array([[1, 2, 3]])).shape == (1, 6)
