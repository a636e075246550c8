"""`python -m benchmarks [options]` measures; `python -m benchmarks table FILE` prints a kept record as Markdown."""

from __future__ import annotations

import argparse
import re
import sys

from . import session
from .cases import BORDERS, DEFAULT_BORDER, ONE_MEGAPIXEL, Case, default_cases, full_cases, with_border
from .report import failures, markdown_report, text_report

ROUNDS = 9
QUICK_ROUNDS = 3


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        return _table(arguments[1:]) if arguments[:1] == ["table"] else _measure(arguments)
    except (OSError, ValueError) as problem:
        print(f"benchmarks: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _measure(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Time imconv beside other libraries: verify, warm up, take turns.",
        epilog="python -m benchmarks table FILE prints the Markdown table of a kept record.",
    )
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--quick", action="store_true", help=f"1-megapixel pictures, {QUICK_ROUNDS} rounds")
    extent.add_argument("--full", action="store_true", help="the whole grid; takes hours, Ctrl-C keeps what is done")
    parser.add_argument("--only", metavar="REGEX", help="cases whose name matches, e.g. 'Gaussian.*RGB'; see --list")
    parser.add_argument("--list", action="store_true", help="print the cases' names and stop")
    parser.add_argument(
        "--border", choices=BORDERS, default=DEFAULT_BORDER, help="default: %(default)s, which all rivals have"
    )
    parser.add_argument("--threads", type=_positive, help="for all that have threads; default: all cores")
    parser.add_argument("--rounds", type=_positive, help=f"default {ROUNDS}")
    parser.add_argument(
        "--json", metavar="FILE", help="keep all samples; a bare NAME means benchmarks/results/NAME.json"
    )
    parser.add_argument("--markdown", action="store_true", help="print the README's table instead of the aligned one")
    options = parser.parse_args(arguments)
    try:
        cases = _chosen(options)
    except re.error as problem:
        parser.error(f"--only: {problem}")
    if not cases:
        parser.error(f"no case matches {options.only!r}; --list shows them")
    if options.list:
        print("\n".join(map(str, cases)))
        return 0
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    record = session.run(cases, rounds=rounds, threads=options.threads, tell=_progress(len(cases)))
    if options.json:
        print(f"kept in {session.save(record, options.json)}", file=sys.stderr)
    print(markdown_report(record) if options.markdown else text_report(record))
    for line in failures(record):
        print(line, file=sys.stderr)
    return 0


def _chosen(options) -> list[Case]:
    cases = full_cases() if options.full else default_cases(ONE_MEGAPIXEL) if options.quick else default_cases()
    if options.only:
        wanted = re.compile(options.only, re.IGNORECASE)
        cases = [case for case in cases if wanted.search(str(case))]
    return with_border(cases, options.border)


def _table(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks table", description="Print a kept record as Markdown.")
    parser.add_argument("file", help="a JSON file, or the bare name of one in benchmarks/results")
    parser.add_argument("--text", action="store_true", help="the aligned table instead")
    options = parser.parse_args(arguments)
    record = session.load(options.file)
    print(text_report(record) if options.text else markdown_report(record))
    return 0


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
