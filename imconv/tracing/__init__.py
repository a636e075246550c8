"""How one pixel of a result comes about, for any filter: windows, weights, products, sums, orders, roundings; the lecture's
figure."""

from __future__ import annotations

import numpy as np

from ..errors import OptionError
from .words import as_json, text

__all__ = ["as_json", "text", "trace"]


def trace(filter, picture, x: int, y: int, names: tuple[str, ...] = ()) -> list:
    """The numbers behind the result's pixel in column `x` and row `y`, from 0.

    Parameters
    ----------
    filter : Filter
    picture : Picture
    names : sequence of str, optional
        What a chain's steps are called.

    Returns
    -------
    list of parts.Part
        What is done one after the other: one for a kernel, several for a chain, for derivatives that are combined, for
        windows over what other windows gave. The last one ends at the sample that the filter itself gives.

    Raises OptionError for a pixel outside the result; for what depends on the whole picture, range stretch and linear light;
    for a part of a picture; and for a bank, whose pixels are many filters'.
    """
    from .stages import parts_of

    plan = filter.plan(picture.pixels.shape, picture.pixels.dtype, picture.has_alpha)
    rows, columns = plan.shape
    if not (0 <= x < columns and 0 <= y < rows):
        raise OptionError(f"pixel {x},{y} is outside the result of {columns} x {rows} pixels")
    with np.errstate(all="ignore"):  # as in the filter itself
        return parts_of(filter, picture.pixels, picture.has_alpha, x, y, tuple(names))
