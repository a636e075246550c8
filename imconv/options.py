"""The options that every filter takes, their documentation, and the type of the result that follows from them."""

from __future__ import annotations

import inspect
import re
import sys
import warnings
from dataclasses import dataclass, fields
from fractions import Fraction
from functools import cache

import numpy as np

from .errors import KernelError, OptionError, nearest
from .files.picture import Picture
from .geometry import border as borders
from .geometry.axis import Axis, make_axes
from .geometry.sizes import parse_pad, parse_pair, parse_phase
from .pixels.alpha import check_alpha
from .pixels.arrays import AUTO, readable
from .pixels.arrays import given as given_image
from .pixels.depth import parse_depth, rescaled, white
from .pixels.exact import as_fraction
from .pixels.nodata import parse_nodata
from .pixels.rounding import check_range

NANS = ("keep", "ignore")
OWN = ("white",)  # options that no user gives
NAN_IGNORED = "nan='ignore'"  # what messages call it
NO_IGNORING = (
    f"{NAN_IGNORED} goes with means and ranks: blur, box, disk, motion, apply, correlate, median, rank, min, max, deviation and pool; "
    "other results need every sample of their window; leave out nan="
)

_IMAGE = """
image : array (H, W) or (H, W, C), or Picture
    C is 1 to 4. bool, uint8, uint16, float32 and float64 are filtered as they are; other integers are converted to float64
    first, float16 to float32. float64 rounds integers beyond 2^53, with a warning; ranks and morphology, whose results are
    samples of the picture or differences of two, stay exact. Any byte order and strides; the array itself is not changed.
    A PIL image of mode 1, L, LA, RGB, RGBA, I, I;16 or F is its array, with the alpha that it has; other modes are refused
    with the conversion, and objects of other libraries (torch, xarray, pandas ...) with the way to an array. Of a
    `numpy.ma` array masked samples are left out as with `nodata`, and stay masked; filters that can't do so refuse it.
"""

# the first sentence of each text is what the filters' own docstrings say of an option
_SHARED = """
out : array, optional
    The array that takes the result and is returned. It has the result's shape and type, and may be the image itself.
threads : int, optional
    Number of threads; default `IMCONV_THREADS`, else all cores. The result does not depend on it.
border : str, default "reflect"
    What lies outside the picture: reflect, mirror, nearest, constant:V, wrap or normalized. Also an alias, or another tool's
    name for it such as `"opencv:reflect"`::

{borders}
pad : "same", "valid", "full", int, (rows, columns) or (top, bottom, left, right), default "same"
    How far the picture is padded; the border fills the padding. The anchor matters for "same" only.
stride : int or (rows, columns), default 1
    Distance between two outputs, in pixels. With a stride s the result is the stride-1 result sampled at 0, s, 2 s ..., so it
    is shifted up and left against the picture by (s - 1) / 2 pixels.
stride_phase : "start" or "center", default "start"
    Where strides begin: at the first pixel, or in the middle of the first cell. center samples the stride-1 result at s // 2,
    s // 2 + s, ..., so that nothing is shifted. For an even s no pixel is in the middle; windows of even size
    (`box_blur(image, 8, stride=8)`) are centered exactly, those of odd size lie half a pixel below and to the right. The
    last, incomplete cell has a result only where its middle is in the picture.
dilation : int or (rows, columns), default 1
    Distance between two taps, in pixels.
anchor : (row, column), optional
    The tap that lies on the output pixel. Default: the kernel's own anchor, which is `size // 2` unless it has another.
offset : number, default 0
    Added to every result, in units of the result. It comes beside the kernel's own offset.
dtype : dtype, optional
    The result's type, default the image's; values are kept. Integers are rounded half up once, at the end, and saturated.
depth : "keep", 8, 16 or "float", default "keep"
    The result's type, with samples rescaled so that white stays white. uint8 has 0 to 255, uint16 0 to 65535, float32 0 to
    1: from 8 to 16 bits samples are multiplied by 257, bool becomes 0 and 255, in signed types white is the largest value.
    The weights are scaled by an exact fraction, so that results are still rounded only once, at the end. Offsets are in
    units of the result, border values and thresholds in units of the image.
alpha : "weight", "separate", "keep" or "unweighted", optional
    How the last channel counts if it is alpha. That is so for a Picture or PIL image with alpha, or with `has_alpha=True`.
    weight: colours are weighted by alpha, so transparent pixels don't colour their neighbours (default). separate: alpha is
    filtered like a colour. keep: as weight, but alpha stays as it is. unweighted: alpha stays as it is, and colours are not
    weighted, so that what is hidden under transparent pixels shows at their rims. Where all alpha under a kernel is 0, and
    for kernels whose weights sum to 0, colours are not weighted either; the latter leave alpha as it is. Ranks and
    morphology have no weights: for them it is separate (default) or unweighted. Deviations, local contrast and nan "ignore"
    have unweighted (default) or separate. Pools have no sample to keep alpha from: they average it.
has_alpha : bool, optional
    Whether the last channel is alpha; a Picture says so itself.
range : "clip", "abs", "offset", "stretch" or "error", default "clip"
    What is done with results outside the type's range. clip saturates them, abs takes absolute values, offset adds the
    middle of the range, stretch maps the smallest result to the range's lower end and the largest to its upper end, error
    raises.
linear : bool, default False
    Filter in linear light: decode samples, filter, encode again, and round once, at the end. The transfer function is the
    one that a Picture's file states, else sRGB's; float pixels count as linear already. Alpha is not decoded. Offsets and
    thresholds are then fractions of white, in linear light.
region : str "WxH+X+Y" or (width, height, x, y), optional
    Filter only this rectangle. Windows at its rim read the pixels around it.
mask : array (H, W) or (H, W, colours), or Picture, optional
    Filter only where this picture is white; grey blends. The result is `m * filtered + (1 - m) * original`, rounded once,
    where m is 1 for white (255, 65535, 1.0) and 0 for black. Integers whose largest sample is 1 count as a
    mask of 0 and 1, with a warning. The mask has the picture's size, or the region's.
channels : str such as "r,g" or "luma", or channel numbers from 0, optional
    Filter only these channels. "luma" is BT.709's, 0.2126 r + 0.7152 g + 0.0722 b: it is filtered, and its change is added
    to red, green and blue alike, so that colours keep their hue.
crop : bool, default False
    Return the region alone.
nan : "keep" or "ignore", default "keep"
    What is done with NaN in float pictures. keep: by IEEE arithmetic, so every window that holds a NaN becomes NaN.
    Ranks take NaN as larger than every number. ignore: means, ranks, pools and deviations are of the other samples of the
    window, in each channel by itself, which fills holes; a window of NaN only becomes NaN. To leave holes as they are, give
    `nodata=nan` instead. For smoothing and correlations, ignore needs the border "normalized", weights that are not
    negative, and the default pad, stride and dilation. Differences (edges, sharpening, Gabor) and morphology refuse it.
nodata : number, "auto" or None, default None
    The value of samples that are no measurements, also NaN; auto: the one that a Picture's TIFF states (GDAL's tag 42113).
    They are left out of every window, in each channel by itself (alpha has none), and stay as they are: means are
    re-weighted, ranks, pools and deviations are of the other samples. Where the result has another size than the picture it is no-data
    only where a window holds nothing else. For smoothing, correlations with weights that are not negative, ranks, pools,
    deviations and chains of these, with every border; not with depth, linear, range stretch and luma.
channel_axis : int or None, optional
    The axis of a 3-D array that holds the channels. Default: the last; 0 for planes first (any number of them), None for
    none.
"""

_RESULT = """
Returns
-------
array, or a Picture with the same metadata where one was given, or a masked array where one was given.

Raises
------
ImconvError
    Unknown names, impossible sizes, types that can't be filtered; the message is one line that says what to do.
"""


def documented(function):
    """Decorator: complete a filter's docstring in numpydoc's order, and its signature.

    The function's docstring has its own parameters in braces, `{parameters:name : text}`. They follow `image`; behind them
    each option of all filters has the first sentence of its text in `_SHARED`, and the drawing. Text before "Examples"
    becomes the notes.
    """
    function.__signature__ = _signature(function)
    head, _, rest = (inspect.getdoc(function) or "").partition("{parameters")
    own, _, tail = rest.partition("}")
    notes, header, examples = tail.partition("Examples\n--------\n")
    shared = [
        f"{title}\n    {brief}"
        for name, (title, brief) in _shared_options().items()
        if name in function.__signature__.parameters and f"\n{name} : " not in f"\n{own.lstrip(':')}"
    ]
    sections = [
        head.strip(),
        "\n".join(["Parameters", "----------", _IMAGE.strip(), own.lstrip(":").strip(), *shared]),
        "Every filter takes these options from `out` on; `help(imconv.Options)` explains them.",
        _RESULT.strip(),
    ]
    if notes.strip():
        sections.append(f"Notes\n-----\n{notes.strip()}")
    if header:
        sections.append(f"{header}{examples.strip()}")
    function.__doc__ = "\n\n".join(sections) + "\n"
    return function


@cache
def _shared_options() -> dict[str, tuple[str, str]]:
    """For each shared option the line with its type, and the first sentence of its text with the drawing below it."""
    found = {}
    for entry in re.split(r"\n(?=\w)", _shared_text()):
        title, _, text = entry.partition("\n")
        words, _, drawing = text.partition("::\n\n")
        first = re.match(r".*?\.(?=\s|$)", " ".join(words.split()))
        assert first, title
        found[title.split(" : ")[0]] = title, f"{first.group()[:-1]}::\n\n{drawing}" if drawing else first.group()
    return found


def _shared_text() -> str:
    drawing = "\n".join(f"        {line.rstrip()}" for line in borders.drawn().splitlines())
    return _SHARED.format(borders=drawing).strip()


def _signature(function) -> inspect.Signature:
    """The function's signature with every option in the place of `**options`, for help and editors."""
    own = inspect.signature(function)
    parameters = [each for each in own.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
    if len(parameters) < len(own.parameters):
        parameters += [
            inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default)
            for field in fields(Options)
            if field.name not in own.parameters and field.name not in OWN
        ]
    return own.replace(parameters=parameters)


@dataclass(frozen=True)
class Options:
    """The options that every filter takes as keywords: `imconv.median(image, 5, border="wrap", region="200x100+0+0")`.

    Parameters
    ----------
    {shared}
    """

    border: str | borders.Border = borders.DEFAULT
    pad: object = "same"
    stride: object = 1
    stride_phase: str = "start"
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
    nodata: object = None
    white: int | None = None  # a Picture's white (`Picture.maximum`) where it is not the type's; set by `apply` alone

    @property
    def selects(self) -> bool:
        """Whether a part of the picture is selected: a region, a mask or channels."""
        return self.crop or not (self.region is None and self.mask is None and self.channels is None)

    @property
    def symmetric(self) -> bool:
        """Whether no option names a place of the picture, or rows or columns alone; see `Filter.symmetric`."""
        if self.crop or self.region is not None or self.mask is not None:
            return False
        (rows, columns), (down, along) = parse_pad(self.pad), parse_pair(self.dilation, "dilation")
        even = isinstance(rows, str) or rows[0] == rows[1]
        # a stride counts from the first row and column, whatever its phase: turned, its last cell would be the first
        return rows == columns and even and down == along and parse_pair(self.stride, "stride") == (1, 1)

    def axes(self, shape: tuple[int, int], size: tuple[int, int], anchor: tuple[int, int]) -> tuple[Axis, Axis]:
        """Both axes of a window of this size, rows first, over a picture of this shape."""
        return make_axes(shape, size, anchor, self.pad, self.stride, self.dilation, self.stride_phase)

    def checked(self) -> Options:
        """Check every option that can be checked without a picture, and return self; OptionError for a wrong one."""
        borders.parse_border(self.border)
        parse_pad(self.pad)
        parse_pair(self.stride, "stride")
        parse_phase(self.stride_phase)
        parse_pair(self.dilation, "dilation")
        check_range(self.range)
        if self.alpha is not None:
            check_alpha(self.alpha)
        parse_depth(self.depth)
        if self.nan not in (None, *NANS):
            raise OptionError(f"nan must be {' or '.join(NANS)}, not {self.nan!r}{nearest(str(self.nan), NANS)}")
        parse_nodata(self.nodata)
        if self.selects:
            from .geometry.selection import selection_of

            selection_of(self)
        return self


assert Options.__doc__
Options.__doc__ = inspect.cleandoc(Options.__doc__).replace("{shared}", _shared_text())
DEFAULTS = Options()


def options_of(function: str, given: dict) -> Options:
    """Options from the `**options` of a public function; TypeError that names this function for an unknown keyword."""
    for name in given:
        if name not in Options.__dataclass_fields__ or name in OWN:
            raise TypeError(f"{function}() got an unexpected keyword argument {name!r}")
    if given.get("mask") is not None:
        mask, note = as_mask(given["mask"])
        given = {**given, "mask": mask}
        if note:
            warnings.warn(note, RuntimeWarning, stacklevel=_users_level())
    return Options(**given)


def as_mask(mask) -> tuple[Picture | np.ndarray, str | None]:
    """A mask as given, but with bool samples where they are whole and 0 and 1 alone; then with a note that says so.

    OptionError for what is neither array nor Picture. A mask of 0 and 1 in uint8 would count as 0 and 1/255.
    """
    if isinstance(mask, Picture):
        found = mask.in_full_range().pixels
    else:
        found, has_alpha, masked = given_image(mask, "a mask")
        if has_alpha or masked is not None:
            what = "has alpha" if has_alpha else "has masked samples"
            raise OptionError(f"a mask is grey or RGB, and all of it counts; this one {what}")
        mask = found
    if found.dtype.kind not in "iu" or not found.size or found.min() < 0 or found.max() != 1:
        return mask, None
    bits = found != 0
    note = f"the mask's largest sample is 1, not {white(found.dtype)}: it counts as a mask of 0 and 1"
    return (mask.replace(pixels=bits) if isinstance(mask, Picture) else bits), note


def _users_level() -> int:
    """How many calls above the caller of this function the user's own code is, as `warnings.warn` counts."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("imconv."):
        level, frame = level + 1, frame.f_back
    return level


def checked_offset(offset) -> Fraction:
    """The offset as a fraction; OptionError if it is not a finite number."""
    try:
        return as_fraction(offset)
    except KernelError:
        raise OptionError(f"offset must be a finite number, not {offset!r}") from None


def result_of(options: Options, image_type) -> tuple[np.dtype, Fraction]:
    """For an image of this type: the result's type, and the factor from the image's sample values to the result's."""
    if parse_depth(options.depth) == "keep":
        return _target(options.dtype, image_type), Fraction(1)
    if options.dtype is not None:
        raise OptionError("dtype= keeps values and depth= rescales them; give one of the two")
    readable(np.dtype(image_type))
    return rescaled(options.depth, image_type, options.white)


def _target(dtype, image_type: np.dtype) -> np.dtype:
    target = dtype_of(image_type if dtype is None else dtype).newbyteorder("=")
    readable(target)
    return target


def dtype_of(name) -> np.dtype:
    """The dtype for a name or type; OptionError if there is none."""
    try:
        return np.dtype(name)
    except TypeError:
        raise OptionError(f"dtype must name a pixel type such as 'uint8' or 'float32', not {name!r}") from None
