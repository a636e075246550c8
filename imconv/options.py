"""What every filter takes, under the names of the public functions; and their documentation, told once."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, fields
from fractions import Fraction

import numpy as np

from .errors import KernelError, OptionError, nearest
from .geometry import border as borders
from .geometry.sizes import parse_pad, parse_pair
from .pixels.alpha import check_alpha
from .pixels.arrays import AUTO, readable
from .pixels.depth import parse_depth, rescaled
from .pixels.exact import as_fraction
from .pixels.rounding import check_range

NANS = ("keep", "ignore")
NO_IGNORING = "nan ignore goes with smoothing: blur, box, disk, motion, apply and correlate; leave it out"

_PARAMETERS = """
    image : array (H, W) or (H, W, C), or Picture
        C is 1 to 4. bool, uint8, uint16, float32 and float64 are filtered as they are, other integers and float16
        through float64 (float16 through float32). A warning tells of integers beyond 2^53, which float64 rounds; ranks
        and morphology keep them, where they give samples of the picture or their differences. Any byte order and
        strides; never changed.
    {first}
    border : str, default "reflect"
        What lies outside the picture; a name, an alias or a dialect's name such as `"opencv:reflect"`::

{borders}
    pad : "same", "valid", "full", int, (rows, columns) or (top, bottom, left, right), default "same"
        How far the picture is padded, by the border. The anchor matters for "same" only.
    stride, dilation : int or (rows, columns), default 1
        Steps between outputs; distance between taps. "same" with a stride is the stride-1 result sampled at 0, s, 2 s ...
    anchor : (row, column), optional
        The tap over the output pixel, default the kernel's own, `size // 2`.
    offset : number, default 0
        Added to every result, and to the kernel's own offset, in output units.
    dtype : optional
        The result's type, default the image's. Integers are rounded half up once, at the end, and saturated.
    depth : "keep", 8, 16 or "float", default "keep"
        The result's type with its range: uint8 0 to 255, uint16 0 to 65535, float32 0 to 1. Where dtype keeps values,
        depth keeps white white (8 to 16 bits is times 257; bool becomes 0 and 255; in signed types white is the largest
        value). The weights are scaled by an exact fraction, so that there is still one rounding, at the very end.
        Offsets are in the result's units; border values and thresholds in the image's.
    out : array, optional
        Written to and returned; of the result's shape and type; may be the image itself.
    threads : int, optional
        Default: `IMCONV_THREADS`, else all cores. The result does not depend on it.
    alpha : "weight", "separate" or "keep", optional
        For a Picture with alpha, or with `has_alpha=True` (the last channel is alpha): colour weighted by alpha (default);
        every channel alike; alpha kept and colour unweighted.
    range : "clip", "abs", "offset", "stretch" or "error", default "clip"
        What becomes of results outside the type's range: saturated; their absolute value; shifted by mid-range; the
        whole result stretched to the range; an error.
    linear : bool, default False
        Filter in linear light: decode the transfer function that a Picture's file states, else sRGB's (float pixels
        count as linear already), filter, encode again; one rounding, at the end. Alpha is not decoded. Offsets and
        thresholds then are shares of white, in linear light.
    region : str "WxH+X+Y" or (width, height, x, y), optional
        Only this part of the picture changes; its neighbours outside are read.
    mask : array (H, W) or (H, W, colours), or Picture, optional
        Where and how much: `m * filtered + (1 - m) * original`, rounded once. White is 1 (255, 65535, 1.0), black 0. Of
        the picture's size, or of the region's.
    channels : str such as "r,g" or "luma", or channel numbers from 0, optional
        Only these change. "luma" is BT.709's, 0.2126 r + 0.7152 g + 0.0722 b: what the filter changes in it is added to
        red, green and blue alike, so that colours keep their hue.
    crop : bool, default False
        Give the region alone.
    nan : "keep" or "ignore", default "keep"
        What NaN in a float picture are: numbers by IEEE arithmetic, so that every window that holds one becomes NaN; or
        missing samples, which smoothing filters leave out (with the border "normalized", and weights that are not
        negative): the others are weighted anew, in each channel by itself, and a window without any is NaN. Then pad,
        stride and dilation stay as they are, and alpha is kept unless it is "separate".
    channel_axis : int or None, optional
        Where the channels are in a 3-D array: the last axis by default; 0 for planes first (any number of them).

    Returns
    -------
    array, or a Picture with the same metadata where one was given.

    Raises
    ------
    ImconvError
        Unknown names, impossible sizes, types that can't be filtered: one line that says what to do.
"""


def documented(function):
    """Fill `{parameters}` in a docstring; the first parameter's text is given as `{parameters:name : text}`."""
    text = inspect.getdoc(function) or ""
    head, _, rest = text.partition("{parameters")
    first, _, tail = rest.partition("}")
    drawing = "\n".join(f"            {line.rstrip()}" for line in borders.drawn().splitlines())
    body = inspect.cleandoc(
        "Parameters\n----------" + _PARAMETERS.format(first=first.lstrip(":").strip(), borders=drawing)
    )
    function.__doc__ = head + body + tail
    function.__signature__ = _signature(function)
    return function


def _signature(function) -> inspect.Signature:
    """The function's signature with every option in the place of `**options`, for help and editors."""
    own = inspect.signature(function)
    parameters = [each for each in own.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
    if len(parameters) < len(own.parameters):
        parameters += [
            inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default)
            for field in fields(Options)
            if field.name not in own.parameters
        ]
    return own.replace(parameters=parameters)


@dataclass(frozen=True)
class Options:
    """What every filter takes, under the names of the public functions."""

    border: str | borders.Border = borders.DEFAULT
    pad: object = "same"
    stride: object = 1
    dilation: object = 1
    offset: object = 0.0
    dtype: object = None
    alpha: str | None = None
    has_alpha: bool | None = None
    range: str = "clip"
    channel_axis: object = AUTO
    depth: object = None
    linear: bool = False
    region: object = None
    mask: object = None
    channels: object = None
    crop: bool = False
    nan: str | None = None

    @property
    def selects(self) -> bool:
        """Whether only a part of the picture is filtered."""
        return self.crop or not (self.region is None and self.mask is None and self.channels is None)

    def checked(self) -> Options:
        """These options, once every one that can be judged without a picture has been."""
        borders.parse_border(self.border)
        parse_pad(self.pad)
        parse_pair(self.stride, "stride")
        parse_pair(self.dilation, "dilation")
        check_range(self.range)
        if self.alpha is not None:
            check_alpha(self.alpha)
        parse_depth(self.depth)
        if self.nan not in (None, *NANS):
            raise OptionError(f"nan must be {' or '.join(NANS)}, not {self.nan!r}{nearest(str(self.nan), NANS)}")
        if self.selects:
            from .geometry.selection import selection_of

            selection_of(self)
        return self


DEFAULTS = Options()


def options_of(function: str, given: dict) -> Options:
    """Options from a public function's further keywords; TypeError in its name for one that does not exist."""
    for name in given:
        if name not in Options.__dataclass_fields__:
            raise TypeError(f"{function}() got an unexpected keyword argument {name!r}")
    return Options(**given)


def checked_offset(offset) -> Fraction:
    """An offset as a fraction; OptionError where it is no finite number."""
    try:
        return as_fraction(offset)
    except KernelError:
        raise OptionError(f"offset must be a finite number, not {offset!r}") from None


def result_of(options: Options, image_type) -> tuple[np.dtype, Fraction]:
    """The result's type for an image of this type, and what its samples are multiplied by to be in the result's units."""
    if parse_depth(options.depth) == "keep":
        return _target(options.dtype, image_type), Fraction(1)
    if options.dtype is not None:
        raise OptionError("dtype keeps values and depth rescales them; give one of the two")
    readable(np.dtype(image_type))
    return rescaled(options.depth, image_type)


def _target(dtype, image_type: np.dtype) -> np.dtype:
    target = dtype_of(image_type if dtype is None else dtype).newbyteorder("=")
    readable(target)
    return target


def dtype_of(name) -> np.dtype:
    try:
        return np.dtype(name)
    except TypeError:
        raise OptionError(f"dtype must name a pixel type such as 'uint8' or 'float32', not {name!r}") from None
