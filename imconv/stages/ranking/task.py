"""`RankTask`, a rank to be found in windows, and `RankAlgorithm`, base of the algorithms that find it in a `Block` of rows.

Costs are nanoseconds on one core of an AMD EPYC 9005 (Zen 5) with AVX-512, November 2026.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...engine.buffers import LARGEST_LANES
from ...geometry.border import Border
from .footprint import Footprint

MOST_RANKED = 65535  # most samples of a window that are counted in 16 bits; only histograms of bytes count more
REGISTER = 64  # bytes of a vector
DOUBLING = 0.8  # cost of the minimum or maximum of two vectors, for lines in the cache
ROOM = 2 * LARGEST_LANES  # samples behind a padded row, since vectors may read and write past its end


@dataclass(frozen=True)
class RankTask:
    """A rank to be found in windows, which an algorithm is chosen for."""

    footprint: Footprint
    rank: int
    item: int  # bytes of a sample
    border: Border
    extreme: bool  # whether it is the smallest or the largest sample of every window

    @property
    def count(self) -> int:
        """The number of samples of a window."""
        return self.footprint.count

    @property
    def whole(self) -> bool:
        """Whether the footprint is a full rectangle."""
        return self.footprint.mask is None

    @property
    def lanes(self) -> float:
        """The number of samples in a vector."""
        return REGISTER // self.item

    @property
    def fixed_rank(self) -> bool:
        """Whether the rank is the same in every window, and not an extreme."""
        return not self.extreme and self.border.mode != "normalized"


@dataclass(frozen=True)
class Block:
    """Padded rows: `rows` (rows, samples + ROOM) as the loops read them, and a view of it, `pixels` (rows, columns, channels)."""

    rows: np.ndarray
    pixels: np.ndarray

    @classmethod
    def empty(
        cls, count: int, columns: int, channels: int, dtype, scratch: dict | None = None, name: str = ""
    ) -> Block:
        """An uninitialised block, in the buffer of this name if a scratch is given."""
        pitch = columns * channels + ROOM
        rows = buffer({} if scratch is None else scratch, name, count * pitch, dtype).reshape(count, pitch)
        return cls(rows, rows[:, : columns * channels].reshape(count, columns, channels))


def buffer(scratch: dict, name: str, size: int, dtype) -> np.ndarray:
    """Uninitialised memory of `size` items that a thread's scratch keeps under a name."""
    held = scratch.get(name)
    if held is None or held.size < size:
        held = scratch[name] = np.empty(size, dtype)
    return held[:size]


class RankAlgorithm:
    """One way to find ranks. A subclass says everything about it; its objects have no state."""

    name: str
    reason: str
    in_place = False  # whether it can read the picture without a padded copy
    padded = True  # whether the loop needs lines of results with room for a vector

    def cost(self, task: RankTask) -> float | None:
        """Nanoseconds for each sample of the result; None if the algorithm can't do the task."""
        raise NotImplementedError

    def cost_once(self, task: RankTask) -> float:
        """Nanoseconds for each plan, independent of the picture's size."""
        return 0.0

    def loop(self, plan) -> str:
        """The loop's module and function in imconv/loops, as `module.function`."""
        raise NotImplementedError

    def loop_type(self, plan) -> str:
        """The integer type of the samples that the loop reads."""
        return plan.key

    def types(self, plan) -> dict[str, str]:
        """The types for the letters in the loop's declaration."""
        return {"S": plan.loop_type}

    def least_rows(self, plan) -> int:
        """The least height of a band in rows of the picture: more than the rows around it that its windows read."""
        return 2 * plan.rows.taps * plan.rows.dilation

    def scratch(self, plan) -> int:
        """Bytes of the algorithm's own buffers for each thread."""
        return 0

    def prepare(self, plan):
        """Compute what all bands of a work need; it is passed on as `work.prepared`."""
        return None

    def rank(self, work, block: Block, first: int, out: np.ndarray, columns: int, scratch: dict, wanted) -> None:
        """Fill `out` (rows, samples), contiguous, with the samples of the wanted ranks in a block's windows.

        A row has `columns` pixels, and the first is row `first` of the result without strides. `wanted` holds the ranks of
        these windows as RankWork computes them: (rank_lines, ranks).
        """
        raise NotImplementedError
