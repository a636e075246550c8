"""Files of several pages or frames: each picture gets its own plan, all results go into one file."""

from __future__ import annotations

import time

import click

from . import interrupt, session
from .progress import Progress


def filter_pages(pictures: list, jobs: list, source: str, shared: dict, settings: dict, started: float) -> None:
    """Filter every picture for each job and write them together; whatever can be refused is refused before any work."""
    prepared = [_prepare(job, pictures, source, shared, settings) for job in jobs]
    for job, (works, plans, kind) in zip(jobs, prepared, strict=True):
        if not shared["dry_run"]:
            _filter_and_write(job.output, pictures, works, plans, kind, source, shared, settings, started)
            continue
        sizes = ", ".join(dict.fromkeys(f"{plan.shape[1]} x {plan.shape[0]}" for plan in plans))
        session.teller(shared["quiet"])(
            f"would write {session.label(job.output, session.STDOUT)} ({kind}, {len(plans)} pages of {sizes} pixels)"
        )
        if shared["json_"]:
            _report(source, job.output, plans, [{}] * len(plans))


def _prepare(job, pictures, source, shared, settings) -> tuple[list, list, str]:
    """Each picture's filter and plan, and the output format."""
    from .. import files
    from ..files.limits import check

    works, plans, outlines, kept, most = [], [], [], 0, 0
    for number, picture in enumerate(pictures):
        work = session.work_of(job, settings, picture.width)
        plan = session.plan_for(work, picture, source, shared, heading=f"page {number}\n")
        works.append(work)
        plans.append(plan)
        outlines.append(session.outline(picture, plan, work))
        kept += picture.pixels.nbytes + outlines[-1].pixels.nbytes
        most = max(most, session.bytes_beside(work, plan, picture))
    rows, columns = plans[0].shape
    check(session.label(source, session.STDIN), columns, rows, kept + most, max_memory=settings["max_memory"])
    place, name = session.place_of(job.output)
    kind = files.check_target(place, *outlines, format=shared["format_"], no_clobber=shared["no_clobber"], name=name)
    return works, plans, kind.name


def _filter_and_write(target, pictures, works, plans, kind, source, shared, settings, started) -> None:
    from ..filters.apply import apply
    from ..pixels.rounding import Tally

    tallies = [Tally() if shared["verbose"] or shared["json_"] else None for _ in plans]
    results = []
    with Progress(shared["quiet"]) as progress:
        for i, (picture, work) in enumerate(zip(pictures, works, strict=True)):

            def share(done: int, total: int, before: int = i) -> None:
                progress(before * total + done, len(pictures) * total)

            results.append(apply(work, picture, threads=settings["threads"], tally=tallies[i], progress=share))
    interrupt.check()
    session.save(target, results, kind, shared, settings)
    seconds = time.perf_counter() - started
    if shared["verbose"]:
        session.tell_results(list(zip(results, tallies, strict=True)), seconds, shared["quiet"])
    if shared["json_"]:
        _report(source, target, plans, [{"clipped": tally.clipped} for tally in tallies], seconds=round(seconds, 4))


def _report(source: str, target: str, plans: list, more: list[dict], **whole) -> None:
    import json

    pages = []
    for plan, own in zip(plans, more, strict=True):
        rows, columns = plan.shape
        pages.append({"width": columns, "height": rows, "channels": plan.channels, **own, "plan": plan.as_dict()})
    click.echo(json.dumps({"input": source, "output": target, **whole, "pages": pages}), err=session.on_stdout(target))
