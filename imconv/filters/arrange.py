"""`crop`, `rotate` and `flip`: pixels at other places, none of them changed."""

from __future__ import annotations

from dataclasses import replace

from ..errors import OptionError, known
from ..options import Options, documented, options_of
from ..stages.pointwise.filter import ArrangedFilter
from .apply import apply
from .pointwise import ConvertFilter

# degrees clockwise: transposed, rows in reverse order, columns in reverse order
_TURNS = {0: (False, False, False), 90: (True, False, True), 180: (False, True, True), 270: (True, True, False)}
_FLIPS = {"horizontal": (False, False, True), "vertical": (False, True, False)}


@documented
def crop(image, region, *, out=None, threads=None, **options):
    """Cut a rectangle out of a picture.

    {parameters:region : str "WxH+X+Y" or (width, height, x, y)
        The rectangle: its size, then the column and the row of its upper left pixel.}

    `channels`, `mask`, `border`, `pad`, `stride` and `dilation` have no meaning here.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.crop(np.arange(12).reshape(3, 4), "2x1+1+2")
    array([[ 9, 10]])
    """
    return apply(crop_filter(region, options_of("crop", options)), image, out=out, threads=threads)


@documented
def rotate(image, angle, *, out=None, threads=None, **options):
    """Turn a picture clockwise by right angles.

    {parameters:angle : 0, 90, 180 or 270, also -90 or "90"
        In degrees, clockwise.}

    Options that change samples, or select a part of the picture, are refused.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.rotate(np.array([[1, 2, 3], [4, 5, 6]]), 90)
    array([[4, 1],
           [5, 2],
           [6, 3]])
    """
    return apply(rotate_filter(angle, options_of("rotate", options)), image, out=out, threads=threads)


@documented
def flip(image, direction="horizontal", *, out=None, threads=None, **options):
    """Mirror a picture.

    {parameters:direction : "horizontal" or "vertical", default "horizontal"
        horizontal: left becomes right. vertical: top becomes bottom.}

    Options that change samples, or select a part of the picture, are refused.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.flip(np.array([[1, 2, 3], [4, 5, 6]]))
    array([[3, 2, 1],
           [6, 5, 4]])
    """
    return apply(flip_filter(direction, options_of("flip", options)), image, out=out, threads=threads)


def crop_filter(region, options: Options) -> ConvertFilter:
    """The filter of `crop`."""
    if options.mask is not None or options.channels is not None:
        raise OptionError("crop takes all channels of a rectangle; leave out mask and channels")
    return ConvertFilter(replace(options, region=region, crop=True))


def rotate_filter(angle, options: Options) -> ArrangedFilter:
    """The filter of `rotate`."""
    try:
        turn = int(angle) % 360 if float(angle) == int(angle) else None
    except (TypeError, ValueError, OverflowError):
        turn = None
    if turn not in _TURNS:
        raise OptionError(f"the angle must be 90, 180 or 270 degrees, clockwise, not {angle!r}")
    return ArrangedFilter(options, *_TURNS[turn], f"rotate by {turn} degrees")


def flip_filter(direction, options: Options) -> ArrangedFilter:
    """The filter of `flip`."""
    word = known(str(direction).strip().lower(), "direction", tuple(_FLIPS))
    return ArrangedFilter(options, *_FLIPS[word], f"flip {word}")
