"""Keeps float64 means between the samples of their window, and float sums of no weight 0 over flat windows, for algorithms
whose loops do not (see flatness.py).

Running sums, sums of several outer products and Fourier transforms in float64 have nothing wider to be rounded from. So their results
are compared with the sample under the anchor; the few that lie within rounding of it are limited to the least and the largest
sample of their window, which leaves flat windows flat.
"""

from __future__ import annotations

import numpy as np

from ...geometry.axis import effective_size
from .flatness import gain_of

ROUNDING = 2.0**-44  # more than these sums are off by, as a share of sum|h| max|f|; a float64 sum may be off by 1e-13
ROWS_AT_A_TIME = 32


def clamp(plan, rows, first: int, out: np.ndarray, weighted: bool) -> None:
    """Limit the results `out`, (rows, samples), that begin with row `first`. `rows` are the picture's BorderedRows."""
    weights = plan.combined_weights
    gain, size = gain_of(weights), float(np.abs(weights).sum())
    means = bool((weights >= 0).all())
    near = ROUNDING * size * (1 + (size / max(weights.max(), size / weights.size) if means else 0))
    for start in range(0, len(out), ROWS_AT_A_TIME):
        part = out[start : start + ROWS_AT_A_TIME]
        pixels = part.reshape(len(part), plan.columns.out, plan.channels)
        anchored = _anchored(plan, rows, first + start, len(part), weighted)
        with np.errstate(invalid="ignore", over="ignore"):
            distance = pixels - anchored if gain == 1 else pixels - gain * anchored
            close = np.abs(distance, out=distance) < near * np.abs(anchored) + np.finfo(np.float64).tiny
        if not close.any():
            continue
        block = _window_block(plan, rows, first + start, len(part), weighted)
        least, largest = (_extreme(plan, block, pixels.shape, choose) for choose in (np.fmin, np.fmax))
        if means:
            np.clip(pixels, gain * least, gain * largest, out=pixels, where=close)
        else:
            np.copyto(pixels, gain * least, where=close & (least == largest))


def _anchored(plan, rows, first: int, count: int, weighted: bool) -> np.ndarray:
    """The samples under the anchor of `count` output rows: (rows, columns, channels). NaN outside the picture, near nothing."""
    start = first * plan.rows.stride
    down = rows.rows[start:][_taps(plan.rows, count, plan.rows.anchor)]
    along = rows.columns[_taps(plan.columns, plan.columns.out, plan.columns.anchor)]
    straight = along[0] >= 0 and (np.diff(along) == 1).all()
    samples = rows.array[down][:, along[0] : along[-1] + 1] if straight else rows.array[down[:, None], along]
    samples = samples.astype(np.float64, copy=False)
    if weighted:
        samples = np.concatenate([samples[..., :-1] * samples[..., -1:], samples[..., -1:]], axis=-1)
    outside = (down < 0)[:, None] | (along < 0)
    return np.where(outside[..., None], np.nan, samples) if outside.any() else samples


def _window_block(plan, rows, first: int, count: int, weighted: bool) -> np.ndarray:
    """All padded samples that the windows of `count` output rows read: (rows, columns, channels)."""
    start = first * plan.rows.stride
    stop = start + (count - 1) * plan.rows.stride + effective_size(plan.rows.taps, plan.rows.dilation)
    return np.stack(list(rows.planes(start, stop, weighted)), axis=-1)


def _taps(axis, count: int, tap: int) -> slice:
    """The padded samples under one tap, for `count` output samples."""
    start = tap * axis.dilation
    return slice(start, start + (count - 1) * axis.stride + 1, axis.stride)


def _extreme(plan, block: np.ndarray, shape: tuple, choose) -> np.ndarray:
    """The least or largest sample of each window, by windows of 1, 2, 4, ... taps down and along."""
    for axis, window in enumerate((plan.rows, plan.columns)):
        block = np.moveaxis(block, axis, 0)
        span, size = window.dilation, 1
        while 2 * size <= window.taps:
            block = choose(block[: len(block) - size * span], block[size * span :])
            size *= 2
        rest = (window.taps - size) * span
        block = choose(block[: len(block) - rest], block[rest:])[:: window.stride][: shape[axis]]
        block = np.moveaxis(block, 0, axis)
    return block
