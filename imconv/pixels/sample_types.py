"""What arithmetic the contract asks for: whole numbers where a kernel is fractions, else sums short enough to be right."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

# pixel types the loops read as they are, with the largest sample; anything else goes through float64
LARGEST_SAMPLE = {"bool": 1, "uint8": 255, "uint16": 65535}
FLOAT_TYPES = ("float32", "float64")

# Whole-number sums below these, rounding included, are held exactly, and so are their quotients' remainders.
EXACT_LIMIT = {"float32": 2**24, "float64": 2**53}

# Whole sums N below these are divided by a product: floor(N / d) is the whole part of (N + 1/2) * (1 / d), since the
# roundings of both, at most N / d * 2^-23 (2^-52), are less than the 1 / (2 d) that N + 1/2 keeps from a multiple of d.
PRODUCT_LIMIT = {"float32": 2**22, "float64": 2**51}


@lru_cache(maxsize=64)
def type_name(dtype: np.dtype) -> str:
    """`dtype.name`, which numpy makes anew each time."""
    return dtype.name


def loop_type(source: np.dtype) -> str:
    """The type in which the loops see samples of a picture's type."""
    name = type_name(source)
    return name if name in LARGEST_SAMPLE or name in FLOAT_TYPES else "float64"


def type_range(dtype: np.dtype) -> tuple[float, float]:
    """Smallest and largest sample: an integer type's own, 0 and 1 for bool and floats."""
    dtype = np.dtype(dtype)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return float(info.min), float(info.max)
    return 0.0, 1.0


def largest_sample(source: np.dtype) -> int | None:
    """The largest absolute value of an integer type, None for floats."""
    if source.name in LARGEST_SAMPLE:
        return LARGEST_SAMPLE[source.name]
    if source.kind in "iu":
        info = np.iinfo(source)
        return max(-int(info.min), int(info.max))
    return None
