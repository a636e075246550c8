"""`imconv median`, `min`, `max` and `rank`; `imconv open`, `close`, `gradient` and `tophat`."""

from __future__ import annotations

from functools import cache

import click

from ..filtering import filter_command
from ..options import flag, given, like_option, setting, together
from ..places import teller

SHAPE_HELP = "Name of a shape: square, disk, plus, diamond, cross or ring. Or cells of your own, written as for apply --kernel. Cells that are 0, - or nan are left out."


_window = together(
    setting("--size", "K", "K or ROWSxCOLUMNS. Required, unless --shape gives the cells."),
    setting("--shape", "SHAPE", SHAPE_HELP, default="square"),
)


def _rank(shared, percentile, size, shape):
    from ...filters.order import named_filter

    tell = cache(teller(shared["quiet"]))  # once for all pages
    return lambda options, width: named_filter(percentile, size, shape, options, tell)


def _morphology(shared, operation, size, shape):
    from ...filters.morphology import MorphologyFilter
    from ...filters.order import chosen_footprint

    tell = cache(teller(shared["quiet"]))  # once for all pages
    return lambda options, width: MorphologyFilter(operation, chosen_footprint(size, shape, tell), options)


def _command(name: str, text: str, make, what, *examples: str) -> click.Command:
    """Declare a command with no other options than the window's; `make` is one of the functions above, `what` for it."""

    def run(shared, size, shape):
        return make(shared, what, size, shape)

    run.__doc__ = text
    return filter_command(name, *examples)(_window(run))


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
def median(shared, size, shape, like):
    """Remove specks: take the median of the pixels around."""
    if like is not None:
        from ...filters.order import median_border

        shared["border"] = median_border(like, size, shape, given("border"))
    return _rank(shared, 50, size, shape)


@filter_command(
    "rank",
    "imconv rank in.png out.png --percentile 25 --size 5",
    "imconv rank in.png out.png --percentile 90 --size 9 --shape ring",
)
@setting("--percentile", "P", "0 is the smallest, 50 the median, 100 the largest.", required=True)
@_window
def rank(shared, percentile, size, shape):
    """Take a percentile of the pixels around."""
    return _rank(shared, percentile, size, shape)


@filter_command(
    "tophat",
    "imconv tophat in.png out.png --size 15",
    "imconv tophat in.png out.png --size 15 --black",
)
@_window
@flag("--black", "Keep what is darker: the closing minus the picture.")
def tophat(shared, size, shape, black):
    """Keep only what is smaller than a shape, and brighter or darker."""
    return _morphology(shared, "blackhat" if black else "tophat", size, shape)


min_ = _command(
    "min", "Erode: take the darkest of the pixels around.", _rank, 0,
    "imconv min in.png out.png --size 3",
    "imconv min in.png out.png --size 1x61           # rows x columns: along rows",
    "imconv min in.png out.png --size 9 --shape disk",
)  # fmt: skip
max_ = _command(
    "max", "Take the brightest of the pixels around.", _rank, 100,
    "imconv max in.png out.png --size 3",
    "imconv max in.png out.png --size 9 --shape diamond --border constant:0",
)  # fmt: skip
open_ = _command(
    "open", "Open: remove bright spots that are smaller than a shape.", _morphology, "opening",
    "imconv open in.png out.png --size 5",
    "imconv open in.png out.png --size 9 --shape disk",
)  # fmt: skip
close = _command(
    "close", "Close: remove dark spots that are smaller than a shape.", _morphology, "closing",
    "imconv close in.png out.png --size 5",
    "imconv close in.png out.png --size 9 --shape disk",
)  # fmt: skip
gradient = _command(
    "gradient", "Outline: the largest minus the smallest of the pixels around.", _morphology, "gradient",
    "imconv gradient in.png out.png --size 3",
    "imconv gradient in.png out.png --size 3 --shape plus --range stretch",
)  # fmt: skip
