import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.preprocessing import MultiLabelBinarizer

from gradwise.ops import categories

pytestmark = pytest.mark.feature("A4")


def test_rows_are_those_of_scikit_learn(rng):
    x = rng.integers(0, 6, (9, 4))
    expected = MultiLabelBinarizer(classes=range(6)).fit_transform(x)
    np.testing.assert_array_equal(categories.multi_hot(x, 6), expected)
    counted = np.stack([np.bincount(row, minlength=6) for row in x])
    np.testing.assert_array_equal(categories.count(x, 6), counted)
    np.testing.assert_array_equal(categories.one_hot(x, 6), np.eye(6)[x])


def test_what_is_outside_counts_nowhere():
    x = jnp.array([[-1, 3, 1], [7, -8, 0]])
    np.testing.assert_array_equal(categories.count(x, 3), [[0, 1, 0], [1, 0, 0]])
    np.testing.assert_array_equal(categories.multi_hot(x, 3), [[0, 1, 0], [1, 0, 0]])
    assert not categories.one_hot(x, 3)[0, :2].any()


def test_gradients_of_weights_are_taken_where_they_count():
    x = jnp.array([[0, 2, 2]])
    gradient = jax.grad(lambda w: (categories.count(x, 3, w) * jnp.array([[1.0, 10.0, 100.0]])).sum())(
        jnp.ones((1, 3))
    )
    np.testing.assert_array_equal(gradient, [[1, 100, 100]])


def test_bins_are_those_of_numpy(rng):
    x, edges = rng.normal(size=(5, 4)).astype("float32"), np.array([-1, 0, 0.5], "float32")
    x[0, :3] = edges
    np.testing.assert_array_equal(categories.bins(x, edges), np.digitize(x, edges))
    np.testing.assert_array_equal(jax.jit(categories.bins)(x, edges), np.digitize(x, edges))
    assert categories.bins(jnp.array([jnp.nan]), edges).tolist() == [3]
