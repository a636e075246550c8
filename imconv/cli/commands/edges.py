"""`imconv edges`."""

from __future__ import annotations

from ..filtering import filter_command
from ..options import flag, setting


@filter_command(
    "edges",
    "imconv edges in.png out.png",
    "imconv edges in.png out.png --operator scharr --gain 4",
    "imconv edges in.png out.png --show direction --gain 4",
    "imconv edges in.png degrees.tif --show degrees --grey",
    "imconv edges in.png out.png --operator kirsch --show max",
    "imconv edges in.png out.png --operator log --sigma 2 --gain 8",
    "imconv edges in.png out.png --operator gaussian --sigma 2 --angle 30 --gain 4",
)
@setting(
    "--operator",
    "O",
    "Gradients sobel, scharr, prewitt, roberts, farid, freichen, gaussian; compasses kirsch, robinson; second derivatives "
    "laplacian, log, dog.",
    default="sobel",
)
@setting(
    "--show",
    "magnitude|x|y|direction|degrees|max",
    "What to show. Direction: as a hue. degrees: as a number, from 0 to below 360 in float32, for TIFF. max: the largest of eight directions.",
    default="magnitude",
)
@flag("--grey", "Find the edges of the luma (BT.709) instead of each channel's; one channel out.")
@setting("--gain", "G", "Factor of the result; 1 answers a ramp of slope 1 with 1.", default="1")
@setting("--sigma", "S", "Standard deviation of the Gaussian in gaussian, log and dog, in pixels.  [default: 1]")
@setting("--ratio", "R", "For dog: sigma of the second Gaussian divided by that of the first.  [default: 1.6]")
@setting("--angle", "DEG", "Derivative in this direction, counter-clockwise from the right; for gradients.")
@setting("--order", "1|2", "Order of the derivative; 2 for gaussian only.", default="1")
def edges(shared, operator, show, **how):
    """Find edges by first and second derivatives.

    x is positive where the picture gets brighter to the right, y where it gets brighter downwards. x, y, derivatives at
    an angle and second derivatives have a sign: in pictures without negative samples mid-grey stands for 0, unless
    --range is given. The direction is that in which the picture gets brighter. As a hue it is red to the right, green
    and blue follow counter-clockwise, and the brightness is the magnitude. In degrees it is 0 to the right, 90 upwards,
    and 0 where there is no edge.
    """
    from ...filters.edges import edge_filter

    return lambda options, width: edge_filter(
        operator, show, options, range=shared["range_"] and options.range, hue=True, **how
    )
