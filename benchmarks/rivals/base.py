"""What a rival is, and the tolerances they share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..cases import Case

# imconv's Gaussian may be off by 0.05 of an 8-bit level from the untruncated one (its contract, whatever the
# algorithm), and cutting at 4 sigma, as its rivals do, costs up to 0.035 more: 1.3e-4 of the weight lies outside.
GAUSSIAN_SLACK = 0.1 / 255


class CannotDo(Exception):
    """A rival has no way to do exactly this; the message says what is missing."""


@dataclass(frozen=True)
class Way:
    """How a rival does one case.

    Parameters
    ----------
    run : callable
        Does the work once; output memory is reused where the library allows it.
    call : str
        The same in words, for the JSON file.
    tolerance : float or None
        The largest accepted difference to imconv's result, in levels for integers, relative to the largest sample for
        floats; None for a filter that is another one by design: its error is reported beside its time.
    ceiling : float, optional
        Where the library is known to be imprecise: an error between `tolerance` and this is reported beside the time
        too. Above it the result counts as wrong.
    reason : str
        Why so much.
    to_array : callable
        Makes an array of what `run` returned; not timed.
    margin : int
        Pixels at each side that are not compared, where the library leaves its border unfiltered.
    """

    run: Callable[[], object]
    call: str
    tolerance: float | None = None
    reason: str = ""
    ceiling: float | None = None
    to_array: Callable[[object], np.ndarray] = np.asarray
    margin: int = 0


class Rival:
    """A library beside imconv. Subclasses import it in `__init__`, so that a missing one is merely left out."""

    name = ""
    about = ""  # one line for the report: what to know when reading its column
    version = ""
    threads = 1

    def way(self, case: Case, image: np.ndarray) -> Way:
        """How this library does the case with the same border, support and pixel type; CannotDo where it can't."""
        raise NotImplementedError


def tolerance(case: Case, levels: float, relative: float) -> float:
    """`levels` for integer pictures, `relative` for floats; for a Gaussian with what imconv's contract leaves open."""
    slack = GAUSSIAN_SLACK if case.operation == "gaussian" else 0.0
    if not case.frame.is_integer:
        return relative + slack
    # below one level (8 bit) the slack can't move a rounded result further than `levels` already allows
    return levels + int(slack * np.iinfo(case.frame.dtype).max)


def result_array(case: Case, dtype=None) -> np.ndarray:
    """Memory for a result, touched once so that no round pays for page faults."""
    return np.zeros(case.result_shape, dtype or case.frame.dtype)


def full_array(case: Case, dtype=None) -> np.ndarray:
    """The same for a result at stride 1."""
    return np.zeros(case.frame.shape, dtype or case.frame.dtype)


def then_take_every(case: Case, run: Callable[[], object], full: np.ndarray) -> Callable[[], np.ndarray]:
    """`run`, which fills `full`, followed by keeping every stride-th row and column: strides for those without."""
    if case.stride == 1:

        def same():
            run()
            return full

        return same
    kept = result_array(case, full.dtype)

    def sampled():
        run()
        np.copyto(kept, full[:: case.stride, :: case.stride])
        return kept

    return sampled
