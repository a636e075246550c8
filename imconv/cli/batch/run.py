"""One batch from its options to its exit status."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable

import click

from ... import __version__
from ...errors import FileError, OptionError
from ...files.rights import OTHER_LINKS
from .. import interrupt
from ..options import on_command_line
from . import inputs, outputs
from .crew import Crew, Line, Outcome, Service
from .manifest import Manifest, fingerprint, state
from .options import TRIAL, BatchOptions
from .outputs import Task
from .report import Report

ARGUMENTS = "imconv.arguments"  # where a context has the command line

# options that change no result: a batch is resumed although these differ
_OF_THE_RUN = frozenset((
    "places", "output_dir", "output_name", "in_place", "backup", "recursive", "from_list", "jobs", "resume", "newer", "fail_fast",
    "max_pixels", "max_memory", "threads", "no_clobber", "quiet", "verbose", "json_", "explain", "dry_run",
))  # fmt: skip


def filter_many(
    ctx: click.Context, asked: BatchOptions, places: tuple[str, ...], shared: dict, once: Callable[..., None]
) -> None:
    """Filter all pictures, and exit with status 1 if one failed; in one of the processes, do what that is given.

    Parameters
    ----------
    ctx : click.Context
        The command's.
    asked : BatchOptions
    places : tuple of str
        Files, folders and patterns.
    shared : dict
        The shared options as Click gives them.
    once : callable
        Filters one picture: called with INPUT, OUTPUT, and shared options that take the place of those given.

    Raises
    ------
    OptionError, FileError
        Before any work: a place does not exist, two results have one name, a result is an input, a folder does not exist.
    """
    service = ctx.obj
    if not isinstance(service, Service):
        ctx.exit(_filter_all(ctx, asked, places, shared, once))

    changed = {
        "max_memory": str(service.memory),
        "no_clobber": shared["no_clobber"] and not asked.in_place,
        "json_": shared["json_"] or shared["verbose"],  # what is said with -v is taken from the report
        "verbose": False,
    }

    def do(task: Task) -> None:
        def work() -> None:
            once(task.input, task.output, **changed)

        if asked.backup is None:
            work()
            return
        if os.stat(task.input).st_nlink == 1:
            service.hidden.add(OTHER_LINKS)
        _with_backup(task.input, asked.backup, work)

    service.serve(do)


def _filter_all(
    ctx: click.Context, asked: BatchOptions, places: tuple[str, ...], shared: dict, once: Callable[..., None]
) -> int:
    """The exit status of a batch."""
    from ..checked import checked

    settings = checked(shared)
    tasks, unreadable = _tasks(asked, places, settings.format)
    ctx.obj = TRIAL
    once(tasks[0].input, tasks[0].output, quiet=True)
    report = Report(len(tasks), quiet=settings.quiet, verbose=settings.verbose, as_json=settings.json)
    if settings.dry_run:
        for task in tasks:
            click.echo(f"imconv: would write {task.output} from {task.input}", err=True)
        return 0
    for path, reason in unreadable:
        report.fail(path, reason)
    with contextlib.ExitStack() as stack:
        options = {
            name: value for name, value in ctx.params.items() if on_command_line(ctx, name) and name not in _OF_THE_RUN
        }
        records = _Records(asked, fingerprint(str(ctx.info_name), options))
        stack.callback(records.close)
        left = [task for task in tasks if not _skipped(task, asked, settings.no_clobber, records, report)]
        jobs, threads = _shares(asked.jobs, settings.threads, len(left))
        _make_folders(asked, left)
        crew = Crew(ctx.meta[ARGUMENTS], jobs, threads, _memory(settings.max_memory, jobs))
        try:
            _do(crew, left, asked, records, report)
        except interrupt.Ended:
            report.end(interrupted=True)
            raise
    report.end()
    return 1 if report.failed else 0


def _tasks(
    asked: BatchOptions, places: tuple[str, ...], format: str | None
) -> tuple[list[Task], list[tuple[str, str]]]:
    if asked.from_list is not None:
        places = (*places, *inputs.listed(asked.from_list))
    found, unreadable = inputs.expanded(places, recursive=asked.recursive, leave_out=asked.output_dir)
    if asked.in_place:
        tasks = outputs.in_place(found)
    elif asked.output_dir is not None:
        tasks = outputs.into_folder(found, asked.output_dir, _extension(format))
    else:
        tasks = outputs.by_template(found, asked.output_name or "")
    outputs.check(tasks, replaces=asked.in_place)
    if asked.output_dir is None:
        outputs.check_folders(tasks)
    elif not os.path.isdir(parent := os.path.dirname(os.path.abspath(asked.output_dir))):
        raise OptionError(f"{asked.output_dir}: the folder {parent} does not exist; create it first")
    elif os.path.lexists(asked.output_dir) and not os.path.isdir(asked.output_dir):
        raise OptionError(f"{asked.output_dir}: is no folder; --output-dir takes one")
    return tasks, unreadable


def _extension(format: str | None) -> str | None:
    from ...files.formats import format_named

    return None if format is None else format_named(format).extensions[0]


class _Records:
    """The manifests of all folders of results; none are kept where nobody asked for them and results have no folder of their own."""

    def __init__(self, asked: BatchOptions, filter: str):
        self.filter = filter
        self._folder = asked.output_dir
        self._kept = asked.resume or asked.output_dir is not None
        self._manifests: dict[str, Manifest] = {}

    def has(self, task: Task) -> bool:
        return self._manifest(task).has(task, self.filter, __version__)

    def add(self, task: Task, before: list[int] | None) -> None:
        if self._kept:
            self._manifest(task).add(task, before, self.filter, __version__)

    def close(self) -> None:
        for each in self._manifests.values():
            each.close()

    def _manifest(self, task: Task) -> Manifest:
        folder = self._folder if self._folder is not None else os.path.dirname(task.output) or "."
        if folder not in self._manifests:
            self._manifests[folder] = Manifest(folder)
        return self._manifests[folder]


def _skipped(task: Task, asked: BatchOptions, no_clobber: bool, records: _Records, report: Report) -> bool:
    """Whether a result need not be made; the report says why."""
    if asked.resume and records.has(task):
        report.skip(task, "done before, by the same filter")
    elif asked.newer and _is_newer(task):
        report.skip(task, "the result is newer")
    elif no_clobber and not asked.in_place and os.path.lexists(task.output):
        report.skip(task, "exists already")
    else:
        return False
    return True


def _is_newer(task: Task) -> bool:
    input, output = state(task.input), state(task.output)
    return input is not None and output is not None and output[1] >= input[1]


def _make_folders(asked: BatchOptions, tasks: Iterable[Task]) -> None:
    if asked.output_dir is None:
        return
    try:
        for folder in dict.fromkeys([asked.output_dir, *(os.path.dirname(task.output) for task in tasks)]):
            os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise FileError(f"{error.filename}: {error.strerror}; choose another --output-dir") from None


def _shares(jobs: str | None, threads: int | None, count: int) -> tuple[int, int]:
    """Processes, and threads of each: together no more than cores, unless asked for."""
    from ...engine.threads import default_threads
    from ..checked import whole

    cores = default_threads()
    asked = cores if jobs is None else whole(jobs, "--jobs", 1, 1024)
    used = max(1, min(asked, count))
    return used, threads or max(1, cores // used)


def _memory(asked: int | None, jobs: int) -> int | None:
    """Bytes for each process: they share what one command may take."""
    from ...files.limits import memory_limit

    return memory_limit(asked) // jobs


def _do(crew: Crew, tasks: list[Task], asked: BatchOptions, records: _Records, report: Report) -> None:
    before: dict[int, list[int] | None] = {}

    def finish(said: Outcome) -> None:
        task, seen = tasks[said.task], before.pop(said.task)
        report.finish(task, said)
        if said.error is None and (asked.in_place or state(task.input) == seen):
            records.add(task, seen)
        elif said.error is None:
            report.hear(Line(said.task, task.input, "changed while it was read; --resume does it again"))

    def begin(number: int) -> None:
        before[number] = state(tasks[number].input)

    try:
        with contextlib.closing(crew.do(tasks, begin)) as heard:
            for said in heard:
                if isinstance(said, Line):
                    report.hear(said)
                    continue
                finish(said)
                if said.error is not None and asked.fail_fast:
                    return
    finally:
        for said in crew.left:
            finish(said)


def _with_backup(path: str, ending: str, work: Callable[[], None]) -> None:
    """Do work that replaces a file, and keep the file under its name with this ending.

    Raises
    ------
    FileError
        Such a file exists: it may hold the original.
    """
    kept, source = path + ending, os.path.realpath(path)
    try:
        try:
            os.link(source, kept)  # the result is a new file, so the old one stays as it is
        except FileExistsError:
            raise FileError(
                f"{path}: {kept} exists and may hold the original; move it, or choose another --backup"
            ) from None
        except OSError:  # no hard links here
            shutil.copy2(source, kept)
    except OSError as error:
        raise FileError(f"{kept}: {error.strerror or error}; without a backup nothing is replaced") from None
    try:
        work()
    except BaseException:
        os.unlink(kept)
        raise
