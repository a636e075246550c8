"""Pictures in memory: every page is planned, then filtered, and all results of a job go into one file."""

from __future__ import annotations

import sys

from ..files.orientation import as_shown, as_stored
from . import interrupt
from .places import STDIN, STDOUT, label, place_of
from .progress import Progress
from .session import Job, Session, stored_shape


def filter_in_memory(session: Session) -> None:
    """Read all pages that are wanted and write each job's results; whatever can be refused is refused before any work."""
    pages = read_pages(session)
    session.tell_notes(session.name, [note for page in pages for note in page.notes])
    turns = [0 if session.keeps_turn(page) else page.metadata.orientation for page in pages]
    _turn_upright(session, pages, turns)
    prepared = [_prepare(session, job, pages, turns) for job in session.jobs]
    look = session.jobs[0].look if len(pages) == 1 else None
    more = look(pages[0]) if look else {}
    for job, (planned, format) in zip(session.jobs, prepared, strict=True):
        if session.asked.dry_run:
            session.tell_plans(job, format, [each.plan for each in planned], turns)
        else:
            _filter_and_write(session, job, pages, turns, planned, format, more)


def read_pages(session: Session) -> list:
    """The page that is asked for, or every page that the first job's output can hold."""
    from .. import files

    asked, from_stdin = session.asked, session.source == "-"
    place = sys.stdin.buffer if from_stdin else session.source
    how = {name: getattr(asked, name) for name in ("auto_orient", "truncated", "max_pixels", "max_memory")}
    how["name"] = STDIN if from_stdin else None
    if asked.page is not None:
        pages = [files.read(place, page=asked.page, **how)]
    else:
        pages = files.read_pages(place, into=session.format_named(session.jobs[0]), **how)
    if not asked.to_srgb:
        return pages
    from ..files.pillow.profiles import to_srgb

    return [to_srgb(page, session.name) for page in pages]


def _turn_upright(session: Session, pages: list, turns: list[int]) -> None:
    """Turn those pages upright in their list that have a turn; each is in memory twice meanwhile."""
    from ..files.limits import check

    if not any(turns):
        return
    kept = sum(page.pixels.nbytes for page in pages)
    most = max(page.pixels.nbytes for page, turn in zip(pages, turns, strict=True) if turn)
    check(session.name, pages[0].width, pages[0].height, kept + most, max_memory=session.asked.max_memory)
    for number, turn in enumerate(turns):
        if turn:
            pages[number] = as_shown(pages[number])


def _prepare(session: Session, job: Job, pages: list, turns: list[int]) -> tuple[list, str]:
    """The job's filter planned for each page, and the output format."""
    from ..files.limits import check

    planned, outlines, kept, most = [], [], 0, 0
    for number, (page, turn) in enumerate(zip(pages, turns, strict=True)):
        heading = f"page {number}\n" if len(pages) > 1 else ""
        heading += f"turned upright before, and back after: its orientation is {turn}\n" if turn else ""
        each = session.plan(session.filter_for(job, page), page, heading)
        planned.append(each)
        outlines.append(each.outline(page))
        kept += page.pixels.nbytes + outlines[-1].pixels.nbytes
        most = max(most, outlines[-1].pixels.nbytes if turn else 0)
        most = max(most, each.bytes_beside(page))
    rows, columns = stored_shape(planned[0].plan, turns[0])
    check(session.name, columns, rows, kept + most, max_memory=session.asked.max_memory)
    return planned, session.check_target(job, outlines)


def _filter_and_write(
    session: Session, job: Job, pages: list, turns: list[int], planned: list, format: str, more: dict
) -> None:
    """Filter every page, write the results into one file and tell what was changed."""
    from .. import files

    asked = session.asked
    results, tallies = [], session.tallies(len(pages))
    with Progress(asked.quiet) as progress:
        for number, (page, turn, each) in enumerate(zip(pages, turns, planned, strict=True)):

            def share(done: int, total: int, before: int = number) -> None:
                progress(before * total + done, len(pages) * total)

            result = each.run(page, threads=asked.threads, tally=tallies[number], progress=share)
            results.append(as_stored(result, turn) if turn else result)
    interrupt.check()
    place, name = place_of(job.output)
    how = {each: getattr(asked, each) for each in ("quality", "compression", "threads", "strip", "no_clobber")}
    saved = files.write_pages(place, results, format=format, name=name, **how)
    session.tell_notes(label(job.output, STDOUT), saved.notes)
    session.tell_results(job, results, [each.plan for each in planned], tallies, turns, more)
