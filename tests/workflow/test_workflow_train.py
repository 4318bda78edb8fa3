import json

import numpy as np
import pytest

from gradwise.errors import InputError
from gradwise.workflow import train
from gradwise.workflow.prepared import prepare
from gradwise.workflow.trained import TrainedModel

pytestmark = pytest.mark.feature("G1", "G2", "G3")


def _weights(result):
    return [np.asarray(weight) for weight in result.model.get_weights()]


def test_a_table_is_learned_and_beats_the_baseline(binary_result):
    assert binary_result.test["accuracy"] > binary_result.baseline["accuracy"] + 0.15
    assert binary_result.verdict.standing == "better"
    assert set(binary_result.test) == {"accuracy", "ROC AUC", "log loss"}


def test_columns_are_understood(binary_result):
    kinds = {report.name: report.kind for report in binary_result.prepared.columns}
    assert kinds["customer_id"] == "identifier" and kinds["country"] == "constant"
    assert kinds["size"] == "ordinal" and kinds["town"] == "nominal" and kinds["age"] == "numeric"


@pytest.mark.feature("G4")
def test_a_column_that_gives_the_answer_away_is_left_out_with_a_warning(binary_result):
    assert "paid" not in [name for name in binary_result.trained.inputs.preprocessor.columns]
    assert binary_result.prepared.warnings[0] == (
        "Column 'paid' gives the answer away and is left out: each value of it goes with exactly one value of "
        "'buys'."
    )


@pytest.mark.feature("G4")
def test_statistics_are_those_of_the_training_part_only(customer_table):
    before = prepare(customer_table, "buys", seed=3)
    test_rows = [before.show(index)["row"]["(row)"] - 1 for index in range(len(before.test))]
    for row in test_rows:
        customer_table["age"][row], customer_table["town"][row] = 10_000, "Rome"
    after = prepare(customer_table, "buys", seed=3)
    assert after.inputs.to_config() == before.inputs.to_config()
    np.testing.assert_array_equal(after.train.x, before.train.x)
    assert not np.array_equal(after.test.x, before.test.x)


@pytest.mark.feature("G4")
def test_rows_that_are_in_two_parts_are_counted(customer_table):
    twice = {name: [*column, *column] for name, column in customer_table.items()}
    prepared = prepare(twice, "buys", seed=0)
    rows = list(zip(*twice.values(), strict=True))
    part = [rows[prepared.show(index)["row"]["(row)"] - 1] for index in range(len(prepared.test))]
    assert 0 < prepared.duplicates <= len(part)
    assert prepare(customer_table, "buys", seed=0).duplicates == 0


@pytest.mark.feature("G4")
def test_the_test_part_is_evaluated_exactly_once(monkeypatch, customer_table):
    seen = []
    plain = TrainedModel.outputs

    def counted(self, x):
        seen.append(len(x))
        return plain(self, x)

    monkeypatch.setattr(TrainedModel, "outputs", counted)
    result = train(customer_table, "buys", epochs=1, seed=0, verbose=0)
    result.report()
    assert seen == [len(result.prepared.test)]


def test_one_seed_gives_the_same_bits_and_leaves_the_callers_numbers_alone(customer_table):
    np.random.seed(5)
    first = train(customer_table, "buys", epochs=3, seed=1, verbose=0)
    drawn = np.random.uniform()
    np.random.seed(5)
    assert np.random.uniform() == drawn
    second = train(customer_table, "buys", epochs=3, seed=1, verbose=0)
    assert first.fitting.history == second.fitting.history
    for ours, same in zip(_weights(first), _weights(second), strict=True):
        np.testing.assert_array_equal(ours, same)
    assert first.report_path is None
    other = prepare(customer_table, "buys", seed=2)
    assert not np.array_equal(first.prepared.train.x, other.train.x)


def test_the_librarys_seed_decides_where_none_is_given(monkeypatch, customer_table):
    from gradwise import set_random_seed
    from gradwise.workflow import runs

    seeds = []
    monkeypatch.setattr(runs, "prepare", lambda *_, seed, **__: 1 / len(seeds.append(seed) or []))
    for _ in range(2):
        set_random_seed(4)
        with pytest.raises(ZeroDivisionError):
            train(customer_table, "buys", verbose=0)
    assert seeds[0] == seeds[1]


def test_early_stopping_keeps_the_best_weights(binary_result):
    losses = binary_result.fitting.history["val_loss"]
    assert binary_result.fitting.best_epoch == pytest.approx(np.argmin(losses) + 1, abs=6)
    prepared = binary_result.prepared
    loss = binary_result.model.evaluate(prepared.validation.x, prepared.validation.y, verbose=0)[0]
    assert loss == pytest.approx(losses[binary_result.fitting.best_epoch - 1], rel=1e-5)


@pytest.mark.parametrize(
    ("target", "kind", "activation", "loss"),
    [
        (["no", "yes"] * 30, "binary", "sigmoid", "binary_crossentropy"),
        (["a", "b", "c"] * 20, "single_label", "softmax", "sparse_categorical_crossentropy"),
        (["a;b", "b", "a", "b;c"] * 15, "multi_label", "sigmoid", "binary_crossentropy"),
        (np.linspace(-5, 80, 60).tolist(), "regression", "linear", "mse"),
        (np.linspace(0.05, 0.95, 60).tolist(), "unit_regression", "sigmoid", "mse"),
    ],
)
def test_every_kind_of_problem_runs_from_data_to_report(tmp_path, target, kind, activation, loss):
    generator = np.random.default_rng(0)
    table = {"x": generator.normal(size=60).tolist(), "z": generator.normal(size=60).tolist(), "y": target}
    result = train(table, "y", epochs=2, out=tmp_path / "out", seed=0, verbose=0)
    problem = result.trained.problem
    assert (problem.kind, problem.last_activation, problem.loss) == (kind, activation, loss)
    page = result.report_path.read_text(encoding="utf-8")
    assert activation in page and loss in page and "The baseline" in page and "table 4-1" in page
    answers = TrainedModel.load(tmp_path / "out" / "model.gwz").predict(table)
    assert len(list(answers.rows())) == 60
    np.testing.assert_array_equal(answers.values, result.predict(table))
    numbers = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert numbers["scores"][0]["value"] == pytest.approx(next(iter(result.test.values())))


def test_several_target_columns():
    generator = np.random.default_rng(0)
    x = generator.normal(size=60)
    table = {
        "x": x.tolist(),
        "z": generator.normal(size=60).tolist(),
        "a": (2 * x + 1).tolist(),
        "b": (x**2).tolist(),
    }
    table["x"][3] += 0.5  # so that 'a' is no straight line in it
    result = train(table, ["a", "b"], epochs=2, seed=0, verbose=0)
    assert result.trained.predict(table).header() == ["predicted_a", "predicted_b"]
    assert result.predict(table).shape == (60, 2)
    assert result.report().y_true is None


def test_errors_of_a_regression_are_in_the_targets_own_unit():
    x = np.linspace(0, 1, 200)
    noise = np.random.default_rng(0).normal(size=200)
    table = {"x": x.tolist(), "price": (1000 * x + 100 * noise).tolist()}
    result = train(table, "price", epochs=60, seed=0, verbose=0)
    assert 50 < result.test["mean absolute error"] < 150  # the noise itself gives 80
    assert result.fitting.history["val_mae"][-1] > 20
    mistake = result.report().mistakes[0]
    assert abs(mistake.true - mistake.predicted) > 100


def test_rows_without_a_target_are_left_out_and_counted(customer_table):
    customer_table["buys"] = [None, None, *customer_table["buys"][2:]]
    prepared = prepare(customer_table, "buys", seed=0)
    assert prepared.rows == 158
    assert "2 rows without a value for 'buys' are left out." in prepared.warnings


def test_few_test_samples_are_warned_about():
    table = {"x": list(range(0, 40)), "z": [1.5, 2.0] * 20, "y": [0, 1, 1, 0] * 10}
    assert "There are only 8 test samples: the scores are rough." in prepare(table, "y", seed=0).warnings


def test_pandas_and_polars_frames_are_taken(customer_table):
    import pandas as pd
    import polars as pl

    plain = prepare(customer_table, "buys", seed=0)
    for frame in (pd.DataFrame(customer_table), pl.DataFrame(customer_table)):
        np.testing.assert_array_equal(prepare(frame, "buys", seed=0).train.x, plain.train.x)


@pytest.mark.feature("A3")
def test_digits_keep_their_own_test_part_and_show_pictures(digits_result):
    from gradwise.datasets import digits

    (_, _), (x_test, y_test) = digits.load_data(images=True)
    np.testing.assert_array_equal(digits_result.prepared.test.y, y_test)
    np.testing.assert_allclose(digits_result.prepared.test.x[..., 0] * 16, x_test)
    mistake = digits_result.report().mistakes[0]
    assert mistake.image.dtype == np.uint8 and mistake.image.shape == (8, 8)
    assert mistake.true != mistake.predicted


@pytest.mark.feature("A3")
def test_digits_beat_97_percent():
    result = train("digits", seed=0, verbose=0)
    assert result.test["accuracy"] > 0.98
    assert result.baseline["accuracy"] < 0.12


def test_settings_that_do_not_fit_a_named_set_are_refused():
    with pytest.raises(
        InputError,
        match="data set 'digits': expected no further settings, .*, but got a target. Leave it out.",
    ):
        train("digits", "digit", verbose=0)


def test_too_few_rows_are_refused():
    with pytest.raises(InputError, match="expected at least 10 rows with a value for 'y', but got 6"):
        train({"x": [1, 2, 3, 4, 5, 6], "y": [0, 1, 0, 1, 0, 1]}, "y", verbose=0)


def test_an_unknown_kind_is_refused(customer_table):
    with pytest.raises(InputError, match="Did you mean 'regression'"):
        train(customer_table, "buys", kind="regresion", verbose=0)


@pytest.mark.parametrize(
    ("file", "target", "score", "least"),
    [
        ("titanic", "survived", "accuracy", 0.78),
        ("penguins", "species", "accuracy", 0.94),
        ("iris", "species", "accuracy", 0.93),
        ("mpg", "mpg", "R²", 0.8),
        ("winequality-red", "quality", "accuracy", 0.56),
    ],
)
def test_real_tables_reach_what_is_usual_for_them(data_directory, file, target, score, least):
    path = data_directory / "tabular" / f"{file}.csv"
    if not path.is_file():
        pytest.skip(f"{path.name} is not there")
    result = train(path, target, seed=0, verbose=0)
    assert result.test[score] >= least
    assert result.verdict.standing == "better"
