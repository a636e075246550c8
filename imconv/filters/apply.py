"""An array or a Picture through a filter; the same kind comes back."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..composites.linear_light import BAND, _conversion, conversion_of
from ..engine.results import check_out
from ..engine.streaming import _counting
from ..engine.threads import checked_threads, default_threads, run_bands
from ..errors import OptionError
from ..files.picture import Metadata
from ..filter import Filter
from ..pixels.arrays import as_array, channel_axis, readable
from ..pixels.rounding import Tally, warn_of_nans, warn_of_rounded


def _apply(filter, image: np.ndarray, has_alpha: bool, out, how: dict) -> np.ndarray:
    source = readable(image.dtype)
    axis = channel_axis(image, filter.options.channel_axis)
    if has_alpha and (axis is None or image.shape[axis] not in (2, 4)):
        raise OptionError(f"an image with alpha has 2 or 4 channels, this one has shape {image.shape}")
    work = image if axis is None else np.moveaxis(image, axis, -1)
    if source != image.dtype:
        work = work.astype(source)
    plan = planned(filter, work.shape, image.dtype, has_alpha)
    if not getattr(plan, "plain", False):  # results are calculated; plain ones are samples, or differences of samples
        warn_of_rounded(work)
    counts_nan, count = _counting(plan, how["tally"])
    last = axis is None or axis % image.ndim == image.ndim - 1
    given = out
    if out is not None and not last and isinstance(out, np.ndarray) and out.ndim == image.ndim:
        out = np.moveaxis(out, axis, -1)
    with np.errstate(all="ignore"):  # what comes of infinities and of overflow is a result like any other
        result = filter.run(plan, work, out=out, **{**how, "tally": count})
    if counts_nan:
        warn_of_nans(count, 5)
    if given is not None:
        return given
    return result if last else np.ascontiguousarray(np.moveaxis(result, -1, axis))


def planned(filter: Filter, shape: tuple[int, ...], image_type: np.dtype, has_alpha: bool):
    """The filter's plan; that of the last picture like this, where filters are values that can be compared."""
    try:
        heavy = getattr(getattr(filter, "kernel", None), "heavy", False)
        known = not heavy and type(filter).__eq__ is not object.__eq__ and hash(filter) is not None
    except TypeError:  # it holds lists or arrays
        known = False
    return (_planned if known else type(filter).plan)(filter, shape, image_type, has_alpha)


@lru_cache(maxsize=64)
def _planned(filter, shape, image_type, has_alpha):
    return filter.plan(shape, image_type, has_alpha)


def apply_in_light(filter, image, *, out=None, threads=None, tally: Tally | None = None, progress=None):
    """Apply a filter with the option linear to an array or a Picture: decoded, filtered, encoded."""
    if hasattr(image, "pixels"):
        if out is not None:
            raise OptionError("out goes with an array, not with a Picture")
        conversion = conversion_of(filter, image.mode, image.pixels.dtype, image.metadata)
        array, axis = image.pixels, None
    else:
        array = as_array(image)
        axis = channel_axis(array, filter.options.channel_axis)
        channels = 1 if axis is None else array.shape[axis]
        conversion = _conversion(filter, channels, bool(filter.options.has_alpha), array.dtype, Metadata())
    if conversion.transfer is None:
        return conversion.filter.apply(image, out=out, threads=threads, tally=tally, progress=progress)
    workers = default_threads() if threads is None else checked_threads(threads)
    pixels = array if axis is None else np.moveaxis(array, axis, -1)
    light = _in_bands(conversion.decode, pixels, np.empty(pixels.shape, conversion.source), workers)
    given = image.replace(pixels=light) if hasattr(image, "pixels") else light
    light = conversion.filter.apply(given, threads=threads, progress=progress)
    light = light.pixels if hasattr(image, "pixels") else light
    count = conversion.counting(tally)
    result = np.empty(light.shape, conversion.target)
    _in_bands(lambda rows: conversion.encode(rows, count), light, result, workers)
    conversion.warn(count)
    if hasattr(image, "pixels"):
        return image.replace(pixels=result)
    result = result if axis in (None, array.ndim - 1) else np.ascontiguousarray(np.moveaxis(result, -1, axis))
    if out is None:
        return result
    check_out(out, result.shape, result.dtype.name)
    out[...] = result
    return out


def _in_bands(convert, rows: np.ndarray, out: np.ndarray, threads: int) -> np.ndarray:
    """Fill `out` with the rows converted, band by band, so that little is in memory beside the two."""
    height = max(1, BAND // max(1, rows[:1].size))

    def work(first: int, band: np.ndarray, scratch: dict) -> None:
        band[...] = convert(rows[first : first + len(band)])

    with np.errstate(all="ignore"):  # as in every filter
        run_bands(work, 0, out, height, threads)
    return out
