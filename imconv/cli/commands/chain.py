"""`imconv chain`: several filters, one decode, one encode. Each step is made by the command of its name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from ...errors import OptionError, nearest
from .. import saying, synonyms, usage, wording
from ..checked import checked_options
from ..filtering import Step, filter_command
from ..options import FilterCommand, on_command_line, setting

if TYPE_CHECKING:
    from ...composites.chain import ChainFilter
    from ...options import Options

STEPWISE = ("pad", "stride", "stride_phase", "dilation")


@filter_command(
    "chain",
    'imconv chain "blur --sigma 2 | unsharp --sigma 1 | edges" in.png out.png',
    'imconv chain "edges --show x --range abs | box --size 9" in.png out.png --explain',
    "imconv chain look.txt in.png out.png --set sigma=3     # a file of steps; $sigma in it is 3",
)
@click.argument("steps", metavar="STEPS")
@setting("--set settings", "NAME=VALUE", "Put VALUE in the place of $NAME in the steps.", multiple=True)
def chain(shared, steps, settings):
    """Filter with several filters in one go.

    The picture is decoded once, stays in floats between the steps, and is rounded and encoded once. STEPS are filter
    commands with their options, separated by bars, or a file of them. A line such as "sigma = 2" in the file sets
    $sigma. A step without --border or --alpha uses the chain's.
    """
    from .chain_text import load_steps

    ctx = click.get_current_context()
    for name in STEPWISE:
        if on_command_line(ctx, name):
            raise OptionError(
                f"--{name.replace('_', '-')} belongs to a step, not to the chain: write it into the steps"
            )
    found = collected(ctx, load_steps(steps, settings), shared)
    made = [(step, checked_options(step.shared)) for step in found]
    return lambda options, width: chained(made, options, width)


def collected(ctx: click.Context, steps: list[list[str]], shared: dict) -> list[Step]:
    """What each step's command would filter with; border and alpha given to the command are those of steps without their own,
    its range the last one's."""
    given = {name: shared[name] for name in ("border", "alpha") if on_command_line(ctx, name)}
    found: list[Step] = []
    for number, (name, *arguments) in enumerate(steps, 1):
        command = _filter_named(ctx, name)
        saying.current().steps.append(command)
        if number == len(steps) and shared["range_"]:
            given["range_"] = shared["range_"]
        try:
            with command.make_context(name, list(arguments), obj=found) as own:
                for key, value in given.items():
                    if not on_command_line(own, key):
                        own.params[key] = value
                        own.set_parameter_source(key, click.core.ParameterSource.COMMANDLINE)
                own.params["quiet"] = shared["quiet"]
                command.invoke(own)
        except click.ClickException as error:
            raise OptionError(f"step {number}, {name}: {usage.mistake(error, command, arguments)}") from None
        except OptionError as error:
            raise _in_step(number, name, command, error) from None
        if len(found) != number:
            raise OptionError(f"step {number}: {name} writes no single picture; it can't be part of a chain")
    return found


def chained(made: list[tuple[Step, Options]], options: Options, width: int) -> ChainFilter:
    """The chain of some steps, each with its own options; the range of the whole may be the last one's."""
    from ...composites.chain import ChainFilter, check_step

    filters = []
    for number, (step, own) in enumerate(made, 1):
        try:
            filters.append(step.make(replace(own, nan=options.nan), width))
        except OptionError as error:
            raise _in_step(number, step.name, step.command, error) from None
        check_step(filters[-1], step.name, options.range if number == len(made) else "clip")
    return ChainFilter(tuple(filters), options)


def _in_step(number: int, name: str, command: click.Command, error: OptionError) -> OptionError:
    """A mistake in a step's own options, which the chain's may be called like."""
    message = wording.as_options(str(error), [command])
    return OptionError(message if message.startswith("step ") else f"step {number}, {name}: {message}")


def _filter_named(ctx: click.Context, name: str) -> FilterCommand:
    group = ctx.parent and ctx.parent.command
    names, command = [], None
    if ctx.parent and isinstance(group, click.Group):
        names, command = group.list_commands(ctx.parent), group.get_command(ctx.parent, name)
    if isinstance(command, FilterCommand) and name != "chain" and any(p.name == "places" for p in command.params):
        return command
    if not command and (instead := synonyms.command_for([name])):
        raise OptionError(f"{name}: no such filter; {instead}")
    known = "no filter" if command else f"no such filter{nearest(name, names)}"
    raise OptionError(f"{name}: {known}; a step is a filter command")
