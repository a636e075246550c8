"""JPEG 2000 in boxes, which carry metadata, around a codestream."""

from __future__ import annotations

import struct

from .. import by_pillow, tags
from ..boxes import Box, box, boxes, content
from ..header import Header
from ..picture import EncoderOptions, Metadata, Page
from ..tags import MAX_BLOCK
from . import codestream

_CMYK = 12  # enumerated colour space
_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_EXIF = b"JpgTiffExif->JP2"
_INCH = 0.0254

bytes_needed, decode = codestream.bytes_needed, codestream.decode


def read(file, size: int, *, whole: bool = False) -> Header:
    """The header of a .jp2 file."""
    (start, end), found, metadata = _read_boxes(file, size)
    colour = found.get(b"colr", b"")
    cmyk = colour[:1] == b"\1" and int.from_bytes(colour[3:7], "big") == _CMYK
    return codestream.header_at(file, start, end, "JP2", metadata, cmyk=cmyk, palette=b"pclr" in found)


def _read_boxes(file, size: int) -> tuple[tuple[int, int], dict[bytes, bytes], Metadata]:
    """Where the codestream starts and ends, the boxes of the header, and metadata."""
    start, end, exif, xmp, dpi = None, 0, None, None, None
    found: dict[bytes, bytes] = {}
    for outer in boxes(file, 0, size):
        if outer.kind == b"jp2h":
            for inner in list(boxes(file, outer.start, outer.end)):
                found.setdefault(inner.kind, content(file, inner, MAX_BLOCK))
                if inner.kind == b"res ":
                    dpi = _resolution(file, inner)
        elif outer.kind == b"uuid" and outer.end - outer.start <= MAX_BLOCK:
            block = content(file, outer, MAX_BLOCK)
            if block.startswith(_XMP):
                xmp = block[16:]
            elif block.startswith(_EXIF):
                exif = block[16:].removeprefix(b"Exif\0\0")
        elif outer.kind == b"jp2c" and start is None:
            start, end = outer.start, outer.end
    if b"ihdr" not in found or start is None:
        raise ValueError("it holds no picture")
    colour = found.get(b"colr", b"")
    icc = colour[3:] if colour[:1] == b"\2" else None
    metadata = Metadata(icc, exif, xmp, dpi or tags.resolution(exif), tags.orientation(exif))
    return (start, end), found, metadata


def _resolution(file, outer: Box) -> tuple[float, float] | None:
    for inner in boxes(file, outer.start, outer.end):
        if inner.kind == b"resc":
            vn, vd, hn, hd, ve, he = struct.unpack(">HHHHbb", content(file, inner, 10))
            if vn and vd and hn and hd:
                return hn / hd * 10.0**he * _INCH, vn / vd * 10.0**ve * _INCH
    return None


def encode(page: Page, options: EncoderOptions, notes: list[str]) -> bytes:
    """The .jp2 file, lossless, for pixels of type uint8 in any mode, and uint16 grey."""
    # the reversible colour transform, where there is colour: smaller, and as exact
    transform = int(page.mode in ("rgb", "rgba"))
    image, metadata = by_pillow.image_of(page.pixels, page.mode), page.metadata
    data = by_pillow.saved(image, "JP2", "Jpeg2K", mct=transform, no_jp2=False)
    start, end = data.index(b"jp2h") - 4, data.index(b"jp2c") - 4
    header = data[start + 8 : end]
    if metadata.icc:
        at = header.index(b"colr") - 4
        length = int.from_bytes(header[at : at + 4], "big")
        header = header[:at] + box(b"colr", b"\2\0\0", metadata.icc) + header[at + length :]
    if metadata.dpi:
        across, down = (_fraction(dots / _INCH) for dots in metadata.dpi)
        header += box(b"res ", box(b"resc", struct.pack(">HHHHbb", *down[:2], *across[:2], down[2], across[2])))
    parts = [data[:start], box(b"jp2h", header)]
    if metadata.exif:
        parts.append(box(b"uuid", _EXIF, metadata.exif))
    if metadata.xmp:
        parts.append(box(b"uuid", _XMP, metadata.xmp))
    return b"".join((*parts, data[end:]))


def _fraction(per_metre: float) -> tuple[int, int, int]:
    """A resolution as numerator and denominator of 16 bits and a power of ten."""
    from fractions import Fraction

    power = 0
    while per_metre > 65535:
        per_metre, power = per_metre / 10, power + 1
    near = Fraction(per_metre).limit_denominator(max(1, min(65535, int(65535 / max(per_metre, 1)))))
    return max(near.numerator, 1), near.denominator, power
