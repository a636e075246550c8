"""`imconv blur` and `imconv box`."""

from __future__ import annotations

from ...errors import OptionError
from ..filtering import filter_command
from ..options import flag, given, like_option, setting


@filter_command(
    "blur",
    "imconv blur in.png out.png --sigma 2",
    "imconv blur in.png out.png --sigma 1,5          # rows, columns",
    "imconv blur in.jpg out.jpg --sigma 3%           # of the width",
    "imconv blur in.tif out.tif --sigma fwhm:7 --border nearest",
    "imconv blur in.png third.png --sigma 1.5 --stride 3 --stride-phase center",
    "imconv blur in.png out.png --sigma 2 --like opencv",
)
@setting("--sigma", "S", "Standard deviation: pixels, SY,SX, 3%, fwhm:7 or opencv-ksize:9.", required=True)
@setting("--truncate", "T", "Radius in standard deviations.  [default: 4]")
@flag("--fast", "Take the coarse grid of wide 8-bit blurs for every type; --explain states the error.")
@like_option
def blur(shared, sigma, truncate, fast, like):
    """Blur with a Gaussian."""
    if fast and like is not None:
        raise OptionError("--fast does not go with --like, which takes another tool's sums; leave out one of them")
    if like is not None:
        from ...filters.like import blur_like

        border = given("border")
        return lambda options, width: blur_like(like, sigma, truncate, width, options, border)
    from ...filters.blur_kernels import gaussian_kernel
    from ...filters.correlate import linear_filter

    return lambda options, width: linear_filter(gaussian_kernel(sigma, truncate, width, fast), options)


@filter_command(
    "box",
    "imconv box in.png out.png --size 5",
    "imconv box in.png out.png --size 1x9            # rows x columns: along rows",
    "imconv box in.png tiles.png --size 8 --stride 8 --pad valid",
)
@setting("--size", "K", "K or ROWSxCOLUMNS.", required=True)
@like_option
def box(shared, size, like):
    """Blur with the mean over a box."""
    if like is not None:
        from ...filters.like import box_like

        border = given("border")
        return lambda options, width: box_like(like, size, options, border)
    from ...filters.blur_kernels import box_kernel
    from ...filters.correlate import linear_filter

    return lambda options, width: linear_filter(box_kernel(size), options)
