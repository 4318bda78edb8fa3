"""Weights: order, exchange with Keras, freezing before and after compile."""

import numpy as np
import pytest

import gradwise as gw
from gradwise import layers
from gradwise.errors import InputError
from tests.training.keras_reference import keras_ways, load_keras

pytestmark = pytest.mark.feature("B3", "B6")

X = np.random.default_rng(0).normal(size=(8, 6, 6, 2)).astype("float32")
Y = np.arange(8) % 3


def convolutional(library):
    part = library.layers
    image = library.Input((6, 6, 2))
    inner = library.Sequential([part.Conv2D(3, 3), part.BatchNormalization(), part.PReLU(shared_axes=[1, 2])])
    hidden = part.Flatten()(part.MaxPooling2D()(inner(image)))
    side = part.Dense(4, "relu")(part.GlobalAveragePooling2D()(image))
    return library.Model(image, part.Dense(3, "softmax")(part.Concatenate()([hidden, side])))


def test_weights_go_to_keras_and_back():
    keras = load_keras()
    with keras_ways():
        theirs = convolutional(keras)
        weights = [
            np.random.default_rng(n).uniform(0.1, 1, w.shape) for n, w in enumerate(theirs.get_weights())
        ]
        theirs.set_weights(weights)
        expected = theirs.predict(X, verbose=0)
        given = theirs.get_weights()
    ours = convolutional(gw)
    ours.set_weights(given)
    np.testing.assert_allclose(ours.predict(X), expected, rtol=1e-4, atol=1e-6)
    for mine, other in zip(ours.get_weights(), given, strict=True):
        np.testing.assert_array_equal(mine, other)
    assert ours.count_params() == theirs.count_params()


def test_wrong_weights_change_nothing():
    model = gw.Sequential([gw.Input((3,)), layers.Dense(2)])
    before = model.get_weights()
    with pytest.raises(
        InputError, match=r"2 arrays of shapes \[\(3, 2\), \(2,\)\], but got 2 of shapes \[\(3, 2\), \(3,\)\]"
    ):
        model.set_weights([np.ones((3, 2)), np.ones(3)])
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    got = model.get_weights()
    got[0][:] = 7  # a copy
    assert not np.any(model.get_weights()[0] == 7)


def two_parts():
    base = gw.Sequential(
        [gw.Input((4,)), layers.Dense(3), layers.BatchNormalization(momentum=0.5)], name="base"
    )
    x = gw.Input((4,))
    return base, gw.Model(x, layers.Dense(1, name="head")(base(x)))


def changed(model, x=None, **options):
    before = {path: variable.numpy() for path, variable in model.named_variables().items()}
    x = np.random.default_rng(1).normal(size=(16, 4))
    model.fit(x, x[:, 0], verbose=0, **options)
    return {
        path.rsplit("/", 1)[0]
        for path, variable in model.named_variables().items()
        if not np.array_equal(before[path], variable.numpy())
    }


ALL = {"sequential/dense", "sequential/batch_normalization", "dense"}


def test_freezing_before_and_after_compile():
    base, model = two_parts()
    base.trainable = False
    model.compile("sgd", "mse")
    assert len(model.trainable_variables) == 2 and len(model.non_trainable_variables) == 6
    assert changed(model) == {"dense"}  # the frozen normalisation does not move its averages either
    base.trainable = True  # works without compiling again
    assert changed(model) == ALL
    base.layers[0].trainable = False
    assert changed(model) == ALL - {"sequential/dense"}
    model.trainable = False
    assert model.trainable_variables == []
    assert all(not layer.trainable for layer in [*model.layers, *base.layers])


def test_unfreezing_the_last_layers_of_a_frozen_base():
    base, model = two_parts()
    base.trainable = False
    for layer in base.layers[-1:]:
        layer.trainable = True
    model.compile("sgd", "mse")
    assert changed(model) == {"sequential/batch_normalization", "dense"}


def test_a_frozen_model_is_saved_as_it_is(tmp_path):
    base, model = two_parts()
    base.trainable = False
    base.layers[1].trainable = True
    model.save(tmp_path / "model.gwz")
    again = gw.load_model(tmp_path / "model.gwz")
    base_again = again.get_layer("base")
    assert not base_again.trainable
    assert [layer.trainable for layer in base_again.layers] == [False, True]
    assert again.trainable_paths() == model.trainable_paths()


def test_a_layer_can_be_made_frozen():
    model = gw.Sequential([gw.Input((4,)), layers.Dense(3, trainable=False), layers.Dense(1)])
    model.compile("sgd", "mse")
    assert changed(model) == {"dense_1"}
    assert all(not layer.trainable for layer in gw.Sequential([layers.Dense(2)], trainable=False).layers)


@pytest.mark.feature("E4")
def test_constraints_hold_after_every_step():
    model = gw.Sequential(
        [gw.Input((4,)), layers.Dense(3, kernel_constraint="non_neg", bias_constraint="max_norm")]
    )
    model.compile(gw.optimizers.SGD(1.0), "mse")
    x = np.random.default_rng(1).normal(size=(16, 4))
    model.fit(x, x[:, :3], epochs=3, verbose=0)
    assert (model.layers[0].kernel.numpy() >= 0).all()


def test_freezing_a_normalisation_without_parameters_after_compile():
    norm = layers.BatchNormalization(momentum=0.5, scale=False, center=False)
    model = gw.Sequential([gw.Input((4,)), norm, layers.Dense(1)])
    model.compile("sgd", "mse")
    assert changed(model) == {"batch_normalization", "dense"}
    norm.trainable = False
    assert changed(model) == {"dense"}
