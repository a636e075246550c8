"""What a file says about itself before its pixels are touched: format, size, colour model, metadata; and what errors of
its readers are called."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..errors import DamagedFileError, FileError, ImconvError, LimitError
from .formats import FORMATS, known, sniff
from .picture import MODES, Metadata
from .source import ENDLESS, explain


class Unsupported(ValueError):
    """Raised by the header readers for a sound file whose content imconv would have to degrade or cannot read."""


@dataclass(frozen=True)
class Header:
    """What `inspect` gives.

    format    a name in formats.FORMATS: "PNG", "JPEG", ...
    width, height   in pixels, as stored (before any turning by the orientation)
    mode      colour model after reading: "grey", "grey+alpha", "rgb", "rgba", "cmyk", or the file's own ("lab", "ycbcr")
    depth     bits per sample in the file (palette images: of the palette's colours)
    sample    "unsigned", "signed" or "float"
    palette   True for palette images
    frames    number of pictures in the file: pages or frames
    overviews, masks  number of smaller copies of its pictures and of transparency masks in the file, which are no frames
    metadata  see picture.Metadata
    notes     remarks for the user
    layout    what the decoder of this format needs; private
    """

    format: str
    width: int
    height: int
    mode: str
    depth: int
    sample: str = "unsigned"
    palette: bool = False
    frames: int = 1
    overviews: int = 0
    masks: int = 0
    metadata: Metadata = field(default_factory=Metadata)
    notes: tuple[str, ...] = ()
    layout: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def channels(self) -> int:
        return MODES.get(self.mode, self.layout.get("channels", 3))

    @property
    def line(self) -> int:
        """Bytes of a row of pixels, with a byte for a sample of less than 8 bits."""
        return self.width * self.channels * (2 if 8 < self.depth < 16 else max(1, self.depth // 8))

    @property
    def alpha(self) -> bool:
        return self.mode in ("grey+alpha", "rgba")

    @property
    def maximum(self) -> int | None:
        """The value of white, where it is not the largest of the type that samples are read as."""
        return self.metadata.maximum

    @property
    def stated_range(self) -> tuple[float, float] | None:
        """The least and the largest sample that a TIFF states (its tags 340 and 341, or 280 and 281), or None."""
        return self.layout.get("stated_range")

    @property
    def icc(self) -> bool:
        return self.metadata.icc is not None or self.layout.get("icc", False)

    @property
    def orientation(self) -> int:
        return self.metadata.orientation

    @property
    def dpi(self) -> tuple[float, float] | None:
        return self.metadata.dpi


def read_header(file, size: int, name: str, *, whole: bool = False) -> Header:
    """The Header of an open, seekable binary file of `size` bytes. `whole` also checks what comes after the header
    (PNG: the checksum of every chunk). Raises FileError, one line naming the file."""
    return _read(file, size, name, lambda reader: [reader.read(file, size, whole=whole)])[0]


def read_start(file, size: int, name: str) -> Header | None:
    """The same from what comes before the pixels; None for a stream that has to be read to its end."""
    file.seek(0)
    found = sniff(file.read(32)) if size == ENDLESS else None
    if found and FORMATS[found].told_at_end:
        return None

    def start(reader):
        return [reader.read_start(file) if hasattr(reader, "read_start") else reader.read(file, size)]

    return _read(file, size, name, start)[0]


def read_headers(file, size: int, name: str, numbers: range) -> list[Header]:
    """The Headers of some pictures of a file: in a TIFF each page has its own, the frames of an animation share one."""

    def headers(reader):
        if hasattr(reader, "read_pages"):
            return reader.read_pages(file, size, numbers)
        return [reader.read(file, size)] * len(numbers)

    return _read(file, size, name, headers)


def _read(file, size: int, name: str, call: Callable[[Any], list[Header]]) -> list[Header]:
    file.seek(0)
    head = file.read(32)
    if not head:
        raise FileError(f"{name}: is empty; nothing was read from it")
    format_name = sniff(head)
    if format_name is None:
        from . import foreign

        file.seek(0)
        raise FileError(f"{name}: {foreign.described(file.read(foreign.LOOKED_AT), known())}")
    reader = FORMATS[format_name].module("header")
    if size == ENDLESS and FORMATS[format_name].told_at_end:
        size = file.seek(0, 2)
    with decoding(name, format_name, "to read it; free some"):
        try:
            headers = call(reader)
        except (struct.error, IndexError):
            raise ValueError("cut off in the header") from None
        except OverflowError as error:
            raise ValueError(str(error)) from error
        for header in headers:
            if header.width < 1 or header.height < 1:
                raise ValueError(f"a size of {header.width} x {header.height}")
    return headers


@contextlib.contextmanager
def decoding(name: str, format_name: str, memory: str) -> Iterator[None]:
    """What a decoder raises, in the one line that users get: ValueError is damage; `memory` says what it was too little for."""
    try:
        yield
    except MemoryError:
        raise LimitError(f"{name}: not enough memory {memory}") from None
    except ImconvError:
        raise
    except Unsupported as error:
        raise FileError(f"{name}: {error}") from error
    except OSError as error:
        raise FileError(explain(name, error)) from error
    except (ValueError, struct.error) as error:
        reason = " ".join((str(error) or type(error).__name__).split())[:200]
        damaged = f"{name}: damaged or truncated {format_name} file: {reason}; get a fresh copy of it"
        raise DamagedFileError(damaged) from error
