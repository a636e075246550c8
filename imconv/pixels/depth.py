"""Sample depth: which value is white in each type, and the exact factor from one type to another."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ..errors import OptionError, nearest

SAMPLE_TYPES = (
    "uint8",
    "uint16",
    "int32",
    "uint32",
    "int64",
    "uint64",
    "float32",
    "float64",
    "bool",
)  # that files can have
DEPTHS = {"keep": None, "8": "uint8", "16": "uint16", "float": "float32"}


def parse_depth(depth) -> str:
    """Return one of DEPTHS for its name, for the numbers 8 and 16, or for None ("keep"). OptionError for anything else.

    >>> parse_depth(8), parse_depth("Float"), parse_depth(None)
    ('8', 'float', 'keep')
    """
    word = "keep" if depth is None else str(depth).strip().lower()
    if word not in DEPTHS or isinstance(depth, bool):
        raise OptionError(f"depth must be {', '.join(DEPTHS)}, not {depth!r}{nearest(word, DEPTHS)}")
    return word


def white(dtype) -> int:
    """The sample value of white: the largest of an integer type, 1 for bool and floats. Black is 0, also in signed types.

    >>> white("uint16"), white("bool"), white("float32")
    (65535, 1, 1)
    """
    dtype = np.dtype(dtype)
    return int(np.iinfo(dtype).max) if dtype.kind in "iu" else 1


def rescaled(depth, image_type, image_white: int | None = None) -> tuple[np.dtype, Fraction]:
    """The type that a depth stands for, and the factor from samples of `image_type` to it, which maps white to white.

    `image_white` is the picture's white where that is not the type's largest value.

    >>> rescaled("8", "uint16"), rescaled("float", "uint8")
    ((dtype('uint8'), Fraction(1, 257)), (dtype('float32'), Fraction(1, 255)))
    """
    target = np.dtype(DEPTHS[parse_depth(depth)] or image_type)
    return target, Fraction(white(target), image_white or white(image_type))
