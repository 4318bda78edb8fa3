"""Losses that look across pixels, samples or steps: Dice, Tversky, Circle and CTC as losses of a model."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import numpy as np
import pytest

import gradwise as gw
from gradwise import layers, losses
from gradwise.errors import InputError
from gradwise.ops.similarity import circle

pytestmark = pytest.mark.feature("D1")

rng = np.random.default_rng(0)
REGION = (rng.uniform(size=(5, 3, 4, 2)) < 0.4).astype("float32")
FOUND = rng.uniform(size=REGION.shape).astype("float32")
VECTORS = rng.normal(size=(10, 3)).astype("float32")
VECTORS /= np.linalg.norm(VECTORS, axis=1, keepdims=True)
IDENTITIES = np.array([0, 1, 0, 2, 1, 0, 7, 2, 2, 1])  # 7 has no partner


def keras_rules():
    return jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow")


def test_the_examples_of_keras():
    y_true = np.array([[[[1.0], [1.0]], [[0.0], [0.0]]], [[[1.0], [1.0]], [[0.0], [0.0]]]])
    y_pred = np.array([[[[0.0], [1.0]], [[0.0], [1.0]]], [[[0.4], [0.0]], [[0.0], [0.9]]]])
    each = losses.Dice(axis=(1, 2, 3), reduction=None)(y_true, y_pred)
    np.testing.assert_allclose(each, [0.5, 0.75757575], rtol=1e-6)
    assert float(losses.Dice()(y_true, y_pred)) == pytest.approx(0.6164384)


def test_tversky_by_hand():
    y_true, y_pred = np.array([[1.0, 1.0, 0.0, 0.0, 0.0]]), np.array([[1.0, 0.0, 1.0, 1.0, 0.0]])
    # one shared, one missed, two falsely found
    value = losses.Tversky(alpha=0.25, beta=0.75, axis=1)(y_true, y_pred)
    assert float(value) == pytest.approx(1 - 1 / (1 + 0.25 * 1 + 0.75 * 2))
    np.testing.assert_allclose(
        losses.Tversky(axis=(1, 2, 3)).values(REGION, FOUND),
        losses.Dice(axis=(1, 2, 3)).values(REGION, FOUND),
        rtol=1e-5,
    )


@pytest.mark.parametrize("axis", [None, 0, (0, 1, 2), (-4, 1)])
def test_a_loss_of_the_whole_batch_counts_once_in_a_sum(axis):
    weights = np.array([1.0, 2.0, 0.0, 1.0, 1.0], "float32")
    whole = float(losses.Dice(axis=axis)(REGION, FOUND))
    loss = losses.Dice("sum", axis=axis)
    values = loss.values(REGION, FOUND)
    assert values.shape == (5,) and float(values.sum()) == pytest.approx(whole, rel=1e-6)
    assert float(losses.Dice(axis=axis)(REGION, FOUND, weights)) == pytest.approx(whole, rel=1e-6)
    assert float(loss(REGION, FOUND, 2 * weights)) == pytest.approx(2 * whole, rel=1e-6)


@pytest.mark.parametrize("axis", [None, (1, 2, 3), (-1, -2, -3), 2])
def test_evaluation_adds_no_rows(axis):
    model = gw.Sequential([gw.Input((3, 4, 2)), layers.Dense(2, activation="sigmoid")])
    model.compile("sgd", losses.Dice(axis=axis))
    y_pred = np.asarray(model.predict(FOUND, verbose=0))
    parts = [losses.Dice(axis=axis)(REGION[cut], y_pred[cut]) for cut in (slice(0, 3), slice(3, 5))]
    wanted = (3 * float(parts[0]) + 2 * float(parts[1])) / 5
    assert model.evaluate(FOUND, REGION, batch_size=3, verbose=0) == pytest.approx(wanted, rel=1e-5)
    history = model.fit(FOUND, REGION, batch_size=3, shuffle=False, verbose=0).history
    assert np.isfinite(history["loss"]).all()


def by_hand(labels, vectors, gamma, margin):
    distance = 1 - np.float64(vectors) @ np.float64(vectors).T
    values = []
    for i in range(len(labels)):
        sums = [0.0, 0.0]
        for j in range(len(labels)):
            d = max(distance[i, j], 0)
            if labels[i] == labels[j] and i != j:
                sums[0] += np.exp(gamma * (margin + d) * (d - margin))
            elif labels[i] != labels[j]:
                sums[1] += np.exp(gamma * max(1 + margin - d, 0) * (1 - margin - d))
        values.append(np.log1p(sums[0] * sums[1]))
    return np.array(values)


def test_circle_by_hand():
    wanted = by_hand(IDENTITIES, VECTORS, 20, 0.25)
    loss = losses.Circle(gamma=20, margin=0.25)
    np.testing.assert_allclose(loss.values(IDENTITIES[:, None], VECTORS), wanted, rtol=1e-4, atol=1e-6)
    paired = IDENTITIES != 7
    assert wanted[~paired].tolist() == [0.0]
    np.testing.assert_allclose(loss(IDENTITIES, VECTORS), wanted[paired].mean(), rtol=1e-4)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", None])
def test_circle_equals_keras_also_for_samples_without_a_partner(reduction):
    ours = losses.Circle(reduction=reduction)
    a, b = keras_rules()
    with a, b:
        import keras

        theirs = keras.losses.Circle(reduction=reduction)
        wanted = np.asarray(jax.jit(lambda v: theirs(IDENTITIES, v))(VECTORS))
    result = jax.jit(lambda v: ours(IDENTITIES, v))(VECTORS)
    np.testing.assert_allclose(result, wanted, rtol=1e-4, atol=1e-4)


def test_circle_against_other_vectors():
    references, labels = VECTORS[:4], IDENTITIES[:4]
    a, b = keras_rules()
    with a, b:
        import keras

        theirs = lambda v: keras.losses.circle(IDENTITIES, v, labels, references, False, 10, 0.3)  # noqa: E731
        wanted = np.asarray(jax.jit(theirs)(VECTORS))
    ours = jax.jit(lambda v: circle(IDENTITIES, v, labels, references, False, 10, 0.3))(VECTORS)
    np.testing.assert_allclose(ours, wanted, rtol=1e-4, atol=1e-5)
    with pytest.raises(
        InputError,
        match=r"circle: expected labels of shape \[B\] and vectors of shape \[B, D\], but got \(10,\) and \(9, 3\). Give each",
    ):
        circle(IDENTITIES, VECTORS[:9])


def test_samples_without_partners_give_no_nan():
    alone = np.arange(4)
    value, slope = jax.jit(jax.value_and_grad(lambda v: losses.Circle()(alone, v)))(VECTORS[:4])
    assert float(value) == 0 and not np.asarray(slope).any()
    value, slope = jax.jit(jax.value_and_grad(lambda v: losses.Circle()(0 * alone, v)))(VECTORS[:4])
    assert float(value) == 0 and not np.asarray(slope).any()


class OfLengthOne(gw.layers.Layer):
    def call(self, inputs):
        return inputs / (1e-6 + (inputs * inputs).sum(-1, keepdims=True)) ** 0.5


def test_circle_brings_classes_together():
    generator = np.random.default_rng(2)
    labels = np.repeat(np.arange(4), 25)
    x = 2 * generator.normal(size=(4, 8))[labels] + generator.normal(size=(100, 8))
    inputs = gw.Input((8,))
    direction = layers.Dense(3)(layers.Dense(16, activation="tanh")(inputs))
    model = gw.Model(inputs, OfLengthOne()(direction))
    model.compile(gw.optimizers.Adam(0.01), losses.Circle(gamma=20))

    def separation():
        vectors = np.asarray(model.predict(x, verbose=0))
        cosines = vectors @ vectors.T
        same = labels[:, None] == labels
        return cosines[same].mean() - cosines[~same].mean()

    before = separation()
    history = model.fit(x, labels, batch_size=40, epochs=20, verbose=0).history["loss"]
    assert separation() > before + 0.3 and history[-1] < history[0]


def transcriber(activation=None, mask_zero=False):
    embedding = layers.Embedding(6, 8, mask_zero=mask_zero)
    return gw.Sequential([gw.Input((9,), dtype="int32"), embedding, layers.Dense(4, activation=activation)])


def sounds(count, seed):
    """Each label sounds for one to three steps, with a pause after it; 4 is the pause."""
    generator = np.random.default_rng(seed)
    x, y = np.full((count, 9), 4), np.zeros((count, 3), int)
    for row in range(count):
        step = 0
        for place in range(generator.integers(1, 4)):
            label, length = generator.integers(1, 4), generator.integers(1, 3)
            y[row, place] = label
            x[row, step : step + length] = label
            step += length + 1
    return x, y


def test_ctc_learns_an_unknown_alignment():
    x, y = sounds(300, 0)
    model = transcriber()
    model.compile(gw.optimizers.Adam(0.05), "ctc")
    history = model.fit(x, y, epochs=8, verbose=0).history["loss"]
    assert history[-1] < 0.2 < history[0]
    x, y = sounds(50, 1)
    spoken = np.asarray(model.predict(x, verbose=0)).argmax(-1)
    for row, labels in zip(spoken, y, strict=True):
        changes = row[np.insert(row[1:] != row[:-1], 0, True)]
        assert changes[changes != 0].tolist() == labels[labels != 0].tolist()


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_ctc_reads_logits_also_behind_a_softmax(activation):
    x, y = sounds(6, 2)
    model = transcriber(activation)
    model.compile("sgd", losses.CTC())
    scores = np.asarray(model.predict(x, verbose=0))
    logits = np.log(scores) if activation else scores
    wanted = float(jax.jit(losses.CTC())(y, logits))
    assert model.evaluate(x, y, batch_size=4, verbose=0) == pytest.approx(wanted, rel=1e-4)


def test_ctc_leaves_out_the_steps_of_the_mask():
    x, y = sounds(6, 3)
    x[x == 4] = 5
    shorter = np.array([9, 8, 9, 8, 9, 8])
    x[np.arange(9) >= shorter[:, None]] = 0
    model = transcriber(mask_zero=True)
    model.compile("sgd", "ctc")
    scores = np.asarray(model.predict(x, verbose=0))
    each = [float(jax.jit(losses.CTC())(y[i : i + 1], scores[i : i + 1, : shorter[i]])) for i in range(6)]
    assert model.evaluate(x, y, batch_size=4, verbose=0) == pytest.approx(np.mean(each), rel=1e-5)


@pytest.mark.parametrize(
    ("y", "text"),
    [
        ([[1, 4, 0]], "fit, y: expected whole labels from 1 to 3 for CTC, but got 4 in row 0. Number the classes from 1 and fill the rows up with 0, the blank"),
        ([[1, 1, 0], [1, -1, -1]], "but got -1 in row 1."),
        ([[1.5, 1, 0]], "but got 1.5 in row 0"),
        ([[1, 0, 2]], "expected rows of labels filled up with 0 at the end for CTC, but got a label after a 0 in row 0. Number the classes from 1: 0 is the blank"),
        ([[1] * 5, [1] * 6], r"expected labels that fit the 9 steps of the output for CTC, but got row 1, which needs 11 \(a blank between equal neighbours counted\). Leave such samples out"),
    ],
)  # fmt: skip
def test_labels_that_ctc_cannot_read_are_refused(y, text):
    y = np.array([row + [0] * (6 - len(row)) for row in y])
    model = transcriber()
    model.compile("sgd", "ctc")
    with pytest.raises(InputError, match=text):
        model.fit(np.zeros((len(y), 9), int), y, verbose=0)


def test_sequences_of_unknown_length_are_checked_for_labels_only():
    losses.check_targets(losses.CTC(), np.array([[1] * 6]), (None, None, None))
    with pytest.raises(
        InputError, match="expected whole labels from 1 to K - 1 for CTC, but got -2 in row 0"
    ):
        losses.check_targets(losses.CTC(), np.array([[-2]]), (None, None, None))
    losses.check_targets(losses.CTC(), np.array([1, 2]), (None, 4, 3))  # the tracing tells about shapes
