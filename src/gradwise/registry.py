"""Tables from names to classes and functions, for settings given as strings and for saved files.

Nothing is ever looked up anywhere else: no import by name, no evaluation, so a file can only name what
this process has registered (or was handed as `custom_objects`).
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from gradwise.errors import FileError, InputError, unknown_name

Item = TypeVar("Item", bound=Callable[..., Any])

_entries: dict[str, Any] = {}
_names: dict[int, tuple[Any, str]] = {}  # the item itself is kept, so that its id stays its own
_aliases: dict[str, dict[str, Any]] = {}
_spellings: dict[str, list[str]] = {}

_SPOKEN = {
    "layers": "a layer",
    "activations": "an activation",
    "losses": "a loss",
    "metrics": "a metric",
    "optimizers": "an optimizer",
    "schedules": "a schedule",
    "initializers": "an initializer",
    "regularizers": "a regularizer",
    "constraints": "a constraint",
}


def register(name: str, *, aliases: tuple[str, ...] = ()) -> Callable[[Item], Item]:
    """Gives a class or function the name by which files and string settings refer to it.

    Args:
        name: "kind.Name", for example "layers.Dense"; users choose a kind of their own, "mine.Swish".
        aliases: Further spellings accepted in string settings. Case and underscores never matter, so
            "mean_squared_error" needs no alias for `MeanSquaredError`.

    Returns:
        A decorator that returns its argument unchanged.

    Raises:
        InputError: The name is malformed.

    Example:
        >>> @register("mine.double")
        ... def double(x):
        ...     return 2 * x
        >>> serialize(double)
        {'function': 'mine.double'}
    """
    kind, _, short = name.partition(".")
    if not kind or not short:
        raise InputError(
            "register",
            expected="a name of the form 'kind.Name'",
            got=repr(name),
            fix="Write e.g. 'mine.Swish'.",
        )

    def decorate(item: Item) -> Item:
        _entries[name] = item
        _names[id(item)] = (item, name)
        table = _aliases.setdefault(kind, {})
        for spelling in (short, *aliases):
            table[_normal(spelling)] = item
            _spellings.setdefault(kind, []).append(spelling if spelling in aliases else snake_case(spelling))
        return item

    return decorate


def registered_name(item: object) -> str | None:
    """Returns the name an object was registered under, or None.

    Example:
        >>> registered_name(len) is None
        True
    """
    return _names[id(item)][1] if id(item) in _names else None


def find(kind: str, name: str, where: str, spoken: str | None = None) -> Any:
    """Looks up what a string setting names.

    Args:
        kind: The table, for example "losses".
        name: The setting; case and underscores do not matter.
        where: Where it was given, for the error.
        spoken: What the name should name, for the error; by default told by the kind.

    Returns:
        The class or function.

    Raises:
        InputError: Nothing of this kind has that name; the nearest names are given.

    Example:
        >>> @register("things.BigOne")
        ... class BigOne: ...
        >>> find("things", "big_one", "here") is BigOne
        True
    """
    table = _aliases.get(kind, {})
    found = table.get(_normal(name))
    if found is None:
        raise unknown_name(where, spoken or _SPOKEN.get(kind, kind), name, _spellings.get(kind, []))
    return found


def snake_case(name: str) -> str:
    """Turns a class name into words with underscores.

    Example:
        >>> snake_case("MaxPooling2D")
        'max_pooling2d'
    """
    text = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", text).lower()


def _normal(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


class Configurable:
    """An object that remembers the settings its constructor was called with.

    Nobody writes `get_config`: the settings are bound to the constructor's signature when asked for.

    Example:
        >>> class Scale(Configurable):
        ...     def __init__(self, factor=2.0):
        ...         self.factor = factor
        >>> Scale(3.0).get_config()
        {'factor': 3.0}
    """

    _given: tuple[tuple[Any, ...], dict[str, Any]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for parameter in inspect.signature(cls.__init__).parameters.values():
            if parameter.kind is parameter.VAR_POSITIONAL and "__init__" in cls.__dict__:
                raise InputError(
                    f"class {cls.__name__}",
                    expected="a constructor whose settings all have names, so that it can be saved",
                    got=f"'*{parameter.name}'",
                    fix="Name each setting, or take one list.",
                )

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Records the arguments; `__init__` gets the same ones."""
        self = super().__new__(cls)
        object.__setattr__(self, "_given", (args, kwargs))
        return self

    def get_config(self) -> dict[str, Any]:
        """Returns the settings by name, as they were given."""
        args, kwargs = self._given
        bound = inspect.signature(type(self).__init__).bind(self, *args, **kwargs)
        config: dict[str, Any] = {}
        for name, value in list(bound.arguments.items())[1:]:
            if bound.signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
                config.update(value)
            else:
                config[name] = value
        return config

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """Builds the object from its settings."""
        return cls(**config)


def serialize(value: Any, where: str = "save") -> Any:
    """Turns settings into plain JSON values; classes and functions become registered names.

    Args:
        value: Numbers, strings, None, lists, tuples, dicts, NumPy values, registered functions and
            `Configurable` objects of registered classes.
        where: What is being saved, for the error.

    Returns:
        The JSON value.

    Raises:
        FileError: Something in it could not be rebuilt from a file.

    Example:
        >>> serialize((1, 2.5, "same"))
        {'tuple': [1, 2.5, 'same']}
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list):
        return [serialize(item, where) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [serialize(item, where) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[serialize(key, where), serialize(item, where)] for key, item in value.items()]}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return {"array": value.tolist(), "dtype": str(value.dtype)}
    if isinstance(value, slice):
        return {"slice": [serialize(item, where) for item in (value.start, value.stop, value.step)]}
    if value is Ellipsis:
        return {"ellipsis": True}
    name = registered_name(value)
    if name is not None:
        return {"function": name}
    if isinstance(value, Configurable):
        name = registered_name(type(value))
        if name is not None:
            return {"class": name, "config": serialize(value.get_config(), f"{where}: {name}")["dict"]}
    raise _unsaveable(value, where)


def deserialize(value: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Rebuilds what `serialize` wrote, from registered names and `custom_objects` only.

    Args:
        value: The JSON value.
        custom_objects: Further classes and functions by name, with or without their kind.

    Returns:
        The settings, functions and objects.

    Raises:
        FileError: A name is not registered, or the value has no known form.

    Example:
        >>> deserialize({'tuple': [1, 2.5, 'same']})
        (1, 2.5, 'same')
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, list):
        return [deserialize(item, custom_objects) for item in value]
    if isinstance(value, dict):
        if "tuple" in value:
            return tuple(deserialize(item, custom_objects) for item in value["tuple"])
        if "dict" in value:
            return {
                deserialize(key, custom_objects): deserialize(item, custom_objects)
                for key, item in value["dict"]
            }
        if "array" in value:
            return np.asarray(value["array"], dtype=value["dtype"])
        if "slice" in value:
            return slice(*[deserialize(item, custom_objects) for item in value["slice"]])
        if "ellipsis" in value:
            return Ellipsis
        if "function" in value:
            return _named(value["function"], custom_objects)
        if "class" in value:
            cls = _named(value["class"], custom_objects)
            if not (isinstance(cls, type) and issubclass(cls, Configurable)):
                raise FileError(
                    "load",
                    expected="a registered class",
                    got=repr(value["class"]),
                    fix="The file is damaged.",
                )
            return cls.from_config(deserialize({"dict": value["config"]}, custom_objects))
    raise FileError(
        "load", expected="a configuration in the library's format", got=value, fix="The file is damaged."
    )


def _named(name: Any, custom_objects: Mapping[str, Any] | None) -> Any:
    custom = custom_objects or {}
    short = str(name).rsplit(".", 1)[-1]
    for key in (name, short):
        if key in custom:
            return custom[key]
    if name in _entries:
        return _entries[name]
    raise FileError(
        "load",
        expected="names that this program has registered",
        got=repr(name),
        fix=f"Import the module that registers it, or pass custom_objects={{'{short}': ...}}.",
    )


def _unsaveable(value: Any, where: str) -> FileError:
    if inspect.isfunction(value):
        shown = "a lambda" if value.__name__ == "<lambda>" else f"the function '{value.__name__}'"
        fix = "Register a named function: put @gradwise.register('mine.name') above its definition."
    else:
        shown = f"an object of class {type(value).__name__}"
        fix = "Put @gradwise.register('mine.Name') above the class, a Layer, Loss or other gradwise class."
    return FileError(where, expected="settings that a file can name", got=shown, fix=fix)
