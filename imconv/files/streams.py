"""Pictures that come and go in bands of rows: which formats can, and what a reader and a writer of rows are."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

from .formats import FORMATS
from .header import Header
from .overlap import InOrder, usable_threads
from .picture import EncoderOptions, Page

if TYPE_CHECKING:
    import numpy as np


class ReadRows(Protocol):
    """`rows(file, header, notes)`: the picture's rows from top to bottom, in bands.

    file    seekable binary file
    header  as `read_header` gave it for this file, with or without `whole`: what was not checked then is checked here
    notes   a list to add remarks for the user to, at the latest after the last band

    Each band is an array (rows, width) or (rows, width, channels) of the type that `read` gives, and stays the caller's.
    What can't be read in bands may be one band. Raises ValueError for damage, at the latest after the last band, and
    Unsupported; the caller adds name and advice. May be closed early.
    """

    def __call__(self, file, header: Header, notes: list[str]) -> Generator[np.ndarray, None, None]: ...


class Writer(Protocol):
    """`Writer(output, page, options, notes)`: takes rows, writes a file.

    output   has `write(bytes)`; written to in order
    page     a `picture.Page`; of its pixels only type and shape count, those of the whole picture
    options  a `picture.EncoderOptions`; the file does not depend on its threads
    notes    a list to add remarks for the user to
    """

    def __init__(self, output, page: Page, options: EncoderOptions, notes: list[str]): ...

    def write(self, rows: np.ndarray) -> None:
        """The next rows, any number of them; the caller may change the array afterwards."""

    def finish(self) -> None:
        """Called once, after the last row."""


def bytes_held(header: Header) -> int | None:
    """Peak memory of reading a file with this header in bands, the last two of them with it; None where it can't be."""
    module = FORMATS[header.format].module("decoder")
    return module.bytes_held(header) if hasattr(module, "bytes_held") else None


def rows(file, header: Header, notes: list[str]) -> Generator[np.ndarray, None, None]:
    """The rows of a file of which `bytes_held` is known; see `ReadRows`."""
    return FORMATS[header.format].module("decoder").rows(file, header, notes)


def writer(format_name: str) -> type[Writer] | None:
    """What writes this format in bands, None where nothing does."""
    found = FORMATS[format_name]
    return getattr(found.module("encoder"), "Writer", None) if found.encoder else None


def gathered(bands: Iterator[np.ndarray], header: Header) -> np.ndarray:
    """The whole picture from its bands."""
    import numpy as np

    first = next(bands)
    if len(first) == header.height and first.flags.c_contiguous:
        picture, bands = first, chain(bands)
    else:
        picture, bands = np.empty((header.height, *first.shape[1:]), first.dtype), chain([first], bands)
    filled = 0
    for band in bands:
        picture[filled : filled + len(band)] = band
        filled += len(band)
    return picture


def written(writer: type[Writer], page: Page, options: EncoderOptions, notes: list[str]) -> bytes:
    """The whole file, by its writer of rows."""
    file = io.BytesIO()
    target = writer(file, page, options, notes)
    target.write(page.pixels)
    target.finish()
    return file.getvalue()


class BandWriter:
    """A `Writer` that gathers rows into bands, which are encoded on threads while the caller goes on, and stored in order.

    The file depends neither on how the rows came nor on the threads. Memory: some bands, whatever the picture's height.
    What derives from it says how a band is `encoded`, on any thread, and `stored`.

    at_once  rows in a band; the last one may have fewer. 0: rows are encoded and stored as they come, on the caller's thread
    again    rows that each band but the first begins with: the last ones of the band before
    """

    def __init__(self, output, page: Page, at_once: int, threads: int | None = None, again: int = 0):
        self.output = output
        self._like, self._at_once, self._again = page.pixels[:0], at_once, again
        self._left = len(page.pixels)  # rows to come
        self._band: np.ndarray | None = None
        self._last: np.ndarray = self._like  # rows of the band before
        self._filled = 0
        self._bands = InOrder(threads or usable_threads())

    def write(self, rows: np.ndarray) -> None:
        """The next rows, any number of them; they may be changed afterwards."""
        import numpy as np

        if len(rows) > self._left:
            raise ValueError("more rows than the picture has")
        if not self._at_once:
            self._left -= len(rows)
            self.stored(self.encoded(rows, False, False))
            return
        rows = rows.reshape(len(rows), *self._like.shape[1:])
        while len(rows):
            if self._band is None:
                self._filled = len(self._last)
                height = self._filled + min(self._at_once, self._left)
                self._band = np.empty((height, *self._like.shape[1:]), self._like.dtype)
                self._band[: self._filled] = self._last
            taken = rows[: len(self._band) - self._filled]
            self._band[self._filled : self._filled + len(taken)] = taken
            self._filled += len(taken)
            self._left -= len(taken)
            rows = rows[len(taken) :]
            if self._filled == len(self._band):
                self._hand_out(self._band)

    def _hand_out(self, band: np.ndarray) -> None:
        first, last = len(self._last) == 0, not self._left
        self._band, self._last = None, band[len(band) - self._again :]
        self._bands.add(lambda: self.encoded(band, first, last))
        for done in self._bands.results(self._bands.threads + 1):
            self.stored(done)

    def finish(self) -> None:
        """Called once, after the last row."""
        if self._left:
            raise ValueError(f"{self._left} rows are missing")
        for done in self._bands.results(0):
            self.stored(done)

    def encoded(self, band: np.ndarray, first: bool, last: bool) -> Any:
        """What `stored` puts into the file for a band, which is the first of the picture, or the last."""
        raise NotImplementedError

    def stored(self, done: Any) -> None:
        """Put an encoded band into the file."""
        self.output.write(done)
