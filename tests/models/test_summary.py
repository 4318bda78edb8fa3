"""The table that describes a model."""

import numpy as np
import pytest

import gradwise as gw
from gradwise import layers

pytestmark = pytest.mark.feature("B3")


def printed(model, **options):
    lines = []
    model.summary(print_fn=lines.append, **options)
    return "\n".join(lines)


def test_a_stack():
    model = gw.Sequential(
        [
            gw.Input((4,)),
            layers.Dense(3, name="hidden"),
            layers.BatchNormalization(name="norm"),
            layers.Dense(1, name="out"),
        ],
        name="small",
    )
    text = printed(model)
    assert text.splitlines()[0] == 'Model: "small"'
    assert "Connected to" not in text
    for name, shape, parameters in [
        ("hidden (Dense)", "(None, 3)", "15"),
        ("norm (BatchNormalization)", "(None, 3)", "12"),
    ]:
        line = next(line for line in text.splitlines() if line.startswith(name))
        assert shape in line and line.rstrip().endswith(parameters)
    assert "Total params: 31 (124 B)" in text
    assert "Trainable params: 25" in text and "Non-trainable params: 6" in text


def test_a_graph_names_its_connections():
    a, b = gw.Input((2,), name="left"), gw.Input((2,), name="right")
    shared = layers.Dense(3, name="shared")
    model = gw.Model([a, b], layers.Add(name="sum")([shared(a), shared(b)]))
    text = printed(model)
    assert "Connected to" in text
    assert next(line for line in text.splitlines() if line.startswith("sum")).rstrip().endswith("shared")
    assert "Total params: 9" in text


def test_frozen_layers_are_told():
    model = gw.Sequential([gw.Input((4,)), layers.Dense(3, name="a"), layers.Dense(1, name="b")])
    model.layers[0].trainable = False
    text = printed(model, show_trainable=True)
    rows = {line.split(" ")[0]: line.rstrip() for line in text.splitlines()}
    assert rows["a"].endswith("no") and rows["b"].endswith("yes")
    assert "Non-trainable params: 15" in text


def test_long_names_are_cut_to_the_width():
    model = gw.Sequential([gw.Input((4,)), layers.Dense(3, name="n" * 200)])
    assert max(map(len, printed(model, line_length=60).splitlines())) <= 60


def test_a_subclass_is_described_after_its_first_call():
    class Net(gw.Model):
        def __init__(self):
            super().__init__()
            self.part = layers.Dense(2)

        def call(self, inputs):
            return self.part(inputs)

    model = Net()
    model(np.ones((1, 3), "float32"))
    assert "Total params: 8" in printed(model)
