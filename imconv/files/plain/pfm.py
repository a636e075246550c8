"""PFM: 32-bit float grey or RGB, either byte order, the bottom row first; source: Debevec's and Netpbm's descriptions."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import TYPE_CHECKING

from ..header import Header
from ..picture import EncoderOptions, Page
from . import netpbm, raw

if TYPE_CHECKING:
    import numpy as np


UPWARDS = True  # the last row comes first


def read(file, size: int, *, whole: bool = False) -> Header:
    """The header of a PFM file."""
    file.seek(0)
    channels = 3 if file.read(2) == b"PF" else 1
    width, height = netpbm.integer(file), netpbm.integer(file)
    scale = float(netpbm.token(file))
    if scale == 0 or not math.isfinite(scale):
        raise ValueError("the scale must be a number other than 0")
    if width < 1 or height < 1:
        raise ValueError(f"a size of {width} x {height}")
    line, offset = 4 * width * channels, file.tell()
    if line * height > size - offset:
        raise ValueError(f"{width} x {height} pixels cannot be in {size - offset} bytes")
    notes = []
    if abs(scale) != 1:
        notes.append(f"values read as they are: the file's scale of {abs(scale):g} is not applied")
    notes += raw.surplus(line * height, size - offset)
    layout = {"dtype": "<f4" if scale < 0 else ">f4", "offset": offset, "line": line}
    mode = "rgb" if channels == 3 else "grey"
    return Header("PFM", width, height, mode, 32, sample="float", notes=tuple(notes), layout=layout)


end = raw.end


def bytes_needed(header: Header) -> int:
    """Peak memory of decoding: the picture and two bands."""
    picture = header.height * header.layout["line"]
    return picture + 2 * min(raw.BAND + header.layout["line"], picture)


def bytes_held(header: Header) -> int:
    """Peak memory of `rows`."""
    return raw.bytes_held(header, header.layout["line"])


def rows(file, header: Header, notes: list[str]) -> Generator[np.ndarray, None, None]:
    """The picture in bands; see `streams.ReadRows`."""
    layout = header.layout
    for band in raw.bands(file, layout["offset"], header.height, layout["line"], upwards=UPWARDS):
        yield raw.samples(band, layout["dtype"], header.channels)


def encode(page: Page, options: EncoderOptions, notes: list[str]) -> bytes:
    """The file, little-endian, for pixels of type float32, grey or RGB. Its last row comes first: it can't be streamed."""
    height, width = page.pixels.shape[:2]
    head = b"%s\n%d %d\n-1.0\n" % (b"PF" if page.mode == "rgb" else b"Pf", width, height)
    return head + page.pixels[::-1].astype("<f4", copy=False).tobytes()
