import itertools
import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradwise.errors import InputError
from gradwise.ops.ctc import ctc as uncompiled

ctc = jax.jit(uncompiled, static_argnames="blank")
pytestmark = pytest.mark.feature("D1")

CLASSES, STEPS = 4, 7
LABELS = np.array([[1, 2, 3], [1, 1, 0], [2, 2, 2], [3, 0, 0], [0, 0, 0], [1, 2, 1]], "int32")
LOGITS = (3 * np.random.default_rng(0).normal(size=(6, STEPS, CLASSES))).astype("float32")
STEPS_KEPT = np.array([7, 6, 5, 1, 2, 3])
MASK = np.arange(STEPS)[None, :] < STEPS_KEPT[:, None]


def values_and_slopes(labels, logits, mask=None):
    return jax.jit(
        lambda z: jax.value_and_grad(lambda z: (v := ctc(labels, z, mask), v.sum())[::-1], has_aux=True)(z)
    )(jnp.asarray(logits))


def from_torch(labels, logits, lengths, blank=0):
    torch = pytest.importorskip("torch")
    z = torch.tensor(logits, requires_grad=True)
    values = torch.nn.functional.ctc_loss(
        torch.log_softmax(z, -1).transpose(0, 1),
        torch.tensor(np.asarray(labels, "int64")),
        torch.tensor(lengths),
        torch.tensor((np.asarray(labels) != blank).sum(1)),
        blank=blank,
        reduction="none",
    )
    values.sum().backward()
    return values.detach().numpy(), z.grad.numpy()


@pytest.mark.parametrize("mask", [None, MASK], ids=["all steps", "lengths"])
def test_values_and_gradients_equal_torch(mask):
    (_, values), slopes = values_and_slopes(LABELS, LOGITS, mask)
    lengths = np.full(6, STEPS) if mask is None else STEPS_KEPT
    wanted, wanted_slopes = from_torch(LABELS, LOGITS, lengths)
    np.testing.assert_allclose(values, wanted, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(slopes, wanted_slopes, rtol=1e-4, atol=2e-6)


def test_values_and_gradients_equal_keras():
    (_, values), slopes = values_and_slopes(LABELS, LOGITS)
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        import keras

        theirs = lambda z: keras.losses.ctc(LABELS, z)  # noqa: E731
        wanted = np.asarray(jax.jit(theirs)(LOGITS))
        wanted_slopes = np.asarray(jax.jit(jax.grad(lambda z: theirs(z).sum()))(LOGITS))
    np.testing.assert_allclose(values, wanted, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(slopes, wanted_slopes, rtol=1e-4, atol=1e-5)


def merged(path, blank):
    return tuple(label for label, _ in itertools.groupby(path) if label != blank)


@pytest.mark.parametrize("blank", [0, 2])
def test_the_probabilities_of_all_labellings_are_those_of_their_paths(blank):
    logits = LOGITS[:1, :4, :3]
    p = np.exp(np.asarray(jax.nn.log_softmax(logits, -1)))[0]
    sums = {}
    for path in itertools.product(range(3), repeat=4):
        probability = np.prod([p[step, label] for step, label in enumerate(path)])
        sums[merged(path, blank)] = sums.get(merged(path, blank), 0) + probability
    labels = np.array([[*labelling, *[blank] * (4 - len(labelling))] for labelling in sums])
    values = ctc(labels, np.repeat(logits, len(labels), 0), blank=blank)
    np.testing.assert_allclose(np.exp(-values), list(sums.values()), rtol=1e-5)
    assert float(np.exp(-values).sum()) == pytest.approx(1, rel=1e-5)


def test_steps_taken_out_anywhere_are_as_if_not_there():
    mask = np.array([[0, 1, 1, 0, 1, 1, 0]] * 6, bool)
    (_, values), slopes = values_and_slopes(LABELS, LOGITS, mask)
    np.testing.assert_allclose(values, ctc(LABELS, LOGITS[:, mask[0]]), rtol=1e-6)
    assert not np.asarray(slopes)[:, ~mask[0]].any()


def test_more_padding_changes_nothing():
    wider = np.pad(LABELS, ((0, 0), (0, 4)))
    np.testing.assert_allclose(ctc(wider, LOGITS), ctc(LABELS, LOGITS), rtol=1e-6)


def test_impossible_labels_cost_infinity_and_have_no_gradient():
    # Three labels in two steps; a pair of equal ones in two; two different ones just fit.
    labels = np.array([[1, 2, 3], [1, 1, 0], [1, 2, 0]])
    (_, values), slopes = values_and_slopes(labels, LOGITS[:3, :2])
    assert np.isinf(values[:2]).all() and np.isfinite(values[2])
    assert not np.asarray(slopes[:2]).any() and np.isfinite(slopes).all() and np.asarray(slopes[2]).any()
    (_, values), slopes = values_and_slopes(labels[2:], LOGITS[:1, :2], np.zeros((1, 2), bool))
    assert np.isinf(values).all() and not np.asarray(slopes).any()


def test_labels_out_of_range_are_not_silent():
    values = ctc(np.array([[4, 0], [-1, 0], [3, 0]]), LOGITS[:3])
    assert np.isnan(values).tolist() == [True, True, False]


@pytest.mark.parametrize("size", [200.0, 1e4])
def test_logits_of_any_size_are_exact(size):
    # One class is certain at each step: the labels it spells cost 0, one other label costs the gap.
    logits = np.full((2, 3, 3), 0.0, "float32")
    logits[:, [0, 1, 2], [1, 0, 2]] = size
    (_, values), slopes = values_and_slopes(np.array([[1, 2], [1, 1]]), logits)
    np.testing.assert_allclose(values, [0, size], rtol=1e-6)
    np.testing.assert_allclose(slopes[1], [[0, 0, 0], [0, 0, 0], [0, -1, 1]], atol=1e-6)


def test_long_sequences_lose_nothing():
    rng = np.random.default_rng(1)
    logits = (5 * rng.normal(size=(2, 600, 30))).astype("float32")
    labels = rng.integers(1, 30, (2, 150))
    with jax.enable_x64(True):
        exact = np.asarray(ctc(labels, jnp.asarray(logits, "float64")))
        assert exact.dtype == "float64"
    np.testing.assert_allclose(ctc(labels, logits), exact, rtol=1e-5)


def test_half_precision_computes_in_single():
    halved = jnp.asarray(LOGITS, "bfloat16")
    values = ctc(LABELS, halved)
    assert values.dtype == "bfloat16"
    wanted = ctc(LABELS, halved.astype("float32"))
    np.testing.assert_allclose(np.float32(values), wanted, rtol=1e-2)


@pytest.mark.parametrize(("labels", "logits"), [((6,), (6, 7, 4)), ((6, 3), (6, 4)), ((5, 3), (6, 7, 4))])
def test_shape_errors_help(labels, logits):
    text = r"ctc: expected labels of shape \[B, L\] and logits of shape \[B, T, K\], but got .* Give each sample one row of labels, filled up with 0"
    with pytest.raises(InputError, match=text):
        uncompiled(np.ones(labels, int), np.ones(logits))
