"""Samples as unsigned integers in the same order, of the same size: what the loops for ranks compare."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

# the one NaN that all become, by its size
NAN = {n: np.array(np.nan, f"f{n}").view(f"u{n}")[()] for n in (4, 8)}


def sortable(samples: np.ndarray) -> np.ndarray:
    """Unsigned integers, a view where samples are that already; NaN, whatever its bits, comes after infinity.

    >>> sortable(np.array([-128, 0, 127], np.int8)).tolist()
    [0, 128, 255]
    >>> np.argsort(sortable(np.array([1.5, np.nan, -np.inf, np.inf, -2.0]))).tolist()
    [2, 4, 0, 3, 1]
    """
    kind = np.dtype(f"u{samples.dtype.itemsize}")
    bits = samples.view(kind)
    if samples.dtype.kind in "bu":
        return bits
    top = kind.type(1 << (8 * kind.itemsize - 1))
    if samples.dtype.kind == "i":
        return bits ^ top
    lost = np.isnan(samples)
    if lost.any():
        bits = np.where(lost, NAN[samples.dtype.itemsize], bits)
    return bits ^ (_negative(bits) | top)  # of negative numbers all bits are turned, of others the sign's


def samples_of(keys: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The samples of this type that `sortable` made these integers of."""
    if dtype.kind in "bu":
        return keys.view(dtype)
    top = keys.dtype.type(1 << (8 * dtype.itemsize - 1))
    if dtype.kind == "i":
        return (keys ^ top).view(dtype)
    return (keys ^ (_negative(~keys) | top)).view(dtype)


@lru_cache(maxsize=16)
def rule_of(dtype: np.dtype) -> np.ndarray:
    """How `loops/keys.py` does the same: six bit patterns.

    >>> rule_of(np.dtype("int8")).tolist()
    [128, 127, 127, 0, 128, 128]
    """
    bits = 8 * dtype.itemsize
    sign, mask, every = 1 << (bits - 1), (1 << (bits - 1)) - 1, (1 << bits) - 1
    if dtype.kind == "f":
        rule = (
            sign,
            mask,
            int(np.array(np.inf, dtype).view(f"u{dtype.itemsize}")),
            int(NAN[dtype.itemsize]),
            sign,
            every,
        )
    else:
        turned = sign if dtype.kind == "i" else 0
        rule = sign, mask, mask, 0, turned, turned
    return np.array(rule, f"u{dtype.itemsize}")


def _negative(bits: np.ndarray) -> np.ndarray:
    """All bits set where the highest one is, else none."""
    signed = bits.view(f"i{bits.dtype.itemsize}") >> (8 * bits.dtype.itemsize - 1)
    return signed.view(bits.dtype)
