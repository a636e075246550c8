"""Deflate and inflate: by `isal`, which is several times as fast, where it is installed, else by the standard zlib."""

from __future__ import annotations

import zlib
from collections.abc import Generator, Iterable
from types import ModuleType
from typing import Any, NamedTuple

from ..errors import OptionError
from ..jit import loop

fast: ModuleType | None = None
try:
    from isal import isal_zlib

    fast = isal_zlib
except ImportError:  # no wheel for this machine
    pass

_ERRORS: tuple[type[Exception], ...] = (zlib.error,) if fast is None else (zlib.error, fast.error)
adler32, crc32 = (fast or zlib).adler32, (fast or zlib).crc32
MAX_INFLATION = 1032  # deflate cannot do better; a header that claims more is lying
BLOCK = 1 << 18  # bytes inflated at a time, at most
_BLOCK, _TOKENS, _LINES = 1 << 16, 512, 13  # as `deflate.pack_runs` has them


def level(compression: Any) -> int | None:
    """A compression level as it was given, None for the format's own. Raises OptionError."""
    if compression is None:
        return None
    if isinstance(compression, bool) or not isinstance(compression, int) or not 0 <= compression <= 9:
        raise OptionError(f"compression {compression!r} is not a whole number from 0 to 9")
    return compression


def inflated(pieces: Iterable, needed: int, notes: list[str]) -> Generator[bytes, None, None]:
    """The first `needed` bytes of a zlib stream that comes in pieces, in blocks.

    Its checksum is checked. Raises ValueError where it is damaged or cut off; what is there beyond `needed` bytes is not
    inflated, and `notes` says so.
    """
    stream = (fast or zlib).decompressobj()
    left = needed
    for piece in pieces:
        while not stream.eof:
            # one byte more than is wanted: zlib takes 0 for no limit, and the stream's end comes after its last byte
            most = min(BLOCK, left + 1)
            try:
                block = stream.decompress(piece, most)
            except _ERRORS as error:
                raise ValueError(str(error)) from error
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
    """A way to compress: by "isal" (where it is missing by zlib), by "zlib", or as "runs" of equal bytes by a loop."""

    library: str
    level: int = 0
    strategy: int = zlib.Z_DEFAULT_STRATEGY

    def packed(self, data, last: bool) -> bytes:
        """Part of a raw deflate stream: it ends the stream, or ends on a byte where another can follow."""
        if self.library == "runs":
            return _packed_runs(data, last)
        if self.library == "isal" and fast is not None:
            packer = fast.compressobj(self.level, fast.DEFLATED, -15)
        else:
            packer = zlib.compressobj(self.level, zlib.DEFLATED, -15, 9, self.strategy)
        return packer.compress(data) + packer.flush(zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH)


def _packed_runs(data, last: bool) -> bytes:
    import numpy as np

    data = np.frombuffer(data, np.uint8)
    # 15 bits a byte and 600 bytes a block are never exceeded; memory that isn't written costs nothing
    out = np.empty((2 * data.size + 600 * (data.size // _BLOCK + 1)) // 8 + 2, np.int64)
    used = np.zeros(1, np.int64)
    scratch = np.empty(_BLOCK, np.uint16), np.empty(_TOKENS + 1, np.int64), np.empty((_LINES, 2 * _TOKENS), np.int64)
    loop("deflate.pack_runs")(data, int(last), out, used, *scratch)
    return out.astype("<i8", copy=False).view(np.uint8)[: used[0]].tobytes()


def adler32_of_both(first: int, second: int, length: int) -> int:
    """The Adler-32 checksum of two pieces one behind the other, from theirs and the second's length."""
    low = (first & 0xFFFF) + (second & 0xFFFF) - 1
    high = (first >> 16) + (second >> 16) + length * ((first & 0xFFFF) - 1)
    return high % 65521 << 16 | low % 65521
