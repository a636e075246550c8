"""Formats traces as text and as JSON."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from .parts import as_float

WIDEST = 100  # most characters of tables side by side
DIGITS, CELL_DIGITS = 10, 6
LARGEST = 25  # most rows or columns of a table that is shown as a whole
SHOWN = 15  # rows and columns that are shown of a larger table, around its marked cell


def as_json(parts: list) -> list[dict]:
    """A trace for JSON: whole numbers as integers, others as floats; None for infinity, NaN and taps that are left out."""

    def plain(value):
        if isinstance(value, dict):
            return {name: plain(each) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [plain(each) for each in value]
        if isinstance(value, Fraction):
            return int(value) if value.denominator == 1 else plain(as_float(value))
        if isinstance(value, float) and not math.isfinite(value):
            return None
        return int(value) if isinstance(value, bool) else value

    return [
        plain({"title": part.title, **part.place, "channels": [each.as_dict() for each in part.channels]})
        for part in parts
    ]


def text(parts: list) -> str:
    """A trace as text: for each part its tables side by side, then the steps with their values."""
    lines: list[str] = []
    for part in parts:
        lines += [""] * bool(lines) + ([f"-- {part.title}"] if part.title else [])
        if part.place:
            lines += [f"rows     {positions(part.place['rows'])}", f"columns  {positions(part.place['columns'])}"]
        for each in part.channels:
            lines += [""] * bool(lines) + [f"channel {each.channel}" + (f" ({each.remark})" if each.remark else "")]
            lines += blocks(each.tables, each.marks)
            steps = [*each.steps, *([] if each.result is None else [("result", each.result)])]
            width = max((len(name) for name, _ in steps), default=0)
            lines += [f"{name:<{width}}  {shown(value)}" for name, value in steps]
    return "\n".join(lines)


def positions(numbers: list[int]) -> str:
    """The rows or columns under a window as text, -1 as "outside"; of many only the first and the last."""
    if len(numbers) > LARGEST:
        return f"{positions(numbers[:2])} ... {positions(numbers[-2:])}"
    return " ".join("outside" if n < 0 else str(n) for n in numbers)


def blocks(tables: dict, marks: dict | None = None) -> list[str]:
    """Lines of text with tables side by side, or below each other if that is too wide; None is shown as `-`.

    A table's marked cell is put in brackets, and of a large table the part around it is shown. Empty tables are left out.
    """
    found = []
    for title, cells in tables.items():
        if not cells:
            continue
        title, cells, mark = _middle(title, cells, (marks or {}).get(title))
        words = [["-" if cell is None else shown(cell, CELL_DIGITS) for cell in row] for row in cells]
        width = max(len(cell) for row in words for cell in row)
        rows = [
            "".join(f"[{c:>{width}}]" if (i, j) == mark else f" {c:>{width}} " for j, c in enumerate(row))
            for i, row in enumerate(words)
        ]
        broad = max(len(title), *map(len, rows))
        found.append([line.ljust(broad) for line in (title, *rows)])
    if sum(len(block[0]) + 3 for block in found) > WIDEST or len({len(block) for block in found}) > 1:
        return [line.rstrip() for block in found for line in block]
    return ["   ".join(parts).rstrip() for parts in zip(*found, strict=True)]


def _middle(title: str, cells: list, mark) -> tuple[str, list, tuple | None]:
    """The title, cells and mark of a table; of a large one the part around its mark, or its middle."""
    shape = len(cells), len(cells[0])
    mark = None if mark is None else tuple(mark)
    if max(shape) <= LARGEST:
        return title, cells, mark
    centre = mark or (shape[0] // 2, shape[1] // 2)
    kept = [min(size, SHOWN) for size in shape]
    row, column = (min(max(c - n // 2, 0), size - n) for c, n, size in zip(centre, kept, shape, strict=True))
    cells = [line[column : column + kept[1]] for line in cells[row : row + kept[0]]]
    title = f"{title} ({kept[0]} x {kept[1]} of {shape[0]} x {shape[1]})"
    return title, cells, mark and (mark[0] - row, mark[1] - column)


def shown(value, digits: int = DIGITS) -> str:
    """A number as text: all digits of a whole number, else `digits` significant digits."""
    if isinstance(value, bool | np.bool_):
        return str(int(value))
    if isinstance(value, Fraction) and value.denominator == 1:
        return str(value.numerator)
    return str(value) if isinstance(value, int) else f"{as_float(value):.{digits}g}"
