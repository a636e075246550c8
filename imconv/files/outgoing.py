"""A file written in bands of rows: the old one is intact until the last of them is there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from typing import Any

from . import encoding, streams
from .atomic import replacing
from .channels import in_full_range
from .formats import format_named
from .picture import EncoderOptions, Picture

_told = partial(encoding.explained, target="", memory="to write it; free some")


class Outgoing:
    """Takes rows from top to bottom, and scales those whose white is `maximum` to their type's range. `notes` are remarks for the user, complete at the end."""

    def __init__(self, writer: streams.Writer, name: str, notes: list[str], maximum: int | None = None):
        self._writer, self._name, self.notes, self._maximum = writer, name, notes, maximum

    def write(self, rows) -> None:
        """The next rows, (rows, width) or (rows, width, channels), any number of them."""
        with _told(self._name):
            self._writer.write(rows if self._maximum is None else in_full_range(rows, self._maximum))

    def finish(self) -> None:
        """After the last row."""
        with _told(self._name):
            self._writer.finish()


@contextlib.contextmanager
def writing(
    path,
    outline: Picture,
    format: str,
    *,
    quality: int | None = None,
    compression: Any = None,
    strip: bool | str = False,
    no_clobber: bool = False,
    threads: int | None = None,
) -> Iterator[Outgoing]:
    """A context that gives an Outgoing for a picture of this kind and size; when it ends without an exception, `path`
    holds the picture, at once. Options and errors as `imconv.files.write`'s."""
    target = format_named(format)
    notes: list[str] = []
    options = EncoderOptions(quality, compression, threads)
    (page,) = encoding.prepared([outline], target, options, strip, notes, str(path))
    with replacing(path, no_clobber=no_clobber) as output:
        with _told(str(path)):
            writer = target.module("encoder").Writer(output, page, options, notes)
        outgoing = Outgoing(writer, str(path), notes, encoding.scaled_from(outline, target))
        yield outgoing
        outgoing.finish()
    notes += output.notes
