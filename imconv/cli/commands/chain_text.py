"""Chains as text: steps between bars, in a file one or several to a line, with values that have names.

    # soft light
    sigma = 12
    blur --sigma $sigma | sharpen --amount 0.5
    edges --gain 2

A line `name = value` gives a value that `$name` stands for, unless another is set from outside. `#` starts a comment.
"""

from __future__ import annotations

import os
import re
import shlex
from itertools import pairwise

from ...errors import FileError, OptionError, nearest

MOST_STEPS = 100
LARGEST_FILE = 100_000  # characters
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ASSIGNMENT = re.compile(rf"\s*({_NAME.pattern})\s*=\s*(.*?)\s*")
_PLACE = re.compile(rf"\$({_NAME.pattern})|\$")


def load_steps(text: str, given: tuple[str, ...] = ()) -> list[list[str]]:
    """The steps that a text, or the file of that name, stands for: for each its command and options.

    Parameters
    ----------
    text : str
        `"blur --sigma 2 | edges"`, or the path of a file.
    given : strings `name=value`
        Instead of the file's own.

    Raises
    ------
    OptionError, FileError
        With the file's name and line, where it is one.

    >>> load_steps("blur --sigma $s | edges", ("s=2",))
    [['blur', '--sigma', '2'], ['edges']]
    """
    values = dict(_pair(item) for item in given)
    if "|" not in text and (os.path.isfile(text) or _is_path(text)):
        return _parse(_read(text), values, text)
    return _parse(text, values, None)


def _is_path(text: str) -> bool:
    """Whether one word is rather a file's name than a command's."""
    word = text.strip()
    return bool(word) and not any(map(str.isspace, word)) and bool(os.path.dirname(word) or os.path.splitext(word)[1])


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8-sig") as file:
            text = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        from ...files.source import similar

        raise FileError(f"{path}: no such file{similar(path)}") from None
    except OSError as error:
        raise FileError(f"{path}: {(error.strerror or 'it cannot be read').lower()}") from None
    except UnicodeDecodeError:
        raise FileError(f"{path}: this is no text; a chain is a text file of steps") from None
    if len(text) > LARGEST_FILE:
        raise FileError(f"{path}: longer than {LARGEST_FILE} characters; that is no chain")
    return text


def _pair(item: str) -> tuple[str, str]:
    found = _ASSIGNMENT.fullmatch(item)
    if not found:
        raise OptionError(f"--set takes name=value, not {item!r}")
    return found[1], found[2]


def _parse(text: str, given: dict[str, str], path: str | None) -> list[list[str]]:
    values: dict[str, str] = {}
    used: set[str] = set()
    steps: list[list[str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        where = f"{path}:{number}: " if path else ""
        line = _without_comment(line) if path else line
        assignment = _ASSIGNMENT.fullmatch(line) if path else None
        if assignment:
            values[assignment[1]] = assignment[2]
        elif line.strip():
            steps += [_words(part, {**values, **given}, used, where) for part in _split(line)]
    place = f"{path}: " if path else ""
    for name in given:
        if name not in values and name not in used:
            known = sorted({*values, *used})
            raise OptionError(f"{place}no ${name} in this chain{nearest(name, known)}")
    if not steps:
        raise OptionError(f"{place}a chain needs at least one step, such as blur --sigma 2")
    if len(steps) > MOST_STEPS:
        raise OptionError(f"{place}{len(steps)} steps are more than the {MOST_STEPS} a chain may have")
    return steps


def _outside_quotes(line: str, wanted: str) -> list[int]:
    """The places of a letter outside quotes."""
    found, quote = [], ""
    for place, letter in enumerate(line):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == wanted:
            found.append(place)
    return found


def _without_comment(line: str) -> str:
    """The line up to a # outside quotes that begins a word."""
    return next((line[:n] for n in _outside_quotes(line, "#") if n == 0 or line[n - 1].isspace()), line)


def _split(line: str) -> list[str]:
    """The parts between bars outside quotes; a bar may also stand before the first and behind the last."""
    ends = [-1, *_outside_quotes(line, "|"), len(line)]
    parts = [line[begin + 1 : end] for begin, end in pairwise(ends)]
    return parts[not parts[0].strip() : len(parts) - (len(parts) > 1 and not parts[-1].strip())]


def _words(part: str, values: dict[str, str], used: set[str], where: str) -> list[str]:
    try:
        words = shlex.split(part)
    except ValueError as error:
        raise OptionError(f"{where}{str(error).lower()} in {part.strip()!r}") from None
    if not words:
        raise OptionError(f"{where}an empty step; take out one of the bars")

    def value(found: re.Match) -> str:
        name = found[1]
        if name is None:
            raise OptionError(f"{where}a name must follow $, in {part.strip()!r}")
        if name not in values:
            raise OptionError(f"{where}${name} has no value; give one with --set '{name}=...'{nearest(name, values)}")
        used.add(name)
        return values[name]

    return [_PLACE.sub(value, word) for word in words]
