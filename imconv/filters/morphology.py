"""Grey-scale morphology: sequences of erosions and dilations, and differences between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from ..engine.results import NewArrays
from ..engine.sequence import Sequence
from ..engine.side_by_side import BandReader, SideBySide
from ..engine.stage import PlanLike
from ..errors import OptionError
from ..filter import Filter
from ..geometry.sizes import parse_pad, parse_pair
from ..options import DEFAULTS, Options, documented, options_of
from ..stages.ranking.filter import RankFilter
from ..stages.ranking.footprint import Footprint, make_footprint
from ..stages.ranking.plan import RankPlan
from ..stages.ranking.work import store, store_values
from .apply import apply

LEAST, LARGEST = 0.0, 100.0

# operation: a sequence of stages, and the sequence that is subtracted from it, or None; an empty sequence is the picture itself
OPERATIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...] | None]] = {
    "opening": (("erosion", "dilation"), None),
    "closing": (("dilation", "erosion"), None),
    "gradient": (("dilation",), ("erosion",)),
    "tophat": ((), ("erosion", "dilation")),
    "blackhat": (("dilation", "erosion"), ()),
}


@documented
def opening(image, size=None, *, shape="square", anchor=None, out=None, threads=None, **options):
    """Erosion, then dilation: removes bright spots smaller than the shape; `scipy.ndimage.grey_opening`.

    {parameters:size : int, (rows, columns) or str such as "3x5", optional
        Size of the window; an even size has `size // 2` pixels before the centre and one less after it. Left out where
        `shape` has cells of your own.
    shape : str, array (rows, columns) or Kernel, default "square"
        As in `imconv.median`. Dilation rotates it by 180 degrees about its anchor, as scipy does.
    anchor : (row, column), optional
        As in `imconv.median`.}

    The result has the picture's size; pad and stride are refused.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.opening(np.array([[1, 9, 1, 7, 7, 7, 1]], np.uint8), (1, 3))
    array([[1, 1, 1, 7, 7, 7, 1]], dtype=uint8)
    """
    return _apply("opening", image, size, shape, anchor, out, threads, options)


@documented
def closing(image, size=None, *, shape="square", anchor=None, out=None, threads=None, **options):
    """Dilation, then erosion: removes dark spots smaller than the shape; `scipy.ndimage.grey_closing`.

    {parameters:size : int, (rows, columns) or str such as "3x5", optional
        Size of the window; an even size has `size // 2` pixels before the centre and one less after it. Left out where
        `shape` has cells of your own.
    shape : str, array (rows, columns) or Kernel, default "square"
        As in `imconv.opening`.
    anchor : (row, column), optional
        As in `imconv.opening`.}

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.closing(np.array([[5, 1, 5, 5, 2, 2, 2]], np.uint8), (1, 3))
    array([[5, 5, 5, 5, 2, 2, 2]], dtype=uint8)
    """
    return _apply("closing", image, size, shape, anchor, out, threads, options)


@documented
def gradient(image, size=None, *, shape="square", anchor=None, out=None, threads=None, **options):
    """Dilation minus erosion: the largest difference in a window; `scipy.ndimage.morphological_gradient`.

    {parameters:size : int, (rows, columns) or str such as "3x5", optional
        Size of the window; an even size has `size // 2` pixels before the centre and one less after it. Left out where
        `shape` has cells of your own.
    shape : str, array (rows, columns) or Kernel, default "square"
        As in `imconv.opening`.
    anchor : (row, column), optional
        As in `imconv.opening`.}

    Any padding and stride are accepted.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.gradient(np.array([[1, 1, 1, 7, 7]], np.uint8), (1, 3))
    array([[0, 0, 6, 6, 0]], dtype=uint8)
    """
    return _apply("gradient", image, size, shape, anchor, out, threads, options)


@documented
def tophat(image, size=None, *, shape="square", anchor=None, out=None, threads=None, **options):
    """The picture minus its opening: bright spots smaller than the shape; `scipy.ndimage.white_tophat`.

    {parameters:size : int, (rows, columns) or str such as "3x5", optional
        Size of the window; an even size has `size // 2` pixels before the centre and one less after it. Left out where
        `shape` has cells of your own.
    shape : str, array (rows, columns) or Kernel, default "square"
        As in `imconv.opening`.
    anchor : (row, column), optional
        As in `imconv.opening`.}

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.tophat(np.array([[1, 9, 1, 7, 7, 7, 1]], np.uint8), (1, 3))
    array([[0, 8, 0, 0, 0, 0, 0]], dtype=uint8)
    """
    return _apply("tophat", image, size, shape, anchor, out, threads, options)


@documented
def blackhat(image, size=None, *, shape="square", anchor=None, out=None, threads=None, **options):
    """The closing minus the picture: dark spots smaller than the shape; `scipy.ndimage.black_tophat`.

    {parameters:size : int, (rows, columns) or str such as "3x5", optional
        Size of the window; an even size has `size // 2` pixels before the centre and one less after it. Left out where
        `shape` has cells of your own.
    shape : str, array (rows, columns) or Kernel, default "square"
        As in `imconv.opening`.
    anchor : (row, column), optional
        As in `imconv.opening`.}

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.blackhat(np.array([[5, 1, 5, 5, 2, 2, 2]], np.uint8), (1, 3))
    array([[0, 4, 0, 0, 0, 0, 0]], dtype=uint8)
    """
    return _apply("blackhat", image, size, shape, anchor, out, threads, options)


def _apply(operation, image, size, shape, anchor, out, threads, options):
    work = MorphologyFilter(operation, make_footprint(size, shape, anchor), options_of(operation, options))
    return apply(work, image, out=out, threads=threads)


@dataclass(frozen=True)
class MorphologyFilter(Filter):
    """One of OPERATIONS with a footprint. Integers are subtracted exactly, floats in their own type."""

    operation: str
    footprint: Footprint
    options: Options = DEFAULTS
    scale: Fraction | None = None

    @property
    def symmetric(self) -> bool:
        return self.options.symmetric and self.footprint.symmetric

    def plan(self, shape, image_type, has_alpha: bool) -> MorphologyPlan:
        options = self.options
        whole = parse_pad(options.pad) == ("same", "same") and parse_pair(options.stride, "stride") == (1, 1)
        if self.operation != "gradient" and not whole:
            raise OptionError(f"{self.operation} keeps the picture's size: leave out pad= and stride=")
        # a rank filter whose results have the same type, scale and policies
        last = RankFilter(self.footprint, LEAST, options, scale=self.scale).plan(shape, image_type, has_alpha)
        inner = replace(
            DEFAULTS,
            border=options.border,
            pad=options.pad,
            stride=options.stride,
            stride_phase=options.stride_phase,
            dilation=options.dilation,
            alpha=options.alpha,
        )
        source = np.dtype(last.source)
        more, less = OPERATIONS[self.operation]

        def planned(chain: tuple[str, ...]) -> tuple[RankPlan, ...]:
            return tuple(self._filter(stage, inner).plan(shape, source, has_alpha) for stage in chain)

        return MorphologyPlan(self.operation, last, planned(more), None if less is None else planned(less))

    def _filter(self, stage: str, options: Options) -> RankFilter:
        if stage == "erosion":
            return RankFilter(self.footprint, LEAST, options)
        return RankFilter(self.footprint.flipped(), LARGEST, options)

    @property
    def light_matters(self) -> bool:
        """As Filter.light_matters: openings and closings are ranks of ranks, and those are the same in linear light."""
        return OPERATIONS[self.operation][1] is not None


def difference(band: np.ndarray, minus: np.ndarray, kept: int | None = None) -> np.ndarray:
    """`band - minus`: integers saturate instead of overflowing; the channel `kept` is that of `band`."""
    kind = band.dtype.kind
    if kind == "b":
        result = band ^ minus
    elif kind == "f":
        with np.errstate(invalid="ignore"):  # infinity minus itself
            result = band - minus
    elif kind == "u":
        result = np.maximum(band, minus) - minus
    else:
        low, high = np.iinfo(band.dtype).min, np.iinfo(band.dtype).max
        result = band - minus  # may wrap, and then has the wrong sign
        np.copyto(result, high, where=(band >= minus) & (result < 0))
        np.copyto(result, low, where=(band < minus) & (result > 0))
    if kept is not None and band.ndim == 3:
        result[..., kept] = band[..., kept]
    return result


@dataclass(frozen=True)
class MorphologyPlan(SideBySide, PlanLike):
    """The plans of a sequence of erosions and dilations (`more`), and of the one that is subtracted from it (`less`).

    An empty sequence is the picture itself; `less` is None if nothing is subtracted.
    """

    operation: str
    outer: RankPlan  # a plan with the types, scale and policies of the result
    more: tuple[RankPlan, ...]
    less: tuple[RankPlan, ...] | None

    compares = True
    scale = property(lambda self: self.outer.scale)
    offset = property(lambda self: self.outer.offset)

    @property
    def model(self) -> RankPlan:
        """The plan whose types and policies are those of the result."""
        return self.outer

    @property
    def keeps_samples(self) -> bool:
        return self.outer.plain

    @property
    def plans(self) -> tuple[RankPlan, ...]:
        """The plans of both sequences."""
        return self.more + (self.less or ())

    @property
    def scratch(self) -> int:
        """Bytes of buffers for each thread: the most that one stage needs."""
        return max(plan.scratch for plan in self.plans)

    @property
    def extra_bytes(self) -> int:
        """As AnyPlan.extra_bytes: the results of two stages, and a difference in float64."""
        return 2 * np.dtype(self.source).itemsize + (0 if self.outer.plain else 8)

    def bytes_held(self, threads: int) -> int:
        """As AnyPlan.bytes_held: every stage holds rows."""
        each = [plan.bytes_held(threads) for plan in self.plans]
        return sum(each) + max(each)

    def arms(self, source, *, wanted=None, threads=None, progress=None):
        """As SideBySide.arms: the first sequence, and the one that is subtracted."""
        how = {"wanted": wanted, "threads": threads}
        if self.less is None:
            return _chain(self.more, source, progress=progress, **how), []
        one, other = source.twice()
        return _chain(self.more, one, progress=progress, **how), [BandReader(_chain(self.less, other, **how))]

    def join(self, band, others, out, threads, tally, values) -> None:
        """As SideBySide.join: the difference in the picture's type, then one rounding."""
        if others:
            band = difference(band, others[0], self.colours if self.alpha == "unweighted" else None)
        if values:
            store_values(self.outer, band, out)
        else:
            store(self.outer, band, out, tally)

    def as_dict(self) -> dict:
        """The stages' figures for `--json`."""
        return {"operation": self.operation, "stages": [stage.as_dict() for stage in self.plans]}

    def __str__(self) -> str:
        parts = [f"operation      {self.operation}"]
        names = [*OPERATIONS[self.operation][0], *(OPERATIONS[self.operation][1] or ())]
        for name, stage in zip(names, self.plans, strict=True):
            parts += ["", name, str(stage)]
        return "\n".join(parts)


def _chain(plans: tuple[RankPlan, ...], source, *, wanted=None, threads=None, progress=None) -> Iterator[np.ndarray]:
    """Yield bands of a sequence of rank plans, or of the picture itself if there are none."""
    if plans:
        chain = Sequence(plans)
        yield from chain.make_bands(source, NewArrays(chain), wanted=wanted, threads=threads, progress=progress)
        return
    row = 0
    for band in source.bands():
        yield band[slice(*(max(0, end - row) for end in wanted))] if wanted else band
        row += len(band)
