"""The algorithms "in order" and "in pairs": float64 sums whose terms are added in another tool's order, to match its bits."""

from __future__ import annotations

import numpy as np

from ...geometry.axis import Axis, effective_size
from .task import Algorithm, Candidate, Numbers, Task

ARRAY_TAP = 1_000.0  # cost of a tap, as in task.py: NumPy adds whole arrays


class InOrder(Algorithm):
    """Adds taps one by one, row by row. A plan's weights are the whole kernel as one array."""

    name = "in order"
    only_asked_for = True
    fused = False

    def candidate(self, task: Task, factors: list) -> Candidate:
        return Candidate(
            self, task.taps * ARRAY_TAP, (task.taps,), None, f"{task.taps} taps, added as another tool does"
        )

    def numbers(self, task: Task, candidate: Candidate) -> Numbers:
        """As Algorithm.numbers; always float64, since the other tool does not sum in whole numbers."""
        return Numbers("float64", (task.kernel.weights,), float(task.kernel.offset))

    def multiply_adds(self, plan) -> int:
        return plan.samples * plan.weights[0].size

    def scratch(self, plan) -> int:
        return 2 * 8 * effective_size(plan.rows.taps, plan.rows.dilation) * plan.columns.span

    def arrays(self, plan):
        weights = plan.weights[0]
        return OrderedSums(plan, [(tap,) for tap in np.ndindex(weights.shape) if weights[tap] != 0])


class InPairs(InOrder):
    """For a symmetric column or row: first the middle tap, then the outermost pair of taps, and so on inwards.

    The samples under a pair are added before they are multiplied by their weight.
    """

    name = "in pairs"

    def arrays(self, plan):
        taps = list(np.ndindex(plan.weights[0].shape))
        middle = len(taps) // 2
        return OrderedSums(plan, [(taps[middle],), *zip(taps[:middle], taps[:middle:-1], strict=True)])


class OrderedSums:
    """A plan's terms in their order: each a weight, and the taps whose samples are added before the multiplication."""

    def __init__(self, plan, groups: list[tuple]):
        self.plan = plan
        self.terms = [(plan.weights[0][group[0]], group) for group in groups]

    def sums(self, source, first: int, count: int, weighted: bool) -> np.ndarray:
        """Raw sums of output rows first .. first + count - 1: float64 (count, samples)."""
        rows, columns = self.plan.rows, self.plan.columns
        start = first * rows.stride
        stop = start + (count - 1) * rows.stride + effective_size(rows.taps, rows.dilation)
        total = np.zeros((count, columns.out, self.plan.channels))
        for channel, plane in enumerate(source.planes(start, stop, weighted)):
            for weight, taps in self.terms:
                samples = [_under(tap, plane, rows, columns) for tap in taps]
                total[..., channel] += weight * sum(samples[1:], start=samples[0])
        return total.reshape(count, -1)


def _under(tap: tuple[int, int], plane: np.ndarray, rows: Axis, columns: Axis) -> np.ndarray:
    """The samples under a tap, for all outputs: (rows, columns)."""
    down, along = tap[0] * rows.dilation, tap[1] * columns.dilation
    right = along + (columns.out - 1) * columns.stride + 1
    bottom = len(plane) - effective_size(rows.taps, rows.dilation) + down + 1
    return plane[down : bottom : rows.stride, along : right : columns.stride]
