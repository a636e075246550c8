"""What every filter command does around its filter: read, plan, filter, write, tell."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import click

from . import interrupt
from .progress import Progress, is_terminal

STDIN, STDOUT = "standard input", "standard output"


@dataclass(frozen=True)
class Job:
    """One result of the picture: where it goes, and what makes the filter of the options and the picture's width. `look`, if
    given, is called with the whole picture before, and returns what the JSON report has more."""

    output: str
    make: Callable
    look: Callable | None = None


def prepare(job: Job, picture, source: str, shared: dict, settings: dict) -> tuple:
    """The filter, its plan and the output format: all that can be refused is refused here, before any work."""
    work = work_of(job, settings, picture.width)
    plan = plan_for(work, picture, source, shared)
    _check_memory(work, plan, picture, label(source, STDIN), settings["max_memory"])
    return work, plan, target_of(job, picture, plan, work, shared)


def work_of(job: Job, settings: dict, width: int):
    """The job's filter for a picture of this width, on the part that the options select."""
    from ..composites.partial import selected

    return selected(job.make(settings["options"], width))


def target_of(job: Job, picture, plan, work, shared: dict) -> str:
    """The format of the result; what it can't hold, or where it can't be written, is an error now."""
    from .. import files

    place, name = place_of(job.output)
    result = outline(picture, plan, work)
    return files.check_target(place, result, format=shared["format_"], no_clobber=shared["no_clobber"], name=name).name


def tell_plan(job: Job, source: str, plan, kind: str, shared: dict) -> None:
    """What --dry-run says."""
    rows, columns = plan.shape
    teller(shared["quiet"])(f"would write {label(job.output, STDOUT)} ({kind}, {columns} x {rows} pixels)")
    if shared["json_"]:
        report(source, job.output, plan)


def plan_for(work, picture, source: str, shared: dict, heading: str = ""):
    """The filter's plan for a picture; told, under a heading, if that was asked for, as are notes on linear light."""
    from ..composites.linear_light import conversion_of
    from ..errors import FileError

    kind = picture.pixels.dtype
    try:
        conversion = conversion_of(work, picture.mode, kind, picture.metadata)
    except FileError as error:
        raise FileError(f"{label(source, STDIN)}: {error}") from error
    if conversion is None:
        plan = work.plan(picture.pixels.shape, kind, picture.has_alpha)
    else:
        plan = conversion.filter.plan(picture.pixels.shape, conversion.source, picture.has_alpha)
        if conversion.note:
            teller(shared["quiet"])(f"{label(source, STDIN)}: {conversion.note}")
    if plan.channels != picture.channels and picture.metadata.icc:
        teller(shared["quiet"])(
            f"{label(source, STDIN)}: its ICC profile is for other channels than the result's; left out"
        )
    if shared["explain"]:
        light = f"\nlight          {conversion.name}, decoded before and encoded after" if conversion else ""
        click.echo(f"{heading}{plan}{light}", err=True)
    return plan


def notes_of(source: str, picture) -> list[str]:
    """Remarks on a file read in bands, as `files.read` makes them on a whole one."""
    from .. import files

    return [*picture.notes, *files.notes_on_name(source, picture.header.format)]


def outline(picture, plan, work):
    """A picture of the kind and size that the filter gives, which takes no memory."""
    import numpy as np

    shape = (*plan.shape, plan.channels) if picture.pixels.ndim == 3 or plan.channels > 1 else plan.shape
    return picture.filtered(np.broadcast_to(np.zeros((), work.result_type(picture.pixels.dtype)), shape))


def bytes_beside(work, plan, picture) -> int:
    """What a run takes beside the picture and the result: among other things both in linear light."""
    import numpy as np

    rows, columns = plan.shape
    samples = rows * columns * plan.channels
    light = np.dtype(plan.source).itemsize * (picture.pixels.size + samples) if work.options.linear else 0
    return samples * plan.extra_bytes + light + plan.scratch


def filter_and_write(target, picture, work, plan, kind, source, shared, settings, started, more) -> None:
    from ..filters.apply import apply
    from ..pixels.rounding import Tally

    tally = Tally() if shared["verbose"] or shared["json_"] else None
    with Progress(shared["quiet"]) as progress:
        result = apply(work, picture, threads=settings["threads"], tally=tally, progress=progress)
    interrupt.check()
    save(target, [result], kind, shared, settings)
    seconds = time.perf_counter() - started
    if shared["verbose"]:
        tell_results([(result, tally)], seconds, shared["quiet"])
    if shared["json_"]:
        report(source, target, plan, clipped=tally.clipped, seconds=round(seconds, 4), **more)


def save(target: str, results: list, kind: str, shared: dict, settings: dict) -> None:
    """Write the results into one file and tell what was changed."""
    from .. import files

    place, name = place_of(target)
    saved = files.write_pages(
        place,
        results,
        format=kind,
        quality=settings["quality"],
        compression=settings["compression"],
        threads=settings["threads"],
        strip=shared["strip"],
        no_clobber=shared["no_clobber"],
        name=name,
    )
    for note in saved.notes:
        teller(shared["quiet"])(f"{label(target, STDOUT)}: {note}")


def tell_results(results: list, seconds: float, quiet: bool) -> None:
    """What --verbose says in the end; `results` are pairs of a picture and its tally."""
    from .. import jit

    tell = teller(quiet)
    for result, tally in results:
        channels = f"{result.channels} channel{'s' * (result.channels != 1)}"
        clipped = f"; {tally.clipped} of {tally.samples} samples clipped" if tally.samples else ""
        time_taken = f"; {1000 * seconds:.0f} ms" if result is results[-1][0] else ""
        tell(f"{result.width} x {result.height} pixels, {channels} of {result.pixels.dtype}{clipped}{time_taken}")
    for name, origin in jit.origins.items():
        why = f"; it could not be compiled to be kept: {jit.failures[name]}" if name in jit.failures else ""
        tell(f"loop {name}: {origin}{why}")


def label(place: str, stream: str) -> str:
    return stream if place == "-" else place


def on_stdout(output: str | None) -> bool:
    """Whether the picture goes to standard output, so that words have to go elsewhere."""
    if output in (None, "-"):
        return output == "-"
    from ..files.descriptors import is_standard_output

    return is_standard_output(output)


def place_of(output: str) -> tuple:
    """Where to write, and what messages call it if that is standard output."""
    return (sys.stdout.buffer, STDOUT) if output == "-" else (output, None)


def input_place(input: str | None, what: str = "INPUT") -> tuple:
    """Where to read, and what messages call it; where nothing is named, and nobody pipes anything in, the usage."""
    ctx = click.get_current_context()
    if input is None and is_terminal(sys.stdin):
        click.echo(ctx.get_usage() + f"\nTry '{ctx.command_path} --help' for help.", err=True)
        ctx.exit(2)
    if input not in (None, "-"):
        return input, input
    if sys.stdin is None:
        from ..errors import FileError

        raise FileError(f"standard input is closed; give an {what}")
    return sys.stdin.buffer, STDIN


def teller(quiet: bool) -> Callable[[str], None]:
    return (lambda text: None) if quiet else lambda text: click.echo(f"imconv: {text}", err=True)


def places_of(shared: dict) -> tuple[str, str]:
    """Input and output; usage errors where a terminal would have to give or take an image."""
    from ..errors import FileError, OptionError

    ctx = click.get_current_context()
    source, target = shared["input"], shared["output"]
    if source == "" or target == "":
        raise OptionError(f"the name of {'INPUT' if source == '' else 'OUTPUT'} is empty")
    input_place(source)
    source, target = source or "-", target or "-"
    if target == "-" and sys.stdout is None:
        raise FileError("standard output is closed; give an OUTPUT")
    if target == "-" and is_terminal(sys.stdout) and not shared["dry_run"]:
        raise click.UsageError(
            "standard output is a terminal, which can't show an image; give an OUTPUT or redirect", ctx
        )
    return source, target


def read_pictures(source: str, shared: dict, settings: dict, jobs: list[Job]) -> list:
    """The picture, or every page of it where the first job's output holds them."""
    from .. import files

    place = sys.stdin.buffer if source == "-" else source
    common = {
        "name": STDIN if source == "-" else None,
        "auto_orient": shared["auto_orient"],
        "max_pixels": settings["max_pixels"],
        "max_memory": settings["max_memory"],
    }
    if settings["page"] is not None:
        return [files.read(place, page=settings["page"], **common)]
    return files.read_pages(place, into=format_named(jobs[0].output, shared["format_"]), **common)


def format_named(output: str, asked: str | None) -> str | None:
    """The format that --format or the output's extension names; None where the input decides, or it is no format."""
    from .. import files
    from ..errors import FileError

    if asked is not None or output == "-":
        return asked
    try:
        return files.format_for(output)
    except FileError:
        return None


def _check_memory(work, plan, picture, label, limit) -> None:
    """Refuse a result that would not fit beside its picture."""
    from ..files.limits import check

    rows, columns = plan.shape
    needed = picture.pixels.nbytes + outline(picture, plan, work).pixels.nbytes + bytes_beside(work, plan, picture)
    check(label, columns, rows, needed, max_memory=limit)


def report(source: str, target: str, plan, **more) -> None:
    import json

    rows, columns = plan.shape
    report = {"input": source, "output": target, "width": columns, "height": rows, "channels": plan.channels}
    click.echo(json.dumps({**report, **more, "plan": plan.as_dict()}), err=on_stdout(target))
