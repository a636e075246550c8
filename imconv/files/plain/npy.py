"""NumPy's .npy: arrays (H, W) or (H, W, C) of numbers, never unpickled; read and written, whole and in bands.

Pages of one shape and type are written as one array, which is not read again.
"""

from __future__ import annotations

import io
from collections.abc import Generator
from typing import TYPE_CHECKING

from ..header import Header, Unsupported
from ..picture import MOST_PLANES, PLANES, EncoderOptions, Page
from . import raw

if TYPE_CHECKING:
    import numpy as np

_MODES = {1: "grey", 2: "grey+alpha", 3: "rgb", 4: "rgba"}
_SAMPLES = {"b": "unsigned", "u": "unsigned", "i": "signed", "f": "float"}
# types that pictures lack, and those that hold all their values
_WIDENED = {"float16": "float32", "int8": "int32", "int16": "int32"}
_LONGEST_HEADER = 1 << 14  # bytes; numpy refuses one of more than 10,000 characters


def read(file, size: int, *, whole: bool = False) -> Header:
    """The header of a .npy file."""
    file.seek(0)
    return read_array(file, size, "NPY")


def read_array(file, size: int, format_name: str) -> Header:
    """The header of an array that lies at the file's position; `size` is that of the array with its header."""
    shape, fortran, dtype, offset = array_header(file)
    if dtype.hasobject:
        raise Unsupported("holds Python objects, which are never unpickled; store an array of numbers")
    name = dtype.newbyteorder("=").name
    if dtype.kind not in _SAMPLES or dtype.itemsize > 8:
        raise Unsupported(f"holds samples of type {dtype}; convert them to integers, float32 or float64")
    if len(shape) not in (2, 3) or (len(shape) == 3 and not _are_channels(shape)):
        raise Unsupported(f"an array of shape {shape} is no picture; store (height, width[, channels])")
    height, width, channels = (*shape, 1)[:3]
    if height < 1 or width < 1:
        raise ValueError(f"a size of {width} x {height}")
    line = width * channels * dtype.itemsize
    if line * height > size - offset:
        raise ValueError(f"{width} x {height} pixels cannot be in {size - offset} bytes")
    notes = []
    if name in _WIDENED:
        notes.append(f"{name} samples converted to {_WIDENED[name]}")
    notes += raw.surplus(line * height, size - offset, "array")
    layout = {"dtype": dtype.str, "type": name, "whole": fortran, "offset": offset, "line": line, "channels": channels}
    depth = 1 if name == "bool" else 8 * dtype.itemsize
    return Header(
        format_name,
        width,
        height,
        _MODES.get(channels, PLANES),
        depth,
        sample=_SAMPLES[dtype.kind],
        notes=tuple(notes),
        layout=layout,
    )


def _are_channels(shape: tuple[int, ...]) -> bool:
    """Whether the last axis holds channels: up to 4, or fewer than rows and columns; else it may be a stack's."""
    return 1 <= shape[2] <= 4 or 4 < shape[2] < min(*shape[:2], MOST_PLANES + 1)


def array_header(file) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """Shape, whether it lies by columns, type and the header's own length of the array at a file's position. Raises ValueError.

    No more is read than numpy takes: a header may claim 4 GB, and in an archive they cost nothing.
    """
    from numpy.lib import format as npy

    head = io.BytesIO(file.read(_LONGEST_HEADER))
    try:
        version = npy.read_magic(head)
        # version 3.0 only adds names of fields beyond Latin-1
        read_header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
        return *read_header(head), head.tell()
    except Exception:
        raise ValueError("its header is no array's") from None


end = raw.end


def bytes_needed(header: Header) -> int:
    """Peak memory of decoding: the picture, where it is stored by columns once more, and some bands."""
    stored = header.height * header.layout["line"]
    factor = 4 if header.layout["type"] in _WIDENED else 1  # at most: int8 to int32
    return (1 + header.layout["whole"]) * stored * factor + 2 * min(raw.BAND + header.layout["line"], stored)


def bytes_held(header: Header) -> int | None:
    """Peak memory of `rows`; None for Fortran's order, which has columns."""
    return None if header.layout["whole"] else raw.bytes_held(header, _line(header))


def _line(header: Header) -> int:
    """Bytes of a row in a type that pictures have."""
    import numpy as np

    kind = header.layout["type"]
    return header.width * header.channels * np.dtype(_WIDENED.get(kind, kind)).itemsize


def rows(file, header: Header, notes: list[str]) -> Generator[np.ndarray, None, None]:
    """The picture in bands; see `streams.ReadRows`. An array stored by columns is read whole."""
    import numpy as np

    layout = header.layout
    if layout["whole"]:
        # by columns: (channels, width, height) as it lies there
        plane = header.height * layout["line"] // header.channels
        planes = list(raw.bands(file, layout["offset"], header.channels, plane))
        stored = np.concatenate(planes).reshape(-1).view(layout["dtype"])
        turned = stored.reshape(header.channels, header.width, header.height).transpose(2, 1, 0)
        turned = turned[..., 0] if header.channels == 1 else turned
        yield _widened(np.ascontiguousarray(turned, stored.dtype.newbyteorder("=")))
        return
    for band in raw.bands(file, layout["offset"], header.height, layout["line"], given=_line(header)):
        yield _widened(raw.samples(band, layout["dtype"], header.channels))


def _widened(values: np.ndarray) -> np.ndarray:
    """The samples in a type that pictures have."""
    if values.dtype == bool:
        return values.view("uint8") != 0  # any byte but 0 is true
    wanted = _WIDENED.get(values.dtype.name)
    return values if wanted is None else values.astype(wanted)


class Writer(raw.RawWriter):
    """A .npy file; see `streams.Writer`."""

    def head(self, height, width, channels, dtype, mode) -> bytes:
        return _head((height, width) if channels == 1 else (height, width, channels), dtype)


def encode_pages(pages: list[Page], options: EncoderOptions, notes: list[str]) -> bytes:
    """Pages of one shape and type as one array, (pages, H, W) or (pages, H, W, C)."""
    first = pages[0].pixels
    return b"".join([_head((len(pages), *first.shape), first.dtype), *(page.pixels.tobytes() for page in pages)])


def _head(shape: tuple[int, ...], dtype: np.dtype) -> bytes:
    """A file's header."""
    from numpy.lib import format as npy

    head = io.BytesIO()
    npy.write_array_header_1_0(head, {"descr": dtype.str, "fortran_order": False, "shape": shape})
    return head.getvalue()
