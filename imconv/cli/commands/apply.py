"""`imconv apply`: a user's kernel, or several."""

from __future__ import annotations

import click

from ..filtering import filter_picture, filter_to_many
from ..options import filter_command, given, like_option
from ..session import Job


@filter_command(
    "apply",
    "imconv apply in.png out.png --kernel k.txt",
    'imconv apply in.png out.png -k "0 -1 0; -1 5 -1; 0 -1 0"',
    'imconv apply in.png out.png -k "3x3: 1,2,1 2,4,2 1,2,1" --normalize',
    "imconv apply in.png out.png -k laplacian-4 --offset 128",
    "imconv apply in.png edges.png -k sobel-x -k sobel-y --combine magnitude",
    "imconv apply --kernel k.txt < in.png > out.png",
)
@click.option(
    "-k",
    "--kernel",
    "kernels",
    required=True,
    multiple=True,
    metavar="K",
    help="A file, a name (imconv kernels list), or rows of numbers.",
)
@click.option("--correlate", is_flag=True, help="Correlate: do not turn the kernel by 180 degrees.")
@click.option("--normalize", is_flag=True, help="Divide the weights by their sum.")
@click.option("--scale", default=None, metavar="F", help="Multiply the weights, such as 2, 0.5 or 1/9.")
@click.option("--offset", default=None, metavar="N", help="Add to every result, instead of the kernel's own offset.")
@click.option("--anchor", default=None, metavar="R,C", help="The tap over the pixel; from 0.  [default: size // 2]")
@click.option(
    "--combine",
    default="sum",
    show_default=True,
    metavar="sum|max|magnitude|each",
    help="What several kernels give; each: one file each.",
)
@like_option
def apply(kernels, correlate, normalize, scale, offset, anchor, combine, like, **shared):
    """Convolve with a kernel of your own, or one from the library.

    With several kernels the results are summed, or the largest, or the root of the sum of squares is taken; "each"
    writes one file for each, its kernel's name added to OUTPUT's.
    """
    from ...errors import known
    from ...filters.user_kernels import COMBINATIONS, named_outputs, prepared

    combine = known(combine, "combination", COMBINATIONS)
    chosen = [prepared(k, normalize=normalize, scale=scale, offset=offset, anchor=anchor) for k in kernels]
    if like is not None:
        filter_picture(shared, _maker_like(like, chosen, correlate, anchor is not None, given("border")))
    elif combine == "each" and len(chosen) > 1:
        outputs = named_outputs(chosen, shared["output"])
        filter_to_many(shared, [Job(o, _maker([k], correlate, "sum")) for k, o in zip(chosen, outputs, strict=True)])
    else:
        filter_picture(shared, _maker(chosen, correlate, "sum" if combine == "each" else combine))


def _maker_like(like, kernels, correlate, anchored, border):
    from ...errors import OptionError

    if len(kernels) > 1:
        raise OptionError("like goes with one kernel; leave out like, or all kernels but one")

    def make(options, width):
        from ...filters.like import kernel_like

        direction = "correlation" if correlate else None
        return kernel_like(like, kernels[0], options, border, direction=direction, anchored=anchored)

    return make


def _maker(kernels, correlate, combine):
    def make(options, width):
        from ...filters.user_kernels import custom_filter

        return custom_filter(kernels, options, correlate=correlate, combine=combine)

    return make
