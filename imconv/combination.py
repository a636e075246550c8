"""Several linear filters whose results become one, band by band: the largest, a magnitude, a direction."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from .accuracy import PRODUCT_LIMIT, exact_sums, largest_sum, type_range
from .border import parse_border
from .correlation import LinearFilter
from .depth import rescaled
from .errors import OptionError
from .executor import Run, check_out, new_array
from .filter import Filter, bands_of, readable
from .options import Options, checked_offset
from .planner import Plan, check_range
from .rounding import finish, stretch
from .streaming import execute_rows

DEGREES = ("direction", "compass")  # ways to combine whose results are angles


# --- ways to combine: each takes the filters' results one by one, float64 (rows, columns, colours), and may use them up --


def largest(values: Iterable[np.ndarray]) -> np.ndarray:
    """The largest of all."""
    values = iter(values)
    total = next(values)
    for each in values:
        np.maximum(total, each, out=total)
    return total


def magnitude(values: Iterable[np.ndarray]) -> np.ndarray:
    """The root of the sum of squares."""
    total = None
    for each in values:
        np.multiply(each, each, out=each)
        if total is None:
            total = each
        else:
            total += each
    return np.sqrt(total, out=total)


def direction(values: Iterable[np.ndarray]) -> np.ndarray:
    """Where it gets brighter: of x to the right and y downwards the angle in degrees, 0 <= angle < 360, 0 to the right,
    counter-clockwise as seen; 0 where both are 0."""
    x, y = values
    x += 0.0  # of -0 and 0 the angle would be 180
    angle = np.degrees(np.arctan2(-y, x)) % 360
    angle[angle == 360] = 0
    return angle


def compass(values: Iterable[np.ndarray]) -> np.ndarray:
    """Where it gets brighter: of eight answers from the right on counter-clockwise the largest's angle in degrees, the first
    one's of several."""
    values = iter(values)
    best = next(values)
    angle = np.zeros(best.shape)
    for number, each in enumerate(values, 1):
        angle[each > best] = 45 * number
        np.maximum(best, each, out=best)
    return angle


def hue(values: Iterable[np.ndarray]) -> np.ndarray:
    """Directions as red, green and blue: the hue is the angle (0 red, 120 green, 240 blue), the brightness the magnitude, of
    the channel where that is largest."""
    x, y = values
    return _coloured(direction((x.copy(), y)), magnitude((x, y)))


def compass_hue(values: Iterable[np.ndarray]) -> np.ndarray:
    """As `hue`, of eight answers."""
    values = [each.copy() for each in values]
    return _coloured(compass(values), largest(values))


def _coloured(angle: np.ndarray, brightness: np.ndarray) -> np.ndarray:
    channel = np.argmax(brightness, axis=2)[..., None]
    brightness = np.take_along_axis(brightness, channel, axis=2)
    place = np.take_along_axis(angle, channel, axis=2) / 60
    red = np.abs(place - 3) - 1
    green, blue = 2 - np.abs(place - 2), 2 - np.abs(place - 4)
    return np.clip(np.concatenate([red, green, blue], axis=2), 0, 1) * brightness


WAYS = {
    "max": largest,
    "magnitude": magnitude,
    "direction": direction,
    "compass": compass,
    "hue": hue,
    "compass hue": compass_hue,
}
HUES = ("hue", "compass hue")


@dataclass(frozen=True)
class CombinedFilter(Filter):
    """Several filters of one picture, their kernels of one shape and anchor, and how their results are combined: one of WAYS.

    Whole-number sums are combined as they are, and divided afterwards, so that no tie is decided by float noise. The
    options' offset is added to the combined result. Alpha is the first filter's, unless every channel is filtered alike.
    """

    filters: tuple[LinearFilter, ...]
    combine: str

    @property
    def options(self) -> Options:
        """What all have."""
        return self.filters[0].options

    def plan(self, shape, image_type, has_alpha: bool) -> CombinedPlan:
        """As Filter.plan."""
        image_type = np.dtype(image_type)
        target, scale = self._result(image_type)
        source, border = readable(image_type), parse_border(self.options.border)
        kernels = [each.kernel for each in self.filters]
        offset = checked_offset(self.options.offset)
        numbers = [scale.denominator, offset.denominator, *(k.offset.denominator for k in kernels)]
        divisor = 2 * math.lcm(
            *numbers, *((k.denominator or 1) * scale.denominator for k in kernels)
        )  # even: it is halved
        exact = all(exact_sums(k, source, border) for k in kernels)
        if exact:
            alpha = "weight" if has_alpha else "none"
            most = sum(largest_sum(k.scaled(scale), source, border, alpha) for k in kernels) + abs(offset)
            most = divisor * (float(most) + type_range(target)[1] + 1)
            exact = most < PRODUCT_LIMIT["float64"]
        if not exact:
            divisor = 1
        narrow = target != np.float64 and (
            source == np.float32 or (exact and source.name in ("bool", "uint8", "uint16"))
        )
        options = replace(
            self.options, depth=None, dtype=np.float32 if narrow else np.float64, offset=0, range="clip", linear=False
        )
        plans = tuple(
            replace(
                each,
                kernel=each.kernel.replace(offset=each.kernel.offset * divisor),
                options=options,
                scale=scale * divisor,
            ).plan(shape, source, has_alpha)
            for each in self.filters
        )
        policy = check_range(self.options.range)
        separate = has_alpha and plans[0].alpha == "separate"
        if separate and self.combine in HUES:
            raise OptionError("alpha has no colour; leave out alpha separate")
        with_alpha = has_alpha and not separate
        return CombinedPlan(plans, self.combine, target.name, policy, divisor, offset, exact, with_alpha)

    def result_type(self, image_type) -> np.dtype:
        """As Filter.result_type."""
        return self._result(np.dtype(image_type))[0]

    def _result(self, image_type: np.dtype) -> tuple[np.dtype, Fraction]:
        """The result's type, and what the samples are multiplied by."""
        first, options = self.filters[0], self.options
        if options.linear and self.combine in (*DEGREES, *HUES):
            raise OptionError("a direction is no light; leave out linear")
        if self.combine not in DEGREES:
            return first.result_type(image_type), first.factor(image_type)
        if options.depth not in (None, "keep"):
            raise OptionError("a direction is in degrees; leave out depth")
        kind = np.float64 if readable(image_type) == np.float64 else np.float32
        _, scale = rescaled("float", image_type)
        return (np.dtype(kind) if options.dtype is None else first.result_type(image_type)), scale

    def in_light(self, light) -> CombinedFilter:
        """As Filter.in_light."""
        return CombinedFilter(tuple(each.in_light(light) for each in self.filters), self.combine)

    def with_options(self, **changes) -> CombinedFilter:
        """As Filter.with_options."""
        return CombinedFilter(tuple(each.with_options(**changes) for each in self.filters), self.combine)

    def retyped(self, dtype, scale=Fraction(1), range="clip") -> CombinedFilter:
        """As Filter.retyped."""
        return CombinedFilter(tuple(each.retyped(dtype, scale, range) for each in self.filters), self.combine)

    def run(self, plan: CombinedPlan, image, *, out=None, threads=None, tally=None, progress=None):
        """As Filter.run."""
        shape = (*plan.shape, plan.channels)
        wanted = shape if image.ndim == 3 or plan.channels > 1 else shape[:2]
        if out is not None:
            check_out(out, wanted, plan.target)
        work = _Work(plan, image.reshape(*image.shape[:2], -1), threads, tally, progress)
        result = new_array(shape, plan.target)
        if plan.range == "stretch":
            values = new_array(shape, np.float64)
            work.fill(0, values, work.values_band)
            stretch(values[..., : plan.colours], result[..., : plan.colours])
            if plan.colours < plan.channels:
                finish(values[..., plan.colours :], result[..., plan.colours :], "clip", 0.0, 1)
        else:
            work.fill(0, result)
        if out is None:
            return result.reshape(wanted)
        out[...] = result.reshape(wanted)
        return out

    def in_bands(self, plan: CombinedPlan, bands, *, threads=None, tally=None, progress=None, rows=None):
        """As Filter.in_bands."""

        def execute(source, count):
            return execute_rows(
                plan, source, rows, begin=lambda held, low: _Work(plan, held, threads, count, progress, low)
            )

        yield from bands_of(plan, bands, tally, execute)


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


class _Work:
    """A CombinedPlan at work on a picture, or on the part of it that begins with row `low`: as `executor.Run`."""

    def __init__(self, plan: CombinedPlan, source, threads, tally, progress, low=0):
        self.plan, self.tally = plan, tally
        self.leader = Run(plan.leader, source, threads, progress=progress, low=low)
        self.jobs = [self.leader.job if p is plan.leader else Run(p, source, threads, low=low).job for p in plan.plans]

    def move(self, source: np.ndarray, low: int) -> None:
        """Go on with another part of the picture."""
        for job in self.jobs:
            job.move(source, low)

    def fill(self, first: int, out: np.ndarray, work=None) -> None:
        """Compute rows first, first + 1, ... of the result into `out`."""
        self.leader.fill(first, out, work or self.band)

    def band(self, first: int, out: np.ndarray, scratch: dict) -> None:
        """Rows of the result, rounded."""
        plan = self.plan
        values, alpha = self._combined(first, len(out), scratch)
        divisor = 1 if plan.combine in DEGREES else plan.divisor
        if plan.exact and out.dtype.kind != "f":
            np.floor(values, out=values)  # changes no quotient by an even number, rounded half up
        colours = out[..., : plan.colours]
        offset = float(plan.offset * divisor)
        finish(values, colours, plan.range, offset, divisor, self.tally, divisor > 1, divisor > 1)
        if alpha is not None:
            finish(alpha, out[..., plan.colours], "clip", 0.0, plan.divisor, self.tally, plan.exact, plan.exact)

    def values_band(self, first: int, out: np.ndarray, scratch: dict) -> None:
        """Rows of the result, not yet rounded."""
        plan = self.plan
        values, alpha = self._combined(first, len(out), scratch)
        divisor = 1 if plan.combine in DEGREES else plan.divisor
        out[..., : plan.colours] = values / divisor + float(plan.offset)
        if alpha is not None:
            out[..., plan.colours] = alpha / plan.divisor

    def _combined(self, first: int, count: int, scratch: dict) -> tuple[np.ndarray, np.ndarray | None]:
        """Combined values, multiplied by the divisor, and alpha likewise."""
        alpha = None

        def colours():
            nonlocal alpha
            for number, job in enumerate(self.jobs):
                values = job.values(first, count, scratch.setdefault(number, {}))
                if self.plan.has_alpha:
                    alpha = values[..., -1] if alpha is None else alpha
                    values = np.ascontiguousarray(values[..., :-1])
                yield values

        with np.errstate(invalid="ignore", over="ignore"):  # inf - inf, and squares beyond float64
            values = WAYS[self.plan.combine](colours())
        return values, alpha
