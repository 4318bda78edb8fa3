"""What holds for every metric: streaming, merging, weights, types, files, direction."""

import inspect
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradwise import metrics
from gradwise.metrics.base import Metric, log_names, log_values
from gradwise.metrics.names import direction
from gradwise.registry import registered_name

sys.path.insert(0, str(Path(__file__).parent))
from every_metric import EVERY, IDS, ROWS, WEIGHTS, N  # noqa: E402

pytestmark = pytest.mark.feature("D3")
OF_VALUES = {"Mean", "Sum"}
# Further settings of a metric are slow tests: they compile much and find little more.
SHORT_ROWS = [
    pytest.param(
        *row, id=name, marks=[pytest.mark.slow] if row[0] in {other[0] for other in ROWS[:place]} else []
    )
    for place, (row, name) in enumerate(zip(ROWS, IDS, strict=True))
]


def make(name, settings):
    return getattr(metrics, name)(**settings)


def value_of(metric, y_true, y_pred, weights=None):
    metric.build(y_pred.shape)
    return np.asarray(metric.compute(metric.update(metric.init(), y_true, y_pred, weights)))


def test_every_registered_metric_is_here():
    classes = {
        name
        for name in metrics.__all__
        if inspect.isclass(getattr(metrics, name)) and issubclass(getattr(metrics, name), Metric)
    }
    assert classes - OF_VALUES - {"Metric"} == EVERY.keys()
    assert all(registered_name(getattr(metrics, name)) == f"metrics.{name}" for name in classes - {"Metric"})


@pytest.mark.parametrize(("name", "inputs", "settings"), SHORT_ROWS)
def test_parts_give_the_value_of_the_whole(name, inputs, settings, rng):
    metric = make(name, settings)
    y_true, y_pred = inputs
    whole = value_of(metric, y_true, y_pred, WEIGHTS)
    assert np.isfinite(whole).all()
    parts = np.split(rng.permutation(N), [20, 30, 50])
    batches = [(y_true[part], y_pred[part], WEIGHTS[part]) for part in parts]
    streamed = merged = metric.init()
    for batch in batches:
        streamed = metric.update(streamed, *batch)
    apart = [metric.update(metric.init(), *batch) for batch in batches]
    for totals in reversed(apart):
        merged = metric.merge(merged, totals)
    tree = metric.merge(metric.merge(apart[0], apart[1]), metric.merge(apart[2], apart[3]))
    for totals in (streamed, merged, tree):
        assert jax.tree.map(lambda each: (each.shape, each.dtype), totals) == jax.tree.map(
            lambda each: (each.shape, each.dtype), metric.init()
        )
        np.testing.assert_allclose(metric.compute(totals), whole, rtol=3e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "inputs", "settings"), SHORT_ROWS)
def test_weight_zero_is_absence_and_weight_two_is_twice(name, inputs, settings):
    metric = make(name, settings)
    y_true, y_pred = inputs
    kept = np.arange(N) % 3 == 0
    metric.build(y_pred.shape)
    once = metric.update(metric.init(), y_true, y_pred)
    alone = value_of(metric, y_true[kept], y_pred[kept])
    np.testing.assert_allclose(
        value_of(metric, y_true, y_pred, kept.astype("float32")), alone, rtol=3e-5, atol=1e-6
    )
    if settings.get("num_regressors"):  # an adjusted score counts samples, not their weight
        return
    twice = metric.compute(metric.update(once, y_true[kept], y_pred[kept]))
    np.testing.assert_allclose(
        value_of(metric, y_true, y_pred, 1 + kept.astype("float32")), twice, rtol=3e-5, atol=1e-6
    )


@pytest.mark.parametrize("name", sorted(EVERY))
def test_the_object_keeps_totals_as_in_keras(name):
    (y_true, y_pred), settings = EVERY[name][-1]
    metric = make(name, {**settings, "name": "mine"})
    whole = value_of(make(name, settings), y_true, y_pred)
    for part in (slice(0, 20), slice(20, 30), slice(30, 50), slice(50, N)):
        metric.update_state(y_true[part], y_pred[part])
    np.testing.assert_allclose(metric.result(), whole, rtol=3e-5, atol=1e-6)
    metric.reset_state()
    np.testing.assert_allclose(metric(y_true, y_pred), whole, rtol=3e-5, atol=1e-6)
    assert metric.name == "mine"


@pytest.mark.parametrize("name", sorted(EVERY))
def test_predictions_in_half_precision(name):
    (y_true, y_pred), settings = EVERY[name][0]
    rounded = jnp.asarray(y_pred, "bfloat16")
    found = value_of(make(name, settings), y_true, rounded, WEIGHTS)
    again = value_of(make(name, settings), y_true, np.asarray(rounded, "float32"), WEIGHTS)
    np.testing.assert_allclose(found, again, rtol=1e-6)


@pytest.mark.parametrize(("name", "inputs", "settings"), SHORT_ROWS)
def test_double_precision_stays(name, inputs, settings):
    with jax.enable_x64(True):
        metric = make(name, settings)
        metric.build(inputs[1].shape)
        scores = jax.ShapeDtypeStruct(inputs[1].shape, "float64")
        totals = jax.eval_shape(metric.update, metric.init(), inputs[0], scores, WEIGHTS)
        kinds = [each.dtype for each in totals.values() if jnp.issubdtype(each.dtype, jnp.floating)]
        assert set(kinds) == {jnp.dtype("float64")}
        assert jax.eval_shape(metric.compute, totals).dtype == "float64"
        assert jax.eval_shape(metric.merge, totals, totals) == totals


@pytest.mark.parametrize("name", sorted(EVERY))
def test_a_dtype_is_that_of_the_result(name):
    inputs, settings = EVERY[name][0]
    metric = make(name, {**settings, "dtype": "bfloat16"})
    result = metric(*inputs)
    assert result.dtype == "bfloat16"
    np.testing.assert_allclose(
        np.asarray(result, "float32"), value_of(make(name, settings), *inputs), rtol=0.01
    )


@pytest.mark.parametrize("name", sorted(EVERY))
def test_the_name_tells_the_direction(name):
    metric = make(name, EVERY[name][0][1] | {"name": None})
    if metric.direction is None:
        return
    wanted = "max" if metric.direction == "up" else "min"
    assert direction("here", f"val_{metric.name}") == direction("here", f"val_out_{metric.name}_2") == wanted


@pytest.mark.parametrize(("name", "inputs", "settings"), SHORT_ROWS)
def test_nothing_counted_is_finite_and_has_log_names(name, inputs, settings):
    metric = make(name, settings)
    metric.build(inputs[1].shape)
    value = metric.compute(metric.init())
    assert np.isfinite(value).all()
    if name != "ConfusionMatrix":
        assert len(log_names(metric)) == len(log_values(value)) == np.size(value)
