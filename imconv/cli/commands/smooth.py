"""`imconv blur` and `imconv box`."""

from __future__ import annotations

import click

from ...errors import OptionError
from ..filtering import filter_picture
from ..options import filter_command, given, like_option


@filter_command(
    "blur",
    "imconv blur in.png out.png --sigma 2",
    "imconv blur in.png out.png --sigma 1,5          # rows, columns",
    "imconv blur in.jpg out.jpg --sigma 3%           # of the width",
    "imconv blur in.tif out.tif --sigma fwhm:7 --border nearest",
    "imconv blur in.png half.png --sigma 1 --stride 2",
    "imconv blur in.png out.png --sigma 2 --like opencv",
)
@click.option(
    "--sigma", required=True, metavar="S", help="Standard deviation: pixels, SY,SX, 3%, fwhm:7 or opencv-ksize:9."
)
@click.option("--truncate", default=None, metavar="T", help="Radius in standard deviations.  [default: 4]")
@click.option(
    "--fast", is_flag=True, help="Take the coarse grid of wide 8-bit blurs for every type; --explain states the error."
)
@like_option
def blur(sigma, truncate, fast, like, **shared):
    """Blur with a Gaussian."""
    border = given("border")

    def make(options, width):
        from ...filters.blur_kernels import gaussian_kernel
        from ...filters.correlate import linear_filter

        if like is not None:
            from ...filters.like import blur_like

            if fast:
                raise OptionError(
                    "--fast does not go with --like, which takes another tool's sums; leave out one of them"
                )
            return blur_like(like, sigma, truncate, width, options, border)
        return linear_filter(gaussian_kernel(sigma, truncate, width, fast), options)

    filter_picture(shared, make)


@filter_command(
    "box",
    "imconv box in.png out.png --size 5",
    "imconv box in.png out.png --size 1x9            # rows x columns: along rows",
    "imconv box in.png tiles.png --size 8 --stride 8 --pad valid",
)
@click.option("--size", required=True, metavar="K", help="K or ROWSxCOLUMNS.")
@like_option
def box(size, like, **shared):
    """Blur with the mean over a box."""
    border = given("border")

    def make(options, width):
        from ...filters.blur_kernels import box_kernel
        from ...filters.correlate import linear_filter

        if like is not None:
            from ...filters.like import box_like

            return box_like(like, size, options, border)
        return linear_filter(box_kernel(size), options)

    filter_picture(shared, make)
