"""JPEG pixels: by simplejpeg where it is installed and gives what Pillow gives, else by Pillow once no damage is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import FileError, LimitError
from .. import jpeg_scans
from ..header import Header, Unsupported, damaged
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


def decode(data: bytes, header: Header, name: str) -> tuple[np.ndarray, list[str], dict]:
    """Pixels, notes for the user, and nothing. Raises FileError for damage, LimitError where memory runs out."""
    arithmetic = header.layout["marker"] in _ARITHMETIC
    notes = [_UNPROVABLE] if arithmetic else []
    quick, sound = _quick(header), False
    if arithmetic and not quick:
        raise FileError(f"{name}: arithmetic-coded JPEG cannot be checked for damage here; convert it with jpegtran")
    try:
        if quick:
            try:
                pixels = quick.decode_jpeg(data, "GRAY" if header.mode == "grey" else "RGB", strict=True)
            except MemoryError:
                raise LimitError(
                    f"{name}: not enough memory for {header.width} x {header.height} pixels; free some or choose a smaller picture"
                ) from None
            except ValueError:
                # it warns of what comes before the pixels as well, which harms none of them
                if arithmetic:
                    raise
            else:
                sound = pixels.shape == (header.height, header.width, header.channels)
        # Pillow drops the warnings of its decoder
        jpeg_scans.check(data, follow=not sound)
    except ValueError as error:
        raise FileError(damaged(name, header.format, str(error))) from error
    if sound:
        return (pixels if header.channels > 1 else pixels[..., 0]), notes, {}
    from .. import by_pillow

    pixels, more, extra = by_pillow.decode(data, header, name, "Jpeg", prepare=_bare)
    return pixels, [*more, *notes], extra


def _quick(header: Header):
    """simplejpeg where it may decode this file, else None."""
    if not header.layout["plain"]:
        return None
    try:
        import simplejpeg
    except ImportError:
        return None
    return simplejpeg


def _bare(data: bytes, header: Header) -> bytes:
    """The file as Pillow is to see it. Raises Unsupported for a precision that it cannot decode."""
    if header.depth != 8:
        raise Unsupported(f"{header.depth}-bit JPEG cannot be read; convert it to 8 bits or to a 16-bit PNG")
    return segments.bare(data)
