"""Tables for the dense and separable loops. The loops only follow them: every decision is made here, once for each plan.

The loops compute several output rows together. With stride s and dilation d of the rows, output rows `lcm(s, d) / s` apart read
the same source rows: the sources of each are `lcm(s, d)` rows below those of the one before. Such rows are computed together.
The kernel's rows fall into `lcm(s, d) / d` classes, and only rows of one class share sources.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ...engine.buffers import LARGEST_LANES, aligned_lines
from ...geometry.axis import Axis, effective_size
from ...loops.sizes import DENSE_ROWS
from .exactness import Runs


def row_step(rows: Axis) -> int:
    """The distance between output rows that are computed together, because they read the same source rows."""
    return math.lcm(rows.stride, rows.dilation) // rows.stride


def ring_lines(rows: Axis) -> int:
    """How many lines hold all padded rows that DENSE_ROWS output rows read."""
    return (DENSE_ROWS - 1) * row_step(rows) * rows.stride + effective_size(rows.taps, rows.dilation)


def line_length(plan) -> int:
    """Samples of a line buffer: the padded row, or the picture's row if that is longer, and room for one vector."""
    columns = plan.columns
    return max(columns.span, max(columns.before, 0) + columns.size) * plan.channels + LARGEST_LANES


def line_places(plan) -> np.ndarray:
    """Where in a line (see loops/line.py) each tap of a row begins to read: int64 (taps,)."""
    columns = plan.columns
    at = np.arange(columns.taps) * columns.dilation
    phase, place = at % columns.stride, at // columns.stride
    before = phase * (columns.span // columns.stride) + np.minimum(phase, columns.span % columns.stride)
    return (before + place) * plan.channels


def visits(axis: Axis, together: int) -> Iterator[tuple[int, list[int | None], list[int | None]]]:
    """Yield the padded source rows that `together` output rows, computed at once, read.

    Yields (row, taps, order). `taps[r]`: the tap that output row r applies to this source row, None if none. `order[r]`: the
    position of that tap in the order in which output row r adds its taps, from 0.
    """
    common = math.lcm(axis.stride, axis.dilation)
    classes = common // axis.dilation
    before = 0
    for start in range(min(classes, axis.taps)):
        taps = range(start, axis.taps, classes)
        for j in range(len(taps) + together - 1):
            steps = [j - r if 0 <= j - r < len(taps) else None for r in range(together)]
            own = [None if i is None else taps[i] for i in steps]
            yield start * axis.dilation + j * common, own, [None if i is None else before + i for i in steps]
        before += len(taps)


def flushes(steps: list[int | None], runs: Runs, products: int = 1) -> int:
    """A bit for each output row whose running sum ends after this step, and higher bits for rows whose group ends.

    `steps` holds the number of the step for each output row, from 0, or None; a step adds `products` products.
    """
    run = max(1, runs.run // products) if runs.run else 0
    group = max(1, round(runs.group / runs.run)) * run if runs.group else 0
    bits = 0
    for r, step in enumerate(steps):
        if step is not None and run and (step + 1) % run == 0:
            bits |= 1 << r | (1 << r + len(steps) if group and (step + 1) % group == 0 else 0)
    return bits


def lines_aside(dtype: str, together: int) -> np.ndarray:
    """Buffers for the second and third sums (see exactness.Runs) of `together` output rows."""
    return aligned_lines(2 * together, LARGEST_LANES, dtype)
