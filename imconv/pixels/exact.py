"""Numbers as exact fractions, and weights as whole numerators over one common denominator."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

import numpy as np

from ..errors import KernelError

LARGEST_DENOMINATOR = 4096  # floats are recognised as fractions with denominators up to this one
ULPS = 4  # largest distance between a float and the fraction it is recognised as
LARGEST_INTEGER = 1 << 53  # float64 holds every integer up to this one

Common = tuple[np.ndarray, int]  # int64 numerators, their denominator


def as_fraction(number) -> Fraction:
    """The fraction that a number stands for.

    A float becomes the nearest fraction with a denominator up to 4096 if one lies within 4 ulp, else the exact value of its
    decimal digits. Raises KernelError for anything but a finite number, and for numbers too large for float64.
    """
    try:
        if isinstance(number, (int, Fraction, np.integer)):
            exact = Fraction(int(number)) if isinstance(number, np.integer) else Fraction(number)
            float(exact)
            return exact
        number = float(number)
        simple = Fraction(number).limit_denominator(LARGEST_DENOMINATOR)
    except (TypeError, ValueError, OverflowError):
        raise KernelError(f"expected a finite number, not {number!r}") from None
    return simple if abs(float(simple) - number) <= ULPS * math.ulp(number) else Fraction(repr(number))


def fraction_of(given) -> Fraction:
    """The fraction that a finite number, or the text of one, stands for. Of text every digit counts."""
    return Fraction(given.strip()) if isinstance(given, str) else as_fraction(given)


def common_denominator(fractions: Iterable[Fraction]) -> int | None:
    """The smallest common denominator; None as soon as it leaves the integers that float64 holds."""
    denominator = 1
    for fraction in fractions:
        denominator = math.lcm(denominator, fraction.denominator)
        if denominator >= LARGEST_INTEGER:
            return None
    return denominator


def common(fractions: list[list[Fraction]]) -> Common | None:
    """Whole numerators over the smallest common denominator; None if a sum of numerators could leave float64's integers."""
    denominator = common_denominator(f for row in fractions for f in row)
    if denominator is None:
        return None
    numerators = [[f.numerator * (denominator // f.denominator) for f in row] for row in fractions]
    if sum(abs(n) for row in numerators for n in row) >= LARGEST_INTEGER:
        return None
    return frozen(np.array(numerators, dtype=np.int64)), denominator


def recognise(weights: np.ndarray, spacing: np.ndarray | None = None) -> Common | None:
    """Numerators and common denominator of float weights; None if there is no denominator up to 4096 within 4 ulp.

    `spacing` is the size of an ulp for each weight, float64's by default.
    """
    if np.abs(weights).max() >= LARGEST_INTEGER:
        return None
    spacing = np.spacing(np.abs(weights)) if spacing is None else spacing
    distinct, where = np.unique(np.abs(weights), return_index=True)
    denominator = 1
    for weight, ulp in zip(distinct.tolist(), spacing.ravel()[where].tolist(), strict=True):
        simple = Fraction(weight).limit_denominator(LARGEST_DENOMINATOR)
        denominator = math.lcm(denominator, simple.denominator)
        if denominator > LARGEST_DENOMINATOR or abs(float(simple) - weight) > ULPS * ulp:
            return None
    numerators = np.rint(weights * denominator)
    if np.any(np.abs(numerators / denominator - weights) > ULPS * spacing):
        return None
    if np.abs(numerators).sum() >= LARGEST_INTEGER:
        return None
    return frozen(numerators.astype(np.int64)), denominator


def outer_factors(numerators: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Whole-number (column, row) with `outer(column, row) == numerators`, or None if there are none."""
    filled = np.flatnonzero(numerators.any(axis=1))
    if filled.size == 0:
        return None
    pivot = numerators[filled[0]]
    row = pivot // math.gcd(*pivot.tolist())
    at = int(np.flatnonzero(row)[0])
    column, rest = np.divmod(numerators[:, at], row[at])
    if rest.any() or np.any(np.outer(column, row) != numerators):
        return None
    return frozen(column), frozen(row)


def frozen(array: np.ndarray) -> np.ndarray:
    """A view of an array that is read-only from now on; such a view can't be made writeable again."""
    array.flags.writeable = False
    return array.view()
