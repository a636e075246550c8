"""Samples that lie in a file as they are, row behind row: read and written in bands."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from ..header import Header
from ..picture import EncoderOptions, Page
from ..source import ENDLESS
from ..streams import BandWriter

if TYPE_CHECKING:
    import numpy as np

BAND = 1 << 20  # bytes of rows read at a time


def bands(
    file, offset: int, height: int, line: int, *, given: int = 0, upwards: bool = False
) -> Generator[np.ndarray, None, None]:
    """Bytes (rows, line) from the picture's top to its bottom, each band an array of its own.

    `given`: bytes of a row as it is given on, where they are more. `upwards`: the file has the bottom row first. Raises
    ValueError where the file ends too early.
    """
    import numpy as np

    count = max(1, BAND // max(line, given))
    file.seek(offset)
    for first in range(0, height, count):
        rows = min(count, height - first)
        if upwards:
            file.seek(offset + (height - first - rows) * line)
        band = np.empty((rows, line), np.uint8)
        room = band.data.cast("B")
        while room:
            taken = file.readinto(room)
            if not taken:
                raise ValueError("it ends within the pixels")
            room = room[taken:]
        yield band[::-1] if upwards else band


def surplus(pixels: int, stored: int, what: str = "picture") -> list[str]:
    """A remark where more bytes are stored than the pixels take; none of a stream that goes on."""
    return [f"{stored - pixels} bytes after the {what} ignored"] if pixels < stored < ENDLESS // 2 else []


def bytes_held(header: Header, given: int, temporary: int = 0) -> int:
    """Peak memory of reading in bands: rows as they are stored, what is `temporary` for a row, and two bands as they are
    `given` on, in bytes for a row."""
    line = header.layout["line"]
    return min(header.height, max(1, BAND // max(line, given))) * (line + temporary + 2 * given)


def samples(band: np.ndarray, dtype: str, channels: int) -> np.ndarray:
    """Bytes (rows, line) as samples (rows, width) or (rows, width, channels), native byte order. `dtype` is the file's."""
    import numpy as np

    stored = np.dtype(dtype)
    values = band.view(stored.newbyteorder("=")) if stored.itemsize > 1 else band.view(stored)
    if not stored.isnative:
        values.byteswap(inplace=True)
    return values if channels == 1 else values.reshape(len(values), -1, channels)


def end(header: Header) -> int:
    """The byte behind the pixels."""
    return header.layout["offset"] + header.height * header.layout["line"]


class RawWriter(BandWriter):
    """A file that is a head and then rows of samples; see `streams.Writer`. What derives from it says both."""

    def __init__(self, output, page: Page, options: EncoderOptions, notes: list[str]):
        super().__init__(output, page, 0)
        height, width = page.pixels.shape[:2]
        channels = page.pixels.shape[2] if page.pixels.ndim == 3 else 1
        output.write(self.head(height, width, channels, page.pixels.dtype, page.mode))

    def head(self, height: int, width: int, channels: int, dtype: np.dtype, mode: str) -> bytes:
        """What comes before the rows."""
        raise NotImplementedError

    def encoded(self, band: np.ndarray, first: bool, last: bool) -> bytes:
        """Rows as they are in the file."""
        return band.tobytes()
