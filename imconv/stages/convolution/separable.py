"""The separable algorithm: a kernel that is a sum of a few outer products, as passes down columns and along rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...engine.buffers import aligned_lines
from ...loops.sizes import SEPARABLE_ROWS
from .flatness import NEVER, gain_of, middle_of, rule_of
from .lines import flushes, line_length, line_places, lines_aside, row_step, visits
from .task import Algorithm, Candidate, Numbers, Prepared, Task, skips_zeros

PASS, COLUMN_TAP, ROW_TAP = 250.0, 12.0, 14.0  # costs, measured as in task.py


class Separable(Algorithm):
    """Uses `loops/separable.py`. A plan's weights are a column and a row for each outer product, one after another."""

    name = "separable"

    def candidate(self, task: Task, factors: list) -> Candidate | None:
        if not factors:
            return None
        rows, columns, count = task.rows, task.columns, len(factors)
        cost = count * (PASS + rows.taps * columns.stride * COLUMN_TAP + columns.taps * ROW_TAP)
        what = "an outer product" if count == 1 else f"a sum of {count} outer products"
        reason = f"{what}: {count * (rows.taps + columns.taps)} taps instead of {task.taps}"
        weights = tuple(factor for pair in factors for factor in pair)
        return Candidate(self, cost, (rows.taps, count * columns.taps), weights, reason)

    def numbers(self, task: Task, candidate: Candidate) -> Numbers:
        """As Algorithm.numbers. Where the weights sum to 1, so do column and row, so that each leaves flat pictures flat."""
        found = super().numbers(task, candidate)
        if task.exact or not self.settles(found.weights):
            return found
        column, row = found.weights
        total = gain_of(row)
        mean = abs(total * gain_of(column) - 1) <= 1e-15
        return replace(found, weights=(column * total, row / total)) if mean else found

    def settles(self, weights: tuple[np.ndarray, ...]) -> bool:
        return len(weights) == 2

    def clamps(self, weights: tuple[np.ndarray, ...]) -> bool:
        return not self.settles(weights)

    def multiply_adds(self, plan) -> int:
        inputs = plan.rows.out * plan.columns.size * plan.channels
        return terms(plan) * (inputs * plan.rows.taps + plan.samples * plan.columns.taps)

    def scratch(self, plan) -> int:
        lines = SEPARABLE_ROWS * terms(plan) * (2 if plan.columns.stride > 1 else 1)
        return np.dtype(plan.accumulator).itemsize * lines * line_length(plan)

    def kernel_of(self, plan) -> np.ndarray:
        return np.asarray(sum(np.outer(c, r) for c, r in zip(plan.weights[0::2], plan.weights[1::2], strict=True)))

    def without_detours(self, plan) -> str | None:
        """As Algorithm.without_detours: a sum of several outer products turns an infinity into inf - inf."""
        return "dense" if terms(plan) > 1 else None

    def cancels(self, plan) -> bool:
        return terms(plan) > 1

    def rows_together(self, plan) -> int:
        return SEPARABLE_ROWS * row_step(plan.rows)

    def prepare(self, plan, fill: np.ndarray) -> Prepared:
        columns, rows = plan.weights[0::2], plan.weights[1::2]
        terms, accumulator = len(columns), plan.accumulator
        ieee = not skips_zeros(plan)
        if ieee and any(_fold(row) for row in rows):
            # folded samples are added before they are weighted: halves of the largest floats do not overflow
            columns, rows = [column / 2 for column in columns], [row * 2 for row in rows]
        used = np.ones(plan.rows.taps, bool) if ieee else np.any([c != 0 for c in columns], axis=0)
        kept: list[tuple] = []
        visited: dict[tuple, int] = {}
        for row, taken, order in visits(plan.rows, SEPARABLE_ROWS):
            wanted = [tap if tap is not None and used[tap] else None for tap in taken]
            flush = flushes(order, plan.runs)
            if flush or any(tap is not None for tap in wanted):
                visited.update({(r, tap): len(kept) for r, tap in enumerate(wanted) if tap is not None})
                kept.append((row, wanted, flush))
        weights = [[0.0 if tap is None else column[tap] for tap in taken] for column in columns for _, taken, _ in kept]
        tables = (
            row_step(plan.rows),
            np.array([row for row, _, _ in kept], np.int64),
            np.array([sum(1 << r for r, tap in enumerate(taken) if tap is not None) for _, taken, _ in kept], np.int64),
            np.array([flush for _, _, flush in kept], np.int64),
            int(any(flush for _, _, flush in kept)),
            np.array(weights, accumulator).reshape(terms, -1, SEPARABLE_ROWS),
            line_places(plan),
            np.array(rows, accumulator).reshape(terms, -1),
            np.array([_fold(row) for row in rows], np.int64),
            plan.runs.run,
            plan.runs.group,
            np.array([gain_of(column) * fill for column in columns], accumulator),
            np.array(
                [middle_of(rows[0]), *(visited.get((r, middle_of(columns[0])), 0) for r in range(SEPARABLE_ROWS))],
                np.int64,
            ),
            np.array(
                [rule_of(w, accumulator, plan.runs) if plan.settles else NEVER for w in (columns[0], rows[0])],
                accumulator,
            ),
        )
        lines = SEPARABLE_ROWS * terms * (2 if plan.columns.stride > 1 else 1)

        def buffers():
            lead = plan.columns.before * plan.channels if plan.columns.stride == 1 else 0
            blended = aligned_lines(lines, line_length(plan), accumulator, lead)
            return (
                np.empty(len(kept), np.int64),
                np.empty(SEPARABLE_ROWS, np.int64),
                blended,
                lines_aside(accumulator, SEPARABLE_ROWS),
            )

        return Prepared("separable.correlate_separable", {"A": accumulator}, fill, tables, buffers)


def terms(plan) -> int:
    """How many outer products a plan sums."""
    return len(plan.weights) // 2


def _fold(row: np.ndarray) -> int:
    """1 for a symmetric row, -1 for an antisymmetric one, else 0."""
    if row.size > 1 and np.array_equal(row, row[::-1]):
        return 1
    return -1 if row.size > 1 and np.array_equal(row, -row[::-1]) else 0
