import warnings

import numpy as np
import pytest

import gradwise as gw
from gradwise import layers, losses
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("D1")

OUTPUT = (None, 3)


@pytest.mark.parametrize(
    ("loss", "targets", "text"),
    [
        ("hinge", [1, 2], r"expected classes -1 and 1 \(or 0 and 1\) for Hinge, but got values such as 2. Number the two classes so."),
        ("squared_hinge", [0.5], "for SquaredHinge, but got values such as 0.5"),
        ("poisson", [3, -1], "expected counts of 0 or more for Poisson, but got values such as -1. For other numbers use a loss such as 'mse'."),
        ("msle", [-0.5, -1], r"expected amounts above -1 \(those below 0 count as 0\) for MeanSquaredLogarithmicError, but got values such as -1. Use 'mse', or other units."),
        ("circle", [1, 2.5], "expected whole numbers as class labels for Circle, but got values such as 2.5. Number the classes."),
        ("categorical_crossentropy", [[0, 2, 0]], "expected shares of classes, at most 1, for CategoricalCrossentropy, but got values such as 2. Give one-hot rows"),
        ("kld", [[0.5, -0.5, 1]], "expected shares of classes, at least 0, for KLDivergence, but got values such as -0.5"),
        ("categorical_generalized_cross_entropy", [0, 3], "expected class labels from 0 to 2, but got labels such as 3. Give the last layer 4 units"),
        ("dice", [[0, 255]], "expected targets from 0 to 1 for Dice, but got values such as 255. Scale the targets"),
        ("mse", [[0, 1], [2, np.inf]], "expected finite targets, but got NaN or infinity in 1 of 2 rows, first in row 1, column 1. Drop these samples"),
        ("scce", [-1, np.nan], "expected finite targets"),
        (losses.SparseCategoricalCrossentropy(ignore_class=-1), [-1, 5], "got labels such as 5"),
    ],
)  # fmt: skip
def test_targets_of_the_wrong_kind_are_refused(loss, targets, text):
    with pytest.raises(InputError, match=text):
        losses.check_targets(losses.get(loss), np.array(targets), OUTPUT)


@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        ("hinge", [-1, 1, 0]),
        ("hinge", [True, False]),
        ("poisson", [0, 2.5, 1000]),
        ("msle", [-0.5, 3]),
        ("circle", [5, 100, -3]),
        ("categorical_crossentropy", [[0.2, 0.8005, 0]]),
        ("categorical_crossentropy", [[0, 0, 0], [0, 1, 0]]),
        ("mse", [-5, 1e9]),
    ],
)
def test_targets_of_the_right_kind_pass(loss, targets):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        losses.check_targets(losses.get(loss), np.array(targets), OUTPUT)


def test_several_ones_in_a_row_are_told():
    text = "fit: expected one class a sample for CategoricalCrossentropy, but got up to 2 ones in a row. For several labels a sample use 'binary_crossentropy' and a sigmoid"
    with pytest.warns(UserWarning, match=text):
        losses.check_targets(losses.CategoricalCrossentropy(), np.array([[0, 1, 0], [1, 1, 0]]), OUTPUT)


@pytest.mark.parametrize("labels", [[0, 1, 2, -1], [0, 1, 2, 3]])
@pytest.mark.parametrize(
    "method", ["fit", "evaluate", "train_on_batch", "test_on_batch", "validation", "stream"]
)
def test_labels_out_of_range_are_refused_on_every_way_in(method, labels):
    model = gw.Sequential([gw.Input((2,)), layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = np.zeros((4, 2)), np.array(labels)
    quiet = {} if method.endswith("batch") else {"verbose": 0}
    with pytest.raises(
        InputError, match=f"expected class labels from 0 to 2, but got labels such as {labels[-1]}"
    ):
        if method == "validation":
            model.fit(x, np.zeros(4, int), validation_data=(x, y), **quiet)
        elif method == "stream":
            model.fit(iter([(x, y)]), steps_per_epoch=1, **quiet)
        else:
            getattr(model, method)(x, y, **quiet)


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_missing_targets_are_refused_with_their_place(method):
    model = gw.Sequential([gw.Input((2,)), layers.Dense(3)])
    model.compile("sgd", "mse")
    y = np.zeros((4, 3))
    y[2, 1] = np.nan
    before = model.get_weights()
    text = f"{method}, y: expected finite targets, but got NaN or infinity in 1 of 4 rows, first in row 2, column 1"
    with pytest.raises(InputError, match=text):
        getattr(model, method)(np.zeros((4, 2)), y)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
