"""The algorithm for the largest windows: `Sliding`."""

from __future__ import annotations

import numpy as np

from .task import RankAlgorithm, RankTask, buffer

BLOCK = 256  # as `loops/sliding.py` has it


class Sliding(RankAlgorithm):
    """Any rank of any shape and size: a histogram of the window, to which samples are added and from which they are removed.

    Samples of up to 16 bits are bins themselves; others are numbered by their order in the block.
    """

    name = "sliding"
    reason = "a histogram of the window, from which one side is removed and to which the other is added"
    padded = False
    # By whether samples are bins themselves, which stay in the cache: cost of a sample that is removed and one that is added, and
    # of a sample of the result beside that, for which others are numbered.
    RUN, SEARCH = {True: 5.2, False: 9.3}, {True: 100.0, False: 250.0}

    def cost(self, task: RankTask) -> float | None:
        if task.extreme:
            return None
        small = task.item <= 2
        return self.RUN[small] * len(_runs(task.footprint.cells)) + self.SEARCH[small]

    def loop(self, plan) -> str:
        return "sliding.select"

    def types(self, plan) -> dict[str, str]:
        return {}

    def scratch(self, plan) -> int:
        samples = (plan.band_rows + plan.rows.taps) * (plan.columns.out + plan.columns.taps)
        return 40 * samples + 16 * (65536 if np.dtype(plan.key).itemsize <= 2 else samples)

    def rank(self, work, block, first, out, columns, scratch, wanted) -> None:
        channels = block.pixels.shape[2]
        rank_lines, ranks = wanted
        runs, key = _runs(work.plan.footprint.cells), block.pixels.dtype
        results = out[:, : columns * channels].reshape(len(out), columns, channels)
        needed = columns + work.plan.footprint.shape[1] - 1
        for channel in range(channels):
            samples, values = block.pixels[:, :needed, channel], None
            if key.itemsize > 2:
                values, numbers = np.unique(samples, return_inverse=True)
                numbers, bins = numbers.reshape(samples.shape).astype(np.uint32), values.size
            else:
                numbers, bins = samples.astype(np.uint32), 1 << 8 * key.itemsize
            fine = buffer(scratch, "fine bins", bins + BLOCK, np.int64)
            coarse = buffer(scratch, "coarse bins", bins // BLOCK + 2, np.int64)
            fine[...], coarse[...] = 0, 0
            found = np.empty((len(out), columns), np.uint32)
            work.loop(
                numbers, runs, np.ascontiguousarray(ranks, np.uint32), np.ascontiguousarray(rank_lines), first, found, fine, coarse
            )  # fmt: skip
            results[..., channel] = found if values is None else values[found]


def _runs(cells: np.ndarray) -> np.ndarray:
    """The cells of a footprint as runs within rows: row, first column, and the one behind the last."""
    steps = np.diff(cells.astype(np.int8), axis=1, prepend=0, append=0)
    rows, starts = np.nonzero(steps == 1)
    stops = np.nonzero(steps == -1)[1]
    return np.stack([rows, starts, stops], axis=1).astype(np.int64)
