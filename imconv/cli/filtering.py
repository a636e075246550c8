"""Filter commands: what was asked is read, filtered and written, in memory or in bands; steps of a chain are only noted."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import click

from .checked import checked
from .session import STDIN, Job, filter_and_write, label, places_of, prepare, read_pictures, tell_plan, teller


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
    source, target = places_of(shared)
    _process(shared, source, [Job(target, make, look)])


def look_at(shared: dict, look: Callable) -> dict:
    """Read INPUT and show it to `look`; nothing is filtered or written. What `look` returns."""
    source, _ = places_of({**shared, "dry_run": True})
    settings = checked(shared)
    return look(read_pictures(source, shared, settings, [Job("-", look)])[0])


def filter_to_many(shared: dict, jobs: list[Job]) -> None:
    """Read INPUT once and write each job's result; nothing is written unless all can be."""
    if isinstance(click.get_current_context().obj, list):
        return  # several pictures are no step of a chain
    source, _ = places_of({**shared, "output": jobs[0].output})
    _process(shared, source, jobs)


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


def _process(shared: dict, source: str, jobs: list[Job]) -> None:
    from .. import jit
    from .compiling import Notice

    started = time.perf_counter()
    settings = checked(shared)
    jit.watch = Notice(shared["quiet"])  # files, too, are read by compiled loops
    bands = len(jobs) == 1 and jobs[0].look is None and "-" not in (source, jobs[0].output)
    if bands and not settings["page"]:
        from .run_in_bands import filter_in_bands

        if filter_in_bands(jobs[0], source, shared, settings, started):
            return
    pictures = read_pictures(source, shared, settings, jobs)
    tell = teller(shared["quiet"])
    for note in dict.fromkeys(note for picture in pictures for note in picture.notes):
        tell(f"{label(source, STDIN)}: {note}")
    if len(pictures) > 1:
        from .run_in_memory import filter_pages

        filter_pages(pictures, jobs, source, shared, settings, started)
        return
    picture = pictures[0]
    prepared = [prepare(job, picture, source, shared, settings) for job in jobs]
    more = jobs[0].look(picture) if jobs[0].look else {}
    for job, (work, plan, kind) in zip(jobs, prepared, strict=True):
        if shared["dry_run"]:
            tell_plan(job, source, plan, kind, shared)
            continue
        filter_and_write(job.output, picture, work, plan, kind, source, shared, settings, started, more)
