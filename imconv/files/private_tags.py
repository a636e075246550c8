"""What a TIFF's page says in private tags, and as which kind of page: which of it is read, and which is true of a result.

Georeferencing, GDAL's metadata and its value for no data are understood. Of tags that are not, the values are kept where the
result has the file's pixel grid.
"""

from __future__ import annotations

import contextlib
import re
import struct

from . import georeference, imagej, renditions, tags
from .origin import Origin
from .tags import MAX_BLOCK, Entry, Tags

GDAL_METADATA = 42112
PAGE_NUMBER = 297
Pairs = tuple[tuple[int, Entry], ...]  # tags with what they hold, as in Metadata

_KIND_OF_PAGE = frozenset((tags.SUBFILE_TYPE, PAGE_NUMBER))
_FIRST_PRIVATE = 32768
# what other fields of Metadata hold
_ELSEWHERE = tags.DESCRIPTIVE | {*tags.POINTERS, tags.ICC_PROFILE, tags.IPTC, tags.NODATA}
# how pixels are stored (SGI, TIFF/IT, LERC), and padding: nobody misses them
_STORAGE = frozenset((*range(32995, 32999), *range(34016, 34037), 50674, 59932, 59933))
# what points into the file, copies its pixels, or says how a raw picture becomes one: STK, LSM, Photoshop's layers, DNG; and ImageJ's, whose parts are moved to the other order of bytes by themselves
_OF_THE_FILE = frozenset((33421, 33422, *range(33628, 33632), 34412, 37724, *imagej.TAGS, *range(50706, 50782)))
_OF_THE_FILE |= frozenset((*range(50827, 50835), *range(50931, 51042), *range(51089, 51126), *range(52525, 52553)))
# EXIF's tags on exposure, times and equipment, in the directory of the picture; GDAL's on the product; RSID
_ALWAYS_TRUE = frozenset((33434, 33437, 34850, 34852, *range(34855, 34867), *range(36864, 36884), *range(37377, 37387)))
_ALWAYS_TRUE |= frozenset((*range(37520, 37523), *range(41986, 41997), *range(42032, 42038), 50908, 50909))
_LONGEST_LIST = 6  # tags that a note names
_STATISTICS = re.compile(rb'\s*<Item\b[^<>]*\bname="STATISTICS_[^<>]*>[^<]*</Item>')
_BY_BAND = re.compile(rb'\s*<Item\b[^<>]*\bsample="[^<>]*>[^<]*</Item>')
_UNITS = re.compile(rb'\s*<Item\b[^<>]*\brole="(?:scale|offset)"[^<>]*>[^<]*</Item>')


def read(source: Tags, entries: dict[int, Entry]) -> dict[int, Entry]:
    """The kind of page and the private tags of a directory, little-endian; those without data if they can't be kept."""
    found: dict[int, Entry] = {}
    left = MAX_BLOCK
    for tag, entry in entries.items():
        if tag not in _KIND_OF_PAGE and (tag < _FIRST_PRIVATE or tag in _ELSEWHERE | _STORAGE):
            continue
        left -= len(entry.data)
        fits = left >= 0 and entry.type <= 12 and tag not in _OF_THE_FILE and entry.count
        found[tag] = tags.reordered(entry, source.order, "<") if fits else Entry(entry.type, 0, b"", 0)
    if left >= 0 and found.keys() >= imagej.TAGS:
        with contextlib.suppress(ValueError, struct.error):
            found |= imagej.as_little_endian(entries, source.order)
    return found


def kind_of_page(pairs: Pairs) -> Pairs:
    """Those tags that say which kind of page a picture is."""
    return tuple((tag, entry) for tag, entry in pairs if tag in _KIND_OF_PAGE)


def carried(
    pairs: Pairs, origin: Origin | None, size: tuple[int, int], channels: int, pages: int, notes: list[str]
) -> Pairs:
    """The tags of a picture of `size` (rows, columns) and so many channels, as they go into a TIFF of so many pages."""
    found, kept = dict(pairs), dict(kind_of_page(pairs))
    try:
        kept |= georeference.moved(found, None if origin is None else origin.grid_of(size))
    except ValueError as error:
        notes.append(f"georeferencing left out: {error}")
    if GDAL_METADATA in found:
        kept |= _gdal_metadata(found[GDAL_METADATA], origin, channels, notes)
    lost = []
    same = origin is not None and origin.unmoved(size)
    of_imagej = origin is not None and all(tag in found and found[tag].data for tag in imagej.TAGS)
    if origin is not None and of_imagej:
        kept |= imagej.kept(found, not same, origin.pages != pages, origin.rescaled, notes)
    for tag, entry in found.items():
        if tag in _KIND_OF_PAGE or tag in georeference.TAGS or tag == GDAL_METADATA:
            continue
        if of_imagej and tag in imagej.TAGS:
            continue
        data = renditions.without_pictures(tag, entry.data) if same or tag in _ALWAYS_TRUE else None
        if data:
            kept[tag] = entry if data == entry.data else Entry(7 if entry.type == 7 else 1, len(data), data, 0)
        else:
            lost.append(tag)
    if lost:
        notes.append(f"{_named(lost)} left out: true of the picture as it was only")
    return tuple(kept.items())


def left_out(pairs: Pairs, nodata: str | None, format: str, notes: list[str]) -> None:
    """The note for a format that holds none of these tags."""
    found = dict(pairs)
    words = ["georeferencing"] if any(tag in georeference.TAGS for tag in found) else []
    words += [f"no-data value {nodata}"] if nodata is not None else []
    words += ["GDAL metadata"] if GDAL_METADATA in found else []
    others = [tag for tag in found if tag not in georeference.TAGS | _KIND_OF_PAGE | {GDAL_METADATA}]
    words += [_named(others)] if others else []
    if words:
        notes.append(f"{', '.join(words)} left out: {format} holds none")


def _named(lost: list[int]) -> str:
    some = ", ".join(map(str, lost[:_LONGEST_LIST]))
    more = f" and {len(lost) - _LONGEST_LIST} more" if len(lost) > _LONGEST_LIST else ""
    return f"private tag{'s' * (len(lost) > 1)} {some}{more}"


def _gdal_metadata(entry: Entry, origin: Origin | None, channels: int, notes: list[str]) -> dict[int, Entry]:
    """GDAL's metadata without what is no longer true: statistics of the samples, and what belongs to other bands or units."""
    data = entry.data
    for name, pattern, false in (
        ("statistics", _STATISTICS, True),
        ("items of single bands", _BY_BAND, origin is not None and origin.shape[2] != channels),
        ("scale and offset", _UNITS, origin is not None and origin.rescaled),
    ):
        if false and pattern.search(data):
            data = pattern.sub(b"", data)
            notes.append(f"{name} in the GDAL metadata left out: true of the picture as it was only")
    return {GDAL_METADATA: Entry(entry.type, len(data), data, 0)} if data else {}
