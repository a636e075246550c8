"""`Field`: the receptive field along one axis, the samples of the input on which an output depends."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from ..errors import OptionError
from .reads import Reads, sliding

Ends = tuple[int, int]  # the first and the last sample; the last lies before the first if there is none
NOTHING = (0, -1)
MOST_ENDS = 1 << 12  # most outputs whose fields are kept one by one


@dataclass(frozen=True)
class Field:
    """The receptive field of outputs along one axis, behind any number of layers.

    Output 0 depends on the input samples `first` to `last`, both included, and `others` are the ends of outputs 1, 2, ... .
    With these, the pattern repeats: output `i + n` lies `n * jump` samples behind output `i`, where n is 1 plus the number of
    `others`. There are others only behind layers that enlarge maps or divide them. Samples outside the input are padding.
    `bound` means that fields may be smaller than stated.

    >>> Field().through(taps=3, before=0).through(taps=2, before=0, stride=2)
    Field(first=0, last=3, jump=2)
    """

    first: int = 0
    last: int = 0
    jump: int | Fraction = 1
    others: tuple[Ends, ...] = field(default=(), repr=False)
    bound: bool = field(default=False, repr=False)

    @classmethod
    def _of(cls, ends: list[Ends], jump: Fraction, bound: bool) -> Field:
        """The field with the shortest pattern that has these ends."""
        count = len(ends)
        for part in range(1, count):
            if count % part == 0 and (shift := part * jump).denominator == 1:
                shifted = [_moved(one, int(shift)) for one in ends[: count - part]]
                if shifted == ends[part:]:
                    ends = ends[:part]
                    break
        jump = Fraction(jump)
        return cls(*ends[0], int(jump) if jump.denominator == 1 else jump, tuple(ends[1:]), bound)

    @property
    def ends(self) -> tuple[Ends, ...]:
        """The ends of the outputs of one pattern."""
        return ((self.first, self.last), *self.others)

    def at(self, index: int) -> Ends:
        """The first and the last sample on which output `index` depends."""
        turn, place = divmod(index, len(self.others) + 1)
        first, last = self.others[place - 1] if place else (self.first, self.last)
        if last < first:
            return NOTHING
        shift = turn * (len(self.others) + 1) * self.jump
        return first + math.floor(shift), last + math.ceil(shift)

    @property
    def size(self) -> int:
        """The largest number of samples from the first to the last on which an output depends."""
        rounded = self.bound and not self.others and isinstance(self.jump, Fraction)  # as `at` rounds the ends
        return max(last - first + 1 for first, last in self.ends) + rounded

    @property
    def start(self) -> float:
        """The centre of the first output's field, in pixels from the edge; the centre of the first pixel is 0.5."""
        first, last = next((one for one in self.ends if one[0] <= one[1]), (self.first, self.last))
        return 0.5 + (first + last) / 2

    @property
    def centre(self) -> float:
        """Where output 0 would be centred if all outputs of the pattern were evenly spaced; `start` if there is only one."""
        places = [0.5 + (one[0] + one[1]) / 2 - i * self.jump for i, one in enumerate(self.ends) if one[0] <= one[1]]
        return float(sum(places) / len(places)) if places else self.start

    def through(self, *, taps: int, before: int, stride: int = 1, dilation: int = 1) -> Field:
        """The field behind one more window; `before` is its padding in front."""
        return self.behind(sliding(taps, before, stride, dilation))

    def behind(self, reads: Reads, outputs: int | None = None) -> Field:
        """The field behind one more layer, whose outputs read samples of the one before as `reads` says.

        The fields of more than so many `outputs` are not kept.
        """
        own, cycle = len(self.ends), len(reads.cycle)
        jump = reads.jump * self.jump
        moved = cycle * reads.jump  # samples of the layer before, for a cycle
        turns = own // math.gcd(own, int(moved)) if moved.denominator == 1 and moved else 1
        count = _count(cycle * turns, outputs, self)
        if count > MOST_ENDS and own > 1:
            return self._bounded().behind(reads, outputs)
        ends = [self._over(reads.of(output)) for output in range(count)]
        found = Field._of(ends, jump, self.bound)
        return found._bounded() if len(found.ends) > MOST_ENDS else found

    def _over(self, samples: range) -> Ends:
        """The ends of outputs taken together."""
        if not self.others:  # the outermost decide
            samples = range(samples[0], samples[-1] + 1, max(samples[-1] - samples[0], 1)) if samples else samples
        return _hull(self.at(sample) for sample in samples)

    def joined(self, other: Field, outputs: int | None = None) -> Field:
        """The field of an output that depends on both.

        If their jumps differ, it is computed for each of so many `outputs`, and has the first jump. Raises OptionError if
        jumps differ and the number of outputs is not given, or no layer enlarged or divided the maps.
        """
        bound = self.bound or other.bound
        if self.jump == other.jump:
            count = _count(math.lcm(len(self.ends), len(other.ends)), outputs, self, other)
            if count > MOST_ENDS:
                return self._bounded().joined(other._bounded(), outputs)
            ends = [_hull((self.at(i), other.at(i))) for i in range(count)]
            return Field._of(ends, Fraction(self.jump), bound)
        if outputs is None or (self._regular and other._regular):
            raise OptionError(f"outputs that lie {self.jump} and {other.jump} samples apart can't be joined")
        ends = [_hull((self.at(i), other.at(i))) for i in range(outputs)]
        found = Field(*ends[0], self.jump, tuple(ends[1:]), bound or outputs > 1)
        return found._bounded() if outputs > MOST_ENDS else found

    @property
    def _regular(self) -> bool:
        return not self.others and isinstance(self.jump, int) and self.jump > 0

    def _bounded(self) -> Field:
        """A field of one jump that holds all fields of the pattern."""
        if not self.others:
            return self
        full = [(one, i * self.jump) for i, one in enumerate(self.ends) if one[0] <= one[1]]
        if not full:
            return Field(*NOTHING, self.jump)
        first = min(math.floor(one[0] - shift) for one, shift in full)
        return Field(first, max(math.ceil(one[1] - shift) for one, shift in full), self.jump, (), True)

    def clipped(self, index: int, size: int) -> tuple[int, int]:
        """(first, last + 1) of the samples, in an input of `size`, on which output `index` depends."""
        first, last = self.at(index)
        return min(max(first, 0), size), min(max(last + 1, 0), size)


def _count(pattern: int, outputs: int | None, *fields: Field) -> int:
    """How many fields to compute: those of a pattern, but of all outputs if there are fewer, or if a pattern was cut off."""
    if outputs is None:
        return pattern
    cut = any(one.others and Fraction(len(one.ends) * one.jump).denominator > 1 for one in fields)
    return outputs if cut else min(pattern, outputs)


def _moved(ends: Ends, shift: int) -> Ends:
    return NOTHING if ends[1] < ends[0] else (ends[0] + shift, ends[1] + shift)


def _hull(parts: Iterable[Ends]) -> Ends:
    """From the first to the last sample of all parts."""
    full = [one for one in parts if one[0] <= one[1]]
    return (min(one[0] for one in full), max(one[1] for one in full)) if full else NOTHING
