"""The box algorithm: kernels of equal weights, by running sums whose cost does not depend on the size."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from ...engine.buffers import LARGEST_LANES, aligned_lines
from ...loops.sizes import BOX_SEGMENT
from ...pixels.alpha import WEIGHTED
from ...pixels.sample_types import LARGEST_SAMPLE
from .lines import line_length, ring_lines
from .task import Algorithm, Candidate, Prepared, Task

PASS, ADDITION = 30.0, 38.0  # costs, measured as in task.py
OF_WORDS = 1.55  # factor for 16-bit samples, measured as in task.py, 2026-11-23
FLOAT_PASS, FLOAT_ADDITION = 220.0, 28.0  # measured as in task.py, 2026-11-23
RUNNING_SUMS = 6  # cost of a running sum along a row, in additions per sample; some are shuffles
# a float box sums rows one by one up to this height, and the pixels of a row up to this width
ROWS_AT_ONCE, PIXELS_AT_ONCE = 8, 8


class Box(Algorithm):
    """Uses `loops/box.py` for exact sums and `loops/float_box.py` for others. A plan's weights are one array of one element."""

    name = "box"

    def candidate(self, task: Task, factors: list) -> Candidate | None:
        # the loop keeps a line's own samples from column `before` on. Where windows begin within the picture, most are
        # smaller than the stride, and share nothing
        if len(factors) != 1 or not task.undilated or task.columns.before < 0:
            return None
        column, row = factors[0]
        if (column != column[0]).any() or (row != row[0]).any():
            return None
        height, width = column.size, row.size
        each, addition = (PASS, ADDITION) if task.exact else (FLOAT_PASS, FLOAT_ADDITION)
        cost = each + addition * additions(height, width, task.exact) * task.columns.stride
        cost *= OF_WORDS if task.exact and task.source.itemsize == 2 else 1
        # `float_accumulator` counts a running sum of n terms as n / 2 roundings, so k roundings are entered as 2 k terms.
        # Down: one rounding in a block, one in the sum of blocks, one in the whole (6). Along: two for each level of windows (4
        # each), three when the windows are added, smallest first (6).
        levels = int(places_of(width)[:, 0].max())
        sums = (6 if block_rows(height) else height, 4 * levels + 6 if levels else width)
        return Candidate(self, cost, sums, (column[:1] * row[0],), "equal weights: running sums, whatever the size")

    def clamps(self, weights: tuple[np.ndarray, ...]) -> bool:
        return True

    def multiply_adds(self, plan) -> int:
        """As Algorithm.multiply_adds; counts additions."""
        return plan.samples * round(additions(plan.rows.taps, plan.columns.taps, plan.exact))

    def scratch(self, plan) -> int:
        item = np.dtype(plan.accumulator).itemsize
        samples = max(plan.columns.size * plan.channels, LARGEST_LANES)
        if plan.exact:
            return item * (samples + 2 * line_length(plan))
        block, levels = block_rows(plan.rows.taps), int(places_of(plan.columns.taps)[:, 0].max())
        lines = 4 + block + plan.rows.taps // block + 2 if block else 5
        return item * (lines * samples + 2 * line_length(plan) + levels * windows_at_once(plan))

    def kernel_of(self, plan) -> np.ndarray:
        return np.full((plan.rows.taps, plan.columns.taps), plan.weights[0][0])

    def least_height(self, plan) -> int:
        """As Algorithm.least_height: every band begins by reading a whole window."""
        return 2 * ring_lines(plan.rows)

    def sum_types(self, plan, fill: tuple[float, ...]) -> tuple[str, str]:
        """The narrowest types that hold an exact box's column sums, and its whole sums.

        `fill` holds the border's value for each channel.
        """
        largest = LARGEST_SAMPLE.get(plan.source)
        if largest is None or (plan.alpha in WEIGHTED and largest > 255):
            return plan.accumulator, plan.accumulator  # the products of samples and alpha are floats
        largest **= 2 if plan.alpha in WEIGHTED else 1
        if not all(0 <= value <= largest and value == int(value) for value in fill):
            return plan.accumulator, plan.accumulator
        if plan.rows.taps * plan.columns.taps * largest >= 2**32:
            return plan.accumulator, plan.accumulator
        column_fits, whole_fits = (n * largest < 2**16 for n in (plan.rows.taps, plan.rows.taps * plan.columns.taps))
        return "uint16" if column_fits else "uint32", "uint16" if whole_fits else "uint32"

    def prepare(self, plan, fill: np.ndarray) -> Prepared:
        accumulator, (height, width) = plan.accumulator, (plan.rows.taps, plan.columns.taps)
        samples = max(plan.columns.size * plan.channels, LARGEST_LANES)
        weight = np.dtype(accumulator).type(plan.weights[0][0])
        lead = plan.columns.before * plan.channels
        if plan.exact:
            column_type, sum_type = self.sum_types(plan, tuple(fill.tolist()))

            def whole_buffers():
                return aligned_lines(1, samples, column_type), aligned_lines(2, line_length(plan), sum_type, lead)

            return Prepared(
                "box.sum_box",
                {"A": accumulator, "L": sum_type, "D": column_type},
                fill,
                (height, width, weight, (height * fill).astype(sum_type)),
                whole_buffers,
            )
        block, places = block_rows(height), places_of(width) * (1, plan.channels)
        reaches = _reaches(places, plan.channels)
        kept, edge = height // block + 1 if block else 0, height * weight * fill

        def buffers():
            return (
                np.empty(5 + kept, np.int64),
                aligned_lines(2, samples, "float64"),
                aligned_lines(block, samples, accumulator),
                aligned_lines(kept + 1, samples, accumulator),
                aligned_lines(2, line_length(plan), accumulator, lead),
                aligned_lines(reaches.size, windows_at_once(plan), accumulator),
            )

        return Prepared(
            "float_box.sum_float_box",
            {"A": accumulator},
            fill,
            (height, width, weight, block, edge, reaches, places),
            buffers,
        )


def windows_at_once(plan) -> int:
    """How many windows of a level a float box sums at a time: the length of the buffer that takes them."""
    return BOX_SEGMENT + plan.columns.taps * plan.channels + 2 * LARGEST_LANES


def additions(height: int, width: int, exact: bool) -> float:
    """Additions per sample. Exact: a running sum down, doubling windows or a running sum along. Floats: blocks and windows."""
    if exact:
        return 2 + min(width.bit_length() + width.bit_count(), RUNNING_SUMS)
    block, places = block_rows(height), places_of(width)
    down = 4 + 2 * height / block**2 if block else height
    return down + 3 * int(places[:, 0].max()) + len(places)


def block_rows(height: int) -> int:
    """The height of the blocks into which a float box sums rows; 0 if it sums rows one by one."""
    return math.isqrt(2 * height) if height > ROWS_AT_ONCE else 0


@lru_cache(maxsize=64)
def places_of(width: int) -> np.ndarray:
    """The windows that add up to a float box's width: an array (n, 2) of level and place, smallest first.

    A window of level k has 4^k pixels.
    """
    if width <= PIXELS_AT_ONCE:
        return np.array([(0, k) for k in range(width)])
    found, at = [], 0
    for level in range((width.bit_length() + 1) // 2):
        for _ in range(width // 4**level % 4 if 4 ** (level + 1) <= width else width // 4**level):
            found.append((level, at))
            at += 4**level
    return np.array(found)


def _reaches(places: np.ndarray, channels: int) -> np.ndarray:
    """How many more windows of each level than results a float box needs, for results and for windows of the next level."""
    reaches = np.zeros(places[:, 0].max(), np.int64)
    for level in range(reaches.size, 0, -1):
        own = places[places[:, 0] == level, 1].max(initial=0)
        above = reaches[level] + 3 * channels * 4**level if level < reaches.size else 0
        reaches[level - 1] = max(own, above)
    return reaches
