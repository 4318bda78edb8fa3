"""The interface of optimizers: worked numbers, packing, populations, float types, settings, errors."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradwise import optimizers, registry
from gradwise.errors import InputError
from gradwise.optimizers import SGD, Adagrad, Adam, RMSprop, schedules

pytestmark = pytest.mark.feature("E1")

ALL = [
    SGD(0.1),
    SGD(0.1, momentum=0.9),
    SGD(0.1, momentum=0.9, nesterov=True, decay=0.1),
    RMSprop(0.01),
    RMSprop(0.01, momentum=0.5, centered=True),
    Adam(0.01),
    Adam(0.01, amsgrad=True, weight_decay=0.1),
    Adagrad(0.1),
    Adagrad(0.1, form="mean"),
    optimizers.Adadelta(1.0),
    optimizers.Adamax(0.01),
    optimizers.Nadam(0.01),
    optimizers.AdamW(0.01, 0.1),
    optimizers.Ftrl(0.1, l1_regularization_strength=0.1),
    optimizers.Lion(0.01),
    optimizers.Lamb(0.01),
    optimizers.Adafactor(0.01),
    optimizers.Muon(0.01, exclude_layers=["out"]),
    optimizers.AdaSecant(0.1),
    optimizers.VSGD(0.1, "block", gradient_accumulation_steps=None),
    optimizers.SGD(0.1, learning_rate_multipliers={"a*": 0.1}, use_ema=True, ema_overwrite_frequency=3),
]
ELEMENTWISE = [optimizer for optimizer in ALL if optimizer.elementwise]


def one_update(optimizer, gradient, slots=None, step=0, rate=1.0, weight=0.0):
    params = {"w": jnp.asarray([weight])}
    slots = optimizer.init(params) if slots is None else slots
    hyper = {"learning_rate": jnp.float32(rate), "step": jnp.int32(step)}
    params, slots = optimizer.update({"w": jnp.asarray([gradient])}, slots, params, hyper)
    return float(params["w"][0]), slots


@pytest.mark.parametrize(
    ("gradients", "sigmas", "steps"),
    [
        # The lecture's table, which prints 0.05 and 1.57 for the last sigmas.
        ([0.001, 0.003, 0.002, 0.1], [0.001, 0.002, 0.002, 0.05], [1, 1.364, 0.952, 2]),
        ([1.8, 2.1, 1.5, 0.1], [1.8, 1.956, 1.817, 1.574], [1, 1.073, 0.826, 0.064]),
    ],
)
def test_adagrad_mean_gives_the_lectures_table(gradients, sigmas, steps):
    optimizer, slots = Adagrad(1.0, form="mean"), None
    for time, (gradient, sigma, step) in enumerate(zip(gradients, sigmas, steps, strict=True)):
        weight, slots = one_update(optimizer, gradient, slots, step=time)
        exact = np.sqrt(np.mean(np.square(gradients[: time + 1])))
        # The first step shows what epsilon costs: 1e-7 against a sigma of 1e-3.
        assert -weight == pytest.approx(gradient / exact, rel=2e-4)
        assert float(jnp.sqrt(slots["accumulator"]["w"][0] / (time + 1))) == pytest.approx(exact, rel=1e-6)
        assert exact == pytest.approx(sigma, abs=6e-4)
        # The table's ratios come from sigmas cut after four decimals: 1.364 is 0.003 / 0.0022.
        assert gradient / (math.floor(exact * 1e4) / 1e4) == pytest.approx(step, abs=1e-3)


def test_adagrad_mean_with_root_decay_is_adagrad_sum(given, run_ours):
    rates = schedules.SquareRootDecay(0.3)
    by_mean, _ = run_ours(Adagrad(rates, form="mean", epsilon=1e-12), *given)
    by_sum, _ = run_ours(Adagrad(0.3, initial_accumulator_value=0.0, epsilon=1e-24), *given)
    for path in by_mean:
        np.testing.assert_allclose(by_mean[path], by_sum[path], rtol=1e-5, atol=1e-6)


def test_first_step_of_adam_is_the_learning_rate():
    # The corrections undo the start from 0: m / √v is the sign of the gradient, whatever its size.
    for gradient in (1e-3, 5.0, -2e4):
        weight, _ = one_update(Adam(epsilon=0.0), gradient, rate=0.25)
        assert weight == pytest.approx(-0.25 * np.sign(gradient), rel=2e-5)


def test_momentum_adds_up_to_a_geometric_series():
    optimizer, slots = SGD(1.0, momentum=0.5), None
    moves = []
    for time in range(4):
        weight, slots = one_update(optimizer, 1.0, slots, step=time)
        moves.append(-weight)
    assert moves == [1.0, 1.5, 1.75, 1.875]


@pytest.mark.feature("E2")
def test_sgd_decay_divides_the_rate():
    optimizer = SGD(0.1, decay=0.25)
    assert [round(float(optimizer.rate(step, 0.1)), 6) for step in (0, 4, 36)] == [0.1, 0.05, 0.01]
    assert optimizer.rate(jnp.int32(4), jnp.float32(0.1)).dtype == jnp.float32


def test_nothing_is_kept_that_is_not_needed():
    params = {"w": jnp.ones((2, 2))}
    assert SGD().init(params) == {}
    assert sorted(RMSprop().init(params)) == ["mean_square"]
    assert sorted(Adam().init(params)) == ["first_moment", "second_moment"]
    assert float(Adagrad().init(params)["accumulator"]["w"][0, 0]) == pytest.approx(0.1)


@pytest.mark.parametrize("optimizer", ELEMENTWISE, ids=lambda item: type(item).__name__)
def test_packing_equals_not_packing(given, optimizer, run_ours):
    weights, grads = given
    apart, _ = run_ours(optimizer, weights, grads)
    packed, _ = run_ours(
        optimizer,
        {"packed": np.concatenate([value.ravel() for value in weights.values()])},
        {"packed": np.concatenate([value.reshape(len(value), -1) for value in grads.values()], axis=1)},
    )
    joined = np.concatenate([np.asarray(apart[path]).ravel() for path in weights])
    np.testing.assert_allclose(packed["packed"], joined, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("optimizer", ALL, ids=lambda item: type(item).__name__)
def test_population_over_learning_rates_equals_single_runs(given, optimizer, run_ours):
    def run(rate):
        return run_ours(optimizer, *given, {"learning_rate": rate})[0]

    rates = jnp.asarray([0.001, 0.03, 0.2])
    together, single = jax.jit(jax.vmap(run))(rates), jax.jit(run)
    for member, rate in enumerate(rates):
        for path, value in single(rate).items():
            np.testing.assert_allclose(together[path][member], value, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("optimizer", "setting", "value", "same"),
    [
        (SGD(0.1, momentum=0.1), "momentum", 0.8, SGD(0.1, momentum=0.8)),
        (SGD(0.1), "weight_decay", 0.2, SGD(0.1, weight_decay=0.2)),
        (SGD(0.1, clipnorm=9.0), "clipnorm", 0.3, SGD(0.1, clipnorm=0.3)),
        (RMSprop(), "rho", 0.5, RMSprop(rho=0.5)),
        (RMSprop(momentum=0.1), "momentum", 0.5, RMSprop(momentum=0.5)),
        (Adam(), "beta_1", 0.5, Adam(beta_1=0.5)),
        (Adam(), "beta_2", 0.5, Adam(beta_2=0.5)),
        (Adam(), "epsilon", 0.5, Adam(epsilon=0.5)),
        (Adagrad(), "epsilon", 0.5, Adagrad(epsilon=0.5)),
    ],
)
def test_settings_in_hyper_go_before_the_optimizers_own(given, optimizer, setting, value, same, run_ours):
    swept, _ = run_ours(optimizer, *given, {setting: jnp.float32(value)})
    expected, _ = run_ours(same, *given)
    for path in expected:
        np.testing.assert_allclose(swept[path], expected[path], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("optimizer", [SGD(), RMSprop()])
def test_momentum_without_velocity_is_refused(optimizer):
    params = {"w": jnp.ones(2)}
    hyper = {"learning_rate": 0.1, "step": 0, "momentum": jnp.float32(0.9)}
    with pytest.raises(
        InputError, match=r"update: expected an optimizer that keeps a velocity.*momentum=0\.9"
    ):
        optimizer.update(params, optimizer.init(params), params, hyper)


@pytest.mark.parametrize(
    ("optimizer", "dtype"),
    [(item, "bfloat16") for item in ALL] + [(RMSprop(0.01), "float16"), (Adam(0.01), "float16")],
)
def test_short_floats_stay_short_and_finite(given, optimizer, dtype, run_ours):
    weights, grads = given
    params, slots = run_ours(optimizer, weights, grads, dtype=dtype)
    expected, _ = run_ours(optimizer, weights, grads)
    for path, value in params.items():
        assert value.dtype == dtype
        np.testing.assert_allclose(value.astype("float32"), expected[path], rtol=0.1, atol=0.1)
    assert all(array.dtype == dtype for arrays in slots.values() for array in arrays.values() if array.ndim)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
@pytest.mark.parametrize("optimizer", [RMSprop(epsilon=0.0), Adam(), Adam(epsilon=0.0), Adagrad(form="mean")])
def test_gradients_of_zero_change_nothing(optimizer, dtype):
    params = {"w": jnp.ones(2, dtype)}
    grads = {"w": jnp.zeros(2, dtype)}
    params, _ = optimizer.update(grads, optimizer.init(params), params, {"learning_rate": 0.1, "step": 0})
    assert params["w"].tolist() == [1.0, 1.0]


def test_weights_of_several_float_types_are_updated_in_their_own():
    params = {"a": jnp.ones(2, "float32"), "b": jnp.ones(2, "bfloat16")}
    grads = {"a": jnp.ones(2, "float32"), "b": jnp.ones(2, "float32")}
    optimizer = Adam(0.5, global_clipnorm=1.0)
    clipped = optimizer.prepare(grads, params)
    params, _ = optimizer.update(clipped, optimizer.init(params), params, {"learning_rate": 0.5, "step": 0})
    assert params["a"].dtype == jnp.float32 and params["b"].dtype == jnp.bfloat16
    assert float(params["a"][0]) == pytest.approx(0.5, abs=1e-4)


@pytest.mark.feature("E3")
def test_clipping_in_closed_form():
    grads = {"a": jnp.asarray([3.0, 0.0]), "b": jnp.asarray([4.0])}
    weights = {"a": jnp.zeros(2), "b": jnp.zeros(1)}
    assert SGD(clipvalue=3.5).prepare(grads, weights)["b"].tolist() == [3.5]
    by_norm = SGD(clipnorm=3.5).prepare(grads, weights)
    assert by_norm["a"].tolist() == [3.0, 0.0] and by_norm["b"].tolist() == [3.5]
    together = SGD(global_clipnorm=2.5).prepare(grads, weights)
    assert together["a"].tolist() == [1.5, 0.0] and together["b"].tolist() == [2.0]
    assert SGD().prepare(grads, weights) is grads
    zeros = {path: jnp.zeros_like(value) for path, value in grads.items()}
    assert SGD(global_clipnorm=1.0).prepare(zeros, weights)["b"].tolist() == [0.0]
    broken = {"a": jnp.asarray([jnp.inf, 0.0]), "b": jnp.asarray([1.0])}
    assert np.isnan(SGD(global_clipnorm=1.0).prepare(broken, weights)["b"]).all()


def test_gradients_must_match_the_weights():
    with pytest.raises(InputError, match=r"SGD\.prepare: expected gradients of a, b, but got a\. Pass one"):
        SGD().prepare({"a": jnp.ones(1)}, {"a": jnp.ones(1), "b": jnp.ones(1)})


@pytest.mark.feature("E4")
def test_exclusion_from_weight_decay():
    optimizer = SGD(weight_decay=0.1)
    assert not optimizer.elementwise
    optimizer.exclude_from_weight_decay(["embed", "gamma"])
    assert not optimizer.decays("embedding/embeddings", 2) and optimizer.decays("dense/bias", 1)
    assert not optimizer.elementwise and SGD().elementwise
    again = registry.deserialize(registry.serialize(optimizer))
    assert not again.decays("embedding/embeddings", 2) and again.decays("dense/bias", 1)
    assert again.weight_decay == 0.1
    optimizer.exclude_from_weight_decay([])
    assert optimizer.decays("dense/bias", 1) and optimizer.elementwise
    assert registry.deserialize(registry.serialize(optimizer)).decays("dense/bias", 1)
    with pytest.raises(
        InputError, match=r"exclude_from_weight_decay: expected a list of words, but got 'bias'"
    ):
        optimizer.exclude_from_weight_decay("bias")


@pytest.mark.feature("E4")
@pytest.mark.parametrize("name", ["SGD", "AdamW", "Lamb", "Muon"])
def test_biases_do_not_decay_by_default(name):
    """With gradients of 0 nothing but the decay moves a weight: by 1 - learning_rate · weight_decay."""
    params = {
        "dense/kernel": jnp.ones((2, 2)),
        "dense/bias": jnp.ones(2),
        "norm/gamma": jnp.ones(2),
        "gru/bias": jnp.ones((2, 6)),
    }
    grads = {path: jnp.zeros_like(value) for path, value in params.items()}
    hyper = {"learning_rate": jnp.float32(0.5), "step": jnp.int32(0)}
    optimizer = getattr(optimizers, name)(weight_decay=0.1)
    new, _ = optimizer.update(grads, optimizer.init(params), params, hyper)
    for path, value in new.items():
        expected = 0.95 if path == "dense/kernel" else 1.0
        np.testing.assert_allclose(value, expected, rtol=1e-6, err_msg=path)


def test_ftrl_makes_small_weights_exactly_zero(given, run_ours):
    weights, grads = given
    params, _ = run_ours(optimizers.Ftrl(0.1, l1_regularization_strength=9.0), weights, grads)
    share = np.mean([np.mean(np.asarray(value) == 0) for value in params.values()])
    assert 0 < share < 1


def test_a_rate_of_zero_changes_nothing_in_ftrl():
    weight, slots = one_update(optimizers.Ftrl(), 3.0, rate=0.0, weight=2.0)
    assert weight == 2.0
    assert float(slots["linear"]["w"][0]) == 0 and float(slots["accumulator"]["w"][0]) == pytest.approx(0.1)


def test_lamb_steps_are_as_long_as_the_weights():
    for scale in (1e-3, 1.0, 1e3):
        params = {"w": scale * jnp.asarray([3.0, 4.0])}
        optimizer = optimizers.Lamb()
        grads = {"w": jnp.asarray([0.2, -7.0])}
        new, _ = optimizer.update(grads, optimizer.init(params), params, {"learning_rate": 0.1, "step": 0})
        assert float(jnp.linalg.norm(new["w"] - params["w"])) == pytest.approx(0.5 * scale, rel=1e-4)


def test_muon_makes_the_step_orthogonal():
    """All singular values come near 1: those of Jordan's coefficients lie between 0.7 and 1.2."""
    gradient = np.random.default_rng(0).normal(size=(6, 4))
    params = {"w": jnp.zeros((6, 4))}
    optimizer = optimizers.Muon(1.0, rms_rate=None, weight_decay=None)
    new, _ = optimizer.update(
        {"w": jnp.asarray(gradient, "float32")},
        optimizer.init(params),
        params,
        {"learning_rate": jnp.float32(1.0), "step": jnp.int32(0)},
    )
    left, _, right = np.linalg.svd(-np.asarray(new["w"]), full_matrices=False)
    exact_left, _, exact_right = np.linalg.svd(gradient, full_matrices=False)
    spread = np.linalg.svd(np.asarray(new["w"]), compute_uv=False)
    assert 0.6 < spread.min() and spread.max() < 1.3
    # The same singular vectors as the gradient: the polar factor, but for the lengths.
    assert np.sum((left @ right) * (exact_left @ exact_right)) == pytest.approx(4, rel=1e-3)


def test_adafactor_keeps_rows_and_columns_only():
    params = {"w": jnp.ones((3, 4, 5)), "b": jnp.ones(7)}
    slots = optimizers.Adafactor().init(params)
    shapes = {slot: {path: array.shape for path, array in arrays.items()} for slot, arrays in slots.items()}
    assert shapes == {"rows": {"w": (3, 4)}, "columns": {"w": (3, 5)}, "mean_square": {"b": (7,)}}
    free = optimizers.Adafactor(relative_step=False).shared({"learning_rate": 0.5, "step": 99}, "float32")
    assert float(free["step"]) == 0.5
    held = optimizers.Adafactor().shared({"learning_rate": 0.5, "step": 99}, "float32")
    assert float(held["step"]) == pytest.approx(0.1)


def test_unknown_settings_are_refused():
    with pytest.raises(
        InputError, match=r"SGD: expected the name of a setting, but got 'momentun'\. Did you mean 'momentum'"
    ):
        SGD(momentun=0.9)
    with pytest.raises(InputError, match=r"Lion: .* 'weight_decy'\. Did you mean 'weight_decay'"):
        optimizers.Lion(weight_decy=0.9)


@pytest.mark.parametrize("optimizer", ALL, ids=lambda item: type(item).__name__)
def test_settings_survive_a_file(optimizer):
    again = registry.deserialize(registry.serialize(optimizer))
    assert type(again) is type(optimizer)
    assert again.get_config() == optimizer.get_config()


def test_config_holds_the_present_learning_rate():
    optimizer = Adam(name="fast")
    optimizer.learning_rate = np.float32(0.5)
    assert optimizer.learning_rate == 0.5
    assert optimizer.get_config()["learning_rate"] == 0.5
    scheduled = SGD(schedules.SquareRootDecay(0.5))
    again = registry.deserialize(registry.serialize(scheduled))
    assert float(again.rate(3, 0.0)) == 0.25
    assert registry.deserialize(registry.serialize(optimizer)).name == "fast"


def test_rate_has_the_type_of_its_base():
    assert Adam().rate(0, jnp.bfloat16(0.5)).dtype == jnp.bfloat16
    assert SGD(schedules.SquareRootDecay(0.5)).rate(jnp.int32(0), 0.0).dtype == jnp.float32


def test_get():
    assert isinstance(optimizers.get("sgd"), SGD)
    assert isinstance(optimizers.get("RMSprop"), RMSprop)
    assert isinstance(optimizers.get(Adam), Adam)
    adam = Adam()
    assert optimizers.get(adam) is adam
    with pytest.raises(
        InputError, match=r"compile: expected the name of an optimizer, but got 'adm'\. Did you mean 'adam'"
    ):
        optimizers.get("adm", "compile")
    with pytest.raises(
        InputError, match=r"optimizer: expected the name of an optimizer, or an optimizer, but got 3"
    ):
        optimizers.get(3)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: SGD(-0.1), r"SGD: expected learning_rate as a number of at least 0, but got -0\.1"),
        (
            lambda: SGD("0.1"),
            r"SGD: expected learning_rate as a number of at least 0, but got '0\.1'.*float\(value\)",
        ),
        (lambda: SGD(float("nan")), r"SGD: expected learning_rate .* but got nan"),
        (lambda: SGD(True), r"SGD: expected learning_rate .* but got True"),
        (lambda: Adam(lambda step: 0.1), r"Adam: expected learning_rate as a number or a schedule.*Subclass"),
        (
            lambda: SGD(momentum=-1),
            r"SGD: expected momentum as a number of at least 0 and below 1, but got -1",
        ),
        (lambda: SGD(decay=-1), r"SGD: expected decay as a number of at least 0, but got -1"),
        (
            lambda: SGD(schedules.SquareRootDecay(1.0), decay=0.1),
            r"SGD: expected either a schedule or decay, but got both",
        ),
        (
            lambda: RMSprop(rho=1.0),
            r"RMSprop: expected rho as a number of at least 0 and below 1, but got 1\.0",
        ),
        (lambda: RMSprop(momentum=2), r"RMSprop: expected momentum .* but got 2"),
        (lambda: RMSprop(epsilon=-1), r"RMSprop: expected epsilon .* but got -1"),
        (
            lambda: Adam(beta_1=1.0),
            r"Adam: expected beta_1 as a number of at least 0 and below 1, but got 1\.0",
        ),
        (lambda: Adam(beta_2=-0.1), r"Adam: expected beta_2 .* but got -0\.1"),
        (lambda: Adam(epsilon=None), r"Adam: expected epsilon .* but got None"),
        (lambda: Adam(weight_decay=-1), r"Adam: expected weight_decay as a number of at least 0, but got -1"),
        (lambda: Adam(clipnorm=0), r"Adam: expected clipnorm as a number above 0, but got 0"),
        (
            lambda: Adam(clipnorm=1, clipvalue=1),
            r"Adam: expected at most one clip setting, but got clipnorm and clipvalue\. Keep one",
        ),
        (lambda: Adagrad(form="max"), r"Adagrad: expected form as 'sum' or 'mean', but got 'max'"),
        (lambda: Adagrad(initial_accumulator_value=-1), r"Adagrad: expected initial_accumulator_value .* -1"),
        (lambda: optimizers.Adadelta(rho=1.0), r"Adadelta: expected rho .* below 1, but got 1\.0"),
        (lambda: optimizers.Adamax(beta_1=1.0), r"Adamax: expected beta_1 .* below 1, but got 1\.0"),
        (lambda: optimizers.Nadam(beta_2=1.0), r"Nadam: expected beta_2 .* below 1, but got 1\.0"),
        (lambda: optimizers.AdamW(weight_decay=None), r"AdamW: expected weight_decay .* but got None"),
        (
            lambda: optimizers.Ftrl(learning_rate_power=0.5),
            r"Ftrl: expected learning_rate_power .* at most 0, but got 0\.5",
        ),
        (lambda: optimizers.Ftrl(beta=-1), r"Ftrl: expected beta as a number of at least 0, but got -1"),
        (
            lambda: optimizers.Lion(beta_1=0),
            r"Lion: expected beta_1 as a number above 0 and at most 1, but got 0",
        ),
        (lambda: optimizers.Lamb(beta_1=-1), r"Lamb: expected beta_1 .* but got -1"),
        (lambda: optimizers.Adafactor(clip_threshold=0), r"Adafactor: expected clip_threshold .* got 0"),
        (lambda: optimizers.Muon(ns_steps=0), r"Muon: expected ns_steps as a whole number of at least 1"),
    ],
)
def test_bad_settings_are_refused(build, message):
    with pytest.raises(InputError, match=message):
        build()


def test_bad_learning_rate_is_refused_when_set():
    optimizer = SGD()
    with pytest.raises(
        InputError, match=r"SGD: expected learning_rate as a number of at least 0, but got -1"
    ):
        optimizer.learning_rate = -1
    assert optimizer.learning_rate == 0.01
