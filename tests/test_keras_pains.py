"""Mistakes that Keras meets with silence or an unreadable error: here they get one clear sentence."""

import warnings

import numpy as np
import pytest

import gradwise as gw
from gradwise import layers
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("B2", "D1")

X = np.random.default_rng(0).normal(size=(12, 4)).astype("float32")
LABELS = np.arange(12) % 3
ONEHOT = np.eye(3, dtype="float32")[LABELS]


def classifier(loss="sparse_categorical_crossentropy", activation="softmax", units=3, **options):
    model = gw.Sequential([gw.Input((4,)), layers.Dense(units, activation=activation)])
    model.compile("sgd", loss, **options)
    return model


def refused(text, x=X, y=LABELS, model=None, **options):
    model = model or classifier()
    before = model.get_weights()
    with pytest.raises(InputError, match=text) as caught:
        model.fit(x, y, verbose=0, **options)
    assert len(str(caught.value)) < 500 and "\n" not in str(caught.value)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)  # nothing was trained


# Results that are wrong ----------------------------------------------------------------------------


def test_compile_again_forgets_the_old_metrics():
    model = classifier(metrics=["accuracy"])
    model.fit(X, LABELS, verbose=0)
    assert model.metrics_names == ["loss", "accuracy"]
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert list(model.fit(X, LABELS, verbose=0).history) == ["loss"]
    assert model.metrics_names == ["loss"]


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        (
            LABELS + 1,
            r"fit, y: expected class labels from 0 to 2, but got labels such as 3. The labels seem to start at 1",
        ),
        (LABELS - 1, r"labels such as -1. Number the classes from 0"),
        (LABELS * 5, r"labels such as 5, 10. Give the last layer 11 units"),
        (
            LABELS + 0.5,
            r"whole numbers as class labels, but got values such as 0.5, 1.5, 2.5. Use a regression loss",
        ),
    ],
)
def test_labels_outside_the_classes(labels, text):
    refused(text, y=labels)


def test_whole_float_labels_are_labels():
    assert classifier().fit(X, LABELS.astype("float64"), verbose=0).history["loss"][0] > 0


def test_targets_of_the_binary_loss():
    binary = lambda: classifier("binary_crossentropy", "sigmoid", 1)  # noqa: E731
    refused(
        r"targets from 0 to 1 for BinaryCrossentropy.*-1. Map -1 to 0",
        y=np.resize([-1, 1], 12),
        model=binary(),
    )
    refused("Subtract 1", y=np.resize([1, 2], 12), model=binary())
    refused("sparse_categorical_crossentropy", model=binary())


def sequences(**options):
    model = gw.Sequential(
        [
            gw.Input((4,), dtype="int32"),
            layers.Embedding(9, 2),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def test_embedding_index_too_big():
    x = np.arange(48).reshape(12, 4) % 10
    text = r"Embedding '.*': expected indices from 0 to 8 \(input_dim=9\), but got values from 0 to 9. Set input_dim=10"
    refused(text, x=x, model=sequences())
    model = sequences()
    for method in (model.predict, lambda x: model.evaluate(x, LABELS, verbose=0)):
        with pytest.raises(InputError, match=text):
            method(x)
    nested = gw.Sequential([gw.Input((4,), dtype="int32"), sequences()])
    with pytest.raises(InputError, match=text):
        nested.predict(x)


def test_nan_in_the_input():
    x = X.copy()
    x[3, 1] = np.nan
    refused(
        r"fit, x: expected finite numbers, but got NaN or infinity in 1 of 12 rows, first in row 3, column 1",
        x=x,
    )
    refused("expected finite", y=np.where(LABELS == 1, np.nan, 0.0), model=classifier("mse", None, 1))


def test_a_diverged_loss_is_told():
    model = gw.Sequential([gw.Input((4,)), layers.Dense(1)])
    model.compile(gw.optimizers.SGD(1e20), "mse")
    with pytest.warns(UserWarning, match="(?i)not finite|nan|infinite|diverged"):
        model.fit(X, X[:, 0], epochs=3, verbose=0)


def test_logits_into_a_loss_of_probabilities():
    refused(r"from_logits=True", model=classifier(activation=None))
    refused(r"from_logits=True", y=ONEHOT, model=classifier("categorical_crossentropy", activation=None))


def test_probabilities_into_a_loss_of_logits():
    refused(r"from_logits", model=classifier(gw.losses.SparseCategoricalCrossentropy(from_logits=True)))


def test_accuracy_of_a_regression_warns():
    model = classifier("mse", None, 1, metrics=["accuracy"])
    with pytest.warns(UserWarning, match=r"metric 'accuracy'.*but got real numbers such as.*use 'mae'"):
        model.fit(X, X[:, 0], verbose=0)


def test_validation_split_of_sorted_data_warns():
    y = np.sort(LABELS)
    with pytest.warns(UserWarning, match=r"training part has no sample of class 2.*Pass stratify=True"):
        classifier().fit(X, y, validation_split=0.34, verbose=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = classifier(metrics=["accuracy"])
        history = model.fit(X, y, validation_split=0.25, stratify=True, verbose=0)
    assert history.history["val_loss"]
    refused(
        "targets that are classes",
        y=X[:, 0],
        model=classifier("mse", None, 1),
        validation_split=0.2,
        stratify=True,
    )


def test_class_weight_without_a_class_warns_once():
    with pytest.warns(UserWarning, match="names no weight for class 2; it counts with weight 1") as told:
        classifier().fit(X, LABELS, class_weight={0: 1.0, 1: 2.0}, validation_data=(X, LABELS), verbose=0)
    assert len(told) == 1


# Errors nobody understands -------------------------------------------------------------------------


def test_integer_labels_with_categorical_crossentropy():
    refused("sparse_categorical_crossentropy", model=classifier("categorical_crossentropy"))


def test_onehot_labels_with_the_sparse_loss():
    refused("categorical_crossentropy", y=ONEHOT, model=classifier())


def test_wrong_key_in_a_dict_of_losses():
    x = gw.Input((4,))
    model = gw.Model(x, [layers.Dense(1, name="price")(x), layers.Dense(3, "softmax", name="kind")(x)])
    model.compile("sgd", {"prise": "mse", "kind": "sparse_categorical_crossentropy"})
    refused(
        r"an output of the model, but got 'prise'. Did you mean 'price'", y=[X[:, 0], LABELS], model=model
    )
    model.compile("sgd", ["mse"])
    refused(
        r"compile, loss: expected 2 items, one for each output \(price, kind\), but got 1",
        y=[X[:, 0], LABELS],
        model=model,
    )
    model.compile("sgd", "mse")
    refused(r"y: expected 2 arrays, one for each output \(price, kind\), but got 1", y=X[:, 0], model=model)


def test_lists_are_understood():
    assert len(classifier().fit(X.tolist(), LABELS.tolist(), verbose=0).history["loss"]) == 1
    rows = classifier()
    assert rows.predict(list(X)).shape == rows.predict([X]).shape == (12, 3)
    refused(r"ragged lists|one length", x=[[1.0, 2.0, 3.0, 4.0]] * 11 + [[1.0]])


def test_text_and_objects():
    refused(
        r"fit, y: expected numbers, but got text \(for example 'cat'\).*numpy.unique",
        y=np.resize(["cat", "dog"], 12),
    )
    refused(r"fit, x: expected numbers, but got text", x=X.astype(str))
    refused(r"fit, x: .*text.*'a'", x=np.full((12, 4), "a", dtype=object))
    refused("dtype object", x=np.array([[1, 2]] * 11 + [[1]], dtype=object))
    assert classifier().fit(X.astype(object), LABELS.astype(object), verbose=0)


def test_frames_with_text_name_the_column():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1.0] * 12, "b": [2] * 12, "c": ["x"] * 12, "d": [1] * 12})
    refused("text or dates in column 'c'", x=frame)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: classifier("sparse_categorical_crossentropyy"),
            "a loss, but got .*Did you mean 'sparse_categorical_cross|a loss, but got .*Did you mean 'SparseCategoricalCross",
        ),
        (lambda: classifier(metrics=["acuracy"]), "a metric, but got 'acuracy'. Did you mean 'accuracy'"),
        (
            lambda: gw.Sequential([layers.Dense(1)]).compile("addam", "mse"),
            "an optimizer, but got 'addam'. Did you mean 'Adam'|Did you mean 'adam'",
        ),
        (lambda: layers.Dense(1, activation="rellu"), "an activation, but got 'rellu'. Did you mean 'relu'"),
        (
            lambda: layers.Dense(1, kernel_initializer="glorot_unform")(X),
            "an initializer, but got 'glorot_unform'. Did you mean",
        ),
        (
            lambda: layers.Dense(1, kernel_regularizer="l3")(X),
            "a regularizer, but got 'l3'. Known names: l1, l1l2, l2",
        ),
        (lambda: layers.Dense(1, unts=3), "a setting, but got 'unts'|unexpected keyword"),
    ],
)
def test_typos_get_the_nearest_name(make, text):
    with pytest.raises((InputError, TypeError), match=text):
        make()


def test_a_typo_in_a_monitor():
    with pytest.raises(InputError, match="val_los"):
        classifier().fit(
            X,
            LABELS,
            verbose=0,
            validation_split=0.5,
            callbacks=[gw.callbacks.EarlyStopping(monitor="val_los")],
        )


def test_grey_images_into_a_convolution():
    with pytest.raises(InputError, match="channel axis"):
        layers.Conv2D(2, 3)(np.ones((2, 8, 8), "float32"))
    colour = gw.Sequential([gw.Input((8, 8, 3)), layers.Conv2D(2, 3), layers.GlobalAveragePooling2D()])
    with pytest.raises(
        InputError, match=r"shape \(None, 8, 8, 3\), but got \(2, 8, 8\). Images need a channel axis"
    ):
        colour.predict(np.ones((2, 8, 8)))
    grey = gw.Sequential([gw.Input((8, 8, 1)), layers.Conv2D(2, 3), layers.GlobalAveragePooling2D()])
    assert grey.predict(np.ones((2, 8, 8))).shape == (2, 2)  # one channel: nothing else can be meant


def test_images_into_dense():
    with pytest.raises(InputError, match="start with Flatten"):
        classifier().predict(np.ones((2, 4, 4)))
    with pytest.raises(InputError, match="single sample: x\\[None\\] adds the batch axis"):
        classifier().predict(np.ones(4))


class Condition(gw.Layer):
    def call(self, inputs):
        if inputs.sum() > 0:
            return inputs
        return -inputs


class UsesNumpy(gw.Layer):
    def call(self, inputs):
        return np.maximum(inputs, 0)


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (Condition, r"test_keras_pains.py, line \d+: if inputs.sum\(\) > 0:\).*jax.numpy.where"),
        (UsesNumpy, "np.maximum.*jnp"),
    ],
)
def test_python_on_a_tensor_names_the_line(layer, text):
    with pytest.raises(InputError, match=text):
        layer()(gw.Input((3,)))

    class Net(gw.Model):
        def __init__(self):
            super().__init__()
            self.part = layer()

        def call(self, inputs):
            return self.part(inputs)

    model = Net()
    for use in (model, model.predict):
        with pytest.raises(InputError, match=text):
            use(X)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"batch_size": 0}, "fit, batch_size: expected an integer of at least 1, but got 0"),
        ({"batch_size": -1}, "batch_size.*but got -1"),
        ({"batch_size": 2.5}, "batch_size.*but got 2.5"),
        ({"epochs": -1}, "fit, epochs: expected an integer of at least 0, but got -1"),
        ({"epochs": "3"}, "epochs.*but got '3'"),
        (
            {"validation_split": 0.2, "validation_data": (X, LABELS)},
            "validation_split or validation_data, but got both",
        ),
        ({"validation_split": 1.0}, "validation_split"),
        ({"validation_split": -0.1}, "validation_split"),
        ({"validation_data": X}, r"expected \(x, y\) or \(x, y, sample_weight\)"),
        ({"sample_weight": np.ones(5)}, "sample_weight with 5"),
        ({"class_weight": [1, 2, 3]}, "a dict from class number to weight"),
        ({"class_weight": {"a": 1.0}}, "class numbers as keys"),
        ({"validation_freq": 0}, "validation_freq"),
        ({"steps_per_epoch": 0}, "steps_per_epoch"),
    ],
)
def test_settings_of_fit_out_of_range(options, text):
    refused(text, **options)


def test_lengths_that_differ():
    refused(r"x with 12, y with 11", y=LABELS[:11])
    refused(r"fit, x: expected at least one sample", x=X[:0], y=LABELS[:0])


def test_targets_of_another_width():
    refused(r"expected .*\(?.*but got", y=np.ones((12, 2)), model=classifier("mse", None, 3))
