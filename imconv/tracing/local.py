"""Traces of filters whose weights depend on the samples: bilateral, guided, deviation, contrast, and NaN left out."""

from __future__ import annotations

import math

import numpy as np

from ..composites.float_stages import floats_of
from ..engine.drive import run
from ..options import Options
from ..pixels.alpha import WEIGHTED
from ..pixels.elementary import exp
from ..stages.convolution.filter import LinearFilter
from ..stages.neighborhood.moments import moments
from .linear import linear
from .parts import Account, Part, cells_of, finished, name_of, place_of, result_of, where, window_of

TRANSPARENT = "transparent all round: the sample"


def bilateral(filter, pixels: np.ndarray, has_alpha: bool, x: int, y: int) -> list[Part]:
    """The trace of a bilateral filter: weights by distance and likeness, products, and the quotient of the sums."""
    plan, floats = _planned(filter, pixels, has_alpha)
    centre = (filter.radius, filter.radius)
    place, rows, columns = place_of(plan, x, y, centre)
    window = window_of(plan, floats, rows, columns)
    distance = np.arange(-filter.radius, filter.radius + 1)
    squares = distance**2 + (distance**2)[:, None]
    there = (squares <= filter.radius**2) & (window[..., 0] != None)  # noqa: E711 (elementwise)
    samples = np.where(there[..., None], window, 0).astype(np.float64)
    unlike = ((samples - samples[centre]) ** 2).sum(axis=2)
    weights = exp(-squares / (2 * filter.sigma**2) - unlike / (2 * float(plan.filter.sigma_range) ** 2))
    shown, found = _cells(weights, there), []
    for number in range(samples.shape[2]):
        products = weights * samples[..., number]
        total, share = float(products[there].sum()), float(weights[there].sum())
        tables = {"window": _cells(samples[..., number], there), "weights": shown, "products": _cells(products, there)}
        found.append((tables, [("sum", total), ("sum of the weights", share), ("quotient", total / share)]))
    return [Part("", place, _accounts(filter, plan, found, pixels, x, y, centre))]


def deviation(filter, pixels: np.ndarray, has_alpha: bool, x: int, y: int) -> list[Part]:
    """The trace of a local standard deviation."""
    plan, floats = _planned(filter, pixels, has_alpha)
    anchor = plan.rows.anchor, plan.columns.anchor
    place, rows, columns = place_of(plan, x, y, anchor)
    window, found = window_of(plan, floats, rows, columns), []
    for number in range(window.shape[2]):
        table = cells_of(window[..., number])
        mean, spread = _moments(table)
        steps = [("mean", mean), ("mean of squared differences to it", spread), ("root", math.sqrt(spread))]
        found.append(({"window": table}, steps))
    return [Part("", place, _accounts(filter, plan, found, pixels, x, y, anchor))]


def _moments(table: list) -> tuple[float, float]:
    """Mean and variance of a window's samples."""
    samples = np.array([float(cell) for row in table for cell in row if cell is not None])
    return float(samples.mean()), float(((samples - samples.mean()) ** 2).mean())


def contrast(filter, pixels: np.ndarray, has_alpha: bool, x: int, y: int) -> list[Part]:
    """The trace of local contrast: the mean, the deviation, and the quotient."""
    plan, floats = _planned(filter, pixels, has_alpha)
    blur = LinearFilter(filter.kernel, Options(border=plan.border, dtype=np.float64))
    differences = floats - run(blur.plan(floats.shape, floats.dtype, False), floats).reshape(floats.shape)
    mean = linear(blur, floats, False, x, y, "mean")[0]
    spread = linear(blur, differences**2, False, x, y, "mean of squared differences to it")[0]
    floor, gain = float(plan.filter.floor), plan.filter.gain
    found: list[tuple[dict, list]] = []
    for number in range(floats.shape[2]):
        difference, width = float(differences[y, x, number]), math.sqrt(max(spread.channels[number].result, 0))
        quotient = difference / (width + floor)
        steps = [("the sample", float(floats[y, x, number])), ("less the mean", difference), ("deviation", width)]
        steps += [(f"plus {floor:g}", width + floor), ("quotient", quotient)]
        found.append(({}, [*steps, (f"times {gain:g}", quotient * gain)]))
    return [mean, spread, Part(filter.name, {}, _accounts(filter, plan, found, pixels, x, y))]


def guided(filter, pixels: np.ndarray, has_alpha: bool, x: int, y: int) -> list[Part]:
    """The trace of a guided filter: the line fitted in the pixel's own box, then the mean of the lines of all boxes with it."""
    plan, floats = _planned(filter, pixels, has_alpha)
    planes = floats if filter.guide is None else next(filter.joined(plan, iter([floats])))
    found = np.concatenate(list(moments(plan.plans[0], iter([planes]), None)))
    eps, channels = plan.filter.eps, floats.shape[2]
    lines = filter.lines(found, eps, plan.plans[1].source, None).reshape(*floats.shape, 2)
    anchor = plan.rows.anchor, plan.columns.anchor
    place, rows, columns = place_of(plan, x, y, anchor)
    own = []
    for number in range(channels):
        means, spreads = found[y, 0, x], found[y, 1, x]
        if filter.guide is None:
            steps = [("mean", means[number]), ("variance", spreads[number])]
        else:
            more, less = 1 + number, 1 + channels + number
            steps = [("mean of the guide", means[0]), ("its variance", spreads[0])]
            steps += [("mean", (means[more] - means[less]) / 2), ("covariance", (spreads[more] - spreads[less]) / 4)]
        steps += [("with the noise", spreads[number if filter.guide is None else 0] + eps)]
        steps += [("a", lines[y, x, number, 0]), ("b", lines[y, x, number, 1])]
        tables = {"window": cells_of(window_of(plan, floats, rows, columns)[..., number])}
        if filter.guide is not None:
            tables["guide"] = cells_of(window_of(plan, planes[..., :1], rows, columns)[..., 0])
        own.append(Account(name_of(number, plan.channels, has_alpha), tables, _plain(steps), None, "", dict.fromkeys(tables, anchor)))  # fmt: skip
    drawn = []
    for number in range(channels):
        tables = {name: cells_of(window_of(plan, lines[..., number, k : k + 1], rows, columns)[..., 0]) for k, name in enumerate("ab")}  # fmt: skip
        a, b = (_moments(table)[0] for table in tables.values())
        sample = float(planes[y, x, number if filter.guide is None else 0])
        steps = [("mean of a", a), ("mean of b", b), ("the sample" if filter.guide is None else "the guide", sample)]
        drawn.append((tables, [*steps, ("a times it, plus b", a * sample + b)]))
    last = _accounts(filter, plan, drawn, pixels, x, y, anchor)
    return [Part("the line of its own box", place, own), Part("the lines of all boxes it is in", place, last)]


def ignoring(filter, pixels: np.ndarray, has_alpha: bool, x: int, y: int) -> list[Part]:
    """The trace of smoothing without NaN: sums over the other samples, and their quotient."""
    plan, floats = _planned(filter, pixels, has_alpha)
    anchor = filter.kernel.anchor
    place, rows, columns = place_of(plan, x, y, anchor)
    window, kernel = window_of(plan, floats, rows, columns), filter.kernel
    weights = kernel.numerators.astype(np.float64) if kernel.exact else kernel.weights
    found = []
    for number in range(floats.shape[2]):
        there = np.array([[c is not None and c == c for c in row] for row in window[..., number]])
        samples = np.where(there, window[..., number], 0).astype(np.float64)
        products = weights * samples
        total, share = float(products[there].sum()), float(weights[there].sum())
        tables = {
            "window": _cells(samples, there),
            "weights": _cells(weights, there),
            "products": _cells(products, there),
        }
        value = total / share * kernel.sum() if share else math.nan
        steps = [("sum", total), ("sum of the weights", share), (f"quotient, times {kernel.sum():g}", value)]
        found.append((tables, steps))
    return [Part("", place, _accounts(filter, plan, found, pixels, x, y, anchor))]


def _planned(filter, pixels: np.ndarray, has_alpha: bool):
    """The filter's plan, and the picture converted as its stages read it, (rows, columns, channels)."""
    plan = filter.plan(pixels.shape, pixels.dtype, has_alpha)
    return plan, floats_of(plan, pixels.reshape(*pixels.shape[:2], -1), None)


def _cells(values: np.ndarray, there: np.ndarray) -> list:
    return where(there, values).tolist()


def _plain(steps: list) -> list:
    return [(name, float(value)) for name, value in steps]


def _accounts(filter, plan, found: list, pixels: np.ndarray, x: int, y: int, mark=None) -> list[Account]:
    """The Account of every channel: `found` has tables and steps up to the filter's value; those of alpha, depth and rounding
    are added."""
    results, has_alpha = result_of(plan, pixels, x, y), plan.alpha != "none"
    samples, accounts = np.atleast_1d(pixels[y, x]).tolist(), []
    for number in range(plan.channels):
        name, colour = name_of(number, plan.channels, has_alpha), number < plan.colours
        if number >= len(found) or (not colour and plan.alpha == "keep"):
            steps = [("the sample", samples[number]), *finished(samples[number], plan.target, "clip", plan.scale)]
            accounts.append(Account(name, {}, steps, results[number], "kept"))
            continue
        tables, steps = found[number]
        value = steps[-1][1]
        if plan.alpha in WEIGHTED and colour:
            alpha = found[-1][1][-1][1]
            value = value * plan.white / alpha if alpha > 0 else float(samples[number])
            steps = [*steps, ("divided by alpha" if alpha > 0 else TRANSPARENT, value)]
        scale = 1 if colour and plan.unitless else plan.scale
        policy, offset = (plan.range, plan.offset) if colour else ("clip", 0)
        steps = steps + finished(value, plan.target, policy, scale, offset)
        accounts.append(Account(name, tables, steps, results[number], "", dict.fromkeys(tables, mark) if mark else {}))
    return accounts
