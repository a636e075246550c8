"""Deflate and inflate: by `isal`, which is several times as fast, where it is installed, else by the standard zlib."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

try:
    from isal import isal_zlib as fast
except ImportError:  # no wheel for this machine
    fast = None

ERRORS = (zlib.error,) if fast is None else (zlib.error, fast.error)
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
