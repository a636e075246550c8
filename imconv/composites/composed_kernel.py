"""Composes two consecutive linear filters to one, if the result is the same everywhere, also at borders."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..geometry.border import parse_border
from ..geometry.sizes import MAX_SIDE, parse_pair
from ..kernel.kernel import Kernel
from ..stages.convolution.filter import LinearFilter

LARGEST_SIDE = 127  # most taps on a side of a composed kernel that is no outer product; for larger ones two passes are always cheaper


def composed(first: LinearFilter, second: LinearFilter) -> LinearFilter | None:
    """One filter whose result is that of `second` applied to the result of `first`; None if there is none.

    Filtering the extended picture by `first` must be the same as extending the filtered picture. That is always so with the
    border "wrap", and with "reflect" and "mirror" if the first kernel is symmetric about its anchor on both axes.
    """
    if not (_plain(first) and _plain(second) and _same_picture(first, second)):
        return None
    border = parse_border(first.options.border)
    if border.mode not in ("wrap", "reflect", "mirror") or border != parse_border(second.options.border):
        return None
    if border.mode != "wrap" and not _symmetric(first.kernel):
        return None
    kernel = compose(first.kernel, second.kernel)
    return None if kernel is None else replace(second, kernel=kernel)


def _plain(filter) -> bool:
    return isinstance(filter, LinearFilter) and filter.point is None and not filter.options.selects


def _same_picture(first: LinearFilter, second: LinearFilter) -> bool:
    """Whether the first result has the picture's size and no offset or range policy, and the second reads it undilated."""
    one, two = first.options, second.options
    steps = [
        parse_pair(one.stride, "stride"),
        parse_pair(one.dilation, "dilation"),
        parse_pair(two.dilation, "dilation"),
    ]
    whole = one.pad == two.pad == "same" and all(step == (1, 1) for step in steps)
    return whole and one.range == "clip" and one.alpha == two.alpha and not first.kernel.offset and not one.offset


def _symmetric(kernel: Kernel) -> bool:
    centred = all(2 * anchor + 1 == size for anchor, size in zip(kernel.anchor, kernel.shape, strict=True))
    weights = kernel.weights
    return centred and np.array_equal(weights, weights[::-1]) and np.array_equal(weights, weights[:, ::-1])


def compose(first: Kernel, second: Kernel) -> Kernel | None:
    """The kernel that is equal to both, one after the other; None if it is too large or one of them leaves out cells."""
    shape = [a + b - 1 for a, b in zip(first.shape, second.shape, strict=True)]
    if first.included is not None or second.included is not None:
        return None
    anchor = tuple(a + b for a, b in zip(first.anchor, second.anchor, strict=True))
    attributes = {
        "anchor": anchor,
        "offset": second.offset,
        "name": f"{first.name or 'kernel'}, {second.name or 'kernel'}",
    }
    one, two = first.rank_one_factors, second.rank_one_factors
    if one and two and max(shape) <= MAX_SIDE and not (first.exact and second.exact):
        column, row = (_full(a[None], b[None])[0] for a, b in zip(one, two, strict=True))
        return Kernel.from_factors(column, row, **attributes)
    if max(shape) > LARGEST_SIDE:
        return None
    if first.exact and second.exact:
        return Kernel(_full(first.fractions(), second.fractions()).tolist(), **attributes)
    return Kernel(_full(first.weights, second.weights), **attributes)


def _full(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The full convolution of two arrays."""
    shape = [a + b - 1 for a, b in zip(first.shape, second.shape, strict=True)]
    if second.size > first.size:
        first, second = second, first
    total = np.zeros(shape, np.result_type(first, second)) + 0 * first[0, 0]
    for (row, column), weight in np.ndenumerate(second):
        if weight:
            total[row : row + first.shape[0], column : column + first.shape[1]] += weight * first
    return total
