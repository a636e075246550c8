"""Pooling: windows become single samples; with anti-aliasing, by a blur before samples are dropped."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from math import comb

import numpy as np

from ..composites.chain import ChainFilter
from ..errors import OptionError, nearest
from ..filter import Filter
from ..geometry.axis import effective_size
from ..geometry.sizes import parse_pair, parse_window_size
from ..kernel.kernel import Kernel
from ..options import NO_IGNORING, Options, documented, options_of
from ..pixels.arrays import readable
from ..stages.convolution.filter import LinearFilter
from ..stages.pooling.condition import parse_condition
from ..stages.pooling.filter import PoolFilter
from ..stages.pooling.plan import OPERATIONS
from .apply import apply
from .shift_consistency import measure

BLUR = "blur"
LARGEST_BLUR = 21  # whose weights over 4^20 are still exact with 8-bit samples
USUAL_BLUR = 4


@documented
def pool(
    image, op, size, *, stride=None, padding=0, dilation=1, ceil=False, count_include_pad=True, antialias=None, where=None,
    out=None, threads=None, **options,
):  # fmt: skip
    """Pool a picture: each window of pixels becomes one, with torch's shapes and values.

    The result has `floor((n + 2 padding - e) / stride) + 1` rows and columns, `e = dilation (size - 1) + 1`. Padded cells are
    no samples: they enter nothing but an average that counts them, as zeros. A window of padding alone gives the type's
    least value for "max" (minus infinity for floats), the largest for "min", and 0 for all others.

    {parameters:op : "max", "min", "avg", "sum", "count", "stdev", "median", "range", "l2" or "blur"
        The largest sample, the least, their mean, sum, the number of those that are not 0 (or `where`), the population's
        standard deviation, the median (of an even number the mean of the two in the middle), largest minus least, the root
        of the sum of squares. "blur" is no window but a binomial blur of this size, sampled at the stride.
    size : int, (rows, columns) or str such as "2x3"
        Of the window.
    stride : int or (rows, columns), default the size
        Steps between windows.
    padding : int or (rows, columns), default 0
        On both sides, at most half of what a window spans. "blur" pads by itself, by whole-sample reflection.
    dilation : int or (rows, columns), default 1
        Distance between a window's samples.
    ceil : bool, default False
        Also a last window that reaches out of picture and padding, if it begins on the picture or the padding before it.
    count_include_pad : bool, default True
        Whether an average counts padding; what a window has beyond that never counts.
    antialias : int or True, optional
        Pool at stride 1, then blur with the binomial filter of this size, True is 4, and sample that at the stride (Zhang
        2019, "Making Convolutional Networks Shift-Invariant Again").
    where : str such as "v>128", optional
        What "count" counts, in the image's units; also >=, <, <=, ==, !=.
    border, pad
        Not here: see padding.}

    Of the options above depth and linear leave counts alone. Averages, sums and blurs of colour are weighted by alpha; max, min
    and median take every channel, alpha too, by itself; for all others, and with alpha "keep", alpha is averaged.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> image = np.array([[1, 2, 5, 6], [3, 4, 7, 9]], np.uint8)
    >>> imconv.pool(image, "max", 2), imconv.pool(image, "avg", 2)
    (array([[4, 9]], dtype=uint8), array([[3, 7]], dtype=uint8))
    >>> imconv.pool(image, "count", (2, 2), where="v>2", stride=1)
    array([[2, 3, 4]], dtype=uint8)
    """
    for name in ("border", "pad"):
        if name in options:
            raise OptionError(f"pool has no {name}: what is outside a picture is no sample; use padding")
    filter = pool_filter(
        op, size, options_of("pool", options), stride=stride, padding=padding, dilation=dilation, ceil=ceil,
        include_pad=count_include_pad, antialias=antialias, where=where,
    )  # fmt: skip
    return apply(filter, image, out=out, threads=threads)


def pool_filter(
    op, size, options: Options, *, stride=None, padding=0, dilation=1, ceil=False, include_pad=True, antialias=None,
    where=None,
) -> Filter:  # fmt: skip
    """The filter of `pool`."""
    names = (*OPERATIONS, BLUR)
    op = str(op).lower()
    if op not in names:
        raise OptionError(f"unknown op {op!r}; it is one of {', '.join(names)}{nearest(op, names)}")
    size = parse_window_size(size)
    steps = size if stride is None else parse_pair(stride, "stride")
    padding, dilation = parse_pair(padding, "padding", least=0), parse_pair(dilation, "dilation")
    if options.nan == "ignore":
        raise OptionError(NO_IGNORING)
    if where is not None and op != "count":
        raise OptionError(f"where goes with count, not with {op}")
    if op == BLUR:
        if padding != (0, 0) or dilation != (1, 1) or ceil or antialias is not None:
            raise OptionError("a blur pads by itself; leave out padding, dilation, ceil and antialias")
        return blur_filter(size, steps, options)
    condition = parse_condition(where) if op == "count" else None
    if op == "count" or (op in ("max", "min") and antialias is None):
        options = replace(options, linear=False)  # transfer functions keep the order of samples
    if antialias is None:
        return PoolFilter(op, size, steps, padding, dilation, bool(ceil), bool(include_pad), condition, options)
    blur = parse_antialias(antialias)
    if ceil:
        raise OptionError("antialias has no ceil: the blur's result ends with the picture; leave out one of them")
    inner = Options(alpha=options.alpha, has_alpha=options.has_alpha, channel_axis=options.channel_axis)
    dense = PoolFilter(op, size, (1, 1), padding, dilation, False, bool(include_pad), condition, inner)
    outer = replace(inner, offset=options.offset)
    return ChainFilter((dense, blur_filter((blur, blur), steps, outer)), options)


def parse_antialias(antialias) -> int:
    """The size of the blur: a whole number, or its text; True is the usual 4."""
    text = str(USUAL_BLUR if antialias is True else antialias).strip()
    if not (text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= LARGEST_BLUR):
        raise OptionError(f"antialias must be the size of a blur, whole, from 1 to {LARGEST_BLUR}, not {antialias!r}")
    return int(text)


def blur_filter(size: tuple[int, int], stride: tuple[int, int], options: Options) -> LinearFilter:
    """A binomial blur of `size` (rows, columns) sampled at `stride`, as BlurPool has it: `floor((f - 1) / 2)` cells before
    and `ceil((f - 1) / 2)` behind the picture are reflected, the edge sample once."""
    if max(size) > LARGEST_BLUR:
        raise OptionError(f"a blur's size must be from 1 to {LARGEST_BLUR}, not {size[0]}x{size[1]}")
    before, after = ([(n - 1) // 2 for n in size], [n // 2 for n in size])
    pad = (before[0], after[0], before[1], after[1])
    return LinearFilter(_binomial(size), replace(options, border="mirror", pad=pad, stride=stride, dilation=1))


@lru_cache(maxsize=16)
def _binomial(size: tuple[int, int]) -> Kernel:
    column, row = ([Fraction(comb(n - 1, i), 2 ** (n - 1)) for i in range(n)] for n in size)
    return Kernel.from_factors(column, row, name="binomial")


def shift_report(picture, op, size, options: Options, *, stride=None, antialias=None, **how) -> dict:
    """What `consistency.measure` finds for pooling a Picture, plain and anti-aliased, over the same part of it.

    Parameters as in `pool_filter`; anti-aliased by default with the usual blur. A blur's plain form drops pixels unblurred.
    """
    size, how = parse_window_size(size), {**how, "ceil": False}
    steps = size if stride is None else parse_pair(stride, "stride")
    alone = Options(alpha=options.alpha)
    if str(op).lower() == BLUR:
        blur, e, padding = size, (1, 1), (0, 0)
        plain, smooth = (blur_filter(n, (1, 1), alone) for n in ((1, 1), size))
    else:
        blur = (parse_antialias(True if antialias is None else antialias),) * 2
        plain, smooth = (pool_filter(op, size, alone, stride=1, antialias=n, **how) for n in (None, blur[0]))
        padding = plain.padding
        e = [effective_size(n, d) for n, d in zip(size, plain.dilation, strict=True)]
    height, width = picture.pixels.shape[:2]
    inside = tuple(
        (p + (f - 1) // 2, n + p - span + 1 - f // 2)
        for n, p, span, f in zip((height, width), padding, e, blur, strict=True)
    )
    kind = np.float64 if readable(picture.pixels.dtype).itemsize > 4 else np.float32
    found = (measure(picture, filter.retyped(kind), steps, inside) for filter in (plain, smooth))
    return {"stride": steps, "blur": blur, **dict(zip(("plain", "antialiased"), found, strict=True))}
