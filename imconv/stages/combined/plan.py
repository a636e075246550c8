"""How several linear filters of one picture run, and become one result."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ...engine.stage import Stage
from ...geometry.axis import Axis
from ...geometry.border import Border
from ...pixels.sample_types import EXACT_LIMIT, FLOAT_TYPES, LARGEST_SAMPLE, PRODUCT_LIMIT
from ..convolution.plan import Plan
from .formulas import HUES
from .work import CombinedWork

STORED = ("bool", "uint8", "uint16", "float32", "float64")  # results that compiled loops write
LARGEST_ROOT = 2**31


@dataclass(frozen=True)
class CombinedPlan(Stage):
    """Several linear filters' plans, which become one result band by band."""

    plans: tuple[Plan, ...]
    combine: str
    target: str
    range: str
    divisor: int  # of the combined sums
    offset: Fraction
    exact: bool
    most: float  # what no exact sum exceeds, nor all of them together with what is added and the result's range
    has_alpha: bool  # which is not combined, but the first filter's

    @property
    def leader(self) -> Plan:
        """The plan by which bands are cut: one whose blocks are fixed, if there is one."""
        return max(self.plans, key=lambda plan: plan.how.fixed_blocks)

    @property
    def rows(self) -> Axis:
        """Of all plans: their kernels have one shape and anchor."""
        return self.plans[0].rows

    @property
    def columns(self) -> Axis:
        """Of all plans."""
        return self.plans[0].columns

    @property
    def border(self) -> Border:
        """Of all plans."""
        return self.plans[0].border

    @property
    def source(self) -> str:
        """The type of the picture."""
        return self.plans[0].source

    @property
    def source_channels(self) -> int:
        """The picture's channels."""
        return self.plans[0].channels

    @property
    def accumulator(self) -> str:
        """The type of the sums, where all plans have the same."""
        return self.plans[0].accumulator

    @property
    def alpha(self) -> str:
        """What becomes of alpha."""
        return self.leader.alpha

    @property
    def seconds(self) -> float:
        """What one thread would take for the leader, by which threads are counted."""
        return self.leader.seconds

    @property
    def rows_together(self) -> int:
        """As Stage.rows_together."""
        return self.leader.rows_together

    @property
    def keeps_work(self) -> bool:
        """As Stage.keeps_work."""
        return all(plan.keeps_work for plan in self.plans)

    @property
    def stripe_height(self) -> int:
        """As Stage.stripe_height."""
        return self.leader.stripe_height

    def stripes(self) -> list:
        """As Stage.stripes."""
        return self.leader.stripes()

    def work(self, rows, low=0, threads=None, tally=None, progress=None) -> CombinedWork:
        """As Stage.work."""
        return CombinedWork(self, rows, low, threads, tally, progress)

    @property
    def colours(self) -> int:
        """Channels of the result beside alpha."""
        return 3 if self.combine in HUES else self.plans[0].channels - self.has_alpha

    @property
    def channels(self) -> int:
        """Channels of the result."""
        return self.colours + self.has_alpha

    @property
    def number(self) -> str | None:
        """The type in which a compiled loop combines raw sums, to the last bit as numpy does; None where it can't."""
        raw = all((p.divisor, p.offset) == (1, 0) and p.alpha != "weight" and not p.keeps_edges for p in self.plans)
        alike = len({plan.accumulator for plan in self.plans}) == 1 and self.border.mode != "normalized"
        able = self.combine in ("magnitude", "max") and self.target in STORED and self.range == "clip"
        if not (raw and alike and able):
            return None
        if not self.exact or self.target in FLOAT_TYPES:
            return "float64"
        if self.most < PRODUCT_LIMIT["float32"] and (self.combine == "max" or self._squares() < EXACT_LIMIT["float32"]):
            return "float32"
        return "float64" if self.most < LARGEST_ROOT else None

    def _squares(self) -> float:
        """What no sum of squares of whole-number sums exceeds. float32's root of a whole number below 2^24, rounded down,
        is right: that of k^2 - 1 is 1 / (2 k) from k, more than half of what float32 tells apart there."""
        samples = [0, LARGEST_SAMPLE[self.source], *(self.border.values if self.border.mode == "constant" else ())]
        total = 0.0
        for plan in self.plans:
            weights = plan.combined_weights
            up, down = weights.clip(0).sum(), -weights.clip(None, 0).sum()
            total += max(up * max(samples) - down * min(samples), down * max(samples) - up * min(samples)) ** 2
        return total

    @property
    def scratch(self) -> int:
        """Bytes of buffers a thread holds."""
        return sum(plan.scratch for plan in self.plans)

    @property
    def multiply_adds(self) -> int:
        """Of all plans together."""
        return sum(plan.multiply_adds for plan in self.plans)

    def as_dict(self) -> dict:
        """The first plan's figures, with all multiply-adds."""
        return {
            **self.plans[0].as_dict(),
            "output": [*self.shape, self.channels],
            "combine": self.combine,
            "filters": len(self.plans),
            "multiply_adds": self.multiply_adds,
        }

    def __str__(self) -> str:
        way = f"combine        {self.combine} of {len(self.plans)} filters, band by band, then {self.target}"
        if self.exact:
            way += f", divided once by {self.divisor}"
        return "\n".join([way, *map(str, self.plans)])
