"""NumPy's .npz: the array named `image`, or the only one; written with the name `image`."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Generator
from typing import TYPE_CHECKING

from ..deflate import MAX_INFLATION, level
from ..header import Header, Unsupported
from ..picture import EncoderOptions, Page
from ..streams import written
from . import npy, raw

if TYPE_CHECKING:
    import numpy as np

NAME = "image"
MAX_DIRECTORY = 4 << 20  # bytes: some 40,000 arrays
_END, _END64 = 22, 76  # bytes of a directory's end, and of version 64 of it with its locator, which come before
_DATE = (1980, 1, 1, 0, 0, 0)  # the same file for the same pixels
_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError)


def opened(file) -> zipfile.ZipFile:
    """An archive whose directory has at most MAX_DIRECTORY bytes: the library reads all of it at once. Raises ValueError."""
    file.seek(0, io.SEEK_END)
    file.seek(max(0, file.tell() - _END - (1 << 16)))  # a comment may come last
    tail = file.read()
    at = len(tail) - _END if tail[-_END:].startswith(b"PK\5\6") else tail.rfind(b"PK\5\6")
    size = int.from_bytes(tail[at + 12 : at + 16], "little") if at >= 0 else 0
    if at >= _END64 and tail[at - _END64 :].startswith(b"PK\6\6"):
        size = int.from_bytes(tail[at - _END64 + 40 :][:8], "little")
    if size > MAX_DIRECTORY:
        raise ValueError(f"a directory of {size} bytes, more than {MAX_DIRECTORY}, is no archive of arrays")
    return zipfile.ZipFile(file)


def read(file, size: int, *, whole: bool = False) -> Header:
    """The header of the array that is the picture."""
    try:
        with opened(file) as archive:
            member = _chosen(archive, size)
            with archive.open(member) as array:
                header = npy.read_array(array, member.file_size, "NPZ")
    except _ERRORS as error:
        raise ValueError(str(error) or "its archive is damaged") from None
    header.layout["member"] = member.filename
    return header


def _chosen(archive: zipfile.ZipFile, size: int) -> zipfile.ZipInfo:
    arrays = {member.filename.removesuffix(".npy"): member for member in archive.infolist() if not member.is_dir()}
    if not arrays or not any(member.filename.endswith(".npy") for member in arrays.values()):
        raise Unsupported("is a ZIP archive without arrays; unpack it: unzip in.zip")
    if NAME in arrays:
        member = arrays[NAME]
    elif len(arrays) == 1:
        (member,) = arrays.values()
    else:
        names = ", ".join(list(arrays)[:10]) + (", ..." if len(arrays) > 10 else "")
        raise Unsupported(f"holds several arrays: {names[:200]}; name one of them {NAME}")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Unsupported("is compressed in another way than numpy does; store it again")
    if member.file_size > size * MAX_INFLATION:
        raise ValueError(f"{member.file_size} bytes cannot be in {size}")
    return member


bytes_needed = npy.bytes_needed


def rows(file, header: Header, notes: list[str]) -> Generator[np.ndarray, None, None]:
    """The picture in bands; see `streams.ReadRows`."""
    try:
        with zipfile.ZipFile(file) as archive, archive.open(header.layout["member"]) as array:
            yield from npy.rows(array, header, notes)
            while array.read(raw.BAND):  # to the end, where the checksum is checked
                pass
    except _ERRORS as error:
        raise ValueError(str(error) or "its archive is damaged") from error


def encode(page: Page, options: EncoderOptions, notes: list[str]) -> bytes:
    """The file for pixels of any type: stored, or deflated at a level from 1 to 9."""
    return _archive(written(npy.Writer, page, options, notes), options)


def encode_pages(pages: list[Page], options: EncoderOptions, notes: list[str]) -> bytes:
    """Pages of one shape and type as one array; see `npy.encode_pages`."""
    return _archive(npy.encode_pages(pages, options, notes), options)


def _archive(array: bytes, options: EncoderOptions) -> bytes:
    chosen = level(options.compression) or 0
    file = io.BytesIO()
    member = zipfile.ZipInfo(f"{NAME}.npy", _DATE)
    member.compress_type = zipfile.ZIP_DEFLATED if chosen else zipfile.ZIP_STORED
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(member, array, compresslevel=chosen)
    return file.getvalue()
