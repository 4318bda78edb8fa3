"""Every main promise in under a minute: what must never break."""

import numpy as np
import pytest

import gradwise as gw
from gradwise import layers
from gradwise.errors import FileError, InputError, StateError


@pytest.fixture(scope="module")
def digits():
    (x_train, y_train), (x_test, y_test) = gw.datasets.digits.load_data()
    flat = lambda x: x.reshape(len(x), -1).astype("float32") / 16  # noqa: E731
    return (flat(x_train), y_train), (flat(x_test), y_test)


@pytest.fixture(scope="module")
def trained(digits):
    gw.set_random_seed(0)
    (x, y), _ = digits
    model = gw.Sequential(
        [gw.Input((64,)), layers.Dense(64, activation="relu"), layers.Dense(10, activation="softmax")]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, epochs=25, batch_size=32, validation_split=0.1, verbose=0)
    return model, history


@pytest.mark.feature("B2")
def test_a_network_learns_the_digits(trained, digits):
    model, history = trained
    assert list(history.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert history.epoch == list(range(25))
    assert history.history["loss"][-1] < 0.2 * history.history["loss"][0]
    loss, accuracy = model.evaluate(*digits[1], verbose=0)
    assert accuracy > 0.94
    probabilities = model.predict(digits[1][0])
    assert np.mean(probabilities.argmax(1) == digits[1][1]) == pytest.approx(accuracy)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)
    assert loss == pytest.approx(
        -np.log(probabilities[np.arange(len(probabilities)), digits[1][1]]).mean(), rel=1e-4
    )


@pytest.mark.feature("B1", "B3")
def test_the_network_of_the_course_has_407050_parameters(capsys):
    model = gw.Sequential(
        [layers.Dense(512, activation="relu", input_shape=(28 * 28,)), layers.Dense(10, activation="softmax")]
    )
    assert model.count_params() == 407_050
    model.summary()
    text = capsys.readouterr().out
    for part in (
        "401,920",
        "5,130",
        "Total params: 407,050",
        "(None, 512)",
        "(None, 10)",
        "Trainable params: 407,050",
    ):
        assert part in text


@pytest.mark.feature("B4")
def test_a_saved_model_predicts_the_same(trained, digits, tmp_path):
    model, _ = trained
    path = tmp_path / "digits.gwz"
    model.save(path)
    again = gw.load_model(path)
    np.testing.assert_array_equal(again.predict(digits[1][0]), model.predict(digits[1][0]))
    assert again.evaluate(*digits[1], verbose=0) == model.evaluate(*digits[1], verbose=0)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(FileError):
        gw.load_model(path)


@pytest.mark.feature("B1")
def test_two_inputs_two_outputs_and_a_shared_layer(rng):
    left, right = gw.Input((3,), name="left"), gw.Input((3,), name="right")
    shared = layers.Dense(4, activation="tanh")
    joined = layers.concatenate([shared(left), shared(right)])
    model = gw.Model(
        [left, right],
        [layers.Dense(1, name="number")(joined), layers.Dense(2, activation="softmax", name="kind")(joined)],
    )
    assert model.count_params() == 16 + 9 + 18
    model.compile(
        "adam", {"number": "mse", "kind": "sparse_categorical_crossentropy"}, metrics={"kind": ["accuracy"]}
    )
    x = {"right": rng.normal(size=(20, 3)), "left": rng.normal(size=(20, 3))}
    y = {"kind": rng.integers(0, 2, 20), "number": rng.normal(size=20)}
    history = model.fit(x, y, epochs=3, verbose=0)
    assert list(history.history) == ["loss", "number_loss", "kind_loss", "kind_accuracy"]
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert [part.shape for part in model.predict(x)] == [(20, 1), (20, 2)]


@pytest.mark.feature("B1", "B5")
def test_layers_and_models_of_ones_own(rng):
    class Scaled(gw.Layer):
        def build(self, input_shape):
            self.factor = self.add_weight("factor", (input_shape[-1],), initializer="ones")

        def call(self, inputs):
            return inputs * self.factor.value[None, :]

    class Net(gw.Model):
        def __init__(self):
            super().__init__()
            self.parts = [layers.Dense(4, activation="relu"), Scaled()]
            self.drop = layers.Dropout(0.2)
            self.head = layers.Dense(1)

        def call(self, inputs, training=False):
            for part in self.parts:
                inputs = part(inputs)
            return self.head(self.drop(inputs, training=training))

    model = Net()
    model.compile("adam", lambda t, p: abs(t - p), metrics=["mae"])
    x = rng.normal(size=(40, 3))
    history = model.fit(x, 2 * x[:, 0], epochs=30, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert model.count_params() == 16 + 4 + 5
    with pytest.raises(FileError, match="register"):
        model.save("nowhere.gwz")


@pytest.mark.feature("F1")
def test_the_same_seed_gives_the_same_bits(rng):
    x, y = rng.normal(size=(50, 4)), rng.integers(0, 3, 50)

    def weights(seed):
        gw.set_random_seed(seed)
        model = gw.Sequential(
            [
                layers.Dense(8, "relu"),
                layers.BatchNormalization(),
                layers.Dropout(0.3),
                layers.Dense(3, "softmax"),
            ]
        )
        model.compile("rmsprop", "sparse_categorical_crossentropy")
        model.fit(x, y, batch_size=16, epochs=2, verbose=0)
        return model.get_weights()

    first, second, other = weights(1), weights(1), weights(2)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_mistakes_get_one_clear_sentence(rng):
    model = gw.Sequential([gw.Input((3,)), layers.Dense(2, activation="softmax")])
    with pytest.raises(StateError, match=r"Call model.compile\(optimizer, loss\) first"):
        model.fit(np.ones((2, 3)), np.ones(2))
    with pytest.raises(InputError, match="Did you mean 'mse'"):
        model.compile("sgd", "msee")
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(InputError, match="class labels from 0 to 1"):
        model.fit(np.ones((2, 3)), np.array([0, 2]), verbose=0)
    with pytest.raises(InputError, match=r"shape \(None, 3\), but got \(2, 4\)"):
        model.fit(np.ones((2, 4)), np.array([0, 1]), verbose=0)
