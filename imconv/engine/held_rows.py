"""A sliding buffer of picture rows: appended at the bottom, dropped at the top once nobody needs them."""

from __future__ import annotations

import numpy as np

ROOM = 256  # samples behind the last row that vectors may read
SLACK = 4  # a quarter more is allocated than is held: rows are moved up so seldom that it costs little


class HeldRows:
    """Consecutive rows of a picture: from row `low` up to, not including, row `high`; at first none before row `first`."""

    def __init__(self, row_shape: tuple[int, ...], dtype, first: int = 0):
        self.row_shape, self.dtype = row_shape, np.dtype(dtype)
        self.low = self.high = first
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
            self._make_room(held, count)
        self.high += count
        end = self._start + held
        return self._buffer[end : end + count]

    def _make_room(self, held: int, count: int) -> None:
        kept, slack = self.rows, held // SLACK
        if held + count > len(self._buffer) or self._start < slack:  # it would have to be moved again soon
            self._buffer = self._new(held + count + slack)
            self._buffer[:held] = kept
        else:
            for row in range(0, held, self._start):  # pieces that don't overlap with where they go
                piece = kept[row : row + self._start]
                self._buffer[row : row + len(piece)] = piece
        self._start = 0

    def _new(self, capacity: int) -> np.ndarray:
        size = capacity * int(np.prod(self.row_shape))
        return np.empty(size + ROOM, self.dtype)[:size].reshape(capacity, *self.row_shape)
