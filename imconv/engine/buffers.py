"""Buffers for compiled loops: lines that begin where vectors are stored fastest."""

from __future__ import annotations

import numpy as np

LARGEST_LANES = 64  # samples in the widest vector: rows and lines have room for one more
CACHE_LINE = 64  # bytes
ALIASING = 4096  # bytes; addresses so far apart compete for the same place in the cache


def aligned_lines(count: int, length: int, kind: str, lead: int = 0) -> np.ndarray:
    """Uninitialised lines (count, length or more) whose sample `lead` begins a cache line, in every line.

    A vector that crosses a cache line takes twice as long to store (whole Gaussian blurs: up to 1.7 times).
    """
    size = np.dtype(kind).itemsize
    each = CACHE_LINE // size
    pitch = -(-length // each) * each
    if pitch * size % ALIASING == 0:
        pitch += each  # else neighbouring lines would share few places of the cache
    room = np.empty(count * pitch + 2 * each, kind)
    skip = (-(room.ctypes.data // size + lead)) % each
    return room[skip : skip + count * pitch].reshape(count, pitch)
