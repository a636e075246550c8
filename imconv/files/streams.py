"""Pictures that come and go in bands of rows: which formats can, and what a reader and a writer of rows are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from .formats import FORMATS
from .header import Header
from .picture import EncoderOptions, Page

if TYPE_CHECKING:
    import numpy as np


class ReadRows(Protocol):
    """`rows(file, header, name)`: the picture's rows from top to bottom, in bands.

    file    seekable binary file
    header  as `read_header` gave it for this file, without `whole`: what was not checked then is checked here
    name    what errors call the file

    Each band is an array (rows, width) or (rows, width, channels) of the type that `read` would give, and stays the
    caller's; remarks for the user are in the iterator's `notes`, if it has any. Raises ValueError for damage as `decode` of
    the format does (the caller adds name and advice), at the latest after the last band. May be closed early.
    """

    def __call__(self, file, header: Header, name: str) -> Iterator[np.ndarray]: ...


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


def reader(header: Header) -> ReadRows | None:
    """What reads a file with this header in bands, None where nothing does."""
    module = FORMATS[header.format].module("rows")
    return module.rows if module is not None and module.has_rows(header) else None


def bytes_held(header: Header) -> int:
    """Peak memory of reading a file with this header in bands, the last two of them with it; see `reader`."""
    return FORMATS[header.format].module("rows").bytes_held(header)


def writer(format_name: str) -> type[Writer] | None:
    """What writes this format in bands, None where nothing does."""
    module = FORMATS[format_name].module("writer")
    return None if module is None else module.Writer
