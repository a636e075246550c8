"""ICO: the largest of an icon's pictures read, a PNG file or a bitmap with its mask; one written, as PNG."""

from __future__ import annotations

import dataclasses
import io
import struct
from typing import TYPE_CHECKING

from ..header import Header, Unsupported
from ..picture import EncoderOptions, Page
from ..streams import gathered, written
from . import chunks, still
from . import encode as png_encode

if TYPE_CHECKING:
    import numpy as np

_ENTRY = struct.Struct("<BBBBHHII")
_MASKED = (1, 4, 8, 24, 32)


def read(file, size: int, *, whole: bool = False) -> Header:
    """The header of the largest picture, and of those of equal size the one of most bits."""
    file.seek(4)
    (count,) = struct.unpack("<H", file.read(2))
    entries = [_ENTRY.unpack(file.read(_ENTRY.size)) for _ in range(count)]
    if not entries:
        raise ValueError("it holds no picture")
    *_, length, start = max(entries, key=lambda entry: ((entry[0] or 256) * (entry[1] or 256), entry[5]))
    if start + length > size:
        raise ValueError(f"it ends after {size} of {start + length} bytes")
    file.seek(start)
    data = file.read(length)
    if data.startswith(chunks.SIGNATURE):
        header = chunks.read(io.BytesIO(data), length, whole=whole)
        layout = {**header.layout, "place": (start, length), "png": True}
        header = dataclasses.replace(header, format="ICO", frames=1, layout=layout)
    else:
        header = _bitmap(data, (start, length))
    note = (f"largest of {count} pictures",) if count > 1 else ()
    return dataclasses.replace(header, notes=header.notes + note)


def _bitmap(data: bytes, place: tuple[int, int]) -> Header:
    head, width, height, _, bits, compression, _, _, _, colours = struct.unpack_from("<IiiHHIIiiI", data)
    height //= 2  # the mask's rows are counted too
    if head != 40 or compression or bits not in _MASKED:
        raise Unsupported("is an icon of a kind that cannot be read; store it as PNG")
    colours = 0 if bits > 8 else colours or 1 << bits
    if width < 1 or height < 1 or width > 65535 or height > 65535 or colours > 256:
        raise ValueError(f"a size of {width} x {height}, {colours} colours")
    line, mask_line = ((width * n + 31) // 32 * 4 for n in (bits, 1))
    needed = head + 4 * colours + (line + (mask_line if bits < 32 else 0)) * height
    if needed > len(data):
        raise ValueError(f"{width} x {height} pixels cannot be in {len(data)} bytes")
    layout = {"place": place, "png": False, "bits": bits, "colours": colours, "line": line, "mask_line": mask_line}
    notes = ("palette expanded to RGBA",) if colours else ()
    return Header("ICO", width, height, "rgba", 8, palette=bool(colours), notes=notes, layout=layout)


def bytes_needed(header: Header) -> int:
    """Peak memory of decoding."""
    if header.layout["png"]:
        return still.bytes_needed(header)
    return 12 * header.width * header.height


def decode(data: bytes, header: Header, notes: list[str]) -> np.ndarray:
    """The pixels. Raises ValueError for damage."""
    start, length = header.layout["place"]
    data = data[start : start + length]
    return (
        gathered(still.rows(io.BytesIO(data), header, notes), header) if header.layout["png"] else _masked(data, header)
    )


def _masked(data: bytes, header: Header) -> np.ndarray:
    """The pixels of a bitmap, its rows from the bottom up, with the mask that follows as alpha."""
    import numpy as np

    layout, height, width = header.layout, header.height, header.width
    bits, line, mask_line = layout["bits"], layout["line"], layout["mask_line"]
    palette = np.frombuffer(data, np.uint8, 4 * layout["colours"], 40).reshape(-1, 4)
    start = 40 + palette.size
    rows = np.frombuffer(data, np.uint8, line * height, start).reshape(height, line)[::-1]
    picture = np.empty((height, width, 4), np.uint8)
    if bits > 8:
        pixels = rows[:, : width * bits // 8].reshape(height, width, -1)
    else:
        ones = np.unpackbits(rows, axis=1)[:, : width * bits].reshape(height, width, bits)
        indices = np.packbits(ones, axis=2)[..., 0] >> (8 - bits)
        if indices.max() >= len(palette):
            raise ValueError("a pixel's colour is not in the palette")
        pixels = palette[indices]
    picture[..., :3] = pixels[..., 2::-1]
    if bits == 32 and pixels[..., 3].any():
        picture[..., 3] = pixels[..., 3]
        return picture
    start += line * height
    picture[..., 3] = 255
    if start + mask_line * height <= len(data):  # an icon of 32 bits may lack it
        mask = np.frombuffer(data, np.uint8, mask_line * height, start).reshape(height, mask_line)[::-1]
        picture[..., 3] -= np.unpackbits(mask, axis=1)[:, :width] * np.uint8(255)
    return picture


def encode(page: Page, options: EncoderOptions, notes: list[str]) -> bytes:
    """The file, with one PNG picture of at most 256 pixels a side; the page is RGBA of type uint8."""
    data = written(png_encode.Writer, page, options, notes)
    height, width = page.pixels.shape[:2]
    entry = _ENTRY.pack(width % 256, height % 256, 0, 0, 1, 32, len(data), 6 + _ENTRY.size)
    return struct.pack("<HHH", 0, 1, 1) + entry + data
