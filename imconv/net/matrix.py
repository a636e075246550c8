"""Multiplies a matrix with a vector, on threads. Terms are added in a fixed order, which BLAS does not guarantee."""

from __future__ import annotations

import numpy as np

from .. import jit
from ..engine.threads import run_bands

BAND_BYTES = 1 << 20  # weights of a band: some 50 microseconds
WORTH_THREADS = 1 << 21  # bytes of weights; smaller matrices are multiplied by one thread


def multiply(weights: np.ndarray, values: np.ndarray, bias: np.ndarray | None, workers: int) -> np.ndarray:
    """`weights @ values + bias` for contiguous float32 arrays (rows, n), (n,) and (rows,)."""
    rows = len(weights)
    out = np.empty(rows, weights.dtype)
    offsets = np.zeros(rows, weights.dtype) if bias is None else bias
    loop, given = jit.loop("matrix.multiply"), values.reshape(1, -1)
    jit.ready([loop.specialised({"A": weights.dtype})])

    def work(first: int, band: np.ndarray, scratch: dict) -> None:
        last = first + len(band)
        loop(band, given, offsets[first:last], out[first:last])

    height = max(1, BAND_BYTES // max(weights[0].nbytes, 1))
    run_bands(work, 0, weights, height, workers if weights.nbytes > WORTH_THREADS else 1)
    return out
