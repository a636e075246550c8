"""PNG files written: rows filtered in loops and compressed in bands on threads, and the chunks around them."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from imconv.files import deflate
from imconv.files.deflate import Packing, crc32
from imconv.files.encoding import level
from imconv.files.overlap import in_order
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
    pixels: np.ndarray, mode: str, metadata: Metadata, notes: list[str], quality: int | None, compression: Any
) -> bytes:
    """The file for pixels of type bool (grey only), uint8 or uint16, (height, width[, channels])."""
    rows = StoredRows(pixels)
    chosen = ways(level(compression))
    way = chosen[0] if len(chosen) == 1 else _best(chosen, rows)
    parts = [SIGNATURE, *head(rows, mode, metadata), *body(rows, way), chunk(b"IEND", b"")]
    return b"".join(parts)


class StoredRows:
    """A picture's rows as a PNG file holds them before filtering."""

    def __init__(self, pixels: np.ndarray):
        self.pixels = pixels
        self.height, self.width = pixels.shape[:2]
        channels = pixels.shape[2] if pixels.ndim == 3 else 1
        self.bits = {"bool": 1, "uint8": 8, "uint16": 16}[pixels.dtype.name]
        self.size = (self.width * channels * self.bits + 7) // 8
        self.back = max(1, channels * self.bits // 8)

    def filtered(self, first: int, stop: int, kind: int) -> np.ndarray:
        """Rows first .. stop - 1, filtered; what is filtered depends on no other row than the one above each."""
        import numpy as np

        above = min(first, 1)
        rows = self.pixels[first - above : stop]
        rows = rows.reshape(len(rows), -1)
        if self.bits == 1:
            rows = np.packbits(rows, axis=1)
        elif self.bits == 16:
            rows = np.ascontiguousarray(rows, ">u2").view(np.uint8)
        else:
            rows = np.ascontiguousarray(rows)
        out = np.empty((stop - first, 1 + self.size), np.uint8)
        loop("scanline.filter_rows")(rows, above, self.back, kind, out)
        return out


def _best(chosen: list[Way], rows: StoredRows) -> Way:
    """The way that compresses some groups of rows best, the first of those equally good."""
    count = max(1, min(_TRIED_ROWS, _TRIED_BYTES // _TRIED // (rows.size + 1)))
    groups = max(1, min(_TRIED, rows.height // count))
    starts = [(rows.height - count) * k // max(1, groups - 1) for k in range(groups)] if rows.height > count else [0]
    coded: dict[int, bytes] = {}
    for kind in {way.filter for way in chosen}:
        coded[kind] = b"".join(rows.filtered(y, min(y + count, rows.height), kind) for y in starts)
    return min(chosen, key=lambda way: len(way.packing.packed(coded[way.filter], True)))


def body(rows: StoredRows, way: Way) -> Iterator[bytes]:
    """The IDAT chunks, one for each band of rows. They don't depend on the number of threads."""
    slow = way.packing.library == "zlib" and way.packing.level > 3
    height = max(1, (SLOW_BAND if slow else BAND) // (rows.size + 1))
    count = -(-rows.height // height)

    def work(band: int) -> tuple[bytes, int, int]:
        coded = rows.filtered(band * height, min((band + 1) * height, rows.height), way.filter)
        return way.packing.packed(coded, band == count - 1), deflate.adler32(coded), coded.size

    checksum = 1
    for band, (data, own, length) in enumerate(in_order(work, count, threads())):
        checksum = deflate.adler32_of_both(checksum, own, length)
        before = b"\x78\x01" if band == 0 else b""
        after = struct.pack(">I", checksum) if band == count - 1 else b""
        yield chunk(b"IDAT", before, data, after)


def threads() -> int:
    """As many as this process has cores, up to MOST_THREADS."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_THREADS)


def head(rows: StoredRows, mode: str, metadata: Metadata) -> list[bytes]:
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
    return found


def chunk(kind: bytes, *data: bytes) -> bytes:
    """A whole chunk; its content may come in parts."""
    checksum = crc32(kind)
    for part in data:
        checksum = crc32(part, checksum)
    length = sum(map(len, data))
    return b"".join((struct.pack(">I", length), kind, *data, struct.pack(">I", checksum)))
