"""Bits of a JPEG XL codestream: fields of its header read and written, the least significant bit first.

ISO/IEC 18181-1, annex B. A field U32 is one of four numbers of bits, each with an offset, behind two bits that choose.
"""

from __future__ import annotations

Choices = tuple[tuple[int, int], ...]  # of a U32: (offset, bits)

ENUM: Choices = ((0, 0), (1, 0), (2, 4), (18, 6))


class Bits:
    """Reads the bits of `data`; `at` is the place of the next one. Raises ValueError behind the end."""

    def __init__(self, data: bytes):
        self._value, self._end, self.at = int.from_bytes(data, "little"), 8 * len(data), 0

    def between(self, start: int, end: int) -> tuple[int, int]:
        """The bits from one place to another, and their number."""
        return self._value >> start & ((1 << (end - start)) - 1), end - start

    def u(self, count: int) -> int:
        """A number of so many bits."""
        self.at += count
        if self.at > self._end:
            raise ValueError("it ends within the header")
        return self._value >> (self.at - count) & ((1 << count) - 1)

    def flag(self) -> bool:
        return bool(self.u(1))

    def u32(self, *choices: tuple[int, int]) -> int:
        offset, count = choices[self.u(2)]
        return offset + self.u(count)

    def enum(self) -> int:
        return self.u32(*ENUM)

    def u64(self) -> int:
        """A number of up to 64 bits."""
        kind = self.u(2)
        if kind < 3:
            return ((0, 0), (1, 4), (17, 8))[kind][0] + self.u((0, 4, 8)[kind])
        value, place = self.u(12), 12
        while self.flag():
            count = 4 if place == 60 else 8
            value, place = value | self.u(count) << place, place + count
            if place >= 64:
                break
        return value


class Written:
    """Bits that are put behind each other."""

    def __init__(self):
        self._value, self._count = 0, 0

    def put(self, value: int, count: int) -> None:
        """`value` in so many bits."""
        self._value |= value << self._count
        self._count += count

    def u64(self, value: int) -> None:
        """A number below 2**28 as `Bits.u64` reads it."""
        if value < 17:
            self.put(1 if value else 0, 2)
            self.put(value - 1 if value else 0, 4 if value else 0)
        elif value < 273:
            self.put(2, 2)
            self.put(value - 17, 8)
        else:
            self.put(3, 2)
            self.put(value & 0xFFF, 12)
            value >>= 12
            while value:
                self.put(1, 1)
                self.put(value & 0xFF, 8)
                value >>= 8
            self.put(0, 1)

    def finished(self) -> bytes:
        """All of them, with zeros up to a whole byte."""
        return self._value.to_bytes((self._count + 7) // 8, "little")
