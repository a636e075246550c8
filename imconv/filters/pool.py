"""Pooling: reduces windows to single samples, optionally with a blur before samples are dropped (anti-aliasing)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from math import comb

import numpy as np

from ..composites.chain import ChainFilter
from ..errors import OptionError, known
from ..filter import Filter
from ..geometry.axis import effective_size
from ..geometry.sizes import parse_pair, parse_window_size
from ..kernel.kernel import Kernel
from ..options import Options, documented, options_of
from ..pixels.arrays import readable
from ..stages.convolution.filter import LinearFilter
from ..stages.pooling.condition import parse_condition
from ..stages.pooling.filter import PoolFilter
from ..stages.pooling.plan import OPERATIONS
from .apply import apply
from .shift_consistency import measure

BLUR = "blur"
LARGEST_BLUR = 21  # with 8-bit samples, weights over 4^20 are still exact
USUAL_BLUR = 4  # the size that antialias=True stands for


@documented
def pool(
    image, op, size, *, stride=None, padding=0, dilation=1, ceil=False, count_include_pad=True, antialias=None, where=None,
    out=None, threads=None, **options,
):  # fmt: skip
    """Pool a picture: reduce each window of pixels to one, with torch's shapes and values.

    The result has `floor((n + 2 padding - e) / stride) + 1` rows and columns, `e = dilation (size - 1) + 1`. Padding counts as
    zeros in averages (see count_include_pad); all other operations ignore it. A window of padding only has as its result the
    type's smallest value for "max" (minus infinity for floats), the largest for "min", and 0 for all others.

    {parameters:op : "max", "min", "avg", "sum", "count", "stdev", "median", "range", "l2" or "blur"
        The largest sample, the smallest, the mean, the sum, the number of samples that are not 0 (or that fulfil `where`),
        the population standard deviation, the median (of an even number the mean of the two in the middle), largest minus
        smallest, the root of the sum of squares. "blur": a binomial filter of this size, sampled at the stride.
    size : int, (rows, columns) or str such as "2x3"
        Size of the window.
    stride : int or (rows, columns), default the size
        Distance between windows.
    padding : int or (rows, columns), default 0
        On both sides, at most half of the window's span. "blur" pads by itself, by reflection that repeats no edge sample.
    dilation : int or (rows, columns), default 1
        Distance between a window's samples.
    ceil : bool, default False
        Add a last window that reaches beyond picture and padding, if it begins on the picture or the padding before it.
    count_include_pad : bool, default True
        Whether an average counts padding; cells beyond the padding never count.
    antialias : int or True, optional
        Blur before dropping pixels: pool at stride 1, blur with the binomial filter of this size (True: 4), and sample at the
        stride (Zhang 2019, "Making Convolutional Networks Shift-Invariant Again").
    where : str such as "v>128", optional
        Which samples "count" counts, in units of the image; also >=, <, <=, ==, !=.
    border, pad
        Refused; see padding.}

    depth and linear do not change counts. Averages, sums and blurs of colours are weighted by alpha; "max", "min" and "median"
    pool every channel by itself, alpha too; for all others, and with alpha "keep" or "unweighted", alpha is averaged.

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
    op = known(op, "op", (*OPERATIONS, BLUR))
    size = parse_window_size(size)
    steps = size if stride is None else parse_pair(stride, "stride")
    padding, dilation = parse_pair(padding, "padding", least=0), parse_pair(dilation, "dilation")
    if where is not None and op != "count":
        raise OptionError(f"where goes with count, not with {op}")
    if op == BLUR:
        if padding != (0, 0) or dilation != (1, 1) or ceil or antialias is not None:
            raise OptionError("a blur pads by itself; leave out padding=, dilation=, ceil= and antialias=")
        return blur_filter(size, steps, options)
    condition = parse_condition(where) if op == "count" else None
    if op == "count" or (op in ("max", "min") and antialias is None):
        options = replace(options, linear=False)  # transfer functions keep the order of samples
    if antialias is None:
        return PoolFilter(op, size, steps, padding, dilation, bool(ceil), bool(include_pad), condition, options)
    blur = parse_antialias(antialias)
    if options.nan == "ignore":
        raise OptionError(
            "nan='ignore' does not go with antialias=, whose blur needs every sample; leave out one of them"
        )
    if ceil:
        raise OptionError("antialias= has no ceil=: the blur's result ends with the picture; leave out one of them")
    inner = Options(alpha=options.alpha, has_alpha=options.has_alpha, channel_axis=options.channel_axis)
    dense = PoolFilter(op, size, (1, 1), padding, dilation, False, bool(include_pad), condition, inner)
    outer = replace(inner, offset=options.offset)
    return ChainFilter((dense, blur_filter((blur, blur), steps, outer)), options)


def parse_antialias(antialias) -> int:
    """The size of the anti-aliasing blur from a whole number or its text; True stands for USUAL_BLUR."""
    text = str(USUAL_BLUR if antialias is True else antialias).strip()
    if not (text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= LARGEST_BLUR):
        raise OptionError(f"antialias must be the size of a blur, whole, from 1 to {LARGEST_BLUR}, not {antialias!r}")
    return int(text)


def blur_filter(size: tuple[int, int], stride: tuple[int, int], options: Options) -> LinearFilter:
    """A binomial blur of `size` (rows, columns), sampled at `stride`, as Zhang's BlurPool.

    For a size f, `floor((f - 1) / 2)` cells before the picture and `ceil((f - 1) / 2)` behind it are padded by reflection
    that does not repeat the edge sample.
    """
    if max(size) > LARGEST_BLUR:
        raise OptionError(f"a blur's size must be from 1 to {LARGEST_BLUR}, not {size[0]}x{size[1]}")
    before, after = ([(n - 1) // 2 for n in size], [n // 2 for n in size])
    pad = (before[0], after[0], before[1], after[1])
    options = replace(options, border="mirror", pad=pad, stride=stride, stride_phase="start", dilation=1)
    return LinearFilter(_binomial(size), options, pools=True)


@lru_cache(maxsize=16)
def _binomial(size: tuple[int, int]) -> Kernel:
    column, row = ([Fraction(comb(n - 1, i), 2 ** (n - 1)) for i in range(n)] for n in size)
    return Kernel.from_factors(column, row, name="binomial")


def shift_report(picture, op, size, options: Options, *, stride=None, antialias=None, **how) -> dict:
    """The result of `shift_consistency.measure` for pooling a Picture, plain and anti-aliased, over the same part of it.

    Parameters as in `pool_filter`; `antialias` is USUAL_BLUR by default. The plain form of a blur drops pixels without it.
    """
    size, how = parse_window_size(size), {**how, "ceil": False}
    steps = size if stride is None else parse_pair(stride, "stride")
    alone = Options(alpha=options.alpha)
    if str(op).lower() == BLUR:
        blur, spans, padding = size, [1, 1], (0, 0)
        both: list[Filter] = [blur_filter(n, (1, 1), alone) for n in ((1, 1), size)]
    else:
        blur = (parse_antialias(True if antialias is None else antialias),) * 2
        plain, smooth = (pool_filter(op, size, alone, stride=1, antialias=n, **how) for n in (None, blur[0]))
        assert isinstance(plain, PoolFilter)  # without antialias
        both, padding = [plain, smooth], plain.padding
        spans = [effective_size(n, d) for n, d in zip(size, plain.dilation, strict=True)]
    down, along = (
        (p + (f - 1) // 2, n + p - span + 1 - f // 2)
        for n, p, span, f in zip(picture.pixels.shape[:2], padding, spans, blur, strict=True)
    )
    float_type = np.float64 if readable(picture.pixels.dtype).itemsize > 4 else np.float32
    found = (measure(picture, filter.retyped(float_type), steps, (down, along)) for filter in both)
    return {"stride": steps, "blur": blur, **dict(zip(("plain", "antialiased"), found, strict=True))}
