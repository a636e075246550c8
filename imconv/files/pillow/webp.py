"""WebP: its header; stills and the frames of animations by Pillow, written as stills in one container.

Source: Google's description of the container.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .. import by_pillow, tags
from ..header import Header
from ..picture import EncoderOptions, Metadata, Page
from ..tags import MAX_BLOCK

if TYPE_CHECKING:
    import numpy as np

_LONGEST = (1 << 24) - 1  # milliseconds
_ICC, _ALPHA, _EXIF, _XMP, _ANIMATION = 0x20, 0x10, 0x08, 0x04, 0x02
_REPLACE = 0x02  # what was there before, instead of blending with it


def read(file, size: int, *, whole: bool = False) -> Header:
    """The header of a WebP file."""
    file.seek(4)
    end = struct.unpack("<I", file.read(4))[0] + 8
    if end > size:
        raise ValueError(f"it ends after {size} of {end} bytes")
    position, width, height, alpha, frames = 12, None, None, False, 0
    blocks: dict[bytes, bytes] = {}
    while position + 8 <= end:
        file.seek(position)
        kind, length = struct.unpack("<4sI", file.read(8))
        if b"\0" in kind:
            raise ValueError("a chunk has no proper name")
        if position + 8 + length > end:
            raise ValueError(f"it ends within {kind.decode('latin-1')!r}")
        data = file.read(min(length, 10))
        if kind == b"VP8X":
            alpha = bool(data[0] & 0x10)
            width = int.from_bytes(data[4:7], "little") + 1
            height = int.from_bytes(data[7:10], "little") + 1
        elif kind == b"VP8 " and width is None:
            if data[3:6] != b"\x9d\x01\x2a":
                raise ValueError("its first frame has no start code")
            width, height = (value & 0x3FFF for value in struct.unpack("<HH", data[6:10]))
        elif kind == b"VP8L" and width is None:
            if data[:1] != b"\x2f":
                raise ValueError("its first frame has no signature")
            packed = int.from_bytes(data[1:5], "little")
            width, height, alpha = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1, bool(packed >> 28 & 1)
        elif kind == b"ANMF":
            frames += 1
        elif kind in (b"ICCP", b"EXIF", b"XMP ") and length <= MAX_BLOCK:
            blocks[kind] = data + file.read(length - len(data))
        position += 8 + length + length % 2
    if width is None or height is None:
        raise ValueError("it holds no picture")
    exif = blocks.get(b"EXIF")
    if exif and exif.startswith(b"Exif\0\0"):
        exif = exif[6:]
    metadata = Metadata(blocks.get(b"ICCP"), exif, blocks.get(b"XMP "), tags.resolution(exif), tags.orientation(exif))
    return Header("WEBP", width, height, "rgba" if alpha else "rgb", 8, frames=max(1, frames), metadata=metadata)


def bytes_needed(header: Header) -> int:
    """Peak memory of decoding: what Pillow holds, and libwebp's own canvas and what it hands over."""
    return by_pillow.bytes_needed(header) + 8 * header.width * header.height


def decode(data: bytes, header: Header, notes: list[str]) -> np.ndarray:
    """The pixels of the only picture. Raises ValueError for damage."""
    return by_pillow.decode(data, header, "WebP")


def pages(data: bytes, header: Header) -> Iterator[tuple[np.ndarray, list[str], dict[str, Any]]]:
    """Pixels, notes and metadata of each frame, as it is shown."""
    import numpy as np

    with by_pillow.at_work():
        image = by_pillow.reader("WebP")(io.BytesIO(data))
    for number in range(image.n_frames):
        with by_pillow.at_work():
            image.seek(number)
            image.load()
            pixels = np.array(image)
        if pixels.shape != (header.height, header.width, header.channels):
            raise ValueError("header and pixels disagree")
        yield pixels, [], {"duration": float(image.info["duration"]), "loop": image.info["loop"]}


def encode(page: Page, options: EncoderOptions, notes: list[str]) -> bytes:
    """The file for pixels of type uint8, RGB or RGBA, lossless unless a quality is given."""
    settings: dict[str, Any] = (
        {"lossless": True, "exact": True} if options.quality is None else {"quality": options.quality}
    )
    metadata = page.metadata
    for key, value in (("icc_profile", metadata.icc), ("exif", metadata.exif), ("xmp", metadata.xmp)):
        if value:
            settings[key] = value
    return by_pillow.saved(by_pillow.image_of(page.pixels, page.mode), "WEBP", "WebP", **settings)


def encode_pages(pages: list[Page], options: EncoderOptions, notes: list[str]) -> bytes:
    """The file: every frame whole, lossless unless a quality is given."""
    height, width = pages[0].pixels.shape[:2]
    metadata = pages[0].metadata
    kept = {b"ICCP": (metadata.icc, _ICC), b"EXIF": (metadata.exif, _EXIF), b"XMP ": (metadata.xmp, _XMP)}
    flags = _ANIMATION | sum(flag for content, flag in kept.values() if content)
    if any(page.mode == "rgba" for page in pages):
        flags |= _ALPHA
    size = _three(width - 1) + _three(height - 1)
    parts = [_chunk(b"VP8X", struct.pack("<I", flags), size)]
    if metadata.icc:
        parts.append(_chunk(b"ICCP", metadata.icc))
    parts.append(_chunk(b"ANIM", struct.pack("<IH", 0, min(metadata.loop or 0, 65535))))
    rounded = False
    for page in pages:
        still = encode(page._replace(metadata=Metadata()), options, notes)
        pixels = [part for kind, part in _chunks(still) if kind in (b"ALPH", b"VP8 ", b"VP8L")]
        time = page.metadata.duration or 0
        shown = min(int(time + 0.5), _LONGEST)
        rounded |= shown != time
        parts.append(_chunk(b"ANMF", bytes(6), size, _three(shown), bytes([_REPLACE]), *pixels))
    parts += [_chunk(kind, block) for kind in (b"EXIF", b"XMP ") if (block := kept[kind][0])]
    if rounded:
        notes.append("times of frames rounded to milliseconds: WEBP holds no finer ones")
    body = b"".join(parts)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def _three(value: int) -> bytes:
    return value.to_bytes(3, "little")


def _chunk(kind: bytes, *content: bytes) -> bytes:
    length = sum(map(len, content))
    return b"".join((kind, struct.pack("<I", length), *content, bytes(length % 2)))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and whole of each chunk of a file that has been written here."""
    at = 12
    while at < len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        end = at + 8 + length + length % 2
        yield kind, data[at:end]
        at = end
