"""Where the bytes of a picture come from: a path, or a stream that is read as far as it is asked for, within the memory limit."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat

from ..errors import FileError, LimitError, nearest
from ..units import human_bytes
from .limits import memory_limit

ENDLESS = 1 << 62  # stands for the size of a stream that goes on
PIECE = 1 << 20  # bytes; what is no longer is read at once
_HEADER = 1 << 28  # bytes of a stream that are held to find out what it is: a TIFF may say so behind its pixels
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
        # what Linux shows of itself in /proc is regular and of size 0, whatever is in it
        yield file, status.st_size or None if stat.S_ISREG(status.st_mode) else None


@contextlib.contextmanager
def seekable(source, name: str, limit: int | None = None):
    """(file, size) that can be sought in, of which nothing large has been read; ENDLESS where a stream does not say.

    limit  bytes that may be read of a stream; by default so many as a header may take
    """
    with opened(source, name) as (file, size):
        if size is None:
            file = Spool(file, name, min(_HEADER, memory_limit()) if limit is None else limit)
            size = ENDLESS if file.reach(PIECE) else file.held
        yield file, size


def whole(file, size: int, name: str, limit: int, end: int | None = None) -> tuple[bytes, bool]:
    """The bytes of what `seekable` opened, and whether all of them.

    limit  LimitError where there are more
    end    the header asks for so many bytes: a stream is read no further, but for what may follow unread
    """
    try:
        if isinstance(file, Spool):
            file.limit = limit
            more = file.reach(ENDLESS if end is None else end + PIECE)
            return file.taken(end if more else None), not more
        if size > limit:
            raise _too_large(name, size, limit)
        file.seek(0)
        return file.read(size), True
    except OSError as error:
        raise FileError(explain(name, error)) from error
    except MemoryError:
        raise _no_room(name) from None


class Spool:
    """A stream as a file that can be sought in. What has been read of it is held, in one buffer, up to `limit` bytes."""

    def __init__(self, stream, name: str, limit: int):
        self.limit, self.held = limit, 0
        self._stream, self._name, self._ended = stream, name, False
        self._buffer = io.BytesIO()

    def reach(self, end: int) -> bool:
        """Hold the bytes before `end`, if there are so many; whether more may follow. Raises FileError and LimitError."""
        place = self._buffer.seek(0, 1)
        try:
            self._buffer.seek(self.held)
            while self.held < end and not self._ended:
                piece = self._stream.read(PIECE)
                if piece and not isinstance(piece, (bytes, bytearray, memoryview)):
                    raise FileError(f"{self._name}: is open as text; open it in binary mode ('rb')")
                self._ended = not piece
                self.held += self._buffer.write(piece or b"")
                if self.held > self.limit:
                    raise _too_large(self._name, self.held, self.limit)
        except OSError as error:
            raise FileError(explain(self._name, error)) from error
        except MemoryError:
            raise _no_room(self._name) from None
        finally:
            self._buffer.seek(place)
        return not self._ended

    def taken(self, end: int | None) -> bytes:
        """What is held, or what of it is before `end`, without a copy; the buffer is given up."""
        if end is not None:
            self._buffer.truncate(end)
        return self._buffer.getvalue()

    def read(self, count: int = -1) -> bytes:
        self.reach(ENDLESS if count is None or count < 0 else self.tell() + count)
        return self._buffer.read(count)

    def readline(self, count: int) -> bytes:
        self.reach(self.tell() + count)
        return self._buffer.readline(count)

    def seek(self, place: int, whence: int = 0) -> int:
        if whence == 2:
            self.reach(ENDLESS)
        return self._buffer.seek(place, whence)

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._buffer.tell()


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


def _no_room(name: str) -> LimitError:
    return LimitError(f"{name}: not enough memory to read it; free some or choose a smaller picture")


def _too_large(name: str, size: int, limit: int) -> LimitError:
    return LimitError(
        f"{name}: the file alone is {human_bytes(size)} or more, and {human_bytes(limit)} of memory are allowed for it; "
        "raise the limit with max_memory=, or save a stream as a file"
    )
