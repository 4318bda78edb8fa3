"""Data in every form that fit, evaluate and predict take."""

import numpy as np
import pytest

import gradwise as gw
from gradwise import layers
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("A6", "B2")

COUNT = 20
X = np.random.default_rng(0).normal(size=(COUNT, 3)).astype("float32")
Y = X @ np.array([1.0, -2.0, 0.5], "float32")


@pytest.fixture(scope="module")
def model():
    model = gw.Sequential([gw.Input((3,)), layers.Dense(1)])
    model.compile(gw.optimizers.SGD(0.01), "mse", metrics=["mae"])
    return model


def fresh(model):
    """The same start for every form of the data; the compiled programs stay."""
    model.set_weights([np.full((3, 1), 0.5), np.zeros(1)])
    return model


def fitted(model, *data, **options):
    size = {} if hasattr(data[0], "__next__") or isinstance(data[0], Pieces) else {"batch_size": 5}
    history = fresh(model).fit(*data, shuffle=False, verbose=0, **{**size, **options})
    return history.history["loss"], model.get_weights()[0]


@pytest.fixture(scope="module")
def expected(model):
    return fitted(model, X, Y, epochs=2)


def same(got, expected):
    np.testing.assert_allclose(got[0], expected[0], rtol=1e-4)
    np.testing.assert_allclose(got[1], expected[1], rtol=1e-4, atol=1e-6)


def test_arrays_lists_and_frames(model, expected):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    columns = {"a": X[:, 0], "b": X[:, 1], "c": X[:, 2]}
    for x, y in [
        (X.astype("float64"), Y.astype("float64")),
        (X.tolist(), Y.tolist()),
        (X, Y[:, None]),
        (pandas.DataFrame(columns), pandas.Series(Y, index=range(7, 7 + COUNT))),
        (polars.DataFrame(columns), polars.Series("y", Y)),
        ([X], [Y]),
        ({model.inputs[0].name: X}, Y),
    ]:
        same(fitted(model, x, y, epochs=2), expected)
        assert fresh(model).evaluate(x, y, verbose=0)[0] == pytest.approx(
            fresh(model).evaluate(X, Y, verbose=0)[0], rel=1e-5
        )
        assert model.predict(x).shape == (COUNT, 1)


@pytest.mark.parametrize("kind", ["uint8", "int64", "bool", "int8", "float16"])
def test_other_types(model, kind):
    x = (np.random.default_rng(0).integers(0, 2, (COUNT, 3))).astype(kind)
    same(fitted(model, x, Y), fitted(model, x.astype("float32"), Y))


def pieces(epochs=None):
    while epochs is None or epochs > 0:
        for start in range(0, COUNT, 5):
            yield X[start : start + 5], Y[start : start + 5]
        epochs = None if epochs is None else epochs - 1


class Pieces:
    """An object with a length and items, as keras.utils.Sequence was."""

    def __len__(self):
        return 4

    def __getitem__(self, place):
        return X[5 * place : 5 * place + 5], Y[5 * place : 5 * place + 5]


def test_generators_and_collections_of_batches(model, expected):
    for source, options in [
        (pieces(), {"steps_per_epoch": 4}),
        (pieces(epochs=2), {"steps_per_epoch": 4}),
        (Pieces(), {}),
        (Pieces(), {"steps_per_epoch": 4}),
    ]:
        same(fitted(model, source, epochs=2, **options), expected)
    loss, _ = fitted(model, pieces(epochs=1))
    assert loss[0] == pytest.approx(expected[0][0], rel=1e-4)


def test_generators_in_evaluate_predict_and_validation(model):
    exact = fresh(model).evaluate(X, Y, verbose=0)
    np.testing.assert_allclose(model.evaluate(pieces(epochs=1), verbose=0), exact, rtol=1e-5)
    np.testing.assert_allclose(model.evaluate(pieces(), steps=4, verbose=0), exact, rtol=1e-5)
    np.testing.assert_allclose(model.evaluate(Pieces(), verbose=0), exact, rtol=1e-5)
    np.testing.assert_allclose(model.predict(Pieces()), model.predict(X), rtol=1e-5)
    np.testing.assert_allclose(model.predict((x for x, _ in pieces(epochs=1))), model.predict(X), rtol=1e-5)
    for data, options in [(Pieces(), {}), (pieces(), {"validation_steps": 4})]:
        history = model.fit(X, Y, validation_data=data, epochs=2, verbose=0, **options).history
        np.testing.assert_allclose(history["val_loss"][-1], model.evaluate(X, Y, verbose=0)[0], rtol=1e-5)


def test_the_first_batch_of_a_generator_is_not_lost():
    new = gw.Sequential([gw.Input((3,)), layers.Dense(1)])
    new.compile("sgd", "mse")
    assert new.evaluate(pieces(epochs=1), verbose=0) == pytest.approx(new.evaluate(X, Y, verbose=0), rel=1e-5)
    new.compile("sgd", "mse")
    seen = []
    note = gw.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    new.fit(pieces(epochs=1), verbose=0, callbacks=[note])
    assert seen == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("make", "options", "text"),
    [
        (
            lambda: pieces(epochs=1),
            {"steps_per_epoch": 6},
            "fit: expected 6 batches, but got 4, then the data ended",
        ),
        (lambda: pieces(epochs=1), {"epochs": 2}, "fit, steps_per_epoch: expected a number of steps"),
        (lambda: iter([]), {}, "at least one batch"),
        (lambda: iter([(X, Y, None, 3)]), {}, "a tuple of 4"),
        (lambda: pieces(epochs=1), {"validation_split": 0.5}, "validation_split"),
        (lambda: pieces(epochs=1), {"validation_data": pieces()}, "fit, validation_steps"),
        (lambda: iter([(X, Y[:3])]), {}, "x with 20, y with 3"),
    ],
)
def test_streams_that_cannot_be_used(make, options, text):
    model = gw.Sequential([gw.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(InputError, match=text):
        model.fit(make(), verbose=0, **options)


def test_weights_in_streams(model):
    weights = np.linspace(0, 2, COUNT)
    batches = [(X[i : i + 5], Y[i : i + 5], weights[i : i + 5]) for i in range(0, COUNT, 5)]
    got = fitted(model, iter(batches))
    same(got, fitted(model, X, Y, sample_weight=weights))
    exact = model.evaluate(X, Y, sample_weight=weights, verbose=0)
    np.testing.assert_allclose(model.evaluate(iter(batches), verbose=0), exact, rtol=1e-5)


def test_steps_and_frequencies(model):
    history = fresh(model).fit(
        X, Y, batch_size=5, epochs=4, steps_per_epoch=2, validation_data=(X, Y), validation_freq=2, verbose=0
    )
    assert len(history.history["loss"]) == 4 and len(history.history["val_loss"]) == 2
    history = model.fit(X, Y, initial_epoch=3, epochs=5, verbose=0)
    assert history.epoch == [3, 4]
    assert model.fit(X, Y, epochs=0, verbose=0).history == {}
    part = (
        fresh(model)
        .fit(
            X, Y, batch_size=5, validation_data=(X, Y), validation_steps=2, validation_batch_size=5, verbose=0
        )
        .history
    )
    assert part["val_loss"][0] == pytest.approx(model.evaluate(X[:10], Y[:10], verbose=0)[0], rel=1e-5)


def test_one_batch_at_a_time(model, expected):
    fresh(model)
    for _ in range(2):
        for x, y in pieces(epochs=1):
            loss, mae = model.train_on_batch(x, y)
    np.testing.assert_allclose(model.get_weights()[0], expected[1], rtol=1e-4, atol=1e-6)
    assert model.test_on_batch(X, Y) == pytest.approx(model.evaluate(X, Y, verbose=0), rel=1e-5)
    named = model.test_on_batch(X, Y, sample_weight=np.ones(COUNT), return_dict=True)
    assert list(named) == ["loss", "mae"]
    np.testing.assert_allclose(model.predict_on_batch(X), model.predict(X), rtol=1e-5)
    assert loss >= 0 and mae >= 0


def test_new_sizes_of_predict_are_traced_in_powers_of_two():
    traces = []

    class Counted(gw.Layer):
        couples_rows = "never"

        def call(self, inputs):
            traces.append(inputs.shape[0])
            return inputs

    model = gw.Sequential([gw.Input((3,)), Counted()])
    traces.clear()
    for size in (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 5):
        np.testing.assert_array_equal(model.predict(X[:size]), X[:size])
    assert traces == [1, 2, 4, 8, 16]


def test_class_weights_count_in_validation_by_stream():
    """A batch source and the same arrays give one val_loss."""
    new = gw.Sequential([gw.Input((3,)), layers.Dense(2, activation="softmax")])
    new.compile(gw.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    labels = np.arange(COUNT) % 2
    batches = [(X[i : i + 5], labels[i : i + 5]) for i in range(0, COUNT, 5)]
    options = {"class_weight": {0: 1.0, 1: 5.0}, "verbose": 0}
    stream = new.fit(iter(batches), validation_data=iter(batches), validation_steps=4, **options).history
    arrays = new.fit(X, labels, validation_data=(X, labels), **options).history
    np.testing.assert_allclose(stream["val_loss"], arrays["val_loss"], rtol=1e-5)
