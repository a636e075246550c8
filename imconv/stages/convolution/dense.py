"""The dense algorithm: every tap of the kernel in one pass."""

from __future__ import annotations

import numpy as np

from ...engine.buffers import aligned_lines
from ...loops.sizes import DENSE_ROWS
from .flatness import NEVER, middle_of, rule_of
from .lines import flushes, line_length, line_places, lines_aside, ring_lines, row_step, visits
from .task import Algorithm, Candidate, Prepared, Task, skips_zeros

PASS, TAP = 380.0, 10.0  # costs, measured as in task.py
LONGEST_RING = 1024  # lines kept for reuse; a window that spans more (by large dilation) is read anew for each row


class Dense(Algorithm):
    """Uses `loops/dense.py`. A plan's weights are the whole kernel as one array."""

    name = "dense"

    def candidate(self, task: Task, factors: list) -> Candidate:
        reason = f"{task.taps} tap{'s' * (task.taps != 1)} in one pass"
        if len(factors) != 1 and 1 not in task.kernel.shape:
            reason += ", no outer product"
        return Candidate(self, task.taps * TAP + PASS, (task.taps,), None, reason)

    def multiply_adds(self, plan) -> int:
        weights = plan.weights[0]
        return plan.samples * (int(np.count_nonzero(weights)) if skips_zeros(plan) else weights.size)

    def scratch(self, plan) -> int:
        return np.dtype(plan.accumulator).itemsize * ring_lines(plan.rows) * line_length(plan)

    def settles(self, weights: tuple[np.ndarray, ...]) -> bool:
        return True

    def rows_together(self, plan) -> int:
        return DENSE_ROWS * row_step(plan.rows)

    def least_height(self, plan) -> int:
        """As Algorithm.least_height: every band begins by reading a whole window."""
        return 2 * ring_lines(plan.rows)

    def prepare(self, plan, fill: np.ndarray) -> Prepared:
        weights, accumulator, line = plan.weights[0], plan.accumulator, line_places(plan)
        cells = np.ones(weights.shape, bool) if plan.kernel.included is None else plan.kernel.included
        cells = cells & (weights != 0) if skips_zeros(plan) else cells
        # a row of the kernel that is longer than a run is cut into pieces, and each piece is visited by itself
        count = -(-weights.shape[1] // plan.runs.run) if plan.runs.run else 1
        piece = -(-weights.shape[1] // count)
        pieces = [np.arange(weights.shape[1]) // piece == n for n in range(-(-weights.shape[1] // piece))]
        middle = divmod(middle_of(weights), weights.shape[1])
        middles = [int(line[middle[1]])] + [0] * DENSE_ROWS
        tap_rows: list[int] = []
        aside, starts, whole, takers, places, sharing = [], [0], [], [], [], []
        for row, taken, order in visits(plan.rows, DENSE_ROWS):
            for index, part in enumerate(pieces):
                taps = np.array(
                    [np.zeros(weights.shape[1], bool) if tap is None else cells[tap] & part for tap in taken]
                )
                steps = [None if n is None else n * len(pieces) + index for n in order]
                flush = flushes(steps, plan.runs, piece)
                columns = np.flatnonzero(taps.any(axis=0))
                if not columns.size and not flush:
                    continue
                for r, tap in enumerate(taken):
                    if tap == middle[0]:
                        middles[1 + r] = len(tap_rows)
                tap_rows.append(row)
                aside.append(flush)
                whole.append(taps[:, columns].all())
                takers += (taps[:, columns].T @ (1 << np.arange(DENSE_ROWS))).tolist()
                places += line[columns].tolist()
                sharing += [[0.0 if tap is None else weights[tap, c] for tap in taken] for c in columns]
                starts.append(len(places))
        reuse = ring_lines(plan.rows) <= LONGEST_RING or ring_lines(plan.rows) <= len(tap_rows)
        tables = (
            row_step(plan.rows),
            int(reuse),
            np.array(tap_rows, np.int64),
            np.array(aside, np.int64),
            int(any(aside)),
            np.array(starts, np.int64),
            np.array(whole, np.int64),
            np.array(takers, np.int64),
            np.array(places, np.int64),
            np.array(sharing, accumulator).reshape(-1, DENSE_ROWS),
            np.array(middles, np.int64),
            np.array(rule_of(weights, accumulator, plan.runs) if plan.settles else NEVER, accumulator),
        )
        lines = ring_lines(plan.rows) if reuse else len(tap_rows)

        def buffers():
            ring = aligned_lines(lines, line_length(plan), accumulator, plan.columns.before * plan.channels)
            return (
                ring,
                np.empty(lines, np.int64),
                np.empty(len(tap_rows), np.int64),
                lines_aside(accumulator, DENSE_ROWS),
            )

        return Prepared("dense.correlate_dense", {"A": accumulator}, fill, tables, buffers)
