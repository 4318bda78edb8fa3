import itertools
import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from gradwise.errors import InputError
from gradwise.ops import convolution as convolution_op
from gradwise.ops import convolution_forms, windows
from gradwise.ops.convolution import conv2d, convolution

pytestmark = pytest.mark.feature("C4")

# (height, width), (kernel height, kernel width), strides, dilation, groups, channels, filters
CONFIGURATIONS = [
    ((7, 8), (3, 3), (2, 2), (1, 1), 1, 1, 4),
    ((8, 9), (2, 4), (3, 2), (1, 1), 1, 3, 2),
    ((9, 8), (3, 2), (1, 1), (2, 3), 1, 2, 2),
    ((9, 9), (1, 1), (1, 1), (1, 1), 1, 3, 5),
    ((9, 7), (1, 1), (2, 3), (1, 1), 1, 3, 2),
    ((5, 4), (5, 4), (1, 1), (1, 1), 1, 2, 3),
    ((8, 7), (3, 3), (1, 1), (1, 1), 2, 4, 6),
    ((8, 7), (3, 2), (2, 1), (1, 1), 3, 3, 3),
    ((8, 7), (3, 3), (1, 1), (2, 2), 3, 3, 6),
]
FORMS = ["chosen", "library_form", "direct_form"]
VOLUME_FORMS = ["chosen", "direct_form", "volume_form"]


def torch_answers(x, kernel, cotangent_of, strides, padding, dilation, groups):
    """Output and gradients by PyTorch, in channels-last order; it gets the padding spelt out."""
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    rank = kernel.ndim - 2
    inputs = torch.tensor(np.moveaxis(x, -1, 1), requires_grad=True)
    weights = torch.tensor(np.moveaxis(kernel, (-1, -2), (0, 1)).copy(), requires_grad=True)
    padded = inputs
    if padding == "same":
        amounts = []
        for n, f, s, d in zip(x.shape[1:-1], kernel.shape[:rank], strides, dilation, strict=True):
            total = max((-(-n // s) - 1) * s + (f - 1) * d + 1 - n, 0)
            amounts = [total // 2, total - total // 2] + amounts
        padded = functional.pad(inputs, amounts)
    convolve = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}[rank]
    output = convolve(padded, weights, stride=strides, dilation=dilation, groups=groups)
    answer = np.moveaxis(output.detach().numpy(), 1, -1)
    cotangent = cotangent_of(answer.shape)
    output.backward(torch.tensor(np.moveaxis(cotangent, -1, 1).copy()))
    kernel_gradient = np.moveaxis(weights.grad.numpy(), (0, 1), (-1, -2))
    return answer, cotangent, np.moveaxis(inputs.grad.numpy(), 1, -1), kernel_gradient


def output_and_gradients(apply, x, kernel, cotangent):
    @jax.jit
    def both(x, kernel, cotangent):
        output, pull_back = jax.vjp(apply, x, kernel)
        return output, pull_back(cotangent)

    return both(jnp.asarray(x), jnp.asarray(kernel), jnp.asarray(cotangent))


def use_form(monkeypatch, form):
    if form == "library_form":
        monkeypatch.setattr(convolution_forms, "runs_on_cpu", lambda: False)
    elif form != "chosen":
        monkeypatch.setattr(convolution_op, "choose_form", lambda *_: getattr(convolution_forms, form))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_output_and_gradients_agree_with_pytorch(configuration, padding, form, monkeypatch, rng):
    sizes, window, strides, dilation, groups, channels, filters = configuration
    if form == "direct_form" and groups > 1:
        pytest.skip("groups have their own forms")
    if form == "library_form" and padding == "valid":
        pytest.skip("the engine's own operation; one padding is enough")
    use_form(monkeypatch, form)
    x = rng.normal(size=(2, *sizes, channels))
    kernel = rng.normal(size=(*window, channels // groups, filters))
    answer, cotangent, x_gradient, kernel_gradient = torch_answers(
        x, kernel, lambda shape: rng.normal(size=shape), strides, padding, dilation, groups
    )
    with jax.enable_x64(True):

        def apply(x, kernel):
            return conv2d(x, kernel, strides=strides, padding=padding, dilation=dilation, groups=groups)

        output, gradients = output_and_gradients(apply, x, kernel, cotangent)
    np.testing.assert_allclose(output, answer, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(gradients[0], x_gradient, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(gradients[1], kernel_gradient, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("form", VOLUME_FORMS)
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    ("sizes", "window", "strides"), [((9,), (4,), (2,)), ((5, 4, 6), (2, 3, 2), (1, 1, 2))]
)
def test_one_and_three_axes_agree_with_pytorch(sizes, window, strides, padding, form, monkeypatch, rng):
    rank = len(sizes)
    if form == "volume_form" and rank < 3:
        pytest.skip("for volumes only")
    use_form(monkeypatch, form)
    x, kernel = rng.normal(size=(2, *sizes, 3)), rng.normal(size=(*window, 3, 2))
    ones = (1,) * rank
    answer, cotangent, x_gradient, kernel_gradient = torch_answers(
        x, kernel, lambda shape: rng.normal(size=shape), strides, padding, ones, 1
    )
    with jax.enable_x64(True):

        def apply(x, kernel):
            return convolution(x, kernel, rank=rank, strides=strides, padding=padding)

        output, gradients = output_and_gradients(apply, x, kernel, cotangent)
    np.testing.assert_allclose(output, answer, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(gradients[0], x_gradient, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(gradients[1], kernel_gradient, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("strides", "dilation"), [(1, 1), (2, 1), (3, 1), (1, 2)])
def test_output_agrees_with_keras(strides, dilation, padding, data_format, rng):
    keras = pytest.importorskip("keras")
    x = rng.normal(size=(2, 8, 11, 3)).astype("float32")
    kernel = rng.normal(size=(3, 4, 3, 5)).astype("float32")
    if data_format == "channels_first":
        x = np.moveaxis(x, -1, 1)
    expected = keras.ops.conv(
        x, kernel, strides=strides, padding=padding, data_format=data_format, dilation_rate=dilation
    )
    settings = {"strides": strides, "padding": padding, "data_format": data_format, "dilation": dilation}
    output = jax.jit(lambda x, kernel: conv2d(x, kernel, **settings))(x, kernel)
    np.testing.assert_allclose(output, np.asarray(expected), rtol=1e-5, atol=1e-5)


def test_gradient_agrees_with_finite_differences(rng):
    with jax.enable_x64(True):
        x, kernel = jnp.asarray(rng.normal(size=(1, 5, 6, 2))), jnp.asarray(rng.normal(size=(3, 2, 2, 3)))
        settings = convolution_forms.Settings((2, 1), ((1, 0), (0, 1)), (1, 2), 1)
        for form, order in ((convolution_forms.patch_form, 1), (convolution_forms.direct_form, 2)):
            loss = jax.jit(lambda x, kernel, form=form: jnp.sum(jnp.sin(form(x, kernel, settings))))
            check_grads(loss, (x, kernel), order=order, modes=["rev"], rtol=1e-6)


def test_worked_edge_detector():
    image = np.zeros((1, 6, 6, 1), "float32")
    image[:, :, :3] = 10
    kernel = np.array([[1, 0, -1]] * 3, "float32")[..., None, None]
    output = conv2d(jnp.asarray(image), jnp.asarray(kernel))[0, :, :, 0]
    assert output.tolist() == [[0, 30, 30, 0]] * 4


@pytest.mark.parametrize("form", FORMS)
def test_vmap_over_members_agrees_with_a_loop(form, monkeypatch, rng):
    use_form(monkeypatch, form)
    x = jnp.asarray(rng.normal(size=(3, 2, 6, 6, 2)), "float32")
    kernel = jnp.asarray(rng.normal(size=(3, 3, 3, 2, 4)), "float32")

    def gradients(x, kernel):
        return jax.grad(lambda x, kernel: jnp.sum(jnp.cos(conv2d(x, kernel))), (0, 1))(x, kernel)

    gradients = jax.jit(gradients)
    together = jax.vmap(gradients)(x, kernel)
    shared = jax.vmap(gradients, in_axes=(None, 0))(x[0], kernel)
    for member in range(3):
        alone = gradients(x[member], kernel[member])
        np.testing.assert_allclose(together[0][member], alone[0], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(together[1][member], alone[1], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(
            shared[1][member], gradients(x[0], kernel[member])[1], rtol=1e-4, atol=1e-5
        )


def test_jit_and_a_compiled_loop_agree_with_eager(rng):
    x = jnp.asarray(rng.normal(size=(2, 6, 6, 2)), "float32")
    kernel = jnp.asarray(rng.normal(size=(3, 3, 2, 4)), "float32")
    step = jax.grad(lambda kernel: jnp.sum(conv2d(x, kernel) ** 2))
    eager = kernel - 0.01 * step(kernel)
    looped = jax.jit(lambda kernel: jax.lax.fori_loop(0, 1, lambda _, k: k - 0.01 * step(k), kernel))(kernel)
    np.testing.assert_allclose(looped, eager, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_short_float_types_are_kept(dtype, groups, rng):
    x = rng.normal(size=(2, 6, 6, 4)).astype("float32")
    kernel = rng.normal(size=(3, 3, 4 // groups, 4)).astype("float32")
    convolve = jax.jit(lambda x, kernel: conv2d(x, kernel, groups=groups))
    exact = convolve(x, kernel)

    def loss(x, kernel):
        return convolve(x, kernel).sum()

    short = jnp.asarray(x, dtype), jnp.asarray(kernel, dtype)
    assert convolve(*short).dtype == dtype
    assert all(gradient.dtype == dtype for gradient in jax.eval_shape(jax.grad(loss, (0, 1)), *short))
    np.testing.assert_allclose(convolve(*short).astype("float32"), exact, atol=0.2)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("groups", [1, 2])
def test_batch_size_may_be_unknown(padding, groups):
    (batch,) = jax.export.symbolic_shape("b")
    x = jax.ShapeDtypeStruct((batch, 8, 9, 4), jnp.float32)
    kernel = jax.ShapeDtypeStruct((3, 3, 4 // groups, 6), jnp.float32)
    output = jax.eval_shape(lambda x, k: conv2d(x, k, strides=2, padding=padding, groups=groups), x, kernel)
    assert output.shape == ((batch, 3, 4, 6) if padding == "valid" else (batch, 4, 5, 6))


def test_every_size_may_be_unknown_and_the_exported_program_runs(rng):
    shape = jax.export.symbolic_shape("b, h, w, 2", constraints=["h >= 3", "w >= 3"])
    kernel = jnp.asarray(rng.normal(size=(3, 3, 2, 4)), "float32")
    program = jax.export.export(jax.jit(lambda x: conv2d(x, kernel, padding="same")))(
        jax.ShapeDtypeStruct(shape, jnp.float32)
    )
    x = jnp.asarray(rng.normal(size=(3, 5, 6, 2)), "float32")
    np.testing.assert_allclose(program.call(x), conv2d(x, kernel, padding="same"), rtol=1e-5, atol=1e-5)


def test_the_form_follows_the_shapes(monkeypatch):
    def chosen(x, kernel, sizes, groups=1, kind=jnp.float32):
        shape = jax.ShapeDtypeStruct
        return convolution_forms.choose_form(shape(x, kind), shape(kernel, kind), sizes, groups).__name__

    assert chosen((64, 28, 28, 1), (3, 3, 1, 32), (26, 26)) == "direct_form"
    assert chosen((64, 28, 28, 8), (1, 1, 8, 32), (28, 28)) == "patch_form"
    assert chosen((64, 28, 28, 1), (3, 3, 1, 32), (26, 26), kind=jnp.bfloat16) == "patch_form"
    assert chosen((4, 8, 8, 6), (3, 3, 3, 4), (6, 6), 2) == "grouped_form"
    assert chosen((4, 8, 8, 6), (3, 3, 1, 6), (6, 6), 6) == "depthwise_form"
    assert chosen((4, 8, 8, 8, 6), (3, 3, 3, 6, 6), (6, 6, 6)) == "volume_form"
    assert chosen((jax.export.symbolic_shape("b")[0], 8, 8, 6), (3, 3, 6, 6), (6, 6)) == "library_form"
    monkeypatch.setattr(convolution_forms, "runs_on_cpu", lambda: False)
    assert chosen((64, 28, 28, 1), (3, 3, 1, 32), (26, 26)) == "library_form"


@pytest.mark.parametrize("strides", [1, 2])
def test_training_programs_hold_plain_convolutions_only_on_cpu(strides):
    # The engine's own gradients of a convolution turn its axes, which is what runs slowly inside loops.
    if not windows.runs_on_cpu():
        pytest.skip("only the CPU's forms avoid it")
    x, kernel = jnp.ones((4, 8, 8, 3)), jnp.ones((3, 3, 3, 4))

    def loss(x, kernel):
        return jnp.sum(conv2d(x, kernel, strides=strides) ** 2)

    program = jax.jit(jax.grad(loss, (0, 1))).lower(x, kernel).as_text()
    found = [line for line in program.splitlines() if "stablehlo.convolution" in line]
    assert len(found) == 3 - strides
    assert all("[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]" in line for line in found)


def test_second_derivatives(rng):
    x = jnp.asarray(rng.normal(size=(1, 4, 4, 1)), "float32")
    kernel = jnp.asarray(rng.normal(size=(2, 2, 1, 1)), "float32")

    def loss(kernel):
        return jnp.sum(conv2d(x, kernel) ** 3)

    columns = [
        (jax.grad(loss)(kernel + shift) - jax.grad(loss)(kernel - shift)) / 2e-2
        for shift in 1e-2 * jnp.eye(4).reshape(4, 2, 2, 1, 1)
    ]
    second = jax.jit(jax.jacrev(jax.grad(loss)))(kernel)
    np.testing.assert_allclose(second.reshape(4, 4), jnp.stack(columns).reshape(4, 4), rtol=1e-3, atol=1e-2)


ones = np.ones


@pytest.mark.parametrize(
    ("x", "kernel", "settings", "message"),
    [
        (
            ones((2, 4, 9, 1)),
            ones((5, 5, 1, 3)),
            {"strides": 2},
            "conv2d: expected an input whose height is at least the kernel's 5, as the output's height is "
            "floor((n + 2p - f)/s) + 1 = floor((4 + 0 - 5)/2) + 1 = 0, but got height 4. Use a smaller kernel, "
            "padding='same' or larger inputs, or pool less before.",
        ),
        (ones((2, 9, 4, 1)), ones((3, 3, 1, 3)), {"dilation": 2}, "at least the kernel's 5"),
        (
            ones((2, 8, 8, 4)),
            ones((3, 3, 3, 2)),
            {},
            "conv2d: expected inputs with 3 channels (as many as the kernel), but got 4 channels. "
            "Check the inputs, the kernel, `groups` and data_format='channels_last'.",
        ),
        (
            ones((2, 8, 8, 5)),
            ones((3, 3, 2, 4)),
            {"groups": 2},
            "inputs with 4 channels (2 channels in each of 2 groups), but got 5 channels",
        ),
        (
            ones((2, 8, 8, 4)),
            ones((3, 3, 2, 5)),
            {"groups": 2},
            "conv2d: expected the number of filters to be a multiple of groups=2, but got 5 filters. "
            "Change `groups` or the number of filters.",
        ),
        (
            ones((2, 28, 28)),
            ones((3, 3, 1, 4)),
            {},
            "conv2d: expected inputs of shape [B, H, W, C], but got (2, 28, 28). "
            "Add the missing axis, for example the channel axis with x[..., None].",
        ),
        (ones((2, 8, 8)), ones((3, 3, 1, 4)), {"data_format": "channels_first"}, "shape [B, C, H, W]"),
        (ones((2, 8, 8, 1)), ones((3, 3, 1)), {}, "a kernel with 2 spatial axes, input channels and filters"),
        (
            ones((2, 8, 8, 1)),
            ones((3, 3, 1, 1), "float16"),
            {},
            "inputs and kernel of one type, but got float32 and float16",
        ),
        (
            ones((2, 8, 8, 1)),
            ones((3, 3, 1, 1)),
            {"padding": "full"},
            "padding to be 'valid' or 'same', but got 'full'",
        ),
        (
            ones((2, 8, 8, 1)),
            ones((3, 3, 1, 1)),
            {"strides": (1, 0)},
            "strides to be a positive integer or 2 of them",
        ),
        (
            ones((2, 8, 8, 1)),
            ones((3, 3, 1, 1)),
            {"dilation": (1, 2, 3)},
            "dilation to be a positive integer",
        ),
        (
            ones((2, 8, 8, 1)),
            ones((3, 3, 1, 1)),
            {"data_format": "NHWC"},
            "but got 'NHWC'. Write data_format=",
        ),
    ],
)
def test_errors_say_what_to_do(x, kernel, settings, message):
    kernel = kernel.astype("float32") if kernel.dtype == "float64" else kernel
    with pytest.raises(InputError) as raised:
        conv2d(jnp.asarray(x, "float32"), jnp.asarray(kernel), **settings)
    assert message in str(raised.value)


def test_stated_lengths_are_the_real_ones():
    for n, f, s, d in itertools.product((5, 8), (1, 3), (1, 2, 3), (1, 2)):
        for padding, length in (("valid", (n - ((f - 1) * d + 1)) // s + 1), ("same", -(-n // s))):

            def apply(x, kernel, s=s, d=d, padding=padding):
                return convolution(x, kernel, rank=1, strides=s, dilation=d, padding=padding)

            shapes = (
                jax.ShapeDtypeStruct((1, n, 1), jnp.float32),
                jax.ShapeDtypeStruct((f, 1, 1), jnp.float32),
            )
            assert jax.eval_shape(apply, *shapes).shape == (1, length, 1)
