"""`Axis`: a window that slides along one axis, with padding, stride and dilation; output sizes. Used by everything with windows."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..errors import OptionError
from .border import Border, source_indices
from .sizes import CENTER, START, parse_pad, parse_pair, parse_phase


def effective_size(size: int, dilation: int) -> int:
    """How many samples a window of `size` taps spans when dilated: `dilation * (size - 1) + 1`."""
    return dilation * (size - 1) + 1


@dataclass(frozen=True)
class Axis:
    """A window sliding along one axis.

    Output `i`, tap `k` reads padded sample `i * stride + k * dilation`; padded sample `p` is input sample `p - before`.
    """

    size: int  # input samples
    taps: int
    out: int  # output samples
    before: int  # padding in front; negative where the first window begins within the picture
    after: int
    stride: int
    dilation: int
    anchor: int  # the tap over the output sample

    @property
    def span(self) -> int:
        """How many padded samples the windows read, from the first to the last."""
        return (self.out - 1) * self.stride + effective_size(self.taps, self.dilation)

    @property
    def start(self) -> int:
        """The input sample, before the first one if negative, over which the anchor lies for output 0."""
        return self.anchor * self.dilation - self.before

    @property
    def middle(self) -> Fraction:
        """The place among the input's samples over which the middle of the window lies for output 0."""
        return Fraction(effective_size(self.taps, self.dilation) - 1, 2) - self.before

    def sources(self, border: Border) -> np.ndarray:
        """For each padded sample the number of the input sample it repeats, -1 for none; shape (span,)."""
        return source_indices(border, np.arange(self.span) - self.before, self.size)

    def inside(self) -> tuple[np.ndarray, np.ndarray]:
        """For each output sample the taps that lie on the input, first .. last - 1: two arrays of shape (out,)."""
        start = np.arange(self.out) * self.stride - self.before
        first = np.clip(-(start // self.dilation), 0, self.taps)  # ceil(-start / dilation)
        last = np.clip(-((start - self.size) // self.dilation), 0, self.taps)
        return first, np.maximum(first, last)


def balanced_padding(size: int, taps: int, stride: int, dilation: int) -> tuple[int, int]:
    """Padding (before, after) that makes the output `ceil(size / stride)` long, as TensorFlow's and Keras' "same" does.

    Unlike "same" in `make_axis` it depends on the size: with a stride there is less padding, and of an odd number of
    samples the larger half lies behind.

    >>> balanced_padding(224, taps=3, stride=2, dilation=1)
    (0, 1)
    """
    span = (-(-size // stride) - 1) * stride + effective_size(taps, dilation)
    total = max(span - size, 0)
    return total // 2, total - total // 2


def make_axis(
    size: int,
    taps: int,
    anchor: int,
    pad: str | tuple[int, int],
    stride: int,
    dilation: int,
    name: str,
    *,
    phase: str = START,
    ceil: bool = False,
    advice: str = "the kernel spans; pad more, or use a smaller kernel",
) -> Axis:
    """The axis for a padding word or a pair of numbers (before, after). Raises OptionError if no output is left.

    Its outputs are every `stride`-th of those at stride 1: from the first on, or with the phase "center" from number
    `stride // 2` on, which is the middle of a cell of `stride` outputs (of an even cell the first one behind the middle).
    With `ceil` the size is rounded up as torch does: a last window may reach beyond the padding, as long as it begins
    before the padding behind the input. `advice` ends the error message.
    """
    if size < 1:
        raise OptionError(f"an image needs pixels; this one has {size} {name}")
    window = effective_size(taps, dilation)
    if not isinstance(pad, str):
        before, after = pad
    elif pad == "same":
        before, after = anchor * dilation, (taps - 1 - anchor) * dilation
    elif pad == "valid":
        before = after = 0
    else:
        before = after = window - 1
    out = (size + before + after - window) // stride + 1
    if ceil:
        out = -((window - size - before - after) // stride) + 1
        out -= (out - 1) * stride >= size + before
    if out < 1:
        padded = f" + {before + after} of padding" if before + after else ""
        raise OptionError(f"no output is left: {size} {name}{padded} are fewer than the {window} {advice}")
    if phase == CENTER:
        dense, first = size + before + after - window + 1, stride // 2
        if first >= dense:
            raise OptionError(
                f"no output is left: stride {stride} begins at number {first} of {dense} {name}, from 0; "
                "use a smaller stride, or stride_phase start"
            )
        out, before = (dense - 1 - first) // stride + 1, before - first
    return Axis(size, taps, out, before, after, stride, dilation, anchor)


def pool_axis(size: int, taps: int, stride: int, padding: int, dilation: int, ceil: bool, name: str) -> Axis:
    """The axis of pooling, as torch defines it, with `padding` on both sides.

    As `make_axis`, which explains `ceil`. Raises OptionError also for more padding than half a window.
    """
    window = effective_size(taps, dilation)
    if size > 0 and 2 * padding > window:
        raise OptionError(f"padding {padding} is more than half of the {window} {name} a window spans; pad less")
    advice = "a window spans; use a smaller size"
    return make_axis(size, taps, 0, (padding, padding), stride, dilation, name, ceil=ceil, advice=advice)


def make_axes(shape, taps, anchor, pad, stride, dilation, phase=START) -> tuple[Axis, Axis]:
    """Both axes, rows first.

    Parameters
    ----------
    shape, taps, anchor : (int, int)
        Input size, kernel size and anchor, rows first.
    pad : "same", "valid", "full", int or sequence
        A number for all sides, two for rows and columns, four for top, bottom, left, right.
    stride, dilation : int or (int, int)
        At least 1; one number for both axes or rows first.
    phase : "start" or "center"
        Where strides begin; see `make_axis`.
    """
    phase = parse_phase(phase)
    vertical, horizontal = parse_pad(pad)
    (stride_y, stride_x), (dilation_y, dilation_x) = parse_pair(stride, "stride"), parse_pair(dilation, "dilation")
    return (
        make_axis(shape[0], taps[0], anchor[0], vertical, stride_y, dilation_y, "rows", phase=phase),
        make_axis(shape[1], taps[1], anchor[1], horizontal, stride_x, dilation_x, "columns", phase=phase),
    )


def same_size_axes(shape, size: tuple[int, int], anchor: tuple[int, int] | None = None) -> tuple[Axis, Axis]:
    """Both axes of a window of this size with one output for each pixel; the anchor is its middle by default."""
    return make_axes(shape, size, anchor or (size[0] // 2, size[1] // 2), "same", 1, 1)
