"""Animated PNG: each frame is made a PNG file of its own and decoded as such, and the way back; source: W3C's PNG 3."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from ...errors import FileError, LimitError
from ..channels import common, spread
from ..header import Header, Unsupported, damaged, read_header
from ..picture import EncoderOptions, Page
from . import still
from .chunks import SIGNATURE
from .encode import chunk, encode

if TYPE_CHECKING:
    import numpy as np

_CONTROL = struct.Struct(">IIIIIHHBB")
_MOST = 65535


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


def pages(data: bytes, header: Header, name: str) -> Iterator[tuple[np.ndarray, list[str], dict]]:
    """Pixels, notes and metadata of each frame, as it is shown, of a file whose chunks have been checked."""
    from ..animation import Canvas, reduced

    canvas = None
    try:
        head, shared, frames, plays = take_apart(data)
        for frame in frames:
            if not frame.width or not frame.height or not _inside(frame, header):
                raise ValueError("a frame lies outside the picture")
            size = struct.pack(">II", frame.width, frame.height)
            parts = [SIGNATURE, chunk(b"IHDR", size, head[8:]), *shared]
            parts += [chunk(b"IDAT", piece) for piece in frame.pixels]
            single = b"".join((*parts, chunk(b"IEND")))
            own = read_header(io.BytesIO(single), len(single), name)
            pixels, notes, _ = still.decode(single, own, name)
            canvas = canvas or Canvas(header.height, header.width, pixels.dtype)
            shown = canvas.show(
                spread(pixels, own.mode, "rgba"), frame.top, frame.left, bool(frame.over), frame.disposal
            )
            yield reduced(shown, header.mode), notes, {"duration": float(1000 * frame.time), "loop": plays}
    except MemoryError:
        raise LimitError(f"{name}: not enough memory for its frames; choose one with --page") from None
    except (ValueError, struct.error) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(damaged(name, "PNG", str(error))) from error


def _inside(frame: Frame, header: Header) -> bool:
    return frame.left + frame.width <= header.width and frame.top + frame.height <= header.height


def take_apart(data: bytes) -> tuple[bytes, list[bytes], list[Frame], int]:
    """The content of IHDR, the chunks that all frames share, the frames, and how often they play (0: for ever)."""
    head, shared, frames, plays = b"", [], [], 0
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
                width, height, left, top, numerator, denominator, disposal, over = _CONTROL.unpack(content)[1:]
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


def encode_pages(pages: list[Page], options: EncoderOptions, notes: list[str]) -> bytes:
    """The file: every frame whole, all in the colour model that holds them all."""
    if len({page.pixels.dtype for page in pages}) > 1:
        raise Unsupported("the frames of a PNG file have one depth; convert them to one with --depth")
    mode = common([page.mode for page in pages])
    height, width = pages[0].pixels.shape[:2]
    parts: list[bytes] = []
    number = 0
    for page in pages:
        single = encode(page._replace(pixels=spread(page.pixels, page.mode, mode), mode=mode), options, notes)
        time = Fraction((page.metadata.duration or 0) / 1000).limit_denominator(_MOST)
        if time.numerator > _MOST:
            time = Fraction(min(round(time), _MOST))
        control = _CONTROL.pack(number, width, height, 0, 0, time.numerator, time.denominator, 0, 0)
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
    return b"".join((*parts, chunk(b"IEND", b"")))


def _pixels(single: bytes, at: int) -> Iterator[bytes]:
    """The contents of the IDAT chunks of a file written here, the first at `at`."""
    while single[at + 4 : at + 8] == b"IDAT":
        (length,) = struct.unpack_from(">I", single, at)
        yield single[at + 8 : at + 8 + length]
        at += 12 + length
