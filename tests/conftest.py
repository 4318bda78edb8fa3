"""Strict settings for every test: no silent promotion of types or ranks, warnings are errors."""

import os

import jax
import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")  # Keras is an oracle here; it needs no other library then
os.environ["GRADWISE_OFFLINE"] = "1"  # no test fetches anything from the network

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")


@pytest.fixture(autouse=True)
def fixed_seed():
    import gradwise

    gradwise.set_random_seed(0)
    yield
    gradwise.config.set_floatx("float32")
    assert not jax.config.jax_enable_x64, "the test left the engine at 64 bits"


# Their programs are tiny, run once or twice, and take far longer to optimise than to run.
QUICKLY_COMPILED = {"contracts", "core", "layers", "losses", "metrics", "ops", "optimizers"}


@pytest.fixture(autouse=True, scope="module")
def programs(request):
    """Compiles the programs of single parts quickly, and lets those of each module go: they take gigabytes."""
    before = jax.config.read("jax_disable_most_optimizations")
    quick = request.path.parent.name in QUICKLY_COMPILED
    jax.config.update("jax_disable_most_optimizations", quick or before)
    yield
    jax.config.update("jax_disable_most_optimizations", before)
    jax.clear_caches()


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
