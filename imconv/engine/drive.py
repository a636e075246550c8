"""The one driver: runs a plan over an array, or over a picture that comes in bands.

What every picture needs is decided here, once: where the result goes, whether a grey one is (H, W), the range stretch, NaN that
integers can't hold, and which rows are computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ..errors import OptionError
from ..pixels.rounding import Tally, stretch_colours, warn_of_nans, warn_of_rounded
from ..pixels.sample_types import type_name
from .results import NewArrays, check_out, direct_result, new_array
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
    """Run a plan over an array (rows, columns) or (rows, columns, channels); return the result of the same kind.

    Parameters
    ----------
    out : array, optional
        Where the result goes; it is written to as bands of it are finished, unless it shares memory with the image.
    tally : Tally, optional
        Counts what is clipped, and NaN that become 0.
    progress : callable, optional
        Called with (rows done, rows in all) after every band.
    level : int
        How many calls up the public function's caller is, who is warned of NaN that became 0.
    """
    picture = image if image.ndim == 3 else image[..., None]
    picture = _as_planned(plan, picture)
    shape = (*plan.shape, plan.channels)
    wanted = shape if image.ndim == 3 or plan.channels > 1 else shape[:2]
    threads = thread_count(threads)
    result = None
    if out is not None:
        check_out(out, wanted, plan.target)
        result = direct_result(out, image, shape)
    if result is None:
        result = new_array(shape, plan.target)
    if not plan.keeps_samples:
        warn_of_rounded(picture, level)
    loses_nan, count = _counting(plan, tally)
    with np.errstate(all="ignore"):  # what comes of infinities and of overflow is a result like any other
        compute(plan, WholeArray(picture), result, threads, count, progress)
    if loses_nan:
        warn_of_nans(count, level)
    if out is None:
        return result.reshape(wanted)
    if not np.may_share_memory(out, result):
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
    """The result of `run`, bit for bit, in bands from top to bottom, for a picture that comes in bands.

    Parameters
    ----------
    bands : iterator of arrays
        The picture's rows from top to bottom, (rows, columns) or (rows, columns, channels). All are read, also those that no
        result needs.
    rows : (first, last), optional
        Only rows first .. last - 1 of the result are computed; for others there are bands without rows, as they become
        ready.
    threads, tally, progress
        As in `run`. Where the range is "stretch" the whole result is computed before its first row is yielded.
    """
    flat = False

    def deep() -> Iterator[np.ndarray]:
        nonlocal flat
        for band in bands:
            flat = band.ndim == 2
            if not plan.keeps_samples:
                warn_of_rounded(band, 2)
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
    """The bands, computed without NumPy's warnings of infinities and overflow."""
    while True:
        with np.errstate(all="ignore"):
            band = next(bands, None)
        if band is None:
            return
        yield band


def compute(plan, source, result: np.ndarray, threads=None, tally: Tally | None = None, progress=None) -> None:
    """Compute a plan's whole result into an array (rows, columns, channels), the range stretch included."""
    if plan.range == "stretch":
        values = new_array(result.shape, np.float64)
        plan.fill(source, values, threads, tally, progress, values=True)
        stretch_colours(values, result, plan.colours, tally)
    else:
        plan.fill(source, result, threads, tally, progress)


def _as_planned(plan, picture: np.ndarray) -> np.ndarray:
    """The picture, once its shape and type are those that were planned for."""
    if picture.shape != (plan.rows.size, plan.columns.size, plan.source_channels):
        wanted = f"{plan.rows.size} x {plan.columns.size} x {plan.source_channels}"
        raise OptionError(f"the plan is for {wanted}, the image has shape {picture.shape}")
    if type_name(picture.dtype) == plan.source:
        return picture
    if type_name(picture.dtype) == "float16" and plan.source == "float32":
        return picture.astype(np.float32)
    raise OptionError(f"the plan is for {plan.source}, the image has {picture.dtype.name}")


def _counting(plan, tally: Tally | None) -> tuple[bool, Tally | None]:
    """Whether NaN can get lost (floats in, integers out), and the tally that counts them: the caller's, or a new one."""
    loses = np.dtype(plan.source).kind == "f" and np.dtype(plan.target).kind != "f"
    return loses, Tally() if loses and tally is None else tally
