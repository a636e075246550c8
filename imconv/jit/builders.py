"""Runs builds in processes of their own, as many at once as there are cores: the caller never waits for Numba's import."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO

from . import machine, store
from .signature import full_name
from .turns import Turns

POLL = 0.01  # seconds between looks at the builds
LONGEST_REASON = 300  # characters

# Run by a build's interpreter. The standard library comes first: folders of packages may hold old backports of its
# modules. Then this imconv, wherever it lies; Numba is looked for where imconv lies only after everywhere else.
START = """
import os, sys
sys.path[:0] = [os.path.dirname(os.__file__), sys.argv.pop(1)]
import imconv
sys.path.append(sys.path.pop(1))
from imconv.compiler.build import main
sys.exit(main(sys.argv[1:]))
"""

Specialised = tuple[str, tuple[str, ...]]


@dataclass
class Build:
    """A build under way."""

    item: Specialised
    process: subprocess.Popen
    output: IO[bytes]
    errors: IO[bytes]

    def result(self) -> bytes | str:
        """The sealed code, or why there is none."""
        status = self.process.returncode
        if status == 0:
            self.output.seek(0)
            data = self.output.read()
            return data if store.opened(data) is not None else "the build wrote no code"
        said = self._said().split("\n")
        last = next((line.strip() for line in reversed(said) if line.strip()), "")
        return last[:LONGEST_REASON] or (f"killed by signal {-status}" if status < 0 else f"exit status {status}")

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if os.environ.get("IMCONV_DEBUG"):
            sys.stderr.write(self._said())
        self.output.close()
        self.errors.close()

    def _said(self) -> str:
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")


def build(
    wanted: list[Specialised], watch=None, found: Callable[..., bool] | None = None, **environment: str
) -> Iterator[tuple[Specialised, bytes | str]]:
    """Compile loops; each as soon as it is done: the loop with its types, and the sealed code, or why there is none.

    With `found`, processes that want the same loops take turns: `found(name, types)` is asked whether another process has
    compiled a loop meanwhile, which is then left out; the next process has its turn when the caller asks for more.
    `watch`, if given, is told: `begin(count, refusal)`, `progress(done, count)` every now and then, `end()`.
    Further keywords are environment variables for the builds.
    """
    waiting, turns = list(wanted), Turns()
    running: list[Build] = []
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    refusal = None if found is None and watch is None else store.refusal()
    shared = found if refusal is None else None
    files = {item: f"{store.path_of(full_name(*item))}.lock" if shared else None for item in wanted}
    if watch is not None:
        watch.begin(len(wanted), refusal)
    try:
        while waiting or running:
            for item in list(waiting):
                if len(running) >= cores:
                    break
                if not turns.take(files[item]):
                    continue
                waiting.remove(item)
                if shared is None or not shared(*item):
                    started = _start(item, environment)
                    if isinstance(started, Build):
                        running.append(started)
                        continue
                    yield item, started
                turns.leave(files[item])
            time.sleep(POLL)
            for finished in [one for one in running if one.process.poll() is not None]:
                running.remove(finished)
                result = finished.result()
                finished.close()
                yield finished.item, result
                turns.leave(files[finished.item])
            if watch is not None:
                watch.progress(len(wanted) - len(waiting) - len(running), len(wanted))
    finally:
        for interrupted in running:
            interrupted.close()
        turns.leave_all()
        if watch is not None:
            watch.end()


def _start(item: Specialised, environment: dict[str, str]) -> Build | str:
    """A process that writes the sealed code to a file, or why none can be started."""
    if not sys.executable or getattr(sys, "frozen", False):
        return "there is no Python interpreter to start builds with"  # a frozen program would start itself
    name, types = item
    # -P: nothing of the current folder is imported
    command = [sys.executable, "-P", "-c", START, os.path.dirname(os.path.dirname(machine.HERE)), name, *types]
    output = errors = None
    try:
        output, errors = TemporaryFile(), TemporaryFile()  # noqa: SIM115 - closed with the build
        given = {**os.environ, **environment}
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, env=given)
    except (OSError, ValueError) as problem:
        for file in (output, errors):
            if file is not None:
                file.close()
        return f"no build could be started: {problem}"
    return Build(item, process, output, errors)
