"""What every layer promises, tried on every row of cases.py."""

import contextlib
import inspect
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

os.environ.setdefault("KERAS_BACKEND", "jax")

import gradwise as gw
from gradwise.core.functional import functional_call
from gradwise.errors import InputError
from tests.contracts.cases import CASES

pytestmark = pytest.mark.feature("C1")


def rows():
    """All rows, those after the first of a class marked as slow: other settings, mostly the same code."""
    seen = set()
    for case in CASES:
        name = case.id.split("-")[0]
        yield pytest.param(case, id=case.id, marks=[pytest.mark.slow] if name in seen else [])
        seen.add(name)


@pytest.fixture(params=rows())
def case(request):
    return request.param


def call(case, layer, inputs):
    return layer(*inputs) if case.separate else layer(inputs)


def values_of(layer):
    return {path: jnp.asarray(variable.value) for path, variable in layer.named_variables().items()}


def pure(case, layer, inputs, values=None, **options):
    args = inputs if case.separate else [inputs]
    return functional_call(layer, values or values_of(layer), *args, **options)


def total(outputs):
    """A number that depends on every output in a way of its own."""
    leaves = jax.tree.leaves(outputs)
    leaves = [leaf if jnp.issubdtype(leaf.dtype, jnp.inexact) else leaf.astype("float32") for leaf in leaves]
    return sum(
        jnp.sum(leaf * jnp.cos(jnp.arange(leaf.size, dtype=leaf.dtype)).reshape(leaf.shape))
        for leaf in leaves
    )


def assert_close(mine, other, **tolerances):
    for one, two in zip(jax.tree.leaves(mine), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(np.asarray(one, "float32"), np.asarray(two, "float32"), **tolerances)


def built(case, **options):
    layer = case.make()
    call(case, layer, case.inputs())
    return layer


def test_shape_is_found_with_unknown_batch(case):
    inputs = [gw.Input(shape, dtype="int32" if case.integers else None) for shape in case.shapes]
    layer = case.make()
    symbolic = call(case, layer, inputs if len(inputs) > 1 else inputs[0])
    outputs = call(case, layer, case.inputs(batch=3))
    for stand_in, output in zip(jax.tree.leaves(symbolic), jax.tree.leaves(outputs), strict=True):
        assert stand_in.shape[0] is None
        assert stand_in.shape[1:] == output.shape[1:]
        assert stand_in.dtype == output.dtype


@pytest.mark.slow
def test_compiled_equals_eager_and_leaks_nothing(case):
    layer, inputs = built(case), case.inputs()
    function = lambda values, inputs: pure(case, layer, inputs, values)[0]  # noqa: E731
    with jax.checking_leaks():
        jax.eval_shape(function, values_of(layer), inputs)
    compiled = jax.jit(function)(values_of(layer), inputs)
    assert_close(compiled, call(case, layer, inputs), rtol=1e-5, atol=1e-6)


def test_gradients_match_finite_differences(case):
    if case.random:
        pytest.skip("dropout is not differentiated through its mask")
    with jax.enable_x64(True):
        gw.config.set_floatx("float64")
        try:
            layer = built(case)
            inputs = case.inputs(dtype="float64")
            values = {path: value.astype("float64") for path, value in values_of(layer).items()}
            if case.integers and not values:
                pytest.skip("there is nothing to differentiate")

            def loss(values, inputs):
                return total(pure(case, layer, inputs, values, training=True)[0])

            arguments = (values,) if case.integers else (values, inputs)
            if case.integers:
                check_grads(lambda v: loss(v, inputs), arguments, 1, modes=["rev"], rtol=1e-5, atol=1e-6)
            else:
                check_grads(loss, arguments, 1, modes=["rev"], rtol=1e-5, atol=1e-6)
        finally:
            gw.config.set_floatx("float32")


@pytest.mark.slow
def test_bfloat16_stays_bfloat16_and_close(case):
    if case.integers:
        pytest.skip("indices have no half precision")
    exact = built(case)
    name, settings = type(exact), exact.get_config()
    half = name(**{**settings, "dtype": "bfloat16"})
    inputs = case.inputs()
    halves = jax.tree.map(lambda array: array.astype(jnp.bfloat16), inputs)
    call(case, half, halves)
    half.set_weights([weight.astype(jnp.bfloat16) for weight in exact.get_weights()])
    outputs = call(case, half, halves)
    assert all(output.dtype == jnp.bfloat16 for output in jax.tree.leaves(outputs))
    assert_close(outputs, call(case, exact, inputs), rtol=0.1, atol=0.1)


def test_settings_rebuild_the_layer(case):
    layer = built(case)
    again = gw.registry.deserialize(gw.registry.serialize(layer))
    assert gw.registry.serialize(again.get_config()) == gw.registry.serialize(layer.get_config())
    call(case, again, case.inputs())
    again.set_weights(layer.get_weights())
    assert_close(call(case, again, case.inputs()), call(case, layer, case.inputs()), rtol=0, atol=0)


def test_file_round_trip(case, tmp_path):
    inputs = [gw.Input(shape, dtype="int32" if case.integers else None) for shape in case.shapes]
    outputs = call(case, case.make(), inputs if len(inputs) > 1 else inputs[0])
    model = gw.Model(inputs, outputs)
    model.save(tmp_path / "model.gwz")
    again = gw.load_model(tmp_path / "model.gwz")
    data = case.inputs()
    data = data if isinstance(data, list) else [data]
    assert_close(again.predict(data), model.predict(data), rtol=0, atol=0)


@pytest.mark.slow
def test_rows_do_not_mix(case):
    layer = built(case)
    assert layer.couples_rows == case.couples or (case.make().couples_rows == "always" and case.keras is None)
    inputs = case.inputs(batch=4)
    whole = call(case, layer, inputs)
    first = call(case, layer, jax.tree.map(lambda array: array[:2], inputs))
    assert_close(jax.tree.map(lambda array: array[:2], whole), first, rtol=1e-5, atol=1e-6)


def test_masks_pass_through(case):
    if not case.masked:
        pytest.skip("this layer has no mask to pass")
    layer = built(case)
    mask = np.array([[True, False, True, True]] * 3)
    assert layer.compute_mask(case.inputs(), mask) is mask


def test_same_seed_same_numbers(case):
    layer, inputs = built(case), case.inputs()
    results = [pure(case, layer, inputs, training=True, key=jax.random.key(seed))[0] for seed in (1, 1, 2)]
    assert_close(results[0], results[1], rtol=0, atol=0)
    if case.random:
        assert total(results[0]) != total(results[2])


def test_wrong_rank_is_refused(case):
    if case.wrong_rank is None:
        pytest.skip("any rank will do")
    with pytest.raises(InputError, match="channel axis"):
        case.make()(np.zeros((2, *case.wrong_rank), "float32"))


def test_equals_keras(case):
    """Outputs, state and all gradients in training and prediction, from equal weights."""
    if case.keras is None:
        pytest.skip("Keras has no such layer")
    keras = pytest.importorskip("keras")
    name, settings = case.keras
    if name == "AveragePooling2D":
        settings = {"pool_size": (2, 2), **settings}  # Keras gives no default here
    layer, inputs = built(case), case.inputs()
    with keras_ways():
        reference = name(keras.layers) if callable(name) else getattr(keras.layers, name)(**settings)
        arrays = jax.tree.map(jnp.asarray, inputs)
        reference(*arrays) if case.separate else reference(arrays)
    weights = [
        np.random.default_rng(1).uniform(0.2, 1.0, w.shape).astype("float32") for w in layer.get_weights()
    ]
    layer.set_weights(weights)
    reference.set_weights(weights)
    with keras_ways():
        quiet = _quiet(reference)
        predicted = reference(*inputs, **quiet) if case.separate else reference(inputs, **quiet)
    assert_close(call(case, layer, inputs), predicted, rtol=1e-5, atol=1e-6)
    if case.random:
        return
    names = list(layer.named_variables())
    trained = sorted(layer.trainable_paths(), key=names.index)

    def ours(trainable, inputs):
        outputs, new = pure(case, layer, inputs, {**values_of(layer), **trainable}, training=True)
        return total(outputs), (outputs, [new[path] for path in names if path not in trained])

    def theirs(trainable, inputs):
        others = [variable.value for variable in reference.non_trainable_variables]
        options = {**_quiet(reference), "training": True} if _quiet(reference) else {}
        args = inputs if case.separate else [inputs]
        outputs, new = reference.stateless_call(trainable, others, *args, **options)
        return total(outputs), (outputs, new)

    start = {path: values_of(layer)[path] for path in trained}
    wanted = (0,) if case.integers else (0, 1)
    grads, (outputs, state) = jax.grad(ours, wanted, has_aux=True)(start, inputs)
    with keras_ways():
        values = [variable.value for variable in reference.trainable_variables]
        expected, (outputs2, state2) = jax.grad(theirs, wanted, has_aux=True)(values, arrays)
    assert_close(outputs, outputs2, rtol=1e-5, atol=1e-5)
    for mine, other in zip([grads[0][path] for path in trained], expected[0], strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-5)
    for mine, other in zip(jax.tree.leaves(grads[1:]), jax.tree.leaves(expected[1:]), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-5)
    for mine, other in zip(state, [s for s in state2 if np.ndim(s)], strict=False):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-6)


@contextlib.contextmanager
def keras_ways():
    """Keras relies on silent promotion."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def _quiet(reference):
    return {"training": False} if "training" in inspect.signature(reference.call).parameters else {}
