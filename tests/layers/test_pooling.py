"""Pooling layers beyond the contracts: masks, sizes, messages."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gradwise as gw
from gradwise import layers
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("C5")

X = np.random.default_rng(0).normal(size=(2, 6, 3)).astype("float32") - 4
MASK = np.array([[1, 1, 1, 0, 0, 0], [1, 0, 1, 1, 1, 0]], bool)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("name", ["MaxPooling", "AveragePooling"])
@pytest.mark.parametrize(("n", "f", "s"), [(7, 2, 2), (8, 3, 2), (9, 3, 1), (9, 2, 4)])
def test_output_sizes_follow_the_formula(name, rank, n, f, s):
    x = gw.Input((n,) * rank + (2,))
    layer = getattr(layers, f"{name}{rank}D")
    assert layer(f, s)(x).shape == (None, *((n - f) // s + 1,) * rank, 2)
    assert layer(f, s, "same")(x).shape == (None, *(-(-n // s),) * rank, 2)


def test_unknown_sizes_stay_unknown():
    x = gw.Input((None, 3))
    assert layers.MaxPooling1D(2)(x).shape == (None, None, 3)
    assert layers.AdaptiveAveragePooling1D(4)(x).shape == (None, 4, 3)
    assert layers.GlobalMaxPooling1D()(x).shape == (None, 3)


def test_global_average_of_masked_steps_equals_keras():
    keras = pytest.importorskip("keras")
    for keepdims in (False, True):
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            wanted = keras.layers.GlobalAveragePooling1D(keepdims=keepdims)(X, mask=jnp.asarray(MASK))
        output = layers.GlobalAveragePooling1D(keepdims=keepdims)(X, mask=MASK)
        np.testing.assert_allclose(output, np.asarray(wanted), rtol=1e-5)
    turned = layers.GlobalAveragePooling1D("channels_first")(np.moveaxis(X, 1, 2), mask=MASK)
    np.testing.assert_allclose(turned, layers.GlobalAveragePooling1D()(X, mask=MASK), rtol=1e-6)


def test_global_maximum_leaves_masked_steps_out():
    # Every value is below 0: a masked step set to 0 would win.
    wanted = [X[0, :3].max(0), X[1, [0, 2, 3, 4]].max(0)]
    np.testing.assert_array_equal(layers.GlobalMaxPooling1D()(X, mask=MASK), wanted)
    np.testing.assert_array_equal(
        layers.GlobalMaxPooling1D()(X, mask=np.zeros((2, 6), bool)), np.zeros((2, 3))
    )


@pytest.mark.parametrize("kind", ["Max", "Average"])
def test_a_mask_goes_through_windows_of_a_sequence(kind):
    tokens = np.array([[3, 4, 5, 0, 0, 0], [6, 0, 7, 1, 2, 0]])
    x = gw.Input((6,), dtype="int32")
    embedding = layers.Embedding(9, 3, mask_zero=True)
    pooled = getattr(layers, f"{kind}Pooling1D")(2)(embedding(x))
    model = gw.Model(x, pooled)
    outputs, mask = model.propagate(tokens)
    np.testing.assert_array_equal(mask, [[True, True, False], [True, True, True]])
    vectors = np.asarray(embedding(tokens))
    reduce = np.max if kind == "Max" else np.mean
    np.testing.assert_allclose(outputs[0, 1], vectors[0, 2], rtol=1e-6)  # its neighbour is masked
    np.testing.assert_allclose(outputs[1, 1], reduce(vectors[1, 2:4], 0), rtol=1e-6)
    np.testing.assert_array_equal(outputs[0, 2], np.zeros(3))
    ended = gw.Model(x, getattr(layers, f"Global{kind}Pooling1D")()(pooled))
    assert ended.propagate(tokens)[1] is None


def test_images_drop_a_mask_of_rows():
    image = np.ones((2, 4, 4, 1), "float32")
    assert layers.MaxPooling2D().compute_mask(image, np.ones((2, 4), bool)) is None


def test_short_names_are_the_same_layers():
    for name in ("MaxPool", "AvgPool"):
        for rank in (1, 2, 3):
            for start in ("", "Global"):
                long = start + name.replace("Avg", "Average") + "ing" + f"{rank}D"
                assert getattr(layers, f"{start}{name}{rank}D") is getattr(layers, long)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: layers.MaxPooling1D(3, name="pool")(np.ones((1, 2, 1), "float32")),
            "MaxPooling1D 'pool': expected an input whose length is at least the window's 3, as the output's "
            "length is floor((n + 2p - f)/s) + 1 = floor((2 + 0 - 3)/3) + 1 = 0, but got length 2. Use a smaller "
            "window, padding='same' or larger inputs, or pool less before.",
        ),
        (
            lambda: layers.AveragePooling3D(2, name="p")(np.ones((1, 4, 4, 1, 2), "float32")),
            "AveragePooling3D 'p': expected an input whose width is at least the window's 2",
        ),
        (
            lambda: layers.MaxPooling2D(0),
            "expected pool_size to be a positive integer or 2 of them, but got 0",
        ),
        (lambda: layers.MaxPooling1D((2, 2)), "expected pool_size to be a positive integer, but got (2, 2)"),
        (lambda: layers.MaxPooling3D(2, strides=(1, 2)), "expected strides to be a positive integer or 3"),
        (lambda: layers.MaxPooling1D(padding="causal"), "padding to be one of valid, same, but got 'causal'"),
        (lambda: layers.GlobalMaxPooling2D("NHWC"), "data_format to be one of channels_last, channels_first"),
        (lambda: layers.AdaptiveMaxPooling2D((2, 0)), "output_size to be a positive integer or 2 of them"),
        (
            lambda: layers.GlobalAveragePooling1D(name="g")(np.ones((2, 3), "float32")),
            "GlobalAveragePooling1D 'g': expected sequences of shape [batch, steps, channels], but got (2, 3). "
            "Sequences need a channel axis: x[..., None] adds one.",
        ),
        (
            lambda: layers.MaxPooling3D(name="m")(np.ones((2, 3, 3, 3), "float32")),
            "MaxPooling3D 'm': expected volumes of shape [batch, depth, height, width, channels]",
        ),
    ],
)
def test_messages(make, text):
    with pytest.raises(InputError) as raised:
        make()
    assert text in str(raised.value)
