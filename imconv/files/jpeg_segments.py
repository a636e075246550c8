"""JPEG: the marker segments before the scan and what they say. Pixels are decoded elsewhere."""

from __future__ import annotations

import io
import struct

from imconv.files import tiff_tags
from imconv.files.header import Header, Unsupported
from imconv.files.picture import Metadata
from imconv.files.tiff_tags import MAX_BLOCK

_FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
_MODES = {1: "grey", 3: "rgb", 4: "cmyk"}
_XMP = b"http://ns.adobe.com/xap/1.0/\0"


def read(file, size: int, format_name: str, *, whole: bool = False) -> Header:
    """The header of a JPEG file: everything up to the first scan."""
    frame = None
    exif = xmp = density = None
    profile_parts: dict[int, bytes] = {}
    parts = carried = 0
    for marker, data in _segments(file):
        if marker in _FRAMES:
            if frame is not None:
                raise ValueError("two frame headers")
            frame = (marker, data)
        carried += len(data)
        if carried > MAX_BLOCK:
            continue
        if marker == 0xE0 and data.startswith(b"JFIF\0") and len(data) >= 12:
            unit, x, y = struct.unpack(">BHH", data[7:12])
            factor = {1: 1.0, 2: 2.54}.get(unit)
            density = (x * factor, y * factor) if factor and x and y else None
        elif marker == 0xE1 and data.startswith(b"Exif\0") and exif is None:
            exif = data[6:]
        elif marker == 0xE1 and data.startswith(_XMP) and xmp is None:
            xmp = data[len(_XMP) :]
        elif marker == 0xE2 and data.startswith(b"ICC_PROFILE\0") and len(data) > 14:
            profile_parts[data[12]], parts = data[14:], data[13]
    if frame is None:
        raise ValueError("no frame header before the pixels")
    marker, data = frame
    precision, height, width, components = struct.unpack(">BHHB", data[:6])
    if len(data) < 6 + 3 * components:
        raise ValueError("the frame header is cut off")
    notes = []
    icc = None
    if profile_parts and sorted(profile_parts) == list(range(1, parts + 1)):
        icc = b"".join(profile_parts[i] for i in sorted(profile_parts))
    elif profile_parts:
        notes.append("ICC profile dropped: parts of it are missing")
    if height == 0:
        raise Unsupported(
            "JPEG with its height after the pixels (DNL) cannot be read; store it again with another tool"
        )
    if components not in _MODES:
        raise Unsupported(f"JPEG with {components} components cannot be read; convert it to grey, RGB or CMYK")
    # each Huffman-coded 8 x 8 block takes a bit at least; arithmetic coding (0xC9 and up) has no such floor
    if marker < 0xC8 and marker != 0xC3 and width * height > 64 * 8 * size:
        raise ValueError(f"{width} x {height} pixels cannot be in {size} bytes")
    metadata = Metadata(icc, exif, xmp, density or tiff_tags.resolution(exif), tiff_tags.orientation(exif))
    return Header(
        "JPEG",
        width,
        height,
        _MODES[components],
        precision,
        metadata=metadata,
        notes=tuple(notes),
        layout={"marker": marker},
    )


def _segments(file):
    """(marker, data) of each segment until the first scan."""
    file.seek(2)
    while True:
        byte = file.read(1)
        if not byte:
            raise ValueError("it ends before the pixels")
        if byte != b"\xff":
            continue  # stray bytes between segments, as decoders tolerate them
        while byte == b"\xff":
            byte = file.read(1)
        marker = byte[0] if byte else 0xD9
        if marker in (0xDA, 0xD9):
            return
        if marker == 0 or marker == 1 or 0xD0 <= marker <= 0xD8:
            continue
        (length,) = struct.unpack(">H", file.read(2))
        data = file.read(length - 2) if length >= 2 else b""
        if length < 2 or len(data) < length - 2:
            raise ValueError("it ends within a segment")
        yield marker, data


def bare(data: bytes) -> bytes:
    """A JPEG file without EXIF, profiles and comments; what says how its colours are coded (JFIF, Adobe) stays."""
    file = io.BytesIO(data)
    parts: list[bytes | memoryview] = [data[:2]]
    for marker, content in _segments(file):
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE) or marker in (0xE0, 0xEE):
            parts += [bytes((0xFF, marker)), struct.pack(">H", len(content) + 2), content]
    parts += [b"\xff\xda", memoryview(data)[file.tell() :]]
    return b"".join(parts)


def refuse_what_pillow_degrades(header: Header) -> None:
    """Raise Unsupported for a precision Pillow cannot decode."""
    if header.depth != 8:
        raise Unsupported(f"{header.depth}-bit JPEG cannot be read; convert it to 8 bits or to a 16-bit PNG")
