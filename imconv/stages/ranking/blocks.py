"""Padded rows of sortable samples, as the ranking loops read them, and the buffers that threads keep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...engine.buffers import LARGEST_LANES

ROOM = 2 * LARGEST_LANES  # samples behind a padded row that vectors may read, and write


@dataclass(frozen=True)
class Block:
    """Padded rows: `rows` (rows, samples and room) as the loops take them, `pixels` (rows, columns, channels) a view."""

    rows: np.ndarray
    pixels: np.ndarray

    @classmethod
    def empty(cls, count: int, columns: int, channels: int, kind, scratch: dict | None = None, name: str = "") -> Block:
        """Room for so many, in the buffer of this name where there is one."""
        pitch = columns * channels + ROOM
        rows = buffer({} if scratch is None else scratch, name, count * pitch, kind).reshape(count, pitch)
        return cls(rows, rows[:, : columns * channels].reshape(count, columns, channels))


def buffer(scratch: dict, name: str, size: int, kind) -> np.ndarray:
    """Uninitialised memory that a thread keeps under a name."""
    held = scratch.get(name)
    if held is None or held.size < size:
        held = scratch[name] = np.empty(size, kind)
    return held[:size]
