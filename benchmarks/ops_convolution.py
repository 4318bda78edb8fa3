"""Times one training step of the MNIST convnet: our ops in a compiled loop and step by step, and PyTorch.

28x28x1 -> 3x3x32 -> pool -> 3x3x64 -> pool -> 3x3x64 -> 64 -> 10, batch 64, float32, forward, backward and
plain gradient descent. The candidates take turns; the medians and the minima are printed, in milliseconds.

    python benchmarks/ops_convolution.py [--rounds 15] [--steps 10] [--threads 2]
"""

import argparse
import statistics
import time

import jax
import jax.numpy as jnp
import numpy as np

from gradwise.ops.convolution import conv2d
from gradwise.ops.pooling import max_pool2d

BATCH = 64
SHAPES = [(3, 3, 1, 32), (3, 3, 32, 64), (3, 3, 64, 64), (576, 64), (64, 10)]
RATE = 1e-3


def our_convolution(x, kernel):
    return conv2d(x, kernel)


def plain_convolution(x, kernel):
    return jax.lax.conv_general_dilated(
        x, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def plain_pool(x):
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def make_step(convolve, pool):
    def loss(weights, x, y):
        for number, (kernel, bias) in enumerate(weights[:3]):
            x = jax.nn.relu(convolve(x, kernel) + bias)
            x = pool(x) if number < 2 else x
        x = jax.nn.relu(x.reshape(BATCH, -1) @ weights[3][0] + weights[3][1])
        log_shares = jax.nn.log_softmax(x @ weights[4][0] + weights[4][1])
        return -jnp.mean(jnp.take_along_axis(log_shares, y[:, None], axis=1))

    def step(weights, x, y):
        gradients = jax.grad(loss)(weights, x, y)
        return jax.tree.map(lambda weight, gradient: weight - RATE * gradient, weights, gradients)

    return step


def our_data():
    draw = np.random.default_rng(0)
    weights = [(jnp.asarray(0.05 * draw.normal(size=s), "float32"), jnp.zeros(s[-1])) for s in SHAPES]
    x = jnp.asarray(draw.normal(size=(BATCH, 28, 28, 1)), "float32")
    return weights, x, jnp.asarray(draw.integers(0, 10, BATCH))


def in_a_loop(step, steps):
    weights, x, y = our_data()

    @jax.jit
    def run(weights, x, y):
        # Adding the step's number times zero keeps the compiler from moving work out of the loop.
        return jax.lax.fori_loop(0, steps, lambda i, w: step(w, x + 0.0 * i, y), weights)

    return lambda: jax.block_until_ready(run(weights, x, y))


def step_by_step(step, steps):
    weights, x, y = our_data()
    compiled = jax.jit(step)

    def run():
        current = weights
        for _ in range(steps):
            current = compiled(current, x, y)
        jax.block_until_ready(current)

    return run


def in_pytorch(steps, threads, channels_last):
    import torch

    torch.set_num_threads(threads)
    nn = torch.nn
    layers = [
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
    ]
    layers += [
        nn.Conv2d(64, 64, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(576, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    ]
    model, x = nn.Sequential(*layers), torch.randn(BATCH, 1, 28, 28)
    y = torch.randint(0, 10, (BATCH,))
    if channels_last:
        model, x = (
            model.to(memory_format=torch.channels_last),
            x.contiguous(memory_format=torch.channels_last),
        )
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)

    def run():
        for _ in range(steps):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()

    return run


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    settings = parser.parse_args()
    ours, plain = make_step(our_convolution, max_pool2d), make_step(plain_convolution, plain_pool)
    candidates = {
        "ours, in a loop": in_a_loop(ours, settings.steps),
        "ours, step by step": step_by_step(ours, settings.steps),
        "engine's gradients, step by step": step_by_step(plain, settings.steps),
        "PyTorch": in_pytorch(settings.steps, settings.threads, channels_last=False),
        "PyTorch, channels last": in_pytorch(settings.steps, settings.threads, channels_last=True),
    }
    times = {name: [] for name in candidates}
    for run in candidates.values():
        run()
    for _ in range(settings.rounds):
        for name, run in candidates.items():
            start = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - start) * 1000 / settings.steps)
    print(f"{'ms per step':36s} {'median':>8s} {'minimum':>8s}")
    for name, measured in times.items():
        print(f"{name:36s} {statistics.median(measured):8.2f} {min(measured):8.2f}")


if __name__ == "__main__":
    main()
