"""The manifest of a folder of results: what has been done, one JSON object a line, so that a batch can be resumed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping

from ...errors import FileError
from .outputs import Task

NAME = ".imconv-manifest.jsonl"


class Manifest:
    """What was written into one folder, by which filter, from which files.

    A line is appended, in one write, when a result is in its place. It has the fields `input` and `output` (paths from the
    folder), `input_state` and `output_state` (see `state`), `filter` (see `fingerprint`) and `version`. The last line of an
    output counts; lines that are cut off do not.
    """

    def __init__(self, folder: str):
        self.folder = folder
        self.path = os.path.join(folder, NAME)
        self._known: dict[str, dict] | None = None
        self._file: int | None = None

    def has(self, task: Task, filter: str, version: str) -> bool:
        """Whether a result is there that this filter made of this input, both unchanged since."""
        line = self._lines().get(self._inside(task.output))
        if line is None or line.get("filter") != filter or line.get("version") != version:
            return False
        written = state(task.output)
        if written is None or written != line.get("output_state"):
            return False
        # an input that was replaced by its result is no longer there to be looked at
        return self._inside(task.input) == line.get("input") and (
            task.input == task.output or state(task.input) == line.get("input_state")
        )

    def add(self, task: Task, before: list[int] | None, filter: str, version: str) -> None:
        """Note a result; `before` is the `state` of the input when it was read."""
        line = {
            "input": self._inside(task.input),
            "input_state": before,
            "output": self._inside(task.output),
            "output_state": state(task.output),
            "filter": filter,
            "version": version,
        }
        try:
            if self._file is None:
                self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
                if not _ends_whole(self.path):
                    os.write(self._file, b"\n")
            os.write(self._file, json.dumps(line).encode() + b"\n")
        except OSError as error:
            raise FileError(f"{self.path}: {error.strerror or error}; --resume needs this file") from None

    def close(self) -> None:
        """After the last result."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _lines(self) -> dict[str, dict]:
        if self._known is None:
            self._known = {}
            try:
                with open(self.path, "rb") as file:
                    for text in file:
                        self._read(text)
            except FileNotFoundError:
                pass
            except OSError as error:
                raise FileError(f"{self.path}: {error.strerror or error}; --resume reads this file") from None
        return self._known

    def _read(self, text: bytes) -> None:
        assert self._known is not None
        try:
            line = json.loads(text)
        except ValueError:  # cut off by a crash: what it told of is done again
            return
        if isinstance(line, dict) and isinstance(line.get("output"), str):
            self._known[line["output"]] = line

    def _inside(self, path: str) -> str:
        return os.path.relpath(path, self.folder)


def state(path: str) -> list[int] | None:
    """A file's size in bytes, and when it was changed, in nanoseconds; None where there is no such file."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]


def fingerprint(command: str, options: Mapping[str, object]) -> str:
    """A filter and the options that were given as text, the same for two runs whose results would be the same.

    An option that names a file, such as a kernel or a mask, counts by what is in the file.
    """
    return json.dumps({command: {name: _content(value) for name, value in sorted(options.items())}})


def _content(value: object) -> object:
    if isinstance(value, (list, tuple)):
        return [_content(each) for each in value]
    if isinstance(value, str) and os.path.isfile(value):
        with open(value, "rb") as file:
            return {value: hashlib.file_digest(file, "sha256").hexdigest()}
    return value


def _ends_whole(path: str) -> bool:
    """Whether a file is empty or ends with the end of a line."""
    with open(path, "rb") as file:
        if not file.seek(0, os.SEEK_END):
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
