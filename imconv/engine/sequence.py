"""`Sequence`: plans that run one after another as one plan, each on the rows of the one before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..geometry.grid import SAME, Grid
from ..pixels.rounding import Tally
from .results import NewArrays
from .sources import Bands
from .stage import AnyPlan, PlanLike


@dataclass(frozen=True)
class Sequence(PlanLike):
    """Plans that run one after another. The first plan's attributes describe the picture, the last plan's the result."""

    plans: tuple[AnyPlan, ...]

    compares = property(lambda self: any(plan.compares for plan in self.plans))
    streams = property(lambda self: all(plan.streams for plan in self.plans))

    @property
    def grid(self) -> Grid | None:
        """As AnyPlan.grid."""
        found: Grid | None = SAME
        for plan in self.plans:
            found = None if found is None or plan.grid is None else plan.grid.of(found)
        return found

    def rows_needed(self, first: int, last: int) -> tuple[int, int]:
        for plan in reversed(self.plans):
            first, last = plan.rows_needed(first, last)
        return first, last

    def make_bands(
        self, source, sink, *, wanted=None, threads=None, tally=None, progress=None, values=False
    ) -> Iterator[np.ndarray]:
        """As AnyPlan.make_bands. The tally counts the last plan's clipped samples only, but NaN that became 0 in any plan."""
        inner = None if tally is None else Tally()
        parts = [wanted]
        for plan in reversed(self.plans[1:]):
            parts.append(parts[-1] and plan.rows_needed(*parts[-1]))
        source = Bands(source.bands())
        for plan, part in zip(self.plans[:-1], parts[:0:-1], strict=True):
            bands = plan.make_bands(source, NewArrays(plan), wanted=part, threads=threads, tally=inner)
            source = Bands(bands, part[0] if part else 0)
        how = {"wanted": wanted, "threads": threads, "tally": tally, "progress": progress, "values": values}
        yield from self.plans[-1].make_bands(source, sink, **how)
        if inner is not None:
            tally.add(nans=inner.nans)
