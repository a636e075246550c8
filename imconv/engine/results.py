"""Where results are written: new arrays, the caller's `out`, and the sinks `IntoArray` and `NewArrays`."""

from __future__ import annotations

import numpy as np

from ..errors import LimitError, OptionError
from ..pixels.arrays import is_masked_array
from ..pixels.sample_types import type_name


def check_out(out, shape: tuple[int, ...], dtype: str) -> None:
    """Raise OptionError unless `out` is a writeable array of this shape and type."""
    if not isinstance(out, np.ndarray) or is_masked_array(out) or out.shape != shape or type_name(out.dtype) != dtype:
        plain = isinstance(out, np.ndarray) and not is_masked_array(out)
        found = f"{out.dtype} {out.shape}" if plain else type(out).__name__
        raise OptionError(f"out must be an array of {dtype} {shape}, not {found}")
    if not out.flags.writeable:
        raise OptionError("out can't be written to")


def new_array(shape, dtype) -> np.ndarray:
    """Allocate an array for a result; LimitError if there is not enough memory."""
    try:
        return np.empty(shape, dtype)
    except (MemoryError, ValueError):
        raise LimitError(
            f"a result of {' x '.join(map(str, shape))} samples does not fit into memory; pad less"
        ) from None


class IntoArray:
    """A sink: bands are parts of one array (rows, columns, channels)."""

    def __init__(self, result: np.ndarray):
        self.result = result

    def room(self, first: int, count: int) -> np.ndarray:
        """The array for rows first .. first + count - 1 of the result."""
        return self.result[first : first + count]


class NewArrays:
    """A sink: each band of a plan's result is an array of its own, of type `dtype` (default: the result's)."""

    def __init__(self, plan, dtype=None):
        self.row_shape = plan.shape[1], plan.channels
        self.dtype = np.dtype(dtype or plan.target)

    def room(self, first: int, count: int) -> np.ndarray:
        return np.empty((count, *self.row_shape), self.dtype)
