import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from gradwise.errors import InputError
from gradwise.ops import windows
from gradwise.ops.convolution import convolution
from gradwise.ops.convolution_depthwise import sum_over_places
from gradwise.ops.convolution_separable import depthwise_convolution, separable_convolution

pytestmark = pytest.mark.feature("C4")


@pytest.mark.parametrize(("strides", "dilation", "depth"), [((1, 1), (1, 1), 1), ((2, 1), (1, 2), 3)])
@pytest.mark.parametrize("channels", [1, 3])
def test_depthwise_agrees_with_pytorch(channels, strides, dilation, depth, rng):
    torch = pytest.importorskip("torch")
    x, kernel = rng.normal(size=(2, 7, 8, channels)), rng.normal(size=(3, 2, channels, depth))
    inputs = torch.tensor(np.moveaxis(x, -1, 1).copy(), requires_grad=True)
    weights = torch.tensor(
        kernel.reshape(3, 2, 1, -1).transpose(3, 2, 0, 1).copy(), requires_grad=True
    )  # [C M, 1, KH, KW]
    answer = torch.nn.functional.conv2d(inputs, weights, stride=strides, dilation=dilation, groups=channels)
    expected = np.moveaxis(answer.detach().numpy(), 1, -1)
    cotangent = rng.normal(size=expected.shape)
    answer.backward(torch.tensor(np.moveaxis(cotangent, -1, 1).copy()))
    with jax.enable_x64(True):

        @jax.jit
        def both(x, kernel, cotangent):
            output, pull_back = jax.vjp(
                lambda x, k: depthwise_convolution(x, k, rank=2, strides=strides, dilation=dilation),
                x,
                kernel,
            )
            return output, pull_back(cotangent)

        output, (x_gradient, kernel_gradient) = both(x, kernel, cotangent)
    close = {"rtol": 1e-11, "atol": 1e-11}
    np.testing.assert_allclose(output, expected, **close)
    np.testing.assert_allclose(x_gradient, np.moveaxis(inputs.grad.numpy(), 1, -1), **close)
    weights_gradient = weights.grad.numpy().transpose(2, 3, 1, 0).reshape(kernel.shape)
    np.testing.assert_allclose(kernel_gradient, weights_gradient, **close)


def test_second_derivatives_agree_with_finite_differences(rng):
    with jax.enable_x64(True):
        x, taps = jnp.asarray(rng.normal(size=(2, 5, 2))), jnp.asarray(rng.normal(size=(2, 2)))
        loss = jax.jit(lambda x, taps: jnp.sum(jnp.sin(sum_over_places(x, taps, (2,), (2,), (2,)))))
        check_grads(loss, (x, taps), order=2, modes=["rev"], rtol=1e-6)


def test_separable_is_one_convolution_with_the_product_of_the_kernels(rng):
    x = jnp.asarray(rng.normal(size=(2, 7, 6, 3)), "float32")
    alone = jnp.asarray(rng.normal(size=(3, 2, 3, 2)), "float32")
    mix = jnp.asarray(rng.normal(size=(1, 1, 6, 4)), "float32")
    kernel = jnp.einsum("hwcm,cmf->hwcf", alone, mix.reshape(3, 2, 4))
    output = separable_convolution(x, alone, mix, rank=2, strides=2, padding="same")
    np.testing.assert_allclose(
        output, convolution(x, kernel, rank=2, strides=2, padding="same"), rtol=1e-4, atol=1e-4
    )


def test_causal_outputs_see_no_later_step(rng):
    x = jnp.asarray(rng.normal(size=(1, 8, 2)), "float32")
    kernel = jnp.asarray(rng.normal(size=(3, 2, 1)), "float32")
    slope = jax.jacobian(lambda x: depthwise_convolution(x, kernel, rank=1, padding="causal", dilation=2)[0])(
        x
    )
    seen = np.abs(np.asarray(slope)[:, :, 0]).sum((1, 3)) > 0  # [T, T']
    expected = [[later in (step, step - 2, step - 4) for later in range(8)] for step in range(8)]
    np.testing.assert_array_equal(seen, expected)


def test_vmap_over_members_agrees_with_a_loop(rng):
    x = jnp.asarray(rng.normal(size=(3, 2, 5, 5, 2)), "float32")
    kernel = jnp.asarray(rng.normal(size=(3, 2, 2, 2, 2)), "float32")
    gradients = jax.jit(jax.grad(lambda x, k: jnp.sum(jnp.cos(depthwise_convolution(x, k, rank=2))), (0, 1)))
    together = jax.vmap(gradients)(x, kernel)
    for member in range(3):
        for mine, other in zip(together, gradients(x[member], kernel[member]), strict=True):
            np.testing.assert_allclose(mine[member], other, rtol=1e-4, atol=1e-5)


def test_kernel_gradients_of_short_types_are_summed_in_32_bits():
    x = jnp.ones((600, 3, 2), jnp.bfloat16)
    taps = jnp.ones((1, 2), jnp.bfloat16)
    gradient = jax.grad(lambda taps: sum_over_places(x, taps, (1,), (1,), (1,)).astype("float32").sum())(taps)
    assert gradient.dtype == jnp.bfloat16
    assert gradient.astype("float32").tolist() == [[1800, 1800]]  # in 16 bits the sum stops at 256


def test_training_programs_hold_no_engine_convolution_on_cpu():
    if not windows.runs_on_cpu():
        pytest.skip("only the CPU's forms avoid it")

    def step(x, alone, mix):
        return separable_convolution(x, alone, mix, rank=2, strides=2).sum()

    arrays = jnp.ones((4, 8, 8, 3)), jnp.ones((3, 3, 3, 2)), jnp.ones((1, 1, 6, 4))
    assert "conv_general_dilated" not in str(jax.make_jaxpr(jax.grad(step, (0, 1, 2)))(*arrays))


def test_errors_say_what_to_do():
    with pytest.raises(InputError) as raised:
        depthwise_convolution(jnp.ones((2, 5, 3)), jnp.ones((2, 4, 1)), rank=1)
    assert str(raised.value) == (
        "depthwise_convolution: expected inputs with 4 channels (as many as the kernel), but got 3 channels. "
        "Check the inputs, the kernel and data_format='channels_last'."
    )
