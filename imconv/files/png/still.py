"""PNG pixels: inflated on one thread, unfiltered and spread into the picture on another, in bands of rows."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...errors import FileError, ImconvError, LimitError
from ...jit import loop, ready
from .. import deflate
from ..header import Header, damaged
from . import chunks

if TYPE_CHECKING:
    import numpy as np

# who reads a PNG file most often writes one: where they must be compiled, all are at once
LOOPS = [("scanline.unfilter_rows", ()), ("scanline.filter_rows", ())]
BAND = 1 << 20  # bytes of filtered rows unfiltered at a time, or of pixels, whichever are more
PIECE = 1 << 16  # compressed bytes inflated at a time: they expand to at most 1032 times as many
WORTH_A_THREAD = 1 << 20  # filtered bytes from which inflating beside unfiltering is faster
_STEPS, _LANES = 128, 64  # scratch of `scanline.unfilter_rows`: any number, and that loop's LANES
_PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))  # Adam7


def bytes_needed(header: Header) -> int:
    """Peak memory of decoding: the picture, where it is interlaced the largest pass, half of it, bands and blocks."""
    line = header.width * header.channels * (2 if header.depth == 16 else 1)
    picture = header.height * line
    bands = min(4 * (BAND + line) + 8 * deflate.BLOCK, 4 * picture)
    return picture + header.layout["interlace"] * picture // 2 + bands


def decode(data: bytes, header: Header, name: str) -> tuple[np.ndarray, list[str], dict]:
    """Pixels of a file whose chunks have been checked, notes for the user, and nothing.

    Raises FileError where the file is damaged, LimitError where memory runs out.
    """
    try:
        pixels, notes = _pixels(data, header)
    except MemoryError:
        raise LimitError(
            f"{name}: not enough memory for {header.width} x {header.height} pixels; free some or choose a smaller picture"
        ) from None
    except ImconvError:  # no loop to read it with: that is no damage
        raise
    except (ValueError, *deflate.ERRORS) as error:
        raise FileError(damaged(name, "PNG", str(error) or type(error).__name__)) from error
    return pixels, notes, {}


def has_rows(header: Header) -> bool:
    """Whether it can be read in bands: interlaced pictures can't."""
    return not header.layout["interlace"]


def bytes_held(header: Header) -> int:
    """Peak memory of `rows`: a band as it is filtered and unfiltered, where it is then made anew that too, and the one
    before; blocks inflated ahead."""
    rows = Rows(header)
    filtered, given = 1 + rows.line_bytes(header.width), rows.line(header.width)
    made = (1 if rows.table is None and rows.key is None else 2) * given
    return (rows.at_once(header.width, header.height) + 1) * (2 * filtered + made) + 7 * deflate.BLOCK


def rows(file, header: Header, name: str) -> Bands:
    """The picture in bands; see `streams.ReadRows`."""
    return Bands(file, header)


class Bands:
    """The rows of a picture that is not interlaced, in bands from top to bottom. `notes` are complete after the last."""

    def __init__(self, file, header: Header):
        self._rows = Rows(header)
        self.notes = list(self._rows.notes)
        self._bands = self._read(file, header)
        self.close = self._bands.close

    def __iter__(self):
        return self

    def __next__(self) -> np.ndarray:
        return next(self._bands)

    def _read(self, file, header: Header) -> Iterator[np.ndarray]:
        width, height = header.width, header.height
        pieces = chunks.compressed(file, header.layout["idat"], PIECE, check=True)
        with _inflated(pieces, (1 + self._rows.line_bytes(width)) * height, self.notes) as stream:
            for band in self._rows.bands(stream, width, height):
                yield band if header.channels > 1 else band[..., 0]
            stream.end()
        chunks.check_end(file)


def _pixels(data: bytes, header: Header) -> tuple[np.ndarray, list[str]]:
    import io

    import numpy as np

    rows = Rows(header)
    passes = rows.passes()
    needed = sum((1 + rows.line_bytes(width)) * height for width, height, _ in passes)
    notes = list(rows.notes)
    picture = np.empty((header.height, header.width, header.channels), rows.dtype)
    pieces = chunks.compressed(io.BytesIO(data), header.layout["idat"], PIECE)
    with _inflated(pieces, needed, notes) as stream:
        for width, height, place in passes:
            part = picture if place is None else np.empty((height, width, header.channels), rows.dtype)
            first = 0
            for band in rows.bands(stream, width, height):
                part[first : first + len(band)] = band
                first += len(band)
            if place is not None:
                picture[place] = part
        stream.end()
    return (picture if header.channels > 1 else picture[..., 0]), notes


@contextlib.contextmanager
def _inflated(pieces, needed: int, notes: list[str]) -> Iterator[_Stream]:
    """`needed` bytes inflated, by a thread of its own where there are many."""
    blocks = deflate.inflated(pieces, needed, notes)
    if needed >= WORTH_A_THREAD:
        from ..overlap import ahead

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

    def __init__(self, header: Header):
        import numpy as np

        self.header = header
        self.bits, self.colour = header.layout["bits"], header.layout["colour"]
        self.samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[self.colour]
        self.dtype = np.dtype(np.uint16 if self.bits == 16 else np.uint8)
        self.notes: list[str] = []
        self.table = self.key = None
        transparency = header.layout["transparency"]
        if self.colour == 3:
            self.table = _palette(header.layout["palette"], transparency)
            self.colours = len(header.layout["palette"]) // 3
            self.notes.append(f"palette expanded to {'RGBA' if self.table.shape[1] == 4 else 'RGB'}")
            return
        if self.bits < 8:
            self.notes.append(f"{self.bits}-bit grey expanded to 8 bits")
        top = (1 << self.bits) - 1
        if transparency is not None:
            self.notes.append("transparent colour turned into an alpha channel")
            self.key = (np.frombuffer(transparency, ">u2") & top).astype(self.dtype)
        if self.colour == 0 and (self.bits < 8 or (self.bits == 8 and transparency is not None)):
            self.colours = 256
            levels = np.zeros((256, header.channels), np.uint8)
            levels[: top + 1, 0] = np.arange(top + 1) * 255 // top
            if transparency is not None:
                levels[:, 1] = np.where(np.arange(256) == self.key[0], 0, 255)
            self.table = levels

    def line_bytes(self, width: int) -> int:
        """Bytes of a row, without its filter."""
        return (width * self.samples * self.bits + 7) // 8

    def line(self, width: int) -> int:
        """Bytes of a row of pixels."""
        return width * self.header.channels * self.dtype.itemsize

    def at_once(self, width: int, height: int) -> int:
        """Rows in a band."""
        return max(1, min(height, BAND // max(1 + self.line_bytes(width), self.line(width))))

    def passes(self) -> list[tuple]:
        """(width, height, place in the picture) of each part that the file holds; the place is None for the whole."""
        width, height = self.header.width, self.header.height
        if not self.header.layout["interlace"]:
            return [(width, height, None)]
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
        above = None
        for first in range(0, height, count):
            coded = raw[: min(count, height - first)]
            stream.fill(coded)
            if coded[:, 0].max() > 4:  # the loop takes what it is given
                raise ValueError("a row has an unknown filter")
            start = int(first > 0)  # below the last row of the band before
            lines = np.empty((start + len(coded), size), np.uint8)
            if start:
                lines[0] = above
            unfilter(coded, back, start, lines, steps, kinds)
            above = lines[-1].copy()  # the next row is unfiltered by the bytes as they are in the file
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
