"""The files that hold compiled loops: who may write them, how they get there, and what is checked before one is run."""

from __future__ import annotations

import contextlib
import os
import stat
from binascii import crc32
from struct import Struct

from . import machine

MAGIC = b"imconv\x00\x01"
_TRAILER = Struct("<8sQI")  # after the code, where no loader looks: magic, the code's length, its checksum
_CAREFULLY = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_CLOEXEC", "O_NONBLOCK"))  # a pipe: don't wait


def folder() -> str | None:
    """Where this computer's loops are kept; None where nothing can be."""
    key = machine.key()
    return None if key is None else os.path.join(base(), key)


def base() -> str:
    """The folder of all states of imconv, Numba and the processor."""
    return os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "imconv")


def suffix() -> str:
    return ".so" if machine.links() else ".o"


def sealed(code: bytes) -> bytes:
    """Code with its trailer."""
    return code + _TRAILER.pack(MAGIC, len(code), crc32(code))


def opened(data: bytes) -> bytes | None:
    """The code of a sealed file, None where it is not as it was sealed."""
    code = data[: -_TRAILER.size]
    return (
        code
        if len(data) > _TRAILER.size and data[-_TRAILER.size :] == _TRAILER.pack(MAGIC, len(code), crc32(code))
        else None
    )


def read(path: str, *, private: bool = True) -> bytes | None:
    """The code in a file, None where there is none, it is damaged, or (`private`) others could have written it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _CAREFULLY)
    except OSError:
        return None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return None
        if private and not (_own(status) and _private(os.path.dirname(path))):
            return None
        with open(descriptor, "rb", closefd=False) as file:
            return opened(file.read())
    except OSError:
        return None
    finally:
        os.close(descriptor)


def write(path: str, data: bytes) -> bool:
    """Put a sealed file in place, whole or not at all; False where that can't be."""
    temporary = f"{path}.{os.getpid()}.new"
    try:
        if not _made(os.path.dirname(path)):
            return False
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0), 0o600)
        with open(descriptor, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        return False
    return True


def _own(status: os.stat_result) -> bool:
    """Whether nobody else may write there."""
    return not hasattr(os, "geteuid") or (status.st_uid == os.geteuid() and not status.st_mode & 0o022)


def _private(place: str) -> bool:
    """Whether nobody else can change a folder of loops, or put another in its place."""
    return _own(os.stat(place)) and _own(os.stat(os.path.dirname(place)))


def _made(place: str) -> bool:
    """Make a folder of loops where there is none; whether it is private."""
    for part in (os.path.dirname(place), place):
        os.makedirs(part, mode=0o700, exist_ok=True)  # the mode is for the last folder only
    return _private(place)


def can_keep() -> bool:
    """Whether loops compiled now will be there for the next run."""
    place = folder()
    if place is None:
        return False
    try:
        return _made(place) and os.access(place, os.W_OK | os.X_OK)
    except OSError:
        return False


def kept() -> dict[str, int]:
    """This computer's files: name without suffix, size."""
    try:
        with os.scandir(folder() or "") as found:
            return {e.name.removesuffix(suffix()): e.stat().st_size for e in found if e.name.endswith(suffix())}
    except OSError:
        return {}


def clear() -> tuple[int, int]:
    """Remove every file imconv ever kept; how many, and how many bytes they were."""
    count = size = 0
    for parent, folders, names in os.walk(base(), topdown=False):
        for name in names:
            path = os.path.join(parent, name)
            with contextlib.suppress(OSError):
                size += os.lstat(path).st_size
                os.unlink(path)
                count += 1
        for name in folders:
            with contextlib.suppress(OSError):
                os.rmdir(os.path.join(parent, name))
    return count, size
