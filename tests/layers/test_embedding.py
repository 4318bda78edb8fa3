"""The table of vectors: pretrained rows, masks, gradients."""

import numpy as np
import pytest

import gradwise as gw
from gradwise import layers
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("C8")

TABLE = np.arange(12, dtype="float32").reshape(4, 3)


@pytest.mark.parametrize("weights", [TABLE, [TABLE], TABLE.tolist()], ids=["array", "list", "rows"])
def test_a_table_to_start_from(weights, tmp_path):
    model = gw.Sequential([gw.Input((2,), dtype="int32"), layers.Embedding(4, 3, weights=weights)])
    np.testing.assert_array_equal(model.predict(np.array([[3, 0]])), TABLE[[[3, 0]]])
    assert "weights" not in model.layers[0].get_config()
    model.save(tmp_path / "model.gwz")
    np.testing.assert_array_equal(gw.load_model(tmp_path / "model.gwz").get_weights()[0], TABLE)


def test_a_table_of_another_size_is_refused():
    with pytest.raises(InputError, match=r"weights: expected a table of shape \(5, 3\), but got \(4, 3\)"):
        layers.Embedding(5, 3, weights=TABLE)


def test_only_rows_that_were_looked_up_are_trained():
    model = gw.Sequential([gw.Input((2,), dtype="int32"), layers.Embedding(4, 3, weights=TABLE)])
    model.compile(gw.optimizers.SGD(1.0), "mse")
    model.fit(np.array([[1, 1]]), np.zeros((1, 2, 3)), verbose=0)
    moved = np.any(model.get_weights()[0] != TABLE, axis=1)
    assert moved.tolist() == [False, True, False, False]


def test_zero_is_padding_only_if_asked():
    indices = np.array([[1, 0, 2]])
    assert layers.Embedding(4, 3, mask_zero=True).compute_mask(indices).tolist() == [[True, False, True]]
    assert layers.Embedding(4, 3).compute_mask(indices) is None


def test_no_indices_give_no_vectors():
    assert layers.Embedding(4, 2)(np.zeros((0, 3), "int32")).shape == (0, 3, 2)
