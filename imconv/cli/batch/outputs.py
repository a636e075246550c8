"""The results of a batch: a name for each input, and what speaks against these names before any work is done."""

from __future__ import annotations

import os
import string
from collections.abc import Iterable
from dataclasses import dataclass

from ...errors import OptionError
from .inputs import Input

FIELDS = ("stem", "ext", "name", "parent", "n")


@dataclass(frozen=True)
class Task:
    """A picture to filter: where it is read, and where the result is written."""

    input: str
    output: str


def into_folder(inputs: Iterable[Input], folder: str, extension: str | None) -> list[Task]:
    """Results in a folder, under the inputs' own names; `extension`, if given, takes the place of theirs."""
    tasks = []
    for each in inputs:
        inside = each.inside if extension is None else os.path.splitext(each.inside)[0] + extension
        tasks.append(Task(each.path, os.path.join(folder, inside)))
    return tasks


def by_template(inputs: Iterable[Input], template: str) -> list[Task]:
    """Results named by a template such as `{parent}/{stem}-soft{ext}`.

    Its fields are those of each input: `stem` and `ext` (with its dot), `name` (both), `parent` (its folder), and `n` (its
    number in the batch, from 1; `{n:04}` has four digits).

    Raises
    ------
    OptionError
        A field is unknown, or the template is not well formed.
    """
    tasks = []
    for number, each in enumerate(inputs, 1):
        parent, name = os.path.split(each.path)
        stem, ext = os.path.splitext(name)
        values = {"stem": stem, "ext": ext, "name": name, "parent": parent or ".", "n": number}
        tasks.append(Task(each.path, _filled(template, values)))
    return tasks


def in_place(inputs: Iterable[Input]) -> list[Task]:
    """Results that replace their inputs."""
    return [Task(each.path, each.path) for each in inputs]


def check(tasks: list[Task], *, replaces: bool) -> None:
    """OptionError if two results have one name, or a result is some input's file (unless it `replaces` its own)."""
    sources = {_identity(task.input): task.input for task in tasks}
    taken: dict[str, Task] = {}
    for task in tasks:
        target = _identity(task.output)
        other = taken.setdefault(target, task)
        if other is not task and other.input == task.input:
            raise OptionError(f"{task.input}: is named twice; name it once, or the folder that it is in")
        if other is not task:
            raise OptionError(
                f"{task.output}: would be written twice, for {other.input} and for {task.input}; use --output with "
                "{parent}, {ext} or {n} in the names"
            )
        if not replaces and target in sources:
            raise OptionError(
                f"{task.output}: is an input too ({sources[target]}); choose another folder or name, or --in-place"
            )


def check_folders(tasks: Iterable[Task]) -> None:
    """OptionError for the first folder of a result that does not exist."""
    for folder in dict.fromkeys(os.path.dirname(task.output) or "." for task in tasks):
        if not os.path.isdir(folder):
            raise OptionError(f"{folder}: this folder for results does not exist; create it first")


def _filled(template: str, values: dict) -> str:
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(template) if field is not None]
        wrong = next((field for field in fields if field not in FIELDS), None)
        if wrong is None:
            return template.format(**values)
    except (ValueError, IndexError, KeyError) as error:
        raise OptionError(
            f"--output {template!r}: {error}; write names such as '{{parent}}/{{stem}}-soft{{ext}}'"
        ) from None
    raise OptionError(f"--output {template!r}: no field is called {wrong!r}; fields are {{{'}, {'.join(FIELDS)}}}")


def _identity(path: str) -> str:
    """What two names of one file have in common."""
    folder, name = os.path.split(os.path.abspath(path))
    real = os.path.realpath(path) if os.path.lexists(path) else os.path.join(os.path.realpath(folder), name)
    return os.path.normcase(real)
