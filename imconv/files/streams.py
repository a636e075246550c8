"""Pictures that come and go in bands of rows: which formats can, and what a reader and a writer of rows are."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

from .header import Header
from .picture import Metadata

if TYPE_CHECKING:
    import numpy as np

# format -> module in this package. One that reads has `rows`, `has_rows(header)` for whether a file can be read so, and
# `bytes_held(header)` for the most memory that takes, the last two bands with it; one that writes has `Writer`; see below.
_NETPBM = dict.fromkeys(("PBM", "PGM", "PPM"), "plain.netpbm")
READERS = {
    "PNG": "png.still",
    "TIFF": "tiff.decode",
    **_NETPBM,
    "PAM": "plain.pam",
    "PFM": "plain.pfm",
    "NPY": "plain.npy",
}
WRITERS = {"PNG": "png.encode", "TIFF": "tiff.encode", **_NETPBM, "PAM": "plain.pam", "NPY": "plain.npy"}


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
    """`Writer(output, shape, dtype, mode, metadata, notes, *, quality, compression, threads)`: takes rows, writes a file.

    output    has `write(bytes)`; written to in order
    shape     (height, width) or (height, width, channels) of the whole picture
    metadata  what goes into the file, all of it
    notes     a list to add remarks for the user to
    threads   as many may be used; the file does not depend on it
    """

    def __init__(
        self,
        output,
        shape: tuple[int, ...],
        dtype: np.dtype,
        mode: str,
        metadata: Metadata,
        notes: list[str],
        *,
        quality: int | None = None,
        compression: Any = None,
        threads: int | None = None,
    ): ...

    def write(self, rows: np.ndarray) -> None:
        """The next rows, any number of them; the caller may change the array afterwards."""

    def finish(self) -> None:
        """Called once, after the last row."""


def reader(header: Header) -> ReadRows | None:
    """What reads a file with this header in bands, None where nothing does."""
    module = _module(header)
    return module.rows if module is not None and module.has_rows(header) else None


def bytes_held(header: Header) -> int:
    """Peak memory of reading a file with this header in bands, the last two of them with it; see `reader`."""
    return _module(header).bytes_held(header)


def _module(header: Header):
    found = READERS.get(header.format)
    return importlib.import_module(f"imconv.files.{found}") if found else None


def writer(format_name: str) -> type[Writer] | None:
    """What writes this format in bands, None where nothing does."""
    found = WRITERS.get(format_name)
    return importlib.import_module(f"imconv.files.{found}").Writer if found else None
