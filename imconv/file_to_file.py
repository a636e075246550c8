"""A filter between a file that is read and a file that is written, both in bands of rows: nothing is ever whole in memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .engine import streaming
from .engine.threads import checked_threads, default_threads
from .files import streams
from .files.formats import Format
from .files.incoming import Incoming
from .files.outgoing import Outgoing
from .stages.convolution.plan import Plan

WORTH_BANDS = 8 << 20  # bytes of pixels from which bands are no slower than the whole
_WRITTEN_AHEAD = 2  # bands that a writer holds for each thread: as rows, and filtered


def able(filter, target: Format, dtype: np.dtype) -> bool:
    """Whether this filter gives its result in bands, and this format takes them."""
    return dtype.name != "bool" and streams.writer(target.name) is not None


def bytes_held(filter, plan: Plan, incoming: Incoming, threads: int | None) -> int:
    """Memory that filtering in bands takes, beside the program itself: what the reader and the plan hold, and bands on
    their way out."""
    workers = default_threads() if threads is None else checked_threads(threads)
    band = max(streaming.BAND_BYTES, incoming.outline.pixels[:1].nbytes)
    return incoming.bytes_held + filter.bytes_held(plan, workers) + _WRITTEN_AHEAD * (workers + 2) * band


def run(
    filter, plan: Plan, conversion, incoming: Incoming, outgoing: Outgoing, *, threads=None, tally=None, progress=None
) -> None:
    """Filter everything that comes in, and write it. The result is that of `filter.apply`, bit for bit."""
    with np.errstate(all="ignore"):  # as in every filter
        for rows in _filtered(filter, plan, conversion, incoming, threads, tally, progress):
            outgoing.write(rows)


def _filtered(filter, plan: Plan, conversion, incoming: Incoming, threads, tally, progress) -> Iterator[np.ndarray]:
    if conversion is None:
        return filter.in_bands(plan, iter(incoming), threads=threads, tally=tally, progress=progress)
    light = (conversion.decode(rows) for rows in incoming)
    straight = conversion.transfer is None
    found = conversion.filter.in_bands(
        plan, light, threads=threads, tally=tally if straight else None, progress=progress
    )
    return conversion.encode_bands(found, tally)
