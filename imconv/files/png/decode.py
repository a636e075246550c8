"""PNG files decoded: the picture, or the frames of an animation, each of which is made a PNG file of its own; source: W3C's
PNG 3."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from ..channels import spread
from ..header import Header, Unsupported
from ..streams import gathered
from . import still
from .chunks import CONTROL, SIGNATURE, chunk, read, read_start

if TYPE_CHECKING:
    import numpy as np


class Frame(NamedTuple):
    """One frame: its place, its time in seconds, how it is drawn, and its compressed pixels."""

    width: int
    height: int
    left: int
    top: int
    time: Fraction
    disposal: int
    over: int
    pixels: list[bytes]


rows, bytes_held = still.rows, still.bytes_held


def bytes_needed(header: Header) -> int:
    """Peak memory of decoding one picture; for an animation with the canvas that its frames are drawn on."""
    canvases = 5 * 4 * header.height * header.line // header.channels if header.frames > 1 else 0
    return still.bytes_needed(header) + canvases


def pages(data: bytes, header: Header) -> Iterator[tuple[np.ndarray, list[str], dict[str, Any]]]:
    """Pixels, notes and metadata of each frame of an animation, as it is shown, of a file whose chunks have been checked."""
    from ..animation import Canvas, reduced

    canvas = None
    head, shared, frames, plays = take_apart(data)
    if not frames:
        raise ValueError("it holds no frame")
    for frame in frames:
        if not frame.width or not frame.height or not _inside(frame, header):
            raise ValueError("a frame lies outside the picture")
        size = struct.pack(">II", frame.width, frame.height)
        parts = [SIGNATURE, chunk(b"IHDR", size, head[8:]), *shared]
        parts += [chunk(b"IDAT", piece) for piece in frame.pixels]
        single = io.BytesIO(b"".join((*parts, chunk(b"IEND"))))
        own = read(single, len(single.getbuffer()))
        notes: list[str] = []
        pixels = gathered(still.rows(single, own, notes), own)
        canvas = canvas or Canvas(header.height, header.width, pixels.dtype)
        shown = canvas.show(spread(pixels, own.mode, "rgba"), frame.top, frame.left, bool(frame.over), frame.disposal)
        yield reduced(shown, header.mode), notes, {"duration": float(1000 * frame.time), "loop": plays}


def completed(data: bytes) -> tuple[bytes, slice] | None:
    """A file that ends within its pixels, with rows of 0 for those that are missing, and which they are; None for any other.

    ValueError where its pixels are damaged, Unsupported where they are interlaced.
    """
    header = read_start(io.BytesIO(data))
    if header.layout["interlace"]:
        raise Unsupported("an interlaced PNG that ends too early cannot be completed")
    packed, first, at = list[bytes](), 0, len(SIGNATURE)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"IDAT":
            first = first or at
            content = data[at + 8 : at + 8 + length]
            if at + 12 + length <= len(data) and chunk(kind, content) != data[at : at + 12 + length]:
                raise ValueError("wrong checksum in IDAT")
            packed.append(content)
        elif first:  # another chunk has begun
            return None
        at += 12 + length
    line = 1 + still.Rows(header, []).line_bytes(header.width)
    stream = zlib.decompressobj()
    rows = stream.decompress(b"".join(packed), line * header.height)
    there = len(rows) // line
    pixels = zlib.compress(rows[: there * line].ljust(line * header.height, b"\0"), 1)
    return data[:first] + chunk(b"IDAT", pixels) + chunk(b"IEND"), slice(there, header.height)


def _inside(frame: Frame, header: Header) -> bool:
    return frame.left + frame.width <= header.width and frame.top + frame.height <= header.height


def take_apart(data: bytes) -> tuple[bytes, list[bytes], list[Frame], int]:
    """The content of IHDR, the chunks that all frames share, the frames, and how often they play (0: for ever)."""
    head, plays = b"", 0
    shared: list[bytes] = []
    frames: list[Frame] = []
    number, at = 0, 8
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        content = data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            head = content
        elif kind in (b"PLTE", b"tRNS"):
            shared.append(data[at : at + 12 + length])
        elif kind == b"acTL":
            plays = struct.unpack(">II", content)[1]
        elif kind in (b"fcTL", b"fdAT"):
            if struct.unpack_from(">I", content)[0] != number:
                raise ValueError("its frames are out of order")
            number += 1
            if kind == b"fcTL":
                width, height, left, top, numerator, denominator, disposal, over = CONTROL.unpack(content)[1:]
                if disposal > 2 or over > 1:
                    raise ValueError("a frame is drawn in an unknown way")
                time = Fraction(numerator, denominator or 100)
                # nothing is to be restored before the first frame
                disposal = 1 if disposal == 2 and not frames else disposal
                frames.append(Frame(width, height, left, top, time, disposal, over, []))
            elif frames:
                frames[-1].pixels.append(content[4:])
        elif kind == b"IDAT" and frames:  # else the picture before them is not part of the animation
            frames[-1].pixels.append(content)
        at += 12 + length
    return head, shared, frames, plays
