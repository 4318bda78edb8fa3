"""Products of an array with a kernel in Einstein's notation: which sizes the kernel and the bias have."""

from __future__ import annotations

import re
from typing import NamedTuple

from gradwise.errors import InputError

__all__ = ["EinsumSizes", "einsum_sizes", "parse_equation"]

Sizes = tuple[int | None, ...]


class EinsumSizes(NamedTuple):
    """The sizes of a kernel and a bias, and which kernel axes are summed over (`summed`) or new (`made`).

    Example:
        >>> EinsumSizes((3, 4), (4,), (0,), (1,)).kernel
        (3, 4)
    """

    kernel: Sizes
    bias: Sizes | None
    summed: tuple[int, ...]
    made: tuple[int, ...]


def parse_equation(equation: str, where: str) -> tuple[str, str, str]:
    """Splits an equation into inputs, kernel and outputs; "0" in them stands for the axes not named.

    Args:
        equation: "ab,bc->ac", "...b,bc->...c" or "ab...,bc->ac...".
        where: What to call the layer in errors.

    Returns:
        The three parts.

    Raises:
        InputError: It has none of these forms, or its letters cannot be sizes of a layer.

    Example:
        >>> parse_equation("...b,bc->...c", "EinsumDense")
        ('0b', 'bc', '0c')
    """
    text = str(equation).replace(" ", "").replace("...", "0")
    parts = re.fullmatch(r"(0?[a-zA-Z]+0?),([a-zA-Z]+)->(0?[a-zA-Z]+0?)", text)
    if parts is None or any(part.count("0") > 1 for part in parts.groups()):
        raise _unusable(where, equation, "one of the forms 'ab,bc->ac', '...b,bc->...c' or 'ab...,bc->ac...'")
    inputs, kernel, outputs = parts.groups()
    same_place = (inputs[0] == "0") == (outputs[0] == "0") and (inputs[-1] == "0") == (outputs[-1] == "0")
    if not same_place:
        raise _unusable(where, equation, "'...' in the same place of inputs and outputs")
    if inputs[0] != outputs[0] or inputs[0] in kernel:
        raise _unusable(where, equation, "the batch as first letter of inputs and outputs, not in the kernel")
    named = set(inputs) | set(outputs)
    if any(len(set(part)) < len(part) for part in (inputs, kernel, outputs)) or not set(kernel) <= named:
        raise _unusable(where, equation, "each letter once in a part, and the kernel's letters in others too")
    if not set(outputs) <= set(inputs) | set(kernel):
        raise _unusable(where, equation, "every letter of the outputs in the inputs or the kernel")
    return inputs, kernel, outputs


def einsum_sizes(
    equation: str, bias_axes: str | None, input_shape: Sizes, output_shape: Sizes, where: str
) -> EinsumSizes:
    """Works out the sizes of kernel and bias from those of the inputs and, in part, the outputs.

    Args:
        equation: As for `parse_equation`.
        bias_axes: The letters of the outputs along which the bias varies, or None for no bias.
        input_shape: The shape of the inputs, with None for unknown sizes.
        output_shape: The sizes of the outputs' letters without the batch and without '...'; None where
            the inputs tell.
        where: What to call the layer in errors.

    Returns:
        The sizes.

    Raises:
        InputError: The number of axes, a size or a letter of the bias does not fit the equation.

    Example:
        >>> einsum_sizes("abc,cd->abd", "d", (None, 5, 3), (None, 4), "EinsumDense")
        EinsumSizes(kernel=(3, 4), bias=(4,), summed=(0,), made=(1,))
    """
    inputs, kernel, outputs = parse_equation(equation, where)
    named = inputs.replace("0", "")
    elided = len(input_shape) - len(named)
    if elided < 0 or (elided and "0" not in inputs):
        count = f"at least {len(named)}" if "0" in inputs else f"{len(named)}"
        raise InputError(
            where,
            expected=f"inputs with {count} axes, as '{equation}' says",
            got=input_shape,
            fix="Change the equation, or reshape the inputs.",
        )
    have = dict(zip(named, input_shape[elided:] if inputs[0] == "0" else input_shape, strict=False))
    # A leading '...' holds the batch; otherwise the first letter does, and `output_shape` leaves it out.
    letters = outputs.replace("0", "")[0 if outputs[0] == "0" else 1 :]
    if len(output_shape) != len(letters):
        raise InputError(
            where,
            expected=f"an output_shape with a size for each of the letters '{letters}'",
            got=output_shape,
            fix="Leave out the batch and '...'; write None where the inputs tell the size.",
        )
    want = dict(zip(letters, output_shape, strict=True))
    for letter in named:
        given, known = want.get(letter), have[letter]
        if given is not None and known is not None and given != known:
            raise InputError(
                where,
                expected=f"the size {known} of the inputs for the letter '{letter}'",
                got=f"{given} in output_shape",
                fix="Write None there.",
            )
    sizes = tuple(have.get(letter, want.get(letter)) for letter in kernel)
    made = tuple(place for place, letter in enumerate(kernel) if letter in outputs)
    summed = tuple(place for place, letter in enumerate(kernel) if letter not in outputs)
    bias = (
        None
        if bias_axes is None
        else _bias_sizes(bias_axes, outputs, {**want, **_known(have)}, elided, where)
    )
    return EinsumSizes(sizes, bias, summed, made)


def _known(sizes: dict[str, int | None]) -> dict[str, int | None]:
    return {letter: size for letter, size in sizes.items() if size is not None}


def _bias_sizes(axes: str, outputs: str, sizes: dict[str, int | None], elided: int, where: str) -> Sizes:
    if not axes or not set(axes) <= set(outputs) - {"0"}:
        raise InputError(
            where,
            expected=f"bias_axes out of the letters of the outputs, '{outputs.replace('0', '')}'",
            got=repr(axes),
            fix="Name the axes along which the bias varies, mostly the last letter.",
        )
    first = min(outputs.index(letter) for letter in axes)
    varies = [sizes.get(letter) if letter in axes else 1 for letter in outputs[first:] if letter != "0"]
    return (*varies, *((1,) * elided if outputs[-1] == "0" else ()))


def _unusable(where: str, equation: str, expected: str) -> InputError:
    return InputError(
        where,
        expected=f"an equation with {expected}" if not expected.startswith("one") else expected,
        got=repr(equation),
        fix="Dense over the last of three axes is 'abc,cd->abd', for example.",
    )
