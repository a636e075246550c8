"""Smaller pictures within a picture's metadata (thumbnails, previews) left out, and its sizes there made the result's: they
show and describe the picture as it was before the filter."""

from __future__ import annotations

import struct
import zlib

from . import tags
from .tags import MAX_BLOCK, Entry, Tags

_WIDTH, _HEIGHT, _PIXEL_WIDTH, _PIXEL_HEIGHT = 256, 257, 0xA002, 0xA003
_PHOTOSHOP, _LAYERS = 34377, 37724
# tags of the first directory that say where pixels lie: offsets and lengths of strips, tiles, JPEG streams, subdirectories
_PLACES = frozenset((273, 279, 288, 289, 324, 325, 330, *range(512, 522), _LAYERS))
_THUMBNAILS = (1033, 1036)  # Photoshop's resources
# how a JPEG begins: FF D8, a marker and its length; some maker notes spoil the first byte
_JPEG = (
    *(
        b"\xd8\xff" + marker
        for marker in (b"\xdb\0", b"\xdb\1", b"\xe0\0", b"\xc0\0", b"\xc4\0", b"\xc4\1", b"\xee\0", b"\xfe\0")
    ),
    b"\xff\xd8\xff\xe1",
    b"\xff\xd8\xff\xe2",
)
_THUMBNAIL_NOTE = "thumbnail in the EXIF left out: it shows the picture as it was"
_XMP_PREVIEW = "a preview is in it, which shows the picture as it was"
_GAIN_MAPS = (b"hdrgm:", b"HDRGainMap", b"hdrgainmap", b"GainMap")
_XMP_NOTE = "preview in the XMP left out: it shows the picture as it was"
_BASE64 = (b"/9j/", b"iVBORw0KGgo", b"UklGR")  # how a JPEG, a PNG and a WebP begin
_RAW = b"Raw profile type "  # how ImageMagick calls the EXIF, XMP and Photoshop blocks that it puts into a PNG's text


def in_exif(exif: bytes | None, width: int, height: int, notes: list[str]) -> bytes | None:
    """An EXIF block for a picture of this size: without the thumbnail's directory and previews in other tags, bytes that
    belong to no tag blanked, what follows the last tag cut off. All other bytes stay in place, since maker notes point to
    them. None where it is damaged."""
    if not exif:
        return None
    try:
        return _Block(exif, (width, height), notes).result()
    except (ValueError, struct.error):
        notes.append("EXIF left out: it is damaged")
        return None


class _Block:
    """An EXIF block being copied, tag by tag, to the places where the tags were."""

    def __init__(self, block: bytes, size: tuple[int, int], notes: list[str]):
        self._block, self._size, self._notes = block, size, notes
        self._tags = Tags.of_block(block)
        if self._tags.big:
            raise ValueError("BigTIFF is no EXIF")
        self._copy = bytearray(len(block))
        self._end = 0  # of what has been copied
        self._put(0, block[:8])
        self._seen: set[int] = set()

    def result(self) -> bytes:
        self._directory(self._tags.first, 0)
        return self._block if self._copy == self._block else bytes(self._copy[: self._end])

    def _put(self, place: int, data: bytes) -> None:
        self._copy[place : place + len(data)] = data
        self._end = max(self._end, place + len(data))

    def _directory(self, offset: int, depth: int) -> None:
        """Copy the directory at `offset` and what its tags point to; the directory behind it is a thumbnail's."""
        if offset in self._seen:
            raise ValueError("its directories bite their tails")
        self._seen.add(offset)
        entries, following = self._tags.directory(offset)
        order, rows = self._tags.order, []
        for tag, entry in entries.items():
            kept = self._kept(tag, entry, depth)
            if kept is None:
                continue
            if len(kept.data) > 4:
                self._put(entry.position, kept.data)
                value = struct.pack(order + "I", entry.position)
            else:
                value = kept.data.ljust(4, b"\0")
            rows.append(struct.pack(order + "HHI", tag, kept.type, kept.count) + value)
        if following:
            self._note(_THUMBNAIL_NOTE)
        self._put(offset, struct.pack(order + "H", len(rows)) + b"".join(rows) + bytes(4))

    def _kept(self, tag: int, entry: Entry, depth: int) -> Entry | None:
        """A tag as it goes into the copy, None if it does not."""
        if tag in tags.POINTERS and depth < 2:
            return self._nested(entry, depth)
        if depth == 0 and tag in _PLACES:
            self._note(_THUMBNAIL_NOTE)
            return None
        sizes = dict(zip((_WIDTH, _HEIGHT) if depth == 0 else (_PIXEL_WIDTH, _PIXEL_HEIGHT), self._size, strict=True))
        if tag in sizes and self._tags.numbers(entry) != (sizes[tag],):
            return tags.new_entry(4, sizes[tag], order=self._tags.order)
        data: bytes | None = entry.data
        if tag == _PHOTOSHOP:
            data = resources(entry.data)
        elif tag == tags.XMP:
            data = in_xmp(entry.data, *self._size, self._notes)
        if data is None or any(start in data for start in _JPEG):
            self._note(f"tag {tag} of the EXIF left out: a preview is in it, which shows the picture as it was")
            return None
        return entry if data == entry.data else Entry(entry.type, len(data) * entry.count // len(entry.data), data, 0)

    def _nested(self, entry: Entry, depth: int) -> Entry | None:
        try:
            self._directory(self._tags.number(entry), depth + 1)
        except (ValueError, TypeError, struct.error):
            self._note("a directory of the EXIF left out: it is damaged")
            return None
        return entry

    def _note(self, text: str) -> None:
        if text not in self._notes:
            self._notes.append(text)


def without_pictures(tag: int, data: bytes) -> bytes | None:
    """A private tag's data without Photoshop's thumbnails; None where there is nothing in it, or a JPEG."""
    found = resources(data) if tag == _PHOTOSHOP else data
    return None if not found or any(start in found for start in _JPEG) else found


def resources(block: bytes) -> bytes | None:
    """Photoshop's image resources without their thumbnails; None where they are damaged."""
    found = _parted(block)
    return None if found is None else b"".join(whole for number, whole, _ in found if number not in _THUMBNAILS)


def resource(block: bytes, wanted: int) -> bytes | None:
    """The content of the image resource of that number; None where there is none, or the resources are damaged."""
    return next((content for number, _, content in _parted(block) or () if number == wanted and content), None)


def further(block: bytes, known: tuple[int, ...]) -> int:
    """How many image resources there are beside thumbnails and those that are known."""
    return sum(number not in (*known, *_THUMBNAILS) for number, _, _ in _parted(block) or ())


def _parted(block: bytes) -> list[tuple[int, bytes, bytes]] | None:
    """Each image resource's number, its bytes, and those of its content."""
    found, at = [], 0
    while at < len(block):
        if block[at : at + 4] != b"8BIM" or at + 8 > len(block):
            return None
        name = block[at + 6] + 1
        place = at + 6 + name + name % 2
        length = int.from_bytes(block[place : place + 4], "big")
        end = place + 4 + length + length % 2
        if place + 4 + length > len(block):
            return None
        number = int.from_bytes(block[at + 4 : at + 6], "big")
        found.append((number, block[at:end], block[place + 4 : place + 4 + length]))
        at = end
    return found


def in_xmp(packet: bytes | None, width: int, height: int, notes: list[str]) -> bytes | None:
    """An XMP packet for a picture of this size: without the element `Thumbnails`, and without pictures elsewhere: texts
    that begin as a JPEG, PNG or WebP does in base64. None where that can't be done."""
    if packet is None:
        return None
    plain = packet.replace(b"\0", b"")  # of UTF-16 and UTF-32 the Latin letters are left
    found = _without_pictures(plain)
    if found != plain:
        notes.append(_XMP_NOTE if found and plain == packet else f"XMP left out: {_XMP_PREVIEW}")
        packet = found if plain == packet else None
    if packet and any(word in plain for word in _GAIN_MAPS):
        packet = _without_gain_map(packet) if plain.isascii() and b"\0" not in packet else None
        notes.append("HDR gain map left out: it fits the picture as it was" + ("" if packet else "; the XMP with it"))
    return packet and _resized(packet, width, height)


def _without_gain_map(packet: bytes) -> bytes | None:
    """The packet without what it says of a gain map: attributes and elements of its namespaces, and the container's list."""
    import re

    prefix = rb"(?:hdrgm|HDRGainMap|hdrgainmap)"
    packet = re.sub(rb"<(%s:[\w.-]+)\b[^<>]*?(?:/>|>.*?</\1\s*>)" % prefix, b"", packet, flags=re.DOTALL)
    packet = re.sub(rb"""\s%s:[\w.-]+\s*=\s*(?:"[^"]*"|'[^']*')""" % prefix, b"", packet)
    packet = re.sub(rb"""\sxmlns:%s\s*=\s*(?:"[^"]*"|'[^']*')""" % prefix, b"", packet)
    packet = re.sub(rb"<((?:\w+:)?Directory)\b[^<>]*>(?:(?!</\1).)*GainMap.*?</\1\s*>", b"", packet, flags=re.DOTALL)
    return None if any(word in packet for word in _GAIN_MAPS) else packet


def _without_pictures(packet: bytes) -> bytes | None:
    """The packet, None where an element with thumbnails does not end."""
    if not any(word in packet for word in (b":Thumbnails", *_BASE64)):
        return packet
    import re

    kept, at = [], 0
    for begin in re.compile(rb"<([\w.-]+:Thumbnails)\b[^<>]*>").finditer(packet):
        if begin.start() < at:
            continue
        kept.append(packet[at : begin.start()])
        at = begin.end()
        if not begin[0].endswith(b"/>"):
            close = b"</" + begin[1]
            at = packet.find(b">", packet.find(close, at) + 1 or len(packet)) + 1
            if not at:
                return None
    packet = b"".join((*kept, packet[at:]))
    starts = b"|".join(_BASE64)
    return re.sub(rb"(?<![A-Za-z0-9+/])(?:%s)(?:[A-Za-z0-9+/=\s]|&#x[aAdD];|&#1[03];){100,}" % starts, b"", packet)


def _resized(packet: bytes, width: int, height: int) -> bytes:
    for name, value in (
        (b"exif:PixelXDimension", width),
        (b"exif:PixelYDimension", height),
        (b"tiff:ImageWidth", width),
        (b"tiff:ImageLength", height),
    ):
        if name in packet:
            import re

            packet = re.sub(rb"(%s\s*(?:=\s*[\"']|>)\s*)\d+" % name, rb"\g<1>%d" % value, packet)
    return packet


def in_chunks(chunks: tuple, notes: list[str]) -> tuple:
    """A PNG's chunks without the texts that are blocks of EXIF, XMP or Photoshop's resources with a picture in them."""
    kept, left = [], MAX_BLOCK
    for kind, data in chunks:
        key, _, text = data.partition(b"\0")
        if kind in (b"tEXt", b"zTXt", b"iTXt") and key.startswith(_RAW):
            block = _raw_block(kind, text, left)
            left -= len(block or b"")
            if block is None or _pictures_in(block):
                notes.append(
                    f"PNG text {key.decode('latin-1')!r} left out: it shows the picture as it was, or is damaged"
                )
                continue
        kept.append((kind, data))
    return tuple(kept)


def _raw_block(kind: bytes, text: bytes, most: int) -> bytes | None:
    """What an ImageMagick profile in hexadecimal digits stands for; None where it is damaged or too long."""
    try:
        if kind != b"tEXt":
            inflater = zlib.decompressobj()
            text = inflater.decompress(text[1:], max(1, most))
            if inflater.unconsumed_tail:
                return None
        return bytes.fromhex(text.split(b"\n", 3)[3].decode("ascii"))
    except (ValueError, IndexError, zlib.error):
        return None


def _pictures_in(block: bytes) -> bool:
    notes: list[str] = []
    if block.startswith(b"Exif\0\0"):
        in_exif(block[6:], 0, 0, notes)
    elif block.startswith(b"8BIM"):
        return resources(block) != block
    return bool(notes) or any(start in block for start in _JPEG) or _without_pictures(block) != block
