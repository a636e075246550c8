"""Allocates line buffers for loops, aligned so that vectors are stored at full speed."""

from __future__ import annotations

import numpy as np

# Samples in the widest vector. Rows and lines are this much longer than their content, so that a loop may load one vector past
# the end.
LARGEST_LANES = 64
CACHE_LINE = 64  # bytes
ALIASING = 4096  # bytes; addresses a multiple of this apart compete for the same place in the cache


def aligned_lines(count: int, length: int, dtype: str, lead: int = 0) -> np.ndarray:
    """Allocate uninitialised lines (count, length or more). Sample `lead` of every line lies at the start of a cache line.

    Storing a vector across two cache lines takes twice as long (a whole Gaussian blur: up to 1.7 times).
    """
    size = np.dtype(dtype).itemsize
    each = CACHE_LINE // size
    pitch = -(-length // each) * each
    if pitch * size % ALIASING == 0:
        pitch += each  # so that neighbouring lines do not compete
    room = np.empty(count * pitch + 2 * each, dtype)
    skip = (-(room.ctypes.data // size + lead)) % each
    return room[skip : skip + count * pitch].reshape(count, pitch)
