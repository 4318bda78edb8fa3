"""A layer of Keras with the same settings and weights as one of ours."""

import contextlib
import os

import jax
import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")


@contextlib.contextmanager
def keras_ways():
    """Keras relies on silent promotion."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def keras():
    return pytest.importorskip("keras")


def share_weights(layer, twin, x, seed=1):
    """Builds both layers and gives them the same random weights."""
    layer(x)
    with keras_ways():
        twin(x)
        generator = np.random.default_rng(seed)
        weights = [generator.uniform(-0.8, 0.8, w.shape).astype("float32") for w in layer.get_weights()]
        twin.set_weights(weights)
    layer.set_weights(weights)


def assert_same(mine, other, **tolerances):
    ours, theirs = jax.tree.leaves(mine), jax.tree.leaves(other)
    assert len(ours) == len(theirs)
    for one, two in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(
            np.asarray(one), np.asarray(two), **{"rtol": 1e-5, "atol": 1e-6, **tolerances}
        )
