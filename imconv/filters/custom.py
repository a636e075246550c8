"""A user's own kernels, alone or several together."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace

import numpy as np

from ..correlation import LinearFilter, Options, conversion
from ..depth import rescaled
from ..errors import KernelError, OptionError, nearest
from ..geometry import parse_pair
from ..kernel import Kernel
from ..kernel_number import parse_number
from ..planner import Plan
from ..rounding import finish, stretch

COMBINATIONS = ("sum", "max", "magnitude", "each")


def check_combination(name: str) -> str:
    """The way to combine that is meant; OptionError, with the nearest right name, for an unknown one."""
    if name.lower() not in COMBINATIONS:
        known = ", ".join(COMBINATIONS)
        raise OptionError(f"unknown combination {name!r}; it is one of {known}{nearest(name, COMBINATIONS)}")
    return name.lower()


def prepared(text: str, *, normalize=False, scale=None, offset=None, anchor=None) -> Kernel:
    """The kernel a command line names, with what it asks to be changed; numbers come as text, fractions welcome."""
    from ..kernel_library import resolve

    kernel = resolve(text)
    if normalize:
        kernel = kernel.normalized()
    if scale is not None:
        kernel = kernel.scaled(_number(scale, "scale"))
    if offset is not None:
        kernel = kernel.replace(offset=_number(offset, "offset"))
    if anchor is not None:
        kernel = kernel.replace(anchor=parse_pair(anchor, "anchor", least=0))
    return kernel


def _number(text: str, option: str):
    try:
        return parse_number(text.strip())
    except KernelError as error:
        raise OptionError(f"{option} must be {error}, not {text!r}") from None


def custom_filter(kernels: list[Kernel], options: Options, *, correlate=False, combine="sum"):
    """A filter of one kernel, or of several whose results are summed, or the largest or the magnitude taken of."""
    if not correlate:
        kernels = [kernel.flipped() for kernel in kernels]
    if len(kernels) == 1 and combine in ("sum", "each"):
        return LinearFilter(kernels[0], options)
    if combine == "sum":
        return LinearFilter(summed(kernels), options)
    return CombinedFilter(tuple(LinearFilter(kernel, options) for kernel in embedded(kernels)), combine)


def summed(kernels: list[Kernel]) -> Kernel:
    """One kernel whose result is the sum of the kernels' results; anchors are laid upon one another."""
    kernels = embedded(kernels)
    exact = all(k.exact for k in kernels)
    total = sum(k.fractions() if exact else k.weights for k in kernels)
    included = np.any([np.ones(k.shape, bool) if k.included is None else k.included for k in kernels], axis=0)
    weights = total.tolist() if exact else total
    return Kernel(weights, anchor=kernels[0].anchor, offset=sum(k.offset for k in kernels), included=included)


def embedded(kernels: list[Kernel]) -> list[Kernel]:
    """The kernels in cells of one shape with one anchor; the cells added are no part of them."""
    before = [max(k.anchor[i] for k in kernels) for i in (0, 1)]
    after = [max(k.shape[i] - 1 - k.anchor[i] for k in kernels) for i in (0, 1)]
    shape = (before[0] + after[0] + 1, before[1] + after[1] + 1)
    return [kernel if kernel.shape == shape else _embed(kernel, before, shape) for kernel in kernels]


def _embed(kernel: Kernel, before: list[int], shape: tuple[int, int]) -> Kernel:
    top, left = before[0] - kernel.anchor[0], before[1] - kernel.anchor[1]
    place = np.s_[top : top + kernel.shape[0], left : left + kernel.shape[1]]
    included = np.zeros(shape, bool)
    included[place] = True if kernel.included is None else kernel.included
    weights = np.zeros(shape, object if kernel.exact else np.float64)
    weights[place] = kernel.fractions() if kernel.exact else kernel.weights
    return Kernel(
        weights.tolist() if kernel.exact else weights,
        anchor=tuple(before),
        offset=kernel.offset,
        name=kernel.name,
        source=kernel.source,
        included=included,
    )


@dataclass(frozen=True)
class CombinedFilter:
    """The largest, or the root of the sum of squares, of several filters' results; alpha is the first one's."""

    filters: tuple[LinearFilter, ...]
    combine: str

    def plan(self, shape, image_type, has_alpha):
        """The plans of all the filters as one report."""
        wide = self._wide(image_type, has_alpha)
        return CombinedPlan(tuple(f.plan(shape, image_type, has_alpha) for f in wide), self.combine)

    def extra_bytes(self, plan) -> int:
        """Bytes per sample that a run takes beyond the picture and the result: the total, one result, a copy."""
        return 24

    @property
    def options(self) -> Options:
        """What all have."""
        return self.filters[0].options

    def result_type(self, image_type) -> np.dtype:
        """As LinearFilter.result_type."""
        return self.filters[0].result_type(image_type)

    def conversion(self, mode, image_type, metadata=None):
        """As LinearFilter.conversion."""
        return conversion(self, mode, image_type, metadata)

    def in_light(self, light) -> CombinedFilter:
        """As LinearFilter.in_light."""
        return CombinedFilter(tuple(each.in_light(light) for each in self.filters), self.combine)

    def _wide(self, image_type, has_alpha: bool) -> list[LinearFilter]:
        """The filters with float64 results in the result's units, not yet rounded."""
        _, scale = rescaled(self.options.depth, image_type)
        options = replace(self.options, depth=None, dtype=np.float64, range="clip", has_alpha=has_alpha)
        return [replace(each, options=options, scale=scale) for each in self.filters]

    def apply(self, picture, *, threads=None, tally=None, progress=None):
        """Filter a Picture; `tally` and `progress` as in `executor.execute`."""
        options = self.options
        if options.linear:
            from ..conversion import apply_in_light

            return apply_in_light(self, picture, threads=threads, tally=tally, progress=progress)
        total = None
        for each in self._wide(picture.pixels.dtype, picture.has_alpha):
            pixels = each.apply(picture.pixels, threads=threads, progress=progress)
            if total is None:
                total = pixels
                alpha = pixels[..., -1].copy() if picture.has_alpha else None
                if self.combine == "magnitude":
                    total *= total
            elif self.combine == "max":
                np.maximum(total, pixels, out=total)
            else:
                total += pixels * pixels
        if self.combine == "magnitude":
            np.sqrt(total, out=total)
        out = np.empty(total.shape, self.result_type(picture.pixels.dtype))
        if alpha is not None:
            finish(alpha, out[..., -1], "clip", 0.0, 1)
            total, colours = total[..., :-1], out[..., :-1]
        else:
            colours = out
        if options.range == "stretch":
            stretch(total, colours)
        else:
            finish(total.copy(), colours, options.range, 0.0, 1, tally)
        return picture.replace(pixels=out)


@dataclass(frozen=True)
class CombinedPlan:
    """Several filters' plans, told as one."""

    plans: tuple[Plan, ...]
    combine: str

    @property
    def shape(self) -> tuple[int, int]:
        return self.plans[0].shape

    @property
    def channels(self) -> int:
        return self.plans[0].channels

    @property
    def source(self) -> str:
        return self.plans[0].source

    @property
    def scratch(self) -> int:
        return max(plan.scratch for plan in self.plans)

    def as_dict(self) -> dict:
        """The first plan's figures, with all multiply-adds."""
        return {
            **self.plans[0].as_dict(),
            "combine": self.combine,
            "filters": len(self.plans),
            "multiply_adds": sum(plan.multiply_adds for plan in self.plans),
        }

    def __str__(self) -> str:
        return "\n".join([f"combine        {self.combine} of {len(self.plans)} filters", *map(str, self.plans)])


def named_outputs(kernels: list[Kernel], output: str | None) -> list[str]:
    """OUTPUT with each kernel's name (or its number) before the extension."""
    if output in (None, "-"):
        raise OptionError("--combine each writes several files; give an OUTPUT")
    stem, extension = os.path.splitext(output)
    # a name comes from a file: it must not lead out of OUTPUT's folder
    labels = [
        re.sub(r"[^\w.+-]", "_", kernel.name) if kernel.name else str(number)
        for number, kernel in enumerate(kernels, 1)
    ]
    if len(set(labels)) < len(labels):
        labels = [f"{label}-{number}" for number, label in enumerate(labels, 1)]
    return [f"{stem}-{label}{extension}" for label in labels]
