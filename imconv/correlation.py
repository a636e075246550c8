"""Correlation and convolution of arrays and pictures: options in, a plan made and executed, the same kind out."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from . import border as borders
from .depth import parse_depth, rescaled
from .errors import KernelError, OptionError
from .geometry import make_axes, parse_pad, parse_pair
from .kernel import Kernel, as_kernel
from .planner import Plan, check_alpha, check_range, make_plan
from .rational import as_fraction
from .rounding import Tally, warn_of_nans

AUTO = "auto"

_PARAMETERS = """
    image : array (H, W) or (H, W, C), or Picture
        C is 1 to 4. bool, uint8, uint16, float32 and float64 are filtered as they are, other integers and float16
        through float64 (float16 through float32). Any strides; never changed.
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
    text = inspect.getdoc(function)
    head, _, rest = text.partition("{parameters")
    first, _, tail = rest.partition("}")
    drawing = "\n".join(f"            {line.rstrip()}" for line in borders.drawn().splitlines())
    body = inspect.cleandoc(
        "Parameters\n----------" + _PARAMETERS.format(first=first.lstrip(":").strip(), borders=drawing)
    )
    function.__doc__ = head + body + tail
    return function


@documented
def correlate(
    image, kernel, *, border="reflect", pad="same", stride=1, dilation=1, anchor=None, offset=0.0, dtype=None, out=None,
    threads=None, alpha=None, has_alpha=None, range="clip", channel_axis=AUTO, depth=None, linear=False,
):  # fmt: skip
    """Correlate a picture with a kernel: `g(i, j) = sum_kl f(i + k - a, j + l - b) h(k, l)`, anchor (a, b).

    {parameters:kernel : Kernel, name of the library, or array (rows, columns)}

    For a 2-D float64 image this agrees with `scipy.ndimage.correlate(image, kernel, mode=border)` to rounding.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.correlate(np.array([[1., 2., 3.]]), [[1, 0, 0]], border="constant")
    array([[0., 1., 2.]])
    """
    options = Options(
        border, pad, stride, dilation, offset, dtype, alpha, has_alpha, range, channel_axis, depth, linear
    )
    return LinearFilter(as_kernel(kernel, anchor=anchor), options).apply(image, out=out, threads=threads)


@documented
def convolve(
    image, kernel, *, border="reflect", pad="same", stride=1, dilation=1, anchor=None, offset=0.0, dtype=None, out=None,
    threads=None, alpha=None, has_alpha=None, range="clip", channel_axis=AUTO, depth=None, linear=False,
):  # fmt: skip
    """Convolve a picture with a kernel: `g(i, j) = sum_kl f(i - k + a, j - l + b) h(k, l)`, anchor (a, b).

    {parameters:kernel : Kernel, name of the library, or array (rows, columns)}

    For a 2-D float64 image this agrees with `scipy.ndimage.convolve(image, kernel, mode=border)` to rounding.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.convolve(np.array([[2, 8, 0, 4, 1, 9, 9, 0]], float), [[1, 3]])
    array([[14., 24.,  4., 13., 12., 36., 27.,  0.]])
    """
    options = Options(
        border, pad, stride, dilation, offset, dtype, alpha, has_alpha, range, channel_axis, depth, linear
    )
    return LinearFilter(as_kernel(kernel, anchor=anchor).flipped(), options).apply(image, out=out, threads=threads)


def plan(image_shape, dtype, kernel, *, convolve=True, anchor=None, has_alpha=False, **options) -> Plan:
    """How imconv would filter such an image: a Plan, printable and immutable; `.execute(image)` runs it.

    Parameters
    ----------
    image_shape : (H, W) or (H, W, C)
    dtype : the image's
    kernel : Kernel, name or 2-D array
    convolve : bool, default True
        False for correlation.
    anchor, has_alpha, options
        As in `imconv.convolve`: border, pad, stride, dilation, offset, alpha, range, depth; `dtype` is the image's.

    Examples
    --------
    >>> import imconv
    >>> imconv.plan((512, 512, 3), "uint8", [[1] * 9] * 9).exact
    True
    """
    settings = options_of("plan", options)
    if settings.linear:
        raise OptionError("a plan knows no transfer function; decode the image and plan for float32, without linear")
    kernel = as_kernel(kernel, anchor=anchor)
    shape = tuple(int(n) for n in image_shape)
    if len(shape) not in (2, 3):
        raise OptionError(f"an image has shape (H, W) or (H, W, C), not {shape}")
    if has_alpha and (len(shape) == 2 or shape[2] not in (2, 4)):
        raise OptionError(f"an image with alpha has 2 or 4 channels, this one has shape {shape}")
    return LinearFilter(kernel.flipped() if convolve else kernel, settings).plan(shape, _dtype(dtype), has_alpha)


@dataclass(frozen=True)
class Options:
    """What every filter takes, under the names of the public functions."""

    border: str = borders.DEFAULT
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
        return self


def options_of(function: str, given: dict) -> Options:
    """Options from a public function's further keywords; TypeError in its name for one that does not exist."""
    for name in given:
        if name not in Options.__dataclass_fields__:
            raise TypeError(f"{function}() got an unexpected keyword argument {name!r}")
    return Options(**given)


@dataclass(frozen=True)
class LinearFilter:
    """A kernel to correlate with, and how: what every linear filter comes down to.

    `point`, if given, is called with the filtered and the original values of a band and returns what is rounded
    instead, and has `scaled(factor)` for samples in other units; `gain` is how much it enlarges an error.
    """

    kernel: Kernel
    options: Options = Options()
    point: Callable | None = None
    gain: float = 1.0
    scale: Fraction | None = None  # instead of the one that the depth asks for

    def plan(self, shape, image_type: np.dtype, has_alpha: bool) -> Plan:
        """The plan for an array (H, W) or (H, W, C) of this type."""
        options, kernel = self.options, self.kernel
        if not (isinstance(options.offset, (int, float)) and options.offset == 0):
            kernel = kernel.replace(offset=kernel.offset + checked_offset(options.offset))
        if options.alpha is not None:
            check_alpha(options.alpha)
        target, scale = self._result(image_type)
        return make_plan(
            kernel,
            make_axes(shape[:2], kernel.shape, kernel.anchor, options.pad, options.stride, options.dilation),
            shape[2] if len(shape) == 3 else 1,
            readable(image_type),
            target,
            borders.parse_border(options.border),
            alpha=(options.alpha or "weight") if has_alpha else "none",
            range=options.range,
            gain=self.gain,
            scale=scale,
        )

    def result_type(self, image_type: np.dtype) -> np.dtype:
        """The type of the result for an image of this type."""
        return self._result(image_type)[0]

    def _result(self, image_type) -> tuple[np.dtype, Fraction]:
        options = self.options
        if parse_depth(options.depth) == "keep":
            return _target(options.dtype, image_type), self.scale or Fraction(1)
        if options.dtype is not None:
            raise OptionError("dtype keeps values and depth rescales them; give one of the two")
        readable(image_type)
        target, scale = rescaled(options.depth, image_type)
        return target, scale if self.scale is None else self.scale

    def factor(self, image_type: np.dtype) -> Fraction:
        """What samples of this type are multiplied by to be in the result's units."""
        return self._result(image_type)[1]

    def conversion(self, mode: str, image_type: np.dtype, metadata=None):
        """What a picture goes through around this filter, a `Conversion`, or None where the filter is applied as it is.

        `mode` is the Picture's, `metadata` what its file said.
        """
        return conversion(self, mode, image_type, metadata)

    def in_light(self, light) -> LinearFilter:
        """This filter for what a `Conversion` decodes: border, offsets and thresholds converted."""
        kernel = self.kernel.replace(offset=self.kernel.offset / light.result_white)
        point = self.point and self.point.scaled(1 / light.image_white)
        return replace(self, kernel=kernel, options=light.options(self.options), point=point)

    def extra_bytes(self, plan: Plan) -> int:
        """Bytes per sample that a run takes beyond the picture and the result."""
        return 8 if plan.range == "stretch" else 0

    def apply(self, image, *, out=None, threads=None, tally: Tally | None = None, progress=None):
        """Filter an array or a Picture; the same kind comes back. `tally` and `progress` as in `executor.execute`."""
        return apply_filter(self, image, out, threads, tally, progress)

    def run(self, plan: Plan, image: np.ndarray, **how) -> np.ndarray:
        """Run its plan over an array, channels last, of the type that is planned for; `how` as in `executor.execute`."""
        from .executor import execute

        return execute(plan, image, point=self._point(plan), **how)

    def in_bands(self, plan: Plan, bands: Iterator[np.ndarray], *, threads=None, tally=None, progress=None):
        """What `apply` gives, in bands, for a picture whose rows come in bands and for which `plan` was made."""
        from .streaming import execute_rows

        point = self._point(plan)

        def execute(rows, count):
            return execute_rows(plan, rows, threads=threads, point=point, tally=count, progress=progress)

        yield from bands_of(plan, bands, tally, execute)

    def compares(self, plan: Plan) -> bool:
        """Whether what comes in is compared with what goes out, so that it must be kept until then."""
        return self.point is not None

    def _point(self, plan: Plan):
        return self.point if self.point is None or plan.scale == 1 else self.point.scaled(plan.scale)


def apply_filter(filter, image, out, threads, tally: Tally | None, progress):
    """`LinearFilter.apply` for any filter with `options`, `plan`, `run` and `in_light`."""
    how = {"threads": threads, "tally": tally, "progress": progress}
    options = filter.options
    if options.linear:
        from .conversion import apply_in_light

        return apply_in_light(filter, image, out=out, **how)
    if hasattr(image, "pixels"):
        if out is not None:
            raise OptionError("out goes with an array, not with a Picture")
        return image.filtered(_apply(filter, image.pixels, image.has_alpha, None, how))
    if options.alpha not in (None, "separate") and options.has_alpha is None:
        check_alpha(options.alpha)
        raise OptionError("alpha needs has_alpha=True or a Picture: an array does not say which channel is alpha")
    return _apply(filter, as_array(image), bool(options.has_alpha), out, how)


def _apply(filter, image: np.ndarray, has_alpha: bool, out, how: dict) -> np.ndarray:
    source = readable(image.dtype)
    axis = channel_axis(image, filter.options.channel_axis)
    if has_alpha and (axis is None or image.shape[axis] not in (2, 4)):
        raise OptionError(f"an image with alpha has 2 or 4 channels, this one has shape {image.shape}")
    work = image if axis is None else np.moveaxis(image, axis, -1)
    if source != image.dtype:
        work = work.astype(source)
    plan = filter.plan(work.shape, image.dtype, has_alpha)
    counts_nan, count = _counting(plan, how["tally"])
    last = axis is None or axis % image.ndim == image.ndim - 1
    given = out
    if out is not None and not last and isinstance(out, np.ndarray) and out.ndim == image.ndim:
        out = np.moveaxis(out, axis, -1)
    result = filter.run(plan, work, out=out, **{**how, "tally": count})
    if counts_nan and count.nans:
        warn_of_nans(count.nans, 6)
    if given is not None:
        return given
    return result if last else np.ascontiguousarray(np.moveaxis(result, -1, axis))


def bands_of(plan, bands: Iterator[np.ndarray], tally: Tally | None, execute) -> Iterator[np.ndarray]:
    """What `execute(rows, tally)` gives for bands in the type that is planned for; in the end NaN that got lost is told."""
    counts_nan, count = _counting(plan, tally)
    yield from execute((band.astype(plan.source, copy=False) for band in bands), count)
    if counts_nan and count.nans:
        warn_of_nans(count.nans)


def _counting(plan: Plan, tally: Tally | None) -> tuple[bool, Tally | None]:
    """Whether NaN can get lost, and what counts them then."""
    counts = np.dtype(plan.source).kind == "f" and np.dtype(plan.target).kind != "f"
    return counts, Tally() if counts and tally is None else tally


def conversion(filter, mode: str, image_type: np.dtype, metadata):
    """`LinearFilter.conversion` for any filter with `options`, `result_type` and `in_light`."""
    if not filter.options.linear:
        return None
    from .conversion import conversion_of

    return conversion_of(filter, mode, image_type, metadata)


def as_array(image) -> np.ndarray:
    """What was given as an image, as an array; OptionError where that can't be."""
    try:
        return np.asarray(image)
    except (TypeError, ValueError):
        raise OptionError("an image needs rows of the same length, of numbers") from None


def checked_offset(offset) -> Fraction:
    """An offset as a fraction; OptionError where it is no finite number."""
    try:
        return as_fraction(offset)
    except KernelError:
        raise OptionError(f"offset must be a finite number, not {offset!r}") from None


def channel_axis(image: np.ndarray, axis) -> int | None:
    """Which axis holds the channels, None for grey; OptionError where that can't be told."""
    if image.ndim == 2:
        if axis not in (AUTO, None):
            raise OptionError("a 2-D image has no channel axis; leave channel_axis out")
        return None
    if image.ndim != 3:
        raise OptionError(f"an image has shape (H, W) or (H, W, C), not {image.shape}")
    if axis is None:
        raise OptionError(f"channel_axis=None takes 2-D images; this one has shape {image.shape}")
    if axis == AUTO:
        if not 1 <= image.shape[2] <= 4:
            raise OptionError(
                f"the last axis of shape {image.shape} is no channel axis (1 to 4); for planes first use channel_axis=0"
            )
        return 2
    if not isinstance(axis, (int, np.integer)) or not -3 <= axis < 3:
        raise OptionError(f"channel_axis must be 0, 1, 2 or None, not {axis!r}")
    if image.shape[axis] == 0:
        raise OptionError("an image needs at least one channel")
    return int(axis)


def readable(dtype: np.dtype) -> np.dtype:
    """The native type a picture is planned in: float16 widens to float32; what has no order or is longer is refused."""
    if dtype == np.float16:
        return np.dtype(np.float32)
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise OptionError(f"pixels must be bool, integers or floats of up to 64 bits, not {dtype}")
    return dtype.newbyteorder("=")


def _target(dtype, image_type: np.dtype) -> np.dtype:
    target = _dtype(image_type if dtype is None else dtype).newbyteorder("=")
    readable(target)
    return target


def _dtype(name) -> np.dtype:
    try:
        return np.dtype(name)
    except TypeError:
        raise OptionError(f"dtype must name a pixel type such as 'uint8' or 'float32', not {name!r}") from None
