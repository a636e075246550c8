"""JPEG files copied without their metadata."""

from __future__ import annotations

import os

from ..errors import FileError
from . import source
from .atomic import write_bytes
from .formats import FORMATS, sniff
from .header import Unsupported
from .limits import memory_limit


def copy_bare_jpeg(
    path: str, target, *, keep_icc: bool = False, no_clobber: bool = False, max_memory=None
) -> list[str] | None:
    """Copy a JPEG file without metadata and further pictures; its coded pixels stay. None, with nothing done, for other files.

    Parameters
    ----------
    path : str
        The file.
    target : str, path or binary file object
        Where to write.
    keep_icc : bool, default False
        Keep the colour profile.
    no_clobber : bool, default False
        Refuse to write over an existing file.
    max_memory : int or str, optional
        Refuse larger files; as for `read`.

    Returns
    -------
    list of str
        Notes.

    Raises
    ------
    FileError
        The file is damaged or can't be read, or writing fails.
    """
    from .jpeg.stripped import stripped

    with source.seekable(path, path, memory_limit(max_memory)) as (file, size):
        if sniff(file.read(32)) != "JPEG":
            return None
        data, _ = source.whole(file, size, path, memory_limit(max_memory))
    try:
        bare, notes = stripped(data, keep_icc)
    except Unsupported as error:
        raise FileError(f"{path}: {error}") from error
    except ValueError as error:
        raise FileError(f"{path}: damaged or truncated JPEG file: {error}; get a fresh copy of it") from error
    if source.is_stream(target):
        target.write(bare)
        return notes
    return notes + write_bytes(target, bare, no_clobber=no_clobber)


def is_jpeg_name(path: str) -> bool:
    """Whether a file of this name is written as JPEG."""
    return os.path.splitext(path)[1].lower() in FORMATS["JPEG"].extensions
