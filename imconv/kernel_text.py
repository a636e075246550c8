"""Kernel files: rows of numbers with a few headers, ImageMagick strings, libvips matrices, CSV; read exactly and written back.

The format is described at `parse`. Errors name the file, the line and the column, what was read there and what was expected.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from .errors import KernelError, nearest
from .kernel import LARGEST_INTEGER, MAX_SIDE, MAX_TAPS, Kernel
from .kernel_number import NumberError, format_float, format_fraction, parse_number

HEADERS = ("name", "source", "scale", "divisor", "offset", "anchor", "normalize")
WORDS = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}

_HEADER = re.compile(r"\s*([A-Za-z][\w-]*)\s*:")
_GEOMETRY = re.compile(r"\s*([0-9]{1,6})(?:x([0-9]{1,6}))?([+-][0-9]{1,6}[+-][0-9]{1,6})?([@<>]*)\s*:")
_TOKEN = re.compile(r"[^\s,;]+")
_MISSING = re.compile(r"[,;]\s*([,;])|^\s*([,;])")  # a comma with no number before it
_BLANK_OR_COMMA = re.compile(r"[\s,]")
_WHOLE = re.compile(r"[1-9][0-9]{0,5}")
_COMMENT = re.compile(r"(?:^|\s)#.*")  # in a header's value, where C# and page#part are words


def parse(text: str, *, filename: str | None = None) -> Kernel:
    """A kernel from text.

    Rows of numbers, split by blanks, tabs, commas or semicolons; `#` starts a comment, blank lines are ignored, every
    row has the same length. A number is an integer, a decimal, a fraction `1/9` or a sum of those, `2-1/9`, and is kept
    exactly; `nan` or `-` alone is a cell that is no part of the kernel.

    One row alone with semicolons *and* blanks or commas is several rows, as it is typed on a command line:
    `0 -1 0; -1 5 -1; 0 -1 0` has three rows and `1; 2; 1` is a column, but `1;2;1` is one row.

    Before the rows there may be headers: `name:`, `source:`, `scale:` (multiplies), `divisor:`, `offset:` (added at the
    end, in output units), `anchor: row column` (from 0), `normalize: yes` (sum 1, after the scale). A name or source
    that starts with a quotation mark is a JSON string.

    ImageMagick: `WxH[+X+Y]: numbers` in any lines, W columns and H rows; X, Y is the anchor's column and row, default
    `(size - 1) // 2`. Its Convolve turns the kernel by 180 degrees, as imconv.convolve does: the weights stay as written.

    libvips: `W H [scale [offset]]`, then H rows of W numbers; the scale divides. Taken as such where the first row has
    2 to 4 numbers, everything fits, and as a plain kernel the rows would differ in length. (A file called `.mat` is
    always read so, see `load`.) libvips correlates; the weights stay as written.

    Parameters
    ----------
    text : str
    filename : str, optional
        Only named in errors.

    Raises
    ------
    KernelError
        One line: file, line and column (from 1), what was read there and what was expected.

    Examples
    --------
    >>> parse("0 -1 0; -1 5 -1; 0 -1 0").sum()
    1.0
    >>> parse("divisor: 9\\n1 1 1\\n1 1 1\\n1 1 1").denominator
    9
    """
    return _build(_Reader(text, filename))


def parse_matrix(text: str, *, filename: str | None = None) -> Kernel:
    """A kernel from a libvips matrix: as `parse`, but without headers the first row always is `W H [scale [offset]]`."""
    reader = _Reader(text, filename)
    return _build(reader, matrix=not reader.headers)


def load(path) -> Kernel:
    """A kernel from a file: text as `parse` reads it, a libvips matrix (`.mat`), CSV, `.npy`, or a picture.

    A picture's grey levels are the weights, normalised to sum 1.

    Raises
    ------
    FileError
        There is no such file, or it can't be opened.
    KernelError
        It holds no kernel.
    """
    from .kernel_load import load

    return load(path)


def write(kernel: Kernel) -> str:
    """The kernel as text that reads back equal: weights, anchor, offset, cells left out, name and source.

    Weights with a common denominator are written as whole numbers and `divisor:`, others with the digits float64 needs.
    """
    if kernel.shape[0] * kernel.shape[1] > MAX_TAPS:
        raise KernelError(f"a kernel of {kernel.shape[0]} x {kernel.shape[1]} is too large for a kernel file")
    lines = []
    for key, value in (("name", kernel.name), ("source", kernel.source)):
        if value is not None:
            lines.append(f"{key}: {_quoted(str(value))}")
    if kernel.anchor != (kernel.shape[0] // 2, kernel.shape[1] // 2):
        lines.append(f"anchor: {kernel.anchor[0]} {kernel.anchor[1]}")
    if kernel.offset:
        lines.append(f"offset: {format_fraction(Fraction(kernel.offset))}")
    # weights recognised as fractions may lie a few ulp beside them: then only their digits read back equal
    whole = kernel.numerators is not None and np.array_equal(kernel.numerators / kernel.denominator, kernel.weights)
    if whole and kernel.denominator != 1:
        lines.append(f"divisor: {kernel.denominator}")
    rows = (kernel.numerators if whole else kernel.weights).tolist()
    cells = [[str(number) if whole else format_float(number) for number in row] for row in rows]
    if kernel.included is not None:
        for row, column in np.argwhere(~kernel.included).tolist():
            cells[row][column] = "-"
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines += [" ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    plain = value and value.isprintable() and value == value.strip() and value[0] != '"' and "#" not in value
    return value if plain else json.dumps(value, ensure_ascii=not value.isprintable())


def shown(text: str, limit: int = 43) -> str:
    """Text in quotes, on one line whatever it holds, cut where it is long."""
    return repr(text if len(text) <= limit else text[: limit - 3] + "...")


def place(filename: str | None) -> str:
    """The beginning of an error message: the file, on one line whatever its name, or `kernel` for text without one."""
    return "kernel" if filename is None else "".join(c if c.isprintable() else "?" for c in str(filename))


@dataclass
class _Row:
    """A row of numbers not yet read: its line (from 1), its text and how many characters of the line precede it."""

    line: int
    text: str
    start: int = 0
    tokens: list[str] = field(default_factory=list)

    def column(self, index: int) -> int:
        """The column (from 1) of the token `index`; behind the last one where there are fewer."""
        starts = [token.start() for token in _TOKEN.finditer(self.text)]
        return self.start + 1 + (starts[index] if index < len(starts) else len(self.text.rstrip(" \t,;")))


class _Reader:
    """Text taken apart into headers, an ImageMagick geometry and rows; the numbers themselves are read on demand."""

    def __init__(self, text: str, filename: str | None):
        self.filename = filename
        self.headers: dict[str, tuple[int, int, str]] = {}  # key: line, column, value
        self.geometry: re.Match | None = None
        self.rows: list[_Row] = []
        self.known: dict[str, Fraction | None] = {}  # kernels repeat their numbers
        if "\0" in text:
            raise KernelError(f"{place(filename)}: not a text file (it holds NUL bytes); expected rows of numbers")
        lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for number, line in enumerate(lines, 1):
            header = _HEADER.match(line)
            if header:
                self._header(number, line, header)
            elif data := line.partition("#")[0].rstrip():
                self._data(number, data)
        if not self.rows:
            raise KernelError(f"{place(filename)}: line {len(lines)}, column {len(lines[-1]) + 1}: read the end, expected rows of numbers")
        self._split()

    def fail(self, line: int, column: int, read: str, expected: str):
        raise KernelError(f"{place(self.filename)}: line {line}, column {column}: read {read}, expected {expected}")

    def _header(self, line: int, text: str, match: re.Match) -> None:
        key = match[1].lower()
        column = match.start(1) + 1
        if key not in HEADERS:
            known = ", ".join(f"{k}:" for k in HEADERS)
            self.fail(line, column, shown(match[1] + ":"), f"a number or one of the headers {known}{nearest(key, HEADERS)}")
        if self.rows:
            self.fail(line, column, shown(match[1] + ":"), "headers before the rows of numbers")
        if key in self.headers:
            self.fail(line, column, f"a second {shown(match[1] + ':')}", f"one alone (the first is in line {self.headers[key][0]})")
        value = text[match.end() :]
        column = match.end() + 1 + len(value) - len(value.lstrip())
        value = value.strip()
        if key in ("name", "source"):
            value = self._words(line, column, value)
        else:
            value = value.partition("#")[0].rstrip()
        self.headers[key] = (line, column, value)

    def _words(self, line: int, column: int, value: str) -> str:
        if not value.startswith('"'):
            return _COMMENT.sub("", value, count=1).rstrip()
        try:
            words, end = json.JSONDecoder().raw_decode(value)
        except ValueError:
            self.fail(line, column, shown(value), 'text in quotation marks to end with one; inside, \\" and \\\\')
        if value[end:].strip() and not value[end:].lstrip().startswith("#"):
            self.fail(line, column + end, shown(value[end:].strip()), "the end of the line after the quotation marks")
        return words

    def _data(self, line: int, text: str) -> None:
        start = 0
        if not self.rows and (match := _GEOMETRY.match(text)):
            self.geometry = match
            start = match.end()
        if len(self.rows) == MAX_SIDE:
            self.fail(line, 1, "one more row", f"at most {MAX_SIDE}")
        self.rows.append(_Row(line, text[start:], start))

    def _split(self) -> None:
        """Rows into tokens; one line with semicolons and blanks or commas into rows."""
        first = self.rows[0]
        line = first.text.strip(" \t;")
        if self.geometry is None and len(self.rows) == 1 and ";" in line and _BLANK_OR_COMMA.search(line):
            start, pieces = first.start, first.text.rstrip(" \t").removesuffix(";").split(";")
            self.rows = []
            for piece in pieces:
                self.rows.append(_Row(first.line, piece, start))
                start += len(piece) + 1
        total = 0
        for index, row in enumerate(self.rows):
            if match := _MISSING.search(row.text):
                at = match.start(1) if match[1] else match.start(2)
                self.fail(row.line, row.start + at + 1, shown(row.text[at]), "a number before it")
            row.tokens = row.text.replace(",", " ").replace(";", " ").split()
            if not row.tokens and not (self.geometry and index == 0):
                self.fail(row.line, row.start + len(row.text) + 1, "the end of an empty row", "numbers")
            total += len(row.tokens)
            if total > MAX_TAPS or (not self.geometry and len(row.tokens) > MAX_SIDE):
                self.fail(row.line, 1, f"{len(row.tokens)} numbers", f"a kernel of at most {MAX_SIDE} on a side and {MAX_TAPS} in all")

    def numbers(self, row: _Row) -> list[Fraction | None]:
        """The row's weights, None for cells that are no part of the kernel."""
        known = self.known
        for index, token in enumerate(row.tokens):
            if token not in known:
                known[token] = None if token.lower() in ("nan", "-") else self.number(token, row.line, lambda i=index: row.column(i))
        return [known[token] for token in row.tokens]

    def number(self, token: str, line: int, column) -> Fraction:
        try:
            return parse_number(token)
        except NumberError as error:
            self.fail(line, column() if callable(column) else column, shown(token), str(error))

    def header_numbers(self, key: str, count: int) -> list[Fraction] | None:
        """The numbers of a header, None where there is no such header."""
        if key not in self.headers:
            return None
        line, column, value = self.headers[key]
        row = _Row(line, value, column - 1, value.replace(",", " ").split())
        if len(row.tokens) != count:
            expected = "a number" if count == 1 else "a row and a column, counted from 0"
            self.fail(line, column, shown(value) if value else "the end of the line", f"{expected} after {key}:")
        return [self.number(token, line, row.column(index)) for index, token in enumerate(row.tokens)]

    def flag(self, key: str) -> bool:
        line, column, value = self.headers.get(key, (0, 0, "no"))
        if value.lower() not in WORDS:
            self.fail(line, column, shown(value) if value else "the end of the line", f"yes or no after {key}:")
        return WORDS[value.lower()]


def _build(reader: _Reader, matrix: bool = False) -> Kernel:
    """The kernel of a text taken apart."""
    scale, offset, anchor = Fraction(1), Fraction(0), None
    if reader.geometry is not None:
        rows, anchor = _imagemagick(reader)
    elif matrix or _looks_like_matrix(reader.rows):
        rows, scale, offset = _libvips(reader)
    else:
        rows = [reader.numbers(row) for row in reader.rows]
        _check_lengths(reader, reader.rows, len(rows[0]), f"as the first row (line {reader.rows[0].line})")
    for key in ("scale", "divisor"):
        if factor := reader.header_numbers(key, 1):
            if key == "divisor" and factor[0] == 0:
                reader.fail(*reader.headers[key][:2], shown(reader.headers[key][2]), "a divisor other than 0")
            scale = scale * factor[0] if key == "scale" else scale / factor[0]
    if added := reader.header_numbers("offset", 1):
        offset += added[0]
    if at := reader.header_numbers("anchor", 2):
        anchor = _anchor(reader, at, (len(rows), len(rows[0])))
    return _assemble(reader, rows, scale, offset, anchor)


def _assemble(reader: _Reader, rows, scale: Fraction, offset: Fraction, anchor) -> Kernel:
    where = place(reader.filename)
    included = None
    if any(weight is None for row in rows for weight in row):
        included = [[weight is not None for weight in row] for row in rows]
        rows = [[weight or Fraction(0) for weight in row] for row in rows]
    scaled = {weight: weight * scale for weight in {weight for row in rows for weight in row}}
    try:
        floats = {weight: float(product) for weight, product in scaled.items()}
    except OverflowError:
        raise KernelError(f"{where}: a weight times the scale is larger than float64 can hold, 1.8e308") from None
    values = scaled if _common_denominator(scaled.values()) else floats
    weights = [[values[weight] for weight in row] for row in rows]
    words = {key: reader.headers[key][2] or None for key in ("name", "source") if key in reader.headers}
    if '""' in (text := words.get("name"), words.get("source")):  # pragma: no cover
        raise AssertionError(text)
    try:
        kernel = Kernel(weights, anchor=anchor, offset=offset, included=included, **words)
        return kernel.normalized() if reader.flag("normalize") else kernel
    except KernelError as error:
        raise KernelError(str(error) if str(error).startswith(f"{where}: ") else f"{where}: {error}") from None


def _common_denominator(weights) -> bool:
    """Whether whole numbers over one denominator hold the weights; stops before the denominator grows without end."""
    denominator = 1
    for weight in weights:
        denominator = math.lcm(denominator, weight.denominator)
        if denominator >= LARGEST_INTEGER:
            return False
    return True


def _check_lengths(reader: _Reader, rows: list[_Row], count: int, why: str) -> None:
    for row in rows:
        if len(row.tokens) != count:
            reader.fail(row.line, row.column(count), f"a row of {len(row.tokens)} numbers", f"{count}, {why}")


def _anchor(reader: _Reader, at: list[Fraction], shape: tuple[int, int]) -> tuple[int, int]:
    line, column, value = reader.headers["anchor"]
    if not all(a.denominator == 1 and 0 <= a < size for a, size in zip(at, shape, strict=True)):
        reader.fail(line, column, shown(value), f"a row from 0 to {shape[0] - 1} and a column from 0 to {shape[1] - 1}")
    if reader.geometry is not None and reader.geometry[3]:
        reader.fail(line, column, shown(value), "the anchor once (the ImageMagick string has its own)")
    return int(at[0]), int(at[1])


def _imagemagick(reader: _Reader):
    """Rows and anchor of `WxH[+X+Y]: numbers`."""
    geometry, line = reader.geometry, reader.rows[0].line
    width, height = int(geometry[1]), int(geometry[2] or geometry[1])
    column = geometry.start(1) + 1
    if geometry[4]:
        reader.fail(line, geometry.start(4) + 1, shown(geometry[4]), "one kernel (imconv doesn't expand rotations)")
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE and width * height <= MAX_TAPS):
        reader.fail(line, column, shown(geometry[0].strip()), f"a kernel of at most {MAX_SIDE} on a side and {MAX_TAPS} in all")
    anchor = ((height - 1) // 2, (width - 1) // 2)
    if geometry[3]:
        x, y = (int(n) for n in re.findall(r"[+-][0-9]+", geometry[3]))
        if not (0 <= x < width and 0 <= y < height):
            reader.fail(line, geometry.start(3) + 1, shown(geometry[3]), f"an origin from +0+0 to +{width - 1}+{height - 1}")
        anchor = (y, x)
    weights = [weight for row in reader.rows for weight in reader.numbers(row)]
    if len(weights) != width * height:
        last = reader.rows[-1]
        reader.fail(last.line, last.column(len(last.tokens)), f"{len(weights)} numbers", f"{width * height} for a {width}x{height} kernel")
    return [weights[at : at + width] for at in range(0, len(weights), width)], anchor


def _looks_like_matrix(rows: list[_Row]) -> bool:
    head = rows[0].tokens
    if len(rows) == 1 or not 2 <= len(head) <= 4 or not (_WHOLE.fullmatch(head[0]) and _WHOLE.fullmatch(head[1])):
        return False
    width, height = int(head[0]), int(head[1])
    return width != len(head) and height == len(rows) - 1 and all(len(row.tokens) == width for row in rows[1:])


def _libvips(reader: _Reader):
    """Rows, scale and offset of `W H [scale [offset]]` and its rows."""
    head, body = reader.rows[0], reader.rows[1:]
    if not 2 <= len(head.tokens) <= 4:
        reader.fail(head.line, head.column(0), f"{len(head.tokens)} numbers", "a libvips matrix's first line, width height [scale [offset]]")
    for index, token in enumerate(head.tokens[:2]):
        if not _WHOLE.fullmatch(token):
            reader.fail(head.line, head.column(index), shown(token), "a libvips matrix's width and height, whole numbers from 1")
    width, height = int(head.tokens[0]), int(head.tokens[1])
    scale, offset = Fraction(1), Fraction(0)
    if len(head.tokens) > 2:
        scale = reader.number(head.tokens[2], head.line, head.column(2))
        if scale == 0:
            reader.fail(head.line, head.column(2), shown(head.tokens[2]), "a scale other than 0 (it divides)")
    if len(head.tokens) > 3:
        offset = reader.number(head.tokens[3], head.line, head.column(3))
    rows = [reader.numbers(row) for row in body]
    _check_lengths(reader, body, width, f"the width in line {head.line}")
    if len(body) != height:
        last = reader.rows[min(len(body), height + 1)]
        at = (last.line, 1) if len(body) > height else (last.line, last.column(len(last.tokens)))
        reader.fail(*at, f"{len(body)} rows of numbers", f"{height}, the height in line {head.line}")
    return rows, 1 / scale, offset
