"""Output sizes, padding, stride, dilation and receptive fields on one axis and on two; shared by everything that slides a window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .border import Border, source_indices
from .errors import OptionError

MAX_SIDE = 8191  # taps of a kernel, samples of a window; a larger one is a mistake or an attack

MAX_PAD = 1 << 20
WORDS = ("same", "valid", "full")


def effective_size(size: int, dilation: int) -> int:
    """How many samples a dilated window spans: `dilation * (size - 1) + 1`."""
    return dilation * (size - 1) + 1


@dataclass(frozen=True)
class Axis:
    """A window sliding along one axis.

    Output `i`, tap `k` reads padded sample `i * stride + k * dilation`; padded sample `p` is input sample `p - before`.
    """

    size: int  # input samples
    taps: int
    out: int  # output samples
    before: int  # padding in front
    after: int
    stride: int
    dilation: int
    anchor: int  # the tap over the output sample

    @property
    def span(self) -> int:
        """Padded samples that are read at all."""
        return (self.out - 1) * self.stride + effective_size(self.taps, self.dilation)

    def sources(self, border: Border) -> np.ndarray:
        """The input sample behind each padded sample, -1 for none; shape (span,)."""
        return source_indices(border, np.arange(self.span) - self.before, self.size)

    def inside(self) -> tuple[np.ndarray, np.ndarray]:
        """For each output sample the half-open range of taps that lie on the input; two arrays of shape (out,)."""
        start = np.arange(self.out) * self.stride - self.before
        first = np.clip(-(start // self.dilation), 0, self.taps)  # ceil(-start / dilation)
        last = np.clip(-((start - self.size) // self.dilation), 0, self.taps)
        return first, np.maximum(first, last)


@dataclass(frozen=True)
class Field:
    """What outputs see along one axis, through any number of layers: output `i` depends on the input samples
    `first + i * jump` to `last + i * jump`, both included. Samples beyond the input are padding.

    >>> Field().through(taps=3, before=0).through(taps=2, before=0, stride=2)
    Field(first=0, last=3, jump=2)
    """

    first: int = 0
    last: int = 0
    jump: int = 1

    @property
    def size(self) -> int:
        """How many samples an output sees."""
        return self.last - self.first + 1

    @property
    def start(self) -> float:
        """The middle of what the first output sees, in pixels from the edge: that of the first pixel is 0.5."""
        return 0.5 + (self.first + self.last) / 2

    def through(self, *, taps: int, before: int, stride: int = 1, dilation: int = 1) -> Field:
        """What outputs of one more window see; `before` is the padding in front of it."""
        first = self.first - before * self.jump
        last = self.last + (dilation * (taps - 1) - before) * self.jump
        return Field(first, last, self.jump * stride)

    def joined(self, other: Field) -> Field:
        """What an output sees that is made of both. Raises OptionError where the outputs lie at different distances."""
        if self.jump != other.jump:
            raise OptionError(f"outputs that lie {self.jump} and {other.jump} samples apart can't be joined")
        return Field(min(self.first, other.first), max(self.last, other.last), self.jump)

    def clipped(self, index: int, size: int) -> tuple[int, int]:
        """The half-open range of samples of an input of `size` that output `index` sees."""
        first, last = (min(max(end + index * self.jump, 0), size) for end in (self.first, self.last + 1))
        return first, last


def balanced_padding(size: int, taps: int, stride: int, dilation: int) -> tuple[int, int]:
    """Padding (before, after) that makes the output `ceil(size / stride)` long, as TensorFlow's and Keras' "same" does.

    Unlike the word `same` of `make_axis` it depends on the size: with a stride less is padded, and an odd sample goes
    behind.

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
    ceil: bool = False,
) -> Axis:
    """The axis for a padding word or a pair of numbers (before, after). Raises OptionError where no output is left.

    With `ceil` the size is rounded up as torch does: a last window may reach beyond the padding, as long as it begins
    before the padding behind the input.
    """
    if size < 1:
        raise OptionError(f"an image needs pixels; this one has {size} {name}")
    window = effective_size(taps, dilation)
    if pad == "same":
        before, after = anchor * dilation, (taps - 1 - anchor) * dilation
    elif pad == "valid":
        before = after = 0
    elif pad == "full":
        before = after = window - 1
    else:
        before, after = pad
    out = (size + before + after - window) // stride + 1
    if ceil:
        out = -((window - size - before - after) // stride) + 1
        out -= (out - 1) * stride >= size + before
    if out < 1:
        raise OptionError(
            f"no output is left: {size} {name}{' + ' + str(before + after) + ' of padding' if before + after else ''} "
            f"are fewer than the {window} the kernel spans; pad more, or use a smaller kernel"
        )
    return Axis(size, taps, out, before, after, stride, dilation, anchor)


def pool_axis(size: int, taps: int, stride: int, padding: int, dilation: int, ceil: bool, name: str) -> Axis:
    """The axis of pooling, as torch has it: `padding` on both sides; with `ceil` a last window may reach further out, if
    it begins before the padding behind the picture. OptionError for more padding than half a window, or no output."""
    if size < 1:
        raise OptionError(f"an image needs pixels; this one has {size} {name}")
    window = effective_size(taps, dilation)
    if 2 * padding > window:
        raise OptionError(f"padding {padding} is more than half of the {window} {name} a window spans; pad less")
    spare = size + 2 * padding - window
    out = (spare + (stride - 1 if ceil else 0)) // stride + 1
    if ceil and (out - 1) * stride >= size + padding:
        out -= 1
    if out < 1:
        raise OptionError(
            f"no output is left: {size} {name}{f' + {2 * padding} of padding' if padding else ''} are fewer than the "
            f"{window} a window spans; use a smaller size"
        )
    return Axis(size, taps, out, padding, padding, stride, dilation, 0)


def make_axes(shape, taps, anchor, pad, stride, dilation) -> tuple[Axis, Axis]:
    """Both axes, rows first.

    Parameters
    ----------
    shape, taps, anchor : (int, int)
        Input size, kernel size and anchor, rows first.
    pad : "same", "valid", "full", int or sequence
        A number for all sides, two for rows and columns, four for top, bottom, left, right.
    stride, dilation : int or (int, int)
        At least 1; one number for both axes or rows first.
    """
    vertical, horizontal = parse_pad(pad)
    (stride_y, stride_x), (dilation_y, dilation_x) = parse_pair(stride, "stride"), parse_pair(dilation, "dilation")
    return (
        make_axis(shape[0], taps[0], anchor[0], vertical, stride_y, dilation_y, "rows"),
        make_axis(shape[1], taps[1], anchor[1], horizontal, stride_x, dilation_x, "columns"),
    )


def parse_pad(pad) -> tuple:
    """Padding for rows and for columns: a word, or a pair (before, after), each."""
    if isinstance(pad, str):
        word = pad.strip().lower()
        if word in WORDS:
            return word, word
        pad = word.split(",")
    try:
        numbers = [_whole(n) for n in (pad if isinstance(pad, (list, tuple, np.ndarray)) else [pad])]
    except (TypeError, ValueError, OverflowError):
        numbers = []
    if len(numbers) not in (1, 2, 4) or not all(0 <= n <= MAX_PAD for n in numbers):
        raise OptionError(f"pad must be same, valid, full, or 1, 2 or 4 numbers from 0 to {MAX_PAD}, not {_shown(pad)}")
    if len(numbers) == 4:
        return (numbers[0], numbers[1]), (numbers[2], numbers[3])
    rows, columns = numbers[0], numbers[-1]
    return (rows, rows), (columns, columns)


def parse_pair(value, name: str, least: int = 1, most: int = MAX_PAD) -> tuple[int, int]:
    """One whole number for both axes, or two, rows first; as numbers, a sequence or the text `2,1`."""
    parts = (
        value.split(",")
        if isinstance(value, str)
        else value
        if isinstance(value, (list, tuple, np.ndarray))
        else [value]
    )
    try:
        numbers = [_whole(n) for n in parts]
    except (TypeError, ValueError, OverflowError):
        numbers = []
    if len(numbers) not in (1, 2) or not all(least <= n <= most for n in numbers):
        raise OptionError(f"{name} must be one or two whole numbers from {least} to {most}, not {_shown(value)}")
    return numbers[0], numbers[-1]


def parse_size(size, most: int = MAX_SIDE) -> tuple[int, int]:
    """`5`, `(3, 5)`, `"3x5"` or `"3,5"` as rows and columns of a window."""
    text = size.lower().replace("x", ",") if isinstance(size, str) else size
    try:
        return parse_pair(text, "size", most=most)
    except OptionError:
        raise OptionError(f"size must be K or ROWSxCOLUMNS with whole numbers from 1 to {most}, not {size!r}") from None


def _whole(number) -> int:
    whole = int(number)
    if not isinstance(number, str) and whole != number:
        raise ValueError
    return whole


def _shown(value) -> str:
    return repr(",".join(value)) if isinstance(value, list) and all(isinstance(v, str) for v in value) else repr(value)
