import json
import time

import numpy as np
import pandas
import pytest
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from gradwise.data.preprocessing import TablePreprocessor
from gradwise.data.tables import read_table
from gradwise.errors import FileError, InputError, StateError

pytestmark = pytest.mark.feature("A5", "G4")


def fitted(columns, rows=None, **settings):
    table = read_table(columns)
    return TablePreprocessor().fit(table, rows=rows, **settings), table


def test_numbers_are_standardised_with_training_rows_only():
    values = np.array([1.0, 3.0, 5.0, 1000.0])
    preprocessor, table = fitted({"x": values}, rows=np.arange(3))
    expected = StandardScaler().fit(values[:3, None]).transform(values[:, None])
    result = preprocessor.transform(table)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, rtol=1e-6)
    # What is not a training row changes nothing.
    other, _ = fitted({"x": [1.0, 3.0, 5.0, -7.0]}, rows=np.arange(3))
    assert other.to_config() == preprocessor.to_config()


def test_missing_numbers_get_the_median_and_an_indicator():
    values = np.array([1.0, np.nan, 3.0, 8.0])
    preprocessor, table = fitted({"x": values})
    filled = SimpleImputer(strategy="median").fit_transform(values[:, None])
    expected = StandardScaler().fit_transform(filled)[:, 0]
    result = preprocessor.transform(table)
    assert preprocessor.feature_names == ["x", "x (missing)"]
    np.testing.assert_allclose(result[:, 0], expected, rtol=1e-6)
    assert result[:, 1].tolist() == [0, 1, 0, 0]
    assert "1 missing: median 3 and an indicator" in preprocessor.report[0].action


def test_missing_only_later_is_filled_and_told():
    preprocessor, _ = fitted({"x": [1.0, 2.0, 3.0]})
    result = preprocessor.transform(read_table({"x": [None, 2.0]}))
    assert result.tolist() == [[0.0], [0.0]]
    assert preprocessor.last_notes.sentences() == [
        "Column 'x': 1 missing, filled in; none was missing in training."
    ]


def test_nominal_is_one_hot():
    values = ["red", "blue", "red", "blue", "green", "green"]
    preprocessor, table = fitted({"colour": values})
    expected = OneHotEncoder(sparse_output=False).fit_transform(np.array(values)[:, None])
    np.testing.assert_array_equal(preprocessor.transform(table), expected)
    assert preprocessor.feature_names == ["colour=blue", "colour=green", "colour=red"]


def test_rare_unseen_and_missing_categories():
    preprocessor, _ = fitted({"c": ["a"] * 5 + ["b"] * 5 + ["rare", None]})
    assert preprocessor.feature_names == ["c=a", "c=b", "c=(other)", "c=(missing)"]
    result = preprocessor.transform(read_table({"c": ["a", "rare", "new", None, "new"]}))
    assert result.argmax(axis=1).tolist() == [0, 2, 2, 3, 2] and (result.sum(axis=1) == 1).all()
    assert preprocessor.last_notes.unseen == {"c": {"new": 2}}
    assert preprocessor.last_notes.sentences() == [
        "Column 'c': 2 rows with values not seen in training ('new')."
    ]


def test_unseen_without_rare_ones_is_all_zero():
    preprocessor, _ = fitted({"c": ["a", "b"] * 4})
    assert preprocessor.transform(read_table({"c": ["new", "a"]})).tolist() == [[0, 0], [1, 0]]


def test_many_categories_keep_the_most_frequent():
    values = [f"c{index % 60:02d}" for index in range(600)] + ["c00"] * 10
    preprocessor, _ = fitted({"c": values})
    assert len(preprocessor.feature_names) == 51 and "c=c00" in preprocessor.feature_names


def test_ordinal_words_and_brackets():
    preprocessor, table = fitted({"size": ["Low", "High", "Medium"], "age": ["0-17", "26-35", "55+"]})
    result = preprocessor.transform(table)
    np.testing.assert_allclose(result[:, 0], StandardScaler().fit_transform([[1], [3], [2]])[:, 0], rtol=1e-6)
    np.testing.assert_allclose(
        result[:, 1], StandardScaler().fit_transform([[8.5], [30.5], [55]])[:, 0], rtol=1e-6
    )
    # A word or bracket that training lacked has its place all the same; other text is unseen.
    later = preprocessor.transform(read_table({"size": ["medium", "huge?"], "age": ["18-25", "40"]}))
    assert later[0, 0] == 0 and later[1, 0] == 0
    np.testing.assert_allclose(later[:, 1], (np.array([21.5, 40]) - 31.3333333) / 18.9927, rtol=1e-3)
    assert preprocessor.last_notes.unseen == {"size": {"huge?": 1}}


def test_ordinal_order_of_the_caller():
    preprocessor, table = fitted({"g": ["meh", "wow", "fine"]}, kinds={"g": ["meh", "fine", "wow"]})
    np.testing.assert_allclose(preprocessor.transform(table)[:, 0], [-1.2247449, 1.2247449, 0], rtol=1e-6)
    with pytest.raises(InputError, match=r"expected words of a known order.*kinds=\{'g':"):
        fitted({"g": ["meh", "wow", "fine"]}, kinds={"g": "ordinal"})


def test_booleans_stay_zero_and_one():
    preprocessor, table = fitted({"b": [True, False], "c": ["yes", "no"], "d": [0, 1]})
    assert preprocessor.transform(table).tolist() == [[1, 1, 0], [0, 0, 1]]
    # The same answers written otherwise.
    later = read_table({"b": [1, 0], "c": ["NO", "Yes"], "d": ["false", "true"]})
    assert preprocessor.transform(later).tolist() == [[1, 0, 0], [0, 1, 1]]


def test_dates_become_parts():
    preprocessor, table = fitted({"when": ["2024-01-01 06:00", "2024-07-02 12:00", "2024-01-03 18:00"]})
    names = ["day", "month_sin", "month_cos", "weekday_sin", "weekday_cos", "hour_sin", "hour_cos"]
    assert preprocessor.feature_names == [f"when.{name}" for name in names]
    result = preprocessor.transform(table)
    assert result.shape == (3, 7) and np.isfinite(result).all()
    encoder = preprocessor.to_config()["encoders"][0]
    raw = result * np.array(encoder["scales"]) + np.array(encoder["means"])
    np.testing.assert_allclose(raw[0, 1:3], [0, 1], atol=1e-6)  # January
    np.testing.assert_allclose(raw[1, 1:3], [0, -1], atol=1e-6)  # July
    np.testing.assert_allclose(raw[0, 3:5], [0, 1], atol=1e-6)  # Monday
    np.testing.assert_allclose(raw[0, 5:], [1, 0], atol=1e-6)  # six o'clock


def test_constants_and_ids_are_left_out_and_reported():
    rows = 30
    columns = {
        "x": np.arange(rows) / 7,
        "k": [5] * rows,
        "id": np.arange(rows),
        "name": [f"n{i}" for i in range(rows)],
    }
    preprocessor, _ = fitted(columns)
    assert preprocessor.feature_names == ["x"] and preprocessor.columns == ["x"]
    assert [(entry.name, entry.action) for entry in preprocessor.report[1:]] == [
        ("k", "left out"),
        ("id", "left out"),
        ("name", "left out"),
    ]
    assert preprocessor.report[1].reason == "every row says 5"


def test_leave_out_and_target():
    table = read_table({"x": [1.0, 2.0], "alive": ["a", "b"], "y": [0, 1]})
    preprocessor = TablePreprocessor().fit(table, "y", leave_out={"alive": "it is the target"})
    assert preprocessor.feature_names == ["x"]
    assert [entry.name for entry in preprocessor.report] == ["x", "alive"]
    assert preprocessor.report[1].reason == "it is the target"
    preprocessor.transform(table)
    assert preprocessor.last_notes.extra == ()


def test_a_constant_with_gaps_is_harmless():
    preprocessor, table = fitted({"x": [0.1, 0.1, None, 0.1], "z": [1.0, 2.0, 3.0, 4.0]})
    assert preprocessor.transform(table)[:, 0].tolist() == [0, 0, 0, 0]


def test_columns_may_come_in_another_order_with_further_ones():
    preprocessor, table = fitted({"a": [1.0, 2.0], "b": [5.0, 9.0]})
    other = read_table({"z": [0, 0], "b": [5.0, 9.0], "a": [1.0, 2.0]})
    np.testing.assert_array_equal(preprocessor.transform(other), preprocessor.transform(table) * 1)
    preprocessor.transform(other)
    assert preprocessor.last_notes.extra == ("z",)
    assert preprocessor.last_notes.sentences() == ["Ignored, as not part of the training table: z."]


def test_missing_columns_and_wrong_types_are_refused():
    preprocessor, _ = fitted({"a": [1.0, 2.0], "b": [5.0, 9.0]})
    with pytest.raises(InputError, match="got a table without 'b'. Add the columns; cells may be empty."):
        preprocessor.transform(read_table({"a": [1.0]}))
    with pytest.raises(InputError, match="column 'b', row 2: expected a number, but got 'many'"):
        preprocessor.transform(read_table({"a": [1, 2], "b": ["3", "many"]}))
    with pytest.raises(InputError, match="column 'a', row 2: expected a finite number, but got 'inf'"):
        preprocessor.transform(read_table({"a": [1, np.inf], "b": [1, 2]}))
    with pytest.raises(InputError, match="column 'a', row 1: expected a number, but got '2024-01-01"):
        preprocessor.transform(read_table({"a": ["2024-01-01"], "b": [1]}))


def test_infinity_in_training_tells_the_row_of_the_file():
    with pytest.raises(InputError, match="column 'x', row 4: expected a finite number"):
        fitted({"x": [1.0, 2.0, 3.0, np.inf]}, rows=np.array([1, 3]))


def test_wrong_boolean_and_date_cells():
    preprocessor, _ = fitted({"b": ["yes", "no"], "d": ["2024-01-01", "2024-01-02"]})
    with pytest.raises(InputError, match="column 'b', row 1: expected yes or no, but got 'maybe'"):
        preprocessor.transform(read_table({"b": ["maybe"], "d": ["2024-01-01"]}))
    with pytest.raises(InputError, match="column 'd', row 1: expected a date, but got 'soon'"):
        preprocessor.transform(read_table({"b": ["yes"], "d": ["soon"]}))


def test_columns_without_any_value_are_left_out_and_reported():
    preprocessor, table = fitted({"a": [1, 2], "b": [None, None]}, kinds={"b": "numeric"})
    assert preprocessor.feature_names == ["a"]
    assert preprocessor.report[1].reason == "no row has a value"
    assert (preprocessor.report[1].action, preprocessor.report[1].missing) == ("left out", 2)
    assert preprocessor.transform(table).shape == (2, 1) and preprocessor.last_notes.extra == ()
    with pytest.raises(
        InputError, match="expected at least one column.*but got 'b': no row has a value. Add"
    ):
        fitted({"b": [None, None]})


@pytest.mark.parametrize("kinds", [None, {"b": "numeric"}])
def test_a_column_without_a_value_in_the_training_rows_is_told_of(kinds):
    columns = {"a": [1, 2, 3, 4], "b": [None, None, 7, None]}
    with pytest.warns(
        UserWarning, match="Column 'b' is left out: no training row has a value, 1 other row has one."
    ):
        preprocessor, _ = fitted(columns, rows=[0, 1], kinds=kinds)
    assert preprocessor.feature_names == ["a"]
    assert preprocessor.report[1].reason == "no training row has a value"
    with pytest.warns(UserWarning, match="no training row has a value, 2 other rows have one."):
        fitted({"a": [1, 2, 3, 4], "b": [None, None, 7, 8]}, rows=[0, 1])


@pytest.mark.parametrize(
    ("rows", "got"),
    [
        ([900], "numbers from 900 to 900"),
        ([-1, 2], "numbers from -1 to 2"),
        ([], "none"),
        ([False] * 4, "none"),
        ([0.0, 1.0], r"values of type float64 and shape \(2,\)"),
        ([True, False], r"values of type bool and shape \(2,\)"),
        ([[0, 1]], r"values of type int64 and shape \(1, 2\)"),
    ],
)
def test_training_rows_that_are_none(rows, got):
    message = f"TablePreprocessor.fit, rows: expected row numbers from 0 to 3, at least one, but got {got}. "
    with pytest.raises(InputError, match=message):
        fitted({"a": [1, 2, 3, 4]}, rows=rows)
    chosen, _ = fitted({"a": [1.0, 2.0, 3.0, 4.0]}, rows=[True, False, True, False])
    assert chosen.report[0].action.startswith("standardised (mean 2,")


def test_nothing_left_to_learn_from():
    with pytest.raises(
        InputError, match="expected at least one column to learn from, but got 'k': every row says 1"
    ):
        fitted({"k": [1, 1]})
    texts = [f"a different text, number {number}" for number in range(30)]
    with pytest.raises(
        InputError,
        match="Add other columns; texts such as 'review' need layers.TextVectorization, in Python.",
    ):
        fitted({"k": [1] * 30, "review": texts})


def test_transform_before_fit():
    with pytest.raises(StateError, match=r"Call fit\(table, target, rows\)"):
        TablePreprocessor().transform(read_table({"a": [1]}))


def test_config_survives_json():
    columns = {
        "n": [1.0, None, 3.0, 5.0],
        "c": ["a", "b", "a", "b"],
        "o": ["Low", "High", "High", "Low"],
        "d": ["2024-01-01", "2024-02-01", "2024-03-01", None],
        "k": [1, 1, 1, 1],
    }
    preprocessor, table = fitted(columns)
    copy = TablePreprocessor.from_config(json.loads(json.dumps(preprocessor.to_config())))
    np.testing.assert_array_equal(copy.transform(table), preprocessor.transform(table))
    assert copy.report == preprocessor.report and copy.feature_names == preprocessor.feature_names
    with pytest.raises(FileError, match="expected what to_config returned"):
        TablePreprocessor.from_config({"encoders": [{}]})


@pytest.mark.parametrize(
    ("name", "target", "features"),
    [("titanic", "survived", 32), ("penguins", "species", 14), ("adult_train", "income", 108)],
)
def test_real_files(real_file, name, target, features):
    table = read_table(real_file(f"tabular/{name}.csv"))
    preprocessor = TablePreprocessor().fit(table, target)
    x = preprocessor.transform(table)
    assert x.dtype == np.float32 and np.isfinite(x).all() and len(x) == len(table)
    assert x.shape[1] == len(preprocessor.feature_names)
    assert abs(x.shape[1] - features) <= 4
    assert not preprocessor.last_notes.unseen


def test_random_tables_as_scikit_learn_transforms_them(rng):
    for _ in range(10):
        rows = int(rng.integers(50, 300))
        numbers = rng.normal(3, 7, size=(rows, 2))
        numbers[rng.random((rows, 2)) < 0.15] = np.nan
        colours = rng.choice(["red", "green", "blue"], rows).astype(object)
        training = np.sort(rng.permutation(rows)[: rows // 2])
        preprocessor, table = fitted(
            {"a": numbers[:, 0], "b": numbers[:, 1], "c": colours}, rows=training, kinds={"c": "nominal"}
        )
        imputer = SimpleImputer(strategy="median", add_indicator=True).fit(numbers[training])
        filled = imputer.transform(numbers)
        scaler = StandardScaler().fit(filled[training, :2])
        scaled = scaler.transform(filled[:, :2])
        one_hot = OneHotEncoder(sparse_output=False, handle_unknown="ignore").fit(colours[training, None])
        expected = np.column_stack(
            [scaled[:, 0], filled[:, 2], scaled[:, 1], filled[:, 3], one_hot.transform(colours[:, None])]
        )
        np.testing.assert_allclose(preprocessor.transform(table), expected, rtol=1e-5, atol=1e-6)


def test_any_source_of_a_table_may_be_given(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x,c,y\n1,a,0\n2,b,1\n3,a,0\n4,b,1\n")
    preprocessor = TablePreprocessor().fit(path, "y")
    expected = preprocessor.transform(read_table(path))
    np.testing.assert_array_equal(preprocessor.transform({"c": list("abab"), "x": [1, 2, 3, 4]}), expected)
    np.testing.assert_array_equal(preprocessor.transform(pandas.read_csv(path)), expected)
    assert preprocessor.last_notes.sentences() == []


def test_words_that_read_as_numbers_or_booleans_by_themselves_are_known_again():
    preprocessor, _ = fitted({"c": ["true", "maybe", "1.50", "2024-01-01"] * 3})
    assert preprocessor.feature_names == ["c=1.50", "c=2024-01-01", "c=maybe", "c=true"]
    for value, place in (("true", 3), ("1.50", 0), (1.5, 0), ("2024-01-01", 1), ("maybe", 2)):
        result = preprocessor.transform({"c": [value]})
        assert result.argmax() == place and result.sum() == 1
        assert preprocessor.last_notes.unseen == {}
    preprocessor.transform({"c": ["false", "false"]})
    assert preprocessor.last_notes.unseen == {"c": {"False": 2}}


def test_tables_that_use_the_words_other_and_missing_themselves():
    preprocessor, _ = fitted({"c": ["(other)", "a", "(missing)", "b", None] * 4 + ["rare"]})
    assert preprocessor.feature_names == ["c=(missing)", "c=(other)", "c=a", "c=b"]
    result = preprocessor.transform({"c": ["(missing)", None, "(other)", "rare", "new", "b"]})
    assert result.argmax(axis=1).tolist() == [0, 0, 1, 1, 1, 3]
    assert preprocessor.last_notes.unseen == {"c": {"new": 1}}


def test_brackets_on_both_sides_of_a_number_carry_information():
    preprocessor, table = fitted({"income": ["<=50K", ">50K", ">50K", "<=50K"]})
    assert preprocessor.transform(table)[:, 0].tolist() == [-1, 1, 1, -1]
    copy = TablePreprocessor.from_config(json.loads(json.dumps(preprocessor.to_config())))
    assert copy.transform(table)[:, 0].tolist() == [-1, 1, 1, -1]


def test_ordered_categories_of_pandas_count_in_their_order():
    order = ["mini", "mid", "grand"]
    values = ["grand", "mini", "mid", "mini"]
    frame = pandas.DataFrame({"size": pandas.Categorical(values, categories=order, ordered=True)})
    expected = StandardScaler().fit_transform([[order.index(value)] for value in values])
    preprocessor, _ = fitted(frame)
    np.testing.assert_allclose(preprocessor.transform(frame), expected, rtol=1e-6)
    # Plain texts later have the same places; numbered categories are known by number, too.
    np.testing.assert_allclose(preprocessor.transform({"size": values}), expected, rtol=1e-6)
    grades = pandas.DataFrame({"g": pandas.Categorical([3, 1, 2], ordered=True)})
    preprocessor, _ = fitted(grades)
    np.testing.assert_allclose(preprocessor.transform({"g": [2, 1]})[:, 0], [0, -1.2247449], rtol=1e-6)


def test_many_rows_take_little_time(rng):
    rows = 200_000
    columns = {f"x{place}": rng.normal(size=rows) for place in range(6)}
    columns |= {f"c{place}": rng.choice(["red", "green", "blue"], rows) for place in range(4)}
    table = read_table(columns)
    start = time.perf_counter()
    result = TablePreprocessor().fit(table).transform(table)
    assert result.shape == (rows, 18) and time.perf_counter() - start < 60
