"""The numbers of kernel files: exact, limited, and written so that they read back the same."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imconv.kernel.number import LONGEST_NUMBER, NumberError, format_float, format_fraction, parse_number
from tests.effort import at_most


@pytest.mark.parametrize(
    ("token", "value"),
    [("1", Fraction(1)), ("-3", Fraction(-3)), ("+7", Fraction(7)), ("0.1", Fraction(1, 10)), (".5", Fraction(1, 2)),
     ("5.", Fraction(5)), ("1e3", Fraction(1000)), ("2.5E-2", Fraction(1, 40)), ("1/9", Fraction(1, 9)),
     ("-1/9", Fraction(-1, 9)), ("2-1/9", Fraction(17, 9)), ("1/2+1/3-0.5", Fraction(1, 3)),
     ("1e1-1e-1", Fraction(99, 10)), ("1.5/3", Fraction(1, 2)), ("1/-4", Fraction(-1, 4)),
     ("1e99", Fraction(10**99)), ("1e-99/1e99", Fraction(1, 10**198)), ("\N{MINUS SIGN}1", Fraction(-1))],
)  # fmt: skip
def test_numbers_are_exact(token, value):
    assert parse_number(token) == value


@pytest.mark.parametrize(
    "token",
    ["", "+", "abc", "1e", "1/", "/2", "--1", "1+-1", "0x10", "1_000", "inf", "1,5", "1.2.3",
     "\N{ARABIC-INDIC DIGIT ONE}", "1 2", "²"],
)  # fmt: skip
def test_no_numbers(token):
    with pytest.raises(NumberError, match="a number such as"):
        parse_number(token)


@pytest.mark.parametrize(
    ("token", "expected"),
    [("1e999999999", "exponent from -99 to 99"), ("1e-100", "exponent"), ("1/0", "other than 0"),
     ("1/0.0", "other than 0"), ("9" * (LONGEST_NUMBER + 1), "at most 40 characters"),
     ("1e99/1e-99/1e-99/1e-99", "float64")],
)  # fmt: skip
def test_numbers_within_limits(token, expected):
    with at_most(seconds=2), pytest.raises(NumberError, match=expected):
        parse_number(token)


def test_forty_characters_are_allowed():
    assert parse_number("1" * LONGEST_NUMBER) == int("1" * LONGEST_NUMBER)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_is_written_within_the_rules(value):
    text = format_float(value)
    assert len(text) <= LONGEST_NUMBER
    assert float(parse_number(text)) == value


@given(st.fractions(-(10**12), 10**12, max_denominator=10**12))
def test_fractions_are_written_exactly(value):
    assert parse_number(format_fraction(value)) == value
