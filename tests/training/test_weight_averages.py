"""Moving averages of weights: as in Keras through `fit`, and the callback that evaluates with them."""

import numpy as np
import pytest
from keras_reference import keras_ways, load_keras

import gradwise as gw
from gradwise import layers
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("E3")

X = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
Y = (X @ [[1.0], [-2.0], [0.5]] + 0.3).astype("float32")


def linear(optimizer, library=gw):
    model = library.Sequential([library.Input((3,)), library.layers.Dense(1)])
    model.compile(optimizer, "mse")
    model.set_weights([np.ones((3, 1), "float32"), np.zeros(1, "float32")])
    return model


def fit(model, **settings):
    model.fit(X, Y, **{"batch_size": 8, "epochs": 3, "shuffle": False, "verbose": 0, **settings})
    return model


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"ema_momentum": 0.6},
        {"ema_momentum": 0.8, "ema_overwrite_frequency": 4},
        {"ema_momentum": 0.5, "ema_overwrite_frequency": 1},
    ],
)
def test_same_weights_as_keras(settings):
    keras = load_keras()
    with keras_ways():
        theirs = linear(keras.optimizers.SGD(0.05, momentum=0.9, use_ema=True, **settings), keras)
        expected = fit(theirs).get_weights()
    ours = fit(linear(gw.optimizers.SGD(0.05, momentum=0.9, use_ema=True, **settings)))
    for mine, other in zip(ours.get_weights(), expected, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-6)


def test_a_second_fit_goes_on_from_the_average_and_with_it():
    """Keras 3.15 on JAX failed here (a donated buffer was used twice), so this is not compared."""
    model = fit(linear(gw.optimizers.SGD(0.05, use_ema=True, ema_momentum=0.9)))
    average = weight = model.get_weights()[0]
    bias = model.get_weights()[1]
    fit(model, batch_size=40, epochs=2)
    for _ in range(2):
        error = X @ weight + bias - Y
        weight = weight - 0.05 * 2 * X.T @ error / len(X)
        bias = bias - 0.05 * 2 * error.mean(0)
        average = 0.9 * average + 0.1 * weight
    np.testing.assert_allclose(model.get_weights()[0], average, rtol=1e-4)


def path_of_weights(**settings):
    """The kernel after each step of plain training."""
    seen = []
    model = linear(gw.optimizers.SGD(0.05))
    note = gw.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(model.get_weights()[0])
    )
    fit(model, callbacks=[note], **settings)
    return seen


def test_average_in_closed_form():
    """The first update starts the average; then a = 0.9 a + 0.1 w."""
    average = None
    for weight in path_of_weights():
        average = weight if average is None else 0.9 * average + 0.1 * weight
    model = fit(linear(gw.optimizers.SGD(0.05, use_ema=True, ema_momentum=0.9)))
    np.testing.assert_allclose(model.get_weights()[0], average, rtol=1e-5)
    # Evaluation and prediction use what is in the model.
    np.testing.assert_allclose(
        model.predict(X), X @ model.get_weights()[0] + model.get_weights()[1], rtol=1e-4, atol=1e-5
    )


def test_averages_count_updates_and_not_batches_of_an_accumulation():
    settings = {"use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 2}
    whole = fit(linear(gw.optimizers.SGD(0.05, **settings)), batch_size=20, epochs=4)
    parts = fit(
        linear(gw.optimizers.SGD(0.05, gradient_accumulation_steps=4, **settings)), batch_size=5, epochs=4
    )
    for mine, other in zip(parts.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-7)


def test_averages_respect_constraints():
    gw.set_random_seed(0)
    model = gw.Sequential([gw.Input((3,)), layers.Dense(1, kernel_constraint="non_neg")])
    model.compile(gw.optimizers.SGD(0.1, use_ema=True), "mse")
    fit(model)
    assert (model.get_weights()[0] >= 0).all()


class Evaluations(gw.callbacks.Callback):
    """Notes the weights while validation runs, and at the end of epochs."""

    def __init__(self):
        self.during, self.after = [], []

    def on_test_begin(self, logs=None):
        self.during.append(self.model.get_weights()[0])

    def on_epoch_end(self, epoch, logs=None):
        self.after.append((self.model.get_weights()[0], logs["val_loss"]))


def loss_of(kernel, bias=0.0):
    return float(np.mean((X @ kernel + bias - Y) ** 2))


@pytest.mark.parametrize("batch_hook", [False, True])
def test_swapping_validates_with_averages_and_trains_on_without(batch_hook):
    plain = path_of_weights()
    averages, average = [], None
    for weight in plain:
        average = weight if average is None else 0.9 * average + 0.1 * weight
        averages.append(average)
    notes = Evaluations()
    model = linear(gw.optimizers.SGD(0.05, use_ema=True, ema_momentum=0.9))
    more = [gw.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)] if batch_hook else []
    fit(model, validation_data=(X, Y), callbacks=[gw.callbacks.SwapEMAWeights(), notes, *more])
    for epoch in range(3):
        np.testing.assert_allclose(notes.during[epoch], averages[5 * epoch + 4], rtol=1e-5)
        np.testing.assert_allclose(notes.after[epoch][0], plain[5 * epoch + 4], rtol=1e-5)
    np.testing.assert_allclose(model.get_weights()[0], averages[-1], rtol=1e-5)
    # The loss that was logged is that of the averages too.
    assert notes.after[-1][1] == pytest.approx(model.evaluate(X, Y, verbose=0), rel=1e-5)


def test_swapping_at_the_end_of_epochs_saves_averages(tmp_path):
    checkpoint = gw.callbacks.ModelCheckpoint(str(tmp_path / "{epoch}.gwz"))
    model = linear(gw.optimizers.SGD(0.05, use_ema=True, ema_momentum=0.9))
    fit(model, callbacks=[gw.callbacks.SwapEMAWeights(swap_on_epoch=True), checkpoint])
    average = None
    for step, weight in enumerate(path_of_weights()):
        average = weight if average is None else 0.9 * average + 0.1 * weight
        if step % 5 == 4:
            saved = gw.load_model(tmp_path / f"{step // 5 + 1}.gwz")
            np.testing.assert_allclose(saved.get_weights()[0], average, rtol=1e-5)
    np.testing.assert_allclose(model.get_weights()[0], average, rtol=1e-5)


def test_swapping_needs_averages():
    with pytest.raises(
        InputError,
        match=r"SwapEMAWeights: expected an optimizer that keeps averages of the weights, but got one that "
        r"does not\. Compile with use_ema=True",
    ):
        fit(linear("sgd"), callbacks=[gw.callbacks.SwapEMAWeights()])
    with pytest.raises(InputError, match=r"averaged weights: expected an optimizer that averages weights"):
        from gradwise.training.run import Run

        Run(layers.Dense(1), None, {}).averaged_weights()


def test_weights_that_are_thawed_later_start_their_average_where_they_are():
    gw.set_random_seed(0)
    model = gw.Sequential([gw.Input((3,)), layers.Dense(2), layers.Dense(1)])
    model.compile(gw.optimizers.SGD(0.01, use_ema=True, ema_momentum=1.0), "mse")
    model.layers[0].trainable = False
    kernel = model.get_weights()[0]
    fit(model)
    model.layers[0].trainable = True
    fit(model)
    np.testing.assert_array_equal(model.get_weights()[0], kernel)


def test_an_interrupt_leaves_the_weights_in_training():
    model = linear(gw.optimizers.SGD(0.05, use_ema=True))
    plain = path_of_weights()

    class Stop(gw.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 3:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(model, callbacks=[Stop()])
    np.testing.assert_allclose(model.get_weights()[0], plain[3], rtol=1e-5)


def test_half_precision_weights_have_averages_that_move():
    gw.set_random_seed(0)
    model = gw.Sequential([gw.Input((3,)), layers.Dense(1, dtype="bfloat16", kernel_initializer="zeros")])
    model.compile(gw.optimizers.SGD(0.05, use_ema=True, ema_momentum=0.999), "mse")
    fit(model, epochs=20)
    assert model.session.averages()["dense/kernel"].dtype == "float32"
    assert model.get_weights()[0].dtype.name == "bfloat16"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"ema_momentum": 1.5},
            r"expected ema_momentum as a number of at least 0 and at most 1, but got 1\.5",
        ),
        ({"ema_momentum": -1}, r"expected ema_momentum .* but got -1"),
        (
            {"ema_overwrite_frequency": 0},
            r"expected ema_overwrite_frequency as a whole number of at least 1, but got 0",
        ),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        gw.optimizers.Adam(use_ema=True, **settings)
