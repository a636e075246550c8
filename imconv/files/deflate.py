"""Deflate and inflate: by `isal`, which is several times as fast, where it is installed, else by the standard zlib."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

try:
    from isal import isal_zlib as fast
except ImportError:  # no wheel for this machine
    fast = None

ERRORS = (zlib.error,) if fast is None else (zlib.error, fast.error)
adler32, crc32 = (fast or zlib).adler32, (fast or zlib).crc32
MAX_INFLATION = 1032  # deflate cannot do better; a header that claims more is lying
BLOCK = 1 << 18  # bytes inflated at a time, at most


def inflated(pieces: Iterable, needed: int, notes: list[str]) -> Iterator[bytes]:
    """The first `needed` bytes of a zlib stream that comes in pieces, in blocks.

    Its checksum is checked. Raises ValueError and ERRORS where it is damaged or cut off; what is there beyond `needed`
    bytes is not inflated, and `notes` says so.
    """
    stream = (fast or zlib).decompressobj()
    left = needed
    for piece in pieces:
        while not stream.eof:
            # one byte more than is wanted: zlib takes 0 for no limit, and the stream's end comes after its last byte
            most = min(BLOCK, left + 1)
            block = stream.decompress(piece, most)
            if len(block) > left:
                notes.append("more pixels than its size says ignored")
                yield block[:left]
                return
            left -= len(block)
            if block:
                yield block
            piece = stream.unconsumed_tail
            if not piece and len(block) < most:
                break
        if stream.eof:
            break
    if left or not stream.eof:
        raise ValueError("it ends within the pixels")


class Packing(NamedTuple):
    """A way to compress; where isal is asked for and missing, zlib does it."""

    library: str
    level: int
    strategy: int = zlib.Z_DEFAULT_STRATEGY

    def packed(self, data, last: bool) -> bytes:
        """Part of a raw deflate stream: it ends the stream, or ends on a byte where another can follow."""
        if self.library == "isal" and fast is not None:
            packer = fast.compressobj(self.level, fast.DEFLATED, -15)
        else:
            packer = zlib.compressobj(self.level, zlib.DEFLATED, -15, 9, self.strategy)
        return packer.compress(data) + packer.flush(zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH)


def adler32_of_both(first: int, second: int, length: int) -> int:
    """The Adler-32 checksum of two pieces one behind the other, from theirs and the second's length."""
    low = (first & 0xFFFF) + (second & 0xFFFF) - 1
    high = (first >> 16) + (second >> 16) + length * ((first & 0xFFFF) - 1)
    return high % 65521 << 16 | low % 65521
