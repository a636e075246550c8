"""How one sample of a result comes about: window, weights, products, sum, division, rounding; the lecture's figure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .accuracy import type_range
from .border import fill_values
from .correlation import LinearFilter
from .errors import OptionError

WIDEST = 100  # characters of window, weights and products side by side
HALF = Fraction(1, 2)


@dataclass(frozen=True)
class Trace:
    """One sample of the result. Numbers are exact (int or Fraction) where samples and weights are finite, else floats.

    `window`, `weights` and `products` are rows of cells, None where nothing is read. `value` is
    `total * multiplier / divisor + offset`; `ranged` what the range policy makes of it; `rounded` that rounded half up
    and saturated (as it is for floats); `result` what the filter itself gives.
    """

    channel: str
    window: list
    weights: list
    products: list
    total: object
    multiplier: object
    divisor: object
    offset: object
    value: object
    ranged: object
    rounded: object
    result: object
    remark: str = ""


def trace(filter: LinearFilter, picture, x: int, y: int) -> tuple[dict, list[Trace]]:
    """Where the window lies, and a Trace for each channel, of the result's pixel in column `x` and row `y`.

    Parameters
    ----------
    filter : LinearFilter
    picture : Picture
    x, y : int
        From 0, in the result.

    Returns
    -------
    dict
        `rows` and `columns`: the picture's row behind each row of the window, -1 for none, and the same for columns;
        `anchor`: the tap over the pixel.
    list of Trace

    Raises OptionError for a pixel outside the result, and for what depends on the whole picture: range stretch, linear
    light.
    """
    if filter.options.range == "stretch" or filter.options.linear:
        raise OptionError("a trace shows neither range stretch nor linear light; leave them out")
    pixels = picture.pixels
    plan = filter.plan(pixels.shape, pixels.dtype, picture.has_alpha)
    if not (0 <= x < plan.columns.out and 0 <= y < plan.rows.out):
        raise OptionError(f"pixel {x},{y} is outside the result of {plan.columns.out} x {plan.rows.out} pixels")
    rows = plan.row_sources[y * plan.rows.stride + np.arange(plan.rows.taps) * plan.rows.dilation]
    columns = plan.column_sources[x * plan.columns.stride + np.arange(plan.columns.taps) * plan.columns.dilation]
    samples = _samples(plan, pixels, rows, columns)
    result = np.atleast_1d(filter.apply(picture).pixels[y, x]).tolist()
    traces = [_channel(plan, samples, number, result[number]) for number in range(plan.channels)]
    return {"rows": rows.tolist(), "columns": columns.tolist(), "anchor": list(plan.kernel.anchor)}, traces


def _samples(plan, pixels: np.ndarray, rows, columns) -> np.ndarray:
    """The window as an object array (rows, columns, channels); None where border "normalized" leaves a tap out."""
    block = pixels.reshape(*pixels.shape[:2], -1)[np.ix_(np.maximum(rows, 0), np.maximum(columns, 0))]
    window = block.astype(object)
    outside = (rows < 0)[:, None] | (columns < 0)[None]
    if plan.border.mode == "normalized":
        window[outside] = None
    elif outside.any():
        opaque = None if plan.alpha == "none" else type_range(pixels.dtype)[1]
        window[outside] = fill_values(plan.border, plan.channels, opaque)
    return window


def _channel(plan, samples: np.ndarray, number: int, result) -> Trace:
    kernel, alpha = plan.kernel, plan.alpha
    is_alpha = alpha != "none" and number == plan.channels - 1
    name = "alpha" if is_alpha else f"{number + 1} of {plan.channels}"
    exact = all(s is None or math.isfinite(s) for s in samples.ravel())
    as_number = Fraction if exact else float
    weights = kernel.numerators if kernel.exact else kernel.weights
    divisor = as_number(kernel.denominator if kernel.exact else 1)
    weights = np.array([[as_number(h) for h in row] for row in weights.tolist()], dtype=object)
    gain = weights.sum()
    if kernel.included is not None:
        weights[~kernel.included] = None
    window = np.empty(samples.shape, object)
    for at in np.ndindex(samples.shape):
        window[at] = None if samples[at] is None or weights[at[:2]] is None else as_number(samples[at])
    read = window[..., 0] != None  # noqa: E711 (elementwise)
    offset = as_number(kernel.offset)
    if is_alpha and alpha == "keep":
        return _kept(plan, samples, name, as_number, result)
    remark = ""
    multiplier = as_number(1)
    if plan.border.mode == "normalized":
        multiplier, divisor = gain, divisor * weights[read].sum()
        remark = "re-weighted by the weights' sum over that of the taps on the picture"
    if alpha == "weight":
        coverage = sum(weights[read] * window[..., -1][read])
        if is_alpha:
            offset = as_number(0)
        elif coverage > 0:
            multiplier = gain / as_number(kernel.denominator if kernel.exact else 1)
            divisor = coverage
            weights = np.where(read, weights * np.where(read, window[..., -1], 0), None)
            remark = "weights times alpha; divided by their sum"
        else:
            remark = "transparent all round: alpha does not weigh"
    products = np.full(read.shape, None)
    products[read] = weights[read] * window[..., number][read]
    total = sum(products[read], as_number(0))
    value = total * multiplier / divisor + offset
    ranged = value if is_alpha and alpha == "weight" else _ranged(value, plan)
    shown = np.where(read, weights, None)
    return Trace(name, window[..., number].tolist(), shown.tolist(), products.tolist(), total, multiplier, divisor, offset, value, ranged, _rounded(ranged, plan.target), result, remark)  # fmt: skip


def _kept(plan, samples, name, as_number, result) -> Trace:
    """Alpha that is not filtered: the sample under the anchor."""
    kept = as_number(samples[plan.kernel.anchor][-1] or 0) * as_number(plan.scale)
    one = as_number(1)
    return Trace(name, [], [], [], kept, one, one, as_number(0), kept, kept, _rounded(kept, plan.target), result, "kept: the sample under the anchor")  # fmt: skip


def _ranged(value, plan):
    target = np.dtype(plan.target)
    if plan.range == "abs":
        return abs(value)
    if plan.range == "offset":
        middle = (
            Fraction(int(type_range(target)[1]) + 1, 2) if target.kind == "u" else HALF if target.kind == "f" else 0
        )
        return value + type(value)(middle)
    return value


def _rounded(value, target: str):
    kind = np.dtype(target)
    if kind.kind == "f":
        return float(kind.type(float(value)))
    low, high = (np.iinfo(kind).min, np.iinfo(kind).max) if kind.kind in "iu" else (0, 1)
    if isinstance(value, float) and not math.isfinite(value):
        return 0 if math.isnan(value) else high if value > 0 else low
    return min(max(math.floor(Fraction(value) + HALF), low), high)


def as_json(place: dict, traces: list[Trace]) -> dict:
    """A trace for JSON: whole numbers as integers, others as floats; null for infinity, NaN, and where nothing is read."""

    def plain(value):
        if isinstance(value, list):
            return [plain(each) for each in value]
        if isinstance(value, Fraction):
            return int(value) if value.denominator == 1 else float(value)
        if isinstance(value, float) and not math.isfinite(value):
            return None
        return int(value) if isinstance(value, bool) else value

    return {**place, "channels": [{name: plain(value) for name, value in vars(each).items()} for each in traces]}


def text(place: dict, traces: list[Trace]) -> str:
    """A trace for people: window, weights and products side by side, and what becomes of their sum."""
    lines = [f"rows     {positions(place['rows'])}", f"columns  {positions(place['columns'])}"]
    for each in traces:
        lines += ["", f"channel {each.channel}" + (f" ({each.remark})" if each.remark else "")]
        lines += blocks(each.window, each.weights, each.products, place["anchor"]) if each.window else []
        steps = [("sum", each.total)]
        quotient = each.total
        if each.multiplier != 1:
            quotient = quotient * each.multiplier
            steps.append((f"times {shown(each.multiplier)}", quotient))
        if each.divisor != 1:
            steps.append((f"divided by {shown(each.divisor)}", quotient / each.divisor))
        if each.offset:
            steps.append((f"plus {shown(each.offset)}", each.value))
        if each.ranged != each.value:
            steps.append(("by the range policy", each.ranged))
        if not isinstance(each.rounded, float):
            whole = math.floor(each.ranged + HALF) if math.isfinite(each.ranged) else each.rounded
            if whole != each.ranged:
                steps.append(("rounded half up", whole))
            if whole != each.rounded:
                steps.append(("saturated", each.rounded))
        steps.append(("result", each.result))
        width = max(len(name) for name, _ in steps)
        lines += [f"{name:<{width}}  {shown(value)}" for name, value in steps]
    return "\n".join(lines)


def positions(numbers: list[int]) -> str:
    """Rows or columns behind a window; -1 lies outside."""
    return " ".join("outside" if n < 0 else str(n) for n in numbers)


def blocks(window: list, weights: list, products: list, anchor: list[int] | None = None) -> list[str]:
    """Lines with rows of cells side by side, under one another where that gets too wide; None is shown as -. The cell at
    `anchor` is between brackets; what is empty is left out."""
    found = []
    for title, cells in (("window", window), ("weights", weights), ("products", products)):
        if not cells:
            continue
        words = [["-" if cell is None else shown(cell) for cell in row] for row in cells]
        width = max(len(cell) for row in words for cell in row)
        rows = [
            "".join(f"[{c:>{width}}]" if [i, j] == anchor else f" {c:>{width}} " for j, c in enumerate(row))
            for i, row in enumerate(words)
        ]
        found.append([title.ljust(len(rows[0])), *(row.ljust(len(title)) for row in rows)])
    if sum(len(block[0]) + 3 for block in found) > WIDEST:
        return [line.rstrip() for block in found for line in block]
    return ["   ".join(parts).rstrip() for parts in zip(*found, strict=True)]


def shown(value) -> str:
    """A number: whole, or with ten digits."""
    if isinstance(value, bool | np.bool_):
        return str(int(value))
    if isinstance(value, Fraction) and value.denominator == 1:
        return str(value.numerator)
    return str(value) if isinstance(value, int) else f"{float(value):.10g}"
