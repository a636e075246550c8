"""`imconv kernels`: the library of kernels, and a workbench to look at them."""

from __future__ import annotations

import os
import sys

import click

from ..listing import tell_list
from ..options import command, flag, no_clobber_option, setting
from ..places import is_terminal, teller
from ..saying import report
from ..usage import CommandGroup


@click.group(cls=CommandGroup)
def kernels():
    """List, show, inspect, convert and plot kernels."""


@command("list", "imconv kernels list", "imconv kernels list sobel", "imconv kernels list --json", of=kernels)
@click.argument("words", nargs=-1)
@flag("--json json_", "Print JSON.")
def list_(words, json_):
    """List the kernels, or those whose name or description has all WORDS."""
    from ...kernel.library import describe, formulas, named, names, rotations

    rows = [(name, *describe(name)) for name in names()]
    rows += [(form, "{} x {}".format(*named(form.partition(":")[0]).shape), text) for form, text in formulas().items()]
    rows += [(form, "several", text) for form, text in rotations().items()]
    entries = [{"name": name, "size": size, "description": text} for name, size, text in rows]
    tell_list(entries, "{0[size]:>7}  {0[description]}".format, words, json_, "kernel")


@command("show", "imconv kernels show sobel-x", "imconv kernels show lecture > k.txt", of=kernels)
@click.argument("kernel")
def show(kernel):
    """Print KERNEL as a kernel file.

    KERNEL is a name of the library, a file, or rows of numbers.
    """
    from ...kernel.argument import resolve

    click.echo(resolve(kernel, teller(False)).to_text(), nl=False)


@command(
    "inspect",
    "imconv kernels inspect sobel-x",
    'imconv kernels inspect "0 -1 0; -1 5 -1; 0 -1 0" --depth 16',
    "imconv kernels inspect gaussian:0x2 --size 1080x1920 --json",
    of=kernels,
)
@click.argument("kernel")
@setting("--depth", "8|16|float", "Depth of the picture that the plan is for.", default="8")
@setting("--size", "ROWSxCOLUMNS", "Size of that picture.", default="3000x4000")
@flag("--json json_", "Print JSON.")
def inspect(kernel, depth, size, json_):
    """Look at KERNEL before using it: gain, symmetry, rank, factors, range of results, plan.

    KERNEL is a name of the library, a file, or rows of numbers. The tap over the pixel is drawn between brackets.
    """
    from ...kernel.argument import resolve
    from . import kernel_report

    rows_and_columns = kernel_report.parse_picture_size(size)
    settings = resolve(kernel, teller(False)), depth, rows_and_columns
    if json_:
        report(kernel_report.inspected(*settings))
    else:
        click.echo(kernel_report.text(*settings))


@command(
    "convert",
    "imconv kernels convert sobel-x --to imagemagick",
    "imconv kernels convert k.txt -o k.mat",
    "imconv kernels convert k.txt -o k.npy",
    of=kernels,
)
@click.argument("kernel")
@setting("--to", "F", "Format: text, imagemagick, libvips, csv, npy or json. [default: by -o's extension, else text]")
@setting("-o --output", "FILE", "Where to write. [default: standard output]", default="-", show_default=False)
@no_clobber_option
@flag("-q --quiet", "No notes.")
def convert(kernel, to, output, no_clobber, quiet):
    """Write KERNEL in another tool's format.

    KERNEL is a name of the library, a file, or rows of numbers. A kernel that the format can't hold exactly is refused.
    If a name or a source is left out, a note says so.
    """
    from ...errors import OptionError
    from ...files.descriptors import is_special
    from ...kernel import formats
    from ...kernel.argument import resolve

    chosen = resolve(kernel, teller(quiet))
    if to is None:
        to = formats.format_for(output) or ("text" if output == "-" or is_special(output) else None)
        if to is None:
            raise OptionError(f"{output}: its extension names no kernel format; give --to")
    data, notes = formats.convert(chosen, to)
    if output == "-" and to == "npy" and is_terminal(sys.stdout):
        raise OptionError("standard output is a terminal, which can't show .npy; give -o or redirect")
    for note in (*notes, *_write(output, data, no_clobber)):
        teller(quiet)(note)


@command(
    "plot", "imconv kernels plot sobel-x -o sobel.png", "imconv kernels plot gaussian:0x2 -o gaussian.svg", of=kernels
)
@click.argument("kernel")
@setting("-o --output", "FILE", "A .png, .svg or .pdf file, or - for PNG on standard output.", required=True)
@no_clobber_option
def plot(kernel, output, no_clobber):
    """Draw KERNEL: its weights as a heat map, and its frequency response.

    KERNEL is a name of the library, a file, or rows of numbers. Needs matplotlib, the extra "plot".
    """
    from ...errors import OptionError
    from ...files.descriptors import is_special
    from ...kernel import plot as kernel_plot
    from ...kernel.argument import resolve

    kind = os.path.splitext(output)[1].lower().removeprefix(".")
    if output == "-" or (not kind and is_special(output)):
        kind = "png"
    if kind not in kernel_plot.FORMATS:
        raise OptionError(f"{output}: a plot is written as .{', .'.join(kernel_plot.FORMATS)}")
    for note in _write(output, kernel_plot.plot(resolve(kernel, teller(False)), kind), no_clobber):
        teller(False)(f"{output}: {note}")


def _write(output: str, data: bytes, no_clobber: bool) -> list[str]:
    """Write, and return remarks for the user."""
    if output == "-":
        sys.stdout.buffer.write(data)
        return []
    from ...files.atomic import write_bytes

    return write_bytes(output, data, no_clobber=no_clobber)
