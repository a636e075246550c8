"""The tables loops read: which source row, which place in a line, which weight. All that is decided, is decided here.

Loops work on some output rows at once. With stride s and dilation d on the rows, output rows `step = lcm(s, d) / s`
apart read the same source rows, `lcm(s, d)` further down for each: they are worked on together, and the kernel's rows
fall into `lcm(s, d) / d` classes whose sources are shared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ...engine.buffers import LARGEST_LANES, aligned_lines
from ...pixels.sample_types import FLOAT_TYPES
from .costs import box_block, box_places
from .exactness import Runs
from .plan import DENSE_ROWS, SEPARABLE_ROWS, Plan

LONGEST_RING = 1024  # lines kept for reuse; a window that spans more (by far dilation) is read anew for each row


@dataclass(frozen=True)
class Prepared:
    """A loop, the tables it takes, and what makes its buffers for one thread."""

    loop: str  # module and function in imconv/loops
    kinds: dict[str, str]  # types of its own, by the capitals of its declaration
    fill: np.ndarray  # what the border fills each channel with
    tables: tuple
    buffers: Callable[[], tuple]


@lru_cache(maxsize=32)
def prepare(plan: Plan, fill: tuple[float, ...]) -> Prepared:
    """The tables and buffers for a plan's algorithm; `fill` is what the border fills each channel with."""
    make = {"box": _box, "decimated": _decimated, "dense": _dense, "separable": _separable}[plan.algorithm]
    return make(plan, np.array(fill, plan.accumulator))


def _box(plan: Plan, fill: np.ndarray) -> Prepared:
    kind, (height, width) = plan.accumulator, (plan.rows.taps, plan.columns.taps)
    samples = max(plan.columns.size * plan.channels, LARGEST_LANES)
    weight = np.dtype(kind).type(plan.weights[0][0])
    lead = plan.columns.before * plan.channels
    if plan.exact:
        down, sums = plan.box_sums(tuple(fill.tolist()))

        def whole_buffers():
            return aligned_lines(1, samples, down), aligned_lines(2, plan.line_length, sums, lead)

        return Prepared(
            "box.sum_box",
            {"A": kind, "L": sums, "D": down},
            fill,
            (height, width, weight, (height * fill).astype(sums)),
            whole_buffers,
        )
    block, places = box_block(height), box_places(width) * (1, plan.channels)
    reaches = _reaches(places, plan.channels)
    kept, edge = height // block + 1 if block else 0, height * weight * fill

    def buffers():
        return (
            np.empty(5 + kept, np.int64),
            aligned_lines(2, samples, "float64"),
            aligned_lines(block, samples, kind),
            aligned_lines(kept + 1, samples, kind),
            aligned_lines(2, plan.line_length, kind, lead),
            aligned_lines(reaches.size, plan.box_windows, kind),
        )

    return Prepared(
        "float_box.sum_float_box", {"A": kind}, fill, (height, width, weight, block, edge, reaches, places), buffers
    )


def _reaches(places: np.ndarray, channels: int) -> np.ndarray:
    """How many more windows of each level than results a float box needs: for the row, and for the level above."""
    reaches = np.zeros(places[:, 0].max(), np.int64)
    for level in range(reaches.size, 0, -1):
        own = places[places[:, 0] == level, 1].max(initial=0)
        above = reaches[level] + 3 * channels * 4**level if level < reaches.size else 0
        reaches[level - 1] = max(own, above)
    return reaches


def _decimated(plan: Plan, fill: np.ndarray) -> Prepared:
    kind = plan.accumulator
    down, along = (factor.after[1].astype(kind) for factor in plan.decimation)
    step = along.shape[0]
    samples = max(plan.columns.out * plan.channels, LARGEST_LANES)
    coarse = -(-samples // step) + plan.channels * step + LARGEST_LANES
    rows = down.shape[1] + SEPARABLE_ROWS

    def buffers():
        return (
            aligned_lines(step, coarse, kind),
            aligned_lines(rows, samples + LARGEST_LANES, kind),
            np.empty(rows, np.int64),
            np.empty(rows, np.int64),
            np.empty(rows, np.int64),
            np.empty((1, rows, SEPARABLE_ROWS), kind),
        )

    return Prepared("interpolate.interpolate", {"A": kind}, fill, (down, along), buffers)


def line_places(plan: Plan) -> np.ndarray:
    """Where in a line (loops/line.py) each tap of the row begins to read: int64 (taps,)."""
    columns = plan.columns
    at = np.arange(columns.taps) * columns.dilation
    phase, place = at % columns.stride, at // columns.stride
    before = phase * (columns.span // columns.stride) + np.minimum(phase, columns.span % columns.stride)
    return (before + place) * plan.channels


def _visits(plan: Plan, together: int) -> Iterator[tuple[int, list[int | None], list[int | None]]]:
    """The padded source rows that output rows worked on together read.

    For each: the row; each output row's tap there, or None; and the how-manieth of its taps that is.
    """
    axis = plan.rows
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


def _flushes(steps: list[int | None], runs: Runs, products: int = 1) -> int:
    """Bits of the output rows whose running sum is set aside after this step, and of those whose group is complete.

    Steps are counted from 0; each stands for so many products.
    """
    run = max(1, runs.run // products) if runs.run else 0
    group = max(1, round(runs.group / runs.run)) * run if runs.group else 0
    bits = 0
    for r, step in enumerate(steps):
        if step is not None and run and (step + 1) % run == 0:
            bits |= 1 << r | (1 << r + len(steps) if group and (step + 1) % group == 0 else 0)
    return bits


def _dense(plan: Plan, fill: np.ndarray) -> Prepared:
    weights, kind, line = plan.weights[0], plan.accumulator, line_places(plan)
    cells = np.ones(weights.shape, bool) if plan.kernel.included is None else plan.kernel.included
    ieee = plan.source in FLOAT_TYPES  # there 0 * NaN counts: no tap is skipped, none is added
    cells = cells if ieee else cells & (weights != 0)
    # a kernel's row longer than a run is cut into pieces, each visited by itself
    number = -(-weights.shape[1] // plan.runs.run) if plan.runs.run else 1
    piece = -(-weights.shape[1] // number)
    pieces = [np.arange(weights.shape[1]) // piece == n for n in range(-(-weights.shape[1] // piece))]
    tap_rows, flushes, starts, whole, takers, places, sharing = [], [], [0], [], [], [], []
    for row, taken, order in _visits(plan, DENSE_ROWS):
        for number, part in enumerate(pieces):
            taps = np.array([np.zeros(weights.shape[1], bool) if tap is None else cells[tap] & part for tap in taken])
            steps = [None if n is None else n * len(pieces) + number for n in order]
            flush = _flushes(steps, plan.runs, piece)
            columns = np.flatnonzero(taps.any(axis=0))
            if not columns.size and not flush:
                continue
            tap_rows.append(row)
            flushes.append(flush)
            whole.append(taps[:, columns].all())
            takers += (taps[:, columns].T @ (1 << np.arange(DENSE_ROWS))).tolist()
            places += line[columns].tolist()
            sharing += [[0.0 if tap is None else weights[tap, c] for tap in taken] for c in columns]
            starts.append(len(places))
    reuse = plan.ring_lines <= LONGEST_RING or plan.ring_lines <= len(tap_rows)
    tables = (
        plan.row_step,
        int(reuse),
        np.array(tap_rows, np.int64),
        np.array(flushes, np.int64),
        int(any(flushes)),
        np.array(starts, np.int64),
        np.array(whole, np.int64),
        np.array(takers, np.int64),
        np.array(places, np.int64),
        np.array(sharing, kind).reshape(-1, DENSE_ROWS),
    )
    lines = plan.ring_lines if reuse else len(tap_rows)

    def buffers():
        ring = aligned_lines(lines, plan.line_length, kind, plan.columns.before * plan.channels)
        return ring, np.empty(lines, np.int64), np.empty(len(tap_rows), np.int64), _aside(kind, DENSE_ROWS)

    return Prepared("dense.correlate_dense", {"A": kind}, fill, tables, buffers)


def _aside(kind: str, together: int) -> np.ndarray:
    return aligned_lines(2 * together, LARGEST_LANES, kind)


def _separable(plan: Plan, fill: np.ndarray) -> Prepared:
    columns, rows = plan.weights[0::2], plan.weights[1::2]
    terms, kind = len(columns), plan.accumulator
    ieee = plan.source in FLOAT_TYPES
    if ieee and any(_fold(row) for row in rows):
        # folded taps are added first: halved, the largest floats don't overflow, and nothing else changes
        columns, rows = [column / 2 for column in columns], [row * 2 for row in rows]
    used = np.ones(plan.rows.taps, bool) if ieee else np.any([c != 0 for c in columns], axis=0)
    kept = []
    for row, taken, order in _visits(plan, SEPARABLE_ROWS):
        wanted = [tap if tap is not None and used[tap] else None for tap in taken]
        flush = _flushes(order, plan.runs)
        if flush or any(tap is not None for tap in wanted):
            kept.append((row, wanted, flush))
    weights = [[0.0 if tap is None else column[tap] for tap in taken] for column in columns for _, taken, _ in kept]
    tables = (
        plan.row_step,
        np.array([row for row, _, _ in kept], np.int64),
        np.array([sum(1 << r for r, tap in enumerate(taken) if tap is not None) for _, taken, _ in kept], np.int64),
        np.array([flush for _, _, flush in kept], np.int64),
        int(any(flush for _, _, flush in kept)),
        np.array(weights, kind).reshape(terms, -1, SEPARABLE_ROWS),
        line_places(plan),
        np.array(rows, kind).reshape(terms, -1),
        np.array([_fold(row) for row in rows], np.int64),
        plan.runs.run,
        plan.runs.group,
        np.array([column.sum() * fill for column in columns], kind),
    )
    lines = SEPARABLE_ROWS * terms * (2 if plan.columns.stride > 1 else 1)

    def buffers():
        lead = plan.columns.before * plan.channels if plan.columns.stride == 1 else 0
        blended = aligned_lines(lines, plan.line_length, kind, lead)
        return np.empty(len(kept), np.int64), np.empty(SEPARABLE_ROWS, np.int64), blended, _aside(kind, SEPARABLE_ROWS)

    return Prepared("separable.correlate_separable", {"A": kind}, fill, tables, buffers)


def _fold(row: np.ndarray) -> int:
    """1 for a symmetric row, -1 for an antisymmetric one, else 0."""
    if row.size > 1 and np.array_equal(row, row[::-1]):
        return 1
    return -1 if row.size > 1 and np.array_equal(row, -row[::-1]) else 0
