"""Tells arrays that stay as they are, or are only exchanged, when they are turned by 90 degrees and mirrored."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

# relative to the largest value: room for the roundings of weights that are computed in another order along the other axis
ALIKE = 1e-13


def only_exchanged(arrays: Sequence[np.ndarray], signs: bool = False) -> bool:
    """Whether all turns by 90 degrees and mirrorings only exchange these arrays of one shape; with `signs`, an array may
    become the negative of another. A single array is exchanged with itself: it is symmetric.

    >>> x = np.array([[-1, 0, 1]] * 3)
    >>> only_exchanged([x, x.T], signs=True), only_exchanged([x, x.T]), only_exchanged([np.ones((3, 3))])
    (True, False, True)
    """
    if any(array.shape[0] != array.shape[1] for array in arrays):
        return False
    # mirroring and transposing make all the others
    return _exchanged(arrays, np.fliplr, signs) and _exchanged(arrays, np.transpose, signs)


def _exchanged(arrays: Sequence[np.ndarray], turn: Callable, signs: bool) -> bool:
    left = list(arrays)
    for array in arrays:
        turned = turn(array)
        same = (n for n, other in enumerate(left) if _alike(turned, other) or (signs and _alike(turned, -other)))
        number = next(same, None)
        if number is None:
            return False
        del left[number]
    return True


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.abs(np.subtract(one, other, dtype=np.float64)).max() <= ALIKE * np.abs(other).max())
