"""What is said of a batch: a bar on a terminal, notes, a line a picture, JSON, and at the end what failed."""

from __future__ import annotations

import json
import sys
import time

import click

from .. import saying
from ..places import is_terminal
from .crew import Line, Outcome
from .outputs import Task

MOST_NOTES = 20  # different ones that are printed at the end


class Report:
    """The report of one batch.

    failed   pairs of a path and the error
    skipped  how many results were there already
    done     how many were written
    """

    def __init__(self, total: int, *, quiet: bool, verbose: bool, as_json: bool):
        self.total, self.quiet, self.verbose, self.as_json = total, quiet, verbose, as_json
        self.failed: list[tuple[str, str]] = []
        self.skipped = self.done = 0
        self._notes: dict[str, list[str]] = {}  # a note, and the files it is about
        self._said: set[str] = set()
        self._started = time.monotonic()
        self._bar = None
        if not quiet and is_terminal(sys.stderr):
            from tqdm import tqdm

            self._bar = tqdm(total=total, unit=" pictures", delay=1, leave=False, dynamic_ncols=True, file=sys.stderr)

    def skip(self, task: Task, reason: str) -> None:
        """A result is there already."""
        self.skipped += 1
        self._count({"input": task.input, "output": task.output, "skipped": reason, "notes": []})
        if self.verbose:
            self._print(f"imconv: {task.input}: skipped: {reason}")

    def hear(self, line: Line) -> None:
        """A line of standard error of one of the processes."""
        if line.about is None:
            if line.text not in self._said and not self.quiet:  # such as that loops are compiled
                self._said.add(line.text)
                self._print(line.text)
        elif self.verbose:
            self._print(f"imconv: {line.about}: {line.text}")
        else:
            self._notes.setdefault(line.text, []).append(line.about)

    def finish(self, task: Task, outcome: Outcome) -> None:
        """A picture is done, or has failed."""
        if outcome.error is not None:
            self.fail(task.input, outcome.error, task.output)
            return
        self.done += 1
        facts: dict = {}
        if self.as_json or self.verbose:
            facts = json.loads(outcome.output) if outcome.output.strip() else {}
        elif outcome.output:  # such as a report on a pool
            self._print(f"{task.input}\n{outcome.output.rstrip()}", err=False)
        self._count({"input": task.input, "output": task.output, **facts})
        if self.verbose:
            size = f", {facts['width']} x {facts['height']} pixels" if "width" in facts else ""
            taken = f", {1000 * facts['seconds']:.0f} ms" if "seconds" in facts else ""
            self._print(f"imconv: {task.input}: wrote {task.output}{size}{taken}")

    def fail(self, path: str, error: str, output: str | None = None) -> None:
        """A picture or a folder can't be read, filtered or written."""
        self.failed.append((path, error))
        self._count({"input": path, "output": output, **saying.failed(error, 1), "notes": []})
        if self.verbose:
            self._print(f"imconv: {path}: {error}")

    def end(self, interrupted: bool = False) -> None:
        """Print notes, errors and the sums."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        if not self.quiet:
            self._print_notes()
        for path, error in self.failed:
            click.echo(f"imconv: {path}: {error}", err=True)
        seconds = time.monotonic() - self._started
        if not self.quiet:
            click.echo(f"imconv: {self._sums(seconds, interrupted)}", err=True)
        if self.as_json:
            failed = [{"input": path, **saying.failed(error, 1)} for path, error in self.failed]
            saying.report({"done": self.done, "skipped": self.skipped, "failed": failed, "seconds": round(seconds, 3)})

    def _sums(self, seconds: float, interrupted: bool) -> str:
        parts = [f"{self.done} written"]
        if self.skipped:
            parts.append(f"{self.skipped} skipped")
        if self.failed:
            parts.append(f"{len(self.failed)} failed")
        left = self.total - self.done - self.skipped - len(self.failed)
        if left > 0:
            parts.append(f"{left} not begun")
        rate = f", {self.done / seconds:.3g} a second" if self.done > 1 and seconds > 0 else ""
        again = "; the same command with --resume does the rest" if interrupted and left > 0 else ""
        return f"{', '.join(parts)}; {seconds:.3g} s{rate}{again}"

    def _print_notes(self) -> None:
        for text, paths in list(self._notes.items())[:MOST_NOTES]:
            about = paths[0] if len(paths) == 1 else f"{len(paths)} pictures, such as {paths[0]}"
            click.echo(f"imconv: {about}: {text}", err=True)
        if len(self._notes) > MOST_NOTES:
            click.echo(f"imconv: {len(self._notes) - MOST_NOTES} other notes; -v prints all", err=True)

    def _count(self, facts: dict) -> None:
        if self._bar is not None:
            self._bar.update()
        if self.as_json:
            self._print(json.dumps(facts), err=False)

    def _print(self, text: str, err: bool = True) -> None:
        if self._bar is not None:
            self._bar.clear()
        click.echo(text, err=err)
        if self._bar is not None:
            self._bar.refresh()
