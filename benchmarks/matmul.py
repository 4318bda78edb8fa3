"""The machine's own speed at the matrix products of the dense networks, the best of three libraries each."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import jax
import numpy as np
import torch
from workloads import WORKLOADS, products

# Below this the time of a product is that of calling it, and says nothing about the machine.
_FEWEST_OPERATIONS = 1_000_000


def _seconds(call: Callable[[], object]) -> float:
    """The time of one call, the best of several short runs."""
    call()
    start = time.perf_counter()
    call()
    count = max(1, int(0.01 / (time.perf_counter() - start)))
    runs = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(count):
            call()
        runs.append((time.perf_counter() - start) / count)
    return min(runs)


def _best_seconds(m: int, k: int, n: int) -> float:
    left = np.random.RandomState(0).standard_normal((m, k)).astype(np.float32)
    right = np.random.RandomState(1).standard_normal((k, n)).astype(np.float32)
    out = np.empty((m, n), np.float32)
    torch_left, torch_right, torch_out = (torch.from_numpy(part) for part in (left, right, out))
    jax_left, jax_right = jax.device_put((left, right))
    product = jax.jit(lambda a, b: a @ b)
    return min(
        _seconds(lambda: np.matmul(left, right, out=out)),
        _seconds(lambda: torch.mm(torch_left, torch_right, out=torch_out)),
        _seconds(lambda: product(jax_left, jax_right).block_until_ready()),
    )


def main() -> None:
    """Prints, for each dense workload, the products of a step and their shortest possible time."""
    answer = {}
    for name, workload in WORKLOADS.items():
        if workload.network or any(layer[0] != "dense" for layer in workload.layers):
            continue
        forward, backward = products(workload)
        operations = sum(2 * m * k * n for m, k, n in forward + backward)
        if operations < _FEWEST_OPERATIONS:
            continue
        forward_seconds = sum(_best_seconds(*shape) for shape in forward)
        answer[name] = {
            "step_operations": operations,
            "step_seconds": forward_seconds + sum(_best_seconds(*shape) for shape in backward),
            "forward_seconds": forward_seconds,
        }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
