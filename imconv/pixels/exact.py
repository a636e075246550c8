"""Numbers as fractions over one denominator: what makes whole-number arithmetic possible."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from ..errors import KernelError

LARGEST_DENOMINATOR = 4096  # up to here floats are recognised as fractions
ULPS = 4  # how far a float may lie from the fraction it is taken for
LARGEST_INTEGER = 1 << 53  # beyond, float64 no longer holds every integer

Common = tuple[np.ndarray, int]  # int64 numerators, their denominator


def as_fraction(number) -> Fraction:
    """The fraction a number stands for: floats as fractions of up to 1/4096, else as they are written, so that 0.1 is 1/10.

    Raises KernelError for what is not a finite number or too large for float64.
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
    """A finite number, or the text of one, as the fraction it stands for: text keeps every digit."""
    return Fraction(given.strip()) if isinstance(given, str) else as_fraction(given)


def common(fractions: list[list[Fraction]]) -> Common | None:
    """Whole numerators over the smallest common denominator, where float64 can hold every sum of them."""
    denominator = 1
    for row in fractions:
        denominator = math.lcm(denominator, *(f.denominator for f in row))
        if denominator >= LARGEST_INTEGER:
            return None
    numerators = [[f.numerator * (denominator // f.denominator) for f in row] for row in fractions]
    if sum(abs(n) for row in numerators for n in row) >= LARGEST_INTEGER:
        return None
    return _frozen(np.array(numerators, dtype=np.int64)), denominator


def recognise(weights: np.ndarray, spacing: np.ndarray | None = None) -> Common | None:
    """The common denominator of float weights, if there is one up to 4096 within 4 ulp (of `spacing`, default float64's)."""
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
    return _frozen(numerators.astype(np.int64)), denominator


def outer_factors(numerators: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Whole-number (column, row) with `outer(column, row) == numerators`, or None where there are none."""
    filled = np.flatnonzero(numerators.any(axis=1))
    if filled.size == 0:
        return None
    pivot = numerators[filled[0]]
    row = pivot // math.gcd(*pivot.tolist())
    at = int(np.flatnonzero(row)[0])
    column, rest = np.divmod(numerators[:, at], row[at])
    if rest.any() or np.any(np.outer(column, row) != numerators):
        return None
    return _frozen(column), _frozen(row)


def _frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array.view()
