"""`Field`: the receptive field along one axis, the samples of the input on which an output depends."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import OptionError


@dataclass(frozen=True)
class Field:
    """The receptive field of outputs along one axis, behind any number of layers.

    Output `i` depends on the input samples `first + i * jump` to `last + i * jump`, both included. Samples outside the input
    are padding.

    >>> Field().through(taps=3, before=0).through(taps=2, before=0, stride=2)
    Field(first=0, last=3, jump=2)
    """

    first: int = 0
    last: int = 0
    jump: int = 1

    @property
    def size(self) -> int:
        """The number of samples on which an output depends."""
        return self.last - self.first + 1

    @property
    def start(self) -> float:
        """The centre of the first output's field, in pixels from the edge; the centre of the first pixel is 0.5."""
        return 0.5 + (self.first + self.last) / 2

    def through(self, *, taps: int, before: int, stride: int = 1, dilation: int = 1) -> Field:
        """The field behind one more window; `before` is its padding in front."""
        first = self.first - before * self.jump
        last = self.last + (dilation * (taps - 1) - before) * self.jump
        return Field(first, last, self.jump * stride)

    def joined(self, other: Field) -> Field:
        """The field of an output that depends on both. Raises OptionError if their jumps differ."""
        if self.jump != other.jump:
            raise OptionError(f"outputs that lie {self.jump} and {other.jump} samples apart can't be joined")
        return Field(min(self.first, other.first), max(self.last, other.last), self.jump)

    def clipped(self, index: int, size: int) -> tuple[int, int]:
        """(first, last + 1) of the samples, in an input of `size`, on which output `index` depends."""
        first, last = (min(max(end + index * self.jump, 0), size) for end in (self.first, self.last + 1))
        return first, last
