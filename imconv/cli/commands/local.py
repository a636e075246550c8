"""`imconv bilateral`, `imconv guided`, `imconv deviation` and `imconv contrast`."""

from __future__ import annotations

import click

from ..checked import checked_limits
from ..filtering import filter_command
from ..options import setting


@filter_command(
    "bilateral",
    "imconv bilateral in.png out.png --sigma 3 --sigma-range 10%",
    "imconv bilateral in.jpg out.jpg --sigma 3 --sigma-range 10% --radius 4   # faster",
)
@setting("--sigma", "S", "Standard deviation of the distance, in pixels.", required=True)
@setting(
    "--sigma-range",
    "R",
    "Standard deviation of the difference over all channels: in sample units, with --linear too, or 10% of white.",
    required=True,
)
@setting("--radius", "N", "Radius of the round window, in pixels, up to 100.  [default: 3 sigma]")
def bilateral(shared, sigma, sigma_range, radius):
    """Smooth and keep edges: a mean of near and similar pixels.

    Pixels have less weight the farther away they are, and the more their colour differs (by Euclidean distance) from
    that of the pixel in the middle. --pad, --stride and --dilation are refused.
    """
    from ...filters.bilateral import bilateral_filter

    return lambda options, width: bilateral_filter(sigma, sigma_range, radius, options)


@filter_command(
    "guided",
    "imconv guided in.png out.png --radius 8 --threshold 10%",
    "imconv guided in.png out.png --radius 40 --threshold 3% --border normalized",
)
@setting("--radius", "N", "Radius N of the boxes, up to 2000: they have (2N+1) x (2N+1) pixels.", required=True)
@setting(
    "--threshold",
    "T",
    "Differences below it are smoothed away: in sample units, or 10% of white.",
    required=True,
)
@setting("--guide", "FILE", "A grey picture whose edges are kept.  [default: each channel's own]", type=click.Path())
def guided(shared, radius, threshold, guide):
    """Smooth and keep a guide's edges, at any radius in the same time.

    The border normalized leaves out pixels outside the picture, as the paper does. --pad, --stride and --dilation are
    refused.
    """
    from ...filters.guided import guided_filter

    def picture():
        from ... import files

        limits = checked_limits(shared["max_pixels"], shared["max_memory"], shared["truncated"])
        return files.read(guide, auto_orient=True, **limits)

    return lambda options, width: guided_filter(radius, threshold, None if guide is None else picture(), options)


@filter_command(
    "deviation",
    "imconv deviation in.png out.png --size 5",
    "imconv deviation in.png out.png --size 9x9 --range stretch",
)
@setting("--size", "K", "K or ROWSxCOLUMNS.", required=True)
def deviation(shared, size):
    """Show the standard deviation over a box around each pixel.

    Alpha is kept. --pad, --stride and --dilation are refused.
    """
    from ...filters.local import DeviationFilter
    from ...geometry.sizes import parse_window_size

    return lambda options, width: DeviationFilter(options, parse_window_size(size))


@filter_command(
    "contrast",
    "imconv contrast in.png out.png --sigma 8",
    "imconv contrast in.png out.png --sigma 8 --floor 2% --gain 40",
)
@setting("--sigma", "S", "Sigma of the Gaussian: pixels, SY,SX, 3%, fwhm:7 or opencv-ksize:9.", required=True)
@setting(
    "--floor",
    "C",
    "Smallest deviation to divide by, so that noise isn't amplified: in sample units, or 1% of white.  [default: 1%]",
)
@setting(
    "--gain", "G", "What one standard deviation becomes in the result.  [default: 1; for integers an eighth of white]"
)
def contrast(shared, sigma, floor, gain):
    """Normalise local contrast: divide differences by the deviation.

    The difference of a pixel to its surroundings' mean is divided by their standard deviation; without --range, mid-grey is
    none. Alpha is kept. --linear, --pad, --stride and --dilation are refused.
    """
    from ...filters.local import contrast_filter

    return lambda options, width: contrast_filter(
        sigma, floor, gain, shared["range_"] and options.range, width, options
    )
