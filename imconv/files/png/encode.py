"""PNG files written: rows filtered in loops and compressed in bands on threads, and the chunks around them; of animations
every frame so, in one file."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from .. import deflate
from ..channels import common, spread
from ..header import Unsupported
from ..picture import EncoderOptions, Metadata, Page
from ..streams import BandWriter, written
from . import effort
from .chunks import CONTROL, SIGNATURE, XMP_KEY, chunk

if TYPE_CHECKING:
    import numpy as np

_COLOURS = {"grey": 0, "rgb": 2, "grey+alpha": 4, "rgba": 6}
_OFTEN = (b"tEXt", b"zTXt", b"iTXt")
_MOST = 65535  # of the numerator and denominator of a frame's time


class Writer(BandWriter):
    """A PNG file written as its rows come; see `streams.Writer`."""

    def __init__(self, output, page: Page, options: EncoderOptions, notes: list[str]):
        self._rows = _StoredRows(page.pixels.shape, page.pixels.dtype)
        self._effort = effort.effort(deflate.level(options.compression))
        self._small = self._rows.size * self._rows.height < effort.SMALL
        self._checksum = 1
        # a row is filtered by the one above it
        super().__init__(output, page, max(1, self._effort.band // (self._rows.size + 1)), options.threads, again=1)
        output.write(SIGNATURE + head(self._rows, page.mode, page.metadata))

    def encoded(self, band: np.ndarray, first: bool, last: bool) -> _Packed:
        """A band filtered and compressed."""
        rows, above, back = self._rows.stored(band), 0 if first else 1, self._rows.back
        way = effort.choose(self._effort, self._small, rows, above, back)
        coded = effort.filtered(rows, above, len(rows), back, way.filter)
        return _Packed(way.packing.packed(coded, last), first, last, deflate.adler32(coded), coded.size)

    def stored(self, done: _Packed) -> None:
        """Put an encoded band into the file."""
        self._checksum = deflate.adler32_of_both(self._checksum, done.checksum, done.length)
        before = b"\x78\x01" if done.first else b""
        after = struct.pack(">I", self._checksum) if done.last else b""
        self.output.write(chunk(b"IDAT", before, done.data, after))

    def finish(self) -> None:
        """Called once, after the last row."""
        super().finish()
        self.output.write(chunk(b"IEND"))


class _StoredRows:
    """How a picture's rows lie in a PNG file before filtering."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype):
        self.height, self.width = shape[:2]
        channels = shape[2] if len(shape) == 3 else 1
        self.bits = {"bool": 1, "uint8": 8, "uint16": 16}[dtype.name]
        self.size = (self.width * channels * self.bits + 7) // 8
        self.back = max(1, channels * self.bits // 8)

    def stored(self, rows: np.ndarray) -> np.ndarray:
        """Pixels as bytes: (rows, size) of uint8."""
        import numpy as np

        flat = rows.reshape(len(rows), -1)
        if self.bits == 1:
            return np.packbits(flat, axis=1)
        return flat.astype(">u2").view(np.uint8) if self.bits == 16 else flat


class _Packed(NamedTuple):
    """A band as it goes into the file, and what of its rows the checksum needs."""

    data: bytes
    first: bool
    last: bool
    checksum: int
    length: int


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
    elif metadata.density:
        found.append(chunk(b"pHYs", struct.pack(">IIB", *metadata.density, 0)))
    if metadata.exif:
        found.append(chunk(b"eXIf", metadata.exif))
    return b"".join(found)


def encode_pages(pages: list[Page], options: EncoderOptions, notes: list[str]) -> bytes:
    """The file: every frame whole, all in the colour model that holds them all."""
    if len({page.pixels.dtype for page in pages}) > 1:
        raise Unsupported("the frames of a PNG file have one depth; convert them to one with depth=")
    mode = common([page.mode for page in pages])
    height, width = pages[0].pixels.shape[:2]
    parts: list[bytes] = []
    number = 0
    for page in pages:
        single = written(Writer, page._replace(pixels=spread(page.pixels, page.mode, mode), mode=mode), options, notes)
        time = Fraction((page.metadata.duration or 0) / 1000).limit_denominator(_MOST)
        if time.numerator > _MOST:
            time = Fraction(min(round(time), _MOST))
        control = CONTROL.pack(number, width, height, 0, 0, time.numerator, time.denominator, 0, 0)
        at = single.index(b"IDAT") - 4
        if not parts:
            loop = min(pages[0].metadata.loop or 0, 2**31 - 1)
            # acTL may stand anywhere before the pixels
            parts += [single[:at], chunk(b"acTL", struct.pack(">II", len(pages), loop))]
        number += 1
        first = len(parts) == 2
        parts.append(chunk(b"fcTL", control))
        for content in _pixels(single, at):
            if first:
                parts.append(chunk(b"IDAT", content))
            else:
                parts.append(chunk(b"fdAT", struct.pack(">I", number), content))
                number += 1
    return b"".join((*parts, chunk(b"IEND")))


def _pixels(single: bytes, at: int) -> Iterator[bytes]:
    """The contents of the IDAT chunks of a file written here, the first at `at`."""
    while single[at + 4 : at + 8] == b"IDAT":
        (length,) = struct.unpack_from(">I", single, at)
        yield single[at + 8 : at + 8 + length]
        at += 12 + length
