"""Images shifted along the principal colours of a training set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Unpack

import jax
import jax.numpy as jnp
import numpy as np

from gradwise.errors import InputError
from gradwise.layers.adapting import parts_of
from gradwise.layers.image_base import ImageLayer, ImageOptions
from gradwise.layers.number_checks import is_number
from gradwise.ops.image_colors import principal_colors, shift_principal_colors
from gradwise.ops.image_warps import at_least_single
from gradwise.registry import register

# Of ImageNet, as fb.resnet.torch (2016) has them: columns are the directions, values from 0 to 1.
_VECTORS = np.array([[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]])
_VARIANCES = np.array([0.2175, 0.0188, 0.0045])
_PIXELS = 2**20  # worked on at once by `adapt`


@register("layers.PCAColorAugmentation")
class PCAColorAugmentation(ImageLayer):
    """Adds the principal colours of a training set to each image in training, and clips.

    Adds [p1, p2, p3] · [a1 l1, a2 l2, a3 l3], where p and l are the eigenvectors and eigenvalues of the
    covariance of red, green and blue over the training set, for values between 0 and 1, and the a are normal
    numbers drawn for each image: light changes in strength and colour as it does in the set (Krizhevsky,
    Sutskever and Hinton, 2012, section 4.1). They are those of ImageNet until `adapt` has seen other images,
    and are saved with the weights.

    Args:
        stddev: The standard deviation of the numbers a.
        value_range: The least and the greatest value, which stand for 0 and 1.
        seed: A number mixed into the random stream of this layer.
        data_format: 'channels_last' or 'channels_first'; None for the library's setting.
        options: The settings every layer takes.

    Raises:
        InputError: A setting cannot be used, or the inputs are no images in colour.

    Shapes: number[B, H, W, 3] to float[B, H, W, 3].

    Example:
        >>> layer = PCAColorAugmentation()
        >>> layer.adapt(np.array([[0, 0, 0], [255, 0, 0]], "uint8").reshape(2, 1, 1, 3))
        >>> layer.variances.numpy().tolist()
        [0.25, 0.0, 0.0]
    """

    vectors: Any
    variances: Any

    def __init__(
        self,
        stddev: float = 0.1,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **options: Unpack[ImageOptions],
    ) -> None:
        super().__init__(data_format=data_format, **options)
        if not is_number(stddev) or stddev < 0:
            raise InputError(
                self.where(),
                expected="stddev, a standard deviation of at least 0",
                got=repr(stddev),
                fix="Set stddev=0.1, as in the paper.",
            )
        self.stddev = self.strength = float(stddev)
        self.value_range = self.checked_value_range(value_range)
        self.seed = self.checked_seed(seed)

    def build(self, input_shape: Any) -> None:
        """Declares the directions and their variances."""
        shape = input_shape["images"] if isinstance(input_shape, dict) else input_shape
        self.check_three_channels(shape)
        for name, start in (("vectors", _VECTORS), ("variances", _VARIANCES)):
            variable = self.add_weight(name, start.shape, trainable=False, initializer=_constant(start))
            setattr(self, name, variable)

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learns the principal colours of training images.

        Args:
            data: number[B, H, W, 3], in the layer's data format and range; or an iterable of such batches, of
                which (images, targets) give the images.
            steps: How many batches of an iterable to take; by default all.

        Raises:
            InputError: These are no images in colour, or none at all.
        """
        batches = iter(data) if isinstance(data, (list, tuple)) else data
        vectors, variances = principal_colors(self._pixels(parts_of(batches, steps)), self.value_range)
        self.vectors.assign(vectors.astype(self.vectors.dtype))
        self.variances.assign(variances.astype(self.variances.dtype))

    def draw(self, key: Any, images: Any) -> Any:
        """Draws the factors, float[B, 3]."""
        kind = at_least_single(images.dtype)
        return self.stddev * jax.random.normal(key, (images.shape[0], 3), kind)

    def change(self, images: Any, how: Any) -> Any:
        """Adds and clips."""
        vectors, variances = (
            jnp.asarray(variable.value).astype(how.dtype) for variable in (self.vectors, self.variances)
        )
        return shift_principal_colors(images, how, vectors, variances, self.value_range)

    def _pixels(self, batches: Iterable[Any]) -> Iterator[np.ndarray]:
        count = 0
        for batch in batches:
            parts = self.checked_parts(batch)
            images = np.asarray(parts["images"])
            self.check_three_channels(images.shape)
            if not self.built:
                self.run_build((None, *images.shape[1:]))
            images = images if self.data_format == "channels_last" else np.moveaxis(images, 1, -1)
            count += images.size
            step = max(1, _PIXELS // max(1, images.shape[1] * images.shape[2]))
            yield from (images[start : start + step] for start in range(0, len(images), step))
        if count == 0:
            raise InputError(
                f"{self.where()}, adapt", expected="at least one image", got="none", fix="Check the data."
            )


def _constant(values: np.ndarray) -> Any:
    return lambda shape, dtype: np.asarray(values, dtype)
