"""JPEG pixels: by simplejpeg where it is installed and gives what Pillow gives, else by Pillow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imconv.errors import LimitError
from imconv.files.header import Header

if TYPE_CHECKING:
    import numpy as np

_PROGRESSIVE = 0xC2


def bytes_needed(header: Header) -> int:
    """Peak memory of decoding: the picture, where it is progressive all coefficients, and what Pillow holds."""
    samples = header.width * header.height * header.channels
    coefficients = 2 * samples if header.layout["marker"] == _PROGRESSIVE else 0
    if _quick(header):
        return samples + coefficients
    from imconv.files import pillow

    return pillow.bytes_needed(header) + coefficients


def decode(data: bytes, header: Header, name: str) -> tuple[np.ndarray, list[str], dict]:
    """Pixels, notes for the user, and nothing. Raises FileError for damage, LimitError where memory runs out."""
    quick = _quick(header)
    if quick:
        try:
            pixels = quick.decode_jpeg(data, "GRAY" if header.mode == "grey" else "RGB", strict=True)
        except MemoryError:
            raise LimitError(
                f"{name}: not enough memory for {header.width} x {header.height} pixels; free some or choose a smaller picture"
            ) from None
        except ValueError:
            pass  # damaged, or odd: Pillow decides
        else:
            if pixels.shape == (header.height, header.width, header.channels):
                return (pixels if header.channels > 1 else pixels[..., 0]), [], {}
    from imconv.files import pillow

    return pillow.decode(data, header, name)


def _quick(header: Header):
    """simplejpeg where it may decode this file, else None."""
    if not header.layout["plain"]:
        return None
    try:
        import simplejpeg
    except ImportError:
        return None
    return simplejpeg
