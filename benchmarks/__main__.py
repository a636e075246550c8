"""`python -m benchmarks [options]` measures; `table`, `plan`, `limits`, `plot`, `startup`, `files`, `pool`, `layers` are its subcommands."""

from __future__ import annotations

import argparse
import re
import sys

from . import session
from .cases import (
    BORDERS,
    DEFAULT_BORDER,
    ONE_MEGAPIXEL,
    Case,
    default_cases,
    full_cases,
    local_cases,
    rank_cases,
    with_border,
)
from .report import failures, markdown_report, text_report
from .timing import PATIENCE

ROUNDS = 9
QUICK_ROUNDS = 3
JSON_HELP = "keep all samples; a bare NAME means benchmarks/results/NAME.json"


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    command = COMMANDS.get(arguments[0]) if arguments else None
    try:
        return command(arguments[1:]) if command else _measure(arguments)
    except (OSError, ValueError) as problem:
        print(f"benchmarks: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _measure(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Time imconv beside other libraries: verify, warm up, take turns.",
        epilog="Also: python -m benchmarks table FILE (print a kept record), plan (is the planner right?), limits (what "
        "nothing can beat), plot FILE -o PNG, startup and files (whole processes), pool, layers; each has --help.",
    )
    extent = parser.add_mutually_exclusive_group()
    parser.add_argument("--ranks", action="store_true", help="medians and minima instead")
    extent.add_argument("--quick", action="store_true", help=f"1-megapixel pictures, {QUICK_ROUNDS} rounds")
    extent.add_argument("--full", action="store_true", help="the whole grid; takes hours, Ctrl-C keeps what is done")
    extent.add_argument("--local", action="store_true", help="filters that keep edges, and local deviations")
    parser.add_argument("--only", metavar="REGEX", help="cases whose name matches, e.g. 'Gaussian.*RGB'; see --list")
    parser.add_argument("--list", action="store_true", help="print the cases' names and stop")
    parser.add_argument(
        "--border", choices=BORDERS, default=DEFAULT_BORDER, help="default: %(default)s, which all rivals have"
    )
    parser.add_argument("--threads", type=_positive, help="for all that have threads; default: all cores")
    parser.add_argument("--rounds", type=_positive, help=f"default {ROUNDS}")
    parser.add_argument(
        "--patience", type=_positive, metavar="SECONDS", default=round(PATIENCE),
        help="of one call: who needs longer gets no more of that work (default %(default)s)",
    )  # fmt: skip
    parser.add_argument("--json", metavar="FILE", help=JSON_HELP)
    parser.add_argument("--markdown", action="store_true", help="print the README's table instead of the aligned one")
    options = parser.parse_args(arguments)
    size = (ONE_MEGAPIXEL,) if options.quick else ()
    if options.ranks:
        cases = rank_cases(*size)
    else:
        cases = full_cases() if options.full else local_cases() if options.local else default_cases(*size)
    cases = with_border(_chosen(cases, options, parser), options.border)
    if options.list:
        print("\n".join(map(str, cases)))
        return 0
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    record = session.run(
        cases, rounds=rounds, threads=options.threads, patience=options.patience, tell=_progress(len(cases))
    )
    _keep(record, options.json)  # hours of a full run are worth keeping, whatever comes
    if not record["stopped"]:
        from .limits import measure_peak

        record["peak"] = measure_peak(record["settings"]["threads"], rounds)
    _keep(record, options.json)
    print(markdown_report(record) if options.markdown else text_report(record))
    for line in failures(record):
        print(line, file=sys.stderr)
    return 0


def _chosen(cases: list[Case], options, parser: argparse.ArgumentParser) -> list[Case]:
    """Those that `--only` names."""
    try:
        wanted = re.compile(options.only or "", re.IGNORECASE)
    except re.error as problem:
        parser.error(f"--only: {problem}")
    cases = [case for case in cases if wanted.search(str(case))]
    if not cases:
        parser.error(f"no case matches {options.only!r}; --list shows them")
    return cases


def _table(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks table", description="Print a kept record: comparisons as Markdown, others as text."
    )
    parser.add_argument("file", help="a JSON file, or the bare name of one in benchmarks/results")
    parser.add_argument("--text", action="store_true", help="the aligned table instead")
    options = parser.parse_args(arguments)
    record = session.load(options.file)
    if record["kind"] == "comparison":
        print(text_report(record) if options.text else markdown_report(record))
    elif record["kind"] == "files" and not options.text:
        from .files import markdown_report as files_report

        print(files_report(record))
    elif record["kind"] == "layers" and not options.text:
        from .layers import markdown_report as layers_report

        print(layers_report(record))
    else:
        print(_report_of(record["kind"])(record))
    return 0


def _plan(arguments: list[str]) -> int:
    from . import algorithms

    parser = argparse.ArgumentParser(
        prog="python -m benchmarks plan",
        description="Time every algorithm that can do the work, and say where another than the chosen one is faster.",
    )
    parser.add_argument(
        "--quick", action="store_true", help=f"2-megapixel pictures, fewer cases, {algorithms.QUICK_ROUNDS} rounds"
    )
    parser.add_argument("--only", metavar="REGEX", help="cases whose name matches; see --list")
    parser.add_argument("--list", action="store_true", help="print the cases' names and stop")
    parser.add_argument("--threads", type=_positive, help="default: all cores")
    parser.add_argument("--rounds", type=_positive, help=f"default {algorithms.ROUNDS}; the fastest one counts")
    parser.add_argument("--json", metavar="FILE", help=JSON_HELP)
    options = parser.parse_args(arguments)
    cases = _chosen(algorithms.grid(options.quick), options, parser)
    if options.list:
        print("\n".join(map(str, cases)))
        return 0
    rounds = options.rounds or (algorithms.QUICK_ROUNDS if options.quick else algorithms.ROUNDS)
    record = algorithms.run(cases, rounds=rounds, threads=options.threads, tell=_progress(len(cases)))
    _keep(record, options.json)
    print(algorithms.text_report(record))
    return 0


def _limits(arguments: list[str]) -> int:
    from . import limits

    parser = argparse.ArgumentParser(
        prog="python -m benchmarks limits",
        description="Time copying, and the cores' multiply-adds: in registers alone, and by a dense kernel.",
    )
    parser.add_argument("--threads", type=_positive, help="default: all cores")
    parser.add_argument("--rounds", type=_positive, default=ROUNDS, help="default %(default)s")
    parser.add_argument("--json", metavar="FILE", help=JSON_HELP)
    options = parser.parse_args(arguments)
    record = limits.run(options.threads, options.rounds)
    _keep(record, options.json)
    print(limits.text_report(record))
    return 0


def _plot(arguments: list[str]) -> int:
    from . import plot

    parser = argparse.ArgumentParser(
        prog="python -m benchmarks plot", description="Draw a kept comparison, on log axes; needs matplotlib."
    )
    parser.add_argument("file", help="a JSON file, or the bare name of one in benchmarks/results")
    parser.add_argument("-o", "--output", required=True, metavar="PNG", help="or .svg, .pdf")
    parser.add_argument(
        "--picture", metavar="REGEX", help="which picture's results, e.g. 'RGB uint8'; default: the first"
    )
    options = parser.parse_args(arguments)
    record = session.load(options.file)
    if record["kind"] != "comparison":
        raise ValueError(f"{options.file} is no comparison with other libraries; there is nothing to draw")
    print(plot.draw(record, options.output, options.picture))
    return 0


def _startup(arguments: list[str]) -> int:
    from . import startup

    parser = argparse.ArgumentParser(
        prog="python -m benchmarks startup",
        description="Time whole processes that blur a small picture, or show help, in turns.",
    )
    parser.add_argument("--rounds", type=_positive, default=startup.ROUNDS, help="default %(default)s")
    parser.add_argument("--json", metavar="FILE", help=JSON_HELP)
    options = parser.parse_args(arguments)
    record = startup.run(options.rounds)
    _keep(record, options.json)
    print(startup.text_report(record))
    return 0


def _files(arguments: list[str]) -> int:
    from . import files

    parser = argparse.ArgumentParser(
        prog="python -m benchmarks files",
        description="Time whole processes that read, blur and write large pictures, in turns, with their peak memory.",
    )
    parser.add_argument("--huge", action="store_true", help="grey PNG files of 400 and 900 megapixels instead")
    parser.add_argument("--rounds", type=_positive, default=files.ROUNDS, help="default %(default)s")
    parser.add_argument("--json", metavar="FILE", help=JSON_HELP)
    parser.add_argument("--markdown", action="store_true", help="print the README's table instead of the aligned one")
    options = parser.parse_args(arguments)
    tasks = len(files.HUGE_TASKS if options.huge else files.TASKS)
    record = files.run(options.rounds, options.huge, _progress(tasks))
    _keep(record, options.json)
    print(files.markdown_report(record) if options.markdown else files.text_report(record))
    return 0


def _pool(arguments: list[str]) -> int:
    from . import pool

    parser = argparse.ArgumentParser(
        prog="python -m benchmarks pool", description="Time pooling beside torch, scikit-image and OpenCV, in turns."
    )
    parser.add_argument("--quick", action="store_true", help="1-megapixel pictures")
    parser.add_argument("--threads", type=_positive, help="default: all cores")
    parser.add_argument("--rounds", type=_positive, default=pool.ROUNDS, help="default %(default)s")
    parser.add_argument("--json", metavar="FILE", help=JSON_HELP)
    options = parser.parse_args(arguments)
    size = ONE_MEGAPIXEL if options.quick else pool.TWELVE_MEGAPIXELS
    record = pool.run(options.rounds, options.threads, size, _progress(4 * len(pool.WINDOWS)))
    _keep(record, options.json)
    print(pool.text_report(record))
    return 0


def _layers(arguments: list[str]) -> int:
    from . import layers

    parser = argparse.ArgumentParser(
        prog="python -m benchmarks layers", description="Time networks and their convolutions beside torch, in turns."
    )
    parser.add_argument("networks", nargs="*", help=f"default: {' '.join(layers.NETWORKS)}")
    parser.add_argument("--size", type=_positive, default=layers.SIZE, help="rows and columns; default %(default)s")
    parser.add_argument("--threads", type=_positive, help="default: all cores")
    parser.add_argument("--rounds", type=_positive, default=layers.ROUNDS, help="default %(default)s")
    parser.add_argument("--json", metavar="FILE", help=JSON_HELP)
    parser.add_argument("--markdown", action="store_true", help="print the README's table instead of the aligned one")
    options = parser.parse_args(arguments)
    networks = options.networks or layers.NETWORKS
    record = layers.run(
        options.rounds, options.threads, networks, options.size, _progress(layers.steps(networks, options.size))
    )
    _keep(record, options.json)
    print(layers.markdown_report(record) if options.markdown else layers.text_report(record))
    for line in layers.failures(record):
        print(line, file=sys.stderr)
    return 0


COMMANDS = {
    "table": _table,
    "plan": _plan,
    "limits": _limits,
    "plot": _plot,
    "startup": _startup,
    "files": _files,
    "pool": _pool,
    "layers": _layers,
}


def _report_of(kind: str):
    if kind == "plan":
        from .algorithms import text_report
    elif kind == "startup":
        from .startup import text_report
    elif kind == "files":
        from .files import text_report
    elif kind == "pool":
        from .pool import text_report
    elif kind == "layers":
        from .layers import text_report
    else:
        from .limits import text_report
    return text_report


def _keep(record: dict, name: str | None) -> None:
    if name:
        print(f"kept in {session.save(record, name)}", file=sys.stderr)


def _progress(total: int):
    """Tells which case is under way, on a terminal only."""
    done = 0

    def tell(line: str) -> None:
        nonlocal done
        done += 1
        if sys.stderr.isatty():
            print(f"{done}/{total} {line}", file=sys.stderr)

    return tell


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"a whole number from 1, not {text}")
    return number


if __name__ == "__main__":
    sys.exit(main())
