import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gradwise as gw
from gradwise import layers
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("C4")

NAMES = ["Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"]
NAMES += ["DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"]


@pytest.mark.parametrize("name", NAMES)
def test_settings_have_the_names_order_and_defaults_of_keras(name):
    keras = pytest.importorskip("keras")
    ours = inspect.signature(getattr(layers, name).__init__).parameters
    theirs = inspect.signature(getattr(keras.layers, name).__init__).parameters
    common = [item for item in theirs if item not in ("kwargs", "activity_regularizer")]
    assert [item for item in ours if item != "options"] == common
    for item in common:
        default = theirs[item].default
        spread = set(default) if isinstance(default, tuple) else {default}  # (1, 1) is 1 for both axes
        assert {ours[item].default} == spread


@pytest.mark.parametrize("name", NAMES)
def test_every_name_of_keras_is_known(name):
    for spelling in (name, name.replace("Conv", "Convolution")):
        if "Depthwise" in name and spelling != name:
            continue  # Keras has no such name
        assert gw.registry.find("layers", spelling, "here") is getattr(layers, name)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: layers.Conv2D(0, 3, name="a"),
            "Conv2D 'a': expected filters to be a positive integer, but got 0. Set filters=64, say.",
        ),
        (
            lambda: layers.Conv2D(4, (3, 3, 3), name="a"),
            "Conv2D 'a': expected kernel_size to be a positive integer or 2 of them, but got (3, 3, 3). "
            "Write kernel_size=3 or kernel_size=(3, 3).",
        ),
        (
            lambda: layers.Conv1D(4, -1, name="a"),
            "Conv1D 'a': expected kernel_size to be a positive integer, but got -1. Write kernel_size=3.",
        ),
        (lambda: layers.Conv3D(4, 3, strides=(1, 0, 1)), "expected strides to be a positive integer or 3"),
        (
            lambda: layers.Conv2D(4, 3, dilation_rate=0),
            "expected dilation_rate to be a positive integer or 2",
        ),
        (lambda: layers.Conv2D(4, True), "but got True"),
        (lambda: layers.Conv2D(4, 2.5), "but got 2.5"),
        (
            lambda: layers.Conv2D(4, 3, padding="causal"),
            "expected padding to be one of valid, same, but got 'causal'. Set padding='valid'.",
        ),
        (lambda: layers.Conv1DTranspose(4, 3, padding="causal"), "one of valid, same, but got 'causal'"),
        (lambda: layers.Conv1D(4, 3, padding="full"), "one of valid, same, causal, but got 'full'"),
        (
            lambda: layers.Conv2D(4, 3, data_format="NHWC"),
            "expected data_format to be one of channels_last, channels_first, but got 'NHWC'",
        ),
        (
            lambda: layers.Conv2D(4, 3, groups=3, name="a"),
            "Conv2D 'a': expected a number of filters that 3 groups divide, but got 4 filters. "
            "Change `groups`, or give 6 filters.",
        ),
        (lambda: layers.Conv2D(4, 3, groups=0), "expected groups to be a positive integer"),
        (lambda: layers.DepthwiseConv2D(3, depth_multiplier=0), "depth_multiplier to be a positive integer"),
        (
            lambda: layers.Conv2DTranspose(4, 3, strides=2, output_padding=2),
            "output_padding to be at least 0 and less than the stride, which is (2, 2), but got 2",
        ),
    ],
)
def test_settings_are_refused_at_construction(make, message):
    with pytest.raises(InputError) as raised:
        make()
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("make", "shape", "message"),
    [
        (
            lambda: layers.Conv2D(4, 3, name="a"),
            (28, 28),
            "Conv2D 'a': expected images of shape [batch, height, width, channels], but got (None, 28, 28). "
            "Images need a channel axis: x[..., None] adds one.",
        ),
        (
            lambda: layers.Conv1D(4, 3, data_format="channels_first", name="a"),
            (10,),
            "Conv1D 'a': expected sequences of shape [batch, channels, steps], but got (None, 10). "
            "Sequences need a channel axis: x[:, None] adds one.",
        ),
        (
            lambda: layers.Conv3D(4, 3),
            (8, 8),
            "expected volumes of shape [batch, depth, height, width, channels]",
        ),
        (
            lambda: layers.Conv2D(4, 3, groups=2, name="a"),
            (8, 8, 3),
            "Conv2D 'a': expected a number of channels that 2 groups divide, but got 3 channels. "
            "Change `groups`, or give 4 channels.",
        ),
        (
            lambda: layers.Conv2D(4, 3, name="a"),
            (8, 8, None),
            "Conv2D 'a': expected a known number of channels, but got (None, 8, 8, None). "
            "Give the full input shape; the data format is 'channels_last'.",
        ),
        (
            lambda: layers.Conv1D(4, 5, strides=2, dilation_rate=2, name="a"),
            (8, 3),
            "Conv1D 'a': expected an input whose length is at least the kernel's 9, as the output's length is "
            "floor((n + 2p - f)/s) + 1 = floor((8 + 0 - 9)/2) + 1 = 0, but got length 8.",
        ),
        (lambda: layers.DepthwiseConv2D(5), (4, 9, 2), "height is at least the kernel's 5"),
        (lambda: layers.SeparableConv2D(3, 5), (9, 4, 2), "width is at least the kernel's 5"),
        (lambda: layers.Conv3D(3, (5, 1, 1)), (4, 9, 9, 2), "depth is at least the kernel's 5"),
    ],
)
def test_shapes_are_refused_when_the_graph_is_built(make, shape, message):
    with pytest.raises(InputError) as raised:
        make()(gw.Input(shape))
    assert message in str(raised.value)


@pytest.mark.parametrize("name", NAMES)
def test_another_number_of_channels_is_refused_in_the_graph_and_with_arrays(name):
    rank = int(name.split("D")[-2][-1])
    first = {} if "Depthwise" in name else {"filters": 2}
    layer = getattr(layers, name)(**first, kernel_size=2, name="a")
    layer(gw.Input((4,) * rank + (3,)))
    for call in (lambda shape: layer(gw.Input(shape)), lambda shape: layer(np.zeros((2, *shape), "float32"))):
        with pytest.raises(InputError) as raised:
            call((4,) * rank + (5,))
        text = f"{name} 'a': expected inputs with 3 channels (channels_last), but got ("
        assert str(raised.value).startswith(text)


def test_bytes_of_images_are_cast():
    layer = layers.Conv2D(2, 3)
    image = np.arange(50, dtype="uint8").reshape(1, 5, 5, 2)
    np.testing.assert_array_equal(layer(image), layer(image.astype("float32")))


def test_strides_and_dilation_together_agree_with_pytorch(rng):
    # Keras refuses the two together.
    torch = pytest.importorskip("torch")
    layer = layers.Conv2D(4, 3, strides=2, dilation_rate=2)
    x = rng.normal(size=(2, 9, 8, 3)).astype("float32")
    mine = layer(x)
    kernel = torch.tensor(np.asarray(layer.kernel.value).transpose(3, 2, 0, 1).copy())
    theirs = torch.nn.functional.conv2d(
        torch.tensor(x.transpose(0, 3, 1, 2).copy()), kernel, stride=2, dilation=2
    )
    np.testing.assert_allclose(mine, theirs.numpy().transpose(0, 2, 3, 1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("make", [layers.DepthwiseConv1D, lambda k, **o: layers.SeparableConv1D(2, k, **o)])
def test_causal_layers_by_channel_equal_valid_ones_on_padded_inputs(make, rng):
    x = rng.normal(size=(2, 6, 3)).astype("float32")
    causal, valid = make(3, padding="causal", dilation_rate=2), make(3, dilation_rate=2)
    padded = np.pad(x, ((0, 0), (4, 0), (0, 0)))
    causal(x), valid(padded)
    valid.set_weights(causal.get_weights())
    np.testing.assert_allclose(causal(x), valid(padded), rtol=1e-5, atol=1e-6)


def test_worked_edge_detectors():
    # A bright left half: the Sobel kernel answers with 4 times the step at the two columns beside the edge.
    image = np.zeros((1, 6, 6, 1), "float32")
    image[:, :, :3] = 10
    layer = layers.Conv2D(2, 3, use_bias=False)
    layer(image)
    vertical = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]], "float32")
    layer.set_weights([np.stack([vertical, vertical.T], -1)[:, :, None]])
    output = np.asarray(layer(image))[0]
    assert output.shape == (4, 4, 2)
    assert output[..., 0].tolist() == [[0, 40, 40, 0]] * 4
    assert output[..., 1].tolist() == [[0, 0, 0, 0]] * 4


def test_masks_follow_the_steps():
    # Keras drops the mask here, so that the mean below would count padding.
    ids = np.array([[3, 1, 2, 0, 0, 0], [1, 1, 1, 1, 1, 0]])
    inputs = gw.Input((6,), dtype="int32")
    embedded = layers.Embedding(5, 3, mask_zero=True)(inputs)
    _, mask = layers.Conv1D(2, 3).propagate(np.zeros((2, 6, 3), "float32"), mask=jnp.asarray(ids > 0))
    assert mask.tolist() == [[True, True, True, False], [True] * 4]
    for layer, expected in [
        (layers.Conv1D(2, 3, padding="same"), [3, 5]),
        (layers.Conv1D(2, 3, padding="causal"), [3, 5]),
        (layers.Conv1D(2, 2, strides=2), [2, 3]),
        (layers.Conv1DTranspose(2, 2, strides=2), [6, 10]),
        (layers.SeparableConv1D(2, 2), [3, 5]),
        (layers.DepthwiseConv1D(6), [1, 1]),
    ]:
        outputs, mask = layer.propagate(np.zeros((2, 6, 3), "float32"), mask=jnp.asarray(ids > 0))
        assert mask.shape == outputs.shape[:2]
        assert mask.sum(1).tolist() == expected
    assert layers.Conv2D(1, 1).compute_mask(np.zeros((2, 6, 6, 1)), jnp.ones((2, 6), bool)) is None
    model = gw.Model(inputs, layers.Conv1D(2, 3, padding="same")(embedded))
    _, mask = model.propagate(jnp.asarray(ids))
    assert jnp.asarray(mask).reshape(2, 6).tolist() == (ids > 0).tolist()


def test_gradient_of_a_gradient_penalty_agrees_with_finite_differences(rng):
    # Improved Wasserstein training differentiates the norm of the input's gradient by the weights.
    x = jnp.asarray(rng.normal(size=(2, 6, 6, 2)), "float32")
    for layer in (layers.Conv2D(3, 3, strides=2), layers.SeparableConv2D(3, 3), layers.Conv2DTranspose(3, 3)):
        layer(x)
        values = {path: jnp.asarray(item.value) for path, item in layer.named_variables().items()}

        @jax.jit
        def penalty(values, layer=layer):
            def score(x):
                return jnp.sum(jnp.tanh(gw.core.functional.functional_call(layer, values, x)[0]))

            return jnp.sum(jax.grad(score)(x) ** 2)

        path = next(iter(values))
        direction = jnp.asarray(rng.normal(size=values[path].shape), "float32")
        slope = jnp.vdot(jax.grad(penalty)(values)[path], direction)
        step = 1e-2
        above = penalty({**values, path: values[path] + step * direction})
        below = penalty({**values, path: values[path] - step * direction})
        np.testing.assert_allclose(slope, (above - below) / (2 * step), rtol=2e-2)
