import contextlib
import inspect
import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradwise import losses
from gradwise.errors import FileError, InputError, StateError
from gradwise.registry import deserialize, register, serialize

pytestmark = pytest.mark.feature("D1")

rng = np.random.default_rng(0)
REAL = rng.normal(size=(6, 3)).astype("float32"), rng.normal(size=(6, 3)).astype("float32")
SHARES = rng.dirichlet(np.ones(3), 6).astype("float32")
LABELS = rng.integers(0, 3, 6)
BITS = rng.integers(0, 2, (6, 3)).astype("float32")
ONE_HOT = np.eye(3, dtype="float32")[LABELS]

CASES = [
    ("MeanSquaredError", REAL, {}),
    ("MeanAbsoluteError", REAL, {}),
    ("MeanAbsolutePercentageError", REAL, {}),
    ("MeanSquaredLogarithmicError", (np.abs(REAL[0]), np.abs(REAL[1])), {}),
    ("Huber", REAL, {"delta": 0.5}),
    ("LogCosh", REAL, {}),
    ("CosineSimilarity", REAL, {}),
    ("KLDivergence", (SHARES[::-1], SHARES), {}),
    ("Poisson", (np.abs(REAL[0]), np.abs(REAL[1])), {}),
    ("Hinge", (BITS, REAL[1]), {}),
    ("SquaredHinge", (BITS, REAL[1]), {}),
    ("CategoricalHinge", (ONE_HOT, REAL[1]), {}),
    ("BinaryCrossentropy", (BITS, SHARES), {"label_smoothing": 0.1}),
    ("CategoricalCrossentropy", (ONE_HOT, SHARES), {"label_smoothing": 0.1}),
    ("SparseCategoricalCrossentropy", (LABELS, SHARES), {}),
    ("SparseCategoricalCrossentropy", (LABELS, REAL[1]), {"from_logits": True, "ignore_class": 1}),
    ("BinaryFocalCrossentropy", (BITS, SHARES), {"gamma": 1.5}),
    ("CategoricalFocalCrossentropy", (ONE_HOT, SHARES), {"alpha": 0.4}),
    ("CategoricalGeneralizedCrossEntropy", (LABELS, SHARES), {"q": 0.7}),
    ("Dice", (BITS, SHARES), {"axis": 1}),
    ("Tversky", (BITS, SHARES), {"alpha": 0.3, "beta": 0.7, "axis": (1,)}),
    ("CTC", (LABELS.reshape(3, 2) + 1, rng.normal(size=(3, 6, 4)).astype("float32")), {}),
    ("Circle", (LABELS % 2, REAL[1] / np.linalg.norm(REAL[1], axis=1, keepdims=True)), {"gamma": 10.0}),
]


@contextlib.contextmanager
def keras_rules():
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        import keras

        yield keras


@pytest.mark.parametrize(("name", "inputs", "settings"), CASES)
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight", None])
def test_weighted_reductions_equal_keras(name, inputs, settings, reduction):
    weights = np.array([0.0, 1.0, 2.0, 0.5, 3.0, 1.5], "float32")[: len(inputs[0])]
    if "ignore_class" in settings and reduction is None:
        weights = None
    with keras_rules() as keras:
        theirs = getattr(keras.losses, name)(reduction=reduction, **settings)
        wanted = np.asarray(jax.jit(lambda: theirs(*inputs, sample_weight=weights))())
    ours = getattr(losses, name)(reduction=reduction, **settings)
    result = jax.jit(lambda: ours(*inputs, sample_weight=weights))()
    np.testing.assert_allclose(result, wanted, rtol=1e-5, atol=1e-6)
    assert ours.name == theirs.name


@pytest.mark.parametrize(("name", "inputs", "settings"), CASES)
def test_every_loss_survives_a_file_and_is_found_by_name(name, inputs, settings):
    loss = getattr(losses, name)(**settings, reduction="sum", name="mine")
    again = deserialize(serialize(loss))
    assert type(again) is type(loss) and (again.name, again.reduction) == ("mine", "sum")
    np.testing.assert_array_equal(again.values(*inputs), loss.values(*inputs))
    assert type(losses.get(name)) is type(loss)
    function = loss.__class__().name.replace("huber_loss", "huber")
    assert type(losses.get(getattr(losses, function))) is type(loss)
    config = {"class_name": name, "config": {**settings, "name": "mine"}}
    assert losses.get(config).name == "mine"


def test_classes_and_functions_take_the_arguments_of_keras():
    with keras_rules() as keras:
        for name, item in vars(keras.losses).items():
            if name.startswith("_") or name in ("deserialize", "get", "serialize"):
                continue
            theirs = inspect.signature(item).parameters.values()
            ours = list(inspect.signature(getattr(losses, name)).parameters.values())
            assert [each.name for each in ours][: len(theirs)] == [each.name for each in theirs], name
            for mine, wanted in zip(ours, theirs, strict=False):
                if mine.name != "name" and (name, mine.name) != (
                    "categorical_generalized_cross_entropy",
                    "q",
                ):
                    assert mine.default == wanted.default, (name, mine.name)
            if isinstance(item, type) and name != "Loss":
                assert getattr(losses, name)().name == item().name


@pytest.mark.parametrize(
    ("dtype", "wanted"), [(None, "float32"), ("bfloat16", "bfloat16"), ("float32", "float32")]
)
def test_the_type_of_the_computation(dtype, wanted):
    loss = losses.MeanSquaredError(dtype=dtype)
    assert loss(BITS, jnp.asarray(BITS, "bfloat16")).dtype == wanted
    assert losses.BinaryCrossentropy(dtype=dtype).values_from_logits(BITS, REAL[0]).dtype == wanted
    with jax.enable_x64(True):
        assert losses.MeanSquaredError("sum", "mine", "float64")(BITS, BITS).dtype == "float64"


def test_smoothing_spreads_over_the_class_axis():
    # Keras counts the last axis instead, so that the smoothed shares do not add up to 1.
    y_true, y_pred = np.moveaxis(np.stack([ONE_HOT] * 2), -1, 1), np.moveaxis(np.stack([SHARES] * 2), -1, 1)
    moved = losses.CategoricalCrossentropy(label_smoothing=0.3, axis=1)(y_true, y_pred)
    plain = losses.CategoricalCrossentropy(label_smoothing=0.3)(ONE_HOT, SHARES)
    np.testing.assert_allclose(moved, plain, rtol=1e-6)


def test_masks_count_only_what_they_keep():
    y_true, y_pred = np.zeros((2, 3, 1)), np.array([[1.0, 2.0, 50.0], [3.0, 50.0, 50.0]])[..., None]
    loss = losses.MeanAbsoluteError()
    values = loss.values(y_true, y_pred)
    mask = np.array([[1, 1, 0], [1, 0, 0]], bool)
    assert [float(each) for each in loss.total(values, mask=mask)] == [6.0, 3.0]
    assert [float(each) for each in loss.total(values, np.array([2.0, 1.0]), mask)] == [9.0, 3.0]
    weighted = losses.MeanAbsoluteError(reduction="mean_with_sample_weight")
    assert [float(each) for each in weighted.total(values, np.array([2.0, 1.0]), mask)] == [9.0, 5.0]
    # a mask over nothing: no division by zero
    assert float(losses.safe_divide(*loss.total(values, mask=np.zeros((2, 3), bool)))) == 0


def test_masked_values_may_be_nan():
    loss = losses.MeanSquaredError()
    assert [float(each) for each in loss.total(jnp.array([1.0, jnp.nan]), np.array([2.0, 0.0]))] == [2.0, 2.0]


@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 5)])
def test_sample_weights_of_every_shape(shape):
    values = jnp.asarray(rng.normal(size=(4, 5)), "float32")
    weights = rng.uniform(size=shape).astype("float32")
    broad = np.broadcast_to(weights.reshape(shape if len(shape) == 2 else (4, 1)), (4, 5))
    numerator, denominator = losses.MeanSquaredError(reduction="mean_with_sample_weight").total(
        values, weights
    )
    np.testing.assert_allclose(numerator, (values * broad).sum(), rtol=1e-5)
    np.testing.assert_allclose(denominator, broad.sum(), rtol=1e-5)


def test_batches_add_up_to_the_whole():
    loss = losses.MeanSquaredError(reduction="mean_with_sample_weight")
    weights = rng.uniform(size=6).astype("float32")
    parts = [
        loss.total(loss.values(*(each[cut] for each in REAL)), weights[cut])
        for cut in (slice(0, 5), slice(5, 6))
    ]
    streamed = losses.safe_divide(*(sum(part[k] for part in parts) for k in (0, 1)))
    np.testing.assert_allclose(streamed, loss(*REAL, sample_weight=weights), rtol=1e-6)


def test_flat_predictions_count_as_one_value_a_sample():
    y_true, y_pred = np.array([0.0, 0.0]), np.array([1.0, 3.0])
    assert losses.MeanSquaredError().values(y_true, y_pred).tolist() == [1.0, 9.0]
    assert losses.BinaryCrossentropy().values_from_logits(np.array([1, 0]), y_pred).shape == (2,)


def test_half_precision_is_summed_in_single():
    y_pred = jnp.full((4000, 1), 1.0, "bfloat16")
    value = losses.MeanSquaredError()(np.zeros(4000), y_pred)
    assert value.dtype == "float32" and float(value) == 1.0


@pytest.mark.parametrize(
    ("loss", "y_true", "activation"),
    [
        (losses.BinaryCrossentropy(label_smoothing=0.1), BITS, jax.nn.sigmoid),
        (losses.BinaryFocalCrossentropy(), BITS, jax.nn.sigmoid),
        (losses.CategoricalCrossentropy(), ONE_HOT, jax.nn.softmax),
        (losses.CategoricalFocalCrossentropy(), ONE_HOT, jax.nn.softmax),
        (losses.SparseCategoricalCrossentropy(), LABELS, jax.nn.softmax),
    ],
)
def test_logits_give_what_probabilities_give(loss, y_true, activation):
    logits = jnp.asarray(REAL[1])
    np.testing.assert_allclose(
        loss.values_from_logits(y_true, logits), loss.values(y_true, activation(logits)), rtol=1e-5, atol=1e-6
    )
    assert loss.logits_of == activation.__name__


def test_logits_are_refused_by_other_losses():
    with pytest.raises(
        StateError,
        match="loss 'huber_loss': expected a loss of probabilities, such as a cross-entropy, but got logits. Call values",
    ):
        losses.Huber().values_from_logits(*REAL)


def test_ignored_classes_do_not_count():
    loss = losses.SparseCategoricalCrossentropy(ignore_class=-1)
    labels = np.array([[0], [-1]])
    y_pred = np.array([[0.5, 0.5], [0.5, 0.5]])
    assert float(loss(labels, y_pred)) == pytest.approx(np.log(2))
    assert loss.target_mask(labels).tolist() == [[True], [False]]


@register("mine.distance")
def distance(y_true, y_pred):
    return jnp.abs(y_true - y_pred).mean(-1)


def test_functions_as_losses():
    loss = losses.get(distance)
    assert loss.name == "distance"
    assert float(loss(np.array([0, 0]), np.array([[1.0], [3.0]]))) == 2
    again = deserialize(serialize(loss))
    assert again.function is distance
    whole = losses.get(lambda y_true, y_pred: jnp.square(y_true - y_pred).mean())
    assert whole.values(*REAL).shape == (6,)
    np.testing.assert_allclose(whole(*REAL), losses.MeanSquaredError()(*REAL), rtol=1e-6)
    with pytest.raises(FileError, match="a lambda. Register a named function"):
        serialize(whole)
    with pytest.raises(
        InputError,
        match=r"loss 'odd': expected one value for each of the 6 samples, or one number, but got values of shape \(3,\). Reduce every axis",
    ):
        losses.FunctionLoss(lambda y_true, y_pred: y_pred.mean(0), name="odd")(*REAL)


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [("mse", "MeanSquaredError"), ("MAE", "MeanAbsoluteError"), ("mape", "MeanAbsolutePercentageError"), ("msle", "MeanSquaredLogarithmicError"),
     ("bce", "BinaryCrossentropy"), ("kld", "KLDivergence"), ("kullback_leibler_divergence", "KLDivergence"), ("logcosh", "LogCosh"),
     ("huber", "Huber"), ("huber_loss", "Huber"), ("squared_hinge", "SquaredHinge"), ("cosine_proximity", "CosineSimilarity")],
)  # fmt: skip
def test_spellings(spelling, expected):
    assert type(losses.get(spelling)).__name__ == expected


def test_what_is_not_a_loss():
    with pytest.raises(
        InputError,
        match="compile: expected the name of a loss, but got 'categorical_crossentrpy'. Did you mean 'categorical_crossentropy'",
    ):
        losses.get("categorical_crossentrpy", "compile")
    with pytest.raises(
        InputError,
        match=r"loss: expected the name of a loss, a Loss, or a function f\(y_true, y_pred\), but got 3 of type int. Pass e.g. 'mse'",
    ):
        losses.get(3)
    with pytest.raises(
        InputError,
        match="loss 'poisson': expected the name of a reduction, but got 'summ'. Did you mean 'sum'",
    ):
        losses.Poisson(reduction="summ")
    with pytest.raises(
        InputError, match="expected a label_smoothing from 0 to 1, but got 2. Give the fraction"
    ):
        losses.BinaryCrossentropy(label_smoothing=2)
    with pytest.raises(
        InputError,
        match="loss 'poisson': expected a reduction to one number, but got reduction=None. Training needs a reduction",
    ):
        losses.Poisson(reduction=None).total(jnp.ones(2))
    with pytest.raises(
        InputError,
        match="loss 'categorical_generalized_cross_entropy': expected a q between 0 and 1, but got 1. Take 0.5",
    ):
        losses.CategoricalGeneralizedCrossEntropy(1)
    with pytest.raises(
        InputError,
        match="categorical_focal_crossentropy, alpha: expected one number, or one for each of the 3 classes, but got 2. Give as many",
    ):
        losses.CategoricalFocalCrossentropy([0.5, 0.5])(ONE_HOT, SHARES)
    with pytest.raises(InputError, match="loss 'poisson': expected a float type .* but got 'int8'"):
        losses.Poisson(dtype="int8")
    with pytest.raises(InputError, match="expected the name of a loss, but got 'Huberr'"):
        losses.get({"class_name": "Huberr", "config": {}})
    with pytest.raises(InputError, match="expected a mask that fit"):
        losses.Poisson().total(jnp.ones(2), mask=np.ones(3))


SPARSE = losses.SparseCategoricalCrossentropy()
BINARY = losses.BinaryCrossentropy()


@pytest.mark.parametrize(
    ("loss", "targets", "text"),
    [
        (SPARSE, [0, 3, 7, 2], r"fit: expected class labels from 0 to 2, but got labels such as 3, 7. Give the last layer 8 units, or correct the labels."),
        (SPARSE, [1, 2, 3], "The labels seem to start at 1: subtract 1."),
        (SPARSE, [0, -1, 2], "got labels such as -1. Number the classes from 0; labels to be left out need ignore_class in the loss."),
        (SPARSE, [0.0, 1.5], "expected whole numbers as class labels, but got values such as 1.5. Use a regression loss such as 'mse', or whole labels"),
        (SPARSE, ["cat", "dog"], r"expected numbers as targets, but got text such as 'cat', 'dog'. Turn names into labels 0 ... K - 1: names, y = numpy.unique"),
        (SPARSE, np.array([1, None], object), r"expected numbers as targets, but got an array of type object. Convert them with y.astype\('float32'\)"),
        (losses.MeanSquaredError(), [1.0, np.nan, np.inf], "expected finite targets, but got NaN or infinity in 2 of 3 rows, first in row 1. Drop these samples or fill in their targets; where labels may be missing, put the loss into losses.IgnoreMissing."),
        (BINARY, [-1, 1, 1], r"expected targets from 0 to 1 for BinaryCrossentropy, but got values such as -1. Map -1 to 0 with \(y \+ 1\) / 2, or use the loss 'hinge'."),
        (BINARY, [1, 2], "got values such as 2. Subtract 1."),
        (BINARY, [0, 1, 2, 3, 4, 5], "values such as 2, 3, 4, …. For labels of several classes use 'sparse_categorical_crossentropy'"),
        (BINARY, [0.5, 17.25], "such as 17.25. Scale the targets"),
        (losses.CategoricalCrossentropy(), [[1.0, -0.5]], "expected shares of classes, at least 0, for CategoricalCrossentropy, but got values such as -0.5. Give one-hot rows"),
    ],
)  # fmt: skip
def test_target_errors_help(loss, targets, text):
    with pytest.raises(InputError, match=text):
        losses.check_targets(loss, np.asarray(targets), (None, 3), "fit")


@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        (SPARSE, np.array([[0], [2]], "uint8")),
        (SPARSE, np.array([0.0, 2.0])),
        (SPARSE, np.array([])),
        (losses.SparseCategoricalCrossentropy(ignore_class=255), np.array([1, 255])),
        (losses.SparseCategoricalCrossentropy(ignore_class=255), np.array([255, 255])),
        (losses.SparseCategoricalCrossentropy(axis=1), np.array([[0, 2]])),
        (BINARY, np.array([True, False])),
        (BINARY, np.array([0.1, 0.9])),
        (BINARY, jnp.array([0, 1], "bfloat16")),
        (losses.Hinge(), np.array([-1, 1])),
        (losses.CategoricalCrossentropy(), np.eye(3)),
    ],
)
def test_right_targets_pass(loss, targets):
    losses.check_targets(loss, targets, (None, 3, 3))


def test_unknown_number_of_classes_still_refuses_negative_labels():
    losses.check_targets(SPARSE, np.array([0, 99]), (None, None))
    with pytest.raises(InputError, match="expected class labels from 0 to K - 1, but got labels such as -2"):
        losses.check_targets(SPARSE, np.array([0, -2]), (None, None))
