"""The base class of all filters: a filter holds options and makes plans for pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from .engine.stage import AnyPlan
from .options import Options, result_of


class Filter:
    """A filter says what to compute: a kernel or a shape, and `options`. Its `plan` says how; the engine runs the plan.

    A subclass is a frozen dataclass. It has `options` and, if it can be retyped, `scale` as fields, and at least `plan`.
    """

    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict]

        @property
        def options(self) -> Options: ...

    scale: Fraction | None = None  # replaces the factor that follows from the depth

    @property
    def light_matters(self) -> bool:
        """Whether the result differs in linear light; if not, the option `linear` is ignored."""
        return True

    @property
    def symmetric(self) -> bool:
        """Whether turning and mirroring the picture turns and mirrors the result, and does nothing else. False if in doubt:
        then pictures with an EXIF orientation are turned upright in memory, which takes longer."""
        return False

    selects_itself = False  # whether it applies region, mask and channels itself

    def plan(self, shape: tuple[int, ...], image_type: np.dtype, has_alpha: bool) -> AnyPlan:
        """The plan for an array of this shape, (H, W) or (H, W, C), and this type."""
        raise NotImplementedError

    def result(self, image_type: np.dtype) -> tuple[np.dtype, Fraction]:
        """For a picture of this type: the result's type, and the factor from its sample values to the result's."""
        target, factor = result_of(self.options, np.dtype(image_type))
        return target, factor if self.scale is None else self.scale

    def result_type(self, image_type: np.dtype) -> np.dtype:
        """The type of the result for a picture of type `image_type`."""
        return self.result(image_type)[0]

    def factor(self, image_type: np.dtype) -> Fraction:
        """The factor from sample values of this type to the result's: not 1 where the depth changes."""
        return self.result(image_type)[1]

    def with_options(self, **changes) -> Self:
        """A copy with some options changed."""
        return replace(self, options=replace(self.options, **changes))

    def in_light(self, light) -> Filter:
        """A copy for samples in linear light, as `light` (a `linear_light.Conversion`) decodes them.

        Border values, offsets and thresholds are converted.
        """
        return replace(self, options=light.options(self.options))

    def retyped(self, dtype, scale: Fraction = Fraction(1), range: str = "clip") -> Self:
        """A copy whose results have the type `dtype`, are multiplied by `scale`, and are kept in range by another policy."""
        return replace(self.with_options(dtype=dtype, depth=None, range=range), scale=scale)

    def in_8_bits(self) -> Self:
        """A copy for 8-bit pictures whose float results are rounded to 8 bits later."""
        return self

    def with_types_fixed(self, image_type, result_type=None) -> Self:
        """A copy in which everything that depends on the picture's type and on the result's type is fixed.

        For samples that arrive as floats in the same units: their type no longer says which value is white. The result's
        type is this filter's own unless given.
        """
        return self


class FilterOfFilters(Filter):
    """A filter made of `filters`, which all have the same options."""

    filters: tuple[Filter, ...]

    @property
    def options(self) -> Options:
        """The options that all the filters have."""
        return self.filters[0].options

    def result(self, image_type: np.dtype) -> tuple[np.dtype, Fraction]:
        return self.filters[0].result(image_type)

    def _each(self, change: Callable[[Filter], Filter]) -> Self:
        return replace(self, filters=tuple(change(each) for each in self.filters))

    def with_options(self, **changes) -> Self:
        return self._each(lambda each: each.with_options(**changes))

    def in_light(self, light) -> Self:
        return self._each(lambda each: each.in_light(light))

    def in_8_bits(self) -> Self:
        return self._each(lambda each: each.in_8_bits())

    def retyped(self, dtype, scale: Fraction = Fraction(1), range: str = "clip") -> Self:
        return self._each(lambda each: each.retyped(dtype, scale, range))
