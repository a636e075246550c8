"""Boxes, as JPEG 2000, JPEG XL, AVIF and HEIC files are made of them: length, type, content."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

_MOST = 10_000  # boxes in one row: more are no picture's


class Box(NamedTuple):
    """A box's type, and where its content is in the file."""

    kind: bytes
    start: int
    end: int


def boxes(file, start: int, end: int) -> Iterator[Box]:
    """The boxes that lie one behind the other from `start` to `end`. Raises ValueError where one of them is cut off."""
    for _ in range(_MOST):
        if start + 8 > end:
            return
        file.seek(start)
        head = file.read(8)
        if not head:
            return  # of a stream, whose end was not known
        length, kind = struct.unpack(">I4s", head)
        content = start + 8
        if length == 1:
            (length,) = struct.unpack(">Q", file.read(8))
            content += 8
        stop = start + length if length else end
        if stop < content or stop > end:
            raise ValueError(f"it ends within {kind.decode('latin-1')!r}")
        yield Box(kind, content, stop)
        start = stop
    raise ValueError("too many boxes")


def content(file, box: Box, most: int) -> bytes:
    """What is in a box, at most so many bytes of it."""
    file.seek(box.start)
    return file.read(min(box.end - box.start, most))


def box(kind: bytes, *parts: bytes) -> bytes:
    """A whole box."""
    return b"".join((struct.pack(">I4s", 8 + sum(map(len, parts)), kind), *parts))
