"""`imconv sharpen` and `imconv unsharp`."""

from __future__ import annotations

from ..filtering import filter_command
from ..options import setting


@filter_command(
    "sharpen",
    "imconv sharpen in.png out.png",
    "imconv sharpen in.png out.png --amount 0.5",
)
@setting("--amount", "A", "Strength; 0 leaves the picture as it is.", default="1")
def sharpen(shared, amount):
    """Sharpen: add the difference to the 3 x 3 mean."""
    from ...filters.sharpen import sharpen_kernel
    from ...stages.convolution.filter import LinearFilter

    return lambda options, width: LinearFilter(sharpen_kernel(amount), options)


@filter_command(
    "unsharp",
    "imconv unsharp in.png out.png --sigma 2",
    "imconv unsharp in.jpg out.jpg --sigma 1.5 --amount 0.8 --threshold 1%",
)
@setting("--sigma", "S", "Standard deviation of the blur: pixels, SY,SX, 3%, fwhm:7 or opencv-ksize:9.", required=True)
@setting("--amount", "A", "Strength; 0 leaves the picture as it is.", default="1")
@setting("--threshold", "T", "Leave differences up to it as they are: in sample units, or 2% of white.", default="0")
@setting("--truncate", "T", "Radius in standard deviations.  [default: 4]")
def unsharp(shared, sigma, amount, threshold, truncate):
    """Sharpen: add the difference to a blurred copy (unsharp mask)."""
    from ...filters.sharpen import unsharp_filter

    return lambda options, width: unsharp_filter(sigma, amount, threshold, truncate, width, options)
