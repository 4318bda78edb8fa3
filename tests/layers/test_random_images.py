"""Random changes of images: their ranges, independence of samples, seeds, and the mode."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import gradwise as gw
from gradwise import layers

pytestmark = pytest.mark.feature("A8")

RANDOM = [
    lambda **o: layers.RandomFlip(**o),
    lambda **o: layers.RandomTranslation(0.3, 0.2, **o),
    lambda **o: layers.RandomRotation(0.2, **o),
    lambda **o: layers.RandomZoom(0.3, **o),
    lambda **o: layers.RandomShear(0.4, **o),
    lambda **o: layers.RandomBrightness(0.4, **o),
    lambda **o: layers.RandomContrast(0.4, **o),
    lambda **o: layers.RandomSaturation((0.1, 0.8), **o),
    lambda **o: layers.RandomHue(0.9, **o),
    lambda **o: layers.RandomGrayscale(0.6, **o),
    lambda **o: layers.RandomErasing((1, 1), **o),
    lambda **o: layers.RandomColorJitter((0, 255), 0.1, 0.2, (0.2, 0.8), 0.1, **o),
    lambda **o: layers.RandomChannelShift(0.3, **o),
    lambda **o: layers.PCAColorAugmentation(0.5, **o),
]
BYTES = np.random.default_rng(0).integers(0, 256, (6, 9, 8, 3)).astype("uint8")


def program(layer, x):
    """A function of a key's number. One program: its operations one by one take far longer to compile."""
    layer(x)
    run = jax.jit(lambda x, key: gw.functional_call(layer, {}, x, training=True, key=key)[0])
    return lambda key: np.asarray(run(x, jax.random.key(key)))


def training(layer, x, key=0):
    return program(layer, x)(key)


def assert_uniform(values, low, high):
    """Kolmogorov and Smirnov find nothing against it, and no value lies outside."""
    assert low - 1e-4 <= values.min()
    assert values.max() <= high + 1e-4
    assert stats.kstest(values, "uniform", (low, high - low)).pvalue > 1e-4


def ramp(count, height=11, width=11, down=0.0, right=1.0):
    """Images whose values are their places, so that a map of places can be read off."""
    values = down * np.arange(height)[:, None] + right * np.arange(width)[None, :]
    return np.broadcast_to(values[None, :, :, None], (count, height, width, 1)).astype("float32")


@pytest.mark.parametrize("make", RANDOM)
def test_nothing_happens_at_prediction_but_bytes_become_floats(make):
    layer = make()
    outputs = layer(BYTES)
    assert outputs.dtype == jnp.float32
    np.testing.assert_array_equal(outputs, BYTES)
    outputs, _ = gw.functional_call(layer, {}, BYTES)  # without a key
    np.testing.assert_array_equal(outputs, BYTES)


@pytest.mark.parametrize("make", RANDOM)
def test_samples_draw_for_themselves_and_padding_a_batch_changes_none(make):
    same = np.repeat(BYTES[:1], 16, 0)
    outputs = training(make(name="one"), same)
    assert outputs.dtype == np.float32
    assert len({output.tobytes() for output in outputs}) >= 2
    np.testing.assert_allclose(training(make(name="one"), same[:5]), outputs[:5], rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("make", RANDOM)
def test_draws_depend_on_seed_and_step(make):
    run = program(make(name="one", seed=1), BYTES)
    first = run(0)
    np.testing.assert_array_equal(first, run(0))
    assert not np.array_equal(first, run(1))
    assert not np.array_equal(first, training(make(name="one", seed=2), BYTES))


@pytest.mark.slow
@pytest.mark.parametrize("make", [RANDOM[place] for place in (1, 2, 8, 10, 13)])
def test_half_precision_draws_the_same(make):
    half = training(make(name="one", dtype="bfloat16"), BYTES)
    assert half.dtype == jnp.bfloat16
    close = np.abs(half.astype("float32") - training(make(name="one"), BYTES)) < 6
    # Hues jump where two channels are as large, and noise is rounded.
    assert close.mean() > 0.97


def test_each_way_of_mirroring_is_as_likely():
    x = np.broadcast_to(np.arange(4.0, dtype="float32").reshape(1, 2, 2, 1), (4000, 2, 2, 1))
    firsts = training(layers.RandomFlip(), x)[:, 0, 0, 0]
    counts = np.bincount(firsts.astype(int), minlength=4)
    assert stats.chisquare(counts).pvalue > 1e-4
    for mode, other in [("horizontal", 1), ("vertical", 2)]:
        firsts = training(layers.RandomFlip(mode), x)[:, 0, 0, 0]
        assert set(firsts) == {0, other}
        assert np.mean(firsts == 0) == pytest.approx(0.5, abs=0.04)


def test_crops_are_taken_from_every_place_as_often():
    x = np.broadcast_to(np.arange(20.0, dtype="float32").reshape(1, 4, 5, 1), (6000, 4, 5, 1))
    crops = training(layers.RandomCrop(2, 3), x)[..., 0]
    counts = np.bincount(crops[:, 0, 0].astype(int), minlength=20)
    assert set(np.nonzero(counts)[0]) == {row * 5 + column for row in range(3) for column in range(3)}
    assert stats.chisquare(counts[counts > 0]).pvalue > 1e-4
    np.testing.assert_array_equal(crops - crops[:, :1, :1], np.tile([[0, 1, 2], [5, 6, 7]], (6000, 1, 1)))
    np.testing.assert_array_equal(layers.RandomCrop(2, 3)(x)[0, ..., 0], [[6, 7, 8], [11, 12, 13]])


def test_shifts_are_uniform_in_their_ranges():
    down = training(layers.RandomTranslation((-0.3, 0.1), 0.0), ramp(3000, down=1.0, right=0.0))
    assert_uniform(5 - down[:, 5, 5, 0], -3.3, 1.1)
    right = training(layers.RandomTranslation(0.0, 0.2), ramp(3000))
    assert_uniform(5 - right[:, 5, 5, 0], -2.2, 2.2)
    whole = 5 - training(layers.RandomTranslation(0.0, 0.2, interpolation="nearest"), ramp(3000))[:, 5, 5, 0]
    assert set(whole) == {-2, -1, 0, 1, 2}


def test_angles_zooms_and_slants_are_uniform_in_their_ranges():
    x, y = ramp(3000), ramp(3000, down=1.0, right=0.0)
    turned_x, turned_y = (training(layers.RandomRotation((-0.05, 0.1), name="one"), each) for each in (x, y))
    step_x, step_y = (each[:, 5, 6, 0] - each[:, 5, 5, 0] for each in (turned_x, turned_y))
    assert_uniform(np.arctan2(step_y, step_x) / (2 * np.pi), -0.05, 0.1)
    wide = training(layers.RandomZoom(0.5, (-0.3, 0.2), name="two"), x)
    tall = training(layers.RandomZoom(0.5, (-0.3, 0.2), name="two"), y)
    wide, tall = wide[:, 5, 6, 0] - wide[:, 5, 5, 0], tall[:, 6, 5, 0] - tall[:, 5, 5, 0]
    assert_uniform(wide, 0.7, 1.2)
    assert_uniform(tall, 0.5, 1.5)
    assert abs(np.corrcoef(wide, tall)[0, 1]) < 0.1
    both = training(layers.RandomZoom(0.5), ramp(200, down=1.0, right=10.0))
    right, down = both[:, 5, 6, 0] - both[:, 5, 5, 0], both[:, 6, 5, 0] - both[:, 5, 5, 0]
    np.testing.assert_allclose(right, 10 * down, rtol=1e-3)
    slanted = training(layers.RandomShear(0.4), x)
    assert_uniform(slanted[:, 6, 5, 0] - slanted[:, 5, 5, 0], -0.4, 0.4)


def test_colours_are_uniform_in_their_ranges():
    grey = np.full((3000, 1, 2, 3), 120.0, "float32")
    bright = training(layers.RandomBrightness((-0.2, 0.3)), grey)
    assert_uniform((bright[:, 0, 0, 0] - 120) / 255, -0.2, 0.3)
    np.testing.assert_array_equal(bright, np.broadcast_to(bright[:, :, :1, :1], bright.shape))
    tints = (training(layers.RandomChannelShift(0.2), grey)[:, 0, 0] - 120) / 255
    for channel in range(3):
        assert_uniform(tints[:, channel], -0.2, 0.2)
    assert np.abs(np.corrcoef(tints.T) - np.eye(3)).max() < 0.1
    pair = grey + np.array([-20, 20], "float32")[None, None, :, None]
    contrast = training(layers.RandomContrast((0.5, 0.2)), pair)
    assert_uniform((contrast[:, 0, 1, 0] - contrast[:, 0, 0, 0]) / 40, 0.5, 1.2)
    single = training(layers.RandomContrast(0.3), pair)
    assert_uniform((single[:, 0, 1, 0] - single[:, 0, 0, 0]) / 40, 0.7, 1.3)
    pink = np.broadcast_to(np.array([200, 180, 180], "float32"), (3000, 1, 1, 3))
    factors = (200 - training(layers.RandomSaturation((0.2, 0.6)), pink)[:, 0, 0, 1]) / 20
    assert_uniform(factors / (1 + factors), 0.2, 0.6)
    red = np.broadcast_to(np.array([200, 50, 50], "float32"), (3000, 1, 1, 3))
    turned = training(layers.RandomHue((0.1, 0.3)), red)[:, 0, 0]
    turns = np.where(turned[:, 1] > 50.001, turned[:, 1] - 50, 50 - turned[:, 2]) / 150 / 6
    assert_uniform(np.abs(turns), 0.05, 0.15)
    assert np.mean(turns > 0) == pytest.approx(0.5, abs=0.05)
    grays = training(layers.RandomGrayscale(0.3), red)[:, 0, 0]
    assert np.mean(grays[:, 0] == grays[:, 1]) == pytest.approx(0.3, abs=0.05)


def test_patches_have_the_sizes_and_the_frequency_asked_for():
    x = np.zeros((2000, 40, 40, 1), "float32")
    erased = training(layers.RandomErasing((1, 1), (0.04, 0.25), fill_value=9.0), x)[..., 0] == 9
    heights, widths = erased.any(2).sum(1), erased.any(1).sum(1)
    np.testing.assert_array_equal(erased.sum((1, 2)), heights * widths)  # rectangles
    for sizes in (heights, widths):
        assert sizes.min() in (7, 8)
        assert sizes.max() in (19, 20, 21)
        assert np.mean((sizes / 40) ** 2) == pytest.approx((0.04 + 0.25) / 2, abs=0.01)
    assert erased.any(2)[:, 0].any()
    assert erased.any(2)[:, -1].any()
    for factor, share in [((0.3, 0.3), 0.3), (1.0, 0.5)]:
        erased = training(layers.RandomErasing(factor, fill_value=9.0), x)[..., 0] == 9
        assert erased.any((1, 2)).mean() == pytest.approx(share, abs=0.06)
    noise = training(layers.RandomErasing((1, 1), (0.25, 0.25), value_range=(0, 1)), x[:200] - 1)
    noise = noise[noise != -1]
    assert noise.mean() == pytest.approx(0.5, abs=0.01)
    assert noise.std() == pytest.approx(np.sqrt(1 / 12), abs=0.01)
    tiles = training(
        layers.RandomErasing((1, 1), (1, 1), fill_value=(1, 2, 3)), np.zeros((1, 4, 4, 3), "float32")
    )
    np.testing.assert_array_equal(tiles, np.broadcast_to([1, 2, 3], (1, 4, 4, 3)))


def test_colour_jitter_is_its_parts():
    x = np.full((2000, 1, 1, 3), 100.0, "float32")
    bright = training(layers.RandomColorJitter((0, 200), brightness_factor=0.2), x)
    assert_uniform((bright[:, 0, 0, 0] - 100) / 200, -0.2, 0.2)
    both = training(layers.RandomColorJitter(saturation_factor=(0, 0), hue_factor=0.5), BYTES)
    np.testing.assert_allclose(both, np.broadcast_to(BYTES.max(-1, keepdims=True), both.shape), atol=1e-3)
    nothing = layers.RandomColorJitter()
    nothing(BYTES)
    np.testing.assert_array_equal(gw.functional_call(nothing, {}, BYTES, training=True)[0], BYTES)


def test_principal_colours_move_images_as_the_training_set_varies(tmp_path):
    random = np.random.default_rng(0)
    train = np.clip(random.normal(size=(50, 6, 6, 1)) * [30, 20, 5] + 120, 0, 255).astype("uint8")
    layer = layers.PCAColorAugmentation(0.1)
    assert layer.built is False
    layer.adapt(train)
    values, directions = np.linalg.eigh(np.cov(train.reshape(-1, 3).T / 255, bias=True))
    shifts = (training(layer, np.full((5000, 1, 1, 3), 120.0, "float32"))[:, 0, 0] - 120) / 255
    np.testing.assert_allclose(shifts.mean(0), 0, atol=5 * 0.1 * values.max() / np.sqrt(5000))
    expected = 0.01 * directions @ np.diag(values**2) @ directions.T
    np.testing.assert_allclose(np.cov(shifts.T), expected, atol=0.06 * expected.max())
    assert stats.kstest(shifts[:, 0] / shifts[:, 0].std(), "norm").pvalue > 1e-4
    model = gw.Sequential([gw.Input((6, 6, 3)), layer])
    model.save(tmp_path / "model.gwz")
    again = gw.load_model(tmp_path / "model.gwz").layers[-1]
    np.testing.assert_allclose(again.variances.numpy(), values[::-1], rtol=1e-5)
    assert not model.trainable_variables


def test_adapt_reads_streams_and_other_orders_of_axes():
    train = np.random.default_rng(0).integers(0, 256, (30, 5, 4, 3)).astype("uint8")
    found = []
    for data, data_format in [
        (train, None),
        ([train[:7], train[7:]], None),
        (((train[i : i + 10], i) for i in (0, 10, 20)), None),
        (np.moveaxis(train, -1, 1), "channels_first"),
    ]:
        layer = layers.PCAColorAugmentation(data_format=data_format)
        layer.adapt(data)
        found.append([weight.copy() for weight in layer.get_weights()])
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)
    short = layers.PCAColorAugmentation()
    short.adapt((train[i : i + 10] for i in (0, 10, 20)), steps=1)
    whole = layers.PCAColorAugmentation()
    whole.adapt(train[:10])
    np.testing.assert_array_equal(short.variances.numpy(), whole.variances.numpy())


def test_training_sees_changed_images_and_evaluation_the_given_ones():
    x = np.random.default_rng(0).integers(0, 256, (12, 6, 6, 3)).astype("uint8")
    model = gw.Sequential(
        [
            gw.Input((6, 6, 3), dtype="uint8"),
            layers.RandomFlip(),
            layers.RandomRotation(0.2),
            layers.RandomErasing((1, 1)),
            layers.PCAColorAugmentation(),
            layers.Rescaling(1 / 255),
            layers.Flatten(),
            layers.Dense(1, kernel_initializer="ones", trainable=False),
        ]
    )
    model.compile("sgd", "mse")
    y = x.reshape(12, -1).sum(1, keepdims=True).astype("float32") / 255
    losses = model.fit(x, y, epochs=3, batch_size=4, verbose=0).history["loss"]
    assert len(set(losses)) == 3
    assert min(losses) > 0.1
    assert model.evaluate(x, y, verbose=0) < 1e-6
