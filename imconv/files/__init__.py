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

    Parameters
    ----------
    path : str, path or binary file object
        What to read.
    page : int, optional
        Which of several pages or frames, from 0. By default the first, and a note says how many there are.
    max_pixels : int or str such as "20M", optional
        Refuse more pixels than this; no limit by default.
    max_memory : int or str such as "500M" or "2G", optional
        Refuse what needs more bytes; by default 75 % of what the machine has free.
    auto_orient : bool, default False
        Turn the pixels as the EXIF orientation says, and set the tag to 1. Otherwise both stay as they are, and functions take
        rows, columns and regions as they are stored (the command line: as they are shown).
    truncated : "error" or "fill", default "error"
        What is done with a JPEG, PNG, Netpbm, PFM or .npy file that ends too early. fill reads the rows that are whole; the
        others are 0, and a note says how many. Where only the end mark of a JPEG, PNG or GIF is missing, the picture is read in
        any case, with a note.
    name : str, optional
        What errors call a file object.

    Returns
    -------
    Picture
        Palettes and 1-bit pixels are expanded; `Picture.notes` says so.

    Raises
    ------
    FileError
        The file can't be read, is damaged, has no such page, or holds what would be degraded, such as LAB.
    LimitError
        It is too large; the size is checked before memory is allocated.
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

    Parameters
    ----------
    path : str, path or binary file object
        What to read.
    into : str, optional
        The format in which they will be written. Where it can't hold them all, only the first is read, with a note.
    max_pixels : int or str such as "20M", optional
        Refuse more pixels than this in all pages together; no limit by default.
    max_memory : int or str such as "500M" or "2G", optional
        Refuse what needs more bytes in all pages together; by default 75 % of what the machine has free.
    auto_orient : bool, default False
        Turn the pixels as the EXIF orientation says, and set the tag to 1. Otherwise both stay as they are, and functions take
        rows, columns and regions as they are stored (the command line: as they are shown).
    truncated : "error" or "fill", default "error"
        What is done with a JPEG, PNG, Netpbm, PFM or .npy file that ends too early. fill reads the rows that are whole; the
        others are 0, and a note says how many. Where only the end mark of a JPEG, PNG or GIF is missing, the picture is read in
        any case, with a note.
    name : str, optional
        What errors call a file object.

    Returns
    -------
    list of Picture
        As from `read`.

    Raises
    ------
    FileError
        The file can't be read, is damaged, has no such page, or holds what would be degraded, such as LAB; the message names
        the page where it is not the first.
    LimitError
        It is too large; the size is checked before memory is allocated.
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
    strip: bool | str = False,
    no_clobber: bool = False,
    metadata: Metadata | None = None,
    threads: int | None = None,
    name: str | None = None,
) -> WriteReport:
    """Write a Picture, an array or a PIL image; the old file is intact until the new one is complete.

    Parameters
    ----------
    path : str, path or binary file object
        Where to write.
    picture : Picture, or array (H, W) or (H, W, C)
        What to write. JPEG's own loss, and GIF's 256 colours (a note says so), are accepted.
    format : str, optional
        "PNG", "jpg", ...; by default what the path's extension says, for a stream or device the picture's own format.
    quality : int from 1 to 100, optional
        For JPEG (default: the input's own tables, else 92), AVIF (90), WebP and JPEG XL (default: lossless; JPEG XL stores pixels
        of more than 8 bits, or with an ICC profile, without loss all the same).
    compression : int from 0 to 9 or str, optional
        For PNG and JPEG XL from 1 (fastest) to 9 (smallest), 0 for none; PNG's default is 3. For TIFF 0 (none), 1 to 9 (deflate),
        "none", "deflate", "lzw", "packbits", "zstd" or "lzma"; default: the input's, else deflate.
    strip : bool or "icc", default False
        Leave out all metadata: EXIF (with the orientation), ICC profile, XMP, DPI, gamma and text; "icc": all but the profile.
    no_clobber : bool, default False
        Refuse to write over an existing file.
    metadata : Metadata, optional
        Written instead of the picture's own.
    threads : int, optional
        Threads that compress PNG; default IMCONV_THREADS, else the cores, up to 4. The file does not depend on it.
    name : str, optional
        What errors call a file object.

    Returns
    -------
    WriteReport
        Name, format and size in bytes of the file, and notes on what it could not hold.

    Raises
    ------
    FileError
        The format can't hold the pixels exactly (the message names those that can), or writing fails.
    OptionError
        An option is wrong.
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
    strip: bool | str = False,
    no_clobber: bool = False,
    threads: int | None = None,
    name: str | None = None,
) -> WriteReport:
    """Write pictures as the pages, or frames, of one file; the old file is intact until the new one is complete.

    Parameters
    ----------
    path : str, path or binary file object
        Where to write.
    pictures : sequence of Picture or array
        The pages. Those of a TIFF may differ in size and type; the frames of an animation (`Metadata.duration`, and the first
        one's `loop`) have one size. NPY and NPZ hold pages of one size and type as one array (pages, H, W) or (pages, H, W, C).
    format : str, optional
        "PNG", "jpg", ...; by default what the path's extension says, for a stream or device the picture's own format.
    quality : int from 1 to 100, optional
        For JPEG (default: the input's own tables, else 92), AVIF (90), WebP and JPEG XL (default: lossless; JPEG XL stores pixels
        of more than 8 bits, or with an ICC profile, without loss all the same).
    compression : int from 0 to 9 or str, optional
        For PNG and JPEG XL from 1 (fastest) to 9 (smallest), 0 for none; PNG's default is 3. For TIFF 0 (none), 1 to 9 (deflate),
        "none", "deflate", "lzw", "packbits", "zstd" or "lzma"; default: the input's, else deflate.
    strip : bool or "icc", default False
        Leave out all metadata: EXIF (with the orientation), ICC profile, XMP, DPI, gamma and text; "icc": all but the profile.
    no_clobber : bool, default False
        Refuse to write over an existing file.
    threads : int, optional
        Threads that compress PNG; default IMCONV_THREADS, else the cores, up to 4. The file does not depend on it.
    name : str, optional
        What errors call a file object.

    Returns
    -------
    WriteReport
        Name, format and size in bytes of the file, and notes on what it could not hold.

    Raises
    ------
    FileError
        The format can hold only one picture, else as for `write`.
    OptionError
        An option is wrong.
    """
    options = EncoderOptions(quality, compression, threads)
    found = [_as_picture(picture, None) for picture in pictures]
    return _write(path, found, format, options, strip, no_clobber, name)


def _write(
    path,
    pictures: list[Picture],
    format: str | None,
    options: EncoderOptions,
    strip: bool | str,
    no_clobber: bool,
    name,
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


def encode(picture, format: str, *, quality: int | None = None, compression=None, strip: bool | str = False) -> bytes:
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
