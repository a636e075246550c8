"""Traces one pixel of any filter's result: the window, weights, products, sums, order and rounding that lead to it."""

from __future__ import annotations

import numpy as np

from ..errors import OptionError
from .words import as_json, text

__all__ = ["as_json", "text", "trace"]


def trace(filter, picture, x: int, y: int, names: tuple[str, ...] = ()) -> list:
    """The numbers from which the result's pixel in column `x` and row `y` (from 0) is computed.

    Parameters
    ----------
    filter : Filter
    picture : Picture
    names : sequence of str, optional
        The names of a chain's steps, as titles.

    Returns
    -------
    list of parts.Part
        The steps of the computation, in order: one for a kernel; several for a chain, for combined derivatives, and for
        filters with several stages. The last one ends with the filter's own result.

    Raises OptionError for a pixel outside the result, and for filters that can't be traced: with the range stretch, in linear
    light, on a part of a picture, or a bank.
    """
    from .stages import parts_of

    plan = filter.plan(picture.pixels.shape, picture.pixels.dtype, picture.has_alpha)
    rows, columns = plan.shape
    if not (0 <= x < columns and 0 <= y < rows):
        raise OptionError(f"pixel {x},{y} (column,row) is outside the result, {columns} columns by {rows} rows")
    with np.errstate(all="ignore"):  # as in the filter itself
        return parts_of(filter, picture.pixels, picture.has_alpha, x, y, tuple(names))
