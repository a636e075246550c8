"""How a band of rows is filtered and compressed: chosen by trials on samples of it, as far as a level's effort goes.

Photographs want an adaptive filter and Huffman codes: matches cost more than they save. Flat graphics want no filter and
matches, gradients one filter and matches; what compresses well is compressed fast by zlib too, which finds more matches
than isal. A way that is slower than another must pay for it.

Milliseconds of one thread and megabytes (2026-11-22, AMD EPYC, beside other work); Pillow 13 at its own level, 6:

    level         12 MP photo   screenshot    gradient      retina
                  4000 x 3000   1920 x 1080   1600 x 1200   1411 x 1411
    0                30 36.007      2  6.223      2  5.762      2  5.975
    1               101 22.723      6  0.244      4  0.059     18  1.345
    2               102 22.723     29  0.233     28  0.059     24  1.345
    3 (default)      99 22.723     69  0.182     58  0.035     32  1.345
    4               102 22.723     67  0.182     56  0.035    116  1.345
    5               109 22.723     69  0.182     54  0.035    175  1.345
    6               773 22.722    135  0.182    108  0.035    861  1.320
    7               754 22.722    133  0.178    103  0.033    938  1.307
    8               773 22.722    165  0.175    118  0.029   1588  1.282
    9               821 22.722    232  0.171    133  0.024   2192  1.266
    Pillow         2317 22.996     47  0.207     40  0.035    422  1.392
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from ...jit import loop
from ..deflate import Packing

if TYPE_CHECKING:
    import numpy as np

NONE, SUB, UP, ADAPTIVE = 0, 1, 2, 5  # filters as `scanline.filter_rows` numbers them
BAND, LARGE_BAND = 1 << 20, 4 << 20
_GLANCE, _LOOK, _LONG_LOOK = 1 << 15, 1 << 18, 1 << 20  # bytes of samples: a photograph or not, and what is best if not
_GROUPS = 4  # of neighbouring rows, that a sample is made of
_GAIN = 0.97  # what is slower than isal must leave less than this part of what isal leaves


class Way(NamedTuple):
    """A filter and a way to compress what it gives."""

    filter: int
    packing: Packing


class Effort(NamedTuple):
    """What a level tries.

    filters    with isal's matches
    zlib       its level, 0 for none
    below      all this on larger samples, and zlib, where a small one could be compressed to less than this part
    thorough   zlib with every filter, and for the least gain
    """

    filters: tuple[int, ...]
    zlib: int = 0
    below: float = 0.0
    thorough: bool = False

    @property
    def band(self) -> int:
        """Bytes of filtered rows that are compressed at a time; what is repeated from an earlier band isn't noticed."""
        return LARGE_BAND if self.thorough else BAND


_FILTERS = (NONE, SUB, UP, ADAPTIVE)
DEFAULT = 3
STORED = Effort(())
EFFORTS = {
    0: STORED,
    1: Effort((NONE, ADAPTIVE)),
    2: Effort(_FILTERS, 0, 0.15),
    3: Effort(_FILTERS, 6, 0.15),
    4: Effort(_FILTERS, 6, 0.25),
    5: Effort(_FILTERS, 6, 0.5),
    **{level: Effort(_FILTERS, level, 2.0, thorough=True) for level in range(6, 10)},
}
PHOTOGRAPH = Way(ADAPTIVE, Packing("runs"))
# of small ones: the first is fastest, the second for where that leaves too much
SMALL_PHOTOGRAPHS = (Way(ADAPTIVE, Packing("isal", 1)), Way(ADAPTIVE, Packing("zlib", 1, zlib.Z_RLE)))
_SMALL_GAIN = 0.97
SMALL = 4 << 20  # bytes of a picture's rows that are not worth a loop, which has to be compiled on a fresh computer


class Sample:
    """Some groups of neighbouring rows of a band, and what ways to compress them make of them."""

    def __init__(self, band: np.ndarray, above: int, back: int, size: int):
        self._band, self._above, self._back = band, above, back
        height = len(band) - above
        count = max(1, min(height, size // _GROUPS // (band.shape[1] + 1)))
        groups = min(_GROUPS, height // count)
        self._starts = [above + (height - count) * k // max(1, groups - 1) for k in range(groups)]
        self._count = count
        self._filtered: dict[int, bytes] = {}
        self.bytes = groups * count * (band.shape[1] + 1)

    def size(self, way: Way) -> int:
        """How many bytes are left of it."""
        coded = self._filtered.get(way.filter)
        if coded is None:
            parts = [filtered(self._band, y, y + self._count, self._back, way.filter).data for y in self._starts]
            coded = self._filtered[way.filter] = b"".join(parts)
        return len(way.packing.packed(coded, True))

    def sizes(self, chosen: Iterable[Way]) -> list[tuple[Way, int]]:
        """Ways, each with what it leaves."""
        return [(way, self.size(way)) for way in chosen]


def effort(level: int | None) -> Effort:
    """What a level tries; `DEFAULT` for None."""
    return EFFORTS[DEFAULT if level is None else level]


def choose(effort: Effort, small: bool, band: np.ndarray, above: int, back: int) -> Way:
    """The way for a band of a small picture or another, whose first row is only the row above it where `above` is 1."""
    if effort is STORED:
        return Way(NONE, Packing("zlib", 0))
    matches = [Way(kind, Packing("isal", 1)) for kind in effort.filters]
    sample = Sample(band, above, back, _GLANCE)
    photograph = _small_photograph(sample) if small else PHOTOGRAPH
    runs, plain = sample.size(photograph), sample.size(matches[0])
    if runs <= plain and runs > sample.bytes / 2 and effort.below < 1:
        return photograph
    best, size = min([(matches[0], plain), *sample.sizes(matches[1:])], key=_size)
    if runs < size * _GAIN:
        best, size = photograph, runs
    if size >= sample.bytes * effort.below:
        return best
    noisy = size > sample.bytes / 2
    sample = Sample(band, above, back, effort.band)  # all of it, which takes isal no time worth speaking of
    best, size = min(sample.sizes([photograph, *matches]), key=_size)
    best, size = min([(best, size), *sample.sizes([Way(best.filter, photograph.packing)])], key=_size)
    if not effort.zlib:
        return best
    kinds, strategies = [best.filter], [zlib.Z_DEFAULT_STRATEGY]
    if effort.thorough:
        kinds = [ADAPTIVE] if noisy else list(effort.filters)
        strategies.append(zlib.Z_FILTERED)
    sample = Sample(band, above, back, _LONG_LOOK if effort.thorough and not noisy else _LOOK)
    size = sample.size(best)
    # a level higher than 6 takes several times as long to choose the same
    slow = [Way(kind, Packing("zlib", 6, strategy)) for kind in kinds for strategy in strategies]
    slower, less = min(sample.sizes(slow), key=_size)
    if less >= size * (1 if effort.thorough else _GAIN):
        return best
    return slower._replace(packing=slower.packing._replace(level=effort.zlib))


def _small_photograph(sample: Sample) -> Way:
    quick, short = SMALL_PHOTOGRAPHS
    return short if sample.size(short) < _SMALL_GAIN * sample.size(quick) else quick


def _size(tried: tuple[Way, int]) -> int:
    return tried[1]


def filtered(band: np.ndarray, first: int, stop: int, back: int, kind: int) -> np.ndarray:
    """Rows first .. stop - 1 of a band, filtered, each behind its filter's number. Row 0 has none above it."""
    import numpy as np

    above = min(first, 1)
    out = np.empty((stop - first, 1 + band.shape[1]), np.uint8)
    loop("scanline.filter_rows")(band[first - above : stop], above, back, kind, out)
    return out
