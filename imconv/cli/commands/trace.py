"""`imconv trace`: how one pixel of a result comes about."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from ...errors import OptionError
from ..checked import checked_limits, checked_options, checked_page
from ..compiling import watch
from ..options import (
    RUNNING,
    FilterCommand,
    command,
    flag,
    kernel_options,
    linear_options,
    nan_option,
    on_command_line,
    page_option,
    reading_options,
    setting,
)
from ..places import input_place, read_picture, teller
from ..saying import report

if TYPE_CHECKING:
    from ...files.picture import Picture
    from ...filter import Filter

OF_A_KERNEL = ("correlate", "normalize", "scale", "offset", "anchor")


@command(
    "trace",
    "imconv trace in.png --pixel 10,20 --kernel lecture",
    'imconv trace in.png --pixel 0,0 -k "1 2 1; 2 4 2; 1 2 1" --normalize --border constant:0',
    'imconv trace in.png --pixel 5,5 --filter "edges --operator scharr"',
    'imconv trace in.png --pixel 5,5 --filter "median --size 3 | unsharp --sigma 2" --json',
    cls=FilterCommand,
)
@click.argument("input", required=False, type=click.Path(allow_dash=True))
@setting("--pixel", "X,Y", "Column and row of the result, from 0.", required=True)
@setting("-k --kernel", "K", "A file, a name (imconv kernels list), or rows of numbers.")
@setting("-f --filter steps", "STEPS", "Instead of a kernel: a filter command with its options, or several as for imconv chain.")  # fmt: skip
@setting("--set settings", "NAME=VALUE", "What $NAME stands for in the steps.", multiple=True)
@kernel_options
@linear_options
@nan_option
@page_option
@reading_options
@flag("-q --quiet", "No notes.", RUNNING)
@flag("--json json_", "As JSON.", RUNNING)
@click.pass_context
def trace(ctx, input, pixel, kernel, steps, settings, page, max_pixels, truncated, quiet, json_, **given):
    """Show how one pixel is computed: window, weights, products, sum.

    It is a pixel of the result of "imconv apply", the filter's own command or "imconv chain" with the same options. For
    a convolution the weights are shown as they lie over the picture, turned by 180 degrees; the cell over the pixel is
    in brackets. Only the middle of a large window is shown; --json has all of it.
    """
    from ... import tracing
    from ...geometry.sizes import parse_pair

    if pixel.count(",") != 1:
        raise OptionError(f"--pixel must be X,Y (column,row), both from 0, such as 10,20, not {pixel!r}")
    x, y = parse_pair(pixel, "--pixel", least=0, most=1 << 31, order="column,row")
    if (kernel is None) == (steps is None):
        raise OptionError("a trace is of a kernel or of a filter: give --kernel or --filter, one of the two")
    if kernel is not None and settings:
        raise OptionError("--set goes with --filter")
    if kernel is None:
        make, names = _of_steps(ctx, steps, settings, {**given, "quiet": quiet})
    else:
        make, names = _of_kernel(kernel, {**given, "quiet": quiet}), ()
    limits = {**checked_limits(max_pixels, truncated=truncated), "page": checked_page(page)}
    place, name = input_place(input)
    watch(quiet)
    picture = read_picture(place, name, quiet, auto_orient=True, **limits)
    found = tracing.trace(_with_white(make(picture.width), picture, teller(quiet)), picture, x, y, names)
    if json_:
        report({"pixel": [x, y], "parts": tracing.as_json(found)})
    else:
        click.echo(tracing.text(found))


def _with_white(filter: Filter, picture: Picture, tell: Callable[[str], None]) -> Filter:
    """The filter for a picture whose white may not be its type's largest value; what the trace does not show is told, or refused."""
    from ...errors import OptionError

    if picture.maximum is None:
        return filter
    if filter.options.range == "offset":
        raise OptionError(
            f"trace has no range='offset' for pictures whose white is {picture.maximum}; leave out range="
        )
    tell(f"white is {picture.maximum}: filters clip results to it, which the trace does not show")
    return filter.with_options(white=picture.maximum)


def _of_kernel(kernel: str, given: dict) -> Callable[[int], Filter]:
    """What makes the filter of a kernel, for a picture's width."""
    from ...filters.user_kernels import custom_filter, prepared

    chosen = prepared(
        kernel, teller(given["quiet"]), **{name: given[name] for name in OF_A_KERNEL if name != "correlate"}
    )
    filter = custom_filter([chosen], checked_options(given), correlate=given["correlate"])
    return lambda width: filter


def _of_steps(
    ctx: click.Context, steps: str, settings: tuple[str, ...], given: dict
) -> tuple[Callable[[int], Filter], tuple[str, ...]]:
    """What makes the filter of some steps, for a picture's width; and what the steps are called."""
    from dataclasses import replace

    from .chain import STEPWISE, chained, collected
    from .chain_text import load_steps

    for name in (*OF_A_KERNEL, *STEPWISE):
        if on_command_line(ctx, name):
            where = "goes with --kernel" if name in OF_A_KERNEL else "belongs to a step: write it into the steps"
            raise OptionError(f"--{name.replace('_', '-')} {where}")
    words = load_steps(steps, settings)
    found = collected(ctx, words, given)
    options = [checked_options(step.shared) for step in found]
    shared = checked_options(given)
    names = tuple(f"step {n}, {' '.join(each)}" for n, each in enumerate(words, 1))
    if len(found) == 1:
        alone = replace(options[0], depth=shared.depth, dtype=shared.dtype, nan=shared.nan)
        return (lambda width: found[0].make(alone, width)), names
    if shared.nan == "ignore":
        raise OptionError("nan='ignore' goes with one filter, not with several; leave it out")
    made = list(zip(found, options, strict=True))
    return (lambda width: chained(made, shared, width)), names
