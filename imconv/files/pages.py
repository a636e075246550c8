"""Which pictures of a file are read: the first, one of its pages or frames, or all of them, within one limit."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..errors import DamagedFileError, FileError, OptionError, known
from . import limits, source, streams
from . import salvage as salvaging
from .formats import FORMATS, Format, format_for, format_named
from .header import Header, Unsupported, decoding, read_header, read_headers, read_start
from .picture import Picture
from .source import ENDLESS

if TYPE_CHECKING:
    import numpy as np

    Decoded = tuple[
        np.ndarray, list[str], dict[str, Any]
    ]  # pixels, notes, and fields of Metadata that only decoders know

MAX_PAGES = 1 << 16


def decoder(format_name: str):
    """The module that decodes a format; see `formats.Format`."""
    return FORMATS[format_name].module("decoder")


def read(
    path,
    name: str,
    *,
    page: int | None = None,
    every: bool = False,
    into: str | None = None,
    max_pixels=None,
    max_memory=None,
    auto_orient: bool = False,
    truncated: str = "error",
) -> list[Picture]:
    """The pictures of a file: number `page`; or `every` one, where `into`, the format they are for, holds them all (None:
    the file's own); or the first, with a note if there are more. `truncated`: see `files.read`."""
    salvage = known(str(truncated), "truncated", salvaging.WORDS) == "fill"
    if page is not None and (isinstance(page, bool) or not isinstance(page, int) or page < 0):
        raise OptionError(f"page {page!r} is not a whole number from 0")
    allowed, cut = limits.memory_limit(max_memory), list[str]()
    data: bytes | None = None

    def found(file, size: int, header: Header) -> tuple[list[Header], range, list[str]]:
        chosen, note = _chosen(header, page, every, into, name)
        headers = [header] if chosen == range(1) else read_headers(file, size, name, chosen)
        if into is not None and format_named(into).stacks and not _alike(headers):
            note = [
                f"first of {len(headers)} pages, which differ in size or type: {format_named(into).name} holds one array; --page chooses"
            ]
            return headers[:1], range(1), note
        return headers, chosen, note

    try:
        with source.seekable(path, name, allowed) as (file, size):
            most, end = allowed, None
            # what is large is looked at first, as far as that can be done
            start = read_start(file, size, name) if size > source.PIECE else None
            if start:
                headers, *_ = found(file, size, start)
                end = _end(start)
                stored = end or 0 if size == ENDLESS else size
                most -= _check_limits(headers, stored, name, max_pixels, allowed, auto_orient)
            data, all_of_it = source.whole(file, size, name, most, end)
            if not all_of_it:
                cut = ["what follows the picture was not read"]
        whole = io.BytesIO(data)
        headers, chosen, note = found(whole, len(data), read_header(whole, len(data), name, whole=True))
        _check_limits(headers, len(data), name, max_pixels, allowed, auto_orient)
        contents = list(_decoded(data, headers, chosen, name))
    except DamagedFileError as damage:
        if not salvage or page:
            raise
        if data is None:
            with source.seekable(path, name, allowed) as (file, size):
                data, _ = source.whole(file, size, name, allowed)
        data, header, missing = salvaging.completed(data, name, damage)
        _check_limits([header], len(data), name, max_pixels, allowed, auto_orient)
        headers, note, contents = [header], [], list(_decoded(data, [header], range(1), name))
        contents[0][0][missing] = 0
        count = missing.stop - missing.start
        lost = (
            f"{count} of {header.height} rows are missing, and 0 here"
            if count
            else "no row is missing, but details may be"
        )
        cut = [f"it ends too early: {lost}"]
    pictures: list[Picture] = []
    contents.reverse()
    for header in headers:
        pixels, notes, extra = contents.pop()  # no picture is kept beside its turned copy
        notes = [*header.notes, *notes, *note, *cut, *([] if pictures else notes_on_name(path, header.format))]
        metadata = replace(header.metadata, **extra)
        if auto_orient and metadata.orientation != 1:
            from .orientation import turned, upright

            pixels, metadata = turned(pixels, metadata.orientation), upright(metadata)
        mode = header.mode if (pixels.shape[2] if pixels.ndim == 3 else 1) == header.channels else ""
        pictures.append(Picture(pixels, mode, header.format, metadata, tuple(notes)))
    return pictures


def notes_on_name(path, format_name: str) -> list[str]:
    """A remark where a file's name promises another format than its content is."""
    with contextlib.suppress(FileError, TypeError):  # the name promises nothing, or it is a stream
        promised, family = format_for(path), FORMATS[format_name].family
        if promised != format_name and (family is None or FORMATS[promised].family != family):
            return [f"the name says {promised}, the content is {format_name}"]
    return []


def holds_all(target: Format, header_format: str) -> bool:
    """Whether all pictures of a file of one format go into one of another: no animation is made of a document's pages."""
    source = FORMATS[header_format]
    return target.pages or (target.stacks and source.pages) or (target.animation and source.animation)


def _alike(headers: list[Header]) -> bool:
    """Whether pages have one size, colour model and type."""
    return len({(h.height, h.width, h.mode, h.depth, h.sample) for h in headers}) == 1


def _chosen(header: Header, page: int | None, every: bool, into: str | None, name: str) -> tuple[range, list[str]]:
    """The numbers of the pictures to read, and a note where some are left out unasked."""
    count, readable = header.frames, FORMATS[header.format].several
    words = "frames" if FORMATS[header.format].animation or not readable else "pages"
    if page is not None:
        if page >= count:
            pages = f"its {count} {words} are 0 to {count - 1}" if count > 1 else "it holds one picture, page 0"
            raise FileError(f"{name}: has no page {page}; {pages}")
        if page and not readable:
            raise FileError(
                f"{name}: of the frames of a {header.format} file only the first can be read; leave out page="
            )
        return range(page, page + 1), []
    if count == 1:
        return range(1), []
    if every and count >= MAX_PAGES:
        raise FileError(f"{name}: has {MAX_PAGES} pages or more, too many at once; choose one with page=")
    if not readable:
        return range(1), [f"first of {count} frames"]
    if every:
        target = FORMATS[header.format] if into is None else format_named(into)
        if holds_all(target, header.format):
            return range(count), []
        return range(1), [f"first of {count} {words}, since {target.name} holds one; page= chooses"]
    return range(1), [f"first of {count} {words}; page= chooses"]


def _end(header: Header) -> int | None:
    """Where the pixels of a file end that holds them as they are; None for others."""
    module = decoder(header.format)
    return module.end(header) if hasattr(module, "end") else None


def _check_limits(headers: list[Header], size: int, name: str, max_pixels, max_memory, auto_orient: bool) -> int:
    """Refuse what is too large, all pictures together: their pixels, and what decoding the largest takes besides, or turning
    it upright. The bytes of memory that the pictures need beside their file."""
    module = decoder(headers[0].format)
    needs = [module.bytes_needed(header) for header in headers]
    if auto_orient:
        needs += [2 * header.height * header.line for header in headers if header.orientation != 1]
    kept = sum(h.height * h.line for h in headers) if len(headers) > 1 else 0
    if len(headers) == 1:
        width, height = headers[0].width, headers[0].height
    else:  # as one picture with all their rows
        width = max(h.width for h in headers)
        height = -(-sum(h.width * h.height for h in headers) // width)
    needed = kept + max(needs)
    limits.check(name, width, height, needed + size, max_pixels=max_pixels, max_memory=max_memory)
    return needed


def _decoded(data: bytes, headers: list[Header], chosen: range, name: str) -> Iterator[Decoded]:
    """Each chosen picture; errors name the page."""
    first = headers[0]
    module = decoder(first.format)
    if first.frames == 1 or not hasattr(module, "pages"):
        for number, header in zip(chosen, headers, strict=True):
            size = f"for {header.width} x {header.height} pixels; free some or choose a smaller picture"
            with decoding(f"{name} (page {number})" if number else name, header.format, size):
                found = _picture(module, data, header)
            yield found
        return
    number = -1
    with decoding(name, first.format, "for its frames; choose one with page="):
        for number, content in enumerate(islice(module.pages(data, first), chosen.stop)):
            if number >= chosen.start:
                yield content
        if number + 1 < chosen.stop:
            raise ValueError(f"{number + 1} of its {first.frames} frames are there")


def _picture(module, data: bytes, header: Header) -> Decoded:
    """The only picture of a file, or one of its pages."""
    notes: list[str] = []
    if missing := FORMATS[header.format].missing:
        raise Unsupported(missing)
    if hasattr(module, "decode"):
        pixels = module.decode(data, header, notes)
    else:
        pixels = streams.gathered(module.rows(io.BytesIO(data), header, notes), header)
    if (
        pixels.shape[:2] != (header.height, header.width)
        or pixels.size != header.height * header.width * header.channels
    ):
        raise ValueError("header and pixels disagree")
    return pixels, notes, module.described(data, header, notes) if hasattr(module, "described") else {}
