import numpy as np
import pytest

from gradwise.data.weights import class_labels, class_weights, missing_classes, missing_classes_warning
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("B5")


@pytest.mark.parametrize(
    "y",
    [
        np.array([0, 2, 1]),
        np.array([[0], [2], [1]]),
        np.array([0.0, 2.0, 1.0]),
        np.eye(3, dtype=np.float32)[[0, 2, 1]],
        np.eye(3, dtype=np.int32)[[0, 2, 1]],
    ],
)
def test_weights_for_every_form_of_labels(y):
    weights, warning = class_weights({0: 1.0, 1: 2.0, 2: 3.5}, y)
    assert weights.dtype == np.float32 and weights.tolist() == [1.0, 3.5, 2.0] and warning is None


def test_a_class_without_weight_counts_once_and_is_told():
    weights, warning = class_weights({1: 5}, np.array([0, 1, 2, 1]))
    assert weights.tolist() == [1, 5, 1, 5]
    assert warning == "class_weight names no weight for class 0, 2; it counts with weight 1."


@pytest.mark.parametrize(
    ("table", "y", "message"),
    [
        ({"a": 1}, [0, 1], "expected class numbers as keys, but got 'a'"),
        ({0.5: 1}, [0, 1], "expected class numbers as keys, but got 0.5"),
        ({0: -1}, [0, 1], "expected weights of 0 or more, but got -1 for class 0"),
        ({0: float("nan")}, [0, 1], "expected weights of 0 or more"),
        ([1, 2], [0, 1], "expected a dict from class number to weight, but got an object of type list"),
        ({0: 1}, [0.5, 1.5], "Use sample_weight, one number for each sample, instead."),
        ({0: 1}, [[1, 1], [0, 1]], "expected targets with one class per sample"),
    ],
)
def test_weights_that_cannot_be_used(table, y, message):
    with pytest.raises(InputError) as caught:
        class_weights(table, np.array(y))
    assert message in str(caught.value) and str(caught.value).startswith("fit, class_weight")


def test_class_labels():
    assert class_labels(np.array([True, False])).tolist() == [1, 0]
    assert class_labels(np.array([1.5, 2.0])) is None
    assert class_labels(np.zeros((2, 3, 4))) is None
    assert class_labels(np.array([[1, 1], [0, 1]])) is None


def test_missing_classes():
    assert missing_classes(np.array([0, 0, 1]), np.array([1, 2])) == ([2], [0])
    assert missing_classes(np.array([0.5, 1.5]), np.array([0.1])) == ([], [])
    assert missing_classes(np.arange(1000), np.arange(1000, 1100)) == ([], [])
    assert missing_classes(np.eye(3)[[0, 1]], np.eye(3)[[2]]) == ([2], [0, 1])


def test_the_warning_names_both_sides():
    text = missing_classes_warning(np.array([0, 0, 1]), np.array([1, 2]))
    assert "the training part has no sample of class 2" in text
    assert "the validation part has no sample of class 0" in text
    assert "stratify=True" in text
    assert missing_classes_warning(np.array([0, 1]), np.array([1, 0])) is None
