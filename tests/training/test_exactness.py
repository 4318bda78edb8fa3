"""Logs are exact over samples, whatever the batches, the weights and the masks; padding changes nothing."""

import jax.numpy as jnp
import numpy as np
import pytest

import gradwise as gw
from gradwise import layers

pytestmark = pytest.mark.feature("D3", "B2")


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@pytest.fixture(scope="module")
def classifier():
    gw.set_random_seed(1)
    model = gw.Sequential([gw.Input((4,)), layers.Dense(3, activation="softmax")])
    model.compile(
        gw.optimizers.SGD(0.0),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        weighted_metrics=["accuracy"],
    )
    return model


def truth(model, x, y, weights):
    p = model.predict(x)
    losses = -np.log(p[np.arange(len(y)), y])
    right = p.argmax(1) == y
    # The loss divides by the number of samples, as Keras' sum_over_batch_size does in each batch.
    return [(losses * weights).sum() / len(y), right.mean(), (right * weights).sum() / weights.sum()]


def test_an_epoch_with_sample_weights_and_unequal_batches(classifier):
    x, y = numbers(23, 4), np.arange(23) % 3
    weights = np.linspace(0, 4, 23) ** 2
    expected = truth(classifier, x, y, weights)
    for size in (1, 5, 8, 23, 64):
        np.testing.assert_allclose(
            classifier.evaluate(x, y, sample_weight=weights, batch_size=size, verbose=0), expected, rtol=1e-5
        )
        history = classifier.fit(x, y, sample_weight=weights, batch_size=size, verbose=0).history
        np.testing.assert_allclose([values[0] for values in history.values()], expected, rtol=1e-5)
    validated = classifier.fit(
        x, y, validation_data=(x, y, weights), validation_batch_size=7, verbose=0
    ).history
    np.testing.assert_allclose(
        [validated[f"val_{name}"][0] for name in classifier.metrics_names], expected, rtol=1e-5
    )


def test_metrics_names_follow_the_logs(classifier):
    assert classifier.metrics_names == ["loss", "accuracy", "accuracy_1"]


def test_weights_of_classes_count_in_validation_too(classifier):
    x, y = numbers(12, 4), np.arange(12) % 3
    weights = np.array([1.0, 3.0, 0.5])[y]
    history = classifier.fit(
        x, y, validation_data=(x, y), class_weight={0: 1.0, 1: 3.0, 2: 0.5}, batch_size=5, verbose=0
    ).history
    expected = truth(classifier, x, y, weights)
    np.testing.assert_allclose(
        [history[f"val_{name}"][0] for name in classifier.metrics_names], expected, rtol=1e-5
    )


def test_masked_steps_count_nowhere():
    """An epoch over unequal batches is sum over kept steps / number of kept steps."""
    model = gw.Sequential(
        [
            gw.Input((6,), dtype="int32"),
            layers.Embedding(9, 4, mask_zero=True),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile(gw.optimizers.SGD(0.0), "sparse_categorical_crossentropy", metrics=["accuracy"])
    generator = np.random.default_rng(2)
    x, y = generator.integers(0, 9, (11, 6)), generator.integers(0, 2, (11, 6))
    x[:4, 1:] = 0  # the first batch has few steps, the last many
    p = model.predict(x)
    losses = -np.log(np.take_along_axis(p, y[..., None], -1))[..., 0]
    kept = x != 0
    expected = [losses[kept].mean(), (p.argmax(-1) == y)[kept].mean()]
    np.testing.assert_allclose(model.evaluate(x, y, batch_size=4, verbose=0), expected, rtol=1e-5)
    history = model.fit(x, y, batch_size=4, shuffle=False, verbose=0).history
    np.testing.assert_allclose([history["loss"][0], history["accuracy"][0]], expected, rtol=1e-5)


def test_flattened_padding_does_not_drop_samples():
    """A mask of single features ends at Dense; every sample counts."""
    model = gw.Sequential(
        [
            gw.Input((3,), dtype="int32"),
            layers.Embedding(5, 2, mask_zero=True),
            layers.Flatten(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("sgd", "binary_crossentropy")
    x, y = np.array([[0, 1, 2], [1, 2, 3]]), np.array([1, 0])
    p = model.predict(x)[:, 0]
    assert model.evaluate(x, y, verbose=0) == pytest.approx(
        -np.log(np.where(y == 1, p, 1 - p)).mean(), rel=1e-5
    )


def test_ignored_classes_do_not_count():
    model = gw.Sequential([gw.Input((3,)), layers.Dense(4, activation="softmax")])
    model.compile("sgd", gw.losses.SparseCategoricalCrossentropy(ignore_class=-1))
    x, y = numbers(6, 3), np.array([0, 1, -1, -1, 2, -1])
    p = model.predict(x)
    kept = y >= 0
    expected = -np.log(p[kept, y[kept]]).mean()
    assert model.evaluate(x, y, batch_size=4, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_penalties_are_part_of_the_loss_once():
    model = gw.Sequential(
        [
            gw.Input((2,)),
            layers.Dense(1, kernel_regularizer=gw.regularizers.L2(0.1), activity_regularizer="l1"),
        ]
    )
    model.compile(gw.optimizers.SGD(0.0), "mse")
    x, y = numbers(7, 2), numbers(7, 1, seed=1)
    outputs = model.predict(x)
    kernel = model.layers[0].kernel.numpy()
    batches = [outputs[:3], outputs[3:6], outputs[6:]]
    # The activity penalty is a sum over a batch divided by its size: over the epoch, the mean over samples.
    activity = sum(0.01 * np.abs(part).sum() for part in batches) / 7
    expected = np.mean((outputs - y) ** 2) + 0.1 * (kernel**2).sum() + activity
    assert model.evaluate(x, y, batch_size=3, verbose=0) == pytest.approx(expected, rel=1e-5)
    assert model.fit(x, y, batch_size=3, shuffle=False, verbose=0).history["loss"][0] == pytest.approx(
        expected, rel=1e-5
    )


@pytest.mark.parametrize("normalised", [False, True])
def test_a_padded_last_batch_equals_an_unpadded_one(normalised):
    """The same 11 samples in batches of 4 (with a rest of 3) and as hand-made batches."""

    def make():
        gw.set_random_seed(5)
        middle = [layers.BatchNormalization(momentum=0.5)] if normalised else []
        model = gw.Sequential([gw.Input((3,)), layers.Dense(4, "tanh"), *middle, layers.Dense(1)])
        model.compile(gw.optimizers.Adam(0.05), "mse", metrics=["mae"])
        return model

    x, y = numbers(11, 3), numbers(11, 1, seed=1)
    whole, pieces = make(), make()
    history = whole.fit(x, y, batch_size=4, shuffle=False, epochs=2, verbose=0)
    for _ in range(2):
        for start in (0, 4, 8):
            pieces.train_on_batch(x[start : start + 4], y[start : start + 4])
    for a, b in zip(whole.get_weights(), pieces.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert len(history.history["mae"]) == 2


def test_evaluate_and_predict_do_not_depend_on_the_batch_size():
    model = gw.Sequential(
        [gw.Input((3,)), layers.Dense(8, "relu"), layers.BatchNormalization(), layers.Dense(2)]
    )
    model.compile("sgd", "mse", metrics=["mae", "r2_score"])
    x, y = numbers(37, 3), numbers(37, 2, seed=1)
    results = [model.evaluate(x, y, batch_size=size, verbose=0) for size in (5, 36, 37, 100)]
    for result in results[1:]:
        np.testing.assert_allclose(result, results[0], rtol=1e-5)
    whole = model.predict(x)
    for size in (1, 5, 36, 100):
        np.testing.assert_allclose(model.predict(x, batch_size=size), whole, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model(x), whole, rtol=1e-5, atol=1e-6)


def test_rows_that_depend_on_each_other_are_never_padded():
    class Centred(gw.Layer):
        def call(self, inputs):
            return inputs - jnp.mean(inputs, axis=0, keepdims=True)

    model = gw.Sequential([gw.Input((2,)), Centred()])
    x = numbers(5, 2)
    np.testing.assert_allclose(model.predict(x), x - x.mean(0), rtol=1e-5, atol=1e-6)
    model.compile("sgd", "mse")
    expected = np.mean([*((x[:3] - x[:3].mean(0)) ** 2).ravel(), *((x[3:] - x[3:].mean(0)) ** 2).ravel()])
    assert model.evaluate(x, 0 * x, batch_size=3, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_a_users_metric_of_the_whole_batch_sees_only_real_samples():
    def batch_error(y_true, y_pred):
        return jnp.mean(jnp.abs(y_true - y_pred))

    model = gw.Sequential([gw.Input((3,)), layers.Dense(1)])
    model.compile(gw.optimizers.SGD(0.0), "mse", metrics=[batch_error, "mae"])
    x, y = numbers(10, 3), numbers(10, 1, seed=1)
    _, own, exact = model.evaluate(x, y, batch_size=4, verbose=0)
    assert own == pytest.approx(exact, rel=1e-5)
    history = model.fit(x, y, batch_size=4, verbose=0).history
    assert history["batch_error"][0] == pytest.approx(history["mae"][0], rel=1e-5)


def test_a_mask_of_features_on_the_output_drops_no_sample():
    model = gw.Sequential(
        [gw.Input((3,), dtype="int32"), layers.Embedding(5, 2, mask_zero=True), layers.Flatten()]
    )
    model.compile("sgd", "mse", metrics=["mae"])
    x = np.array([[0, 1, 2], [1, 2, 3]])
    loss, error = model.evaluate(x, np.ones((2, 6)), verbose=0)
    assert loss > 0 and error > 0
