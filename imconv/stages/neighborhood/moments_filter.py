"""Means and population variances over a box: of whole numbers by their exact sums, of floats by merging, so that what has no
spread has a variance of exactly 0."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...geometry.axis import square_axes
from ...geometry.border import Border
from ...pixels.sample_types import EXACT_LIMIT, LARGEST_SAMPLE
from .moments import MomentsPlan
from .work import flow

SUMMING, MERGING = 1_500, 12_000  # picoseconds for a sample, measured on a Zen 5 core (2026-11-22)


def moments_plan(
    shape, channels: int, kind: str, border: Border, size: tuple[int, int], root: str | None = None
) -> MomentsPlan:
    """The plan for pictures of a kind, or of its values as float64 where the sums of whole numbers would not fit; with `root`,
    a type, for standard deviations."""
    sums = _sums(kind, size, border)
    rows, columns = square_axes(shape, size)
    if sums is None:
        kind = kind if kind in ("float32", "float64") else "float64"
    return MomentsPlan(
        "moments",
        "counts, means and squared deviations merged" if sums is None else "whole-number sums of samples and of squares",
        rows, columns, channels, channels if root else 2 * channels, kind, sums or "merged", root or "float64", border,
        SUMMING if sums else MERGING, border.mode == "normalized", root is not None,
    )  # fmt: skip


def _sums(kind: str, size: tuple[int, int], border: Border) -> str | None:
    """The type of whole-number sums, where they and `n sum f^2 - (sum f)^2` are held exactly."""
    largest = LARGEST_SAMPLE.get(kind)
    values = border.values if border.mode == "constant" else ()
    if largest is None or any(not 0 <= value <= largest or value != int(value) for value in values):
        return None
    squares = size[0] * size[1] * largest**2
    if size[0] * size[1] * squares >= EXACT_LIMIT["float64"]:
        return None
    return "uint32" if squares < 2**32 else "float64"


def moments(plan: MomentsPlan, rows: Iterator[np.ndarray], threads, progress=None) -> Iterator[np.ndarray]:
    """Bands (rows, 2, columns, channels) of means and variances, float64, from bands (rows, columns, channels)."""
    floats = (band.astype(plan.source, copy=False) for band in rows)
    for band in flow(plan, floats, threads, progress=progress):
        yield band.reshape(len(band), 2, plan.columns.out, -1)
