"""Prints results: an aligned table for a terminal, a Markdown table for the README, both from the same record.

The record is what the JSON file holds, so that a table can be printed again without measuring again.
"""

from __future__ import annotations

from itertools import groupby

from .timing import median_ms

OURS = "imconv"
NOTHING = "-"


def text_report(record: dict) -> str:
    """Header, one aligned table for every picture, notes."""
    rivals = _shown_rivals(record)
    parts = ["\n".join(_header(record))]
    copies = {limit["frame"]: limit["samples"] for limit in record["limits"]}
    head = ["operation", f"{OURS} ms", "Mpx/s", *(f"{name} ms" for name in rivals)]
    groups = [(frame, list(results)) for frame, results in groupby(record["results"], key=lambda r: r["frame_name"])]
    tables = [[head, *([r["title"], *_cells(r, rivals)] for r in results)] for _, results in groups]
    widths = [max(map(len, column)) for column in zip(*(row for table in tables for row in table), strict=True)]
    for (frame, _), table in zip(groups, tables, strict=True):
        lines = [aligned(row, widths) for row in table]
        title = f"{frame} (copying it: {number(median_ms(copies[frame]))} ms)" if frame in copies else frame
        parts.append("\n".join([title, lines[0], "-" * len(lines[0]), *lines[1:]]))
    parts.append("\n".join(_notes(record, rivals)))
    return "\n\n".join(parts)


def markdown_report(record: dict) -> str:
    """The same as one Markdown table, between its header and its notes."""
    rivals = _shown_rivals(record)
    head = ["picture", "operation", f"{OURS}, ms", "Mpx/s", *(f"{name}, ms" for name in rivals)]
    rows = [[r["frame_name"], r["title"], *_cells(r, rivals)] for r in record["results"]]
    rule = ["---", "---", *["---:"] * (len(head) - 2)]
    table = "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *rows))
    copies = ", ".join(f"{limit['frame']} {number(median_ms(limit['samples']))} ms" for limit in record["limits"])
    header, notes = "  \n".join(_header(record)), "\n".join(f"- {note}" for note in _notes(record, rivals))
    limits = f"\n- The limit, copying the picture with one thread: {copies}." if copies else ""
    return f"{header}\n\n{table}\n\n{notes}{limits}"


def ratio(result: dict, rival: str) -> float | None:
    """The rival's median time over imconv's; None where one of them was not timed."""
    ours, theirs = (result["entries"].get(name, {}).get("samples") for name in (OURS, rival))
    return median_ms(theirs) / median_ms(ours) if ours and theirs else None


def peak_text(peak: dict) -> str:
    """What the cores could do, and how much of it a dense kernel makes them do."""
    speed, reached = multiply_adds_per_second(peak)
    dense = peak["dense"]
    return (
        f"Peak of {peak['threads']} thread{'s' * (peak['threads'] > 1)}: {speed / 1e9:.0f} G float32 multiply-adds/s in registers; {dense['title']} on "
        f"{dense['frame_name']} reaches {reached / 1e9:.0f} G/s, {reached / speed:.0%} of it (the best of {len(peak['samples'])} rounds each)"
    )


def multiply_adds_per_second(peak: dict) -> tuple[float, float]:
    """At best, in registers alone and by the dense kernel."""
    dense = peak["dense"]
    return peak["multiply_adds"] / min(peak["samples"]), dense["multiply_adds"] / min(dense["samples"])


def failures(record: dict) -> list[str]:
    """Rivals that did not pass verification or raised an error, one line each."""
    return [
        f"{result['title']} | {result['frame_name']}: {name} {entry['status']}: {entry['problem']}"
        for result in record["results"]
        for name, entry in result["entries"].items()
        if entry["status"] in ("wrong", "failed")
    ]


def _cells(result: dict, rivals: list[str]) -> list[str]:
    ours = result["entries"][OURS].get("samples")
    if not ours:
        return [result["entries"][OURS]["status"], NOTHING, *[NOTHING] * len(rivals)]
    ms = median_ms(ours)
    speed = number(result["megapixels"] / ms * 1000)
    return [number(ms), speed, *(_rival_cell(result, name) for name in rivals)]


def _rival_cell(result: dict, name: str) -> str:
    """`91 (26x)`; `~` and the error for another filter; `*` where a slow one was cut short."""
    entry = result["entries"].get(name, {"status": "unsupported"})
    if entry["status"] == "unsupported":
        return NOTHING
    if not entry.get("samples"):
        return entry["status"]
    cell = f"{number(median_ms(entry['samples']))}{'*' * entry['cut_short']} ({number(ratio(result, name))}x)"
    return f"~{cell}, off {entry['error']:.3g}" if entry["approximate"] else cell


def _header(record: dict) -> list[str]:
    settings = record["settings"]
    repeated = ", short calls repeated" if settings.get("repeated") else ""
    own, where = machine_lines(record["machine"])
    rivals = ", ".join(f"{name} {rival['version']}" for name, rival in record["rivals"].items())
    missing = f"; not installed: {', '.join(record['missing'])}" if record["missing"] else ""
    stopped = ["(stopped before the last case)"] if record["stopped"] else []
    return [
        f"{own} beside {rivals or 'nobody'}{missing}",
        f"{where}; {settings['threads']} threads each ({_single_threaded(record)})",
        f"picture: {record['image']}; border {settings['border']}",
        f"milliseconds, median of {settings['rounds']} rounds in turns{repeated}; (their time / imconv's); Mpx/s are input pixels",
        *stopped,
    ]


def machine_lines(machine: dict) -> tuple[str, str]:
    """Which versions were measured, and where and when."""
    versions = machine["versions"]
    cores = f"{machine['cores']} cores, " if machine["cores"] else ""
    return (
        f"imconv {versions['imconv']} (Python {machine['python']}, numpy {versions['numpy']}, numba {versions['numba']})",
        f"{machine['cpu']}, {cores}{machine['logical_cpus']} logical CPUs, {machine['system']}; {machine['date'][:10]}",
    )


def _single_threaded(record: dict) -> str:
    single = [name for name, rival in record["rivals"].items() if rival["threads"] == 1]
    if not single or record["settings"]["threads"] == 1:
        return "all of them"
    return f"{', '.join(single)}: one, they have no more"


def _notes(record: dict, rivals: list[str]) -> list[str]:
    entries = [e for r in record["results"] for name, e in r["entries"].items() if name in rivals]
    notes = [f"{record['rivals'][name]['about']}." for name in rivals]
    if any(e.get("approximate") for e in entries):
        notes.append(
            "~ not the same filter, or imprecise beyond rounding; behind it the largest difference to imconv's result in levels."
        )
    if any(e.get("cut_short") for e in entries):
        notes.append(f"* fewer rounds: {record['settings']['slow']:g} s are enough for one contender.")
    if any(e["status"] == "skipped" for e in entries):
        notes.append("skipped: a case of its kind with less work took it too long; which one is in the JSON file.")
    if any(e["status"] == "wrong" for e in entries):
        notes.append("wrong: outside the tolerance, and therefore not timed.")
    if peak := record.get("peak"):
        notes.append(f"{peak_text(peak)}.")
    notes.append("Every result was compared with imconv's before it was timed; tolerances are in the JSON file.")
    return notes


def _shown_rivals(record: dict) -> list[str]:
    """Rivals with something to show in at least one row."""
    shown = {name for r in record["results"] for name, e in r["entries"].items() if e["status"] != "unsupported"}
    return [name for name in record["rivals"] if name in shown]


def aligned(row: list[str], widths: list[int]) -> str:
    """A table's row: the first column to the left, the others to the right."""
    right = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
    return "  ".join([row[0].ljust(widths[0]), *right])


def number(value: float) -> str:
    """As text. Whole numbers from 10, one decimal from 1, two significant digits below."""
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}" if value >= 0.995 else f"{value:.2g}"
