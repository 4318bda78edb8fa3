"""Core layers beyond the contracts: maxout, functions, masks, merging, messages."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gradwise as gw
from gradwise import layers
from gradwise.errors import FileError, InputError

pytestmark = pytest.mark.feature("C1")

X = np.random.default_rng(0).normal(size=(6, 5)).astype("float32")
SEQUENCE = np.random.default_rng(1).normal(size=(2, 4, 3)).astype("float32")


def values_of(layer):
    return {path: jnp.asarray(variable.value) for path, variable in layer.named_variables().items()}


# Maxout --------------------------------------------------------------------------------------------


@pytest.mark.feature("C3")
def test_maxout_with_one_piece_at_zero_is_relu_also_in_the_gradient():
    maxout, dense = layers.Maxout(4), layers.Dense(4, activation="relu")
    maxout(X), dense(X)
    kernel, bias = np.random.default_rng(2).normal(size=(5, 4)), np.random.default_rng(3).normal(size=4)
    dense.set_weights([kernel, bias])
    maxout.set_weights([np.stack([kernel, 0 * kernel]), np.stack([bias, 0 * bias])])
    np.testing.assert_allclose(maxout(X), dense(X), rtol=1e-5, atol=1e-6)

    def slopes(layer):
        return jax.grad(lambda v, x: jnp.sum(jnp.sin(gw.functional_call(layer, v, x)[0])), (0, 1))(
            values_of(layer), X
        )

    (ours, ours_x), (wanted, wanted_x) = slopes(maxout), slopes(dense)
    np.testing.assert_allclose(ours["kernel"][0], wanted["kernel"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ours["bias"][0], wanted["bias"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ours_x, wanted_x, rtol=1e-4, atol=1e-5)


@pytest.mark.feature("C3")
@pytest.mark.parametrize("pieces", [1, 2, 3, 5])
def test_maxout_is_the_largest_of_its_dense_layers(pieces):
    layer = layers.Maxout(4, pieces, bias_initializer="random_normal")
    output = layer(SEQUENCE)
    kernel, bias = layer.get_weights()
    assert kernel.shape == (pieces, 3, 4) and bias.shape == (pieces, 4)
    wanted = np.max([SEQUENCE @ k + b for k, b in zip(kernel, bias, strict=True)], axis=0)
    np.testing.assert_allclose(output, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.feature("C3")
def test_maxout_of_three_pieces_is_a_convex_function_of_straight_lines():
    layer = layers.Maxout(1, 3)
    x = np.linspace(-3, 3, 61, dtype="float32")[:, None]
    layer(x)
    layer.set_weights([np.array([[[-2.0]], [[0.0]], [[1.0]]]), np.array([[-1.0], [0.0], [-1.0]])])
    np.testing.assert_allclose(layer(x), np.maximum(np.maximum(-2 * x - 1, 0), x - 1), atol=1e-6)


@pytest.mark.feature("C3")
def test_maxout_pieces_start_apart_and_as_wide_as_dense_layers():
    limit = np.sqrt(6 / (50 + 40))  # Glorot and Bengio for one matrix, whatever the number of pieces
    for seed in (None, 1):
        layer = layers.Maxout(40, 3, kernel_initializer=gw.initializers.GlorotUniform(seed=seed))
        layer(np.zeros((1, 50), "float32"))
        kernel = layer.get_weights()[0]
        assert 0.98 * limit < np.abs(kernel).max() <= limit
        assert not np.array_equal(kernel[0], kernel[1])


@pytest.mark.feature("C3")
def test_maxout_as_activation_takes_groups_of_neighbours():
    model = gw.Sequential([layers.Dense(6, input_shape=(5,)), layers.Activation("maxout")])
    assert model.output_shape == (None, 3)
    dense = model.layers[0]
    np.testing.assert_allclose(model(X), np.asarray(dense(X)).reshape(6, 3, 2).max(-1), rtol=1e-6)


# Functions ------------------------------------------------------------------------------------------


@gw.register("test.half_of")
def half_of(x):
    return x / 2


def test_a_lambda_trains_and_refuses_to_be_saved(tmp_path):
    model = gw.Sequential([layers.Lambda(lambda x: x**2, input_shape=(5,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    before = model.layers[1].get_weights()[0].copy()
    model.fit(X, X[:, :1], epochs=1, verbose=0)
    assert not np.array_equal(before, model.layers[1].get_weights()[0])
    with pytest.raises(FileError) as raised:
        model.save(tmp_path / "model.gwz")
    assert "got a lambda. Register a named function: put @gradwise.register('mine.name') above" in str(
        raised.value
    )
    assert "layers.Lambda" in str(raised.value)
    assert not (tmp_path / "model.gwz").exists()


def test_a_registered_function_comes_back_from_a_file(tmp_path):
    model = gw.Sequential([layers.Lambda(half_of, input_shape=(5,))])
    model.save(tmp_path / "model.gwz")
    again = gw.load_model(tmp_path / "model.gwz")
    np.testing.assert_allclose(again.predict(X), X / 2, rtol=1e-6)
    assert again.layers[0].function is half_of


def test_a_function_gets_mask_training_and_arguments():
    seen = {}

    def function(x, factor, mask=None, training=None):
        seen.update(mask=mask, training=training)
        return factor * x

    layer = layers.Lambda(function, arguments={"factor": 3.0})
    mask = np.ones((2, 4), bool)
    np.testing.assert_allclose(layer(SEQUENCE, mask=mask), 3 * SEQUENCE, rtol=1e-6)
    assert seen["mask"] is mask and seen["training"] is False
    gw.functional_call(layer, {}, SEQUENCE, training=True)
    assert seen["training"] is True


def test_the_mask_of_a_function():
    mask = jnp.array([[True, True, False, False], [True, False, False, False]])
    assert layers.Lambda(lambda x: 2 * x).compute_mask(SEQUENCE, mask) is mask
    assert layers.Lambda(lambda x: x.sum(1)).compute_mask(SEQUENCE, mask) is None
    turned = layers.Lambda(lambda x: x[:, ::-1], mask=lambda x, mask: mask[:, ::-1])
    np.testing.assert_array_equal(turned.compute_mask(SEQUENCE, mask), mask[:, ::-1])
    fixed = layers.Lambda(lambda x: x[:, :1], mask=np.ones((2, 1), bool))
    np.testing.assert_array_equal(fixed.compute_mask(SEQUENCE, mask), np.ones((2, 1), bool))


def test_a_function_of_several_inputs():
    a, b = gw.Input((5,)), gw.Input((5,))
    model = gw.Model([a, b], layers.Lambda(lambda pair: pair[0] - pair[1])([a, b]))
    np.testing.assert_allclose(model.predict([X, 2 * X]), -X, rtol=1e-6)


def test_an_output_shape_is_checked():
    x = gw.Input((5,))
    assert layers.Lambda(lambda x: x[:, :2], output_shape=(2,))(x).shape == (None, 2)
    assert layers.Lambda(lambda x: x, output_shape=lambda shape: shape)(x).shape == (None, 5)
    with pytest.raises(
        InputError, match=r"Lambda 'l': expected outputs of shape \(None, 3\), as `output_shape` says"
    ):
        layers.Lambda(lambda x: x[:, :2], output_shape=3, name="l")(x)


# Masks ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan])
def test_masking(value):
    x = SEQUENCE.copy()
    x[0, 2:] = value
    x[1, 1, 0] = value  # a single feature does not make a masked step
    layer = layers.Masking(value)
    kept = np.array([[1, 1, 0, 0], [1, 1, 1, 1]], bool)
    np.testing.assert_array_equal(layer.compute_mask(x), kept)
    np.testing.assert_array_equal(layer(x), np.where(kept[..., None], x, 0))
    np.testing.assert_array_equal(layer.compute_mask(x, ~kept), np.zeros((2, 4), bool))


def test_masking_reaches_the_layers_after_it():
    x = SEQUENCE.copy()
    x[0, 2:] = 0
    model = gw.Sequential([layers.Masking(), layers.Dense(2, use_bias=True), layers.GlobalAveragePooling1D()])
    output = model(x)
    dense = np.asarray(model.layers[1](x))
    np.testing.assert_allclose(output[0], dense[0, :2].mean(0), rtol=1e-5)


def test_masks_of_reshaping_layers():
    mask = np.array([[1, 1, 0, 0], [1, 0, 0, 0]], bool)

    def mask_of(layer, x=SEQUENCE, mask=mask):
        return layer.compute_mask(x, mask)

    np.testing.assert_array_equal(mask_of(layers.Reshape((4, 1, 3))), mask)
    np.testing.assert_array_equal(mask_of(layers.Reshape((-1, 3))), mask)
    np.testing.assert_array_equal(mask_of(layers.Reshape((12, 1))), np.repeat(mask, 3, 1))
    np.testing.assert_array_equal(mask_of(layers.Flatten()), np.repeat(mask, 3, 1))
    np.testing.assert_array_equal(
        mask_of(layers.Flatten("channels_first"), np.moveaxis(SEQUENCE, 1, 2)), np.repeat(mask, 3, 1)
    )
    assert mask_of(layers.Reshape((2, 6))) is None
    assert mask_of(layers.Permute((2, 1))) is None
    np.testing.assert_array_equal(mask_of(layers.Permute((1, 3, 2)), SEQUENCE[..., None]), mask)
    assert layers.RepeatVector(3).compute_mask(X, np.ones(6, bool)) is None


def test_reshape_with_unknown_sizes():
    assert layers.Reshape((-1, 4))(gw.Input((None, 2))).shape == (None, None, 4)
    assert layers.Reshape((2, -1))(gw.Input((None,))).shape == (None, 2, None)
    model = gw.Sequential([gw.Input((None, 2)), layers.Reshape((-1, 4)), layers.Dense(3)])
    assert model.output_shape == (None, None, 3)
    assert model(np.ones((5, 6, 2), "float32")).shape == (5, 3, 3)
    assert layers.Reshape(())(np.ones((3, 1), "float32")).shape == (3,)
    assert layers.Reshape((-1, 4), dtype="mixed_bfloat16")(gw.Input((None, 2))).dtype == "bfloat16"


def test_flatten_takes_single_numbers_and_empty_batches():
    assert layers.Flatten()(np.ones(3, "float32")).shape == (3, 1)
    assert layers.Flatten()(np.ones((0, 2, 3), "float32")).shape == (0, 6)


# Merging --------------------------------------------------------------------------------------------

FIRST = np.array([[1, 1, 0, 0], [1, 0, 0, 0]], bool)
SECOND = np.array([[1, 0, 1, 0], [1, 1, 0, 0]], bool)


@pytest.mark.parametrize(
    "name", ["Add", "Multiply", "Average", "Maximum", "Minimum", "Subtract", "Concatenate"]
)
@pytest.mark.parametrize("masks", [(FIRST, SECOND), (FIRST, None), (None, SECOND), (None, None)])
def test_merged_masks_and_values_equal_keras(name, masks):
    keras = pytest.importorskip("keras")
    pair = [SEQUENCE, np.random.default_rng(2).normal(size=SEQUENCE.shape).astype("float32")]
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        arrays = [jnp.asarray(item) for item in pair]
        for array, mask in zip(arrays, masks, strict=True):
            if mask is not None:
                keras.src.backend.set_keras_mask(array, jnp.asarray(mask))
        wanted = getattr(keras.layers, name)()(arrays)
        wanted_mask = keras.src.backend.get_keras_mask(wanted)
    layer = getattr(layers, name)()
    given = list(masks) if any(mask is not None for mask in masks) else None
    output, mask = layer.propagate(pair, mask=given)
    np.testing.assert_allclose(output, np.asarray(wanted), rtol=1e-5)
    if wanted_mask is None or wanted_mask.all():  # Keras' Concatenate writes out a mask that keeps all
        assert mask is None
    else:
        np.testing.assert_array_equal(mask, np.asarray(wanted_mask))


def test_joined_steps_join_their_masks():
    layer = layers.Concatenate(axis=1)
    joined = layer.compute_mask([SEQUENCE, SEQUENCE], [FIRST, None])
    np.testing.assert_array_equal(joined, np.concatenate([FIRST, np.ones((2, 4), bool)], 1))
    flat = SEQUENCE.reshape(2, 12)
    whole = layers.Concatenate().compute_mask([flat, flat], [np.repeat(FIRST, 3, 1), None])
    np.testing.assert_array_equal(whole, np.concatenate([np.repeat(FIRST, 3, 1), np.ones((2, 12), bool)], 1))


def test_merging_takes_tuples_single_lists_and_other_ranks():
    np.testing.assert_allclose(layers.Add()((X, X, X)), 3 * X, rtol=1e-6)
    np.testing.assert_array_equal(layers.Average()([X]), X)
    np.testing.assert_allclose(
        layers.Multiply()([SEQUENCE, SEQUENCE[:, 0]]), SEQUENCE * SEQUENCE[:, :1], rtol=1e-6
    )
    output, mask = layers.Maximum().propagate([SEQUENCE, SEQUENCE[:, 0]], mask=[FIRST, None])
    wanted = np.where(FIRST[..., None], np.maximum(SEQUENCE, SEQUENCE[:, :1]), SEQUENCE[:, :1])
    np.testing.assert_allclose(output, wanted, rtol=1e-6)
    assert mask is None


# Dense in Einstein's notation ------------------------------------------------------------------------


def test_einsum_dense_of_two_letters_is_dense():
    einsum, dense = layers.EinsumDense("ab,bc->ac", 4, "relu", bias_axes="c"), layers.Dense(4, "relu")
    einsum(X), dense(X)
    einsum.set_weights(dense.get_weights())
    np.testing.assert_allclose(einsum(X), dense(X), rtol=1e-6)
    assert layers.EinsumDense("...x,xy->...y", 4)(gw.Input((None, 5))).shape == (None, None, 4)


@pytest.mark.parametrize(
    ("equation", "shape", "output"),
    [
        ("abc,cde->abde", (7, 50), (None, 8, 5)),
        ("abc,bcd->ad", (5, 10), (40,)),
        ("abc,dc->abd", (7, 50), (None, 40)),
    ],
)
def test_einsum_kernels_start_with_the_fans_of_their_axes(equation, shape, output):
    layer = layers.EinsumDense(equation, output)
    layer(np.zeros((1, *shape), "float32"))
    limit = np.sqrt(6 / (50 + 40))
    assert 0.98 * limit < np.abs(layer.get_weights()[0]).max() <= limit


# Others ----------------------------------------------------------------------------------------------


def test_activity_regularization_adds_its_penalty_to_the_loss():
    model = gw.Sequential([layers.ActivityRegularization(l1=0.1, l2=0.01, input_shape=(5,))])
    model.compile("sgd", "mse")
    penalty = (0.1 * np.abs(X).sum() + 0.01 * (X**2).sum()) / len(X)
    assert model.evaluate(X, X, batch_size=6, verbose=0) == pytest.approx(penalty, rel=1e-5)


@pytest.mark.feature("C2")
def test_softmax_over_allowed_places_equals_keras():
    keras = pytest.importorskip("keras")
    mask = np.random.default_rng(4).random((2, 4, 3)) < 0.6
    mask[0, 0] = False
    for axis in (-1, 1, (1, 2)):
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            wanted = keras.layers.Softmax(axis)(jnp.asarray(SEQUENCE), mask=jnp.asarray(mask))
        output = layers.Softmax(axis)(SEQUENCE, mask=mask)
        np.testing.assert_allclose(output, np.asarray(wanted), rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(np.asarray(layers.Softmax()(SEQUENCE, mask=mask))[0, 0], np.zeros(3))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: layers.Permute((0, 1), name="p"), "Permute 'p': expected dims to name each axis of a sample once"),
        (lambda: layers.Permute((2, 1))(SEQUENCE[..., None]), "samples with 2 axes, as dims=(2, 1) names, but got 3"),
        (lambda: layers.RepeatVector(0), "n to be a positive integer, but got 0"),
        (lambda: layers.RepeatVector(2)(SEQUENCE), "vectors, as inputs of shape [batch, features], but got (2, 4, 3)"),
        (lambda: layers.Reshape((2.5, 1)), "positive sizes, at most one of them -1"),
        (lambda: layers.Flatten("NHWC"), "data_format to be one of channels_last, channels_first, but got 'NHWC'"),
        (lambda: layers.Masking()(X[:, 0]), "inputs of shape [batch, time, features], but got (6,)"),
        (lambda: layers.ActivityRegularization(l1=-1.0), "-1.0"),
        (lambda: layers.Lambda(3, name="l"), "Lambda 'l': expected a function of arrays, but got an object of class int"),
        (lambda: layers.Maxout(3, pieces=0), "pieces to be a positive integer, but got 0"),
        (lambda: layers.Maxout(3)(gw.Input((None,))), "a known number of features"),
        (lambda: layers.Activation("maxout")(X), "groups of `pieces` divide, but got 5 elements and pieces=2"),
        (lambda: layers.Activation("glu")(X), "glu: expected an even number of elements along the axis"),
        (lambda: layers.ThresholdedReLU(-1), "theta to be at least 0, but got -1"),
        (lambda: layers.Add()(X), "a list of inputs, but got a single one. Call it on a list: Add()([a, b])."),
        (lambda: layers.Add()([]), "a list of inputs, but got 0"),
        (lambda: layers.Subtract()([X]), "a list of exactly 2 inputs, but got 1"),
        (lambda: layers.Dot(1)([X, X, X]), "a list of exactly 2 inputs, but got 3"),
        (lambda: layers.Add()([X, X[:2]]), "inputs with the same number of samples, but got (6, 5), (2, 5). Give as"),
        (lambda: layers.Multiply()([X, X[:, :2]]), "inputs of matching shapes, but got (6, 5), (6, 2). Bring them"),
        (lambda: layers.Concatenate(axis=2)([X, X]), "an axis of inputs with 2 axes, other than the batch, but got 2"),
        (lambda: layers.Concatenate()([X, SEQUENCE[:, :3, 0].repeat(3, 0)[..., None]]), "same number of axes"),
        (lambda: layers.Concatenate(1)([SEQUENCE, SEQUENCE[..., :2]]), "inputs whose shapes differ only along axis 1"),
        (lambda: layers.Dot(1.5), "one or two axes other than the batch, but got 1.5"),
        (lambda: layers.Dot((1, 0)), "one or two axes other than the batch"),
        (lambda: layers.Dot(3)([X, X]), "an axis of inputs with 2 axes, other than the batch, but got 3"),
        (lambda: layers.EinsumDense("ab,bc", 3), "one of the forms 'ab,bc->ac'"),
        (lambda: layers.EinsumDense("ab,bc->ca", 3), "the batch as first letter of inputs and outputs"),
        (lambda: layers.EinsumDense("...b,bc->c...", 3), "'...' in the same place"),
        (lambda: layers.EinsumDense("ab,bc->acd", 3), "every letter of the outputs in the inputs or the kernel"),
        (lambda: layers.EinsumDense("aab,bc->ac", 3), "each letter once in a part"),
        (lambda: layers.EinsumDense("ab,bc->ac", (3, 4))(X), "a size for each of the letters 'c', but got (3, 4)"),
        (lambda: layers.EinsumDense("abc,cd->abd", (3, 4))(SEQUENCE), "the size 4 of the inputs for the letter 'b'"),
        (lambda: layers.EinsumDense("ab,bc->ac", 3)(SEQUENCE), "inputs with 2 axes, as 'ab,bc->ac' says"),
        (lambda: layers.EinsumDense("ab,bc->ac", None)(X), "known sizes for every letter of kernel and bias"),
        (lambda: layers.EinsumDense("ab,bc->ac", 3, bias_axes="b")(X), "bias_axes out of the letters of the outputs"),
    ],
)  # fmt: skip
def test_messages(make, text):
    with pytest.raises(InputError) as raised:
        make()
    assert text in str(raised.value)
