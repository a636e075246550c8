"""`imconv edges`."""

from __future__ import annotations

import click

from ..filtering import filter_command


@filter_command(
    "edges",
    "imconv edges in.png out.png",
    "imconv edges in.png out.png --operator scharr --gain 4",
    "imconv edges in.png out.png --show direction --gain 4",
    "imconv edges in.png out.png --operator kirsch --show max",
    "imconv edges in.png out.png --operator log --sigma 2 --gain 8",
    "imconv edges in.png out.png --operator gaussian --sigma 2 --angle 30 --gain 4",
)
@click.option(
    "--operator",
    default="sobel",
    show_default=True,
    metavar="O",
    help="Gradients sobel, scharr, prewitt, roberts, farid, freichen, gaussian; compasses kirsch, robinson; second derivatives "
    "laplacian, log, dog.",
)
@click.option(
    "--show",
    default="magnitude",
    show_default=True,
    metavar="magnitude|x|y|direction|max",
    help="What is shown; max: the largest of eight directions.",
)
@click.option("--gain", default="1", show_default=True, metavar="G", help="Multiply; with 1 a ramp of slope 1 gives 1.")
@click.option("--sigma", default=None, metavar="S", help="Of the Gaussian of gaussian, log and dog.  [default: 1]")
@click.option("--ratio", default=None, metavar="R", help="Of the two Gaussians of dog.  [default: 1.6]")
@click.option(
    "--angle", default=None, metavar="DEG", help="A gradient's derivative in this direction, counter-clockwise."
)
@click.option("--order", default="1", show_default=True, metavar="1|2", help="2: gaussian's second derivative.")
def edges(shared, operator, show, **how):
    """Find edges by first and second derivatives.

    x is positive where it gets brighter to the right, y where it gets brighter downwards. They, derivatives at an angle and
    second derivatives have a sign: without --range, mid-grey is 0 in pictures that hold no negative samples. A direction is a hue, red to the
    right, and on by green and blue counter-clockwise; its brightness is the magnitude.
    """
    from ...filters.edges import edge_filter

    return lambda options, width: edge_filter(
        operator, show, options, range=shared["range_"] and options.range, hue=True, **how
    )
