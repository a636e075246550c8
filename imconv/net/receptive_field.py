"""Receptive fields: which samples of the input an output of a network depends on."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import OptionError


@dataclass(frozen=True)
class Field:
    """What outputs see along one axis, through any number of layers: output `i` depends on the input samples
    `first + i * jump` to `last + i * jump`, both included. Samples beyond the input are padding.

    >>> Field().through(taps=3, before=0).through(taps=2, before=0, stride=2)
    Field(first=0, last=3, jump=2)
    """

    first: int = 0
    last: int = 0
    jump: int = 1

    @property
    def size(self) -> int:
        """How many samples an output sees."""
        return self.last - self.first + 1

    @property
    def start(self) -> float:
        """The middle of what the first output sees, in pixels from the edge: that of the first pixel is 0.5."""
        return 0.5 + (self.first + self.last) / 2

    def through(self, *, taps: int, before: int, stride: int = 1, dilation: int = 1) -> Field:
        """What outputs of one more window see; `before` is the padding in front of it."""
        first = self.first - before * self.jump
        last = self.last + (dilation * (taps - 1) - before) * self.jump
        return Field(first, last, self.jump * stride)

    def joined(self, other: Field) -> Field:
        """What an output sees that is made of both. Raises OptionError where the outputs lie at different distances."""
        if self.jump != other.jump:
            raise OptionError(f"outputs that lie {self.jump} and {other.jump} samples apart can't be joined")
        return Field(min(self.first, other.first), max(self.last, other.last), self.jump)

    def clipped(self, index: int, size: int) -> tuple[int, int]:
        """The half-open range of samples of an input of `size` that output `index` sees."""
        first, last = (min(max(end + index * self.jump, 0), size) for end in (self.first, self.last + 1))
        return first, last
