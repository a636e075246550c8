"""Every option that several commands share, declared once."""

from __future__ import annotations

from collections.abc import Callable

import click

from ..geometry.sizes import WORDS
from ..pixels.alpha import ALPHAS
from ..pixels.depth import DEPTHS, SAMPLE_TYPES
from ..pixels.rounding import RANGES
from . import saying

BORDERS, WHERE, NUMBERS, FILES, RUNNING = "Borders and geometry", "Where", "Numbers", "Files", "Running"
MANY = "Many pictures"
OWN = "Options"  # a command's own
GROUPS = (OWN, BORDERS, WHERE, NUMBERS, FILES, MANY, RUNNING)

FEW = 12  # options that need no groups
WIDEST = 30  # column of options in a help, as Click's


Declare = Callable[[Callable], Callable]  # a decorator that declares parameters of a command


class GroupedOption(click.Option):
    """An option that stands under the heading of its group in the help of commands that have many."""

    def __init__(self, *args, group: str, **kwargs):
        super().__init__(*args, **kwargs)
        self.group = group


def flag(names: str, text: str, group: str = OWN, **attributes) -> Declare:
    """Declare an option that is given or not, such as "-q --quiet"."""
    return click.option(*names.split(), cls=GroupedOption, group=group, is_flag=True, help=text, **attributes)


def setting(names: str, metavar: str, text: str, default: str | None = None, group: str = OWN, **attributes) -> Declare:
    """Declare an option that takes a value, such as "-w --weights"; the help shows its default, if it has one."""
    if default is not None:
        attributes = {"default": default, "show_default": True, **attributes}
    return click.option(*names.split(), cls=GroupedOption, group=group, metavar=metavar, help=text, **attributes)


def together(*declarations: Declare) -> Declare:
    """Several declarations as one, in this order."""

    def declare(function: Callable) -> Callable:
        for each in reversed(declarations):
            function = each(function)
        return function

    return declare


def parameters_of(function: Callable) -> list[click.Parameter]:
    """What has been declared on a function, in this order."""
    return getattr(function, "__click_params__", [])[::-1]


def command(name: str, *examples: str, cls: type[ExampleCommand] | None = None, of: click.Group | None = None):
    """Declare a command whose help ends with examples, alone or in the group `of`."""
    return (of or click).command(name, cls=cls or ExampleCommand, examples=examples)


class ExampleCommand(click.Command):
    """A command whose help ends with examples; many options are in groups, the command's own first."""

    def __init__(self, *args, examples: tuple[str, ...] = (), **kwargs):
        super().__init__(*args, **kwargs)
        self.examples = examples

    def make_context(self, info_name, args, parent=None, **extra):
        if parent is not None:  # else it is a step of a chain
            saying.current().begins(self, f"{parent.command_path} {info_name}", args)
        return super().make_context(info_name, args, parent, **extra)

    def format_options(self, ctx, formatter):
        options = [each for each in self.get_params(ctx) if isinstance(each, click.Option)]
        if len(options) <= FEW:
            super().format_options(ctx, formatter)
            return
        groups: dict[str, list[tuple[str, str]]] = {group: [] for group in GROUPS}
        for each in options:
            if record := each.get_help_record(ctx):
                groups[getattr(each, "group", RUNNING)].append(record)  # --help is Click's and has no group
        # the texts of all groups begin in one column
        width = min(WIDEST, max(len(word) for rows in groups.values() for word, _ in rows))
        for group, rows in groups.items():
            if rows:
                (word, text), *others = rows
                with formatter.section(group):
                    formatter.write_dl([(word.ljust(width), text), *others])

    def format_epilog(self, ctx, formatter):
        _write_lines(formatter, "Examples", self.examples)


class FilterCommand(ExampleCommand):
    """A command that filters pictures: its help ends with what it does, with the borders drawn, if it has any, and with
    examples."""

    has_borders = True

    def format_epilog(self, ctx, formatter):
        from .effects import shown

        _write_lines(formatter, "What it does to an edge and to a spot in a row of pixels", shown(str(self.name)))
        if self.has_borders:
            from ..geometry.border import drawn

            _write_lines(formatter, "Borders (--border; v is a value)", drawn().splitlines())
        super().format_epilog(ctx, formatter)


def _write_lines(formatter, title, lines):
    if lines:
        with formatter.section(title):
            for line in lines:
                formatter.write(" " * formatter.current_indent + line.rstrip() + "\n")


def like_option(function):
    """Declare the option that asks for another tool's result."""
    text = "Match the result of scipy, opencv, pillow, imagemagick, vips or torch: border, anchor, support, direction, rounding. Other options override it."
    return setting("--like", "TOOL", text, callback=_tool)(function)


def _tool(ctx, param, value):
    """The tool's name: a wrong one is a usage error before any file is read."""
    if value is None:
        return None
    from ..filters.other_tools import find

    return find(value).name


def given(name: str):
    """The value of an option of the command that runs, None where it was left at its default."""
    ctx = click.get_current_context()
    return ctx.params[name] if on_command_line(ctx, name) else None


def on_command_line(ctx: click.Context, name: str | None) -> bool:
    """Whether an option was given to a command, or as if it had been."""
    return name is not None and ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


# shared options that a step of a chain may have; all others are the chain's
WHERE_AND_HOW = (
    "border",
    "pad",
    "stride",
    "stride_phase",
    "dilation",
    "alpha",
    "range_",
    "region",
    "crop",
    "mask",
    "channels",
)

ALPHA_HELP = (
    "weight: transparent pixels don't colour their neighbours (default). separate: alpha is filtered like a colour. keep: as "
    "weight, but alpha stays as it is. unweighted: alpha stays, and transparent pixels do colour their neighbours."
)
RANGE_HELP = (
    "Results below 0 or above white: clip (default), take the absolute value, shift by mid-grey, stretch, or fail."
)
NAN_HELP = (
    "keep: NaN spreads over its window. ignore: means, ranks, deviations and pools use only valid pixels, and fill holes "
    "(smoothing needs border normalized). To leave holes as they are: --nodata nan."
)
NODATA_HELP = (
    "The value of samples that are no measurements, also nan; auto: as a TIFF states it. Means, ranks, deviations and pools "
    "leave them out; they stay as they are."
)

nan_option = setting("--nan", "keep|ignore", NAN_HELP, default="keep", group=NUMBERS)
nodata_option = setting("--nodata", "VALUE|auto", NODATA_HELP, group=NUMBERS)
threads_option = setting("--threads", "N", "Default: IMCONV_THREADS, else all cores.", group=RUNNING)
page_option = setting(
    "--page", "N", "Page or frame of a file with several, from 0.  [default: the first, with a note]", group=FILES
)
reading_options = together(
    setting("--max-pixels", "N", "Refuse larger pictures, from the header alone.", group=RUNNING),
    setting("--truncated", "error|fill", "A file that ends too early: fill reads the rows that are whole; the others are 0.", default="error", group=FILES),
)  # fmt: skip
max_memory_option = setting("--max-memory", "SIZE", "Refuse what needs more, such as 500M or 2G. [default: 75% of free memory]", group=RUNNING)  # fmt: skip
limit_options = together(threads_option, reading_options, max_memory_option)
no_clobber_option = flag("--no-clobber", "Never replace an existing file.", FILES)

kernel_options = together(  # what becomes of a kernel before it is used
    flag("--correlate", "Correlate: do not turn the kernel by 180 degrees."),
    flag("--normalize", "Divide the weights by their sum."),
    setting("--scale", "F", "Multiply the weights, such as 2, 0.5 or 1/9."),
    setting("--offset", "N", "Add to every result, instead of the kernel's own offset."),
    setting("--anchor", "R,C", "The tap over the pixel; from 0.  [default: size // 2]"),
)

linear_options = together(  # where a kernel is laid, and what becomes of its sums
    setting("--border", "MODE", "What lies outside the picture; drawn below.", default="reflect", group=BORDERS),
    setting("--pad", "P", f"{', '.join(WORDS)}, or N, ROWS,COLUMNS or TOP,BOTTOM,LEFT,RIGHT.", default="same", group=BORDERS),
    setting("--stride", "N[,N]", "Keep every N-th result; rows, columns. Results are those at 0, N, 2 N ..., so the picture shifts up and left by (N - 1) / 2 pixels; to reduce a picture use pool.", default="1", group=BORDERS),
    setting("--stride-phase", "start|center", "Where strides begin. Center takes the middle of each N pixels, so that the picture does not shift; exact for odd N, and for boxes of even size with even N.", default="start", group=BORDERS),
    setting("--dilation", "N[,N]", "Distance between taps; rows, columns.", default="1", group=BORDERS),
    setting("--alpha", "|".join(ALPHAS), ALPHA_HELP, group=NUMBERS),
    setting("--depth", "|".join(DEPTHS), "Depth of the result: white stays white (float: 1), rounded once at the end.", default="keep", group=NUMBERS),
    setting("--dtype", "TYPE", f"Type of the result: sample values stay what they are. {', '.join(SAMPLE_TYPES)}.", group=NUMBERS),
    setting("--range range_", "|".join(RANGES), RANGE_HELP, group=NUMBERS),
)  # fmt: skip

batch_options = together(  # every path is an input where one of the first three is given
    setting("--output-dir", "DIR", "Write into this folder, under the inputs' names; all paths are then INPUTs: files, folders, patterns such as '*.jpg'.", group=MANY),
    setting("--output output_name", "TEMPLATE", "Name each result: '{parent}/{stem}-soft{ext}'; also {name} and {n:04}.", group=MANY),
    flag("--in-place", "Replace each INPUT by its result.", MANY),
    setting("--backup", "SUFFIX", "With --in-place: keep each INPUT under its name and this ending, such as .orig.", group=MANY),
    flag("--recursive", "Search folders within folders; their structure is kept.", MANY),
    setting("--from-list", "FILE|-", "Read more INPUTs from a file: one a line, or separated by NUL bytes.", group=MANY),
    setting("--jobs", "N", "Pictures at once.  [default: one for each core]", group=MANY),
    flag("--resume", "Skip what an earlier run with the same filter has done.", MANY),
    flag("--newer", "Skip where the result is newer than the input.", MANY),
    flag("--fail-fast", "Stop at the first picture that fails.", MANY),
)  # fmt: skip

shared_options = together(  # of every command that reads a picture, filters it and writes it
    linear_options,
    setting("--region", "WxH+X+Y", "Filter only this rectangle. Pixels around it still count at its rim.", group=WHERE),
    flag("--crop", "Write the region alone.", WHERE),
    setting("--mask", "IMAGE", "Filter only where this picture is white; grey blends. A mask of 0 and 1 counts as black and white.", group=WHERE),
    setting("--channels", "r,g|luma|0,2", "Filter only these; luma: only the brightness, so that colours keep their hue.", group=WHERE),
    flag("--linear", "Filter in linear light, by the file's transfer function, else sRGB's.", NUMBERS),
    nan_option,
    nodata_option,
    threads_option,
    flag("--explain", "Print the plan to standard error: algorithm, reason, multiply-adds, memory.", RUNNING),
    flag("--dry-run", "Read and plan, but filter and write nothing.", RUNNING),
    reading_options,
    max_memory_option,
    setting("--format format_", "F", "Output format; default: the extension, for - the input's.", group=FILES),
    setting("--quality", "Q", "1 to 100 for JPEG, WebP, AVIF and JPEG XL. [default: JPEG as the input, else 92; AVIF 90; others lossless]", group=FILES),
    setting("--compression", "0-9", "PNG, TIFF, JPEG XL: 0 fastest to 9 smallest; TIFF also none, deflate, lzw, packbits, zstd, lzma. [default: fast; TIFF as the input]", group=FILES),
    setting("--background", "COLOR", "Lay the result over this color where the output format has no transparency: white, #rrggbb, 50%, ...", group=FILES),
    setting("--page", "N", "Only this page of a file with several, from 0. [default: all that OUTPUT can hold]", group=FILES),
    flag("--auto-orient", "Write the picture upright, as its EXIF orientation shows it. Regions, sizes and directions refer to that in any case.", FILES),
    flag("--strip", "Write no metadata.", FILES),
    no_clobber_option,
    batch_options,
    flag("-q --quiet", "No notes and no progress.", RUNNING),
    flag("-v --verbose", "Tell sizes, time and how many samples were clipped.", RUNNING),
    flag("--json json_", "Print a report as JSON; to standard error where the image goes to standard output.", RUNNING),
)  # fmt: skip
