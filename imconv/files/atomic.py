"""Files written so that at any moment the old output is intact or the new one is complete."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Iterator

from ..errors import FileError
from . import descriptors

_TEMPORARY = ".tmp"
_waiting: set[str] | None = None  # folders to sync later
CHUNK = 1 << 18  # bytes handed to one os.write
_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_HINTS = {
    errno.ENOSPC: "free some space or write elsewhere",
    errno.EDQUOT: "free some space or write elsewhere",
    errno.EFBIG: "the file system or a limit of the shell forbids files this large",
    errno.EACCES: "choose another place or change the permissions",
    errno.EPERM: "choose another place or change the permissions",
    errno.EROFS: "choose another place",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ELOOP: "the symbolic links lead round in a circle",
    errno.ENXIO: "it is a socket or nobody reads from it",
}


class Output:
    """An open file descriptor with checked writes: each call returns when every byte has been taken.

    `written` counts bytes; `notes` are remarks for the user, complete when the file is in its place; `folder` is where what
    can't be written yet may wait: that of the file, None for a device.
    """

    def __init__(self, descriptor: int, folder: str | None = None):
        self._descriptor, self.folder = descriptor, folder
        self.written = 0
        self.notes: list[str] = []

    def write(self, data) -> int:
        rest = memoryview(data).cast("B")
        size = len(rest)
        while rest:
            try:
                taken = os.write(self._descriptor, rest[:CHUNK])
            except BlockingIOError:  # a pipe or terminal that somebody set to refuse rather than wait
                import select

                select.select([], [self._descriptor], [])
                continue
            if taken <= 0:
                raise OSError(errno.EIO, "nothing was written")
            self.written += taken
            rest = rest[taken:]
        return size


def write_bytes(path, data, *, no_clobber: bool = False) -> list[str]:
    """Write `data` (bytes-like) to `path`; see `replacing`. Remarks for the user."""
    with replacing(path, no_clobber=no_clobber) as output:
        output.write(data)
    return output.notes


@contextlib.contextmanager
def replacing(path, *, no_clobber: bool = False) -> Iterator[Output]:
    """A context that gives an Output; when it ends without an exception, `path` holds what was written, at once.

    The bytes go to a temporary file beside the target (behind symbolic links), are synced, and renamed over it; an
    existing target hands on its owner, group, permissions and extended attributes (what can't be kept is noted), a new
    file follows the umask. Other hard links to an existing target keep what they hold. Any failure, and Ctrl-C, removes
    the temporary file and leaves the old output as it was. Descriptors (/dev/stdout), devices and FIFOs are written to
    directly. `no_clobber` refuses an existing file, also one that appears in the meantime. Raises FileError, and
    BrokenPipeError where a reader has gone.
    """
    name = os.fsdecode(os.fspath(path))
    state = ""
    try:
        place = descriptors.place_of(name)
        existing = _stat(name) if place is None else None
        if not name or name.endswith("/") or (existing is not None and stat.S_ISDIR(existing.st_mode)):
            raise FileError(f"{name}: is a folder; give the name of a file in it")
        if place is not None or (existing is not None and not stat.S_ISREG(existing.st_mode)):
            state = "; not everything was written"
            with _written_directly(name, place) as output:
                yield output
            return
        target = os.path.realpath(name)
        folder = os.path.dirname(target)
        if existing is None and not os.path.isdir(folder):
            raise FileError(f"{name}: the folder {os.path.dirname(name) or folder} does not exist; create it first")
        if existing is not None:
            state = "; what was there before is untouched"
            if no_clobber:
                raise _exists(name)
            if not os.access(target, os.W_OK):
                raise FileError(f"{name}: is write-protected; change its permissions or write elsewhere")
        with _written_beside(name, target, existing, no_clobber) as output:
            yield output
    except BrokenPipeError:
        raise  # no mistake of the picture: the command line ends quietly
    except OSError as error:
        raise FileError(_explain(name, error, state)) from error


@contextlib.contextmanager
def _written_directly(name: str, place: str | None) -> Iterator[Output]:
    descriptor = os.open(name, os.O_WRONLY | _BINARY) if place is None else descriptors.opened(place, name)
    try:
        yield Output(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _written_beside(name: str, target: str, existing: os.stat_result | None, no_clobber: bool) -> Iterator[Output]:
    # a new file's mode is the umask's affair, so the system applies it; a replaced one's content stays private till done
    mode = 0o666 if existing is None else 0o600
    descriptor, temporary = _open_temporary(target, mode)
    try:
        try:
            output = Output(descriptor, os.path.dirname(target))
            yield output
            if existing is not None:
                from .rights import hand_on

                output.notes += hand_on(target, existing, descriptor)
            os.fsync(descriptor)
        finally:
            # a close that fails (a network file system does it) is a write that failed
            os.close(descriptor)
        if no_clobber:
            _rename_to_new(name, temporary, target)
        else:
            os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    if _waiting is None:
        _sync_folder(os.path.dirname(target))
    else:
        _waiting.add(os.path.dirname(target))


@contextlib.contextmanager
def folders_synced_at_the_end() -> Iterator[None]:
    """Within, folders are synced once, at the end: a crash of the machine may forget more of the files, which are whole."""
    global _waiting
    _waiting = set()
    try:
        yield
    finally:
        folders, _waiting = _waiting, None
        for folder in folders:
            _sync_folder(folder)


def _open_temporary(target: str, mode: int) -> tuple[int, str]:
    folder, base = os.path.split(target)
    for length in (200, 40):
        short = os.fsdecode(os.fsencode(base)[:length])
        temporary = os.path.join(folder, f".{short}.{os.urandom(6).hex()}{_TEMPORARY}")
        try:
            return os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, mode), temporary
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG or length == 40:
                raise
    raise AssertionError


def remove_unfinished(path: str) -> None:
    """Remove what a process that was killed has left of a result: its temporary files beside `path`."""
    target = os.path.realpath(path)
    folder, base = os.path.split(target)
    begin = f".{os.fsdecode(os.fsencode(base)[:200])}."
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            middle = name[len(begin) : -len(_TEMPORARY)]
            if name.startswith(begin) and name.endswith(_TEMPORARY) and re.fullmatch("[0-9a-f]{12}", middle):
                os.unlink(os.path.join(folder, name))


def _rename_to_new(name: str, temporary: str, target: str) -> None:
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise _exists(name) from None
    except (OSError, AttributeError, NotImplementedError):
        # no hard links here (FAT, some network file systems): claim the name, then take it
        try:
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666))
        except FileExistsError:
            raise _exists(name) from None
        try:
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(target)
            raise
        return
    with contextlib.suppress(OSError):
        os.unlink(temporary)


def _sync_folder(folder: str) -> None:
    # without this a crash of the machine may forget the rename; not every system lets a folder be opened
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | _BINARY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _stat(name: str) -> os.stat_result | None:
    try:
        return os.stat(name)
    except FileNotFoundError:
        return None
    except ValueError as error:  # a null byte in the name
        raise FileError(f"{name!r}: is not a file name; {error}") from None


def _exists(name: str) -> FileError:
    return FileError(f"{name}: exists already; choose another name or leave out no_clobber=")


def _explain(name: str, error: OSError, state: str) -> str:
    """The one line for a file that cannot be written; `state` is that of the file, empty where there was none."""
    reason = error.strerror or str(error) or type(error).__name__
    if advice := _HINTS.get(error.errno or 0):
        return f"{name}: {reason}; {advice}"
    return f"{name}: {reason}{state}" if state else f"{name}: can't be created: {reason}"
