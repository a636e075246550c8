"""Large pictures, from file to file in bands of rows."""

from __future__ import annotations

from ..units import human_bytes
from . import interrupt
from .progress import Progress
from .saying import say
from .session import Job, Session


def filter_in_bands(session: Session) -> bool:
    """Filter a picture that is large, or does not fit into memory, row by row. False, with nothing done, for all others."""
    from .. import file_to_file, files
    from ..files import formats, incoming, limits

    asked, job = session.asked, session.jobs[0]
    if asked.truncated != "error" or asked.to_srgb:  # how many rows are missing is known at the end only
        return False
    limit = limits.memory_limit(asked.max_memory)
    least = min(file_to_file.WORTH_BANDS, limit // 3)
    with incoming.reading(session.source, least=least, max_pixels=asked.max_pixels, max_memory=limit) as picture:
        if picture is None or not session.keeps_turn(picture.outline):
            return False
        outline = picture.outline
        filter = session.filter_for(job, outline)
        target = formats.format_named(session.format_named(job) or picture.header.format)
        able = file_to_file.able(target, filter.result_type(outline.pixels.dtype))
        if asked.options.range == "stretch" or not able:
            return False
        planned = session.plan(filter, outline)
        needed = file_to_file.bytes_held(planned.plan, picture, asked.threads)
        limits.check(session.source, outline.width, outline.height, needed, max_memory=limit)
        format = session.check_target(job, [planned.outline(outline)])
        if asked.explain:
            say(f"read, filtered and written in bands of rows; {human_bytes(needed)} of memory for them")
        if asked.dry_run:
            session.tell_plans(job, format, [planned.plan], [0])
            return True
        _run(session, job, picture, planned, format)
        # as `files.read` makes them on a whole picture
        notes = [*picture.notes, *files.notes_on_name(session.source, picture.header.format)]
        session.tell_notes(session.source, notes)
        return True


def _run(session: Session, job: Job, picture, planned, format: str) -> None:
    from .. import file_to_file
    from ..files import outgoing

    asked, result = session.asked, planned.outline(picture.outline)
    tallies = session.tallies(1)
    options = {name: getattr(asked, name) for name in ("quality", "compression", "threads", "strip", "no_clobber")}
    with outgoing.writing(job.output, result, format, **options) as target, Progress(asked.quiet) as progress:
        how = {"threads": asked.threads, "tally": tallies[0], "progress": progress}
        file_to_file.write_filtered(planned.plan, planned.conversion, picture, target, **how)
        interrupt.check()
    session.tell_notes(job.output, target.notes)
    session.tell_results(job, [result], [planned.plan], tallies, [0])
