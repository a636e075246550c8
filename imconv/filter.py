"""What every filter is: a value made of options, which can be planned for a picture."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from .engine.stage import AnyPlan
from .options import Options


class Filter:
    """A filter says what is wanted; `plan` says how it is computed, and the engine runs plans.

    A filter has `options`, the `Options` it was made with, as a field or property, and these methods.
    """

    if TYPE_CHECKING:

        @property
        def options(self) -> Options: ...

    @property
    def light_matters(self) -> bool:
        """Whether linear light changes what the filter computes."""
        return True

    selects_itself = False  # whether it takes care of the options that select a part of the picture

    def plan(self, shape: tuple[int, ...], image_type: np.dtype, has_alpha: bool) -> AnyPlan:
        """How an array (H, W) or (H, W, C) of this type would be filtered; printable."""
        raise NotImplementedError

    def result_type(self, image_type: np.dtype) -> np.dtype:
        """The type of the result for a picture of this type."""
        raise NotImplementedError

    def factor(self, image_type: np.dtype) -> Fraction:
        """What samples of this type are multiplied by to be in the result's units."""
        return Fraction(1)

    def with_options(self, **changes) -> Filter:
        """This filter with some options changed."""
        raise NotImplementedError

    def in_light(self, light) -> Filter:
        """This filter for the samples that `light`, a `linear_light.Conversion`, decodes: border, offsets and thresholds are
        converted."""
        raise NotImplementedError

    def retyped(self, dtype, scale: Fraction = Fraction(1), range: str = "clip") -> Filter:
        """This filter with results of another type, samples multiplied by `scale`, under another range policy."""
        raise NotImplementedError

    def with_types_fixed(self, image_type, result_type=None) -> Filter:
        """A copy in which everything that depends on the picture's type, and on the result's (default: this filter's own), is
        fixed: for samples that arrive as floats in the same units, whose type no longer says what white is."""
        return self
