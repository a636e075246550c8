"""`imconv chain`: several filters, one decode, one encode."""

from __future__ import annotations

import click

from ...errors import OptionError
from ..checked import checked_options
from ..filtering import filter_picture
from ..options import filter_command
from .chain_steps import chained, collected

_STEPWISE = ("pad", "stride", "dilation")


@filter_command(
    "chain",
    'imconv chain "blur --sigma 2 | unsharp --sigma 1 | edges" in.png out.png',
    'imconv chain "edges --show x --range abs | box --size 9" in.png out.png --explain',
    "imconv chain look.txt in.png out.png --set sigma=3     # a file of steps; $sigma in it is 3",
)
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="What $NAME stands for in the steps.")
@click.pass_context
def chain(ctx, steps, settings, **shared):
    """Filter with several filters in one go.

    One decode, floats in between, one rounding, one encode. STEPS are filter commands with their options, between bars, or a file of them, in which lines such as "sigma = 2" give
    $sigma a value. Steps have the border and alpha that the chain has, unless they have their own.
    """
    for name in _STEPWISE:
        if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise OptionError(f"{name} belongs to a step, not to the chain: write it into the steps")
    from .chain_text import load_steps

    found = collected(ctx, load_steps(steps, settings), shared)
    made = [(step, checked_options(step.shared)) for step in found]

    def make(options, width):
        return chained(made, options, width)

    filter_picture(shared, make)


chain.params.insert(0, click.Argument(["steps"], metavar="STEPS"))
