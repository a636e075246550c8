"""The items of AVIF and HEIC files, after ISO/IEC 23008-12: which one is the picture, what describes it, and where they lie."""

from __future__ import annotations

import struct

from .. import tags
from ..boxes import Box, boxes, content
from ..header import Unsupported
from ..picture import Metadata
from ..tags import MAX_BLOCK

_ALPHA = (b"auxiliary:alpha", b"auxid:1")
_AUXILIARY = (
    (b"hdrgainmap", "HDR gain map"),
    (b"auxid:2", "depth map"),
    (b"auxiliary:depth", "depth map"),
    (b"disparity", "depth map"),
    (b"matte", "matte"),
)
_MADE = (b"grid", b"iovl", b"iden", b"tmap")  # items made of others
_DEEPEST = 4
# (quarter turns counter-clockwise, then mirrored: not at all, top to bottom, left to right): EXIF orientation
_ORIENTATIONS = {
    (0, None): 1,
    (1, None): 8,
    (2, None): 3,
    (3, None): 6,
    (0, 0): 4,
    (1, 0): 5,
    (2, 0): 2,
    (3, 0): 7,
    (0, 1): 2,
    (1, 1): 7,
    (2, 1): 4,
    (3, 1): 5,
}


def opened(file, size: int) -> tuple[Meta, int]:
    """The items of a file, and the number of frames of a sequence beside them. Raises ValueError where there are none."""
    meta, frames = None, 1
    for outer in boxes(file, 0, size):
        if outer.kind == b"meta" and meta is None:
            meta = Meta(file, outer, size)
        elif outer.kind == b"moov":
            frames = max(frames, _samples(file, outer))
    if meta is None and frames > 1:
        raise Unsupported("holds a film, and no still picture; take a frame of it: ffmpeg -i FILE -frames:v 1 out.png")
    if meta is None:
        raise ValueError("it holds no picture")
    return meta, frames


class Meta:
    """The `meta` box of a file: its items, what describes them, and where they lie."""

    def __init__(self, file, outer: Box, size: int):
        self._file, self._size = file, size
        self._types: dict[int, bytes] = {}
        self._hidden: set[int] = set()
        self._references: list[tuple[bytes, int, int]] = []
        self._places: dict[int, tuple[int, int, int]] = {}
        self._all: list[tuple[bytes, bytes]] = []
        self._own: dict[int, list[int]] = {}
        self._data = self.primary = 0
        for inner in list(boxes(file, outer.start + 4, outer.end)):
            if inner.kind == b"pitm":
                data = content(file, inner, 8)
                self.primary = int.from_bytes(data[4 : 8 if data[0] else 6], "big")
            elif inner.kind == b"iinf":
                self._read_types(inner)
            elif inner.kind == b"iref":
                self._read_references(inner)
            elif inner.kind == b"iloc":
                self._read_places(content(file, inner, MAX_BLOCK))
            elif inner.kind == b"idat":
                self._data = inner.start
            elif inner.kind == b"iprp":
                self._read_properties(inner)
        if b"ispe" not in self.properties(self.primary):
            raise ValueError("its picture has no size")

    def properties(self, item: int) -> dict[bytes, bytes]:
        """What describes an item, by the property's type; of several colour properties the last."""
        return dict(self._all[i - 1] for i in self._own.get(item, ()) if 0 < i <= len(self._all))

    def any_property(self, kind: bytes) -> bytes | None:
        """A property of whatever item: the parts of a picture made of tiles have them, not the whole."""
        return next((data for own, data in self._all if own == kind), None)

    def profile(self) -> bytes | None:
        for i in self._own.get(self.primary, ()):
            kind, data = self._all[i - 1] if 0 < i <= len(self._all) else (b"", b"")
            if kind == b"colr" and data[:4] in (b"prof", b"rICC"):
                return data[4:]
        return None

    def referring(self, kind: bytes) -> list[int]:
        """The items that refer to the picture in this way."""
        return [source for own, source, target in self._references if own == kind and target == self.primary]

    @property
    def alpha(self) -> bool:
        """Whether one of the items is the picture's alpha."""
        return any(
            any(word in self.properties(item).get(b"auxC", b"") for word in _ALPHA) for item in self.referring(b"auxl")
        )

    @property
    def premultiplied(self) -> bool:
        return any(kind == b"prem" for kind, *_ in self._references)

    @property
    def codec(self) -> bytes:
        """The type of the picture, or of the parts of which it is made."""
        item = self.primary
        for _ in range(_DEEPEST):
            if self._types.get(item) not in _MADE:
                break
            parts = [part for kind, whole, part in self._references if kind == b"dimg" and whole == item]
            if not parts:
                break
            item = parts[0]
        return self._types.get(item, b"")

    @property
    def others(self) -> int:
        """How many pictures stand beside the first one: neither its parts, nor made for it, nor hidden."""
        belonging = {source for kind, source, _ in self._references if kind in (b"thmb", b"auxl")}
        belonging |= {part for kind, _, part in self._references if kind == b"dimg"}
        pictures = {item for item in self._types if b"ispe" in self.properties(item)}
        return len(pictures - belonging - self._hidden - {self.primary})

    @property
    def auxiliary(self) -> list[str]:
        """What else than alpha belongs to the picture, in words."""
        found = []
        for item in self.referring(b"auxl"):
            kind = self.properties(item).get(b"auxC", b"")[4:]
            if not any(word in kind for word in _ALPHA):
                found.append(next((words for mark, words in _AUXILIARY if mark in kind), "auxiliary picture"))
        return list(dict.fromkeys(found))

    def metadata(self, cicp: bytes | None = None) -> Metadata:
        """What the file says beside the pixels. The orientation is that of the picture's properties, which EXIF repeats.
        `cicp`: a description of its colours by numbers, as in a PNG."""
        found = self.properties(self.primary)
        turn = found[b"irot"][0] & 3 if b"irot" in found else 0
        orientation = _ORIENTATIONS[turn, found[b"imir"][0] & 1 if b"imir" in found else None]
        exif, xmp = self.described(b"Exif"), self.described(b"mime")
        if exif is not None:
            exif = exif[4 + int.from_bytes(exif[:4], "big") :] or None
        return Metadata(
            self.profile(),
            tags.with_orientation(exif, orientation),
            xmp,
            tags.resolution(exif),
            orientation,
            chunks=((b"cICP", cicp),) if cicp else (),
        )

    def described(self, kind: bytes) -> bytes | None:
        """The item of a type that describes the picture, None where there is none."""
        for item in self.referring(b"cdsc"):
            if self._types.get(item) == kind and item in self._places:
                base, start, length = self._places[item]
                start += self._data if base == 1 else 0
                if base > 1 or length > MAX_BLOCK:
                    return None
                if start + length > self._size:
                    raise ValueError("it ends within its metadata")
                self._file.seek(start)
                return self._file.read(length)
        return None

    def _read_types(self, outer: Box) -> None:
        wide = content(self._file, outer, 1)[0] > 0
        for inner in boxes(self._file, outer.start + (8 if wide else 6), outer.end):
            data = content(self._file, inner, 16)
            at = 8 if data[0] > 2 else 6
            item = int.from_bytes(data[4:at], "big")
            self._types[item] = data[at + 2 : at + 6]
            if data[3] & 1:
                self._hidden.add(item)

    def _read_references(self, outer: Box) -> None:
        form, step = (">I", 4) if content(self._file, outer, 1)[0] else (">H", 2)
        for inner in boxes(self._file, outer.start + 4, outer.end):
            data = content(self._file, inner, MAX_BLOCK)
            (source,) = struct.unpack_from(form, data)
            (count,) = struct.unpack_from(">H", data, step)
            for i in range(count):
                (target,) = struct.unpack_from(form, data, step + 2 + i * step)
                self._references.append((inner.kind, source, target))

    def _read_places(self, data: bytes) -> None:
        version, sizes, more = data[0], data[4], data[5]
        lengths = sizes >> 4, sizes & 15, more >> 4, more & 15 if version else 0
        at = 6

        def number(count: int) -> int:
            nonlocal at
            at += count
            if at > len(data):
                raise ValueError("it ends within the places of its items")
            return int.from_bytes(data[at - count : at], "big")

        offset_size, length_size, base_size, index_size = lengths
        for _ in range(number(4 if version == 2 else 2)):
            item = number(4 if version == 2 else 2)
            method = number(2) & 15 if version else 0
            number(2)
            base = number(base_size)
            extents = []
            for _ in range(number(2)):
                number(index_size)
                extents.append((base + number(offset_size), number(length_size)))
            if len(extents) == 1:
                self._places[item] = (method, *extents[0])

    def _read_properties(self, outer: Box) -> None:
        for inner in list(boxes(self._file, outer.start, outer.end)):
            if inner.kind == b"ipco":
                for one in list(boxes(self._file, inner.start, inner.end)):
                    self._all.append((one.kind, content(self._file, one, MAX_BLOCK)))
            elif inner.kind == b"ipma":
                self._read_own(content(self._file, inner, MAX_BLOCK))

    def _read_own(self, data: bytes) -> None:
        form, step = (">I", 4) if data[0] else (">H", 2)
        wide = data[3] & 1
        (count,) = struct.unpack_from(">I", data, 4)
        at = 8
        for _ in range(min(count, len(data))):
            (item,) = struct.unpack_from(form, data, at)
            own = self._own.setdefault(item, [])
            at += step
            number, at = data[at], at + 1
            for _ in range(number):
                own.append((data[at] & 0x7F) << 8 | data[at + 1] if wide else data[at] & 0x7F)
                at += 1 + wide


def _samples(file, outer: Box, path: tuple[bytes, ...] = (b"trak", b"mdia", b"minf", b"stbl", b"stsz")) -> int:
    """The number of samples of the longest track."""
    most = 0
    for inner in list(boxes(file, outer.start, outer.end)):
        if inner.kind == path[0]:
            if len(path) > 1:
                most = max(most, _samples(file, inner, path[1:]))
            else:
                most = max(most, struct.unpack(">I", content(file, inner, 12)[8:12])[0])
    return most
