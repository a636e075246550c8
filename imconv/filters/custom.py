"""A user's own kernels, alone or several together."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

import numpy as np

from ..correlation import LinearFilter, Options
from ..errors import KernelError, OptionError, nearest
from ..geometry import parse_pair
from ..kernel import Kernel
from ..kernel_number import parse_number
from ..rounding import finish, stretch

COMBINATIONS = ("sum", "max", "magnitude", "each")


def check_combination(name: str) -> None:
    """Raise OptionError, with the nearest right name, for an unknown way to combine."""
    if name not in COMBINATIONS:
        raise OptionError(
            f"unknown combination {name!r}; it is one of {', '.join(COMBINATIONS)}{nearest(name, COMBINATIONS)}"
        )


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
    return CombinedFilter(tuple(LinearFilter(kernel, options) for kernel in kernels), combine)


def summed(kernels: list[Kernel]) -> Kernel:
    """One kernel whose result is the sum of the kernels' results; anchors are laid upon one another."""
    before = [max(k.anchor[i] for k in kernels) for i in (0, 1)]
    after = [max(k.shape[i] - 1 - k.anchor[i] for k in kernels) for i in (0, 1)]
    shape = (before[0] + after[0] + 1, before[1] + after[1] + 1)
    exact = all(k.exact for k in kernels)
    total = np.zeros(shape, object if exact else np.float64)
    included = np.zeros(shape, bool)
    for kernel in kernels:
        top, left = before[0] - kernel.anchor[0], before[1] - kernel.anchor[1]
        place = np.s_[top : top + kernel.shape[0], left : left + kernel.shape[1]]
        total[place] += kernel.fractions() if exact else kernel.weights
        included[place] |= True if kernel.included is None else kernel.included
    weights = total.tolist() if exact else total
    return Kernel(weights, anchor=tuple(before), offset=sum(k.offset for k in kernels), included=included)


@dataclass(frozen=True)
class CombinedFilter:
    """The largest, or the root of the sum of squares, of several filters' results; alpha is the first one's."""

    filters: tuple[LinearFilter, ...]
    combine: str

    def plan(self, shape, image_type, has_alpha):
        """The first filter's plan; the others differ in their weights."""
        return self.filters[0].plan(shape, image_type, has_alpha)

    def apply(self, picture, *, threads=None, tally=None, progress=None):
        """Filter a Picture; `tally` and `progress` as in `executor.execute`."""
        options = self.filters[0].options
        wide = replace(options, dtype=np.float64, range="clip", has_alpha=picture.has_alpha)
        total = None
        for each in self.filters:
            pixels = replace(each, options=wide).apply(picture.pixels, threads=threads, progress=progress)
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
        out = np.empty(total.shape, picture.pixels.dtype)
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


def named_outputs(kernels: list[Kernel], output: str | None) -> list[str]:
    """OUTPUT with each kernel's name (or its number) before the extension."""
    if output in (None, "-"):
        raise OptionError("--combine each writes several files; give an OUTPUT")
    stem, extension = os.path.splitext(output)
    labels = [kernel.name or str(number) for number, kernel in enumerate(kernels, 1)]
    if len(set(labels)) < len(labels):
        labels = [f"{label}-{number}" for number, label in enumerate(labels, 1)]
    return [f"{stem}-{label}{extension}" for label in labels]
