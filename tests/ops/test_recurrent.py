"""Recurrences against loops in NumPy, PyTorch's recurrent layers and finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from gradwise.ops import activations, recurrence
from gradwise.ops.gru import gru
from gradwise.ops.lstm import lstm, lstm_gates
from gradwise.ops.recurrence import sum_of_products, sum_of_steps
from gradwise.ops.recurrent import has_slope, recur, simple_rnn, slope

pytestmark = pytest.mark.feature("C8")

B, T, D, U = 3, 6, 2, 4
MASK = np.array([[1, 1, 0, 1, 0, 1], [0, 0, 0, 0, 0, 0], [0, 1, 1, 1, 1, 0]], bool)


def draw(*shape, seed=0, scale=0.7):
    return (np.random.default_rng([seed, *shape]).normal(size=shape) * scale).astype("float32")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_by_hand(z, kernel, h, c, mask):
    states = []
    for t in range(z.shape[1]):
        i, f, g, o = np.split(z[:, t] + h @ kernel, 4, axis=1)
        new_c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        new_h = sigmoid(o) * np.tanh(new_c)
        keep = mask[:, t, None]
        h, c = np.where(keep, new_h, h), np.where(keep, new_c, c)
        states.append(h)
    return np.stack(states, 1), h, c


def gru_by_hand(z, kernel, bias, h, mask, reset_after):
    states, size = [], h.shape[1]
    for t in range(z.shape[1]):
        inner = h @ kernel + (bias if reset_after else 0)
        update = sigmoid(z[:, t, :size] + inner[:, :size])
        reset = sigmoid(z[:, t, size : 2 * size] + inner[:, size : 2 * size])
        past = reset * inner[:, 2 * size :] if reset_after else (reset * h) @ kernel[:, 2 * size :]
        candidate = np.tanh(z[:, t, 2 * size :] + past)
        h = np.where(mask[:, t, None], update * h + (1 - update) * candidate, h)
        states.append(h)
    return np.stack(states, 1), h


@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])
def test_lstm_is_the_loop(mask):
    x, w, kernel, bias = draw(B, T, D), draw(D, 4 * U), draw(U, 4 * U), draw(4 * U)
    h, c = draw(B, U), draw(B, U, seed=1)
    expected = lstm_by_hand(x @ w + bias, kernel, h, c, np.ones((B, T), bool) if mask is None else mask)
    for mine, other in zip(lstm(x, w, kernel, bias, h, c, mask), expected, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("reset_after", [True, False])
@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])
def test_gru_is_the_loop(mask, reset_after):
    x, w, kernel, bias, h = draw(B, T, D), draw(D, 3 * U), draw(U, 3 * U), draw(3 * U), draw(B, U)
    full = np.ones((B, T), bool) if mask is None else mask
    expected = gru_by_hand(x @ w + 2 * bias, kernel, bias, h, full, reset_after)
    mine = gru(x, w, kernel, 2 * bias, bias if reset_after else None, h, mask, reset_after=reset_after)
    for one, two in zip(mine, expected, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)


def test_simple_rnn_is_the_loop():
    x, w, kernel, bias, h = draw(B, T, D), draw(D, U), draw(U, U), draw(U), draw(B, U)
    states, last = simple_rnn(x, w, kernel, bias, h, MASK)
    for t in range(T):
        h = np.where(MASK[:, t, None], np.tanh(x[:, t] @ w + bias + h @ kernel), h)
        np.testing.assert_allclose(states[:, t], h, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(last, h, rtol=1e-5, atol=1e-6)


def before(x, w, k, b, h, mask, **options):
    return gru(x, w, k, b, None, h, mask, reset_after=False, **options)


# Each with its parts, biases and states.
OPS = {
    "simple": (simple_rnn, 1, 1, 1),
    "lstm": (lstm, 4, 1, 2),
    "after": (gru, 3, 2, 1),
    "before": (before, 3, 1, 1),
}


def arguments(parts, biases, states):
    shapes = [(B, T, D), (D, parts * U), (U, parts * U), *[(parts * U,)] * biases, *[(B, U)] * states]
    return [jnp.asarray(draw(*shape, seed=place).astype("float64")) for place, shape in enumerate(shapes)]


@pytest.fixture(params=[1, 10**9], ids=["chunks", "whole"])
def chunks(request, monkeypatch):
    """Chunks of two steps, and all steps as one."""
    monkeypatch.setattr(recurrence, "_CHUNK", 2 * B * 4 * U if request.param == 1 else request.param)


@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])
@pytest.mark.parametrize("name", OPS)
def test_gradient_through_time_is_the_difference_quotient(name, mask, chunks):
    op, *form = OPS[name]
    activation = activations.tanh if mask is None else activations.linear
    with jax.enable_x64(True):
        given = arguments(*form)
        function = jax.jit(lambda *given: op(*given, mask, activation=activation))
        check_grads(function, given, 1, modes=["rev"], rtol=1e-5, atol=1e-6)


def test_chunks_divide_the_steps():
    assert recurrence.chunk_length(200, 100, 2500) == 25
    assert recurrence.chunk_length(200, 10**6, 2500) == 1
    assert recurrence.chunk_length(211, 100, 2500) == 211, "a prime number of steps is one chunk"
    assert recurrence.chunk_length(7, 100, 2500) == 7


@pytest.mark.parametrize("name", OPS)
def test_unrolled_is_the_same(name):
    op, *form = OPS[name]
    given = [jnp.asarray(item, "float32") for item in arguments(*form)]

    def total(given, unroll):
        return sum(jnp.cos(leaf).sum() for leaf in jax.tree.leaves(op(*given, MASK, unroll=unroll)))

    results = [
        jax.jit(jax.value_and_grad(total), static_argnums=1)(given, unroll) for unroll in (False, True)
    ]
    for one, two in zip(*map(jax.tree.leaves, results), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)


def test_second_derivatives_are_difference_quotients_of_the_first():
    with jax.enable_x64(True):
        x, w, kernel, bias, h, c = arguments(4, 1, 2)
        slope_of = jax.jit(jax.grad(lambda kernel: jnp.sum(lstm(x[:, :2], w, kernel, bias, h, c)[1])))
        direction = jnp.cos(jnp.arange(kernel.size, dtype="float64")).reshape(kernel.shape)
        exact = jax.jit(jax.grad(lambda kernel: jnp.vdot(slope_of(kernel), direction)))(kernel)
        step = 1e-6 * direction
        np.testing.assert_allclose(
            exact, (slope_of(kernel + step) - slope_of(kernel - step)) / 2e-6, atol=1e-7
        )


@pytest.mark.parametrize("name", OPS)
def test_bfloat16_stays_and_sums_its_gradients_in_32_bits(name):
    op, *form = OPS[name]
    given = [jnp.asarray(item, "bfloat16") for item in arguments(*form)]

    def grads(given):
        results, pull = jax.vjp(lambda *given: op(*given, MASK), *given)
        return results, pull(jax.tree.map(jnp.ones_like, results))

    halves = jax.jit(grads)(given)
    assert all(leaf.dtype == jnp.bfloat16 for leaf in jax.tree.leaves(halves))
    exact = jax.jit(grads)([item.astype("float32") for item in given])
    for one, two in zip(jax.tree.leaves(halves), jax.tree.leaves(exact), strict=True):
        scale = float(jnp.abs(two).max())
        np.testing.assert_allclose(one.astype("float32"), two, atol=0.03 * scale)


def test_without_sequences_only_the_last_step_comes():
    x, w, kernel, h = draw(B, T, D), draw(D, 4 * U), draw(U, 4 * U), np.zeros((B, U), "float32")
    sequence, state, carry = lstm(x, w, kernel, None, h, h)
    short = lstm(x, w, kernel, None, h, h, sequences=False)
    assert short[0] is None
    np.testing.assert_allclose(short[1], sequence[:, -1], rtol=1e-6)
    np.testing.assert_allclose(short[2], carry, rtol=1e-6)

    def loss(kernel, sequences):
        return jnp.sum(lstm(x, w, kernel, None, h, h, sequences=sequences)[1])

    np.testing.assert_allclose(
        jax.grad(loss)(kernel, False), jax.grad(loss)(kernel, True), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("reset_after", [True, False])
def test_what_masked_steps_hold_does_not_matter(reset_after):
    """Not even NaN, as padding may be anything."""
    x, w, kernel, h = draw(B, T, D), draw(D, 3 * U), draw(U, 3 * U), draw(B, U)
    spoiled = np.where(MASK[..., None], x, np.nan).astype("float32")
    for one, two in zip(
        gru(spoiled, w, kernel, None, None, h, MASK, reset_after=reset_after),
        gru(x, w, kernel, None, None, h, MASK, reset_after=reset_after),
        strict=True,
    ):
        np.testing.assert_allclose(one, two, rtol=1e-6)


def test_lstm_and_its_gradients_equal_pytorchs():
    torch = pytest.importorskip("torch")
    net = torch.nn.LSTM(D, U, batch_first=True)
    x = torch.tensor(draw(B, T, D), requires_grad=True)
    outputs, (h, c) = net(x)
    (outputs.cos().sum() + (2 * h).sum() + c.square().sum()).backward()
    w, r, b1, b2 = (p.detach().numpy().T for p in net.parameters())  # i, f, g, o side by side

    def loss(x, w, r, b):
        outputs, h, c = lstm(x, w, r, b, jnp.zeros((B, U)), jnp.zeros((B, U)))
        return jnp.cos(outputs).sum() + (2 * h).sum() + jnp.square(c).sum()

    grads = jax.jit(jax.grad(loss, (0, 1, 2, 3)))(x.detach().numpy(), w, r, b1 + b2)
    wanted = [x.grad.numpy(), *(p.grad.numpy().T for p in net.parameters())]
    for one, two in zip(grads, wanted, strict=False):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5)


def test_gru_and_its_gradients_equal_pytorchs():
    """PyTorch's gates come in the order r, z, n, and its recurrent bias is inside the reset, as here."""
    torch = pytest.importorskip("torch")
    net = torch.nn.GRU(D, U, batch_first=True)
    x = torch.tensor(draw(B, T, D), requires_grad=True)
    outputs, h = net(x)
    (outputs.cos().sum() + (2 * h).sum()).backward()

    def turned(array):
        r, z, n = np.split(array, 3, axis=0)
        return np.concatenate([z, r, n]).T

    w, r, b1, b2 = (turned(p.detach().numpy()) for p in net.parameters())

    def loss(x, w, r, b1, b2):
        outputs, h = gru(x, w, r, b1, b2, jnp.zeros((B, U)))
        return jnp.cos(outputs).sum() + (2 * h).sum()

    grads = jax.jit(jax.grad(loss, (0, 1, 2, 3, 4)))(x.detach().numpy(), w, r, b1, b2)
    wanted = [x.grad.numpy(), *(turned(p.grad.numpy()) for p in net.parameters())]
    for one, two in zip(grads, wanted, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5)


def test_gates_of_other_activations():
    inner = draw(2, 4 * U)
    i, f, g, o = np.split(inner, 4, axis=1)
    mine = lstm_gates(jnp.asarray(inner), activations.relu, activations.hard_sigmoid)
    expected = [activations.hard_sigmoid(i), activations.hard_sigmoid(f), np.maximum(g, 0)]
    for one, two in zip(mine, [*expected, activations.hard_sigmoid(o)], strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-6)
    for one, two in zip(
        lstm_gates(jnp.asarray(inner)), [sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)], strict=True
    ):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ["linear", "tanh", "sigmoid", "relu"])
def test_slope_is_the_derivative(name):
    function = getattr(activations, name)
    x = jnp.array([-1.5, -0.2, 0.3, 2.0])
    expected = jax.vmap(jax.grad(lambda x: function(x)))(x)
    np.testing.assert_allclose(slope(function, function(x)), expected, rtol=1e-5)
    assert has_slope(function) and not has_slope(function, activations.elu)


def test_recur_repeats_outputs_at_masked_steps():
    """The output has not the state's shape, so it is 0 before the first step that counts."""

    def step(total, x):
        return jnp.stack([total, x], axis=1), total + x, x

    x, mask = jnp.array([[1.0, 2.0, 3.0]]), jnp.array([[False, True, False]])
    outputs, last, seen = recur(step, jnp.zeros(1), x, mask)
    assert outputs.tolist() == [[[0.0, 0.0], [0.0, 2.0], [0.0, 2.0]]]
    assert last.tolist() == [2.0]
    assert seen.tolist() == [[1.0], [2.0], [3.0]]


def test_sums_over_rows_and_steps():
    x = draw(2, 3, 2)
    np.testing.assert_allclose(sum_of_products(x, x), np.einsum("btd,bte->de", x, x), rtol=1e-5)
    np.testing.assert_allclose(sum_of_steps(x), x.sum(axis=(0, 1)), rtol=1e-5)
