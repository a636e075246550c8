"""Sample types: their ranges, the types that loops read, and up to where floats hold whole numbers exactly."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

# integer types that loops read directly, with their largest sample; others are converted to float64
LARGEST_SAMPLE = {"bool": 1, "uint8": 255, "uint16": 65535}
FLOAT_TYPES = ("float32", "float64")

# A float type holds whole numbers below this limit exactly. Sums, with the number added for rounding, must stay below it.
EXACT_LIMIT = {"float32": 2**24, "float64": 2**53}

# For whole sums N below this limit a product replaces the division: floor(N / d) = floor((N + 1/2) * (1 / d)). The error of
# both roundings is at most N / d * 2^-23 (float64: 2^-52), less than 1 / (2 d), and (N + 1/2) / d is at least 1 / (2 d) away
# from every whole number.
PRODUCT_LIMIT = {"float32": 2**22, "float64": 2**51}


@lru_cache(maxsize=64)
def type_name(dtype: np.dtype) -> str:
    """`dtype.name`, cached: NumPy computes it on every call."""
    return dtype.name


def loop_type(source: np.dtype) -> str:
    """The name of the type in which loops read samples of a picture's type."""
    name = type_name(source)
    return name if name in LARGEST_SAMPLE or name in FLOAT_TYPES else "float64"


def type_range(dtype: np.dtype) -> tuple[float, float]:
    """The smallest and largest sample of a type: 0 and 1 for bool and floats."""
    dtype = np.dtype(dtype)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return float(info.min), float(info.max)
    return 0.0, 1.0


def largest_sample(source: np.dtype) -> int | None:
    """The largest absolute value of an integer or bool type, None for floats."""
    if source.name in LARGEST_SAMPLE:
        return LARGEST_SAMPLE[source.name]
    if source.kind in "iu":
        info = np.iinfo(source)
        return max(-int(info.min), int(info.max))
    return None
