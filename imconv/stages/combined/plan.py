"""How several linear filters of one picture run, and become one result."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ...pixels.sample_types import EXACT_LIMIT, FLOAT_TYPES, LARGEST_SAMPLE, PRODUCT_LIMIT
from ..convolution.plan import Plan
from .formulas import HUES

STORED = ("bool", "uint8", "uint16", "float32", "float64")  # results that compiled loops write
LARGEST_ROOT = 2**31


@dataclass(frozen=True)
class CombinedPlan:
    """Several filters' plans, told as one. Rows, columns, source and whatever they have alike are found here too."""

    plans: tuple[Plan, ...]
    combine: str
    target: str
    range: str
    divisor: int  # of the combined sums
    offset: Fraction
    exact: bool
    most: float  # what no exact sum exceeds, nor all of them together with what is added and the result's range
    has_alpha: bool  # which is not combined, but the first filter's

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.leader, name)

    @property
    def leader(self) -> Plan:
        """The plan by which bands are cut: that of a Fourier transform, whose blocks are fixed, if there is one."""
        return max(self.plans, key=lambda plan: plan.algorithm == "fft")

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

    def as_dict(self) -> dict:
        """The first plan's figures, with all multiply-adds."""
        return {
            **self.plans[0].as_dict(),
            "output": [*self.shape, self.channels],
            "combine": self.combine,
            "filters": len(self.plans),
            "multiply_adds": sum(plan.multiply_adds for plan in self.plans),
        }

    def __str__(self) -> str:
        way = f"combine        {self.combine} of {len(self.plans)} filters, band by band, then {self.target}"
        if self.exact:
            way += f", divided once by {self.divisor}"
        return "\n".join([way, *map(str, self.plans)])
