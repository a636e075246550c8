"""What every filter is: made of options, planned for a picture, run over it whole or in bands of rows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from .errors import OptionError
from .options import AUTO, Options
from .planner import Plan, check_alpha
from .rounding import Tally, warn_of_nans, warn_of_rounded


class Filter:
    """A filter has `options`, the `Options` it was made with, and these methods; some must be its own:

    plan(shape, image_type, has_alpha)   how an array (H, W) or (H, W, C) of this type would be filtered; printable
    result_type(image_type)              the type of the result
    run(plan, image, out=, threads=, tally=, progress=)
                                         the result for an array, channels last, of the type that is planned for
    in_bands(plan, bands, threads=, tally=, progress=, rows=)
                                         the same, bit for bit, in bands, for a picture whose rows come in bands; of the
                                         result only rows (first, last) where those are given, and bands without rows
                                         for others
    in_light(light)                      this filter for what a `Conversion` decodes
    with_options(**changes)              this filter with some options changed
    retyped(dtype, scale, range)         this filter with results of another type, samples multiplied by a fraction, under
                                         another range policy
    """

    options: Options

    def conversion(self, mode: str, image_type: np.dtype, metadata=None):
        """What a picture goes through around this filter, a `Conversion`, or None where the filter is applied as it is.

        `mode` is the Picture's, `metadata` what its file said.
        """
        if not self.options.linear:
            return None
        from .conversion import conversion_of

        return conversion_of(self, mode, image_type, metadata)

    def settled(self, image_type, result_type=None) -> Filter:
        """This filter, what it takes from the picture's type settled, and from the result's, its own if not given: for samples
        that come as floats in the same units."""
        return self

    def extra_bytes(self, plan) -> int:
        """Bytes per sample that a run takes beyond the picture and the result."""
        return 8 if plan.range == "stretch" else 0

    def bytes_held(self, plan, threads: int) -> int:
        """Memory that `in_bands` takes."""
        from .streaming import bytes_held

        return bytes_held(plan, threads, self.compares(plan))

    def compares(self, plan) -> bool:
        """Whether what comes in is compared with what goes out, so that it must be kept until then."""
        return False

    def apply(self, image, *, out=None, threads=None, tally: Tally | None = None, progress=None):
        """Filter an array or a Picture; the same kind comes back. `tally` and `progress` as in `executor.execute`."""
        how = {"threads": threads, "tally": tally, "progress": progress}
        options = self.options
        if options.linear:
            from .conversion import apply_in_light

            return apply_in_light(self, image, out=out, **how)
        if hasattr(image, "pixels"):
            if out is not None:
                raise OptionError("out goes with an array, not with a Picture")
            return image.filtered(_apply(selected(self), image.pixels, image.has_alpha, None, how))
        if options.alpha not in (None, "separate") and options.has_alpha is None:
            check_alpha(options.alpha)
            raise OptionError("alpha needs has_alpha=True or a Picture: an array does not say which channel is alpha")
        return _apply(selected(self), as_array(image), bool(options.has_alpha), out, how)


def selected(filter: Filter) -> Filter:
    """A filter, or where its options select a part of the picture one of that part."""
    if not filter.options.selects or hasattr(filter, "selection"):
        return filter
    from .partial import PartialFilter

    return PartialFilter(filter)


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


def bands_of(plan, bands: Iterator[np.ndarray], tally: Tally | None, execute) -> Iterator[np.ndarray]:
    """What `execute(rows, tally)` gives for bands in the type that is planned for; in the end NaN that got lost is told."""
    counts_nan, count = _counting(plan, tally)
    yield from execute((band.astype(plan.source, copy=False) for band in bands), count)
    if counts_nan:
        warn_of_nans(count)


def _counting(plan: Plan, tally: Tally | None) -> tuple[bool, Tally | None]:
    """Whether NaN can get lost, and what counts them then."""
    counts = np.dtype(plan.source).kind == "f" and np.dtype(plan.target).kind != "f"
    return counts, Tally() if counts and tally is None else tally


def as_array(image) -> np.ndarray:
    """What was given as an image, as an array in the machine's byte order; OptionError where that can't be."""
    try:
        array = np.asarray(image)
    except (TypeError, ValueError):
        raise OptionError("an image needs rows of the same length, of numbers") from None
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def channel_axis(image: np.ndarray, axis) -> int | None:
    """Which axis holds the channels, None for grey; OptionError where that can't be told."""
    if image.ndim == 2:
        if axis not in (AUTO, None):
            raise OptionError("a 2-D image has no channel axis; leave channel_axis out")
        return None
    if image.ndim != 3:
        raise OptionError(f"an image has shape (H, W) or (H, W, C), not {image.shape}")
    if axis is None:
        raise OptionError(f"channel_axis=None takes 2-D images; this one has shape {image.shape}")
    if axis == AUTO:
        if not 1 <= image.shape[2] <= 4:
            raise OptionError(
                f"the last axis of shape {image.shape} is no channel axis (1 to 4); for planes first use channel_axis=0"
            )
        return 2
    if not isinstance(axis, (int, np.integer)) or not -3 <= axis < 3:
        raise OptionError(f"channel_axis must be 0, 1, 2 or None, not {axis!r}")
    if image.shape[axis] == 0:
        raise OptionError("an image needs at least one channel")
    return int(axis)


def readable(dtype: np.dtype) -> np.dtype:
    """The native type a picture is planned in: float16 widens to float32; what has no order or is longer is refused."""
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise OptionError(f"pixels must be bool, integers or floats of up to 64 bits, not {dtype}")
    native = np.dtype(f"{dtype.kind}{dtype.itemsize}")
    return np.dtype(np.float32) if native == np.float16 else native
