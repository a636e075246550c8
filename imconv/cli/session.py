"""One run of a filter command: what was asked, where from and where to, and all that the user is told about it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import click

from .checked import checked
from .places import STDIN, STDOUT, label, place_of, teller
from .saying import current, report, say

if TYPE_CHECKING:
    from ..files.picture import Picture
    from ..filter import Filter
    from ..filters.apply import PlannedFilter
    from ..options import Options

    Make = Callable[[Options, int], Filter]  # from the options and the picture's width
    Look = Callable[[Picture], dict]


@dataclass(frozen=True)
class Job:
    """One result of the picture: where it goes, and what makes the filter. `look`, if given, is called with the whole picture
    before, and returns what the JSON report has more."""

    output: str
    make: Make
    look: Look | None = None


class Session:
    """One run of a filter command.

    asked    the shared options, checked
    source   the picture's path, or "-"
    jobs     the results that are wanted
    started  when, by time.perf_counter
    name     what messages call the source
    tell     writes a remark to standard error, unless the user wants quiet, and keeps it for the report
    say      writes what was asked for, and does not keep it
    """

    def __init__(self, shared: dict, source: str, jobs: list[Job]):
        self.started = time.perf_counter()
        self.asked = checked(shared)
        self.source, self.jobs = source, jobs
        self.name = current().name = label(source, STDIN)
        self.tell = teller(self.asked.quiet)
        self.say = partial(say, quiet=self.asked.quiet)

    def format_named(self, job: Job) -> str | None:
        """The format that --format or the output's extension names; None where the input decides, or it is no format."""
        from .. import files
        from ..errors import FileError

        if self.asked.format is not None or job.output == "-":
            return self.asked.format
        try:
            return files.format_for(job.output)
        except FileError:
            return None

    def filter_for(self, job: Job, picture: Picture) -> Filter:
        """The filter for a picture, of which only the kind and size count. A picture with alpha is laid over the background
        where one was given and the output format has no alpha."""
        from ..files.encoding import stores_alpha
        from ..files.formats import format_named
        from ..files.orientation import shown_width

        filter, background = job.make(self.asked.options, shown_width(picture)), self.asked.background
        format = self.format_named(job) or picture.format
        if (
            background is None
            or not picture.has_alpha
            or format is None
            or stores_alpha(format_named(format), picture.mode)
        ):
            return filter
        from ..filters.pointwise import flattened

        return flattened(filter, background, self.asked.options)

    def keeps_turn(self, picture: Picture) -> bool:
        """Whether a picture is filtered as it is stored, and not as it is shown, to which all places, sizes
        and directions refer: where both are the same, or the filters have none of these."""
        if picture.metadata.orientation == 1:
            return True
        return not self.asked.auto_orient and all(self.filter_for(job, picture).symmetric for job in self.jobs)

    def plan(self, filter: Filter, picture: Picture, heading: str = "") -> PlannedFilter:
        """A filter planned for a picture. The plan is printed under the heading, if that was asked for; remarks tell of linear
        light, and of a profile that the result can't have."""
        from ..errors import FileError
        from ..filters.apply import plan_picture

        try:
            planned = plan_picture(filter, picture)
        except FileError as error:
            raise FileError(f"{self.name}: {error}") from error
        plan, conversion = planned.plan, planned.conversion
        if conversion and conversion.note:
            self.tell(f"{self.name}: {conversion.note}")
        if plan.channels != picture.channels and picture.metadata.icc:
            self.tell(f"{self.name}: its ICC profile is for other channels than the result's; left out")
        if self.asked.explain:
            light = f"\nlight          {conversion.name}, decoded before and encoded after" if conversion else ""
            click.echo(f"{heading}{plan}{light}", err=True)
        return planned

    def check_target(self, job: Job, outlines: list) -> str:
        """The format of results of these kinds and sizes; what it can't hold, or where it can't be written, is an error."""
        from .. import files

        place, name = place_of(job.output)
        format, no_clobber = self.asked.format, self.asked.no_clobber
        return files.check_target(place, *outlines, format=format, no_clobber=no_clobber, name=name).name

    def tallies(self, count: int) -> list:
        """What counts clipped samples, for each result; None where nobody wants to know."""
        from ..pixels.rounding import Tally

        return [Tally() if self.asked.verbose or self.asked.json else None for _ in range(count)]

    def tell_notes(self, name: str, notes: Iterable[str]) -> None:
        """Remarks on a file, each once."""
        for note in dict.fromkeys(notes):
            self.tell(f"{name}: {note}")

    def tell_plans(self, job: Job, format: str, plans: list, turns: list[int]) -> None:
        """What --dry-run tells: what would be written, by a plan for each page, and the orientation to which each result is
        turned back, or 0."""
        shapes = [stored_shape(plan, turn) for plan, turn in zip(plans, turns, strict=True)]
        sizes = ", ".join(dict.fromkeys(f"{columns} x {rows}" for rows, columns in shapes))
        pages = f"{len(plans)} pages of " if len(plans) > 1 else ""
        self.say(f"would write {label(job.output, STDOUT)} ({format}, {pages}{sizes} pixels)")
        if self.asked.json:
            self._report(job, plans, turns, [{}] * len(plans))

    def tell_results(
        self, job: Job, results: list, plans: list, tallies: list, turns: list[int], more: dict | None = None
    ) -> None:
        """What --verbose and --json tell in the end of each page; `turns` as in `tell_plans`, `more` is what the report of a
        job's `look` has."""
        seconds = time.perf_counter() - self.started
        if self.asked.verbose:
            self._tell_sizes(results, tallies, seconds)
        if self.asked.json:
            clipped = [{"clipped": tally.clipped} for tally in tallies]
            self._report(job, plans, turns, clipped, seconds=round(seconds, 4), **(more or {}))

    def _tell_sizes(self, results: list, tallies: list, seconds: float) -> None:
        from .. import jit

        for number, (result, tally) in enumerate(zip(results, tallies, strict=True), 1):
            channels = f"{result.channels} channel{'s' * (result.channels != 1)}"
            clipped = f"; {tally.clipped} of {tally.samples} samples clipped" if tally.samples else ""
            taken = f"; {1000 * seconds:.0f} ms" if number == len(results) else ""
            self.say(f"{result.width} x {result.height} pixels, {channels} of {result.pixels.dtype}{clipped}{taken}")
        for name, origin in jit.origins.items():
            why = f"; it could not be compiled to be kept: {jit.failures[name]}" if name in jit.failures else ""
            self.say(f"loop {name}: {origin}{why}")

    def _report(self, job: Job, plans: list, turns: list[int], facts: list[dict], **whole) -> None:
        """Print the JSON report; `facts` are more of each page, `whole` of the run."""
        pages = [
            {"width": columns, "height": rows, "channels": plan.channels, **own, "plan": _plan_as_dict(plan, turn)}
            for plan, turn, own in zip(plans, turns, facts, strict=True)
            for rows, columns in [stored_shape(plan, turn)]
        ]
        told = {**whole, "pages": pages}
        if len(pages) == 1:  # then it is no list, and the plan comes last
            plan = pages[0].pop("plan")
            told = {**pages[0], **whole, "plan": plan}
        report({"input": self.source, "output": job.output, **told}, job.output)


def stored_shape(plan, turn: int) -> tuple[int, int]:
    """Rows and columns of a plan's result as it is written: turned back to an orientation, or 0."""
    from ..files.orientation import transposes

    rows, columns = plan.shape
    return (columns, rows) if turn and transposes(turn) else (rows, columns)


def _plan_as_dict(plan, turn: int) -> dict:
    """The plan's figures; with the orientation, where its sizes are those of the picture turned upright."""
    return {**plan.as_dict(), **({"orientation": turn} if turn else {})}
