"""The headers of the simpler formats: WebP, GIF and BMP. Pixels are decoded elsewhere."""

from __future__ import annotations

import struct

from .. import tags
from ..header import Header, Unsupported
from ..picture import Metadata
from ..tags import MAX_BLOCK

_GIF_STRAY = 1 << 16  # terminators of nothing: more of them are no accident
_GIF_INFLATION = 2800  # a 12-bit LZW code stands for at most 4096 pixels


def read(file, size: int, format_name: str, *, whole: bool = False) -> Header:
    """The header of a WebP, GIF or BMP file."""
    return {"WEBP": _webp, "GIF": _gif, "BMP": _bmp}[format_name](file, size)


def _webp(file, size: int) -> Header:
    file.seek(4)
    end = struct.unpack("<I", file.read(4))[0] + 8
    if end > size:
        raise ValueError(f"it ends after {size} of {end} bytes")
    position, width, height, alpha, frames = 12, None, None, False, 0
    blocks: dict[bytes, bytes] = {}
    while position + 8 <= end:
        file.seek(position)
        kind, length = struct.unpack("<4sI", file.read(8))
        if b"\0" in kind:
            raise ValueError("a chunk has no proper name")
        if position + 8 + length > end:
            raise ValueError(f"it ends within {kind.decode('latin-1')!r}")
        data = file.read(min(length, 10))
        if kind == b"VP8X":
            alpha = bool(data[0] & 0x10)
            width = int.from_bytes(data[4:7], "little") + 1
            height = int.from_bytes(data[7:10], "little") + 1
        elif kind == b"VP8 " and width is None:
            if data[3:6] != b"\x9d\x01\x2a":
                raise ValueError("its first frame has no start code")
            width, height = (value & 0x3FFF for value in struct.unpack("<HH", data[6:10]))
        elif kind == b"VP8L" and width is None:
            if data[:1] != b"\x2f":
                raise ValueError("its first frame has no signature")
            packed = int.from_bytes(data[1:5], "little")
            width, height, alpha = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1, bool(packed >> 28 & 1)
        elif kind == b"ANMF":
            frames += 1
        elif kind in (b"ICCP", b"EXIF", b"XMP ") and length <= MAX_BLOCK:
            blocks[kind] = data + file.read(length - len(data))
        position += 8 + length + length % 2
    if width is None or height is None:
        raise ValueError("it holds no picture")
    exif = blocks.get(b"EXIF")
    if exif and exif.startswith(b"Exif\0\0"):
        exif = exif[6:]
    metadata = Metadata(blocks.get(b"ICCP"), exif, blocks.get(b"XMP "), tags.resolution(exif), tags.orientation(exif))
    return Header("WEBP", width, height, "rgba" if alpha else "rgb", 8, frames=max(1, frames), metadata=metadata)


def _gif(file, size: int) -> Header:
    file.seek(0)
    width, height, flags = struct.unpack("<6xHHB2x", file.read(13))
    palette = file.read(3 << (flags & 7) + 1) if flags & 128 else None
    frames, transparent, first_palette, pixels_in, stray = 0, None, palette, 0, 0
    frame_transparent = None
    while (introducer := file.read(1)) not in (b"", b"\x3b"):
        if introducer == b"\x21":
            place = file.tell()
            block = file.read(6)
            if block[0] == 0xF9 and block[1] >= 4:
                frame_transparent = block[5] if block[2] & 1 else None
            file.seek(place + 1)
            _pass_sub_blocks(file)
        elif introducer == b"\x2c":
            x, y, w, h, local = struct.unpack("<HHHHB", file.read(9))
            own = file.read(3 << (local & 7) + 1) if local & 128 else None
            file.seek(1, 1)
            stored = _pass_sub_blocks(file)
            if frames == 0:
                transparent, first_palette = frame_transparent, own if own is not None else palette
                width, height = max(width, x + w), max(height, y + h)
                pixels_in = stored
                if w * h > stored * _GIF_INFLATION:
                    raise ValueError(f"{w} x {h} pixels cannot be in {stored} bytes")
            frames += 1
            frame_transparent = None
        elif introducer == b"\0" and stray < _GIF_STRAY:
            stray += 1  # stray terminators occur and harm nobody
        elif frames:
            break  # rubbish after the first picture does not concern us
        else:
            raise ValueError("an unknown block comes before the picture")
    if frames == 0 or pixels_in == 0:
        raise ValueError("it holds no picture")
    if first_palette is None:
        first_palette = bytes(level for level in range(256) for _ in range(3))
    if len(first_palette) < 6 or len(first_palette) % 3:
        raise ValueError("it ends within the palette")
    grey = first_palette[::3] == first_palette[1::3] == first_palette[2::3]
    mode = "grey" if grey else "rgb"
    if transparent is not None:
        mode = {"grey": "grey+alpha", "rgb": "rgba"}[mode]
    layout = {"palette": first_palette, "transparent": transparent}
    return Header("GIF", width, height, mode, 8, palette=not grey, frames=frames, layout=layout)


def _pass_sub_blocks(file) -> int:
    """Go to behind a chain of sub-blocks; the bytes in it."""
    stored = 0
    while length := file.read(1)[0]:
        stored += length
        file.seek(length, 1)
    return stored


def _bmp(file, size: int) -> Header:
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
