"""Runs builds in processes of their own, as many at once as there are cores: the caller never waits for Numba's import."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from tempfile import TemporaryFile

from . import machine, store

POLL = 0.01  # seconds between looks at the builds


@dataclass
class Build:
    """A build under way."""

    loop: str
    types: tuple[str, ...]
    process: subprocess.Popen | None
    output: object
    errors: object

    def result(self) -> bytes | None:
        """The sealed code, None where the build failed."""
        self.output.seek(0)
        data = self.output.read()
        return data if self.process.returncode == 0 and store.opened(data) is not None else None

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if os.environ.get("IMCONV_DEBUG"):
            self.errors.seek(0)
            sys.stderr.write(self.errors.read().decode(errors="replace"))
        self.output.close()
        self.errors.close()


def build(wanted: list[tuple[str, tuple[str, ...]]], watch=None, **environment: str) -> list[tuple]:
    """Compile loops: each loop with its types, and the sealed code, or None where it could not be built.

    `watch`, if given, is told: `begin(count, kept)`, `progress(done, count)` every now and then, `end()`. Further keywords
    are environment variables for the builds.
    """
    waiting, running, done = list(wanted), [], []
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if watch is not None:
        watch.begin(len(wanted), store.can_keep())
    try:
        while waiting or running:
            while waiting and len(running) < cores:
                item = waiting.pop(0)
                started = _start(*item, environment)
                if started is None:
                    done.append((item, None))
                else:
                    running.append(started)
            time.sleep(POLL)
            for finished in [one for one in running if one.process.poll() is not None]:
                running.remove(finished)
                done.append(((finished.loop, finished.types), finished.result()))
                finished.close()
            if watch is not None:
                watch.progress(len(done), len(wanted))
    finally:
        for interrupted in running:
            interrupted.close()
        if watch is not None:
            watch.end()
    return done


def _start(loop: str, types: tuple[str, ...], environment: dict[str, str]) -> Build | None:
    """A process that writes the sealed code to a file; None where no process can be started."""
    if not sys.executable or getattr(sys, "frozen", False):
        return None  # no interpreter to start: a frozen program would start itself
    package = os.path.dirname(machine.HERE)
    path = os.pathsep.join(filter(None, (os.path.dirname(package), os.environ.get("PYTHONPATH"))))
    # -P: nothing of the current folder is imported
    command = [sys.executable, "-P", "-m", "imconv.jit.build", loop, *types]
    output = errors = None
    try:
        output, errors = TemporaryFile(), TemporaryFile()  # noqa: SIM115 - closed with the build
        given = {**os.environ, "PYTHONPATH": path, **environment}
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, env=given)
    except (OSError, ValueError):
        for file in (output, errors):
            if file is not None:
                file.close()
        return None
    return Build(loop, types, process, output, errors)
