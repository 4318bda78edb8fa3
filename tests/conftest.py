"""Strict settings for every test: no silent promotion of types or ranks, warnings are errors."""

import os

import jax
import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")  # Keras is an oracle here; it needs no other library then

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")


@pytest.fixture(autouse=True)
def fixed_seed():
    import gradwise

    gradwise.set_random_seed(0)
    yield
    gradwise.config.set_floatx("float32")
    assert not jax.config.jax_enable_x64, "the test left the engine at 64 bits"


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def data_directory():
    """The folder with the real data sets; tests that need it are skipped where it is absent."""
    from gradwise import config

    folder = config.data_directory()
    if folder is None or not folder.is_dir():
        pytest.skip("needs the data sets: set GRADWISE_DATA to their folder")
    return folder
