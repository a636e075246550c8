"""Arrays for results: new ones, or what a caller gave as `out`."""

from __future__ import annotations

import numpy as np

from ..errors import LimitError, OptionError
from ..pixels.sample_types import type_name


def check_out(out, shape: tuple[int, ...], kind: str) -> None:
    """Raise OptionError if `out` is no writeable array of this shape and type."""
    if not isinstance(out, np.ndarray) or out.shape != shape or type_name(out.dtype) != kind:
        found = f"{out.dtype} {out.shape}" if isinstance(out, np.ndarray) else type(out).__name__
        raise OptionError(f"out must be an array of {kind} {shape}, not {found}")
    if not out.flags.writeable:
        raise OptionError("out can't be written to")


def _direct_result(out, image: np.ndarray, shape: tuple[int, ...]) -> np.ndarray | None:
    """`out` in this shape where a result can be written to it as it comes, band by band; None where it can't."""
    if out is None or not (out.flags.c_contiguous and out.dtype.isnative) or np.may_share_memory(out, image):
        return None
    return out.reshape(shape)


def new_array(shape, dtype) -> np.ndarray:
    """An array for a result; LimitError where there is no memory for it."""
    try:
        return np.empty(shape, dtype)
    except (MemoryError, ValueError):
        raise LimitError(
            f"a result of {' x '.join(map(str, shape))} samples does not fit into memory; pad less"
        ) from None
