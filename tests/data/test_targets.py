import json

import numpy as np
import pytest

from gradwise.data.tables import as_column, read_table
from gradwise.data.target_encoding import TargetEncoder
from gradwise.data.targets import default_target, find_problem, rows_with_target
from gradwise.errors import FileError, InputError

pytestmark = pytest.mark.feature("G2")

GENERATOR = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("values", "kind", "units", "activation", "loss"),
    [
        ([0, 1] * 10, "binary", 1, "sigmoid", "binary_crossentropy"),
        (["<=50K", ">50K"] * 10, "binary", 1, "sigmoid", "binary_crossentropy"),
        ([True, False] * 10, "binary", 1, "sigmoid", "binary_crossentropy"),
        ([0.5, 1.5] * 10, "binary", 1, "sigmoid", "binary_crossentropy"),
        (["a", "b", "c"] * 10, "single_label", 3, "softmax", "sparse_categorical_crossentropy"),
        ([0, 1, 2] * 10, "single_label", 3, "softmax", "sparse_categorical_crossentropy"),
        ([3, 4, 5, 8] * 30, "single_label", 4, "softmax", "sparse_categorical_crossentropy"),
        (["x|y", "y", "x", "x|y"] * 5, "multi_label", 2, "sigmoid", "binary_crossentropy"),
        (["x; y", "y", "x", "z;y"] * 5, "multi_label", 3, "sigmoid", "binary_crossentropy"),
        (GENERATOR.normal(size=50), "regression", 1, "linear", "mse"),
        (list(range(100)), "regression", 1, "linear", "mse"),
        ([10, 20, 30] * 5, "regression", 1, "linear", "mse"),
        (GENERATOR.uniform(size=50), "unit_regression", 1, "sigmoid", "mse"),
        (GENERATOR.uniform(0.50, 0.52, size=50), "regression", 1, "linear", "mse"),
    ],
)
def test_table_4_1(values, kind, units, activation, loss):
    problem = find_problem(values)
    assert (problem.kind, problem.output_units, problem.last_activation, problem.loss) == (
        kind,
        units,
        activation,
        loss,
    )
    assert problem.reason
    assert problem.is_classification == (kind in ("binary", "single_label", "multi_label"))


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (["yes", "no"] * 5, ("no", "yes")),
        (["Y", "N"] * 5, ("N", "Y")),
        (["true", "false"] * 5, (False, True)),
        (["High", "Low", "Medium"] * 5, ("Low", "Medium", "High")),
        (["dog", "cat", "ant"] * 5, ("ant", "cat", "dog")),
        ([2, 0, 1] * 5, (0, 1, 2)),
    ],
)
def test_class_order(values, classes):
    assert find_problem(values).classes == classes


def columns(**values):
    return [as_column(name, items) for name, items in values.items()]


def test_several_columns():
    flags = find_problem(columns(a=[0, 1, 1], b=[1, 1, 0]))
    assert (flags.kind, flags.classes, flags.last_activation) == ("multi_label", ("a", "b"), "sigmoid")
    one_hot = find_problem(columns(a=[0, 1, 1], b=[1, 0, 0]))
    assert (one_hot.kind, one_hot.output_units, one_hot.last_activation) == ("single_label", 2, "softmax")
    assert find_problem(columns(a=[0, 1, 1], b=[1, 0, 0]), kind="multi_label").kind == "multi_label"
    numbers = find_problem(columns(a=[0.5, 3.0, 7.0], b=[1.0, 0.0, 0.0]))
    assert (numbers.kind, numbers.output_units) == ("regression", 2)
    assert find_problem(columns(a=[0.5, 0.1], b=[1.0, 0.2])).kind == "unit_regression"
    with pytest.raises(InputError, match="expected numbers in each of several target columns, but got 'b'"):
        find_problem(columns(a=[0, 1], b=["x", "y"]))
    with pytest.raises(InputError, match="Ask for kind='regression'"):
        find_problem(columns(a=[0, 5], b=[1, 2]), kind="multi_label")


def test_the_caller_may_choose():
    assert find_problem([3, 4, 5] * 30, kind="regression").last_activation == "linear"
    assert find_problem([0, 1] * 30, kind="single_label").output_units == 2
    assert find_problem(["a;b", "c"] * 10, kind="single_label").classes == ("a;b", "c")
    assert find_problem(["a", "b"] * 10, kind="multi_label").kind == "multi_label"
    with pytest.raises(InputError, match="Did you mean 'regression'"):
        find_problem([1, 2], kind="regresion")
    with pytest.raises(InputError, match="expected numbers, but got text"):
        find_problem(["a", "b"] * 9, kind="regression")
    with pytest.raises(InputError, match="expected two classes, but got 3"):
        find_problem(["a", "b", "c"] * 9, kind="binary")
    with pytest.raises(InputError, match="expected numbers within 0 and 1, but got 1 to 3"):
        find_problem([1, 2, 3] * 9, kind="unit_regression")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["a"] * 10, "expected at least two different values, but got 'a' in every row"),
        ([5] * 10, "expected at least two different values, but got 5 in every row"),
        ([None, None], "expected values, but got none in any row"),
        ([f"id{index}" for index in range(20)], "got 20 different values in 20 rows"),
        (["2024-01-01", "2024-01-02", "2024-01-03"], "expected classes or numbers, but got dates"),
        ([0.5, 1.5, np.inf, 3.5], "expected finite numbers, but got infinity"),
    ],
)
def test_targets_nothing_can_be_learned_from(values, message):
    with pytest.raises(InputError) as caught:
        find_problem(as_column("goal", values))
    assert message in str(caught.value) and "target 'goal'" in str(caught.value)


def test_rows_without_a_target_are_left_out():
    table = read_table({"x": [1, 2, 3], "y": ["a", None, "b"]})
    rows, dropped = rows_with_target(table, "y")
    assert rows.tolist() == [0, 2] and dropped == 1
    with pytest.raises(InputError, match="target 'z': expected values, but got none"):
        rows_with_target(read_table({"x": [1], "z": [None]}), "z")
    with pytest.raises(InputError, match="Did you mean 'survived'"):
        rows_with_target(read_table({"survived": [1]}), "survivd")


def test_default_target():
    assert default_target(read_table({"label": [1], "x": [1]}))[0] == "label"
    assert default_target(read_table({"x": [1], "Class": [1]})) == ("Class", "a column is called 'Class'")
    assert default_target(read_table({"x": [1], "class": [1], "z": [1]})) == ("z", "'z' is the last column")


@pytest.mark.parametrize(
    ("values", "encoded", "outputs", "decoded"),
    [
        (["no", "yes", "no"], [0, 1, 0], [[0.4], [0.6], [0.5]], ["no", "yes", "yes"]),
        ([7, 9, 7], [0, 1, 0], [0.1, 0.9, 0.1], [7, 9, 7]),
        (["b", "a", "c"] * 2, [1, 0, 2] * 2, [[0.1, 0.8, 0.1], [0.5, 0.3, 0.2]], ["b", "a"]),
        ([False, True], [0, 1], [[0.2], [0.7]], [False, True]),
    ],
)
def test_classes_there_and_back(values, encoded, outputs, decoded):
    encoder = TargetEncoder(find_problem(values))
    result = encoder.encode(values)
    assert result.dtype == np.int32 and result.tolist() == encoded
    assert encoder.decode(np.array(outputs)).tolist() == decoded


def test_labels_there_and_back():
    values = ["x|y", "y", "z|x", "x|y|z"]
    encoder = TargetEncoder(find_problem(values * 2))
    assert encoder.encode(values).tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 1], [1, 1, 1]]
    assert encoder.decode(np.array([[0.9, 0.1, 0.5], [0.0, 0.1, 0.2]])).tolist() == [("x", "z"), ()]


def test_regression_is_standardised_with_training_rows():
    table = read_table({"y": [10.0, 20.0, 31.0, 1000.0]})
    encoder = TargetEncoder.fit(find_problem(table.column("y"), kind="regression"), table, np.arange(3))
    expected = (np.array([10.0, 20, 31, 1000]) - 20.3333333) / np.std([10, 20, 31])
    result = encoder.encode(table)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, rtol=1e-5)
    np.testing.assert_allclose(encoder.decode(result[:, None]), table.column("y").values, rtol=1e-6)


def test_unit_regression_and_several_outputs():
    table = read_table({"a": [0.1, 0.9, 0.4], "b": [0.2, 0.4, 0.3]})
    encoder = TargetEncoder.fit(find_problem(list(table)), table, np.arange(3))
    assert encoder.encode(table).shape == (3, 2)
    np.testing.assert_allclose(encoder.decode(encoder.encode(table))[1], [0.9, 0.4], rtol=1e-6)
    one_hot = read_table({"a": [1, 0, 0], "b": [0, 1, 1]})
    encoder = TargetEncoder(find_problem(list(one_hot)))
    assert encoder.encode(one_hot).tolist() == [0, 1, 1]
    assert encoder.decode(np.array([[0.2, 0.8]])).tolist() == ["b"]


def test_unknown_and_missing_labels_are_refused():
    encoder = TargetEncoder(find_problem(["a", "b"] * 5))
    with pytest.raises(
        InputError, match=r"target 'target', row 2: expected one of the classes .* \(a, b\), but got 'c'"
    ):
        encoder.encode(["a", "c"])
    with pytest.raises(InputError, match="expected a value in every row, but got 1 missing, first in row 2"):
        encoder.encode(["a", None])
    labels = TargetEncoder(find_problem(["x|y", "y"] * 5))
    with pytest.raises(InputError, match="row 1: expected one of the classes the model knows"):
        labels.encode(["w"])
    numbers = TargetEncoder(find_problem(np.arange(50) / 3))
    with pytest.raises(InputError, match=r"expected numbers, but got text \('five'\)"):
        numbers.encode(["five"])


def test_labels_may_be_written_otherwise():
    encoder = TargetEncoder(find_problem([0, 1] * 5))
    assert encoder.encode([True, False]).tolist() == [1, 0]
    assert encoder.encode(np.array([1.0, 0.0])).tolist() == [1, 0]


def test_config_survives_json():
    table = read_table({"y": [10.5, 20.0, 30.0]})
    encoder = TargetEncoder.fit(find_problem(table.column("y")), table, np.arange(3))
    copy = TargetEncoder.from_config(json.loads(json.dumps(encoder.to_config())))
    assert copy.problem == encoder.problem
    np.testing.assert_array_equal(copy.encode(table), encoder.encode(table))
    with pytest.raises(FileError, match="expected what to_config returned"):
        TargetEncoder.from_config({"problem": {}})


@pytest.mark.parametrize(
    ("file", "target", "kind", "units"),
    [
        ("tabular/titanic.csv", "survived", "binary", 1),
        ("tabular/adult_train.csv", "income", "binary", 1),
        ("tabular/penguins.csv", "species", "single_label", 3),
        ("tabular/iris.csv", "species", "single_label", 3),
        ("tabular/mpg.csv", "mpg", "regression", 1),
        ("tabular/tips.csv", "tip", "regression", 1),
        ("tabular/winequality-red.csv", "quality", "single_label", 6),
        ("pokemon.csv.gz", "class", "single_label", 5),
    ],
)
def test_problems_of_real_files(real_file, file, target, kind, units):
    table = read_table(real_file(file))
    problem = find_problem(table.column(target))
    assert (problem.kind, problem.output_units) == (kind, units)
    encoder = TargetEncoder.fit(problem, table, np.arange(len(table)))
    if kind != "regression":
        assert sorted(set(encoder.encode(table).tolist())) == list(range(max(units, 2)))


def test_mpg_names_are_refused_as_target(real_file):
    table = read_table(real_file("tabular/mpg.csv"))
    with pytest.raises(InputError, match="got 305 different values in 398 rows"):
        find_problem(table.column("name"))
