"""PNG files decoded: the picture, or the frames of an animation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...errors import FileError
from ..header import Header, damaged
from . import still

if TYPE_CHECKING:
    import numpy as np


def bytes_needed(header: Header) -> int:
    """Peak memory of decoding one picture; for an animation with the canvas that its frames are drawn on."""
    line = header.width * header.channels * (2 if header.depth == 16 else 1)
    canvases = 5 * 4 * header.height * line // header.channels if header.frames > 1 else 0
    return still.bytes_needed(header) + canvases


def decode(data: bytes, header: Header, name: str) -> tuple[np.ndarray, list[str], dict]:
    """Pixels of a file whose chunks have been checked, of an animation those of the first frame, and notes for the user.

    Raises FileError where the file is damaged, LimitError where memory runs out.
    """
    if header.frames == 1:
        return still.decode(data, header, name)
    for frame in pages(data, header, name):
        return frame
    raise FileError(damaged(name, "PNG", "it holds no frame"))


def pages(data: bytes, header: Header, name: str) -> Iterator[tuple[np.ndarray, list[str], dict]]:
    """Pixels, notes and metadata of each frame of an animation."""
    from . import animated

    return animated.pages(data, header, name)
