"""Filters in words, `blur --sigma 2 | edges`: each step by the command of that name."""

from __future__ import annotations

import click

from ...errors import OptionError
from ..filtering import Step


def collected(ctx, steps: list[list[str]], shared: dict) -> list[Step]:
    """What each step's command would filter with; border and alpha given to the command are those of steps without their own,
    its range the last one's."""
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
                        own.set_parameter_source(key, click.core.ParameterSource.COMMANDLINE)
                command.invoke(own)
        except click.UsageError as error:
            raise OptionError(f"step {number + 1}, {name}: {error.format_message()}") from None
        if len(found) != before + 1:
            raise OptionError(f"step {number + 1}: {name} gives no single picture, and can't be part of a chain")
    return found


def chained(made: list, options, width):
    """The chain of some steps, each with its own options; the range of the whole may be the last one's."""
    from ...composites.chain import ChainFilter, check_step

    filters = []
    for number, (step, own) in enumerate(made, 1):
        filters.append(step.make(own, width))
        check_step(filters[-1], step.name, options.range if number == len(made) else "clip")
    return ChainFilter(tuple(filters), options)


def _filter_named(ctx, name: str):
    from ...errors import nearest
    from ..options import FilterCommand

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
