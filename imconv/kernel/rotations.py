"""Kernels turned by multiples of 45 and 90 degrees, alone and as the lists that ImageMagick's `@`, `>` and `<` stand for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from ..errors import KernelError
from .weights import KernelWeights

# sign: the angles of its kernels, and what it is called
SIGNS: dict[str, tuple[tuple[int, ...], str]] = {
    "@": (tuple(range(0, 360, 45)), "turned clockwise by 0, 45, ... 315 degrees, as far as these differ; 3 x 3 only"),
    ">": ((0, 90, 180, 270), "turned clockwise by 0, 90, 180 and 270 degrees, as far as these differ"),
    "<": ((0, 180, 270, 90), "turned clockwise by 0, 180, 270 and 90 degrees, all four"),
}
_RING = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]

Weights = TypeVar("Weights", bound=KernelWeights)


def turned_by_45(weights: np.ndarray) -> np.ndarray:
    """A 3 x 3 kernel whose outer ring is moved clockwise by one cell."""
    turned = weights.copy()
    for before, after in zip(_RING, _RING[1:] + _RING[:1], strict=True):
        turned[after] = weights[before]
    return turned


def turned(kernel: KernelWeights, degrees: int) -> KernelWeights:
    """The kernel turned clockwise, with its anchor and the cells that are left out; exact weights stay exact.

    A multiple of 90 degrees, or of 45 for 3 x 3 kernels with the anchor in the middle; KernelError for all others.
    """
    degrees %= 360
    if degrees % 45 or (degrees % 90 and not (kernel.shape == (3, 3) and kernel.anchor == (1, 1))):
        raise KernelError(
            "only 3 x 3 kernels with the anchor in the middle can be turned by 45 degrees, others by 90, 180 or 270"
        )
    result = kernel
    for _ in range(degrees // 90):
        result = result.quarter_turned()
    if degrees % 90:
        weights, included = turned_by_45(result.numbers), turned_by_45(result.mask)
        how = {"offset": kernel.offset, "name": kernel.name, "source": kernel.source, "included": included}
        result = KernelWeights(weights, **how)
    return result.replace(name=f"{kernel.name}@{degrees}" if kernel.name and degrees else None)


def expanded(kernel: KernelWeights, sign: str) -> list[KernelWeights]:
    """The list of kernels that a sign behind a kernel stands for, in ImageMagick's order.

    `@` and `>` end before the first kernel that equals the one they began with: `>` gives a row that is the same from both
    ends two kernels, one that is not four. `<` always gives four.
    """
    found = [kernel]
    for degrees in SIGNS[sign][0][1:]:
        found.append(turned(kernel, degrees))
        if sign != "<" and found[-1] == kernel:
            return found[:-1]
    return found


def only(kernels: Sequence[Weights], what: str) -> Weights:
    """The kernel of a list of one; KernelError for a longer list, which begins with `what`."""
    if len(kernels) > 1:
        raise KernelError(
            f"{what}: {len(kernels)} kernels, and one is needed here; name one of them, or combine them with imconv apply "
            "--combine, which may be a step of chain or of trace --filter"
        )
    return kernels[0]
