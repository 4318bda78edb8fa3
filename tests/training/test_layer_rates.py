"""Learning rates by layer."""

import numpy as np
import pytest

import gradwise as gw
from gradwise import layers
from gradwise.errors import InputError
from gradwise.training.rates import multipliers_by_path

pytestmark = pytest.mark.feature("B6")

X = np.random.default_rng(0).normal(size=(24, 4)).astype("float32")
Y = np.arange(24) % 3


def network(**options):
    gw.set_random_seed(2)
    return gw.Sequential(
        [
            gw.Input((4,)),
            layers.Dense(5, "tanh", name="body", kernel_constraint=options.get("constraint")),
            layers.BatchNormalization(name="norm"),
            layers.Dense(3, activation="softmax", name="head"),
        ]
    )


def trained(optimizer, epochs=3, **options):
    model = network(**options)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    model.fit(X, Y, batch_size=8, epochs=epochs, shuffle=False, verbose=0)
    return model


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("body", {"dense/kernel", "dense/bias"}),
        ("head/bias", {"dense_1/bias"}),
        ("*/bias", {"dense/bias", "dense_1/bias"}),
        ("h??d", {"dense_1/kernel", "dense_1/bias"}),
        ("dense_1", {"dense_1/kernel", "dense_1/bias"}),  # a place: no layer has this name
        ("dense/kernel", {"dense/kernel"}),
    ],
)
def test_what_patterns_mean(pattern, expected):
    assert multipliers_by_path(network(), {pattern: 0.5}) == dict.fromkeys(expected, 0.5)


def test_names_go_before_places_and_the_last_match_counts():
    model = gw.Sequential([gw.Input((2,)), layers.Dense(1, name="dense_1"), layers.Dense(1, name="other")])
    assert set(multipliers_by_path(model, {"dense_1": 2.0})) == {"dense/kernel", "dense/bias"}
    factors = multipliers_by_path(model, {"*": 0.1, "other": 1.0, "other/bias": 2.0})
    assert factors == {"dense/kernel": 0.1, "dense/bias": 0.1, "dense_1/kernel": 1.0, "dense_1/bias": 2.0}


def test_layers_in_layers_are_found_by_any_name_around():
    inner = gw.Sequential([gw.Input((4,)), layers.Dense(3, name="deep")], name="trunk")
    model = gw.Sequential([gw.Input((4,)), inner, layers.Dense(2, name="top")])
    assert set(multipliers_by_path(model, {"trunk": 0.1})) == {
        "sequential/dense/kernel",
        "sequential/dense/bias",
    }
    assert set(multipliers_by_path(model, {"deep": 0.1})) == set(multipliers_by_path(model, {"trunk": 0.1}))


OPTIMIZERS = {
    "SGD": {"momentum": 0.9, "weight_decay": 0.1},
    "Adam": {"weight_decay": 0.1},
    "Ftrl": {},
    "Lion": {},
    "Muon": {},
    "Adafactor": {},
    "AdaSecant": {},
    "VSGD": {"initial_steps": 2},
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_zero_equals_frozen(name):
    """For layers that do the same in training and prediction, as the constraint does that is met at first."""
    settings = {"learning_rate": 0.05, "global_clipnorm": 0.2, **OPTIMIZERS[name]}
    make = getattr(gw.optimizers, name)
    still = trained(make(learning_rate_multipliers={"body": 0}, **settings))
    frozen = network()
    frozen.layers[0].trainable = False
    frozen.compile(make(**settings), "sparse_categorical_crossentropy")
    start = frozen.get_weights()
    frozen.fit(X, Y, batch_size=8, epochs=3, shuffle=False, verbose=0)
    for variable, mine, other, first in zip(
        still.variables, still.get_weights(), frozen.get_weights(), start, strict=True
    ):
        np.testing.assert_allclose(mine, other, rtol=2e-4, atol=1e-5, err_msg=variable.name)
        if variable in still.layers[0].variables:
            np.testing.assert_array_equal(mine, first)
    assert not np.allclose(still.get_weights()[-2], start[-2])


def test_zero_leaves_weights_alone_that_break_a_constraint():
    still = trained(gw.optimizers.SGD(0.1, learning_rate_multipliers={"body": 0}), constraint="unit_norm")
    np.testing.assert_array_equal(still.get_weights()[0], network().get_weights()[0])


def test_a_tenth_in_sgd_is_a_tenth_of_the_gradient():
    start = network().get_weights()
    plain = trained(gw.optimizers.SGD(0.1), epochs=1)
    plain_step = network()
    plain_step.compile(gw.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    plain_step.train_on_batch(X, Y)
    slow = network()
    slow.compile(
        gw.optimizers.SGD(0.1, learning_rate_multipliers={"head": 0.1}), "sparse_categorical_crossentropy"
    )
    slow.train_on_batch(X, Y)
    for variable, first, mine, other in zip(
        slow.variables, start, slow.get_weights(), plain_step.get_weights(), strict=True
    ):
        factor = 0.1 if variable in slow.layers[-1].variables else 1.0
        np.testing.assert_allclose(mine - first, factor * (other - first), rtol=1e-3, atol=1e-6)
    assert not np.allclose(plain.get_weights()[-2], start[-2])


@pytest.mark.parametrize("name", ["Adam", "RMSprop", "Nadam", "Lion", "Adamax", "Adadelta", "Lamb"])
def test_rates_are_scaled_and_not_gradients(name):
    """These do not mind the scale of gradients: scaling those would change next to nothing."""
    start = network().get_weights()
    moves = []
    for factor in (1.0, 0.1):
        model = network()
        model.compile(
            getattr(gw.optimizers, name)(0.01, learning_rate_multipliers={"head": factor}),
            "sparse_categorical_crossentropy",
        )
        model.train_on_batch(X, Y)
        moves.append(model.get_weights()[-2] - start[-2])
    np.testing.assert_allclose(moves[1], 0.1 * moves[0], rtol=1e-3, atol=1e-7)


def test_momentum_and_schedule_see_the_scaled_rate():
    """With one rate for all layers, a multiplier for all is that rate times the multiplier."""
    rate = gw.optimizers.schedules.ExponentialDecay
    scaled = trained(gw.optimizers.SGD(rate(0.2, 3, 0.5), 0.9, learning_rate_multipliers={"*": 0.5}))
    other = trained(gw.optimizers.SGD(rate(0.1, 3, 0.5), 0.9))
    for mine, theirs in zip(scaled.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-6)


def test_multipliers_survive_a_file_and_freezing(tmp_path):
    optimizer = gw.optimizers.Adam(0.05, learning_rate_multipliers={"bo*": 0.0, "head/bias": 2.0})
    model = trained(optimizer)
    model.save(tmp_path / "model.gwz")
    again = gw.load_model(tmp_path / "model.gwz")
    assert again.optimizer.learning_rate_multipliers == {"bo*": 0.0, "head/bias": 2.0}
    kernel = again.get_weights()[0]
    again.layers[-1].trainable = False
    last = again.get_weights()[-2]
    again.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(again.get_weights()[0], kernel)
    np.testing.assert_array_equal(again.get_weights()[-2], last)


def test_multipliers_can_be_set_between_fits():
    model = trained(gw.optimizers.SGD(0.1))
    kernel = model.get_weights()[0]
    model.optimizer.learning_rate_multipliers = {"body": 0.0}
    model.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], kernel)
    model.optimizer.learning_rate_multipliers = None
    model.fit(X, Y, verbose=0)
    assert not np.allclose(model.get_weights()[0], kernel)


def test_muon_finds_layers_by_their_names():
    model = trained(gw.optimizers.Muon(0.01, exclude_layers=["head"]))
    assert set(model.session._slots["second_moment"]) == {
        "dense/bias",
        "batch_normalization/gamma",
        "batch_normalization/beta",
        "dense_1/kernel",
        "dense_1/bias",
    }


def test_a_pattern_that_means_nothing_is_refused_when_fit_starts():
    model = network()
    model.compile(
        gw.optimizers.SGD(0.1, learning_rate_multipliers={"haed": 0.1}), "sparse_categorical_crossentropy"
    )
    before = model.get_weights()
    with pytest.raises(
        InputError,
        match=r"learning_rate_multipliers: expected the name of a layer of the model, but got 'haed'\. "
        r"Did you mean 'head'",
    ):
        model.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"head": -1}, r"SGD: expected the multiplier of 'head' as a number of at least 0, but got -1"),
        (
            {"head": "slow"},
            r"SGD: expected the multiplier of 'head' as a number of at least 0, but got 'slow'",
        ),
        ([0.1], r"SGD: expected learning_rate_multipliers as a dict from names of layers to numbers"),
        ({1: 0.1}, r"SGD: expected learning_rate_multipliers as a dict"),
    ],
)
def test_bad_multipliers_are_refused(value, message):
    with pytest.raises(InputError, match=message):
        gw.optimizers.SGD(learning_rate_multipliers=value)
