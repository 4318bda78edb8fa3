"""Variables and the frame that makes calls pure.

A `Variable` holds an array. While a `Frame` is open, reading a variable gives the frame's value and
assigning writes to the frame, so a traced function has no side effects and variables never hold tracers.
"""

from __future__ import annotations

import contextlib
import contextvars
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gradwise.errors import InputError, StateError

_largest: contextvars.ContextVar[int | None] = contextvars.ContextVar("gradwise_largest", default=None)
_current: contextvars.ContextVar[Frame | None] = contextvars.ContextVar("gradwise_frame", default=None)


def current_frame() -> Frame | None:
    """Returns the open frame, or None outside pure calls.

    Example:
        >>> current_frame() is None
        True
    """
    return _current.get()


def largest_variable() -> int | None:
    """Returns how many numbers a new variable may hold while a file is read, or None.

    Example:
        >>> largest_variable() is None
        True
    """
    return _largest.get()


@contextlib.contextmanager
def without_initial_values(largest: int) -> Iterator[None]:
    """Lets layers make variables of zeros, for a file whose values follow, and none larger than its largest.

    Args:
        largest: How many numbers the file's largest array holds.

    Example:
        >>> with without_initial_values(10):
        ...     largest_variable()
        10
    """
    token = _largest.set(largest)
    try:
        yield
    finally:
        _largest.reset(token)


@contextlib.contextmanager
def in_mode(training: bool | None) -> Iterator[None]:
    """Runs what follows in training or prediction mode, whatever the rest of the pure call does.

    Args:
        training: The mode; None leaves it as it is. Outside pure calls there is no mode to set.

    Example:
        >>> with Frame({}, training=True) as frame:
        ...     with in_mode(False):
        ...         inside = frame.training
        ...     inside, frame.training
        (False, True)
    """
    frame = _current.get()
    if frame is None or training is None:
        yield
        return
    before = frame.training
    frame.training = bool(training)
    try:
        yield
    finally:
        frame.training = before


class Variable:
    """An array with a name that a layer owns: a parameter, or state when `trainable` is false.

    Args:
        value: The initial array, on the host or on a device.
        name: Its name within the layer, such as "kernel".
        trainable: Whether gradients change it.
        regularizer: A function of the array that gives a penalty, or None.
        constraint: A function applied to the array after each update, or None.
        kept: Whether it is one of the weights: read and set with them, counted and saved. What a stateful
            layer remembers from batch to batch is not.

    Example:
        >>> step = Variable(np.zeros((), "float32"), name="step", trainable=False)
        >>> step.assign(np.float32(3))
        >>> float(step.value)
        3.0
    """

    __slots__ = ("array", "constraint", "dtype", "kept", "name", "regularizer", "shape", "trainable")

    def __init__(
        self,
        value: Any,
        *,
        name: str,
        trainable: bool = True,
        regularizer: Callable[[Any], Any] | None = None,
        constraint: Callable[[Any], Any] | None = None,
        kept: bool = True,
    ) -> None:
        self.array = value
        self.name = name
        self.trainable = trainable
        self.regularizer = regularizer
        self.constraint = constraint
        self.kept = kept
        self.shape = tuple(value.shape)
        self.dtype = np.dtype(value.dtype)

    @property
    def value(self) -> Any:
        """The current array: the frame's inside a pure call, else the variable's own."""
        frame = _current.get()
        if frame is None:
            return self.array
        return frame.values.get(self, self.array)

    def assign(self, value: Any) -> None:
        """Replaces the array; inside a pure call the frame keeps the new one.

        Raises:
            InputError: The shape differs.
        """
        if tuple(value.shape) != self.shape:
            raise InputError(
                f"variable '{self.name}'",
                expected=f"an array of shape {self.shape}",
                got=tuple(value.shape),
                fix="Give weights in the order and shapes that get_weights returns.",
            )
        frame = _current.get()
        if frame is None:
            self.array = value
        else:
            frame.values[self] = value

    def numpy(self) -> np.ndarray:
        """Returns a copy of the array on the host."""
        return np.array(self.value)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.value, dtype=dtype)

    def __jax_array__(self) -> Any:
        return jnp.asarray(self.value)

    def __getitem__(self, item: Any) -> Any:
        return jnp.asarray(self.value)[item]

    def __repr__(self) -> str:
        kind = "" if self.trainable else ", not trainable"
        return f"<Variable '{self.name}' {self.dtype}{list(self.shape)}{kind}>"


def _delegate(name: str) -> None:
    def method(self: Variable, *others: Any) -> Any:
        return getattr(jnp.asarray(self.value), name)(*(jnp.asarray(getattr(o, "value", o)) for o in others))

    setattr(Variable, name, method)


# Arithmetic reads the value, so that `inputs @ self.kernel + self.bias` is enough in a layer's call.
for _operator in ("add", "sub", "mul", "truediv", "matmul", "pow"):
    _delegate(f"__{_operator}__")
    _delegate(f"__r{_operator}__")
_delegate("__neg__")


class Frame:
    """What one pure call sees: values of variables, mode, random key, and what layers report.

    Args:
        values: The arrays variables stand for; a variable not in it keeps its own array.
        training: Whether layers behave as in training.
        key: The random key of the call, or a function that makes it when first needed, or None.
        paths: The place of each layer in the model (by `id`), from which its random keys derive.
        building: Whether layers may create variables and set attributes (shape inference only).

    Example:
        >>> with Frame({}, training=True) as frame:
        ...     current_frame() is frame
        True
    """

    def __init__(
        self,
        values: dict[Variable, Any],
        *,
        training: bool = False,
        key: Any = None,
        paths: Mapping[int, str] | None = None,
        building: bool = False,
    ) -> None:
        self.values = values
        self.training = training
        self.building = building
        self.losses: list[Any] = []
        self._key = key
        self._paths = paths or {}
        self._calls: dict[str, int] = {}
        self._logits: list[tuple[Any, str, Any]] = []
        self._token: contextvars.Token[Frame | None] | None = None

    def __enter__(self) -> Frame:
        self._token = _current.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _current.reset(self._token)

    def next_key(self, layer: object) -> Any:
        """Derives a key from the call's key, the layer's place and how often the layer has asked.

        Raises:
            StateError: The call was given no key.
        """
        if callable(self._key):
            self._key = self._key()
        if self._key is None:
            if self.building:
                self._key = jax.random.key(0)
            else:
                raise StateError(
                    f"layer '{getattr(layer, 'name', layer)}'",
                    expected="a random key, as it draws random numbers",
                    got="a pure call without one",
                    fix="Pass key=jax.random.key(seed) to functional_call.",
                )
        path = self._paths.get(id(layer), getattr(layer, "name", ""))
        count = self._calls.get(path, 0)
        self._calls[path] = count + 1
        place = jax.random.fold_in(self._key, jnp.uint32(zlib.crc32(path.encode())))
        return jax.random.fold_in(place, jnp.uint32(count))

    def for_step(self, key: Any) -> Frame:
        """Returns a frame for the body of a loop: it sees the same values, and keeps to itself what is new.

        Args:
            key: The random key of the step, or None for no randomness.
        """
        return Frame(
            dict(self.values), training=self.training, key=key, paths=self._paths, building=self.building
        )

    @property
    def has_key(self) -> bool:
        """Whether random numbers can be drawn."""
        return self._key is not None or self.building

    def note_logits(self, outputs: Any, kind: str, logits: Any) -> None:
        """Remembers from which logits an activation made its outputs, for exact losses."""
        self._logits.append((outputs, kind, logits))

    def logits_of(self, outputs: Any) -> tuple[str, Any] | None:
        """Returns the activation's name and its logits if `outputs` came straight from one."""
        for noted, kind, logits in reversed(self._logits):
            if noted is outputs:
                return kind, logits
        return None
