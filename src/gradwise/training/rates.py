"""Learning rates by layer: which variables a pattern means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from gradwise.core.layer import Layer
from gradwise.errors import unknown_name


def multipliers_by_path(layer: Layer, multipliers: Mapping[str, float] | None) -> dict[str, float]:
    """Finds the variables that each pattern means.

    A pattern is compared with the name of each layer around a variable and with "layer/variable"; if it fits
    none in the whole model, with the places in the tree. The last pattern that fits counts.

    Args:
        layer: A built layer or model.
        multipliers: Factors by pattern, or None.

    Returns:
        Factors by place, of the variables that any pattern fits.

    Raises:
        InputError: A pattern fits nothing; the nearest names are given.

    Example:
        >>> from gradwise.layers import Dense
        >>> layer = Dense(2, name="head")
        >>> layer.run_build((None, 3))
        >>> multipliers_by_path(layer, {"head": 0.1, "head/bias": 0.2})
        {'kernel': 0.1, 'bias': 0.2}
    """
    found: dict[str, float] = {}
    if not multipliers:
        return found
    named = {path: _spellings(chain) for path, chain in _chains(layer)}
    placed = {path: set(_prefixes(path)) | {path} for path in named}
    for pattern, factor in multipliers.items():
        fitting = _fitting(named, pattern) or _fitting(placed, pattern)
        if not fitting:
            known = {spelling for spellings in named.values() for spelling in spellings}
            raise unknown_name("learning_rate_multipliers", "a layer of the model", pattern, known)
        found.update(dict.fromkeys(fitting, factor))
    return found


def names_by_path(layer: Layer) -> dict[str, str]:
    """Tells the place of each variable with the layers' own names.

    Args:
        layer: A built layer or model.

    Returns:
        Such as "model/head/kernel", by place.

    Example:
        >>> from gradwise.layers import Dense
        >>> layer = Dense(2, name="head")
        >>> layer.run_build((None, 3))
        >>> names_by_path(layer)
        {'kernel': 'head/kernel', 'bias': 'head/bias'}
    """
    return {path: "/".join(chain) for path, chain in _chains(layer)}


def _chains(layer: Layer) -> Iterator[tuple[str, list[str]]]:
    """Yields each variable's place with the names of the layers around it and its own."""
    layers = dict(layer.walk())
    for path, variable in layer.named_variables().items():
        around = [layers[place].name for place in ["", *_prefixes(path)] if place in layers]
        yield path, [*around, variable.name]


def _prefixes(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _spellings(chain: list[str]) -> set[str]:
    return {*chain[:-1], "/".join(chain[-2:])}


def _fitting(spellings: Mapping[str, set[str]], pattern: str) -> list[str]:
    return [path for path, known in spellings.items() if any(fnmatchcase(item, pattern) for item in known)]
