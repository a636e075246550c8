"""JPEG: the marker segments before the scan and what they say. Pixels are decoded elsewhere."""

from __future__ import annotations

import io
import struct
from fractions import Fraction
from functools import cache

from .. import renditions, tags
from ..formats import MAX_SEGMENT
from ..header import Header, Unsupported
from ..picture import Metadata
from ..tags import MAX_BLOCK

_LS = 0xF7  # the frame header of JPEG-LS
_FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
_MODES = {1: "grey", 3: "rgb", 4: "cmyk"}
_PHOTOSHOP = b"Photoshop 3.0\0"  # before image resources, of which number 0x0404 holds IPTC datasets
_IPTC = 0x0404
_ELSEWHERE = (
    _IPTC,
    0x03ED,
    0x0421,
    0x0422,
    0x0423,
    0x0424,
    0x0425,
    0x040F,
)  # what EXIF, XMP, ICC, JFIF say too; IPTC's checksum
# what else than the picture a file may hold behind it or tell of: MPF, ISO 21496-1
_FURTHER = {b"MPF\0": "further pictures (MPF)", b"urn:iso:std:iso:ts:21496:-1\0": "HDR gain map (ISO 21496-1)"}
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_PROFILE_PART = MAX_SEGMENT - 14
_PLAIN = (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)  # baseline, extended, progressive; Huffman-coded, and arithmetic
SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0", "4:4:0", "4:1:1")  # as Metadata.subsampling numbers them
_RATIOS: dict[tuple[float, float], int] = {(1, 1): 0, (2, 1): 1, (2, 2): 2, (1, 2): 3, (4, 1): 4}
_ZIGZAG = tuple(sorted(range(64), key=lambda i: (i // 8 + i % 8, i // 8 if (i // 8 + i % 8) % 2 else i % 8)))
# ITU-T T.81, tables K.1 and K.2, row by row: what `quality` scales
_LUMA = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
_CHROMA = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
    *(99,) * 32,
)  # fmt: skip


def read(file, size: int, *, whole: bool = False) -> Header:
    """The header of a JPEG file: everything up to the first scan."""
    frame = transform = None
    exif = xmp = density = aspect = None
    resources, comments, further = b"", list[bytes](), dict[str, None]()
    jfif = False
    tables: dict[int, tuple[int, ...]] = {}
    profile_parts: dict[int, bytes] = {}
    parts = carried = 0
    for marker, data in _segments(file):
        if marker == _LS:
            raise Unsupported("is a JPEG-LS file; convert it: ffmpeg -i in.jls out.png")
        if marker in _FRAMES:
            if frame is not None:
                raise ValueError("two frame headers")
            frame = (marker, data)
        elif marker == 0xDB:
            tables.update(_tables(data))
        jfif |= marker == 0xE0 and data.startswith(b"JFIF\0")
        if marker == 0xEE and data.startswith(b"Adobe") and len(data) >= 12:
            transform = data[11]
        carried += len(data)
        if carried > MAX_BLOCK:
            continue
        if marker == 0xE0 and data.startswith(b"JFIF\0") and len(data) >= 12:
            unit, x, y = struct.unpack(">BHH", data[7:12])
            factor = {1: 1.0, 2: 2.54}.get(unit)
            density = (x * factor, y * factor) if factor and x and y else None
            aspect = (x, y) if unit == 0 and x and y and x != y else None
        elif marker == 0xE1 and data.startswith(b"Exif\0") and exif is None:
            exif = data[6:]
        elif marker == 0xE1 and data.startswith(_XMP) and xmp is None:
            xmp = data[len(_XMP) :]
        elif marker == 0xED and data.startswith(_PHOTOSHOP):
            resources += data[len(_PHOTOSHOP) :]
        elif marker == 0xFE:
            comments.append(data)
        elif marker == 0xE2 and (
            told := next((words for start, words in _FURTHER.items() if data.startswith(start)), None)
        ):
            further[told] = None
        elif marker == 0xE2 and data.startswith(b"ICC_PROFILE\0") and len(data) > 14:
            profile_parts[data[12]], parts = data[14:], data[13]
    if frame is None:
        raise ValueError("no frame header before the pixels")
    marker, data = frame
    precision, height, width, components = struct.unpack(">BHHB", data[:6])
    if len(data) < 6 + 3 * components:
        raise ValueError("the frame header is cut off")
    notes = []
    icc = None
    if profile_parts and sorted(profile_parts) == list(range(1, parts + 1)):
        icc = b"".join(profile_parts[i] for i in sorted(profile_parts))
    elif profile_parts:
        notes.append("ICC profile dropped: parts of it are missing")
    if count := renditions.further(resources, _ELSEWHERE):
        notes.append(f"{count} image resources of Photoshop left out")
    notes += [f"{told} left out: only the picture itself is read" for told in further]
    if height == 0:
        raise Unsupported(
            "JPEG with its height after the pixels (DNL) cannot be read; store it again with another tool"
        )
    if components not in _MODES:
        raise Unsupported(f"JPEG with {components} components cannot be read; convert it to grey, RGB or CMYK")
    # each Huffman-coded 8 x 8 block takes a bit at least; arithmetic coding (0xC9 and up) has no such floor
    if marker < 0xC8 and marker != 0xC3 and width * height > 64 * 8 * size:
        raise ValueError(f"{width} x {height} pixels cannot be in {size} bytes")
    layers = [(data[at + 1] >> 4, data[at + 1] & 15, data[at + 2]) for at in range(6, 6 + 3 * components, 3)]
    used = tuple(tables[layer[2]] for layer in layers if layer[2] in tables)
    metadata = Metadata(
        icc,
        exif,
        xmp,
        density or tags.resolution(exif),
        tags.orientation(exif),
        quantisation=used if len(used) == components else None,
        subsampling=_subsampling(layers),
        iptc=renditions.resource(resources, _IPTC),
        comment=b"\n".join(comments) or None,
        density=aspect,
    )
    ids = data[6 : 6 + 3 * components : 3]
    coded_rgb = not jfif and (transform == 0 or (transform is None and ids == b"RGB"))
    return Header(
        "JPEG",
        width,
        height,
        _MODES[components],
        precision,
        metadata=metadata,
        notes=tuple(notes),
        layout={"plain": marker in _PLAIN and precision == 8 and components < 4 and not coded_rgb, "marker": marker},
    )


def _tables(data: bytes) -> dict[int, tuple[int, ...]]:
    """The quantisation tables in a DQT segment by their number, each row by row."""
    found, position = {}, 0
    while position < len(data):
        wide, number = data[position] >> 4, data[position] & 15
        values = struct.unpack_from(">64H" if wide else "64B", data, position + 1)
        table = [0] * 64
        for place, value in zip(_ZIGZAG, values, strict=True):
            table[place] = value
        found[number] = tuple(table)
        position += 129 if wide else 65
    return found


def _subsampling(layers: list[tuple[int, int, int]]) -> int | None:
    """How chroma is subsampled, None where the components are not three or their ratio has no name."""
    if len(layers) != 3 or layers[1][:2] != layers[2][:2] or 0 in layers[1][:2]:
        return None
    (wide, high, _), (narrow, low, _) = layers[:2]
    return _RATIOS.get((wide / narrow, high / low))


def standard_quality(quantisation: tuple[tuple[int, ...], ...]) -> int | None:
    """The quality 1 to 100 whose scaled standard tables these are (luma, then chroma for each further component)."""
    for quality in range(100, 0, -1):
        if quantisation == standard_tables(quality, len(quantisation)):
            return quality
    return None


@cache
def standard_tables(quality: int, components: int = 3) -> tuple[tuple[int, ...], ...]:
    """The standard table of each component, scaled as the IJG's library does."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    luma, chroma = (tuple(min(max((v * scale + 50) // 100, 1), 255) for v in table) for table in (_LUMA, _CHROMA))
    return (luma, *[chroma] * (components - 1))


def _small(density: tuple[int, int]) -> tuple[int, int]:
    """The same ratio in numbers of 16 bits, or the nearest to it."""
    ratio = Fraction(*density)
    near = ratio.limit_denominator(65535) if ratio <= 1 else 1 / (1 / ratio).limit_denominator(65535)
    return max(near.numerator, 1), max(near.denominator, 1)


def described(data: bytes, metadata: Metadata) -> bytes:
    """A file that holds nothing but a picture, with the metadata's DPI, EXIF, XMP, IPTC, comment and ICC profile put into it."""
    jfif, rest = b"", 2
    if data[2:4] == b"\xff\xe0":
        rest = 4 + int.from_bytes(data[4:6], "big")
        jfif = data[2:rest]
    if metadata.dpi:
        x, y = (min(max(round(dots), 1), 65535) for dots in metadata.dpi)
        jfif = _segment(0xE0, struct.pack(">5sHBHHBB", b"JFIF\0", 0x101, 1, x, y, 0, 0))
    elif metadata.density:
        x, y = _small(metadata.density)
        jfif = _segment(0xE0, struct.pack(">5sHBHHBB", b"JFIF\0", 0x101, 0, x, y, 0, 0))
    parts = [data[:2], jfif]
    if metadata.exif:
        parts.append(_segment(0xE1, b"Exif\0\0", metadata.exif))
    if metadata.xmp:
        parts.append(_segment(0xE1, _XMP, metadata.xmp))
    if metadata.iptc:
        size = struct.pack(">I", len(metadata.iptc))
        resource = b"8BIM" + struct.pack(">HH", _IPTC, 0) + size + metadata.iptc + bytes(len(metadata.iptc) % 2)
        parts.append(_segment(0xED, _PHOTOSHOP, resource))
    if metadata.comment:
        parts.append(_segment(0xFE, metadata.comment))
    icc = metadata.icc or b""
    count = -(-len(icc) // _PROFILE_PART)
    for i in range(count):
        part = icc[i * _PROFILE_PART : (i + 1) * _PROFILE_PART]
        parts.append(_segment(0xE2, b"ICC_PROFILE\0", bytes((i + 1, count)), part))
    return b"".join((*parts, memoryview(data)[rest:]))


def _segment(marker: int, *content: bytes) -> bytes:
    return b"".join((bytes((0xFF, marker)), struct.pack(">H", sum(map(len, content)) + 2), *content))


def _segments(file):
    """(marker, data) of each segment until the first scan."""
    file.seek(2)
    stray = 0
    while True:
        byte = file.read(1)
        if not byte:
            raise ValueError("it ends before the pixels")
        stray += 1
        if stray > MAX_SEGMENT:
            raise ValueError("too much that belongs to no segment")
        if byte != b"\xff":
            continue  # stray bytes between segments, as decoders tolerate them
        while byte == b"\xff" and stray <= MAX_SEGMENT:
            byte = file.read(1)
            stray += 1
        marker = byte[0] if byte else 0xD9
        if marker in (0xDA, 0xD9):
            return
        if marker == 0 or marker == 1 or 0xD0 <= marker <= 0xD8:
            continue
        (length,) = struct.unpack(">H", file.read(2))
        data = file.read(length - 2) if length >= 2 else b""
        if length < 2 or len(data) < length - 2:
            raise ValueError("it ends within a segment")
        yield marker, data


def bare(data: bytes) -> bytes:
    """A JPEG file without EXIF, profiles and comments; what says how its colours are coded (JFIF, Adobe) stays."""
    file = io.BytesIO(data)
    parts: list[bytes | memoryview] = [data[:2]]
    for marker, content in _segments(file):
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE) or marker in (0xE0, 0xEE):
            parts += [bytes((0xFF, marker)), struct.pack(">H", len(content) + 2), content]
    parts += [b"\xff\xda", memoryview(data)[file.tell() :]]
    return b"".join(parts)
