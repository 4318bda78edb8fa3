"""Hashes of text that are the same in every process, on every machine and in TensorFlow's Keras."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ALL = 2**64 - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
_CAT = 0xC6A4A7935BD1E995
_CROSS_SEED = 0xDECAFCAFFE


def farmhash64(data: bytes) -> int:
    """Computes the 64-bit fingerprint of FarmHash (Pike and Alakuijala 2014, variant farmhashna).

    Args:
        data: Any bytes; text as UTF-8.

    Returns:
        From 0 to 2**64 - 1.

    Example:
        >>> farmhash64(b"hello") % 2**62
        3786372426573024488
    """
    size = len(data)
    if size <= 16:
        return _up_to_16(data, size)
    if size <= 64:
        return _up_to_64(data, size)
    return _longer(data, size)


def siphash64(data: bytes, key: tuple[int, int]) -> int:
    """Computes SipHash-2-4, whose results nobody can aim at without the key (Aumasson and Bernstein 2012).

    Args:
        data: Any bytes; text as UTF-8.
        key: Two 64-bit numbers.

    Returns:
        From 0 to 2**64 - 1.

    Example:
        >>> siphash64(b"a", (5, 7)) % 2**62
        1158549111424006458
    """
    low, high = (int(item) & _ALL for item in key)
    state = [
        low ^ 0x736F6D6570736575,
        high ^ 0x646F72616E646F6D,
        low ^ 0x6C7967656E657261,
        high ^ 0x7465646279746573,
    ]
    whole = len(data) // 8 * 8
    words = [_fetch(data, place) for place in range(0, whole, 8)]
    words.append(int.from_bytes(data[whole:], "little") | (len(data) & 0xFF) << 56)
    for word in words:
        state[3] ^= word
        _sip_rounds(state, 2)
        state[0] ^= word
    state[2] ^= 0xFF
    _sip_rounds(state, 4)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def hash_buckets(texts: Iterable[str], buckets: int, key: tuple[int, int] | None = None) -> NDArray[np.int32]:
    """Gives each text a bucket, equal texts the same one.

    Args:
        texts: N texts.
        buckets: How many buckets there are.
        key: None for FarmHash64; two numbers for SipHash64 with this key.

    Returns:
        int32[N], from 0 to `buckets` - 1.

    Example:
        >>> hash_buckets(["a", "b", "a"], 10).tolist()
        [9, 2, 9]
    """
    known: dict[str, int] = {}
    result = []
    for text in texts:
        bucket = known.get(text)
        if bucket is None:
            data = text.encode("utf-8", "surrogatepass")
            bucket = (farmhash64(data) if key is None else siphash64(data, key)) % buckets
            known[text] = bucket
        result.append(bucket)
    return np.array(result, np.int32)


def cross_buckets(columns: list[list[Any]], buckets: int) -> NDArray[np.int32]:
    """Gives each combination of values a bucket, as TensorFlow's `sparse.cross_hashed` does.

    Args:
        columns: For each feature its N values, texts or whole numbers.
        buckets: How many buckets there are.

    Returns:
        int32[N], from 0 to `buckets` - 1.

    Example:
        >>> cross_buckets([["A", "B", "A"], [101, 101, 101]], 5).tolist()
        [1, 4, 1]
    """
    known: dict[tuple[Any, ...], int] = {}
    result = []
    for values in zip(*columns, strict=True):
        bucket = known.get(values)
        if bucket is None:
            joined = _CROSS_SEED
            for value in values:
                number = (
                    farmhash64(value.encode("utf-8", "surrogatepass"))
                    if isinstance(value, str)
                    else int(value) & _ALL
                )
                joined = _join(joined, number)
            bucket = known[values] = joined % buckets
        result.append(bucket)
    return np.array(result, np.int32)


def _join(one: int, two: int) -> int:
    result = one ^ _CAT
    result ^= _shift_mix(two * _CAT & _ALL) * _CAT & _ALL
    result = result * _CAT & _ALL
    return _shift_mix(_shift_mix(result) * _CAT & _ALL)


def _fetch(data: bytes, place: int) -> int:
    return int.from_bytes(data[place : place + 8], "little")


def _right(value: int, bits: int) -> int:
    value &= _ALL
    return (value >> bits | value << (64 - bits)) & _ALL


def _shift_mix(value: int) -> int:
    return value ^ value >> 47


def _mix(one: int, two: int, factor: int) -> int:
    one, two = one & _ALL, two & _ALL
    first = _shift_mix((one ^ two) * factor & _ALL)
    return _shift_mix((two ^ first) * factor & _ALL) * factor & _ALL


def _up_to_16(data: bytes, size: int) -> int:
    factor = _K2 + size * 2 & _ALL
    if size >= 8:
        a = _fetch(data, 0) + _K2 & _ALL
        b = _fetch(data, size - 8)
        return _mix(_right(b, 37) * factor + a, (_right(a, 25) + b) * factor, factor)
    if size >= 4:
        first = int.from_bytes(data[:4], "little")
        return _mix(size + (first << 3), int.from_bytes(data[size - 4 :], "little"), factor)
    if size == 0:
        return _K2
    y = data[0] + (data[size >> 1] << 8)
    z = size + (data[size - 1] << 2)
    return _shift_mix((y * _K2 ^ z * _K0) & _ALL) * _K2 & _ALL


def _up_to_64(data: bytes, size: int) -> int:
    factor = _K2 + size * 2 & _ALL
    a = _fetch(data, 0) * (_K1 if size <= 32 else _K2) & _ALL
    b = _fetch(data, 8)
    c = _fetch(data, size - 8) * factor & _ALL
    d = _fetch(data, size - 16) * _K2 & _ALL
    y = _right(a + b, 43) + _right(c, 30) + d & _ALL
    z = _mix(y, a + _right(b + _K2, 18) + c, factor)
    if size <= 32:
        return z
    e = _fetch(data, 16) * factor & _ALL
    f = _fetch(data, 24)
    g = (y + _fetch(data, size - 32)) * factor & _ALL
    h = (z + _fetch(data, size - 24)) * factor & _ALL
    return _mix(_right(e + f, 43) + _right(g, 30) + h, e + _right(f + a, 18) + g, factor)


def _longer(data: bytes, size: int) -> int:
    x, y = 81, 81 * _K1 + 113 & _ALL
    z = _shift_mix(y * _K2 + 113 & _ALL) * _K2 & _ALL
    v = w = (0, 0)
    x = x * _K2 + _fetch(data, 0) & _ALL
    for place in range(0, (size - 1) // 64 * 64, 64):
        x, y, z, v, w = _step(data, place, (x, y, z, v, w), _K1, 1)
    factor = _K1 + ((z & 0xFF) << 1) & _ALL
    low = w[0] + (size - 1 & 63) & _ALL
    v = (v[0] + low & _ALL, v[1])
    w = (low + v[0] & _ALL, w[1])
    x, y, z, v, w = _step(data, size - 64, (x, y, z, v, w), factor, 9)
    return _mix(
        _mix(v[0], w[0], factor) + _shift_mix(y) * _K0 + z,
        _mix(v[1], w[1], factor) + x,
        factor,
    )


def _step(data: bytes, place: int, state: tuple[Any, ...], factor: int, weight: int) -> tuple[Any, ...]:
    x, y, z, v, w = state
    x = _right(x + y + v[0] + _fetch(data, place + 8), 37) * factor & _ALL
    y = _right(y + v[1] + _fetch(data, place + 48), 42) * factor & _ALL
    x ^= w[1] * weight & _ALL
    y = y + v[0] * weight + _fetch(data, place + 40) & _ALL
    z = _right(z + w[0], 33) * factor & _ALL
    v = _weak(data, place, v[1] * factor, x + w[0])
    w = _weak(data, place + 32, z + w[1], y + _fetch(data, place + 16))
    return z, y, x, v, w


def _weak(data: bytes, place: int, a: int, b: int) -> tuple[int, int]:
    one, two, three, four = (_fetch(data, place + shift) for shift in (0, 8, 16, 24))
    a += one
    b = _right(b + a + four, 21)
    c = a
    a += two + three
    b += _right(a, 44)
    return a + four & _ALL, b + c & _ALL


def _sip_rounds(state: list[int], count: int) -> None:
    a, b, c, d = state
    for _ in range(count):
        a = a + b & _ALL
        b = _right(b, 51) ^ a
        a = _right(a, 32)
        c = c + d & _ALL
        d = _right(d, 48) ^ c
        a = a + d & _ALL
        d = _right(d, 43) ^ a
        c = c + b & _ALL
        b = _right(b, 47) ^ c
        c = _right(c, 32)
    state[:] = a, b, c, d
