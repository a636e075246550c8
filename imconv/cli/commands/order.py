"""`imconv median`, `min`, `max` and `rank`; `imconv open`, `close`, `gradient` and `tophat`."""

from __future__ import annotations

import click

from ..filtering import filter_picture
from ..options import filter_command, given, like_option

SHAPE_HELP = "A name: square, disk, plus, diamond, cross or ring; or cells of your own, as for apply --kernel, where 0, - and nan are none."


def _window(function):
    """Declare --size and --shape."""
    shape = click.option("--shape", default="square", show_default=True, metavar="SHAPE", help=SHAPE_HELP)
    size = click.option(
        "--size", default=None, metavar="K", help="K or ROWSxCOLUMNS; needed but for a shape of your own."
    )
    return size(shape(function))


def _rank(shared, percentile, size, shape) -> None:
    def make(options, width):
        from ...filters.order import named_filter

        return named_filter(percentile, size, shape, options)

    filter_picture(shared, make)


def _morphology(shared, operation, size, shape) -> None:
    def make(options, width):
        from ...filters.morphology import MorphologyFilter
        from ...filters.order import chosen_footprint

        return MorphologyFilter(operation, chosen_footprint(size, shape), options)

    filter_picture(shared, make)


@filter_command(
    "median",
    "imconv median in.png out.png --size 3",
    "imconv median in.png out.png --size 31          # 8 bits: as fast as 11",
    "imconv median in.png out.png --size 7 --shape disk",
    "imconv median in.png out.png --size 5 --like opencv",
    'imconv median in.png out.png --shape "- 1 -; 1 1 1; - 1 -"',
)
@_window
@like_option
def median(size, shape, like, **shared):
    """Remove specks: the median of the pixels around."""
    if like is not None:
        from ...filters.order import median_border

        shared["border"] = median_border(like, size, shape, given("border"))
    _rank(shared, 50, size, shape)


@filter_command(
    "min",
    "imconv min in.png out.png --size 3",
    "imconv min in.png out.png --size 1x61           # rows x columns: along rows",
    "imconv min in.png out.png --size 9 --shape disk",
)
@_window
def min_(size, shape, **shared):
    """Erode: the darkest of the pixels around."""
    _rank(shared, 0, size, shape)


@filter_command(
    "max",
    "imconv max in.png out.png --size 3",
    "imconv max in.png out.png --size 9 --shape diamond --border constant:0",
)
@_window
def max_(size, shape, **shared):
    """Take the brightest of the pixels around."""
    _rank(shared, 100, size, shape)


@filter_command(
    "rank",
    "imconv rank in.png out.png --percentile 25 --size 5",
    "imconv rank in.png out.png --percentile 90 --size 9 --shape ring",
)
@click.option("--percentile", required=True, metavar="P", help="0 the least, 50 the median, 100 the largest.")
@_window
def rank(percentile, size, shape, **shared):
    """Take a percentile of the pixels around."""
    _rank(shared, percentile, size, shape)


@filter_command(
    "open",
    "imconv open in.png out.png --size 5",
    "imconv open in.png out.png --size 9 --shape disk",
)
@_window
def open_(size, shape, **shared):
    """Open: remove what is brighter and smaller than a shape."""
    _morphology(shared, "opening", size, shape)


@filter_command(
    "close",
    "imconv close in.png out.png --size 5",
    "imconv close in.png out.png --size 9 --shape disk",
)
@_window
def close(size, shape, **shared):
    """Close: remove what is darker and smaller than a shape."""
    _morphology(shared, "closing", size, shape)


@filter_command(
    "gradient",
    "imconv gradient in.png out.png --size 3",
    "imconv gradient in.png out.png --size 3 --shape plus --range stretch",
)
@_window
def gradient(size, shape, **shared):
    """Outline: the largest minus the least of the pixels around."""
    _morphology(shared, "gradient", size, shape)


@filter_command(
    "tophat",
    "imconv tophat in.png out.png --size 15",
    "imconv tophat in.png out.png --size 15 --black",
)
@_window
@click.option("--black", is_flag=True, help="What is darker: the closing minus the picture.")
def tophat(size, shape, black, **shared):
    """Keep only what is brighter, or darker, and smaller than a shape."""
    _morphology(shared, "blackhat" if black else "tophat", size, shape)
