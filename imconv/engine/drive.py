"""Executes a plan: stripes of the result one after another, each cut into row bands that threads take."""

from __future__ import annotations

import numpy as np

from ..pixels.rounding import stretch_colours
from .kept_work import give_back, run_of
from .results import _direct_result, check_out, new_array
from .threads import thread_count


def whole(make, plan, source, image: np.ndarray, out=None, threads=None, tally=None, progress=None) -> np.ndarray:
    """All that a run gives for an array, of the array's kind, in `out` where that is given.

    make            a class such as `Run`, or a function that makes one: called with plan, source, threads, tally and
                    progress. Its instances have `fill`, `values_band`, which gives what is not yet rounded, to be stretched,
                    and `colours`, the channels that are; alpha is behind them
    plan            has `shape`, `channels`, `target` and `range`
    source          the image as (rows, columns, channels)
    """
    shape = (*plan.shape, plan.channels)
    wanted = shape if image.ndim == 3 or plan.channels > 1 else shape[:2]
    threads = thread_count(threads)
    result = None
    if out is not None:
        check_out(out, wanted, plan.target)
        result = _direct_result(out, image, shape)
    if result is None:
        result = new_array(shape, plan.target)
    kept = isinstance(make, type) and tally is progress is None and plan.algorithm != "decimated"
    run = run_of(make, plan, source, threads) if kept else make(plan, source, threads, tally, progress)
    if plan.range == "stretch":
        values = new_array(shape, np.float64)
        run.fill(0, values, run.values_band)
        stretch_colours(values, result, run.colours, tally)
    else:
        run.fill(0, result)
    if kept:
        give_back(run, threads)
    if out is None:
        return result.reshape(wanted)
    if not np.may_share_memory(out, result):
        out[...] = result.reshape(wanted)
    return out
