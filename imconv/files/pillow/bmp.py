"""BMP: its header; pixels by Pillow."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from .. import by_pillow
from ..channels import looked_up
from ..header import Header, Unsupported
from ..picture import EncoderOptions, Metadata, Page

if TYPE_CHECKING:
    import numpy as np

bytes_needed = by_pillow.bytes_needed


def read(file, size: int, *, whole: bool = False) -> Header:
    """The header of a BMP file."""
    file.seek(0)
    data = file.read(14 + 124)
    offset, header_size = struct.unpack("<II", data[10:18])
    if header_size == 12:
        width, height, _, bits = struct.unpack("<HHHH", data[18:26])
        compression = used = x = y = 0
    elif header_size in (40, 52, 56, 64, 108, 124):
        width, height, _, bits, compression, _, x, y, used = struct.unpack("<iiHHIIiiI", data[18:50])
    else:
        raise ValueError(f"a header of {header_size} bytes")
    if width <= 0 or height == 0:
        raise ValueError(f"a size of {width} x {height}")
    if bits not in (1, 4, 8, 16, 24, 32) or compression not in (0, 1, 2, 3):
        raise Unsupported(f"BMP with {bits} bits a pixel and compression {compression} cannot be read; store it as PNG")
    height = abs(height)
    palette, place = None, 14 + header_size
    if bits <= 8:
        entry = 3 if header_size == 12 else 4
        count = min(used or 1 << bits, 256)
        file.seek(place)
        palette = file.read(count * entry)
        if len(palette) < count * entry:
            raise ValueError("it ends within the palette")
        palette = b"".join(
            palette[i + 2 : i + 3] + palette[i + 1 : i + 2] + palette[i : i + 1] for i in range(0, count * entry, entry)
        )
        if used > 256:
            raise ValueError(f"a palette of {used} colours")
    if compression in (0, 3):
        if (width * bits + 31) // 32 * 4 * height > size - min(offset or place, size):
            raise ValueError(f"{width} x {height} pixels cannot be in {size} bytes")
    elif width * height > 128 * 65536 * max(1, size // 4):
        raise ValueError(f"{width} x {height} pixels cannot be in {size} bytes")
    alpha = compression == 3 and bits == 32 and header_size >= 56 and any(data[66:70])
    grey = palette is not None and palette[::3] == palette[1::3] == palette[2::3]
    mode = "grey" if grey else "rgba" if alpha else "rgb"
    dpi = (x * 0.0254, y * 0.0254) if x > 0 and y > 0 else None
    layout = {"bits": bits, "palette": palette, "palette_at": place, "offset": offset or place, "grey": grey}
    depth = 1 if grey and palette in (b"\0\0\0\xff\xff\xff", b"\xff\xff\xff\0\0\0") else 8
    metadata = Metadata(dpi=dpi)
    return Header(
        "BMP", width, height, mode, depth, palette=palette is not None and not grey, metadata=metadata, layout=layout
    )


def decode(data: bytes, header: Header, notes: list[str]) -> np.ndarray:
    """The pixels. Raises ValueError for damage."""
    import numpy as np

    layout, source = header.layout, data
    if layout["palette"] is not None:
        # Pillow misreads some palettes of greys as 1-bit or 8-bit pixels: an odd first colour makes it give the indices
        at = layout["palette_at"]
        source = data[:at] + b"\x01\x02\x03" + data[at + 3 :]
    pixels = by_pillow.decode(source, header, "Bmp")
    if layout["palette"] is None:
        if layout["bits"] == 16:
            notes.append("16-bit pixels (5 or 6 bits a channel) expanded to 8-bit RGB")
        size = 4 * header.width * header.height
        if layout["bits"] == 32 and header.mode == "rgb" and layout["offset"] + size <= len(data):
            fourth = np.frombuffer(data, np.uint8, size, layout["offset"])[3::4]
            if fourth.min() != fourth.max():
                notes.append(
                    "the unused fourth byte of each pixel ignored, though it varies; it may have been meant as alpha"
                )
        return pixels
    palette = np.frombuffer(layout["palette"], np.uint8).reshape(-1, 3)
    if not layout["grey"]:
        return looked_up(pixels, palette, notes)
    if header.depth < 8:
        notes.append(f"{header.depth}-bit grey expanded to 8 bits")
    return looked_up(pixels.astype(np.uint8), palette[:, 0], notes)


def encode(page: Page, options: EncoderOptions, notes: list[str]) -> bytes:
    """The file for pixels of type bool or uint8, grey or RGB."""
    return by_pillow.saved(by_pillow.image_of(page.pixels, page.mode), "BMP", "Bmp", dpi=page.metadata.dpi or (0, 0))
