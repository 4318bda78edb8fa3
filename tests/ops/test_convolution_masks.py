import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from gradwise.ops.convolution import convolution
from gradwise.ops.convolution_masks import convolved_mask, spread_mask
from gradwise.ops.convolution_transposed import convolution_transpose

pytestmark = pytest.mark.feature("C4")

MASK = jnp.array([[True] * 4 + [False] * 5, [False, True] + [False] * 6 + [True]])


@pytest.mark.parametrize("padding", ["valid", "same", "causal"])
@pytest.mark.parametrize(
    ("window", "stride", "dilation"), list(itertools.product((1, 2, 3), (1, 2, 3), (1, 2)))
)
def test_a_step_counts_if_its_window_meets_one_that_counts(window, stride, dilation, padding):
    found = convolved_mask(MASK, window=window, stride=stride, padding=padding, dilation=dilation)
    if padding != "valid" and stride == 1:
        assert found is MASK
        return
    # A kernel of ones over the mask is positive just there.
    met = convolution(
        MASK[..., None].astype("float32"),
        jnp.ones((window, 1, 1)),
        rank=1,
        strides=stride,
        dilation=dilation,
        padding=padding,
    )
    np.testing.assert_array_equal(found, met[..., 0] > 0)


@pytest.mark.parametrize(("window", "stride"), list(itertools.product((1, 2, 3), (1, 2, 3))))
def test_a_step_counts_if_one_that_counts_reaches_it(window, stride):
    for extra in (None, *range(stride)):
        found = spread_mask(MASK, window=window, stride=stride, output_padding=extra)
        # Gaps between kernels, and what is added at the end, belong to the step before.
        reach = max(window, stride) + (extra or 0)
        reached = convolution_transpose(
            MASK[..., None].astype("float32"), jnp.ones((reach, 1, 1)), rank=1, strides=stride
        )
        plain = convolution_transpose(
            MASK[..., None].astype("float32"),
            jnp.ones((window, 1, 1)),
            rank=1,
            strides=stride,
            output_padding=extra,
        )
        assert found.shape == plain.shape[:2]
        assert np.all(np.asarray(found) >= np.asarray(plain[..., 0] > 0))
        assert np.all(np.asarray(found) <= np.asarray(reached[:, : found.shape[1], 0] > 0))


def test_same_padding_repeats_the_mask():
    short = jnp.array([[True, False, True]])
    assert spread_mask(short, window=3, stride=1, padding="same") is short
    assert spread_mask(short, window=5, stride=2, padding="same").tolist() == [
        [True, True, False, False, True, True]
    ]
    assert spread_mask(short, window=3, stride=2, padding="same", output_padding=0).shape == (1, 5)
