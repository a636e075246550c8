"""JPEG files without their metadata: the coded pixels are copied, so that nothing is lost."""

from __future__ import annotations

import io
import struct

from .. import jpeg_scans, tags
from ..picture import Metadata
from ..source import ENDLESS
from . import segments

_SCAN, _END = 0xDA, 0xD9
_JFIF = b"JFIF\0" + struct.pack(">HBHHBB", 0x101, 0, 1, 1, 0, 0)  # no resolution, no thumbnail


def stripped(data: bytes, keep_icc: bool = False) -> tuple[bytes, list[str]]:
    """A file with the same coded pixels, without metadata and further pictures; and notes.

    What says how colours are coded stays, and so does an orientation other than 1: without it the picture would be turned.

    Raises
    ------
    ValueError, Unsupported
        The file is damaged, or of a kind that can't be read.
    """
    header = segments.read(io.BytesIO(data), ENDLESS)
    jpeg_scans.check(data)
    parts, copied = [data[:2]], 2
    behind_scan = False
    for marker, end, content in jpeg_scans.segments_of(data):
        size = 2 if marker == _END else len(content) + 4
        if behind_scan:  # the coded pixels before this segment
            parts.append(data[copied : end - size])
        copied, behind_scan = end, marker == _SCAN
        if marker == 0xE0 and content.startswith(b"JFIF\0"):
            parts.append(_segment(marker, _JFIF))
        elif marker == 0xEE or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            parts.append(data[end - size : end])
    orientation = header.metadata.orientation
    kept = Metadata(
        icc=header.metadata.icc if keep_icc else None,
        exif=tags.with_orientation(None, orientation),
        orientation=orientation,
    )
    notes = [f"orientation {orientation} kept: without it the picture would be turned"] if orientation != 1 else []
    return segments.described(b"".join(parts), kept), notes


def _segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content
