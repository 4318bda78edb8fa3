"""The checks of settings and shapes that several families of layers share."""

from __future__ import annotations

from typing import Any

from gradwise import config
from gradwise.errors import InputError

DATA_FORMATS = ("channels_last", "channels_first")

_INPUTS = {
    1: ("sequences", "steps"),
    2: ("images", "height, width"),
    3: ("volumes", "depth, height, width"),
}


def _is_positive(value: Any) -> bool:
    return not isinstance(value, bool) and hasattr(value, "__index__") and value >= 1


def check_count(where: str, what: str, value: Any) -> int:
    """Refuses anything but a positive integer.

    Args:
        where: The layer, for the error.
        what: The setting.
        value: What was given.

    Returns:
        The integer.

    Raises:
        InputError: `value` is not a positive integer.

    Example:
        >>> check_count("Dense", "units", 3)
        3
    """
    if not _is_positive(value):
        raise InputError(
            where, expected=f"{what} to be a positive integer", got=repr(value), fix=f"Set {what}=64, say."
        )
    return int(value)


def per_axis(where: str, what: str, value: Any, rank: int) -> tuple[int, ...]:
    """Turns a number or a tuple into one positive integer for each spatial axis.

    Args:
        where: The layer, for the error.
        what: The setting.
        value: One number for all axes, or a tuple or list with one for each.
        rank: The number of spatial axes.

    Returns:
        `rank` positive integers.

    Raises:
        InputError: `value` is anything else.

    Example:
        >>> per_axis("Conv2D", "kernel_size", 3, 2)
        (3, 3)
    """
    items = tuple(value) if isinstance(value, (tuple, list)) else (value,) * rank
    if len(items) != rank or not all(_is_positive(item) for item in items):
        example = f"{what}={(3,) * rank}"
        raise InputError(
            where,
            expected=f"{what} to be a positive integer" + (f" or {rank} of them" if rank > 1 else ""),
            got=repr(value),
            fix=f"Write {what}=3 or {example}." if rank > 1 else f"Write {what}=3.",
        )
    return tuple(int(item) for item in items)


def check_choice(where: str, what: str, value: Any, choices: tuple[str, ...]) -> str:
    """Refuses a string that is not one of the choices; case does not matter.

    Args:
        where: The layer, for the error.
        what: The setting.
        value: What was given.
        choices: What is accepted.

    Returns:
        The choice.

    Raises:
        InputError: `value` is none of them.

    Example:
        >>> check_choice("Conv2D", "padding", "SAME", ("valid", "same"))
        'same'
    """
    if not isinstance(value, str) or value.lower() not in choices:
        raise InputError(
            where,
            expected=f"{what} to be one of {', '.join(choices)}",
            got=repr(value),
            fix=f"Set {what}='{choices[0]}'.",
        )
    return value.lower()


def check_data_format(where: str, value: Any) -> str:
    """Refuses anything but a data format; None stands for the library's setting.

    Args:
        where: The layer, for the error.
        value: 'channels_last', 'channels_first' or None.

    Returns:
        The data format.

    Raises:
        InputError: `value` is neither.

    Example:
        >>> check_data_format("Conv2D", None)
        'channels_last'
    """
    return check_choice(
        where, "data_format", config.image_data_format() if value is None else value, DATA_FORMATS
    )


def check_rank(where: str, shape: Any, rank: int, data_format: str = "channels_last") -> None:
    """Refuses inputs that are not batches of sequences, images or volumes with a channel axis.

    Args:
        where: The layer, for the error.
        shape: The shape of the inputs.
        rank: The number of spatial axes: 1 for sequences, 2 for images, 3 for volumes.
        data_format: 'channels_last' or 'channels_first'.

    Raises:
        InputError: There are not `rank` + 2 axes.

    Example:
        >>> check_rank("Conv2D", (None, 28, 28, 1), 2)
    """
    if len(shape) == rank + 2:
        return
    noun, axes = _INPUTS[rank]
    last = data_format == "channels_last"
    example = "x[..., None]" if last else "x[:, None]"
    raise InputError(
        where,
        expected=f"{noun} of shape "
        + (f"[batch, {axes}, channels]" if last else f"[batch, channels, {axes}]"),
        got=tuple(shape),
        fix=f"{noun.capitalize()} need a channel axis: {example} adds one."
        if len(shape) == rank + 1
        else "Reshape the inputs.",
    )
