"""`Sequence`: plans that run one after another as one plan, each on the rows of the one before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..pixels.rounding import Tally
from .results import NewArrays
from .sources import Bands
from .stage import AnyPlan


@dataclass(frozen=True)
class Sequence(AnyPlan):
    """Plans that run one after another. The first plan's attributes describe the picture, the last plan's the result."""

    plans: tuple[AnyPlan, ...]

    @property
    def rows(self):
        """The picture's axis, from the first plan."""
        return self.plans[0].rows

    @property
    def columns(self):
        """The picture's axis, from the first plan."""
        return self.plans[0].columns

    @property
    def source(self) -> str:
        """The type of the picture."""
        return self.plans[0].source

    @property
    def source_channels(self) -> int:
        """Channels of the picture."""
        return self.plans[0].source_channels

    @property
    def shape(self) -> tuple[int, int]:
        """The result's rows and columns."""
        return self.plans[-1].shape

    @property
    def target(self) -> str:
        """The type of the result."""
        return self.plans[-1].target

    @property
    def channels(self) -> int:
        """Channels of the result."""
        return self.plans[-1].channels

    @property
    def colours(self) -> int:
        """Channels of the result that the range policy applies to."""
        return self.plans[-1].colours

    @property
    def alpha(self) -> str:
        """The alpha policy of the last plan."""
        return self.plans[-1].alpha

    @property
    def range(self) -> str:
        """The range policy of the last plan."""
        return self.plans[-1].range

    @property
    def seconds(self) -> float:
        """Estimated seconds of one thread for all plans together."""
        return sum(plan.seconds for plan in self.plans)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of all plans together."""
        return sum(plan.multiply_adds for plan in self.plans)

    @property
    def scratch(self) -> int:
        """Bytes of buffers for each thread, of all plans together: they run in turns and keep their buffers."""
        return sum(plan.scratch for plan in self.plans)

    @property
    def compares(self) -> bool:
        """Whether any plan compares its results with its picture's samples."""
        return any(plan.compares for plan in self.plans)

    @property
    def streams(self) -> bool:
        """As AnyPlan.streams: whether all plans do."""
        return all(plan.streams for plan in self.plans)

    def bytes_held(self, threads: int) -> int:
        return sum(plan.bytes_held(threads) for plan in self.plans)

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
