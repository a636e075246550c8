"""Order statistics: median, percentile, least and largest sample of a window."""

from __future__ import annotations

from ..errors import OptionError
from ..options import Options, documented, options_of
from ..stages.ranking.filter import RankFilter
from ..stages.ranking.footprint import make_footprint
from ..stages.ranking.plan import MEDIAN
from .apply import apply
from .arguments import checked_number
from .other_tools import find


@documented
def median(image, size=None, *, shape="square", like=None, anchor=None, out=None, threads=None, **options):
    """The median of the samples around each pixel: bit for bit `scipy.ndimage.median_filter`.

    {parameters:size : int, (rows, columns) or str such as "3x5"
        An even size reaches `size // 2` before the pixel and one less after it; of an even number of samples the larger
        middle one is taken.
    shape : str, array (rows, columns) or Kernel, default "square"
        "square" (all of the window), "disk", "plus", "diamond", "cross", "ring" within the size; or cells of your own
        without a size: 0, NaN and what is no part of a kernel do not belong to it.
    like : "scipy", "opencv", "pillow", "imagemagick" or "vips", optional
        Give that tool's result: its border; a border given wins. All but scipy take squares of odd sides here.}

    NaN counts as larger than every number, so that no result depends on the order of samples. The border "normalized"
    ranks the samples inside the picture alone. Alpha is filtered like a colour, or kept. `linear` changes nothing: the
    same sample wins.

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
        Of n samples in order, the least is number 0, the one with the number `int(n * percentile / 100)` is taken; for 100
        the last.
    size, shape
        As in `imconv.median`.}

    NaN, alpha, the border "normalized" and `linear` as in `imconv.median`.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.rank(np.array([[1, 9, 2, 3, 3]], np.uint8), 25, (1, 5))
    array([[1, 1, 2, 3, 3]], dtype=uint8)
    """
    return _apply("rank", image, parse_percentile(percentile), size, shape, anchor, out, threads, options)


@documented
def minimum(image, size=None, *, shape="square", anchor=None, out=None, threads=None, **options):
    """The least sample around each pixel, erosion: bit for bit `scipy.ndimage.minimum_filter`.

    {parameters:size, shape
        As in `imconv.median`; any size.}

    NaN counts as larger than every number: it is the least only among NaN.

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

    {parameters:size, shape
        As in `imconv.median`; any size. A shape lies over the picture as it is written; dilation, which turns it by 180
        degrees, is part of `imconv.closing`.}

    NaN counts as larger than every number: one in the window is the result.

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
    """The border of another tool's median, unless one is given: scipy's is its usual one, all others repeat the edge."""
    tool = find(like)
    if tool.calls["median"] == "-":
        raise OptionError(
            f"{tool.name} has no median of pictures; like is one of scipy, opencv, pillow, imagemagick, vips"
        )
    if tool.name != "scipy":
        rows, columns = make_footprint(size, shape).cells.shape
        if not (isinstance(shape, str) and shape.strip().lower() == "square") or rows != columns or rows % 2 == 0:
            raise OptionError(f"{tool.name}'s median takes a square of an odd side; leave out like, or the shape")
    if border is not None:
        return border
    return tool.border if tool.name == "scipy" else "nearest"


def parse_percentile(text) -> float:
    """A percentile, `25` or `"25"`; OptionError outside 0 to 100."""
    return checked_number(text, "percentile", 0, 100)


def named_filter(percentile: float, size, shape: str, options: Options) -> RankFilter:
    """A filter as a command line asks for it: a shape is a name, or whatever a kernel is given by."""
    return RankFilter(chosen_footprint(size, shape), percentile, options)


def chosen_footprint(size, shape: str):
    """The footprint that a command line names: with a size one of the known shapes, else a kernel's cells."""
    from ..stages.ranking.footprint import SHAPES

    if shape.strip().lower() in SHAPES or size is not None:
        return make_footprint(size, shape)
    from ..kernel.argument import resolve

    return make_footprint(None, resolve(shape))
