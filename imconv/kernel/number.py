"""The numbers of kernel files: read as exact fractions (0.1 is one tenth), written so that they read back equal."""

from __future__ import annotations

import re
from fractions import Fraction

from ..errors import KernelError

LONGEST_NUMBER = 40  # characters
LARGEST_EXPONENT = 99  # the exact value of 1e999999999 would take all memory
EXAMPLES = "a number such as 1, 0.5, 1/9 or 2-1/9"

_PIECE = re.compile(r"(^[+-]?|[+-]|(?!^)/[+-]?)([0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE]([+-]?[0-9]+))?")


class NumberError(KernelError):
    """Raised where no number can be read. The message says only what was expected; the caller adds the place."""


def parse_number(token: str) -> Fraction:
    """The exact value of an integer, a decimal, a fraction `1/9` or a sum of those, `2-1/9`.

    At most 40 characters, exponents from -99 to 99, quotients from left to right (`1e-99/1e99`). Raises NumberError.

    >>> parse_number("2-1/9"), parse_number("-.5e1")
    (Fraction(17, 9), Fraction(-5, 1))
    """
    if len(token) > LONGEST_NUMBER:
        raise NumberError(f"a number of at most {LONGEST_NUMBER} characters")
    token = token.replace("\N{MINUS SIGN}", "-")  # PDF readers and word processors write it for a hyphen
    numerator, denominator = 0, 1  # of the finished terms' sum; integers, since Fractions would take most of the time
    above, below = 0, 1  # numerator and denominator of the last term, which may still be divided
    position = 0
    while position < len(token) or not token:
        piece = _PIECE.match(token, position)
        if piece is None:
            raise NumberError(EXAMPLES)
        operator, digits, exponent = piece.groups()
        whole, _, decimals = digits.partition(".")
        power = int(exponent or 0)
        if abs(power) > LARGEST_EXPONENT:
            raise NumberError(f"an exponent from -{LARGEST_EXPONENT} to {LARGEST_EXPONENT}")
        value, power = int(whole + decimals), power - len(decimals)
        value, unit = (value * 10**power, 1) if power >= 0 else (value, 10**-power)
        value = -value if operator.endswith("-") else value
        if not operator.startswith("/"):
            numerator, denominator = numerator * below + above * denominator, denominator * below
            above, below = value, unit
        elif value == 0:
            raise NumberError("a divisor other than 0")
        else:
            above, below = above * unit, below * value
        position = piece.end()
    total = Fraction(numerator * below + above * denominator, denominator * below)
    try:
        float(total)
    except OverflowError:
        raise NumberError("a number that float64 can hold, up to 1.8e308") from None
    return total


def format_float(value: float) -> str:
    """The shortest text that reads back to the same float64.

    >>> format_float(0.1), format_float(3.0), format_float(2.5e-200)
    ('0.1', '3', '2.5e-99/1e99/1e2')
    """
    text = repr(float(value))
    if text.endswith(".0"):
        return text[:-2]
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return text
    power, step = int(exponent), LARGEST_EXPONENT
    if power > step and "." in mantissa:  # saves one character: the longest numbers need it
        whole, _, decimals = mantissa.partition(".")
        mantissa, power = whole + decimals, power - len(decimals)
    first = max(-step, min(step, power))
    text, power = f"{mantissa}e{first}", power - first
    while power:
        first = max(-step, min(step, power))
        text, power = f"{text}/1e{-first}", power - first
    return text


def format_fraction(value: Fraction) -> str:
    """A fraction as `n` or `n/d`, or as a decimal if that is shorter; the nearest float64 if neither fits in 40 characters."""
    text = str(value)
    decimal = format_float(float(value))
    if len(text) > LONGEST_NUMBER or (len(decimal) < len(text) and parse_number(decimal) == value):
        return decimal
    return text
