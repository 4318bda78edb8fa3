import numpy as np
import pytest

from gradwise.data.columns import find_leaks, infer_kinds
from gradwise.data.scales import bracket_value, word_order
from gradwise.data.tables import read_table
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("A5")


def kind_of(values, name="x"):
    return infer_kinds(read_table({name: values}))[name]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1.5, 2.5, 3.5], "numeric"),
        ([1, 2, 3, 1], "numeric"),
        ([0, 1, 1, 0], "boolean"),
        (["true", "false", "true"], "boolean"),
        (["Yes", "no", "yes"], "boolean"),
        (["Low", "High", "Medium", "Low"], "ordinal"),
        (["First", "Third", "Second"], "ordinal"),
        (["small", "large", "small"], "ordinal"),
        (["S", "M", "XL", "S"], "ordinal"),
        (["S", "M", "S", "M"], "nominal"),
        (["0-17", "26-35", "55+", "0-17"], "ordinal"),
        (["under 18", "18 to 30", "over 30"], "ordinal"),
        (["red", "blue", "red", "blue"], "nominal"),
        (["S", "C", "Q", "S", "C", "Q"], "nominal"),
        (["007", "012", "007", "012"], "nominal"),
        (["2024-01-01", "2024-01-02"], "date"),
        (["Anna", "Bert", "Carl"], "identifier"),
        ([f"name {index % 40}" for index in range(60)], "text"),
        ([7, 7, 7], "constant"),
        (["x", "x"], "constant"),
        ([None, None, "NA"], "empty"),
        (["x", None, "x"], "nominal"),
    ],
)
def test_kinds(values, kind):
    assert kind_of(values).name == kind


def test_numbers_of_rows_are_identifiers_only_by_name():
    numbers = list(range(100, 140))
    assert kind_of(numbers, "PassengerId").name == "identifier"
    assert kind_of(numbers, "customer_id").name == "identifier"
    assert kind_of(numbers, "weight").name == "numeric"
    assert kind_of([1, 1, 2] * 10, "station_id").name == "numeric"
    assert kind_of(numbers, "acid").name == "numeric"


def test_reasons_are_told():
    assert kind_of(["Third", "First"]).reason == "words in order: First < Third"
    assert kind_of(["26-35", "0-17", "55+"]).reason == "brackets: 0-17, 26-35, 55+"
    assert "row 20 says 'oops'" in kind_of(["1"] * 19 + ["oops"]).reason


def test_overrides():
    table = read_table({"grade": ["meh", "wow", "meh"], "code": [1, 2, 1]})
    kinds = infer_kinds(table, {"code": "nominal", "grade": ["meh", "fine", "wow"]})
    assert kinds["code"].name == "nominal"
    assert kinds["grade"].reason == "in the order asked for: meh < fine < wow"
    with pytest.raises(InputError, match="Did you mean 'nominal'"):
        infer_kinds(table, {"code": "nominl"})
    with pytest.raises(InputError, match="Did you mean 'code'"):
        infer_kinds(table, {"cod": "nominal"})


def test_word_order_counts_from_one():
    order = word_order(["Low", "Medium", "High"])
    assert [order[word] for word in ("low", "medium", "high")] == [1, 2, 3]
    order = word_order(["very low", "Very_High", "medium"])
    assert [order[word] for word in ("very low", "low", "medium", "very high")] == [1, 2, 3, 5]
    assert word_order(["low", "tall"]) is None
    assert word_order(["low"]) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0-17", 8.5),
        ("26-35", 30.5),
        ("55+", 55),
        ("<18", 18),
        (">= 65", 65),
        ("65 and over", 65),
        ("18 to 25", 21.5),
        ("$10k-20k", 15000),
        ("$10,000 - $20,000", 15000),
        ("10-20k", 15000),
        ("12", 12),
        ("35-26", None),
        ("blue", None),
        ("HS-grad", None),
        ("2024-01-05", None),
    ],
)
def test_brackets(text, number):
    assert bracket_value(text) == number


def leak_table(**columns):
    rows = 40
    base = {"y": [0, 1] * (rows // 2), "noise": np.random.default_rng(0).normal(size=rows)}
    return read_table({**base, **columns})


def test_leaks():
    table = leak_table(alive=["no", "yes"] * 20, half=["a", "a", "b", "b"] * 10)
    assert find_leaks(table, "y") == {"alive": "each value of it goes with exactly one value of 'y'"}


def test_a_scaled_copy_is_a_leak_and_a_row_number_is_none():
    values = np.random.default_rng(1).normal(size=40)
    table = read_table({"y": values, "cents": 100 * values + 3, "row": np.arange(40), "noisy": values**3})
    assert find_leaks(table, "y") == {"cents": "it follows 'y' along a straight line"}


def test_few_rows_prove_no_leak():
    assert find_leaks(read_table({"y": [0, 1] * 5, "x": [1, 0] * 5}), "y") == {}
    sparse = ["no", "yes"] * 5 + [None] * 30
    assert find_leaks(leak_table(alive=sparse), "y") == {}


def test_titanic_leak(real_file):
    assert list(find_leaks(read_table(real_file("tabular/titanic.csv")), "survived")) == ["alive"]


REAL = {
    "titanic": {
        "class": "ordinal",
        "deck": "nominal",
        "alone": "boolean",
        "age": "numeric",
        "sex": "nominal",
    },
    "adult_train": {"education": "nominal", "native_country": "nominal", "fnlwgt": "numeric"},
    "mpg": {"name": "text", "origin": "nominal", "horsepower": "numeric"},
    "tips": {"smoker": "boolean", "day": "nominal", "size": "numeric"},
}


@pytest.mark.parametrize("name", REAL)
def test_kinds_of_real_files(real_file, name):
    kinds = infer_kinds(read_table(real_file(f"tabular/{name}.csv")))
    assert {column: kinds[column].name for column in REAL[name]} == REAL[name]


def test_brackets_on_both_sides_of_one_number_are_told_apart():
    kind = kind_of(["<=50K", ">50K", "<=50K"])
    assert kind.name == "ordinal" and kind.order == ("<=50K", ">50K")
    assert kind.reason == "brackets in order: <=50K < >50K"
    assert kind_of(["65 and over", "under 65", "65 and over"]).order == ("under 65", "65 and over")
    assert kind_of(["under 18", "18-64", "65+"]).order == ()


def test_ids_by_name_need_a_different_whole_number_in_each_row():
    assert kind_of([*range(19), None], "id").name == "numeric"
    assert kind_of([place / 2 for place in range(20)], "id").name == "numeric"


def test_infinity_and_zero_one_numbers():
    assert kind_of([0.0, 1.0, None, 1.0]).name == "boolean"
    assert kind_of([0.0, 0.5, 1.0]).name == "numeric"
    assert kind_of([np.inf, 1.0]).name == "numeric"
    assert kind_of([np.datetime64("2024-01-01")] * 3).reason == "every row says 2024-01-01 00:00:00"


def test_kinds_of_random_tables_are_right(rng):
    for _ in range(20):
        rows = int(rng.integers(40, 200))
        columns = {
            "numeric": rng.normal(size=rows),
            "boolean": rng.choice(["yes", "no"], rows),
            "ordinal": rng.choice(["low", "medium", "high"], rows),
            "nominal": rng.choice(["north", "south", "east"], rows),
            "date": np.datetime64("2020-01-01") + rng.integers(0, 999, rows),
            "identifier": [f"u{place}" for place in rng.permutation(rows)],
            "constant": np.full(rows, 3.5),
        }
        for name, kind in infer_kinds(columns).items():
            assert kind.name == name, (name, kind)


def test_adults_income_keeps_its_two_brackets(real_file):
    kind = infer_kinds(real_file("tabular/adult_train.csv"))["income"]
    assert kind.order == ("<=50K", ">50K")
