"""`PointwisePlan`: results from the pixel at their place. `ArrangedPlan`: pixels at other places. Both exact."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ...engine.side_by_side import in_blocks
from ...engine.sources import BAND_BYTES
from ...engine.stage import AnyPlan
from ...errors import ImconvError
from ...geometry.axis import Axis
from ...geometry.grid import Grid
from ...pixels.rounding import finish
from ...pixels.sample_types import type_range
from .operations import Mixing, Operation

EXACT = 1 << 61  # twice a numerator, and its denominator, stay within 64 bits
SECONDS = 2e-9  # for one sample on one thread, in rough terms: reading and writing it


@dataclass(frozen=True)
class _RowPlan(AnyPlan):
    """What both plans have in common: no border, no buffers."""

    rows: Axis
    columns: Axis
    channels: int
    source: str
    target: str
    alpha: str
    range: str
    taken: int  # channels of the picture
    summary: str

    scratch = 0

    @property
    def source_channels(self) -> int:
        return self.taken

    @property
    def seconds(self) -> float:
        return SECONDS * self.rows.size * self.columns.size * self.taken

    def as_dict(self) -> dict:
        """The plan's figures for `--json`."""
        return {
            "algorithm": self.summary,
            "input": [self.rows.size, self.columns.size, self.taken],
            "output": [*self.shape, self.channels],
            "types": [self.source, self.target],
        }

    def __str__(self) -> str:
        rows, columns = self.shape
        return "\n".join(
            [
                f"pixel by pixel {self.summary}, from {self.source} to {self.target}",
                f"size           {self.rows.size} x {self.columns.size} x {self.taken} -> {rows} x {columns} x {self.channels}",
            ]
        )


@dataclass(frozen=True)
class PointwisePlan(_RowPlan):
    """The plan of an operation on each pixel.

    Whole numbers of up to 32 bits into whole numbers are computed in fractions, and rounded half up once. All others are
    computed in float64.

    scale, offset   from the operation's results, in the picture's units, to the samples of the result
    """

    operation: Operation
    scale: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)

    @property
    def keeps_samples(self) -> bool:
        """As AnyPlan.keeps_samples: whether the result is the picture."""
        identity = isinstance(self.operation, Mixing) and self.operation.identity
        # the range stretch and absolute values change samples too
        return identity and self.source == self.target and (self.scale, self.offset, self.range) == (1, 0, "clip")

    def bytes_held(self, threads: int) -> int:
        """As AnyPlan.bytes_held: two bands of the picture and of the result, and int64 or float64 numbers of one."""
        return 4 * BAND_BYTES + 16 * (BAND_BYTES // max(1, np.dtype(self.source).itemsize))

    def make_bands(self, source, sink, *, wanted=None, threads=None, tally=None, progress=None, values=False):
        first, last = wanted or (0, self.rows.size)
        row = 0
        for band in source.bands():
            low, high = np.clip((first - row, last - row), 0, len(band)).tolist()
            out = sink.room(row + low, high - low)
            if high > low:
                self._compute(band[low:high], out, threads, tally, values)
            row += len(band)
            if progress is not None:
                progress(row, self.rows.size)
            yield out

    def _compute(self, pixels: np.ndarray, out: np.ndarray, threads, tally, values: bool) -> None:
        if self.keeps_samples and not values:
            out[...] = pixels
            if tally is not None:
                tally.add(samples=out.size)
            return
        exact = not values and self.range in ("clip", "error") and self._exact(pixels.dtype, out.dtype)
        split = self.colours

        def work(part: slice) -> None:
            if exact:
                self._round_exactly(pixels[part], out[part], tally)
                return
            results = self.operation.floats(pixels[part].astype(np.float64))
            if self.scale != 1:
                results *= np.float64(self.scale.numerator)
                results /= np.float64(self.scale.denominator)
            if values:
                out[part] = results
                if self.offset and self.range != "stretch":
                    out[part][..., :split] += float(self.offset)
                return
            finish(results[..., :split], out[part][..., :split], self.range, float(self.offset), 1, tally)
            if split < self.channels:
                finish(results[..., split:], out[part][..., split:], "clip", 0.0, 1, tally)

        in_blocks(work, out, threads)

    def _exact(self, source: np.dtype, target: np.dtype) -> bool:
        """Whether the results can be computed as fractions of 64-bit numbers."""
        if source.kind not in "biu" or target.kind not in "iu" or source.itemsize > 4:
            return False
        low, high = type_range(source)
        factor = self.scale.numerator * self.offset.denominator
        over = self.operation.denominator * self.scale.denominator * self.offset.denominator
        bound = self.operation.largest * max(-int(low), int(high), 1) * factor
        return bound + abs(self.offset.numerator) * over + over < EXACT

    def _round_exactly(self, pixels: np.ndarray, out: np.ndarray, tally) -> None:
        numerators = self.operation.whole(pixels.astype(np.int64))
        over = self.operation.denominator * self.scale.denominator * self.offset.denominator
        numerators *= self.scale.numerator * self.offset.denominator
        if self.offset:
            numerators[..., : self.colours] += (
                self.offset.numerator * self.operation.denominator * self.scale.denominator
            )
        if over > 1:
            numerators *= 2
            numerators += over
            numerators //= 2 * over
        low, high = (int(end) for end in type_range(out.dtype))
        if tally is not None or self.range == "error":
            outside = (numerators < low) | (numerators > high)
            if tally is not None:
                tally.add(samples=out.size, clipped=int(np.count_nonzero(outside)))
            if self.range == "error" and outside.any():
                worst = numerators[outside][np.abs(numerators[outside]).argmax()]
                raise ImconvError(
                    f"results leave {low}..{high} (one is {worst}); use range clip, abs, offset or stretch"
                )
        np.clip(numerators, low, high, out=numerators)
        out[...] = numerators


@dataclass(frozen=True)
class ArrangedPlan(_RowPlan):
    """The plan of a picture that is transposed, and then has its rows and columns in reverse order: turns and mirrors.

    Only where rows stay rows in their order can it stream; else it holds the picture.
    """

    transpose: bool = False
    flip_rows: bool = False
    flip_columns: bool = False

    @property
    def keeps_samples(self) -> bool:
        return True

    @property
    def shape(self) -> tuple[int, int]:
        rows, columns = self.rows.size, self.columns.size
        return (columns, rows) if self.transpose else (rows, columns)

    @property
    def grid(self) -> Grid:
        return Grid.turned(self.shape, self.transpose, self.flip_rows, self.flip_columns)

    @property
    def in_order(self) -> bool:
        """Whether each row of the result comes from the picture's row of this number."""
        return not (self.transpose or self.flip_rows)

    def bytes_held(self, threads: int) -> int:
        """As AnyPlan.bytes_held: some bands, or all of the picture twice while it is put together."""
        picture = self.rows.size * self.columns.size * self.taken * np.dtype(self.source).itemsize
        return 4 * BAND_BYTES if self.in_order else 2 * picture + 2 * BAND_BYTES

    def make_bands(self, source, sink, *, wanted=None, threads=None, tally=None, progress=None, values=False):
        total = self.shape[0]
        first, last = wanted or (0, total)
        row = 0
        for band in self._arranged(source):
            low, high = np.clip((first - row, last - row), 0, len(band)).tolist()
            out = sink.room(row + low, high - low)
            in_blocks(_copy(band[low:high], out), out, threads)
            if tally is not None:
                tally.add(samples=out.size)
            row += len(band)
            if progress is not None:
                progress(row, total)
            yield out

    def _arranged(self, source):
        if self.in_order:
            yield from (band[:, ::-1] if self.flip_columns else band for band in source.bands())
            return
        picture = source.whole()
        if self.transpose:
            picture = picture.swapaxes(0, 1)
        picture = picture[:: -1 if self.flip_rows else 1, :: -1 if self.flip_columns else 1]
        row_bytes = max(1, self.shape[1] * self.channels * np.dtype(self.target).itemsize)
        height = max(1, BAND_BYTES // row_bytes)
        for first in range(0, len(picture), height):
            yield picture[first : first + height]


def _copy(rows: np.ndarray, out: np.ndarray):
    def work(part: slice) -> None:
        out[part] = rows[part]

    return work
