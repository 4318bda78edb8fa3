"""Features with mean 0 and variance 1, by what was learned from the training data."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Unpack

import jax.numpy as jnp
import numpy as np

from gradwise import config
from gradwise.core.layer import Layer, LayerOptions
from gradwise.errors import InputError, StateError
from gradwise.layers.adapting import parts_of
from gradwise.registry import register


@register("layers.Normalization")
class Normalization(Layer):
    """Subtracts the mean of the training data and divides by their standard deviation.

    y = (x - mean) / max(sqrt(variance), 1e-7), or back again with `invert`. Mean and variance are given, or
    learned by `adapt` as weights that no gradient changes; before that they are 0 and 1.

    Args:
        axis: The axis or axes along which each place has a mean of its own: the features, the last axis by
            default. None takes one mean for all values.
        mean: The mean to use instead of learning it, one number or an array along `axis`.
        variance: The variance to use; given together with `mean`.
        invert: Whether to turn normalised values back into those they came from.
        options: The settings every layer takes.

    Raises:
        InputError: Only one of `mean` and `variance` is given, their shapes do not fit, or an axis is not
            there or of unknown size.

    Shapes: float[B, ...] to float[B, ...].

    Example:
        >>> layer = Normalization()
        >>> layer.adapt(np.array([[0.0, 10.0], [2.0, 30.0]]))
        >>> layer(np.array([[2.0, 20.0]], "float32")).tolist()
        [[1.0, 0.0]]
    """

    couples_rows = "never"
    supports_masking = True
    mean: Any = None
    variance: Any = None

    def __init__(
        self,
        axis: int | Iterable[int] | None = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        if axis is None:
            self.axis: tuple[int, ...] = ()
        else:
            self.axis = (axis,) if isinstance(axis, int) else tuple(axis)
        self.invert = invert
        self.given: tuple[np.ndarray, np.ndarray] | None = None
        if mean is not None or variance is not None:
            self.given = self._checked(mean, variance)

    def _checked(self, mean: Any, variance: Any) -> tuple[np.ndarray, np.ndarray]:
        shapes = [None if each is None else np.shape(each) for each in (mean, variance)]
        if shapes[0] is None or shapes[0] != shapes[1] or len(shapes[0]) > len(self.axis):
            raise InputError(
                self._where(),
                expected=f"mean and variance of one shape, of at most {len(self.axis)} axes as axis says",
                got=" and ".join("none" if shape is None else f"shape {shape}" for shape in shapes),
                fix="Give both, or neither and call adapt(training data).",
            )
        pair = np.asarray(mean, float), np.asarray(variance, float)
        if not (np.isfinite(pair[0]).all() and (pair[1] >= 0).all()):
            raise InputError(
                self._where(),
                expected="finite means and variances of at least 0",
                got="others",
                fix="Learn them with adapt(training data).",
            )
        return pair

    def _where(self) -> str:
        return f"Normalization '{self.name}'"

    def build(self, input_shape: Any) -> None:
        """Finds the axes, and declares mean and variance along them if they are to be learned."""
        rank = len(input_shape)
        wrong = [axis for axis in self.axis if not -rank <= axis < rank]
        self.places = tuple(sorted({axis % rank for axis in self.axis if axis not in wrong}))
        sizes = tuple(input_shape[place] for place in self.places)
        if wrong or None in sizes or len(sizes) != len(self.axis):
            raise InputError(
                self._where(),
                expected=f"axes of known size among the {rank} of the inputs, each once, as axis={self.axis}",
                got=f"inputs of shape {tuple(input_shape)}",
                fix="Set axis=-1 for features along the last axis, or axis=None for one mean of all values.",
            )
        self.shape = tuple(input_shape[axis] if axis in self.places else 1 for axis in range(rank))
        if self.given is not None:
            self.constants = tuple(self._spread(each, sizes).reshape(self.shape) for each in self.given)
            return
        for name, initializer in (("mean", "zeros"), ("variance", "ones")):
            variable = self.add_weight(name, sizes, initializer=initializer, trainable=False)
            setattr(self, name, variable)

    def _spread(self, values: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
        try:
            return np.broadcast_to(values, sizes)
        except ValueError:
            raise InputError(
                self._where(),
                expected=f"mean and variance of shape {sizes}, as the inputs have along axis={self.axis}",
                got=values.shape,
                fix="Give one number for each feature.",
            ) from None

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learns mean and variance from training data, in place of those learned before.

        Args:
            data: An array, or an iterable or list of arrays, each a batch.
            steps: How many batches of an iterable to take; by default all.

        Raises:
            StateError: Mean and variance were given.
            InputError: There are no values, some are not finite, or there are other features than before.
        """
        where = f"{self._where()}, adapt"
        if self.given is not None:
            raise StateError(
                where,
                expected="a mean and a variance to learn",
                got="mean=... and variance=...",
                fix="Make the layer without them.",
            )
        batches = isinstance(data, (list, tuple)) and any(hasattr(item, "ndim") for item in data)
        total, mean, spread = 0, np.zeros(()), np.zeros(())
        for part in parts_of(iter(data) if batches else data, steps):
            values = np.asarray(part, np.float64)
            count, own_mean, own_spread = self._moments(values, where)
            # Chan, Golub and LeVeque 1983: the moments of a whole from those of its parts.
            joined = total + count
            shift = own_mean - mean
            mean = mean + shift * (count / joined)
            spread = spread + own_spread + shift**2 * (total * count / joined)
            total = joined
        if not total:
            raise InputError(where, expected="at least one sample", got="none", fix="Check the data.")
        self.mean.assign(mean.astype(self.mean.dtype))
        self.variance.assign((spread / total).astype(self.variance.dtype))

    def _moments(self, values: np.ndarray, where: str) -> tuple[int, np.ndarray, np.ndarray]:
        if not values.size or not np.isfinite(values).all():
            raise InputError(
                where,
                expected="finite numbers",
                got="NaN or infinity" if values.size else "an empty array",
                fix="Fill missing values first.",
            )
        if not self.built:
            self.run_build(tuple(values.shape))
        sizes = tuple(values.shape[place] for place in self.places if place < values.ndim)
        if values.ndim != len(self.shape) or sizes != self.mean.shape:
            raise InputError(
                where,
                expected=f"data of {len(self.shape)} axes, of size {self.mean.shape} along axis={self.axis}",
                got=values.shape,
                fix="Give data like the inputs of the layer, with the batch axis.",
            )
        others = tuple(axis for axis in range(values.ndim) if axis not in self.places)
        mean = values.mean(axis=others, keepdims=True)
        spread = ((values - mean) ** 2).sum(axis=others)
        return math.prod(values.shape[axis] for axis in others), mean.reshape(sizes), spread

    def call(self, inputs: Any) -> Any:
        """Normalises, or turns back."""
        inputs = jnp.asarray(inputs)
        dtype = inputs.dtype if jnp.issubdtype(inputs.dtype, jnp.floating) else self.dtype_policy.compute
        pair = self.constants if self.given is not None else (self.mean.value, self.variance.value)
        kind = self.dtype_policy.variable
        mean, variance = (jnp.asarray(each, kind).reshape(self.shape) for each in pair)
        deviation = jnp.maximum(jnp.sqrt(variance), jnp.asarray(config.epsilon(), variance.dtype))
        # In the variables' type: a large mean has few digits left in half precision.
        values = inputs.astype(variance.dtype)
        outputs = values * deviation + mean if self.invert else (values - mean) / deviation
        return outputs.astype(dtype)
