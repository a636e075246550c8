"""`HeldRows`: a sliding buffer of picture rows, appended at the bottom and dropped at the top."""

from __future__ import annotations

import numpy as np

ROOM = 256  # samples allocated behind the last row, since vectors may read past its end
SLACK = 4  # the buffer is larger than its rows by a quarter, so that rows must seldom be moved to its top


class HeldRows:
    """Rows `low` .. `high` - 1 of a picture. At first there are none, and the first row to be appended is row `first`."""

    def __init__(self, row_shape: tuple[int, ...], dtype, first: int = 0):
        self.row_shape, self.dtype = row_shape, np.dtype(dtype)
        self.low = self.high = first
        self._buffer = np.empty((0, *row_shape), self.dtype)
        self._start = 0  # where in the buffer row `low` is

    @property
    def rows(self) -> np.ndarray:
        """The rows as an array, valid until the next `append`."""
        return self._buffer[self._start : self._start + self.high - self.low]

    def forget(self, low: int) -> None:
        """Drop the rows above row `low`."""
        gone = min(low, self.high) - self.low
        if gone > 0:
            self.low += gone
            self._start += gone

    def append(self, count: int) -> np.ndarray:
        """Add `count` rows at the bottom and return them, to be filled."""
        held = self.high - self.low
        if self._start + held + count > len(self._buffer):
            self._make_room(held, count)
        self.high += count
        end = self._start + held
        return self._buffer[end : end + count]

    def _make_room(self, held: int, count: int) -> None:
        kept, slack = self.rows, held // SLACK
        if held + count > len(self._buffer) or self._start < slack:  # else rows would have to be moved again soon
            shape = held + count + slack, *self.row_shape
            size = int(np.prod(shape))
            self._buffer = np.empty(size + ROOM, self.dtype)[:size].reshape(shape)
            self._buffer[:held] = kept
        else:
            for row in range(0, held, self._start):  # in pieces that do not overlap their destination
                piece = kept[row : row + self._start]
                self._buffer[row : row + len(piece)] = piece
        self._start = 0
