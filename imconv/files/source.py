"""Where the bytes of a picture come from: a path or a stream, read whole within the memory limit."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat

from imconv.errors import FileError, LimitError, nearest
from imconv.files.limits import human, memory_limit

_PIECE = 1 << 20
_REASONS = {
    errno.EACCES: "no permission to read it; change its permissions",
    errno.EPERM: "no permission to read it; change its permissions",
    errno.ELOOP: "its symbolic links lead round in a circle; give the real name",
    errno.ENAMETOOLONG: "its name is too long; shorten it",
    errno.EMFILE: "too many open files; close some or raise the limit (ulimit -n)",
    errno.EIO: "the medium reports an error; try another copy",
}


def name_of(source, name: str | None = None) -> str:
    """What messages call it: the given name, the path, or a stream's own name."""
    if name is not None:
        return name
    if is_stream(source):
        own = getattr(source, "name", None)
        return own if isinstance(own, str) else "input"
    return os.fsdecode(os.fspath(source))


def is_stream(source) -> bool:
    return not isinstance(source, (str, bytes, os.PathLike))


def read_all(source, name: str, max_memory=None) -> bytes:
    """Every byte of a path or binary file object. Raises FileError, and LimitError beyond the memory limit."""
    with opened(source, name) as (file, size):
        limit = memory_limit(max_memory)
        if size is not None and size > limit:
            raise _too_large(name, size, limit)
        pieces, total = [], 0
        try:
            while piece := file.read(max(_PIECE, (size or 0) + 1 - total)):
                if not isinstance(piece, (bytes, bytearray, memoryview)):
                    raise FileError(f"{name}: is open as text; open it in binary mode ('rb')")
                total += len(piece)
                if total > limit:
                    raise _too_large(name, total, limit)
                pieces.append(piece)
        except OSError as error:
            raise FileError(explain(name, error)) from error
        except MemoryError:
            raise LimitError(f"{name}: not enough memory to read it; free some or choose a smaller picture") from None
    return bytes(pieces[0]) if len(pieces) == 1 else b"".join(pieces)


@contextlib.contextmanager
def opened(source, name: str):
    """(file, size): the file of a path, opened, or the stream itself; size None where it is not a regular file."""
    if is_stream(source):
        if not hasattr(source, "read"):
            raise FileError(f"{name}: cannot read from a {type(source).__name__}; give a path or a binary file object")
        yield source, None
        return
    path = os.fspath(source)
    try:
        status = os.stat(path)
        folder = stat.S_ISDIR(status.st_mode)
        file = None if folder else open(path, "rb")  # noqa: SIM115 (errors of opening are told apart from later ones)
    except OSError as error:
        raise FileError(explain(name, error)) from error
    except ValueError:  # a null byte in the name
        raise FileError(f"{name!r}: is not a file name; check it") from None
    if file is None:
        raise FileError(f"{name}: is a folder; give a file in it")
    with file:
        yield file, status.st_size if stat.S_ISREG(status.st_mode) else None


@contextlib.contextmanager
def seekable(source, name: str):
    """(file, size) that can be sought in, without reading a regular file whole."""
    if not is_stream(source):
        with opened(source, name) as (file, size):
            if size is not None:
                yield file, size
                return
    data = read_all(source, name)
    yield io.BytesIO(data), len(data)


def explain(name: str, error: OSError) -> str:
    """The one line for a file that cannot be opened or read."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return f"{name}: no such file{similar(name) or '; check the name'}"
    reason = _REASONS.get(error.errno or 0) or f"{error.strerror or error}; try again or another copy"
    return f"{name}: {reason}"


def similar(name: str) -> str:
    """`; did you mean ...?` for the file in the folder whose name is nearest, if there is one."""
    folder, base = os.path.split(name)
    if not os.path.isdir(folder or "."):
        return f"; the folder {folder} does not exist"
    with contextlib.suppress(OSError), os.scandir(folder or ".") as entries:
        names = [entry.name for _, entry in zip(range(2000), entries, strict=False)]
        return nearest(base, names)
    return ""


def _too_large(name: str, size: int, limit: int) -> LimitError:
    return LimitError(
        f"{name}: the file alone is {human(size)}, more than the {human(limit)} of memory allowed; "
        "raise the limit with --max-memory"
    )
