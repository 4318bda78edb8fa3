import dataclasses
import io
import json
import zipfile

import numpy as np
import pytest

from gradwise.errors import FileError, InputError
from gradwise.workflow import TrainedModel
from gradwise.workflow.inputs import ImageInputs, WordInputs, inputs_from_config


@pytest.fixture
def saved(tmp_path, binary_result):
    binary_result.trained.save(tmp_path / "model.gwz")
    return tmp_path / "model.gwz"


def _csv(predictions):
    stream = io.StringIO()
    predictions.write(stream)
    return stream.getvalue().splitlines()


def test_a_loaded_model_answers_as_the_trained_one(saved, binary_result, customer_table):
    loaded = TrainedModel.load(saved)
    ours, theirs = binary_result.trained.predict(customer_table), loaded.predict(customer_table)
    np.testing.assert_array_equal(ours.probabilities, theirs.probabilities)
    assert loaded.scores == binary_result.trained.scores
    assert loaded.facts["test_samples"] == len(binary_result.prepared.test)


def test_the_csv_has_the_answer_and_the_probabilities(binary_result, customer_table):
    lines = _csv(binary_result.trained.predict(customer_table))
    assert lines[0] == "predicted_buys,probability_0,probability_1"
    assert len(lines) == 161
    for line in lines[1:]:
        said, zero, one = line.split(",")
        assert said == str(int(float(one) >= 0.5))
        assert float(zero) + float(one) == pytest.approx(1, abs=2e-6)


def test_columns_may_come_in_any_order_and_without_the_unused_ones(binary_result, customer_table):
    plain = binary_result.trained.predict(customer_table)
    turned = {name: customer_table[name] for name in ("size", "town", "income", "age")}
    np.testing.assert_array_equal(binary_result.trained.predict(turned).probabilities, plain.probabilities)


def test_a_target_in_the_data_is_ignored(binary_result, customer_table):
    plain = binary_result.trained.predict(customer_table)
    customer_table["buys"] = ["nonsense"] * 160
    np.testing.assert_array_equal(binary_result.trained.predict(customer_table).values, plain.values)


def test_unseen_and_missing_values_are_answered_and_counted(binary_result, customer_table):
    customer_table["town"][:2] = ["Rome", "Rome"]
    customer_table["age"][5] = None
    predictions = binary_result.trained.predict(customer_table)
    assert np.isfinite(predictions.probabilities).all()
    assert "Column 'town': 2 rows with values not seen in training ('Rome')." in predictions.notes
    assert any(note.startswith("Column 'age': 1 missing") for note in predictions.notes)


def test_missing_columns_are_named(binary_result, customer_table):
    del customer_table["age"]
    with pytest.raises(
        InputError, match="expected the columns the model was trained on, but got a table without 'age'"
    ):
        binary_result.trained.predict(customer_table)


def test_evaluating_new_rows_of_the_same_kind(binary_result, more_customers):
    found = binary_result.trained.evaluate(more_customers)
    truth, said = np.array(more_customers["buys"]), binary_result.predict(more_customers)
    assert found.samples == 400
    assert found.scores[0].value == pytest.approx((truth == said).mean())
    assert found.scores[0].value > 0.75 and found.notes == ()


def test_pictures_are_read_from_arrays_files_and_tables(tmp_path, digits_result):
    from gradwise.datasets import digits

    (_, _), (x, y) = digits.load_data(images=True)
    plain = digits_result.trained.predict("digits")
    assert (plain.values == y.astype(str)).mean() == pytest.approx(digits_result.test["accuracy"])
    np.save(tmp_path / "x.npy", x)
    table = {f"pixel{place}": x.reshape(len(x), -1)[:, place] for place in range(64)}
    for data in (x, tmp_path / "x.npy", table, {"digit": y, **table}):
        np.testing.assert_allclose(
            digits_result.trained.predict(data).probabilities, plain.probabilities, atol=1e-6
        )
    scores = digits_result.trained.evaluate({"digit": y, **table}).scores
    assert scores[0].value == pytest.approx(digits_result.test["accuracy"])


def test_data_of_another_kind_are_refused(tmp_path, digits_result, binary_result):
    with pytest.raises(
        InputError, match=r"expected pictures of 8 × 8 × 1: .*, but got a table with 1 columns of"
    ):
        digits_result.trained.predict({"x": [1, 2]})
    with pytest.raises(
        InputError, match=r"pictures: expected shape \[B, 8, 8, 1\], or rows of 64 pixels, but got \(2"
    ):
        digits_result.trained.predict(np.zeros((2, 9, 9)))
    with pytest.raises(
        InputError, match="data set 'digits': expected a table with the columns of the training table"
    ):
        binary_result.trained.predict("digits")
    with pytest.raises(InputError, match=r"missing.npy': expected an .npy file, but got no such file"):
        digits_result.trained.predict(tmp_path / "missing.npy")
    np.save(tmp_path / "odd.npy", np.array([{}], dtype=object))
    with pytest.raises(
        FileError, match=r"odd.npy': expected one plain array of numbers, but got something else"
    ):
        digits_result.trained.predict(tmp_path / "odd.npy")


def test_evaluating_needs_targets(digits_result, binary_result, customer_table):
    with pytest.raises(InputError, match="evaluate: expected samples with their digit, but got samples only"):
        digits_result.trained.evaluate(np.zeros((2, 8, 8)))
    del customer_table["buys"]
    with pytest.raises(InputError, match="expected a table with the target column .buys."):
        binary_result.trained.evaluate(customer_table)


def test_rows_without_a_target_are_not_judged(binary_result, customer_table):
    customer_table["buys"] = [None, *customer_table["buys"][1:]]
    found = binary_result.trained.evaluate(customer_table)
    assert found.samples == 159
    assert "1 row has no value for 'buys', and cannot be judged." in found.notes


@pytest.mark.feature("G4")
def test_evaluating_on_the_training_file_is_remarked_on(tmp_path):
    import gradwise.workflow

    path = tmp_path / "table.csv"
    path.write_text("x,z,y\n" + "".join(f"{i},{i % 7},{int(i > 20)}\n" for i in range(40)))
    result = gradwise.workflow.train(path, "y", epochs=1, seed=0, verbose=0)
    assert (
        "The model was trained on most of these rows: the scores are too good."
        in result.trained.evaluate(path).notes
    )


@pytest.mark.feature("G4")
def test_the_old_test_part_is_remarked_on(digits_result):
    notes = digits_result.trained.evaluate("digits").notes
    assert notes == ("This is the test part that was measured at training, not a new one.",)


def test_a_bare_model_is_refused(tmp_path, binary_result):
    binary_result.model.save(tmp_path / "bare.gwz")
    with pytest.raises(
        FileError, match="expected a model that knows its data, but got a bare model without its prep"
    ):
        TrainedModel.load(tmp_path / "bare.gwz")


def test_a_missing_or_damaged_model_is_refused(tmp_path, saved):
    with pytest.raises(FileError, match="none.gwz': expected a model file, but got no such file"):
        TrainedModel.load(tmp_path / "none.gwz")
    whole = saved.read_bytes()
    saved.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FileError, match="expected a whole model file"):
        TrainedModel.load(saved)


def _with_extras(path, change):
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    extras = json.loads(parts["extras.json"])
    change(extras["workflow"])
    parts["extras.json"] = json.dumps(extras).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda kept: kept.pop("scores"), "expected all that belongs to a trained model"),
        (lambda kept: kept["inputs"].update(kind="sound"), "expected inputs of kind table, image or words"),
        (
            lambda kept: kept["target"].pop("problem"),
            "TargetEncoder.from_config: expected what to_config returned",
        ),
        (
            lambda kept: kept["inputs"].update(preprocessor={}),
            "TablePreprocessor.from_config: expected what to_config",
        ),
    ],
)
def test_what_belongs_to_a_model_is_checked(saved, change, message):
    _with_extras(saved, change)
    with pytest.raises(FileError, match=message):
        TrainedModel.load(saved)


def test_inputs_survive_json():
    for inputs in (ImageInputs((8, 8, 1), 16.0), WordInputs(50)):
        assert inputs_from_config(json.loads(json.dumps(inputs.to_config()))) == inputs


def test_texts_are_refused_by_the_word_model_unless_they_are_ids(binary_result):
    from gradwise.data.problems import make_problem
    from gradwise.data.target_encoding import TargetEncoder

    encoder = TargetEncoder(make_problem("binary", ("no", "yes"), "", ("opinion",), units=1))
    trained = dataclasses.replace(binary_result.trained, inputs=WordInputs(50), encoder=encoder)
    with pytest.raises(InputError, match="expected texts of 50 known words, such as the data set"):
        trained.predict({"text": ["a fine film", "a bad film"]})
