"""The parts of a trace: a window over a picture and, for every channel, tables of cells and steps of numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from ..engine.drive import run
from ..errors import LimitError
from ..geometry.border import fill_values
from ..pixels.rounding import HALF_UP, ROUNDINGS
from ..pixels.sample_types import type_range

HALF = Fraction(1, 2)
MOST_CELLS = 1 << 18  # largest window that is traced


@dataclass(frozen=True)
class Part:
    """One step of a filter's computation at one pixel.

    `place` holds the picture's `rows` and `columns` under the window (-1 outside) and the `anchor`, the cell over the pixel,
    or None; it is empty if no window is read. `channels` holds an Account for each channel (a `linear.Trace` for linear
    filters).
    """

    title: str
    place: dict
    channels: list


@dataclass(frozen=True)
class Account:
    """The numbers of one channel.

    `tables` are rows of cells by name, with None for taps that are left out. `steps` are pairs of a name and the value then.
    `result` is the filter's own result, None if another part follows. `marks` holds the cell to mark in each table.
    """

    channel: str
    tables: dict
    steps: list
    result: object = None
    remark: str = ""
    marks: dict = field(default_factory=dict)

    def as_dict(self) -> dict:
        """The account for JSON."""
        steps = [{"step": name, "value": value} for name, value in self.steps]
        return {"channel": self.channel, **self.tables, "steps": steps, "result": self.result, "remark": self.remark}


def place_of(plan, x: int, y: int, anchor=None) -> tuple[dict, np.ndarray, np.ndarray]:
    """The place of the window of a result's pixel, and its rows and columns as arrays."""
    rows, columns = plan.rows, plan.columns
    if rows.taps * columns.taps > MOST_CELLS:
        raise LimitError(f"a window of {rows.taps} x {columns.taps} samples is too large for a trace")
    down = rows.sources(plan.border)[y * rows.stride + np.arange(rows.taps) * rows.dilation]
    along = columns.sources(plan.border)[x * columns.stride + np.arange(columns.taps) * columns.dilation]
    place = {"rows": down.tolist(), "columns": along.tolist(), "anchor": None if anchor is None else list(anchor)}
    return place, down, along


def window_of(plan, pixels: np.ndarray, rows: np.ndarray, columns: np.ndarray, opaque=None) -> np.ndarray:
    """The window as an object array (rows, columns, channels), with None for taps outside that are left out.

    `opaque` is the value of alpha outside the picture, None for pictures without alpha.
    """
    block = pixels.reshape(*pixels.shape[:2], -1)[np.ix_(np.maximum(rows, 0), np.maximum(columns, 0))]
    window = block.astype(object)
    outside = (rows < 0)[:, None] | (columns < 0)[None]
    if plan.border.mode == "normalized":
        window[outside] = None
    elif outside.any():
        window[outside] = fill_values(plan.border, window.shape[2], opaque)
    return window


def result_of(plan, pixels: np.ndarray, x: int, y: int) -> list:
    """The result's pixel as the plan computes it, a value for each channel."""
    return np.atleast_1d(run(plan, pixels)[y, x]).tolist()


def name_of(number: int, channels: int, has_alpha: bool) -> str:
    """The name of a channel in traces."""
    return "alpha" if has_alpha and number == channels - 1 else f"{number + 1} of {channels}"


def ranged(value, policy: str, target: np.dtype):
    """A value after a range policy."""
    if policy == "abs":
        return abs(value)
    if policy == "offset":
        middle = (
            Fraction(int(type_range(target)[1]) + 1, 2) if target.kind == "u" else HALF if target.kind == "f" else 0
        )
        return value + (middle if isinstance(value, int | Fraction) else float(middle))
    return value


def rounded(value, target: np.dtype, rounding: str = HALF_UP):
    """A value as it is stored in the result's type: rounded and saturated."""
    if target.kind == "f":
        with np.errstate(over="ignore"):
            return float(target.type(as_float(value)))
    low, high = (np.iinfo(target).min, np.iinfo(target).max) if target.kind in "iu" else (0, 1)
    if not math.isfinite(value):
        return 0 if math.isnan(value) else high if value > 0 else low
    return min(max(_whole(value, rounding), low), high)


def as_float(value) -> float:
    """A number as a float; infinity for numbers too large."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _whole(value, rounding: str) -> int:
    if rounding == HALF_UP:
        return math.floor(Fraction(value) + HALF)
    return int(ROUNDINGS[rounding](np.array([float(value)]))[0])


def ending(value, in_range, stored, rounding: str = HALF_UP) -> list:
    """The last steps of a value (range policy, rounding, saturation) without those that change nothing."""
    steps = []
    if in_range != value and value == value:
        steps.append(("by the range policy", in_range))
    if not isinstance(stored, float):
        whole = _whole(in_range, rounding) if math.isfinite(in_range) else stored
        if whole != in_range:
            steps.append((f"rounded {rounding}", whole))
        if whole != stored:
            steps.append(("saturated", stored))
    return steps


def finished(value, target, policy: str = "clip", scale=1, offset=0) -> list:
    """The steps from a value in the picture's units to the stored sample."""
    steps, target = [], np.dtype(target)
    exact = isinstance(value, int | Fraction)
    if scale != 1:
        value = value * (scale if exact else float(scale))
        steps.append((f"times {scale}", value))
    if offset:
        value = value + (offset if exact else float(offset))
        steps.append((f"plus {offset}", value))
    in_range = ranged(value, policy, target)
    return [*steps, *ending(value, in_range, rounded(in_range, target))]


def where(there: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The values that are there as an object array, None elsewhere."""
    cells = np.full(there.shape, None, object)
    cells[there] = values[there]
    return cells


def cells_of(window: np.ndarray) -> list:
    """An object array (rows, columns) as rows of cells."""
    return [[int(cell) if isinstance(cell, bool) else cell for cell in row] for row in window.tolist()]
