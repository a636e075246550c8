"""PNG pixels: inflated on one thread, unfiltered and spread into the picture on another, in bands of rows."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

from ...jit import loop, ready
from .. import deflate
from ..header import Header
from ..overlap import ahead
from . import chunks

if TYPE_CHECKING:
    import numpy as np

# who reads a PNG file most often writes one: where they must be compiled, all are at once
LOOPS: list[tuple[str, tuple[str, ...]]] = [("scanline.unfilter_rows", ()), ("scanline.filter_rows", ())]
BAND = 1 << 20  # bytes of filtered rows unfiltered at a time, or of pixels, whichever are more
PIECE = 1 << 16  # compressed bytes inflated at a time: they expand to at most 1032 times as many
WORTH_A_THREAD = 1 << 20  # filtered bytes from which inflating beside unfiltering is faster
_STEPS, _LANES = 128, 64  # scratch of `scanline.unfilter_rows`: any number, and that loop's LANES
_PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))  # Adam7


def bytes_needed(header: Header) -> int:
    """Peak memory of decoding: the picture, bands and blocks."""
    picture = header.height * header.line
    return picture + min(4 * (BAND + header.line) + 8 * deflate.BLOCK, 4 * picture)


def bytes_held(header: Header) -> int | None:
    """Peak memory of `rows`: a band as it is filtered and unfiltered, where it is then made anew that too, and the one
    before; blocks inflated ahead. None for interlaced pictures, which can't be read in bands."""
    if header.layout["interlace"]:
        return None
    stored = Rows(header, [])
    filtered = 1 + stored.line_bytes(header.width)
    made = (1 if stored.table is None and stored.key is None else 2) * header.line
    return (stored.at_once(header.width, header.height) + 1) * (2 * filtered + made) + 7 * deflate.BLOCK


def rows(file, header: Header, notes: list[str]) -> Generator[np.ndarray, None, None]:
    """The picture in bands, an interlaced one in a single band; see `streams.ReadRows`."""
    import numpy as np

    stored, checked = Rows(header, notes), header.layout["checked"]
    passes = stored.passes()
    needed = sum((1 + stored.line_bytes(width)) * height for width, height, _ in passes)
    pieces = chunks.compressed(file, header.layout["idat"], PIECE, check=not checked)
    with _inflated(pieces, needed, notes) as stream:
        if header.layout["interlace"]:
            picture = np.empty((header.height, header.width, header.channels), stored.dtype)
            for width, height, place in passes:
                part, first = picture[place], 0
                for band in stored.bands(stream, width, height):
                    part[first : first + len(band)] = band
                    first += len(band)
            yield picture if header.channels > 1 else picture[..., 0]
        else:
            for band in stored.bands(stream, header.width, header.height):
                yield band if header.channels > 1 else band[..., 0]
        stream.end()
    if not checked:
        chunks.check_end(file, notes)


@contextlib.contextmanager
def _inflated(pieces, needed: int, notes: list[str]) -> Iterator[_Stream]:
    """`needed` bytes inflated, by a thread of its own where there are many."""
    blocks = deflate.inflated(pieces, needed, notes)
    if needed >= WORTH_A_THREAD:
        blocks = ahead(blocks)
    with contextlib.closing(blocks):
        yield _Stream(blocks)


class _Stream:
    """Blocks of bytes, taken in other portions."""

    def __init__(self, blocks):
        self._blocks = blocks
        self._rest = memoryview(b"")

    def fill(self, target) -> None:
        """Fill a contiguous array with the bytes that come next."""
        room = memoryview(target).cast("B")
        while room:
            if not self._rest:
                self._rest = memoryview(next(self._blocks))  # a stream too short has raised an error before it ends
            count = min(len(room), len(self._rest))
            room[:count] = self._rest[:count]
            room, self._rest = room[count:], self._rest[count:]

    def end(self) -> None:
        """Take what is left, which is nothing: only then the checksum has been checked."""
        for _ in self._blocks:
            pass


class Rows:
    """What the rows of a file are, and how they become pixels."""

    def __init__(self, header: Header, notes: list[str]):
        import numpy as np

        self.header = header
        self.bits, self.colour = header.layout["bits"], header.layout["colour"]
        self.samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[self.colour]
        self.dtype = np.dtype(np.uint16 if self.bits == 16 else np.uint8)
        self.table: np.ndarray | None = None  # of what each sample, or index, becomes
        self.key: np.ndarray | None = None  # the colour that is transparent
        transparency = header.layout["transparency"]
        if self.colour == 3:
            self.table = _palette(header.layout["palette"], transparency)
            self.colours = len(header.layout["palette"]) // 3
            notes.append(f"palette expanded to {'RGBA' if self.table.shape[1] == 4 else 'RGB'}")
            return
        if self.bits < 8:
            notes.append(f"{self.bits}-bit grey expanded to 8 bits")
        top = (1 << self.bits) - 1
        if transparency is not None:
            notes.append("transparent colour turned into an alpha channel")
            self.key = key = (np.frombuffer(transparency, ">u2") & top).astype(self.dtype)
        if self.colour == 0 and (self.bits < 8 or (self.bits == 8 and transparency is not None)):
            self.colours = 256
            levels = np.zeros((256, header.channels), np.uint8)
            levels[: top + 1, 0] = np.arange(top + 1) * 255 // top
            if transparency is not None:
                levels[:, 1] = np.where(np.arange(256) == key[0], 0, 255)
            self.table = levels

    def line_bytes(self, width: int) -> int:
        """Bytes of a row, without its filter."""
        return (width * self.samples * self.bits + 7) // 8

    def at_once(self, width: int, height: int) -> int:
        """Rows in a band."""
        return max(
            1, min(height, BAND // max(1 + self.line_bytes(width), width * self.header.channels * self.dtype.itemsize))
        )

    def passes(self) -> list[tuple]:
        """(width, height, place in the picture) of each part that the file holds."""
        width, height = self.header.width, self.header.height
        if not self.header.layout["interlace"]:
            return [(width, height, ())]
        parts = [
            (len(range(x, width, across)), len(range(y, height, down)), (slice(y, None, down), slice(x, None, across)))
            for y, x, down, across in _PASSES
        ]
        return [part for part in parts if part[0] and part[1]]

    def bands(self, stream: _Stream, width: int, height: int) -> Iterator[np.ndarray]:
        """The rows of the picture, or of one pass of it, (rows, width, channels), in bands of about BAND bytes."""
        import numpy as np

        ready(LOOPS)
        unfilter = loop("scanline.unfilter_rows")
        steps, kinds = np.empty((2 + _STEPS, 2 * _LANES), np.uint8), np.empty((5, _LANES), np.uint8)
        back, size = max(1, self.samples * self.bits // 8), self.line_bytes(width)
        count = self.at_once(width, height)
        raw = np.empty((count, size + 1), np.uint8)
        above = np.empty((0, size), np.uint8)  # the last row of the band before
        for first in range(0, height, count):
            coded = raw[: min(count, height - first)]
            stream.fill(coded)
            if coded[:, 0].max() > 4:  # the loop takes what it is given
                raise ValueError("a row has an unknown filter")
            start = len(above)
            lines = np.empty((start + len(coded), size), np.uint8)
            lines[:start] = above
            unfilter(coded, back, start, lines, steps, kinds)
            above = lines[-1:].copy()  # the next row is unfiltered by the bytes as they are in the file
            yield self._pixels(lines, start, width)

    def _pixels(self, lines: np.ndarray, start: int, width: int) -> np.ndarray:
        import numpy as np

        if self.table is None:
            lines = lines.view(self.dtype)
            if self.bits == 16 and sys.byteorder == "little":
                lines[start:].byteswap(inplace=True)
            if self.key is None:
                return lines[start:].reshape(-1, width, self.header.channels)
        target = np.empty((len(lines) - start, width * self.header.channels), self.dtype)
        if self.table is None:
            loop("scanline.add_alpha")(lines, start, self.key, 0, target)
        else:
            largest = np.zeros(1, np.int64)
            loop("scanline.look_up")(lines, start, self.bits, self.table, 0, target, largest)
            if largest[0] >= self.colours:
                raise ValueError("a pixel's colour is not in the palette")
        return target.reshape(-1, width, self.header.channels)


def _palette(colours: bytes, transparency: bytes | None) -> np.ndarray:
    import numpy as np

    count = len(colours) // 3
    table = np.zeros((256, 3 if transparency is None else 4), np.uint8)
    table[:count, :3] = np.frombuffer(colours, np.uint8).reshape(-1, 3)
    if transparency is not None:
        table[:, 3] = 255
        table[: len(transparency), 3] = np.frombuffer(transparency, np.uint8)
    return table
