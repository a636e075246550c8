"""Rows that come from top to bottom, of which those are held that somebody still needs."""

from __future__ import annotations

import numpy as np

ROOM = 256  # samples behind the last row that vectors may read


class Window:
    """Consecutive rows of a picture: from row `low` up to, not including, row `high`."""

    def __init__(self, row_shape: tuple[int, ...], dtype):
        self.row_shape, self.dtype = row_shape, np.dtype(dtype)
        self.low = self.high = 0
        self._buffer = np.empty((0, *row_shape), self.dtype)
        self._start = 0  # where in the buffer row `low` is

    @property
    def rows(self) -> np.ndarray:
        """What is held, valid until the next change."""
        return self._buffer[self._start : self._start + self.high - self.low]

    def forget(self, low: int) -> None:
        """Rows above row `low` are needed no more."""
        gone = min(low, self.high) - self.low
        if gone > 0:
            self.low += gone
            self._start += gone

    def append(self, count: int) -> np.ndarray:
        """Room for `count` rows more, to be filled; `rows` has them already."""
        held = self.high - self.low
        if self._start + held + count > len(self._buffer):
            kept, capacity = self.rows, held + count
            if capacity > len(self._buffer) or self._start < held:  # where they would overlap, or be moved too often
                self._buffer = self._new(2 * held + count)
            self._buffer[:held] = kept
            self._start = 0
        self.high += count
        end = self._start + held
        return self._buffer[end : end + count]

    def _new(self, capacity: int) -> np.ndarray:
        size = capacity * int(np.prod(self.row_shape))
        return np.empty(size + ROOM, self.dtype)[:size].reshape(capacity, *self.row_shape)
