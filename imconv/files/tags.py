"""TIFF directories, as EXIF blocks and TIFF files hold them: read, changed, written. Pixels are not its concern."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from fractions import Fraction

SUBFILE_TYPE, OLD_SUBFILE_TYPE, DESCRIPTION = 254, 255, 270
ORIENTATION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 274, 282, 283, 296
ICC_PROFILE, XMP, EXTRA_SAMPLES, IPTC = 34675, 700, 338, 33723
NODATA = 42113  # GDAL: the value of samples that are no measurements, as text
EXIF_IFD, GPS_IFD, INTEROPERABILITY_IFD = 34665, 34853, 40965
# tags that describe the picture and stay true when it is stored otherwise; strip offsets and the like are not among them
DESCRIPTIVE = frozenset(
    (
        269,
        DESCRIPTION,
        271,
        272,
        285,
        305,
        306,
        315,
        316,
        33432,
        ORIENTATION,
        X_RESOLUTION,
        Y_RESOLUTION,
        RESOLUTION_UNIT,
    )
) | frozenset(range(40091, 40096))
POINTERS = (EXIF_IFD, GPS_IFD, INTEROPERABILITY_IFD)  # tags whose value is the place of a directory

MAX_BLOCK = 16 << 20  # bytes of metadata carried; more is an attack or a mistake
_MAX_FRAMES = 1 << 16
# TIFF field type: size of one value, size of the unit that byte order applies to
_TYPES = {1: (1, 1), 2: (1, 1), 3: (2, 2), 4: (4, 4), 5: (8, 4), 6: (1, 1), 7: (1, 1), 8: (2, 2), 9: (4, 4)}
_TYPES |= {10: (8, 4), 11: (4, 4), 12: (8, 8), 13: (4, 4), 16: (8, 8), 17: (8, 8), 18: (8, 8)}
_CODES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I", 16: "Q", 17: "q", 18: "Q"}


@dataclass(frozen=True)
class Entry:
    """One tag: field type, number of values, the values' bytes in the file's order, and where those bytes stand."""

    type: int
    count: int
    data: bytes
    position: int


def new_entry(kind: int, *values, order: str = "<") -> Entry:
    """An entry of field type `kind`; rationals (5) are given as pairs of numbers, one behind the other."""
    count = len(values) // 2 if kind == 5 else len(values)
    code = "I" if kind == 5 else _CODES[kind]
    return Entry(kind, count, struct.pack(f"{order}{len(values)}{code}", *values), 0)


class Tags:
    """Reader of the directories of one TIFF file or EXIF block. Every method raises ValueError where it is damaged."""

    def __init__(self, file, size: int):
        self.file, self.size = file, size
        file.seek(0)
        head = file.read(16)
        if head[:4] in (b"II*\0", b"MM\0*"):
            self.big = False
        elif head[:4] in (b"II+\0", b"MM\0+"):
            self.big = True
        else:
            raise ValueError("no TIFF signature")
        self.order = "<" if head[:2] == b"II" else ">"
        try:
            self.first = self._unpack("Q", head[8:16]) if self.big else self._unpack("I", head[4:8])
        except struct.error:
            raise ValueError("the TIFF header is cut off") from None

    @classmethod
    def of_block(cls, block: bytes) -> Tags:
        return cls(io.BytesIO(block), len(block))

    def directory(self, offset: int, wanted: frozenset[int] | None = None) -> tuple[dict[int, Entry], int]:
        """The entries of the directory at `offset`, by tag, and the offset of the next one (0: none); only the `wanted`
        tags if that is given."""
        count, start = self._count(offset)
        width, counter, inline = (20, "HHQ", 8) if self.big else (12, "HHI", 4)
        table = self._read(start, count * width)
        entries: dict[int, Entry] = {}
        budget = self.size  # values may not overlap, or a small file could make us read the same bytes 65535 times
        for i in range(count):
            row = table[i * width : (i + 1) * width]
            tag, kind, n = struct.unpack_from(self.order + counter, row)
            if kind not in _TYPES or (wanted is not None and tag not in wanted):
                continue
            length = n * _TYPES[kind][0]
            position = start + i * width + width - inline
            if length <= inline:
                data = row[width - inline : width - inline + length]
            else:
                position = self._unpack("Q" if self.big else "I", row[width - inline :])
                budget -= length
                if budget < 0:
                    raise ValueError("a directory's values overlap")
                data = self._read(position, length)
            entries.setdefault(tag, Entry(kind, n, data, position))
        end = start + count * width
        try:
            following = self._unpack("Q" if self.big else "I", self._read(end, 8 if self.big else 4))
        except ValueError:  # EXIF blocks are often cut off here
            following = 0
        return entries, following

    def chain(self) -> list[int]:
        """The offsets of the directories that follow each other from the first, at most _MAX_FRAMES; the last one may
        point nowhere. A chain that bites its tail ends there."""
        seen: dict[int, None] = {}
        offset = self.first
        while offset and offset not in seen and len(seen) < _MAX_FRAMES:
            seen[offset] = None
            try:
                count, start = self._count(offset)
                end = start + count * (20 if self.big else 12)
                offset = self._unpack("Q" if self.big else "I", self._read(end, 8 if self.big else 4))
            except ValueError:
                break
        return list(seen)

    def numbers(self, entry: Entry | None, default=None):
        """An entry's values as a tuple of numbers (rationals as floats), or `default`."""
        if entry is None or entry.count == 0:
            return default
        if entry.type in (5, 10):
            pairs = struct.unpack(f"{self.order}{2 * entry.count}{'I' if entry.type == 5 else 'i'}", entry.data)
            return tuple(a / b if b else 0.0 for a, b in zip(pairs[::2], pairs[1::2], strict=True))
        code = _CODES.get(entry.type)
        return struct.unpack(f"{self.order}{entry.count}{code}", entry.data) if code else default

    def number(self, entry: Entry | None, default=None):
        values = self.numbers(entry)
        return values[0] if values else default

    def whole(self, entry: Entry | None, default=()) -> tuple[int, ...]:
        """An entry's values, which must be whole numbers from 0, or `default`."""
        values = self.numbers(entry, default)
        if not all(isinstance(value, int) and value >= 0 for value in values):
            raise ValueError("a whole number was expected in its directory")
        return values

    def _count(self, offset: int) -> tuple[int, int]:
        if self.big:
            count, start = self._unpack("Q", self._read(offset, 8)), offset + 8
        else:
            count, start = self._unpack("H", self._read(offset, 2)), offset + 2
        if not 0 < count <= 65535:
            raise ValueError("a directory without entries")
        return count, start

    def _read(self, offset: int, length: int) -> bytes:
        if offset < 0 or offset + length > self.size:
            raise ValueError("a directory points outside the file")
        self.file.seek(offset)
        data = self.file.read(length)
        if len(data) != length:
            raise ValueError("the file is cut off in a directory")
        return data

    def _unpack(self, code: str, data: bytes) -> int:
        return struct.unpack(self.order + code, data)[0]


def orientation(block: bytes | None) -> int:
    """The orientation (1 to 8) an EXIF block states; 1 where it states none or is damaged."""
    try:
        tags = Tags.of_block(block or b"")
        value = tags.number(tags.directory(tags.first)[0].get(ORIENTATION))
    except ValueError:
        return 1
    return value if value in range(1, 9) else 1


def resolution(block: bytes | None) -> tuple[float, float] | None:
    """The dots per inch an EXIF block states, or None."""
    try:
        tags = Tags.of_block(block or b"")
        return dpi(tags, tags.directory(tags.first)[0])
    except ValueError:
        return None


def dpi(tags: Tags, entries: dict[int, Entry]) -> tuple[float, float] | None:
    """Dots per inch from a directory's resolution tags, or None where they give no absolute unit."""
    unit = tags.number(entries.get(RESOLUTION_UNIT), 2)
    x, y = tags.number(entries.get(X_RESOLUTION)), tags.number(entries.get(Y_RESOLUTION))
    if not x or not y or unit not in (2, 3) or not (0 < x < 1e9 and 0 < y < 1e9):
        return None
    factor = 2.54 if unit == 3 else 1.0
    return float(x) * factor, float(y) * factor


def density(tags: Tags, entries: dict[int, Entry]) -> tuple[int, int] | None:
    """Pixels across and down in the same length, of which the unit is not given; None where they are equal, or unknown."""
    x, y = tags.number(entries.get(X_RESOLUTION)), tags.number(entries.get(Y_RESOLUTION))
    if (
        tags.number(entries.get(RESOLUTION_UNIT), 2) != 1
        or not x
        or not y
        or not (0 < x < 1e9 and 0 < y < 1e9)
        or x == y
    ):
        return None
    ratio = Fraction(x).limit_denominator(10**6) / Fraction(y).limit_denominator(10**6)
    return (ratio.numerator, ratio.denominator) if max(ratio.numerator, ratio.denominator) < 1 << 31 else None


def with_orientation(block: bytes | None, value: int) -> bytes | None:
    """The EXIF block with its orientation set to `value`; the other bytes stay. A new block where there is none and
    `value` is not 1; the old one where it is damaged."""
    if not block:
        return None if value == 1 else serialise({ORIENTATION: Entry(3, 1, struct.pack("<H", value), 0)}, "<")
    try:
        tags = Tags.of_block(block)
        entries, _ = tags.directory(tags.first)
        entry = entries.get(ORIENTATION)
        new = struct.pack(tags.order + "H", value)
        if entry is not None and entry.type == 3 and entry.count == 1:
            return block[: entry.position] + new + block[entry.position + 2 :]
        if value == 1 and entry is None:
            return block
        tree = _tree(tags, entries, lambda tag: True)
        tree[ORIENTATION] = Entry(3, 1, new, 0)
        return serialise(tree, tags.order)
    except (ValueError, RecursionError):
        return block


def text_of(block: bytes, tag: int) -> bytes | None:
    """The text of a tag in an EXIF block's first directory, without the zeros at its end; None where there is none."""
    try:
        tags = Tags.of_block(block)
        entry = tags.directory(tags.first)[0].get(tag)
    except ValueError:
        return None
    return entry.data.rstrip(b"\0") if entry is not None and _TYPES[entry.type][0] == 1 else None


def with_text(block: bytes, tag: int, text: bytes | None) -> bytes | None:
    """The EXIF block with another text, or none, in a tag of its first directory; the other tags may move. None where
    nothing is left."""
    tags = Tags.of_block(block)
    tree = _tree(tags, tags.directory(tags.first)[0], lambda tag: True)
    tree.pop(tag, None)
    if text is not None:
        tree[tag] = Entry(2, len(text) + 1, text + b"\0", 0)
    return serialise(tree, tags.order) if tree else None


def descriptive(tags: Tags, entries: dict[int, Entry]) -> bytes | None:
    """An EXIF block with the descriptive tags of a page, its Exif and GPS tags; None if it has none besides its
    resolution."""
    tree = _tree(tags, entries, DESCRIPTIVE.__contains__)
    telling = set(tree) - {X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT}
    return serialise(tree, tags.order) if telling else None


def descriptive_tree(block: bytes | None, order: str) -> dict:
    """An EXIF block's descriptive tags with its Exif and GPS directories, in byte order `order`; {} where it is damaged."""
    if not block:
        return {}
    try:
        source = Tags.of_block(block)
        found = _tree(source, source.directory(source.first)[0], DESCRIPTIVE.__contains__)
    except ValueError:
        return {}
    return {tag: reordered(entry, source.order, order) for tag, entry in found.items()}


def bare(file: bytes, page: int, wanted: frozenset[int]) -> bytes:
    """A TIFF file whose only directory has only the `wanted` tags of the one at offset `page`, so that no decoder stumbles over the others or turns
    the picture by its orientation. Premultiplied alpha is called straight: to divide it is the caller's affair."""
    tags = Tags.of_block(file)
    entries, _ = tags.directory(page)
    if len(file) >= (1 << 32) - (1 << 20):
        # offsets would not fit a classic directory; blotting out the orientation is what matters
        entry = entries.get(ORIENTATION)
        one = struct.pack(tags.order + "H", 1)
        return file if entry is None else file[: entry.position] + one + file[entry.position + 2 :]
    tree = {tag: _narrowed(entry, tags.order) for tag, entry in entries.items() if tag in wanted}
    if EXTRA_SAMPLES in tree and tags.number(tree[EXTRA_SAMPLES]) == 1:
        tree[EXTRA_SAMPLES] = new_entry(3, 2, order=tags.order)
    offset = len(file) + len(file) % 2
    head = (b"II*\0" if tags.order == "<" else b"MM\0*") + struct.pack(tags.order + "I", offset)
    body = directory_bytes(tree, tags.order, offset, 0)
    return b"".join((head, memoryview(file)[8:], bytes(len(file) % 2), body))


def _narrowed(entry: Entry, order: str) -> Entry:
    """BigTIFF's 64-bit numbers as 32-bit ones; ValueError where one does not fit."""
    if entry.type not in (16, 17, 18):
        return entry
    values = struct.unpack(f"{order}{entry.count}Q", entry.data)
    if max(values, default=0) >= 1 << 32:
        raise ValueError("an offset lies outside the file")
    return Entry(4, entry.count, struct.pack(f"{order}{entry.count}I", *values), 0)


def serialise(tree: dict, order: str) -> bytes:
    """A TIFF block (an EXIF block) made of one directory with its sub-directories. Entries are in byte order `order`."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    return head + directory_bytes(tree, order, 8, 0)


def _tree(tags: Tags, entries: dict[int, Entry], wanted, depth: int = 0) -> dict:
    """The wanted entries, with Exif, GPS and interoperability pointers resolved into nested dictionaries."""
    tree: dict[int, Entry | dict] = {}
    for tag, entry in entries.items():
        if tag in POINTERS:
            if depth < 2 and entry.type in (4, 13, 16, 18):
                try:
                    nested, _ = tags.directory(tags.number(entry))
                except ValueError:
                    continue
                tree[tag] = _tree(tags, nested, lambda tag: True, depth + 1)
        elif wanted(tag) and entry.type <= 13:  # the 64-bit types of BigTIFF have no place in an EXIF block
            tree[tag] = entry
    return tree


def reordered(entry, source: str, target: str):
    """An entry, or a directory of them, in byte order `target`."""
    if isinstance(entry, dict):
        return {tag: reordered(inner, source, target) for tag, inner in entry.items()}
    unit = _TYPES[entry.type][1]
    if source == target or unit == 1:
        return entry
    code = {2: "H", 4: "I", 8: "Q"}[unit]
    values = struct.unpack(f"{source}{len(entry.data) // unit}{code}", entry.data)
    return Entry(entry.type, entry.count, struct.pack(f"{target}{len(values)}{code}", *values), 0)


def directory_bytes(tree: dict, order: str, offset: int, following: int, big: bool = False) -> bytes:
    """A directory that will stand at `offset`, with the values and directories it points to; `big` as in BigTIFF."""
    tree = {tag: entry for tag, entry in tree.items() if not (isinstance(entry, dict) and not entry)}
    rows, body = [], bytearray()
    counter, pointer, inline, pointer_type = ("Q", "Q", 8, 18) if big else ("I", "I", 4, 4)
    number = "Q" if big else "H"
    start = offset + struct.calcsize("<" + number) + (4 + 2 * inline) * len(tree) + inline
    for tag in sorted(tree):
        entry = tree[tag]
        if isinstance(entry, dict):
            place = start + len(body)
            body += directory_bytes(entry, order, place, 0, big)
            rows.append(struct.pack(f"{order}HH{counter}{pointer}", tag, pointer_type, 1, place))
        elif len(entry.data) <= inline:
            head = struct.pack(f"{order}HH{counter}", tag, entry.type, entry.count)
            rows.append(head + entry.data.ljust(inline, b"\0"))
        else:
            place = start + len(body)
            rows.append(struct.pack(f"{order}HH{counter}{pointer}", tag, entry.type, entry.count, place))
            body += entry.data
        body += bytes(len(body) % 2)
    rows.append(struct.pack(order + pointer, following))
    return struct.pack(order + number, len(tree)) + b"".join(rows) + bytes(body)
