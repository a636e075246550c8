"""Filter commands: what was asked is read, filtered and written, in memory or in bands; steps of a chain are only noted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import click

from .batch.options import TRIAL, BatchOptions
from .compiling import watch
from .options import OWN, WHERE_AND_HOW, FilterCommand, on_command_line, parameters_of, shared_options
from .places import checked_places
from .session import Job, Session

if TYPE_CHECKING:
    from .session import Look, Make


USUAL_WIDTH = 1000  # of a picture that is not known yet


@dataclass(frozen=True)
class Step:
    """A command as a step of a chain: its options as Click gives them, and what makes its filter."""

    name: str
    command: click.Command
    shared: dict
    make: Make


def filter_command(name: str, *examples: str, cls: type[FilterCommand] = FilterCommand, without: tuple[str, ...] = ()):
    """Declare a command that reads a picture, filters it and writes it: arguments, shared options, help.

    The function's arguments are the shared options as one dict, then the command's own. It returns what makes the filter, or
    None if it has done everything itself. `without` names shared options, such as "--pad", that make no sense for the command,
    or that it declares by itself.
    """

    def declare(function: Callable[..., Make | None]) -> click.Command:
        own = parameters_of(function)
        shared = [each for each in parameters_of(shared_options(lambda: None)) if not {*each.opts} & {*without}]
        places = [click.Argument(["places"], metavar="[INPUT [OUTPUT]]", nargs=-1, type=click.Path(allow_dash=True))]
        names = [parameter.name for parameter in own]

        def run(places, **values):
            asked = {key: values.pop(key) for key in names}
            batch = BatchOptions(**{each.name: values.pop(each.name) for each in fields(BatchOptions)})

            def once(input: str | None, output: str | None, **limits) -> None:
                shared = {**values, **limits, "input": input, "output": output}
                make = function(shared, **asked)  # what is left are the shared options
                if make is not None:
                    filter_picture(shared, make)

            ctx = click.get_current_context()
            if isinstance(ctx.obj, list):
                _check_step(ctx)
            batch.check(places)
            if batch.wanted:
                from .batch.run import filter_many

                filter_many(ctx, batch, places, values, once)
            else:
                once(*(*places, None, None)[:2])

        return click.command(name, cls=cls, examples=examples, help=function.__doc__, params=[*own, *places, *shared])(
            run
        )

    return declare


def filter_picture(shared: dict, make: Make, look: Look | None = None) -> None:
    """Read INPUT, filter it and write OUTPUT; as a step of a chain, only take note of that.

    Parameters
    ----------
    shared : dict
        The shared options as Click gives them.
    make : callable
        Called with the filter's `Options` and the picture's width; returns a `Filter`.
    look : callable, optional
        As in `Job`.
    """
    from ..errors import OptionError

    ctx = click.get_current_context()
    if isinstance(ctx.obj, list):
        if look:
            raise OptionError(f"a report belongs to {ctx.info_name} alone, not to a step of a chain")
        ctx.obj.append(Step(str(ctx.info_name), ctx.command, shared, make))
        return
    source, target = checked_places(shared["input"], shared["output"], shared["dry_run"])
    _run(Session(shared, source, [Job(target, make, look)]))


def look_at(shared: dict, make: Make, look: Look) -> dict:
    """Read INPUT and show it to `look`; nothing is filtered or written. What `look` returns."""
    from ..files.orientation import as_shown
    from .run_in_memory import read_pages

    source, _ = checked_places(shared["input"], shared["output"], dry_run=True)
    picture = read_pages(Session(shared, source, [Job("-", make, look)]))[0]
    return look(picture if picture.metadata.orientation == 1 else as_shown(picture))


def filter_to_many(shared: dict, jobs: list[Job]) -> None:
    """Read INPUT once and write each job's result; nothing is written unless all can be."""
    if isinstance(click.get_current_context().obj, list):
        return  # several pictures are no step of a chain
    source, _ = checked_places(shared["input"], jobs[0].output, shared["dry_run"])
    _run(Session(shared, source, jobs))


def _check_step(ctx: click.Context) -> None:
    """OptionError for options of a step that belong to the chain."""
    from ..errors import OptionError

    if ctx.params["places"]:
        raise OptionError(f"{ctx.params['places'][0]!r} is no option of {ctx.info_name}; a step names no files")
    for parameter in ctx.command.params:
        shared = getattr(parameter, "group", OWN) != OWN
        if shared and on_command_line(ctx, parameter.name) and parameter.name not in WHERE_AND_HOW:
            raise OptionError(f"{parameter.opts[-1]} belongs to the chain, not to a step: give it after the steps")


def _run(session: Session) -> None:
    """Filter in bands what can be, all else in memory."""
    if click.get_current_context().obj is TRIAL:
        for job in session.jobs:
            job.make(session.asked.options, USUAL_WIDTH)
        return
    watch(session.asked.quiet)  # files, too, are read by compiled loops
    job = session.jobs[0]
    bands = len(session.jobs) == 1 and job.look is None and "-" not in (session.source, job.output)
    if bands and not session.asked.page:
        from .run_in_bands import filter_in_bands

        if filter_in_bands(session):
            return
    from .run_in_memory import filter_in_memory

    filter_in_memory(session)
