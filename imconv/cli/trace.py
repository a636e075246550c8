"""`imconv trace`: how one pixel of a result comes about."""

from __future__ import annotations

import json
import sys

import click

from .options import FilterCommand, linear_options
from .process import STDIN, label, teller


@click.command(
    "trace",
    cls=FilterCommand,
    examples=(
        "imconv trace in.png --pixel 10,20 --kernel lecture",
        'imconv trace in.png --pixel 0,0 -k "1 2 1; 2 4 2; 1 2 1" --normalize --border constant:0',
        "imconv trace in.png --pixel 5,5 -k sobel-x --range offset --json",
    ),
)
@click.argument("input", required=False, default="-", type=click.Path(allow_dash=True))
@click.option("--pixel", required=True, metavar="X,Y", help="Column and row of the result, from 0.")
@click.option("-k", "--kernel", required=True, metavar="K", help="A file, a name (imconv kernels list), or rows of numbers.")  # fmt: skip
@click.option("--correlate", is_flag=True, help="Correlate: do not turn the kernel by 180 degrees.")
@click.option("--normalize", is_flag=True, help="Divide the weights by their sum.")
@click.option("--scale", default=None, metavar="F", help="Multiply the weights, such as 2, 0.5 or 1/9.")
@click.option("--offset", default=None, metavar="N", help="Add to every result, instead of the kernel's own offset.")
@click.option("--anchor", default=None, metavar="R,C", help="The tap over the pixel; from 0.  [default: size // 2]")
@linear_options
@click.option("-q", "--quiet", is_flag=True, help="No notes.")
@click.option("--json", "json_", is_flag=True, help="As JSON.")
def trace(input, pixel, kernel, correlate, normalize, scale, offset, anchor, quiet, json_, **linear):
    """Show how one pixel comes about: window, weights, products, sum.

    It is the pixel that "imconv apply" with the same options gives. By convolution the weights are shown as they are
    laid over the picture, turned by 180 degrees; the tap over the pixel is between brackets.
    """
    from .. import files, jit, tracing
    from ..errors import FileError, OptionError
    from ..filters.custom import custom_filter, prepared
    from ..geometry import parse_pair
    from ..options import Options
    from .compiling import Notice

    if pixel.count(",") != 1:
        raise OptionError(f"--pixel must be a column and a row such as 10,20, not {pixel!r}")
    x, y = parse_pair(pixel, "--pixel", least=0, most=1 << 31)
    alpha, policy = linear.pop("alpha"), (linear.pop("range_") or "clip").lower()
    options = Options(**linear, alpha=None if alpha is None else alpha.lower(), range=policy).checked()
    chosen = prepared(kernel, normalize=normalize, scale=scale, offset=offset, anchor=anchor)
    place = getattr(sys.stdin, "buffer", None) if input == "-" else input
    if place is None:
        raise FileError("standard input is closed; give an INPUT")
    jit.watch = Notice(quiet)
    picture = files.read(place, name=label(input, STDIN))
    for note in picture.notes:
        teller(quiet)(f"{label(input, STDIN)}: {note}")
    found = tracing.trace(custom_filter([chosen], options, correlate=correlate), picture, x, y)
    click.echo(json.dumps({"pixel": [x, y], **tracing.as_json(*found)}) if json_ else tracing.text(*found))
