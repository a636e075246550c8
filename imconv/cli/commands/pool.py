"""`imconv pool`."""

from __future__ import annotations

import sys

import click

from ...geometry.border import DEFAULT
from ..checked import checked_options
from ..filtering import filter_command, filter_picture, look_at
from ..options import FilterCommand, flag, setting
from ..saying import report


class PoolCommand(FilterCommand):
    """The value of --antialias may be left out."""

    has_borders = False

    def parse_args(self, ctx, args):
        """As Click's; what follows --antialias is its value only if it is a number."""
        args = list(args)
        for i, word in enumerate(args):
            if word == "--antialias" and not (i + 1 < len(args) and args[i + 1].isdigit()):
                args[i] = "--antialias=4"
        return super().parse_args(ctx, args)


@filter_command(
    "pool",
    "imconv pool in.png out.png --op max --size 2",
    "imconv pool in.png out.png --op max --size 2 --stride 4 --antialias",
    "imconv pool in.png out.png --op avg --size 3 --stride 2 --padding 1",
    "imconv pool in.png out.png --op count --size 4 --where 'v>50%' --range stretch",
    "imconv pool in.png --op max --size 2 --report       # is it shift-invariant?",
    cls=PoolCommand,
    without=("--border", "--pad", "--stride", "--stride-phase", "--dilation"),
)
@setting("--op", "OP", "Max, min, avg, sum, count, stdev, median, range, l2, or blur.", required=True)
@setting("--size", "K", "K or ROWSxCOLUMNS.", required=True)
@setting("--stride", "S", "Step between windows; rows, columns.  [default: the size]")
@setting("--padding", "P", "Rows and columns of padding on both sides, at most half a window.", default="0")
@setting("--dilation", "D", "Distance between a window's pixels; rows, columns.", default="1")
@flag("--ceil", "Add a last window that reaches beyond the picture.")
@flag("--exclude-pad", "Leave padding out of averages, instead of counting it as zeros.")
@setting("--antialias", "[N]", "Blur before dropping pixels (binomial filter of size N, default 4).")  # fmt: skip
@setting(
    "--where",
    "'v>50%'",
    "Which samples to count, in sample units or per cents of white; > >= < <= == !=.  [default: v!=0]",
)
@flag("--report report_", "Measure how much the result changes when the picture moves by less than a stride, with and without --antialias. OUTPUT may be left out.")  # fmt: skip
def pool(shared, op, size, exclude_pad, report_, **how):
    """Pool: reduce windows to single pixels, as networks do.

    Sizes and values are those of torch. Padding counts as zeros in averages; all other operations ignore it. --op blur
    is a binomial filter of this size: every S-th result, with a reflected border. Averages, sums and blurs weight
    colours by alpha. Max, min and median pool every channel by itself. All other operations average alpha.
    """
    from ...filters.pool import pool_filter, shift_report

    shared.setdefault("border", DEFAULT)
    shared.setdefault("pad", "same")
    shared.update(stride="1", dilation="1")
    how["include_pad"] = not exclude_pad

    def make(options, width):
        return pool_filter(op, size, options, **how)

    def look(picture):
        make(checked, picture.width)
        found = shift_report(picture, op, size, checked, **how)
        _tell(found, shared)
        return {"shift_consistency": {**found, **{name: found[name].as_dict() for name in ("plain", "antialiased")}}}

    if not report_:
        return make
    checked = checked_options(shared)
    if shared["output"] is not None or isinstance(click.get_current_context().obj, list):  # a step of a chain
        filter_picture(shared, make, look)
        return None
    found = look_at(shared, make, look)
    if shared["json_"]:
        report(found)
    return None


def _tell(found: dict, shared: dict) -> None:
    """The report as text, to standard error where a picture goes to standard output."""
    if shared["json_"]:
        return
    plain, smooth = found["plain"], found["antialiased"]
    stride, blur = (",".join(map(str, found[name])) for name in ("stride", "blur"))
    lines = [
        f"shift consistency at stride {stride}, over {plain.shifts} shifts by less than that",
        f"{'':16}{'plain':>10}{f'anti-aliased {blur}':>20}",
        f"{'correlation':16}{plain.correlation:10.5f}{smooth.correlation:20.5f}",
        f"{'rms difference':16}{plain.rms:10.4g}{smooth.rms:20.4g}",
        f"{'PSNR, dB':16}{plain.psnr:10.2f}{smooth.psnr:20.2f}",
    ]
    click.echo("\n".join(lines), file=sys.stderr if shared["output"] == "-" else sys.stdout)
