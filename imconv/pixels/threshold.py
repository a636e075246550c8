"""`Threshold`: a difference or a level in sample units, or as a share of white."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from fractions import Fraction

from ..errors import ImconvWarning, KernelError, OptionError
from .exact import as_fraction, fraction_of

WIDEST = 65535  # white of pictures; wider numbers are counts of something
LEAST_SHARE = Fraction(1, 1000)  # of white: smaller differences are no visible ones


@dataclass(frozen=True)
class Threshold:
    """A number in sample units, or if it is a `share`, of white; `name` is what messages call it, `text` what the user wrote."""

    value: Fraction
    share: bool
    name: str
    text: str

    def of(self, white: int | Fraction) -> Threshold:
        """The same in sample units, for pictures with this white; a warning if it is unlikely to be meant."""
        found = Threshold(self.value * white if self.share else self.value, False, self.name, self.text)
        unlikely = 0 < found.value < LEAST_SHARE * white or found.value > white
        if unlikely and white <= WIDEST:
            share = f"{float(100 * found.value / white):.3g} % of white"
            advice = "write it in sample units, or in per cent, such as '10%'"
            warnings.warn(f"{self.name}={self.text} is {share}; {advice}", ImconvWarning, stacklevel=2)
        return found

    def scaled(self, factor) -> Threshold:
        """The same for samples, and white, that are multiplied by a factor."""
        return self if self.share else Threshold(self.value * Fraction(factor), False, self.name, self.text)

    def __float__(self) -> float:
        assert not self.share  # `of` a white first
        return float(self.value)

    def __str__(self) -> str:
        return self.text


def parse_threshold(given, name: str, least: float, most: float) -> Threshold:
    """A threshold from a number in sample units, or from text, where `"10%"` is of white.

    Raises
    ------
    OptionError
        It is no number, or not from `least` to `most` (per cents: as a share).

    >>> str(parse_threshold("2.5%", "floor", 0, 1e9)), float(parse_threshold("2.5%", "floor", 0, 1e9).of(255))
    ('2.5%', 6.375)
    """
    text = given.strip() if isinstance(given, str) else given
    share = isinstance(text, str) and text.endswith("%")
    try:
        value = (
            fraction_of(text[:-1]) / 100 if share else fraction_of(text) if isinstance(text, str) else as_fraction(text)
        )
    except (KernelError, ValueError, ZeroDivisionError, TypeError):
        value = None
    if value is None or not least <= value <= most:
        raise OptionError(
            f"{name} must be a number from {least:g} to {most:g} in sample units, or per cents of white such as 10%, not {given!r}"
        )
    return Threshold(value, share, name, str(given).strip())
