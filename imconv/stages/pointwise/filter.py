"""`PointwiseFilter`, base of filters of single pixels, and `ArrangedFilter`, of pictures that are turned or mirrored."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Self

import numpy as np

from ...engine.sequence import Sequence
from ...errors import OptionError
from ...filter import Filter
from ...geometry.axis import same_size_axes
from ...geometry.sizes import parse_pair
from ...options import Options, checked_offset
from ...pixels.alpha import check_alpha
from ...pixels.arrays import readable
from ...pixels.depth import white
from ...pixels.rounding import check_range
from .operations import Operation, same
from .plan import ArrangedPlan, PointwisePlan


@dataclass(frozen=True)
class PointwiseFilter(Filter):
    """A filter whose results are computed from the pixel at their place. A subclass has `name` and `operation`.

    `scale` and `white`, unless None, replace the factor that follows from the depth and the white of the picture's type.
    """

    options: Options
    scale: Fraction | None = None
    white: int | None = None

    name = ""

    @property
    def symmetric(self) -> bool:
        return self.options.symmetric

    @property
    def summary(self) -> str:
        """What is computed, for printed plans."""
        return self.name

    def operation(self, channels: int, has_alpha: bool, top: int) -> Operation:
        """What is computed for pictures with these channels, whose white is `top`. OptionError if that can't be."""
        raise NotImplementedError

    def keeps_alpha(self, has_alpha: bool) -> bool:
        """Whether the last channel of the result is alpha."""
        return has_alpha

    def plan(self, shape, image_type, has_alpha: bool) -> PointwisePlan:
        source = readable(np.dtype(image_type))
        channels = shape[2] if len(shape) == 3 else 1
        refuse_windows(self.name, self.options)
        if self.options.alpha is not None:
            check_alpha(self.options.alpha)
        target, scale = self.result(image_type)
        operation = self.operation(channels, has_alpha, self.white or self.options.white or white(source))
        return PointwisePlan(
            *same_size_axes(shape, (1, 1)),
            operation.channels, source.name, target.name, "keep" if self.keeps_alpha(has_alpha) else "none",
            check_range(self.options.range), channels, self.summary, operation, scale, checked_offset(self.options.offset),
        )  # fmt: skip

    def in_light(self, light) -> Self:
        return replace(self, options=light.options(self.options), white=1)

    def with_types_fixed(self, image_type, result_type=None) -> Self:
        return replace(self, white=self.white or self.options.white or white(readable(np.dtype(image_type))))


@dataclass(frozen=True)
class ArrangedFilter(Filter):
    """A picture transposed, and then with its rows and columns in reverse order."""

    options: Options
    transpose: bool
    flip_rows: bool
    flip_columns: bool
    summary: str
    scale: Fraction | None = None

    light_matters = False

    @property
    def name(self) -> str:
        return self.summary.split()[0]

    def plan(self, shape, image_type, has_alpha: bool) -> ArrangedPlan | ArrangedAndRounded:
        refuse_windows(self.name, self.options)
        source = readable(np.dtype(image_type))
        target, scale = self.result(image_type)
        channels = shape[2] if len(shape) == 3 else 1
        alpha = "keep" if has_alpha else "none"
        plan = ArrangedPlan(
            *same_size_axes(shape, (1, 1)), channels, source.name, source.name, alpha, "clip", channels, self.summary,
            self.transpose, self.flip_rows, self.flip_columns,
        )  # fmt: skip
        after = PointwisePlan(
            *same_size_axes(plan.shape, (1, 1)), channels, source.name, target.name, alpha, check_range(self.options.range),
            channels, "samples as they are", same(channels), scale, checked_offset(self.options.offset),
        )  # fmt: skip
        return plan if after.keeps_samples else ArrangedAndRounded((plan, after))


@dataclass(frozen=True)
class ArrangedAndRounded(Sequence):
    """A picture turned or mirrored, and then converted to another type or depth."""

    plans: tuple[ArrangedPlan, PointwisePlan]

    def __str__(self) -> str:
        return "\n".join(map(str, self.plans))


def refuse_windows(name: str, options: Options) -> None:
    """OptionError for options that need a window."""
    options.checked()
    for option in ("stride", "dilation"):
        if parse_pair(getattr(options, option), option) != (1, 1):
            raise OptionError(f"{name} has no {option}; leave it out")
    if str(options.pad).strip().lower() != "same":
        raise OptionError(f"{name} has no padding; leave out pad")
    if options.nan == "ignore":
        raise OptionError(f"{name} takes every pixel by itself; leave out nan")
