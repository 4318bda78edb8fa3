import jax.numpy as jnp
import numpy as np
import pandas
import polars
import pytest
import scipy.sparse

from gradwise.data.arrays import count_samples, named_arrays, take, to_arrays
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("A1", "A6", "B5")

FRAME = {"a": [1.0, 2.0], "b": [3, 4]}


@pytest.mark.parametrize(
    ("values", "dtype", "shape"),
    [
        (np.zeros((3, 2)), "float32", (3, 2)),
        (np.zeros((3, 2), np.float16), "float16", (3, 2)),
        (np.zeros(3, np.uint8), "uint8", (3,)),
        (np.zeros(3, np.int64), "int32", (3,)),
        (np.zeros(3, bool), "bool", (3,)),
        (jnp.zeros((3, 2), jnp.bfloat16), "bfloat16", (3, 2)),
        (jnp.zeros((3, 2), jnp.int32), "int32", (3, 2)),
        ([1, 2, 3], "int32", (3,)),
        ([[1.0, 2.0], [3.0, 4.0]], "float32", (2, 2)),
        (range(4), "int32", (4,)),
        ([np.float64(1.5), np.float64(2.5)], "float32", (2,)),
        (np.array([1, 2.5], dtype=object), "float32", (2,)),
        (np.array([True, False], dtype=object), "bool", (2,)),
        (pandas.DataFrame(FRAME), "float32", (2, 2)),
        (polars.DataFrame(FRAME), "float32", (2, 2)),
        (pandas.Series([1, 2]), "int32", (2,)),
        (polars.Series([1.0, 2.0]), "float32", (2,)),
        (pandas.Series([True, False], dtype="boolean"), "bool", (2,)),
        (scipy.sparse.csr_matrix(np.eye(2)), "float32", (2, 2)),
    ],
)
def test_what_is_converted(values, dtype, shape):
    array = to_arrays(values)
    assert (array.dtype.name, array.shape) == (dtype, shape)


def test_tensors_of_pytorch_are_converted():
    torch = pytest.importorskip("torch")
    array = to_arrays(torch.zeros(3, 2))
    assert (array.dtype.name, array.shape) == ("float32", (3, 2))


def test_values_survive_and_nothing_is_copied_needlessly():
    array = np.arange(6, dtype=np.float32).reshape(3, 2)
    assert to_arrays(array) is array
    np.testing.assert_array_equal(to_arrays(polars.DataFrame(FRAME)), [[1, 3], [2, 4]])
    np.testing.assert_array_equal(to_arrays(pandas.DataFrame(FRAME)), [[1, 3], [2, 4]])
    assert to_arrays(np.zeros(2), float_dtype="float64").dtype == np.float64


def test_structures_keep_their_form():
    both = to_arrays([np.zeros((3, 2)), [1, 2, 3]])
    assert [array.shape for array in both] == [(3, 2), (3,)]
    named = to_arrays({"left": pandas.DataFrame(FRAME), "right": [1, 2]})
    assert {name: array.shape for name, array in named.items()} == {"left": (2, 2), "right": (2,)}
    assert [name for name, _ in named_arrays("x", named)] == ["x['left']", "x['right']"]


def test_a_list_of_samples_is_stacked_when_one_array_is_wanted():
    samples = [np.ones((8, 8)), np.zeros((8, 8)), np.ones((8, 8))]
    assert to_arrays(samples, count=1).shape == (3, 8, 8)
    assert len(to_arrays(samples)) == 3
    with pytest.raises(InputError, match=r"items 0 and 1 have shapes \(8, 8\) and \(8, 7\)"):
        to_arrays([np.ones((8, 8)), np.ones((8, 7))], count=1)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array(["cat", "dog"]), "expected numbers, but got text (for example 'cat'). Number labels with"),
        (["cat", "dog"], "got text (for example 'cat')"),
        (np.array(["cat", 1], dtype=object), "got text (for example 'cat')"),
        (pandas.Series(["cat", "dog"]), "got text (for example 'cat')"),
        (np.array([[1, 2], [3]], dtype=object), "an array of lists (dtype object), the first of length 2"),
        (
            [[1, 2], [3]],
            "got 2 values in row 0 and 1 in row 1. Cut or fill them with gradwise.utils.pad_sequences.",
        ),
        (np.array([object()]), "got an object of type object at position 0 (dtype object)"),
        (np.array(["2024-01-01"], dtype="datetime64[D]"), "got values of type datetime64[D]"),
        (np.array([1j]), "got values of type complex128"),
        (np.zeros((0, 3)), "expected at least one sample, but got an empty array of shape (0, 3)"),
        ([], "expected at least one sample"),
        (np.float32(3), "expected an array whose first axis counts the samples"),
        (object(), "but got an object of type object. Convert it with numpy.asarray first."),
        (iter([1]), "got an object of type list_iterator"),
        (
            np.array([0, 2**40]),
            "expected integers from -2147483648 to 2147483647, but got values from 0 to 1099511627776",
        ),
        (np.array([1, None, 3], dtype=object), "got NaN or infinity in 1 of 3 rows, first in row 1."),
        (np.array([1.0, 1e300]), "numbers beyond the range of the float type count as infinity"),
        (
            pandas.DataFrame({"age": [1, 2], "name": ["a", "b"], "town": ["c", "d"]}),
            "expected a frame of numbers, but got text or dates in columns 'name', 'town'.",
        ),
        (polars.DataFrame({"age": [1, None, 3]}), "fit, x, column 'age': expected finite numbers"),
        (
            pandas.DataFrame({"age": pandas.array([1, None], dtype="Int64")}),
            "column 'age': expected finite numbers",
        ),
    ],
)
def test_what_is_refused_in_one_line(values, message):
    with pytest.raises(InputError) as caught:
        to_arrays(values)
    assert message in str(caught.value)
    assert str(caught.value).startswith("fit, x") and len(str(caught.value)) < 400


def test_not_a_number_is_located():
    array = np.zeros((10, 4), np.float32)
    array[3, 2] = np.nan
    array[7] = np.inf
    array[7, 0] = -np.inf  # infinities of both signs add up to NaN
    with pytest.raises(InputError) as caught:
        to_arrays({"a": array}, where="evaluate")
    assert str(caught.value).startswith(
        "evaluate, x['a']: expected finite numbers, but got NaN or infinity in 2 of 10 rows, first in row 3, column 2."
    )
    picture = np.zeros((2, 3, 3), np.float32)
    picture[1, 2, 0] = np.nan
    with pytest.raises(InputError, match=r"first in row 1, column \(2, 0\)"):
        to_arrays(picture)


def test_a_sum_that_overflows_is_no_infinity():
    array = np.full((4, 2), 3e38, np.float32)
    assert to_arrays(array) is array


def test_lengths():
    assert (
        count_samples("fit", x={"a": np.zeros(4), "b": np.zeros((4, 2))}, y=np.zeros(4), sample_weight=None)
        == 4
    )
    with pytest.raises(InputError) as caught:
        count_samples("fit", x=[np.zeros(4), np.zeros(5)], y=np.zeros(4))
    assert str(caught.value).startswith(
        "fit: expected the same number of samples in every array, but got x[0] with 4, x[1] with 5, y with 4."
    )


def test_take():
    values = {"a": np.arange(5), "b": np.arange(10).reshape(5, 2)}
    part = take(values, slice(3, 5))
    assert part["a"].tolist() == [3, 4] and part["a"].base is values["a"]
    assert take([values["a"]], np.array([4, 0]))[0].tolist() == [4, 0]
