"""`FloatStagesFilter`: base of filters that compute floats in several stages (bilateral, guided, local statistics).

Rows flow from stage to stage, so that no intermediate picture is in memory as a whole. The common part is here: conversion of
samples to floats, alpha, and the one rounding at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Self

import numpy as np

from ..engine.side_by_side import PassedOn, SideBySide, in_blocks
from ..engine.stage import PlanOfPlans
from ..errors import OptionError
from ..filter import Filter
from ..geometry.border import Border, fill_values, parse_border
from ..geometry.sizes import parse_pair
from ..options import NAN_IGNORED, NO_IGNORING, Options, checked_offset
from ..pixels.alpha import ALPHAS, WEIGHTED, check_alpha
from ..pixels.arrays import readable
from ..pixels.depth import white
from ..pixels.rounding import check_range, finish
from ..pixels.sample_types import loop_type


@dataclass(frozen=True)
class FloatStagesPlan(SideBySide, PlanOfPlans):
    """The plans of a filter's stages. The filter's `flow` runs them and computes what lies between them.

    The picture's own samples are kept beside the stages: at the end they are needed for alpha.
    """

    filter: FloatStagesFilter = field(repr=False)
    plans: tuple  # of the stages
    source: str  # dtype names
    target: str
    channels: int
    alpha: str
    range: str
    scale: Fraction
    offset: Fraction
    border: Border
    stage_type: str  # the type that the first stage reads
    white: int  # the sample value of white in the picture
    # whether the only stage reads the picture itself and rounds its own results, without a copy of the picture as floats
    direct: bool = False
    unitless: bool = False  # whether results are ratios: a change of depth does not scale them

    @property
    def filtered(self) -> int:
        """The number of channels that the stages read."""
        return self.channels - (self.alpha == "unweighted")

    def make_bands(self, source, sink, *, wanted=None, threads=None, tally=None, progress=None, values=False):
        if not self.direct or values:
            how = {"wanted": wanted, "threads": threads, "tally": tally, "progress": progress, "values": values}
            yield from super().make_bands(source, sink, **how)
            return
        for band in self.plans[0].make_bands(source, sink, wanted=wanted, threads=threads, progress=progress):
            if tally is not None:
                tally.add(samples=band.size)
            yield band

    def arms(self, source, *, wanted=None, threads=None, progress=None):
        """As SideBySide.arms: the stages' float results, and the picture's own samples."""
        own = PassedOn(source.bands())
        floats = (floats_of(self, band, threads) for band in own)
        if wanted:
            own.keep(*wanted)
        return self.filter.flow(self, floats, wanted=wanted, threads=threads, progress=progress), [own]

    def join(self, band, others, out, threads, tally, values) -> None:
        """As SideBySide.join: the result's alpha, then one rounding."""
        if self.colours < self.channels:
            complete = np.empty((*band.shape[:2], self.channels), np.float64)
            _restore_alpha(self, band, others[0], complete, threads)
            band = complete
        if values:
            out[..., : self.colours] = band[..., : self.colours]
            if self.range != "stretch" and self.offset:  # a stretch takes it away
                out[..., : self.colours] += float(self.offset)
            out[..., self.colours :] = _scaled(band[..., self.colours :], self.scale)
        else:
            _round(self, band, out, tally, threads)

    def as_dict(self) -> dict:
        """The plan's figures for `--json`."""
        rows, columns = self.shape
        return {
            "algorithm": self.filter.summary,
            "stages": [stage.algorithm for stage in self.plans],
            "input": [self.rows.size, self.columns.size, self.channels],
            "output": [rows, columns, self.channels],
            "types": [self.source, self.stage_type, self.target],
            "scratch_bytes_per_thread": self.scratch,
        }

    def __str__(self) -> str:
        lines = [f"stages         {self.filter.summary}: {len(self.plans)}, from {self.source} to {self.target}"]
        if self.alpha != "none":
            lines.append(f"alpha          {self.alpha}")
        return "\n".join([*lines, *map(str, self.plans)])


class FloatStagesFilter(Filter):
    """A filter that computes floats in stages. A subclass is a frozen dataclass with the fields below.

    `scale` and `white`, unless None, replace the factor that follows from the depth and the white of the picture's type. The
    subclass also has `name`, `summary`, `stages`, `flow` and, if it has thresholds, `scaled`.
    """

    options: Options
    scale: Fraction | None
    white: int | None
    name = ""
    alphas: tuple[str, ...] = ALPHAS  # the alpha policies it knows, the default first
    borders: tuple[str, ...] | None = None  # the borders it knows; None for all

    @property
    def summary(self) -> str:
        """A line that says what is computed, for printed plans."""
        raise NotImplementedError

    def stages(self, shape: tuple[int, int], channels: int, dtype: str, border: Border) -> tuple:
        """The stages' plans for samples that were converted to type `dtype`."""
        raise NotImplementedError

    def direct_stages(self, shape, channels: int, dtype: str, border: Border) -> tuple:
        """The only stage's plan if it can read the picture's own samples and round its results itself; else ()."""
        return ()

    def stage_type(self, source: str, alpha: str) -> str:
        """The type that the first stage reads, for pictures of type `source`."""
        return "float64" if loop_type(np.dtype(source)) == "float64" else "float32"

    def flow(
        self, plan: FloatStagesPlan, rows: Iterator[np.ndarray], *, wanted=None, threads=None, progress=None
    ) -> Iterator[np.ndarray]:
        """Yield bands of float results (rows, columns, channels), only rows `wanted`, from bands of the stage type."""
        raise NotImplementedError

    def scaled(self, factor: Fraction) -> FloatStagesFilter:
        """A copy for samples that are multiplied by a factor."""
        return self

    def levelled(self, white: int) -> FloatStagesFilter:
        """A copy for pictures with this white, whose thresholds are in sample units."""
        return self

    # --- the methods of Filter -------------------------------------------------------------------------------------

    def plan(self, shape, image_type, has_alpha: bool) -> FloatStagesPlan:
        options, source = self.options, readable(np.dtype(image_type))
        top = self.white or options.white or white(source)
        self._refuse()
        work = self.levelled(top)
        channels = shape[2] if len(shape) == 3 else 1
        alpha = self._alpha(has_alpha)
        target, factor = self.result(image_type)
        plan = FloatStagesPlan(
            work, (), source.name, target.name, channels, alpha, check_range(options.range), factor,
            checked_offset(options.offset),
            _premultiplied_border(parse_border(options.border), channels, has_alpha, alpha, top),
            self.stage_type(source.name, alpha), top,
        )  # fmt: skip
        unchanged = plan.source == plan.target and plan.scale == 1 and plan.offset == 0
        if unchanged and alpha in ("none", "separate") and plan.range == "clip" and plan.source == loop_type(source):
            stages = work.direct_stages(shape[:2], channels, plan.source, plan.border)
            if stages:
                return replace(plan, plans=stages, direct=True)
        return replace(plan, plans=work.stages(shape[:2], plan.filtered, plan.stage_type, plan.border))

    def _refuse(self) -> None:
        options = self.options.checked()
        if options.nan == "ignore" and self.name != NAN_IGNORED:
            raise OptionError(NO_IGNORING)
        for name in ("stride", "dilation"):
            if parse_pair(getattr(options, name), name) != (1, 1):
                raise OptionError(f"{self.name} has no {name}=; leave it out")
        if str(options.pad).strip().lower() != "same":
            raise OptionError(f"{self.name} computes a result of the picture's size; leave out pad=")
        mode = parse_border(options.border).mode
        if self.borders is not None and mode not in self.borders:
            raise OptionError(f"{self.name} needs {_either('border', self.borders)}, not {mode!r}")

    def _alpha(self, has_alpha: bool) -> str:
        asked = self.options.alpha
        if asked is not None:
            check_alpha(asked)
            if asked not in self.alphas:
                raise OptionError(f"{self.name} needs {_either('alpha', self.alphas)}, not {asked!r}")
        return (asked or self.alphas[0]) if has_alpha else "none"

    def in_light(self, light) -> FloatStagesFilter:
        return replace(self.scaled(Fraction(1, light.image_white)), options=light.options(self.options))

    def with_types_fixed(self, image_type, result_type=None) -> Self:
        return replace(self, white=self.options.white or white(readable(np.dtype(image_type))))


def _either(name: str, values: tuple[str, ...]) -> str:
    return " or ".join(f"{name}={value!r}" for value in values)


def floats_of(plan: FloatStagesPlan, band: np.ndarray, threads) -> np.ndarray:
    """Convert a band to the stage type; colours that are weighted are multiplied by alpha (1 for opaque)."""
    if plan.alpha == "unweighted":
        band = band[..., :-1]
    if band.dtype == plan.stage_type and plan.alpha not in WEIGHTED:
        return band
    floats = np.empty(band.shape, plan.stage_type)

    def convert(part):
        floats[part] = band[part]
        if plan.alpha in WEIGHTED:
            floats[part][..., :-1] *= floats[part][..., -1:] / floats.dtype.type(plan.white)

    in_blocks(convert, floats, threads)
    return floats


def _restore_alpha(plan: FloatStagesPlan, values: np.ndarray, held: np.ndarray, out: np.ndarray, threads) -> None:
    """Compute float results with alpha into `out`: alpha kept from `held`, or divided out of the colours."""

    def restore(part):
        if plan.alpha == "unweighted":
            out[part][..., :-1], out[part][..., -1] = values[part], held[part][..., -1]
            return
        out[part] = values[part]
        if plan.alpha in WEIGHTED:
            alpha = out[part][..., -1:]
            empty = ~(alpha > 0)
            out[part][..., :-1] *= plan.white / np.where(empty, 1, alpha)
            np.copyto(out[part][..., :-1], held[part][..., :-1], where=empty)
        if plan.alpha == "keep":
            out[part][..., -1] = held[part][..., -1]

    in_blocks(restore, out, threads)


def _round(plan: FloatStagesPlan, values: np.ndarray, out: np.ndarray, tally, threads) -> None:
    split = plan.colours

    def round_(part):
        colours = values[part][..., :split]
        colours = colours if plan.unitless else _scaled(colours, plan.scale)
        finish(colours, out[part][..., :split], plan.range, float(plan.offset), 1, tally)
        if split < plan.channels:
            finish(_scaled(values[part][..., split:], plan.scale), out[part][..., split:], "clip", 0.0, 1, tally)

    in_blocks(round_, out, threads)


def _scaled(values: np.ndarray, scale: Fraction) -> np.ndarray:
    """Float64 values multiplied by a fraction."""
    return values if scale == 1 else values * np.float64(scale.numerator) / np.float64(scale.denominator)


def _premultiplied_border(border: Border, channels: int, has_alpha: bool, alpha: str, opaque: int) -> Border:
    """The border for the samples that the stages read: without alpha that is kept, colours multiplied by alpha."""
    if border.mode != "constant":
        return border
    values = fill_values(border, channels, opaque if has_alpha else None)
    if alpha in WEIGHTED:
        values[:-1] *= values[-1] / opaque
    return Border("constant", tuple((values[:-1] if alpha == "unweighted" else values).tolist()))
