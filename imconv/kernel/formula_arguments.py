"""The arguments of kernels computed by formula: the numbers behind the colon of `gaussian:0x2`."""

from __future__ import annotations

from fractions import Fraction
from typing import NoReturn

from ..errors import OptionError
from ..geometry.sizes import MAX_SIDE
from .gaussian import TRUNCATE
from .number import NumberError, parse_number
from .tokens import shown

LARGEST_RADIUS = 1023  # for a square kernel: 2047 x 2047 weights
LARGEST_ROW_RADIUS = MAX_SIDE // 2


class Arguments:
    """The arguments of a named kernel: the text `0x2,90` has the values 0, 2, 90."""

    def __init__(self, name: str, text: str, form: str):
        self.name, self.text, self.form = name, text, form

    @property
    def label(self) -> str:
        """The kernel's name with its arguments, as the user wrote it."""
        return f"{self.name}:{self.text}" if self.text else self.name

    @property
    def shown(self) -> str:
        return shown(self.label)

    @property
    def values(self) -> list[Fraction]:
        parts = [part.strip() for part in self.text.replace("x", ",", 1).split(",")] if self.text else []
        if self.text.endswith(("%", "!")):
            self.fail("% and ! stand for parts of ImageMagick's range of samples; give a number")
        try:
            return [parse_number(part) for part in parts]
        except NumberError as error:
            raise OptionError(f"kernel {self.shown}: {error} is expected; write {self.form}") from None

    def fail(self, what: str) -> NoReturn:
        raise OptionError(f"kernel {self.shown}: {what}; write {self.form}")

    def get(self, index: int, default) -> Fraction:
        values = self.values
        return values[index] if index < len(values) else Fraction(default)

    def size(self, index: int, default, most: int) -> float:
        """Argument `index` as a radius or sigma from 0 to `most`."""
        value = float(self.get(index, default))
        if not 0 <= value <= most:
            self.fail(f"{value:g} is out of range, 0 to {most}")
        return value

    def radius(self, index: int, sigma: float, most: int) -> int:
        """Argument `index` as a whole radius; 0 stands for four sigma."""
        value = self.get(index, 0)
        if value.denominator != 1 or value < 0:
            self.fail("a radius is a whole number, 0 for automatic")
        radius = int(value) or int(TRUNCATE * sigma + 0.5)
        if radius > most:
            self.fail(f"radius {radius} is larger than {most}")
        return radius
