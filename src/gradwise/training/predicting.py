"""Prediction: one compiled forward pass on batches of few sizes, so that nothing compiles twice."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from gradwise.core.layer import Layer
from gradwise.training.engine import memory_kept, program
from gradwise.training.gathering import as_batch, has_sparse
from gradwise.training.step import Forward

_FEW = 256  # up to so many rows, padding costs less than a compilation for each size


class Predictor:
    """The compiled forward pass of a built model.

    Args:
        layer: The model.
    """

    def __init__(self, layer: Layer) -> None:
        self._forward = Forward(layer, None)
        self._variables = list(self._forward.variables.items())
        # Where rows may depend on each other, a padded row would change the others.
        self._pads = all(below.couples_rows != "always" for _, below in layer.walk())
        self.keeps_state = any(getattr(below, "stateful", False) for _, below in layer.walk())
        self._run = program(self._forward.outputs)
        self.computes_indices = False  # whether a layer looks up what nobody has checked

    def __call__(self, inputs: Any) -> Any:
        """Computes the outputs of one batch of exactly this size, on the device."""
        values = {}
        for path, variable in self._variables:
            array = variable.array
            if isinstance(array, np.ndarray):
                array = variable.array = jax.device_put(array, may_alias=False)
            values[path] = array
        outputs, remembered = self._run(values, as_batch(inputs))
        for path, array in remembered.items():
            self._forward.variables[path].array = array
        return outputs

    def predict(self, inputs: Any, count: int, size: int) -> Any:
        """Computes the outputs of a data set.

        Args:
            inputs: Arrays [N, ...], in the structure the model takes.
            count: N.
            size: The largest batch.

        Returns:
            Arrays [N, ...] on the host, in the structure of the model's outputs.
        """
        if count <= min(size, _FEW):
            return self._padded(inputs, count, bucket(count) if self._pads else count)
        if self._pads:
            size = min(size, 1 << (count.bit_length() - 1))
        parts = []
        with memory_kept():
            for start in range(0, count, size):
                # The last batch reaches back over rows already done, so that it has the size of the others.
                first = max(0, min(start, count - size)) if self._pads else start
                part = self(jax.tree.map(lambda array, first=first: array[first : first + size], inputs))
                parts.append(jax.tree.map(lambda array, skip=start - first: np.asarray(array)[skip:], part))
        return jax.tree.map(lambda *arrays: np.concatenate(arrays), *parts)

    def _padded(self, inputs: Any, count: int, size: int) -> Any:
        if count < size and not has_sparse(inputs):
            inputs = jax.tree.map(
                lambda array: np.concatenate([array, np.repeat(array[:1], size - count, 0)]), inputs
            )
            return jax.tree.map(lambda array: np.asarray(array)[:count], self(inputs))
        return jax.tree.map(np.asarray, self(inputs))


def bucket(count: int) -> int:
    """Rounds a batch up to a power of two.

    Example:
        >>> bucket(5), bucket(1)
        (8, 1)
    """
    return 1 << max(0, count - 1).bit_length()
