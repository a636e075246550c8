"""`CombinedPlan`: how several linear filters of one picture are computed and combined."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ...engine.stage import PlanOfPlans, Stage
from ...pixels.alpha import WEIGHTED
from ...pixels.sample_types import EXACT_LIMIT, FLOAT_TYPES, LARGEST_SAMPLE, PRODUCT_LIMIT
from ..convolution.plan import Plan
from .formulas import HUES
from .work import CombinedWork

STORED = ("bool", "uint8", "uint16", "float32", "float64")  # results that compiled loops write
LARGEST_ROOT = 2**31  # bound of whole-number sums whose magnitudes the loop may compute in float64


@dataclass(frozen=True)
class CombinedPlan(Stage, PlanOfPlans):
    """Plans of several linear filters, whose bands are combined into one result."""

    plans: tuple[Plan, ...]
    combine: str
    target: str
    range: str
    divisor: int  # divides the combined sums
    offset: Fraction
    exact: bool
    # Upper bound, in units of 1 / divisor: the largest sums of all filters together, plus the offset, plus the result's range.
    # Below PRODUCT_LIMIT everything is exact. 0 where sums are not exact.
    bound: float
    has_alpha: bool  # whether the last channel is the first filter's alpha, which is not combined

    worker = CombinedWork

    @property
    def leader(self) -> Plan:
        """The plan that decides the heights of bands: one with fixed blocks, if there is one."""
        return max(self.plans, key=lambda plan: plan.how.fixed_blocks)

    border = property(lambda self: self.plans[0].border)
    source = property(lambda self: self.plans[0].source)
    source_channels = property(lambda self: self.plans[0].channels)
    accumulator = property(lambda self: self.plans[0].accumulator)  # the loop is used only if it is that of all plans
    keeps_work = property(lambda self: all(plan.keeps_work for plan in self.plans))
    alpha = property(lambda self: self.leader.alpha)
    seconds = property(lambda self: self.leader.seconds)  # they decide the number of threads
    rows_together = property(lambda self: self.leader.rows_together)
    stripe_height = property(lambda self: self.leader.stripe_height)

    def stripes(self) -> list:
        return self.leader.stripes()

    @property
    def colours(self) -> int:
        """Channels of the result without alpha."""
        return 3 if self.combine in HUES else self.plans[0].channels - self.has_alpha

    @property
    def channels(self) -> int:
        """Channels of the result."""
        return self.colours + self.has_alpha

    @property
    def combining_type(self) -> str | None:
        """The type in which a loop may combine raw sums with the same bits as NumPy; None if NumPy must do it."""
        raw = all((p.divisor, p.offset) == (1, 0) and p.alpha not in WEIGHTED and not p.keeps_edges for p in self.plans)
        alike = len({plan.accumulator for plan in self.plans}) == 1 and self.border.mode != "normalized"
        able = self.combine in ("magnitude", "max") and self.target in STORED and self.range == "clip"
        if not (raw and alike and able):
            return None
        if not self.exact or self.target in FLOAT_TYPES:
            return "float64"
        if self.bound < PRODUCT_LIMIT["float32"] and (
            self.combine == "max" or self._squares() < EXACT_LIMIT["float32"]
        ):
            return "float32"
        return "float64" if self.bound < LARGEST_ROOT else None

    def _squares(self) -> float:
        """An upper bound of the sum of squares of whole-number sums.

        Below 2^24, rounding a float32 square root down gives the exact whole part: the root of k^2 - 1 is 1 / (2 k) below k,
        which is more than half the spacing of float32 at k.
        """
        samples = [0, LARGEST_SAMPLE[self.source], *(self.border.values if self.border.mode == "constant" else ())]
        total = 0.0
        for plan in self.plans:
            weights = plan.combined_weights
            up, down = weights.clip(0).sum(), -weights.clip(None, 0).sum()
            total += max(up * max(samples) - down * min(samples), down * max(samples) - up * min(samples)) ** 2
        return total

    def as_dict(self) -> dict:
        return {**super().as_dict(), "combine": self.combine, "filters": len(self.plans)}

    def __str__(self) -> str:
        head = f"combine        {self.combine} of {len(self.plans)} filters, band by band, then {self.target}"
        if self.exact:
            head += f", divided once by {self.divisor}"
        return "\n".join([head, *map(str, self.plans)])
