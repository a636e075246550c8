"""Large pictures, from file to file in bands of rows."""

from __future__ import annotations

import time

from . import interrupt, session
from .progress import Progress


def filter_in_bands(job, source: str, shared: dict, settings: dict, started: float) -> bool:
    """Filter a picture that is large, or does not fit into memory, row by row. False, with nothing done, for all others."""
    from .. import file_to_file
    from ..files import formats, incoming, limits

    limit = limits.memory_limit(settings["max_memory"])
    least = min(file_to_file.WORTH_BANDS, limit // 3)
    with incoming.reading(source, least=least, max_pixels=settings["max_pixels"], max_memory=limit) as picture:
        if picture is None or (shared["auto_orient"] and picture.outline.metadata.orientation != 1):
            return False
        outline = picture.outline
        work = session.work_of(job, settings, outline.width)
        named = session.format_named(job.output, shared["format_"]) or outline.format
        target = formats.format_named(named)
        result_type = work.result_type(outline.pixels.dtype)
        if settings["options"].range == "stretch" or not file_to_file.able(target, result_type):
            return False
        plan = session.plan_for(work, outline, source, shared)
        needed = file_to_file.bytes_held(plan, picture, settings["threads"])
        limits.check(source, outline.width, outline.height, needed, max_memory=limit)
        kind = session.target_of(job, outline, plan, work, shared)
        if shared["explain"]:
            session.teller(False)(
                f"read, filtered and written in bands of rows; {limits.human(needed)} of memory for them"
            )
        tell = session.teller(shared["quiet"])
        if shared["dry_run"]:
            session.tell_plan(job, source, plan, kind, shared)
            return True
        _run(picture, job, work, plan, kind, source, shared, settings, started)
        for note in dict.fromkeys(session.notes_of(source, picture)):
            tell(f"{source}: {note}")
        return True


def _run(picture, job, work, plan, kind, source, shared, settings, started) -> None:
    from .. import file_to_file
    from ..composites.linear_light import conversion_of
    from ..files import outgoing
    from ..pixels.rounding import Tally

    result = session.outline(picture.outline, plan, work)
    conversion = conversion_of(work, result.mode, picture.outline.pixels.dtype, result.metadata)
    tally = Tally() if shared["verbose"] or shared["json_"] else None
    options = {name: settings[name] for name in ("quality", "compression", "threads")}
    with (
        outgoing.writing(
            job.output, result, kind, **options, strip=shared["strip"], no_clobber=shared["no_clobber"]
        ) as target,
        Progress(shared["quiet"]) as progress,
    ):
        how = {"threads": settings["threads"], "tally": tally, "progress": progress}
        file_to_file.write_filtered(plan, conversion, picture, target, **how)
        interrupt.check()
    for note in dict.fromkeys(target.notes):
        session.teller(shared["quiet"])(f"{job.output}: {note}")
    seconds = time.perf_counter() - started
    if shared["verbose"]:
        session.tell_results([(result, tally)], seconds, shared["quiet"])
    if shared["json_"]:
        session.report(source, job.output, plan, clipped=tally.clipped, seconds=round(seconds, 4))
