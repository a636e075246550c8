"""The pictures of a batch: paths, folders, patterns and lists become files, each with the folder that its own lies in."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ...errors import FileError, OptionError


@dataclass(frozen=True)
class Input:
    """A picture of a batch.

    path    as messages call it
    inside  its path from the folder that was named, which is kept in an output folder; else its name alone
    """

    path: str
    inside: str


def expanded(
    places: Iterable[str], *, recursive: bool, leave_out: str | None = None
) -> tuple[list[Input], list[tuple[str, str]]]:
    """The files that some places stand for, and what can't be read: pairs of a path and the reason.

    Parameters
    ----------
    places : iterable of str
        Files, folders, and patterns such as `*.jpg` or `photos/**/*.png` where the shell left them as they are. Of a folder
        the files with a picture's extension are taken, in the order of their names; hidden ones are not.
    recursive : bool
        Whether folders within folders are searched too; links to folders are not followed.
    leave_out : str, optional
        A folder that is not searched: where results go.

    Raises
    ------
    FileError
        A place does not exist, or nothing is there.
    """
    found: list[Input] = []
    unreadable: list[tuple[str, str]] = []
    for place in places:
        if place == "-":
            raise OptionError("standard input is one picture; a batch takes paths, or a list of them by --from-list -")
        for path in _matches(place):
            if os.path.isdir(path):
                files = list(_files_in(path, recursive, leave_out, unreadable))
                if not files and not unreadable:
                    beneath = "" if recursive else "; --recursive also searches the folders in it"
                    raise FileError(f"{path}: no pictures in this folder{beneath}")
                found += files
            else:
                found.append(Input(path, os.path.basename(path)))
    return found, unreadable


def listed(source: str) -> list[str]:
    """The paths in a file, or in standard input for "-": one a line, or each ended by a NUL byte, as `find -print0` writes them.

    Raises
    ------
    FileError
        The file can't be read, or holds no path.
    """
    try:
        if source == "-":
            if sys.stdin is None:
                raise FileError("standard input is closed; give --from-list a file")
            data = sys.stdin.buffer.read()
        else:
            with open(source, "rb") as file:
                data = file.read()
    except OSError as error:
        raise FileError(f"{source}: {error.strerror or error}; --from-list reads a file of paths") from None
    parts = data.split(b"\0") if b"\0" in data else data.removeprefix(b"\xef\xbb\xbf").splitlines()
    paths = [os.fsdecode(part) for part in parts if part.strip()]
    if not paths:
        raise FileError(f"{source}: holds no paths")
    return paths


def _matches(place: str) -> list[str]:
    """The place itself, or what a pattern matches; a file whose name looks like a pattern is that file."""
    if os.path.lexists(place):
        return [place]
    if not glob.has_magic(place):
        raise FileError(f"{place}: no such file or folder")
    matches = sorted(glob.glob(place, recursive=True))
    if not matches:
        raise FileError(f"{place}: no file matches this pattern")
    return matches


def _files_in(folder: str, recursive: bool, leave_out: str | None, unreadable: list) -> Iterator[Input]:
    """The pictures in a folder, by their names; folders that can't be read are added to `unreadable`."""
    from ...files.formats import EXTENSIONS

    def failed(error: OSError) -> None:
        unreadable.append((os.fsdecode(error.filename), f"{error.strerror}; this folder was left out"))

    hidden = os.path.realpath(leave_out) if leave_out is not None else None
    for here, folders, names in os.walk(folder, onerror=failed):
        folders[:] = sorted(
            each
            for each in folders
            if recursive and not each.startswith(".") and os.path.realpath(os.path.join(here, each)) != hidden
        )
        for name in sorted(names):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in EXTENSIONS:
                path = os.path.join(here, name)
                yield Input(path, os.path.relpath(path, folder))
