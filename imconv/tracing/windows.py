"""Traces of windows without weights: ranks and pooling."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from ..pixels.alpha import KEPT
from ..pixels.sample_types import type_range
from ..stages.pooling.plan import PoolPlan
from ..stages.pooling.work import counted
from ..stages.ranking.footprint import rank_of
from ..stages.ranking.plan import RankPlan
from ..stages.ranking.work import constant_samples
from .parts import Account, Part, as_float, cells_of, finished, name_of, place_of, result_of, window_of


def rank(filter, pixels: np.ndarray, has_alpha: bool, x: int, y: int) -> list[Part]:
    """The trace of a rank filter."""
    plan = filter.plan(pixels.shape, pixels.dtype, has_alpha)
    return ranks(plan, filter.percentile, pixels, x, y, result_of(plan, pixels, x, y))


def ranks(plan: RankPlan, percentile: float, pixels, x: int, y: int, results: list, title: str = "") -> list[Part]:
    """The part of a RankPlan: the window, its samples in order, and the one that is the result."""
    anchor = plan.footprint.anchor
    place, rows, columns = place_of(plan, x, y, anchor)
    opaque = None if plan.alpha == "none" else type_range(pixels.dtype)[1]
    window = window_of(plan, pixels, rows, columns, opaque)
    if plan.border.mode == "constant":
        window[(rows < 0)[:, None] | (columns < 0)[None]] = constant_samples(plan, pixels.dtype).tolist()
    accounts = []
    for number in range(plan.channels):
        name = name_of(number, plan.channels, plan.alpha != "none")
        cells = window[..., number].copy()
        if name == "alpha" and plan.alpha in KEPT:
            steps = [
                ("the sample under the anchor", cells[anchor] or 0),
                *finished(cells[anchor] or 0, plan.target, "clip", plan.scale),
            ]
            accounts.append(Account(name, {}, steps, results[number], "kept"))
            continue
        cells[~plan.footprint.cells] = None
        table = cells_of(cells)
        order = sorted((c for row in table for c in row if c is not None), key=lambda c: (c != c, c))
        which = rank_of(percentile, len(order))
        policy, offset = ("clip", 0) if name == "alpha" else (plan.range, plan.offset)
        steps = [("samples", len(order)), ("that come before", which), ("the sample", order[which])]
        steps += finished(order[which], plan.target, policy, plan.scale, offset)
        lines, mark = _wrapped(order, cells.shape[1]), divmod(which, cells.shape[1])
        marks = {"window": anchor, "in order": mark}
        accounts.append(Account(name, {"window": table, "in order": lines}, steps, results[number], "", marks))
    return [Part(title, place, accounts)]


def _wrapped(values: list, width: int) -> list:
    """Values as rows of cells; the last row is filled up with None."""
    rows = [values[start : start + width] for start in range(0, len(values), width)]
    rows[-1] = rows[-1] + [None] * (width - len(rows[-1]))
    return rows


def pool(filter, pixels: np.ndarray, has_alpha: bool, x: int, y: int) -> list[Part]:
    """The trace of pooling."""
    plan = filter.plan(pixels.shape, pixels.dtype, has_alpha)
    results = result_of(plan, pixels, x, y)
    place, rows, columns = place_of(plan, x, y)
    window = window_of(plan, pixels.astype(plan.type, copy=False), rows, columns)
    window[(rows < 0)[:, None] | (columns < 0)[None]] = None
    area = int(counted(plan.rows, plan.include_pad)[y] * counted(plan.columns, plan.include_pad)[x])
    accounts = []
    for number in range(plan.channels):
        name = name_of(number, plan.channels, has_alpha)
        table, alpha = cells_of(window[..., number]), cells_of(window[..., -1])
        is_alpha = name == "alpha" and (plan.weighs or plan.averages_alpha)
        tables = {"window": table}
        if not any(cell is not None for row in table for cell in row):
            accounts.append(Account(name, tables, [], results[number], "no sample in the window"))
            continue
        if plan.weighs and not is_alpha:
            tables["alpha"] = alpha
            steps = _weighted(plan, table, alpha, area)
        elif is_alpha:
            steps = _alpha(plan, table, area)
        else:
            steps = _pooled(plan, table, area, number)
        policy, offset = ("clip", 0) if is_alpha else (plan.range, plan.offset)
        scale = 1 if plan.operation == "count" and not is_alpha else plan.scale
        steps += finished(steps[-1][1], plan.target, policy, scale, offset)
        accounts.append(Account(name, tables, steps, results[number]))
    return [Part("", place, accounts)]


def _number(value):
    """A finite number as a fraction, so that sums are exact; infinity and NaN as they are."""
    return Fraction(value) if math.isfinite(value) else value


def _weighted(plan: PoolPlan, table: list, alpha: list, area: int) -> list:
    """The steps of a colour weighted by alpha. Padding that is counted is black and opaque."""
    pairs = [(_number(c), _number(a)) for cs, rest in zip(table, alpha, strict=True) for c, a in zip(cs, rest, strict=True) if c is not None]  # fmt: skip
    average, opaque = plan.operation == "avg", int(type_range(np.dtype(plan.source))[1])
    total, cover = sum(c * a for c, a in pairs), sum(a for _, a in pairs)
    if average:
        cover += opaque * (area - len(pairs))
    if not cover > 0:
        plain = sum(c for c, _ in pairs)
        return [("transparent all round: the sum", plain), *([(f"divided by {area}", plain / area)] if average else [])]
    steps = [("sum of samples times alpha", total), ("sum of alpha", cover), ("quotient", total / cover)]
    return steps if average else [*steps, (f"times {len(pairs)} samples", total * len(pairs) / cover)]


def _alpha(plan: PoolPlan, table: list, area: int) -> list:
    """The steps of alpha beside colours that are weighted by it, or pooled by another operation."""
    cells = [_number(c) for row in table for c in row if c is not None]
    total = sum(cells, Fraction(0))
    if not plan.averages_alpha and plan.operation == "sum":
        return [("sum", total)]
    if not plan.averages_alpha:
        total += int(type_range(np.dtype(plan.source))[1]) * (area - len(cells))
        return [("sum, padding opaque", total), (f"divided by {area}", total / area)]
    return [("sum", total), (f"divided by {len(cells)}", total / len(cells))]


def _pooled(plan: PoolPlan, table: list, area: int, channel: int) -> list:
    """The steps of the operation, as `imconv.pool` defines it."""
    operation = plan.operation
    cells = [_number(c) for row in table for c in row if c is not None]
    if any(cell != cell for cell in cells) and operation != "count":
        return [("NaN among them", math.nan)]
    if operation in ("max", "min"):
        return [("largest" if operation == "max" else "least", (max if operation == "max" else min)(cells))]
    if operation == "range":
        most, least = max(cells), min(cells)
        return [("largest", most), ("least", least), ("difference", most - least)]
    if operation == "count" and plan.where is not None:
        places = np.zeros((1, len(cells), plan.channels), plan.type)
        places[0, :, channel] = [float(c) for c in cells]
        return [(f"samples where {plan.where}", int(plan.where(places)[0, :, channel].sum()))]
    if operation == "median":
        order = sorted(cells)
        below, above = order[(len(order) - 1) // 2], order[len(order) // 2]
        return [("in the middle", below), ("and", above), ("half their sum", (below + above) / 2)]
    total = sum(cells, Fraction(0))
    if operation == "sum":
        return [("sum", total)]
    if operation == "avg":
        return [("sum", total), (f"divided by {area}", total / area)]
    squares = sum(c * c for c in cells)
    if operation == "l2":
        return [("sum of squares", squares), ("root", math.sqrt(as_float(squares)))]
    mean = total / len(cells)
    spread = sum((c - mean) ** 2 for c in cells) / len(cells)
    return [("mean", mean), ("mean of squared differences", spread), ("root", math.sqrt(as_float(spread)))]
