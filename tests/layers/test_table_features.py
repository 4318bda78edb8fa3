import json
import warnings

import numpy as np
import pandas
import polars
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import gradwise
from gradwise.data import TablePreprocessor, describe_columns, read_table
from gradwise.errors import FileError, InputError, StateError
from gradwise.layers import Concatenate, Dense, Flatten, Input, TableFeatures
from gradwise.models.model import Model
from gradwise.models.sequential import Sequential

pytestmark = pytest.mark.feature("A5", "G4")


@pytest.fixture
def frame(rng):
    rows = 60
    return pandas.DataFrame(
        {
            "age": rng.integers(18, 90, rows),
            "fare": rng.gamma(2, 20, rows).round(2),
            "colour": rng.choice(["red", "green", "blue"], rows),
            "size": rng.choice(["low", "high"], rows),
        }
    )


@pytest.fixture
def labels(frame):
    return (frame["age"] + frame["fare"] > 90).to_numpy().astype("int32")


def stack(layer):
    model = Sequential([layer, Dense(4, activation="tanh"), Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy")
    return model


def adapted(frame, **settings):
    layer = TableFeatures()
    layer.adapt(frame, **settings)
    return layer


def test_features_are_those_of_scikit_learn_fitted_on_the_training_rows(frame):
    training = np.arange(0, 60, 2)
    numbers = frame.assign(size=frame["size"].map({"low": 1, "high": 3}))
    oracle = ColumnTransformer(
        [
            ("n", StandardScaler(), ["age", "fare"]),
            ("c", OneHotEncoder(sparse_output=False), ["colour"]),
            ("s", StandardScaler(), ["size"]),
        ]
    ).fit(numbers.iloc[training])
    layer = adapted(frame, rows=training)
    result = layer(frame)
    np.testing.assert_array_equal(layer(polars.LazyFrame(frame.to_dict("list"))), result)
    assert result.dtype == np.float32 and layer.output_like((None, None)) == ((None, 6), "float32")
    np.testing.assert_allclose(result, oracle.transform(numbers), rtol=1e-5, atol=1e-6)
    assert layer.feature_names == ["age", "fare", "colour=blue", "colour=green", "colour=red", "size"]


def test_a_model_takes_raw_columns_is_saved_and_predicts_the_same(frame, labels, tmp_path):
    layer = adapted(frame)
    model = stack(layer)
    history = model.fit(frame, labels, epochs=20, verbose=0, validation_data=(frame[:20], labels[:20]))
    assert history.history["loss"][-1] < history.history["loss"][0]
    expected = model.predict(frame)
    features = TablePreprocessor().fit(frame).transform(frame)
    rest = Sequential([Input((6,)), *model.layers[1:]])
    np.testing.assert_allclose(expected, rest.predict(features), rtol=1e-6)
    model.save(tmp_path / "model.gwz")
    loaded = gradwise.load_model(tmp_path / "model.gwz")
    frame.to_csv(tmp_path / "new.csv", index=False)
    sources = {
        "frame": frame,
        "other order": frame[list(frame)[::-1]],
        "polars": polars.DataFrame({name: frame[name].to_list() for name in frame}),
        "dict": {name: frame[name].to_numpy() for name in frame},
        "rows": frame.to_dict("records"),
        "table": read_table(frame),
        "file": str(tmp_path / "new.csv"),
        "path": tmp_path / "new.csv",
        "records": frame.astype({"colour": object, "size": object}).to_records(index=False),
    }
    for name, source in sources.items():
        np.testing.assert_array_equal(loaded.predict(source), expected, err_msg=name)
        assert loaded.evaluate(source, labels, verbose=0) == model.evaluate(frame, labels, verbose=0)
    np.testing.assert_allclose(loaded(frame[:5]), expected[:5], rtol=1e-6)


def test_batches_of_frames(frame, labels):
    model = stack(adapted(frame))
    history = model.fit(
        ((frame[start : start + 20], labels[start : start + 20]) for _ in range(3) for start in (0, 20, 40)),
        steps_per_epoch=3,
        epochs=3,
        verbose=0,
    )
    assert history.history["loss"][2] < history.history["loss"][0]


def test_a_validation_split_of_a_frame(frame, labels):
    model = stack(adapted(frame, rows=np.arange(45)))
    history = model.fit(frame, labels, epochs=2, validation_split=0.25, verbose=0)
    assert len(history.history["val_loss"]) == 2


def test_a_table_beside_pictures(frame, labels, rng):
    pictures = rng.normal(size=(60, 4, 4, 1)).astype("float32")
    table, picture = Input((None,), dtype="string", name="table"), Input((4, 4, 1), name="picture")
    layer = adapted(frame)
    model = Model([table, picture], Dense(1)(Concatenate()([layer(table), Flatten()(picture)])))
    model.compile("sgd", "mse")
    model.fit({"picture": pictures, "table": frame}, labels, verbose=0)
    by_name = model.predict({"picture": pictures, "table": frame})
    np.testing.assert_array_equal(model.predict([frame, pictures]), by_name)
    flat = np.concatenate([layer(frame), pictures.reshape(60, 16)], axis=1)
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(by_name, flat @ kernel + bias, rtol=1e-4, atol=1e-5)


def test_notes_are_kept_and_told_once(frame):
    model = stack(adapted(frame))
    layer = model.layers[0]
    new = frame[:3].assign(colour=["pink", "red", "pink"], age=[20, None, 30], extra=1)
    with pytest.warns(UserWarning) as caught:
        model.predict(new)
    assert str(caught[0].message) == (
        "TableFeatures 'table_features': Column 'colour': 2 rows with values not seen in training ('pink'). "
        "Column 'age': 1 missing, filled in; none was missing in training. "
        "Ignored, as not part of the training table: extra."
    ).replace("table_features", layer.name)
    assert layer.last_notes.unseen == {"colour": {"pink": 2}}
    assert layer.last_notes.filled == {"age": 1} and layer.last_notes.extra == ("extra",)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(new)  # not told again, but noted
        assert layer.last_notes.unseen == {"colour": {"pink": 2}}
        model.predict(frame)
        assert layer.last_notes.sentences() == []
    with pytest.warns(
        UserWarning, match=r"Column 'size': 1 row with values not seen in training \('wide'\)\.$"
    ):
        model.predict(new.assign(size=["low", "high", "wide"]))


def test_a_fitted_preprocessor_or_its_config_may_be_given(frame):
    preprocessor = TablePreprocessor().fit(frame)
    expected = preprocessor.transform(frame)
    np.testing.assert_array_equal(TableFeatures(preprocessor)(frame), expected)
    config = json.loads(json.dumps(TableFeatures(preprocessor, name="t").get_config()))
    again = TableFeatures.from_config(config)
    assert again.name == "t" and again.get_config() == config
    np.testing.assert_array_equal(again(frame), expected)
    assert TableFeatures.from_config(TableFeatures().get_config()).get_config()["preprocessor"] is None


def test_the_target_and_kinds_are_passed_on(frame, labels):
    layer = adapted(frame.assign(y=labels), target="y", kinds={"age": "nominal"})
    assert "y" not in layer.feature_names and any(name.startswith("age=") for name in layer.feature_names)
    assert layer(frame.assign(y=labels)).shape == layer(frame).shape


def test_settings_that_cannot_be_used(frame):
    with pytest.raises(
        InputError, match="expected a fitted TablePreprocessor.*but got one that has learned nothing"
    ):
        TableFeatures(TablePreprocessor())
    with pytest.raises(InputError, match="got an object of type int. Call its fit"):
        TableFeatures(3)
    with pytest.raises(FileError, match="expected what to_config returned"):
        TableFeatures({"encoders": [{}]})


def test_a_layer_that_knows_no_columns(frame, labels):
    message = r"TableFeatures 'raw': expected to have learned from a table.*Call adapt\(table, target, rows\)"
    with pytest.raises(StateError, match=message):
        TableFeatures(name="raw")(frame)
    with pytest.raises(StateError, match=message):
        stack(TableFeatures(name="raw")).fit(frame, labels, verbose=0)
    layer = TableFeatures(name="raw")
    model = stack(layer)
    layer.adapt(frame)  # in time all the same
    model.fit(frame, labels, verbose=0)


def test_adapting_again_must_fit_the_model(frame, labels):
    model = stack(adapted(frame))
    model.fit(frame, labels, verbose=0)
    model.layers[0].adapt(frame.assign(age=frame["age"] * 2))
    model.predict(frame)
    with pytest.raises(StateError, match="expected 6 features, for which the model is built, but got 5"):
        model.layers[0].adapt(frame.drop(columns="age"))


def test_columns_that_are_absent_or_wrong_are_named_by_the_model(frame, labels):
    model = stack(adapted(frame))
    model.fit(frame, labels, verbose=0)
    with pytest.raises(InputError, match="got a table without 'fare'. Add the columns; cells may be empty."):
        model.predict(frame.drop(columns="fare"))
    with pytest.raises(InputError, match="column 'fare', row 1: expected a number, but got 'much'"):
        model.predict(frame.assign(fare="much"))


def test_a_column_that_is_the_target_in_other_words_is_left_out():
    frame = {"x": list(range(40)), "alive": ["no", "yes"] * 20, "survived": [0, 1] * 20}
    layer = TableFeatures()
    with pytest.warns(
        UserWarning, match="column 'alive' is left out: each value of it goes with exactly one value"
    ):
        layer.adapt(frame, target="survived")
    assert layer.feature_names == ["x"]
    layer = TableFeatures()
    layer.adapt(frame, target="survived", leave_out={})
    assert any("alive" in name for name in layer.feature_names)


@pytest.mark.parametrize(
    ("rows", "got"),
    [([900], "numbers from 900 to 900"), ([], "none"), ([0.5], r"values of type float64 and shape \(1,\)")],
)
def test_training_rows_that_are_none(frame, labels, rows, got):
    message = "TableFeatures 'raw'.adapt, rows: expected row numbers from 0 to 59, at least one, but got "
    with pytest.raises(InputError, match=message + got):
        TableFeatures(name="raw").adapt(frame.assign(y=labels), target="y", rows=rows)


def test_what_describe_columns_leaves_out_is_left_out(frame):
    frame = frame.assign(nothing=None)
    assert "Left out of a model's inputs: nothing (empty)." in str(describe_columns(frame))
    layer = adapted(frame)
    assert not any("nothing" in name for name in layer.feature_names)
    assert layer(frame).shape == (60, len(layer.feature_names))


def test_one_row(frame):
    layer = adapted(frame)
    model = Sequential([layer, Dense(1)])
    expected = layer(frame)[:1]
    row = frame.iloc[0].to_dict()
    np.testing.assert_array_equal(layer(row), expected)
    with pytest.warns(UserWarning, match="Column 'colour': 1 missing, filled in"):
        assert layer({**row, "colour": None}).shape == expected.shape
    assert model.predict(row, verbose=0).shape == (1, 1)
    message = (
        r"TableFeatures 'table_features\w*': expected a table, but got a Series of 4 values. For one row of a frame write "
        r"frame.iloc\[\[0\]\]"
    )
    for call in (layer, model.predict):
        with pytest.raises(InputError, match=message):
            call(frame.iloc[0])
    np.testing.assert_array_equal(layer(frame.iloc[[0]]), expected)
    np.testing.assert_array_equal(
        adapted(frame[["age"]])(frame["age"]), adapted(frame[["age"]])(frame[["age"]])
    )
