"""The same training run in Keras 3 (JAX) and here: equal weights, equal batches."""

import contextlib
import os
import warnings

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import numpy as np
import pytest


def load_keras():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        keras = pytest.importorskip("keras")
    if keras.backend.backend() != "jax":
        pytest.skip("Keras runs on another backend in this process")
    return keras


@contextlib.contextmanager
def keras_ways():
    """Keras relies on silent promotion."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def run_both(make, settings, data, library, *, fit=None, rtol=2e-5, atol=2e-6, wrap=None):
    """Trains twenty steps in both libraries and compares every weight.

    Args:
        make: A function of a library (Keras or gradwise) that builds the model.
        settings: A function of a library that gives the arguments of `compile`.
        data: The positional arguments of `fit`.
        library: gradwise.
        fit: Further arguments of `fit`.

    Returns:
        Both histories.
    """
    keras = load_keras()
    options = {"batch_size": 8, "shuffle": False, "verbose": 0, **(fit or {})}
    with keras_ways():
        theirs = make(keras)
        theirs.compile(**settings(keras))
    ours = make(library)
    ours.compile(**settings(library))
    start = [
        np.random.default_rng(place).normal(0, 0.4, w.shape) for place, w in enumerate(ours.get_weights())
    ]
    for place, variable in enumerate(ours.variables):
        if variable.name in ("gamma", "moving_variance"):
            start[place] = np.abs(start[place]) + 0.5
    ours.set_weights(start)
    with keras_ways():
        theirs.set_weights(start)
        expected = theirs.fit(*data, **options).history
        weights = theirs.get_weights()
    with warnings.catch_warnings():
        if wrap:
            warnings.simplefilter("ignore")
        got = ours.fit(*data, **options).history
    for mine, other, variable in zip(ours.get_weights(), weights, ours.variables, strict=True):
        np.testing.assert_allclose(mine, other, rtol=rtol, atol=atol, err_msg=variable.name)
    return got, expected
