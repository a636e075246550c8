"""Plans run with bands or stripes of a given height: no result may depend on it."""

from dataclasses import replace

import numpy as np

from imconv.engine import stage
from imconv.engine.drive import run, stream
from imconv.filters.apply import apply
from imconv.stages.convolution import decimated


def execute(plan, image: np.ndarray, *, band_rows: int | None = None, point=None, **how) -> np.ndarray:
    """`drive.run`, with bands of `band_rows` rows, and with `point` after the sums, where they are given."""
    plan = plan if point is None else replace(plan, point=point)
    return run(plan if band_rows is None else _Banded(plan, band_rows), image, **how)


def set_stripe_bytes(patch, size: int) -> None:
    """Where a picture comes in bands, compute about so many bytes of the result at a time; `patch` is a MonkeyPatch."""
    for module in (stage, decimated):
        patch.setattr(module, "STRIPE_BYTES", size)


def threads_and_bands_change_nothing(work, image: np.ndarray) -> np.ndarray:
    """A filter's result: the same bits for any threads, and for rows that come in bands of any heights."""
    whole = apply(work, image, threads=1)
    for threads in (2, 3, 7):
        np.testing.assert_array_equal(apply(work, image, threads=threads), whole)
    plan = work.plan(image.shape, image.dtype, bool(work.options.has_alpha))
    for cuts in ((1, 51), (), range(7, len(image), 7)):
        bands = stream(plan, iter(np.split(image, cuts)), threads=3)
        np.testing.assert_array_equal(np.concatenate(list(bands)), whole)
    return whole


class _Banded:
    """A plan whose work is cut into bands of a given height."""

    def __init__(self, plan, band_rows: int):
        self._plan, self._band_rows = plan, band_rows

    def __getattr__(self, name):
        return getattr(self._plan, name)

    def fill(self, source, out, threads=None, tally=None, progress=None, values=False) -> None:
        work = self._plan.work(source.picture, 0, threads, tally, progress)
        work.height = lambda rows, *how: self._band_rows
        work.fill(0, out, values)
