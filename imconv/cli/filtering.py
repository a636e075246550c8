"""Filter commands: what was asked is read, filtered and written, in memory or in bands; steps of a chain are only noted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import click

from .places import checked_places
from .session import Job, Session


@dataclass(frozen=True)
class Step:
    """A command as a step of a chain: its options as Click gives them, and what makes its filter."""

    name: str
    shared: dict
    make: Callable


def filter_picture(shared: dict, make: Callable, look: Callable | None = None) -> None:
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
        ctx.obj.append(Step(ctx.info_name, _step_options(ctx, shared), make))
        return
    source, target = checked_places(shared["input"], shared["output"], shared["dry_run"])
    _run(Session(shared, source, [Job(target, make, look)]))


def look_at(shared: dict, look: Callable) -> dict:
    """Read INPUT and show it to `look`; nothing is filtered or written. What `look` returns."""
    from .run_in_memory import read_pages

    source, _ = checked_places(shared["input"], shared["output"], dry_run=True)
    return look(read_pages(Session(shared, source, [Job("-", look)]))[0])


def filter_to_many(shared: dict, jobs: list[Job]) -> None:
    """Read INPUT once and write each job's result; nothing is written unless all can be."""
    if isinstance(click.get_current_context().obj, list):
        return  # several pictures are no step of a chain
    source, _ = checked_places(shared["input"], jobs[0].output, shared["dry_run"])
    _run(Session(shared, source, jobs))


def _step_options(ctx, shared: dict) -> dict:
    """A step's options; OptionError for those that belong to the chain."""
    from ..errors import OptionError
    from .options import WHERE_AND_HOW

    for parameter in ctx.command.params:
        given = ctx.get_parameter_source(parameter.name) is click.core.ParameterSource.COMMANDLINE
        if given and parameter.name in shared and parameter.name not in WHERE_AND_HOW:
            if isinstance(parameter, click.Argument):
                raise OptionError(f"{shared[parameter.name]!r} is no option of {ctx.info_name}; a step names no files")
            raise OptionError(f"{parameter.opts[-1]} belongs to the chain, not to a step: give it after the steps")
    return shared


def _run(session: Session) -> None:
    """Filter in bands what can be, all else in memory."""
    from .. import jit
    from .compiling import Notice

    jit.watch = Notice(session.asked.quiet)  # files, too, are read by compiled loops
    job = session.jobs[0]
    bands = len(session.jobs) == 1 and job.look is None and "-" not in (session.source, job.output)
    if bands and not session.asked.page:
        from .run_in_bands import filter_in_bands

        if filter_in_bands(session):
            return
    from .run_in_memory import filter_in_memory

    filter_in_memory(session)
