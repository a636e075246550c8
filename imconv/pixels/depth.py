"""Sample depth: from which type to which, and what black and white become on the way."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ..errors import OptionError, nearest

DEPTHS = {"keep": None, "8": "uint8", "16": "uint16", "float": "float32"}


def parse_depth(depth) -> str:
    """One of DEPTHS from its name, or from the numbers 8 and 16; None is "keep". OptionError for anything else.

    >>> parse_depth(8), parse_depth("Float"), parse_depth(None)
    ('8', 'float', 'keep')
    """
    word = "keep" if depth is None else str(depth).strip().lower()
    if word not in DEPTHS or isinstance(depth, bool):
        raise OptionError(f"depth must be {', '.join(DEPTHS)}, not {depth!r}{nearest(word, DEPTHS)}")
    return word


def white(dtype) -> int:
    """The sample that counts as 1.0: an integer type's largest, 1 for bool and floats. Black is 0, for signed types too.

    >>> white("uint16"), white("bool"), white("float32")
    (65535, 1, 1)
    """
    dtype = np.dtype(dtype)
    return int(np.iinfo(dtype).max) if dtype.kind in "iu" else 1


def rescaled(depth, image_type) -> tuple[np.dtype, Fraction]:
    """The type a depth asks for, and what samples are multiplied by to get there: white becomes white.

    >>> rescaled("8", "uint16"), rescaled("float", "uint8")
    ((dtype('uint8'), Fraction(1, 257)), (dtype('float32'), Fraction(1, 255)))
    """
    target = np.dtype(DEPTHS[parse_depth(depth)] or image_type)
    return target, Fraction(white(target), white(image_type))
