"""Finds the lines of keys and values in a TOML document; tomllib reports lines of syntax errors only."""

from __future__ import annotations

import re
import tomllib

_TOKEN = re.compile(
    r"""
    (?P<newline>\n)
  | (?P<blank>[ \t\r]+|\#[^\n]*)
  | (?P<text>\"{3}(?:\\.|[^\\])*?\"{3,5}|'{3}.*?'{3,5}|\"(?:\\.|[^"\\\n])*\"|'[^'\n]*')
  | (?P<sign>[\[\]{},=.])
  | (?P<bare>[^\s\[\]{},=.\#"']+)
    """,
    re.X | re.S,
)

Path = tuple[str | int, ...]
# Most nested keys and brackets: tomllib's time, and the memory of paths, grow with the square of the depth.
MOST_LEVELS = 100


def line_numbers(text: str) -> dict[Path, int]:
    """The line, from 1, of every key, table and element of an array in a document that `tomllib` accepts.

    A path consists of keys and indices from the top: `("layers", 2, "conv")`. The line of an element is that where its
    value begins.

    >>> line_numbers("input = [64, 64, 3]\\n[blocks.unit]\\nlayers = [\\n  'relu',\\n]")[("blocks", "unit", "layers", 0)]
    4
    """
    return _Scanner(text).lines


def too_deep(text: str) -> int | None:
    """The line where keys `a.b.c` and brackets are nested more than MOST_LEVELS deep, None if there is none.

    The text is scanned up to the first syntax error.

    >>> too_deep("a.b = [[1.5], [2.5]]"), too_deep("input = [64, 64, 3]\\n" + ".".join("a" * 200) + " = 1")
    (None, 2)
    """
    at, line, keys, outer = 0, 1, 0, []  # dotted keys at this place, and the levels at each open bracket
    for match in _TOKEN.finditer(text):
        if match.start() > at:
            return None
        at = match.end()
        if match.lastgroup in ("sign", "newline"):
            if match[0] == ".":
                keys += 1
            elif match[0] in "[{":
                outer.append(keys + 1)
                keys = 0
            elif match[0] != "=":  # the value belongs to the key
                keys = 0
                if match[0] in "]}" and outer:
                    outer.pop()
            if match[0] in ".[{" and keys + sum(outer) > MOST_LEVELS:
                return line
        line += match[0].count("\n")
    return None


class _Scanner:
    """Walks the tokens once. It checks nothing: tomllib has read the text before."""

    def __init__(self, text: str):
        self.tokens: list[tuple[str, str, int]] = []  # kind, text, line
        line = 1
        for match in _TOKEN.finditer(text):
            if match.lastgroup != "blank":
                self.tokens.append((str(match.lastgroup), match[0], line))
            line += match[0].count("\n")
        self.tokens.append(("newline", "\n", line))
        self.at = 0
        self.lines: dict[Path, int] = {}
        self.counts: dict[Path, int] = {}  # index of the last table in each array of tables
        table: Path = ()
        while self.at < len(self.tokens):
            if self._skipped("newline"):
                continue
            if self._sign() == "[":
                table = self._header()
            else:
                self._pair(table)

    def _sign(self) -> str:
        kind, text, _ = self.tokens[self.at]
        return text if kind in ("sign", "newline") else ""

    def _skipped(self, *kinds: str) -> bool:
        if self.tokens[self.at][0] in kinds:
            self.at += 1
            return True
        return False

    def _header(self) -> Path:
        """Read `[a.b]` or `[[a.b]]`; return the path of the table, with its index in an array of tables."""
        self.at += 1
        many = self._sign() == "["
        self.at += many
        path: Path = ()
        keys, line = self._keys()
        for position, key in enumerate(keys):
            path = (*path, key)
            self.lines.setdefault(path, line)
            if many and position == len(keys) - 1:
                self.counts[path] = self.counts.get(path, -1) + 1
            if path in self.counts:
                path = (*path, self.counts[path])
                self.lines.setdefault(path, line)
        self.at += 1 + many
        return path

    def _keys(self) -> tuple[list[str], int]:
        """Read a key, dotted or not; return its parts and its line."""
        keys, line = [], self.tokens[self.at][2]
        while True:
            kind, text, _ = self.tokens[self.at]
            keys.append(tomllib.loads(f"key = {text}")["key"] if kind == "text" else text)
            self.at += 1
            if self._sign() != ".":
                return keys, line
            self.at += 1

    def _pair(self, path: Path) -> None:
        keys, line = self._keys()
        for key in keys:
            path = (*path, key)
            self.lines.setdefault(path, line)
        self.at += 1  # the equals sign
        self._value(path)

    def _value(self, path: Path) -> None:
        opening = self._sign()
        if opening not in ("[", "{"):
            while self._sign() not in (",", "]", "}", "\n"):
                self.at += 1
            return
        self.at += 1
        index = 0
        while True:
            while self._skipped("newline") or self._sign() == ",":
                self.at += self._sign() == ","
            if self._sign() in ("]", "}"):
                self.at += 1
                return
            if opening == "{":
                self._pair(path)
            else:
                self.lines[(*path, index)] = self.tokens[self.at][2]
                self._value((*path, index))
                index += 1
