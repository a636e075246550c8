"""JPEG 2000 without boxes: a bare codestream, which carries no metadata; pixels by Pillow, without loss where it can."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from .. import by_pillow
from ..channels import scaled
from ..header import Header, Unsupported
from ..picture import EncoderOptions, Metadata, Page
from ..source import ENDLESS

if TYPE_CHECKING:
    import numpy as np

SIGNATURE = b"\xff\x4f\xff\x51"
_MODES = {1: "grey", 2: "grey+alpha", 3: "rgb", 4: "rgba"}
_TILE, _END = 0xFF90, 0xFFD9


def read(file, size: int, *, whole: bool = False) -> Header:
    """The header of a bare codestream."""
    return header_at(file, 0, size, "J2K", Metadata())


def header_at(
    file, start: int, end: int, name: str, metadata: Metadata, *, cmyk: bool = False, palette: bool = False
) -> Header:
    """The header of a codestream that lies from `start` to `end`, of a file in the format `name`. `cmyk` and `palette`:
    what boxes around it say of its colours."""
    file.seek(start)
    if file.read(4) != SIGNATURE:
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
    mode = "cmyk" if components == 4 and cmyk else _MODES.get(components, "")
    odd = None
    if components not in _MODES:
        odd = f"{components} components"
    elif palette:
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
        name,
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


def bytes_needed(header: Header) -> int:
    """Peak memory of decoding: what Pillow holds, and OpenJPEG's samples of 32 bits."""
    return by_pillow.bytes_needed(header) + 4 * header.width * header.height * header.channels


def decode(data: bytes, header: Header, notes: list[str]) -> np.ndarray:
    """The pixels. Raises ValueError for damage, Unsupported for what would be degraded."""
    odd, bits = header.layout["odd"], header.layout["bits"]
    if odd:
        raise Unsupported(f"JPEG 2000 with {odd} cannot be read without loss; convert it to PNG or TIFF")
    pixels = by_pillow.decode(data, header, "Jpeg2K")
    if bits in (8, 16):
        return pixels
    # Pillow has shifted them to the upper bits
    return scaled(pixels >> ((8 if bits < 8 else 16) - bits), (1 << bits) - 1)


def encode(page: Page, options: EncoderOptions, notes: list[str]) -> bytes:
    """The file, lossless, for pixels of type uint8 in any mode but CMYK, and uint16 grey."""
    return by_pillow.saved(by_pillow.image_of(page.pixels, page.mode), "J2K", "Jpeg2K", no_jp2=True)
