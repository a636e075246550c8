"""Files copied without their metadata, where that can be done without encoding their pixels anew."""

from __future__ import annotations

from ..errors import FileError
from . import source
from .atomic import write_bytes
from .formats import FORMATS, sniff
from .header import Unsupported
from .limits import memory_limit


def copy_bare(
    path: str, target, into: str | None = None, *, keep_icc: bool = False, no_clobber: bool = False, max_memory=None
) -> list[str] | None:
    """Copy a file without metadata and further pictures; its coded pixels stay.

    Parameters
    ----------
    path : str
        The file.
    target : str, path or binary file object
        Where to write.
    into : str, optional
        The format to write; by default the file's.
    keep_icc : bool, default False
        Keep the color profile.
    no_clobber : bool, default False
        Refuse to write over an existing file.
    max_memory : int or str, optional
        Refuse larger files; as for `read`.

    Returns
    -------
    list of str, or None
        Notes. None, with nothing done, if the file has another format, or one whose pixels have to be encoded anew.

    Raises
    ------
    FileError
        The file is damaged or can't be read, or writing fails.
    """
    limit = memory_limit(max_memory)
    with source.seekable(path, path, limit) as (file, size):
        found = sniff(file.read(32))
        if found is None or into not in (None, found) or not FORMATS[found].encoder:
            return None
        encoder = FORMATS[found].module("encoder")
        if not hasattr(encoder, "stripped"):
            return None
        data, _ = source.whole(file, size, path, limit)
    try:
        bare, notes = encoder.stripped(data, keep_icc)
    except Unsupported as error:
        raise FileError(f"{path}: {error}") from error
    except ValueError as error:
        raise FileError(f"{path}: damaged or truncated {found} file: {error}; get a fresh copy of it") from error
    if source.is_stream(target):
        target.write(bare)
        return notes
    return notes + write_bytes(target, bare, no_clobber=no_clobber)
