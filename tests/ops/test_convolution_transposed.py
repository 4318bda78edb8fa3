import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from gradwise.errors import InputError
from gradwise.ops import convolution_forms, windows
from gradwise.ops.convolution import convolution
from gradwise.ops.convolution_transposed import convolution_transpose, transposed_length

pytestmark = pytest.mark.feature("C4")

# sizes, kernel, strides, dilation, output_padding
CONFIGURATIONS = [
    ((5,), (3,), (2,), (1,), (1,)),
    ((5,), (2,), (3,), (1,), (2,)),
    ((4,), (3,), (2,), (2,), (1,)),
    ((3, 4), (2, 2), (2, 2), (1, 1), (0, 0)),
    ((3, 4), (4, 3), (2, 1), (1, 2), (1, 0)),
    ((2, 3, 2), (2, 3, 1), (2, 2, 1), (1, 1, 1), (1, 0, 0)),
]


@pytest.mark.parametrize("engine", [False, True])
@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_output_and_gradients_agree_with_pytorch(configuration, engine, monkeypatch, rng):
    torch = pytest.importorskip("torch")
    if engine:
        monkeypatch.setattr(convolution_forms, "runs_on_cpu", lambda: False)
    sizes, window, strides, dilation, extra = configuration
    rank = len(sizes)
    x, kernel = rng.normal(size=(2, *sizes, 3)), rng.normal(size=(*window, 2, 3))
    inputs = torch.tensor(np.moveaxis(x, -1, 1).copy(), requires_grad=True)
    weights = torch.tensor(np.moveaxis(kernel, (-1, -2), (0, 1)).copy(), requires_grad=True)
    functional = torch.nn.functional
    transpose = {
        1: functional.conv_transpose1d,
        2: functional.conv_transpose2d,
        3: functional.conv_transpose3d,
    }[rank]
    # PyTorch wants the output padding below the stride or the dilation, and so do these settings.
    answer = transpose(inputs, weights, stride=strides, output_padding=extra, dilation=dilation)
    cotangent = rng.normal(size=np.moveaxis(answer.detach().numpy(), 1, -1).shape)
    answer.backward(torch.tensor(np.moveaxis(cotangent, -1, 1).copy()))
    with jax.enable_x64(True):

        @jax.jit
        def both(x, kernel, cotangent):
            output, pull_back = jax.vjp(
                lambda x, kernel: convolution_transpose(
                    x, kernel, rank=rank, strides=strides, dilation=dilation, output_padding=extra
                ),
                x,
                kernel,
            )
            return output, pull_back(cotangent)

        output, (x_gradient, kernel_gradient) = both(x, kernel, cotangent)
    close = {"rtol": 1e-11, "atol": 1e-11}
    np.testing.assert_allclose(output, np.moveaxis(answer.detach().numpy(), 1, -1), **close)
    np.testing.assert_allclose(x_gradient, np.moveaxis(inputs.grad.numpy(), 1, -1), **close)
    np.testing.assert_allclose(kernel_gradient, np.moveaxis(weights.grad.numpy(), (0, 1), (-1, -2)), **close)


def test_it_is_the_transpose_of_the_convolution(rng):
    kernel = jnp.asarray(rng.normal(size=(3, 2, 2, 3)), "float32")
    x = jnp.asarray(rng.normal(size=(1, 7, 6, 2)), "float32")

    def forward(x):
        return convolution(x, kernel, rank=2, strides=2)

    output, pull_back = jax.vjp(forward, x)
    cotangent = jnp.asarray(rng.normal(size=output.shape), "float32")
    spread = convolution_transpose(cotangent, kernel, rank=2, strides=2)
    np.testing.assert_allclose(spread, pull_back(cotangent)[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("window", [1, 2, 3, 4])
def test_lengths_are_those_stated(window, stride, padding):
    for n in (1, 4):
        stated = n * stride if padding == "same" else (n - 1) * stride + max(window, stride)
        assert transposed_length(n, window, stride, padding) == stated
        for extra in range(stride):
            first = window % 2 if padding == "same" else window
            stated = (n - 1) * stride + first + extra
            assert transposed_length(n, window, stride, padding, extra) == stated
            if stated == 0:
                continue
            output = jax.eval_shape(
                lambda x, k, extra=extra: convolution_transpose(
                    x, k, rank=1, strides=stride, padding=padding, output_padding=extra
                ),
                jax.ShapeDtypeStruct((2, n, 3), jnp.float32),
                jax.ShapeDtypeStruct((window, 5, 3), jnp.float32),
            )
            assert output.shape == (2, stated, 5)


def test_worked_example_of_overlapping_kernels():
    x = jnp.array([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)
    output = convolution_transpose(x, jnp.ones((3, 3, 1, 1)), rank=2, strides=2)[0, :, :, 0]
    assert output.tolist() == [
        [1, 1, 3, 2, 2],
        [1, 1, 3, 2, 2],
        [4, 4, 10, 6, 6],
        [3, 3, 7, 4, 4],
        [3, 3, 7, 4, 4],
    ]


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_short_float_types_are_kept(dtype):
    x, kernel = jnp.ones((1, 3, 3, 2), dtype), jnp.ones((3, 3, 2, 2), dtype)
    gradients = jax.eval_shape(
        jax.grad(lambda x, k: convolution_transpose(x, k, rank=2, strides=2).sum(), (0, 1)), x, kernel
    )
    assert all(gradient.dtype == dtype for gradient in gradients)


def test_second_derivatives_agree_with_finite_differences(rng):
    with jax.enable_x64(True):
        x, kernel = jnp.asarray(rng.normal(size=(1, 3, 2, 2))), jnp.asarray(rng.normal(size=(3, 2, 1, 2)))
        loss = jax.jit(
            lambda x, k: jnp.sum(jnp.sin(convolution_transpose(x, k, rank=2, strides=2, padding="same")))
        )
        check_grads(loss, (x, kernel), order=2, modes=["rev"], rtol=1e-6)


def test_batch_size_may_be_unknown():
    (batch,) = jax.export.symbolic_shape("b")
    output = jax.eval_shape(
        lambda x, k: convolution_transpose(x, k, rank=2, strides=2, padding="same"),
        jax.ShapeDtypeStruct((batch, 4, 5, 3), jnp.float32),
        jax.ShapeDtypeStruct((3, 3, 2, 3), jnp.float32),
    )
    assert output.shape == (batch, 8, 10, 2)


def test_training_programs_hold_no_reversed_convolution_on_cpu():
    # The engine's own gradients reverse the window or take the batch as channels, and crawl inside loops.
    if not windows.runs_on_cpu():
        pytest.skip("only the CPU's forms avoid it")

    def step(x, kernel):
        output = convolution_transpose(x, kernel, rank=2, strides=2, padding="same")
        return jnp.sum(output**2)

    x, kernel = jnp.ones((4, 6, 6, 3)), jnp.ones((4, 4, 5, 3))
    program = str(jax.make_jaxpr(jax.grad(step, (0, 1)))(x, kernel))
    convolutions = program.count("conv_general_dilated[")
    assert convolutions == program.count("lhs_dilation=(1, 1)")
    assert convolutions == program.count("lhs_spec=(0, 3, 1, 2)")
    assert convolutions == program.count("batch_group_count=1")


@pytest.mark.parametrize(
    ("x", "kernel", "settings", "message"),
    [
        (
            (2, 4, 3),
            (3, 5, 4),
            {},
            "convolution_transpose: expected inputs with 4 channels (as many as the kernel), but got 3 channels. "
            "Check the inputs, the kernel and data_format='channels_last'.",
        ),
        (
            (2, 4, 3),
            (3, 5, 3),
            {"strides": 2, "output_padding": 2},
            "convolution_transpose: expected output_padding to be at least 0 and less than the stride, which is "
            "(2,), but got 2. Leave output_padding out, or choose a smaller one.",
        ),
        ((2, 4, 3), (3, 5, 3), {"output_padding": (0, 0)}, "output_padding to be at least 0"),
        ((2, 4, 3), (3, 5, 3), {"strides": 2, "output_padding": -1}, "but got -1."),
        (
            (2, 1, 3),
            (2, 5, 3),
            {"strides": 2, "output_padding": 0, "padding": "same"},
            "convolution_transpose: expected an output of at least one element along each axis, but got length 0 "
            "for an input of length 1. Leave output_padding out, or give larger inputs.",
        ),
        ((2, 4, 3), (3, 5, 3), {"padding": "causal"}, "padding to be 'valid' or 'same', but got 'causal'"),
        ((4, 3), (3, 5, 3), {}, "expected inputs of shape [B, L, C], but got (4, 3)"),
    ],
)
def test_errors_say_what_to_do(x, kernel, settings, message):
    with pytest.raises(InputError) as raised:
        convolution_transpose(jnp.ones(x), jnp.ones(kernel), rank=1, **settings)
    assert message in str(raised.value)
