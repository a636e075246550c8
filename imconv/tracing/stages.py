"""`parts_of`: chooses how a filter is traced, and traces filters that consist of several others."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..composites.chain import ChainFilter, ChainPlan
from ..composites.ignoring_nan import IgnoringFilter
from ..composites.luma import LumaFilter
from ..composites.passes import PassesFilter, PassesPlan
from ..engine.drive import run
from ..errors import OptionError
from ..filters.bilateral import BilateralFilter
from ..filters.edges import SignedFilter
from ..filters.guided import GuidedFilter
from ..filters.local import ContrastFilter, DeviationFilter
from ..filters.morphology import MorphologyFilter, difference
from ..filters.sharpen import UnsharpFilter
from ..pixels.alpha import KEPT
from ..stages.combined.filter import CombinedFilter
from ..stages.combined.formulas import DEGREES, FORMULAS, HUES
from ..stages.convolution.filter import LinearFilter
from ..stages.convolution.plan import Plan
from ..stages.pooling.filter import PoolFilter
from ..stages.ranking.filter import RankFilter
from . import local, windows
from .linear import linear
from .parts import Account, Part, finished, name_of, result_of

COMBINED_NAMES = {
    "magnitude": "root of the sum of squares", "max": "the largest", "direction": "degrees", "compass": "degrees",
}  # fmt: skip


def parts_of(filter, pixels: np.ndarray, has_alpha: bool, x: int, y: int, names: tuple[str, ...] = ()) -> list[Part]:
    """The parts of the trace of any filter at a pixel."""
    at = pixels, has_alpha, x, y
    check_traceable(filter)
    if isinstance(filter, ChainFilter):
        return _chain(filter, *at, names)
    if isinstance(filter, UnsharpFilter):
        return linear(filter.with_types_fixed(pixels.dtype).chosen(has_alpha), *at)
    if isinstance(filter, SignedFilter):
        return linear(filter.ranged(filter.result_type(pixels.dtype)), *at)
    if isinstance(filter, IgnoringFilter) and isinstance(filter.plan(pixels.shape, pixels.dtype, has_alpha), Plan):
        return linear(filter.plain(has_alpha), *at)
    if isinstance(filter, LumaFilter):
        inner = filter.of_luma(pixels.dtype)
        return parts_of(inner, filter.taken(pixels, has_alpha), has_alpha, x, y)
    for filter_class, parts in TRACES.items():
        if isinstance(filter, filter_class):
            return parts(filter, *at)
    raise OptionError("no trace of this: its pixels are several filters' results; trace one of the filters")


def check_traceable(filter) -> None:
    """Raise OptionError for options that a trace can't show: a selected part, the range stretch, linear light, NaN left out of
    other windows than those of kernels."""
    if filter.options.selects:
        raise OptionError("a trace shows the filter itself; leave out region=, mask=, channels= and crop=")
    if filter.options.range == "stretch" or filter.options.linear:
        raise OptionError("a trace shows neither range='stretch' nor linear=True; leave them out")
    if filter.options.nan == "ignore" and not isinstance(filter, IgnoringFilter):
        raise OptionError("a trace shows nan='ignore' for smoothing only; leave it out")


def _chain(chain: ChainFilter, pixels, has_alpha: bool, x: int, y: int, names) -> list[Part]:
    """The parts of every filter of a chain, each at the pixel under the next one's anchor."""
    plan = chain.plan(pixels.shape, pixels.dtype, has_alpha)
    if len(names) != len(chain.steps):  # the names are those of a chain around this one
        names = [f"step {n}" for n, _ in enumerate(chain.steps, 1)]
    titles = _titles(plan, names)
    return _one_after_another(plan.filters, plan.plans, titles, pixels, has_alpha, x, y)


def _titles(plan, names) -> list[str]:
    """The titles of a chain's filters, from the names of its steps; a filter may stand for several steps."""
    titles: list[str] = []
    for index, name in enumerate(names):
        if index in plan.fused:
            titles[-1] += f" and {name}, as one kernel"
        else:
            titles.append(name)
    return titles


def _stepped(filter: PassesFilter, pixels, has_alpha: bool, x: int, y: int) -> list[Part]:
    plan = filter.plan(pixels.shape, pixels.dtype, has_alpha)
    titles = [f"step {n + 1}" if len(plan.plans) > 1 else "" for n in range(len(plan.plans))]
    return _one_after_another(plan.filters, plan.plans, titles, pixels, has_alpha, x, y)


def _one_after_another(filters, plans, titles, pixels, has_alpha: bool, x: int, y: int) -> list[Part]:
    """The parts of consecutive filters, each at the pixel under the next one's anchor."""
    places = [(x, y)]
    for plan in reversed(plans[1:]):
        places.insert(0, _under(plan, *places[0]))
    found = []
    for filter, plan, title, place in zip(filters, plans, titles, places, strict=True):
        for part in parts_of(filter, pixels, has_alpha, *place):
            found.append(replace(part, title=": ".join(words for words in (title, part.title) if words)))
        pixels = run(plan, pixels)
    return found


def _under(plan, x: int, y: int) -> tuple[int, int]:
    """The pixel under the anchor of a window in the picture that it reads, or the pixel nearest to it."""
    if isinstance(plan, ChainPlan | PassesPlan):
        for each in reversed(plan.plans):
            x, y = _under(each, x, y)
        return x, y
    found = []
    for axis, place in ((plan.columns, x), (plan.rows, y)):
        at = place * axis.stride + axis.anchor * axis.dilation - axis.before
        found.append(min(max(at, 0), axis.size - 1))
    return found[0], found[1]


def _combined(filter: CombinedFilter, pixels, has_alpha: bool, x: int, y: int) -> list[Part]:
    """The parts of every filter of a combination, then the combination."""
    plan, parts = filter.plan(pixels.shape, pixels.dtype, has_alpha), []
    scale = (
        filter.filters[0].factor(pixels.dtype) if filter.combine not in DEGREES else plan.plans[0].scale / plan.divisor
    )
    for number, each in enumerate(filter.filters, 1):
        title = each.kernel.name or f"kernel {number} of {len(filter.filters)}"
        parts += linear(each.with_options(offset=0).retyped(np.float64, scale), pixels, has_alpha, x, y, title)
    result = result_of(plan, pixels, x, y)
    values = [np.array([[[float(c.value) for c in part.channels][: plan.plans[0].channels - plan.has_alpha]]]) for part in parts]  # fmt: skip
    combined = np.atleast_3d(FORMULAS[filter.combine](iter([each.copy() for each in values])))[0, 0].tolist()
    accounts = []
    for number, value in enumerate(combined):
        steps = []
        if filter.combine not in HUES:
            value = _exactly(filter.combine, [part.channels[number].value for part in parts], value)
            steps = [(f"of {part.title}", part.channels[number].value) for part in parts]
        said = COMBINED_NAMES.get(filter.combine, "hue by direction, brightness by magnitude")
        steps += [(said, value), *finished(value, plan.target, plan.range, 1, plan.offset)]
        accounts.append(Account(name_of(number, len(result), plan.has_alpha), {}, steps, result[number]))
    if plan.has_alpha:
        value = parts[0].channels[-1].value
        said = "kept" if plan.plans[0].alpha in KEPT else f"as {parts[0].title} has it"
        accounts.append(Account("alpha", {}, [(said, value), *finished(value, plan.target)], result[-1]))
    return [*parts, Part(filter.combine, {}, accounts)]


def _exactly(combine: str, values: list, value: float):
    """The exact combined value if it can be computed exactly, else `value`."""
    if combine == "max" and all(math.isfinite(each) for each in values):
        return max(values)
    return value


def _morphology(filter: MorphologyFilter, pixels, has_alpha: bool, x: int, y: int) -> list[Part]:
    """The parts of erosions and dilations, then their difference."""
    plan = filter.plan(pixels.shape, pixels.dtype, has_alpha)
    parts, ends, samples = [], [], []
    for name, chain in (("", plan.more), ("less ", plan.less)):
        if chain is None:
            continue
        seen = pixels
        for number, stage in enumerate(chain):
            title = f"{name}the {'largest' if stage.largest else 'least'}{' of that' if number else ''}"
            results = result_of(stage, seen, x, y)
            parts += windows.ranks(stage, stage.percentile, seen, x, y, results, title)
            seen = run(stage, seen)
        samples.append(seen.reshape(*seen.shape[:2], -1)[y : y + 1, x : x + 1])
        ends.append((f"{name}the picture" if not chain else parts[-1].title, np.atleast_1d(seen[y, x]).tolist()))
    result, accounts = result_of(plan, pixels, x, y), []
    left = difference(*samples)[0, 0].tolist() if len(samples) > 1 else []
    for number in range(plan.channels):
        name = name_of(number, plan.channels, has_alpha)
        steps = [(title, values[number]) for title, values in ends]
        value = steps[0][1]
        if len(steps) > 1 and not (name == "alpha" and plan.alpha in KEPT):
            value = left[number]
            steps.append(("difference", value))
        outer, alone = plan.outer, name == "alpha"
        last = finished(value, plan.target, "clip" if alone else plan.range, outer.scale, 0 if alone else outer.offset)
        accounts.append(Account(name, {}, steps + last, result[number]))
    return [*parts, Part(filter.operation, {}, accounts)]


TRACES: dict[type, Callable[..., list[Part]]] = {
    LinearFilter: linear,
    CombinedFilter: _combined,
    PassesFilter: _stepped,
    MorphologyFilter: _morphology,
    RankFilter: windows.rank,
    PoolFilter: windows.pool,
    BilateralFilter: local.bilateral,
    DeviationFilter: local.deviation,
    ContrastFilter: local.contrast,
    GuidedFilter: local.guided,
    IgnoringFilter: local.ignoring,
}
