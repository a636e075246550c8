"""Checks for the values in a network's description, with their defaults.

A check returns the value in the form that the rest of imconv uses, or raises ValueError with what was expected.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

MOST_SAMPLES = 1 << 20  # the largest number of channels or samples
LARGEST_WINDOW = 1 << 10
REQUIRED = object()


@dataclass(frozen=True)
class Attribute:
    """One key: its check, its default (REQUIRED if it must be given), and what it means."""

    check: Callable
    default: object = REQUIRED
    about: str = ""

    @property
    def expected(self) -> str:
        """The values that the check accepts, in words."""
        try:
            self.check(REQUIRED)  # a value of no type that a file can hold
        except ValueError as error:
            return str(error)
        return "anything"


def whole(least: int = 1, most: int = MOST_SAMPLES) -> Callable:
    """A check for a whole number from `least` to `most`."""

    def check(value) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return value

    return check


def number(least: float = 0.0, most: float = 1e6) -> Callable:
    """A check for a number from `least` to `most`, returned as a float."""

    def check(value) -> float:
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"a number from {least:g} to {most:g}")
        return float(value)

    return check


def numbers(least: float = -1e6, most: float = 1e6) -> Callable:
    """A check for a list of 1 to 4 numbers, returned as a tuple of floats."""
    one = number(least, most)

    def check(value) -> tuple[float, ...]:
        if not isinstance(value, list) or not 1 <= len(value) <= 4:
            raise ValueError("a list of 1 to 4 numbers, one for each channel")
        return tuple(one(v) for v in value)

    return check


def pair(most: int = LARGEST_WINDOW, least: int = 1) -> Callable:
    """A check for one whole number for both axes or `[rows, columns]`, returned as a tuple of two."""
    one = whole(least, most)

    def check(value) -> tuple[int, int]:
        values = value if isinstance(value, list) else [value]
        try:
            if len(values) not in (1, 2):
                raise ValueError
            return one(values[0]), one(values[-1])
        except ValueError:
            raise ValueError(f"a whole number from {least} to {most}, or [rows, columns]") from None

    return check


def factors(most: float) -> Callable:
    """A check for one number for both axes or `[rows, columns]`, returned as a tuple of two; whole ones as integers."""
    one = number(1, most)

    def check(value) -> tuple[float, float]:
        values = value if isinstance(value, list) else [value]
        try:
            if len(values) not in (1, 2):
                raise ValueError
            found = [int(n) if n.is_integer() else n for n in map(one, values)]
        except ValueError:
            raise ValueError(f"a number from 1 to {most:g} such as 2 or 1.5, or [rows, columns]") from None
        return found[0], found[-1]

    return check


def sides(most: int) -> Callable:
    """A check for the shorter side, returned as a tuple of one, or `[rows, columns]`, returned as a tuple of two."""
    both = pair(most)

    def check(value) -> tuple[int, ...]:
        return both(value) if isinstance(value, list) and len(value) == 2 else both(value)[:1]

    return check


def padding(value) -> str | tuple[int, int, int, int]:
    """Check a padding: a word, or numbers of samples, returned as (top, bottom, left, right).

    "half" pads half the window on every side, which keeps the size if the stride is 1. "same" is TensorFlow's and Keras' word
    for the smallest padding with ceil(size / stride) results.
    """
    if value in ("half", "same"):
        return value
    values, one = value if isinstance(value, list) else [value], whole(0, LARGEST_WINDOW)
    try:
        if len(values) not in (1, 2, 4):
            raise ValueError
        values = [one(v) for v in values]
    except ValueError:
        raise ValueError('"half", "same", a whole number, [rows, columns] or [top, bottom, left, right]') from None
    return tuple(values) if len(values) == 4 else (values[0], values[0], values[-1], values[-1])


def flag(value) -> bool:
    """Check that a value is true or false."""
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def text(value) -> str:
    """Check that a value is one line of printable text."""
    if not isinstance(value, str) or len(value) > 1000 or not value.isprintable():
        raise ValueError("text in quotation marks, of one line")
    return value


def beginnings(value) -> tuple[str, ...]:
    """Check a list of the beginnings of keys."""
    if not isinstance(value, list):
        raise ValueError('a list of the beginnings of keys, as ["aux1."]')
    return tuple(text(one) for one in value)


def word(*known: str) -> Callable:
    """A check for one of some words."""

    def check(value) -> str:
        if value not in known:
            from ..errors import nearest

            raise ValueError(f"one of {', '.join(known)}{nearest(value, known) if isinstance(value, str) else ''}")
        return value

    return check


def table(value) -> tuple[tuple[int, ...], ...]:
    """Check a table of connections: for each output map the sorted numbers, from 0, of its input maps."""
    one = whole(0)
    if not isinstance(value, list) or not value or not all(isinstance(row, list) and row for row in value):
        raise ValueError("a list with a list of input maps for each output map, such as [[0, 1, 2], [1, 2, 3]]")
    rows = tuple(tuple(one(v) for v in row) for row in value)
    if any(list(row) != sorted(set(row)) for row in rows):
        raise ValueError("lists of input maps in ascending order, each map once")
    return rows
