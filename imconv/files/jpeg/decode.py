"""JPEG pixels: by simplejpeg where it is installed and gives what Pillow gives, else by Pillow once no damage is found."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from .. import jpeg_scans
from ..header import Header, Unsupported
from ..source import ENDLESS
from . import segments

if TYPE_CHECKING:
    import numpy as np

_PROGRESSIVE = 0xC2
_ARITHMETIC = (0xC9, 0xCA)
_UNPROVABLE = "arithmetic-coded: that a file of this kind has been cut short cannot be seen from it"


def bytes_needed(header: Header) -> int:
    """Peak memory of decoding: the picture, where it is progressive all coefficients, and what Pillow holds."""
    samples = header.width * header.height * header.channels
    coefficients = 2 * samples if header.layout["marker"] == _PROGRESSIVE else 0
    if _quick(header):
        return samples + coefficients
    from .. import by_pillow

    return by_pillow.bytes_needed(header) + coefficients


def decode(data: bytes, header: Header, notes: list[str]) -> np.ndarray:
    """The pixels. Raises ValueError for damage, Unsupported for what can't be decoded or checked."""
    if header.layout.get("completed"):  # it has been checked, and is known to be incomplete
        return _by_pillow(data, header)
    quick, arithmetic = _quick(header), header.layout["marker"] in _ARITHMETIC
    if not arithmetic and not jpeg_scans.ends(data):
        data += jpeg_scans.END
        notes.append("its end marker is missing; all its pixels are there")
    if arithmetic:
        if not quick:
            raise Unsupported("arithmetic-coded JPEG cannot be checked for damage here; convert it with jpegtran")
        notes.append(_UNPROVABLE)
    if quick:
        try:
            pixels = quick.decode_jpeg(data, "GRAY" if header.mode == "grey" else "RGB", strict=True)
        except ValueError:
            # it warns of what comes before the pixels as well, which harms none of them
            if arithmetic:
                raise
        else:
            if pixels.shape == (header.height, header.width, header.channels):
                jpeg_scans.check(data, follow=False)
                return pixels if header.channels > 1 else pixels[..., 0]
    jpeg_scans.check(data)  # Pillow drops the warnings of its decoder
    return _by_pillow(data, header)


def completed(data: bytes) -> tuple[bytes, slice] | None:
    """A file that ends within its pixels with an end marker, and which rows are missing; None for any other."""
    try:
        if jpeg_scans.ends(data):
            return None
    except jpeg_scans.CutSegment as cut:
        data = data[: cut.place]
    data += jpeg_scans.END
    try:
        jpeg_scans.check(data)
    except jpeg_scans.CutOff as cut:
        header = segments.read(io.BytesIO(data), ENDLESS)
        missing = slice(cut.rows, header.height)
        return (data, missing) if header.layout["marker"] not in _ARITHMETIC else None
    return None


def _by_pillow(data: bytes, header: Header) -> np.ndarray:
    if header.depth != 8:
        raise Unsupported(f"{header.depth}-bit JPEG cannot be read; convert it to 8 bits or to a 16-bit PNG")
    from .. import by_pillow

    return by_pillow.decode(segments.bare(data), header, "Jpeg")


def _quick(header: Header):
    """simplejpeg where it may decode this file, else None."""
    if not header.layout["plain"]:
        return None
    try:
        import simplejpeg
    except ImportError:
        return None
    return simplejpeg
