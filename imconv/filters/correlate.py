"""The public functions `correlate`, `convolve` and `plan`."""

from __future__ import annotations

from ..errors import OptionError
from ..filter import Filter
from ..kernel.kernel import Kernel, as_kernel
from ..options import Options, documented, dtype_of, options_of
from ..stages.convolution.filter import LinearFilter
from ..stages.convolution.plan import Plan
from .apply import apply


@documented
def correlate(image, kernel, *, anchor=None, like=None, out=None, threads=None, **options):
    """Correlate a picture with a kernel: `g(i, j) = sum_kl f(i + k - a, j + l - b) h(k, l)`, anchor (a, b).

    {parameters:kernel : Kernel, name of the library, or array (rows, columns)
    like : "scipy", "opencv", "pillow", "imagemagick", "vips" or "torch", optional
        Match that tool's result: its border, anchor of even sizes and rounding; alpha is filtered like a colour
        (ImageMagick weights by it). The direction stays this function's own. Other options you give override it.}

    For a 2-D float64 image this agrees with `scipy.ndimage.correlate(image, kernel, mode=border)` to rounding.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.correlate(np.array([[1., 2., 3.]]), [[1, 0, 0]], border="constant")
    array([[0., 1., 2.]])
    """
    return apply(_filter_of("correlate", kernel, anchor, like, options), image, out=out, threads=threads)


@documented
def convolve(image, kernel, *, anchor=None, like=None, out=None, threads=None, **options):
    """Convolve a picture with a kernel: `g(i, j) = sum_kl f(i - k + a, j - l + b) h(k, l)`, anchor (a, b).

    {parameters:kernel : Kernel, name of the library, or array (rows, columns)
    like : str, optional
        Match another tool's result, as in `correlate`.}

    For a 2-D float64 image this agrees with `scipy.ndimage.convolve(image, kernel, mode=border)` to rounding.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.convolve(np.array([[2, 8, 0, 4, 1, 9, 9, 0]], float), [[1, 3]])
    array([[14., 24.,  4., 13., 12., 36., 27.,  0.]])
    """
    return apply(_filter_of("convolve", kernel, anchor, like, options), image, out=out, threads=threads)


def _filter_of(function: str, kernel, anchor, like, given: dict) -> Filter:
    """The filter of `correlate` or `convolve` for their arguments; `given` are the options."""
    options, kernel = options_of(function, given), as_kernel(kernel, anchor=anchor)
    if like is not None:
        from .like import kernel_like

        direction = "convolution" if function == "convolve" else "correlation"
        border = given.get("border")
        return kernel_like(like, kernel, options, border, direction=direction, anchored=anchor is not None)
    return linear_filter(kernel.flipped() if function == "convolve" else kernel, options)


def plan(image_shape, dtype, kernel, *, convolve=True, anchor=None, has_alpha=False, **options) -> Plan:
    """The plan for filtering images of a shape and type: printable, immutable; `.execute(image)` runs it.

    Parameters
    ----------
    image_shape : (H, W) or (H, W, C)
    dtype : type of the image
    kernel : Kernel, name or 2-D array
    convolve : bool, default True
        False for correlation.
    anchor : (row, column), optional
        The tap that lies on the output pixel; default the kernel's own anchor.
    has_alpha : bool, default False
        Whether the last channel is alpha.
    **options
        border, pad, stride, dilation, offset, alpha, range and depth, as in `imconv.convolve`.

    Returns
    -------
    Plan

    Raises
    ------
    ImconvError
        As `imconv.convolve`, and for options that need the picture: linear, region, mask, channels, crop, nodata.

    Examples
    --------
    >>> import imconv
    >>> imconv.plan((512, 512, 3), "uint8", [[1] * 9] * 9).exact
    True
    """
    settings = options_of("plan", options)
    if settings.linear:
        raise OptionError("a plan knows no transfer function; decode the image and plan for float32, without linear=")
    if settings.selects:
        raise OptionError("a plan is for whole images; leave out region=, mask=, channels= and crop=")
    if settings.nodata is not None:
        raise OptionError("a plan of a kernel computes all samples; leave out nodata=")
    kernel = as_kernel(kernel, anchor=anchor)
    shape = tuple(int(n) for n in image_shape)
    if len(shape) not in (2, 3):
        raise OptionError(f"an image has shape (H, W) or (H, W, C), not {shape}")
    if has_alpha and (len(shape) == 2 or shape[2] not in (2, 4)):
        raise OptionError(f"an image with alpha has 2 or 4 channels, this one has shape {shape}")
    return LinearFilter(kernel.flipped() if convolve else kernel, settings).plan(shape, dtype_of(dtype), has_alpha)


def linear_filter(kernel: Kernel, options: Options) -> Filter:
    """The filter for a smoothing kernel: a LinearFilter, or an IgnoringFilter with the option nan "ignore"."""
    if options.nan in (None, "keep"):
        return LinearFilter(kernel, options)
    from ..composites.ignoring_nan import IgnoringFilter

    return IgnoringFilter(kernel, options.checked())
