"""The base class of all filters: a filter holds options and makes plans for pictures."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from .engine.stage import AnyPlan
from .options import Options


class Filter:
    """A filter says what to compute: a kernel or a shape, and `options`. Its `plan` says how; the engine runs the plan.

    A subclass has `options` as a field or property, and at least `plan` and `result_type`; filters that can be parts of
    others have the further methods too.
    """

    if TYPE_CHECKING:

        @property
        def options(self) -> Options: ...

    @property
    def light_matters(self) -> bool:
        """Whether the result differs in linear light; if not, the option `linear` is ignored."""
        return True

    selects_itself = False  # whether it applies region, mask and channels itself

    def plan(self, shape: tuple[int, ...], image_type: np.dtype, has_alpha: bool) -> AnyPlan:
        """The plan for an array of this shape, (H, W) or (H, W, C), and this type."""
        raise NotImplementedError

    def result_type(self, image_type: np.dtype) -> np.dtype:
        """The type of the result for a picture of type `image_type`."""
        raise NotImplementedError

    def factor(self, image_type: np.dtype) -> Fraction:
        """The factor from sample values of this type to the result's: not 1 where the depth changes."""
        return Fraction(1)

    def with_options(self, **changes) -> Filter:
        """A copy with some options changed."""
        raise NotImplementedError

    def in_light(self, light) -> Filter:
        """A copy for samples in linear light, as `light` (a `linear_light.Conversion`) decodes them.

        Border values, offsets and thresholds are converted.
        """
        raise NotImplementedError

    def retyped(self, dtype, scale: Fraction = Fraction(1), range: str = "clip") -> Filter:
        """A copy whose results have the type `dtype`, are multiplied by `scale`, and are kept in range by another policy."""
        raise NotImplementedError

    def with_types_fixed(self, image_type, result_type=None) -> Filter:
        """A copy in which everything that depends on the picture's type and on the result's type is fixed.

        For samples that arrive as floats in the same units: their type no longer says which value is white. The result's
        type is this filter's own unless given.
        """
        return self
