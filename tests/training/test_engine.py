"""Checks how programs are compiled, and that the allocator's settings are put back."""

import jax.numpy as jnp
import numpy as np
import pytest

import gradwise as gw
from gradwise.training import engine


@pytest.fixture
def calls(monkeypatch):
    """What the C library was told."""
    told = []
    monkeypatch.setattr(engine, "_mallopt", lambda: lambda *pair: told.append(pair))
    return told


def test_memory_is_kept_and_given_back(calls):
    with engine.memory_kept():
        assert calls == list(engine._KEPT.items())
        with engine.memory_kept():
            pass
        assert calls == list(engine._KEPT.items())  # only the outermost context acts
    assert calls == [*engine._KEPT.items(), *engine._USUAL.items()]


def test_memory_is_given_back_after_an_error(calls):
    with pytest.raises(ZeroDivisionError), engine.memory_kept():
        raise ZeroDivisionError
    assert calls[len(engine._KEPT) :] == list(engine._USUAL.items())


def test_fit_evaluate_and_predict_keep_memory(calls):
    model = gw.Sequential([gw.Input((3,)), gw.layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.ones((600, 3), "float32"), np.ones(600, "float32")
    for call in (
        lambda: model.fit(x, y, verbose=0),
        lambda: model.evaluate(x, y, verbose=0),
        lambda: model.predict(x, batch_size=64, verbose=0),
    ):
        calls.clear()
        call()
        assert calls == [*engine._KEPT.items(), *engine._USUAL.items()]


def test_systems_without_glibc_are_left_alone(monkeypatch):
    monkeypatch.setattr(engine.sys, "platform", "darwin")
    engine._mallopt.cache_clear()
    try:
        assert engine._mallopt() is None
        with engine.memory_kept():
            pass
    finally:
        engine._mallopt.cache_clear()


def test_an_engine_without_the_setting(monkeypatch):
    monkeypatch.setattr(engine, "_CPU_OPTIONS", {"xla_no_such_setting": "1"})
    engine._options.cache_clear()
    try:
        assert engine._options() is None
        assert engine.program(lambda x: x + 1)(jnp.ones(())) == 2
    finally:
        engine._options.cache_clear()
