"""Colours that a user writes: names, hexadecimal numbers, per cents of white, sample values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from ..errors import KernelError, OptionError
from .exact import as_fraction

# CSS Color Module Level 3's sixteen, and what people write besides
NAMES = {
    "black": "000000", "silver": "c0c0c0", "gray": "808080", "grey": "808080", "white": "ffffff", "maroon": "800000",
    "red": "ff0000", "purple": "800080", "fuchsia": "ff00ff", "magenta": "ff00ff", "green": "008000", "lime": "00ff00",
    "olive": "808000", "yellow": "ffff00", "orange": "ffa500", "navy": "000080", "blue": "0000ff", "teal": "008080",
    "aqua": "00ffff", "cyan": "00ffff",
}  # fmt: skip
FORMS = "a name such as white, #rrggbb, per cents such as 50%, or sample values such as 255,128,0"


@dataclass(frozen=True)
class Background:
    """A colour, for pictures of any depth.

    shares      a fraction of white for each colour, one for all, or None
    samples_of  the same in sample units, or None
    text        as the user wrote it
    """

    shares: tuple[Fraction, ...] | None = None
    samples_of: tuple[Fraction, ...] | None = None
    text: str = "white"

    def samples(self, colours: int, white: int) -> tuple[Fraction, ...]:
        """A value in sample units for each of a picture's colours. OptionError if they are not as many."""
        if self.samples_of is not None:
            values = self.samples_of
        else:
            values = tuple(share * white for share in self.shares or (Fraction(1),))
        if len(values) == 3 and colours == 1 and len(set(values)) == 1:
            values = values[:1]
        if len(values) == 1:
            return values * colours
        if len(values) != colours:
            raise OptionError(f"the background {self.text} has {len(values)} colours, the picture {colours}")
        return values


WHITE = Background()


def parse_background(colour) -> Background:
    """A colour from one of FORMS, or from a number or several in sample units. OptionError for anything else.

    >>> parse_background("#f00").samples(3, 255) == (255, 0, 0)
    True
    >>> parse_background("50%").samples(1, 255)
    (Fraction(255, 2),)
    """
    if isinstance(colour, Background):
        return colour
    text = (
        colour if isinstance(colour, str) else ",".join(map(str, colour if isinstance(colour, Iterable) else [colour]))
    )
    word = text.strip().lower()
    digits = NAMES.get(word) or (word[1:] if re.fullmatch("#(?:[0-9a-f]{3}|[0-9a-f]{6})", word) else None)
    if digits is not None:
        pairs = [digit * 2 for digit in digits] if len(digits) == 3 else re.findall("..", digits)
        return Background(shares=tuple(Fraction(int(pair, 16), 255) for pair in pairs), text=text)
    parts = [part.strip() for part in word.split(",")]
    try:
        if all(part.endswith("%") for part in parts):
            return Background(shares=tuple(as_fraction(part[:-1]) / 100 for part in parts), text=text)
        return Background(samples_of=tuple(as_fraction(part) for part in parts), text=text)
    except (KernelError, ValueError):
        raise OptionError(f"background must be {FORMS}, not {text!r}") from None
