"""A file read in bands of rows: what it holds is known at once, pixels come as they are asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

from . import limits, source, streams
from .header import Header, decoding, read_header
from .overlap import ahead
from .picture import Picture

if TYPE_CHECKING:
    import numpy as np

BAND = 1 << 20  # bytes of rows handed on at a time; a reader's own bands may be larger
BANDS_AHEAD = 3  # read by a thread of their own


class Incoming:
    """A picture on its way; iterate to get its rows from top to bottom, in bands, once.

    name     what errors call the file
    header   see header.Header
    outline  a Picture of the kind and size that will have been read, with its metadata; its pixels take no memory
    bytes_held  the most memory that reading takes
    """

    def __init__(self, file, header: Header, name: str, held: int):
        import numpy as np

        self.name, self.header = name, header
        self._notes: list[str] = []
        self._read = self._told(streams.rows(file, header, self._notes))
        first = next(self._read)
        self._rest = ahead(self._read, BANDS_AHEAD)
        self.bytes_held = held + (BANDS_AHEAD + 1) * max(BAND, first[:1].nbytes)
        self._bands = self._joined(first)
        pixels = np.broadcast_to(np.zeros((), first.dtype), (header.height, *first.shape[1:]))
        self.outline = Picture(pixels, header.mode, header.format, header.metadata)

    def __iter__(self) -> Iterator[np.ndarray]:
        return self._bands

    @property
    def notes(self) -> list[str]:
        """Remarks for the user; complete after the last band."""
        return [*self.header.notes, *self._notes]

    def close(self) -> None:
        """Read no more."""
        self._rest.close()
        self._read.close()

    def _joined(self, first: np.ndarray) -> Iterator[np.ndarray]:
        yield first
        del first  # it is part of a band that may be large
        yield from self._rest

    def _told(self, bands: Iterator[np.ndarray]) -> Generator[np.ndarray, None, None]:
        """The reader's bands in parts of about BAND bytes; its errors in the one line that users get."""
        with decoding(self.name, self.header.format, "to read it; free some"):
            for band in bands:
                step = max(1, BAND // band[:1].nbytes)
                for first in range(0, len(band), step):
                    yield band[first : first + step]


@contextlib.contextmanager
def reading(
    path, *, least: int = 0, max_pixels=None, max_memory=None, name: str | None = None
) -> Iterator[Incoming | None]:
    """The picture in a file that can be read in bands; None where it can't be, or holds several, or has fewer than `least`
    bytes of pixels. Raises FileError, and LimitError for more than `max_pixels` or where a reader alone holds more than
    `max_memory`."""
    name = source.name_of(path, name)
    with source.opened(path, name) as (file, size):
        if size is None:  # a stream: it can't be read again where bands turn out to be no way
            yield None
            return
        header = read_header(file, size, name)
        whole = header.frames > 1 or header.height * header.line < least
        held = None if whole else streams.bytes_held(header)
        if held is None:
            yield None
            return
        limits.check(name, header.width, header.height, held, max_pixels=max_pixels, max_memory=max_memory)
        with contextlib.closing(Incoming(file, header, name, held)) as incoming:
            yield incoming
