"""The gradient check: agrees where gradients are right, names the tensor where they are not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gradwise as gw
from gradwise import layers
from gradwise.errors import InputError, StateError

pytestmark = pytest.mark.feature("F3")


def data(rows=6, features=5, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(rows, features)), random.integers(0, 3, rows)


def classifier(*inner, **last):
    model = gw.Sequential([gw.Input((5,)), *inner, layers.Dense(3, activation="softmax", **last)])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@jax.custom_vjp
def shifted_square(x):
    return x * x


shifted_square.defvjp(lambda x: (x * x, x), lambda x, g: (2.1 * x * g,))


@gw.register("tests.WrongGradient")
class WrongGradient(layers.Layer):
    """Scales by a weight, with a backward pass that is 5 % off."""

    def build(self, input_shape):
        self.scale = self.add_weight("scale", (input_shape[-1],), initializer="ones")

    def call(self, inputs):
        return inputs * shifted_square(self.scale.value)[None, :]


def test_right_gradients_pass_and_nothing_is_changed():
    model = classifier(
        layers.Dense(4, activation="tanh", kernel_regularizer="l2"), layers.BatchNormalization()
    )
    before = model.get_weights() if model.built else None
    result = gw.check_gradients(model, *data())
    assert result.passed
    assert max(result.errors.values()) < 1e-8
    assert set(result.errors) == model.trainable_paths()
    assert gw.config.floatx() == "float32" and not jax.config.jax_enable_x64
    assert all(layer.dtype_policy.compute == "float32" for _, layer in model.walk())
    for one, two in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    assert model.predict(data()[0], verbose=0).dtype == np.float32


def test_a_wrong_backward_pass_is_found_and_named():
    model = classifier(layers.Dense(4, activation="tanh"), WrongGradient())
    result = gw.check_gradients(model, *data())
    assert not result.passed
    assert result.worst == "wrong_gradient/scale"
    # 2.1 instead of 2: |0.1| / |4.1|
    assert result.errors[result.worst] == pytest.approx(0.1 / 4.1, rel=1e-6)
    assert "DIFFER from two-sided differences: worst wrong_gradient/scale" in str(result)
    assert "wrong_gradient/scale  2.4e-02  4 entries  <- differs" in str(result)


def test_regularisation_is_part_of_the_checked_loss():
    model = classifier(kernel_regularizer=lambda kernel: jnp.sum(shifted_square(kernel)))
    result = gw.check_gradients(model, *data())
    assert result.worst == "dense/kernel" and result.errors["dense/kernel"] > 1e-3
    assert result.errors["dense/bias"] < 1e-8


@pytest.mark.parametrize("layer", [layers.Dropout(0.5)], ids=lambda layer: type(layer).__name__)
def test_dropout_switched_on_is_refused(layer):
    with pytest.raises(InputError, match=r"got Dropout '.*', which draws some\. Set its rate to 0"):
        gw.check_gradients(classifier(layer), *data())


def test_dropout_switched_off_is_accepted():
    assert gw.check_gradients(classifier(layers.Dropout(0.0)), *data()).passed


def test_frozen_layers_are_left_out():
    model = classifier(layers.Dense(4, activation="tanh"))
    model.layers[0].trainable = False
    assert set(gw.check_gradients(model, *data()).errors) == {"dense_1/kernel", "dense_1/bias"}
    model.trainable = False
    with pytest.raises(InputError, match="expected trainable weights, but got none"):
        gw.check_gradients(model, *data())


def test_a_weight_without_influence_passes():
    """The bias before a batch normalisation has gradient 0: rounding must not count as an error."""
    model = classifier(layers.Dense(4), layers.BatchNormalization(), layers.Activation("tanh"))
    assert gw.check_gradients(model, *data(rows=20)).passed


def test_sample_weights_and_several_outputs():
    inputs = gw.Input((5,))
    hidden = layers.Dense(4, activation="tanh")(inputs)
    model = gw.Model(inputs, [layers.Dense(1)(hidden), layers.Dense(3, activation="softmax")(hidden)])
    model.compile("sgd", ["mse", "sparse_categorical_crossentropy"], loss_weights=[0.3, 2.0])
    x, y = data()
    assert gw.check_gradients(model, x, [x[:, :1], y], [np.arange(6.0), np.ones(6)]).passed


def test_only_some_entries_of_a_large_tensor_are_tried():
    model = classifier(layers.Dense(50, activation="tanh"))
    result = gw.check_gradients(model, *data(), entries=7)
    assert result.checked == {
        path: min(7, size)
        for path, size in zip(
            ("dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias"), (250, 50, 150, 3), strict=True
        )
    }
    assert gw.check_gradients(model, *data(), entries=None).checked["dense/kernel"] == 250
    with pytest.raises(InputError, match="expected entries as a positive integer or None, but got 0"):
        gw.check_gradients(model, *data(), entries=0)


def test_an_uncompiled_model_is_refused():
    with pytest.raises(StateError, match="check_gradients"):
        gw.check_gradients(gw.Sequential([gw.Input((5,)), layers.Dense(1)]), *data())


def test_half_precision_models_are_checked_in_double_precision():
    model = gw.Sequential([gw.Input((5,)), layers.Dense(3, dtype="mixed_bfloat16")])
    model.compile("sgd", "mse")
    x, _ = data()
    assert gw.check_gradients(model, x, x[:, :3]).passed
