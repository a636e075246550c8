"""The driver: runs any plan, over an array (`run`) or over a picture that arrives in bands (`stream`).

Decided here, once for all filters: where the result is written, when it is (H, W) instead of (H, W, C), the range stretch, the
warning of NaN that became 0, and which rows are computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ..errors import OptionError
from ..pixels.rounding import Tally, stretch_colours, warn_of_nans, warn_of_rounded
from ..pixels.sample_types import type_name
from .results import NewArrays, check_out, new_array
from .sources import Bands, WholeArray
from .threads import thread_count


def run(
    plan,
    image: np.ndarray,
    *,
    out: np.ndarray | None = None,
    threads: int | None = None,
    tally: Tally | None = None,
    progress: Callable[[int, int], None] | None = None,
    level: int = 3,
) -> np.ndarray:
    """Run a plan over an array (rows, columns) or (rows, columns, channels) and return the result.

    The result has a channel axis if the array has one, or if it has several channels.

    Parameters
    ----------
    out : array, optional
        The array that takes the result. Bands are written to it as they are finished, unless it shares memory with the
        image.
    tally : Tally, optional
        Counts clipped samples and NaN that become 0.
    progress : callable, optional
        Called with (rows finished, all rows) after every band.
    level : int
        How many calls up the user's own code is: warnings name its line.
    """
    picture = image if image.ndim == 3 else image[..., None]
    picture = _as_planned(plan, picture)
    shape = (*plan.shape, plan.channels)
    wanted = shape if image.ndim == 3 or plan.channels > 1 else shape[:2]
    threads = thread_count(threads)
    direct = False  # whether bands can be written to `out` itself
    if out is not None:
        check_out(out, wanted, plan.target)
        direct = out.flags.c_contiguous and out.dtype.isnative and not np.may_share_memory(out, image)
    result = out.reshape(shape) if out is not None and direct else new_array(shape, plan.target)
    if not plan.keeps_samples:
        warn_of_rounded(plan.measured(picture), level)
    loses_nan, count = _counting(plan, tally)
    with np.errstate(all="ignore"):  # infinities and overflow are ordinary results
        compute(plan, WholeArray(picture), result, threads, count, progress)
    if loses_nan:
        warn_of_nans(count, level)
    if out is None:
        return result.reshape(wanted)
    if not direct:
        out[...] = result.reshape(wanted)
    return out


def stream(
    plan,
    bands: Iterator[np.ndarray],
    rows: tuple[int, int] | None = None,
    *,
    threads: int | None = None,
    tally: Tally | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[np.ndarray]:
    """Yield the result of `run`, bit for bit, in bands from top to bottom, for a picture that arrives in bands.

    Parameters
    ----------
    bands : iterator of arrays
        The picture's rows from top to bottom, (rows, columns) or (rows, columns, channels). All are read, also rows that no
        result needs.
    rows : (first, last), optional
        Compute only rows first .. last - 1 of the result. Bands without rows are yielded in place of other rows.
    threads, tally, progress
        As in `run`. With the range "stretch", the whole result is computed before its first row is yielded.
    """
    flat = False

    def deep() -> Iterator[np.ndarray]:
        nonlocal flat
        for band in bands:
            flat = band.ndim == 2
            if not plan.keeps_samples:
                warn_of_rounded(plan.measured(band.reshape(*band.shape[:2], -1)), 2)
            yield band.reshape(*band.shape[:2], -1).astype(plan.source, copy=False)

    loses_nan, count = _counting(plan, tally)
    if plan.range == "stretch":
        result = new_array((*plan.shape, plan.channels), plan.target)
        with np.errstate(all="ignore"):
            compute(plan, Bands(deep()), result, threads, count, progress)
        made = iter([result[slice(*rows)] if rows else result])
    else:
        sink = NewArrays(plan)
        made = plan.make_bands(Bands(deep()), sink, wanted=rows, threads=threads, tally=count, progress=progress)
    for band in _quietly(made):
        yield band[..., 0] if flat and plan.channels == 1 else band
    if loses_nan:
        warn_of_nans(count, 2)


def _quietly(bands: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the bands; while they are computed, NumPy does not warn of infinities and overflow."""
    while True:
        with np.errstate(all="ignore"):
            band = next(bands, None)
        if band is None:
            return
        yield band


def compute(plan, source, result: np.ndarray, threads=None, tally: Tally | None = None, progress=None) -> None:
    """Compute a plan's whole result into an array (rows, columns, channels); the range stretch is done here."""
    if plan.range == "stretch":
        values = new_array(result.shape, np.float64)
        plan.fill(source, values, threads, tally, progress, values=True)
        stretch_colours(values, result, plan.colours, tally)
    else:
        plan.fill(source, result, threads, tally, progress)


def _as_planned(plan, picture: np.ndarray) -> np.ndarray:
    """Return the picture; OptionError if its shape or type is not the plan's. float16 is converted to float32."""
    if picture.shape != (plan.rows.size, plan.columns.size, plan.source_channels):
        wanted = f"{plan.rows.size} x {plan.columns.size} x {plan.source_channels}"
        raise OptionError(f"the plan is for {wanted}, the image has shape {picture.shape}")
    if type_name(picture.dtype) == plan.source:
        return picture
    if type_name(picture.dtype) == "float16" and plan.source == "float32":
        return picture.astype(np.float32)
    raise OptionError(f"the plan is for {plan.source}, the image has {picture.dtype.name}")


def _counting(plan, tally: Tally | None) -> tuple[bool, Tally | None]:
    """Whether NaN can become 0 (floats in, integers out), and the tally that counts them: the caller's, or a new one if needed."""
    loses = np.dtype(plan.source).kind == "f" and np.dtype(plan.target).kind != "f"
    return loses, Tally() if loses and tally is None else tally
