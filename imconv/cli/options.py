"""Every option that several commands share, declared once."""

from __future__ import annotations

import click

from ..geometry.sizes import WORDS
from ..pixels.alpha import ALPHAS
from ..pixels.depth import DEPTHS
from ..pixels.rounding import RANGES


class FilterCommand(click.Command):
    """A command that filters pictures: its help ends with what it does, with the borders drawn, if it has any, and with
    examples."""

    has_borders = True

    def __init__(self, *args, examples: tuple[str, ...] = (), **kwargs):
        super().__init__(*args, **kwargs)
        self.examples = examples

    def format_epilog(self, ctx, formatter):
        from .effects import shown

        _write_lines(formatter, "What it does to an edge and to a spot in a row of pixels", shown(self.name))
        if self.has_borders:
            from ..geometry.border import drawn

            _write_lines(formatter, "Borders (--border; v is a value)", drawn().splitlines())
        _write_lines(formatter, "Examples", self.examples)


class ExampleCommand(click.Command):
    """A command whose help ends with examples."""

    def __init__(self, *args, examples: tuple[str, ...] = (), **kwargs):
        super().__init__(*args, **kwargs)
        self.examples = examples

    def format_epilog(self, ctx, formatter):
        _write_lines(formatter, "Examples", self.examples)


def _write_lines(formatter, title, lines):
    if lines:
        with formatter.section(title):
            for line in lines:
                formatter.write(" " * formatter.current_indent + line.rstrip() + "\n")


def linear_options(function):
    """Declare the options that say where a kernel is laid and what becomes of its sums."""
    for option in reversed(_LINEAR):
        function = option(function)
    return function


def like_option(function):
    """Declare the option that asks for another tool's result."""
    text = "Give the result of scipy, opencv, pillow, imagemagick, vips or torch: border, anchor, support, direction, rounding. Options beside it win."
    return click.option("--like", default=None, metavar="TOOL", callback=_tool, help=text)(function)


def _tool(ctx, param, value):
    """The tool's name: a wrong one is a usage error before any file is read."""
    if value is None:
        return None
    from ..filters.other_tools import find

    return find(value).name


def given(name: str):
    """The value of an option of the command that runs, None where it was left at its default."""
    ctx = click.get_current_context()
    default = ctx.get_parameter_source(name) is click.core.ParameterSource.DEFAULT
    return None if default else ctx.params[name]


def filter_command(name: str, *examples: str, cls=FilterCommand, without: tuple[str, ...] = ()):
    """Declare a command that reads a picture, filters it and writes it: arguments, shared options, help.

    `without` names shared options, such as "--pad", that make no sense for it, or that it declares by itself."""

    def declare(function):
        own, function.__click_params__ = getattr(function, "__click_params__", []), []
        for option in reversed(_SHARED):
            function = option(function)
        shared = function.__click_params__
        function.__click_params__ = [p for p in shared if not {*p.opts} & {*without}] + own
        # Click turns the list round: the command's own options come first in the help
        function = click.argument("output", required=False, type=click.Path(allow_dash=True))(function)
        function = click.argument("input", required=False, type=click.Path(allow_dash=True))(function)
        return click.command(name, cls=cls, examples=examples)(function)

    return declare


# shared options that a step of a chain may have; all others are the chain's
WHERE_AND_HOW = ("border", "pad", "stride", "dilation", "alpha", "range_", "region", "crop", "mask", "channels")

_LINEAR = [
    click.option("--border", default="reflect", show_default=True, metavar="MODE", help="What lies outside the picture; drawn below."),
    click.option("--pad", default="same", show_default=True, metavar="P", help=f"{', '.join(WORDS)}, or N, ROWS,COLUMNS or TOP,BOTTOM,LEFT,RIGHT."),
    click.option("--stride", default="1", show_default=True, metavar="N[,N]", help="Step between results; rows, columns."),
    click.option("--dilation", default="1", show_default=True, metavar="N[,N]", help="Distance between taps; rows, columns."),
    click.option("--alpha", default=None, metavar="|".join(ALPHAS), help="Colour weighted by alpha (default), every channel alike, or alpha kept."),
    click.option("--depth", default="keep", show_default=True, metavar="|".join(DEPTHS), help="Depth of the result: white stays white, rounded once at the end."),
    click.option("--range", "range_", default=None, metavar="|".join(RANGES), help="What becomes of results outside the type's range.  [default: clip]"),
]  # fmt: skip

_SHARED = [
    *_LINEAR,
    click.option("--region", default=None, metavar="WxH+X+Y", help="Filter only this part; its neighbours outside are read."),
    click.option("--crop", is_flag=True, help="Write the region alone."),
    click.option("--mask", default=None, metavar="IMAGE", help="Where, and how much: white all, black nothing, grey in between."),
    click.option("--channels", default=None, metavar="r,g|luma|0,2", help="Only these; luma: brightness alone, colours keep their hue."),
    click.option("--linear", is_flag=True, help="Filter in linear light, by the file's transfer function, else sRGB's."),
    click.option("--nan", default="keep", show_default=True, metavar="keep|ignore", help="NaN in float pictures: smoothing filters can leave them out, with the border normalized."),
    click.option("--threads", default=None, metavar="N", help="Default: IMCONV_THREADS, else all cores."),
    click.option("--explain", is_flag=True, help="Print the plan to standard error: algorithm, reason, multiply-adds, memory."),
    click.option("--dry-run", is_flag=True, help="Read and plan, but filter and write nothing."),
    click.option("--max-pixels", default=None, metavar="N", help="Refuse larger pictures, from the header alone."),
    click.option("--max-memory", default=None, metavar="SIZE", help="Refuse what needs more, such as 500M or 2G. [default: 75% of free memory]"),
    click.option("--format", "format_", default=None, metavar="F", help="Output format; default: the extension, for - the input's."),
    click.option("--quality", default=None, metavar="Q", help="1 to 100 for JPEG and WebP. [default: as the input, else 92; WebP lossless]"),
    click.option("--compression", default=None, metavar="0-9", help="PNG, TIFF: 0 stored to 9 smallest; TIFF also none, deflate, lzw, packbits, zstd, lzma. [default: fast; TIFF as the input]"),
    click.option("--page", default=None, metavar="N", help="Only this page of a file with several, from 0. [default: all that OUTPUT can hold]"),
    click.option("--auto-orient", is_flag=True, help="Turn the picture as its EXIF orientation says."),
    click.option("--strip", is_flag=True, help="Write no metadata."),
    click.option("--no-clobber", is_flag=True, help="Never replace an existing file."),
    click.option("-q", "--quiet", is_flag=True, help="No notes and no progress."),
    click.option("-v", "--verbose", is_flag=True, help="Tell sizes, time and how many samples were clipped."),
    click.option("--json", "json_", is_flag=True, help="Print a report as JSON; to standard error where the image goes to standard output."),
]  # fmt: skip
