"""No-data: the value that marks samples without a measurement, as rasters have it; parsed, and found among samples."""

from __future__ import annotations

import math

import numpy as np

from ..errors import OptionError

AUTO = "auto"  # the value that the picture's file states

Value = int | float


def parse_nodata(value) -> Value | str | None:
    """A number, AUTO or None from what a user gives; OptionError for everything else.

    >>> parse_nodata("-9999"), parse_nodata(" NaN "), parse_nodata("auto")
    (-9999, nan, 'auto')
    """
    if value is None or isinstance(value, (int, float)):
        return value
    if isinstance(value, np.number) and value.dtype.kind in "iuf":
        return value.item()
    text = str(value).strip().lower()
    if text == AUTO:
        return AUTO
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    raise OptionError(f"nodata must be a number, nan or {AUTO}, not {value!r}")


def as_sample(value: Value, dtype: np.dtype) -> np.generic | None:
    """The sample of a type that stands for a value: the nearest float, or the same integer; None if there is none."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            sample = dtype.type(value)
        return sample if math.isfinite(sample) or not math.isfinite(value) else None
    if not math.isfinite(value) or value != int(value):
        return None
    low, high = (0, 1) if dtype.kind == "b" else (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
    return dtype.type(int(value)) if low <= value <= high else None


def missing(samples: np.ndarray, marker: np.generic) -> np.ndarray:
    """Which samples are no-data: a bool array of their shape."""
    return np.isnan(samples) if marker != marker else samples == marker
