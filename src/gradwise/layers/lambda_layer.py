"""A function as a layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Unpack

import jax
import jax.numpy as jnp

from gradwise.core.layer import Layer, LayerOptions
from gradwise.core.shapes import shapes_of
from gradwise.errors import InputError
from gradwise.registry import register


@register("layers.Lambda")
class Lambda(Layer):
    """Applies a function of arrays, written with `jax.numpy`.

    A model with a lambda or another unregistered function trains and predicts but refuses to be saved: a
    file holds names, never code. Put `@gradwise.register("mine.name")` above a named function to save it.

    Args:
        function: Called with the inputs, and with `mask` and `training` if it has parameters of these names.
        output_shape: The shape of one output sample, with None for sizes that do not matter, or a function
            from the input shape to the whole output shape. The shape is found by tracing in any case; this
            one is checked against it.
        mask: The mask of the outputs: an array, or a function of (inputs, mask). By default a mask on the
            inputs is kept if the outputs have the same batch and time axes; give a function here if
            `function` reorders steps. Keras drops the mask.
        arguments: Further named arguments of the function.
        options: The settings every layer takes.

    Raises:
        InputError: `function` cannot be called, or its outputs have another shape than `output_shape` says.

    Example:
        >>> Lambda(lambda x: x**2)(jnp.array([[3.0]])).tolist()
        [[9.0]]
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        if not callable(function):
            raise InputError(
                f"Lambda '{self.name}'",
                expected="a function of arrays",
                got=f"an object of class {type(function).__name__}",
                fix="Write Lambda(lambda x: x ** 2), say.",
            )
        self.function = function
        self.output_shape = (
            output_shape if callable(output_shape) or output_shape is None else _sizes(output_shape)
        )
        self.mask = mask
        self.arguments = dict(arguments or {})
        self.extra = _parameters(function) & {"mask", "training"}

    def call(self, inputs: Any, mask: Any = None, training: bool = False) -> Any:
        """Applies the function."""
        # JAX arrays always: those of NumPy know neither `x.at[...]` nor how bfloat16 meets a number.
        inputs = jax.tree.map(jnp.asarray, inputs)
        known = {"mask": mask, "training": training}
        outputs = self.function(inputs, **self.arguments, **{name: known[name] for name in self.extra})
        if self.output_shape is not None:
            self._check(inputs, outputs)
        return outputs

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Returns what the setting `mask` says, or the inputs' mask where it fits the outputs."""
        if callable(self.mask):
            return self.mask(inputs, mask)
        if self.mask is not None:
            return jnp.asarray(self.mask)
        if mask is None or isinstance(mask, (list, tuple)):
            return None
        outputs = jax.eval_shape(lambda values: self.call(values, mask), inputs)
        shape = getattr(outputs, "shape", ())
        return mask if tuple(shape[: mask.ndim]) == tuple(mask.shape) else None

    def _check(self, inputs: Any, outputs: Any) -> None:
        have = tuple(outputs.shape)
        if callable(self.output_shape):
            want = tuple(self.output_shape(shapes_of(inputs)))
        else:
            want = (None, *self.output_shape)
        fits = len(have) == len(want) and all(
            size in (None, known) for size, known in zip(want, have, strict=True)
        )
        if not fits:
            raise InputError(
                f"Lambda '{self.name}'",
                expected=f"outputs of shape {want}, as `output_shape` says",
                got=have,
                fix="Leave `output_shape` out: the shape is found by tracing the function.",
            )


def _parameters(function: Callable[..., Any]) -> set[str]:
    try:
        return set(inspect.signature(function).parameters)
    except ValueError:  # a function written in C tells nothing
        return set()


def _sizes(shape: Any) -> tuple[int | None, ...]:
    return tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
