"""Grey-scale morphology: erosions and dilations one behind another, and differences of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from ..engine.results import check_out, new_array
from ..engine.streaming import bands_of
from ..errors import OptionError
from ..filter import Filter
from ..geometry.sizes import parse_pad, parse_pair
from ..options import DEFAULTS, Options, documented, options_of
from ..pixels.rounding import finish, stretch_colours
from ..stages.ranking.filter import RankFilter, as_channels
from ..stages.ranking.footprint import Footprint, make_footprint
from ..stages.ranking.plan import RankPlan

LEAST, LARGEST = 0.0, 100.0

# operation: the stages, erosion or dilation, of what counts and of what is subtracted from it; none is the picture itself
OPERATIONS = {
    "opening": (("erosion", "dilation"), None),
    "closing": (("dilation", "erosion"), None),
    "gradient": (("dilation",), ("erosion",)),
    "tophat": ((), ("erosion", "dilation")),
    "blackhat": (("dilation", "erosion"), ()),
}


@documented
def opening(image, size=None, *, shape="square", anchor=None, out=None, threads=None, **options):
    """Erosion, then dilation: what is brighter and smaller than the shape goes; `scipy.ndimage.grey_opening`.

    {parameters:size, shape
        As in `imconv.median`. Dilation turns the shape by 180 degrees about its anchor, as scipy's does.}

    The result has the picture's size: pad and stride are refused.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.opening(np.array([[1, 9, 1, 7, 7, 7, 1]], np.uint8), (1, 3))
    array([[1, 1, 1, 7, 7, 7, 1]], dtype=uint8)
    """
    return _apply("opening", image, size, shape, anchor, out, threads, options)


@documented
def closing(image, size=None, *, shape="square", anchor=None, out=None, threads=None, **options):
    """Dilation, then erosion: what is darker and smaller than the shape goes; `scipy.ndimage.grey_closing`.

    {parameters:size, shape
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
    """Dilation minus erosion, how much a window's samples differ; `scipy.ndimage.morphological_gradient`.

    {parameters:size, shape
        As in `imconv.opening`.}

    Any padding and stride will do.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.gradient(np.array([[1, 1, 1, 7, 7]], np.uint8), (1, 3))
    array([[0, 0, 6, 6, 0]], dtype=uint8)
    """
    return _apply("gradient", image, size, shape, anchor, out, threads, options)


@documented
def tophat(image, size=None, *, shape="square", anchor=None, out=None, threads=None, **options):
    """The picture minus its opening: what is brighter and smaller than the shape; `scipy.ndimage.white_tophat`.

    {parameters:size, shape
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
    """The closing minus the picture: what is darker and smaller than the shape; `scipy.ndimage.black_tophat`.

    {parameters:size, shape
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
    return work.apply(image, out=out, threads=threads)


@dataclass(frozen=True)
class MorphologyFilter(Filter):
    """One of OPERATIONS with a footprint. Samples of integers are subtracted exactly, floats in their own type."""

    operation: str
    footprint: Footprint
    options: Options = DEFAULTS
    scale: Fraction | None = None  # instead of the one that the depth asks for

    def plan(self, shape, image_type, has_alpha: bool) -> MorphologyPlan:
        """As Filter.plan."""
        options = self.options
        whole = parse_pad(options.pad) == ("same", "same") and parse_pair(options.stride, "stride") == (1, 1)
        if self.operation != "gradient" and not whole:
            raise OptionError(f"{self.operation} keeps the picture's size: leave out pad and stride")
        last = self._outer.plan(shape, image_type, has_alpha)
        inner = Options(options.border, options.pad, options.stride, options.dilation, alpha=options.alpha)
        source = np.dtype(last.source)
        chains = [
            None
            if chain is None
            else tuple(self._filter(stage, inner).plan(shape, source, has_alpha) for stage in chain)
            for chain in OPERATIONS[self.operation]
        ]
        return MorphologyPlan(self.operation, last, *chains)

    def _filter(self, stage: str, options: Options) -> RankFilter:
        if stage == "erosion":
            return RankFilter(self.footprint, LEAST, options)
        return RankFilter(self.footprint.flipped(), LARGEST, options)

    @property
    def _outer(self) -> RankFilter:
        """A filter whose results are of the same kind."""
        return RankFilter(self.footprint, LEAST, self.options, scale=self.scale)

    def result_type(self, image_type) -> np.dtype:
        """As Filter.result_type."""
        return self._outer.result_type(image_type)

    def factor(self, image_type) -> Fraction:
        """As LinearFilter.factor."""
        return self._outer.factor(image_type)

    def conversion(self, mode, image_type, metadata=None):
        """As Filter.conversion; openings and closings are ranks of ranks, which light does not change."""
        return None if self._ranks else super().conversion(mode, image_type, metadata)

    @property
    def _ranks(self) -> bool:
        return OPERATIONS[self.operation][1] is None

    def in_light(self, light) -> MorphologyFilter:
        """As Filter.in_light."""
        return replace(self, options=light.options(self.options))

    def with_options(self, **changes) -> MorphologyFilter:
        """As Filter.with_options."""
        return replace(self, options=replace(self.options, **changes))

    def retyped(self, dtype, scale=Fraction(1), range="clip") -> MorphologyFilter:
        """As Filter.retyped."""
        return replace(self.with_options(dtype=dtype, depth=None, range=range), scale=scale)

    def extra_bytes(self, plan) -> int:
        """As Filter.extra_bytes: two stages' results, and a difference in float64."""
        return 2 * np.dtype(plan.source).itemsize + (0 if plan.plain else 8)

    def compares(self, plan) -> bool:
        """As Filter.compares."""
        return True

    def bytes_held(self, plan, threads: int) -> int:
        """As Filter.bytes_held: every stage holds rows."""
        each = [RankFilter(stage.footprint, stage.percentile).bytes_held(stage, threads) for stage in plan.stages]
        return sum(each) + max(each)

    def apply(self, image, **how):
        """As Filter.apply; openings do without linear light, unless they are blended with the picture."""
        if self._ranks and self.options.linear and not self.options.selects:
            return self.with_options(linear=False).apply(image, **how)
        return super().apply(image, **how)

    def run(self, plan: MorphologyPlan, image, *, out=None, threads=None, tally=None, progress=None) -> np.ndarray:
        """As Filter.run."""
        shape = (*plan.shape, plan.channels)
        wanted = shape if image.ndim == 3 else shape[:2]
        if out is not None:
            check_out(out, wanted, plan.target)
        bands = self._bands(plan, iter([as_channels(plan, image)]), threads, progress)
        result = new_array(shape, np.float64 if plan.range == "stretch" else plan.target)
        row = 0
        for band in bands:
            part = result[row : row + len(band)]
            if plan.range == "stretch":
                part[...] = _values(plan, band)
            else:
                _finish(plan, band, part, tally)
            row += len(band)
        if plan.range == "stretch":
            values, result = result, new_array(shape, plan.target)
            stretch_colours(values, result, plan.colours)
        if out is None:
            return result.reshape(wanted)
        out[...] = result.reshape(wanted)
        return out

    def in_bands(self, plan: MorphologyPlan, bands, *, threads=None, tally=None, progress=None, rows=None):
        """As Filter.in_bands."""

        def execute(source, count):
            row = 0
            for band in self._bands(plan, source, threads, progress):
                start, row = row, row + len(band)
                if rows is not None:
                    band = band[max(rows[0] - start, 0) : max(rows[1] - start, 0)]
                flat = band if band.ndim == 3 else band[..., None]
                result = np.empty(flat.shape, plan.target)
                if len(flat):
                    _finish(plan, flat, result, count)
                yield result.reshape(band.shape)

        yield from bands_of(plan, bands, tally, execute)

    def _bands(self, plan, rows: Iterator[np.ndarray], threads, progress) -> Iterator[np.ndarray]:
        """The chains' results, subtracted, in the type that is planned for; bands of any height."""
        if plan.less is None:
            yield from self._chain(plan.more, rows, threads, progress)
            return
        one, other = itertools.tee(rows)
        more, less = self._chain(plan.more, one, threads, progress), self._chain(plan.less, other, threads, None)
        kept = plan.colours if plan.alpha == "keep" else None
        for band, minus in _matched(more, less):
            yield difference(band, minus, kept)

    def _chain(self, plans: tuple[RankPlan, ...], rows, threads, progress) -> Iterator[np.ndarray]:
        for number, stage in enumerate(plans):
            last = number == len(plans) - 1
            work = RankFilter(stage.footprint, stage.percentile)
            rows = work.in_bands(stage, rows, threads=threads, progress=progress if last else None)
        return iter(rows)


def _matched(more: Iterator[np.ndarray], less: Iterator[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Bands of the same rows from two sources that cut them differently."""
    one = other = None
    while True:
        one = next(more, None) if one is None or not len(one) else one
        other = next(less, None) if other is None or not len(other) else other
        if one is None or other is None:
            return
        rows = min(len(one), len(other))
        yield one[:rows], other[:rows]
        one, other = one[rows:], other[rows:]


def difference(band: np.ndarray, minus: np.ndarray, kept: int | None = None) -> np.ndarray:
    """What is left; whole numbers without overflow; the channel `kept` as it is."""
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


def _values(plan: MorphologyPlan, band: np.ndarray) -> np.ndarray:
    """A band in the result's units, float64, not yet rounded."""
    values = band.astype(np.float64) * plan.scale.numerator / plan.scale.denominator
    values[..., : plan.colours] += float(plan.offset)
    return values


def _finish(plan: MorphologyPlan, band: np.ndarray, out: np.ndarray, tally) -> None:
    """Store a band in the result's type."""
    if plan.plain:
        out[...] = band
        if tally is not None:
            tally.add(samples=out.size)
        return
    divisor, offset = plan.scale.denominator, float(plan.offset)
    exact = np.dtype(plan.source).kind != "f" and offset == int(offset)
    for part, policy, more in ((slice(0, plan.colours), plan.range, offset), (slice(plan.colours, None), "clip", 0.0)):
        if band[..., part].size:
            sums = band[..., part].astype(np.float64) * plan.scale.numerator
            finish(sums, out[..., part], policy, more * divisor, divisor, tally, exact)


@dataclass(frozen=True)
class MorphologyPlan:
    """Plans of the stages; what they have alike, and what the result becomes, as `outer` has it."""

    operation: str
    outer: RankPlan
    more: tuple[RankPlan, ...]
    less: tuple[RankPlan, ...] | None

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.outer, name)

    @property
    def stages(self) -> tuple[RankPlan, ...]:
        """All of them."""
        return self.more + (self.less or ())

    @property
    def seconds(self) -> float:
        """As Plan.seconds, of all."""
        return sum(stage.seconds for stage in self.stages)

    @property
    def scratch(self) -> int:
        """As RankPlan.scratch."""
        return max(stage.scratch for stage in self.stages)

    def as_dict(self) -> dict:
        """The stages' figures for `--json`."""
        return {"operation": self.operation, "stages": [stage.as_dict() for stage in self.stages]}

    def __str__(self) -> str:
        parts = [f"operation      {self.operation}"]
        names = [*OPERATIONS[self.operation][0], *(OPERATIONS[self.operation][1] or ())]
        for name, stage in zip(names, self.stages, strict=True):
            parts += ["", name, str(stage)]
        return "\n".join(parts)
