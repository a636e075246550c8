"""`imconv cache`: the compiled loops that are kept."""

from __future__ import annotations

import click

from ...units import human_bytes
from ..compiling import watch
from ..options import command, flag
from ..saying import report
from ..usage import CommandGroup


@click.group(cls=CommandGroup)
def cache():
    """Show, fill or empty the store of compiled loops.

    Loops are compiled when they are first needed, once on each computer, and kept. None of these commands changes a
    result.
    """


@command("info", "imconv cache info", "imconv cache info --json", of=cache)
@flag("--json json_", "Print JSON.")
def info(json_):
    """Print what is kept, where, and for which processor."""
    from ...jit import machine, shipped_folder, shipped_loops, store

    kept, folder = store.kept(), store.folder()
    facts = {
        "folder": folder,
        "processor": machine.cpu().get("model name") or machine.cpu().get("vendor_id") or "unknown",
        "level": machine.level(),
        "shipped": len(shipped_loops()),
        "kept": len(kept),
        "bytes": sum(kept.values()),
    }
    if json_:
        report({**facts, "loops": kept})
        return
    click.echo(f"folder     {folder or f'none: {store.refusal()}'}")
    click.echo(f"processor  {facts['processor']}" + (f", {facts['level']}" if facts["level"] else ""))
    click.echo(
        f"shipped    {facts['shipped']} loops" + ("" if shipped_folder() else ": this copy of imconv carries none")
    )
    click.echo(f"kept       {len(kept)} loops, {human_bytes(sum(kept.values()))}")
    for name, size in sorted(kept.items()):
        click.echo(f"  {human_bytes(size):>8}  {name}")


@command("warm", "imconv cache warm", "imconv cache warm --all", of=cache)
@flag("--all everything", "Also those for float64 pictures and for the longest sums.")
@flag("-q --quiet", "No progress.")
def warm(everything, quiet):
    """Compile the common loops now, so that no later run has to."""
    from ... import jit
    from ...compiler.prebuilt import prebuilt

    wanted = prebuilt(everything)
    watch(quiet)
    jit.ready(wanted)
    kept = jit.store.kept()
    origins = {name: jit.origins[name] for name in (jit.signature.full_name(*item) for item in wanted)}
    count = sum(origin == "built" for origin in origins.values())
    failed = [name for name, how in origins.items() if how == "numba" or (how == "built" and name not in kept)]
    click.echo(f"{len(wanted)} loops at hand, {count} of them compiled now")
    if failed:
        from ...errors import ImconvError

        why = jit.failures.get(failed[0]) or jit.store.refusal() or "run with IMCONV_DEBUG=1 to see why"
        raise ImconvError(f"{len(failed)} loops can't be kept here, such as {failed[0]}: {why}")


@command("clear", "imconv cache clear", of=cache)
def clear():
    """Remove every kept loop."""
    from ...jit import store

    count, size = store.clear()
    click.echo(f"removed {count} files, {human_bytes(size)}")
