"""JPEG 2000: what boxes and codestream say, and boxes for metadata; pixels by Pillow, without loss where it can."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from ...errors import FileError
from .. import tags
from ..header import ENDLESS, Header
from ..picture import Metadata
from ..tags import MAX_BLOCK
from . import decode as pillow
from .boxes import Box, box, boxes, content

if TYPE_CHECKING:
    import numpy as np

CODESTREAM = b"\xff\x4f\xff\x51"
_MODES = {1: "grey", 2: "grey+alpha", 3: "rgb", 4: "rgba"}
_TILE, _END = 0xFF90, 0xFFD9
_CMYK = 12  # enumerated colour space
_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_EXIF = b"JpgTiffExif->JP2"
_INCH = 0.0254


def read(file, size: int, format_name: str, *, whole: bool = False) -> Header:
    """The header of a .jp2 file or of a bare codestream."""
    found: dict[bytes, bytes] = {}
    colour, metadata = None, Metadata()
    start, end = 0, size
    if format_name == "JP2":
        (start, end), found, metadata = _read_boxes(file, size)
        colour = int.from_bytes(found[b"colr"][3:7], "big") if found.get(b"colr", b"")[:1] == b"\1" else None
    file.seek(start)
    if file.read(4) != CODESTREAM:
        raise ValueError("no codestream where one belongs")
    length, _, right, bottom, left, top = struct.unpack(">HHIIII", file.read(20))
    tile_width, tile_height, tile_left, tile_top, components = struct.unpack(">IIIIH", file.read(18))
    if length != 38 + 3 * components:
        raise ValueError("the size marker is of a wrong length")
    layers = [tuple(file.read(3)) for _ in range(components)]
    tiles = (
        -(-(right - tile_left) // tile_width) * -(-(bottom - tile_top) // tile_height)
        if tile_width * tile_height
        else 0
    )
    _check_tiles(file, start + 4 + length, end, tiles)
    depths = {(depth & 0x7F) + 1 for depth, _, _ in layers}
    mode = "cmyk" if components == 4 and colour == _CMYK else _MODES.get(components, "")
    odd = None
    if components not in _MODES:
        odd = f"{components} components"
    elif b"pclr" in found:
        odd = "a palette"
    elif len(depths) > 1:
        odd = "components of different depths"
    elif any(layer[1:] != (1, 1) for layer in layers):
        odd = "subsampled components"
    elif layers[0][0] & 0x80:
        odd = "signed samples"
    elif max(depths) > (16 if components == 1 else 8):
        odd = f"{max(depths)}-bit {mode} samples"
    bits = max(depths)
    notes = [] if bits in (8, 16) or odd else [f"{bits}-bit samples scaled to {8 if bits < 8 else 16} bits"]
    return Header(
        format_name,
        right - left,
        bottom - top,
        mode or "rgb",
        bits if odd else 8 if bits <= 8 else 16,
        sample="signed" if layers[0][0] & 0x80 else "unsigned",
        metadata=metadata,
        notes=tuple(notes),
        layout={"bits": bits, "odd": odd},
    )


def _check_tiles(file, at: int, end: int, tiles: int) -> None:
    """Walk over the codestream from after its size marker: every tile must be there, or decoders make up what is missing."""
    found = set()
    while True:
        file.seek(at)
        marker, length = struct.unpack(">HH", file.read(4).ljust(4, b"\0"))
        if marker == _END:
            break
        if marker == _TILE:
            tile, part = struct.unpack(">HI", file.read(6))
            if not part and end >= ENDLESS:
                end = file.seek(0, 2)
            length = part or end - 2 - at
            if length < 12 or at + length > end:
                raise ValueError("it ends within the pixels")
            found.add(tile)
            at += length
        elif marker >> 8 == 0xFF and length >= 2 and not found:
            at += 2 + length
        else:
            raise ValueError("it ends within the pixels")
    if len(found) != tiles:
        raise ValueError(f"{len(found)} of its {tiles} tiles are there")


def _read_boxes(file, size: int) -> tuple[tuple[int, int], dict[bytes, bytes], Metadata]:
    """Where the codestream starts and ends, the boxes of the header, and metadata."""
    start, end, found, exif, xmp, dpi = None, 0, {}, None, None, None
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


def bytes_needed(header: Header) -> int:
    """Peak memory of decoding: what Pillow holds, and OpenJPEG's samples of 32 bits."""
    return pillow.bytes_needed(header) + 4 * header.width * header.height * header.channels


def decode(data: bytes, header: Header, name: str) -> tuple[np.ndarray, list[str], dict]:
    """Pixels, no notes and no metadata. Raises FileError for damage and for what would be degraded."""
    odd = header.layout["odd"]
    if odd:
        raise FileError(f"{name}: JPEG 2000 with {odd} cannot be read without loss; convert it to PNG or TIFF")
    return pillow.decode(data, header, name)


def encode(
    pixels: np.ndarray, mode: str, metadata: Metadata, notes: list[str], quality: int | None, compression: Any
) -> bytes:
    """The .jp2 file, lossless, for pixels of type uint8 in any mode, and uint16 grey."""
    data = _encoded(pixels, mode, no_jp2=False)
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


def _encoded(pixels, mode: str, **options) -> bytes:
    from . import encode as pillow_encode

    # the reversible colour transform, where there is colour: smaller, and as exact
    return pillow_encode.jpeg2000(pixels, mode, mct=int(mode in ("rgb", "rgba")), **options)
