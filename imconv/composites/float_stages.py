"""Filters made of stages: rows flow from one to the next, each with its own plan, so that nothing is ever whole in memory.

Everything that all such filters have is here: floats made of a picture's samples, alpha, the one rounding at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from ..engine.held_rows import Window
from ..engine.results import check_out, new_array
from ..engine.streaming import BAND_BYTES, bands_of, bytes_held
from ..engine.threads import checked_threads, default_threads, run_bands
from ..errors import OptionError
from ..filter import Filter
from ..geometry.border import Border, fill_values, parse_border
from ..geometry.sizes import parse_pair
from ..kernel.kernel import Kernel
from ..options import NO_IGNORING, Options, checked_offset
from ..pixels.alpha import check_alpha
from ..pixels.arrays import readable
from ..pixels.depth import white
from ..pixels.rounding import check_range, finish, stretch
from ..pixels.sample_types import loop_type
from ..stages.convolution.filter import LinearFilter

BLOCK = 1 << 16  # samples that a thread works on at a time between stages: they stay in a core's cache
_ONE = Kernel([[1]])


@dataclass(frozen=True)
class StagedPlan:
    """Plans of stages, one behind another. Rows, columns and whatever else a plan tells are the first one's."""

    way: str  # what is done, in a line
    stages: tuple
    source: str  # dtype names
    target: str
    channels: int
    alpha: str
    range: str
    scale: Fraction
    offset: Fraction
    border: Border
    number: str  # the type that the first stage gets
    white: int  # of the picture
    direct: bool = False  # the only stage reads the picture's own samples and rounds by itself
    gain: float | None = None  # of results without a unit, which a change of depth does not change

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.stages[0], name)

    @property
    def source_channels(self) -> int:
        """The picture's: as many as the result's."""
        return self.channels

    @property
    def filtered(self) -> int:
        """Channels that go through the stages."""
        return self.channels - (self.alpha == "keep")

    @property
    def colours(self) -> int:
        """Channels beside alpha."""
        return self.channels - (self.alpha in ("weight", "keep"))

    @property
    def scratch(self) -> int:
        """Bytes of buffers a thread holds."""
        return sum(stage.scratch for stage in self.stages)

    def as_dict(self) -> dict:
        """The plan's figures for `--json`."""
        rows, columns = self.shape
        return {
            "algorithm": self.way,
            "stages": [stage.algorithm for stage in self.stages],
            "input": [self.rows.size, self.columns.size, self.channels],
            "output": [rows, columns, self.channels],
            "types": [self.source, self.number, self.target],
            "scratch_bytes_per_thread": self.scratch,
        }

    def __str__(self) -> str:
        lines = [f"stages         {self.way}: {len(self.stages)}, from {self.source} to {self.target}"]
        if self.alpha != "none":
            lines.append(f"alpha          {self.alpha}")
        return "\n".join([*lines, *map(str, self.stages)])


class StagedFilter(Filter):
    """A filter made of stages. A subclass is a frozen dataclass with `options`, `scale` (instead of the one that the depth
    asks for) and `white` (instead of the type's), and has `name`, `way`, `stages`, `flow` and, where it has thresholds, `scaled`."""

    options: Options
    scale: Fraction | None
    white: int | None
    name = ""
    alphas = ("weight", "separate", "keep")  # that it knows, the default first
    borders: tuple[str, ...] | None = None  # that it knows; None: all

    def stages(self, shape: tuple[int, int], channels: int, kind: str, border: Border) -> tuple:
        """The stages' plans for floats of a kind."""
        raise NotImplementedError

    def direct_stages(self, shape, channels: int, kind: str, border: Border) -> tuple:
        """The only stage's plan for samples of a kind, read and rounded by itself; none where that can't be."""
        return ()

    def kind(self, source: str, alpha: str) -> str:
        """The type that the first stage gets, for pictures of a type."""
        return "float64" if loop_type(np.dtype(source)) == "float64" else "float32"

    def flow(self, plan: StagedPlan, rows: Iterator[np.ndarray], **how) -> Iterator[np.ndarray]:
        """Bands of float results (rows, columns, channels) from bands of floats; `how` is `threads` and `progress`."""
        raise NotImplementedError

    def scaled(self, factor: Fraction) -> StagedFilter:
        """The same for samples multiplied by a factor."""
        return self

    # --- what every filter has -------------------------------------------------------------------------------------

    def plan(self, shape, image_type, has_alpha: bool) -> StagedPlan:
        """As Filter.plan."""
        options, source = self.options, readable(np.dtype(image_type))
        top = self.white or white(source)
        self._refuse()
        channels = shape[2] if len(shape) == 3 else 1
        alpha = self._alpha(has_alpha)
        plain = LinearFilter(_ONE, options, scale=self.scale)
        plan = StagedPlan(
            self.way, (), source.name, plain.result_type(image_type).name, channels, alpha, check_range(options.range),
            plain.factor(image_type), checked_offset(options.offset),
            _premultiplied_border(parse_border(options.border), channels, has_alpha, alpha, top),
            self.kind(source.name, alpha), top,
        )  # fmt: skip
        unchanged = plan.source == plan.target and plan.scale == 1 and plan.offset == 0
        if unchanged and alpha in ("none", "separate") and plan.range == "clip" and plan.source == loop_type(source):
            stages = self.direct_stages(shape[:2], channels, plan.source, plan.border)
            if stages:
                return replace(plan, stages=stages, direct=True)
        return replace(plan, stages=self.stages(shape[:2], plan.filtered, plan.number, plan.border))

    def _refuse(self) -> None:
        options = self.options.checked()
        if options.nan == "ignore" and self.name != "nan ignore":
            raise OptionError(NO_IGNORING)
        for name in ("stride", "dilation"):
            if parse_pair(getattr(options, name), name) != (1, 1):
                raise OptionError(f"{self.name} has no {name}; leave it out")
        if str(options.pad).strip().lower() != "same":
            raise OptionError(f"{self.name} gives a result of the picture's size; leave out pad")
        mode = parse_border(options.border).mode
        if self.borders is not None and mode not in self.borders:
            raise OptionError(f"{self.name} has no border {mode}; it has {', '.join(self.borders)}")

    def _alpha(self, has_alpha: bool) -> str:
        asked = self.options.alpha
        if asked is not None:
            check_alpha(asked)
            if asked not in self.alphas:
                raise OptionError(f"{self.name} has no alpha {asked}; it has {', '.join(self.alphas)}")
        return (asked or self.alphas[0]) if has_alpha else "none"

    def result_type(self, image_type) -> np.dtype:
        """As Filter.result_type."""
        return LinearFilter(_ONE, self.options).result_type(np.dtype(image_type))

    def factor(self, image_type) -> Fraction:
        """As LinearFilter.factor."""
        return LinearFilter(_ONE, self.options, scale=self.scale).factor(np.dtype(image_type))

    def in_light(self, light) -> StagedFilter:
        """As Filter.in_light."""
        return replace(self.scaled(Fraction(1, light.image_white)), options=light.options(self.options))

    def with_options(self, **changes) -> StagedFilter:
        """As Filter.with_options."""
        return replace(self, options=replace(self.options, **changes))

    def retyped(self, dtype, scale=Fraction(1), range="clip") -> StagedFilter:
        """As Filter.retyped."""
        return replace(self.with_options(dtype=dtype, depth=None, range=range), scale=scale)

    def settled(self, image_type, result_type=None) -> StagedFilter:
        """As Filter.settled."""
        return replace(self, white=white(readable(np.dtype(image_type))))

    def bytes_held(self, plan, threads: int) -> int:
        """As Filter.bytes_held."""
        return sum(bytes_held(stage, threads, False) for stage in plan.stages)

    def run(self, plan: StagedPlan, image, *, out=None, threads=None, tally=None, progress=None):
        """As Filter.run."""
        shape = (*plan.shape, plan.channels)
        wanted = shape if image.ndim == 3 else shape[:2]
        if out is not None:
            check_out(out, wanted, plan.target)
        result = new_array(shape, plan.target)
        picture = image.reshape(*image.shape[:2], -1)
        if plan.range == "stretch":
            values, first = new_array(shape, np.float64), 0
            for found, held in self._values(plan, _pieces(picture), threads, progress):
                _settle(plan, found, held, values[first : first + len(found)], threads)
                first += len(found)
            stretch(values[..., : plan.colours], result[..., : plan.colours])
            if plan.colours < plan.channels:
                alpha = _scaled(values[..., plan.colours :], plan.scale)
                finish(alpha, result[..., plan.colours :], "clip", 0.0, 1)
        else:
            first = 0
            for band in self._execute(plan, _pieces(picture), threads, tally, progress):
                result[first : first + len(band)] = band
                first += len(band)
        if out is None:
            return result.reshape(wanted)
        out[...] = result.reshape(wanted)
        return out

    def in_bands(self, plan: StagedPlan, bands, *, threads=None, tally=None, progress=None, rows=None):
        """As Filter.in_bands."""
        flat, row = False, 0
        wanted = rows or (0, plan.rows.out)

        def execute(source, count):
            nonlocal row

            def deep():
                nonlocal flat
                for band in source:
                    flat = band.ndim == 2
                    yield band.reshape(*band.shape[:2], -1)

            for band in self._execute(plan, deep(), threads, count, progress):
                band = band[..., 0] if flat else band
                yield band[max(wanted[0] - row, 0) : max(wanted[1] - row, 0)]
                row += len(band)

        yield from bands_of(plan, bands, tally, execute)

    def _execute(self, plan, rows, threads, tally, progress) -> Iterator[np.ndarray]:
        """Bands of the result, rounded."""
        if plan.direct:
            for band in self.flow(plan, rows, threads=threads, progress=progress):
                if tally is not None:
                    tally.add(samples=band.size)
                yield band
            return
        for values, held in self._values(plan, rows, threads, progress):
            if plan.colours < plan.channels:
                settled = np.empty((*values.shape[:2], plan.channels), np.float64)
                _settle(plan, values, held, settled, threads)
                values = settled
            yield _rounded(plan, values, tally, threads)

    def _values(self, plan, rows, threads, progress):
        """Bands of float results, and of the picture's own rows."""
        held = Held(rows)
        floats = (floats_of(plan, band, threads) for band in held)
        for values in self.flow(plan, floats, threads=threads, progress=progress):
            yield values, held.take(len(values))


class Held:
    """Bands on their way, whose rows are kept until they are taken once more, behind what is made of them."""

    def __init__(self, bands: Iterator[np.ndarray]):
        self.bands, self.window = bands, None

    def __iter__(self) -> Iterator[np.ndarray]:
        for band in self.bands:
            if self.window is None:
                self.window = Window(band.shape[1:], band.dtype)
            self.window.append(len(band))[...] = band
            yield band

    def take(self, count: int) -> np.ndarray:
        """The next rows, valid until more bands come."""
        rows = self.window.rows[:count]
        self.window.forget(self.window.low + count)
        return rows


def in_blocks(work: Callable[[slice], None], rows: np.ndarray, threads: int | None) -> None:
    """Call `work` with slices that cover the rows, small ones, on threads."""
    height = max(1, BLOCK // max(1, rows[:1].size))
    workers = default_threads() if threads is None else checked_threads(threads)
    run_bands(lambda first, part, scratch: work(slice(first, first + len(part))), 0, rows, height, workers)


def _pieces(picture: np.ndarray) -> Iterator[np.ndarray]:
    """A picture in bands."""
    height = max(1, BAND_BYTES // max(1, picture[:1].nbytes))
    return (picture[first : first + height] for first in range(0, len(picture), height))


def floats_of(plan: StagedPlan, band: np.ndarray, threads) -> np.ndarray:
    """A band as the stages read it; with alpha "weight" colours are multiplied by alpha, white 1."""
    if plan.alpha == "keep":
        band = band[..., :-1]
    if band.dtype == plan.number and plan.alpha != "weight":
        return band
    floats = np.empty(band.shape, plan.number)

    def convert(part):
        floats[part] = band[part]
        if plan.alpha == "weight":
            floats[part][..., :-1] *= floats[part][..., -1:] / floats.dtype.type(plan.white)

    in_blocks(convert, floats, threads)
    return floats


def _settle(plan: StagedPlan, values: np.ndarray, held: np.ndarray, out: np.ndarray, threads) -> None:
    """Float results with alpha as it goes out: kept, or divided out of the colours."""

    def settle(part):
        if plan.alpha == "keep":
            out[part][..., :-1], out[part][..., -1] = values[part], held[part][..., -1]
            return
        out[part] = values[part]
        if plan.alpha == "weight":
            alpha = out[part][..., -1:]
            empty = ~(alpha > 0)
            out[part][..., :-1] *= plan.white / np.where(empty, 1, alpha)
            np.copyto(out[part][..., :-1], held[part][..., :-1], where=empty)

    in_blocks(settle, out, threads)


def _rounded(plan: StagedPlan, values: np.ndarray, tally, threads) -> np.ndarray:
    out, split = np.empty(values.shape, plan.target), plan.colours

    def round_(part):
        colours = values[part][..., :split]
        colours = colours if plan.gain is not None else _scaled(colours, plan.scale)
        finish(colours, out[part][..., :split], plan.range, float(plan.offset), 1, tally)
        if split < plan.channels:
            finish(_scaled(values[part][..., split:], plan.scale), out[part][..., split:], "clip", 0.0, 1, tally)

    in_blocks(round_, out, threads)
    return out


def _scaled(values: np.ndarray, scale: Fraction) -> np.ndarray:
    """Values times a fraction."""
    return values if scale == 1 else values * np.float64(scale.numerator) / np.float64(scale.denominator)


def _premultiplied_border(border: Border, channels: int, has_alpha: bool, alpha: str, opaque: int) -> Border:
    """The border of what the stages read."""
    if border.mode != "constant":
        return border
    values = fill_values(border, channels, opaque if has_alpha else None)
    if alpha == "weight":
        values[:-1] *= values[-1] / opaque
    return Border("constant", tuple((values[:-1] if alpha == "keep" else values).tolist()))
