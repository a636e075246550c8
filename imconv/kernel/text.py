"""Reads and writes kernels as text: rows of numbers with headers, ImageMagick strings, libvips matrices, CSV.

`parse` describes the format. Errors name the file, line and column, the text found there and what was expected.
"""

from __future__ import annotations

import json
import math
import re
from fractions import Fraction

import numpy as np

from ..errors import KernelError
from ..geometry.sizes import MAX_SIDE
from ..pixels.exact import common_denominator
from .number import format_float, format_fraction
from .rotations import expanded, only
from .tokens import Reader, Row, place, shown
from .weights import MAX_TAPS, KernelWeights

_WHOLE = re.compile(r"[1-9][0-9]{0,5}")


def parse(text: str, *, filename: str | None = None, matrix: bool = False) -> KernelWeights:
    """Read a kernel from text, in any of the forms that `parse_all` describes.

    Raises KernelError where the text holds no kernel, or several: rotations.

    >>> parse("0 -1 0; -1 5 -1; 0 -1 0").sum()
    1.0
    >>> parse("divisor: 9\\n1 1 1\\n1 1 1\\n1 1 1").denominator
    9
    """
    return only(parse_all(text, filename=filename, matrix=matrix), place(filename))


def parse_all(text: str, *, filename: str | None = None, matrix: bool = False) -> list[KernelWeights]:
    """Read a kernel from text, or several that are its rotations.

    Rows of numbers, separated by blanks, tabs, commas or semicolons; `#` starts a comment, blank lines are ignored, every
    row has the same length. A number is an integer, a decimal, a fraction `1/9` or a sum of those, `2-1/9`, and is kept
    exactly; `nan` or `-` alone is a cell that is left out of the kernel.

    A single line with semicolons *and* blanks or commas holds several rows, as typed on a command line:
    `0 -1 0; -1 5 -1; 0 -1 0` has three rows and `1; 2; 1` is a column, but `1;2;1` is one row.

    In a table of several lines whose numbers are separated by semicolons or tabs, as spreadsheets write it where the comma
    is decimal, `0,1;0,2` is 0.1 and 0.2; quotation marks around numbers are left out. Where commas may be either, both
    readings are named. `[[0, 1], [2, 3]]` and `[0 1; 2 3]` are rows too, and dashes count as minus signs.

    Before the rows there may be headers: `name:`, `source:`, `scale:` (multiplies the weights), `divisor:` (divides
    them), `offset:` (added to every result, in its units), `anchor: row column` (counted from 0), `normalize: yes` (scale
    the weights to sum 1). A name or source that starts with a quotation mark is a JSON string.

    ImageMagick: `WxH[+X+Y]: numbers`, on any number of lines, for W columns and H rows; X and Y are the anchor's column
    and row, default `(size - 1) // 2`. Weights stay as written: ImageMagick's Convolve rotates the kernel by 180 degrees,
    as imconv.convolve does. `3x3@:`, `3x3>:` and `3x3<:` are several kernels: see `rotations.SIGNS`.

    libvips: `W H [scale [offset]]`, then H rows of W numbers; the scale divides the weights. Text is read as a libvips
    matrix if its first row has 2 to 4 numbers that match the other rows, and its length differs from theirs. (Files
    named `.mat` or `.con` are always read as matrices.) Weights stay as written; libvips correlates.

    Parameters
    ----------
    text : str
    filename : str, optional
        Named in error messages.
    matrix : bool, default False
        Always read the first row as a libvips matrix's, unless there are headers.

    Raises
    ------
    KernelError
        The message names file, line and column (from 1), the text found there and what was expected.

    Examples
    --------
    >>> [kernel.weights.tolist() for kernel in parse_all("2x1>: 1 2")]
    [[[1.0, 2.0]], [[1.0], [2.0]], [[2.0, 1.0]], [[2.0], [1.0]]]
    """
    reader = Reader(text, filename)
    kernel = _build(reader, matrix and not reader.headers)
    if reader.geometry is None or not (sign := reader.geometry[4]):
        return [kernel]
    try:
        return expanded(kernel, sign)
    except KernelError as error:
        raise KernelError(f"{place(filename)}: {shown(sign)}: {error}") from None


def note_on(kernel: KernelWeights, text: str, anywhere: bool = True) -> str | None:
    """A remark on text that is a single row here and a square in ImageMagick: `0,-1,0,-1,5,-1,0,-1,0`; None for all other text.

    Unless `anywhere`, only on text with commas: rows of numbers between blanks are what imconv itself writes.
    """
    rows, columns = kernel.shape
    side = math.isqrt(columns)
    if rows > 1 or side < 3 or side % 2 == 0 or side**2 != columns or "\n" in text.strip() or re.search("[:;[#]", text):
        return None
    if not anywhere and "," not in text:
        return None
    start = ",".join(re.split(r"[\s,]+", text.strip("\ufeff \t\r\n,"))[:3])
    return (
        f"{columns} numbers in one row are a row here, and a square of {side} x {side} in ImageMagick: write "
        f"'{side}x{side}: {start},...' for the square, '{columns}x1: {start},...' for the row"
    )


def write(kernel: KernelWeights) -> str:
    """The kernel as text that reads back equal: weights, anchor, offset, cells left out, name and source.

    Weights with a common denominator are written as whole numbers and `divisor:`, others with all digits of a float64.
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
    rows, divisor = kernel.written()
    if divisor != 1:
        lines.append(f"divisor: {divisor}")
    cells = [["-" if number is None else format_float(number) for number in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines += [" ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    plain = value and value.isprintable() and value == value.strip() and value[0] != '"' and "#" not in value
    return value if plain else json.dumps(value, ensure_ascii=not value.isprintable())


def _build(reader: Reader, matrix: bool) -> KernelWeights:
    """Build the kernel from a text's headers and rows."""
    factor, offset, anchor = Fraction(1), Fraction(0), None
    if reader.geometry is not None:
        rows, anchor = _imagemagick(reader, reader.geometry)
    elif matrix or _looks_like_matrix(reader.rows):
        rows, factor, offset = _libvips(reader)
    else:
        first = reader.rows[0]
        rows = _plain(reader, reader.rows, len(first.tokens), f"as many as the first row has (line {first.line})")
    if scale := reader.header_numbers("scale"):
        factor *= scale[0]
    if divisor := reader.header_numbers("divisor"):
        if divisor[0] == 0:
            reader.fail(*reader.headers["divisor"][:2], shown(reader.headers["divisor"][2]), "a divisor other than 0")
        factor /= divisor[0]
    if added := reader.header_numbers("offset"):
        offset += added[0]
    if at := reader.header_numbers("anchor", 2):
        anchor = _anchor(reader, at, (len(rows), len(rows[0])))
    return _assemble(reader, rows, factor, offset, anchor)


def _assemble(reader: Reader, rows: list[list[str]], factor: Fraction, offset: Fraction, anchor) -> KernelWeights:
    """Build the kernel from rows of tokens; every weight is multiplied by `factor`."""
    where = place(reader.filename)
    used = {token for row in rows for token in row}
    exact = {token: reader.known[token] or Fraction(0) for token in used}
    if factor != 1:
        exact = {token: weight * factor for token, weight in exact.items()}
    try:
        floats = {token: float(weight) for token, weight in exact.items()}
    except OverflowError:
        raise KernelError(f"{where}: a weight times the scale is larger than float64 can hold, 1.8e308") from None
    # only fractions need a list; for whole numbers, and weights without a common denominator, an array is faster
    as_list = (common_denominator(exact.values()) or 1) > 1
    included = None
    if any(reader.known[token] is None for token in used):
        included = [[reader.known[token] is not None for token in row] for row in rows]
    normalize = reader.flag("normalize")
    try:
        weights = [[(exact if as_list else floats)[token] for token in row] for row in rows]
        kernel = KernelWeights(
            weights if as_list else np.array(weights), anchor=anchor, offset=offset, included=included, **reader.words
        )
        return kernel.normalized() if normalize else kernel
    except KernelError as error:
        raise KernelError(f"{where}: {error}") from None


def _plain(reader: Reader, rows: list[Row], count: int, why: str) -> list[list[str]]:
    """Check that every row has `count` numbers, and return their tokens; `why` ends the error message."""
    for row in rows:
        reader.check_numbers(row)
        if len(row.tokens) != count:
            numbers = "1 number" if len(row.tokens) == 1 else f"{len(row.tokens)} numbers"
            reader.fail(row.line, row.column(count), f"a row of {numbers}", f"{count}, {why}")
    return [row.tokens for row in rows]


def _anchor(reader: Reader, at: list[Fraction], shape: tuple[int, int]) -> tuple[int, int]:
    line, column, value = reader.headers["anchor"]
    if not all(a.denominator == 1 and 0 <= a < size for a, size in zip(at, shape, strict=True)):
        reader.fail(line, column, shown(value), f"a row from 0 to {shape[0] - 1} and a column from 0 to {shape[1] - 1}")
    if reader.geometry is not None and reader.geometry[3]:
        reader.fail(line, column, shown(value), "one anchor alone (the ImageMagick string has its own)")
    return int(at[0]), int(at[1])


def _imagemagick(reader: Reader, geometry: re.Match) -> tuple[list[list[str]], tuple[int, int]]:
    """The rows of tokens and the anchor of `WxH[+X+Y]: numbers`."""
    line = reader.rows[0].line
    width, height = int(geometry[1]), int(geometry[2] or geometry[1])
    if len(geometry[4]) > 1 or geometry[4] == "^":
        signs = "one of @, > and <, for rotations (^ turns nothing)"
        reader.fail(line, geometry.start(4) + 1, shown(geometry[4]), signs)
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE and width * height <= MAX_TAPS):
        largest = f"a width and a height from 1 to {MAX_SIDE}, at most {MAX_TAPS} weights in all"
        reader.fail(line, geometry.start(1) + 1, shown(geometry[0].strip()), largest)
    anchor = ((height - 1) // 2, (width - 1) // 2)
    if geometry[3]:
        x, y = (int(n) for n in re.findall(r"[+-][0-9]+", geometry[3]))
        if not (0 <= x < width and 0 <= y < height):
            reader.fail(
                line, geometry.start(3) + 1, shown(geometry[3]), f"an origin from +0+0 to +{width - 1}+{height - 1}"
            )
        anchor = (y, x)
    for row in reader.rows:
        reader.check_numbers(row)
    tokens = [token for row in reader.rows for token in row.tokens]
    if len(tokens) != width * height:
        last = reader.rows[-1]
        numbers = f"{width * height} for {width} columns and {height} rows"
        reader.fail(last.line, last.column(len(last.tokens)), f"the end after {len(tokens)} numbers", numbers)
    return [tokens[at : at + width] for at in range(0, len(tokens), width)], anchor


def _looks_like_matrix(rows: list[Row]) -> bool:
    head = rows[0].tokens
    if len(rows) == 1 or not 2 <= len(head) <= 4 or not (_WHOLE.fullmatch(head[0]) and _WHOLE.fullmatch(head[1])):
        return False
    width, height = int(head[0]), int(head[1])
    return width != len(head) and height == len(rows) - 1 and all(len(row.tokens) == width for row in rows[1:])


def _libvips(reader: Reader) -> tuple[list[list[str]], Fraction, Fraction]:
    """The rows of tokens, factor and offset of a libvips matrix."""
    head, body = reader.rows[0], reader.rows[1:]
    form = "a libvips matrix's first line: width height [scale [offset]]"
    if not 2 <= len(head.tokens) <= 4:
        reader.fail(head.line, head.column(0), f"a row of {len(head.tokens)}", form)
    for index, token in enumerate(head.tokens[:2]):
        if not _WHOLE.fullmatch(token):
            reader.fail(head.line, head.column(index), shown(token), f"a whole number from 1 in {form}")
    width, height = int(head.tokens[0]), int(head.tokens[1])
    scale, offset = Fraction(1), Fraction(0)
    if len(head.tokens) > 2:
        scale = reader.number(head, 2)
        if scale == 0:
            reader.fail(head.line, head.column(2), shown(head.tokens[2]), f"a scale other than 0 in {form}")
    if len(head.tokens) > 3:
        offset = reader.number(head, 3)
    rows = _plain(reader, body, width, f"the width in line {head.line}")
    if len(body) != height:
        last = reader.rows[min(len(body), height + 1)]
        column = 1 if len(body) > height else last.column(len(last.tokens))
        reader.fail(last.line, column, f"{len(body)} rows of numbers", f"{height}, the height in line {head.line}")
    return rows, 1 / scale, offset
