"""Contact sheets: pictures or maps of one shape laid side by side as one picture, optionally with contrast stretched."""

from __future__ import annotations

import numpy as np

from .errors import OptionError, known
from .geometry.arrangement import GAP, columns_for, layout
from .pixels.arrays import as_array, readable
from .pixels.depth import white

SCALES = ("each", "all")
# colours of the most negative value, of 0 and of the most positive: ends and middle of ColorBrewer's RdBu (Brewer 2003)
NEGATIVE, ZERO, POSITIVE = (33, 102, 172), (247, 247, 247), (178, 24, 43)


def contact_sheet(maps, *, columns=None, gap=GAP, scale=None) -> np.ndarray:
    """Lay maps of one shape and type side by side, row by row, with white gaps between them.

    Parameters
    ----------
    maps : sequence of arrays (H, W) or (H, W, C)
        bool, integers or floats; with `scale`, (H, W).
    columns : int, optional
        Maps in a row. Default: chosen so that the sheet is nearly square with few empty places.
    gap : int, default 4
        Pixels between two maps.
    scale : "each" or "all", optional
        Stretch values to 8 bits, each map by itself or all maps together: the smallest becomes black, the largest white.
        If any value is negative, colours show the sign: white 0, blue negative, red positive, full colour at the largest
        absolute value. NaN counts as 0, an infinity as the largest or smallest finite value.

    Returns
    -------
    array
        Of the maps' type; with `scale`, uint8 (H, W), or (H, W, 3) where signs are shown.

    Raises
    ------
    OptionError
        No maps, different shapes or types, or an unknown scale.

    Examples
    --------
    >>> import numpy as np
    >>> contact_sheet([np.array([[1, 2]]), np.array([[3, 4]])], columns=2, gap=0)
    array([[1, 2, 3, 4]])
    >>> contact_sheet([np.array([[0.0, 0.5, 1.0]])], scale="each")
    array([[  0, 128, 255]], dtype=uint8)
    """
    arrays = [as_array(each) for each in maps]
    if not arrays:
        raise OptionError("a contact sheet needs at least one map")
    first = arrays[0]
    readable(first.dtype)
    if first.ndim not in (2, 3) or any((a.shape, a.dtype) != (first.shape, first.dtype) for a in arrays):
        raise OptionError("a contact sheet needs maps (H, W) or (H, W, C) of one shape and type")
    if scale is not None:
        scale = known(scale, "scale", SCALES)
        if first.ndim == 3:
            raise OptionError(f"scale goes with maps of one channel, (H, W), not {first.shape}")
        arrays = _scaled(arrays, scale == "all")
        first = arrays[0]
    across = columns_for(len(arrays), first.shape) if columns is None else _whole(columns, "columns", 1)
    places, shape = layout(len(arrays), first.shape[:2], across, _whole(gap, "gap", 0))
    sheet = np.full((*shape, *first.shape[2:]), white(first.dtype), first.dtype)
    for each, place in zip(arrays, places, strict=True):
        sheet[place] = each
    return sheet


def _scaled(arrays: list[np.ndarray], together: bool) -> list[np.ndarray]:
    values = [a.astype(np.float64) for a in arrays]
    for each in values:
        finite = each[np.isfinite(each)]
        low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
        np.nan_to_num(each, copy=False, nan=0.0, posinf=high, neginf=low)
    signed = any((each < 0).any() for each in values)
    groups = [values] * len(values) if together else [[each] for each in values]
    ends = [(min(e.min() for e in group), max(e.max() for e in group)) for group in groups]
    if signed:
        return [diverging(each, max(-low, high)) for each, (low, high) in zip(values, ends, strict=True)]
    return [
        np.floor((each - low) / (high - low if high > low else 1.0) * 255 + 0.5).astype(np.uint8)
        for each, (low, high) in zip(values, ends, strict=True)
    ]


def diverging(values: np.ndarray, largest: float) -> np.ndarray:
    """Finite values (H, W) as colours, uint8 (H, W, 3): white 0, blue negative, red positive, full colour at `largest`."""
    share = (values / largest if largest > 0 else values)[..., None]
    end = np.where(share < 0, NEGATIVE, POSITIVE)
    mixed = np.array(ZERO) + np.abs(share) * (end - np.array(ZERO))
    return np.floor(mixed + 0.5).astype(np.uint8)


def _whole(number, name: str, least: int) -> int:
    if not (isinstance(number, (int, np.integer)) and number >= least):
        raise OptionError(f"{name} must be a whole number from {least}, not {number!r}")
    return int(number)
