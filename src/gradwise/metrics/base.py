"""The metric interface."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from gradwise import initializers
from gradwise.core.dtypes import as_policy
from gradwise.core.variable import Frame, Variable
from gradwise.errors import InputError, StateError
from gradwise.ops.alignment import as_float, match_rank
from gradwise.registry import Configurable, snake_case

Totals = dict[str, jax.Array]


class Metric(Configurable):
    """A number about predictions, computed from totals: `compute(update(... update(init(), ...), ...))`.

    The three functions are pure, and totals hold what the value needs of all samples seen, as sums of values
    and weights do. So batches of any sizes give exactly the value of all samples together, the totals of two
    parts merge (`merge`), and a sample of weight 0 is as if it were not there. `update_state`, `result` and
    `reset_state` keep totals in the object, for loops of one's own.

    A metric of one's own defines `init`, `update` and `compute`; or, as in Keras, makes variables with
    `add_variable` in its constructor and defines `update_state` and `result`. Either works in `compile`. The
    value is one number, or a vector or a dict of numbers, each logged by its own name.

    Args:
        name: The name in logs; by default the class name in snake case.
        dtype: The float type of the result; totals have at least 32 bits. By default float32, or float64
            where the engine is set to 64 bits.

    Raises:
        InputError: The type is none, or has more bits than the engine.

    Example:
        >>> class Sure(Metric):  # the share of samples whose largest output is above 0.9
        ...     def init(self):
        ...         return {"sure": self.zeros(), "all": self.zeros()}
        ...     def update(self, totals, y_true, y_pred, sample_weight=None):
        ...         sure = (y_pred.max(-1) > 0.9).sum().astype(jnp.float32)
        ...         return {"sure": totals["sure"] + sure, "all": totals["all"] + len(y_pred)}
        ...     def compute(self, totals):
        ...         return totals["sure"] / totals["all"]
        >>> float(Sure()(None, jnp.array([[0.95, 0.05], [0.5, 0.5]])))
        0.5
    """

    # Whether better is "up" or "down", for those who watch a metric; None where that is not known.
    direction: ClassVar[str | None] = None

    _totals: Totals | None = None
    _variables: dict[str, Variable] | None = None

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        self.name = name or snake_case(type(self).__name__)
        self.dtype = None if dtype is None else as_policy(dtype, f"metric '{self.name}'").compute

    def zeros(self, shape: tuple[int, ...] = ()) -> jax.Array:
        """Returns zeros of the type totals have."""
        wide = jax.config.read("jax_enable_x64") and self.dtype in (None, "float64")
        return jnp.zeros(shape, "float64" if wide else "float32")

    def add_variable(
        self,
        shape: Any = (),
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str = "sum",
        name: str | None = None,
    ) -> Variable:
        """Makes a total that `update_state` assigns to and `result` reads, for metrics written as in Keras.

        Args:
            shape: Its sizes.
            initializer: What it starts from, which must be zeros, as `reset_state` returns to them.
            dtype: Its type; by default that of totals.
            aggregation: "sum": the totals of two parts are added up.
            name: Its name in the metric.

        Returns:
            The variable; its array is `.value`.

        Raises:
            InputError: It does not start from zeros, or is aggregated otherwise.
        """
        sizes = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
        zeros = self.zeros(sizes) if dtype is None else jnp.zeros(sizes, dtype)
        start = np.zeros(sizes)
        if initializer is not None:
            start = np.asarray(initializers.get(initializer)(sizes, str(zeros.dtype)))
        if start.any() or aggregation != "sum":
            raise InputError(
                f"metric '{self.name}'",
                expected="variables that start at zero and add up",
                got=f"initializer={initializer!r}, aggregation={aggregation!r}",
                fix="Define init, update, compute and merge for totals of another kind.",
            )
        if self._variables is None:
            self._variables = {}
        key = name or "variable"
        if key in self._variables:
            key = f"{key}_{len(self._variables)}"
        self._variables[key] = Total(zeros, name=key, trainable=False)
        return self._variables[key]

    def add_weight(
        self, shape: Any = (), initializer: Any = "zeros", dtype: Any = None, name: str | None = None
    ) -> Variable:
        """Makes a total; Keras' other name of `add_variable`."""
        return self.add_variable(shape, initializer, dtype, name=name)

    @property
    def variables(self) -> list[Variable]:
        """The totals made with `add_variable`."""
        return list((self._variables or {}).values())

    def build(self, output_shape: tuple[int | None, ...]) -> None:
        """Tells the metric the shape of the model's output, for those that keep totals for each column.

        Args:
            output_shape: The shape with the batch axis, whose size may be None.
        """

    def init(self) -> Totals:
        """Returns the totals of no samples: zeros.

        Raises:
            StateError: The class defines neither `init` nor `update_state`.
        """
        self._check_methods()
        return {key: jnp.zeros(each.shape, each.dtype) for key, each in (self._variables or {}).items()}

    def update(
        self, totals: Totals, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Totals:
        """Adds a batch to the totals; pure, for use inside compiled code.

        Args:
            totals: From `init` or `update`.
            y_true: number[B, ...].
            y_pred: float[B, ...].
            sample_weight: number[B], [B, 1] or [B, T], or None for 1 each.

        Returns:
            New totals of the same shapes and types.

        Raises:
            InputError: There are weights, or rows that only fill a batch, and `update_state` takes none.
        """
        self._check_methods()
        if y_true is not None:
            y_true, y_pred = like_predictions(y_true, y_pred)
        names = inspect.signature(self.update_state).parameters
        if "sample_weight" in names:
            weights = {"sample_weight": sample_weight}
        elif sample_weight is None:
            weights = {}
        else:
            raise InputError(
                f"metric '{self.name}'",
                expected="an update_state that takes sample_weight",
                got=f"update_state({', '.join(names)})",
                fix="Define update_state(self, y_true, y_pred, sample_weight=None).",
            )
        variables = self._variables or {}
        with Frame({variables[key]: total for key, total in totals.items()}) as frame:
            self.update_state(y_true, y_pred, **weights)
            return {
                key: jnp.asarray(frame.values[variables[key]]).astype(total.dtype)
                for key, total in totals.items()
            }

    def compute(self, totals: Totals) -> Any:
        """Computes the value from the totals; 0 where nothing was counted."""
        self._check_methods()
        variables = self._variables or {}
        with Frame({variables[key]: total for key, total in totals.items()}):
            return jax.tree.map(jnp.asarray, self.result())

    def merge(self, first: Totals, second: Totals) -> Totals:
        """Returns the totals of the samples of both."""
        return {key: first[key] + second[key] for key in first}

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch to the totals kept in the object."""
        y_true, y_pred = as_array(y_true), as_array(y_pred)
        if self._totals is None:
            self.build(y_pred.shape)
            self._totals = self.init()
        self._totals = self.update(self._totals, y_true, y_pred, sample_weight)

    def result(self) -> Any:
        """Returns the value of all batches since the last reset."""
        value = self.compute(self.init() if self._totals is None else self._totals)
        return value if self.dtype is None else jax.tree.map(lambda each: each.astype(self.dtype), value)

    def reset_state(self) -> None:
        """Forgets all batches."""
        self._totals = None
        for variable in self.variables:
            variable.assign(jnp.zeros(variable.shape, variable.dtype))

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Adds a batch to the totals kept in the object and returns the value so far."""
        self.update_state(y_true, y_pred, sample_weight)
        return self.result()

    def _check_methods(self) -> None:
        mine = type(self)
        pure = all(getattr(mine, name) is not getattr(Metric, name) for name in ("init", "update", "compute"))
        kept = all(getattr(mine, name) is not getattr(Metric, name) for name in ("update_state", "result"))
        if not pure and not kept:
            raise StateError(
                f"metric '{self.name}'",
                expected="a class that defines init, update and compute, or update_state and result",
                got=f"{mine.__name__} without them",
                fix="Define the methods that are missing; see Metric for an example.",
            )


class Total(Variable):
    """A variable of a metric, with Keras' shorter ways to add to it.

    Example:
        >>> total = Total(jnp.zeros(()), name="total", trainable=False)
        >>> total.assign_add(jnp.ones(()))
        >>> float(total.value)
        1.0
    """

    __slots__ = ()

    def assign(self, value: Any) -> None:
        """Replaces the array."""
        super().assign(jnp.asarray(getattr(value, "value", value)).astype(self.dtype))

    def assign_add(self, value: Any) -> None:
        """Adds to the array."""
        self.assign(self.value + jnp.asarray(getattr(value, "value", value)).astype(self.dtype))

    def assign_sub(self, value: Any) -> None:
        """Subtracts from the array."""
        self.assign(self.value - jnp.asarray(getattr(value, "value", value)).astype(self.dtype))


def log_names(metric: Metric, prefix: str = "") -> list[str]:
    """Returns the names under which the value of a metric is logged.

    A number has the metric's name, the entries of a vector that name and their place, those of a dict their
    keys, in alphabetical order.

    Args:
        metric: Built for a model's output.
        prefix: What stands before each name.

    Returns:
        One name for each number that `log_values` gives.

    Raises:
        InputError: The value is a matrix or an array of more axes.

    Example:
        >>> class Extremes(Metric):
        ...     def init(self):
        ...         return {"sums": self.zeros((2,))}
        ...     def update(self, totals, y_true, y_pred, sample_weight=None):
        ...         return {"sums": totals["sums"] + y_pred.sum(0)}
        ...     def compute(self, totals):
        ...         return totals["sums"]
        >>> log_names(Extremes(), "val_")
        ['val_extremes_0', 'val_extremes_1']
    """
    value = jax.eval_shape(lambda: metric.compute(metric.init()))
    names: list[str] = []
    for name, part in _parts(value, metric.name):
        if len(part.shape) > 1:
            raise InputError(
                f"metric '{metric.name}'",
                expected="a number, or a vector of numbers, that can be logged after each epoch",
                got=f"a value of shape {part.shape}",
                fix="Leave it out of compile, and call it on predictions: metric(y, model.predict(x)).",
            )
        name = prefix + name
        names += [f"{name}_{place}" for place in range(part.shape[0])] if part.shape else [name]
    return names


def log_values(value: Any) -> list[jax.Array]:
    """Returns the numbers a value is made of, in the order of `log_names`.

    Example:
        >>> [float(each) for each in log_values(jnp.array([1.0, 2.0]))]
        [1.0, 2.0]
    """
    return [
        number
        for _, part in _parts(value, "")
        for number in ([part] if jnp.ndim(part) == 0 else list(jnp.asarray(part)))
    ]


def _parts(value: Any, name: str) -> list[tuple[str, Any]]:
    return sorted(value.items()) if isinstance(value, Mapping) else [(name, value)]


def like_predictions(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[jax.Array, jax.Array]:
    """Gives targets the rank of the predictions, and floats their type; integers stay integers.

    Args:
        y_true: number[B, ...].
        y_pred: float[B, ...].

    Returns:
        Targets and predictions.

    Example:
        >>> targets, _ = like_predictions(jnp.array([1, 2]), jnp.ones((2, 1)))
        >>> targets.shape, targets.dtype.name
        ((2, 1), 'int32')
    """
    aligned, y_pred = match_rank(y_true, y_pred)
    targets = jnp.asarray(y_true)
    return (
        aligned if jnp.issubdtype(targets.dtype, jnp.floating) else targets.reshape(aligned.shape)
    ), y_pred


def as_array(value: Any) -> Any:
    """Returns arrays (and None) as they are, and lists and numbers as arrays of floats.

    Example:
        >>> as_array([1, 2]).tolist()
        [1.0, 2.0]
    """
    return value if value is None or hasattr(value, "dtype") else as_float(jnp.asarray(value))
