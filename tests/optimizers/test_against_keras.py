"""Twenty steps of every optimizer and option, against Keras and PyTorch on the same numbers."""

import numpy as np
import pytest

from gradwise import optimizers
from gradwise.optimizers import schedules

pytestmark = pytest.mark.feature("E1", "E3", "E4")

CASES = [
    ("SGD", {"learning_rate": 0.1}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"learning_rate": 0.1, "weight_decay": 0.3}),
    ("SGD", {"learning_rate": 0.1, "clipnorm": 0.7, "momentum": 0.5}),
    ("SGD", {"learning_rate": 0.1, "clipvalue": 0.2}),
    ("SGD", {"learning_rate": 0.1, "global_clipnorm": 0.7, "weight_decay": 0.01}),
    ("RMSprop", {}),
    ("RMSprop", {"rho": 0.8, "epsilon": 1e-3, "momentum": 0.6}),
    ("RMSprop", {"centered": True}),
    ("RMSprop", {"centered": True, "momentum": 0.5, "weight_decay": 0.1}),
    ("Adam", {}),
    ("Adam", {"learning_rate": 0.05, "beta_1": 0.5, "beta_2": 0.95, "epsilon": 1e-3}),
    ("Adam", {"learning_rate": 0.05, "amsgrad": True, "beta_2": 0.6}),
    ("Adam", {"weight_decay": 0.1, "global_clipnorm": 0.5}),
    ("Adagrad", {"learning_rate": 0.1}),
    ("Adagrad", {"learning_rate": 0.1, "initial_accumulator_value": 0.0, "epsilon": 1e-2, "clipnorm": 1.0}),
    ("Adadelta", {}),
    ("Adadelta", {"learning_rate": 1.0, "rho": 0.8, "epsilon": 1e-3, "weight_decay": 0.1}),
    ("Adamax", {}),
    ("Adamax", {"learning_rate": 0.05, "beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3, "clipvalue": 0.3}),
    ("Nadam", {}),
    ("Nadam", {"learning_rate": 0.05, "beta_1": 0.6, "beta_2": 0.9, "epsilon": 1e-3, "weight_decay": 0.1}),
    ("AdamW", {}),
    ("AdamW", {"learning_rate": 0.05, "weight_decay": 0.5, "beta_1": 0.6, "amsgrad": True}),
    ("Ftrl", {"learning_rate": 0.1}),
    (
        "Ftrl",
        {
            "learning_rate": 0.1,
            "learning_rate_power": -0.7,
            "initial_accumulator_value": 0.3,
            "l1_regularization_strength": 0.4,
            "l2_regularization_strength": 0.2,
            "l2_shrinkage_regularization_strength": 0.3,
            "beta": 0.5,
            "weight_decay": 0.1,
        },
    ),
    ("Lion", {}),
    ("Lion", {"learning_rate": 0.05, "beta_1": 0.6, "beta_2": 0.8, "weight_decay": 0.1}),
    ("Lamb", {}),
    ("Lamb", {"learning_rate": 0.05, "beta_1": 0.6, "beta_2": 0.8, "epsilon": 1e-3, "weight_decay": 0.1}),
    ("Adafactor", {"learning_rate": 0.1}),
    (
        "Adafactor",
        {
            "learning_rate": 0.5,
            "beta_2_decay": -0.6,
            "epsilon_1": 1e-4,
            "epsilon_2": 2.0,
            "clip_threshold": 0.5,
            "weight_decay": 0.1,
        },
    ),
    ("Muon", {"learning_rate": 0.1}),
    (
        "Muon",
        {
            "learning_rate": 0.1,
            "adam_weight_decay": 0.5,
            "weight_decay": 0.2,
            "adam_beta_1": 0.6,
            "adam_beta_2": 0.8,
            "adam_lr_ratio": 0.3,
            "epsilon": 1e-3,
            "momentum": 0.8,
            "ns_steps": 3,
            "nesterov": False,
            "rms_rate": None,
            "muon_a": 3.0,
            "muon_b": -4.0,
            "muon_c": 2.0,
        },
    ),
    ("Muon", {"learning_rate": 0.1, "exclude_layers": ["kern"]}),
]


def like_keras(name, settings):
    """Builds one of our optimizers; with weight decay it leaves nothing out, as Keras."""
    optimizer = getattr(optimizers, name)(**settings)
    optimizer.exclude_from_weight_decay([])
    return optimizer


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-10)])
@pytest.mark.parametrize(("name", "settings"), CASES)
def test_same_weights_as_keras(
    keras, given, name, settings, dtype, tolerance, run_ours, run_keras, float_type
):
    with float_type(dtype):
        expected = run_keras(getattr(keras.optimizers, name)(**settings), *given, dtype)
        params, slots = run_ours(like_keras(name, settings), *given, dtype=dtype)
        if name in ("Adafactor", "Muon"):
            tolerance = max(tolerance, 1e-7)  # they agree with Keras to 1e-8 only
        for path, value in params.items():
            assert value.dtype.name == dtype
            np.testing.assert_allclose(value, expected[path], rtol=tolerance, atol=tolerance)
        assert all(
            array.dtype.name == dtype for arrays in slots.values() for array in arrays.values() if array.ndim
        )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.feature("E2")
def test_schedule_drives_the_optimizer_as_in_keras(keras, given, dtype, run_ours, run_keras, float_type):
    settings = {"initial_learning_rate": 0.2, "decay_steps": 3, "decay_rate": 0.7, "staircase": True}
    with float_type(dtype):
        theirs = keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(**settings))
        expected = run_keras(theirs, *given, dtype)
        params, _ = run_ours(optimizers.Adam(schedules.ExponentialDecay(**settings)), *given, dtype=dtype)
        for path, value in params.items():
            # Keras keeps no float64 in a schedule's powers.
            np.testing.assert_allclose(value, expected[path], rtol=1e-5, atol=1e-6)


def test_weight_decay_leaves_out_excluded_weights_as_keras_does(keras, given, run_ours, run_keras):
    theirs = keras.optimizers.Adam(weight_decay=5.0)
    theirs.exclude_from_weight_decay(var_names=["bias"])
    ours = optimizers.Adam(weight_decay=5.0)
    ours.exclude_from_weight_decay(["bias"])
    expected = run_keras(theirs, *given)
    params, _ = run_ours(ours, *given)
    plain, _ = run_ours(optimizers.Adam(), *given)
    for path, value in params.items():
        np.testing.assert_allclose(value, expected[path], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(params["bias"], plain["bias"])
    assert not np.allclose(params["kernel"], plain["kernel"])


TORCH_CASES = [
    ("SGD", {"learning_rate": 0.1}, "SGD", {"lr": 0.1}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}, "SGD", {"lr": 0.1, "momentum": 0.9}),
    (
        "SGD",
        {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True},
        "SGD",
        {"lr": 0.1, "momentum": 0.9, "nesterov": True},
    ),
    # With a negligible epsilon it does not matter where it stands.
    ("Adam", {"epsilon": 1e-14}, "Adam", {"eps": 1e-14}),
    ("Adam", {"weight_decay": 0.1, "epsilon": 1e-14}, "AdamW", {"weight_decay": 0.1, "eps": 1e-14}),
    ("AdamW", {"weight_decay": 0.1, "epsilon": 1e-14}, "AdamW", {"weight_decay": 0.1, "eps": 1e-14}),
    ("Adadelta", {"learning_rate": 1.0, "rho": 0.9}, "Adadelta", {"lr": 1.0, "rho": 0.9, "eps": 1e-7}),
    ("Adamax", {"epsilon": 1e-14}, "Adamax", {"lr": 1e-3, "eps": 1e-14}),
    ("Nadam", {"learning_rate": 0.002, "epsilon": 1e-8}, "NAdam", {"momentum_decay": 1.0}),
    (
        "RMSprop",
        {"learning_rate": 0.01, "epsilon": 1e-28, "rho": 0.8, "momentum": 0.5},
        "RMSprop",
        {"lr": 0.01, "eps": 1e-14, "alpha": 0.8, "momentum": 0.5},
    ),
    (
        "Adagrad",
        {"learning_rate": 0.1, "epsilon": 1e-28},
        "Adagrad",
        {"lr": 0.1, "eps": 1e-14, "initial_accumulator_value": 0.1},
    ),
]


@pytest.mark.parametrize(("name", "settings", "their_name", "their_settings"), TORCH_CASES)
def test_same_weights_as_pytorch(given, name, settings, their_name, their_settings, run_ours, float_type):
    torch = pytest.importorskip("torch")
    weights, grads = given
    tensors = {path: torch.tensor(value, requires_grad=True) for path, value in weights.items()}
    theirs = getattr(torch.optim, their_name)(list(tensors.values()), **their_settings)
    for step in range(len(grads["bias"])):
        for path, tensor in tensors.items():
            tensor.grad = torch.tensor(grads[path][step])
        theirs.step()
    with float_type("float64"):
        params, _ = run_ours(like_keras(name, settings), *given, dtype="float64")
        for path, value in params.items():
            np.testing.assert_allclose(value, tensors[path].detach().numpy(), rtol=1e-9, atol=1e-12)
