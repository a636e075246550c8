"""`LumaFilter`: a filter of a picture's luma, with a result of one channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..engine.sources import mapped
from ..engine.stage import AnyPlan, PlanLike
from ..errors import OptionError
from ..filter import Filter, FilterOfFilters
from ..geometry.selection import LUMA
from ..pixels.arrays import readable
from ..pixels.depth import white
from .partial import bordered
from .white_level import opaque_border


@dataclass(frozen=True)
class LumaFilter(FilterOfFilters):
    """Filters the luma of red, green and blue, `0.2126 r + 0.7152 g + 0.0722 b` (ITU-R BT.709-6), which is not rounded before.

    The result has one channel, and alpha beside it if the picture has alpha. Grey pictures are filtered as they are.
    """

    filters: tuple[Filter]

    @property
    def symmetric(self) -> bool:
        return self.filters[0].symmetric

    def in_light(self, light) -> LumaFilter:
        raise OptionError("grey is the luma of samples as they are, not of their light; leave out grey or linear")

    def plan(self, shape, image_type, has_alpha: bool) -> AnyPlan:
        inner, image_type = self.filters[0], np.dtype(image_type)
        channels = shape[2] if len(shape) == 3 else 1
        colours = channels - has_alpha
        if colours == 1:
            return inner.plan(shape, image_type, has_alpha)
        if colours != 3:
            raise OptionError(f"grey is of red, green and blue; this picture has {colours} channels")
        if has_alpha:
            inner = opaque_border(inner, channels)
        inner = bordered(inner, tuple(range(channels)), channels, has_alpha, has_alpha, image_type, luma=True)
        made = self.of_luma(image_type, inner).plan((*shape[:2], 1 + has_alpha), self._type(image_type), has_alpha)
        return LumaPlan((made,), readable(image_type).name, channels)

    def of_luma(self, image_type: np.dtype, filter: Filter | None = None) -> Filter:
        """The filter (or another one like it) for the luma of pictures of this type, which are floats in the same units."""
        target, scale = self.result(image_type)
        fixed = (filter or self.filters[0]).with_types_fixed(image_type)
        fixed = fixed.with_options(white=self.options.white or white(image_type))  # their type does not say it
        return fixed.retyped(target, scale, self.options.range)

    def taken(self, rows: np.ndarray, has_alpha: bool) -> np.ndarray:
        """The luma of rows (n, columns, channels), and their alpha: what the filter itself reads."""
        return luma_of(rows, self._type(rows.dtype).name) if rows.ndim == 3 and rows.shape[2] - has_alpha == 3 else rows

    @staticmethod
    def _type(image_type: np.dtype) -> np.dtype:
        """The type of luma: floats that hold all of the picture's samples."""
        narrow = readable(image_type).name in ("bool", "uint8", "uint16", "float32")
        return np.dtype(np.float32 if narrow else np.float64)


def luma_of(rows: np.ndarray, dtype: str) -> np.ndarray:
    """The luma of rows (n, columns, 3 or 4), and their alpha: (n, columns, 1 or 2)."""
    luma = sum(weight * rows[..., place].astype(np.float64) for place, weight in enumerate(LUMA))
    return np.concatenate([np.asarray(luma)[..., None], rows[..., 3:]], axis=2).astype(dtype)


@dataclass(frozen=True)
class LumaPlan(PlanLike):
    """The plan of a LumaFilter for a picture with colours: `plans` has that of the filter, for their luma."""

    plans: tuple[AnyPlan]
    image_type: str  # dtype name
    image_channels: int

    source = property(lambda self: self.image_type)
    source_channels = property(lambda self: self.image_channels)
    streams = property(lambda self: self.plans[0].streams)
    extra_bytes = property(lambda self: self.plans[0].extra_bytes)

    def measured(self, picture: np.ndarray) -> np.ndarray:
        return picture

    def make_bands(self, source, sink, **how):
        dtype = self.plans[0].source
        return self.plans[0].make_bands(mapped(source, lambda band: luma_of(band, dtype)), sink, **how)

    def __str__(self) -> str:
        return f"grey           luma of {self.source_channels} channels, {self.source} -> {self.plans[0].source}\n{self.plans[0]}"
