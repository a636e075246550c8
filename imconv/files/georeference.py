"""Where a picture lies on the ground, as GeoTIFF tags say it, adjusted to the grid of a filter's result.

GeoTIFF 1.1 (OGC 19-008r4), 7.2.2 and B.6: model coordinates follow from raster coordinates (I, J, K), columns first, by a
scale and a tie point, or by a matrix, or by interpolation between tie points. With PixelIsArea, the default, whole raster
coordinates are corners of pixels; with PixelIsPoint they are their middles.
"""

from __future__ import annotations

import math
import struct
from fractions import Fraction

from ..geometry.grid import SAME, Grid
from .tags import Entry, new_entry

SCALE, TIE_POINTS, MATRIX, KEYS, KEY_NUMBERS, KEY_TEXTS, RPC = 33550, 33922, 34264, 34735, 34736, 34737, 50844
TAGS = frozenset((SCALE, TIE_POINTS, MATRIX, KEYS, KEY_NUMBERS, KEY_TEXTS, RPC))
_RASTER_TYPE, _PIXEL_IS_POINT = 1025, 2  # a geo key and one of its values
_DOUBLE = 12
_RPC_VALUES = 92
_ROW_OFFSET, _COLUMN_OFFSET, _ROW_SCALE, _COLUMN_SCALE = 2, 3, 7, 8  # among the values of RPC

Matrix = list[list[Fraction]]


def moved(tags: dict[int, Entry], grid: Grid | None) -> dict[int, Entry]:
    """The georeferencing among `tags`, little-endian, of a picture whose pixels lie on `grid` among those of the file.

    Every number is computed exactly and rounded once. Raises ValueError with the reason where that can't be done.
    """
    found = {tag: entry for tag, entry in tags.items() if tag in TAGS}
    if not found or grid == SAME:
        return found
    if grid is None:
        raise ValueError("the result's pixels have no place in it")
    raster = _raster(grid, Fraction(0) if _is_point(found.get(KEYS)) else Fraction(1, 2))
    scale, points, matrix = (_numbers(found.pop(tag, None)) for tag in (SCALE, TIE_POINTS, MATRIX))
    rpc = _numbers(found.pop(RPC, None))
    if scale is not None and (len(scale) != 3 or 0 in scale[:2] or points is None):
        raise ValueError("it is damaged")
    if points is not None and (not points or len(points) % 6):
        raise ValueError("it is damaged")
    if matrix is not None:
        found[MATRIX] = _doubles(_times(_square(matrix), raster))
    if scale is not None and points is not None and grid.steps is None:
        if len(points) != 6:
            raise ValueError("the result is turned or mirrored")
        found.setdefault(MATRIX, _doubles(_times(_by_scale(scale, points), raster)))
    elif scale is not None and points is not None:
        down, along = grid.steps or (1, 1)
        found[SCALE] = _doubles([[scale[0] * along, scale[1] * down, scale[2]]])
        lone = len(points) == 6 and min(scale[:2]) > 0
        found[TIE_POINTS] = _doubles([_moved_ground(scale, points, raster) if lone else _moved_raster(points, raster)])
    elif points is not None:
        found[TIE_POINTS] = _doubles([_moved_raster(points, raster)])
    if rpc is not None:
        found[RPC] = _doubles([_moved_rpc(rpc, grid)])
    return found


def _numbers(entry: Entry | None) -> list[Fraction] | None:
    if entry is None:
        return None
    if entry.type != _DOUBLE:
        raise ValueError("it is damaged")
    values = struct.unpack(f"<{entry.count}d", entry.data)
    if not all(map(math.isfinite, values)):
        raise ValueError("it is damaged")
    return [Fraction(value) for value in values]


def _doubles(rows) -> Entry:
    try:
        return new_entry(_DOUBLE, *(float(value) for row in rows for value in row))
    except OverflowError:
        raise ValueError("its numbers would be too large") from None


def _is_point(keys: Entry | None) -> bool:
    """Whether whole raster coordinates are the middles of pixels, by a directory of geo keys."""
    if keys is None or keys.type != 3:
        return False
    values = struct.unpack(f"<{keys.count}H", keys.data)
    rows = (values[at : at + 4] for at in range(4, len(values) - 3, 4))
    return any(key == _RASTER_TYPE and not place and value == _PIXEL_IS_POINT for key, place, _, value in rows)


def _raster(grid: Grid, middle: Fraction) -> Matrix:
    """The matrix from raster coordinates of the result to those of the file; `middle` are those of the first pixel's."""

    def line(b, a, c) -> list[Fraction]:
        return [Fraction(a), Fraction(b), Fraction(0), c + middle * (1 - a - b)]

    zero, one = Fraction(0), Fraction(1)
    return [line(*grid.columns), line(*grid.rows), [zero, zero, one, zero], [zero, zero, zero, one]]


def _square(numbers: list[Fraction]) -> Matrix:
    if len(numbers) != 16:
        raise ValueError("it is damaged")
    return [numbers[at : at + 4] for at in range(0, 16, 4)]


def _times(first: Matrix, second: Matrix) -> Matrix:
    columns = list(zip(*second, strict=True))
    return [
        [sum((a * b for a, b in zip(row, column, strict=True)), Fraction(0)) for column in columns] for row in first
    ]


def _by_scale(scale: list[Fraction], point: list[Fraction]) -> Matrix:
    """The matrix that a scale and a tie point stand for: rows are counted downwards, ground coordinates upwards."""
    steps = scale[0], -scale[1], scale[2]
    rows = [[step if i == j else Fraction(0) for j in range(3)] for i, step in enumerate(steps)]
    starts = (point[3 + i] - step * point[i] for i, step in enumerate(steps))
    last = [Fraction(0), Fraction(0), Fraction(0), Fraction(1)]
    return [*([*row, start] for row, start in zip(rows, starts, strict=True)), last]


def _moved_ground(scale: list[Fraction], point: list[Fraction], raster: Matrix) -> list[Fraction]:
    """A tie point of the same raster coordinates, as many readers expect 0, 0, with those on the ground moved."""
    place = [*point[:3], Fraction(1)]
    ground = _times(_times(_by_scale(scale, point), raster), [[value] for value in place])
    return [*point[:3], *(value for (value,) in ground[:3])]


def _moved_raster(points: list[Fraction], raster: Matrix) -> list[Fraction]:
    """Tie points of the same ground coordinates, with those in the raster moved."""
    (a, b, _, c), (d, e, _, f) = raster[:2]
    size = a * e - b * d
    result = []
    for at in range(0, len(points), 6):
        x, y = points[at] - c, points[at + 1] - f
        result += [(e * x - b * y) / size, (a * y - d * x) / size, *points[at + 2 : at + 6]]
    return result


def _moved_rpc(values: list[Fraction], grid: Grid) -> list[Fraction]:
    """Rational polynomials, whose rows and columns are counted from the middle of the first pixel, whatever the keys say."""
    if len(values) != _RPC_VALUES:
        raise ValueError("it is damaged")
    if grid.steps is None:
        raise ValueError("the result is turned or mirrored")
    for step, start, offset, scale in zip(
        grid.steps,
        (grid.rows[2], grid.columns[2]),
        (_ROW_OFFSET, _COLUMN_OFFSET),
        (_ROW_SCALE, _COLUMN_SCALE),
        strict=True,
    ):
        values[offset] = (values[offset] - start) / step
        values[scale] /= step
    return values
