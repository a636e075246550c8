"""`imconv convert`, `grey`, `invert`, `flatten`, `crop`, `rotate`, `flip` and `strip`: filters without windows."""

from __future__ import annotations

import click

from ...geometry.border import DEFAULT
from ..batch.options import TRIAL
from ..filtering import filter_command
from ..options import FilterCommand, flag, setting

_WINDOWS = ("--border", "--pad", "--stride", "--stride-phase", "--dilation", "--alpha", "--nan", "--nodata")
_PARTS = ("--region", "--crop", "--mask", "--channels")
_VALUES = ("--depth", "--range", "--linear")


class _NoBorders(FilterCommand):
    has_borders = False


def _command(name: str, *examples: str, without: tuple[str, ...] = ()):
    """Declare a command for a filter without a window; `without` are further shared options that it does not have."""
    return filter_command(name, *examples, cls=_NoBorders, without=(*_WINDOWS, *without))


def _completed(shared: dict) -> None:
    """Set the shared options that the command does not have to their defaults."""
    defaults = {
        "border": DEFAULT, "pad": "same", "stride": "1", "dilation": "1", "alpha": None, "nan": "keep", "nodata": None,
        "region": None, "crop": False, "mask": None, "channels": None, "depth": "keep", "range_": None, "linear": False,
    }  # fmt: skip
    for name, value in defaults.items():
        shared.setdefault(name, value)


@_command(
    "convert",
    "imconv convert in.png out.jpg",
    "imconv convert in.png out.tif --depth 16",
    "imconv convert in.png out.jpg --quality 90 --background white",
    "imconv convert in.jpg out.png --to-srgb",
    without=(*_PARTS, "--linear"),
)
@flag("--to-srgb", "Convert colors from the picture's ICC profile to sRGB, CMYK too; 8 bits.")
def convert(shared, to_srgb):
    """Write a picture in another format or depth, without filtering it.

    Pixels and metadata are kept as far as the format of OUTPUT can hold them; the rest is named.
    """
    from ...filters.pointwise import ConvertFilter

    _completed(shared)
    shared["to_srgb"] = to_srgb
    return lambda options, width: ConvertFilter(options)


@_command(
    "grey",
    "imconv grey in.png out.png",
    "imconv grey in.jpg out.jpg --linear             # by light, as film sees it",
    "imconv grey in.png out.png --weights bt601",
    "imconv grey in.png red.png --weights 1,0,0",
    without=_PARTS,
)
@setting("--weights", "W", "Shares of red, green and blue: bt709, bt601, mean, or R,G,B.", default="bt709")
def grey(shared, weights):
    """Make a picture grey, with one channel.

    Alpha stays as it is. With --linear light is added, without it encoded samples, as most tools do it.
    """
    from ...filters.pointwise import GreyFilter, parse_weights

    _completed(shared)
    parsed = parse_weights(weights)
    return lambda options, width: GreyFilter(options, weights=parsed)


@_command(
    "invert",
    "imconv invert in.png out.png",
    "imconv invert in.png out.png --channels r",
)
def invert(shared):
    """Invert a picture, as a negative.

    Each result is white minus the sample. Alpha stays as it is.
    """
    from ...filters.pointwise import InvertFilter

    _completed(shared)
    return lambda options, width: InvertFilter(options)


@_command(
    "flatten",
    "imconv flatten in.png out.jpg",
    "imconv flatten in.png out.png --background '#336699'",
    "imconv flatten in.png out.png --background 50% --linear",
    without=(*_PARTS, "--background"),
)
@setting(
    "--background", "COLOR", "White, or another name, #rrggbb, per cents of white, or sample values.", default="white"
)
def flatten(shared, background):
    """Lay a picture with transparency over a background.

    A picture without alpha stays as it is.
    """
    from ...filters.pointwise import FlattenFilter
    from ...pixels.colours import parse_background

    _completed(shared)
    colour = parse_background(background)
    return lambda options, width: FlattenFilter(options, background=colour)


@_command(
    "crop",
    "imconv crop in.png out.png --size 20x15+10+5",
    without=(*_PARTS, "--linear"),
)
@setting(
    "--size", "WxH+X+Y", "The rectangle: width x height, then column and row of its upper left pixel.", required=True
)
def crop(shared, size):
    """Cut a rectangle out of a picture.

    It refers to the picture as a viewer shows it.
    """
    from ...filters.arrange import crop_filter

    _completed(shared)
    return lambda options, width: crop_filter(size, options)


@_command(
    "rotate",
    "imconv rotate in.jpg out.jpg --angle 90",
    "imconv rotate in.png out.png --angle -90",
    without=(*_PARTS, *_VALUES),
)
@setting("--angle", "DEG", "90, 180 or 270 degrees, clockwise; -90 is 270.", required=True)
def rotate(shared, angle):
    """Turn a picture clockwise by right angles."""
    from ...filters.arrange import rotate_filter

    _completed(shared)
    return lambda options, width: rotate_filter(angle, options)


@_command(
    "flip",
    "imconv flip in.png out.png",
    "imconv flip in.png out.png --direction vertical",
    without=(*_PARTS, *_VALUES),
)
@setting("--direction", "D", "Horizontal: left becomes right. Vertical: top becomes bottom.", default="horizontal")
def flip(shared, direction):
    """Mirror a picture."""
    from ...filters.arrange import flip_filter

    _completed(shared)
    return lambda options, width: flip_filter(direction, options)


@_command(
    "strip",
    "imconv strip in.jpg out.jpg",
    "imconv strip in.jpg out.jpg --keep icc",
    without=(*_PARTS, *_VALUES, "--strip", "--auto-orient", "--explain"),
)
@setting("--keep", "icc", "Keep the color profile.")
def strip(shared, keep):
    """Remove a picture's metadata; its pixels stay as they are.

    EXIF with places and thumbnails, XMP, IPTC, comments, profiles and further pictures are left out. From JPEG to JPEG
    the coded pixels are copied, and an orientation stays; all other pictures are written anew, and turned upright.
    """
    from ...errors import known
    from ...filters.pointwise import ConvertFilter
    from ..stripping import strip_copying

    _completed(shared)
    kept = None if keep is None else known(keep, "kind of metadata to keep", ("icc",))
    shared.update(strip="icc" if kept else True, auto_orient=True, explain=False)
    obj = click.get_current_context().obj
    if not (isinstance(obj, list) or obj is TRIAL) and strip_copying(shared):
        return None
    return lambda options, width: ConvertFilter(options)
