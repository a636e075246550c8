"""AVIF: what its boxes say, after ISO/IEC 23008-12 and the AV1 Image File Format; pixels by Pillow, 8 bits."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from .. import by_pillow
from ..header import Header, Unsupported
from ..picture import EncoderOptions, Page
from . import items

if TYPE_CHECKING:
    import numpy as np

DEFAULT_QUALITY = 90


def read(file, size: int, *, whole: bool = False) -> Header:
    """The header of an AVIF file: the primary item's properties, and the number of frames of a sequence."""
    meta, frames = items.opened(file, size)
    found = meta.properties(meta.primary)
    width, height = struct.unpack(">II", found[b"ispe"][4:12])
    coded = found.get(b"av1C") or meta.any_property(b"av1C") or b"\0\0\0\0"
    bits = 12 if coded[2] & 0x20 else 10 if coded[2] & 0x40 else 8
    mode = {(False, False): "rgb", (True, False): "grey", (False, True): "rgba", (True, True): "grey+alpha"}[
        bool(coded[2] & 0x10), meta.alpha
    ]
    return Header("AVIF", width, height, mode, bits, frames=frames, metadata=meta.metadata())


def bytes_needed(header: Header) -> int:
    """Peak memory of decoding: what Pillow holds, its own copy of the pixels, and the planes."""
    return by_pillow.bytes_needed(header) + 2 * header.width * header.height * 4


def decode(data: bytes, header: Header, notes: list[str]) -> np.ndarray:
    """The pixels. Raises ValueError for damage, Unsupported for more than 8 bits."""
    if header.depth > 8:
        raise Unsupported(f"{header.depth}-bit AVIF cannot be read without losing bits; convert it to a 16-bit PNG")
    return by_pillow.decode(data, header, "Avif")


def encode(page: Page, options: EncoderOptions, notes: list[str]) -> bytes:
    """The file for pixels of type uint8, colour at full resolution. Quality 100 is exact for grey, else within 2 levels."""
    pixels, mode, metadata = page
    settings: dict[str, Any] = {"icc_profile": metadata.icc, "exif": metadata.exif, "xmp": metadata.xmp}
    settings = {key: value for key, value in settings.items() if value}
    if mode in ("rgb", "rgba"):
        settings["subsampling"] = "4:4:4"
    settings["quality"] = options.quality or DEFAULT_QUALITY
    return by_pillow.saved(by_pillow.image_of(pixels, mode), "AVIF", "Avif", **settings)
