"""The networks worked through by hand in the first course document."""

import numpy as np
import pytest

import gradwise as gw
from gradwise import layers

pytestmark = pytest.mark.feature("F4")

# The drawing gives a weight row for each neuron; a kernel holds them as columns.
LAYERS = [
    ([[1, -2], [-1, 1]], [1, 0]),
    ([[2, -1], [-2, -1]], [0, 0]),
    ([[3, -1], [-1, 4]], [-2, 2]),
]


@pytest.fixture(scope="module")
def network():
    model = gw.Sequential([gw.Input((2,)), *[layers.Dense(2, activation="sigmoid") for _ in LAYERS]])
    model.set_weights([np.array(part) for rows, bias in LAYERS for part in (np.transpose(rows), bias)])
    return model


@pytest.mark.parametrize(("given", "answer"), [([1, -1], [0.62, 0.83]), ([0, 0], [0.51, 0.85])])
def test_the_whole_network(network, given, answer):
    np.testing.assert_allclose(network.predict(np.array([given]))[0], answer, atol=0.005)


def test_what_every_layer_says(network):
    inner = gw.Model(network.inputs, [layer.output for layer in network.layers])
    outputs = inner.predict(np.array([[1, -1]]))
    for output, answer in zip(outputs, [[0.98, 0.12], [0.86, 0.11], [0.62, 0.83]], strict=True):
        np.testing.assert_allclose(output[0], answer, atol=0.005)


def test_the_first_layer_is_shared_with_the_network(network):
    first = gw.Model(network.input, network.layers[0].output)
    assert first.layers[-1] is network.layers[0]
    np.testing.assert_allclose(first(np.array([[1.0, -1.0]], "float32"))[0], [0.982014, 0.119203], rtol=1e-5)
