"""The interface of all optimizers, with what they share: rates, clipping, weight decay."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gradwise.errors import InputError, unknown_name
from gradwise.optimizers.checks import multipliers, number, optional_count, optional_number
from gradwise.optimizers.clipping import clip_by_global_norm, clip_by_norm, clip_by_value
from gradwise.optimizers.options import OptimizerOptions
from gradwise.optimizers.schedules import LearningRateSchedule
from gradwise.registry import Configurable

Arrays = dict[str, jax.Array]  # path of a weight -> its values, gradient or slot
Slots = dict[str, Arrays]  # name of a slot -> one array for each weight


class Optimizer(Configurable, ABC):
    """Changes weights after their gradients, by pure functions that can be compiled, scanned and mapped.

    A training step calls `look_around`, `prepare`, then `update`. A new optimizer defines `slot_values` (or
    `init_one`), `shared` and `update_one`; each setting is kept as an attribute under its own name.
    Accumulation and averaging of weights are settings here that the training step carries out.

    Args:
        learning_rate: A number of at least 0, or a schedule.
        weight_decay: λ, if set: before each update a weight w becomes w - learning_rate · λ · w (decoupled
            from the gradients: Loshchilov and Hutter, 2017, arXiv 1711.05101). Vectors and whatever is called
            bias, gamma or beta are left out; `exclude_from_weight_decay` changes that. Keras decays all.
        clipnorm: If set, the greatest norm of the gradient of one weight array; longer ones are scaled down.
        clipvalue: If set, the greatest absolute value of each number in a gradient.
        global_clipnorm: If set, the greatest norm of all gradients taken together.
        use_ema: Whether `fit` keeps a moving average of the weights, a ← m a + (1 - m) w after each update
            (the first one starts it), and puts it into the model at its end: Polyak and Juditsky, 1992, in
            the form of Keras. A constraint comes before the average here, in Keras after it.
        ema_momentum: m, from 0 to 1.
        ema_overwrite_frequency: If set, after every so many updates the weights become the average.
        gradient_accumulation_steps: If set, k: weights change after every k batches, as if these had been one
            batch, exactly: sums of losses and of weights add up, not means. Keras takes the mean of the k
            gradients, which differs for unequal batches. What an epoch leaves over goes on in the next. A
            schedule counts batches, everything else counts updates, both as in Keras.
        learning_rate_multipliers: Factors of the learning rate by layer: a dict from a layer's name, a
            variable such as "head/bias", or a pattern of these with * and ?, to a number. The last match
            counts; 0 leaves the weights as they are. Without a layer of that name, places in the model count
            as well, such as "dense_1/kernel".
        name: How the optimizer is called in reports; the class's name by default.

    Raises:
        InputError: A setting is unknown or out of range, or there is more than one clip setting.

    Example:
        >>> class SignDescent(Optimizer):
        ...     def update_one(self, gradient, slots, value, shared):
        ...         return value - shared["rate"] * jnp.sign(gradient), slots
        >>> weights, slots = SignDescent(0.5).update(
        ...     {"w": jnp.array([2.0])}, {}, {"w": jnp.array([1.0])}, {"learning_rate": 0.5, "step": 0})
        >>> weights["w"].tolist()
        [0.5]
    """

    # Whether a number's update depends on nothing but its own gradient and slots.
    _separable: bool = True

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule,
        *,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        gradient_accumulation_steps: int | None = None,
        learning_rate_multipliers: Mapping[str, float] | None = None,
        name: str | None = None,
        **unknown: Any,
    ) -> None:
        where = type(self).__name__
        if unknown:
            known = [*inspect.signature(type(self).__init__).parameters, *OptimizerOptions.__annotations__]
            choices = [item for item in known if item not in ("self", "options", "unknown")]
            raise unknown_name(where, "a setting", next(iter(unknown)), choices)
        self.learning_rate = learning_rate
        self.weight_decay = optional_number(where, "weight_decay", weight_decay)
        self.clipnorm = optional_number(where, "clipnorm", clipnorm, above=0)
        self.clipvalue = optional_number(where, "clipvalue", clipvalue, above=0)
        self.global_clipnorm = optional_number(where, "global_clipnorm", global_clipnorm, above=0)
        self.use_ema = bool(use_ema)
        self.ema_momentum = number(where, "ema_momentum", ema_momentum, high=1.0)
        self.ema_overwrite_frequency = optional_count(
            where, "ema_overwrite_frequency", ema_overwrite_frequency
        )
        self.gradient_accumulation_steps = optional_count(
            where, "gradient_accumulation_steps", gradient_accumulation_steps
        )
        self.learning_rate_multipliers = learning_rate_multipliers  # type: ignore[assignment]
        self.name = where if name is None else name
        self._undecayed: tuple[str, ...] | None = None
        clips = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        given = [setting for setting, value in clips.items() if value is not None]
        if len(given) > 1:
            raise InputError(
                where, expected="at most one clip setting", got=" and ".join(given), fix="Keep one of them."
            )

    @property
    def elementwise(self) -> bool:
        """Whether arrays may be joined and updated as one: no number's update asks where it belongs."""
        decays_by_path = self.weight_decay is not None and self._undecayed != ()
        return self._separable and not decays_by_path and not self.learning_rate_multipliers

    @property
    def learning_rate(self) -> float | LearningRateSchedule:
        """The learning rate, or the schedule it follows; can be set."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float | LearningRateSchedule) -> None:
        if isinstance(value, LearningRateSchedule):
            self._learning_rate: float | LearningRateSchedule = value
        elif callable(value):
            raise InputError(
                type(self).__name__,
                expected="learning_rate as a number or a schedule",
                got=f"{value!r}",
                fix="Subclass gradwise.optimizers.schedules.LearningRateSchedule and pass an instance.",
            )
        else:
            self._learning_rate = number(type(self).__name__, "learning_rate", value)

    @property
    def learning_rate_multipliers(self) -> dict[str, float] | None:
        """What the learning rate is multiplied by, by layer; can be set."""
        return self._learning_rate_multipliers

    @learning_rate_multipliers.setter
    def learning_rate_multipliers(self, value: Mapping[str, float] | None) -> None:
        self._learning_rate_multipliers = multipliers(type(self).__name__, value)

    def rate(self, step: jax.Array | int, base: jax.Array | float) -> jax.Array:
        """Returns the learning rate of one update.

        Args:
            step: int32[]. How many updates there were before this one.
            base: float[]. The number in the optimizer's place for it; ignored if there is a schedule.

        Returns:
            float[] of the type of `base` (float32 if that is a Python number).

        Example:
            >>> from gradwise.optimizers.sgd import SGD
            >>> float(SGD().rate(3, 0.5))
            0.5
        """
        dtype = base.dtype if isinstance(base, (jax.Array, np.ndarray, np.generic)) else jnp.float32
        if isinstance(self.learning_rate, LearningRateSchedule):
            return jnp.asarray(self.learning_rate(step)).astype(dtype)
        return jnp.asarray(base, dtype)

    def init(self, params: Arrays, names: Mapping[str, str] | None = None) -> Slots:
        """Makes what the optimizer remembers of each weight, on the host: nothing is compiled.

        Args:
            params: The weights by path.
            names: The paths told with the layers' own names, where these differ, for settings that name
                layers.

        Returns:
            For each slot, arrays for the weights that have it; {} if nothing is remembered.

        Example:
            >>> from gradwise.optimizers.sgd import SGD
            >>> SGD(momentum=0.9).init({"w": jnp.ones(2)})["velocity"]["w"].tolist()
            [0.0, 0.0]
        """
        slots: Slots = {slot: {} for slot in self.slot_values()}
        for path, value in params.items():
            for slot, array in self.init_one((names or {}).get(path, path), value).items():
                slots.setdefault(slot, {})[path] = jax.device_put(array)
        return slots

    def init_one(self, path: str, value: Any) -> dict[str, np.ndarray]:
        """Makes the slots of one weight; to be defined where they are not all shaped like it.

        Args:
            path: The path of the weight, with the layers' own names if these are known.
            value: The weight.

        Returns:
            Arrays on the host by slot.
        """
        return {slot: np.full(value.shape, start, value.dtype) for slot, start in self.slot_values().items()}

    def look_around(
        self, gradient_at: Callable[[Arrays], Arrays], grads: Arrays, slots: Slots, params: Arrays
    ) -> Slots:
        """Measures the loss around the weights, for optimizers that need more than the gradient there.

        The training step calls it before `prepare`. Most optimizers leave the slots as they are.

        Args:
            gradient_at: Gives the gradients of the same batch, with the same random numbers, at other
                weights.
            grads: The gradients at `params`, not clipped.
            slots: From `init` or the update before.
            params: The weights by path.

        Returns:
            The slots to go into `update`.
        """
        return slots

    def prepare(self, grads: Arrays, params: Arrays, hyper: Mapping[str, Any] | None = None) -> Arrays:
        """Clips the gradients if a clip setting says so; called before `update` and before arrays are joined.

        Args:
            grads: The gradients by path.
            params: The weights by path.
            hyper: Settings to use instead of the optimizer's own.

        Returns:
            The gradients to update with.

        Raises:
            InputError: Gradients and weights have different paths.

        Example:
            >>> from gradwise.optimizers.sgd import SGD
            >>> clipped = SGD(clipvalue=1.0).prepare({"w": jnp.array([3.0, 0.5])}, {"w": jnp.ones(2)})
            >>> clipped["w"].tolist()
            [1.0, 0.5]
        """
        if grads.keys() != params.keys():
            raise InputError(
                f"{type(self).__name__}.prepare",
                expected=f"gradients of {', '.join(sorted(params))}",
                got=", ".join(sorted(grads)) or "none",
                fix="Pass one gradient for each weight, under the same path.",
            )
        hyper = hyper or {}
        for clip, name in (
            (clip_by_value, "clipvalue"),
            (clip_by_norm, "clipnorm"),
            (clip_by_global_norm, "global_clipnorm"),
        ):
            bound = hyper.get(name, getattr(self, name))
            if bound is not None:
                grads = clip(grads, bound)
        return grads

    def update(
        self,
        grads: Arrays,
        slots: Slots,
        params: Arrays,
        hyper: Mapping[str, Any],
        factors: Mapping[str, float] | None = None,
    ) -> tuple[Arrays, Slots]:
        """Makes one update, weight decay included.

        Args:
            grads: The gradients by path, after `prepare`.
            slots: From `init` or the update before.
            params: The weights by path.
            hyper: "learning_rate", float32[], as `rate` gives it; "step", int32[], how many updates there
                were before; and any numeric setting to use instead of the optimizer's own. Momentum can be
                given there only if the optimizer's own is not 0, as else it keeps no velocity.
            factors: What the learning rate is multiplied by for some of the paths; 1 if left out.

        Returns:
            The weights and slots afterwards, each of the type it had.

        Raises:
            InputError: `hyper` has a momentum for which no velocity is kept.

        Example:
            >>> from gradwise.optimizers.sgd import SGD
            >>> weights, slots = SGD().update(
            ...     {"w": jnp.array([2.0])}, {}, {"w": jnp.array([1.0])}, {"learning_rate": 0.5, "step": 0})
            >>> weights["w"].tolist()
            [0.0]
        """
        shared: dict[Any, dict[str, Any]] = {}
        new_params: Arrays = {}
        new_slots: Slots = {slot: {} for slot in slots}
        for path, value in params.items():
            kept = {slot: arrays[path] for slot, arrays in slots.items() if path in arrays}
            factor = (factors or {}).get(path, 1.0)
            if (value.dtype, factor) not in shared:
                shared[value.dtype, factor] = self._shared_as(_scaled_rate(hyper, factor), value.dtype)
            numbers = shared[value.dtype, factor]
            decay = numbers.get(self.decay_setting(kept))
            if decay is not None and self.decays(path, value.ndim):
                value = value - value * decay
            value, kept = self.update_one(grads[path].astype(value.dtype), kept, value, numbers)
            new_params[path] = value
            for slot, array in kept.items():
                new_slots[slot][path] = array
        return new_params, new_slots

    def exclude_from_weight_decay(self, var_names: Sequence[str]) -> None:
        """Leaves out of weight decay the weights whose path contains one of the given words, and no others.

        Args:
            var_names: The words, for example ["bias", "gamma", "beta"]; [] excludes nothing, not even biases.

        Raises:
            InputError: This is no list of strings.

        Example:
            >>> from gradwise.optimizers.sgd import SGD
            >>> optimizer = SGD(weight_decay=0.01)
            >>> optimizer.exclude_from_weight_decay(["embed"])
            >>> optimizer.decays("embedding/embeddings", 2), optimizer.decays("dense/bias", 1)
            (False, True)
        """
        if isinstance(var_names, str) or not all(isinstance(word, str) and word for word in var_names):
            raise InputError(
                "exclude_from_weight_decay",
                expected="a list of words",
                got=repr(var_names),
                fix="Write for example ['bias'].",
            )
        self._undecayed = tuple(var_names)

    def decays(self, path: str, ndim: int) -> bool:
        """Tells whether weight decay, if set, applies to a weight.

        Args:
            path: Such as "dense/kernel".
            ndim: How many axes it has.

        Returns:
            True, unless the path contains a word that `exclude_from_weight_decay` was given. If it was not
            called: True for matrices and larger arrays that are not called bias, gamma or beta.

        Example:
            >>> from gradwise.optimizers.sgd import SGD
            >>> SGD().decays("dense/kernel", 2), SGD().decays("gru/bias", 2)
            (True, False)
        """
        if self._undecayed is not None:
            return not any(word in path for word in self._undecayed)
        # By name as well: the bias of a GRU or an attention head is a matrix.
        last = path.rsplit("/", 1)[-1]
        return ndim > 1 and not any(word in last for word in ("bias", "gamma", "beta"))

    def decay_setting(self, slots: Arrays) -> str:
        """Returns which of the `shared` numbers is the weight decay of a weight with these slots."""
        return "weight_decay"

    def slot_values(self) -> dict[str, float]:
        """Returns the slots to keep for each weight, with the number they are filled with at first.

        Example:
            >>> from gradwise.optimizers.sgd import SGD
            >>> SGD(momentum=0.9).slot_values()
            {'velocity': 0.0}
        """
        return {}

    def shared(self, hyper: Mapping[str, Any], dtype: Any) -> dict[str, Any]:
        """Computes once per update the numbers that all weights use: "rate", "weight_decay" if any.

        Args:
            hyper: As given to `update`.
            dtype: float32, or float64 for such weights.

        Returns:
            Scalars of that type, or Python floats.
        """
        numbers: dict[str, Any] = {"rate": jnp.asarray(hyper["learning_rate"], dtype)}
        if self.weight_decay is not None or "weight_decay" in hyper:
            numbers["weight_decay"] = self.setting(hyper, "weight_decay", dtype) * numbers["rate"]
        return numbers

    @abstractmethod
    def update_one(
        self, gradient: jax.Array, slots: Arrays, value: jax.Array, shared: dict[str, Any]
    ) -> tuple[jax.Array, Arrays]:
        """Updates one weight.

        Args:
            gradient: Its gradient, of the weight's type.
            slots: Its slots by name.
            value: The weight, already decayed.
            shared: From `shared`, in the weight's type.

        Returns:
            The weight and its slots afterwards.
        """

    def setting(self, hyper: Mapping[str, Any], name: str, dtype: Any) -> Any:
        """Returns a numeric setting: from `hyper` if it is there, else the optimizer's own.

        Args:
            hyper: As given to `update`.
            name: The setting's name.
            dtype: The type for numbers from `hyper`.
        """
        return jnp.asarray(hyper[name], dtype) if name in hyper else getattr(self, name)

    def get_config(self) -> dict[str, Any]:
        """Returns all settings with their present values, the learning rate as last set."""
        config = super().get_config()
        parameters = inspect.signature(type(self).__init__).parameters
        names = list(parameters)[1:]
        if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
            names += OptimizerOptions.__annotations__
        for name in names:
            if hasattr(self, name):
                config[name] = getattr(self, name)
        if self._undecayed is not None:
            config["excluded_from_weight_decay"] = list(self._undecayed)
        return config

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """Builds the optimizer from its settings."""
        settings = dict(config)
        excluded = settings.pop("excluded_from_weight_decay", None)
        optimizer = cls(**settings)
        if excluded is not None:
            optimizer.exclude_from_weight_decay(excluded)
        return optimizer

    def _shared_as(self, hyper: Mapping[str, Any], dtype: Any) -> dict[str, Any]:
        # Never in 16 bits: 0.999 would be 1 and the step stop counting at 256 in bfloat16.
        numbers = self.shared(hyper, jnp.float64 if dtype == jnp.float64 else jnp.float32)
        if "epsilon" in numbers:
            # A smaller one is flushed to 0 in this type, and 0 / 0 for a gradient of 0 would be NaN.
            least = float(jnp.finfo(dtype).tiny)  # type: ignore[no-untyped-call]
            epsilon = numbers["epsilon"]
            numbers["epsilon"] = (
                jnp.maximum(epsilon, least) if isinstance(epsilon, jax.Array) else max(epsilon, least)
            )
        return {
            key: item.astype(dtype) if isinstance(item, jax.Array) else item for key, item in numbers.items()
        }


def _scaled_rate(hyper: Mapping[str, Any], factor: float) -> Mapping[str, Any]:
    return hyper if factor == 1 else {**hyper, "learning_rate": hyper["learning_rate"] * factor}
