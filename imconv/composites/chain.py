"""Several filters one behind another: floats in between, one rounding at the end, rows passed on as they become ready."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from ..engine.results import check_out, new_array
from ..engine.streaming import BAND_BYTES
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
        filters, plans, fused = [], [], []
        for number, step in enumerate(self.steps):
            last = number == len(self.steps) - 1
            step = step.settled(image_type, self.result_type(image_type) if last else None)
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
        return ChainPlan(
            tuple(plans), tuple(each.made for each in filters), source.name, plans[-1].target, tuple(fused)
        )

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
        """As LinearFilter.factor."""
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

    def extra_bytes(self, plan) -> int:
        """As Filter.extra_bytes."""
        return 8 + 8 if plan.range == "stretch" else 0

    def bytes_held(self, plan, threads: int) -> int:
        """As Filter.bytes_held."""
        return sum(each.bytes_held(p, threads) for each, p in zip(plan.filters, plan.plans, strict=True))

    def run(self, plan: ChainPlan, image, *, out=None, threads=None, tally=None, progress=None):
        """As Filter.run."""
        flat = image.ndim == 2 and plan.channels == 1
        wanted = plan.shape if flat else (*plan.shape, plan.channels)
        if out is not None:
            check_out(out, wanted, plan.target)
        height = max(1, BAND_BYTES // max(1, image[:1].nbytes))
        bands = (image[start : start + height] for start in range(0, len(image), height))
        how = {"threads": threads, "tally": tally, "progress": progress}
        if plan.range == "stretch":
            before = list(self._passed(plan.filters[:-1], plan.plans[:-1], bands, threads))
            result = plan.filters[-1].run(plan.plans[-1], np.concatenate(before), **how).reshape(wanted)
        else:
            result, row = new_array(wanted, plan.target), 0
            for band in self.in_bands(plan, bands, **how):
                result[row : row + len(band)] = band.reshape(len(band), *wanted[1:])
                row += len(band)
        if out is None:
            return result
        out[...] = result
        return out

    def in_bands(self, plan: ChainPlan, bands, *, threads=None, tally=None, progress=None, rows=None):
        """As Filter.in_bands."""
        bands = self._passed(plan.filters[:-1], plan.plans[:-1], bands, threads)
        how = {"threads": threads, "tally": tally, "progress": progress, "rows": rows}
        yield from plan.filters[-1].in_bands(plan.plans[-1], bands, **how)

    @staticmethod
    def _passed(filters, plans, bands, threads) -> Iterator[np.ndarray]:
        for each, own in zip(filters, plans, strict=True):
            bands = each.in_bands(own, bands, threads=threads)
        return iter(bands)


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
class ChainPlan:
    """The plans of a chain's filters, in order; a filter may stand for several steps."""

    plans: tuple
    filters: tuple[Filter, ...]
    source: str
    target: str
    fused: tuple[int, ...]  # steps that became part of the one before

    @property
    def rows(self):
        """The first plan's: of the picture."""
        return self.plans[0].rows

    @property
    def columns(self):
        """The first plan's: of the picture."""
        return self.plans[0].columns

    @property
    def shape(self) -> tuple[int, int]:
        """The result's, without channels."""
        return tuple(self.plans[-1].shape)

    @property
    def channels(self) -> int:
        """The result's."""
        return self.plans[-1].channels

    @property
    def alpha(self) -> str:
        """What becomes of alpha in the last step."""
        return self.plans[-1].alpha

    @property
    def range(self) -> str:
        """The last one's policy."""
        return self.plans[-1].range

    @property
    def seconds(self) -> float:
        """As Plan.seconds."""
        return sum(plan.seconds for plan in self.plans)

    @property
    def multiply_adds(self) -> int:
        """Of all filters."""
        return sum(plan.multiply_adds for plan in self.plans)

    @property
    def scratch(self) -> int:
        """Bytes of buffers a thread holds."""
        return sum(plan.scratch for plan in self.plans)

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
