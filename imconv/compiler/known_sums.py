"""What loops for correlations must give: kernels of whole numbers, on pictures of one channel and several, with strides, a
border of its own value, sums cut into runs, and quotients next to whole numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..geometry.axis import make_axes
from ..geometry.border import Border
from ..kernel.kernel import Kernel
from ..stages.convolution.algorithms import prepare
from ..stages.convolution.exactness import Runs
from ..stages.convolution.plan import make_plan
from .sample_pictures import COLUMNS, DTYPES, ROWS, picture

DENSE, SEPARABLE, BOX = [[1, 2, 3], [4, 0, 6], [7, 8, 10]], [[1, 3, 1], [2, 6, 2], [3, 9, 3]], [[1] * 3] * 3
NEAREST, TWO = Border("nearest"), Border("constant", (2.0,))
# by algorithm: the kernel, channels, stride, border, and how sums are cut
LAYOUTS = {
    "dense": [
        (DENSE, 1, 1, NEAREST, Runs()),
        (np.add.outer(np.arange(2), np.arange(5)) ** 2, 3, 1, TWO, Runs(2, 4)),
        (DENSE, 1, 2, NEAREST, Runs(3)),
        (DENSE, 1, 1, TWO, Runs()),
    ],
    "separable": [
        (SEPARABLE, 1, 1, NEAREST, Runs()),
        (np.outer([3, 1, 2, 2], [2, -1, 0, 1, -2]), 3, 1, TWO, Runs(2, 4)),
        (np.outer([1, 2], [1, 3, 2, 5]), 1, 2, NEAREST, Runs()),
        (np.outer([1, 2], [1, 3, 2, 5]), 1, 1, TWO, Runs()),
    ],
    "box": [
        (BOX, 1, 1, NEAREST, Runs()),
        *((np.ones(size), channels, 1, TWO, Runs()) for size, channels in (((4, 13), 1), ((2, 27), 3), ((3, 15), 5))),
        (np.ones((12, 9)), 1, 2, NEAREST, Runs()),
    ],
}
# Quotients and divisors: the product with the divisor's rounded reciprocal is less than the quotient for `quotient *
# divisor`, or no less than it for one less.
QUOTIENTS = {
    "float32": ((112, 82_769), (202, 78_937)),
    "float64": ((111, 33_254_058_075_457), (163, 34_802_018_483_165)),
}


def correlation(algorithm: str, whole: bool = False):
    """Cases of a correlation by one of the planner's algorithms; `whole` for a loop that takes only whole-number sums."""

    def cases(types: dict[str, str]):
        source, number, target = (DTYPES[types[name]] for name in "SAO")
        top = np.iinfo(target).max if target.kind == "u" else -1
        for first, (weights, channels, stride, border, runs) in enumerate(LAYOUTS[algorithm]):
            kernel, pixels = Kernel(weights), picture()[:, : COLUMNS // channels * channels].reshape(ROWS, -1, channels)
            axes = make_axes(pixels.shape[:2], kernel.shape, kernel.anchor, "same", stride, 1)
            # whole numbers of other types than the loop's reach it as floats
            planned = np.dtype(np.int64) if whole and source.kind == "f" else source
            plan = make_plan(kernel, axes, channels, planned, target, border, algorithm=algorithm)
            plan = replace(plan, accumulator=number.name, runs=runs)
            fill = np.full(channels, border.values[0] if border.values else 0)
            prepared = prepare(plan, tuple(fill.tolist()))
            rows, columns = np.where(plan.row_sources < 0, ROWS, plan.row_sources), plan.column_sources
            pixels = np.concatenate([pixels, np.broadcast_to(fill, (1, *pixels.shape[1:]))])
            padded = np.where((columns < 0)[:, None], fill, pixels[rows][:, columns])[first * stride :]
            shape = plan.rows.out - first, plan.columns.out
            sums = sum(
                weight * padded[k::stride, m::stride][: shape[0], : shape[1]]
                for (k, m), weight in np.ndenumerate(weights)
            ).reshape(shape[0], -1)
            flat = pixels.reshape(len(pixels), -1)
            given = flat, flat.shape[1], channels, rows, columns, plan.columns.before, fill, stride, stride, first
            for bias, divisor in _divisions(number, sums, top, source.kind == "u" and not first):
                value = (sums + bias) / divisor if divisor >= 1 else sums * divisor + bias
                yield (
                    (*given, np.zeros(sums.shape), bias, divisor, top, *prepared.tables, *prepared.buffers()),
                    np.clip(np.floor(value), 0, top) if top > 0 else value,
                )

    return cases


def _divisions(number: np.dtype, sums: np.ndarray, top: int, exact: bool) -> list[tuple[float, float]]:
    """What is added to sums, and what they are divided by."""
    if top < 0:
        return [(0, 1), (3, 8)]
    if not exact:
        return [(0.5, 1 / 2), (0.5, 1 / 8)]
    middle = int(np.median(sums))
    return [(0.5, 1), (2, 4), *((q * d - middle, d) for q, d in QUOTIENTS[number.name])]
