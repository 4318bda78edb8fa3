"""Recurrences against loops in NumPy, PyTorch's recurrent layers and finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from gradwise.ops import activations
from gradwise.ops.gru import gru
from gradwise.ops.lstm import lstm, lstm_gates
from gradwise.ops.recurrent import earlier, has_slope, recur, scan_steps, simple_rnn, slope, sum_of_products

pytestmark = pytest.mark.feature("C8")

B, T, U = 3, 5, 4
MASK = np.array([[1, 1, 0, 1, 0], [0, 0, 0, 0, 0], [0, 1, 1, 1, 1]], bool)


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
    z, kernel, h, c = draw(B, T, 4 * U), draw(U, 4 * U), draw(B, U), draw(B, U, seed=1)
    expected = lstm_by_hand(z, kernel, h, c, np.ones((B, T), bool) if mask is None else mask)
    for mine, other in zip(lstm(z, kernel, h, c, mask), expected, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("reset_after", [True, False])
@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])
def test_gru_is_the_loop(mask, reset_after):
    z, kernel, bias, h = draw(B, T, 3 * U), draw(U, 3 * U), draw(3 * U), draw(B, U)
    full = np.ones((B, T), bool) if mask is None else mask
    expected = gru_by_hand(z, kernel, bias, h, full, reset_after)
    mine = gru(z, kernel, bias if reset_after else None, h, mask, reset_after=reset_after)
    for one, two in zip(mine, expected, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)


def test_simple_rnn_is_the_loop():
    z, kernel, h = draw(B, T, U), draw(U, U), draw(B, U)
    states, last = simple_rnn(z, kernel, h, MASK)
    for t in range(T):
        h = np.where(MASK[:, t, None], np.tanh(z[:, t] + h @ kernel), h)
        np.testing.assert_allclose(states[:, t], h, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(last, h, rtol=1e-5, atol=1e-6)


OPS = {
    "simple": (simple_rnn, 1, False, 1),
    "lstm": (lstm, 4, False, 2),
    "after": (gru, 3, True, 1),
    "before": (lambda z, k, h, m, **o: gru(z, k, None, h, m, reset_after=False, **o), 3, False, 1),
}


def arguments(parts, bias, states):
    shapes = [(B, T, parts * U), (U, parts * U), *[(parts * U,)] * bias, *[(B, U)] * states]
    return [jnp.asarray(draw(*shape, seed=place).astype("float64")) for place, shape in enumerate(shapes)]


@pytest.mark.parametrize("activation", [activations.tanh, activations.linear])
@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])
@pytest.mark.parametrize("name", OPS)
def test_gradient_through_time_is_the_difference_quotient(name, mask, activation):
    op, *form = OPS[name]
    with jax.enable_x64(True):
        given = arguments(*form)
        function = jax.jit(lambda *given: op(*given, mask, activation=activation))
        check_grads(function, given, 1, modes=["rev"], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", OPS)
def test_unrolled_is_the_same(name):
    op, *form = OPS[name]
    given = [jnp.asarray(item, "float32") for item in arguments(*form)]

    def total(given, unroll):
        return sum(jnp.cos(leaf).sum() for leaf in jax.tree.leaves(op(*given, MASK, unroll=unroll)))

    results = [jax.value_and_grad(total)(given, unroll) for unroll in (False, True)]
    for one, two in zip(*map(jax.tree.leaves, results), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)


def test_second_derivatives_are_difference_quotients_of_the_first():
    with jax.enable_x64(True):
        z, kernel, h, c = arguments(4, False, 2)
        slope_of = jax.jit(jax.grad(lambda kernel: jnp.sum(lstm(z[:, :2], kernel, h, c)[1])))
        direction = jnp.cos(jnp.arange(kernel.size, dtype="float64")).reshape(kernel.shape)
        exact = jax.jit(jax.grad(lambda kernel: jnp.vdot(slope_of(kernel), direction)))(kernel)
        step = 1e-6 * direction
        np.testing.assert_allclose(
            exact, (slope_of(kernel + step) - slope_of(kernel - step)) / 2e-6, atol=1e-7
        )


@pytest.mark.parametrize("name", OPS)
@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_types_stay(name, dtype):
    op, *form = OPS[name]
    given = [jnp.asarray(item, dtype) for item in arguments(*form)]
    results, pull = jax.vjp(lambda *given: op(*given, None), *given)
    grads = pull(jax.tree.map(jnp.ones_like, results))
    assert {str(leaf.dtype) for leaf in jax.tree.leaves((results, grads))} == {dtype}


def test_without_sequences_only_the_last_step_comes():
    z, kernel, h = draw(B, T, 4 * U), draw(U, 4 * U), np.zeros((B, U), "float32")
    sequence, state, carry = lstm(z, kernel, h, h)
    short = lstm(z, kernel, h, h, sequences=False)
    assert short[0] is None
    np.testing.assert_allclose(short[1], sequence[:, -1], rtol=1e-6)
    np.testing.assert_allclose(short[2], carry, rtol=1e-6)

    def loss(kernel, sequences):
        return jnp.sum(lstm(z, kernel, h, h, sequences=sequences)[1])

    np.testing.assert_allclose(
        jax.grad(loss)(kernel, False), jax.grad(loss)(kernel, True), rtol=1e-5, atol=1e-6
    )


def test_lstm_and_its_gradients_equal_pytorchs():
    torch = pytest.importorskip("torch")
    net = torch.nn.LSTM(U, U, batch_first=True)
    x = torch.tensor(draw(B, T, U), requires_grad=True)
    outputs, (h, c) = net(x)
    (outputs.cos().sum() + (2 * h).sum() + c.square().sum()).backward()
    w, r, b1, b2 = (p.detach().numpy().T for p in net.parameters())  # i, f, g, o side by side

    def loss(x, w, r, b):
        zeros = jnp.zeros((B, U))
        outputs, h, c = lstm(x @ w + b[None, None], r, zeros, zeros)
        return jnp.cos(outputs).sum() + (2 * h).sum() + jnp.square(c).sum()

    grads = jax.grad(loss, (0, 1, 2, 3))(x.detach().numpy(), w, r, b1 + b2)
    wanted = [x.grad.numpy(), *(p.grad.numpy().T for p in net.parameters())]
    for one, two in zip(grads, wanted, strict=False):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5)


def test_gru_and_its_gradients_equal_pytorchs():
    """PyTorch's gates come in the order r, z, n, and its recurrent bias is inside the reset, as here."""
    torch = pytest.importorskip("torch")
    net = torch.nn.GRU(U, U, batch_first=True)
    x = torch.tensor(draw(B, T, U), requires_grad=True)
    outputs, h = net(x)
    (outputs.cos().sum() + (2 * h).sum()).backward()

    def turned(array):
        r, z, n = np.split(array, 3, axis=0)
        return np.concatenate([z, r, n]).T

    w, r, b1, b2 = (turned(p.detach().numpy()) for p in net.parameters())

    def loss(x, w, r, b1, b2):
        outputs, h = gru(x @ w + b1[None, None], r, b2, jnp.zeros((B, U)))
        return jnp.cos(outputs).sum() + (2 * h).sum()

    grads = jax.grad(loss, (0, 1, 2, 3, 4))(x.detach().numpy(), w, r, b1, b2)
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


def test_scan_in_reverse_keeps_places():
    add = lambda total, x: (total + x, total + x)  # noqa: E731
    x = np.arange(6, dtype="float32").reshape(2, 3)
    last, sums = scan_steps(add, jnp.zeros(2), x, reverse=True)
    np.testing.assert_allclose(sums, np.cumsum(x[:, ::-1], 1)[:, ::-1])
    np.testing.assert_allclose(last, x.sum(1))


def test_recur_repeats_outputs_at_masked_steps():
    """The output has not the state's shape, so it is 0 before the first step that counts."""

    def step(total, x):
        return jnp.stack([total, x], axis=1), total + x, x

    x, mask = jnp.array([[1.0, 2.0, 3.0]]), jnp.array([[False, True, False]])
    outputs, last, seen = recur(step, jnp.zeros(1), x, mask)
    assert outputs.tolist() == [[[0.0, 0.0], [0.0, 2.0], [0.0, 2.0]]]
    assert last.tolist() == [2.0]
    assert seen.tolist() == [[1.0], [2.0], [3.0]]


def test_helpers():
    x = draw(2, 3, 2)
    np.testing.assert_allclose(earlier(x[:, 0] * 9, x)[:, 1:], x[:, :-1])
    np.testing.assert_allclose(sum_of_products(x, x), np.einsum("btd,bte->de", x, x), rtol=1e-5)
