"""How the engine is asked to compile our programs, and to keep its memory between them, on a CPU."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import sys
from collections.abc import Callable, Iterator
from typing import Any

import jax

_CPU_OPTIONS = {
    # The engine (jaxlib 0.10) leaves convolutions to a library that uses one core; its own use all.
    "xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT,LIBRARY_FUSION_TYPE_REDUCE",
    # Unless told, it fills half of a register of AVX-512; a tanh takes half the time with all of it.
    "xla_cpu_prefer_vector_width": "512",
}

# mallopt(3): the numbers of glibc's settings, and the values it would reach by itself.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4
_MEBIBYTE = 2**20
_KEPT = {_MMAP_MAX: 0, _TRIM_THRESHOLD: 2047 * _MEBIBYTE}
_USUAL = {_MMAP_MAX: 65536, _MMAP_THRESHOLD: 32 * _MEBIBYTE, _TRIM_THRESHOLD: 64 * _MEBIBYTE}


def program(function: Callable[..., Any], **settings: Any) -> Any:
    """Compiles a function on its first call, for the shapes it is then called with.

    Args:
        function: A function of arrays.
        settings: More settings of `jax.jit`.

    Returns:
        The compiled function.

    Example:
        >>> float(program(lambda x: x + 1)(1.0))
        2.0
    """
    return jax.jit(function, compiler_options=_options(), **settings)


@functools.cache
def _options() -> dict[str, str] | None:
    if jax.default_backend() != "cpu":
        return None
    try:
        jax.jit(lambda: 0, compiler_options=_CPU_OPTIONS)()
    except jax.errors.JaxRuntimeError:
        return None  # another version of the engine, which does not know the setting
    return _CPU_OPTIONS


_depth = 0


@contextlib.contextmanager
def memory_kept() -> Iterator[None]:
    """Keeps the memory that programs work in from one call to the next, while this context lasts.

    A program on a CPU asks the C library for its working memory, hundreds of megabytes in convolutional
    networks, and gives it back at the end. The system then hands out zeroed pages again at the next call,
    one page fault each, which takes longer than many of the program's operations: a step of ResNet-20 took
    190 ms so, and 110 ms with its memory kept.

    Other C libraries than glibc, and other devices, are left alone.

    Example:
        >>> with memory_kept():
        ...     pass
    """
    global _depth
    _depth += 1
    if _depth == 1:
        _set_allocator(_KEPT)
    try:
        yield
    finally:
        _depth -= 1
        if _depth == 0:
            _set_allocator(_USUAL)


def _set_allocator(values: dict[int, int]) -> None:
    mallopt = _mallopt()
    if mallopt is not None and jax.default_backend() == "cpu":
        for setting, value in values.items():
            mallopt(setting, value)


@functools.cache
def _mallopt() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library.mallopt if hasattr(library, "gnu_get_libc_version") else None
