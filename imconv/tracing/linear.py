"""Traces of linear filters: window, weights, products, sum, division, rounding. Exact where samples are finite."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from ..pixels.alpha import KEPT, WEIGHTED
from ..pixels.rounding import HALF_UP
from ..pixels.sample_types import type_range
from ..stages.convolution.filter import LinearFilter
from .parts import Account, Part, ending, finished, name_of, place_of, ranged, result_of, rounded, where, window_of
from .words import shown

Number = Fraction | float


@dataclass(frozen=True)
class Trace:
    """The trace of one sample. Numbers are exact (int or Fraction) if samples and weights are finite, else floats.

    `window`, `weights` and `products` are rows of cells, with None for taps that are left out. `value` is
    `total * multiplier / divisor + offset`, `ranged` is the value after the range policy, `rounded` is that value rounded and
    saturated (unchanged for floats), and `result` is the filter's own result.
    """

    channel: str
    window: list
    weights: list
    products: list
    total: Number
    multiplier: Number
    divisor: Number
    offset: Number
    value: Number
    ranged: Number
    rounded: Number
    result: float
    remark: str = ""
    anchor: tuple = (0, 0)
    rounding: str = HALF_UP

    @property
    def tables(self) -> dict:
        """The tables of cells by name."""
        return {"window": self.window, "weights": self.weights, "products": self.products} if self.window else {}

    @property
    def marks(self) -> dict:
        """For each table the cell over the pixel."""
        return dict.fromkeys(self.tables, self.anchor)

    @property
    def steps(self) -> list:
        """The steps from the sum to the stored sample: (name, value)."""
        steps, quotient = [("sum", self.total)], self.total
        if self.multiplier != 1:
            quotient = quotient * self.multiplier
            steps.append((f"times {shown(self.multiplier)}", quotient))
        if self.divisor != 1:
            steps.append((f"divided by {shown(self.divisor)}", quotient / self.divisor))
        if self.offset:
            steps.append((f"plus {shown(self.offset)}", self.value))
        return steps + ending(self.value, self.ranged, self.rounded, self.rounding)

    def as_dict(self) -> dict:
        """The trace for JSON."""
        return {name: value for name, value in vars(self).items() if name not in ("anchor", "rounding")}


def linear(filter: LinearFilter, pixels: np.ndarray, has_alpha: bool, x: int, y: int, title: str = "") -> list[Part]:
    """The trace of a linear filter and, if it has a `point` (unsharp masking), of that as a second part."""
    plan = filter.plan(pixels.shape, pixels.dtype, has_alpha)
    if filter.point is None:
        return [Part(title, *_traces(plan, pixels, x, y, result_of(plan, pixels, x, y)))]
    blur = replace(filter, point=None).retyped(np.float64, plan.scale)
    blurred = blur.plan(pixels.shape, pixels.dtype, has_alpha)
    place, traces = _traces(blurred, pixels, x, y, result_of(blurred, pixels, x, y))
    results = result_of(plan, pixels, x, y)
    accounts = []
    for channel, trace in enumerate(traces):
        steps = _added(filter.point, trace, plan, trace.channel == "alpha" and plan.alpha != "separate")
        accounts.append(Account(trace.channel, {}, steps, results[channel]))
    return [Part("blurred", place, traces), Part("what that takes away, added", {}, accounts)]


def _added(point, trace: Trace, plan, is_alpha: bool) -> list:
    """The steps of an unsharp mask after the blur; the blurred sample is in the result's units."""
    exact = isinstance(trace.value, Fraction)
    sample = trace.total
    if trace.window:
        row, column = trace.anchor
        sample = (trace.window[row][column] or 0) * (plan.scale if exact else float(plan.scale))
    threshold = float(point.threshold) * float(plan.scale)
    detail = sample - trace.value
    steps = [("the sample", sample), ("less the blurred one", detail)]
    if abs(float(detail)) <= threshold:
        detail = detail * 0
        steps.append((f"not above {threshold:g}", detail))
    value = detail * (Fraction(point.amount) if exact else point.amount) + sample
    steps += [(f"times {point.amount:g}", value - sample), ("plus the sample", value)]
    return steps + finished(value, plan.target, "clip" if is_alpha else plan.range)


def _traces(plan, pixels: np.ndarray, x: int, y: int, results: list) -> tuple[dict, list[Trace]]:
    """The place of the window, and the Trace of every channel."""
    place, rows, columns = place_of(plan, x, y, plan.kernel.anchor)
    opaque = None if plan.alpha == "none" else type_range(pixels.dtype)[1]
    samples = window_of(plan, pixels, rows, columns, opaque)
    edge = plan.keeps_edges and _reaches_out(plan, x, y)
    return place, [_channel(plan, samples, n, results[n], edge) for n in range(plan.channels)]


def _reaches_out(plan, x: int, y: int) -> bool:
    """Whether the window leaves the picture."""
    (top, bottom), (left, right) = plan.rows.inside(), plan.columns.inside()
    return bool(top[y] > 0 or bottom[y] < plan.rows.taps or left[x] > 0 or right[x] < plan.columns.taps)


def _channel(plan, samples: np.ndarray, number: int, result, edge: bool) -> Trace:
    kernel, alpha = plan.kernel, plan.alpha
    name = name_of(number, plan.channels, alpha != "none")
    is_alpha = name == "alpha"
    exact = all(s is None or math.isfinite(s) for s in samples.ravel())
    as_number = Fraction if exact else float
    if is_alpha and alpha in KEPT:
        return _kept(plan, samples, number, as_number, result, "kept: the sample under the anchor", "clip")
    if edge:
        policy = "clip" if is_alpha and alpha == "weight" else plan.range
        return _kept(plan, samples, number, as_number, result, "kept: the window leaves the picture", policy)
    divisor = as_number(kernel.denominator if kernel.exact else 1)
    numerators = (kernel.numerators if kernel.exact else kernel.weights).tolist()
    weights = np.array([[as_number(h) for h in row] for row in numerators], dtype=object)
    weight_sum = weights.sum()
    if kernel.included is not None:
        weights[~kernel.included] = None
    window = np.empty(samples.shape, object)
    for at in np.ndindex(samples.shape):
        window[at] = None if samples[at] is None or weights[at[:2]] is None else as_number(samples.item(*at))
    read = window[..., 0] != None  # noqa: E711 (elementwise)
    offset = as_number(kernel.offset)
    remark = ""
    multiplier = as_number(1)
    if plan.border.mode == "normalized":
        multiplier, divisor = weight_sum, divisor * weights[read].sum()
        remark = "re-weighted by the weights' sum over that of the taps on the picture"
    if alpha in WEIGHTED:
        coverage = sum(weights[read] * window[..., -1][read])
        if is_alpha:
            offset = as_number(0)
        elif coverage > 0:
            multiplier = weight_sum / as_number(kernel.denominator if kernel.exact else 1)
            divisor = coverage
            weights = where(read, weights * np.where(read, window[..., -1], 0))
            remark = "weights times alpha; divided by their sum"
        else:
            remark = "transparent all round: alpha does not weigh"
    products = np.full(read.shape, None, object)
    products[read] = weights[read] * window[..., number][read]
    total = sum(products[read], as_number(0))
    value = total * multiplier / divisor + offset
    target = np.dtype(plan.target)
    in_range = value if is_alpha and alpha == "weight" else ranged(value, plan.range, target)
    stored = rounded(in_range, target, plan.rounding)
    return Trace(
        name, window[..., number].tolist(), where(read, weights).tolist(), products.tolist(), total, multiplier,
        divisor, offset, value, in_range, stored, result, remark, kernel.anchor, plan.rounding,
    )  # fmt: skip


def _kept(plan, samples, number: int, as_number, result, remark: str, policy: str) -> Trace:
    """The trace of a sample that is not filtered: it is the sample under the anchor."""
    name = name_of(number, plan.channels, plan.alpha != "none")
    kept = as_number(samples[plan.kernel.anchor][number] or 0) * as_number(plan.scale)
    one, target = as_number(1), np.dtype(plan.target)
    in_range = ranged(kept, policy, target)
    stored = rounded(in_range, target, plan.rounding)
    return Trace(name, [], [], [], kept, one, one, as_number(0), kept, in_range, stored, result, remark)
