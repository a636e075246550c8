"""What a run says: notes and errors on standard error, one line each, and reports as JSON, to which both belong."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import warnings
from contextvars import ContextVar
from typing import Any

import click

from ..lazy import cached_property
from .wording import as_options

INPUTS = ("input", "image", "a", "kernel", "network")  # the arguments that can be a command's input
OUTPUTS = ("output", "sheet", "maps", "output_dir")  # and its output


class Run:
    """One run of the command line, as far as messages have to know it.

    args      the words of the command line
    command   the Click command, None until it is known
    steps     the commands that are its steps
    path      what it is called, such as "imconv net run"
    own       the command's own words
    name      what messages call the picture at hand
    notes     the remarks so far
    """

    def __init__(self, args: list[str]):
        self.args = args
        self.command: click.Command | None = None
        self.steps: list[click.Command] = []
        self.path = "imconv"
        self.own: list[str] = []
        self.name = ""
        self.notes: list[str] = []

    def begins(self, command: click.Command, path: str, args: list[str]) -> None:
        """This command, which is called so, is about to read its words."""
        self.command, self.path, self.own = command, path, list(args)

    def worded(self, message: str) -> str:
        """A message in the words of the command line."""
        commands = [] if self.command is None else [self.command, *self.steps]
        return as_options(message, commands, self.args)

    @cached_property
    def params(self) -> dict:
        """The command's parameters as far as its words can be understood, mistaken or not."""
        if self.command is None:
            return {"json_": "--json" in self.args}
        lenient: dict[str, Any] = {"resilient_parsing": True, "ignore_unknown_options": True, "allow_extra_args": True}
        with contextlib.suppress(Exception):
            return click.Command.make_context(self.command, self.command.name, list(self.own), **lenient).params
        return {"json_": "--json" in self.own}

    def places(self) -> dict:
        """The input and the output, as reports have them; None for what the command does not have."""

        def first(names: tuple[str, ...]) -> str | None:
            found = [self.params[name] for name in names if name in self.params]
            return next((each for each in found if isinstance(each, str)), None)

        source, target = first(INPUTS), first(OUTPUTS)
        if "places" in self.params:  # left out, they are standard input and output
            given = tuple(self.params["places"] or ())
            source, target = (*given, *("-", "-")[len(given) :])[:2]
            if self.params.get("report_") and len(given) < 2:
                target = None
        elif "input" in self.params:
            source = source or "-"
            target = target or ("-" if "output" in self.params and not self.params.get("report_") else None)
        return {"input": source, "output": target}


_run: ContextVar[Run | None] = ContextVar("run", default=None)


def current() -> Run:
    """The run at hand; outside `begun` one that nobody asks about."""
    return _run.get() or Run([])


@contextlib.contextmanager
def begun(args: list[str], debugging: bool):
    """Within, warnings are notes, and standard error may lose its reader; yields the `Run`."""
    from ..errors import ImconvWarning

    run = Run(args)
    token, stream = _run.set(run), sys.stderr
    if stream is not None:
        sys.stderr = Lasting(stream)
    try:
        with warnings.catch_warnings():
            if not debugging:  # else they are shown with their place in the code
                warnings.filterwarnings("always", category=ImconvWarning)
                warnings.showwarning = _note_warning
            yield run
    finally:
        sys.stderr = stream
        _run.reset(token)


def _note_warning(message, category, filename, lineno, file=None, line=None) -> None:
    run = current()
    subject = f"{run.name}: " if run.name else ""
    text = subject + " ".join(str(message).split())
    if run.worded(text) not in run.notes:  # a filter may be planned several times
        note(text, bool(run.params.get("quiet")))


def say(text: str, quiet: bool = False) -> None:
    """Write a line to standard error, unless it is to be quiet: what was asked for, such as sizes and times."""
    if not quiet:
        click.echo(f"imconv: {text}", err=True)


def note(text: str, quiet: bool = False) -> None:
    """Write a remark that nobody asked for to standard error, unless it is to be quiet, and keep it for the report."""
    run = current()
    run.notes.append(run.worded(text))
    say(run.notes[-1], quiet)


def complain(message: object) -> str:
    """Write an error as one line to standard error; returns it in the words of the command line."""
    run = current()
    text = run.worded(" ".join(str(message).split("\n")))
    click.echo(f"imconv: {text}", err=True)
    return text


def on_stdout(output: str | None) -> bool:
    """Whether the picture goes to standard output, so that words have to go elsewhere."""
    if output in (None, "-"):
        return output == "-"
    from ..files.descriptors import is_standard_output

    return is_standard_output(output)


def report(facts: dict | list, output: str | None = None) -> None:
    """Print a report as JSON, to standard error where the picture goes to standard output.

    One that is an object also has the notes. What JSON has no number for is null.
    """
    import json

    if isinstance(facts, dict):
        facts = {**facts, "notes": facts.get("notes", current().notes)}
    click.echo(json.dumps(_finite(facts), allow_nan=False), err=on_stdout(output))


def failed(message: str, status: int) -> dict:
    """What reports have of a failure."""
    return {"error": {"message": message, "status": status}}


def report_failure(message: str, status: int) -> None:
    """Print the report of a command that has failed where that of its success would be, if --json asked for it."""
    run = current()
    if run.params.get("json_"):
        places = run.places()
        report({**places, **failed(message, status)}, places["output"])


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


class Lasting:
    """Standard error, from which the reader may go away, as in `imconv ... 2>&1 | head -1`: then words are dropped."""

    def __init__(self, stream):
        self._stream = stream
        self._lost = False
        # which Click asks for
        self.encoding, self.errors = getattr(stream, "encoding", None), getattr(stream, "errors", None)

    def write(self, text: str) -> int:
        if not self._lost:
            try:
                return self._stream.write(text)
            except OSError:
                self._lose()
        return len(text)

    def flush(self) -> None:
        if not self._lost:
            try:
                self._stream.flush()
            except OSError:
                self._lose()

    def _lose(self) -> None:
        self._lost = True
        with contextlib.suppress(OSError, ValueError):  # what is still in its buffer has to go somewhere at exit
            dump = os.open(os.devnull, os.O_WRONLY)
            os.dup2(dump, self._stream.fileno())
            os.close(dump)

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()
