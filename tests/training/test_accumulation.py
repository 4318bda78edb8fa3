"""k accumulated batches are one batch of k times the size, to rounding: sums of losses over sums of weights."""

import jax
import numpy as np
import pytest
from keras_reference import keras_ways, load_keras

import gradwise as gw
from gradwise import layers
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("E3")


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def perceptron(**settings):
    gw.set_random_seed(1)
    model = gw.Sequential(
        [
            gw.Input((4,)),
            layers.Dense(
                6, "tanh", kernel_regularizer="l2", activity_regularizer=settings.pop("activity", None)
            ),
            layers.Dense(3, activation="softmax", kernel_constraint=gw.constraints.MaxNorm(1.0)),
        ]
    )
    return model


def trained(make, optimizer, x, y, *, loss="sparse_categorical_crossentropy", **fit):
    model = make()
    model.compile(optimizer, loss)
    history = model.fit(x, y, shuffle=False, verbose=0, **fit).history
    return model, history


def assert_same(ours, expected, tolerance=3e-5):
    for mine, theirs in zip(ours.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance / 10)


OPTIMIZERS = [
    lambda **more: gw.optimizers.SGD(0.1, momentum=0.9, **more),
    lambda **more: gw.optimizers.Adam(0.03, clipnorm=0.5, **more),
    lambda **more: gw.optimizers.AdamW(0.03, 0.1, **more),
]


@pytest.mark.parametrize("make_optimizer", OPTIMIZERS)
def test_four_batches_are_one_of_four_times_the_size(make_optimizer):
    x, y = numbers(64, 4), np.arange(64) % 3
    weights = np.linspace(0, 3, 64) ** 2
    whole, _ = trained(perceptron, make_optimizer(), x, y, batch_size=32, epochs=4, sample_weight=weights)
    parts, _ = trained(
        perceptron,
        make_optimizer(gradient_accumulation_steps=4),
        x,
        y,
        batch_size=8,
        epochs=4,
        sample_weight=weights,
    )
    assert_same(parts, whole)
    assert np.linalg.norm(parts.get_weights()[2], axis=0).max() <= 1 + 1e-5


@pytest.mark.parametrize(("count", "size"), [(20, 8), (18, 16), (22, 7)])
def test_batches_of_unequal_size(count, size):
    """The last batch of an epoch is smaller, and one update per epoch takes all of it."""
    steps = -(-count // size)
    x, y, weights = numbers(count, 4), np.arange(count) % 3, np.linspace(0.1, 2, count)
    whole, _ = trained(
        perceptron, gw.optimizers.SGD(0.2), x, y, batch_size=count, epochs=3, sample_weight=weights
    )
    optimizer = gw.optimizers.SGD(0.2, gradient_accumulation_steps=steps)
    parts, _ = trained(perceptron, optimizer, x, y, batch_size=size, epochs=3, sample_weight=weights)
    assert_same(parts, whole)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean_with_sample_weight", "sum"])
def test_every_reduction(reduction):
    """A weighted mean divides by the sum of weights, which differs from batch to batch; a sum by nothing."""
    x, y, weights = numbers(24, 4), numbers(24, 3, seed=1), np.linspace(0, 3, 24) ** 3
    loss = gw.losses.MeanSquaredError(reduction=reduction)
    whole, _ = trained(
        perceptron, gw.optimizers.SGD(0.02), x, y, loss=loss, batch_size=24, epochs=3, sample_weight=weights
    )
    optimizer = gw.optimizers.SGD(0.02, gradient_accumulation_steps=3)
    parts, _ = trained(perceptron, optimizer, x, y, loss=loss, batch_size=10, epochs=3, sample_weight=weights)
    assert_same(parts, whole)


def masked():
    gw.set_random_seed(1)
    return gw.Sequential(
        [
            gw.Input((6,), dtype="int32"),
            layers.Embedding(9, 4, mask_zero=True, embeddings_regularizer="l2"),
            layers.Dense(2, activation="softmax"),
        ]
    )


def test_masked_steps():
    """Batches have different numbers of steps: a mean of their means would be another loss."""
    generator = np.random.default_rng(2)
    x, y = generator.integers(1, 9, (12, 6)), generator.integers(0, 2, (12, 6))
    x[:4, 1:] = 0
    whole, _ = trained(masked, gw.optimizers.SGD(0.5), x, y, batch_size=12, epochs=3)
    parts, _ = trained(
        masked, gw.optimizers.SGD(0.5, gradient_accumulation_steps=3), x, y, batch_size=4, epochs=3
    )
    assert_same(parts, whole)


def two_heads():
    gw.set_random_seed(1)
    inputs = gw.Input((6,), dtype="int32")
    hidden = layers.Embedding(9, 4, mask_zero=True)(inputs)
    steps = layers.Dense(2, activation="softmax", name="steps")(hidden)
    whole = layers.Dense(1, name="whole")(layers.Flatten()(hidden))
    return gw.Model(inputs, [steps, whole])


def test_outputs_whose_weights_go_apart():
    """One output counts kept steps, the other samples by weight: each has its own divisor."""
    generator = np.random.default_rng(2)
    x = generator.integers(1, 9, (12, 6))
    x[:4, 1:] = 0
    targets = [generator.integers(0, 2, (12, 6)), generator.normal(size=(12, 1))]
    losses = [
        "sparse_categorical_crossentropy",
        gw.losses.MeanSquaredError(reduction="mean_with_sample_weight"),
    ]
    weights = {"whole": np.linspace(0.1, 5, 12)}
    models = []
    for size, steps in ((12, None), (4, 3)):
        model = two_heads()
        optimizer = gw.optimizers.SGD(0.1, gradient_accumulation_steps=steps)
        model.compile(optimizer, losses, loss_weights=[1.0, 0.3])
        model.fit(x, targets, sample_weight=weights, batch_size=size, epochs=3, shuffle=False, verbose=0)
        models.append(model)
    assert_same(models[1], models[0])


def test_penalties_on_activities_count_by_rows():
    x, y = numbers(20, 4), np.arange(20) % 3

    def make():
        return perceptron(activity="l1")

    whole, _ = trained(make, gw.optimizers.SGD(0.1), x, y, batch_size=20, epochs=2)
    parts, _ = trained(
        make, gw.optimizers.SGD(0.1, gradient_accumulation_steps=3), x, y, batch_size=8, epochs=2
    )
    assert_same(parts, whole)


def test_same_as_keras_for_equal_batches():
    """There the mean of gradients is the gradient of the mean. 28 batches: what an epoch leaves goes on."""
    keras = load_keras()
    x, y = numbers(56, 4), np.arange(56) % 3
    start = [numbers(4, 5), numbers(5, seed=1), numbers(5, 3, seed=2), numbers(3, seed=3)]

    def run(library):
        stack = [
            library.Input((4,)),
            library.layers.Dense(5, "tanh"),
            library.layers.Dense(3, "softmax"),
        ]
        model = library.Sequential(stack)
        rate = library.optimizers.schedules.ExponentialDecay(0.1, 3, 0.8)
        model.compile(
            library.optimizers.Adam(rate, gradient_accumulation_steps=5), "sparse_categorical_crossentropy"
        )
        model.set_weights(start)
        model.fit(x, y, batch_size=8, epochs=4, shuffle=False, verbose=0)
        return model

    with keras_ways():
        theirs = run(keras).get_weights()
    for mine, other in zip(run(gw).get_weights(), theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=2e-4, atol=2e-6)


def test_nothing_moves_before_the_update_and_the_rest_stays_for_the_next_fit():
    x, y = numbers(8, 4), np.arange(8) % 3
    model = perceptron()
    model.compile(gw.optimizers.SGD(0.1, gradient_accumulation_steps=3), "sparse_categorical_crossentropy")
    before = model.get_weights()
    model.fit(x, y, batch_size=4, shuffle=False, verbose=0)  # two batches
    for new, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(new, old)
    model.train_on_batch(x[:4], y[:4])  # the third
    assert not np.array_equal(model.get_weights()[0], before[0])
    expected = perceptron()
    expected.compile(gw.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    expected.train_on_batch(np.concatenate([x, x[:4]]), np.concatenate([y, y[:4]]))
    assert_same(model, expected)


def test_logs_and_probes_are_those_of_each_batch():
    """Logs are exact over the samples of the epoch; a probe sees the batch's own gradient."""
    x, y = numbers(20, 4), np.arange(20) % 3
    seen = []

    class Norm(gw.callbacks.Callback):
        def probes(self):
            return {"norm": lambda grads, **_: grads["dense_1/bias"]}

        def on_train_batch_end(self, batch, logs=None):
            seen.append(np.asarray(self.run.probed["norm"]))

    optimizer = gw.optimizers.SGD(0.1, gradient_accumulation_steps=4)
    model, history = trained(perceptron, optimizer, x, y, batch_size=8, callbacks=[Norm()])
    assert history["loss"][0] == pytest.approx(model.evaluate(x, y, verbose=0), rel=1e-5)
    p = model.predict(x)
    errors = p - np.eye(3)[y]
    for rows, gradient in zip(([0, 8], [8, 16], [16, 20]), seen, strict=True):
        np.testing.assert_allclose(gradient, errors[slice(*rows)].mean(0), rtol=1e-4, atol=1e-6)


def test_stepwise_and_whole_epochs_agree():
    x, y = numbers(20, 4), np.arange(20) % 3
    model, _ = trained(
        perceptron, gw.optimizers.Adam(0.1, gradient_accumulation_steps=2), x, y, batch_size=8, epochs=3
    )
    again, _ = trained(
        perceptron,
        gw.optimizers.Adam(0.1, gradient_accumulation_steps=2),
        x,
        y,
        batch_size=8,
        epochs=3,
        callbacks=[gw.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)],
    )
    assert_same(again, model)


def test_sums_of_half_precision_are_kept_in_full():
    with jax.numpy_dtype_promotion("strict"):
        gw.set_random_seed(0)
        model = gw.Sequential(
            [gw.Input((1,)), layers.Dense(1, use_bias=False, kernel_initializer="zeros", dtype="bfloat16")]
        )
        model.compile(gw.optimizers.SGD(0.25, gradient_accumulation_steps=300), "mse")
        model.fit(np.ones((300, 1)), -np.ones(300), batch_size=1, verbose=0)
    # 300 gradients of 2: in bfloat16 their sum would stop at 512.
    assert float(model.get_weights()[0].astype("float32")[0, 0]) == pytest.approx(-0.5, rel=1e-2)


def test_freezing_in_between_starts_the_sums_anew():
    x, y = numbers(8, 4), np.arange(8) % 3
    model = perceptron()
    model.compile(gw.optimizers.SGD(0.1, gradient_accumulation_steps=2), "sparse_categorical_crossentropy")
    model.train_on_batch(x, y)
    model.layers[0].trainable = False
    kernel = model.get_weights()[0]
    model.train_on_batch(x, y)
    np.testing.assert_array_equal(model.get_weights()[0], kernel)
    assert sorted(model.session._accumulated["grads"]["rows"]) == ["dense_1/bias", "dense_1/kernel"]


def test_no_cost_when_it_is_off():
    model = perceptron()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(numbers(8, 4), np.arange(8) % 3, verbose=0)
    assert model.session._accumulated is None and model.session._averages is None


@pytest.mark.parametrize("steps", [0, 2.0, True, "4"])
def test_bad_numbers_are_refused(steps):
    with pytest.raises(
        InputError,
        match=r"SGD: expected gradient_accumulation_steps as a whole number of at least 1, but got",
    ):
        gw.optimizers.SGD(gradient_accumulation_steps=steps)
