"""Processes that filter the pictures of a batch: each runs the command line once, and is then given one picture after another."""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ...files.atomic import folders_synced_at_the_end, remove_unfinished
from .outputs import Task

START = "IMCONV_START_METHOD"  # how processes start, for tests of the other way: "fork" or "spawn"


@dataclass(frozen=True)
class Line:
    """What was said while a picture was filtered; `about` is the file that it is about, None if it is about none."""

    task: int
    about: str | None
    text: str


@dataclass(frozen=True)
class Outcome:
    """What became of a picture: an error, or None; and what was written to standard output, such as a report."""

    task: int
    error: str | None
    output: str = ""


class Crew:
    """Processes that do tasks. A process that ends before its time costs its task alone: another one takes its place."""

    def __init__(self, arguments: Sequence[str], size: int, threads: int, memory: int | None):
        """Start nothing yet.

        Parameters
        ----------
        arguments : sequence of str
            The command line, without the program's name.
        size : int
            Number of processes.
        threads : int
            Threads of each.
        memory : int or None
            Bytes that one picture may need, None for no limit beyond the command's own.
        """
        method = os.environ.get(START) or ("fork" if sys.platform == "linux" else "spawn")
        self._context: Any = multiprocessing.get_context(method)
        self._arguments, self._size = tuple(arguments), size
        self._settings = _Settings(threads, memory)
        self.left: list[Outcome] = []
        self._processes: dict[Any, Any] = {}  # a process for each connection to one

    def do(self, tasks: Sequence[Task], begun: Callable[[int], None]) -> Generator[Line | Outcome, None, None]:
        """What is said and what becomes of the tasks, as it happens. They begin in order; `begun` is called before each.

        If the iterator is closed, who is at work is interrupted; what is finished then is in `left`.
        """
        waiting = iter(enumerate(tasks))
        at_work: dict[Any, int] = {}

        def give(connection) -> None:
            number, task = next(waiting, (-1, None))
            if task is None:
                self._dismiss(connection)
                return
            at_work[connection] = number
            begun(number)
            with contextlib.suppress(OSError):  # it has ended: this shows when its answer is read
                connection.send((number, task))

        try:
            for _ in range(min(self._size, len(tasks))):
                give(self._start())
            while at_work:
                for connection in cast(list, multiprocessing.connection.wait(list(at_work))):
                    try:
                        said: Line | Outcome = connection.recv()
                    except (EOFError, OSError):
                        number = at_work.pop(connection)
                        remove_unfinished(tasks[number].output)
                        yield Outcome(number, self._bury(connection))
                        give(self._start())
                        continue
                    if isinstance(said, Outcome):
                        del at_work[connection]
                        give(connection)
                    yield said
        finally:
            self._end()

    def _start(self):
        ours, theirs = self._context.Pipe()
        # a forked process has this process's ends of all pipes; it must not keep them open
        inherited = (ours, *self._processes) if self._context.get_start_method() == "fork" else ()
        process = self._context.Process(
            target=_work, args=(self._arguments, theirs, inherited, self._settings), name="imconv"
        )
        process.start()
        theirs.close()
        self._processes[ours] = process
        return ours

    def _dismiss(self, connection) -> None:
        connection.close()
        self._processes.pop(connection).join()

    def _bury(self, connection) -> str:
        """Remove a process that has ended; why it did."""
        connection.close()
        process = self._processes.pop(connection)
        process.join()
        code = process.exitcode or 0
        if code < 0:
            name = signal.Signals(-code).name if -code in {*signal.Signals} else str(-code)
            memory = (
                "; the system may be out of memory: use fewer --jobs" if -code == getattr(signal, "SIGKILL", 0) else ""
            )
            return f"the process that filtered it was ended by {name}{memory}"
        return f"the process that filtered it ended with status {code}"

    def _end(self) -> None:
        """Interrupt who is still at work, and wait: pictures are finished or not begun."""
        for process in self._processes.values():
            process.terminate()
        for connection in list(self._processes):
            with contextlib.suppress(EOFError, OSError):
                connection.send(None)
                while True:
                    said = connection.recv()
                    if isinstance(said, Outcome):
                        self.left.append(said)
            self._dismiss(connection)


@dataclass(frozen=True)
class _Settings:
    threads: int
    memory: int | None


class Service:
    """In one of the processes: what the command line finds in place of a picture of its own."""

    def __init__(self, connection, settings: _Settings):
        self._connection, self.memory = connection, settings.memory
        self._task = -1, Task("", "")
        self.hidden: set[str] = set()  # notes on this task that would be wrong

    def serve(self, once: Callable[[Task], None]) -> None:
        """Do tasks with `once` until there are no more, or None is one."""
        while True:
            try:
                given = self._connection.recv()
            except EOFError:
                return
            if given is None:
                return
            self._task = number, task = given
            self.hidden.clear()
            sys.stdout = io.StringIO()
            error = _error_of(once, task)
            self._connection.send(Outcome(number, error, sys.stdout.getvalue()))

    def say(self, text: str) -> None:
        """Hand a line of standard error on."""
        number, task = self._task
        for path in (task.input, task.output):
            if text.startswith(f"imconv: {path}: "):
                note = text.removeprefix(f"imconv: {path}: ")
                if note not in self.hidden:
                    self._connection.send(Line(number, path, note))
                return
        self._connection.send(Line(number, None, text))


class _Lines(io.TextIOBase):
    """A text stream that hands on whole lines."""

    encoding = "utf-8"

    def __init__(self, say: Callable[[str], None]):
        self._say, self._rest = say, ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._say(line)
        return len(text)


def _work(arguments: tuple[str, ...], connection, inherited, settings: _Settings) -> None:
    """What a process does."""
    from .. import interrupt, run

    for each in inherited:
        each.close()
    # Ctrl-C goes to all processes of a terminal; the one that was started by the user ends the others by SIGTERM
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, interrupt.note)
    os.environ["IMCONV_THREADS"] = str(settings.threads)
    service = Service(connection, settings)
    sys.stdin, sys.stdout, sys.stderr = None, io.StringIO(), _Lines(service.say)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError), folders_synced_at_the_end():
        run(list(arguments), service)


def _error_of(once: Callable[[Task], None], task: Task) -> str | None:
    """Do a task; its error as one line, None if there is none."""
    from .. import explained, saying

    run = saying.current()
    run.notes.clear()
    try:
        once(task)
    except Exception as error:
        message = run.worded(" ".join(explained(error)[1].split("\n")))
        return message.removeprefix(f"{task.input}: ").removeprefix(f"{task.output}: ")
    return None
