"""`Footprint`: which pixels around a pixel belong to the window of a rank or morphology filter; and ranks of percentiles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from ...errors import OptionError, nearest
from ...geometry.sizes import MAX_SIDE, parse_pair, parse_window_size
from ...geometry.symmetry import only_exchanged
from ...kernel.kernel import Kernel
from ...lazy import cached_property


def _disk(y, x, ry, rx):
    return (y * rx) ** 2 + (x * ry) ** 2 <= 4 * (rx * ry) ** 2


def _ring(y, x, ry, rx):
    return _disk(y, x, ry, rx) & ~(_disk(y, x, ry - 1, rx - 1) if min(ry, rx) > 1 else (y == 0) & (x == 0) & (ry > 0))


# name: a function that says which cells belong to it. y and x are distances from the centre in half pixels, ry and rx are
# size // 2 in pixels.
SHAPES: dict[str, Callable] = {
    "square": lambda y, x, ry, rx: (y == y) & (x == x),
    "disk": _disk,
    "plus": lambda y, x, ry, rx: (abs(y) < 2) & (x == x) | (abs(x) < 2) & (y == y),
    "diamond": lambda y, x, ry, rx: abs(y) * rx + abs(x) * ry <= 2 * rx * ry,
    "cross": lambda y, x, ry, rx: abs(y) * rx == abs(x) * ry,
    "ring": _ring,
}


@dataclass(frozen=True)
class Footprint:
    """The cells of a window (rows, columns). The anchor is the cell over the pixel.

    `mask` has a byte for each cell, row by row: whether it belongs to the footprint. None if all do.
    """

    shape: tuple[int, int]
    anchor: tuple[int, int]
    mask: bytes | None = None
    name: str = "square"

    @cached_property
    def cells(self) -> np.ndarray:
        """Which cells belong to the footprint: bool (rows, columns)."""
        if self.mask is None:
            return np.ones(self.shape, bool)
        return np.frombuffer(self.mask, bool).reshape(self.shape)

    @cached_property
    def count(self) -> int:
        """How many cells belong to the footprint."""
        return int(self.cells.sum())

    @property
    def symmetric(self) -> bool:
        """Whether turning by 90 degrees and mirroring, about the anchor, leave the footprint as it is."""
        centred = all(2 * place + 1 == size for place, size in zip(self.anchor, self.shape, strict=True))
        return centred and only_exchanged([self.cells])

    def flipped(self) -> Footprint:
        """The footprint rotated by 180 degrees about its anchor; dilation uses it, as convolution uses a rotated kernel."""
        anchor = (self.shape[0] - 1 - self.anchor[0], self.shape[1] - 1 - self.anchor[1])
        return Footprint(self.shape, anchor, self.mask and self.mask[::-1], self.name)

    def __str__(self) -> str:
        rows, columns = self.shape
        of = f", {self.count} of {rows * columns} cells" if self.mask is not None else ""
        return f"{self.name} {rows} x {columns}{of}, anchor {self.anchor[0]},{self.anchor[1]}"


def make_footprint(size=None, shape="square", anchor=None) -> Footprint:
    """Make the footprint of a size and a shape.

    Parameters
    ----------
    size : int, (rows, columns) or str such as "3x5"
        Required with a named shape, refused with cells of the caller's own.
    shape : str, array (rows, columns) or Kernel
        A name of SHAPES, or cells: those that are 0, NaN or left out of a Kernel do not belong to the footprint.
    anchor : (row, column), optional
        Default: `size // 2`, or a Kernel's own.

    Raises OptionError for an unknown name, a missing size, or a footprint without cells.

    >>> print(make_footprint(5, "disk").cells.astype(int))
    [[0 0 1 0 0]
     [0 1 1 1 0]
     [1 1 1 1 1]
     [0 1 1 1 0]
     [0 0 1 0 0]]
    """
    if isinstance(shape, str):
        found = _named(None if size is None else parse_window_size(size), shape)
    elif size is not None:
        raise OptionError("a shape of your own has its size; leave out size=")
    else:
        found = _of_cells(_own(shape), "own shape", shape.anchor if isinstance(shape, Kernel) else None)
    if anchor is None:
        return found
    (rows, columns), place = found.shape, parse_pair(anchor, "anchor", least=0, order="row,column")
    if not (place[0] < rows and place[1] < columns):
        raise OptionError(
            f"anchor {place[0]},{place[1]} (row,column) is outside the shape of {rows} rows and {columns} columns"
        )
    return replace(found, anchor=place)


def _of_cells(cells: np.ndarray, name: str, anchor: tuple[int, int] | None = None) -> Footprint:
    rows, columns = cells.shape
    mask = None if cells.all() else cells.tobytes()
    return Footprint(cells.shape, anchor or (rows // 2, columns // 2), mask, name)


@lru_cache(maxsize=64)
def _named(size: tuple[int, int] | None, shape: str) -> Footprint:
    name = shape.strip().lower()
    inside = SHAPES.get(name)
    if inside is None:
        raise OptionError(f"unknown shape {shape!r}; it is one of {', '.join(SHAPES)}{nearest(shape.lower(), SHAPES)}")
    if size is None:
        raise OptionError(f"a {shape} needs size=, such as size=5")
    rows, columns = size
    y, x = (np.arange(1 - n, n + 1, 2, dtype=np.int64) for n in (rows, columns))
    cells = np.broadcast_to(inside(y[:, None], x, rows // 2, columns // 2), (rows, columns))
    if not cells.any():
        raise OptionError(f"a {shape} of {rows} x {columns} has no cell; take another size=")
    return _of_cells(np.ascontiguousarray(cells), name)


def _own(shape) -> np.ndarray:
    if isinstance(shape, Kernel):
        weights = shape.weights
        cells = (weights != 0) & (True if shape.included is None else shape.included)
    else:
        try:
            if np.iscomplexobj(shape):
                raise TypeError
            cells = np.asarray(shape, np.float64)
        except (TypeError, ValueError):
            raise OptionError(f"shape must be a name, a Kernel, or rows of numbers, not {shape!r}") from None
        cells = (cells != 0) & ~np.isnan(cells)
    if cells.ndim != 2 or max(cells.shape) > MAX_SIDE or not cells.any():
        raise OptionError(f"a shape has up to {MAX_SIDE} rows and columns, and a cell that is not 0")
    return np.ascontiguousarray(cells)


def rank_of(percentile: float, count: int) -> int:
    """The rank of a percentile: how many of `count` sorted samples come before it, `int(count * percentile / 100)`.

    100 is the last sample, as in scipy.ndimage.percentile_filter. 50 is the median of scipy.ndimage.median_filter: of an even
    count, the larger of the two middle samples.
    """
    return count - 1 if percentile == 100 else int(count * percentile / 100)
