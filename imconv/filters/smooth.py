"""Smoothing: Gaussian and box blur."""

from __future__ import annotations

from ..errors import OptionError
from ..filter import Filter
from ..options import documented, options_of
from .apply import apply
from .arguments import image_width
from .blur_kernels import box_kernel, gaussian_kernel
from .correlate import linear_filter


@documented
def gaussian_blur(image, sigma, *, truncate=None, fast=False, like=None, out=None, threads=None, **options):
    """Blur with a Gaussian along rows and columns: `h(x) = exp(-x^2 / (2 sigma^2))`, normalised to sum 1.

    {parameters:sigma : float, (rows, columns) or str
        Standard deviation in pixels, 0 to 10,000; 0 does not filter an axis. Also `"2,3"`, `"3%"` of the width,
        `"fwhm:7"` (full width at half maximum) and `"opencv-ksize:9"` (OpenCV's `0.3 ((k - 1) / 2 - 1) + 0.8`).
    truncate : float, optional
        Radius in standard deviations, `int(truncate * sigma + 0.5)` pixels; default 4, as scipy.ndimage.
    fast : bool, default False
        Compute Gaussians of sigma 10 and more on a coarse grid for every type: the cost hardly grows with sigma, and results lie
        within 7e-5 of the picture's range of the exact ones. 8-bit pictures take the grid anyway: it changes no level
        that is further than 0.02 from a tie.
    like : "scipy", "opencv", "pillow", "imagemagick", "vips" or "torch", optional
        Match that tool's result: its border, support, passes and rounding; alpha is filtered like a colour (ImageMagick
        weights by it). Other options you give override it.}

    Examples
    --------
    >>> import numpy as np, imconv
    >>> spot = np.zeros((5, 5)); spot[2, 2] = 1
    >>> imconv.gaussian_blur(spot, 0.8)[2].round(3).tolist()
    [0.011, 0.114, 0.249, 0.114, 0.011]
    """
    settings = options_of("gaussian_blur", options)
    width = image_width(image, settings.channel_axis)
    if like is not None:
        if fast:
            raise OptionError("fast= does not go with like=, which takes another tool's sums; leave out one of them")
        from .like import blur_like

        filter: Filter = blur_like(like, sigma, truncate, width, settings, options.get("border"))
    else:
        filter = linear_filter(gaussian_kernel(sigma, truncate, width, fast), settings)
    return apply(filter, image, out=out, threads=threads)


@documented
def box_blur(image, size, *, like=None, out=None, threads=None, **options):
    """Blur with a box: the mean over a rectangle of pixels.

    {parameters:size : int, (rows, columns) or str such as "3x5"
        An even size has `size // 2` pixels before the centre and one less after it (as scipy.ndimage.uniform_filter).
    like : str, optional
        Match another tool's result, as in `gaussian_blur`.}

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.box_blur(np.array([[0, 0, 9, 0, 0]], np.uint8), (1, 3))
    array([[0, 3, 3, 3, 0]], dtype=uint8)
    """
    settings = options_of("box_blur", options)
    if like is not None:
        from .like import box_like

        filter: Filter = box_like(like, size, settings, options.get("border"))
    else:
        filter = linear_filter(box_kernel(size), settings)
    return apply(filter, image, out=out, threads=threads)
