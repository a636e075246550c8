"""Filters of a user's own kernels, one or several combined."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

import numpy as np

from ..errors import KernelError, OptionError
from ..geometry.sizes import parse_pair
from ..kernel.kernel import Kernel
from ..kernel.number import parse_number
from ..options import Options
from ..stages.combined.filter import CombinedFilter
from ..stages.convolution.filter import LinearFilter
from .correlate import linear_filter

COMBINATIONS = ("sum", "max", "magnitude", "each")


def prepared(text: str, tell: Callable[[str], None] | None = None, **how) -> Kernel:
    """The kernel for a command line's text, changed by its options as in `prepared_all`; KernelError for several kernels."""
    from ..kernel.argument import resolve

    return _changed(resolve(text, tell), **how)


def prepared_all(text: str, tell: Callable[[str], None] | None = None, **how) -> list[Kernel]:
    """The kernel for a command line's text, or its rotations, changed by options; their numbers are text, also fractions.

    `tell` takes remarks on the text. The options are normalize, scale, offset and anchor.
    """
    from ..kernel.argument import resolve_all

    return [_changed(kernel, **how) for kernel in resolve_all(text, tell)]


def _changed(kernel: Kernel, *, normalize=False, scale=None, offset=None, anchor=None) -> Kernel:
    if normalize:
        kernel = kernel.normalized()
    if scale is not None:
        kernel = kernel.scaled(_number(scale, "scale"))
    added = None if offset is None else _number(offset, "offset")
    place = None if anchor is None else parse_pair(anchor, "anchor", least=0, order="row,column")
    return kernel.replace(offset=added, anchor=place)


def _number(text: str, option: str):
    try:
        return parse_number(text.strip())
    except KernelError as error:
        raise OptionError(f"{option} must be {error}, not {text!r}") from None


def custom_filter(kernels: list[Kernel], options: Options, *, correlate=False, combine="sum"):
    """The filter of one kernel, or of several whose results are combined: "sum", "max" or "magnitude"."""
    if not correlate:
        kernels = [kernel.flipped() for kernel in kernels]
    if combine == "sum":
        return linear_filter(kernels[0] if len(kernels) == 1 else summed(kernels), options)
    return CombinedFilter(tuple(LinearFilter(kernel, options) for kernel in embedded(kernels)), combine)


def summed(kernels: list[Kernel]) -> Kernel:
    """One kernel whose result is the sum of the kernels' results; their anchors coincide."""
    kernels = embedded(kernels)
    exact = all(k.exact for k in kernels)
    weights = np.asarray(sum(k.fractions() if exact else k.weights for k in kernels))
    included = np.any([k.mask for k in kernels], axis=0)
    return Kernel(weights, anchor=kernels[0].anchor, offset=sum(k.offset for k in kernels), included=included)


def embedded(kernels: list[Kernel]) -> list[Kernel]:
    """The kernels extended to one shape and anchor; the added cells are left out of them."""
    before = [max(k.anchor[i] for k in kernels) for i in (0, 1)]
    after = [max(k.shape[i] - 1 - k.anchor[i] for k in kernels) for i in (0, 1)]
    shape = (before[0] + after[0] + 1, before[1] + after[1] + 1)
    return [kernel if kernel.shape == shape else _embed(kernel, before, shape) for kernel in kernels]


def _embed(kernel: Kernel, before: list[int], shape: tuple[int, int]) -> Kernel:
    top, left = before[0] - kernel.anchor[0], before[1] - kernel.anchor[1]
    place = np.s_[top : top + kernel.shape[0], left : left + kernel.shape[1]]
    included, weights = np.zeros(shape, bool), np.zeros(shape, kernel.numbers.dtype)
    included[place], weights[place] = kernel.mask, kernel.numbers
    words = {"name": kernel.name, "source": kernel.source}
    return Kernel(weights, anchor=tuple(before), offset=kernel.offset, included=included, **words)


def named_outputs(kernels: list[Kernel], output: str | None) -> list[str]:
    """The output file for each kernel: OUTPUT with the kernel's name, or its number, before the extension."""
    if output in (None, "-"):
        raise OptionError("combine='each' writes several files; give an OUTPUT")
    stem, extension = os.path.splitext(output)
    # a name comes from a file: it must not lead out of OUTPUT's folder
    labels = [re.sub(r"[^\w.+-]", "_", kernel.name or str(number)) for number, kernel in enumerate(kernels, 1)]
    if len(set(labels)) < len(labels):
        labels = [f"{label}-{number}" for number, label in enumerate(labels, 1)]
    return [f"{stem}-{label}{extension}" for label in labels]
