"""Converts samples to unsigned integers of the same size and order, which ranking loops compare, and back."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

# by size in bytes: the bits of the one NaN that replaces all others
NAN = {n: np.array(np.nan, f"f{n}").view(f"u{n}")[()] for n in (4, 8)}


def sortable(samples: np.ndarray) -> np.ndarray:
    """Convert samples to unsigned integers in the same order; every NaN comes after infinity.

    For bool and unsigned samples the result is a view.

    >>> sortable(np.array([-128, 0, 127], np.int8)).tolist()
    [0, 128, 255]
    >>> np.argsort(sortable(np.array([1.5, np.nan, -np.inf, np.inf, -2.0]))).tolist()
    [2, 4, 0, 3, 1]
    """
    unsigned = np.dtype(f"u{samples.dtype.itemsize}")
    bits = samples.view(unsigned)
    if samples.dtype.kind in "bu":
        return bits
    top = unsigned.type(1 << (8 * unsigned.itemsize - 1))
    if samples.dtype.kind == "i":
        return bits ^ top
    lost = np.isnan(samples)
    if lost.any():
        bits = np.where(lost, NAN[samples.dtype.itemsize], bits)
    return bits ^ (_negative(bits) | top)  # inverts all bits of negative numbers, and the sign bit of others


def samples_of(keys: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Convert integers from `sortable` to samples of this type."""
    if dtype.kind in "bu":
        return keys.view(dtype)
    top = keys.dtype.type(1 << (8 * dtype.itemsize - 1))
    if dtype.kind == "i":
        return (keys ^ top).view(dtype)
    return (keys ^ (_negative(~keys) | top)).view(dtype)


@lru_cache(maxsize=16)
def rule_of(dtype: np.dtype) -> np.ndarray:
    """The `rule` by which `loops/sortable.py` does the same: six bit patterns SIGN, MASK, LAST, LOST, FLIP, TURN.

    Samples whose bits are at least SIGN (negative ones) are XORed with TURN, others with FLIP. Before that, a NaN (bits & MASK
    is greater than LAST, the pattern of infinity) is replaced by the one NaN, LOST.

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
    """Integers with all bits set where the highest bit of `bits` is set, else 0."""
    signed = bits.view(f"i{bits.dtype.itemsize}") >> (8 * bits.dtype.itemsize - 1)
    return signed.view(bits.dtype)
