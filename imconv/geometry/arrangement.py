"""Where pictures of one size lie on a contact sheet, and how many make a row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

GAP = 4  # pixels between two maps


def columns_for(count: int, shape: Sequence[int]) -> int:
    """How many of `count` maps to put in a row: the sheet is nearly square, has few empty places, and is rather wide than high."""

    def cost(columns: int) -> tuple[float, int, int]:
        rows = -(-count // columns)
        empty = rows * columns - count
        height, width = rows * max(shape[0], 1), columns * max(shape[1], 1)
        return max(height / width, width / height) * (1 + empty), empty, -columns

    return min(range(1, count + 1), key=cost)


def layout(
    count: int, shape: tuple[int, int], columns: int, gap: int = GAP
) -> tuple[list[tuple[slice, slice]], tuple[int, int]]:
    """The slices of a sheet for each of `count` maps of a shape (rows, columns), and the sheet's shape."""
    height, width = shape
    columns = min(columns, count)
    rows = -(-count // columns)
    places = [
        np.s_[y * (height + gap) : y * (height + gap) + height, x * (width + gap) : x * (width + gap) + width]
        for y, x in (divmod(number, columns) for number in range(count))
    ]
    return places, (rows * (height + gap) - gap, columns * (width + gap) - gap)
