"""PNG files written: rows filtered in loops and compressed in bands on threads, and the chunks around them."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple

from .. import deflate
from ..deflate import crc32
from ..overlap import InOrder, usable_threads
from ..picture import EncoderOptions, Metadata, Page
from . import effort
from .chunks import SIGNATURE, XMP_KEY

if TYPE_CHECKING:
    import numpy as np

_COLOURS = {"grey": 0, "rgb": 2, "grey+alpha": 4, "rgba": 6}
_OFTEN = (b"tEXt", b"zTXt", b"iTXt")


def encode(page: Page, options: EncoderOptions, notes: list[str]) -> bytes:
    """The file for pixels of type bool (grey only), uint8 or uint16, (height, width[, channels])."""
    import io

    file = io.BytesIO()
    writer = Writer(file, page, options, notes)
    writer.write(page.pixels)
    writer.finish()
    return file.getvalue()


class Writer:
    """A PNG file written as its rows come; see `streams.Writer`.

    Rows are gathered into bands, which are filtered and compressed on threads while the caller goes on. The file depends
    neither on how the rows came nor on the threads. Memory: some bands, whatever the picture's height.
    """

    def __init__(self, output, page: Page, options: EncoderOptions, notes: list[str]):
        self._output = output
        self._rows = _StoredRows(page.pixels.shape, page.pixels.dtype)
        self._effort = effort.effort(deflate.level(options.compression))
        self._small = self._rows.size * self._rows.height < effort.SMALL
        self._height = max(1, self._effort.band // (self._rows.size + 1))
        self._left = self._rows.height  # rows to come
        self._above: np.ndarray | None = None  # the last row of the band before
        self._band: np.ndarray | None = None  # rows as they are stored, below the one above them
        self._filled = 0
        self._checksum = 1
        self._bands = InOrder(options.threads or usable_threads())
        output.write(SIGNATURE + head(self._rows, page.mode, page.metadata))

    def write(self, rows: np.ndarray) -> None:
        """The next rows, any number of them; they may be changed afterwards."""
        while len(rows):
            if self._band is None:
                self._begin()
            taken = rows[: len(self._band) - self._filled]
            self._rows.store(taken, self._band[self._filled : self._filled + len(taken)])
            self._filled += len(taken)
            self._left -= len(taken)
            rows = rows[len(taken) :]
            if self._filled == len(self._band):
                self._end()

    def finish(self) -> None:
        """Called once, after the last row."""
        if self._left:
            raise ValueError(f"{self._left} rows are missing")
        for done in self._bands.results(0):
            self._put(done)
        self._output.write(chunk(b"IEND", b""))

    def _begin(self) -> None:
        import numpy as np

        if not self._left:
            raise ValueError("more rows than the picture has")
        above = 0 if self._above is None else 1
        self._band = np.empty((above + min(self._height, self._left), self._rows.size), np.uint8)
        if above:
            self._band[0] = self._above
        self._filled = above

    def _end(self) -> None:
        band, first, last = self._band, self._above is None, not self._left
        self._above, self._band = band[-1], None
        self._bands.add(lambda: _pack(band, first, last, self._rows.back, self._effort, self._small))
        for done in self._bands.results(self._bands.threads + 1):
            self._put(done)

    def _put(self, done: _Packed) -> None:
        self._checksum = deflate.adler32_of_both(self._checksum, done.checksum, done.length)
        before = b"\x78\x01" if done.first else b""
        after = struct.pack(">I", self._checksum) if done.last else b""
        self._output.write(chunk(b"IDAT", before, done.data, after))


class _StoredRows:
    """How a picture's rows lie in a PNG file before filtering."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype):
        self.height, self.width = shape[:2]
        channels = shape[2] if len(shape) == 3 else 1
        self.bits = {"bool": 1, "uint8": 8, "uint16": 16}[dtype.name]
        self.size = (self.width * channels * self.bits + 7) // 8
        self.back = max(1, channels * self.bits // 8)

    def store(self, rows: np.ndarray, out: np.ndarray) -> None:
        """Pixels as bytes, into an array (rows, size) of uint8."""
        import numpy as np

        if self.bits == 1:
            out[:] = np.packbits(rows.reshape(len(rows), -1), axis=1)
        else:
            out.view(">u2" if self.bits == 16 else np.uint8).reshape(rows.shape)[:] = rows


class _Packed(NamedTuple):
    """A band as it goes into the file, and what of its rows the checksum needs."""

    data: bytes
    first: bool
    last: bool
    checksum: int
    length: int


def _pack(band: np.ndarray, first: bool, last: bool, back: int, how: effort.Effort, small: bool) -> _Packed:
    """Filter and compress a band; all but the first begin with the row above."""
    above = 0 if first else 1
    way = effort.choose(how, small, band, above, back)
    coded = effort.filtered(band, above, len(band), back, way.filter)
    return _Packed(way.packing.packed(coded, last), first, last, deflate.adler32(coded), coded.size)


def head(rows: _StoredRows, mode: str, metadata: Metadata) -> bytes:
    """The chunks before the pixels."""
    found = [chunk(b"IHDR", struct.pack(">IIBBBBB", rows.width, rows.height, rows.bits, _COLOURS[mode], 0, 0, 0))]
    if metadata.icc:
        found.append(chunk(b"iCCP", b"ICC Profile\0\0", zlib.compress(metadata.icc)))
    once: set[bytes] = {b"sRGB"} if metadata.icc else set()  # a file says one or the other
    for kind, data in metadata.chunks:
        if kind == b"bKGD":  # carried with 16 bits
            top = (1 << rows.bits) - 1
            levels = struct.unpack(f">{len(data) // 2}H", data)
            data = struct.pack(f">{len(levels)}H", *((2 * level * top + 65535) // 131070 for level in levels))
        if kind in _OFTEN or kind not in once:
            once.add(kind)
            found.append(chunk(kind, data))
    if metadata.xmp:
        found.append(chunk(b"iTXt", XMP_KEY + b"\0\0\0\0\0", metadata.xmp))
    if metadata.dpi:
        found.append(chunk(b"pHYs", struct.pack(">IIB", *(int(dots / 0.0254 + 0.5) for dots in metadata.dpi), 1)))
    if metadata.exif:
        found.append(chunk(b"eXIf", metadata.exif))
    return b"".join(found)


def chunk(kind: bytes, *data: bytes) -> bytes:
    """A whole chunk; its content may come in parts."""
    checksum = crc32(kind)
    for part in data:
        checksum = crc32(part, checksum)
    length = sum(map(len, data))
    return b"".join((struct.pack(">I", length), kind, *data, struct.pack(">I", checksum)))
