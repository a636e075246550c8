"""PNG: the chunks, their checksums and order, and what they say. Pixels are decoded elsewhere."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace

from ...units import human_bytes
from .. import tags
from ..deflate import MAX_INFLATION, crc32
from ..header import Header
from ..picture import Metadata
from ..source import ENDLESS
from ..tags import MAX_BLOCK

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# colour type: colour model, samples per pixel, allowed depths
_COLOUR_TYPES = {
    0: ("grey", 1, (1, 2, 4, 8, 16)),
    2: ("rgb", 3, (8, 16)),
    3: ("rgb", 1, (1, 2, 4, 8)),
    4: ("grey+alpha", 2, (8, 16)),
    6: ("rgba", 4, (8, 16)),
}
# chunks that say how the pixels lie, or that Metadata has a field for; all others are carried as they are
_READ_HERE = (b"IHDR", b"PLTE", b"tRNS", b"IEND", b"acTL", b"fcTL", b"fdAT", b"iCCP", b"eXIf")
XMP_KEY = b"XML:com.adobe.xmp"
CONTROL = struct.Struct(">IIIIIHHBB")  # of a frame: fcTL
_PIECE = 1 << 20  # bytes of a chunk read at a time
_END = b"\0\0\0\0IEND\xae\x42\x60\x82"
NO_END = "its end chunk (IEND) is missing; all its pixels are there"
_MOST_SMALL = 4096  # chunks joined to one piece, so that a file of tiny ones takes no more memory than its size


def read(file, size: int, *, whole: bool = False) -> Header:
    """The header of a PNG file. `whole`: every chunk up to IEND is read and its checksum checked; IEND itself may be missing."""
    found: dict[bytes, bytes] = {}
    carried: list[tuple[bytes, bytes]] = []
    state, idat, first, room = "before", 0, 0, MAX_BLOCK
    for position, kind, length, data in _chunks(file, size, whole):
        if not found and kind != b"IHDR":
            raise ValueError("it does not start with IHDR")
        if kind == b"IDAT":
            if state == "after":
                raise ValueError("IDAT chunks are not together")
            first = first or position
            state, idat = "inside", idat + length
            continue
        if state == "inside":
            state = "after"
        if kind in found and kind in (b"IHDR", b"PLTE", b"tRNS"):
            raise ValueError(f"{kind.decode()} occurs twice")
        if kind in (b"PLTE", b"tRNS") and state != "before":
            raise ValueError(f"{kind.decode()} comes after the pixels")
        if not kind[0] & 0x20 and kind not in (b"IHDR", b"PLTE", b"IEND"):
            raise ValueError(f"unknown critical chunk {kind.decode('latin-1')}")
        if data is not None:
            found.setdefault(kind, data)
            if kind not in _READ_HERE and len(data) <= room:
                carried.append((kind, data))
                room -= len(data) + 12
    if idat == 0:
        raise ValueError("it holds no pixels (IDAT)")
    header = _header(found, carried, idat, max(0, size - file.tell()) if whole else 0)
    header.layout.update(idat=first, checked=whole)
    return replace(header, notes=(*header.notes, NO_END)) if whole and b"IEND" not in found else header


def read_start(file) -> Header:
    """What comes before the pixels, of a file whose size is not known yet."""
    found: dict[bytes, bytes] = {}
    for _, kind, _, data in _chunks(file, ENDLESS, False):
        if kind == b"IDAT":
            break
        found.setdefault(kind, data or b"")
    if b"IHDR" not in found:
        raise ValueError("it does not start with IHDR")
    return _header(found, [], ENDLESS, 0)


def compressed(file, position: int, piece: int, *, check: bool = False) -> Iterator[bytes]:
    """What the IDAT chunks of a file hold, the first at `position`, in pieces of about `piece` bytes.

    With `check` their checksums are checked, which `read` has not done unless it read the whole file.
    """
    small: list[bytes] = []
    size = 0
    file.seek(position)
    while True:
        head = file.read(8)
        if head[4:] != b"IDAT":
            file.seek(-len(head), 1)
            break
        length, kind = struct.unpack(">I4s", head)
        checksum = crc32(kind)
        while length:
            data = _exactly(file, min(length, piece - size))
            length -= len(data)
            if check:
                checksum = crc32(data, checksum)
            small.append(data)
            size += len(data)
            if size >= piece or len(small) >= _MOST_SMALL:
                yield b"".join(small)
                small, size = [], 0
        if struct.unpack(">I", _exactly(file, 4))[0] != checksum and check:
            raise ValueError("wrong checksum in IDAT")
    if small:
        yield b"".join(small)


def check_end(file, notes: list[str]) -> None:
    """The chunks behind the pixels, from where the file is read next, up to IEND: ValueError and remarks as `read` has them."""
    start = file.tell()
    size = file.seek(0, 2)
    kind = None
    for _, kind, _, _ in _chunks(file, size, True, start):
        if kind == b"IDAT":
            raise ValueError("IDAT chunks are not together")
    if kind != b"IEND":
        notes.append(NO_END)


def _exactly(file, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise ValueError("it ends within a chunk")
    return data


def _chunks(file, size: int, whole: bool, position: int = 8) -> Iterator[tuple[int, bytes, int, bytes | None]]:
    """(place in the file, type, length, data) of each chunk, checksums checked; without `whole` IDAT is skipped. The data
    is None for chunks too long to be of use. A file may end before or within IEND, which says nothing."""
    file.seek(position)
    while position < size:
        head = file.read(8)
        if position + len(_END) > size and _END.startswith(head + file.read(len(_END))):
            return
        file.seek(position + len(head))
        if len(head) < 8:
            raise ValueError("it ends within a chunk")
        length, kind = struct.unpack(">I4s", head)
        if not kind.isalpha():
            raise ValueError("a chunk has no proper name")
        if position + 12 + length > size:
            if kind == b"IDAT" and not whole:
                yield position, kind, length, None
                return
            raise ValueError(f"it ends within {kind.decode()}")
        if kind == b"IDAT" and not whole:
            file.seek(position + 12 + length)
            yield position, kind, length, None
        else:
            pieces, checksum = [], crc32(kind)
            for left in range(length, 0, -_PIECE):
                piece = _exactly(file, min(left, _PIECE))
                checksum = crc32(piece, checksum)
                if length <= MAX_BLOCK and kind != b"IDAT":
                    pieces.append(piece)
            if struct.unpack(">I", _exactly(file, 4))[0] != checksum:
                raise ValueError(f"wrong checksum in {kind.decode()}")
            yield position, kind, length, b"".join(pieces) if length <= MAX_BLOCK else None
        position += 12 + length
        if kind == b"IEND":
            return


def _header(found: dict, carried: list, idat: int, trailing: int) -> Header:
    width, height, depth, colour, method, filtering, interlace = struct.unpack(">IIBBBBB", found[b"IHDR"])
    if colour not in _COLOUR_TYPES or depth not in _COLOUR_TYPES[colour][2]:
        raise ValueError(f"colour type {colour} with {depth} bits is not PNG")
    if method or filtering or interlace > 1:
        raise ValueError("unknown compression, filter or interlace method")
    if width > 2**31 - 1 or height > 2**31 - 1:
        raise ValueError(f"a size of {width} x {height}")
    mode, samples, _ = _COLOUR_TYPES[colour]
    if ((width * samples * depth + 7) // 8) * height > idat * MAX_INFLATION:
        raise ValueError(f"{width} x {height} pixels cannot be in {idat} bytes")
    palette, transparency = found.get(b"PLTE"), found.get(b"tRNS")
    if colour == 3 and (palette is None or len(palette) % 3 or not 3 <= len(palette) <= 768):
        raise ValueError("the palette is missing or of a wrong length")
    if transparency is not None:
        expected = {0: (2,), 2: (6,), 3: range(1, len(palette or b"") // 3 + 1)}.get(colour, ())
        if len(transparency) not in expected:
            raise ValueError("tRNS does not fit the colour type")
        mode = {"grey": "grey+alpha", "rgb": "rgba"}[mode]
    metadata, notes = _metadata(found, _with_wide_background(carried, colour, depth, palette))
    frames = 1
    if len(found.get(b"acTL", b"")) == 8:
        frames = max(1, struct.unpack(">I", found[b"acTL"][:4])[0])
    if trailing:
        notes.append(f"{trailing} bytes after the end of the PNG ignored")
    layout = {"colour": colour, "bits": depth, "palette": palette, "transparency": transparency, "interlace": interlace}
    return Header(
        "PNG",
        width,
        height,
        mode,
        8 if colour == 3 else depth,
        palette=colour == 3,
        frames=frames,
        metadata=metadata,
        notes=tuple(notes),
        layout=layout,
    )


def _metadata(found: dict, carried: list) -> tuple[Metadata, list[str]]:
    notes: list[str] = []
    icc = xmp = dpi = gamma = density = None
    if b"iCCP" in found:
        try:
            icc = profile(found[b"iCCP"])
        except (ValueError, zlib.error) as error:
            notes.append(f"ICC profile dropped: {error}")
    for kind, data in carried:
        if kind == b"iTXt" and data.startswith(XMP_KEY + b"\0\0\0") and data.count(b"\0") >= 5:
            xmp = data.split(b"\0", 5)[5]
    if len(found.get(b"pHYs", b"")) == 9:
        x, y, unit = struct.unpack(">IIB", found[b"pHYs"])
        if unit == 1 and x and y:
            dpi = (x * 0.0254, y * 0.0254)
        elif unit == 0 and x and y and x != y:
            density = (x, y)
    if len(found.get(b"gAMA", b"")) == 4:
        gamma = struct.unpack(">I", found[b"gAMA"])[0] / 100000 or None
    exif = found.get(b"eXIf")
    if exif and exif.startswith(b"Exif\0\0"):
        exif = exif[6:]
    kept = tuple(
        (kind, data)
        for kind, data in carried
        if not (kind == b"iTXt" and data.startswith(XMP_KEY)) and not (kind == b"pHYs" and (dpi or density))
    )
    return Metadata(icc, exif, xmp, dpi, tags.orientation(exif), gamma, kept, density=density), notes


def _with_wide_background(carried: list, colour: int, depth: int, palette: bytes | None) -> list:
    """The chunks, bKGD with 16 bits a channel and with the palette's colour in place of its index."""
    wide = []
    for kind, data in carried:
        if kind == b"bKGD":
            if colour == 3:
                levels = tuple((palette or b"")[3 * data[0] : 3 * data[0] + 3]) if data else ()
                top = 255
            else:
                levels = struct.unpack(f">{len(data) // 2}H", data[: len(data) // 2 * 2])
                top = (1 << depth) - 1
            if not levels or max(levels) > top:
                continue
            data = struct.pack(f">{len(levels)}H", *(level * (65535 // top) for level in levels))
        wide.append((kind, data))
    return wide


def chunk(kind: bytes, *data: bytes) -> bytes:
    """A whole chunk; its content may come in parts."""
    checksum = crc32(kind)
    for part in data:
        checksum = crc32(part, checksum)
    length = sum(map(len, data))
    return b"".join((struct.pack(">I", length), kind, *data, struct.pack(">I", checksum)))


def profile(chunk: bytes) -> bytes:
    """The ICC profile in an iCCP chunk, at most MAX_BLOCK bytes."""
    name, _, rest = chunk.partition(b"\0")
    if not 1 <= len(name) <= 79 or rest[:1] != b"\0":
        raise ValueError("iCCP is malformed")
    inflater = zlib.decompressobj()
    data = inflater.decompress(rest[1:], MAX_BLOCK)
    if inflater.unconsumed_tail:
        raise ValueError(f"it is larger than {human_bytes(MAX_BLOCK)}")
    return data
