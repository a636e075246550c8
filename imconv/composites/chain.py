"""`ChainFilter`: filters one after another, with floats between them and one rounding at the end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from ..engine.sequence import Sequence
from ..engine.stage import AnyPlan
from ..errors import OptionError
from ..filter import Filter
from ..geometry.border import Border, fill_values, parse_border
from ..options import Options
from ..pixels.alpha import WEIGHTED
from ..pixels.arrays import readable
from ..pixels.depth import white
from .composed_kernel import composed
from .partial import selected


@dataclass(frozen=True)
class ChainFilter(Filter):
    """Filters each of which reads the result of the one before.

    Between them samples are floats in the picture's units, neither rounded nor clipped. `options` hold the type, depth and
    range of the last filter's results. A step may have the range "abs"; other range policies belong to the chain.
    """

    steps: tuple[Filter, ...]
    options: Options
    scale: Fraction | None = None

    def plan(self, shape, image_type, has_alpha: bool) -> ChainPlan:
        image_type = np.dtype(image_type)
        source = readable(image_type)
        # the type of samples between steps: whole numbers beyond 16 bits need float64
        between = np.dtype(
            np.float32 if source == np.float32 or source.name in ("bool", "uint8", "uint16") else np.float64
        )
        shape = shape if len(shape) == 3 else (*shape, 1)
        white_value = self.options.white or white(image_type)
        filters: list[_Step] = []
        plans: list[AnyPlan] = []
        fused = []
        for index, step in enumerate(self.steps):
            last = index == len(self.steps) - 1
            step = step.with_types_fixed(image_type, self.result_type(image_type) if last else None)
            step = _bordered(step, shape[2], has_alpha, white_value)
            source = between if filters else image_type
            made = self._typed(step, image_type, between, last)
            plan = made.plan(shape, source, has_alpha)
            together = self._fused(filters, plans, step, plan, index, (image_type, between, has_alpha))
            if together is not None:
                filters[-1], plans[-1] = together[0], together[1]
                fused.append(index)
            else:
                filters.append(_Step(step, made, shape))
                plans.append(plan)
            shape = (*plans[-1].shape, plans[-1].channels)
        return ChainPlan(tuple(plans), tuple(each.made for each in filters), tuple(fused))

    def _typed(self, step: Filter, image_type, between, last: bool) -> Filter:
        """A step with the type of its results: that of samples between steps, or for the last one the options' type."""
        policy = "abs" if step.options.range == "abs" else "clip"
        if not last:
            return selected(step.retyped(between, Fraction(1), policy))
        policy = step.options.range if self.options.range == "clip" else self.options.range
        target, scale = self.result(image_type)
        return selected(step.retyped(target, scale, policy))

    def _fused(self, filters, plans, step, plan, index: int, types: tuple):
        """The step before and this one as one filter, and its plan; None if that has another result, or takes longer."""
        if not filters or plan.alpha in WEIGHTED or plans[-1].alpha in WEIGHTED:
            return None
        image_type, between, has_alpha = types
        before = filters[-1]
        one = composed(before.filter, step)
        if one is None:
            return None
        made = self._typed(one, image_type, between, index == len(self.steps) - 1)
        together = made.plan(before.shape, image_type if len(filters) == 1 else between, has_alpha)
        if together.seconds >= plan.seconds + plans[-1].seconds:
            return None
        return _Step(one, made, before.shape), together

    def in_light(self, light) -> ChainFilter:
        steps = tuple(step.in_light(light) for step in self.steps)
        return ChainFilter(steps, replace(light.options(self.options), dtype=None))

    def with_options(self, **changes) -> ChainFilter:
        """As Filter.with_options; border and white are set for every step."""
        own = {name: value for name, value in changes.items() if name in ("border", "white")}
        steps = tuple(step.with_options(**own) for step in self.steps) if own else self.steps
        return replace(self, steps=steps, options=replace(self.options, **changes))


@dataclass(frozen=True)
class _Step:
    """A step as the user wrote it (`filter`), as it is planned (`made`), and the shape of the picture it reads."""

    filter: Filter
    made: Filter
    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class ChainPlan(Sequence):
    """The plans of a chain's filters, in order. A filter may stand for several steps that were fused."""

    plans: tuple
    filters: tuple[Filter, ...]
    fused: tuple[int, ...]  # indices of steps that are part of the step before

    @property
    def extra_bytes(self) -> int:
        """As AnyPlan.extra_bytes: the last plan's input and its values are held at once."""
        return 8 + 8 if self.range == "stretch" else 0

    def as_dict(self) -> dict:
        """The figures for `--json`, of every filter."""
        return {
            "output": [*self.shape, self.channels],
            "multiply_adds": self.multiply_adds,
            "fused": list(self.fused),
            "filters": [plan.as_dict() for plan in self.plans],
        }

    def __str__(self) -> str:
        count = len(self.plans) + len(self.fused)
        lines = [f"chain          {count} steps, {self.source} -> floats -> {self.target}, rounded once at the end"]
        if self.fused:
            steps = ", ".join(str(number + 1) for number in self.fused)
            lines.append(f"fused          step {steps} with the one before, into one kernel: the same result, sooner")
        for number, plan in enumerate(self.plans, 1):
            lines += [f"-- filter {number} of {len(self.plans)}", str(plan)]
        return "\n".join(lines)


def _bordered(step: Filter, channels: int, has_alpha: bool, opaque: int) -> Filter:
    """The step with an opaque alpha added to a constant border's colours, in the picture's units."""
    border = parse_border(step.options.border)
    if border.mode != "constant" or not has_alpha or len(border.values) != channels - 1:
        return step
    return step.with_options(border=Border("constant", tuple(fill_values(border, channels, opaque).tolist())))


def check_step(step: Filter, name: str, policy: str = "clip") -> None:
    """Raise OptionError if a step has a range policy that belongs to the chain, unless it equals the chain's `policy`."""
    if step.options.range not in ("clip", "abs", policy):
        raise OptionError(f"range={step.options.range!r} belongs to the chain, not to {name}: give it after the steps")
