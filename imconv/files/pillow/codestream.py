"""JPEG 2000 without boxes: a bare codestream, which carries no metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..picture import Metadata
from . import encode as pillow_encode

if TYPE_CHECKING:
    import numpy as np


def encode(
    pixels: np.ndarray, mode: str, metadata: Metadata, notes: list[str], quality: int | None, compression: Any
) -> bytes:
    """The file, lossless, for pixels of type uint8 in any mode but CMYK, and uint16 grey."""
    return pillow_encode.jpeg2000(pixels, mode, no_jp2=True)
