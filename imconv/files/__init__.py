"""Pictures in, pictures out: read, write, encode, inspect. Nothing heavier than the format at hand is imported."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ..errors import FileError
from . import descriptors, encoding, pages, source
from .atomic import write_bytes
from .formats import FORMATS, Format, format_for, format_named
from .header import Header, read_header
from .pages import notes_on_name
from .picture import EncoderOptions, Metadata, Picture

__all__ = [
    "Header",
    "Metadata",
    "Picture",
    "WriteReport",
    "check_target",
    "encode",
    "format_for",
    "inspect",
    "notes_on_name",
    "read",
    "read_pages",
    "write",
    "write_pages",
]


@dataclass(frozen=True)
class WriteReport:
    """What `write` did: the name written to, the format, the file's size in bytes, and remarks for the user."""

    name: str
    format: str
    bytes: int
    notes: tuple[str, ...] = ()


def read(
    path,
    *,
    page: int | None = None,
    max_pixels=None,
    max_memory=None,
    auto_orient: bool = False,
    truncated: str = "error",
    name: str | None = None,
) -> Picture:
    """Read a picture.

    path         a path, or a binary file object (then `name` is what errors call it)
    page         which of several pages or frames, from 0; by default the first, and `Picture.notes` tells of the others
    max_pixels   refuse more pixels than this (a number, or "20M"); no limit by default
    max_memory   refuse what needs more memory (bytes, "500M", "2G"); by default 75 % of what the machine has free
    auto_orient  turn the pixels as the EXIF orientation says, and set the tag to 1; otherwise both stay as they are, and
                 functions take rows, columns and regions as they are stored (the command line: as they are shown)
    truncated    "fill": of a JPEG, PNG, Netpbm, PFM or .npy file that ends too early the rows that are whole are read,
                 the others are 0, and a note says how many; "error" by default. Where only the end mark of a JPEG, PNG or GIF
                 is missing, the picture is read in any case, with a note

    Palettes and 1-bit pixels are expanded; `Picture.notes` says so. Raises FileError for a file that cannot be read, is
    damaged, has no such page, or holds what would be degraded (LAB, five channels), and LimitError for one that is too
    large; the size is checked before memory is taken.
    """
    limits = {"max_pixels": max_pixels, "max_memory": max_memory}
    how = {"auto_orient": auto_orient, "truncated": truncated, **limits}
    return pages.read(path, source.name_of(path, name), page=page, **how)[0]


def read_pages(
    path,
    *,
    into: str | None = None,
    max_pixels=None,
    max_memory=None,
    auto_orient: bool = False,
    truncated: str = "error",
    name: str | None = None,
) -> list[Picture]:
    """Read every page or frame of a file.

    path, max_pixels, max_memory, auto_orient, truncated, name
          as for `read`; the limits hold for all pictures together
    into  the format they will be written in: where it can't hold them all, only the first is read, with a note

    Raises FileError and LimitError as `read` does, naming the page where it is not the first.
    """
    limits = {"max_pixels": max_pixels, "max_memory": max_memory}
    how = {"auto_orient": auto_orient, "truncated": truncated, **limits}
    return pages.read(path, source.name_of(path, name), every=True, into=into, **how)


def write(
    path,
    picture,
    *,
    format: str | None = None,
    quality: int | None = None,
    compression=None,
    strip: bool = False,
    no_clobber: bool = False,
    metadata: Metadata | None = None,
    threads: int | None = None,
    name: str | None = None,
) -> WriteReport:
    """Write a Picture or an array; the old file is intact until the new one is complete.

    path         a path, or a binary file object (then `name` is what errors call it)
    format       "PNG", "jpg", ...; by default what the path's extension says, for a stream or device the picture's own
    quality      1 to 100, for JPEG (default: the input's own tables, else 92), AVIF (90), WebP and JPEG XL (default: lossless;
                 JPEG XL stores pixels of more than 8 bits, or with an ICC profile, without loss all the same)
    compression  for PNG 0 (stored), 1 (fastest) to 9 (smallest), by default 3; for JPEG XL the same; for TIFF 0
                 (none), 1 to 9 (deflate), "none", "deflate", "lzw", "packbits", "zstd" or "lzma" (default: the input's, else deflate)
    strip        leave out all metadata: EXIF (with the orientation), ICC profile, XMP, DPI, gamma and text
    no_clobber   refuse to write over an existing file
    metadata     instead of the picture's own
    threads      to compress PNG with; default IMCONV_THREADS, else the cores, up to 4. The file does not depend on it

    Raises FileError where the format cannot hold the pixels exactly (the message names those that can), and where
    writing fails; OptionError for a wrong option. JPEG's own loss, and GIF's 256 colours (told in the report), are
    accepted.
    """
    options = EncoderOptions(quality, compression, threads)
    return _write(path, [_as_picture(picture, metadata)], format, options, strip, no_clobber, name)


def write_pages(
    path,
    pictures,
    *,
    format: str | None = None,
    quality: int | None = None,
    compression=None,
    strip: bool = False,
    no_clobber: bool = False,
    threads: int | None = None,
    name: str | None = None,
) -> WriteReport:
    """Write pictures as the pages, or frames, of one file; the old file is intact until the new one is complete.

    pictures  a sequence of Pictures or arrays; TIFF's pages may differ in size and type, the frames of an animation
              (`Metadata.duration`, and the first one's `loop`) may not differ in size
    path, format, quality, compression, strip, no_clobber, threads, name
              as for `write`

    Raises FileError where the format holds only one picture, else as `write`.
    """
    options = EncoderOptions(quality, compression, threads)
    found = [_as_picture(picture, None) for picture in pictures]
    return _write(path, found, format, options, strip, no_clobber, name)


def _write(
    path, pictures: list[Picture], format: str | None, options: EncoderOptions, strip: bool, no_clobber: bool, name
) -> WriteReport:
    name = source.name_of(path, name)
    target = check_target(path, *pictures, format=format, no_clobber=no_clobber, name=name)
    data, notes = encoding.encode(pictures, target, options, strip, name)
    if source.is_stream(path):
        _write_stream(path, data, name)
    else:
        notes += write_bytes(path, data, no_clobber=no_clobber)
    return WriteReport(name, target.name, len(data), tuple(notes))


def check_target(path, *pictures: Picture, format: str | None = None, no_clobber=False, name=None) -> Format:
    """The format pictures of these modes, types and sizes would be written in; FileError where that can't be done.

    Looks at the picture's kind and at the place, not at the pixels: called before filtering, it saves the work.
    """
    name = source.name_of(path, name)
    replaced = not source.is_stream(path)
    if replaced and (place := descriptors.place_of(path)):
        os.close(descriptors.opened(place, name))
        replaced = False
    if replaced:
        if os.path.isdir(path):
            raise FileError(f"{name}: is a folder; give a file's name")
        folder = os.path.dirname(os.path.realpath(path))
        if not os.path.isdir(folder):
            raise FileError(f"{name}: the folder {folder} does not exist; create it first")
    if not pictures:
        raise FileError(f"{name}: there is no picture to write; give at least one")
    target = FORMATS[_format_to_write(path, pictures[0], format)]
    if no_clobber and replaced and os.path.isfile(path):
        raise FileError(f"{name}: exists already; choose another name or leave out no_clobber=")
    encoding.check(pictures, target, name)
    return target


def encode(picture, format: str, *, quality: int | None = None, compression=None, strip: bool = False) -> bytes:
    """The bytes of the file that `write` would write. Same options, same errors."""
    options = EncoderOptions(quality, compression)
    return encoding.encode([_as_picture(picture, None)], format_named(format), options, strip, "output")[0]


def inspect(path, *, name: str | None = None) -> Header:
    """What a file's header says; pixels are not read. `path` as for `read`. Raises FileError."""
    name = source.name_of(path, name)
    with source.seekable(path, name) as (file, size):
        try:
            return read_header(file, size, name)
        except OSError as error:
            raise FileError(source.explain(name, error)) from error


def _as_picture(picture, metadata: Metadata | None) -> Picture:
    if not isinstance(picture, Picture):
        picture = Picture(picture)
    return picture if metadata is None else picture.replace(metadata=metadata)


def _format_to_write(path, picture: Picture, asked: str | None) -> str:
    if asked is not None:
        return format_named(asked).name
    if not source.is_stream(path):
        text = os.fsdecode(os.fspath(path))
        extension = os.path.splitext(text)[1]
        if extension or not descriptors.is_special(text):
            return format_for(os.path.basename(text) if extension else path)
    # a bitmap read from PBM has become 8-bit grey, which PBM does not hold but its neighbour does
    own = picture.format
    if own is not None and picture.pixels.dtype != bool:
        own = FORMATS[own].expanded or own
    if own is None:
        raise FileError(f"{source.name_of(path)}: no extension says which format to write; give format=")
    return own


def _write_stream(stream, data: bytes, name: str) -> None:
    try:
        rest = memoryview(data)
        while rest:
            taken = stream.write(rest)
            rest = rest[len(rest) if taken is None else taken :]
        stream.flush()
    except BrokenPipeError:
        raise  # the reader has gone, which is no mistake of the picture: the command line ends quietly
    except (OSError, AttributeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise FileError(f"{name}: {reason}; not everything was written") from error
