"""PNG files written: rows filtered in loops and compressed in bands on threads, and the chunks around them."""

from __future__ import annotations

import os
import struct
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

from imconv.files import deflate
from imconv.files.deflate import Packing, crc32
from imconv.files.encoding import level
from imconv.files.overlap import InOrder
from imconv.files.picture import Metadata
from imconv.files.png_chunks import SIGNATURE, XMP_KEY
from imconv.jit import loop

if TYPE_CHECKING:
    import numpy as np

BAND = 1 << 20  # bytes of filtered rows compressed at a time; what is repeated from an earlier band isn't noticed
SLOW_BAND = 4 << 20  # for zlib's higher levels, which look further back
MOST_THREADS = 4
_TRIED, _TRIED_ROWS, _TRIED_BYTES = 6, 16, 1 << 18  # a trial: so many groups of so many rows, of so many bytes at most
_NONE, _ADAPTIVE = 0, 5  # filters as `scanline.filter_rows` numbers them
_COLOURS = {"grey": 0, "rgb": 2, "grey+alpha": 4, "rgba": 6}
_ONCE = (b"cHRM", b"cICP", b"gAMA", b"sRGB")  # before the pixels, once each
_OFTEN = (b"tEXt", b"zTXt", b"iTXt")


class Way(NamedTuple):
    """A filter and a way to compress what it gives."""

    filter: int
    packing: Packing


def ways(compression: int | None) -> list[Way]:
    """What a level chooses from by a trial. Flat graphics want no filter and matches, photographs an adaptive filter, and
    runs alone are then as good as matches.

    0 stores; none and 1 and 2 are the fastest, isal's; 3 adds zlib with runs; from 4 on it is zlib with this level.
    """
    if compression == 0:
        return [Way(_NONE, Packing("zlib", 0))]
    runs = Way(_ADAPTIVE, Packing("zlib", max(compression or 1, 1), zlib.Z_RLE))
    if compression is None or compression <= 3:
        quick = Packing("isal", 1) if deflate.fast else Packing("zlib", 3)
        found = [Way(_NONE, quick), Way(_ADAPTIVE, quick)]
        return [*found, runs] if compression == 3 or not deflate.fast else found
    matches = Packing("zlib", compression)
    return [
        Way(_NONE, matches),
        Way(_ADAPTIVE, matches),
        Way(_ADAPTIVE, matches._replace(strategy=zlib.Z_FILTERED)),
        runs,
    ]


def encode(
    pixels: np.ndarray,
    mode: str,
    metadata: Metadata,
    notes: list[str],
    quality: int | None,
    compression: Any,
    threads: int | None = None,
) -> bytes:
    """The file for pixels of type bool (grey only), uint8 or uint16, (height, width[, channels])."""
    import io

    file = io.BytesIO()
    writer = Writer(file, pixels.shape, pixels.dtype, mode, metadata, notes, compression=compression, threads=threads)
    writer.write(pixels)
    writer.finish()
    return file.getvalue()


class Writer:
    """A PNG file written as its rows come; see `imconv.files.streams.Writer`.

    Rows are gathered into bands, which are filtered and compressed on threads while the caller goes on. The file depends
    neither on how the rows came nor on the threads. Memory: some bands, whatever the picture's height.
    """

    def __init__(
        self,
        output,
        shape: tuple[int, ...],
        dtype: np.dtype,
        mode: str,
        metadata: Metadata,
        notes: list[str],
        *,
        quality: int | None = None,
        compression: Any = None,
        threads: int | None = None,
    ):
        self._output = output
        self._rows = _StoredRows(shape, dtype)
        self._ways = ways(level(compression))
        slow = any(way.packing.library == "zlib" and way.packing.level > 3 for way in self._ways)
        self._height = max(1, (SLOW_BAND if slow else BAND) // (self._rows.size + 1))
        self._left = shape[0]
        self._band: np.ndarray | None = None  # rows as they are stored, below the one above them
        self._filled = 0
        self._checksum = 1
        self._bands = InOrder(threads or usable_threads())
        output.write(SIGNATURE + head(self._rows, mode, metadata))

    def write(self, rows: np.ndarray) -> None:
        """The next rows, any number of them; they may be changed afterwards."""
        while len(rows):
            if self._band is None:
                self._begin()
            taken = rows[: len(self._band) - self._filled]
            self._rows.store(taken, self._band[self._filled : self._filled + len(taken)])
            self._filled += len(taken)
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

        above = self._left < self._rows.height
        if not self._left:
            raise ValueError("more rows than the picture has")
        band = np.empty((above + min(self._height, self._left), self._rows.size), np.uint8)
        if above:
            band[0] = self._above
        self._band, self._filled = band, int(above)

    def _end(self) -> None:
        band = self._band
        above = int(self._left < self._rows.height)
        self._left -= len(band) - above
        self._above, self._band = band[-1], None
        first, last = not above, not self._left
        self._bands.add(lambda: _pack(band, first, last, self._rows.back, self._ways))
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


def _pack(band: np.ndarray, first: bool, last: bool, back: int, chosen: list[Way]) -> _Packed:
    """Filter and compress a band; all but the first begin with the row above."""
    above = 0 if first else 1
    way = chosen[0] if len(chosen) == 1 else _best(chosen, band, above, back)
    coded = _filtered(band, above, len(band), back, way.filter)
    return _Packed(way.packing.packed(coded, last), first, last, deflate.adler32(coded), coded.size)


def _filtered(band: np.ndarray, first: int, stop: int, back: int, kind: int) -> np.ndarray:
    """Rows first .. stop - 1, filtered, each behind its filter's number."""
    import numpy as np

    above = min(first, 1)
    out = np.empty((stop - first, 1 + band.shape[1]), np.uint8)
    loop("scanline.filter_rows")(band[first - above : stop], above, back, kind, out)
    return out


def _best(chosen: list[Way], band: np.ndarray, above: int, back: int) -> Way:
    """The way that compresses some groups of rows best, the first of those equally good."""
    height = len(band) - above
    count = max(1, min(_TRIED_ROWS, _TRIED_BYTES // _TRIED // (band.shape[1] + 1)))
    groups = max(1, min(_TRIED, height // count))
    starts = [(height - count) * k // max(1, groups - 1) for k in range(groups)] if height > count else [0]
    coded: dict[int, bytes] = {}
    for kind in {way.filter for way in chosen}:
        coded[kind] = b"".join(_filtered(band, above + y, above + min(y + count, height), back, kind) for y in starts)
    return min(chosen, key=lambda way: len(way.packing.packed(coded[way.filter], True)))


def usable_threads() -> int:
    """As many as this process has cores, up to MOST_THREADS."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_THREADS)


def head(rows: _StoredRows, mode: str, metadata: Metadata) -> bytes:
    """The chunks before the pixels."""
    found = [chunk(b"IHDR", struct.pack(">IIBBBBB", rows.width, rows.height, rows.bits, _COLOURS[mode], 0, 0, 0))]
    kept = [c for c in metadata.chunks if not (c[0] in (b"sRGB", b"cICP") and mode not in ("rgb", "rgba"))]
    if metadata.icc:
        found.append(chunk(b"iCCP", b"ICC Profile\0\0", zlib.compress(metadata.icc)))
        kept = [c for c in kept if c[0] != b"sRGB"]  # a file says one or the other
    once: set[bytes] = set()
    for kind, data in kept:
        if kind in _OFTEN or (kind in _ONCE and kind not in once):
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
