"""The cell of convolutional long short-term memory."""

from __future__ import annotations

from typing import Any, Unpack

import jax
import jax.numpy as jnp

from gradwise.core.layer import Layer, LayerOptions
from gradwise.errors import InputError
from gradwise.layers.activations import get_activation
from gradwise.layers.checks import check_choice, check_count, check_data_format, per_axis
from gradwise.layers.lstm import forget_bias
from gradwise.layers.recurrent_cells import check_rate
from gradwise.ops import activations
from gradwise.ops.convolution import convolution
from gradwise.ops.dropout import dropout
from gradwise.ops.recurrent import recur


class ConvLSTMCell(Layer):
    """Makes one step of an LSTM whose products are convolutions (Shi et al., 2015, arXiv:1506.04214).

    Args:
        rank: The number of spatial axes.
        settings: What `ConvLSTM2D` takes for its cell, by name.
        options: The settings every layer takes.
    """

    couples_rows = "never"

    def __init__(self, rank: int, settings: dict[str, Any], **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        where = f"ConvLSTM{rank}D"
        self.rank = rank
        self.filters = check_count(where, "filters", settings["filters"])
        self.kernel_size = per_axis(where, "kernel_size", settings["kernel_size"], rank)
        self.strides = per_axis(where, "strides", settings["strides"], rank)
        self.padding = check_choice(where, "padding", settings["padding"], ("valid", "same"))
        self.data_format = check_data_format(where, settings["data_format"])
        self.dilation_rate = per_axis(where, "dilation_rate", settings["dilation_rate"], rank)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise InputError(
                where,
                expected="strides or a dilation_rate above 1, not both",
                got=f"strides={self.strides} and dilation_rate={self.dilation_rate}",
                fix="Leave one of them out.",
            )
        self.activation = get_activation(settings["activation"], where) or activations.linear
        self.recurrent_activation = (
            get_activation(settings["recurrent_activation"], where) or activations.linear
        )
        self.dropout = check_rate(where, "dropout", settings["dropout"])
        self.recurrent_dropout = check_rate(where, "recurrent_dropout", settings["recurrent_dropout"])
        self.use_bias = bool(settings["use_bias"])
        self.settings = dict(settings)
        if self.use_bias and settings["unit_forget_bias"]:
            self.settings["bias_initializer"] = forget_bias(settings["bias_initializer"], self.filters)

    @property
    def state_size(self) -> list[int]:
        """The channels of h and c."""
        return [self.filters, self.filters]

    def build(self, input_shape: Any) -> None:
        """Declares kernel [..., C, 4 filters], recurrent_kernel [..., filters, 4 filters] and bias."""
        if any(size is None for size in input_shape[1:]):
            raise InputError(
                f"ConvLSTM{self.rank}D",
                expected="known sizes of the images and their channels",
                got=input_shape,
                fix="Give the model an input shape in which only the batch and the steps are None.",
            )
        self.step_shape = tuple(input_shape[1:])
        channels = input_shape[-1] if self.data_format == "channels_last" else input_shape[1]
        self.kernel = self._add("kernel", (*self.kernel_size, channels, 4 * self.filters))
        self.recurrent_kernel = self._add("recurrent", (*self.kernel_size, self.filters, 4 * self.filters))
        if self.use_bias:
            self.bias = self._add("bias", (4 * self.filters,))

    def _add(self, what: str, shape: tuple[int, ...]) -> Any:
        return self.add_weight(
            "recurrent_kernel" if what == "recurrent" else what,
            shape,
            initializer=self.settings[f"{what}_initializer"],
            regularizer=self.settings[f"{what}_regularizer"],
            constraint=self.settings[f"{what}_constraint"],
        )

    def get_initial_state(self, batch_size: int | None = None) -> list[Any]:
        """Returns h and c of zeros, of the size that the convolution of the inputs gives."""
        inputs = jax.ShapeDtypeStruct((batch_size or 1, *self.step_shape), self.dtype_policy.compute)
        parts = jax.eval_shape(lambda inputs: self._parts(self._project(inputs, None)), inputs)
        return [jnp.zeros(parts[0].shape, parts[0].dtype)] * 2

    def call(  # type: ignore[override]
        self, inputs: Any, states: Any, training: bool = False
    ) -> Any:
        """Makes one step: (inputs, [h, c]) -> (h, [h, c])."""
        projected = self._project(inputs, self._masks(inputs, self.dropout, training))
        return self._advance(projected, states, self._masks(states[0], self.recurrent_dropout, training))

    def unfold(
        self, sequences: Any, states: Any, mask: Any, *, training: bool, unroll: bool, every: bool
    ) -> tuple[Any, Any, Any]:
        """Makes a step for each of the sequences, whose convolution is made for all steps at once."""
        rows, length = sequences.shape[:2]
        masks = self._masks(sequences[:, 0], self.dropout, training)
        if masks is not None:
            masks = [jnp.repeat(mask, length, axis=0) for mask in masks]
        projected = self._project(sequences.reshape(rows * length, *sequences.shape[2:]), masks)
        projected = projected.reshape(rows, length, *projected.shape[1:])
        dropped = self._masks(states[0], self.recurrent_dropout, training)

        def step(states: Any, projected: Any) -> Any:
            return (*self._advance(projected, states, dropped), None)

        outputs, states, _ = recur(step, list(states), projected, mask, unroll=unroll)
        return outputs, outputs[:, -1], states

    def _project(self, inputs: Any, masks: list[Any] | None) -> Any:
        if not jnp.issubdtype(inputs.dtype, jnp.floating):
            inputs = inputs.astype(self.dtype_policy.compute)
        outputs = self._convolve(
            inputs,
            self.kernel,
            masks,
            strides=self.strides,
            padding=self.padding,
            dilation=self.dilation_rate,
        )
        if not self.use_bias:
            return outputs
        wide = [1] * outputs.ndim
        wide[self._channel_axis] = -1
        return outputs + self._value(self.bias).reshape(wide)

    def _advance(self, projected: Any, states: Any, masks: list[Any] | None) -> tuple[Any, list[Any]]:
        inner = projected + self._convolve(states[0], self.recurrent_kernel, masks, padding="same")
        from_i, from_f, from_c, from_o = self._parts(inner)
        i, f, o = (self.recurrent_activation(part) for part in (from_i, from_f, from_o))
        carry = f * states[1] + i * self.activation(from_c)
        state = o * self.activation(carry)
        return state, [state, carry]

    def _convolve(self, inputs: Any, variable: Any, masks: list[Any] | None, **settings: Any) -> Any:
        """Convolves with the kernels of the four gates, each through a mask of its own if there are masks."""
        kernel = self._value(variable)
        where = f"ConvLSTM{self.rank}D"
        settings.update(rank=self.rank, data_format=self.data_format, where=where)
        if masks is None:
            return convolution(inputs, kernel, **settings)
        kernels = jnp.split(kernel, 4, axis=-1)
        parts = [
            convolution(inputs * mask, part, **settings) for mask, part in zip(masks, kernels, strict=True)
        ]
        return jnp.concatenate(parts, axis=self._channel_axis)

    def _parts(self, inner: Any) -> list[Any]:
        return jnp.split(inner, 4, axis=self._channel_axis)

    @property
    def _channel_axis(self) -> int:
        return -1 if self.data_format == "channels_last" else 1

    def _value(self, variable: Any) -> Any:
        return self.dtype_policy.cast(jnp.asarray(variable.value))

    def _masks(self, like: Any, rate: float, training: bool) -> list[Any] | None:
        """Draws a mask for each gate, which holds at all steps."""
        if rate == 0 or not training:
            return None
        key = self.next_key()
        if self.settings["seed"] is not None:
            key = jax.random.fold_in(key, jnp.uint32(self.settings["seed"] % 2**32))
        ones = jnp.ones(like.shape, self.dtype_policy.compute)
        return [dropout(ones, jax.random.fold_in(key, jnp.uint32(gate)), rate) for gate in range(4)]
