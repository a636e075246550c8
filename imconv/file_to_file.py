"""A filter between a file that is read and a file that is written, both in bands of rows: nothing is ever whole in memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .engine.drive import stream
from .engine.sources import BAND_BYTES
from .engine.stage import AnyPlan
from .engine.threads import thread_count
from .files import streams
from .files.formats import Format
from .files.incoming import Incoming
from .files.outgoing import Outgoing

WORTH_BANDS = 8 << 20  # bytes of pixels from which bands are no slower than the whole
_WRITTEN_AHEAD = 2  # bands that a writer holds for each thread: as rows, and filtered


def able(target: Format, dtype: np.dtype) -> bool:
    """Whether this format takes a result of this type in bands."""
    return dtype.name != "bool" and streams.writer(target.name) is not None


def bytes_held(plan: AnyPlan, incoming: Incoming, threads: int | None) -> int:
    """Memory that filtering in bands takes, beside the program itself: what the reader and the plan hold, and bands on
    their way out."""
    workers = thread_count(threads)
    band = max(BAND_BYTES, incoming.outline.pixels[:1].nbytes)
    return incoming.bytes_held + plan.bytes_held(workers) + _WRITTEN_AHEAD * (workers + 2) * band


def write_filtered(
    plan: AnyPlan, conversion, incoming: Incoming, outgoing: Outgoing, *, threads=None, tally=None, progress=None
) -> None:
    """Filter everything that comes in, and write it. The result is that of `filters.apply`, bit for bit."""
    for rows in _filtered(plan, conversion, incoming, threads, tally, progress):
        outgoing.write(rows)


def _filtered(plan: AnyPlan, conversion, incoming: Incoming, threads, tally, progress) -> Iterator[np.ndarray]:
    if conversion is None:
        return stream(plan, iter(incoming), threads=threads, tally=tally, progress=progress)
    light = (conversion.decode(rows) for rows in incoming)
    straight = conversion.transfer is None
    found = stream(plan, light, threads=threads, tally=tally if straight else None, progress=progress)
    return conversion.encode_bands(found, tally)
