"""Saves and loads models and weights."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from gradwise import registry
from gradwise.core.layer import Layer
from gradwise.core.variable import without_initial_values
from gradwise.errors import FileError, GradwiseError
from gradwise.saving import archive
from gradwise.version import __version__

_COMPILED = ("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics")


def save_model(
    model: Any,
    path: str | os.PathLike[str],
    *,
    overwrite: bool = True,
    extras: Mapping[str, Any] | None = None,
) -> None:
    """Writes a whole model.

    Args:
        model: A built model.
        path: The file.
        overwrite: Whether a file that is there may be replaced.
        extras: Further JSON values to keep with the model: preprocessing, class names.

    Raises:
        FileError: The model is not built, or something in it could not be loaded again.
    """
    where = f"save '{model.name}'"
    _refuse_unbuilt(model, where)
    config = registry.serialize(model, where)
    session = model.session
    training = None
    if session is not None:
        training = {name: registry.serialize(getattr(session.settings, name), where) for name in _COMPILED}
        if training["metrics"] is None:
            training.pop("metrics")
    archive.write(
        path,
        metadata=_metadata(),
        config={
            "model": config,
            "compile": training,
            "input_shapes": _input_shapes(model),
            "frozen": [place for place, layer in model.walk() if not layer.trainable],
        },
        extras=dict(extras or {}),
        arrays=_arrays(model),
        overwrite=overwrite,
    )


def load_model(
    path: str | os.PathLike[str], custom_objects: Mapping[str, Any] | None = None, compile: bool = True
) -> Any:
    """Reads a whole model.

    Nothing in the file is executed: classes and functions are looked up among those this program has
    registered and in `custom_objects`.

    Args:
        path: A file that `model.save` wrote.
        custom_objects: Further classes and functions by name.
        compile: Whether to compile the model as it was.

    Returns:
        The model.

    Raises:
        FileError: The file is missing, damaged or foreign, or names something unknown.
    """
    _, config, _, arrays = archive.read(path)
    if not isinstance(config, dict) or "model" not in config:
        raise FileError(
            f"load '{path}'", expected="a model's configuration", got="none", fix="The file is damaged."
        )
    try:
        model = _rebuild(config, arrays, custom_objects, compile, f"load '{path}'")
    except GradwiseError:
        raise
    except Exception as error:
        raise FileError(
            f"load '{path}'",
            expected="a configuration that its classes understand",
            got=f"{type(error).__name__}: {error}",
            fix="The file is damaged, or a class has changed since it was saved.",
        ) from error
    _restore(model, arrays, f"load '{path}'")
    return model


def _rebuild(
    config: dict[str, Any],
    arrays: Mapping[str, np.ndarray],
    custom: Mapping[str, Any] | None,
    compile: bool,
    where: str,
) -> Any:
    """Makes the model of a configuration, with variables of zeros."""
    with without_initial_values(max((array.size for array in arrays.values()), default=0)):
        model = registry.deserialize(config["model"], custom)
        if not isinstance(model, Layer):
            raise FileError(where, expected="a model", got=type(model).__name__, fix="The file is damaged.")
        if not model.built:
            _build(model, config.get("input_shapes"))
    model.freeze_only(config.get("frozen", ()))
    if compile and config.get("compile"):
        settings = {name: registry.deserialize(value, custom) for name, value in config["compile"].items()}
        model.compile(**settings)  # type: ignore[attr-defined]
    return model


def read_extras(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Reads what was kept with a model: preprocessing, class names.

    Args:
        path: A file that `save_model` wrote.

    Returns:
        The values.
    """
    return dict(archive.read(path)[2])


def save_weights(model: Any, path: str | os.PathLike[str], *, overwrite: bool = True) -> None:
    """Writes the weights only.

    Args:
        model: A built model.
        path: The file.
        overwrite: Whether a file that is there may be replaced.

    Raises:
        FileError: The model is not built.
    """
    _refuse_unbuilt(model, f"save weights of '{model.name}'")
    archive.write(
        path, metadata=_metadata(), config=None, extras={}, arrays=_arrays(model), overwrite=overwrite
    )


def load_weights(model: Any, path: str | os.PathLike[str]) -> None:
    """Reads weights into a model of the same structure.

    Args:
        model: A built model.
        path: A file that `save_weights` or `save_model` wrote.

    Raises:
        FileError: Names or shapes differ; nothing is changed then.
    """
    _refuse_unbuilt(model, f"load weights into '{model.name}'")
    _restore(model, archive.read(path)[3], f"load '{path}' into '{model.name}'")


def _metadata() -> dict[str, Any]:
    return {
        "format": archive.FORMAT,
        "gradwise": __version__,
        "jax": jax.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def _arrays(model: Any) -> dict[str, np.ndarray]:
    return {path: np.asarray(variable.array) for path, variable in model.named_weights().items()}


def _restore(model: Any, arrays: Mapping[str, np.ndarray], where: str) -> None:
    variables = model.named_weights()
    missing = [path for path in variables if path not in arrays]
    surplus = [path for path in arrays if path not in variables]
    if missing or surplus:
        raise FileError(
            where,
            expected=f"weights for {len(variables)} variables",
            got=f"{len(arrays)}; missing: {', '.join(missing[:5]) or 'none'}; not in the model: "
            f"{', '.join(surplus[:5]) or 'none'}",
            fix="Build the same architecture first.",
        )
    for path, variable in variables.items():
        if tuple(arrays[path].shape) != variable.shape:
            raise FileError(
                where,
                expected=f"'{path}' with shape {variable.shape}",
                got=tuple(arrays[path].shape),
                fix="Build the same architecture first.",
            )
    for path, variable in variables.items():
        variable.assign(np.array(arrays[path], variable.dtype))


def _refuse_unbuilt(model: Any, where: str) -> None:
    if not model.built:
        raise FileError(
            where,
            expected="a built model",
            got="one that has not seen its input shape",
            fix="Put Input(shape) first, call build(shape), or call the model on data.",
        )


def _input_shapes(model: Any) -> Any:
    graph = getattr(model, "graph", None)
    if graph is not None:
        return None
    return registry.serialize(getattr(model, "example_shapes", None))


def _build(model: Any, shapes: Any) -> None:
    """Builds a subclassed model for inputs of the shapes it was built for."""
    given = registry.deserialize(shapes)
    if given is None:
        raise FileError(
            f"load '{model.name}'",
            expected="the input shapes of a subclassed model",
            got="none",
            fix="Call the model on data before saving it.",
        )
    model.build_for(given)
