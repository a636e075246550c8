"""Splits kernel text into headers, an ImageMagick geometry and rows of numbers, each with line and column for errors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NoReturn

from ..errors import KernelError, nearest
from ..geometry.sizes import MAX_SIDE
from .number import LONGEST_NUMBER, NumberError, parse_number
from .weights import MAX_TAPS

HEADERS = ("name", "source", "scale", "divisor", "offset", "anchor", "normalize")
WORDS = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}
LONGEST_ROW = MAX_SIDE * (LONGEST_NUMBER + 24)  # characters, including blanks between the numbers

HEADER = re.compile(r"\s*([A-Za-z][\w-]*)\s*:")
GEOMETRY = re.compile(r"\s*([0-9]{1,6})(?:x([0-9]{1,6}))?([+-][0-9]{1,6}[+-][0-9]{1,6})?([@<>^]*)\s*:")
_TOKEN = re.compile(r"[^\s,;]+")
_MISSING = re.compile(r"[,;]\s*([,;])|^\s*([,;])")  # a comma with no number before it
_BLANK_OR_COMMA = re.compile(r"[\s,]")
_MINUS = str.maketrans(dict.fromkeys("\N{MINUS SIGN}\N{EN DASH}\N{FULLWIDTH HYPHEN-MINUS}", "-"))
_BRACKETS = str.maketrans("[]", "  ")
_QUOTED = re.compile(r'"([^"]*)"')
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+(?:[eE][+-]?[0-9]+)?")
_OTHER_SEPARATOR = re.compile(r"[;\t]\s*")
_COMMENT = re.compile(r"(?:^|\s)#.*")  # for names and sources, in which C# and page#part are words


def shown(text: str, limit: int = 43) -> str:
    """Text in quotes, escaped to one line, and shortened to `limit` characters."""
    return repr(text if len(text) <= limit else text[: limit - 3] + "...")


def place(filename: str | None) -> str:
    """The beginning of an error message: the file's name on one line, or `kernel` for text from no file."""
    return "kernel" if filename is None else "".join(c if c.isprintable() else "?" for c in str(filename))


@dataclass
class Row:
    """A row of numbers: its line (from 1), its text, its tokens, and how many characters of the line precede it."""

    line: int
    text: str
    start: int = 0
    tokens: list[str] = field(default_factory=list)

    def column(self, index: int) -> int:
        """The column (from 1) where token `index` starts; the column behind the last token if there are fewer."""
        starts = [token.start() for token in _TOKEN.finditer(self.text)]
        return self.start + 1 + (starts[index] if index < len(starts) else len(self.text.rstrip(" \t,;")))


class Reader:
    """Kernel text split into `headers`, `geometry` and `rows`.

    `check_numbers` parses numbers, into `known`: the weight for each token, None for a cell that is left out. Raises
    KernelError with file, line and column for everything that can't be read.
    """

    def __init__(self, text: str, filename: str | None = None):
        self.filename = filename
        self.headers: dict[str, tuple[int, int, str]] = {}  # key: line, column, value
        self.words: dict[str, str | None] = {}  # name and source
        self.geometry: re.Match | None = None
        self.rows: list[Row] = []
        self.known: dict[str, Fraction | None] = {}
        if not isinstance(text, str):
            raise KernelError(f"{place(filename)}: a kernel's text must be str, not {type(text).__name__}")
        if "\0" in text:
            raise KernelError(f"{place(filename)}: not a text file (it holds NUL bytes), expected rows of numbers")
        if text.lstrip("\ufeff \t\r\n").startswith("["):
            text = re.sub(r"\](\s*),", r"]\1;", text).translate(_BRACKETS)  # lists in a list: rows
        number, line = 1, ""
        for number, line in enumerate(_lines(text), 1):
            if header := HEADER.match(line):
                self._header(number, line, header)
            elif data := line.partition("#")[0].rstrip().translate(_MINUS):
                self._data(number, data)
        if not self.rows:
            self.fail(number, len(line) + 1, "the end", "rows of numbers")
        if self.geometry is None and any("," in row.text for row in self.rows):
            self._read_commas()
        self._split()

    def fail(self, line: int, column: int, read: str, expected: str) -> NoReturn:
        raise KernelError(f"{place(self.filename)}: line {line}, column {column}: read {read}, expected {expected}")

    def _header(self, line: int, text: str, match: re.Match) -> None:
        key, word, column = match[1].lower(), shown(match[1] + ":"), match.start(1) + 1
        if key not in HEADERS:
            known = ", ".join(f"{k}:" for k in HEADERS)
            self.fail(line, column, word, f"a number or one of the headers {known}{nearest(key, HEADERS)}")
        if self.rows:
            self.fail(line, column, word, "headers before the rows of numbers, not behind them")
        if key in self.headers:
            self.fail(line, column, f"a second {word}", f"one alone (the first is in line {self.headers[key][0]})")
        value = text[match.end() :]
        column = match.end() + 1 + len(value) - len(value.lstrip())
        if key in ("name", "source"):
            self.words[key] = self._words(line, column, value.strip())
        self.headers[key] = (line, column, value.partition("#")[0].strip())

    def _words(self, line: int, column: int, value: str) -> str | None:
        if not value.startswith('"'):
            return _COMMENT.sub("", value, count=1).rstrip() or None
        try:
            words, end = json.JSONDecoder().raw_decode(value)
        except ValueError:
            self.fail(line, column, shown(value), 'text between quotation marks (inside them \\" and \\\\)')
        if value[end:].strip() and not value[end:].lstrip().startswith("#"):
            self.fail(line, column + end, shown(value[end:].strip()), "the end of the line behind the quotation marks")
        return words

    def _data(self, line: int, text: str) -> None:
        start = 0
        if not self.rows and (match := GEOMETRY.match(text)):
            self.geometry = match
            start = match.end()
        if len(self.rows) == MAX_SIDE + 1:  # one more, for the first line of a libvips matrix
            self.fail(line, 1, "one more row", f"at most {MAX_SIDE}")
        self.rows.append(Row(line, text[start:], start))

    def _read_commas(self) -> None:
        """Make points of decimal commas, as in a table of `0,1;0,1` or `"0,1","0,1"`; fail where they may be either."""
        for row in self.rows:
            if '"' in row.text:
                row.text = _QUOTED.sub(lambda quoted: f" {quoted[1].replace(',', '.')} ", row.text)
        texts = [row.text.strip(" ,;\t") for row in self.rows]
        mixed = [_OTHER_SEPARATOR.search(text) is not None for text in texts]
        if len(texts) == 1 and self.filename is None:
            mixed = [False]  # as typed: semicolons part rows
        pieces = [[piece.strip() for piece in _OTHER_SEPARATOR.split(text)] for text in texts]
        spaced = [text.split() if not m else [] for text, m in zip(texts, mixed, strict=True)]
        decimal = [all("," not in p or _DECIMAL_COMMA.fullmatch(p) for p in parts) for parts in pieces]
        for row, text, m, parts, blanks in zip(self.rows, texts, mixed, pieces, spaced, strict=True):
            if m and any("," in p for p in parts) and len(texts) == 1 and all(decimal):
                self._ambiguous(row, text)
            if len(blanks) > 1 and all(_DECIMAL_COMMA.fullmatch(p) for p in blanks):
                self._ambiguous(row, text)
        if any(mixed) and all(decimal):
            for row in self.rows:
                row.text = row.text.replace(",", ".")

    def _ambiguous(self, row: Row, text: str) -> NoReturn:
        points, commas = _OTHER_SEPARATOR.sub(" ", text).replace(",", "."), re.sub(r"[;,\s]+", " ", text)
        readings = f"{shown(commas)}, where commas part numbers, or {shown(points)}, where they are decimal"
        self.fail(row.line, row.column(0), f"commas beside another separator, {shown(text)}", readings)

    def _split(self) -> None:
        """Split rows into tokens; a single line with semicolons and blanks or commas is split into rows first."""
        first = self.rows[0]
        line = first.text.strip(" \t;")
        if self.geometry is None and len(self.rows) == 1 and ";" in line and _BLANK_OR_COMMA.search(line):
            start, self.rows = first.start, []
            for piece in first.text.rstrip().removesuffix(";").split(";"):
                self.rows.append(Row(first.line, piece, start))
                start += len(piece) + 1
        total = 0
        for index, row in enumerate(self.rows):
            if match := _MISSING.search(row.text):
                at = match.start(1) if match[1] else match.start(2)
                self.fail(row.line, row.start + at + 1, shown(row.text[at]), "a number before it")
            if not self.geometry and len(row.text) > LONGEST_ROW:
                self.fail(row.line, 1, f"a row of {len(row.text)} characters", f"at most {MAX_SIDE} numbers")
            row.tokens = row.text.replace(",", " ").replace(";", " ").split()
            total += len(row.tokens)
            if not row.tokens and not (self.geometry and index == 0):
                self.fail(row.line, row.start + len(row.text) + 1, "the end of an empty row", "numbers")
            if total > MAX_TAPS + 4 or (not self.geometry and len(row.tokens) > MAX_SIDE):
                most = f"at most {MAX_SIDE} in a row and {MAX_TAPS} in all"
                self.fail(row.line, 1, f"a row of {len(row.tokens)} numbers, {total} so far", most)

    def check_numbers(self, row: Row) -> None:
        """Parse the row's numbers into `known`."""
        known = self.known
        for index, token in enumerate(row.tokens):
            if token not in known:
                hole = token == "-" or token.lower() == "nan"
                known[token] = None if hole else self.number(row, index)

    def number(self, row: Row, index: int) -> Fraction:
        """Parse the number at this index of the row."""
        try:
            return parse_number(row.tokens[index])
        except NumberError as error:
            self.fail(row.line, row.column(index), shown(row.tokens[index]), str(error))

    def header_numbers(self, key: str, count: int = 1) -> list[Fraction] | None:
        """The `count` numbers of a header, None if the text has no such header."""
        if key not in self.headers:
            return None
        line, column, value = self.headers[key]
        row = Row(line, value, column - 1, value.replace(",", " ").split())
        if len(row.tokens) != count:
            what = "one number" if count == 1 else "a row and a column, counted from 0,"
            self.fail(line, column, shown(value) if value else "the end of the line", f"{what} after {key}:")
        return [self.number(row, index) for index in range(count)]

    def flag(self, key: str) -> bool:
        """Whether a header says yes."""
        line, column, value = self.headers.get(key, (0, 0, "no"))
        if value.lower() not in WORDS:
            self.fail(line, column, shown(value) if value else "the end of the line", f"yes or no after {key}:")
        return WORDS[value.lower()]


def _lines(text: str) -> Iterator[str]:
    """Yield lines ended by LF, CR LF or CR, without a byte order mark; one by one, since a hostile file may have millions."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    start = 0
    while (end := text.find("\n", start)) >= 0:
        yield text[start:end]
        start = end + 1
    if start < len(text):
        yield text[start:]
