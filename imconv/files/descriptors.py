"""Paths that stand for an open descriptor: /dev/stdout, /dev/fd/3, /proc/self/fd/3, and links that lead there."""

from __future__ import annotations

import os
import stat

from ..errors import FileError

MOST_LINKS = 40  # that Linux follows


def place_of(path) -> str | None:
    """Where the system shows the descriptor that a path stands for, such as /proc/12/fd/1; None for all other paths."""
    name = os.fsdecode(os.fspath(path))
    try:
        for _ in range(MOST_LINKS):
            folder, base = os.path.split(name)
            folder = os.path.realpath(folder)
            name = os.path.join(folder, base)
            if base.isdecimal() and (folder == "/dev/fd" or (folder.startswith("/proc/") and folder.endswith("/fd"))):
                return name
            name = os.path.join(folder, os.readlink(name))
    except (OSError, ValueError):  # no link: a file's own name, or no name at all
        pass
    return None


def is_special(path) -> bool:
    """Whether a path is a descriptor, a device or a FIFO, which are written to as they are and never replaced."""
    text = os.fsdecode(os.fspath(path))
    return place_of(text) is not None or not (os.path.isfile(text) or os.path.isdir(text) or not os.path.exists(text))


def is_standard_output(path) -> bool:
    """Whether a path is descriptor 1 of this process."""
    place = place_of(path)
    return place is not None and _is_own(place) and os.path.basename(place) == "1"


def opened(place: str, name: str) -> int:
    """A descriptor to write to where `place_of` found one, for the caller to close. Raises FileError, which names `name`.

    Of this process it is the same open file, which others may have written to and will: with its position, and at the end
    where it was opened to append. Another process's open file can't be shared: its file is opened anew, to append.
    """
    try:
        if _is_own(place):
            import fcntl

            number = int(os.path.basename(place))
            if fcntl.fcntl(number, fcntl.F_GETFL) & (os.O_WRONLY | os.O_RDWR):
                return os.dup(number)
        elif os.lstat(place).st_mode & stat.S_IWUSR:
            return os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        reason = "is open for reading only"
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or "no such descriptor"
    raise FileError(f"{name}: {reason}; give a descriptor that is open for writing")


def _is_own(place: str) -> bool:
    """Whether it is a descriptor of this process."""
    return place.startswith(("/dev/fd/", os.path.realpath("/proc/self") + "/"))
