"""Padding, cropping and up-sampling beyond the contracts: inverses, masks, PyTorch, messages."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gradwise as gw
from gradwise import layers
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("C5")

MASK = np.array([[True, True, False], [True, False, False]])


def steps(count=3):
    return np.random.default_rng(0).normal(size=(2, count, 2)).astype("float32")


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(
    ("rank", "amounts"),
    [(1, (2, 1)), (2, ((1, 0), (2, 3))), (3, ((1, 2), (0, 1), (3, 0))), (2, 2), (3, (1, 0, 2))],
)
def test_cropping_undoes_padding(rank, amounts, data_format):
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5, 2)[: rank + 2]).astype("float32")
    padded = getattr(layers, f"ZeroPadding{rank}D")(amounts, data_format)(x)
    assert padded.size > x.size
    np.testing.assert_allclose(jnp.sum(padded), x.sum(), rtol=1e-4)
    np.testing.assert_array_equal(getattr(layers, f"Cropping{rank}D")(amounts, data_format)(padded), x)


def test_masks_of_sequences_change_with_their_steps():
    def mask_of(layer):
        return layer.compute_mask(steps(), MASK).tolist()

    assert mask_of(layers.ZeroPadding1D((1, 2))) == [
        [False, True, True, False, False, False],
        [False, True, False, False, False, False],
    ]
    assert mask_of(layers.Cropping1D((1, 0))) == [[True, False], [False, False]]
    assert mask_of(layers.UpSampling1D(2)) == np.repeat(MASK, 2, 1).tolist()
    for layer in (layers.ZeroPadding1D(), layers.Cropping1D(), layers.UpSampling1D()):
        assert layer.compute_mask(steps(), None) is None
    for layer in (layers.ZeroPadding2D(), layers.Cropping2D(), layers.UpSampling2D()):
        assert layer.compute_mask(steps()[..., None], MASK) is None


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_repetition_agrees_with_pytorch(rank):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 2, 2)[: rank + 1] + (2,)).astype("float32")
    factors = (2, 3, 1)[:rank]
    output = getattr(layers, f"UpSampling{rank}D")(factors if rank > 1 else 2)(x)
    theirs = torch.nn.functional.interpolate(
        torch.tensor(np.moveaxis(x, -1, 1).copy()), scale_factor=factors, mode="nearest"
    )
    np.testing.assert_array_equal(output, np.moveaxis(theirs.numpy(), 1, -1))


def test_bilinear_enlargement_agrees_with_pytorch_also_in_the_gradient():
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 2)).astype("float32")
    inputs = torch.tensor(np.moveaxis(x, -1, 1).copy(), requires_grad=True)
    theirs = torch.nn.functional.interpolate(
        inputs, scale_factor=(2, 3), mode="bilinear", align_corners=False
    )
    theirs.sin().sum().backward()
    layer = layers.UpSampling2D((2, 3), interpolation="bilinear")
    np.testing.assert_allclose(layer(x), np.moveaxis(theirs.detach().numpy(), 1, -1), rtol=1e-5, atol=1e-6)
    slopes = jax.grad(lambda x: jnp.sum(jnp.sin(layer(x))))(jnp.asarray(x))
    np.testing.assert_allclose(slopes, np.moveaxis(inputs.grad.numpy(), 1, -1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "lanczos3", "lanczos5"])
def test_interpolation_keeps_constant_images(interpolation):
    layer = layers.UpSampling2D((3, 2), interpolation=interpolation)
    np.testing.assert_allclose(
        layer(np.full((1, 4, 5, 2), 7.0, "float32")), np.full((1, 12, 10, 2), 7.0), rtol=1e-5
    )


def test_bicubic_weights_are_those_of_keys():
    # Enlarged twice, an inner pixel lies 1/4 from one centre: Keys' kernel with a = -1/2 at 5/4, 1/4, 3/4, 7/4.
    row = np.zeros((1, 1, 8, 1), "float32")
    row[0, 0, 4, 0] = 1.0
    output = np.asarray(layers.UpSampling2D((1, 2), interpolation="bicubic")(row)).ravel()
    near = lambda d: 1.5 * d**3 - 2.5 * d**2 + 1  # noqa: E731
    far = lambda d: -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2  # noqa: E731
    wanted = [far(1.75), far(1.25), near(0.75), near(0.25)]
    np.testing.assert_allclose(output[5:9], wanted, rtol=1e-5)
    np.testing.assert_allclose(output[9:13], wanted[::-1], rtol=1e-5)


def test_unknown_sizes_stay_unknown():
    x = gw.Input((None, 4, 2))
    assert layers.ZeroPadding2D(1)(x).shape == (None, None, 6, 2)
    assert layers.Cropping2D(1)(x).shape == (None, None, 2, 2)
    assert layers.UpSampling2D(2)(x).shape == (None, None, 8, 2)
    assert layers.UpSampling2D(2, interpolation="bilinear")(x).shape == (None, None, 8, 2)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: layers.ZeroPadding1D(-1, name="z"),
            "ZeroPadding1D 'z': expected padding to be a number of steps or (before, after), none of them "
            "negative, but got -1. Write padding=1, say.",
        ),
        (
            lambda: layers.ZeroPadding2D((1, 2, 3)),
            "padding to be a number, (rows, columns) or ((top, bottom)",
        ),
        (lambda: layers.ZeroPadding2D(((1, 2), (3,))), "but got ((1, 2), (3,))"),
        (lambda: layers.Cropping3D((1, 2)), "cropping to be a number, three of them or three pairs"),
        (lambda: layers.Cropping1D(1.5), "but got 1.5"),
        (
            lambda: layers.Cropping1D((2, 1), name="c")(steps()),
            "Cropping1D 'c': expected to cut off less than the length 3 of the inputs, but got 2 before and 1 "
            "after. Crop less, or give larger inputs.",
        ),
        (
            lambda: layers.Cropping2D((0, 2))(np.ones((1, 9, 4, 1), "float32")),
            "cut off less than the width 4",
        ),
        (lambda: layers.UpSampling1D(0), "size to be a positive integer, but got 0"),
        (lambda: layers.UpSampling2D(interpolation="cubic"), "interpolation to be one of nearest, bilinear"),
        (lambda: layers.UpSampling3D((2, 2)), "size to be a positive integer or 3 of them"),
        (
            lambda: layers.ZeroPadding2D()(np.ones((3, 4, 5), "float32")),
            "Images need a channel axis: x[..., None] adds one.",
        ),
    ],
)
def test_messages(make, text):
    with pytest.raises(InputError) as raised:
        make()
    assert text in str(raised.value)
