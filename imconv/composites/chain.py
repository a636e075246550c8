"""Several filters one after another: floats in between, one rounding at the end, rows passed on as they become ready."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from ..engine.sequence import Sequence
from ..engine.stage import AnyPlan
from ..errors import OptionError
from ..filter import Filter
from ..geometry.border import Border, fill_values, parse_border
from ..options import Options, result_of
from ..pixels.arrays import readable
from ..pixels.depth import white
from .composed_kernel import composed
from .partial import selected


@dataclass(frozen=True)
class ChainFilter(Filter):
    """Filters that work on one another's results. Between them samples are floats in the picture's units, neither rounded
    nor clipped; `options` say what type, depth and range the last one's results have.

    A step of its own can have the range "abs"; every other policy is the chain's.
    """

    steps: tuple[Filter, ...]
    options: Options

    def plan(self, shape, image_type, has_alpha: bool) -> ChainPlan:
        """As Filter.plan."""
        image_type = np.dtype(image_type)
        source = readable(image_type)
        # what is between: whole numbers beyond 16 bits need float64
        kind = np.dtype(
            np.float32 if source == np.float32 or source.name in ("bool", "uint8", "uint16") else np.float64
        )
        shape = shape if len(shape) == 3 else (*shape, 1)
        white_value = white(image_type)
        filters: list[_Step] = []
        plans: list[AnyPlan] = []
        fused = []
        for number, step in enumerate(self.steps):
            last = number == len(self.steps) - 1
            step = step.with_types_fixed(image_type, self.result_type(image_type) if last else None)
            step = _bordered(step, shape[2], has_alpha, white_value)
            given = kind if filters else image_type
            made = self._typed(step, image_type, kind, last)
            plan = made.plan(shape, given, has_alpha)
            together = self._fused(filters, plans, step, plan, number, (image_type, kind, has_alpha))
            if together is not None:
                filters[-1], plans[-1] = together[0], together[1]
                fused.append(number)
            else:
                filters.append(_Step(step, made, shape))
                plans.append(plan)
            shape = (*plans[-1].shape, plans[-1].channels)
        return ChainPlan(tuple(plans), tuple(each.made for each in filters), tuple(fused))

    def _typed(self, step: Filter, image_type, kind, last: bool) -> Filter:
        """A step with the type of its results: between steps floats, in the end what the options say."""
        policy = "abs" if step.options.range == "abs" else "clip"
        if not last:
            return selected(step.retyped(kind, Fraction(1), policy))
        policy = step.options.range if self.options.range == "clip" else self.options.range
        target, scale = self._result(image_type)
        return selected(step.retyped(target, scale, policy))

    def _fused(self, filters, plans, step, plan, number: int, types: tuple):
        """The step before and this one as one, and its plan; None where that gives something else, or takes longer."""
        if not filters or plan.alpha == "weight" or plans[-1].alpha == "weight":
            return None
        image_type, kind, has_alpha = types
        before = filters[-1]
        one = composed(before.filter, step)
        if one is None:
            return None
        made = self._typed(one, image_type, kind, number == len(self.steps) - 1)
        together = made.plan(before.shape, image_type if len(filters) == 1 else kind, has_alpha)
        if together.seconds >= plan.seconds + plans[-1].seconds:
            return None
        return _Step(one, made, before.shape), together

    def result_type(self, image_type) -> np.dtype:
        """As Filter.result_type."""
        return self._result(np.dtype(image_type))[0]

    def _result(self, image_type: np.dtype) -> tuple[np.dtype, Fraction]:
        return result_of(self.options, image_type)

    def factor(self, image_type) -> Fraction:
        """As Filter.factor."""
        return self._result(np.dtype(image_type))[1]

    def in_light(self, light) -> ChainFilter:
        """As Filter.in_light."""
        steps = tuple(step.in_light(light) for step in self.steps)
        return ChainFilter(steps, replace(light.options(self.options), dtype=None))

    def with_options(self, **changes) -> ChainFilter:
        """As Filter.with_options; a border is every step's."""
        own = {name: value for name, value in changes.items() if name == "border"}
        steps = tuple(step.with_options(**own) for step in self.steps) if own else self.steps
        return ChainFilter(steps, replace(self.options, **changes))

    def retyped(self, dtype, scale=Fraction(1), range="clip") -> Filter:
        """As Filter.retyped."""
        return _Retyped(self.steps, replace(self.options, depth=None, range=range), np.dtype(dtype), scale)


@dataclass(frozen=True)
class _Step:
    """A step as it was given, as it is planned, and the shape of what it reads."""

    filter: Filter
    made: Filter
    shape: tuple[int, ...]


@dataclass(frozen=True)
class _Retyped(ChainFilter):
    """A chain with results of another type and scale."""

    target: np.dtype
    scale: Fraction

    def _result(self, image_type):
        return self.target, self.scale


@dataclass(frozen=True, eq=False)
class ChainPlan(Sequence):
    """The plans of a chain's filters, in order; a filter may stand for several steps."""

    plans: tuple
    filters: tuple[Filter, ...]
    fused: tuple[int, ...]  # steps that became part of the one before

    @property
    def extra_bytes(self) -> int:
        """As AnyPlan.extra_bytes: the last plan's input is held with its values."""
        return 8 + 8 if self.range == "stretch" else 0

    def as_dict(self) -> dict:
        """Every filter's figures."""
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
    """The step with alpha beside a constant border's colours, as the picture counts it and not as floats do."""
    border = parse_border(step.options.border)
    if border.mode != "constant" or not has_alpha or len(border.values) != channels - 1:
        return step
    return step.with_options(border=Border("constant", tuple(fill_values(border, channels, opaque).tolist())))


def check_step(step: Filter, name: str, policy: str = "clip") -> None:
    """Raise OptionError for a range that belongs to the chain, unless it is the chain's `policy`."""
    if step.options.range not in ("clip", "abs", policy):
        raise OptionError(f"range {step.options.range} belongs to the chain, not to {name}: give it after the steps")
