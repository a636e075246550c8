"""What every filter command does around its filter: read, plan, filter, write, tell."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import click


def filter_picture(shared: dict, make: Callable) -> None:
    """Read INPUT, filter it and write OUTPUT.

    Parameters
    ----------
    shared : dict
        The shared options as Click gives them.
    make : callable
        Called with the filter's `Options` and the picture's width; returns a filter with `plan` and `apply`.
    """
    started = time.perf_counter()
    ctx = click.get_current_context()
    source, target = _places(ctx, shared)
    threads, limits = _checked(shared)
    from .. import files

    picture = files.read(
        sys.stdin.buffer if source == "-" else source,
        name="standard input" if source == "-" else None,
        auto_orient=shared["auto_orient"],
        **limits,
    )
    tell = (lambda text: None) if shared["quiet"] else lambda text: click.echo(f"imconv: {text}", err=True)
    label = "standard input" if source == "-" else source
    for note in picture.notes:
        tell(f"{label}: {note}")
    kind = files.format_for(shared["format_"] or (picture.format if target == "-" else target))
    work = make(_options(shared), picture.width)
    plan = work.plan(picture.pixels.shape, picture.pixels.dtype, picture.has_alpha)
    if shared["explain"]:
        click.echo(str(plan), err=True)
    _check_memory(plan, picture, label, shared["max_memory"])
    if shared["dry_run"]:
        place = "standard output" if target == "-" else target
        tell(f"would write {place} ({kind}, {plan.shape[1]} x {plan.shape[0]} pixels)")
        return
    from ..rounding import Tally

    tally = Tally() if shared["verbose"] or shared["json_"] else None
    with Progress(shared["quiet"]) as progress:
        result = work.apply(picture, threads=threads, tally=tally, progress=progress)
    saved = files.write(
        sys.stdout.buffer if target == "-" else target,
        result,
        format=kind,
        quality=shared["quality"],
        compression=shared["compression"],
        strip=shared["strip"],
        no_clobber=shared["no_clobber"],
        name="standard output" if target == "-" else None,
    )
    for note in saved.notes:
        tell(f"{'standard output' if target == '-' else target}: {note}")
    seconds = time.perf_counter() - started
    if shared["verbose"]:
        tell(f"{result.width} x {result.height} pixels, {result.channels} channels of {result.pixels.dtype}; "
             f"{tally.clipped} of {tally.samples} samples clipped; {1000 * seconds:.0f} ms")  # fmt: skip
    if shared["json_"]:
        _report(source, target, result, plan, tally, seconds)


class Progress:
    """A bar on a terminal for work of over a second; otherwise nothing."""

    def __init__(self, quiet: bool):
        self.shown = not quiet and sys.stderr.isatty()
        self.started = time.monotonic()
        self.drawn = False

    def __enter__(self):
        return self if self.shown else None

    def __call__(self, done: int, total: int) -> None:
        if self.drawn or time.monotonic() - self.started > 1:
            self.drawn = True
            filled = 30 * done // total
            sys.stderr.write(f"\r[{'=' * filled}{' ' * (30 - filled)}] {100 * done // total:3d} %")
            sys.stderr.flush()

    def __exit__(self, *failure) -> None:
        if self.drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _places(ctx, shared: dict) -> tuple[str, str]:
    """Input and output; usage errors where a terminal would have to give or take an image."""
    source, target = shared["input"], shared["output"]
    if source is None and sys.stdin.isatty():
        click.echo(ctx.get_usage() + f"\nTry '{ctx.command_path} --help' for help.", err=True)
        ctx.exit(2)
    source, target = source or "-", target or "-"
    if target == "-" and sys.stdout.isatty() and not shared["dry_run"]:
        raise click.UsageError("standard output is a terminal, which can't show an image; give an OUTPUT or redirect")
    return source, target


def _checked(shared: dict) -> tuple[int | None, dict]:
    """Threads and limits as numbers; bad ones are usage errors before any file is read."""
    from ..executor import checked_threads
    from ..files.limits import parse_count, parse_size

    threads = None if shared["threads"] is None else checked_threads(shared["threads"])
    return threads, {
        "max_pixels": None if shared["max_pixels"] is None else parse_count(shared["max_pixels"]),
        "max_memory": None if shared["max_memory"] is None else parse_size(shared["max_memory"]),
    }


def _options(shared: dict):
    from ..correlation import Options

    return Options(
        border=shared["border"],
        pad=shared["pad"],
        stride=shared["stride"],
        dilation=shared["dilation"],
        alpha=shared["alpha"],
        range=shared["range_"],
    )


def _check_memory(plan, picture, label, limit) -> None:
    """Refuse a result that would not fit beside its picture."""
    from ..files.limits import check

    rows, columns = plan.shape
    samples = rows * columns * plan.channels
    item = picture.pixels.dtype.itemsize + (8 if plan.range == "stretch" else 0)
    check(label, columns, rows, picture.pixels.nbytes + samples * item + plan.scratch, max_memory=limit)


def _report(source, target, result, plan, tally, seconds) -> None:
    import json

    report = {
        "input": source,
        "output": target,
        "width": result.width,
        "height": result.height,
        "channels": result.channels,
        "clipped": tally.clipped,
        "seconds": round(seconds, 4),
        "plan": plan.as_dict(),
    }
    click.echo(json.dumps(report), err=target == "-")
