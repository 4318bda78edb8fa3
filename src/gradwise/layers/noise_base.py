"""What dropout and noise share: checks of settings, and a layer's own random stream."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gradwise.core.layer import Layer
from gradwise.core.variable import current_frame
from gradwise.errors import InputError


class Noise(Layer):
    """Base of the layers that draw random numbers in training and do nothing at prediction.

    A subclass computes in `disturb(inputs, key)`.

    Args:
        options: The settings every layer takes.

    Example:
        >>> class Flip(Noise):
        ...     def disturb(self, inputs, key):
        ...         return inputs * jax.random.rademacher(key, inputs.shape, inputs.dtype)
        >>> Flip()(jnp.ones((1, 2))).tolist()
        [[1.0, 1.0]]
    """

    couples_rows = "never"
    supports_masking = True
    seed: int | None = None
    strength: float = 1.0  # nothing is drawn where it is 0
    drawn = 0

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Disturbs the inputs in training."""
        inputs = self.floats(inputs)
        if self.strength == 0:
            return inputs
        return self.disturb(inputs, self.draw_key()) if training else self.calm(inputs)

    def disturb(self, inputs: Any, key: Any) -> Any:
        """Computes the outputs in training; subclasses say how."""
        raise NotImplementedError

    def calm(self, inputs: Any) -> Any:
        """Computes the outputs at prediction: the inputs themselves."""
        return inputs

    def draw_key(self) -> Any:
        """Returns a key of the model's stream with the seed mixed in, or outside of models of the seed's."""
        if self.seed is None:
            return self.next_key()
        seed = jnp.uint32(self.seed % 2**32)
        if current_frame() is not None:
            return jax.random.fold_in(self.next_key(), seed)
        self.drawn += 1
        return jax.random.fold_in(jax.random.key(seed), self.drawn)

    def where(self) -> str:
        """Says which layer an error is about."""
        return f"{type(self).__name__} '{self.name}'"

    def checked_rate(self, rate: Any) -> float:
        """Refuses a rate that is not at least 0 and below 1."""
        if isinstance(rate, bool) or not isinstance(rate, (int, float, np.floating)) or not 0 <= rate < 1:
            raise InputError(
                self.where(),
                expected="a rate of at least 0 and below 1, the fraction dropped",
                got=repr(rate),
                fix=f"Write {type(self).__name__}(0.5) to drop half.",
            )
        return float(rate)

    def checked_seed(self, seed: Any) -> int | None:
        """Refuses a seed that is neither an integer nor None."""
        if seed is None:
            return None
        if isinstance(seed, bool) or not hasattr(seed, "__index__"):
            raise InputError(
                self.where(), expected="seed to be an integer or None", got=repr(seed), fix="Set seed=1, say."
            )
        return int(seed)

    def floats(self, inputs: Any) -> Any:
        """Turns integers into the layer's type."""
        inputs = jnp.asarray(inputs)
        known = jnp.issubdtype(inputs.dtype, jnp.floating)
        return inputs if known else inputs.astype(self.dtype_policy.compute)


class SharedNoise(Noise):
    """Base of the dropouts whose mask may be shared along axes, by `noise_shape`.

    Args:
        options: The settings every layer takes.

    Example:
        >>> layer = SharedNoise()
        >>> layer.noise_shape = layer.checked_noise_shape((None, 1))
        >>> layer.mask_shape((3, 4))
        (3, 1)
    """

    noise_shape: tuple[int | None, ...] | None = None

    def checked_noise_shape(self, noise_shape: Any) -> tuple[int | None, ...] | None:
        """Refuses what is not None or a tuple of positive integers and None."""
        if noise_shape is None:
            return None
        listed = isinstance(noise_shape, (tuple, list))
        sizes = tuple(noise_shape) if listed else ()
        if not listed or not all(size is None or _is_positive(size) for size in sizes):
            raise InputError(
                self.where(),
                expected="noise_shape to be a tuple of positive integers and None",
                got=repr(noise_shape),
                fix="Write noise_shape=(None, 1, None) to share the mask along the steps of sequences.",
            )
        return sizes

    def mask_shape(self, shape: Any) -> tuple[int, ...]:
        """Fills the sizes of the inputs into `noise_shape`, and refuses one that does not fit them."""
        wanted = self.noise_shape
        if wanted is None:
            return tuple(shape)
        if len(wanted) != len(shape) or any(
            size not in (None, 1, have) for size, have in zip(wanted, shape, strict=False)
        ):
            raise InputError(
                self.where(),
                expected="noise_shape with an entry for each axis of the inputs: None, 1 or its size",
                got=f"noise_shape={wanted} for inputs of shape {tuple(shape)}",
                fix=f"Write for example noise_shape={(None, *(1 for _ in shape[2:]), None)}.",
            )
        return tuple(have if size is None else size for size, have in zip(wanted, shape, strict=True))


def _is_positive(size: Any) -> bool:
    return isinstance(size, int) and not isinstance(size, bool) and size > 0
