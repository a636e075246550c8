"""Filters a file into another file by bands of rows: neither picture is ever in memory as a whole."""

from __future__ import annotations

import numpy as np

from .engine.drive import stream
from .engine.sources import BAND_BYTES
from .engine.stage import AnyPlan
from .engine.threads import thread_count
from .files import streams
from .files.formats import Format
from .files.incoming import Incoming
from .files.outgoing import Outgoing

WORTH_BANDS = 8 << 20  # bytes of pixels; for larger pictures bands are as fast as the whole picture at once
_WRITTEN_AHEAD = 2  # bands a writer holds for each thread: one as rows, one encoded


def able(target: Format, dtype: np.dtype) -> bool:
    """Whether a writer for this format takes results of this type in bands."""
    return dtype.name != "bool" and streams.writer(target.name) is not None


def bytes_held(plan: AnyPlan, incoming: Incoming, threads: int | None) -> int:
    """Bytes of memory that `run` takes: buffers of the reader and of the plan, and bands that wait to be written."""
    workers = thread_count(threads)
    band = max(BAND_BYTES, incoming.outline.pixels[:1].nbytes)
    return incoming.bytes_held + plan.bytes_held(workers) + _WRITTEN_AHEAD * (workers + 2) * band


def write_filtered(
    plan: AnyPlan, conversion, incoming: Incoming, outgoing: Outgoing, *, threads=None, tally=None, progress=None
) -> None:
    """Filter the incoming picture into the outgoing one. The result equals that of `filters.apply`, bit for bit."""
    light = iter(incoming) if conversion is None else (conversion.decode(rows) for rows in incoming)
    encodes = conversion is not None and conversion.transfer is not None  # then the tally counts encoded samples
    results = stream(plan, light, threads=threads, tally=None if encodes else tally, progress=progress)
    for rows in results if conversion is None else conversion.encode_bands(results, tally):
        outgoing.write(rows)
