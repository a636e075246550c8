"""`imconv chain`: several filters, one decode, one encode."""

from __future__ import annotations

import click

from ..errors import OptionError
from .options import filter_command
from .process import Step, checked_options, filter_picture

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
    from ..chain_text import load_steps

    found = _collected(ctx, load_steps(steps, settings), shared)
    made = [(step, checked_options(step.shared)) for step in found]

    def make(options, width):
        from ..chain import ChainFilter, check_step

        filters = []
        for step, own in made:
            filters.append(step.make(own, width))
            check_step(filters[-1], step.name)
        return ChainFilter(tuple(filters), options)

    filter_picture(shared, make)


chain.params.insert(0, click.Argument(["steps"], metavar="STEPS"))


def _collected(ctx, steps: list[list[str]], shared: dict) -> list[Step]:
    """What each step's command would filter with."""
    given = {
        name: shared[name]
        for name in ("border", "alpha")
        if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    }
    found: list[Step] = []
    for number, (name, *arguments) in enumerate(steps):
        command = _filter_named(ctx, name)
        before = len(found)
        try:
            with command.make_context(name, list(arguments), obj=found) as own:
                last = number == len(steps) - 1
                for key, value in {
                    **given,
                    **({"range_": shared["range_"]} if last and shared["range_"] else {}),
                }.items():
                    if own.get_parameter_source(key) is not click.core.ParameterSource.COMMANDLINE:
                        own.params[key] = value
                command.invoke(own)
        except click.UsageError as error:
            raise OptionError(f"step {number + 1}, {name}: {error.format_message()}") from None
        if len(found) != before + 1:
            raise OptionError(f"step {number + 1}: {name} gives no single picture, and can't be part of a chain")
    return found


def _filter_named(ctx, name: str):
    from ..errors import nearest
    from .options import FilterCommand

    group = ctx.parent.command if ctx.parent else None
    names = group.list_commands(ctx.parent) if group else []
    command = group.get_command(ctx.parent, name) if group else None
    takes = isinstance(command, FilterCommand) and any(p.name == "output" for p in command.params) and name != "chain"
    if not takes:
        known = "no filter" if command else "no such filter"
        raise OptionError(
            f"{name}: {known}{nearest(name, names) if command is None else ''}; a step is a filter command"
        )
    return command
