"""Order statistics of windows: median, percentile, minimum and maximum."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import OptionError
from ..options import Options, documented, options_of
from ..stages.ranking.filter import RankFilter
from ..stages.ranking.footprint import SHAPES, make_footprint
from ..stages.ranking.plan import MEDIAN
from .apply import apply
from .arguments import checked_number
from .other_tools import find


@documented
def median(image, size=None, *, shape="square", like=None, anchor=None, out=None, threads=None, **options):
    """The median of the samples around each pixel: bit for bit `scipy.ndimage.median_filter`.

    {parameters:size : int, (rows, columns) or str such as "3x5", optional
        Size of the window. An even size has `size // 2` pixels before the centre and one less after it. The median of an even number of samples
        is the larger of the two in the middle.
    shape : str, array (rows, columns) or Kernel, default "square"
        "square" (the whole window), "disk", "plus", "diamond", "cross" or "ring", within the size; or cells of your own,
        without a size: those that are 0, NaN or left out of a kernel do not belong to the window.
    like : "scipy", "opencv", "pillow", "imagemagick" or "vips", optional
        Match that tool's result: use its border, unless you give one. All tools but scipy take squares of odd size only.
    anchor : (row, column), optional
        The cell of the window that lies on the output pixel; default `size // 2`, a Kernel's own anchor.}

    NaN counts as larger than every number, so that no result depends on the order of samples; nan "ignore" leaves it out. With
    the border "normalized" only samples on the picture are ranked. Alpha is filtered like a colour, or stays as it is with alpha
    "unweighted". `linear` does not change the result.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.median(np.array([[1, 9, 2, 3, 3]], np.uint8), (1, 3))
    array([[1, 2, 3, 3, 3]], dtype=uint8)
    """
    if like is not None:
        options = {**options, "border": median_border(like, size, shape, options.get("border"))}
    return _apply("median", image, MEDIAN, size, shape, anchor, out, threads, options)


@documented
def rank(image, percentile, size=None, *, shape="square", anchor=None, out=None, threads=None, **options):
    """A percentile of the samples around each pixel: bit for bit `scipy.ndimage.percentile_filter`.

    {parameters:percentile : number from 0 to 100
        The result is sample number `int(n * percentile / 100)` of the n sorted samples, counted from 0; for 100 the last.
    size : int, (rows, columns) or str such as "3x5", optional
        Size of the window; an even size has `size // 2` pixels before the centre and one less after it. Left out where
        `shape` has cells of your own.
    shape : str, array (rows, columns) or Kernel, default "square"
        As in `imconv.median`.
    anchor : (row, column), optional
        As in `imconv.median`.}

    NaN, alpha, the border "normalized" and `linear` as in `imconv.median`.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.rank(np.array([[1, 9, 2, 3, 3]], np.uint8), 25, (1, 5))
    array([[1, 1, 2, 3, 3]], dtype=uint8)
    """
    return _apply(
        "rank", image, checked_number(percentile, "percentile", 0, 100), size, shape, anchor, out, threads, options
    )


@documented
def minimum(image, size=None, *, shape="square", anchor=None, out=None, threads=None, **options):
    """The smallest sample around each pixel (erosion): bit for bit `scipy.ndimage.minimum_filter`.

    {parameters:size : int, (rows, columns) or str such as "3x5", optional
        Size of the window; an even size has `size // 2` pixels before the centre and one less after it. Left out where
        `shape` has cells of your own.
    shape : str, array (rows, columns) or Kernel, default "square"
        As in `imconv.median`.
    anchor : (row, column), optional
        As in `imconv.median`.}

    NaN counts as larger than every number: it is the result only if all samples are NaN.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.minimum(np.array([[5, 9, 2, 7, 8]], np.uint8), (1, 3))
    array([[5, 2, 2, 2, 7]], dtype=uint8)
    """
    return _apply("minimum", image, 0.0, size, shape, anchor, out, threads, options)


@documented
def maximum(image, size=None, *, shape="square", anchor=None, out=None, threads=None, **options):
    """The largest sample around each pixel: bit for bit `scipy.ndimage.maximum_filter`.

    {parameters:size : int, (rows, columns) or str such as "3x5", optional
        Size of the window; an even size has `size // 2` pixels before the centre and one less after it. Left out where
        `shape` has cells of your own.
    shape : str, array (rows, columns) or Kernel, default "square"
        As in `imconv.median`. It is not rotated; dilation, which rotates it by 180 degrees, is part of
        `imconv.closing`.
    anchor : (row, column), optional
        As in `imconv.median`.}

    NaN counts as larger than every number: a window with a NaN has the result NaN, unless nan is "ignore".

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.maximum(np.array([[5, 9, 2, 7, 8]], np.uint8), (1, 3))
    array([[9, 9, 9, 8, 8]], dtype=uint8)
    """
    return _apply("maximum", image, 100.0, size, shape, anchor, out, threads, options)


def _apply(name, image, percentile, size, shape, anchor, out, threads, options):
    settings = options_of(name, options)
    filter = RankFilter(make_footprint(size, shape, anchor), percentile, settings)
    return apply(filter, image, out=out, threads=threads)


def median_border(like: str, size, shape, border) -> str:
    """The border of another tool's median, unless the user gave one: scipy's default; all others repeat the edge."""
    tool = find(like)
    if tool.calls["median"] == "-":
        raise OptionError(
            f"{tool.name} has no median of pictures; like= is one of scipy, opencv, pillow, imagemagick, vips"
        )
    if tool.name != "scipy":
        rows, columns = make_footprint(size, shape).cells.shape
        if not (isinstance(shape, str) and shape.strip().lower() == "square") or rows != columns or rows % 2 == 0:
            raise OptionError(f"{tool.name}'s median takes a square of an odd side; leave out like= or shape=")
    if border is not None:
        return border
    return tool.border if tool.name == "scipy" else "nearest"


def named_filter(percentile, size, shape: str, options: Options, tell=None) -> RankFilter:
    """The filter for a command line's arguments; `shape` is a name of a shape, or the text of a kernel."""
    return RankFilter(chosen_footprint(size, shape, tell), checked_number(percentile, "percentile", 0, 100), options)


def chosen_footprint(size, shape: str, tell: Callable[[str], None] | None = None):
    """The footprint for a command line's arguments: with a size a named shape, else also the cells of a kernel.

    `tell` takes remarks on the kernel's text.
    """
    if shape.strip().lower() in SHAPES or size is not None:
        return make_footprint(size, shape)
    from ..kernel.argument import resolve

    return make_footprint(None, resolve(shape, tell))
