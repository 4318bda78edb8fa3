"""Attention and positions against PyTorch, closed forms in NumPy, and what must hold at the edges."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradwise.errors import InputError
from gradwise.ops import head_attention
from gradwise.ops.attention import additive_scores, causal_mask, dot_scores, masked_softmax, window_mask
from gradwise.ops.attention_axes import fold_axes, fold_pair_mask, unfold_axes
from gradwise.ops.head_attention import average_values, dot_product_attention, head_weights
from gradwise.ops.positions import rotate_pairs, sine_positions

pytestmark = pytest.mark.feature("C9")

B, T, S, H, D, E = 2, 5, 4, 4, 3, 6


@pytest.fixture
def heads(rng):
    shapes = ((B, T, H, D), (B, S, H, D), (B, S, H, E))
    return [jnp.asarray(rng.normal(size=shape), "float32") for shape in shapes]


@pytest.fixture
def mask(rng):
    kept = rng.random((B, H, T, S)) > 0.4
    kept[..., 0] = True
    return jnp.asarray(kept)


def in_numpy(query, key, value, mask=None):
    """The definition, in double precision and with loops over nothing but what the formula sums."""
    query, key, value = (np.asarray(array, "float64") for array in (query, key, value))
    scores = np.einsum("bthd,bshd->bhts", query, key) / np.sqrt(query.shape[-1])
    powers = np.exp(scores) * (1 if mask is None else np.asarray(mask))
    weights = powers / powers.sum(-1, keepdims=True)
    return np.einsum("bhts,bshe->bthe", weights, value), weights


def test_it_is_the_formula(heads, mask):
    outputs, weights = in_numpy(*heads, mask)
    np.testing.assert_allclose(dot_product_attention(*heads, mask), outputs, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(head_weights(*heads[:2], mask), weights, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        average_values(jnp.asarray(weights, "float32"), heads[2]), outputs, rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("kind", ["plain", "mask", "causal", "groups"])
def test_values_and_gradients_equal_pytorch(heads, mask, kind):
    torch = pytest.importorskip("torch")
    query, key, value = heads
    if kind == "groups":
        key, value = key[:, :, :2], value[:, :, :2]
    own = {"mask": {"mask": mask}, "causal": {"causal": True}}.get(kind, {})
    other = {"mask": {"attn_mask": torch.tensor(np.asarray(mask))}, "causal": {"is_causal": True}}.get(
        kind, {"enable_gqa": kind == "groups"}
    )
    tensors = [torch.tensor(np.asarray(a)).transpose(1, 2).requires_grad_() for a in (query, key, value)]
    expected = torch.nn.functional.scaled_dot_product_attention(*tensors, **other)
    (expected.sin().sum()).backward()

    def loss(*arrays):
        return jnp.sin(dot_product_attention(*arrays, **own)).sum()

    np.testing.assert_allclose(
        dot_product_attention(query, key, value, **own),
        expected.detach().transpose(1, 2).numpy(),
        rtol=1e-5,
        atol=1e-6,
    )
    for mine, tensor in zip(jax.grad(loss, (0, 1, 2))(query, key, value), tensors, strict=True):
        np.testing.assert_allclose(mine, tensor.grad.transpose(1, 2).numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_query_that_may_attend_to_nothing_gives_zeros_and_no_gradient(heads, mask, dtype):
    heads = [array.astype(dtype) for array in heads]
    mask = mask.at[0, :, 2].set(False)

    def loss(*arrays):
        return dot_product_attention(*arrays, mask).astype("float32")[0, 2].sum()

    assert not np.any(np.asarray(dot_product_attention(*heads, mask)[0, 2], "float32"))
    assert dot_product_attention(*heads, mask).dtype == dtype
    for gradient in jax.grad(loss, (0, 1, 2))(*heads):
        assert not np.any(np.asarray(gradient, "float32"))
    whole = jax.grad(lambda *arrays: dot_product_attention(*arrays, mask).astype("float32").sum(), (0, 1, 2))
    assert all(np.isfinite(np.asarray(gradient, "float32")).all() for gradient in whole(*heads))
    assert not np.any(np.asarray(head_weights(*heads[:2], mask)[0, :, 2]))


def test_what_is_masked_has_no_influence_at_all(heads, mask):
    query, key, value = heads
    mask = mask.at[:, :, :, 3].set(False)
    outputs = dot_product_attention(query, key, value, mask)
    spoilt = dot_product_attention(query, key.at[:, 3].set(1e18), value.at[:, 3].set(1e18), mask)
    np.testing.assert_array_equal(outputs, spoilt)
    short = dot_product_attention(query, key[:, :3], value[:, :3], mask[..., :3])
    np.testing.assert_allclose(outputs, short, rtol=1e-6, atol=1e-6)


def test_large_scores_do_not_overflow(heads):
    query, key, value = heads
    outputs = dot_product_attention(1e4 * query, 1e4 * key, value)
    nearest = np.argmax(np.einsum("bthd,bshd->bhts", query, key), -1)  # [B, H, T]
    expected = np.take_along_axis(np.swapaxes(value, 1, 2), nearest[..., None], 2)
    np.testing.assert_allclose(np.swapaxes(outputs, 1, 2), expected, rtol=1e-6)


def test_second_derivatives_and_forward_mode_work(heads):
    function = lambda query: jnp.sin(dot_product_attention(query, *heads[1:], causal=True)).sum()  # noqa: E731
    direction = jnp.ones_like(heads[0])
    forward = jax.jvp(function, (heads[0],), (direction,))[1]
    np.testing.assert_allclose(forward, jax.grad(function)(heads[0]).sum(), rtol=1e-4)
    curvature = jax.jvp(jax.grad(function), (heads[0],), (direction,))[1]
    step = 1e-2
    difference = (
        jax.grad(function)(heads[0] + step * direction) - jax.grad(function)(heads[0] - step * direction)
    ) / (2 * step)
    np.testing.assert_allclose(curvature, difference, atol=2e-3)


def test_scores_of_both_kinds(rng):
    query, key = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 5, 4))
    scale = rng.normal(size=4)
    arrays = [jnp.asarray(array, "float32") for array in (query, key, scale)]
    np.testing.assert_allclose(dot_scores(*arrays[:2]), query @ np.swapaxes(key, 1, 2), rtol=1e-5, atol=1e-6)
    expected = np.tanh(query[:, :, None] + key[:, None]) @ scale
    np.testing.assert_allclose(additive_scores(*arrays), expected, rtol=1e-5, atol=1e-6)
    assert dot_scores(*[array.astype("bfloat16") for array in arrays[:2]]).dtype == "float32"


def test_softmax_of_one_kept_entry_is_one_with_no_gradient():
    scores, mask = jnp.array([[5.0, 7.0]]), jnp.array([[True, False]])
    assert masked_softmax(scores, mask).tolist() == [[1.0, 0.0]]
    assert jax.grad(lambda s: masked_softmax(s, mask)[0, 0])(scores).tolist() == [[0.0, 0.0]]


def test_masks_of_order_and_distance():
    np.testing.assert_array_equal(causal_mask(4, 6), np.tri(4, 6, dtype=bool))
    far = np.abs(np.arange(5)[:, None] - np.arange(4)) >= 2
    np.testing.assert_array_equal(window_mask(5, 4, 2), ~far)


def test_folding_axes_and_back(rng):
    array = rng.normal(size=(2, 3, 4, 5, 6, 7))
    folded = fold_axes(jnp.asarray(array), (3, 1), 2)
    np.testing.assert_array_equal(folded, jnp.asarray(array).transpose(0, 2, 3, 1, 4, 5).reshape(8, 15, 6, 7))
    np.testing.assert_array_equal(unfold_axes(folded, (3, 1), (2, 3, 4, 5)), jnp.asarray(array))


@pytest.mark.parametrize("shape", [(5,), (2, 5, 3), (3, 4, 5), (2, 2, 4, 5)])
def test_a_pair_mask_that_does_not_fit_is_refused(shape):
    with pytest.raises(InputError, match=r"attention_mask: expected a mask of shape \(2, 4, 5\)") as caught:
        fold_pair_mask(jnp.ones(shape, bool), (1,), (2, 4), (2, 5), 3)
    assert f"got {shape}" in str(caught.value)


# The fused kernel needs a device of its own; here the engine's plain implementation stands in for it. -------


@pytest.fixture
def fused(monkeypatch):
    calls, real = [], jax.nn.dot_product_attention

    def stand_in(*args, implementation, **settings):
        calls.append((implementation, settings["is_causal"], settings["mask"].shape))
        return real(*args, **settings)

    monkeypatch.setattr(jax.nn, "dot_product_attention", stand_in)
    monkeypatch.setattr(head_attention, "_device_has_kernel", lambda: True)
    return calls


def halves(rng, size=8, width=8, length=4):
    shapes = ((2, length, 4, size), (2, length, 2, size), (2, length, 2, width))
    return [jnp.asarray(rng.normal(size=shape), "bfloat16") for shape in shapes]


@pytest.mark.parametrize("causal", [False, True])
def test_the_fused_kernel_is_used_for_half_precision_and_agrees(fused, rng, causal):
    arrays = halves(rng)
    mask = jnp.asarray([[True, False, True, True], [False] * 4])[:, None, None]
    with jax.numpy_dtype_promotion("standard"):
        outputs = dot_product_attention(*arrays, mask, causal=causal)
    assert fused == [("cudnn", causal, (2, 1, 4, 4))]
    plain = dot_product_attention(*arrays, mask, causal=causal, fused=False)
    np.testing.assert_allclose(*(np.asarray(a, "float32") for a in (outputs, plain)), atol=0.03)
    assert not np.any(np.asarray(outputs[1], "float32"))


def test_the_fused_kernel_is_left_where_it_does_not_fit(fused, rng):
    odd = halves(rng, length=3)
    mask = jnp.ones((1, 1, 3, 3), bool)
    for arrays, given in (
        ([array.astype("float32") for array in halves(rng)], None),
        (halves(rng, size=6, width=6), None),
        (halves(rng, size=136, width=136), None),
        (halves(rng, width=16), None),
        (odd, mask),
    ):
        assert not head_attention.has_fused_kernel(*arrays, given)
        dot_product_attention(*arrays, given)
    assert fused == []
    assert head_attention.has_fused_kernel(*odd)


def test_asking_for_a_fused_kernel_that_is_not_there_is_refused(heads):
    with pytest.raises(InputError, match="flash attention: expected a CUDA device") as caught:
        dot_product_attention(*heads, fused=True)
    assert "got float32 heads of 3 numbers on cpu" in str(caught.value)


# Positions ---------------------------------------------------------------------------------------------


def test_sine_positions_are_the_papers():
    places, size = np.arange(7), 6
    vectors = sine_positions(jnp.asarray(places, "float32"), size)
    for i in range(size // 2):
        angle = places / 10000 ** (2 * i / size)
        np.testing.assert_allclose(vectors[:, 2 * i], np.sin(angle), atol=1e-6)
        np.testing.assert_allclose(vectors[:, 2 * i + 1], np.cos(angle), atol=1e-6)


def test_the_vector_of_a_later_place_is_a_rotation_of_an_earlier_ones():
    """Section 3.5: for any fixed offset k, PE(pos + k) is a linear function of PE(pos)."""
    vectors = np.asarray(sine_positions(jnp.arange(20.0), 8)).reshape(20, 4, 2)
    waves = vectors[..., 1] + 1j * vectors[..., 0]
    turn = waves[3] / waves[0]
    np.testing.assert_allclose(waves[3:], waves[:-3] * turn, atol=1e-5)


def test_rotations_are_complex_products_and_leave_products_to_distances(rng):
    inputs = rng.normal(size=(2, 9, 6))
    rotated = np.asarray(rotate_pairs(jnp.asarray(inputs, "float32"), jnp.arange(9.0), 100.0))
    angles = np.arange(9)[:, None] * 100.0 ** (-np.arange(3) / 3)
    pairs = (inputs[..., :3] + 1j * inputs[..., 3:]) * np.exp(1j * angles)
    np.testing.assert_allclose(rotated, np.concatenate([pairs.real, pairs.imag], -1), atol=1e-5)
    same = jnp.broadcast_to(jnp.asarray(inputs[:, :1], "float32"), (2, 9, 6))
    turned = np.asarray(rotate_pairs(same, jnp.arange(9.0)))
    products = np.einsum("btd,bsd->bts", turned, turned)
    np.testing.assert_allclose(products[:, 1:, 1:], products[:, :-1, :-1], atol=1e-5)
