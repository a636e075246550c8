"""Samples that lie in a file as they are, row behind row: read and written in bands."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...errors import FileError, LimitError
from ..header import ENDLESS, Header, Unsupported, damaged
from ..picture import MODES, EncoderOptions, Page

if TYPE_CHECKING:
    import numpy as np

BAND = 1 << 20  # bytes of rows read at a time


def bands(file, offset: int, height: int, line: int, *, given: int = 0, upwards: bool = False) -> Iterator[np.ndarray]:
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
        room = memoryview(band).cast("B")
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


def gather(rows: Iterator[np.ndarray], header: Header, name: str) -> np.ndarray:
    """The whole picture from its bands. Raises FileError where it is damaged, LimitError where memory runs out."""
    import numpy as np

    picture, filled = None, 0
    try:
        for band in rows:
            if picture is None:
                picture = np.empty((header.height, *band.shape[1:]), band.dtype)
            picture[filled : filled + len(band)] = band
            filled += len(band)
    except MemoryError:
        raise LimitError(
            f"{name}: not enough memory for {header.width} x {header.height} pixels; free some or choose a smaller picture"
        ) from None
    except Unsupported as error:
        raise FileError(f"{name}: {error}") from error
    except ValueError as error:
        raise FileError(damaged(name, header.format, str(error))) from error
    return picture


class RawWriter:
    """A file that is a head and then rows of samples; see `streams.Writer`. What derives from it says both."""

    def __init__(self, output, page: Page, options: EncoderOptions, notes: list[str]):
        self._output = output
        self._left, width = page.pixels.shape[:2]
        output.write(self.head(self._left, width, MODES[page.mode], page.pixels.dtype, page.mode))

    def write(self, rows: np.ndarray) -> None:
        """The next rows, any number of them."""
        if len(rows) > self._left:
            raise ValueError("more rows than the picture has")
        self._left -= len(rows)
        self._output.write(self.stored(rows))

    def finish(self) -> None:
        """Called once, after the last row."""
        if self._left:
            raise ValueError(f"{self._left} rows are missing")

    def head(self, height: int, width: int, channels: int, dtype: np.dtype, mode: str) -> bytes:
        """What comes before the rows."""
        raise NotImplementedError

    def stored(self, rows: np.ndarray) -> bytes:
        """Rows as they are in the file."""
        return rows.tobytes()


def encoded(writer: type[RawWriter], page: Page, options: EncoderOptions, notes: list[str]) -> bytes:
    """The whole file, by its writer of rows."""
    file = io.BytesIO()
    target = writer(file, page, options, notes)
    target.write(page.pixels)
    target.finish()
    return file.getvalue()
