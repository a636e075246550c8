"""Equal pictures side by side on a sheet: how many in a row, and where each lies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

GAP = 4  # pixels between two maps


def columns_for(count: int, shape: Sequence[int]) -> int:
    """Maps in a row so that the sheet is nearly square, few places empty; rather wide than high."""

    def cost(columns: int) -> tuple[float, int, int]:
        rows = -(-count // columns)
        empty = rows * columns - count
        height, width = rows * max(shape[0], 1), columns * max(shape[1], 1)
        return max(height / width, width / height) * (1 + empty), empty, -columns

    return min(range(1, count + 1), key=cost)


def layout(
    count: int, shape: tuple[int, int], columns: int, gap: int = GAP
) -> tuple[list[tuple[slice, slice]], tuple[int, int]]:
    """Where each of so many maps of a shape (rows, columns) lies, and the sheet's own shape."""
    height, width = shape
    columns = min(columns, count)
    rows = -(-count // columns)
    places = [
        np.s_[y * (height + gap) : y * (height + gap) + height, x * (width + gap) : x * (width + gap) + width]
        for y, x in (divmod(number, columns) for number in range(count))
    ]
    return places, (rows * (height + gap) - gap, columns * (width + gap) - gap)
