"""Output shapes by tracing: nobody writes them by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from gradwise.core.symbolic import SymbolicTensor
from gradwise.errors import GradwiseError, InputError

# Unknown sizes are stood in for by two sets of numbers; a size of the output that differs between the two
# traces is unknown as well. The numbers are prime and large, so that no sum or product of them meets another.
_STAND_INS = ((29, 1009), (31, 1511))


def shapes_of(structure: Any) -> Any:
    """Returns the shape of an array or symbolic tensor, or of each one in a structure.

    Example:
        >>> shapes_of([np.zeros((2, 3)), np.zeros(4)])
        [(2, 3), (4,)]
    """
    return jax.tree.map(lambda leaf: tuple(np.shape(leaf)), structure)


def output_spec(
    trace: Callable[[Any, Any, Any], Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """Finds what a call would return for symbolic inputs, with None for unknown sizes.

    Args:
        trace: A function of (args, kwargs, shapes of args) that calls the layer.
        args: Positional arguments; symbolic tensors in it are replaced by stand-ins.
        kwargs: Named arguments, likewise.

    Returns:
        A structure of `SymbolicTensor` without nodes.

    Raises:
        InputError: `call` needs the value of a tensor, which has none yet.

    Example:
        >>> source = SymbolicTensor((None, 4), "float32")
        >>> output_spec(lambda args, kwargs, shapes: args[0][:, :2], (source,), {}).shape
        (None, 2)
    """
    shapes = jax.tree.map(
        lambda leaf: leaf.shape if isinstance(leaf, SymbolicTensor) else np.shape(leaf), args
    )
    leaves, structure = jax.tree.flatten((args, kwargs))
    places = [place for place, leaf in enumerate(leaves) if isinstance(leaf, SymbolicTensor)]

    def run(tensors: list[Any]) -> Any:
        filled = list(leaves)
        for place, tensor in zip(places, tensors, strict=True):
            filled[place] = tensor
        real_args, real_kwargs = jax.tree.unflatten(structure, filled)
        return trace(real_args, real_kwargs, shapes)

    results = []
    for batch, other in _STAND_INS:
        stand_ins = [_stand_in(leaves[place], batch, other) for place in places]
        results.append(_evaluate(run, stand_ins))
        if all(None not in leaves[place].shape for place in places):
            results.append(results[0])
            break
    return jax.tree.map(_merge, *results)


def _evaluate(run: Callable[[list[Any]], Any], stand_ins: list[Any]) -> Any:
    try:
        return jax.eval_shape(run, stand_ins)
    except GradwiseError:
        raise
    except jax.errors.TracerArrayConversionError as error:
        raise InputError(
            f"call{_user_line(error)}",
            expected="functions of jax.numpy",
            got="one of NumPy, which needs values that are not known while the model is being built",
            fix="Write `import jax.numpy as jnp` and jnp.maximum(x, 0) instead of np.maximum(x, 0).",
        ) from None
    except jax.errors.ConcretizationTypeError as error:
        raise InputError(
            f"call{_user_line(error)}",
            expected="no Python `if`, `while` or conversion to a number on a tensor",
            got="a tensor whose value is not known while the model is being built",
            fix="Use jax.numpy.where(condition, a, b) or jax.lax.cond(condition, f, g, x).",
        ) from None


def _user_line(error: BaseException) -> str:
    import traceback

    others = (Path(__file__).parents[1], Path(jax.__file__).parent, Path(np.__file__).parent)
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not any(folder in Path(frame.filename).parents for folder in others)
        and not frame.filename.endswith("contextlib.py")
    ]
    return f" ({frames[-1].filename}, line {frames[-1].lineno}: {frames[-1].line})" if frames else ""


def _stand_in(tensor: SymbolicTensor, batch: int, other: int) -> jax.ShapeDtypeStruct:
    if tensor.dtype.kind == "O":
        raise InputError(
            "call",
            expected="numbers",
            got="text, or the raw columns of a table",
            fix="Put a layer before it that makes numbers of them: TextVectorization or TableFeatures, say.",
        )
    sizes = tuple(
        (batch if axis == 0 else other) if size is None else size for axis, size in enumerate(tensor.shape)
    )
    return jax.ShapeDtypeStruct(sizes, tensor.dtype)


def _merge(first: Any, second: Any) -> SymbolicTensor:
    sizes = tuple(one if one == two else None for one, two in zip(first.shape, second.shape, strict=True))
    return SymbolicTensor(sizes, first.dtype)
