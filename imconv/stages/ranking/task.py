"""What ranking algorithms are asked for, and what each of them has to say.

Costs are nanoseconds on one core of an AMD EPYC 9005 (Zen 5) with AVX-512, November 2026.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...geometry.border import Border
from .blocks import Block
from .footprint import Footprint

MOST_RANKED = 65535  # samples of a window, but for rectangles of bytes: what 16 bits count
REGISTER = 64  # bytes of a vector
DOUBLING = 0.8  # one vector, lesser or larger than another, of lines in the cache


@dataclass(frozen=True)
class RankTask:
    """A rank to be found: what an algorithm must be able to do."""

    footprint: Footprint
    rank: int
    item: int  # bytes of a sample
    border: Border
    extreme: bool  # whether the least or the largest sample is wanted in every window

    @property
    def count(self) -> int:
        """Samples of a window."""
        return self.footprint.count

    @property
    def whole(self) -> bool:
        """Whether the footprint is a full rectangle."""
        return self.footprint.mask is None

    @property
    def lanes(self) -> float:
        """Samples of a vector."""
        return REGISTER // self.item

    @property
    def fixed_rank(self) -> bool:
        """Whether every window has the same rank, and it is no extreme."""
        return not self.extreme and self.border.mode != "normalized"


class RankAlgorithm:
    """One way to find ranks. An algorithm has no state; a subclass says everything about its way."""

    name: str
    reason: str
    in_place = False  # whether it reads the picture itself where that can be
    padded = True  # whether lines of results have room for a vector

    def cost(self, task: RankTask) -> float | None:
        """Nanoseconds for a sample of the result; None where it can't do the task."""
        raise NotImplementedError

    def cost_once(self, task: RankTask) -> float:
        """Nanoseconds for each plan, whatever the picture's size."""
        return 0.0

    def loop(self, plan) -> str:
        """Module and function in imconv/loops."""
        raise NotImplementedError

    def counted(self, plan) -> str:
        """The type that the loop works in."""
        return plan.key

    def kinds(self, plan) -> dict[str, str]:
        """The types that the capitals in the loop's declaration stand for."""
        return {"S": plan.counted}

    def least_rows(self, plan) -> int:
        """Rows of the picture below which a band is too low: more than the window around it."""
        return 2 * plan.rows.taps * plan.rows.dilation

    def scratch(self, plan) -> int:
        """Bytes of buffers of its own that a thread holds."""
        return 0

    def prepare(self, plan):
        """What is computed once for each work, `job.prepared`."""
        return None

    def rank(self, job, block: Block, first: int, out: np.ndarray, columns: int, scratch: dict, wanted) -> None:
        """Fill `out` (rows, samples), contiguous, with ranks in a block's windows, `columns` pixels of each row.

        The first row is row `first` of the result, unstrided. `wanted` are the ranks of these windows, as `RankJob` has
        them: (kinds, ranks).
        """
        raise NotImplementedError
