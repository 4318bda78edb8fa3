"""Models to files and back."""

import zipfile

import numpy as np
import pytest

import gradwise as gw
from gradwise import layers
from gradwise.errors import FileError

pytestmark = pytest.mark.feature("B4")

X = np.random.default_rng(0).normal(size=(10, 4)).astype("float32")
Y = np.arange(10) % 3


@gw.register("tests.Doubling")
class Doubling(gw.Layer):
    def __init__(self, factor=2.0, **options):
        super().__init__(**options)
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor


@gw.register("tests.Net")
class Net(gw.Model):
    def __init__(self, width):
        super().__init__()
        self.hidden = layers.Dense(width, "tanh")
        self.heads = [layers.Dense(2), layers.Dense(1)]

    def call(self, inputs):
        hidden = self.hidden(inputs)
        return [head(hidden) for head in self.heads]


@gw.register("tests.cubic")
def cubic(y_true, y_pred):
    return abs(y_true - y_pred).mean(-1) ** 3


def stack():
    return gw.Sequential(
        [
            gw.Input((4,)),
            layers.Dense(
                6, "relu", kernel_regularizer=gw.regularizers.L1L2(0.1, 0.2), kernel_constraint="max_norm"
            ),
            layers.BatchNormalization(momentum=0.7),
            Doubling(3.0),
            layers.Dropout(0.25, noise_shape=(None, 1)),
            layers.Dense(3, "softmax", kernel_initializer=gw.initializers.HeNormal(seed=3)),
        ],
        name="stack",
    )


def graph():
    a, b = gw.Input((4,), name="a"), gw.Input((4,), name="b")
    shared = layers.Dense(3)
    inner = gw.Sequential([layers.Dense(3, input_shape=(3,)), layers.LeakyReLU(0.1)])
    left, right = inner(shared(a)), inner(shared(b), training=False)
    mixed = layers.concatenate([left * 2 - right, right[:, None, ::2][..., 0], 1 / (left**2 + 1.0)])
    return gw.Model({"x": a, "y": b}, {"p": layers.Dense(1)(mixed), "q": layers.Dense(2)(mixed)})


def embedded():
    return gw.Sequential(
        [layers.Embedding(7, 3, mask_zero=True, input_length=4), layers.Flatten(), layers.Dense(2)]
    )


def subclassed():
    model = Net(5)
    model(X)
    return model


def deferred():
    model = gw.Sequential([layers.Dense(3), layers.Dense(2)])
    model(X)
    return model


def frozen():
    model = stack()
    model.layers[0].trainable = False
    return model


KINDS = {
    "stack": (stack, X),
    "graph": (graph, {"x": X, "y": X[::-1]}),
    "embedded": (embedded, np.abs(X * 3).astype("int32") % 7),
    "subclassed": (subclassed, X),
    "deferred": (deferred, X),
    "frozen": (frozen, X),
    "nested": (lambda: gw.Sequential([stack(), layers.Dense(2)]), X),
}


def leaves(outputs):
    parts = (
        outputs.values() if isinstance(outputs, dict) else outputs if isinstance(outputs, list) else [outputs]
    )
    return list(parts)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_model_comes_back(kind, tmp_path):
    make, x = KINDS[kind]
    model = make()
    model.set_weights(
        [np.random.default_rng(n).uniform(0.1, 1, w.shape) for n, w in enumerate(model.get_weights())]
    )
    model.save(tmp_path / "one.gwz")
    again = gw.load_model(tmp_path / "one.gwz")
    assert type(again) is type(model) and again.name == model.name
    assert list(again.named_variables()) == list(model.named_variables())
    assert again.trainable_paths() == model.trainable_paths()
    for mine, other in zip(leaves(model.predict(x)), leaves(again.predict(x)), strict=True):
        np.testing.assert_array_equal(mine, other)
    again.save(tmp_path / "two.gwz")
    assert (tmp_path / "one.gwz").read_bytes() == (tmp_path / "two.gwz").read_bytes()


def test_training_goes_on_as_compiled(tmp_path):
    model = stack()
    model.compile(
        gw.optimizers.SGD(gw.optimizers.schedules.ExponentialDecay(0.1, 5, 0.5), momentum=0.9),
        gw.losses.SparseCategoricalCrossentropy(),
        metrics=["accuracy", gw.metrics.SparseTopKCategoricalAccuracy(k=2)],
        weighted_metrics=["accuracy"],
    )
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "model.gwz")
    again = gw.load_model(tmp_path / "model.gwz")
    assert again.evaluate(X, Y, verbose=0, return_dict=True) == model.evaluate(
        X, Y, verbose=0, return_dict=True
    )
    assert again.optimizer.get_config()["momentum"] == 0.9
    again.fit(X, Y, verbose=0)
    plain = gw.load_model(tmp_path / "model.gwz", compile=False)
    assert plain.session is None and plain.predict(X).shape == (10, 3)


def test_the_learning_rate_at_the_time_of_saving_is_kept(tmp_path):
    model = stack()
    model.compile(gw.optimizers.SGD(0.5), "sparse_categorical_crossentropy")
    model.optimizer.learning_rate = 0.125
    model.save(tmp_path / "model.gwz")
    assert gw.load_model(tmp_path / "model.gwz").optimizer.learning_rate == 0.125


def test_registered_functions_are_saved_by_name(tmp_path):
    model = gw.Sequential([gw.Input((4,)), layers.Dense(2, activation="tanh")])
    model.compile("sgd", cubic, metrics=[cubic])
    model.save(tmp_path / "model.gwz")
    again = gw.load_model(tmp_path / "model.gwz")
    assert again.evaluate(X, X[:, :2], verbose=0) == model.evaluate(X, X[:, :2], verbose=0)


def test_what_could_not_be_loaded_is_not_saved(tmp_path):
    class Unregistered(gw.Layer):
        def call(self, inputs):
            return inputs

    def named(y_true, y_pred):
        return abs(y_true - y_pred)

    def compiled(loss):
        model = stack()
        model.compile("sgd", loss)
        return model

    path = tmp_path / "model.gwz"
    for model, text in [
        (
            compiled(lambda t, p: abs(t - p)),
            r"a lambda. Register a named function: put @gradwise.register\('mine.name'\)",
        ),
        (compiled(named), "the function 'named'. Register"),
        (
            gw.Sequential([gw.Input((4,)), Unregistered()]),
            "an object of class Unregistered. Put @gradwise.register",
        ),
        (gw.Sequential([layers.Dense(1)]), "a built model, but got one that has not seen its input shape"),
    ]:
        with pytest.raises(FileError, match=text):
            model.save(path)
        assert list(tmp_path.iterdir()) == []


def test_custom_objects_stand_in_for_registration(tmp_path):
    model = gw.Sequential([gw.Input((4,)), Doubling(3.0)])
    model.save(tmp_path / "model.gwz")
    known = gw.registry._entries.pop("tests.Doubling")
    try:
        with pytest.raises(
            FileError,
            match=r"'tests.Doubling'. Import the module that registers it, or pass custom_objects=\{'Doubling'",
        ):
            gw.load_model(tmp_path / "model.gwz")
        for name in ("Doubling", "tests.Doubling"):
            again = gw.load_model(tmp_path / "model.gwz", custom_objects={name: Doubling})
            np.testing.assert_array_equal(again.predict(X), X * 3)
    finally:
        gw.registry._entries["tests.Doubling"] = known


def test_weights_only(tmp_path):
    model, other = stack(), stack()
    model.save_weights(tmp_path / "weights.gwz")
    other.load_weights(tmp_path / "weights.gwz")
    np.testing.assert_array_equal(other.predict(X), model.predict(X))
    model.save(tmp_path / "model.gwz")
    other.load_weights(tmp_path / "model.gwz")
    before = embedded().get_weights()
    wrong = embedded()
    with pytest.raises(FileError, match="Build the same architecture first"):
        wrong.load_weights(tmp_path / "weights.gwz")
    assert [w.shape for w in wrong.get_weights()] == [w.shape for w in before]
    with pytest.raises(FileError, match="a model's configuration"):
        gw.load_model(tmp_path / "weights.gwz")


@pytest.mark.parametrize("kind", ["bfloat16", "mixed_bfloat16", "float16"])
def test_short_float_types_come_back(kind, tmp_path):
    model = gw.Sequential([gw.Input((4,)), layers.Dense(3, dtype=kind)])
    model.save(tmp_path / "model.gwz")
    again = gw.load_model(tmp_path / "model.gwz")
    assert again.variables[0].dtype == model.variables[0].dtype
    np.testing.assert_array_equal(again.predict(X).astype("float32"), model.predict(X).astype("float32"))


def test_files_are_written_whole_or_not_at_all(tmp_path, monkeypatch):
    model = stack()
    path = tmp_path / "model.gwz"
    model.save(path)
    before = path.read_bytes()
    with pytest.raises(FileError, match="a new file name, but got a file that is there already"):
        model.save(path, overwrite=False)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "writestr", full)
        with pytest.raises((OSError, FileError), match="No space left"):
            model.save(path)
    assert path.read_bytes() == before and [item.name for item in tmp_path.iterdir()] == ["model.gwz"]
    with pytest.raises(FileError, match="an existing folder"):
        model.save(tmp_path / "nowhere" / "model.gwz")
    with pytest.raises(FileError, match="a folder"):
        model.save(tmp_path)


def test_a_folder_that_cannot_be_written_to(tmp_path, monkeypatch):
    def denied(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", denied)
    with pytest.raises(FileError, match="a folder that can be written to, but got Permission denied"):
        stack().save(tmp_path / "model.gwz")


def test_extras_travel_with_the_model(tmp_path):
    from gradwise.saving.files import read_extras, save_model

    save_model(stack(), tmp_path / "model.gwz", extras={"classes": ["a", "b", "ü"]})
    assert read_extras(tmp_path / "model.gwz") == {"classes": ["a", "b", "ü"]}
    assert gw.load_model(tmp_path / "model.gwz").predict(X).shape == (10, 3)
