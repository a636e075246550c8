"""The files that hold compiled loops: who may write them, how they get there, and what is checked before one is run."""

from __future__ import annotations

import contextlib
import os
import stat
from binascii import crc32
from collections.abc import Iterator
from struct import Struct

from ..errors import ImconvError
from . import machine

MAGIC = b"imconv\x00\x01"
_TRAILER = Struct("<8sQI")  # after the code, where no loader looks: magic, the code's length, its checksum
CAREFULLY = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_CLOEXEC", "O_NONBLOCK"))  # a pipe: don't wait
OTHERS = stat.S_IWGRP | stat.S_IWOTH
MOST_LINKS = 40  # as many as Linux follows


def folder() -> str | None:
    """Where this computer's loops are kept; None where nothing can be."""
    key, all_states = machine.key(), base()
    return None if key is None or all_states is None else os.path.join(all_states, key)


def base() -> str | None:
    """The folder of all states of imconv, Numba and the processor; None where there is no absolute path for it."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(cache):  # to be ignored, by the XDG specification
        cache = os.path.expanduser("~/.cache")  # stays as it is where nobody knows a home folder
    return os.path.join(cache, "imconv") if os.path.isabs(cache) else None


def path_of(full: str) -> str | None:
    """The file for a loop with this full name; None where nothing can be kept."""
    place = folder()
    return None if place is None else os.path.join(place, full + suffix())


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


@contextlib.contextmanager
def checked(path: str, *, private: bool = True) -> Iterator[tuple[int, bytes] | None]:
    """A file that is open, as a descriptor, and its code, which was read from it.

    None where there is no file, it is damaged, or (`private`) others could have written it. Whoever loads the code loads
    it by the descriptor: by the path it could be another file by now.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | CAREFULLY)
    except OSError:
        descriptor = None
    if descriptor is None:
        yield None
        return
    try:
        code = _code(descriptor, path, private)
        yield None if code is None else (descriptor, code)
    finally:
        os.close(descriptor)


def _code(descriptor: int, path: str, private: bool) -> bytes | None:
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return None
        if private and not (_own(status) and exposed(os.path.dirname(path)) is None):
            return None
        with open(descriptor, "rb", closefd=False) as file:
            return opened(file.read())
    except OSError:
        return None


def write(path: str, data: bytes) -> bool:
    """Put a sealed file in place, whole or not at all; False where that can't be."""
    temporary = f"{path}.{os.urandom(8).hex()}.new"  # process numbers repeat where containers share a folder
    try:
        if _made(os.path.dirname(path)) is not None:
            return False
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | CAREFULLY, 0o600)
    except OSError:
        return False
    try:
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
    return not hasattr(os, "geteuid") or (status.st_uid == os.geteuid() and not status.st_mode & OTHERS)


def exposed(place: str) -> str | None:
    """The folder by which somebody else can change what lies in a folder of loops, None where nobody can."""
    for part in (place, os.path.dirname(place)):
        if not _own(os.stat(part)):
            return part
    return changeable(place)


def changeable(place: str) -> str | None:
    """The first folder or link on the way to `place` by which somebody else can put another in its place.

    Each folder has to be root's or the user's, and nobody else may write to it. A sticky one, as /tmp, may be open to all:
    nobody else can rename or remove in it what is root's or the user's. What does not exist yet is nobody's.
    """
    if not hasattr(os, "geteuid"):
        return None
    trusted = (0, os.geteuid())
    here, ahead, links = "/", place.split("/")[::-1], 0
    status = os.stat(here)
    while True:
        open_to_others = status.st_mode & OTHERS
        if status.st_uid not in trusted or (open_to_others and not status.st_mode & stat.S_ISVTX):
            return here
        while ahead and ahead[-1] in ("", "."):
            ahead.pop()
        if not ahead:
            return None
        name = ahead.pop()
        there = os.path.dirname(here) if name == ".." else os.path.join(here, name)
        try:
            found = os.lstat(there)
        except FileNotFoundError:
            return None
        if not stat.S_ISLNK(found.st_mode):
            here, status = there, found
            continue
        links += 1
        if links > MOST_LINKS or (open_to_others and found.st_uid not in trusted):
            return there
        target = os.readlink(there)
        ahead += target.split("/")[::-1]
        if target.startswith("/"):
            here, status = "/", os.stat("/")


def _made(place: str) -> str | None:
    """Make a folder of loops where there is none; what exposes it to others."""
    _make(place)
    return exposed(place)


def _make(place: str) -> None:
    """Make a folder and those above it, for the user alone whatever the umask is: others must not rename what is in it."""
    if not os.path.isdir(place):
        _make(os.path.dirname(place))
        with contextlib.suppress(FileExistsError):
            os.mkdir(place, 0o700)


def refusal() -> str | None:
    """Why loops compiled now will not be there for the next run, None where they will. Makes the folder for them."""
    if base() is None:
        return "there is no home folder; set HOME or XDG_CACHE_HOME"
    place = folder()
    if place is None:
        return "the processor is not known"
    try:
        open_to_others = _made(place)
    except OSError as problem:
        return f"{problem.filename or place}: {problem.strerror}"
    if open_to_others is not None:
        return f"{open_to_others} belongs to somebody else, or others may write to it"
    return None if os.access(place, os.W_OK | os.X_OK) else f"{place} can't be written to"


def kept() -> dict[str, int]:
    """This computer's files: name without suffix, size."""
    try:
        with os.scandir(folder() or "") as found:
            return {e.name.removesuffix(suffix()): e.stat().st_size for e in found if e.name.endswith(suffix())}
    except OSError:
        return {}


def clear() -> tuple[int, int]:
    """Remove every file imconv ever kept; how many, and how many bytes they were."""
    count, size, place = 0, 0, base()
    if place is None:
        return count, size
    open_to_others = changeable(place)
    if open_to_others is not None:  # what lies there now may be a link to anything
        raise ImconvError(f"{open_to_others} belongs to somebody else, or others may write to it; nothing was removed")
    for parent, folders, names in os.walk(place, topdown=False):
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
