"""Attention layers against Keras 3 and PyTorch; masks on their way through models; what is refused."""

import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")

import gradwise as gw
from gradwise import layers
from gradwise.core.functional import functional_call
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("C9")

B, T, S, D = 3, 5, 4, 6


def in_keras(name, settings, layer, arrays, **options):
    """What Keras' layer of the same settings and weights returns."""
    keras = pytest.importorskip("keras")
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        reference = getattr(keras.layers, name)(**settings)
        call = (
            (lambda: reference(*arrays, **options))
            if "Head" in name
            else lambda: reference(arrays, **options)
        )
        call()
        weights = layer.get_weights()
        reference.set_weights(weights)
        return jax.tree.map(np.asarray, call())


def draw(rng, *shapes):
    return [rng.normal(size=shape).astype("float32") for shape in shapes]


def steps(rng, length):
    mask = rng.random((B, length)) > 0.4
    mask[:, 0] = True
    return mask


def close(mine, other):
    for one, two in zip(jax.tree.leaves(mine), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-5)


# Against Keras 3 ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Attention", "AdditiveAttention"])
@pytest.mark.parametrize("causal", [False, True])
def test_lists_with_masks_equal_keras(rng, name, causal):
    arrays = draw(rng, (B, T, D), (B, S, 7), (B, S, D))
    options = {
        "mask": [steps(rng, T), steps(rng, S), None],
        "return_attention_scores": True,
        "use_causal_mask": causal,
    }
    layer = getattr(layers, name)(use_scale=True)
    layer(arrays)
    close(layer(arrays, **options), in_keras(name, {"use_scale": True}, layer, arrays, **options))


@pytest.mark.parametrize("scores", [False, True])
@pytest.mark.parametrize("causal", [False, True])
def test_heads_with_masks_equal_keras(rng, scores, causal):
    arrays = draw(rng, (B, T, D), (B, S, 7), (B, S, 8))
    pairs = rng.random((B, T, S)) > 0.3
    pairs[..., 0] = True
    options = {
        "value_mask": steps(rng, S),
        "key_mask": steps(rng, S),
        "attention_mask": pairs,
        "return_attention_scores": scores,
        "use_causal_mask": causal,
    }
    settings = {"num_heads": 2, "key_dim": 3}
    layer = layers.MultiHeadAttention(**settings)
    layer(*arrays)
    close(layer(*arrays, **options), in_keras("MultiHeadAttention", settings, layer, arrays, **options))


def test_values_of_a_size_of_their_own_equal_keras(rng):
    arrays = draw(rng, (B, T, D), (B, S, 7), (B, S, 8))
    settings = {"num_heads": 2, "key_dim": 3, "value_dim": 5, "use_gate": True, "sliding_window": 3}
    layer = layers.MultiHeadAttention(**settings)
    # Without the scores Keras' JAX backend fails for such sizes.
    outputs = layer(*arrays, return_attention_scores=True)
    close(outputs, in_keras("MultiHeadAttention", settings, layer, arrays, return_attention_scores=True))
    close(layer(*arrays), outputs[0])


@pytest.mark.parametrize(
    ("axes", "source"), [(None, (4, 3)), (1, (4, 3)), ((2,), (2, 5)), (-2, (2, 5)), ((2, 1), (3, 2))]
)
def test_axes_of_images_equal_keras(rng, axes, source):
    query, value = draw(rng, (B, 2, 3, D), (B, *source, D))
    settings = {"num_heads": 2, "key_dim": 3, "attention_axes": axes}
    layer = layers.MultiHeadAttention(**settings)
    outputs, weights = layer(query, value, return_attention_scores=True)
    # Keras counts a negative axis without the one of the heads, and so do its equations.
    expected = in_keras("MultiHeadAttention", settings, layer, [query, value], return_attention_scores=True)
    close((outputs, weights), expected)
    close(layer(query, value), outputs)


def test_groups_equal_keras_with_scores_and_equal_heads_with_repeated_kernels(rng):
    arrays = draw(rng, (B, T, D), (B, S, 7))
    layer = layers.GroupQueryAttention(head_dim=3, num_query_heads=4, num_key_value_heads=2)
    outputs, weights = layer(*arrays, return_attention_scores=True)
    heads = layers.MultiHeadAttention(4, 3)
    heads(*arrays)
    kernels = layer.get_weights()
    for place in (2, 3, 4, 5):  # key and value
        kernels[place] = np.repeat(kernels[place], 2, -2)
    heads.set_weights(kernels)
    close((outputs, weights), heads(*arrays, return_attention_scores=True))


def test_dropout_drops_weights_and_keeps_their_mean():
    layer = layers.MultiHeadAttention(1, 1, dropout=0.5, use_bias=False)
    x = np.ones((1, 400, 1), "float32")
    layer(x, x)
    layer.set_weights([np.ones_like(weight) for weight in layer.get_weights()])
    (outputs, weights), _ = functional_call(
        layer, {}, x, x, training=True, key=jax.random.key(0), return_attention_scores=True
    )
    assert np.std(outputs) > 0.01
    assert np.mean(outputs) == pytest.approx(1, abs=0.02)
    np.testing.assert_allclose(weights, 1 / 400, rtol=1e-4)  # before dropout, as in Keras
    close(layer(x, x), np.ones_like(x))


# Against PyTorch ---------------------------------------------------------------------------------------


def as_in_pytorch(layer, reference, size, heads):
    """Copies the weights of our layer into PyTorch's."""
    import torch

    named = {name: np.asarray(variable.value) for name, variable in layer.named_variables().items()}
    inner = [named[f"{part}_kernel"].reshape(size, -1).T for part in ("query", "key", "value")]
    biases = [named[f"{part}_bias"].reshape(-1) for part in ("query", "key", "value")]
    with torch.no_grad():
        reference.in_proj_weight.copy_(torch.tensor(np.concatenate(inner)))
        reference.in_proj_bias.copy_(torch.tensor(np.concatenate(biases)))
        reference.out_proj.weight.copy_(torch.tensor(named["output_kernel"].reshape(-1, size).T.copy()))
        reference.out_proj.bias.copy_(torch.tensor(named["output_bias"].copy()))


def test_heads_equal_pytorch_in_outputs_weights_and_gradients(rng):
    torch = pytest.importorskip("torch")
    layer = layers.MultiHeadAttention(2, 4, bias_initializer="random_normal")
    query, value = draw(rng, (B, T, 8), (B, S, 8))
    mask = steps(rng, S)
    layer(query, value)
    reference = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    as_in_pytorch(layer, reference, 8, 2)
    tensors = [torch.tensor(array, requires_grad=True) for array in (query, value)]
    expected, weights = reference(
        *tensors, tensors[1], key_padding_mask=torch.tensor(~mask), average_attn_weights=False
    )
    expected.sin().sum().backward()

    def loss(values, query, value):
        return jnp.sin(functional_call(layer, values, query, value, value_mask=mask)[0]).sum()

    mine = layer(query, value, value_mask=mask, return_attention_scores=True)
    close(mine, (expected.detach().numpy(), weights.detach().numpy()))
    values = {path: variable.value for path, variable in layer.named_variables().items()}
    gradients = jax.grad(loss, (0, 1, 2))(values, query, value)
    close(gradients[1:], [tensor.grad.numpy() for tensor in tensors])
    kernels = np.concatenate(
        [np.asarray(gradients[0][f"{part}_kernel"]).reshape(8, 8).T for part in ("query", "key", "value")]
    )
    np.testing.assert_allclose(kernels, reference.in_proj_weight.grad.numpy(), rtol=1e-4, atol=1e-5)


# Masks in models ---------------------------------------------------------------------------------------

INDICES = np.array([[3, 1, 4, 0, 0], [2, 5, 0, 0, 0]], "int32")


class Masks(gw.Layer):
    """Returns which masks reached it, as numbers: that of the first argument, and that of the second."""

    def call(self, first, second, first_mask=None, second_mask=None):
        found = [
            jnp.full(array.shape[:2], -1.0) if mask is None else mask.astype("float32")
            for array, mask in ((first, first_mask), (second, second_mask))
        ]
        return jnp.concatenate(found, 1)


class LastMask(gw.Layer):
    """Returns the mask that came with its input."""

    def call(self, inputs, mask=None):
        return jnp.zeros(inputs.shape[:2]) if mask is None else mask.astype("float32")


def embedded(mask_zero=True):
    inputs = gw.Input((None,), dtype="int32")
    return inputs, layers.Embedding(7, 4, mask_zero=mask_zero)(inputs)


def test_each_argument_brings_its_mask():
    one, first = embedded()
    two, second = embedded()
    model = gw.Model([one, two], Masks()(first, second))
    other = np.array([[1, 0], [2, 3]], "int32")
    expected = np.concatenate([INDICES != 0, other != 0], 1)
    np.testing.assert_array_equal(model.predict([INDICES, other]), expected)
    by_name = gw.Model([one, two], Masks()(second=second, first=first))
    np.testing.assert_array_equal(by_name.predict([INDICES, other]), expected)
    mask = gw.Input((None,), dtype="bool")
    given = gw.Model([one, two, mask], Masks()(first, second, second_mask=mask))
    swapped = np.array([[False, True], [True, False]])
    np.testing.assert_array_equal(given([INDICES, other, swapped])[:, 5:], swapped)
    np.testing.assert_array_equal(given([INDICES, other, swapped])[:, :5], INDICES != 0)
    unmasked, third = embedded(mask_zero=False)
    bare = gw.Model([one, unmasked], Masks()(first, third))
    np.testing.assert_array_equal(bare.predict([INDICES, other])[:, 5:], -1)


def test_padding_has_no_influence_on_attention_in_a_model():
    inputs, x = embedded()
    outputs = layers.MultiHeadAttention(2, 3)(x, x)
    model = gw.Model(inputs, outputs)
    padded = model(INDICES)
    close(padded[0, :3], model(INDICES[:1, :3])[0])
    close(padded[1, :2], model(INDICES[1:, :2])[0])
    unmasked_inputs, x = embedded(mask_zero=False)
    unmasked = gw.Model(unmasked_inputs, layers.MultiHeadAttention(2, 3)(x, x))
    unmasked.set_weights(model.get_weights())
    assert not np.allclose(unmasked(INDICES)[0, :3], padded[0, :3], atol=1e-4)


@pytest.mark.parametrize("name", ["Attention", "AdditiveAttention"])
def test_padding_has_no_influence_on_lists_in_a_model(name):
    inputs, x = embedded()
    model = gw.Model(inputs, getattr(layers, name)()([x, x]))
    padded = model(INDICES)
    close(padded[0, :3], model(INDICES[:1, :3])[0])
    assert not np.any(padded[0, 3:])  # the query's own mask


@pytest.mark.parametrize("scores", [False, True])
def test_the_querys_mask_goes_on(scores):
    inputs, x = embedded()
    attended = layers.MultiHeadAttention(2, 3)(x, x, return_attention_scores=scores)
    model = gw.Model(inputs, LastMask()(attended[0] if scores else attended))
    np.testing.assert_array_equal(model(INDICES), INDICES != 0)
    mask = gw.Input((None,), dtype="bool")
    given = layers.MultiHeadAttention(2, 3)(query=x, value=x, query_mask=mask)
    model = gw.Model([inputs, mask], LastMask()(given))
    np.testing.assert_array_equal(model([INDICES, INDICES == 1]), INDICES == 1)
    listed = layers.Attention()([x, x], return_attention_scores=scores)
    model = gw.Model(inputs, LastMask()(listed[0] if scores else listed))
    np.testing.assert_array_equal(model(INDICES), INDICES != 0)


def test_a_mask_given_in_the_call_comes_first():
    inputs, x = embedded()
    mask = gw.Input((None,), dtype="bool")
    model = gw.Model([inputs, mask], LastMask()(x, mask=mask))
    np.testing.assert_array_equal(model([INDICES, INDICES == 1]), INDICES == 1)


def test_a_subclassed_model_passes_masks_itself():
    class Reader(gw.Model):
        def __init__(self):
            super().__init__()
            self.embedding = layers.Embedding(7, 4, mask_zero=True)
            self.attention = layers.MultiHeadAttention(2, 3)

        def call(self, indices):
            x = self.embedding(indices)
            mask = self.embedding.compute_mask(indices)
            return self.attention(x, x, query_mask=mask, value_mask=mask)

    model = Reader()
    padded = model(INDICES)
    close(padded[0, :3], model(INDICES[:1, :3])[0])
    inputs, x = embedded()
    drawn = gw.Model(inputs, layers.MultiHeadAttention(2, 3)(x, x))
    drawn.set_weights(model.get_weights())
    close(drawn(INDICES), padded)


def test_a_sequence_of_padding_only_trains_without_nan():
    inputs, x = embedded()
    x = layers.MultiHeadAttention(2, 3, dropout=0.1)(x, x)
    model = gw.Model(inputs, layers.Dense(1)(layers.Flatten()(x[:, :5])))
    model.compile("adam", "mse")
    indices = np.zeros((4, 5), "int32")
    history = model.fit(indices, np.ones((4, 1), "float32"), epochs=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def transformer(length=6, words=9, width=8):
    """An encoder block as in Vaswani et al. (2017), figure 1, and a classifier on it."""
    inputs = gw.Input((length,), dtype="int32")
    x = layers.Embedding(words, width, mask_zero=True)(inputs)
    x = x + layers.SinePositionEncoding()(x)
    attended = layers.MultiHeadAttention(2, width // 2, dropout=0.1)(x, x)
    x = layers.LayerNormalization(epsilon=1e-6)(x + attended)
    inner = layers.Dense(width)(layers.Dense(2 * width, activation="relu")(x))
    x = layers.LayerNormalization(epsilon=1e-6)(layers.Add()([x, inner]))
    pooled = layers.Flatten()(x)
    return gw.Model(inputs, layers.Dense(1, activation="sigmoid")(pooled))


def test_a_transformer_block_is_built_trained_saved_and_loaded(tmp_path, rng):
    gw.utils.set_random_seed(1)
    model = transformer()
    # Order matters: whether the first word comes again later.
    indices = rng.integers(1, 9, (300, 6)).astype("int32")
    labels = (indices[:, 1:] == indices[:, :1]).any(1).astype("float32")
    model.compile(gw.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    before = model.evaluate(indices, labels, verbose=0)[0]
    model.fit(indices, labels, epochs=60, batch_size=50, verbose=0)
    after, accuracy = model.evaluate(indices, labels, verbose=0)
    assert after < 0.6 * before
    assert accuracy > 0.85
    model.save(tmp_path / "block.gwz")
    again = gw.load_model(tmp_path / "block.gwz")
    np.testing.assert_array_equal(again.predict(indices), model.predict(indices))


# Positions ---------------------------------------------------------------------------------------------


def test_positions_start_where_told_and_reach_as_far_as_they_have_vectors(rng):
    (x,) = draw(rng, (2, 3, 4))
    sine = layers.SinePositionEncoding()
    close(sine(x, start_index=2)[:, 0], sine(np.zeros((2, 3, 4), "float32"))[:, 2])
    learned = layers.PositionEmbedding(5)
    close(learned(x, start_index=2)[1], learned.get_weights()[0][2:])
    with pytest.raises(InputError, match="expected places 0 to 4, but got 3 to 5. Cut the sequences, or set"):
        learned(x, start_index=3)
    (heads,) = draw(rng, (2, 3, 2, 4))
    rotary = layers.RotaryEmbedding()
    close(rotary(heads)[:, :, 1], rotary(heads[:, :, 1]))
    close(rotary(heads, start_index=1)[:, :2, 0], rotary(np.roll(heads, 1, 1))[:, 1:, 0])


# What is refused ---------------------------------------------------------------------------------------

X = np.zeros((2, 5, 6), "float32")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.MultiHeadAttention(0, 4), "num_heads to be a positive integer, but got 0"),
        (lambda: layers.MultiHeadAttention(2, -1), "key_dim to be a positive integer, but got -1"),
        (lambda: layers.MultiHeadAttention(2, 4, value_dim=0), "value_dim to be a positive integer"),
        (lambda: layers.MultiHeadAttention(2, 4, output_shape=()), "output_shape to be a positive integer"),
        (
            lambda: layers.MultiHeadAttention(2, 4, sliding_window=0),
            "sliding_window to be a positive integer",
        ),
        (lambda: layers.MultiHeadAttention(2, 4, dropout=1.0), "a rate of at least 0 and below 1"),
        (lambda: layers.MultiHeadAttention(2, 4, dropout=0.1, flash_attention=True), "no dropout with flash"),
        (lambda: layers.GroupQueryAttention(0, 4, 2), "head_dim to be a positive integer, but got 0"),
        (lambda: layers.GroupQueryAttention(4, 4, 3), "num_query_heads to be a multiple of .*got 4 and 3"),
        (lambda: layers.GroupQueryAttention(4, 4, 0), "num_key_value_heads to be a positive integer"),
        (lambda: layers.Attention(score_mode="general"), "score_mode 'dot' or 'concat', but got 'general'"),
        (lambda: layers.PositionEmbedding(0), "sequence_length to be a positive integer, but got 0"),
        (lambda: layers.SinePositionEncoding(0), "max_wavelength above 0, but got 0"),
        (lambda: layers.RotaryEmbedding(scaling_factor=-1.0), "scaling_factor above 0, but got -1.0"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def heads(**options):
    return layers.MultiHeadAttention(2, 3, **options)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: heads()(X), "a query and a value as two arguments, but got one argument. For self-att"),
        (lambda: heads()([X, X]), "a query and a value as two arguments, but got one argument"),
        (lambda: heads()([X, X], X), "a query and a value as two arguments, but got a list"),
        (lambda: heads()(X[0], X[0]), r"\[batch, steps, features\], all with as many axes.*Add an axis"),
        (lambda: heads()(X, X[0]), r"all with as many axes, but got .*\(5, 6\)|\(None, 6\)"),
        (lambda: heads()(X, X, X[:, :4]), r"as many values as keys.*key \(2, 4, 6\)"),
        (lambda: heads()(X, X[:1]), r"the query's sizes on every axis not attended.*value \(1, 5, 6\)"),
        (lambda: heads()(X, X, query_mask=np.ones((2, 4))), r"a query mask of shape \(2, 5\).*got \(2, 4\)"),
        (lambda: heads()(X, X, value_mask=np.ones(5)), r"a value mask of shape \(2, 5\).*got \(5,\)"),
        (lambda: heads()(X, X, attention_mask=np.ones((2, 5, 4))), r"attention_mask: .*\(2, 5, 5\)"),
        (lambda: heads(attention_axes=3)(X, X), "attention_axes out of 1 to 1 for inputs of 3 axes"),
        (lambda: heads(attention_axes=(1, 1))(X, X), "each once, but got"),
        (
            lambda: heads()(X[:, :, None], X[:, :, None], use_causal_mask=True),
            "one attended axis with use_causal_mask=True",
        ),
        (lambda: heads(flash_attention=True)(X, X), "flash attention: expected a CUDA device"),
        (
            lambda: heads(flash_attention=True)(X, X, return_attention_scores=True),
            "no return_attention_scores with flash_attention=True",
        ),
        (
            lambda: layers.Attention()(X),
            r"a list \[query, value\] or \[query, value, key\], but got a single",
        ),
        (lambda: layers.Attention()([X]), "but got a list of 1. For self-attention call it on"),
        (lambda: layers.Attention()([X] * 4), "but got a list of 4"),
        (lambda: layers.Attention()([X, X[..., :4]]), r"query \[batch, T, D\].*\(2, 5, 4\)"),
        (lambda: layers.Attention()([X[:, 0], X[:, 0]]), r"query \[batch, T, D\].*got \(2, 6\)"),
        (
            lambda: layers.Attention()([X, X], mask=np.ones((2, 5))),
            r"a list of masks .*but got a single mask",
        ),
        (lambda: layers.Attention()([X, X], mask=[None]), "but got a list of 1. Write mask="),
        (
            lambda: layers.Attention()([X, X], mask=[None, np.ones((2, 4))]),
            r"a value mask of shape \(2, 5\).*got \(2, 4\)",
        ),
        (lambda: layers.RotaryEmbedding()(X[..., :5]), "an even number of features, but got 5"),
        (lambda: layers.SinePositionEncoding()(X[0]), r"float inputs of shape .*got float32\[5, 6\]"),
        (lambda: layers.SinePositionEncoding()(X.astype("int32")), r"got int32\[2, 5, 6\]. Put it after"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_other_sizes_than_the_kernels_are_refused():
    layer = heads()
    layer(X, X)
    with pytest.raises(InputError, match=r"a value of 3 axes, the last one of size 6, but got \(2, 5, 4\)"):
        layer(X, X[..., :4])
