"""What layers that learn from data before training share: reading the data, and refusing settings."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from gradwise.errors import InputError


def parts_of(data: Any, steps: int | None = None) -> Iterator[Any]:
    """Yields the batches of a stream, or all data at once.

    Args:
        data: An array, a list or a column; or an iterable of batches, of which (x, y) give x.
        steps: How many batches of an iterable to take; by default all.

    Yields:
        Arrays or lists.

    Example:
        >>> list(parts_of(iter([([1, 2], 0), ([3], 1)])))
        [[1, 2], [3]]
    """
    whole = (
        isinstance(data, (list, tuple, str, bytes))
        or hasattr(data, "__array__")
        or hasattr(data, "to_numpy")
        or not hasattr(data, "__iter__")
    )
    if whole:
        yield data
        return
    for batch in islice(data, steps):
        yield batch[0] if isinstance(batch, tuple) else batch


def refuse_sparse(where: str, **settings: Any) -> None:
    """Refuses Keras' settings for tensors that XLA does not have.

    Args:
        where: The layer, for the error.
        settings: `sparse` or `ragged` as given.

    Raises:
        InputError: One of them is on.

    Example:
        >>> refuse_sparse("here", sparse=False)
    """
    for name, value in settings.items():
        if value:
            raise InputError(
                where,
                expected=f"{name}=False, as compiled programs take arrays of one shape",
                got=f"{name}={value!r}",
                fix="Leave it out; output_mode='int' with an Embedding saves memory, and bucket_by_length "
                "saves padding.",
            )
